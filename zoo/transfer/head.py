"""The head: an L2-regularised linear model on features, at its optimum, strength by cross-validation.

The objective is convex, so there is no learning rate to guess and no seed in the answer: with features x, centred
and divided by one common scale, weights W of shape (features, outputs) and biases b,

    minimise over W, b:   mean over examples of loss(x W + b, y)  +  strength / 2 * ||W||^2.

The kind of target (`zoo.targets`) says which loss. Of classes it is the cross-entropy, so that the head is a
multinomial logistic regression; of several labels a cross-entropy for each; of numbers the squared error, a ridge
regression.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from zoo.targets import CLASSES, Target

FOLDS = 5
Solution: TypeAlias = tuple[np.ndarray, np.ndarray]  # weights (r, problems, k) and biases (problems, k)


@dataclass(frozen=True)
class Head:
    """A fitted head, in the units of the features as they came: outputs = features @ kernel + bias.

    Attributes:
        kernel: shape (features, outputs).
        bias: shape (outputs,).
        strength: the chosen strength of the penalty.
        losses: cross-validated mean loss by strength: of classes and labels in nats, of numbers half the squared error
            in units of their variance.
        held_out: outputs, at the chosen strength, for the examples that it was chosen by, each by a head that did not
            see it; shape (n, outputs).
        target: what kind of target its outputs are of; of classes they are logits.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strength: float
    losses: dict[float, float]
    held_out: np.ndarray = field(default_factory=lambda: np.empty((0, 0)), repr=False, compare=False)
    target: Target = field(default=CLASSES, repr=False, compare=False)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return features @ self.kernel + self.bias

    def activated(self, features: np.ndarray) -> np.ndarray:
        """What a saved model with this head answers."""
        return self.target.activate(self(features))


@dataclass(frozen=True)
class Standardised:
    """Features as the objective has them: centred, over one common scale, in principal axes.

    Attributes:
        x: shape (n, r), float32: the search for the strength takes half the time and memory so.
        mean: of the features as they came, shape (d,).
        scale: the root mean square length of a row, once centred.
        basis: the axes as columns, shape (d, r).
        spread: the variance along each axis, shape (r,).
    """

    x: np.ndarray
    mean: np.ndarray
    scale: float
    basis: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Standardised:
        """Those of shape (n, d)."""
        mean = features.mean(axis=0, dtype=np.float64)
        x = features - mean.astype(np.float32)
        scale = float(np.sqrt(np.mean(x**2, dtype=np.float64) * x.shape[1])) or 1.0
        x /= np.float32(scale)
        basis, spread = principal_axes(x)
        return cls(x @ basis.astype(np.float32), mean, scale, basis, spread)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Others in the same axes, in float64; shape (m, r) from (m, d)."""
        return (features.astype(np.float64) - self.mean) @ self.basis / self.scale

    def solution(self, head: Head) -> Solution:
        """A head's weights in these axes, as `optimum` has those of a single problem."""
        weights = self.basis.T @ head.kernel * self.scale
        return weights[:, None], (head.bias + self.mean @ head.kernel)[None]


def fit_head(
    features: np.ndarray,
    y: np.ndarray,
    num_classes: int,
    groups: np.ndarray,
    seed: int = 0,
    apart: np.ndarray | None = None,
    target: Target = CLASSES,
    weights: np.ndarray | None = None,
) -> Head:
    """Fit the head, choosing the strength of its penalty by stratified cross-validation on these examples alone.

    Args:
        features: shape (n, d).
        y: answers as `target` has them, n rows; each class in at least two groups.
        num_classes: how many outputs there are, one for each class.
        groups: shape (n,); examples of one group (views of one picture) stay in one fold.
        seed: decides the folds.
        apart: which examples the strength is chosen by, shape (n,), in place of cross-validation: where the features
            were themselves fitted to the others' classes, those say nothing of new pictures.
        target: what kind of target y is of.
        weights: how much each example counts, shape (n,); None where all count alike.

    Example:
        >>> x = np.array([[0.0], [0.2], [1.0], [1.2]])
        >>> fit_head(x, np.array([0, 0, 1, 1]), 2, groups=np.arange(4))(x).argmax(axis=1)
        array([0, 0, 1, 1])
    """
    at = Standardised.of(features)
    x, spread = at.x, at.spread
    fold = np.where(apart, 0, -1) if apart is not None else folds(target.strata(y), groups, seed, target.fewest(y))
    judged = np.flatnonzero(fold >= 0)  # -1: in all trainings
    wanted = target.encode(y, num_classes)[judged, None]
    counts = np.ones(len(y)) if weights is None else weights
    in_training = (fold[:, None] != np.arange(fold.max() + 1)) * counts[:, None]  # (n, folds)
    losses: dict[float, float] = {}
    start: Solution | None = None
    near: Solution | None = None
    for strength in target.strengths:
        start = optimum(x, y, num_classes, strength, in_training, spread, start, tolerance=1e-3, target=target)
        held_out = held_out_outputs(x, start, fold)[judged]
        of_each = target.mean_and_loss(held_out[:, None].copy(), wanted)[1][:, 0]
        losses[strength] = float(np.average(of_each, weights=counts[judged]))
        if losses[strength] == min(losses.values()):
            near, best = start, held_out
        elif losses[strength] > 1.01 * min(losses.values()):
            break  # weaker still only fits the folds' accidents better
    strength = min(losses, key=losses.__getitem__)

    if near is not None:  # the folds' answers lie around the whole's
        near = near[0].mean(axis=-2, keepdims=True), near[1].mean(axis=-2, keepdims=True)
    center, scale = target.units(y)
    head = solve_head(at, y, num_classes, strength, near, target=target, weights=counts)
    return replace(head, losses=losses, held_out=best * scale + center)


