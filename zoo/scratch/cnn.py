"""A convolutional net in NumPy: the same small weights at every place of a picture, then the largest of four.

After the course's fourth part, week 1. A loop over the few weights of a filter is fast, one over the places is not.
"""

import numpy as np

from zoo.scratch.cost import cross_entropy
from zoo.scratch.net import Net, Signals


def convolve(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Each place and what surrounds it, times the filter, summed.

    Args:
        x: pictures, shape (m, height, width, channels).
        w: filters, shape (side, side, channels, filters).
        b: shape (filters,).

    Returns:
        Shape (m, height - side + 1, width - side + 1, filters).

    Example:
        >>> convolve(np.ones((1, 3, 4, 1)), np.ones((2, 2, 1, 1)), np.zeros(1))[0, :, :, 0].tolist()
        [[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]]
    """
    side = len(w)
    height, width = x.shape[1] - side + 1, x.shape[2] - side + 1
    z = np.tile(b, (len(x), height, width, 1)).astype(x.dtype)
    for i, j in np.ndindex(side, side):
        z += x[:, i : i + height, j : j + width] @ w[i, j]
    return z


def convolve_back(dz: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From the error of what `convolve` gave, those of x, w and b: the same loop, with the factors' roles changed."""
    _, height, width, _ = dz.shape
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i, j in np.ndindex(*w.shape[:2]):
        dx[:, i : i + height, j : j + width] += dz @ w[i, j].T
        dw[i, j] = np.tensordot(x[:, i : i + height, j : j + width], dz, axes=([0, 1, 2], [0, 1, 2]))
    return dx, dw, dz.sum(axis=(0, 1, 2))


def largest_of_four(x: np.ndarray) -> np.ndarray:
    """Max pooling: of each 2 x 2 places the largest value; a last odd row or column is left out.

    Example:
        >>> largest_of_four(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
        [[5.0, 7.0], [13.0, 15.0]]
    """
    return _in_fours(x).max(axis=(2, 4))


def largest_of_four_back(da: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Only the largest of the four was heard, so it alone gets the error."""
    dx = np.zeros_like(x)
    fours = _in_fours(x)
    heard = fours == fours.max(axis=(2, 4), keepdims=True)
    height, width = 2 * fours.shape[1], 2 * fours.shape[3]
    dx[:, :height, :width] = (heard * da[:, :, None, :, None]).reshape(len(x), height, width, -1)
    return dx


def _in_fours(x: np.ndarray) -> np.ndarray:
    """Shape (m, height / 2, 2, width / 2, 2, channels)."""
    m, height, width, channels = x.shape
    return x[:, : height // 2 * 2, : width // 2 * 2].reshape(m, height // 2, 2, width // 2, 2, channels)


class CNN(Net):
    """Two convolutions, each with a ReLU and pooled, and one dense layer on all that is left.

    Args:
        filters: of the two convolutions.
        side: of the filters, in pixels.
    """

    def __init__(self, filters: tuple[int, int] = (32, 64), side: int = 3):
        self.filters, self.side = filters, side

    def initial(self, *sizes: int, seed: int | None = None) -> list[np.ndarray]:
        """[w1, b1, w2, b2, w3, b3]; sizes are height, width and channels of the pictures, and logits."""
        height, width, channels, outputs = sizes
        random, parameters = np.random.default_rng(seed), []
        for filters in self.filters:
            inputs = self.side**2 * channels
            shape = (self.side, self.side, channels, filters)
            parameters += [random.normal(0, (2 / inputs) ** 0.5, shape), np.zeros(filters)]
            height, width = ((length - self.side + 1) // 2 for length in (height, width))
            channels = filters
        inputs = height * width * channels
        return [*parameters, random.normal(0, inputs**-0.5, (inputs, outputs)), np.zeros(outputs)]

    def forward(self, parameters: list[np.ndarray], x: np.ndarray) -> Signals:
        w1, b1, w2, b2, w3, b3 = parameters
        a1 = np.maximum(convolve(x, w1, b1), 0)
        p1 = largest_of_four(a1)
        a2 = np.maximum(convolve(p1, w2, b2), 0)
        p2 = largest_of_four(a2)
        z3 = p2.reshape(len(x), -1) @ w3 + b3
        return {"x": x, "a1": a1, "p1": p1, "a2": a2, "p2": p2, "z3": z3}

    def backward(
        self, parameters: list[np.ndarray], signals: Signals, y: np.ndarray
    ) -> tuple[float, Signals, list[np.ndarray]]:
        _, _, w2, _, w3, _ = parameters
        x, a1, p1, a2, p2, z3 = signals.values()
        cost, dz3 = cross_entropy(z3, y)
        dw3, db3 = p2.reshape(len(x), -1).T @ dz3, dz3.sum(axis=0)
        dp2 = (dz3 @ w3.T).reshape(p2.shape)
        da2 = largest_of_four_back(dp2, a2)
        dp1, dw2, db2 = convolve_back(da2 * (a2 > 0), p1, w2)
        da1 = largest_of_four_back(dp1, a1)
        dx, dw1, db1 = convolve_back(da1 * (a1 > 0), x, parameters[0])
        errors = {"x": dx, "a1": da1, "p1": dp1, "a2": da2, "p2": dp2, "z3": dz3}
        return cost, errors, [dw1, db1, dw2, db2, dw3, db3]
