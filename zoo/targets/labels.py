"""Several labels at once: a sigmoid and its cross-entropy for each label, independent of the others."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.errors import ZooError, printable
from zoo.targets.cells import as_text, is_several, label_order, label_texts, same_form
from zoo.targets.target import Target

SEPARATOR = "|"  # between labels in a cell, as in the label files of ChestX-ray14 and MovieLens
SEPARATORS = (SEPARATOR, ";", ",")  # the first of them that a column has is its separator
LISTED = re.compile(r"\[\s*(['\"].*)?\]", re.DOTALL)  # a list as Python writes it


class LabelsTarget(Target):
    """Each example has any number of labels; y is 1 where it has one, else 0, of shape (n, labels).

    Example:
        >>> y = np.array([[1, 0], [1, 1], [0, 0]])
        >>> LabelsTarget().texts(y, ["sea", "boat"]), LabelsTarget().counted(y, ["sea", "boat"])
        (['sea', 'boat|sea', ''], ['sea: 2', 'boat: 1', 'none of them: 1'])
    """

    name, task = "labels", "multilabel"
    activation = "sigmoid"

    def parse(self, cells: Sequence[Any], rows: Sequence[Any], where: str) -> list[Any]:
        lists = [row for cell, row in zip(cells, rows, strict=True) if is_several(cell)]
        texts = ["" if is_several(cell) else as_text(cell) for cell in cells]
        separator = next((each for each in SEPARATORS if any(each in text for text in texts)), SEPARATOR)
        answers: list[Any] = []
        for cell, text, row in zip(cells, texts, rows, strict=True):
            if is_several(cell):
                answers.append(frozenset(same_form(label) for label in label_texts([*cell]) if label))
            elif text and lists:
                raise ZooError(
                    f"{where}, {row}: {text!r} is a single label, where {lists[0]} has a list. Accepted is a "
                    f"list in every row, here [{text!r}], or text in every row with {SEPARATOR} between labels."
                )
            elif LISTED.fullmatch(text):
                raise ZooError(
                    f"{where}, {row}: {text!r} is a list as Python writes it. Accepted are labels with "
                    f"{SEPARATOR} between them, such as cat{SEPARATOR}dog."
                )
            elif text:  # of a separator alone: a picture that has none of the labels
                parts = (same_form(part.strip()) for part in text.split(separator))
                answers.append(frozenset(part for part in parts if part))
            else:
                answers.append(None)
        return answers

    def collect(self, answers: Sequence[Any], column: str) -> tuple[np.ndarray, list[str]]:
        names = label_order(label for answer in answers for label in answer)
        y = np.array([[name in answer for name in names] for answer in answers], np.uint8)
        return y.reshape(len(answers), len(names)), names

    def answers(self, y: np.ndarray, names: Sequence[str]) -> list[Any]:
        return [frozenset(names[i] for i in np.flatnonzero(row).tolist()) for row in y]

    def in_order_of(self, y: np.ndarray, old: list[str], new: list[str]) -> np.ndarray:
        ordered = np.zeros((len(y), len(new)), y.dtype)
        ordered[:, [new.index(name) for name in old]] = y
        return ordered

    def strata(self, y: np.ndarray) -> np.ndarray:
        """The rarest label that each example has, as the others are met often enough anyway; a number for none."""
        rank = np.argsort(np.argsort(y.sum(axis=0), kind="stable"))  # of each label, the rarest first
        return np.where(y, rank, y.shape[1]).min(axis=1, initial=y.shape[1])

    def fewest(self, y: np.ndarray) -> int:
        return int(y.sum(axis=0).min())

    def texts(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        return [SEPARATOR.join(sorted(answer)) for answer in self.answers(y, names)]

    def counted(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        none = int((~y.any(axis=1)).sum())
        counts = [f"{printable(name)}: {n}" for name, n in zip(names, y.sum(axis=0), strict=True)]
        return counts + ([f"none of them: {none}"] if none else [])

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

    def deactivate(self, answers: np.ndarray) -> np.ndarray:
        answers = np.clip(answers.astype(np.float64), 1e-9, 1 - 1e-9)
        return np.log(answers) - np.log1p(-answers)


LABELS = LabelsTarget()
