// What the network says of pixels.

import { openNetwork, tensor } from "./runtime.js";

export async function openModel({ preprocessing, answer }) {
  const run = await openNetwork("network");
  const shape = [1, ...preprocessing.size, preprocessing.channels];

  // Of pixels as the network takes them: `values` where it answers itself, `features` and `maps`, a tensor, where it has them.
  return async function see(pixels) {
    const outputs = await run({ pixels: tensor("float32", Float32Array.from(pixels), shape) });
    return { values: outputs[answer] && [...outputs[answer].data], features: outputs.features?.data, maps: outputs.maps };
  };
}
