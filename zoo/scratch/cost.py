"""Cross-entropy: how wrong logits are, and which way they should move."""

import numpy as np


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), written so that exp never overflows.

    Example:
        >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, small) / (1 + small)


def cross_entropy(z: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean cross-entropy of logits, and its gradient with respect to them.

    Args:
        z: logits, shape (m, 1) for two classes, (m, classes) for more.
        y: true classes, integers of shape (m,).

    Returns:
        The cost, and the gradient, shape of z. For a sigmoid and for a softmax it is the same simple thing: what
        the net says minus what is true, over m.

    Example:
        >>> cost, gradient = cross_entropy(np.array([[0.0], [0.0]]), np.array([0, 1]))
        >>> round(cost, 6), gradient.tolist()
        (0.693147, [[0.25], [-0.25]])
    """
    m = len(z)
    if z.shape[1] == 1:
        truth = y.reshape(m, 1)
        # -y log(a) - (1 - y) log(1 - a) with a = sigmoid(z), rearranged so that no logarithm sees a zero
        losses = np.maximum(z, 0) - z * truth + np.log1p(np.exp(-np.abs(z)))
        return float(losses.sum() / m), (sigmoid(z) - truth) / m
    truth = np.eye(z.shape[1])[y]
    shifted = z - z.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-(logs * truth).sum() / m), (np.exp(logs) - truth) / m
