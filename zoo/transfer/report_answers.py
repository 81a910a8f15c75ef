"""What a report says of each kind of answers: classes, labels and numbers, each a class with the same methods."""

from __future__ import annotations

import abc
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from zoo import metrics
from zoo.targets import CLASSES, LABELS, NUMBERS, Target
from zoo.tasks.images.evaluation import Answered, Certainty, measured_on
from zoo.tasks.images.multilabel import MultiLabelClassifier
from zoo.transfer.report_data import Gathered
from zoo.visualization import report_page as parts
from zoo.visualization.pages import Section
from zoo.visualization.report_page import ShownPhoto

WORST, LOOKS = 12, 8  # photos that are shown
RANGES = 8  # of numbers, that are counted


class Answers(abc.ABC):
    """The parts of a report that depend on what the model answers.

    Attributes:
        head: what the head on a frozen backbone is.
        copied: what is said of copies with two answers, and of those with one.
    """

    head: ClassVar[str]
    copied: ClassVar[tuple[str, str]] = "With two answers", "Twice with the same answer"

    def __init__(self, gathered: Gathered):
        self.gathered, self.model = gathered, gathered.model
        self.measured = gathered.measured if self.is_sound(gathered.measured) else {}

    @abc.abstractmethod
    def is_sound(self, measured: dict) -> bool:
        """Whether numbers are such as this kind measures; a stranger's file may remember anything."""

    @abc.abstractmethod
    def subtitle(self) -> str: ...

    @abc.abstractmethod
    def main(self) -> tuple[str, str] | None:
        """How good it is: a number, and what it is; None where nothing was measured."""

    @abc.abstractmethod
    def cards(self) -> Iterator[tuple[str, str]]:
        """Further numbers and what they are."""

    @abc.abstractmethod
    def todo(self) -> Iterator[tuple[bool, str]]:
        """What stands out: whether it is a warning, and a sentence."""

    @abc.abstractmethod
    def sections(self) -> Iterator[Section | None]:
        """What was measured, and where it looks."""

    @abc.abstractmethod
    def counted(self) -> tuple[list[tuple[str, int, int]], str]:
        """How many photos are of what: name, photos to learn from, photos held out; and what the names are."""

    @property
    def answered(self) -> Answered | None:
        """What it said of each photo that it was measured on, where answers are labels or numbers."""
        return None if self.gathered.evaluation is None else self.gathered.evaluation._answered

    @property
    def n(self) -> int:
        """How many photos it was measured on."""
        return next((each.n for each in self.measured.values() if isinstance(each, metrics.Metric)), 0)

    def of_copy(self, path: str, side: str) -> str:
        """What is said of one of several copies: whether it was learned from, held out or neither."""
        return side

    def on(self) -> str:
        """What the numbers are of, for people."""
        try:
            return measured_on(self.measured)
        except (KeyError, TypeError, StopIteration):  # a file of an earlier version
            return "held-out photos"

    def measured_photo(self, index: int, label: str, heat: bool = True, **facts: Any) -> ShownPhoto:
        """A photo that it was measured on, with what speaks for a label or raises the number."""
        return self.gathered.of_measured(index, heat_for=label if heat else None, predicted=label, **facts)


