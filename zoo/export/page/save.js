// The page as another file: the same parts, but for what it knows.

import { headBytes } from "./head.js";
import { pack } from "./stored.js";

function escaped(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element.innerHTML;
}

const outer = (elements) => elements.map((element) => element.outerHTML).join("\n");

// A Blob. `facts` are those of the new page, which go with `head`.
export async function pageOf(facts, head) {
  const stored = [...document.querySelectorAll('script[type="text/plain"]')].map((part) => part.cloneNode(true));
  stored.find((part) => part.id === "head").textContent = await pack(headBytes(head));
  const parts = {
    mark: document.querySelector("meta[name=generator]").outerHTML,
    policy: document.querySelector("meta[http-equiv]").content,
    title: escaped(facts.title),
    style: document.querySelector("style").textContent,
    about: document.getElementById("about").innerHTML,
    facts: JSON.stringify(facts).replaceAll("<", "\\u003c"),
    parts: outer(stored),
    scripts: outer([...document.querySelectorAll("script[type=module]")]),
  };
  const pieces = facts.template.split(/\{\{(\w+)\}\}/); // text and names of parts, in turn
  return new Blob(pieces.map((piece, i) => (i % 2 ? parts[piece] : piece)), { type: "text/html" });
}
