"""Nets of any depth in NumPy: a loop forward, and the same loop backward."""

import itertools

import numpy as np

from zoo.scratch.cost import cross_entropy, sigmoid
from zoo.scratch.net import Net, Signals

ACTIVATIONS = {  # the function, and its derivative written by what it gives
    "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
}


class MLP(Net):
    """Dense layers one after the other, the last of them without an activation.

    Args:
        hidden: units of each hidden layer.
        activation: of the hidden layers: "relu", "tanh" or "sigmoid".
        initialisation: "he", or "course" for the course's own draw, which is the same every time.

    Raises:
        ValueError: an activation or initialisation that is not written out here.
    """

    def __init__(self, hidden=(20, 7, 5), activation="relu", initialisation="he"):
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}; in NumPy there are {', '.join(ACTIVATIONS)}.")
        if initialisation not in ("he", "course"):
            raise ValueError(f"initialisation is {initialisation!r}; in NumPy there are 'he' and 'course'.")
        self.hidden, self.initialisation = tuple(hidden), initialisation
        self.activation, self.slope = ACTIVATIONS[activation]

    def initial(self, *sizes: int, seed: int | None = None) -> list[np.ndarray]:
        """Random weights and zero biases: [w1, b1, w2, b2, ...], each w of shape (inputs, outputs) of its layer.

        Args:
            *sizes: numbers in an example; outputs, 1 for two classes, else one a class.
            seed: of the draw; the course's own needs none.
        """
        inputs, outputs = sizes
        layers = [inputs, *self.hidden, outputs]
        course = self.initialisation == "course"
        random = np.random.RandomState(1 if course else seed)
        parameters = []
        for before, after in itertools.pairwise(layers):
            # He et al. (2015) keep the signal's size through ReLUs. The course drops the 2, and in the net with one
            # hidden layer takes 0.01.
            scale = (0.01 if len(layers) == 3 else before**-0.5) if course else (2 / before) ** 0.5
            parameters += [random.randn(after, before).T * scale, np.zeros(after)]
        return parameters

    def forward(self, parameters: list[np.ndarray], x: np.ndarray) -> Signals:
        """For examples x of shape (m, inputs): what each layer gives, the logits last; shapes (m, units)."""
        signals = {"x": x}
        for number, (w, b) in enumerate(zip(parameters[:-2:2], parameters[1:-2:2], strict=True), 1):
            x = signals[f"a{number}"] = self.activation(x @ w + b)
        return {**signals, "z": x @ parameters[-2] + parameters[-1]}

    def logits(self, parameters: list[np.ndarray], x: np.ndarray) -> np.ndarray:
        """The logits for examples x of shape (m, inputs); shape (m, outputs)."""
        return self.forward(parameters, x)["z"]

    def slopes(self, parameters: list[np.ndarray], x: np.ndarray, unit: int) -> np.ndarray:
        """The gradient of one logit with respect to the inputs, by backpropagation to them; shape (m, inputs)."""
        *signals, _ = self.forward(parameters, x).values()
        da = np.tile(parameters[-2][:, unit], (len(x), 1))
        for w, a in zip(parameters[-4::-2], reversed(signals[1:]), strict=True):
            da = (da * self.slope(a)) @ w.T
        return da

    def backward(
        self, parameters: list[np.ndarray], signals: Signals, y: np.ndarray
    ) -> tuple[float, Signals, list[np.ndarray]]:
        """By backpropagation, where y are the true classes, integers of shape (m,).

        Example:
            >>> net = MLP(hidden=(3, 2), activation="tanh")
            >>> parameters = net.initial(4, 1, seed=0)
            >>> cost, gradients = net.cost_and_gradients(parameters, np.ones((2, 4)), np.array([0, 1]))
            >>> [g.shape for g in gradients] == [p.shape for p in parameters]
            True
        """
        *names, _ = signals
        cost, dz = cross_entropy(signals["z"], y)
        errors: Signals = {"z": dz}
        gradients: list[np.ndarray] = []
        for layer in reversed(range(len(names))):
            a = signals[names[layer]]  # what went into this layer
            gradients = [a.T @ dz, dz.sum(axis=0), *gradients]
            errors[names[layer]] = dz @ parameters[2 * layer].T
            dz = errors[names[layer]] * self.slope(a)
        return cost, errors, gradients
