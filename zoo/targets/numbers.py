"""Numbers: half the squared error, so that the head is a ridge regression."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.errors import ZooError, printable
from zoo.targets.cells import as_float, is_missing
from zoo.targets.target import STRENGTHS, Target

FEWEST = 10  # examples: of fewer, no error that was measured on a fifth of them says anything


class NumbersTarget(Target):
    """Each example has a number; y is of shape (n,), finite.

    Example:
        >>> NumbersTarget().counted(np.array([1.0, 2.0, 6.0]), ["age"])
        ['age from 1 to 6, 3 on average']
    """

    name, task = "numbers", "regression"
    answer = "values"
    # a squared error in units of the numbers' spread is four times as steep as a cross-entropy at most, and more
    # where that one is certain; the strongest says the mean of all
    strengths = (10.0, 10.0**0.5, 1.0, 10.0**-0.5, *STRENGTHS)

    def parse(self, cells: Sequence[Any], rows: Sequence[Any], where: str) -> list[Any]:
        answers: list[Any] = []
        for cell, row in zip(cells, rows, strict=True):
            number = as_float(cell)
            if is_missing(cell) or number != number or (isinstance(cell, str) and not cell.strip()):
                answers.append(None)
            elif number is None:
                point = " Write decimals with a point." if isinstance(cell, str) and "," in cell else ""
                raise ZooError(
                    f"{where}, {row}: {cell!r} is no number. Accepted are numbers, and empty cells, which are "
                    f"left out; mend or remove the row.{point}"
                )
            elif math.isinf(number):
                raise ZooError(
                    f"{where}, {row}: {cell!r} is not finite. Accepted are numbers; mend or remove the row."
                )
            else:
                answers.append(number)
        return answers

    def collect(self, answers: Sequence[Any], column: str) -> tuple[np.ndarray, list[str]]:
        return np.array(answers, np.float64), [column]

    def answers(self, y: np.ndarray, names: Sequence[str]) -> list[Any]:
        return y.tolist()

    def in_order_of(self, y: np.ndarray, old: list[str], new: list[str]) -> np.ndarray:
        return y

    def strata(self, y: np.ndarray) -> np.ndarray:
        return np.zeros(len(y), int)

    def texts(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        return [repr(number) for number in y.tolist()]

    def title(self, names: Sequence[str]) -> str:
        return f"numbers, {printable(names[0])}"

    def counted(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        if not len(y):
            return []
        return [f"{printable(names[0])} from {y.min():.4g} to {y.max():.4g}, {y.mean():.4g} on average"]

    def lacking(self, y: np.ndarray, names: Sequence[str], fewest: int) -> str:
        if len(y) < FEWEST:
            return f"{FEWEST} pictures or more, each with a number, and got {len(y)}"
        if y.min() == y.max():
            return f"numbers that differ, and all {len(y)} are {y[0]:.6g}"
        return ""

    def units(self, y: np.ndarray) -> tuple[float, float]:
        return float(y.mean()), float(y.std()) or 1.0

    def encode(self, y: np.ndarray, outputs: int) -> np.ndarray:
        center, scale = self.units(y)
        return (y[:, None] - center) / scale

    def mean_and_loss(self, outputs: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return outputs, 0.5 * ((outputs - wanted) ** 2).sum(axis=2)

    def curvature(self, mean: np.ndarray) -> np.ndarray:
        return np.ones(mean.shape[1:])


NUMBERS = NumbersTarget()
