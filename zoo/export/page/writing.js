// The page of a language model: it goes on with a text, token by token, as one watches.

import { apart, begin, fill, showTest } from "./shell.js";
import { at, element } from "./elements.js";
import { breathe } from "./waiting.js";
import { download } from "./download.js";
import { drawToken } from "./sampling.js";
import { newSeed, randomOf } from "./random.js";
import { openNetwork, tensor } from "./runtime.js";
import { readFacts } from "./stored.js";
import { vocabularyOf } from "./vocabulary.js";
import { words } from "./words.js";

const facts = readFacts();
const { kind } = facts.zoo.vocabulary;
const vocabulary = vocabularyOf(facts.zoo.vocabulary);
let run = null; // the network
let text = null; // what is being written: {states, logits, random, decode}
let writing = false;

function say(sentence) {
  at("status").textContent = sentence;
}

// A text before its first token.
function begun(seed) {
  const states = facts.states.map((size) => tensor("float32", new Float32Array(size), [1, size]));
  return { seed, states, logits: null, random: randomOf(seed), decode: vocabulary.decoding() };
}

// Reads one token: the states and the logits of the next one are those after it.
async function read(into, number) {
  const given = { token: tensor("int32", Int32Array.of(number), [1]) };
  into.states.forEach((state, i) => (given[`state_${i}`] = state));
  const outputs = await run(given);
  into.states = into.states.map((_, i) => outputs[`next_state_${i}`]);
  into.logits = outputs.logits.data;
}

async function selfTest() {
  const { tokens, expected, tolerance } = facts.selftest;
  const tested = begun(0);
  for (const number of tokens) await read(tested, number);
  showTest(apart([...tested.logits], expected), tolerance);
}

// One more token, which is then read.
async function writeToken(temperature, uniform) {
  const number = drawToken(text.logits, uniform, temperature);
  at("text").lastChild.append(text.decode(number));
  await read(text, number);
}

// What may be pressed now; the focus goes on from what no longer may.
function enable() {
  const focused = document.activeElement;
  at("write").disabled = writing || !run;
  at("stop").disabled = !writing;
  at("go-on").disabled = writing || !text;
  if (focused.disabled) at(writing ? "stop" : "go-on").focus();
}

// Lets nothing else begin until it is done, and says what went wrong.
async function alone(work) {
  writing = true;
  enable();
  try {
    await work();
  } catch (error) {
    say(`${words.failed} ${error.message}`);
  }
  writing = false;
  enable();
}

// Draws as many tokens as are asked for, unless somebody stops it.
async function goOn() {
  const length = at("length").valueAsNumber;
  const temperature = at("temperature").valueAsNumber;
  const began = performance.now();
  let done = 0;
  say(words[kind].writing);
  while (done < length && writing) {
    await writeToken(temperature, text.random.float());
    done++;
    await breathe();
  }
  say(words[kind].written(done, Math.round((1000 * done) / (performance.now() - began)), text.seed));
}

async function write() {
  const { numbers, unknown } = vocabulary.encode(at("prompt").value);
  at("prompt").setAttribute("aria-invalid", String(unknown.length > 0));
  if (unknown.length) {
    say(words[kind].unknown(unknown.slice(0, 5).join(" "), facts.zoo.vocabulary.tokens.slice(0, 40).join(" ")));
    return at("prompt").focus();
  }
  text = begun(Number.isNaN(at("seed").valueAsNumber) ? newSeed() : at("seed").valueAsNumber);
  at("text").replaceChildren(element("span", numbers.map(text.decode).join(""), "given"), element("span", ""));
  await alone(async () => {
    // an empty prompt stands for a line break, which is not shown
    for (const [i, number] of (numbers.length ? numbers : [vocabulary.numbers.get("\n") ?? 1]).entries()) {
      if (i) text.random.float(); // one for each token but the last, as zoo generate draws them
      await read(text, number);
      await breathe();
    }
    await goOn();
  });
}

function listen() {
  at("asked").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!writing && run) write();
  });
  at("stop").addEventListener("click", () => (writing = false));
  at("go-on").addEventListener("click", () => at("asked").reportValidity() && alone(goOn));
  at("keep").addEventListener("click", () => download(`${facts.title}.txt`, new Blob([at("text").textContent])));
  at("temperature").addEventListener("input", showTemperature);
}

function showTemperature() {
  at("shown-temperature").value = at("temperature").value;
}

fill(facts);
at("knows").textContent = words[kind].knows(facts.data, facts.zoo.vocabulary.tokens.length);
at("length-of").textContent = words[kind].length;
at("seed").placeholder = words.newOne;
showTemperature();
enable();
listen();
begin(
  async () => {
    run = await openNetwork("network");
  },
  selfTest,
  say,
).then(enable);
