// The page learns: boxes of photos become classes, by a head that is solved here.

import { addBox, addPhoto, boxes, describe, isEmpty, nameOf } from "./boxes.js";
import { fitHead, proportion } from "./learn.js";
import { percent, words } from "./words.js";
import { at } from "./elements.js";
import { fitNovelty } from "./novelty.js";

// Puts pictures, [{file, folder}], into boxes called as their folders are.
export async function sort(pictures, take) {
  for (const folder of new Set(pictures.map((each) => each.folder))) {
    const box = boxes.find((each) => nameOf(each) === folder) ?? boxes.find(isEmpty) ?? addBox("", take);
    box.input.value = folder;
    await take(box, pictures.filter((each) => each.folder === folder).map(({ file }) => ({ file, name: file.name })));
  }
}

// Puts pictures into a box; `say` is told how far it is, and at last what could not be read.
export async function fillBox(box, pictures, see, rule, say) {
  const unreadable = [];
  for (const [i, picture] of pictures.entries()) {
    say(words.working(i + 1, pictures.length));
    await new Promise((resolve) => setTimeout(resolve)); // so that the browser draws what was said
    if (!(await addPhoto(box, picture, see, rule))) unreadable.push(picture.name);
  }
  const counted = `${nameOf(box)}: ${words.photos(box.photos.length)}`;
  say(unreadable.length ? `${words.unreadables(unreadable.length, unreadable.slice(0, 3).join(", "))} ${counted}` : counted);
}

// What keeps the boxes from being learned from: {text, box}, or null.
function lacking() {
  const used = boxes.filter((box) => !isEmpty(box));
  if (used.length < 2) return { text: words.twoBoxes, box: boxes.find(isEmpty) };
  for (const box of used) {
    if (!nameOf(box)) return { text: words.nameless, box };
    if (used.some((other) => other !== box && nameOf(other) === nameOf(box))) {
      return { text: words.sameName(nameOf(box)), box: used.findLast((other) => nameOf(other) === nameOf(box)) };
    }
    if (box.photos.length < 2) return { text: words.fewPhotos(nameOf(box), box.photos.length), box };
  }
  return null;
}

// What was learned of the boxes: {labels, head, novelty, measured, counts}; null where they lack something, which is said.
export async function learn(say) {
  const problem = lacking();
  if (problem) {
    say(problem.text);
    problem.box?.input.setAttribute("aria-invalid", "true");
    problem.box?.input.focus();
    return null;
  }
  const used = boxes.filter((box) => !isEmpty(box));
  const photos = used.flatMap((box, label) => box.photos.map((photo) => ({ photo, label })));
  const features = photos.map(({ photo }) => photo.features);
  const labels = used.map(nameOf);
  const progress = (share) => say(words.learning(percent(share)));
  const y = photos.map(({ label }) => label);
  const { head, fold, heldOut } = await fitHead(features, y, labels.length, progress);
  say(words.learning(percent(1)));
  const novelty = await fitNovelty(features, fold);
  const predicted = heldOut.map((shares) => shares.indexOf(Math.max(...shares)));
  for (const [n, { photo, label }] of photos.entries()) {
    describe(photo, predicted[n] === label ? "" : words.judged(labels[predicted[n]]));
  }
  const right = predicted.filter((label, n) => label === y[n]).length;
  return {
    labels,
    head,
    novelty,
    measured: proportion(right, y.length),
    counts: used.map((box) => box.photos.length),
    wrong: y.length - right,
  };
}

export function begunTeaching(take) {
  if (boxes.length) return;
  for (let i = 0; i < 2; i++) addBox("", take);
  at("add-box").addEventListener("click", () => addBox("", take).input.focus());
}