def solve(
    x: np.ndarray,
    y: np.ndarray,
    num_classes: int,
    seed: int = 0,
    apart: np.ndarray | None = None,
    target: Target = CLASSES,
    weights: np.ndarray | None = None,
) -> Head:
    """Fit the head on features of views of pictures, shape (pictures, views, d), and their answers, a row each.

    Pictures may count more or less, by `weights` of shape (pictures,).
    """
    views = x.shape[1]
    groups = np.repeat(np.arange(len(x)), views)
    # Products as small as these are faster on one thread, and far faster where others use the processor too.
    with threadpool_limits(1):
        apart = None if apart is None else np.repeat(apart, views)
        y = np.repeat(y, views, axis=0)
        weights = None if weights is None else np.repeat(weights, views)
        return fit_head(x.reshape(-1, x.shape[2]), y, num_classes, groups, seed, apart, target, weights)


def solve_head(
    at: Standardised,
    y: np.ndarray,
    num_classes: int,
    strength: float,
    start: Solution | None = None,
    tolerance: float = 1e-6,
    target: Target = CLASSES,
    weights: np.ndarray | None = None,
) -> Head:
    """The head at a given strength of the penalty.

    Args:
        at: the features of n examples.
        y: answers as `target` has them, n rows.
        num_classes: how many outputs there are, one for each class.
        strength: of the penalty.
        start: where to begin from, or None for zeros.
        tolerance: as for `optimum`.
        target: what kind of target y is of.
        weights: how much each example counts, shape (n,); None where all count alike.

    Example:
        >>> x = np.array([[0.0], [0.2], [1.0], [1.2]])
        >>> solve_head(Standardised.of(x), np.array([0, 0, 1, 1]), 2, 0.01)(x).argmax(axis=1)
        array([0, 0, 1, 1])
    """
    everything = np.ones((len(y), 1)) if weights is None else weights[:, None]
    x = at.x.astype(np.float64)
    weights, biases = optimum(x, y, num_classes, strength, everything, at.spread, start, tolerance, target)
    center, scale = target.units(y)
    kernel = at.basis @ weights[:, 0] * scale / at.scale
    return Head(kernel, biases[0] * scale + center - at.mean @ kernel, strength, {}, target=target)


def held_out_outputs(x: np.ndarray, solution: Solution, fold: np.ndarray) -> np.ndarray:
    """Outputs for each example by the problem, one a fold, that did not see it: (n, k) from x of shape (n, r)."""
    weights, biases = solution  # (r, folds, k) and (folds, k)
    outputs = (x @ weights.reshape(len(weights), biases.size).astype(x.dtype)).reshape(len(x), *biases.shape) + biases
    return outputs[np.arange(len(x)), fold]


