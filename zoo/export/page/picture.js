// A file's picture: decoded by the browser, upright, its colours as they are stored, transparency over white.

import { resize } from "./resize.js";

// An ImageBitmap; it throws where the browser cannot read the file.
export function decode(file) {
  return createImageBitmap(file, {
    imageOrientation: "from-image",
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
}

// What the network takes, of shape (rows, columns, channels). A whole photo would not fit into some phones' canvas.
export function pixelsOf(bitmap, rule) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return resize(bitmap.width, bitmap.height, rule, (top, count) => {
    canvas.width = bitmap.width;
    canvas.height = count;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, bitmap.width, count);
    context.drawImage(bitmap, 0, top, bitmap.width, count, 0, 0, bitmap.width, count);
    return context.getImageData(0, 0, bitmap.width, count).data;
  });
}

// A small canvas to look at.
export function thumbnail(bitmap, side) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}
