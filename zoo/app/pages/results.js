// What came of a training: how good it is, its mistakes, the labels that may be wrong.

import { ask, at, remove } from "./server.js";
import { button, make, trying } from "./parts.js";
import { percent, words } from "./words.js";

const SURE = 100; // held-out photos, below which more are asked for

export function showResults(section, project, refresh, heading) {
  const { results } = project;
  const path = at("/api/projects", project.id);
  const { value, ci: [low, high], n } = results.accuracy;
  const ring = make("div", { className: "score" }, make("strong", {}, percent(value)), make("span", {}, words.of(n)));
  section.replaceChildren(
    heading,
    make(
      "div",
      { className: "panel verdict" },
      ring,
      make("div", {}, scale(value, low, high), make("p", {}, words.interval(percent(low), percent(high)), n < SURE ? ` ${words.few}` : ""),
        results.changed ? make("p", { className: "warning" }, words.changed) : null),
    ),
    make("h3", {}, words.mistakes(results.mistakes.length)),
    make("ul", { className: "gallery" }, results.mistakes.map((item) =>
      photo(item, words.taken(item.truth, item.predicted), percent(item.probability)))),
    results.suspects.length ? make("h3", {}, words.suspects(results.suspects.length)) : "",
    results.suspects.length ? make("p", { className: "quiet" }, words.suspectsAbout) : "",
    make("ul", { className: "gallery" }, results.suspects.map((item) => photo(item, words.suspect(item.label, item.likelier), "", item.likelier))),
  );

  function photo({ box, photo: name }, text, number, likelier) {
    const image = make("img", { src: at(path, "thumbnails", name), alt: text, loading: "lazy" });
    const open = button("", () => show(box, name, text, likelier), "picture");
    open.append(image);
    return make("li", {}, open, make("span", {}, text), number ? make("span", { className: "quiet" }, number) : null);
  }

  function show(box, name, text, likelier) {
    const dialog = document.getElementById("photo");
    const image = make("img", { src: at(path, "thumbnails", name), alt: text });
    const about = make("p", { className: "quiet" }, "");
    const here = project.boxes.some((each) => each.name === box && each.photos.includes(name));
    const change = (work) => trying(async () => {
      await work();
      dialog.close();
      await refresh();
      location.reload();
    });
    const own = at(path, "boxes", box, "photos", name);
    const heat = button(words.heat, trying(async () => {
      heat.disabled = true;
      const response = await ask("GET", `${own}/heat`);
      image.src = URL.createObjectURL(await response.blob());
      about.textContent = words.heatAbout;
    }));
    dialog.replaceChildren(
      make("h2", { id: "photo-title" }, text),
      image,
      about,
      make(
        "div",
        { className: "row" },
        here ? heat : "",
        here && likelier ? button(words.move(likelier), change(() => ask("PUT", own, likelier))) : "",
        here ? button(words.remove, change(() => remove(own))) : "",
        button(words.close, () => dialog.close(), "main"),
      ),
    );
    dialog.showModal();
  }
}

// The accuracy on a line from 0 to 1, with its interval.
function scale(value, low, high) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 6");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "scale");
  svg.setAttribute("aria-hidden", "true");
  const part = (className, x, width) => {
    const rect = document.createElementNS(space, "rect");
    for (const [name, number] of Object.entries({ x, width, y: 0, height: 6 })) rect.setAttribute(name, number);
    rect.setAttribute("class", className);
    svg.append(rect);
  };
  part("whole", 0, 100);
  part("interval", 100 * low, 100 * (high - low));
  part("value", Math.max(0, 100 * value - 0.6), 1.2);
  return svg;
}
