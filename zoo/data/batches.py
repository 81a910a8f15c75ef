"""What training gets to see, and in which order."""

from dataclasses import dataclass

import numpy as np


@dataclass
class FitData:
    """What `fit` is given: arrays whose first axis counts examples."""

    x: np.ndarray
    y: np.ndarray
    validation: tuple[np.ndarray, np.ndarray] | None = None


class Order:
    """Passes over the examples, shuffled one by one and laid end to end: a function of the seed alone.

    Args:
        count: how many examples there are.
        batch_size: examples a step; None is all of them, in their own order.
        seed: decides the order.

    Example:
        >>> order = Order(5, 2, seed=0)
        >>> sorted(int(row) for step in range(order.steps) for row in order.rows(step))
        [0, 1, 2, 3, 4]
    """

    def __init__(self, count: int, batch_size: int | None, seed: int):
        self.count, self.seed = count, seed
        self.batch_size = min(batch_size or count, count)
        self.steps = -(-count // self.batch_size)  # of one pass
        self._latest = (None, None)  # the latest pass and its permutation

    def rows(self, step: int) -> np.ndarray | slice:
        """Indices of the examples that a step sees, steps counted from the beginning of the training."""
        if self.steps == 1:
            return slice(None)
        number, batch = divmod(step, self.steps)
        if self._latest[0] != number:
            self._latest = number, np.random.default_rng([self.seed, number]).permutation(self.count)
        return self._latest[1][batch * self.batch_size : (batch + 1) * self.batch_size]
