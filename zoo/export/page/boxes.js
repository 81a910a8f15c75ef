// Boxes with names, one for each class, and the photos in them.

import { at, button, chooser, element } from "./elements.js";
import { closeCamera, hasCamera, openCamera } from "./camera.js";
import { decode, pixelsOf, thumbnail } from "./picture.js";
import { words } from "./words.js";

const SIDE = 96; // pixels of a photo in a box

export const boxes = []; // {element, input, photos: [{name, features, element}]}

export const nameOf = (box) => box.input.value.trim();

// An empty box with a name; `take(box, pictures)` is what puts pictures into it.
export function addBox(name, take) {
  const box = { element: element("li", undefined, "box"), input: element("input"), photos: [] };
  const label = element("label", words.boxName);
  box.input.value = name;
  box.input.maxLength = 60;
  box.input.addEventListener("input", () => box.input.removeAttribute("aria-invalid"));
  label.append(box.input);
  const place = element("div", undefined, "camera");
  const buttons = element("div", undefined, "buttons");
  buttons.append(chooser(words.choose, (files) => take(box, files.map((file) => ({ file, name: file.name })))));
  if (hasCamera()) {
    const photograph = (bitmap) => take(box, [{ bitmap, name: words.photo(box.photos.length + 1) }]);
    buttons.append(
      button(words.camera, "button", () =>
        openCamera(place, photograph).catch(() => place.replaceChildren(element("p", words.noCamera, "novel"))),
      ),
    );
  }
  box.count = element("p", words.photos(0), "quiet");
  box.list = element("ul", undefined, "photos");
  box.list.addEventListener("keydown", moveAlong);
  const remove = button("×", "remove", () => {
    if (place.firstChild) closeCamera();
    boxes.splice(boxes.indexOf(box), 1);
    box.element.remove();
    at("add-box").focus();
  });
  remove.setAttribute("aria-label", words.removeBox);
  const line = element("div", undefined, "line");
  line.append(label, remove);
  box.element.append(line, box.count, buttons, place, box.list);
  at("boxes").append(box.element);
  boxes.push(box);
  return box;
}

export const isEmpty = (box) => !box.photos.length && !nameOf(box);

// Puts a picture, {file or bitmap, name}, into a box with what the network sees in it; false where it cannot be read.
export async function addPhoto(box, { file, bitmap, name }, see, rule) {
  try {
    bitmap ??= await decode(file);
  } catch {
    return false;
  }
  const canvas = thumbnail(bitmap, SIDE);
  const { features } = await see(pixelsOf(bitmap, rule));
  bitmap.close();
  const photo = { name, features, element: element("li") };
  photo.button = button(undefined, "", () => {
    const next = photo.element.nextSibling ?? photo.element.previousSibling;
    box.photos.splice(box.photos.indexOf(photo), 1);
    photo.element.remove();
    (next?.firstChild ?? box.input).focus();
    counted(box);
  });
  photo.button.append(canvas);
  describe(photo);
  photo.element.append(photo.button);
  box.list.append(photo.element);
  box.photos.push(photo);
  counted(box);
  return true;
}

// What is said of a photo in a box; `judged` where it would be taken for something else.
export function describe(photo, judged = "") {
  const text = [photo.name, judged, words.removePhoto].filter(Boolean).join(". ");
  photo.button.setAttribute("aria-label", text);
  photo.button.title = text;
  photo.button.classList.toggle("wrong", Boolean(judged));
}

function counted(box) {
  box.count.textContent = words.photos(box.photos.length);
  box.list.setAttribute("aria-label", `${nameOf(box)}: ${box.count.textContent}`);
  for (const [i, { button: each }] of box.photos.entries()) each.tabIndex = i ? -1 : 0; // arrows go from one to the other
}

function moveAlong(event) {
  const step = { ArrowRight: "nextSibling", ArrowLeft: "previousSibling" }[event.key];
  event.target.closest("li")?.[step]?.firstChild.focus();
}
