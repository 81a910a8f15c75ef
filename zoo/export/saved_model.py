"""TensorFlow's SavedModel: a folder whose signature takes pictures of any size and gives what people are told.

Its input "picture" is uint8 of shape (n, height, width, 3), upright, or "pixels", rows of numbers; its output is
"probabilities" or "values". "labels.txt" in its assets has a label a line, and "assets.extra/zoo.json" the labels, the
agreement with the model that it was made of, and the whole record.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zoo import saving
from zoo.errors import ZooError
from zoo.export._elsewhere import translate
from zoo.export._network import as_text, compare, require, require_supervised
from zoo.files import read_bytes, replaced_folder, temporary_folder

ENDINGS = ()
RECORD = Path("assets.extra", "zoo.json")


def write(task: Any, path: Path, overwrite: bool = False) -> dict:
    """Write a model on TensorFlow, and compare its answers with what it answers here.

    Args:
        task: of classes, labels or a number.
        path: the folder.
        overwrite: replace whatever model is there.
    """
    require("SavedModel", "tensorflow")
    require_supervised(task, path)
    with saving.unwritable(path), replaced_folder(path) as folder, temporary_folder() as beside:
        labels = beside / "labels.txt"
        labels.write_text("\n".join(task.get_config().get("labels") or []), encoding="utf-8")
        translate(task, "saved_model", folder, "tensorflow", labels=str(labels))
        agreement = compare(task, answers_of(folder, task))
        (folder / RECORD).parent.mkdir()
        (folder / RECORD).write_text(as_text(task, agreement), encoding="utf-8")
    return {"agreement": agreement}


def read_record(path: Path) -> dict:
    """What a SavedModel says of its model.

    Raises:
        ZooError: nothing that the zoo wrote.
    """
    try:
        return json.loads(read_bytes(path / RECORD))["zoo"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ZooError(f"{path} is no SavedModel that the zoo wrote: {error}") from error


def answers_of(folder: Path, task: Any) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the answer, shape (answers,), that a SavedModel has for one example."""
    from zoo import backend

    with backend.silence_stderr():
        tf = importlib.import_module("tensorflow")
    running = tf.saved_model.load(str(folder)).signatures["serving_default"]
    (name,) = running.structured_input_signature[1]
    return lambda example: running(**{name: tf.constant(example[None])})[task._target.answer][0].numpy()
