// The studio: which page is shown, and the words of the frame.

import { say } from "./parts.js";
import { showHome } from "./home.js";
import { showGiven, showProject } from "./project.js";
import { showPlay } from "./play.js";
import { language, words } from "./words.js";

const PAGES = [
  [/^#\/project\/([0-9a-f]+)$/, showProject],
  [/^#\/classifier\/([\w-]+)$/, showGiven],
  [/^#\/play$/, showPlay],
  [/^/, showHome],
];

async function show() {
  const main = document.getElementById("main");
  const [, page, found] = PAGES.map(([path, page]) => [path, page, location.hash.match(path)]).find((each) => each[2]);
  document.querySelectorAll(".top nav a").forEach((link) => {
    const here = link.hash === (location.hash === "#/play" ? "#/play" : "#/");
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  });
  main.replaceChildren();
  try {
    await page(main, ...found.slice(1));
  } catch (error) {
    say(error.message, true);
    if (page !== showHome) location.hash = "#/";
  }
  scrollTo(0, 0);
  main.dataset.shown = location.hash;
}

document.documentElement.lang = language;
document.querySelectorAll("[data-words]").forEach((element) => (element.textContent = words[element.dataset.words]));
for (const type of ["dragover", "drop"]) addEventListener(type, (event) => event.preventDefault()); // else it leaves the page
addEventListener("hashchange", show);
show();
