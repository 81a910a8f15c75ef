"""Logistic regression in NumPy: one weighted sum, one sigmoid, one gradient."""

import numpy as np

from zoo.scratch.cost import cross_entropy
from zoo.scratch.net import Net, Signals


class LogisticRegression(Net):
    """One unit for two classes, or one a class."""

    def initial(self, *sizes: int, seed: int | None = None) -> list[np.ndarray]:
        """Weights to begin with: zeros. The cost is convex, so where one begins does not matter.

        Args:
            *sizes: numbers in an example; outputs, 1 for two classes, else one a class.
            seed: not needed, nothing is drawn.

        Returns:
            [w, b], shapes (inputs, outputs) and (outputs,).
        """
        inputs, outputs = sizes
        return [np.zeros((inputs, outputs)), np.zeros(outputs)]

    def logits(self, parameters: list[np.ndarray], x: np.ndarray) -> np.ndarray:
        """The weighted sums z = x w + b for examples x of shape (m, inputs); shape (m, outputs)."""
        w, b = parameters
        return x @ w + b

    def slopes(self, parameters: list[np.ndarray], x: np.ndarray, unit: int) -> np.ndarray:
        """The gradient of one logit with respect to the inputs: its weights, whatever x is; shape (m, inputs)."""
        return np.tile(parameters[0][:, unit], (len(x), 1))

    def forward(self, parameters: list[np.ndarray], x: np.ndarray) -> Signals:
        """For examples x of shape (m, inputs)."""
        return {"x": x, "z": self.logits(parameters, x)}

    def backward(
        self, parameters: list[np.ndarray], signals: Signals, y: np.ndarray
    ) -> tuple[float, Signals, list[np.ndarray]]:
        """Where y are the true classes, integers of shape (m,).

        Example:
            >>> net = LogisticRegression()
            >>> x, y = np.array([[1.0], [-1.0]]), np.array([1, 0])
            >>> cost, (dw, db) = net.cost_and_gradients(net.initial(1, 1), x, y)
            >>> round(cost, 6), dw.tolist(), db.tolist()
            (0.693147, [[-0.5]], [0.0])
        """
        x, z = signals.values()
        cost, dz = cross_entropy(z, y)
        # z = x w + b, so each weight gets the error times its input, summed over the examples
        return cost, {"x": dz @ parameters[0].T, "z": dz}, [x.T @ dz, dz.sum(axis=0)]
