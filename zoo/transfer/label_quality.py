"""How well each label fits, and which unlabelled examples to label next, from features alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.inference import softmax
from zoo.transfer.head import Head, Standardised, fit_head, folds, held_out_outputs, optimum, solve_head
from zoo.transfer.influence import EXAMPLES, LeaveOneOut

EXACT = 100  # suspects whose leave-one-out goes on to the very optimum
SAMPLE = 1000  # examples whose distances to all others are taken at a time
GREEDY = 1000  # unlabelled examples that are chosen in view of those before them; the others follow by their margin


@dataclass(frozen=True)
class JudgedLabels:
    """What is said of each label.

    Attributes:
        head: at the optimum on all examples.
        method: "leave-one-out", or "5 folds" where there are too many examples for it.
        probabilities: of each example by a head without it, shape (n, k).
        scores: the mean of these and of those by a second head, which also left out all examples that the first took
            for another class; shape (n, k).
    """

    head: Head
    method: str
    probabilities: np.ndarray
    scores: np.ndarray


def judge(features: np.ndarray, y: np.ndarray, num_classes: int, seed: int = 0) -> JudgedLabels:
    """Judge every label by heads that did not see it.

    A head that learns from wrong labels believes in them a little. So what it doubts is left out, and all are judged
    once more, as in confident learning (Northcutt et al., 2021), but by leave-one-out in place of folds.

    Args:
        features: shape (n, d).
        y: classes 0 to num_classes - 1, shape (n,), two examples of each or more.
        num_classes: how many there are.
        seed: decides the folds of the cross-validation.

    Example:
        >>> x = np.array([[0.0], [0.2], [0.1], [0.3], [1.0], [1.2], [1.1], [0.15]])
        >>> judge(x, np.array([0, 0, 0, 0, 1, 1, 1, 1]), 2).scores.argmax(axis=1)  # the last label does not fit
        array([0, 0, 0, 0, 1, 1, 1, 0])
    """
    n = len(y)
    head = fit_head(features, y, num_classes, np.arange(n), seed)
    probabilities = without_each(features, y, head, seed, exact=EXACT)
    kept = probabilities.argmax(axis=1) == y
    few = np.bincount(y[kept], minlength=num_classes) < 2
    kept |= few[y]  # a class is not doubted as a whole
    at = Standardised.of(features[kept])
    second = solve_head(at, y[kept], num_classes, head.strength, at.solution(head))
    again = softmax(second(features))
    again[kept] = without_each(features[kept], y[kept], second, seed)
    method = "leave-one-out" if n <= EXAMPLES else f"{folds(y, np.arange(n), seed).max() + 1} folds"
    return JudgedLabels(head, method, probabilities, (probabilities + again) / 2)


def without_each(features: np.ndarray, y: np.ndarray, head: Head, seed: int, exact: int = 0) -> np.ndarray:
    """Probabilities of each example by a head that did not see it, shape (n, k).

    Args:
        features: shape (n, d).
        y: classes, shape (n,).
        head: at its optimum on all of them.
        seed: decides the folds, where there are too many examples to leave each out.
        exact: of how many examples, those whose label is least likely, the answer is exact; of the others it is one
            Newton step from the optimum.
    """
    at = Standardised.of(features)
    logits, k = head(features.astype(np.float64)), head.kernel.shape[1]
    if len(y) <= EXAMPLES:
        left_out = LeaveOneOut(at.x, y, logits, head.strength)
        left_out.refine(np.sort(np.argsort(left_out.probabilities[np.arange(len(y)), y])[:exact]))
        return left_out.probabilities
    fold = folds(y, np.arange(len(y)), seed)
    in_training = (fold[:, None] != np.arange(fold.max() + 1)).astype(np.float64)
    weights, biases = at.solution(head)
    start = np.repeat(weights, fold.max() + 1, axis=1), np.repeat(biases, fold.max() + 1, axis=0)
    solution = optimum(at.x, y, k, head.strength, in_training, at.spread, start, tolerance=1e-3)
    return softmax(held_out_outputs(at.x, solution, fold))


def order_to_label(
    labelled: np.ndarray, unlabelled: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """In which order to label examples: where the head cannot decide, and not two of a kind.

    One after the other, the example with the largest (1 - margin) * min(1, distance): margin sampling (Scheffer,
    Decomain & Wrobel, "Active hidden Markov models for information extraction", 2001), less what lies nearer than
    examples usually do to one that has a label or was chosen before.

    Args:
        labelled: features of the examples that have a label, shape (n, d).
        unlabelled: of the others, shape (m, d).
        probabilities: of these by the head, shape (m, k).

    Returns:
        The order; the margins, probability of the likeliest class less that of the second; and each one's distance to
        the nearest example that has a label or comes before it, where 1 is the usual distance of an unlabelled example
        to the nearest other. All of shape (m,).

    Example:
        >>> p = np.array([[0.99, 0.01], [0.5, 0.5], [0.52, 0.48], [0.6, 0.4]])
        >>> order_to_label(np.array([[0.0], [9.0]]), np.array([[1.0], [3.0], [3.1], [6.0]]), p)[0]  # two are twins
        array([1, 3, 2, 0])
    """
    middle = labelled.mean(axis=0, dtype=np.float64)
    labelled, unlabelled = ((x - middle).astype(np.float32) for x in (labelled, unlabelled))
    best = np.sort(probabilities, axis=1)
    margin = best[:, -1] - best[:, -2]
    lengths = (unlabelled**2).sum(axis=1)

    def squares(others: np.ndarray) -> np.ndarray:
        """Squared distances, shape (others, m)."""
        return np.maximum(lengths + (others**2).sum(axis=1)[:, None] - 2 * others @ unlabelled.T, 0)

    drawn = np.arange(0, len(unlabelled), -(-len(unlabelled) // SAMPLE))
    among = squares(unlabelled[drawn])
    among[np.arange(len(drawn)), drawn] = np.inf
    usual = float(np.sqrt(np.median(among.min(axis=1)))) if len(unlabelled) > 1 else 0.0
    usual = usual or 1.0  # they are all alike, or a single one
    near = np.full(len(unlabelled), np.inf)
    for start in range(0, len(labelled), SAMPLE):
        near = np.minimum(near, squares(labelled[start : start + SAMPLE]).min(axis=0))
    order: list[int] = []
    left = np.ones(len(unlabelled), bool)
    for _ in range(min(GREEDY, len(unlabelled))):
        chosen = int(np.argmax(np.where(left, score_to_label(margin, np.sqrt(near) / usual), -1)))
        order.append(chosen)
        left[chosen] = False
        near = np.where(left, np.minimum(near, squares(unlabelled[[chosen]])[0]), near)
    distance = np.sqrt(near) / usual
    rest = np.flatnonzero(left)
    order += rest[np.argsort(-score_to_label(margin, distance)[rest], kind="stable")].tolist()
    return np.array(order, int), margin, distance


def score_to_label(margin: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """How much a label is worth, from what `order_to_label` gives; between 0 and 1."""
    return (1 - margin) * np.minimum(1, distance)
