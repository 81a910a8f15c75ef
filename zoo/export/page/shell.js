// What every page has: its words in the reader's language, its networks being opened, and its self-test.

import { at } from "./elements.js";
import { language, words } from "./words.js";

export function fill({ title }) {
  document.documentElement.lang = language;
  document.title = title;
  for (const part of document.querySelectorAll("[data-words]")) part.textContent = words[part.dataset.words];
  at("title").textContent = title;
}

export function showTest(difference, tolerance) {
  const passed = difference <= tolerance;
  at("selftest-result").textContent = (passed ? words.passed : words.broken)(difference.toExponential(0));
  at("selftest-result").className = passed ? "passed" : "broken";
}

// Opens networks and tests them, and says so; whether this browser can run them.
export async function begin(open, test, say) {
  try {
    say(words.opening);
    await new Promise((resolve) => setTimeout(resolve, 30)); // so that the browser draws what was said
    await open();
    say(words.testing);
    await test();
    say(words.ready);
    return true;
  } catch (error) {
    say(`${words.failed} ${error.message}`);
    return false;
  }
}

// The largest difference between numbers.
export function apart(ours, theirs) {
  return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
}
