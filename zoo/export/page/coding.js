// The page of an autoencoder: a picture, its code, and the picture that is drawn again from the code alone.

import { apart, begin, fill, showTest } from "./shell.js";
import { at, chosen } from "./elements.js";
import { addSliders, rowsOf } from "./sliders.js";
import { decode, pixelsOf } from "./picture.js";
import { download } from "./download.js";
import { enlargeable, named } from "./enlarge.js";
import { filesOf } from "./dropped.js";
import { latest } from "./waiting.js";
import { number, words } from "./words.js";
import { openNetwork, tensor } from "./runtime.js";
import { openPad } from "./pad.js";
import { paint, paintNumbers } from "./pixels.js";
import { readFacts, unpack } from "./stored.js";

const BLACK = "#000";
const WHITE = "#fff"; // what is transparent is seen over it

const facts = readFacts();
const shape = [...facts.preprocessing.size, facts.preprocessing.channels];
const sizeOf = (lengths) => lengths.reduce((product, length) => product * length, 1);
let networks = null; // {encoder, decoder}
let directions = []; // rows as long as codes spread
let setSliders = null;
let pad = null;
let code = null; // of the given picture
let moves = []; // of the sliders

function say(sentence) {
  at("status").textContent = sentence;
}

async function encode(pixels) {
  const outputs = await networks.encoder({ pixels: tensor("float32", Float32Array.from(pixels), [1, ...shape]) });
  return Float32Array.from(outputs.code.data);
}

async function drawAgain(from) {
  const outputs = await networks.decoder({ [facts.code.name]: tensor("float32", from, [1, ...facts.code.shape]) });
  return outputs.reconstruction.data;
}

// A picture as the network takes it, coded and drawn again.
const recode = latest(async (pixels) => {
  if (!networks) return;
  try {
    paint(at("given"), pixels, shape);
    code = await encode(pixels);
    moves = directions.map(() => 0);
    setSliders(moves);
    showCode(code);
    const again = await drawAgain(code);
    paint(at("again"), again, shape);
    const off = pixels.reduce((sum, value, i) => sum + Math.abs(value - again[i]), 0) / pixels.length;
    say(words.aboutOff(number(off, 2)));
  } catch (error) {
    say(`${words.failed} ${error.message}`);
  }
});

const recodePad = () => recode(pixelsOf(at("pad"), facts.preprocessing));

function showCode(numbers) {
  paintNumbers(at("code"), numbers, facts.code.shape);
}

const drawMoved = latest(async () => {
  const moved = code.map((value, i) => moves.reduce((sum, move, k) => sum + move * directions[k][i], value));
  showCode(moved);
  paint(at("again"), await drawAgain(moved), shape);
  say(moves.some(Boolean) ? words.moved : "");
});

async function take(files) {
  if (!files.length) return;
  try {
    const bitmap = await decode(files[0]);
    pad.fill(WHITE);
    pad.show(bitmap);
    recode(pixelsOf(bitmap, facts.preprocessing)); // from the picture itself: the pad has another size
    bitmap.close();
  } catch {
    say(words.unreadable);
  }
}

function listen() {
  for (const id of ["files", "camera"]) chosen(at(id), take);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    at("place").classList.add("over");
  });
  const leave = () => at("place").classList.remove("over");
  addEventListener("dragleave", (event) => event.relatedTarget || leave());
  addEventListener("drop", async (event) => {
    event.preventDefault();
    leave();
    take((await filesOf(event.dataTransfer)).map(({ file }) => file));
  });
  addEventListener("paste", (event) => take([...event.clipboardData.files]));
  const fillWith = (id, colour) =>
    at(id).addEventListener("click", () => {
      pad.fill(colour());
      recodePad();
    });
  fillWith("wipe", () => BLACK);
  fillWith("paint", () => at("pen").value);
  at("reset").addEventListener("click", () => {
    moves = moves.map(() => 0);
    setSliders(moves);
    if (code) drawMoved();
  });
  at("keep").addEventListener("click", () => at("again").toBlob((blob) => download(`${facts.title}.png`, blob)));
  enlargeable(document.querySelectorAll("button.picture"));
}

async function open() {
  const [encoder, decoder] = [await openNetwork("encoder"), await openNetwork("decoder")];
  directions = rowsOf(await unpack("directions"), sizeOf(facts.code.shape));
  setSliders = addSliders(at("sliders"), directions.length, (k, value) => {
    moves[k] = value;
    if (code) drawMoved();
  });
  networks = { encoder, decoder };
}

// On a picture that the page holds.
async function selfTest() {
  const bytes = await unpack("selftest"); // what is given, and what is drawn of it
  const [given, expected] = [bytes.subarray(0, sizeOf(shape)), bytes.subarray(sizeOf(shape))];
  showTest(apart([...(await drawAgain(await encode(given)))], expected), facts.selftest.tolerance);
}

async function start() {
  if (!(await begin(open, selfTest, say))) return (networks = null);
  await recodePad();
}

fill(facts);
at("knows").textContent = words.recodes(sizeOf(facts.code.shape), sizeOf(shape), facts.data);
for (const id of ["given", "code", "again"]) named(at(id), words[id]);
named(at("pad"), words.pad);
pad = openPad(at("pad"), shape, () => at("pen").value, recodePad);
pad.fill(BLACK);
listen();
start();
