// Long work in pieces, between which the browser draws and listens.

const PIECE = 40; // ms

let since = 0;

export async function breathe() {
  if (performance.now() - since < PIECE) return;
  await new Promise((resolve) => setTimeout(resolve));
  since = performance.now();
}
