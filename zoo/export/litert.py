"""LiteRT, once TensorFlow Lite: one `.tflite` file for phones and small boards, of one example at a time.

Its input "pixels" is float32 of shape (1, height, width, channels), of pictures with `int8` uint8; its output is what
people are told, "probabilities" or "values". A zip is appended to the file, as LiteRT's metadata has it: "labels.txt",
a label a line, and "zoo.json" with the labels, the rule by which a picture becomes input, the agreement with the model
that it was made of, and the whole record.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zoo import saving
from zoo.errors import ZooError
from zoo.export._elsewhere import translate
from zoo.export._examples import write_example
from zoo.export._network import (
    as_text,
    calibration_inputs,
    compare,
    input_of,
    refuse_both,
    require,
    require_supervised,
)
from zoo.files import atomic_file, temporary_folder

ENDINGS = (".tflite",)
RECORD, LABELS = "zoo.json", "labels.txt"
IMPORTS = "from ai_edge_litert.interpreter import Interpreter\n"
RUNNING = """\
labels = json.loads(zipfile.ZipFile(file).read("zoo.json")).get("labels")
network = Interpreter(file)
network.allocate_tensors()
(given,), (told,) = network.get_input_details(), network.get_output_details()
network.set_tensor(given["index"], example.astype(given["dtype"]))
network.invoke()
answer = network.get_tensor(told["index"])[0]
"""
LARGEST = 64 * 2**20  # bytes of a record


def write(task: Any, path: Path, overwrite: bool = False, half: bool = False, int8: bool = False) -> dict:
    """Convert a model on TensorFlow, and compare its answers with what it answers here.

    Args:
        task: of classes, labels or a number.
        path: the file; an example of how to use it is written beside it.
        overwrite: replace whatever file is there.
        half: keep the weights in float16.
        int8: compute in 8-bit numbers, whose ranges are learned from the training pictures.
    """
    require("LiteRT", "ai_edge_litert", "tensorflow", extra="litert")
    require_supervised(task, path)
    refuse_both(half, int8)
    with temporary_folder() as folder:
        out, inputs = folder / "model.tflite", folder / "inputs.npy"
        if int8:
            np.save(inputs, np.stack(calibration_inputs(task)))
        translate(task, "litert", out, "tensorflow", half=half, calibration=str(inputs) if int8 else None)
        content = out.read_bytes()
    agreement = compare(task, answers_of(content, task), rounded=int8)
    appended = io.BytesIO()
    with zipfile.ZipFile(appended, "w") as archive:
        archive.writestr(LABELS, "\n".join(task.get_config().get("labels") or []))
        archive.writestr(RECORD, as_text(task, agreement))
    with saving.unwritable(path), atomic_file(path) as temporary:
        temporary.write_bytes(content + appended.getvalue())
    return {"agreement": agreement, "example": write_example(path, task, IMPORTS, RUNNING, overwrite)}


def read_record(path: Path) -> dict:
    """What a LiteRT file says of its model.

    Raises:
        ZooError: nothing that the zoo wrote.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(RECORD).file_size > LARGEST:
                raise ValueError("its record is too large")
            return json.loads(archive.read(RECORD))["zoo"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path} is no LiteRT file that the zoo wrote: {error}") from error


def answers_of(content: bytes, task: Any) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the answer, shape (answers,), that a file has for one example, an upright picture or a row."""
    from ai_edge_litert.interpreter import Interpreter

    running = Interpreter(model_content=content)
    running.allocate_tensors()
    (given,), (answer,) = running.get_input_details(), running.get_output_details()

    def answer_to(example: np.ndarray) -> np.ndarray:
        running.set_tensor(given["index"], input_of(example, task.preprocessing)[None].astype(given["dtype"]))
        running.invoke()
        return running.get_tensor(answer["index"])[0]

    return answer_to
