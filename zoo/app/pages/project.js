// A classifier's page: its boxes, its training, what came of it.

import { showBoxes } from "./boxes.js";
import { button, make, say, trying } from "./parts.js";
import { showResults } from "./results.js";
import { at, get, post, put, remove } from "./server.js";
import { showTaking, showTrying } from "./trying.js";
import { percent, words } from "./words.js";

const FEWEST = 3; // photos of a box

export async function showProject(main, id) {
  const path = at("/api/projects", id);
  let project = await get(path);
  const boxes = make("section", { id: "boxes-step", className: "step" });
  const training = make("section", { id: "train-step", className: "step" });
  const results = make("section", { id: "results-step", className: "step", hidden: true });
  const trial = make("section", { id: "try-step", className: "step", hidden: true });
  const taking = make("section", { id: "take-step", className: "step", hidden: true });

  const name = make("input", { value: project.name, ariaLabel: words.rename, className: "title", maxLength: 80 });
  name.addEventListener("change", trying(async () => (name.value = (await put(path, name.value)).name)));
  main.append(
    make("p", { className: "crumb" }, make("a", { href: "#/" }, `‹ ${words.back}`)),
    make("h1", {}, name),
    boxes, training, results, trial, taking,
    make("p", { className: "ending" }, button(words.removeProject, trying(async () => {
      if (!confirm(words.sureProject(project.name))) return;
      await remove(path);
      location.hash = "#/";
    }), "quiet-button")),
  );

  const status = make("p", { id: "train-status", role: "status" });
  const progress = make("progress", { hidden: true, max: 1, ariaLabel: words.step2 });
  const train = button(words.train, trying(async () => {
    await post(`${path}/training`);
    follow();
  }), "main big");
  train.id = "train";
  const stop = button(words.stop, trying(() => remove(`${path}/training`)));
  stop.hidden = true;
  training.append(heading(2, words.step2), make("div", { className: "row" }, train, stop), progress, status);

  function ready() {
    const enough = project.boxes.filter((box) => box.photos.length >= FEWEST);
    const all = project.boxes.every((box) => box.photos.length >= FEWEST);
    train.disabled = enough.length < 2 || !all;
    const count = project.boxes.reduce((sum, box) => sum + box.photos.length, 0);
    status.textContent = train.disabled ? words.needs : words.ready(count, project.boxes.length);
    train.firstChild.textContent = project.results ? words.again : words.train;
  }

  function follow() {
    train.disabled = true;
    stop.hidden = progress.hidden = false;
    status.textContent = words.starting;
    const source = new EventSource(`${path}/training`);
    const end = (text, wrong) => {
      source.close();
      stop.hidden = progress.hidden = true;
      if (text) say(text, wrong);
    };
    source.onerror = () => end(words.lost, true);
    addEventListener("hashchange", () => source.close(), { once: true });
    source.onmessage = trying(async ({ data }) => {
      const { state, progress: now, error } = JSON.parse(data);
      if (state === "running") {
        if (now) tell(now);
        return;
      }
      end({ stopped: words.stopped, failed: error }[state] ?? "", state === "failed");
      await refresh();
      if (state === "done") results.scrollIntoView({ behavior: "smooth", block: "start" });
    });
  }

  function tell({ title, done, total, seconds }) {
    if (done > 0 && done < total) progress.value = done / total;
    else progress.removeAttribute("value");
    const stage = words.stages[title] ?? title;
    const count = total > 1 ? ` ${done} / ${total}` : "";
    status.textContent = `${stage}${count}${seconds ? ` · ${words.left(seconds)}` : ""}`;
  }

  async function refresh() {
    project = await get(path);
    ready();
    draw();
  }

  function draw() {
    const made = project.results;
    for (const section of [results, trial, taking]) section.hidden = !made;
    if (!made) return;
    showResults(results, project, refresh, heading(3, words.step3));
    if (!trial.childElementCount) showTrying(trial, id, heading(4, words.step4));
    showTaking(taking, id, heading(5, words.step5), `${path}/report`);
  }

  showBoxes(boxes, () => project, refresh, heading(1, words.step1));
  await refresh();
  if (project.training) follow(); // the page was left while it trained
  main.dataset.project = id;
}

// One that was opened from a file: it has no boxes.
export async function showGiven(main, id) {
  const [all, about] = await Promise.all([get("/api/classifiers"), get(at("/api/classifiers", id))]);
  const trial = make("section", { id: "try-step", className: "step" });
  const taking = make("section", { id: "take-step", className: "step" });
  const labels = about.labels.slice(0, 12).join(", ") + (about.labels.length > 12 ? " …" : "");
  main.append(
    make("p", { className: "crumb" }, make("a", { href: "#/" }, `‹ ${words.back}`)),
    make("h1", {}, all.find((each) => each.id === id)?.name ?? ""),
    make("p", { className: "lead" }, words.knows(labels), about.accuracy ? ` · ${words.right(percent(about.accuracy.value))}` : ""),
    trial, taking,
  );
  showTrying(trial, id, make("h2", {}, words.step4));
  showTaking(taking, id, make("h2", {}, words.step5), "");
}

const heading = (number, text) => make("h2", {}, make("span", { className: "number", ariaHidden: "true" }, number), text);
