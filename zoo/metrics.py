"""Measured numbers that carry their uncertainty."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

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

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

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


def proportion(hits: float, n: int) -> Metric:
    """A share of successes with its 95 % Wilson score interval.

    Wilson (1927), JASA 22:209. Unlike the textbook's normal interval it stays inside 0 to 1 and is honest near
    both ends: 153 of 153 right does not prove that the next one is.

    Args:
        hits: number of successes, 0 to n; a share of n that was not counted need not be whole.
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


def average_precision(truth: np.ndarray, scores: np.ndarray) -> Metric | None:
    """How well scores put the examples that have a label before those that have not: precision, averaged over recall.

    Its 95 % interval is Wilson's for a share of as many trials as examples have the label; Boyd, Eng and Page (2013),
    ECML, found such a binomial interval to cover. A bootstrap would be sure of itself where all is right.

    Args:
        truth: 1 where an example has the label, else 0; shape (n,).
        scores: shape (n,); ties count as one threshold.

    Returns:
        None where no example has the label.

    Example:
        >>> print(average_precision(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])))
        83.3% (95 % interval 24.1% to 98.7%, n = 2)
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # the last of each run of equal scores
    hits = np.cumsum(truth[order])[ends]
    if not len(truth) or not hits[-1]:
        return None
    value = float(np.sum(np.diff(hits, prepend=0) * hits / (ends + 1)) / hits[-1])
    return _share_of(value, int(hits[-1]))


def f1(truth: np.ndarray, predicted: np.ndarray) -> Metric | None:
    """The harmonic mean of precision and recall, from arrays of 0 and 1 of shape (n,).

    It grows with the share of right ones among the examples that have the label or are said to, so its 95 % interval
    is that share's.

    Returns:
        None where no example has the label or is said to.

    Example:
        >>> print(f1(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 1])))
        50.0% (95 % interval 11.6% to 88.4%, n = 3)
    """
    both, either = int((truth & predicted).sum()), int((truth | predicted).sum())
    if not either:
        return None
    share = proportion(both, either)
    low, high = (2 * end / (1 + end) for end in share.ci)
    return Metric(2 * share.value / (1 + share.value), (low, high), either)


def _share_of(value: float, n: int) -> Metric:
    """A value between 0 and 1 with the interval that a share of n trials has."""
    return Metric(value, proportion(value * n, n).ci, n)


def per_label(truth: np.ndarray, scores: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> dict:
    """For each label: how many examples have it, average precision, F1, precision and recall.

    Args:
        truth, predicted: 1 where an example has a label, or is said to; shape (n, labels).
        scores: shape (n, labels).
        names: the labels' names.

    Returns:
        `{name: {"n": int, "average_precision": Metric, "f1": Metric, "precision": float, "recall": float}}`, with None
        for what cannot be measured.
    """
    table = {}
    for index, name in enumerate(names):
        has, is_said = truth[:, index], predicted[:, index]
        both, n, n_said = int((has & is_said).sum()), int(has.sum()), int(is_said.sum())
        table[name] = {
            "n": n,
            "average_precision": average_precision(has, scores[:, index]),
            "f1": f1(has, is_said),
            "precision": both / n_said if n_said else None,
            "recall": both / n if n else None,
        }
    return table


def mean_of(metrics: Sequence[Metric | None], n: int) -> Metric:
    """The mean of several metrics on the same n examples; those that are None do not count.

    Its interval is the mean of theirs: however they hang together, the mean spreads no more than they do on average.
    """
    measured = [metric for metric in metrics if metric is not None]
    if not measured:
        return Metric(math.nan, (0.0, 1.0), n)
    value, low, high = (float(np.mean(ends)) for ends in zip(*((m.value, *m.ci) for m in measured), strict=True))
    return Metric(value, (low, high), n)


def r_squared(truth: np.ndarray, predicted: np.ndarray) -> Mean:
    """The share of the numbers' variance that is predicted, 1 at best; the mean of all would get 0.

    Its 95 % interval is that of a bootstrap over the examples, the same on every day.

    Args:
        truth, predicted: numbers, shape (n,).

    Example:
        >>> r_squared(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 3.0])).value
        0.8
    """
    n = len(truth)
    if n < 2 or np.ptp(truth) == 0:
        return Mean(math.nan, (math.nan, math.nan), n)
    z = truth - truth.mean()
    moments = np.stack([np.ones(n), z, z**2, (truth - predicted) ** 2], axis=1)
    times = max(200, min(2000, 20_000_000 // n))
    random = np.random.default_rng(0)
    drawn = np.stack([np.bincount(random.integers(0, n, n), minlength=n) @ moments for _ in range(times)])
    with np.errstate(divide="ignore", invalid="ignore"):  # a few examples may be drawn that are all alike
        values = 1 - drawn[:, 3] / (drawn[:, 2] - drawn[:, 1] ** 2 / n)
    low, high = np.percentile(values[np.isfinite(values)], [2.5, 97.5])
    return Mean(float(1 - moments[:, 3].sum() / moments[:, 2].sum()), (float(low), float(high)), n)


def best_threshold(truth: np.ndarray, scores: np.ndarray) -> float:
    """The threshold between scores at which F1 is best; shapes (n,).

    Example:
        >>> best_threshold(np.array([0, 1, 1]), np.array([0.1, 0.3, 0.4]))
        0.2
    """
    order = np.argsort(-scores, kind="stable")
    hits, ranks = np.cumsum(truth[order]), np.arange(1, len(truth) + 1)
    ends = np.append(np.diff(scores[order]) != 0, True)
    best = int(np.where(ends, 2 * hits / (ranks + hits[-1]), -1).argmax())
    following = scores[order[best + 1]] if best + 1 < len(scores) else 0.0
    return float(round((scores[order[best]] + following) / 2, 6))


@dataclass(frozen=True)
class Reliability:
    """Whether probabilities can be taken at their word: of what is called 80 % sure, are 80 % right?

    Attributes:
        bins: for each tenth of the scale that has examples: their mean probability, and the share that is right.
        error: the mean distance between the two, weighted by examples: the expected calibration error.
        by_chance: what it stays below, in 95 of 100 draws, for so many examples whose probabilities are exactly right.
    """

    bins: list[tuple[float, Metric]]
    error: float
    by_chance: float

    def to_json(self) -> dict:
        return asdict(self)


def reliability(confidence: np.ndarray, right: np.ndarray, num_bins: int = 10, seed: int = 0) -> Reliability:
    """How well the probabilities of predictions agree with how often these are right.

    Naeini, Cooper & Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning", with bins of
    equal width. The error is above 0 even for perfect probabilities, the more the fewer examples there are.

    Args:
        confidence: probability of the predicted class, shape (n,).
        right: whether it is the true one, shape (n,).
        num_bins: of the scale from 0 to 1.
        seed: of the draws that say what is chance.

    Example:
        >>> print(reliability(np.full(10, 0.85), np.arange(10) < 7).bins[0][1])
        70.0% (95 % interval 39.7% to 89.2%, n = 10)
    """
    place = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    counts = np.bincount(place, minlength=num_bins)
    sums = np.bincount(place, confidence, num_bins)

    def error(right: np.ndarray) -> float:
        return float(np.abs(sums - np.bincount(place, right, num_bins)).sum() / max(1, len(right)))

    random = np.random.default_rng(seed)
    drawn = [error(random.random(len(place)) < confidence) for _ in range(200)]
    hits = np.bincount(place, right, num_bins)
    bins = [(sums[i] / counts[i], proportion(int(hits[i]), int(counts[i]))) for i in np.flatnonzero(counts)]
    return Reliability(bins, error(right), float(np.quantile(drawn, 0.95)))
