// ONNX Runtime, and the networks of the page in it.

import { unpack } from "./stored.js";

let started = null;
let turn = Promise.resolve(); // the runtime computes one thing at a time

async function startRuntime() {
  const runtime = globalThis.ort;
  runtime.env.wasm.numThreads = 1; // more would need memory that pages opened from a file may not share
  runtime.env.wasm.wasmBinary = (await unpack("runtime")).buffer;
  runtime.env.logLevel = "error";
}

// The network of an element of the page: a function from tensors to tensors, each by its name.
export async function openNetwork(id) {
  await (started ??= startRuntime());
  const runtime = globalThis.ort;
  const session = await runtime.InferenceSession.create(await unpack(id), { executionProviders: ["wasm"] });
  delete runtime.env.wasm.wasmBinary; // the first network has made use of it
  return function run(inputs) {
    const outputs = turn.then(() => session.run(inputs));
    turn = outputs.catch(() => {});
    return outputs;
  };
}

export const tensor = (type, data, shape) => new globalThis.ort.Tensor(type, data, shape);
