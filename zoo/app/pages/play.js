// The models that the zoo ships: chat, write, draw, reckon with words.

import { button, make, trying } from "./parts.js";
import { ask, at, get, post } from "./server.js";
import { percent, words } from "./words.js";

export async function showPlay(main) {
  main.append(
    make("h1", {}, words.play),
    make("p", { className: "lead" }, words.firstTime),
    make("div", { className: "plays" }, chat(), write(), draw(), reckon()),
    study(await get("/api/studies")),
  );
}

function card(id, title, about, ...parts) {
  return make("section", { className: "panel", id }, make("h2", {}, title), make("p", { className: "quiet" }, about), parts);
}

// While something is asked for, its button waits.
const waiting = (element, work) =>
  trying(async (event) => {
    event.preventDefault();
    element.disabled = true;
    try {
      await work();
    } finally {
      element.disabled = false;
    }
  });

function chat() {
  const talk = make("ol", { className: "talk", ariaLive: "polite" });
  const line = make("input", { ariaLabel: words.chatHint, placeholder: words.chatHint, maxLength: 300, required: true });
  const send = make("button", { className: "main" }, words.say);
  const answer = waiting(send, async () => {
    const said = line.value;
    line.value = "";
    const reply = make("li", {}, words.thinking);
    talk.append(make("li", { className: "mine" }, said), reply);
    try {
      reply.textContent = (await post("/api/chat", said)).text;
    } catch (error) {
      reply.remove();
      throw error;
    }
    line.focus();
  });
  return card("chat", words.chat, words.chatAbout, talk, make("form", { className: "row", onsubmit: answer }, line, send));
}

function slider(text, about) {
  const input = make("input", { type: "range", ...about });
  return [make("label", { className: "slider" }, make("span", {}, text), input), input];
}

function write() {
  const text = make("textarea", { rows: 9, ariaLabel: words.write, value: "ROMEO:\n" });
  const [label, surprise] = slider(words.surprise, { min: 0.2, max: 1.4, step: 0.1, value: 0.7 });
  const more = button(words.goOn, null, "main");
  more.addEventListener(
    "click",
    waiting(more, async () => {
      const begun = text.value;
      const { text: added } = await post(`/api/write?temperature=${surprise.value}`, begun.slice(-500));
      text.value = begun + (added.startsWith(begun.slice(-500)) ? added.slice(begun.slice(-500).length) : added);
      text.scrollTop = text.scrollHeight;
    }),
  );
  return card("write", words.write, words.writeAbout, text, label, more);
}

function draw() {
  const image = make("img", { className: "drawn", alt: words.draw, hidden: true });
  const [first, seed] = slider(words.seed, { min: 0, max: 200, value: 1 });
  const [second, ordinary] = slider(words.ordinary, { min: 0.2, max: 2, step: 0.1, value: 0.8 });
  const again = button(words.draw, null, "main");
  const redraw = waiting(again, async () => {
    const response = await ask("GET", `/api/draw?seed=${seed.value}&truncation=${ordinary.value}`);
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(await response.blob());
    image.hidden = false;
  });
  again.addEventListener("click", redraw);
  for (const input of [seed, ordinary]) input.addEventListener("change", redraw);
  return card("draw", words.draw, words.drawAbout, image, first, second, again);
}

function reckon() {
  const [word, without, instead] = ["king", "man", "woman"].map((value) =>
    make("input", { value, ariaLabel: value, size: 8, autocapitalize: "off" }),
  );
  const found = make("ol", { className: "bars", ariaLive: "polite" });
  const equals = make("button", { className: "main" }, words.equals);
  const answer = waiting(equals, async () => {
    const query = new URLSearchParams({ word: word.value, without: without.value, instead: instead.value });
    const nearest = await get(`/api/words?${query}`);
    found.replaceChildren(
      ...nearest.slice(0, 6).map((each) => make("li", {}, make("span", {}, each.word), meter(each.cosine), percent(each.cosine))),
    );
  });
  const form = make("form", { className: "row sum", onsubmit: answer }, word, "−", without, "+", instead, equals);
  return card("words", words.wordsTitle, words.wordsAbout, form, found);
}

// What the studies asked and came to; one at a time is shown.
function study(kept) {
  const image = make("img", { className: "figure" });
  const said = make("pre", { tabIndex: 0 });
  const chosen = make("select", { ariaLabel: words.studies }, kept.map(({ name, question }) => make("option", { value: name }, question)));
  const show = () => {
    const { name, question, words: text } = kept[chosen.selectedIndex];
    image.src = at("/api/studies", name, "figure");
    image.alt = question;
    said.textContent = `zoo reproduce ${name}\n\n${text}`;
  };
  chosen.addEventListener("change", show);
  show();
  return card("studies", words.studies, words.studiesAbout, chosen, image, make("details", {}, make("summary", {}, words.studiesWords), said));
}

const meter = (value) => make("meter", { min: 0, max: 1, value, ariaHidden: "true" });
