// The page of a generator: pictures out of noise, moved along directions of it, and walked between.

import { apart, begin, fill, showTest } from "./shell.js";
import { at, element } from "./elements.js";
import { addSliders, rowsOf } from "./sliders.js";
import { between, dot, noiseOf } from "./normal.js";
import { download } from "./download.js";
import { enlargeable, named } from "./enlarge.js";
import { latest } from "./waiting.js";
import { newSeed } from "./random.js";
import { openNetwork, tensor } from "./runtime.js";
import { paint } from "./pixels.js";
import { percent, words } from "./words.js";
import { readFacts, unpack } from "./stored.js";

const MANY = 12;
const WALK = 3000; // ms

const facts = readFacts();
let run = null; // the network
let directions = []; // orthonormal rows
let setSliders = null;
let first = null; // where a walk begins: {seed, noise}
let last = null; // and ends
let noise = null; // of the picture that is shown
let walking = null; // what ends the walk

function say(sentence) {
  at("status").textContent = sentence;
}

async function draw(from) {
  const { pictures } = await run({ noise: tensor("float32", Float32Array.from(from), [1, facts.latent]) });
  return pictures.data;
}

const drawOn = async (canvas, from) => paint(canvas, await draw(from), facts.shape);

const show = latest(async (from, sentence) => {
  try {
    await drawOn(at("drawn"), from);
    named(at("drawn"), sentence);
    say(sentence);
  } catch (error) {
    say(`${words.failed} ${error.message}`);
  }
});

const drawOf = (seed) => ({ seed, noise: noiseOf(seed, facts.latent) });

function placeSliders() {
  setSliders(directions.map((direction) => dot(direction, noise)));
}

// Shows the picture of a seed, which a walk begins with.
async function startAt(seed) {
  stopWalk();
  first = drawOf(seed);
  noise = first.noise;
  at("seed").value = seed;
  at("share").value = 0;
  placeSliders();
  await drawOn(at("first"), noise);
  named(at("first"), `${words.walkFrom}: ${words.drawnOf(seed)}`);
  await show(noise, words.drawnOf(seed));
}

async function endAt(seed) {
  last = drawOf(seed);
  await drawOn(at("last"), last.noise);
  named(at("last"), `${words.walkTo}: ${words.drawnOf(seed)}`);
}

function moveAlong(k, value) {
  stopWalk();
  const change = value - dot(directions[k], noise);
  noise = noise.map((each, i) => each + change * directions[k][i]);
  show(noise, words.drawnMoved(first.seed));
}

function walkTo(share) {
  noise = between(first.noise, last.noise, share);
  at("share").value = share;
  placeSliders();
  return show(noise, words.drawnBetween(percent(share), first.seed, last.seed));
}

function stopWalk() {
  walking?.();
  walking = null;
}

function walk() {
  stopWalk();
  let going = true;
  let began = null;
  walking = () => (going = false);
  requestAnimationFrame(async function step(now) {
    began ??= now;
    if (!going) return;
    await walkTo(Math.min(1, (now - began) / WALK));
    if (now - began < WALK) requestAnimationFrame(step);
    else walking = null;
  });
}

async function drawOthers() {
  const items = Array.from({ length: MANY }, async () => {
    const { seed, noise: from } = drawOf(newSeed());
    const canvas = element("canvas");
    const choose = element("button", undefined, "picture");
    choose.type = "button";
    choose.setAttribute("aria-label", words.drawnOf(seed));
    choose.append(canvas);
    choose.addEventListener("click", () => startAt(seed));
    await drawOn(canvas, from);
    const item = element("li");
    item.append(choose);
    return item;
  });
  at("many").replaceChildren(...(await Promise.all(items)));
}

function listen() {
  const on = (id, act) => at(id).addEventListener("click", () => run && act());
  on("new", () => startAt(newSeed()));
  on("reset", () => startAt(first.seed));
  on("play", walk);
  on("other-end", async () => {
    stopWalk();
    await endAt(newSeed());
    walkTo(at("share").valueAsNumber);
  });
  on("others", drawOthers);
  on("keep", () => at("drawn").toBlob((blob) => download(`${facts.title}-${first.seed}.png`, blob)));
  at("seed").addEventListener("change", () => run && at("asked").reportValidity() && startAt(at("seed").valueAsNumber));
  at("asked").addEventListener("submit", (event) => event.preventDefault());
  at("share").addEventListener("input", () => {
    stopWalk();
    if (run) walkTo(at("share").valueAsNumber);
  });
  enlargeable(document.querySelectorAll("button.picture"));
}

async function open() {
  run = await openNetwork("network");
  directions = rowsOf(await unpack("directions"), facts.latent);
  setSliders = addSliders(at("sliders"), directions.length, moveAlong);
}

async function selfTest() {
  showTest(apart([...(await draw(facts.selftest.noise))], await unpack("selftest")), facts.selftest.tolerance);
}

async function start() {
  if (!(await begin(open, selfTest, say))) return (run = null);
  await endAt(1);
  await startAt(0);
  await drawOthers();
}

fill(facts);
at("knows").textContent = words.draws(facts.data);
named(at("drawn"), words.drawn);
listen();
start();
