"""What the nets written out here have in common: signals go forward by name, errors come back by the same names."""

import abc
from typing import Any

import numpy as np

Signals = dict[str, Any]  # arrays, and what else a step must remember for its way back


class Net(abc.ABC):
    """A net with its chain rule.

    Parameters are a list of arrays, in the order in which a Keras model of the same layers has them.
    """

    @abc.abstractmethod
    def initial(self, *sizes: int, seed: int | None = None) -> list[np.ndarray]:
        """Parameters to begin with."""

    @abc.abstractmethod
    def forward(self, parameters: list[np.ndarray], x: Any) -> Signals:
        """What each step gives for examples x, by name and in order."""

    @abc.abstractmethod
    def backward(
        self, parameters: list[np.ndarray], signals: Signals, y: Any
    ) -> tuple[float, Signals, list[np.ndarray]]:
        """The cost, its gradient with respect to each signal, by name, and with respect to each parameter."""

    def cost_and_gradients(self, parameters: list[np.ndarray], x: Any, y: Any) -> tuple[float, list[np.ndarray]]:
        """The cost, and its gradient with respect to each parameter."""
        cost, _, gradients = self.backward(parameters, self.forward(parameters, x), y)
        return cost, gradients
