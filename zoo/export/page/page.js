// The page: what people drop, paste, choose or photograph, one after the other through the network, and what is shown.

import { decode, pixelsOf, thumbnail } from "./picture.js";
import { readFacts, unpack } from "./stored.js";
import { csv, download } from "./table.js";
import { kindOf } from "./kinds.js";
import { language, number, percent, words } from "./words.js";
import { openModel } from "./model.js";
import { resize } from "./resize.js";

const facts = readFacts();
const at = (id) => document.getElementById(id);
const kind = kindOf(facts);
const answers = []; // of what is shown: {name, said, novel}
let answer = null; // what computes one; null where this browser cannot
let waiting = null; // for what was given before

function element(kind, text, className) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function say(text) {
  at("status").textContent = text;
}

function fill() {
  document.documentElement.lang = language;
  for (const part of document.querySelectorAll("[data-words]")) part.textContent = words[part.dataset.words];
  at("title").textContent = facts.title;
  const about = words[facts.target];
  at("knows").textContent = about.knows(facts.labels.slice(0, 12).join(", "), Math.max(0, facts.labels.length - 12));
  if (facts.measured) {
    const { value, ci, n } = facts.measured;
    at("measured").textContent = about.measured(...[value, ...ci].map(about.unit), n);
  }
}

// The whole way from a picture to its answer, on a picture that the page holds.
async function selfTest() {
  const { height, width, expected, tolerance } = facts.selftest;
  const bytes = await unpack("selftest"); // (height, width, 3)
  const pixels = resize(width, height, facts.preprocessing, (top, count) => {
    const rows = new Uint8ClampedArray(count * width * 4);
    for (let i = 0; i < count * width; i++) rows.set(bytes.subarray((top * width + i) * 3, (top * width + i) * 3 + 3), i * 4);
    return rows;
  });
  const { values } = await answer(pixels);
  const difference = Math.max(...values.map((value, i) => Math.abs(value - expected[i])));
  const passed = difference <= tolerance;
  at("selftest-result").textContent = (passed ? words.passed : words.broken)(difference.toExponential(0));
  at("selftest-result").className = passed ? "passed" : "broken";
}

// A card for a file, put in front of another one; gives what to say of it.
async function look(file, before) {
  const name = file.name || words.pasted;
  const card = element("li");
  const lines = element("div", undefined, "said");
  at("answers").insertBefore(card, before);
  let bitmap;
  try {
    bitmap = await decode(file);
  } catch {
    lines.append(element("p", name, "name"), element("p", words.unreadable, "novel"));
    card.append(element("div", "?", "no-picture"), lines);
    return `${name}: ${words.unreadable}`;
  }
  const canvas = thumbnail(bitmap, 320);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", name);
  const { values, novel } = await answer(pixelsOf(bitmap, facts.preprocessing));
  bitmap.close();
  const said = kind.say(values);
  answers.push({ name, said, novel });
  lines.append(element("p", said.best, "best"));
  if (said.off) lines.append(element("p", said.off, "quiet"));
  if (novel) lines.append(element("p", words.novel, "novel"));
  const bars = element("ul", undefined, "bars");
  for (const { label, share, shown, below } of said.bars) {
    const line = element("li", undefined, below ? "below" : "");
    const bar = element("meter");
    bar.value = share;
    bar.setAttribute("aria-hidden", "true");
    line.append(element("span", below ? words.not(label) : label), bar, element("span", shown, "number"));
    bars.append(line);
  }
  if (said.bars.length) lines.append(bars);
  if (said.more) lines.append(element("p", words[facts.target].others(said.more), "name"));
  lines.append(element("p", name, "name"));
  card.append(canvas, lines);
  return `${name}: ${said.best}${novel ? `. ${words.novel}` : ""}`;
}

function take(files) {
  const pictures = [...files];
  if (!pictures.length) return;
  waiting = waiting.then(async () => {
    if (!answer) return;
    const began = performance.now();
    const before = at("answers").firstChild; // the newest on top, those given together in their order
    let last = "";
    for (const [i, file] of pictures.entries()) {
      say(words.working(i + 1, pictures.length));
      await new Promise((resolve) => setTimeout(resolve)); // so that the browser draws what was said
      last = await look(file, before);
      at("results").hidden = false;
    }
    const time = Math.round((performance.now() - began) / pictures.length);
    say(pictures.length === 1 ? last : words.done(pictures.length, time));
  });
}

function listen() {
  for (const id of ["files", "camera"]) {
    at(id).addEventListener("change", (event) => {
      take(event.target.files);
      event.target.value = "";
    });
  }
  addEventListener("dragover", (event) => {
    event.preventDefault();
    at("place").classList.add("over");
  });
  addEventListener("dragleave", (event) => event.relatedTarget || at("place").classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    at("place").classList.remove("over");
    take(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => take(event.clipboardData.files));
  at("table").addEventListener("click", () => {
    const rows = answers.map(({ name, said, novel }) => {
      const resembles = novel === null ? "" : novel ? words.yes : words.no;
      return [name, ...said.row, resembles, ...said.further];
    });
    download(`${facts.title}.csv`, csv([kind.columns, ...rows]));
  });
  at("clear").addEventListener("click", () => {
    answers.length = 0;
    at("answers").replaceChildren();
    at("results").hidden = true;
    say(words.ready);
    at("files").focus();
  });
}

async function begin() {
  try {
    say(words.opening);
    await new Promise((resolve) => setTimeout(resolve, 30));
    answer = await openModel(facts);
    say(words.testing);
    await selfTest();
    say(words.ready);
  } catch (error) {
    answer = null;
    say(`${words.failed} ${error.message}`);
  }
}

fill();
listen(); // at once: what is dropped on a page that does not listen replaces it
waiting = begin();