class OfClasses(Answers):
    """One of several classes."""

    head = "logistic regression"
    copied = "In two classes", "Twice in a class"

    def is_sound(self, measured: dict) -> bool:
        return isinstance(measured.get("accuracy"), metrics.Metric) and measured.get("labels") == self.labels

    @property
    def labels(self) -> list[str]:
        return self.model._answer_names()

    @property
    def counts(self) -> list[list[int]] | None:
        """How often each class was taken for each; None where that is not known."""
        counts, n = self.measured.get("confusion"), len(self.labels)
        if not isinstance(counts, list) or len(counts) != n:
            return None
        sound = all(
            isinstance(row, list) and len(row) == n and all(type(each) is int and 0 <= each < 2**53 for each in row)
            for row in counts
        )
        return counts if sound else None

    @property
    def certainty(self) -> Certainty | None:
        """How sure it was of each photo that it was measured on."""
        return None if self.gathered.evaluation is None else self.gathered.evaluation._certainty

    def subtitle(self) -> str:
        labels = self.labels
        more = ", ..." if len(labels) > 8 else ""
        return f"A classifier of {parts.plural(len(labels), 'class', 'classes')}: {', '.join(labels[:8])}{more}"

    def main(self) -> tuple[str, str] | None:
        accuracy = self.measured.get("accuracy")
        if accuracy is None or not accuracy.n:
            return None
        low, high = (100 * end for end in accuracy.ci)
        words = f"of {accuracy.n:,} held-out photos are right; 95 % interval {low:.1f} to {high:.1f} %"
        return parts.percent(accuracy.value), words

    def cards(self) -> Iterator[tuple[str, str]]:
        yield str(len(self.labels)), "classes"
        if pictures := self.model._known_pictures.trained_on:
            yield f"{len(pictures):,}", "photos that it learned from"
        if self.gathered.audit:
            yield f"{len(self.gathered.audit.suspects):,}", "of their labels worth a look"

    def todo(self) -> Iterator[tuple[bool, str]]:
        if (counts := self.counts) and (pair := parts.most_confused(counts, self.labels)):
            yield False, pair
        accuracy, certainty = self.measured.get("accuracy"), self.certainty
        if accuracy is not None and accuracy.n and accuracy.ci[1] - accuracy.ci[0] > 0.1:
            yield (
                True,
                f"Only {accuracy.n} photos were held out, so the accuracy is known to "
                f"{50 * (accuracy.ci[1] - accuracy.ci[0]):.0f} points or so. More of them would narrow the interval.",
            )
        if certainty and (error := certainty.reliability).error > error.by_chance:
            sure = certainty.confidence.mean() > self.measured["accuracy"].value
            yield (
                True,
                f"Its probabilities are too {'high' if sure else 'low'}, by {100 * error.error:.1f} points on "
                "average.",
            )
        if self.gathered.audit and (count := len(self.gathered.audit.suspects)):
            labels_are = parts.plural(count, "training label is", "training labels are")
            yield (
                False,
                f"{labels_are} less likely than another one: some are wrong, others only hard. The worst are below.",
            )

    def sections(self) -> Iterator[Section | None]:
        if (counts := self.counts) is not None:
            yield parts.classes(counts, self.labels)
            yield parts.confusions(counts, self.labels, self._confused(counts))
        if (certainty := self.certainty) is None:
            return
        worst = [self._photo(certainty, number) for number in _worst(certainty)]
        right = [self._photo(certainty, number) for number in _typical(certainty, len(self.labels))]
        yield parts.losses(worst, self.gathered.method)
        yield parts.looks(right, self.gathered.method)
        yield self._calibration(certainty)

    def counted(self) -> tuple[list[tuple[str, int, int]], str]:
        learned: Counter[str] = Counter()
        if (pictures := self.gathered.learned) is not None:
            learned.update(pictures.labels[number] for number in pictures.y.tolist())
        apart = Counter(self.labels[n] for n in self.certainty.truth.tolist()) if self.certainty else {}
        rows = [(label, learned[label], apart.get(label, 0)) for label in self.labels]
        return _most_first(rows), parts.plural(len(rows), "class", "classes")

    def of_copy(self, path: str, side: str) -> str:
        return f"{Path(path).parent.name}, {side}"

    def _photo(self, certainty: Certainty, number: int, heat: bool = True) -> ShownPhoto:
        """The photo that stands at a place of `certainty`."""
        return self.measured_photo(
            int(certainty.index[number]),
            self.labels[certainty.predicted[number]],
            heat,
            truth=self.labels[certainty.truth[number]],
            probability=float(certainty.confidence[number]),
            own=float(certainty.own[number]),
        )

    def _confused(self, counts: list[list[int]]) -> list[ShownPhoto]:
        """Photos of the pairs that are confused most, the surest mistakes first."""
        if (certainty := self.certainty) is None:
            return []
        wrong = {(i, j): n for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n}
        pairs = sorted(wrong, key=lambda pair: -wrong[pair])[: parts.PAIRS]
        chosen: list[ShownPhoto] = []
        for truth, predicted in pairs:
            rows = np.flatnonzero((certainty.truth == truth) & (certainty.predicted == predicted))
            rows = rows[np.argsort(-certainty.confidence[rows], kind="stable")][: parts.OF_PAIR]
            chosen += [self._photo(certainty, int(row), heat=False) for row in rows]
        return chosen

    def _calibration(self, certainty: Certainty) -> Section:
        """How far its probabilities can be trusted, and what its temperature would change."""
        assert self.gathered.evaluation is not None
        calibrated, after, loss_after, temperature = self.gathered.evaluation._calibrated, None, 0.0, 1.0
        if calibrated is not None and self.model._calibration is not None:
            after, loss_after = calibrated.reliability, calibrated.loss
            temperature = self.model._calibration.temperature
        return parts.calibration(certainty.reliability, certainty.loss, after, loss_after, temperature)


