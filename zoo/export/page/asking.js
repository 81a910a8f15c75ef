// The page of a model that answers: what people drop, paste, choose or photograph, one after the other through the network, and what is shown; and, in
// its other mode, what they put into boxes to be learned.

import { apart, begin, fill, showTest } from "./shell.js";
import { at, chosen } from "./elements.js";
import { begunTeaching, fillBox, learn, sort } from "./teach.js";
import { boxes } from "./boxes.js";
import { cardOf, unreadableCard } from "./card.js";
import { closeCamera } from "./camera.js";
import { csv } from "./table.js";
import { decode, pixelsOf, thumbnail } from "./picture.js";
import { download } from "./download.js";
import { filesOf, inFolders } from "./dropped.js";
import { heatOf } from "./heat.js";
import { isNovel, readNovelty, storedNovelty } from "./novelty.js";
import { kindOf } from "./kinds.js";
import { percent, words } from "./words.js";
import { logits, readHead, softmax } from "./head.js";
import { openModel } from "./model.js";
import { pageOf } from "./save.js";
import { readFacts, unpack } from "./stored.js";
import { resize } from "./resize.js";

let facts = readFacts();
let kind = kindOf(facts);
let head = null; // what answers from features; null where the network itself does
let detector = readNovelty(facts.novelty);
let see = null; // what the network says of pixels; null where this browser cannot run it
let saved = true; // what was learned
let waiting = null; // for what was given before
const answers = []; // of what is shown: {name, said, novel}

const isTeaching = () => !at("teaching").hidden;

function say(text) {
  at(isTeaching() ? "teaching-status" : "status").textContent = text;
}

// One after the other, with what went wrong said.
function queue(work) {
  waiting = waiting.then(async () => {
    if (!see) return;
    try {
      await work();
    } catch (error) {
      say(`${words.failed} ${error.message}`);
    }
  });
}

function introduce() {
  fill(facts);
  const about = words[facts.target];
  at("knows").textContent = about.knows(facts.labels.slice(0, 12).join(", "), Math.max(0, facts.labels.length - 12));
  at("measured").textContent = facts.measured ? measuredIn(facts) : "";
  if (facts.counts) {
    at("made").textContent = words.taught(facts.labels.map((label, k) => `${label} (${facts.counts[k]})`).join(", "));
  }
  at("modes").hidden = !facts.head;
  at("heat").hidden = !facts.head?.maps;
}

function measuredIn({ target, measured: { value, ci, n }, counts }) {
  const about = words[target];
  return (counts ? about.crossValidated : about.measured)(...[value, ...ci].map(about.unit), n);
}

const answer = ({ values, features }) => (head ? softmax(logits(head, features)) : values);

// Features of the picture that the page holds to test itself with, and the values that answer it.
async function seeTest() {
  const { height, width } = facts.selftest;
  const bytes = await unpack("selftest"); // (height, width, 3)
  const pixels = resize(width, height, facts.preprocessing, (top, count) => {
    const rows = new Uint8ClampedArray(count * width * 4);
    for (let i = 0; i < count * width; i++) rows.set(bytes.subarray((top * width + i) * 3, (top * width + i) * 3 + 3), i * 4);
    return rows;
  });
  return see(pixels);
}

// The whole way from a picture to its answer, on a picture that the page holds.
async function selfTest() {
  const { expected, tolerance } = facts.selftest;
  showTest(apart(answer(await seeTest()), expected), tolerance);
}

// A card for a file, put in front of another one; gives what to say of it.
async function look(file, before) {
  const name = file.name || words.pasted;
  let bitmap;
  try {
    bitmap = await decode(file);
  } catch {
    at("answers").insertBefore(unreadableCard(name), before);
    return `${name}: ${words.unreadable}`;
  }
  const thumb = thumbnail(bitmap, 320);
  const seen = await see(pixelsOf(bitmap, facts.preprocessing));
  bitmap.close();
  const values = answer(seen);
  const novel = detector && isNovel(detector, seen.features);
  const said = kind.say(values);
  const heat = head && seen.maps && heatOf(seen.maps, head.kernel[values.indexOf(Math.max(...values))]);
  answers.push({ name, said, novel, heat });
  const card = cardOf(name, thumb, said, novel, heat, facts);
  if (at("answers").classList.contains("heat")) card.drawHeat?.();
  at("answers").insertBefore(card, before);
  return `${name}: ${said.best}${novel ? `. ${words.novel}` : ""}`;
}

