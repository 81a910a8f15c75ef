"""PyTorch: one `.pt2` file, an exported program that runs without Keras.

It takes pictures of any size, uint8 of shape (n, height, width, 3), upright, or rows of numbers, and gives what people
are told, probabilities or values. Its extra files are "labels.txt", a label a line, and "zoo.json": labels,
agreement with the model that it was made of, and the whole record.
"""

from __future__ import annotations

import importlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from zoo import saving
from zoo.errors import ZooError
from zoo.export._elsewhere import translate
from zoo.export._network import as_text, compare, require, require_supervised
from zoo.files import atomic_file, temporary_folder

ENDINGS = (".pt2",)
RECORD, LABELS = "zoo.json", "labels.txt"
LARGEST = 64 * 2**20  # bytes of a record


def write(task: Any, path: Path, overwrite: bool = False) -> dict:
    """Export a model on PyTorch, and compare its answers with what it answers here.

    Args:
        task: of classes, labels or a number.
        path: the file.
        overwrite: replace whatever file is there.
    """
    require("PyTorch's format", "torch", extra="torch")
    require_supervised(task, path)
    torch = importlib.import_module("torch")
    with temporary_folder() as folder:
        translate(task, "torch", folder / "model.pt2", "torch")
        program = torch.export.load(str(folder / "model.pt2"))
    running = program.module()

    def answer(example: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return running(torch.tensor(example[None]))[0].numpy()

    agreement = compare(task, answer)
    labels = "\n".join(task.get_config().get("labels") or [])
    with saving.unwritable(path), atomic_file(path, ".pt2") as temporary:
        torch.export.save(program, str(temporary), extra_files={LABELS: labels, RECORD: as_text(task, agreement)})
    return {"agreement": agreement}


def read_record(path: Path) -> dict:
    """What an exported program says of its model.

    Raises:
        ZooError: nothing that the zoo wrote.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(f"/{RECORD}"))
            if archive.getinfo(name).file_size > LARGEST:
                raise ValueError("its record is too large")
            return json.loads(archive.read(name))["zoo"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path} is no PyTorch program that the zoo wrote: {error}") from error
