"""What formats for classes, labels and numbers share: the converted network, and the proof that a file is right."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import inference, saving
from zoo.console import note, progress_bar
from zoo.data import images
from zoo.data.images.preprocessing import Points
from zoo.errors import UsageError, ZooError
from zoo.files import temporary_folder
from zoo.metrics import Metric
from zoo.targets import TARGETS

if TYPE_CHECKING:
    from zoo.tasks.task import Task

FACTS = ("labels", "preprocessing", "thresholds", "mean_error", "vocabulary")  # of the record, as far as it has them
COMPARED = 64  # pictures, at most
CALIBRATED = 100  # pictures that the ranges of 8-bit numbers are learned from
SIDE = 8192  # of a picture, at most; smaller ones keep their size


def require(what: str, *packages: str, extra: str = "export") -> None:
    """Say what to install where a package is missing.

    Args:
        what: needs them.
        packages: as they are imported.
        extra: of the zoo, which brings them.

    Raises:
        UsageError: one is.
    """
    if missing := [package.replace("_", "-") for package in packages if importlib.util.find_spec(package) is None]:
        raise UsageError(
            f"{what} needs {' and '.join(missing)}; type: python -m pip install {' '.join(missing)}, "
            f'or install the zoo with its extra: python -m pip install "keras-zoo[{extra}]"'
        )


def require_supervised(task: Any, path: Path, beside: Iterable[str] = ()) -> None:
    """Refuse models of other kinds.

    Args:
        task: the model.
        path: the file that it is for.
        beside: kinds of work that the format is for, too.

    Raises:
        ZooError: it is one.
    """
    kinds = [target.task for target in TARGETS.values()]
    if task.entry.task in (*kinds, *beside):
        return
    hint = " Its vectors of words can be a .txt or .bin file." if task.entry.task == "embedding" else ""
    raise ZooError(
        f"{task.name} is a model for {task.entry.task}; {path.suffix} is for models for "
        f"{', '.join([*kinds, *beside])}.{hint}"
    )


def refuse_both(half: bool, int8: bool) -> None:
    """Refuse two precisions at once.

    Raises:
        UsageError: both are wanted.
    """
    if half and int8:
        raise UsageError("half and int8 exclude each other: give one of them.")


def refuse_int8(task: Any, int8: bool) -> None:
    """Refuse 8-bit numbers for models whose answers nobody has compared in them.

    Raises:
        UsageError: they are wanted.
    """
    if int8:
        raise UsageError(f"int8 is for models that say a class, labels or a number; {task.name} is none.")


@contextlib.contextmanager
def converted(task: Task, form: str | None = None) -> Iterator[Path]:
    """A model as OpenVINO's network, whose answers were compared with those of the day the model was saved.

    Args:
        task: the model.
        form: what is made of it, see `zoo.convert.FORMS`.

    Yields:
        Its `.xml` file, its weights beside it: from pixels to what the saved model answers and, where
        the network has that layer, features.

    Raises:
        ZooError: it cannot be converted.
    """
    if not inference.available():
        raise ZooError("OpenVINO, which converts networks, is not installed; type: python -m pip install openvino")
    with temporary_folder() as folder:
        saved = Path(folder, "model.keras")
        task.save(saved)
        conversion = inference.Conversion.of_file(saved, saving.digest(saved.read_bytes()), form)
        try:
            if conversion.wait() is None:
                refused = conversion.folder / inference.REFUSED
                reason = refused.read_text(encoding="utf-8") if refused.is_file() else "its conversion failed."
                raise ZooError(f"{task.name} cannot be converted: {reason}")
            network = conversion.folder / inference.CONVERTED
            if form == inference.STEP:  # takes no rows of tokens; the process that converted has compared it
                yield network
                return
            test = saving.read_record(saved).content["selftest"]
            answers, *_ = inference.OpenVINOEngine(network)(saving.unpack(test["inputs"]))
            if not np.abs(answers - saving.unpack(test["outputs"])).max() <= test["tolerance"]:
                raise ZooError(f"{task.name} does not answer in OpenVINO as it does in Keras: nothing was written.")
            yield network
        finally:
            shutil.rmtree(conversion.folder, ignore_errors=True)  # nobody opens this very file again


@dataclass(frozen=True)
class Agreement:
    """How far a file answers as the model does.

    Attributes:
        on: what both saw: "held-out pictures", "training pictures" or "synthetic inputs".
        n: how many.
        same: for how many of them both say the same.
        difference: the largest between any two of the numbers.
        says: what both say: the "class", for instance.
        answer: what the numbers are: "probabilities" or "values".
        metric: what `before` and `after` are, such as "accuracy"; "" where nothing is measured.
        before, after: the model's and the file's metric on them, where the truth is known.
    """

    on: str
    n: int
    same: int
    difference: float
    says: str
    answer: str
    metric: str = ""
    before: Metric | None = None
    after: Metric | None = None

    def to_json(self) -> dict:
        return json.loads(json.dumps(vars(self), default=lambda metric: metric.to_json()))

    def __str__(self) -> str:
        sentence = (
            f"The same {self.says} for {self.same} of {self.n} {self.on}; "
            f"{self.answer} differ by at most {self.difference:.2g}."
        )
        if self.before is None:
            return sentence
        return f"{sentence} {self.metric.replace('_', ' ').capitalize()} before {self.before}, after {self.after}."


def described(task: Any, agreement: Agreement) -> dict[str, str]:
    """What a file must say of its model, each as JSON; "zoo" is the whole record."""
    config = task.get_config()
    facts = {key: config[key] for key in FACTS if key in config}
    return {
        key: json.dumps(value) for key, value in {**facts, "agreement": agreement.to_json(), "zoo": config}.items()
    }


def as_text(task: Any, agreement: Agreement) -> str:
    """The same as one JSON text."""
    return json.dumps({key: json.loads(value) for key, value in described(task, agreement).items()})


def calibration_inputs(task: Any) -> list[np.ndarray]:
    """Inputs of the model that ranges of 8-bit numbers are learned from: training pictures, or synthetic ones."""
    own = task._own_pictures(True, CALIBRATED)
    inputs = []
    for picture in own.items if own else ():
        with contextlib.suppress(images.ImageError):
            inputs.append(input_of(picture, task.preprocessing))
    if not inputs:
        note("None of the training pictures is at hand: the ranges are learned from synthetic ones and may be poor.")
        inputs = [*task._sample_inputs(8)]
    return inputs


def input_of(example: Any, rule: Any) -> np.ndarray:
    """A picture, or a row of numbers, as the model takes it."""
    return images.row(example, rule) if isinstance(rule, Points) else images.decode(example, rule)


def compare(task: Any, answer: Callable[[np.ndarray], np.ndarray], rounded: bool = False) -> Agreement:
    """Let a file and the model answer about the same real pictures, or synthetic ones where no real ones are at hand.

    Args:
        task: the model.
        answer: gives the file's answer, shape (answers,), for an upright picture of any size, uint8 of shape
            (height, width, 3), or for a row of numbers.
        rounded: whether the file's weights are rounded on purpose, so that it may answer a little differently.

    Raises:
        ZooError: it answers differently.
    """
    on, examples, truth = "synthetic inputs", [*task._sample_inputs(2)], None
    for trained_on in (False, True):
        if (own := task._own_pictures(trained_on, COMPARED)) and len(own):
            on = "training pictures" if trained_on else "held-out pictures"
            examples, truth = [*own.items], task._truth(own)
            break
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # what the user gets here, there, and here of the same
    kept = []
    with progress_bar(len(examples), "comparing", unit="picture") as bar:
        for index, example in enumerate(examples):
            bar.update(1)
            try:
                rows.append(_three_answers(task, example, answer))
                kept.append(index)
            except images.ImageError:
                continue
    if not kept:
        raise ZooError("none of its own pictures can be read any more, so nothing could be compared, or was written")
    ours, theirs, of_the_same = (np.stack(answers) for answers in zip(*rows, strict=True))
    error = np.abs(of_the_same - theirs).max()
    what = task._target.answer
    if not (error <= task._tolerance(of_the_same) or (rounded and np.isfinite(error))):
        raise ZooError(
            f"{task.name} does not answer in the new file as it does here: {what} differ by up to "
            f"{error:.2g}. Nothing was written."
        )
    measured = [task._measured(truth[kept], answers) for answers in (ours, theirs)] if truth is not None else []
    same, difference = int(task._same(ours, theirs).sum()), float(np.abs(ours - theirs).max())
    says, metric = task._what_is_same(), task._shown_metric
    return Agreement(on, len(kept), same, difference, says, what, metric, *measured)


def _three_answers(
    task: Any, example: Any, answer: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The answers of the model for an example, of the file, and of the model for just what the file was given.

    A large JPEG is decoded at half its size or less by the zoo, and whole by others, which is no error of theirs.
    """

    def ours(inputs: np.ndarray) -> np.ndarray:
        return task._interpret(task.engine(inputs[None])[0])[0]

    if isinstance(task.preprocessing, Points):
        row = images.row(example, task.preprocessing)
        return ours(row), answer(row), ours(row)
    picture, whole = images.decode(example, task.preprocessing), images.whole(example, SIDE)
    decoded = images.decode(whole, task.preprocessing)
    here = ours(picture)
    return here, answer(whole), here if np.array_equal(picture, decoded) else ours(decoded)
