"""Measured numbers that carry their uncertainty."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Metric:
    """A measured value, the interval that the size of its sample implies, and that size.

    Attributes:
        value: the measured value, for example an accuracy between 0 and 1.
        ci: lower and upper end of the 95 % confidence interval.
        n: how many examples it was measured on.
    """

    value: float
    ci: tuple[float, float]
    n: int

    def __float__(self):
        return self.value

    def __str__(self):
        low, high = self.ci
        return f"{self.value:.1%} (95 % interval {low:.1%} to {high:.1%}, n = {self.n})"

    def to_json(self) -> dict:
        """What `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict) -> "Metric":
        """The one that `to_json` gave; raises whatever it likes on anything else."""
        metric = cls(stored["value"], tuple(stored["ci"]), stored["n"])
        str(metric)  # it can be shown
        return metric


class Mean(Metric):
    """A measured mean that is no share: a loss, a ratio in dB."""

    def __str__(self):
        low, high = self.ci
        return f"{self.value:.4g} (95 % interval {low:.4g} to {high:.4g}, n = {self.n})"

    def mapped(self, unit: Callable[[float], float]) -> "Mean":
        """The same in another unit, which grows with this one."""
        return Mean(unit(self.value), (unit(self.ci[0]), unit(self.ci[1])), self.n)


def proportion(hits: int, n: int) -> Metric:
    """A share of successes with its 95 % Wilson score interval.

    Wilson (1927), JASA 22:209. Unlike the textbook's normal interval it stays inside 0 to 1 and is honest near
    both ends: 153 of 153 right does not prove that the next one is.

    Args:
        hits: number of successes, 0 to n.
        n: number of trials.

    Example:
        >>> print(proportion(35, 50))
        70.0% (95 % interval 56.2% to 80.9%, n = 50)
    """
    if n == 0:
        return Metric(math.nan, (0.0, 1.0), 0)
    z = 1.959963984540054  # 97.5 % quantile of the normal distribution
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # at either end the interval ends there; rounding would leave it a hair inside
    low = 0.0 if hits == 0 else centre - half
    return Metric(share, (low, 1.0 if hits == n else centre + half), n)


def mean(values) -> Mean:
    """The mean of numbers of shape (n,) with its 95 % interval, by their standard error; of one number, no interval.

    Example:
        >>> print(mean(np.array([1.0, 2.0, 3.0, 2.0])))
        2 (95 % interval 1.2 to 2.8, n = 4)
    """
    n, value = len(values), float(np.mean(values))
    half = 1.959963984540054 * float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    return Mean(value, (value - half, value + half), n)


def bits(nats: float) -> float:
    """The same information to the base 2."""
    return nats / math.log(2)


def perplexity(nats: float) -> float:
    """Among how many equally probable tokens one would have to choose to be as surprised: e to the power of nats."""
    return math.exp(nats) if nats < 700 else math.inf


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> Metric:
    """Share of `predictions` equal to `labels` (two integer arrays of shape (n,)), with its interval."""
    return proportion(int((labels == predictions).sum()), len(labels))


def per_class(labels, predictions, names) -> dict:
    """For each class: how many pictures, recall (how many of these were found), precision (right when predicted).

    Args:
        labels: true class of each picture, integers of shape (n,).
        predictions: predicted class of each picture, integers of shape (n,).
        names: the classes' names, in the order of their integers.

    Returns:
        `{name: {"n": int, "recall": float | None, "precision": float | None}}`; None where nothing was counted.
    """
    table = {}
    for index, name in enumerate(names):
        actual, predicted = labels == index, predictions == index
        both = int((actual & predicted).sum())
        n, n_predicted = int(actual.sum()), int(predicted.sum())
        table[name] = {
            "n": n,
            "recall": both / n if n else None,
            "precision": both / n_predicted if n_predicted else None,
        }
    return table


def confusion(labels, predictions, num_classes: int) -> list[list[int]]:
    """Counts of shape (num_classes, num_classes): row is the true class, column the predicted one."""
    table = [[0] * num_classes for _ in range(num_classes)]
    for true, predicted in zip(labels.tolist(), predictions.tolist(), strict=True):
        table[true][predicted] += 1
    return table
