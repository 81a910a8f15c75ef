"""One of several classes: softmax and cross-entropy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.errors import printable
from zoo.targets.cells import label_order, label_texts, same_form
from zoo.targets.target import Target


class ClassTarget(Target):
    """Each example is of one class; y are integers of shape (n,).

    Example:
        >>> ClassTarget().counted(np.array([0, 1, 1]), ["cat", "dog"])
        ['cat: 1', 'dog: 2']
    """

    name, task = "classes", "classification"
    softmax = True

    def parse(self, cells: Sequence[Any], rows: Sequence[Any], where: str) -> list[Any]:
        return [text or None for text in label_texts(cells)]

    def collect(self, answers: Sequence[Any], column: str) -> tuple[np.ndarray, list[str]]:
        labels = [same_form(answer) for answer in answers]
        names = label_order(labels)
        number = {name: index for index, name in enumerate(names)}
        return np.array([number[label] for label in labels], np.int64), names

    def answers(self, y: np.ndarray, names: Sequence[str]) -> list[Any]:
        return self.texts(y, names)

    def in_order_of(self, y: np.ndarray, old: list[str], new: list[str]) -> np.ndarray:
        return np.array([new.index(name) for name in old], np.int64)[y]

    def strata(self, y: np.ndarray) -> np.ndarray:
        return y

    def texts(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        return [names[label] for label in y.tolist()]

    def counted(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        counts = np.bincount(y, minlength=len(names))
        return [f"{printable(name)}: {n}" for name, n in zip(names, counts, strict=True)]

    def lacking(self, y: np.ndarray, names: Sequence[str], fewest: int) -> str:
        if len(names) >= 2 and np.bincount(y, minlength=len(names)).min() >= fewest:
            return ""
        return f"two classes or more, each with {fewest} examples or more"

    def encode(self, y: np.ndarray, outputs: int) -> np.ndarray:
        return np.eye(outputs)[y]

    def mean_and_loss(self, outputs: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        outputs -= outputs.max(axis=2, keepdims=True)
        means = np.exp(outputs)
        total = means.sum(axis=2, keepdims=True)
        means /= total
        return means, np.log(total)[:, :, 0] - np.einsum("npk,nk->np", outputs, wanted[:, 0])


CLASSES = ClassTarget()
