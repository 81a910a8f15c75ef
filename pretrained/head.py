"""The head: L2-regularised multinomial logistic regression on features, at its optimum, strength by cross-validation.

The objective is convex, so there is no learning rate to guess and no seed in the answer: with features x, centred
and divided by one common scale, weights W of shape (features, classes) and biases b,

    minimise over W, b:   mean over examples of cross-entropy(x W + b, y)  +  strength / 2 * ||W||^2.
"""

from dataclasses import dataclass

import numpy as np

STRENGTHS = tuple(float(10.0**e) for e in np.arange(0.0, -5.5, -0.5))  # strong to weak: each starts the next
FOLDS = 5


@dataclass(frozen=True)
class Head:
    """A fitted head, in the units of the features as they came: logits = features @ kernel + bias.

    Attributes:
        kernel: shape (features, classes).
        bias: shape (classes,).
        strength: the chosen strength of the penalty.
        losses: cross-validated mean cross-entropy by strength, in nats.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strength: float
    losses: dict[float, float]

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return features @ self.kernel + self.bias


def fit_head(features: np.ndarray, y: np.ndarray, num_classes: int, groups: np.ndarray, seed: int = 0) -> Head:
    """Fit the head, choosing the strength of its penalty by stratified cross-validation on these examples alone.

    Args:
        features: shape (n, d).
        y: classes 0 to num_classes - 1, shape (n,); each class in at least two groups.
        num_classes: how many there are.
        groups: shape (n,); examples of one group (views of one picture) stay in one fold.
        seed: decides the folds.

    Example:
        >>> x = np.array([[0.0], [0.2], [1.0], [1.2]])
        >>> fit_head(x, np.array([0, 0, 1, 1]), 2, groups=np.arange(4))(x).argmax(axis=1)
        array([0, 0, 1, 1])
    """
    mean = features.mean(axis=0, dtype=np.float64)
    x = features - mean
    scale = float(np.sqrt(np.mean(x**2) * x.shape[1])) or 1.0  # the root mean square length of a feature vector
    x /= scale
    basis = None
    if len(x) < x.shape[1]:
        # Fewer examples than features: the optimum lies in the examples' span. Turning the axes into it changes
        # nothing, as the penalty looks the same from every side, and leaves n numbers an example instead of d.
        basis, _ = np.linalg.qr(x.T)  # (d, n), orthonormal columns
        x = x @ basis

    fold = folds(y, groups, seed)
    in_training = (fold[:, None] != np.arange(fold.max() + 1)).astype(np.float64)  # (n, folds)
    losses, start = {}, None
    for strength in STRENGTHS:
        start = optimum(x, y, num_classes, strength, in_training, start, tolerance=1e-4)
        logits = np.einsum("nd,dfk->nfk", x, start[0], optimize=True) + start[1]
        held_out = logits[np.arange(len(x)), fold]  # each example by the fold that did not see it
        losses[strength] = float(np.mean(cross_entropy(held_out, y)))
    strength = min(losses, key=losses.get)

    everything = np.ones((len(x), 1))
    kernel, bias = optimum(x, y, num_classes, strength, everything, None, tolerance=1e-6)
    kernel = kernel[:, 0] if basis is None else basis @ kernel[:, 0]
    kernel /= scale
    return Head(kernel, bias[0] - mean @ kernel, strength, losses)


def optimum(x, y, num_classes, strength, in_training, start, tolerance):
    """Solve several problems over the same examples at once, by L-BFGS (Liu & Nocedal 1989) on all of the data.

    The problems, one a fold, share each product with `x`, which is where the time goes.

    Args:
        x: shape (n, d).
        y: shape (n,).
        num_classes: k.
        strength: of the penalty.
        in_training: 1 where an example takes part in a problem, else 0; shape (n, problems).
        start: (weights, biases) to begin from, or None for zeros.
        tolerance: the largest slope that counts as flat.

    Returns:
        Weights of shape (d, problems, k) and biases of shape (problems, k).
    """
    from scipy.optimize import minimize

    (n, d), problems = x.shape, in_training.shape[1]
    share = in_training / in_training.sum(axis=0)  # (n, problems): each problem's loss is a mean
    target = np.eye(num_classes)[y][:, None, :]  # (n, 1, k)

    def objective(flat):
        weights, biases = unflatten(flat)
        logits = (x @ weights.reshape(d, -1)).reshape(n, problems, num_classes) + biases
        logits -= logits.max(axis=2, keepdims=True)
        exponentials = np.exp(logits)
        total = exponentials.sum(axis=2, keepdims=True)
        loss = np.sum(share * (np.log(total) - (logits * target).sum(axis=2, keepdims=True))[:, :, 0])
        slope = (exponentials / total - target) * share[:, :, None]  # (n, problems, k)
        by_weights = (x.T @ slope.reshape(n, -1)).ravel() + strength * flat[: weights.size]
        value = loss + strength / 2 * flat[: weights.size] @ flat[: weights.size]
        return value, np.concatenate([by_weights, slope.sum(axis=0).ravel()])

    def unflatten(flat):
        weights = flat[: d * problems * num_classes].reshape(d, problems, num_classes)
        return weights, flat[weights.size :].reshape(problems, num_classes)

    first = np.zeros((d + 1) * problems * num_classes) if start is None else np.concatenate([a.ravel() for a in start])
    options = {"maxiter": 5000, "maxfun": 10000, "gtol": tolerance, "ftol": 0.0, "maxcor": 20}
    return unflatten(minimize(objective, first, jac=True, method="L-BFGS-B", options=options).x)


def cross_entropy(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """-log of the probability given to the true class, in nats; shape (n,) from logits of shape (n, k)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]


def folds(y: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """A fold for each example, shape (n,): each class dealt out evenly, groups kept whole.

    There are `FOLDS` of them, or as many as the rarest class has groups.
    """
    random = np.random.default_rng(seed)
    fold = np.empty(len(y), int)
    members = {label: random.permutation(np.unique(groups[y == label])) for label in np.unique(y)}
    count = max(2, min(FOLDS, *(len(m) for m in members.values()))) if members else FOLDS
    dealt = 0
    for label, names in members.items():
        of_group = dict(zip(names.tolist(), (dealt + np.arange(len(names))) % count, strict=True))
        dealt += len(names)  # the next class goes on where this one ended, so that the folds stay equal in size
        rows = np.flatnonzero(y == label)
        fold[rows] = [of_group[group] for group in groups[rows].tolist()]
    return fold
