// Eigenvalues and eigenvectors of a symmetric matrix: Householder reflections to a tridiagonal one, then QL steps.

import { breathe } from "./waiting.js";

function dot(a, b, from = 0) {
  let sum = 0;
  for (let i = from; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addTo(a, factor, b, from = 0) {
  for (let i = from; i < a.length; i++) a[i] += factor * b[i];
}

// Overwrites the rows of `matrix`. Gives the diagonal, what stands beside it, and the reflections.
async function tridiagonal(matrix) {
  const n = matrix.length;
  const beside = new Float64Array(n);
  const mirrors = [];
  for (let k = 0; k + 2 < n; k++) {
    await breathe();
    const mirror = Float64Array.from(matrix[k]).fill(0, 0, k + 1);
    const length = Math.sqrt(dot(mirror, mirror, k + 1));
    beside[k] = mirror[k + 1] > 0 ? -length : length;
    mirror[k + 1] -= beside[k];
    const norm = Math.sqrt(dot(mirror, mirror, k + 1));
    mirrors.push(norm ? mirror : null);
    if (!norm) continue;
    for (let i = k + 1; i < n; i++) mirror[i] /= norm;
    const image = new Float64Array(n);
    for (let i = k + 1; i < n; i++) image[i] = 2 * dot(matrix[i], mirror, k + 1);
    addTo(image, -dot(image, mirror, k + 1), mirror, k + 1);
    for (let i = k + 1; i < n; i++) {
      const [row, a, b] = [matrix[i], mirror[i], image[i]];
      for (let j = k + 1; j < n; j++) row[j] -= a * image[j] + b * mirror[j];
    }
  }
  if (n > 1) beside[n - 2] = matrix[n - 1][n - 2];
  return { diagonal: Float64Array.from(matrix, (row, i) => row[i]), beside, mirrors };
}

// Rotates until nothing stands beside the diagonal any more; rows of `vectors` become eigenvectors.
async function diagonalise(diagonal, beside, vectors) {
  const n = diagonal.length;
  for (let first = 0; first < n; first++) {
    for (;;) {
      let last = first;
      while (last < n - 1) {
        const size = Math.abs(diagonal[last]) + Math.abs(diagonal[last + 1]);
        if (Math.abs(beside[last]) <= Number.EPSILON * size) break;
        last++;
      }
      if (last === first) break;
      await breathe();
      const half = (diagonal[first + 1] - diagonal[first]) / (2 * beside[first]);
      const root = Math.hypot(half, 1);
      let g = diagonal[last] - diagonal[first] + beside[first] / (half + (half < 0 ? -root : root));
      let [sine, cosine, shift] = [1, 1, 0];
      let i = last - 1;
      for (; i >= first; i--) {
        const f = sine * beside[i];
        const b = cosine * beside[i];
        const r = Math.hypot(f, g);
        beside[i + 1] = r;
        if (r === 0) {
          diagonal[i + 1] -= shift;
          beside[last] = 0;
          break;
        }
        sine = f / r;
        cosine = g / r;
        g = diagonal[i + 1] - shift;
        const t = (diagonal[i] - g) * sine + 2 * cosine * b;
        shift = sine * t;
        diagonal[i + 1] = g + shift;
        g = cosine * t - b;
        const [upper, lower] = [vectors[i], vectors[i + 1]];
        for (let k = 0; k < n; k++) {
          const [u, l] = [upper[k], lower[k]];
          lower[k] = sine * u + cosine * l;
          upper[k] = cosine * u - sine * l;
        }
      }
      if (i >= first) continue; // it fell apart in two
      diagonal[first] -= shift;
      beside[first] = g;
      beside[last] = 0;
    }
  }
}

// Of a matrix as rows, which is overwritten: its eigenvalues, largest first, and the eigenvectors as rows.
export async function eigen(matrix) {
  const { diagonal, beside, mirrors } = await tridiagonal(matrix);
  const vectors = matrix.map((_, i) => new Float64Array(matrix.length).fill(1, i, i + 1));
  await diagonalise(diagonal, beside, vectors);
  for (const vector of vectors) {
    await breathe();
    for (let k = mirrors.length - 1; k >= 0; k--) {
      if (mirrors[k]) addTo(vector, -2 * dot(mirrors[k], vector, k + 1), mirrors[k], k + 1);
    }
  }
  const order = [...vectors.keys()].sort((a, b) => diagonal[b] - diagonal[a]);
  return { values: order.map((i) => diagonal[i]), vectors: order.map((i) => vectors[i]) };
}

// The main axes of rows, which are centred: the directions in which they vary, as unit rows, the variance along each, and
// where each row lies along them. What is below `least` of the largest variance is left out.
export async function principalAxes(rows, least, most = Infinity) {
  const [n, d] = [rows.length, rows[0].length];
  const few = n <= d; // then the smaller of the two products has the same directions
  const product = [];
  for (let i = 0; i < (few ? n : d); i++) {
    await breathe();
    if (few) product.push(Float64Array.from(rows, (row) => dot(row, rows[i]) / n));
    else product.push(rows.reduce((sum, row) => (addTo(sum, row[i] / n, row), sum), new Float64Array(d)));
  }
  const { values, vectors } = await eigen(product);
  const count = Math.min(most, values.filter((value) => value > least * values[0]).length);
  const spread = Float64Array.from(values.slice(0, count));
  const axes = vectors.slice(0, count).map((vector, j) => {
    if (!few) return vector;
    const axis = new Float64Array(d);
    for (let i = 0; i < n; i++) addTo(axis, vector[i] / Math.sqrt(n * spread[j]), rows[i]);
    return axis;
  });
  const at = rows.map((row, i) =>
    few ? spread.map((value, j) => vectors[j][i] * Math.sqrt(n * value)) : spread.map((_, j) => dot(axes[j], row)),
  );
  return { axes, spread, at };
}
