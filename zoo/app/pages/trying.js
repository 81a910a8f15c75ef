// Photos that a classifier is asked about, and the files that one takes along.

import { bar, button, camera, dropOn, files, make, say, trying } from "./parts.js";
import { ask, at, checked, each } from "./server.js";
import { percent, words } from "./words.js";

const SHOWN = 5; // classes

export function showTrying(section, id, heading) {
  const answers = make("ul", { className: "answers", id: "answers", ariaLive: "polite" });
  const view = make("div", { className: "camera" });
  const query = `classifier=${encodeURIComponent(id)}`;

  async function answer(file) {
    const response = await ask("POST", `/predict?top=${SHOWN}&${query}`, checked(file));
    answers.prepend(card(file, await response.json()));
  }

  async function take(list) {
    const failed = await each(list.map((item) => item.file ?? item), answer);
    if (failed.length) say(`${words.refused(failed.length)} ${failed[0].item.name}: ${failed[0].reason}`, true);
  }

  function card(file, said) {
    const image = make("img", { src: URL.createObjectURL(file), alt: file.name });
    const heat = button(words.heat, trying(async () => {
      heat.disabled = true;
      image.src = URL.createObjectURL(await (await ask("POST", `/explain?${query}`, file)).blob());
    }), "small");
    const rows = (said.top ?? []).map(({ label, probability }) =>
      make("li", {}, make("span", {}, label), bar(probability), make("span", { className: "share" }, percent(probability, 1))));
    return make(
      "li",
      { className: "panel answer" },
      image,
      make(
        "div",
        {},
        make("strong", { className: "best" }, best(said)),
        said.is_novel ? make("p", { className: "warning" }, words.novel) : null,
        make("ul", { className: "bars" }, rows),
        heat,
      ),
    );
  }

  const place = make(
    "div",
    { className: "place" },
    make("p", {}, words.tryAbout),
    make("div", { className: "row centre" },
      files(words.choose, take, { multiple: true, id: "try-files" }, "button main"),
      button(words.camera, () => camera(view, (file) => take([file])))),
    view,
  );
  dropOn(place, take);
  const paste = (event) => event.clipboardData.files.length && take([...event.clipboardData.files]);
  addEventListener("paste", paste);
  addEventListener("hashchange", () => removeEventListener("paste", paste), { once: true });
  section.append(heading, place, answers);
}

function best(said) {
  if (said.labels) return said.labels.map((item) => item.label ?? item).join(", ");
  return said.label ?? String(said.value ?? "");
}

export function showTaking(section, id, heading, report) {
  const file = (ending) => at("/api/classifiers", id, `file.${ending}`);
  const save = (ending) => trying(async () => {
    say(words.making);
    const response = await ask("GET", file(ending));
    const name = response.headers.get("content-disposition") ?? "";
    const coded = name.match(/filename\*=utf-8''([^;]+)/i)?.[1];
    const link = make("a", {
      href: URL.createObjectURL(await response.blob()),
      download: coded ? decodeURIComponent(coded) : (name.match(/filename="([^"]+)"/)?.[1] ?? `classifier.${ending}`),
    });
    link.click();
    say(words.saved);
  });
  const item = (className, text, about, ending) => {
    const element = button("", save(ending), `take ${className}`);
    element.id = `save-${ending}`;
    element.append(make("strong", {}, text), make("span", {}, about));
    return element;
  };
  section.replaceChildren(
    heading,
    make(
      "div",
      { className: "takes" },
      item("main", words.page, words.pageAbout, "html"),
      item("", words.keras, words.kerasAbout, "keras"),
      item("", words.onnx, words.onnxAbout, "onnx"),
      report
        ? make("a", { href: report, target: "_blank", rel: "noopener", className: "take" }, make("strong", {}, words.report), make("span", {}, words.reportAbout))
        : "",
    ),
  );
}
