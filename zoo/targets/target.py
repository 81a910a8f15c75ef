"""What a kind of target says of itself; nothing else in the project asks which one it is."""

import abc
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

STRENGTHS = tuple(float(10.0**e) for e in np.arange(-1.0, -5.5, -0.5))  # strong to weak: each starts the next


class Target(abc.ABC):
    """A kind of target: how answers are written in arrays, and by which convex loss a head learns them.

    Answers `y` are an array with a row for each example, `names` say what its numbers stand for, and outputs are what
    a head makes of features, one for each name. The slope of each loss by the outputs is their mean less what is
    wanted, as each link between outputs and means is the canonical one.

    Attributes:
        name: what `target=` and `--target` call it.
        task: the kind of work of a model that learned it.
        activation: of the head in the saved Keras model, which turns outputs into what that model answers.
        softmax: whether people are told the softmax of what the saved model answers; else they are told that itself.
        answer: what people are told, in numbers; exported files call it so.
        strengths: of the penalty that are tried, strong to weak.
    """

    name: ClassVar[str]
    task: ClassVar[str]
    activation: ClassVar[str] = "linear"
    softmax: ClassVar[bool] = False
    answer: ClassVar[str] = "probabilities"
    strengths: ClassVar[tuple[float, ...]] = STRENGTHS

    def __reduce__(self) -> str:
        return self.name.upper()  # there is one of each kind, in copies and in other processes too

    # What examples are

    @abc.abstractmethod
    def parse(self, cells: Sequence[Any], rows: Sequence[Any], where: str) -> list[Any]:
        """The answer in each cell, which can be compared and hashed; None where a cell is empty.

        Args:
            cells: of the column that holds answers.
            rows: what to call the row of each in messages, such as "row 3".
            where: what to call the table.

        Raises:
            ZooError: a cell holds something else; its row is named.
        """

    @abc.abstractmethod
    def collect(self, answers: Sequence[Any], column: str) -> tuple[np.ndarray, list[str]]:
        """The answers y that `parse` gave, none of them None, and the names; of numbers that is their column's."""

    @abc.abstractmethod
    def answers(self, y: np.ndarray, names: Sequence[str]) -> list[Any]:
        """The answers again, as `parse` gives them."""

    @abc.abstractmethod
    def in_order_of(self, y: np.ndarray, old: list[str], new: list[str]) -> np.ndarray:
        """The same answers where the names are `new` ones, all those of `old` among them."""

    @abc.abstractmethod
    def strata(self, y: np.ndarray) -> np.ndarray:
        """A whole number for each example, shape (n,): splits and folds get their share of those of each number."""

    def fewest(self, y: np.ndarray) -> int | None:
        """How often the rarest name is met, which folds should not be more than; None where the strata tell."""
        return None

    @abc.abstractmethod
    def texts(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        """Each answer as text, the same whatever order the names have."""

    def title(self, names: Sequence[str]) -> str:
        """What there is to learn, in two words."""
        return f"{len(names)} {self.name}"

    @abc.abstractmethod
    def counted(self, y: np.ndarray, names: Sequence[str]) -> list[str]:
        """How often each name is met, or what the numbers are like, for people."""

    @abc.abstractmethod
    def lacking(self, y: np.ndarray, names: Sequence[str], fewest: int) -> str:
        """What these examples lack to be learned from, as the end of a sentence that begins with "it takes".

        Args:
            y: the answers.
            names: what they stand for.
            fewest: how often each name must be met.

        Returns:
            Nothing where they are enough.
        """

    # How a head learns them

    def units(self, y: np.ndarray) -> tuple[float, float]:
        """Centre and scale by which `encode` makes y small; the head's outputs are in y's own units again."""
        return 0.0, 1.0

    @abc.abstractmethod
    def encode(self, y: np.ndarray, outputs: int) -> np.ndarray:
        """What is wanted of the outputs' means; float64 of shape (n, outputs)."""

    @abc.abstractmethod
    def mean_and_loss(self, outputs: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The means, shape (n, problems, outputs), and each example's loss, shape (n, problems).

        Args:
            outputs: shape (n, problems, outputs); it may be overwritten.
            wanted: from `encode`, shape (n, 1, outputs).
        """

    def curvature(self, mean: np.ndarray) -> np.ndarray:
        """The loss's second derivative by each output, on average over examples, to scale the unknowns by.

        Args:
            mean: from `mean_and_loss`, shape (n, problems, outputs).

        Returns:
            Shape (problems, outputs), and never 0.
        """
        return np.maximum(np.mean(mean * (1 - mean), axis=0, dtype=np.float64), 1e-4)

    def activate(self, outputs: np.ndarray) -> np.ndarray:
        """What the saved model answers, as its activation has it."""
        return outputs

    def deactivate(self, answers: np.ndarray) -> np.ndarray:
        """The outputs that are answered so."""
        return answers
