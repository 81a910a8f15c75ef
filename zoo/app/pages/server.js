// The studio's server: requests, their errors as sentences, uploads some at a time.

import { words } from "./words.js";

const AT_ONCE = 4; // photos on their way
const LARGEST = 20 * 2 ** 20; // bytes of a photo

export class Refused extends Error {}

export async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, body });
  } catch {
    throw new Refused(words.lost);
  }
  if (!response.ok) {
    const { error } = await response.json().catch(() => ({ error: response.statusText }));
    throw new Refused(words.failed(response.status, error));
  }
  return response;
}

export const get = async (path) => (await ask("GET", path)).json();
export const post = async (path, body = "") => (await ask("POST", path, body)).json();
export const put = async (path, body) => (await ask("PUT", path, body)).json();
export const remove = async (path) => (await ask("DELETE", path)).json();

export const at = (...parts) => parts.map((part, i) => (i ? encodeURIComponent(part) : part)).join("/");

// Do something for each item, a few at a time; gives the errors by item.
export async function each(items, work) {
  const left = [...items];
  const failed = [];
  const lane = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      try {
        await work(item);
      } catch (error) {
        failed.push({ item, reason: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return failed;
}

export function checked(file) {
  if (file.size > LARGEST) throw new Refused(words.tooLarge);
  return file;
}

// Photos that were dropped, each with the name of its folder, "" where it lay in none.
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, folder: "" }));
  const found = [];
  const walk = async (entry, folder) => {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      if (!file.name.startsWith(".")) found.push({ file, folder });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) break;
      for (const child of some) await walk(child, entry.name);
    }
  };
  for (const entry of entries) await walk(entry, "");
  return found;
}

// The same of an input for folders.
export function chosen(files) {
  return [...files]
    .filter((file) => !file.name.startsWith("."))
    .map((file) => ({ file, folder: file.webkitRelativePath.split("/").at(-2) ?? "" }));
}
