// The head, solved in the page: multinomial logistic regression with an L2 penalty at its optimum, as zoo/transfer/head.py
// has it. Cross-validation on these photos alone chooses the penalty's strength, and says how good the head is.

import { logits, softmax } from "./head.js";
import { minimise } from "./lbfgs.js";
import { principalAxes } from "./eigen.js";

const FOLDS = 5;
const STRENGTHS = Array.from({ length: 9 }, (_, i) => 10 ** (-1 - i / 2)); // strong to weak: each starts the next
const WORSE = 1.01; // of the least loss; weaker penalties only fit the folds' accidents better

// A fold for each photo. Each class is cut into as many runs, in the order in which its photos were given: those that were
// taken one after the other are much alike, and stay together.
export function foldsOf(y, classes) {
  const counts = Array.from({ length: classes }, (_, k) => y.filter((label) => label === k).length);
  const folds = Math.max(2, Math.min(FOLDS, ...counts));
  const seen = counts.map(() => 0);
  return y.map((label) => Math.floor((seen[label]++ * folds) / counts[label]));
}

// Features centred, over one common scale, in their main axes: numbers as many as photos, where these are fewer.
export async function standardised(features) {
  const [n, d] = [features.length, features[0].length];
  const mean = new Float64Array(d);
  for (const row of features) for (let i = 0; i < d; i++) mean[i] += row[i] / n;
  const centred = features.map((row) => mean.map((middle, i) => row[i] - middle));
  const sum = centred.reduce((all, row) => row.reduce((part, value) => part + value * value, all), 0);
  const scale = Math.sqrt(sum / n) || 1;
  for (const row of centred) for (let i = 0; i < d; i++) row[i] /= scale;
  return { mean, scale, ...(await principalAxes(centred, 1e-7)) };
}

// The optimum on some of the photos: weights, one row a class and in the main axes, and biases, as one array.
async function optimum({ at, spread }, y, classes, strength, chosen, start, tolerance) {
  const r = spread.length;
  const share = 1 / chosen.length;
  const curvature = Math.max((1 - 1 / classes) / classes, 1e-3); // of the loss by one logit, where nothing is known
  const steepness = spread.map((variance) => Math.sqrt(curvature * variance + strength));
  const from = (values, down) =>
    values.map((value, i) => (i < classes * r ? (down ? value / steepness[i % r] : value * steepness[i % r]) : value));

  function objective(scaled) {
    const values = from(scaled, true);
    const slope = new Float64Array(values.length);
    let value = 0;
    for (let i = 0; i < classes * r; i++) {
      value += (strength / 2) * values[i] ** 2;
      slope[i] = strength * values[i];
    }
    const scores = new Float64Array(classes);
    for (const n of chosen) {
      const x = at[n];
      for (let k = 0; k < classes; k++) {
        let score = values[classes * r + k];
        for (let j = 0, w = k * r; j < r; j++, w++) score += values[w] * x[j];
        scores[k] = score;
      }
      const means = softmax(scores);
      value -= share * Math.log(Math.max(means[y[n]], 1e-300));
      for (let k = 0; k < classes; k++) {
        const error = share * (means[k] - (k === y[n] ? 1 : 0));
        for (let j = 0, w = k * r; j < r; j++, w++) slope[w] += error * x[j];
        slope[classes * r + k] += error;
      }
    }
    for (let i = 0; i < classes * r; i++) slope[i] /= steepness[i % r];
    return { value, slope };
  }

  return from(await minimise(objective, from(start, false), tolerance), true);
}

// A solution in the main axes as a head.
function inRows(values, classes, r) {
  return {
    kernel: Array.from({ length: classes }, (_, k) => values.subarray(k * r, (k + 1) * r)),
    bias: values.subarray(classes * r),
  };
}

// A solution as a head on the features as they came.
function unfolded({ mean, scale, axes, spread }, values, classes) {
  const { kernel, bias } = inRows(values, classes, spread.length);
  const rows = kernel.map((row) => {
    const all = new Float64Array(mean.length);
    row.forEach((weight, j) => axes[j].forEach((along, i) => (all[i] += (weight * along) / scale)));
    return all;
  });
  return { kernel: rows, bias: bias.map((value, k) => value - rows[k].reduce((sum, w, i) => sum + w * mean[i], 0)) };
}

// The head at one strength of the penalty.
export async function solveHead(features, y, classes, strength) {
  const units = await standardised(features);
  return solved(units, y, classes, strength);
}

async function solved(units, y, classes, strength, start = new Float64Array(classes * (units.spread.length + 1))) {
  return unfolded(units, await optimum(units, y, classes, strength, [...y.keys()], start, 1e-6), classes);
}

// The head for features (an array for each photo) of classes y, whole numbers from 0. `heldOut` are each photo's
// probabilities by a head that did not see it; `fold` says which one.
export async function fitHead(features, y, classes, progress = () => {}) {
  const units = await standardised(features);
  const fold = foldsOf(y, classes);
  const folds = Math.max(...fold) + 1;
  const r = units.spread.length;
  let starts = Array.from({ length: folds }, () => new Float64Array(classes * (r + 1)));
  let best = { loss: Infinity };
  for (const [tried, strength] of STRENGTHS.entries()) {
    progress(tried / STRENGTHS.length);
    const heldOut = [];
    for (let f = 0; f < folds; f++) {
      const others = [...y.keys()].filter((n) => fold[n] !== f);
      starts[f] = await optimum(units, y, classes, strength, others, starts[f], 1e-5);
      const head = inRows(starts[f], classes, r);
      for (const n of y.keys()) if (fold[n] === f) heldOut[n] = softmax(logits(head, units.at[n]));
    }
    const loss = heldOut.reduce((sum, shares, n) => sum - Math.log(Math.max(shares[y[n]], 1e-300)), 0) / y.length;
    if (loss < best.loss) best = { loss, strength, heldOut, starts: [...starts] };
    else if (loss > WORSE * best.loss) break;
  }
  const middle = best.starts[0].map((_, i) => best.starts.reduce((sum, values) => sum + values[i], 0) / folds);
  const head = await solved(units, y, classes, best.strength, middle);
  return { head, fold, strength: best.strength, heldOut: best.heldOut };
}

// A share with its 95 % Wilson interval, as zoo/metrics.py has it.
export function proportion(hits, n) {
  const z = 1.959963984540054;
  const share = hits / n;
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return { value: share, ci: [hits ? centre - half : 0, hits < n ? centre + half : 1], n };
}
