"""What a model was measured to be, and what it gets wrong, the worst mistakes first."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.images.pictures import Pictures
from zoo.data.images.preprocessing import Rule
from zoo.data.images.streams import stream
from zoo.deprecation import Renamed
from zoo.metrics import Metric, Reliability, reliability
from zoo.visualization import notebook
from zoo.visualization.pages import (
    MOST,
    READABLE,
    confusion,
    gallery,
    page_output,
    photo,
    text,
    write_errors_page,
)

WORST = 12  # mistakes that a notebook shows beside the numbers


@dataclass(frozen=True)
class Misclassified:
    """An example that was taken for another class.

    Attributes:
        name: its file, or "picture 17".
        truth: the class that it is of.
        predicted: the class that it was taken for.
        probability: what the model gave that class.
        pixels: what the model saw, an array of the shape of its inputs.
    """

    name: str
    truth: str
    predicted: str
    probability: float
    pixels: np.ndarray = field(repr=False, compare=False)

    said = Renamed("predicted")

    @property
    def heading(self) -> str:
        """What it has in common with other mistakes."""
        return f"{self.truth} taken for {self.predicted}"

    @property
    def caption(self) -> str:
        """What stands below its picture."""
        return f"{self.probability:.1%}"

    def to_json(self) -> dict:
        row = {"name": self.name, "truth": self.truth, "predicted": self.predicted, "probability": self.probability}
        return {**row, "said": self.predicted}  # the old name, for one version more


@dataclass(frozen=True)
class Mislabelled(Misclassified):
    """A label that an example has and was not given, or was given and has not.

    `truth` and `predicted` are the label's name and "not" before it, or the other way round; `probability` is what the
    model gave the wrong one of the two.
    """

    @property
    def heading(self) -> str:
        return f"{self.predicted}, but it is {self.truth}"


@dataclass(frozen=True)
class Misestimated:
    """An example whose number was estimated as another one.

    Attributes:
        name: its file, or "picture 17".
        truth: its number.
        predicted: the estimate.
        error: by how much the estimate is off.
        pixels: what the model saw, an array of the shape of its inputs.
    """

    name: str
    truth: float
    predicted: float
    error: float
    pixels: np.ndarray = field(repr=False, compare=False)

    heading = "Furthest off"

    @property
    def caption(self) -> str:
        return f"{self.predicted:.4g}, but it is {self.truth:.4g}"

    def to_json(self) -> dict:
        return {"name": self.name, "truth": self.truth, "predicted": self.predicted, "error": self.error}


@dataclass(frozen=True)
class Certainty:
    """How sure a classifier was of each of n examples.

    Attributes:
        index: which example of those that were given, shape (n,).
        truth: its class, an integer; shape (n,).
        predicted: what it was taken for.
        confidence: the probability of that.
        own: the probability of its true class.
    """

    index: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, index: list[int], truth: np.ndarray, probabilities: np.ndarray) -> Certainty:
        """From probabilities of shape (n, classes)."""
        every, predicted = np.arange(len(truth)), probabilities.argmax(axis=1)
        return cls(
            np.array(index, int), truth, predicted, probabilities[every, predicted], probabilities[every, truth]
        )

    @property
    def loss(self) -> float:
        """Mean cross-entropy, in nats."""
        return float(-np.log(np.maximum(self.own, 1e-300)).mean())

    @property
    def reliability(self) -> Reliability:
        """How well its probabilities agree with how often it is right."""
        return reliability(self.confidence, self.predicted == self.truth)


@dataclass(frozen=True)
class Answered:
    """What a model of labels or numbers said of each of n examples.

    Attributes:
        index: which example of those that were given, shape (n,).
        truth: of labels, 1 where an example has one, shape (n, labels); of numbers, the number, shape (n,).
        answers: the probability of each label, or the estimate; of the shape of `truth`.
    """

    index: np.ndarray
    truth: np.ndarray
    answers: np.ndarray


class Mistakes(list[Any]):
    """Examples that were wrong, the worst first; a notebook shows them as pictures."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"{len(self)} mistakes")

    def _repr_html_(self) -> str:
        more = f"<p>... and {len(self) - notebook.SHOWN:,} more</p>" if len(self) > notebook.SHOWN else ""
        return notebook.shown(gallery(map(_mistake, self[: notebook.SHOWN])), more)


def _mistake(mistake: Any) -> str:
    words = f"{text(mistake.heading)}: {text(mistake.caption)}{notebook.file_name(Path(mistake.name).name)}"
    if mistake.pixels.ndim == 1:  # a point
        numbers = ", ".join(f"{value:g}" for value in mistake.pixels[:20])
        return f"<figure class=photo><p>{text(numbers)}</p><figcaption>{words}</figcaption></figure>"
    return photo(mistake.pixels, Path(mistake.name).name, words, enlarges=False)


