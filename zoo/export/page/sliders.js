// Sliders, one for each direction.

import { element } from "./elements.js";
import { words } from "./words.js";

const FAR = 4; // standard deviations

// Puts them into a place of the page; `act` is given a slider's number and its value, in standard deviations.
export function addSliders(place, count, act) {
  const inputs = Array.from({ length: count }, (_, k) => {
    const line = element("label");
    const input = element("input");
    const shown = element("output");
    Object.assign(input, { type: "range", min: -FAR, max: FAR, step: 0.05, value: 0 });
    const show = () => (shown.value = input.valueAsNumber.toFixed(1));
    input.addEventListener("input", () => {
      show();
      act(k, input.valueAsNumber);
    });
    input.show = show;
    line.append(element("span", words.direction(k + 1)), input, shown);
    place.append(line);
    return input;
  });

  // Moves them to where things stand, which says nothing to anybody.
  return function set(values) {
    for (const [k, input] of inputs.entries()) {
      input.value = values[k];
      input.show();
    }
  };
}

// Rows of float32 numbers of so many each.
export function rowsOf(bytes, size) {
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return Array.from({ length: all.length / size }, (_, k) => all.subarray(k * size, (k + 1) * size));
}
