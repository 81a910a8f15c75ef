"""Logistic regression in NumPy: one weighted sum, one sigmoid, one gradient."""

import numpy as np

from zoo.scratch.cost import cross_entropy


class LogisticRegression:
    """One unit for two classes, or one a class."""

    def initial(self, inputs: int, outputs: int, seed: int | None = None) -> list[np.ndarray]:
        """Weights to begin with: zeros. The cost is convex, so where one begins does not matter.

        Args:
            inputs: numbers in an example.
            outputs: 1 for two classes, else one a class.
            seed: not needed, nothing is drawn.

        Returns:
            [w, b], shapes (inputs, outputs) and (outputs,).
        """
        return [np.zeros((inputs, outputs)), np.zeros(outputs)]

    def logits(self, parameters: list[np.ndarray], x: np.ndarray) -> np.ndarray:
        """The weighted sums z = x w + b for examples x of shape (m, inputs); shape (m, outputs)."""
        w, b = parameters
        return x @ w + b

    def slopes(self, parameters: list[np.ndarray], x: np.ndarray, unit: int) -> np.ndarray:
        """The gradient of one logit with respect to the inputs: its weights, whatever x is; shape (m, inputs)."""
        return np.tile(parameters[0][:, unit], (len(x), 1))

    def cost_and_gradients(
        self, parameters: list[np.ndarray], x: np.ndarray, y: np.ndarray
    ) -> tuple[float, list[np.ndarray]]:
        """The cost of these weights, and its gradient with respect to each of them.

        Args:
            parameters: [w, b].
            x: examples, shape (m, inputs).
            y: true classes, integers of shape (m,).

        Returns:
            The cost, and [dw, db] of the parameters' shapes.

        Example:
            >>> net = LogisticRegression()
            >>> x, y = np.array([[1.0], [-1.0]]), np.array([1, 0])
            >>> cost, (dw, db) = net.cost_and_gradients(net.initial(1, 1), x, y)
            >>> round(cost, 6), dw.tolist(), db.tolist()
            (0.693147, [[-0.5]], [0.0])
        """
        cost, dz = cross_entropy(self.logits(parameters, x), y)
        # z = x w + b, so each weight gets the error times its input, summed over the examples
        return cost, [x.T @ dz, dz.sum(axis=0)]
