"""Batch normalisation and dropout in NumPy: what is between two layers in training, and not when the net is used.

Ioffe & Szegedy (2015), arXiv:1502.03167; Srivastava et al. (2014), jmlr.org/papers/v15/srivastava14a.html.
"""

import numpy as np

from zoo.scratch.cost import cross_entropy
from zoo.scratch.net import Net, Signals

SMALL = 1e-3  # keeps the division from a variance of 0; Keras' value


def normalise(x: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each column as the batch has it: mean 0 and variance 1, then a scale and an offset that are learned.

    Args:
        x: shape (m, units).
        scale, offset: shape (units,).

    Returns:
        What comes out; the same before scale and offset; and one over the standard deviations, shape (units,).

    Example:
        >>> normalise(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1))[0].round(3).tolist()
        [[-1.0], [1.0]]
    """
    inverse = 1 / np.sqrt(x.var(axis=0) + SMALL)
    normal = (x - x.mean(axis=0)) * inverse
    return scale * normal + offset, normal, inverse


def normalise_back(dy, normal, inverse, scale) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The errors of x, scale and offset. An example moves the mean and the variance, too, and with them all others."""
    dscale, doffset = (dy * normal).sum(axis=0), dy.sum(axis=0)
    dnormal = dy * scale
    dx = inverse * (dnormal - dnormal.mean(axis=0) - normal * (dnormal * normal).mean(axis=0))
    return dx, dscale, doffset


def follow(moving: np.ndarray, batch: np.ndarray, momentum: float = 0.99) -> np.ndarray:
    """A running mean of what batches have, which stands for it when the net is used."""
    return momentum * moving + (1 - momentum) * batch


def drop(x: np.ndarray, kept: np.ndarray, rate: float) -> np.ndarray:
    """Some signals are left out, and the others made as much larger: the sum stays what it was, on average.

    Args:
        x: signals.
        kept: the mask, 1 for those that stay; of the shape of x. The way back is the same, for the errors.
        rate: the share that is left out.
    """
    return x * kept / (1 - rate)


class NormalisedMLP(Net):
    """Dense, batch normalisation, ReLU, dropout, dense.

    Args:
        hidden: units of the hidden layer.
        rate: of the dropout.
    """

    def __init__(self, hidden: int = 20, rate: float = 0.5):
        self.hidden, self.rate = hidden, rate

    def initial(self, *sizes: int, seed: int | None = None) -> list[np.ndarray]:
        """[w1, scale, offset, w2, b2]; sizes are inputs and logits. A bias before the normalisation does nothing."""
        inputs, outputs = sizes
        random, hidden = np.random.default_rng(seed), self.hidden
        w1 = random.normal(0, (2 / inputs) ** 0.5, (inputs, hidden))
        w2 = random.normal(0, (2 / hidden) ** 0.5, (hidden, outputs))
        return [w1, np.ones(hidden), np.zeros(hidden), w2, np.zeros(outputs)]

    def forward(self, parameters: list[np.ndarray], x: tuple[np.ndarray, np.ndarray]) -> Signals:
        """For examples, shape (m, inputs), and which hidden signals are kept, shape (m, hidden)."""
        w1, scale, offset, w2, b2 = parameters
        inputs, kept = x
        y1, normal, inverse = normalise(inputs @ w1, scale, offset)
        a1 = drop(np.maximum(y1, 0), kept, self.rate)
        return {"x": x, "normal": normal, "inverse": inverse, "y1": y1, "a1": a1, "z2": a1 @ w2 + b2}

    def backward(
        self, parameters: list[np.ndarray], signals: Signals, y: np.ndarray
    ) -> tuple[float, Signals, list[np.ndarray]]:
        w1, scale, _, w2, _ = parameters
        (inputs, kept), normal, inverse, y1, a1, z2 = signals.values()
        cost, dz2 = cross_entropy(z2, y)
        dw2, db2 = a1.T @ dz2, dz2.sum(axis=0)
        da1 = dz2 @ w2.T
        dy1 = drop(da1, kept, self.rate) * (y1 > 0)
        dz1, dscale, doffset = normalise_back(dy1, normal, inverse, scale)
        errors = {"x": dz1 @ w1.T, "y1": dy1, "a1": da1, "z2": dz2}
        return cost, errors, [inputs.T @ dz1, dscale, doffset, dw2, db2]