class Evaluation(dict):
    """What `evaluate` measured, by name; and, on demand, the examples that were wrong.

    Args:
        measured: the numbers.
        pictures: what was measured on.
        rule: how its examples become the model's inputs.
        wrong: index, true and predicted answer, and how wrong it is, for each mistake.
        headline: the numbers in a few words.
        mistake: what a mistake is.
        certainty: how sure the model was of each example; of classes alone.
        calibrated: the same, had its temperature been used; None where it has none.
        answered: what the model said of each example; of labels and numbers alone.
    """

    def __init__(
        self,
        measured: dict,
        pictures: Pictures,
        rule: Rule,
        wrong: list[tuple[int, Any, Any, float]],
        headline: str,
        mistake: type = Misclassified,
        *,
        certainty: Certainty | None = None,
        calibrated: Certainty | None = None,
        answered: Answered | None = None,
    ):
        super().__init__(measured)
        self._pictures, self._rule, self._headline, self._mistake = pictures, rule, headline, mistake
        self._certainty, self._calibrated, self._answered = certainty, calibrated, answered
        self._wrong = sorted(wrong, key=lambda wrong: -wrong[3])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self._headline)

    def _repr_html_(self) -> str:
        headline = f"<p><b>{text(self._headline)}</b> on {text(measured_on(self))}</p>"
        counts, labels = self.get("confusion"), self.get("labels") or []
        table = confusion(counts, labels, self["accuracy"].n) if counts and len(labels) <= READABLE else ""
        wrong = "".join(map(_mistake, self.errors(WORST)))
        worst = f"<h3>Its worst mistakes, of {len(self._wrong):,}</h3>{gallery([wrong])}" if wrong else ""
        return notebook.shown(headline, table, worst)

    def errors(self, most: int | None = None) -> Mistakes:
        """The examples that were wrong, the worst mistakes first: of classes and labels the most confident ones.

        Args:
            most: how many at most; None is all of them.

        Example:
            >>> import zoo
            >>> net = zoo.get("logistic", input_shape=(8, 8, 3))  # it knows nothing yet, and says the first class
            >>> x = np.zeros((4, 8, 8, 3), "uint8")
            >>> [mistake.truth for mistake in net.evaluate((x, ["cat", "dog"] * 2), progress=False).errors()]
            ['dog', 'dog']
        """
        wrong = self._wrong[:most]
        part = self._pictures.subset([index for index, *_ in wrong])
        return Mistakes(
            self._mistake(self._pictures.name(index), truth, predicted, badness, np.asarray(pixels))
            for (index, truth, predicted, badness), (_, _, _, pixels) in zip(
                wrong, stream(part, self._rule), strict=True
            )
        )

    def calibration(self) -> dict[str, dict[str, float]]:
        """How far its probabilities can be trusted: as it answers, and had its temperature been used, if it has one.

        Returns:
            By either: "cross_entropy", in nats, and "error", the expected calibration error; less is better.
        """
        both = {"as it answers": self._certainty, "at its temperature": self._calibrated}
        return {
            way: {"cross_entropy": certainty.loss, "error": certainty.reliability.error}
            for way, certainty in both.items()
            if certainty is not None
        }

    def page(self, path: str | Path, title: str, overwrite: bool = False) -> None:
        """Write the mistakes as one HTML file: the numbers, who was taken for whom, and the pictures.

        Args:
            path: the file; it is written whole or not at all.
            title: what was evaluated.
            overwrite: replace whatever file is there; without it, only a page of the zoo's.
        """
        path = page_output(path, overwrite=overwrite)
        numbers = f"{self._headline[:1].upper()}{self._headline[1:]} on {measured_on(self)}."
        write_errors_page(path, title, numbers, self, self.errors(MOST), len(self._wrong))


def measured_on(measured: dict) -> str:
    """What a model was measured on, for people: the split, and how much of it had been trained on.

    Args:
        measured: what `evaluate` returned.
    """
    split = "all splits" if measured["split"] == "all" else f"the {measured['split']} split"
    n = next(value.n for value in measured.values() if isinstance(value, Metric))
    examples, trained_on = measured["given"], measured["trained_on"]
    if n < examples:
        # "train" is all there is, or a part that was to be trained on
        of = "" if measured["split"] == "train" else f" in {split}"
        were_not = "were not" if trained_on is not None else "are not known to have been"
        return f"the {n} of the {examples} examples{of} that {were_not} trained on"
    if trained_on is None:
        return f"{split}; whether its examples were trained on cannot be told"
    return f"{split} (trained on: {trained_on} of its {examples} examples)" if trained_on else split
