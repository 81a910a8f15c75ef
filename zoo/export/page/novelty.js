// Does a picture resemble anything that was learned? Whether its features leave the directions in which those of the
// training pictures vary; see zoo/tasks/images/novelty.py.

import { inBase64, toBase64 } from "./stored.js";
import { principalAxes } from "./eigen.js";

const AXES = 32;
const LEAST = 40; // pictures, below which nothing can be said
const ENOUGH = 300; // pictures that are learned from, evenly taken where there are more
const NOVEL = 0.01; // share of training pictures that may count as novel, each judged by axes that it had no part in

function direction(features) {
  const length = Math.max(Math.sqrt(features.reduce((sum, value) => sum + value * value, 0)), 1e-12);
  return Float64Array.from(features, (value) => value / length);
}

// How far features are from the axes.
function remainder({ centre, axes }, features) {
  const rest = direction(features).map((value, i) => value - centre[i]);
  for (const axis of axes) {
    const along = axis.reduce((sum, value, i) => sum + value * rest[i], 0); // axes are at right angles
    for (let i = 0; i < rest.length; i++) rest[i] -= along * axis[i];
  }
  return Math.sqrt(rest.reduce((sum, value) => sum + value * value, 0));
}

export function isNovel(detector, features) {
  return remainder(detector, features) > detector.limit;
}

async function axesOf(features) {
  const rows = features.map(direction);
  const centre = new Float64Array(rows[0].length);
  for (const row of rows) for (let i = 0; i < centre.length; i++) centre[i] += row[i] / rows.length;
  const centred = rows.map((row) => row.map((value, i) => value - centre[i]));
  const count = Math.min(AXES, Math.max(1, Math.floor(rows.length / 4)));
  return { centre, axes: (await principalAxes(centred, 1e-12, count)).axes };
}

// From features, an array for each picture, and a fold for each; null from too few.
export async function fitNovelty(features, fold) {
  if (features.length < LEAST) return null;
  const step = Math.max(1, features.length / ENOUGH);
  const chosen = Array.from({ length: Math.floor(features.length / step) }, (_, i) => Math.floor(i * step));
  const apart = [];
  for (const f of new Set(fold)) {
    const known = await axesOf(chosen.filter((n) => fold[n] !== f).map((n) => features[n]));
    for (const n of chosen) if (fold[n] === f) apart.push(remainder(known, features[n]));
  }
  apart.sort((a, b) => a - b);
  const place = (1 - NOVEL) * (apart.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, apart.length - 1);
  const limit = apart[below] + (place - below) * (apart[above] - apart[below]);
  return { ...(await axesOf(chosen.map((n) => features[n]))), limit };
}

export function readNovelty(stored) {
  if (!stored) return null;
  const numbers = (text) => new Float32Array(inBase64(text).buffer);
  const centre = numbers(stored.centre);
  const all = numbers(stored.axes);
  const axes = Array.from({ length: all.length / centre.length }, (_, i) =>
    all.subarray(i * centre.length, (i + 1) * centre.length),
  );
  return { centre, axes, limit: stored.limit };
}

// As readNovelty reads it.
export function storedNovelty(detector) {
  if (!detector) return null;
  const all = detector.axes.flatMap((axis) => [...axis]);
  const text = (numbers) => toBase64(new Uint8Array(Float32Array.from(numbers).buffer));
  return { centre: text(detector.centre), axes: text(all), limit: detector.limit };
}
