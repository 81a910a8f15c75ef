// Parts of pages: elements, places to drop on, the camera, what is said.

import { dropped } from "./server.js";
import { words } from "./words.js";

// An element; text is text, never HTML.
export function make(tag, about = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function button(text, onclick, className = "") {
  return make("button", { type: "button", className, onclick }, text);
}

let timer = 0;
export function say(text, wrong = false) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.className = wrong ? "wrong" : "";
  clearTimeout(timer);
  timer = setTimeout(() => (said.textContent = ""), wrong ? 12000 : 6000);
}

// Run what a button asks for; what fails is said.
export const trying = (work) => async (...event) => {
  try {
    await work(...event);
  } catch (error) {
    say(error.message, true);
  }
};

export function files(text, onchange, about = {}, className = "button") {
  const input = make("input", { type: "file", accept: "image/jpeg,image/png,image/webp,image/gif", ...about });
  input.addEventListener("change", () => {
    const chosen = [...input.files];
    input.value = "";
    onchange(chosen);
  });
  return make("label", { className }, input, make("span", {}, text));
}

export function dropOn(element, take) {
  let depth = 0;
  const over = (by) => {
    depth = Math.max(0, depth + by);
    element.classList.toggle("over", depth > 0);
  };
  element.addEventListener("dragenter", (event) => { event.preventDefault(); event.stopPropagation(); over(1); });
  element.addEventListener("dragleave", (event) => { event.stopPropagation(); over(-1); });
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("drop", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    over(-depth);
    take(await dropped(event.dataTransfer));
  });
}

// Opens the camera in a place; each photo that is taken is given to `take`.
export async function camera(place, take) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
  } catch (error) {
    say(`${words.noCamera} ${error.message}`, true);
    return;
  }
  const video = make("video", { srcObject: stream, autoplay: true, muted: true, playsInline: true });
  const close = () => {
    stream.getTracks().forEach((track) => track.stop());
    place.replaceChildren();
  };
  addEventListener("hashchange", close, { once: true });
  const shoot = () => {
    const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => blob && take(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
  };
  const buttons = make("div", { className: "row" }, button(words.shoot, shoot, "main"), button(words.closeCamera, close));
  place.replaceChildren(video, buttons);
}

export const bar = (share) => make("meter", { min: 0, max: 1, value: share, ariaHidden: "true" });
