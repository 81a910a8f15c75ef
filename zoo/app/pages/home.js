// The first page: begin a classifier, or open one.

import { make, trying } from "./parts.js";
import { at, get, post } from "./server.js";
import { percent, words } from "./words.js";

export async function showHome(main) {
  const [projects, classifiers] = await Promise.all([get("/api/projects"), get("/api/classifiers")]);
  const name = make("input", { id: "new-name", maxLength: 80, required: true, placeholder: words.newExample, autocomplete: "off" });
  const begin = trying(async (event) => {
    event.preventDefault();
    const { id } = await post("/api/projects", name.value);
    location.hash = `#/project/${id}`;
  });
  main.append(
    make(
      "section",
      { className: "hero" },
      make("h1", {}, words.hero),
      make("p", { className: "lead" }, words.sub),
      make(
        "form",
        { id: "begin", onsubmit: begin },
        make("label", { htmlFor: "new-name" }, words.newName),
        make("div", { className: "row" }, name, make("button", { className: "main" }, words.begin)),
      ),
    ),
  );
  const given = classifiers.filter(({ id }) => id.startsWith("file-"));
  if (given.length) main.append(list(words.given, given.map(({ id, name }) => card(`#/classifier/${id}`, name, "", []))));
  if (projects.length) {
    main.append(
      list(
        words.yours,
        projects.map((each) => {
          const about = each.trained ? (each.accuracy ? words.right(percent(each.accuracy.value)) : "") : words.untrained;
          const seen = each.boxes.filter(({ photo }) => photo);
          return card(
            `#/project/${each.id}`,
            each.name,
            [about, each.boxes.map((box) => box.name).join(", ")],
            seen.slice(0, 4).map((box) => at("/api/projects", each.id, "thumbnails", box.photo)),
            each.trained,
          );
        }),
      ),
    );
  }
}

function list(title, cards) {
  return make("section", {}, make("h2", {}, title), make("ul", { className: "cards" }, cards));
}

function card(href, name, [about, boxes] = [], photos, good = false) {
  const strip = make(
    "span",
    { className: "strip" },
    photos.map((src) => make("img", { src, alt: "", loading: "lazy" })),
  );
  return make(
    "li",
    {},
    make(
      "a",
      { href, className: "card" },
      photos.length ? strip : null,
      make("strong", {}, name),
      about ? make("span", { className: good ? "good" : "quiet" }, about) : null,
      boxes ? make("span", { className: "quiet" }, boxes) : null,
    ),
  );
}
