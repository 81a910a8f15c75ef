// Normal noise, as the zoo makes it of a seed, and the way between two draws of it.

import { randomOf } from "./random.js";

const EDGE = 1e-12;

// How probable it is that a normal number is above x, which is not negative. By a continued fraction far out, a series near 0.
function above(x) {
  const density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  if (x < 3) {
    let [sum, term] = [x, x];
    for (let n = 3; term > 1e-17 * sum; n += 2) sum += term *= (x * x) / n;
    return 0.5 - density * sum;
  }
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / fraction;
  return density / fraction;
}

// The normal number below which one falls with a probability: Newton's way, from a start that is a little too far out.
export function quantile(probability) {
  const share = Math.min(probability, 1 - probability);
  if (share === 0.5) return 0;
  let x = Math.sqrt(Math.max(0, -2 * Math.log(2 * share)));
  for (let step = 0; step < 50; step++) {
    const density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    const change = (above(x) - share) / density;
    x += change / (1 - (x * change) / 2); // Halley's: the density's own slope counts, too
    if (Math.abs(change) < 1e-13) break;
  }
  return probability < 0.5 ? -x : x;
}

// What `zoo sample` with that seed draws its first picture from.
export function noiseOf(seed, length) {
  const random = randomOf(seed);
  const next = () => quantile(Math.min(1 - EDGE, Math.max(EDGE, random.double())));
  return Float64Array.from({ length }, next);
}

export const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

// Along the sphere: on the straight way between, noise would be shorter than any that was trained on.
export function between(first, last, share) {
  const cosine = dot(first, last) / Math.sqrt(dot(first, first) * dot(last, last));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const [a, b] = angle < 1e-6
    ? [1 - share, share]
    : [Math.sin((1 - share) * angle) / Math.sin(angle), Math.sin(share * angle) / Math.sin(angle)];
  return first.map((value, i) => a * value + b * last[i]);
}
