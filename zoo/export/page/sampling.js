// How the next token is chosen from logits.

const UNKNOWN = 0; // the token that stands for all that are not in the vocabulary, and is never written

// `uniform` is a number from 0 to 1; temperature 0 takes the most probable token.
export function drawToken(logits, uniform, temperature) {
  const order = [...logits.keys()].filter((token) => token !== UNKNOWN).sort((a, b) => logits[b] - logits[a]);
  if (temperature === 0) return order[0];
  const most = logits[order[0]];
  const shares = order.map((token) => Math.exp((logits[token] - most) / temperature));
  const limit = uniform * shares.reduce((a, b) => a + b, 0);
  let sum = 0;
  const place = shares.findIndex((share) => (sum += share) > limit);
  return order[place < 0 ? order.length - 1 : place];
}
