"""A folder as the Hugging Face Hub has them, written here; nothing is sent anywhere.

"model.keras" is the saved file, "README.md" the model card with the measured numbers in its front matter,
"config.json" names the classes by number, and "preprocessor_config.json" says how a picture becomes input.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from zoo import catalog, saving
from zoo._version import __version__
from zoo.data.images.preprocessing import Preprocessing
from zoo.errors import brief, printable
from zoo.export._examples import plain_keras
from zoo.files import replaced_folder
from zoo.metrics import Metric

ENDINGS = ()
MODEL = "model.keras"
BICUBIC = 3  # as Pillow numbers its filters
# the Hub's name of a licence, by how the cards of weights begin to state it
LICENCES = {
    "Apache": "apache-2.0",
    "BSD 3": "bsd-3-clause",
    "Creative Commons Attribution 4.0": "cc-by-4.0",
    "MIT": "mit",
    "": "other",
}
# what the Hub calls each kind of work: its pipeline, where it has one
PIPELINES = {
    "classification": "image-classification",
    "multilabel": "image-classification",
    "reconstruction": "image-to-image",
    "image_generation": "unconditional-image-generation",
    "language": "text-generation",
    "dialogue": "text-generation",
}


def write(task: Any, path: Path, overwrite: bool = False) -> dict:
    """Write a model, its card and what programs must know of it.

    Args:
        task: of any kind.
        path: the folder.
        overwrite: replace whatever model is there.
    """
    with saving.unwritable(path), replaced_folder(path) as folder:
        task.save(folder / MODEL)
        config = saving.read_record(folder / MODEL).content
        texts = {"README.md": _card(path.name, task, config), "config.json": _as_json(_config(task, config))}
        if isinstance(rule := getattr(task, "preprocessing", None), Preprocessing):
            texts["preprocessor_config.json"] = _as_json(_preprocessor(rule))
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    return {}


def read_record(path: Path) -> dict:
    """What the model in such a folder says of itself.

    Raises:
        ZooError: it holds none that the zoo wrote.
    """
    return saving.read_record(path / MODEL).content


def _as_json(facts: dict) -> str:
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _config(task: Any, config: dict) -> dict:
    """Names of the classes by number, and numbers by name, as the Hub's programs look for them."""
    facts = {"library_name": "keras", "model_type": task.name, "task": task.entry.task, "zoo_version": __version__}
    if labels := config.get("labels"):
        facts["num_labels"] = len(labels)
        facts["id2label"] = {str(number): label for number, label in enumerate(labels)}
        facts["label2id"] = {label: number for number, label in enumerate(labels)}
    if "thresholds" in config:
        facts["thresholds"] = config["thresholds"]
    return facts


def _preprocessor(rule: Preprocessing) -> dict:
    """The resize-and-crop rule in the Hub's words; "zoo" has it in the zoo's own, which is exact for any size."""
    height, width = rule.size
    return {
        "do_convert_rgb": rule.channels == 3,
        "do_resize": True,
        "size": {"shortest_edge": round(min(height, width) / rule.crop)},
        "resample": BICUBIC,
        "do_center_crop": True,
        "crop_size": {"height": height, "width": width},
        "do_rescale": False,  # the model takes pixels from 0 to 255
        "do_normalize": False,
        "zoo": rule.to_json(),
    }


def _card(name: str, task: Any, config: dict) -> str:
    """The model card: YAML, of which JSON is a part, and Markdown."""
    held_out = not task.metrics.get("trained_on")  # what was measured on training pictures proves nothing
    measured = {key: value for key, value in task.metrics.items() if isinstance(value, Metric) and held_out}
    data = printable(Path(str(task.data.get("name", ""))).name)  # where it lies is nobody's business
    kind = PIPELINES.get(task.entry.task)
    licence = _licence(task, config)
    front = {
        "library_name": "keras",
        **({"license": _identifier(licence)} if licence else {}),
        **({"pipeline_tag": kind} if kind else {}),
        "tags": ["keras", "zoo", task.entry.task.replace("_", "-")],
        **({"model-index": [_index(name, kind or task.entry.task, data, measured)]} if measured else {}),
    }
    lines = [
        "---",
        *(f"{key}: {json.dumps(value)}" for key, value in front.items()),
        "---",
        "",
        f"# {_shown(name)}",
        "",
    ]
    about = f"{task.name}: {task.entry.source}".rstrip(".")
    lines += [f"A model for {task.entry.task.replace('_', ' ')}, {_shown(about)}.", ""]
    if labels := config.get("labels"):
        lines += [f"{len(labels)} classes: {_shown(brief(labels, 20))}.", ""]
    if data:
        lines += [f"Trained on {_shown(data)}.", ""]
    if measured:
        lines += ["| Metric | Value |", "| --- | --- |"]
        lines += [f"| {_shown(key.replace('_', ' '))} | {_shown(str(value))} |" for key, value in measured.items()]
        lines += [
            "",
            "Intervals are of 95 %; they say what the number of examples allows, not what other data would give.",
            "",
        ]
    stated = (
        f"of the pretrained network, {_shown(licence)}"
        if licence
        else "none is known; state one before you publish it"
    )
    lines += [f"Licence: {stated}.", ""]
    lines += ["## Use", "", "```python", "import zoo", "", f'model = zoo.load("{MODEL}")', "```", ""]
    if example := plain_keras(MODEL, task):
        lines += ["Or with plain Keras:", "", "```python", example.rstrip(), "```", ""]
    return "\n".join(lines)


def _index(name: str, kind: str, data: str, measured: dict[str, Metric]) -> dict:
    """The measured numbers as the Hub's `model-index` has them."""
    metrics = [
        {"type": key, "value": value.value, "name": f"{key.replace('_', ' ')} {value}", "verified": False}
        for key, value in measured.items()
    ]
    dataset = {"name": data or "unknown", "type": data or "unknown"}
    return {"name": name, "results": [{"task": {"type": kind}, "dataset": dataset, "metrics": metrics}]}


def _identifier(licence: str) -> str:
    return next(known for begins, known in LICENCES.items() if licence.startswith(begins))


def _licence(task: Any, config: dict) -> str | None:
    """The licence of the pretrained weights that the model has or was fine-tuned on, as far as it is known."""
    offered = card.weights if (card := catalog.cards().get(task.name)) else {}
    if task.weights in offered:
        return offered[task.weights].licence
    licences = {weights.licence for weights in offered.values()} if config.get("head") else set()
    return licences.pop() if len(licences) == 1 else None


def _shown(text: str) -> str:
    """A stranger's text within Markdown, on one line."""
    return "".join(f"\\{char}" if char in "\\`*_[]|#" else char for char in html.escape(printable(text), quote=False))