def _most_first(rows: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    return sorted(rows, key=lambda row: -(row[1] + row[2]))


def _worst(certainty: Certainty) -> list[int]:
    """The photos whose own class is least probable: the mistakes, and some more where these are few."""
    mistakes = int((certainty.predicted != certainty.truth).sum())
    return np.argsort(certainty.own, kind="stable")[: min(WORST, max(WORST // 2, mistakes))].tolist()


def _typical(certainty: Certainty, num_classes: int) -> list[int]:
    """A photo of each class that is right, neither the surest nor the least sure, of the first classes."""
    chosen: list[int] = []
    for label in range(num_classes):
        right = np.flatnonzero((certainty.truth == label) & (certainty.predicted == label))
        if len(right) and len(chosen) < LOOKS:
            chosen.append(int(right[np.argsort(certainty.own[right], kind="stable")[len(right) // 2]]))
    return chosen


class OfLabels(Answers):
    """Several labels at once."""

    head = "a logistic regression for each label"

    def is_sound(self, measured: dict) -> bool:
        main = (measured.get("mean_average_precision"), measured.get("all_right"))
        return all(isinstance(each, metrics.Metric) for each in main)

    @property
    def labels(self) -> list[str]:
        """Those that the held-out photos say something of, in the order of `answered`."""
        return self.measured["labels"]

    @property
    def thresholds(self) -> dict[str, float]:
        assert isinstance(self.model, MultiLabelClassifier)
        return self.model.thresholds

    @property
    def per_label(self) -> dict[str, dict] | None:
        """What was measured of each label, of now."""
        return self.measured["per_label"] if self.gathered.evaluation is not None else None

    def subtitle(self) -> str:
        names = self.model._answer_names()
        more = ", ..." if len(names) > 8 else ""
        count = parts.plural(len(names), "label")
        return f"A model of {count}, any of which a photo may have: {', '.join(names[:8])}{more}"

    def main(self) -> tuple[str, str] | None:
        precision = self.measured.get("mean_average_precision")
        if precision is None or not np.isfinite(precision.value):  # no held-out photo has any of the labels
            return None
        low, high = (100 * end for end in precision.ci)
        words = f"mean average precision on {precision.n:,} held-out photos; 95 % interval {low:.1f} to {high:.1f} %"
        return parts.percent(precision.value), words

    def cards(self) -> Iterator[tuple[str, str]]:
        if (right := self.measured.get("all_right")) and right.n:
            yield parts.percent(right.value), "of held-out photos have all their labels right, and no other"
        yield str(len(self.model._answer_names())), "labels"
        if pictures := self.model._known_pictures.trained_on:
            yield f"{len(pictures):,}", "photos that it learned from"

    def todo(self) -> Iterator[tuple[bool, str]]:
        known = {name: each for name, each in (self.per_label or {}).items() if each["average_precision"]}
        if known:
            worst = min(known, key=lambda name: known[name]["average_precision"].value)
            precision = known[worst]["average_precision"]
            yield False, f"\u201c{worst}\u201d is told worst: average precision {parts.between(precision)}."
        if few := [name for name, each in (self.per_label or {}).items() if each["n"] < 10]:
            listed = ", ".join(f"\u201c{name}\u201d" for name in few[:5]) + (", ..." if len(few) > 5 else "")
            yield (
                True,
                f"Fewer than ten held-out photos have {listed}: what is measured of it is little more than chance.",
            )

    def sections(self) -> Iterator[Section | None]:
        if self.per_label is None or (answered := self.answered) is None:
            return
        yield parts.labels(self.per_label, self.thresholds)
        yield parts.wrong_labels(self._worst(), self.gathered.method)
        yield parts.right_labels(self._typical(answered), self.gathered.method)

    def counted(self) -> tuple[list[tuple[str, int, int]], str]:
        names, learned, apart = self.model._answer_names(), {}, {}
        if (pictures := self.gathered.learned) is not None:
            learned = dict(zip(pictures.labels, pictures.y.sum(axis=0).tolist(), strict=True))
        if self.answered is not None:
            apart = dict(zip(self.labels, self.answered.truth.sum(axis=0).tolist(), strict=True))
        rows = [(name, learned.get(name, 0), apart.get(name, 0)) for name in names]
        return _most_first(rows), parts.plural(len(names), "label")

    def _worst(self) -> list[tuple[ShownPhoto, bool]]:
        """The surest of its wrong answers about a label; and whether the photo has that label."""
        assert self.gathered.evaluation is not None
        shown = []
        for index, truth, predicted, certain in self.gathered.evaluation._wrong[:WORST]:
            has = truth in self.labels and predicted == f"not {truth}"
            label = truth if has else predicted
            shown.append((self.measured_photo(index, label, probability=1 - certain if has else certain), has))
        return shown

    def _typical(self, answered: Answered) -> list[ShownPhoto]:
        """A photo of each label that has it and gets it, neither the surest nor the least sure."""
        shown: list[ShownPhoto] = []
        for column, label in enumerate(self.labels):
            scores = answered.answers[:, column]
            right = np.flatnonzero((answered.truth[:, column] == 1) & (scores >= self.thresholds[label]))
            if len(right) and len(shown) < LOOKS:
                row = int(right[np.argsort(scores[right], kind="stable")[len(right) // 2]])
                shown.append(self.measured_photo(int(answered.index[row]), label, probability=float(scores[row])))
        return shown


class OfNumbers(Answers):
    """A number."""

    head = "ridge regression"

    def is_sound(self, measured: dict) -> bool:
        return all(isinstance(measured.get(name), metrics.Mean) for name in ("mean_absolute_error", "r2"))

    @property
    def quantity(self) -> str:
        return self.model._answer_names()[0]

    def subtitle(self) -> str:
        return f"A model that estimates a number: {self.quantity}"

    def main(self) -> tuple[str, str] | None:
        if not self.measured:
            return None
        error = self.measured["mean_absolute_error"]
        low, high = error.ci
        words = (
            f"off on average: the mean absolute error of {self.quantity} on {error.n:,} held-out photos; 95 % "
            f"interval {low:.3g} to {high:.3g}"
        )
        return f"{error.value:.3g}", words

    def cards(self) -> Iterator[tuple[str, str]]:
        if self.measured:
            yield (
                f"{self.measured['r2'].value:.2f}",
                "R2: the share of the variance that is predicted; always saying the mean has 0",
            )
        if pictures := self.model._known_pictures.trained_on:
            yield f"{len(pictures):,}", "photos that it learned from"

    def todo(self) -> Iterator[tuple[bool, str]]:
        if self.measured and self.measured["r2"].ci[0] <= 0:
            yield True, "Always saying the mean may be as good: the interval of R2 reaches to 0."
        if (answered := self.answered) is not None and len(answered.truth) > 1:
            bias = metrics.mean(answered.answers - answered.truth)
            if bias.ci[0] > 0 or bias.ci[1] < 0:
                high = "high" if bias.value > 0 else "low"
                yield True, f"Its estimates are too {high}, by {abs(bias.value):.3g} on average."

    def sections(self) -> Iterator[Section | None]:
        if (answered := self.answered) is None or not len(answered.truth):
            return
        yield parts.estimates(answered.truth, answered.answers, self.quantity)
        order = np.argsort(-np.abs(answered.answers - answered.truth), kind="stable")
        yield parts.furthest(self._photos(answered, order[:WORST]), self.quantity, self.gathered.method)
        # from low to high, of those that are off by no more than most
        typical = order[len(order) // 2 :]
        typical = typical[np.argsort(answered.answers[typical], kind="stable")]
        places = np.unique(np.linspace(0, len(typical) - 1, min(LOOKS, len(typical))).round().astype(int))
        yield parts.raised(self._photos(answered, typical[places]), self.quantity, self.gathered.method)

    def _photos(self, answered: Answered, rows: Iterable[int]) -> list[tuple[ShownPhoto, float, float]]:
        """Photos, their numbers and the estimates."""
        return [
            (
                self.measured_photo(int(answered.index[row]), self.quantity),
                float(answered.truth[row]),
                float(answered.answers[row]),
            )
            for row in rows
        ]

    def counted(self) -> tuple[list[tuple[str, int, int]], str]:
        learned = self.gathered.learned.y if self.gathered.learned is not None else np.empty(0)
        apart = self.answered.truth if self.answered is not None else np.empty(0)
        every = np.concatenate([learned, apart])
        ends = np.linspace(every.min(), every.max(), RANGES + 1)
        counts = (np.histogram(part, ends)[0].tolist() for part in (learned, apart))
        names = (f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(ends))
        return [*zip(names, *counts, strict=True)], "even ranges of the number"


KINDS: dict[Target, type[Answers]] = {CLASSES: OfClasses, LABELS: OfLabels, NUMBERS: OfNumbers}
