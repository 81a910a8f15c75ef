"""Classifiers that were made elsewhere: Keras 2's `.h5` files and Teachable Machine's downloads become the zoo's."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from zoo.data.images.preprocessing import Preprocessing
from zoo.errors import UsageError, ZooError, printable
from zoo.files import expand, read_bytes
from zoo.registry import Entry, did_you_mean
from zoo.saving.safety import MAX_RATIO
from zoo.tasks.images.classification import Classifier
from zoo.weights import keras2_file

NAME = "keras2_model"
MODEL, LABELS = "keras_model.h5", "labels.txt"  # what Teachable Machine calls them
RANGES = {
    "-1..1": (1 / 127.5, -1.0),
    "0..1": (1 / 255, 0.0),
    "0..255": (1.0, 0.0),
}  # what pixels are multiplied by, plus
SMALL = 2**26  # bytes that any archive's model may unpack to
MOST_LABELS = 100_000
LARGEST_LABELS = 2**23  # bytes of the file that names them
LONGEST = 1000  # characters of a label


def import_model(path: str | Path, labels: str | Path | None = None, pixels: str | None = None) -> Classifier:
    """Make a classifier of a Keras 2 `.h5` file, or of what Teachable Machine lets one download.

    Nothing in the file is run: its layers are built anew, if all of them are known, and get its numbers as weights.

    Args:
        path: an `.h5` file that holds a whole model, or Teachable Machine's `.zip` as it was downloaded.
        labels: a text file with a class a line, in the order of the model's outputs; None takes `labels.txt` beside
            the file or in the archive.
        pixels: what the model takes pixels as: "-1..1", "0..1" or "0..255". None is "-1..1" for Teachable Machine's,
            and "0..255" for a model that rescales pixels itself; for others it must be said.

    Returns:
        The classifier: `.predict`, `.save`, `.export` and so on. Pictures are cropped to the middle and resized by the
        zoo's rule.

    Raises:
        UsageError: it must be said what pixels or classes are.
        ZooError: no such file, something in it is not known, or it is no classifier of pictures.

    Example:
        >>> import_model("missing.h5")
        Traceback (most recent call last):
        zoo.errors.ZooError: missing.h5 cannot be read: No such file or directory.
    """
    if pixels is not None and pixels not in RANGES:
        raise UsageError(f"pixels is {pixels!r}{did_you_mean(pixels, RANGES)} Accepted are {', '.join(RANGES)}.")
    path = expand(path)
    data, text = _parts(path)
    if labels is not None:
        text = _read(expand(labels))
    content = keras2_file.read(path, data)
    pixels = pixels or _range(path, content, text is not None)
    scale, offset = RANGES[pixels]

    def begin(given: Any) -> Any:
        from zoo.backend import keras

        return given if pixels == "0..255" else keras.layers.Rescaling(scale, offset, name=keras2_file.BEGUN)(given)

    model, end = keras2_file.build(path, content, begin)
    outputs = model.output_shape[1:]
    if len(outputs) != 1 or end == {1: "softmax"}.get(outputs[0], "sigmoid") or (outputs == (1,) and end == "linear"):
        raise ZooError(
            f"{path} ends in outputs of shape {outputs} with the activation {end!r}; accepted are classifiers: a "
            "softmax over the classes, or a sigmoid of one number."
        )
    classes = max(2, outputs[0])
    names = _labels(path, text, classes)
    entry = Entry(NAME, import_model, task="classification", source=f"imported from {path.name}, of Keras 2")
    self = Classifier(entry, {"input_shape": model.input_shape[1:], "num_classes": classes})
    self.labels, self._model = names, model
    (height, width, channels) = model.input_shape[1:]
    self.preprocessing = Preprocessing((height, width), 1.0, channels)
    return self


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error


def _parts(path: Path) -> tuple[bytes, bytes | None]:
    """The `.h5` file, and the labels that are in the archive with it or beside it; None where there are none."""
    if path.suffix.lower() != ".zip":
        beside = path.with_name(LABELS)
        return _read(path), _read(beside) if path.name == MODEL and beside.is_file() else None
    size = len(_read(path))
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for item in archive.infolist():
                name = Path(item.filename).name
                if name not in (MODEL, LABELS) or name in found:
                    continue
                if item.file_size > (LARGEST_LABELS if name == LABELS else max(SMALL, MAX_RATIO * size)):
                    raise ZooError(f"{path} is refused: its {name} claims {item.file_size:,} bytes.")
                with archive.open(item) as file:
                    found[name] = file.read(item.file_size + 1)
    except ZooError:
        raise
    except Exception as error:  # zipfile, and what unpacks for it, raise nearly anything on damaged archives
        raise ZooError(f"{path} is no whole archive ({error}); download it again.") from error
    if MODEL not in found:
        raise ZooError(
            f"{path} has no {MODEL} in it. In Teachable Machine, export the model as Tensorflow, Keras, and give the "
            ".zip that is downloaded."
        )
    return found[MODEL], found.get(LABELS)


def _range(path: Path, content: keras2_file.Content, is_teachable: bool) -> str:
    if is_teachable:
        return "-1..1"
    layers = content.config.get("config")
    layers = layers.get("layers") if isinstance(layers, dict) else layers
    kinds = (
        [layer.get("class_name") for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    )
    if "Rescaling" in kinds[:2]:
        return "0..255"
    raise UsageError(
        f"{path} does not say what it takes pixels as. Say what it was trained on: --pixels 0..1 where they were "
        "divided by 255, --pixels -1..1, or --pixels 0..255; in Python pixels=."
    )


def _labels(path: Path, text: bytes | None, classes: int) -> list[str]:
    """The classes, one a line, without the numbers that Teachable Machine writes in front."""
    if text is None:
        raise UsageError(
            f"{path} tells {classes} classes apart and does not name them. Write a text file with a class a line, in "
            "the order of its outputs, and give it: --labels labels.txt, in Python labels=."
        )
    if len(text) > LARGEST_LABELS:
        raise UsageError(f"the labels of {path} are {len(text):,} bytes, more than {LARGEST_LABELS:,}.")
    lines = [line.strip() for line in text.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    if all(line.split(None, 1)[0] == str(number) for number, line in enumerate(lines)):
        lines = [[*line.split(None, 1), line][1] for line in lines]
    if len(lines) != classes:
        raise UsageError(f"{path} tells {classes} classes apart, its labels name {len(lines)}.")
    if len({*lines}) < len(lines) or len(lines) > MOST_LABELS or any(len(line) > LONGEST for line in lines):
        ((repeated, _),) = Counter(lines).most_common(1)
        raise UsageError(
            f"the labels of {path} must differ, each of 1 to {LONGEST} characters and no more than {MOST_LABELS:,} of "
            f"them: {printable(repeated)[:LONGEST]!r}."
        )
    return lines
