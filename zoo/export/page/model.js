// The model: ONNX Runtime, the network in it, and what makes a picture resemble nothing.

import { inBase64, unpack } from "./stored.js";

export async function openModel(facts) {
  const runtime = globalThis.ort;
  runtime.env.wasm.numThreads = 1; // more would need memory that pages opened from a file may not share
  runtime.env.wasm.wasmBinary = (await unpack("runtime")).buffer;
  runtime.env.logLevel = "error";
  const session = await runtime.InferenceSession.create(await unpack("network"), { executionProviders: ["wasm"] });
  delete runtime.env.wasm.wasmBinary;
  const detector = facts.novelty && novelty(facts.novelty);

  // Of pixels as the network takes them: probabilities or a number, and whether the picture resembles nothing.
  return async function answer(pixels) {
    const shape = [1, ...facts.preprocessing.size, facts.preprocessing.channels];
    const input = new runtime.Tensor("float32", Float32Array.from(pixels), shape);
    const outputs = await session.run({ pixels: input });
    return {
      values: Array.from(outputs[facts.answer].data),
      novel: detector && outputs.features ? detector(outputs.features.data) : null,
    };
  };
}

// Whether features leave the directions in which those of the training pictures vary; see zoo/tasks/images/novelty.py.
export function novelty({ centre, axes, limit }) {
  const numbers = (text) => new Float32Array(inBase64(text).buffer);
  const middle = numbers(centre);
  const all = numbers(axes);
  return (features) => {
    const length = Math.max(Math.hypot(...features), 1e-12);
    const x = Float64Array.from(features, (value, i) => value / length - middle[i]);
    const rest = x.slice();
    for (let from = 0; from < all.length; from += x.length) {
      let along = 0;
      for (let i = 0; i < x.length; i++) along += x[i] * all[from + i];
      for (let i = 0; i < x.length; i++) rest[i] -= along * all[from + i];
    }
    return Math.hypot(...rest) > limit;
  };
}
