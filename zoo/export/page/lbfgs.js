// The least value of a smooth convex function, by L-BFGS (Liu & Nocedal 1989).

import { breathe } from "./waiting.js";

const REMEMBERED = 10; // steps that the curvature is guessed from
const MOST = 3000; // steps

const product = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const moved = (a, step, b) => a.map((value, i) => value + step * b[i]);

// `at(x)` gives {value, slope}. It ends where no slope is steeper than `tolerance`, or no step leads down.
export async function minimise(at, x, tolerance) {
  const memory = []; // of {step, change, curvature}
  let here = at(x);
  for (let n = 0; n < MOST && here.slope.some((slope) => Math.abs(slope) > tolerance); n++) {
    await breathe();
    let direction = here.slope.map((slope) => -slope);
    const weights = memory.map(() => 0);
    for (let i = memory.length - 1; i >= 0; i--) {
      weights[i] = product(memory[i].step, direction) / memory[i].curvature;
      direction = moved(direction, -weights[i], memory[i].change);
    }
    if (memory.length) {
      const { change, curvature } = memory.at(-1);
      const scale = curvature / product(change, change);
      direction = direction.map((value) => value * scale);
    }
    memory.forEach(({ step, change, curvature }, i) => {
      direction = moved(direction, weights[i] - product(change, direction) / curvature, step);
    });
    const descent = product(here.slope, direction);
    let size = memory.length ? 1 : Math.min(1, 1 / Math.sqrt(-descent));
    let next;
    let there;
    for (; ; size /= 2) {
      next = moved(x, size, direction);
      there = at(next);
      if (there.value <= here.value + 1e-4 * size * descent) break;
      if (size < 1e-10) return x; // as low as rounding lets it go
    }
    const step = moved(next, -1, x);
    const change = moved(there.slope, -1, here.slope);
    const curvature = product(step, change);
    if (curvature > 1e-14 * product(change, change)) memory.push({ step, change, curvature });
    if (memory.length > REMEMBERED) memory.shift();
    [x, here] = [next, there];
  }
  return x;
}
