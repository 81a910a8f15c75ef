// What the page holds: JSON, and bytes that are deflated and in base64.

export function readFacts() {
  return JSON.parse(document.getElementById("facts").textContent);
}

export function inBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// The bytes of an element of the page, which is emptied: nobody needs its text again.
export async function unpack(id) {
  const element = document.getElementById(id);
  const packed = new Blob([inBase64(element.textContent)]);
  element.textContent = "";
  const stream = packed.stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
