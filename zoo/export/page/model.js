// The network: ONNX Runtime, and what it says of pixels.

import { unpack } from "./stored.js";

export async function openModel({ preprocessing, answer }) {
  const runtime = globalThis.ort;
  runtime.env.wasm.numThreads = 1; // more would need memory that pages opened from a file may not share
  runtime.env.wasm.wasmBinary = (await unpack("runtime")).buffer;
  runtime.env.logLevel = "error";
  const session = await runtime.InferenceSession.create(await unpack("network"), { executionProviders: ["wasm"] });
  delete runtime.env.wasm.wasmBinary;
  const shape = [1, ...preprocessing.size, preprocessing.channels];

  // Of pixels as the network takes them: `values` where it answers itself, `features` and `maps`, a tensor, where it has them.
  return async function see(pixels) {
    const outputs = await session.run({ pixels: new runtime.Tensor("float32", Float32Array.from(pixels), shape) });
    return { values: outputs[answer] && [...outputs[answer].data], features: outputs.features?.data, maps: outputs.maps };
  };
}
