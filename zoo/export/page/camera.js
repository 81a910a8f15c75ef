// Photos by the camera: one for a press, many while the button is held.

import { button, element } from "./elements.js";
import { words } from "./words.js";

const PAUSE = 100; // ms between two photos

let open = null; // {stream, place} of the camera that is on

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

export function closeCamera() {
  if (!open) return;
  for (const track of open.stream.getTracks()) track.stop();
  open.place.replaceChildren();
  open = null;
}

// Shows what the camera sees in a place of the page; `take` is given each photo, an ImageBitmap, and waited for.
export async function openCamera(place, take) {
  closeCamera();
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  open = { stream, place };
  const video = element("video");
  Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
  const shutter = button(words.hold, "main", () => {});
  let held = false;
  async function photograph() {
    if (held) return;
    held = true;
    do {
      await take(await createImageBitmap(video));
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    } while (held && open?.stream === stream);
  }
  const release = () => (held = false);
  shutter.addEventListener("pointerdown", photograph);
  for (const end of ["pointerup", "pointercancel", "pointerleave", "blur", "keyup"]) shutter.addEventListener(end, release);
  shutter.addEventListener("keydown", (event) => {
    if ((event.key === " " || event.key === "Enter") && !event.repeat) photograph();
  });
  shutter.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long touch
  const buttons = element("div", undefined, "buttons");
  buttons.append(shutter, button(words.closeCamera, "", closeCamera));
  place.replaceChildren(video, buttons);
  await video.play();
  shutter.focus();
}