def principal_axes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions in which the examples vary, orthonormal, and by how much.

    Turning the axes into them changes nothing, as the penalty looks the same from every side. It leaves as many
    numbers an example as there are examples, where those are fewer, and tells the solver how steep each axis is.

    Args:
        x: centred, shape (n, d).

    Returns:
        Axes as columns, shape (d, r), and the variance along each, shape (r,); r is at most min(n, d).
    """
    few = len(x) < x.shape[1]
    variances, axes = np.linalg.eigh((x @ x.T if few else x.T @ x).astype(np.float64) / len(x))
    real = variances > 1e-7 * variances[-1]  # below that it is float32's rounding
    variances, axes = variances[real], axes[:, real]
    if few:
        axes = x.T @ axes / np.sqrt(len(x) * variances)
    return axes, variances


def optimum(
    x: np.ndarray,
    y: np.ndarray,
    num_classes: int,
    strength: float,
    in_training: np.ndarray,
    spread: np.ndarray,
    start: Solution | None,
    tolerance: float,
    target: Target = CLASSES,
) -> Solution:
    """Solve several problems over the same examples at once, by L-BFGS (Liu & Nocedal 1989) on all of the data.

    The problems, one a fold, share each product with `x`, which is where the time goes. The unknowns are scaled by
    the square root of the expected curvature along each axis and for each output at the start, so that the valley is
    round and few steps are needed: of 102 classes a quarter of those that one curvature for all outputs takes.

    Args:
        x: shape (n, r), in principal axes.
        y: answers as `target` has them, n rows.
        num_classes: k.
        strength: of the penalty.
        in_training: how much an example counts in a problem, 0 where it takes no part; shape (n, problems).
        spread: variance of `x` along each axis, shape (r,).
        start: (weights, biases) to begin from, or None for zeros.
        tolerance: the largest slope, in the scaled unknowns, that counts as flat.
        target: what kind of target y is of.

    Returns:
        Weights of shape (r, problems, k) and biases of shape (problems, k).
    """
    from scipy.optimize import minimize

    (n, r), problems = x.shape, in_training.shape[1]
    share = (in_training / in_training.sum(axis=0)).astype(x.dtype)  # (n, problems): each problem's loss is a mean
    wanted = target.encode(y, num_classes).astype(x.dtype)[:, None, :]  # (n, 1, k)
    if start is None:
        start = np.zeros((r, problems, num_classes)), np.zeros((problems, num_classes))

    def mean_and_loss(weights, biases):
        outputs = x @ weights.reshape(r, problems * num_classes).astype(x.dtype)
        outputs = outputs.reshape(n, problems, num_classes) + biases.astype(x.dtype)
        return target.mean_and_loss(outputs, wanted)

    curvature = target.curvature(mean_and_loss(*start)[0])
    steepness = np.sqrt(curvature * spread[:, None, None] + strength), np.sqrt(curvature)

    def unscaled(flat):
        scaled = flat[: start[0].size].reshape(start[0].shape), flat[start[0].size :].reshape(start[1].shape)
        return scaled[0] / steepness[0], scaled[1] / steepness[1]

    def objective(flat):
        weights, biases = unscaled(flat)
        slope, losses = mean_and_loss(weights, biases)
        slope -= wanted
        slope *= share[:, :, None]  # (n, problems, k)
        by_weights = (x.T @ slope.reshape(n, -1)).reshape(weights.shape) + strength * weights
        value = np.sum(losses * share, dtype=np.float64) + strength / 2 * np.sum(weights**2)
        by_biases = slope.sum(axis=0, dtype=np.float64)
        return value, np.concatenate([(by_weights / steepness[0]).ravel(), (by_biases / steepness[1]).ravel()])

    first = np.concatenate([(start[0] * steepness[0]).ravel(), (start[1] * steepness[1]).ravel()])
    options = {"maxiter": 5000, "maxfun": 10000, "gtol": tolerance, "ftol": 0.0, "maxcor": 10}
    return unscaled(minimize(objective, first, jac=True, method="L-BFGS-B", options=options).x)


def cross_entropy(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """-log of the probability given to the true class, in nats; shape (n,) from logits of shape (n, k)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]


def folds(y: np.ndarray, groups: np.ndarray, seed: int, fewest: int | None = None) -> np.ndarray:
    """A fold for each example, shape (n,): each class dealt out evenly, groups kept whole.

    There are `FOLDS` of them, or `fewest`, or as many as the rarest class has groups.
    """
    random = np.random.default_rng(seed)
    fold = np.empty(len(y), int)
    members = {label: random.permutation(np.unique(groups[y == label])) for label in np.unique(y)}
    fewest = fewest or min(map(len, members.values()), default=FOLDS)
    count = max(2, min(FOLDS, fewest))
    dealt = 0
    for label, names in members.items():
        of_group = dict(zip(names.tolist(), (dealt + np.arange(len(names))) % count, strict=True))
        dealt += len(names)  # the next class goes on where this one ended, so that the folds stay equal in size
        rows = np.flatnonzero(y == label)
        fold[rows] = [of_group[group] for group in groups[rows].tolist()]
    return fold
