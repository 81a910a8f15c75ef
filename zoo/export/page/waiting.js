// Long work in pieces, between which the browser draws and listens.

const PIECE = 40; // ms

let since = 0;

export async function breathe() {
  if (performance.now() - since < PIECE) return;
  await new Promise((resolve) => setTimeout(resolve));
  since = performance.now();
}

// Does the latest of what is asked for; what was asked for meanwhile, and is no longer wanted, is left out.
export function latest(work) {
  let wanted = null;
  let working = false;
  return async function ask(...what) {
    wanted = what;
    if (working) return;
    working = true;
    try {
      while (wanted) {
        const now = wanted;
        wanted = null;
        await work(...now);
      }
    } finally {
      working = false;
    }
  };
}
