// A small picture as large as the window.

import { button, element } from "./elements.js";
import { words } from "./words.js";

export function enlarge(canvas) {
  const dialog = element("dialog", undefined, "large");
  const copy = element("canvas");
  Object.assign(copy, { width: canvas.width, height: canvas.height });
  copy.getContext("2d").drawImage(canvas, 0, 0);
  copy.setAttribute("role", "img");
  copy.setAttribute("aria-label", canvas.getAttribute("aria-label"));
  copy.style.aspectRatio = `${canvas.width} / ${canvas.height}`;
  dialog.append(copy, button(words.closeLarge, "", () => dialog.close()));
  copy.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// Lets each button that holds a canvas enlarge it.
export function enlargeable(buttons) {
  for (const each of buttons) {
    const canvas = each.querySelector("canvas");
    each.addEventListener("click", () => enlarge(canvas));
  }
}

// Says what a canvas in such a button shows.
export function named(canvas, name) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", name);
  canvas.closest("button")?.setAttribute("aria-label", `${name} ${words.enlarge}`);
}
