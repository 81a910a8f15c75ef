// A linear head on the network's features: logits and probabilities, and how it is stored.

import { unpack } from "./stored.js";

// As the page holds it: {kernel, bias}, rows of the kernel being classes. Null where the network itself answers.
export async function readHead({ head, labels }) {
  if (!head) return null;
  const bytes = await unpack("head");
  const size = head.features * (head.half ? 2 : 4);
  const row = (k) => bytes.slice(k * size, (k + 1) * size).buffer;
  return {
    kernel: labels.map((_, k) => (head.half ? fromHalf(new Uint16Array(row(k))) : new Float32Array(row(k)))),
    bias: new Float32Array(bytes.slice(labels.length * size).buffer),
  };
}

// Its bytes, as readHead reads them where `half` is false.
export function headBytes({ kernel, bias }) {
  return new Blob([...kernel.map((row) => Float32Array.from(row)), Float32Array.from(bias)]);
}

function fromHalf(numbers) {
  return Float32Array.from(numbers, (bits) => {
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
    return bits >> 15 ? -size : size;
  });
}

export function logits({ kernel, bias }, features) {
  return kernel.map((row, k) => row.reduce((sum, weight, i) => sum + weight * features[i], bias[k]));
}

export function softmax(scores) {
  const most = Math.max(...scores);
  const shares = scores.map((score) => Math.exp(score - most));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / sum);
}
