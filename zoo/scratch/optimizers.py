"""How far to go down which slope, in NumPy: momentum, RMSprop and Adam, from their formulas.

Polyak (1964), doi:10.1016/0041-5553(64)90137-5; Hinton (2012), Neural networks for machine learning, lecture
6e; Kingma & Ba (2014), arXiv:1412.6980. Where they add the small number that keeps a division from 0 is as in Keras.
"""

import numpy as np


class Momentum:
    """A ball that rolls: a step is the last one, slowed down, and the slope.

    Args:
        rate: learning rate.
        friction: share of the last step that is kept; 0 is plain gradient descent.
    """

    def __init__(self, rate: float, friction: float = 0.9):
        self.rate, self.friction = rate, friction
        self.speed: list[np.ndarray] = []

    def step(self, parameters: list[np.ndarray], gradients: list[np.ndarray]) -> list[np.ndarray]:
        """The parameters after a step.

        Example:
            >>> ball = Momentum(0.5)
            >>> [ball.step([np.array(0.0)], [np.array(1.0)])[0].item() for _ in range(2)]
            [-0.5, -0.95]
        """
        self.speed = self.speed or [np.zeros_like(p) for p in parameters]
        self.speed = [self.friction * v - self.rate * g for v, g in zip(self.speed, gradients, strict=True)]
        return [p + v for p, v in zip(parameters, self.speed, strict=True)]


class RMSprop:
    """Every weight its own rate: the slope over how large slopes have lately been.

    Args:
        rate: learning rate.
        memory: share of the mean of squared slopes that is kept.
        small: keeps the division from 0.
    """

    def __init__(self, rate: float, memory: float = 0.9, small: float = 1e-7):
        self.rate, self.memory, self.small = rate, memory, small
        self.squares: list[np.ndarray] = []

    def step(self, parameters: list[np.ndarray], gradients: list[np.ndarray]) -> list[np.ndarray]:
        """The parameters after a step."""
        self.squares = self.squares or [np.zeros_like(p) for p in parameters]
        self.squares = [
            self.memory * s + (1 - self.memory) * g**2 for s, g in zip(self.squares, gradients, strict=True)
        ]
        return [
            p - self.rate * g / np.sqrt(s + self.small)
            for p, g, s in zip(parameters, gradients, self.squares, strict=True)
        ]


class Adam:
    """Both: the mean of the last slopes, over the root of the mean of their squares.

    Args:
        rate: learning rate.
        memory: shares of the means of slopes and of their squares that are kept.
        small: keeps the division from 0.
    """

    def __init__(self, rate: float = 1e-3, memory: tuple[float, float] = (0.9, 0.999), small: float = 1e-7):
        self.rate, self.memory, self.small = rate, memory, small
        self.means: list[np.ndarray] = []
        self.squares: list[np.ndarray] = []
        self.steps = 0

    def step(self, parameters: list[np.ndarray], gradients: list[np.ndarray]) -> list[np.ndarray]:
        """The parameters after a step."""
        first, second = self.memory
        self.means = self.means or [np.zeros_like(p) for p in parameters]
        self.squares = self.squares or [np.zeros_like(p) for p in parameters]
        self.means = [first * m + (1 - first) * g for m, g in zip(self.means, gradients, strict=True)]
        self.squares = [second * s + (1 - second) * g**2 for s, g in zip(self.squares, gradients, strict=True)]
        self.steps += 1
        # both means began at 0 and are too small at first, by this much
        rate = self.rate * (1 - second**self.steps) ** 0.5 / (1 - first**self.steps)
        return [
            p - rate * m / (np.sqrt(s) + self.small)
            for p, m, s in zip(parameters, self.means, self.squares, strict=True)
        ]
