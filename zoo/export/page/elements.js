// Parts of the page.

export const at = (id) => document.getElementById(id);

export function element(kind, text, className) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

export function button(text, className, act) {
  const made = element("button", text, className);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

// What looks like a button and chooses files; `act` is given them.
export function chooser(text, act) {
  const made = element("label", undefined, "button");
  const input = element("input");
  Object.assign(input, { type: "file", accept: "image/*", multiple: true });
  chosen(input, act);
  made.append(input, element("span", text));
  return made;
}

export function chosen(input, act) {
  input.addEventListener("change", () => {
    act([...input.files]);
    input.value = "";
  });
}
