"""Several labels at once: a sigmoid and its cross-entropy for each label, independent of the others."""

from collections.abc import Sequence

import numpy as np

from zoo.errors import printable
from zoo.targets.target import Target

SEPARATOR = "|"  # between labels in a cell, as in the label files of ChestX-ray14 and MovieLens


class LabelsTarget(Target):
    """Each example has any number of labels; y is 1 where it has one, else 0, of shape (n, labels).

    Example:
        >>> y = np.array([[1, 0], [1, 1], [0, 0]])
        >>> LabelsTarget().texts(y, ["sea", "boat"]), LabelsTarget().counted(y, ["sea", "boat"])
        (['sea', 'boat|sea', ''], ['2 sea', '1 boat', '1 with none'])
    """

    name, task = "labels", "multilabel"
    activation = "sigmoid"

    def strata(self, y: np.ndarray) -> np.ndarray:
        """The rarest label that each example has, as the others are met often enough anyway; a number for none."""
        rank = np.argsort(np.argsort(y.sum(axis=0), kind="stable"))  # of each label, the rarest first
        return np.where(y, rank, y.shape[1]).min(axis=1, initial=y.shape[1])

    def fewest(self, y: np.ndarray) -> int:
        return int(y.sum(axis=0).min())

    def texts(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        return [SEPARATOR.join(sorted(names[i] for i in np.flatnonzero(row).tolist())) for row in y]

    def counted(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        none = int((~y.any(axis=1)).sum())
        counts = [f"{n} {printable(name)}" for name, n in zip(names, y.sum(axis=0), strict=True)]
        return counts + ([f"{none} with none"] if none else [])

    def lacking(self, y: np.ndarray, names: Sequence[str], fewest: int) -> str:
        if not names:
            return "one label or more"
        have = y.sum(axis=0)
        for name, n in zip(names, have.tolist(), strict=True):
            if n < fewest or len(y) - n < fewest:
                than = f"{n} of the {len(y)} pictures {'has' if n == 1 else 'have'} {printable(name)!r}"
                return f"{fewest} pictures or more with each label, and as many without it, but {than}"
        return ""

    def encode(self, y: np.ndarray, outputs: int) -> np.ndarray:
        return y.astype(np.float64)

    def mean_and_loss(self, outputs: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        losses = np.logaddexp(0, outputs) - wanted * outputs
        return self.activate(outputs), losses.sum(axis=2)

    def activate(self, outputs: np.ndarray) -> np.ndarray:
        return 0.5 * (1 + np.tanh(0.5 * outputs))  # a sigmoid that overflows nowhere
