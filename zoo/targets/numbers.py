"""Numbers: half the squared error, so that the head is a ridge regression."""

from collections.abc import Sequence

import numpy as np

from zoo.errors import printable
from zoo.targets.target import STRENGTHS, Target

FEWEST = 10  # examples: of fewer, no error that was measured on a fifth of them says anything


class NumbersTarget(Target):
    """Each example has a number; y is of shape (n,), finite.

    Example:
        >>> NumbersTarget().counted(np.array([1.0, 2.0, 6.0]), ["age"])
        ['age from 1 to 6, 3 on average']
    """

    name, task = "numbers", "regression"
    # a squared error in units of the numbers' spread is four times as steep as a cross-entropy at most, and more
    # where that one is certain; the strongest says the mean of all
    strengths = (10.0, 10.0**0.5, 1.0, 10.0**-0.5, *STRENGTHS)

    def strata(self, y: np.ndarray) -> np.ndarray:
        return np.zeros(len(y), int)

    def texts(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        return [repr(number) for number in y.tolist()]

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

    def curvature(self, mean: np.ndarray) -> float:
        return 1.0
