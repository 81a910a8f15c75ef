// A photo that is clicked, or entered by the keyboard, fills the window; Escape, Enter or another click brings it back.
const dialog = document.createElement("dialog");
dialog.setAttribute("aria-label", "Enlarged photo");
document.body.append(dialog);
dialog.addEventListener("click", () => dialog.close());
dialog.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    dialog.close();
  }
});
for (const button of document.querySelectorAll(".photo button")) {
  button.addEventListener("click", () => {
    dialog.replaceChildren(button.firstElementChild.cloneNode());
    dialog.showModal();
  });
}