function take(pictures) {
  if (!pictures.length) return;
  queue(async () => {
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

function forget() {
  answers.length = 0;
  at("answers").replaceChildren();
  at("results").hidden = true;
}

// Puts pictures into a box of the other mode.
function teachWith(box, pictures) {
  saved = false;
  queue(() => fillBox(box, pictures, see, facts.preprocessing, say));
  return waiting;
}

function switchTo(mode) {
  at("asking").hidden = mode !== "ask";
  at("teaching").hidden = mode !== "teach";
  for (const each of ["ask", "teach"]) at(each).setAttribute("aria-pressed", String(each === mode));
  if (mode === "teach") begunTeaching(teachWith);
  else closeCamera();
}

// From now on the page answers as it was taught.
async function use({ labels, head: learned, novelty, measured, counts, wrong }) {
  const title = labels.join(", ");
  facts = {
    ...facts,
    title,
    labels,
    measured,
    counts,
    novelty: storedNovelty(novelty),
    head: { ...facts.head, half: false },
    agreement: null,
    zoo: { task: facts.zoo.task, name: facts.zoo.name, labels },
  };
  head = learned;
  detector = novelty;
  kind = kindOf(facts);
  facts.selftest = { ...facts.selftest, expected: answer(await seeTest()) };
  introduce();
  forget();
  await selfTest();
  at("new-title").value = title;
  at("learned-result").textContent = measuredIn(facts);
  at("learned-wrong").textContent = wrong ? words.outlined(wrong) : "";
  at("learned").hidden = false;
  say("");
}

function sortInto(pictures) {
  const inside = pictures.filter(({ folder }) => folder);
  if (inside.length < pictures.length || !inside.length) say(words.whichBox);
  if (inside.length) sort(inside, teachWith);
}

async function dropped(event) {
  const target = boxes.find((box) => box.element.contains(event.target));
  const pictures = await filesOf(event.dataTransfer).catch(() => null);
  if (!pictures) say(words.noFolder);
  else if (!isTeaching()) take(pictures.map(({ file }) => file));
  else if (target) teachWith(target, pictures.map(({ file }) => ({ file, name: file.name })));
  else sortInto(pictures);
}

function pasted(event) {
  const files = [...event.clipboardData.files];
  const target = boxes.find((box) => box.element.contains(document.activeElement));
  if (!files.length) return;
  if (!isTeaching()) take(files);
  else if (target) teachWith(target, files.map((file) => ({ file, name: words.photo(target.photos.length + 1) })));
  else say(words.whichBox);
}

function listen() {
  for (const id of ["files", "camera"]) chosen(at(id), take);
  chosen(at("folders"), (files) => sortInto(inFolders(files)));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    at("place").classList.add("over");
    for (const box of boxes) box.element.classList.toggle("over", box.element.contains(event.target));
  });
  function leave() {
    for (const over of document.querySelectorAll(".over")) over.classList.remove("over");
  }
  addEventListener("dragleave", (event) => event.relatedTarget || leave());
  addEventListener("drop", (event) => {
    event.preventDefault();
    leave();
    dropped(event);
  });
  addEventListener("paste", pasted);
  at("table").addEventListener("click", () => {
    const rows = answers.map(({ name, said, novel }) => {
      const resembles = novel === null ? "" : novel ? words.yes : words.no;
      return [name, ...said.row, resembles, ...said.further];
    });
    download(`${facts.title}.csv`, new Blob([csv([kind.columns, ...rows])], { type: "text/csv;charset=utf-8" }));
  });
  at("heat").addEventListener("click", () => {
    const on = at("answers").classList.toggle("heat");
    at("heat").setAttribute("aria-pressed", String(on));
    if (on) for (const card of at("answers").children) card.drawHeat?.();
  });
  at("clear").addEventListener("click", () => {
    forget();
    say(words.ready);
    at("files").focus();
  });
  for (const mode of ["ask", "teach"]) at(mode).addEventListener("click", () => switchTo(mode));
  at("learn").addEventListener("click", () =>
    queue(async () => {
      closeCamera();
      const learned = await learn(say);
      if (learned) await use(learned);
    }),
  );
  at("try").addEventListener("click", () => {
    switchTo("ask");
    at("files").focus();
  });
  at("save").addEventListener("click", async () => {
    const title = at("new-title").value.trim() || facts.title;
    download(`${title}.html`, await pageOf({ ...facts, title }, head));
    saved = true;
    say(words.saved);
  });
  addEventListener("beforeunload", (event) => saved || event.preventDefault());
}

async function openParts() {
  const model = await openModel(facts);
  head = await readHead(facts);
  see = model;
}

async function startAsking() {
  if (!(await begin(openParts, selfTest, say))) see = null;
}

introduce();
listen(); // at once: what is dropped on a page that does not listen replaces it
waiting = startAsking();
