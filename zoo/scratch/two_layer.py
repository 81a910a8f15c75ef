"""A net with one hidden layer in NumPy, every line of the chain rule written out; `mlp.py` is the same in a loop."""

import numpy as np

from zoo.scratch.cost import cross_entropy


def initial(inputs: int, hidden: int, outputs: int = 1, seed: int = 1) -> list[np.ndarray]:
    """The course's start: small random weights, because equal units would stay equal for ever; biases zero.

    Returns:
        [w1, b1, w2, b2], shapes (inputs, hidden), (hidden,), (hidden, outputs), (outputs,).
    """
    random = np.random.RandomState(seed)
    # drawn as (outputs, inputs), as the course keeps its matrices, and turned
    w1 = random.randn(hidden, inputs).T * 0.01
    w2 = random.randn(outputs, hidden).T * 0.01
    return [w1, np.zeros(hidden), w2, np.zeros(outputs)]


def cost_and_gradients(parameters: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
    """The cost, and its gradient with respect to each parameter.

    Args:
        parameters: [w1, b1, w2, b2].
        x: examples, shape (m, inputs).
        y: true classes, integers of shape (m,).

    Example:
        >>> cost, gradients = cost_and_gradients(initial(4, 3), np.ones((2, 4)), np.array([0, 1]))
        >>> round(cost, 4), [g.shape for g in gradients]
        (0.6931, [(4, 3), (3,), (3, 1), (1,)])
    """
    w1, b1, w2, b2 = parameters

    # forward
    z1 = x @ w1 + b1  # (m, hidden)
    a1 = np.maximum(z1, 0)  # ReLU
    z2 = a1 @ w2 + b2  # (m, outputs)
    cost, dz2 = cross_entropy(z2, y)

    # backward: the same way in the other direction
    dw2 = a1.T @ dz2
    db2 = dz2.sum(axis=0)
    da1 = dz2 @ w2.T
    dz1 = da1 * (z1 > 0)  # ReLU lets the error through where it let the signal through
    dw1 = x.T @ dz1
    db1 = dz1.sum(axis=0)
    return cost, [dw1, db1, dw2, db2]
