// The boxes: photos come in by drop, by choice and by the camera; what the doctor finds in them.

import { button, camera, dropOn, files, make, say, trying } from "./parts.js";
import { ask, at, checked, chosen, each, get, post, put, remove } from "./server.js";
import { words } from "./words.js";

const PAUSE = 1200; // milliseconds after the last photo, before they are looked at

export function showBoxes(section, project, refresh, heading) {
  const path = at("/api/projects", project().id);
  const list = make("ul", { className: "boxes" });
  const found = make("div", { className: "findings" });
  const status = make("p", { className: "quiet", role: "status", id: "upload-status" });
  const drawn = new Map(); // a box' name to its element, so that what has the focus stays
  let timer = 0;

  async function add(pairs) {
    // photos of a folder go into the box that is called like it
    let done = 0;
    const boxes = new Set(project().boxes.map((box) => box.name));
    const named = new Map();
    const upload = async ({ file, folder }) => {
      if (!named.has(folder)) named.set(folder, boxes.has(folder) ? folder : post(`${path}/boxes`, folder).then((made) => made.name));
      const box = await named.get(folder);
      await post(at(path, "boxes", box, "photos"), checked(file));
      done += 1;
      status.textContent = words.uploading(done, pairs.length);
    };
    const failed = await each(pairs, upload);
    status.textContent = done ? words.uploaded(done) : "";
    if (failed.length) {
      const [{ item, reason }] = failed;
      say(`${words.refused(failed.length)} ${item.file.name}: ${reason}`, true);
    }
    await update();
  }

  async function update() {
    await refresh();
    draw();
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  }

  async function look() {
    if (!section.isConnected || !project().boxes.some((box) => box.photos.length)) return found.replaceChildren();
    found.replaceChildren(make("p", { className: "quiet" }, words.looking));
    try {
      showFindings(await get(`${path}/findings`));
    } catch (error) {
      found.replaceChildren(make("p", { className: "quiet" }, error.message));
    }
  }

  function showFindings(findings) {
    if (!findings.length) return found.replaceChildren(make("p", { className: "good" }, `✓ ${words.fine}`));
    const items = findings.map((finding) =>
      make(
        "li",
        { className: finding.severity },
        make("span", { className: "strip" }, finding.photos.map(({ photo }) => make("img", { src: at(path, "thumbnails", photo), alt: "" }))),
        make("span", {}, make("strong", {}, finding.kind), `: ${finding.detail} `, make("span", { className: "quiet" }, finding.advice)),
      ),
    );
    found.replaceChildren(make("details", {}, make("summary", {}, words.findings(findings.length)), make("ul", {}, items)));
  }

  function draw() {
    const boxes = project().boxes;
    for (const [name, element] of drawn) {
      if (!boxes.some((box) => box.name === name)) {
        element.remove();
        drawn.delete(name);
      }
    }
    for (const box of boxes) {
      if (!drawn.has(box.name)) {
        drawn.set(box.name, emptyBox(box.name));
        list.insertBefore(drawn.get(box.name), newBox);
      }
      fill(drawn.get(box.name), box);
    }
  }

  function emptyBox(name) {
    const box = at(path, "boxes", name);
    const title = make("input", { value: name, ariaLabel: words.boxName, className: "box-name", maxLength: 40 });
    title.addEventListener("change", trying(async () => {
      try {
        await put(box, title.value);
      } finally {
        title.value = name;
      }
      await update();
    }));
    const drop = button("×", trying(async () => {
      const count = project().boxes.find((each) => each.name === name).photos.length;
      if (count && !confirm(words.sureBox(name, count))) return;
      await remove(box);
      await update();
    }), "icon");
    drop.ariaLabel = words.removeBox(name);
    const view = make("div", { className: "camera" });
    const take = (list) => add(list.map((file) => ({ file: file.file ?? file, folder: name })));
    const element = make(
      "li",
      { className: "box" },
      make("div", { className: "box-head" }, title, make("span", { className: "count" }), drop),
      make("ul", { className: "photos" }),
      make("p", { className: "hint" }, words.dropHere),
      view,
      make(
        "div",
        { className: "row" },
        files(words.addPhotos, take, { multiple: true, name: `photos-${name}` }),
        button(words.camera, () => camera(view, (file) => take([file]))),
      ),
    );
    dropOn(element, take);
    return element;
  }

  function fill(element, { name, photos }) {
    element.querySelector(".count").textContent = words.photos(photos.length);
    element.querySelector(".hint").hidden = photos.length > 0;
    element.querySelector(".photos").replaceChildren(
      ...photos.map((photo, i) => {
        const image = make("img", { src: at(path, "thumbnails", photo), alt: `${name} ${i + 1}`, loading: "lazy" });
        return make("li", {}, make("button", { type: "button", onclick: () => openPhoto(name, photo) }, image));
      }),
    );
  }

  function openPhoto(box, photo) {
    const dialog = document.getElementById("photo");
    const close = () => dialog.close();
    const moves = project().boxes.filter((other) => other.name !== box).slice(0, 8).map((other) =>
      button(words.move(other.name), trying(async () => {
        await ask("PUT", at(path, "boxes", box, "photos", photo), other.name);
        close();
        await update();
      })),
    );
    const drop = button(words.remove, trying(async () => {
      await remove(at(path, "boxes", box, "photos", photo));
      close();
      await update();
    }));
    dialog.replaceChildren(
      make("h2", { id: "photo-title" }, box),
      make("img", { src: at(path, "thumbnails", photo), alt: box }),
      make("div", { className: "row" }, moves, drop, button(words.close, close, "main")),
    );
    dialog.showModal();
  }

  const name = make("input", { placeholder: words.newBoxExample, ariaLabel: words.newBox, maxLength: 40, id: "box-name" });
  const create = trying(async (event) => {
    event.preventDefault();
    if (!name.value.trim()) return name.focus();
    await post(`${path}/boxes`, name.value);
    name.value = "";
    await update();
    name.focus();
  });
  const newBox = make(
    "li",
    { className: "box new" },
    make("form", { id: "add-box", onsubmit: create }, make("label", { htmlFor: "box-name" }, words.newBox),
      make("div", { className: "row" }, name, make("button", {}, words.addBox))),
    files(words.folders, (list) => add(chosen(list).filter(({ folder }) => folder)), { webkitdirectory: true, multiple: true, id: "folders" }, "button"),
  );
  section.append(heading, make("p", { className: "quiet" }, words.step1about), list, status, found);
  list.append(newBox);
  dropOn(section, (pairs) => add(pairs.filter(({ folder }) => folder)));
  draw();
  if (project().boxes.some((box) => box.photos.length)) look();
}
