// What the page holds: JSON, and bytes that are deflated and in base64.

export function readFacts() {
  return JSON.parse(document.getElementById("facts").textContent);
}

export function inBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
}

async function through(stream, blob) {
  return new Uint8Array(await new Response(blob.stream().pipeThrough(stream)).arrayBuffer());
}

// The bytes of an element of the page.
export function unpack(id) {
  const packed = new Blob([inBase64(document.getElementById(id).textContent)]);
  return through(new DecompressionStream("deflate-raw"), packed);
}

// A Blob as the text of such an element.
export async function pack(blob) {
  return toBase64(await through(new CompressionStream("deflate-raw"), blob));
}
