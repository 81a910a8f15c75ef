"""What training gets to see, and in which order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Shuffled:
    """Passes over the examples, shuffled one by one and laid end to end: a function of the seed alone.

    Args:
        count: how many examples there are.
        batch_size: examples a step; None is all of them, in their own order.
        seed: decides the order.
        whole: leave the last batch of a pass out where it is smaller than the others.

    Example:
        >>> order = Shuffled(5, 2, seed=0)
        >>> sorted(int(row) for step in range(order.steps) for row in order.rows(step))
        [0, 1, 2, 3, 4]
    """

    def __init__(self, count: int, batch_size: int | None, seed: int, whole: bool = False):
        self.count, self.seed = count, seed
        self.batch_size = min(batch_size or count, count)
        self.steps = count // self.batch_size if whole else -(-count // self.batch_size)  # of one pass
        self._latest: tuple[int, np.ndarray] = (-1, np.empty(0))  # the latest pass and its permutation

    def rows(self, step: int) -> np.ndarray | slice:
        """Indices of the examples that a step sees, steps counted from the beginning of the training."""
        if self.batch_size == self.count:
            return slice(None)
        return self._rows_of_pass(step)

    def _rows_of_pass(self, step: int) -> np.ndarray:
        number, batch = divmod(step, self.steps)
        if self._latest[0] != number:
            self._latest = number, self._draw(np.random.default_rng([self.seed, number]))
        return self._latest[1][batch * self.batch_size : (batch + 1) * self.batch_size]

    def _draw(self, random: np.random.Generator) -> np.ndarray:
        """Indices of the examples of one pass, shape (count,)."""
        return random.permutation(self.count)


class Balanced(Shuffled):
    """Passes of as many examples as there are, in which each class has the same share.

    Of a frequent class a pass leaves some out, others each time; of a rare one it repeats some.

    Args:
        count, batch_size, seed, whole: as for `Shuffled`.
        y: the examples' classes, shape (count,).

    Example:
        >>> order = Balanced(6, 6, seed=0, y=np.array([0, 0, 0, 0, 0, 1]))
        >>> sorted(order.rows(0).tolist())[3:]
        [5, 5, 5]
    """

    def __init__(self, count: int, batch_size: int | None, seed: int, whole: bool = False, *, y: np.ndarray):
        super().__init__(count, batch_size, seed, whole)
        self.members = [np.flatnonzero(y == label) for label in np.unique(y)]

    def rows(self, step: int) -> np.ndarray:
        return self._rows_of_pass(step)

    def _draw(self, random: np.random.Generator) -> np.ndarray:
        share = -(-self.count // len(self.members))
        rows = np.concatenate([np.resize(random.permutation(rows), share) for rows in self.members])
        return random.permutation(rows)[: self.count]


class Sequential:
    """Pieces of one long text, so that each row of a batch goes on with the piece after the one it had before.

    Args:
        count: how many pieces there are; those of a last incomplete batch are left out.
        batch_size: rows of a batch; None is one.
        seed: not used, the order is always that of the text.
        most: rows that a batch can have, as where the text that is watched has fewer pieces; None is any number.

    Example:
        >>> order = Sequential(7, 2)
        >>> [order.rows(step).tolist() for step in range(order.steps)]
        [[0, 3], [1, 4], [2, 5]]
    """

    def __init__(self, count: int, batch_size: int | None, seed: int = 0, most: int | None = None):
        self.batch_size = min(batch_size or 1, count, most or count)
        self.steps = count // self.batch_size
        self._begin = np.arange(self.batch_size) * self.steps

    def rows(self, step: int) -> np.ndarray:
        """Indices of the pieces that a step sees, steps counted from the beginning of the training."""
        return self._begin + step % self.steps


class Subsampled:
    """Rows of neighbours in a long text, in its order, from which other elements are left out at random in each pass.

    Behind its neighbours a row has elements drawn from all of the text. A pass has always as many rows; what the text
    has more is left out at its beginning and its end.

    Args:
        count: elements of the text.
        batch_size: rows of a batch; None is all of them.
        seed: decides what is left out and what is drawn.
        kept: probability that an element stays, shape (count,).
        block: neighbours of a row.
        drawn: how often each element is drawn, relative to the others, shape (count,).
        draws: drawn elements of a row.

    Example:
        >>> order = Subsampled(100, 2, seed=0, kept=np.full(100, 0.5), block=5, drawn=np.ones(100), draws=3)
        >>> order.steps, order.rows(0).shape, bool((order.rows(0) == order.rows(order.steps)).all())
        (3, (2, 8), False)
    """

    def __init__(
        self,
        count: int,
        batch_size: int | None,
        seed: int = 0,
        *,
        kept: np.ndarray,
        block: int,
        drawn: np.ndarray,
        draws: int,
    ):
        self.kept, self.block, self.draws, self.seed = kept, block, draws, seed
        total = np.cumsum(drawn)
        self.drawn = total / total[-1]  # chance that an element or one before it is drawn
        sure = kept.sum() - 4 * np.sqrt((kept * (1 - kept)).sum())  # as many as nearly every pass leaves
        self.count = max(int(sure) // block, 1)  # rows of a pass
        self.batch_size = min(batch_size or self.count, self.count)
        self.steps = -(-self.count // self.batch_size)
        # the latest pass, its rows, and where its draws' numbers begin
        self._latest: tuple[int, np.ndarray, Any] = (-1, np.empty(0), None)

    def rows(self, step: int) -> np.ndarray:
        """Indices of the elements that a step sees, shape (rows, block + draws); steps counted as for `Shuffled`."""
        number, batch = divmod(step, self.steps)
        if self._latest[0] != number:
            random = np.random.Generator(np.random.PCG64([self.seed, number]))  # a kind that can advance
            kept = np.flatnonzero(random.random(len(self.kept)) < self.kept)
            begin = random.integers(max(len(kept) - self.count * self.block, 0) + 1)
            rows = np.resize(kept[begin:], (self.count, self.block))
            self._latest = number, rows, random.bit_generator.state
        _, rows, state = self._latest
        rows = rows[batch * self.batch_size : (batch + 1) * self.batch_size]
        bits = np.random.PCG64()
        bits.state = state
        bits.advance(batch * self.batch_size * self.draws)  # as if those of earlier steps had been drawn
        drawn = np.random.Generator(bits).random((len(rows), self.draws))
        return np.concatenate([rows, np.searchsorted(self.drawn, drawn, side="right")], axis=1)


@dataclass
class FitData:
    """What `fit` is given: arrays whose first axis counts examples, or what `Subsampled` makes examples of.

    Attributes:
        x: inputs; an array, or what has a length and gives the rows of some indices as one.
        y: targets.
        validation: the same two, to watch; and their weights, where they have some.
        order: in which order the examples are seen: `Shuffled`, `Balanced`, `Sequential` or `Subsampled`.
        about: how they were prepared; a resumed run must have prepared them alike.
        weights: how much each example counts in the loss, shape (n,); None where all count alike.
    """

    x: Any
    y: np.ndarray
    validation: tuple[np.ndarray, ...] | None = None
    order: Callable[..., Shuffled | Sequential | Subsampled] = Shuffled
    about: dict = field(default_factory=dict)
    weights: np.ndarray | None = None

    def steps(self, batch_size: int | None) -> int:
        """Steps of one pass over the examples; a batch size of None takes all of them in every step."""
        return self.order(len(self.x), batch_size, 0).steps
