"""Regression on pictures: pixels 0-255 in, a number out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from zoo import metrics
from zoo.data import sources
from zoo.data.dataset import Dataset, Skipped
from zoo.errors import RecordMismatchError, printable
from zoo.targets import NUMBERS
from zoo.tasks.images.evaluation import Answered, Evaluation, Misestimated
from zoo.tasks.images.supervised import Supervised, answer_in_notebook, facts_of, labels_from, novelty_hint

ALIKE, ALIKE_UNKNOWN = 0.1, 0.01  # of the mean error, or of the number: by how much it may differ in an exported file
FAR = 2  # times the mean error, beyond which an estimate counts as a mistake


@dataclass(frozen=True)
class NumberPrediction:
    """What number a model estimates for one picture.

    Attributes:
        value: the estimate, in whatever unit the numbers had that were learned from.
        error: by how much estimates were off on average, on pictures that were held out; None where none were.
        quantity: what the number is called, the name of its column.
        path: the picture's file, or None for arrays.
        is_novel: whether it resembles nothing that the model was trained on; None where the model cannot tell.
        picture: what was given to `predict`, for a notebook to show.
    """

    value: float
    error: float | None
    quantity: str
    path: str | None = None
    is_novel: bool | None = None
    picture: Any = field(default=None, repr=False, compare=False)

    def __float__(self) -> float:
        return self.value

    def to_json(self) -> dict:
        return facts_of(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return answer_in_notebook(self, [])

    def __str__(self) -> str:
        return self.ranked()

    def ranked(self) -> str:
        """The number on one line, and how far off such estimates are."""
        off = "" if self.error is None else f"  (off by {self.error:.2g} on average, on pictures that were held out)"
        return f"{printable(self.quantity)} {self.value:.4g}{off}{novelty_hint(self)}"

    def cells(self) -> dict[str, Any]:
        """The number and its error, for a table."""
        return {"value": self.value, "mean_error": self.error}


class Regressor(Supervised):
    """A model that estimates a number from a picture.

    Its Keras model takes pixels 0-255 of shape (height, width, channels), and gives the number, in its own unit.
    """

    _metric_types: ClassVar = {"mean_absolute_error": metrics.Mean, "r2": metrics.Mean}
    _target = NUMBERS
    _columns = ("value", "mean_error")
    _shown_metric = "mean_absolute_error"
    _error: float | None = None  # mean absolute error on the pictures that were held out of fine-tuning

    @property
    def quantity(self) -> str:
        """What its number is called."""
        return self.labels[0] if self.labels else "number"

    def _answer_names(self) -> list[str]:
        return [self.quantity]

    def _prediction(self, answer: np.ndarray, top: int, path: str | None, is_novel: bool | None) -> NumberPrediction:
        return NumberPrediction(float(answer[0]), self._error, self.quantity, path, is_novel)

    def _truth(self, pictures: sources.Pictures) -> np.ndarray:
        return pictures.y

    def _evaluation(
        self, pictures: sources.Pictures, kept: list[int], outputs: np.ndarray, about: dict, skipped: list[Skipped]
    ) -> Evaluation:
        truth, estimates = self._truth(pictures)[kept], self._interpret(outputs)[:, 0]
        errors = np.abs(estimates - truth)
        measured = {
            "mean_absolute_error": metrics.mean(errors),
            "r2": metrics.r_squared(truth, estimates),
            "quantity": self.quantity,
            **about,
        }
        if self._error is None and about["trained_on"] == 0:
            self._error = float(errors.mean())
        wrong = [
            (kept[i], float(truth[i]), float(estimates[i]), float(errors[i]))
            for i in np.flatnonzero(errors > FAR * errors.mean()).tolist()
        ]
        headline = self._headline(measured)
        remembered = self._remember(measured, skipped)
        answered = Answered(np.array(kept, int), truth, estimates)
        return Evaluation(remembered, pictures, self.preprocessing, wrong, headline, Misestimated, answered=answered)

    def _headline(self, result: dict) -> str:
        return f"mean absolute error {result['mean_absolute_error']}"

    def _details(self, result: dict) -> str:
        return f"R2 {result['r2']}: the share of the variance of {printable(self.quantity)} that is predicted"

    def _same(self, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        return np.abs(ours - theirs).max(axis=1) <= self._tolerance(ours)

    def _measured(self, truth: np.ndarray, answers: np.ndarray) -> metrics.Metric:
        return metrics.mean(np.abs(answers[:, 0] - truth))

    def _what_is_same(self) -> str:
        return "number, but for a tenth of its mean error," if self._error else "number, but for a hundredth of it,"

    def _tolerance(self, answers: np.ndarray) -> float:
        return ALIKE * self._error if self._error else ALIKE_UNKNOWN * float(np.abs(answers).max())

    def _toy_data(self) -> Dataset:
        """Sixteen pictures of waves, numbered."""
        return sources.load((self.preprocessing.samples(16), np.arange(16) + 0.5), target=NUMBERS)

    # The saved file

    def get_config(self) -> dict:
        return {**super().get_config(), "labels": [self.quantity], "output": "number", "mean_error": self._error}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        self = super().from_config(config)
        self.labels = labels_from(config)
        if len(self.labels) != 1:
            raise ValueError(f"there are {len(self.labels)} names for one number")
        self._error = None if config["mean_error"] is None else float(config["mean_error"])
        return self

    def _check_shapes(self, inputs: tuple, outputs: tuple) -> None:
        if inputs != self.preprocessing.shape or outputs != (1,):
            raise RecordMismatchError(
                f"one number and inputs of {self.preprocessing.shape}, but outputs of {outputs} and inputs of {inputs}"
            )
