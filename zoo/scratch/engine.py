"""A classifier whose net is one of those written out in NumPy: the same verbs, no framework."""

import functools
import inspect
import random
from dataclasses import dataclass

import numpy as np

from zoo.console import progress_bar
from zoo.data import sources
from zoo.data.images.preprocessing import Points
from zoo.errors import UsageError, ZooError
from zoo.scratch.logistic import LogisticRegression
from zoo.scratch.mlp import MLP
from zoo.tasks.images.classification import Classifier
from zoo.training.order import Shuffled

NETS = {"logistic": LogisticRegression, "mlp": MLP}  # by the name of the Keras twin


@dataclass
class History:
    """What a training logged, in the form of Keras' own history.

    Attributes:
        history: by name, one number an epoch: "loss", the mean over its steps; "cost", the loss before the first.
        epoch: the epochs' numbers, from 0.
        best_epoch: None: the last one is kept.
    """

    history: dict[str, list[float]]
    epoch: list[int]
    best_epoch: None = None


class NumPyClassifier(Classifier):
    """A classifier that runs and learns in NumPy, in float64, by plain gradient descent.

    `.model` is its Keras twin with the same weights, which is also what `save` writes.
    """

    def __init__(self, entry, arguments, seed=None):
        super().__init__(entry, arguments, seed=seed)
        self.net = self.net_of(entry.name, arguments)
        self.parameters: list[np.ndarray] | None = None

    @staticmethod
    def net_of(name: str, arguments: dict):
        """The NumPy net of that model, made with the arguments that it knows.

        Raises:
            UsageError: there is no such net in NumPy, or it does not accept an argument that was given.
        """
        if name not in NETS:
            raise UsageError(
                f"{name} is not written out in NumPy; leave out engine, or take one of: {', '.join(NETS)}."
            )
        given = {key: value for key, value in arguments.items() if key not in ("input_shape", "num_classes")}
        accepted = inspect.signature(NETS[name]).parameters
        left = {key: value for key, value in given.items() if key not in accepted and value}
        if left:
            raise UsageError(f"in NumPy, {name} has no {', '.join(left)}; leave it out, or leave out engine.")
        try:
            return NETS[name](**{key: value for key, value in given.items() if key in accepted})
        except ValueError as error:
            raise UsageError(str(error)) from error

    def start(self) -> None:
        """Draw the weights anew."""
        outputs = 1 if self.arguments["num_classes"] == 2 else self.arguments["num_classes"]
        inputs = int(np.prod(self.preprocessing.shape))
        self.parameters, self._model = self.net.initial(inputs, outputs, self.seed), None

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Examples as the net takes them: float64 of shape (m, inputs), pixels from 0 to 1."""
        rows = x.reshape(len(x), -1).astype(np.float64)
        return rows if isinstance(self.preprocessing, Points) else rows / 255

    def outputs(self, inputs: np.ndarray) -> list[np.ndarray]:
        if self.parameters is None:
            self.start()
        return [self.net.logits(self.parameters, self.inputs(inputs))]

    def build(self):
        """The Keras twin, with the same weights in float32."""
        if self.parameters is None:
            self.start()
        model = super().build()
        model.set_weights(self.parameters)
        return model

    def width(self) -> int:
        if self.parameters is None:
            self.start()
        return len(self.parameters[-1])

    def train(self, data=None, validation=None, *, epochs=None, batch_size=None, learning_rate=None, progress=True):
        """Train by gradient descent, from where the net stands.

        Args:
            data: a dataset's name, a folder, a CSV file, arrays `(x, y)` or a DataFrame; None is the model's own.
            validation: not needed: nothing is chosen by it.
            epochs: as for the Keras twin; None is the model's own.
            batch_size: examples a step; None is the model's own.
            learning_rate: None is the model's own.
            progress: show a bar with the time left.

        Returns:
            A `History`.

        Raises:
            ZooError: the data cannot be found or do not fit the model; the cost is no finite number any more.

        Example:
            >>> import zoo
            >>> net = zoo.get("logistic", engine="numpy", input_shape=(8, 8, 3))
            >>> history = net.train(net.toy_data(), epochs=2, progress=False)
            >>> round(history.history["cost"][0], 6)
            0.693147
        """
        dataset = self.resolve_dataset(data, lambda data: sources.load(data, validation))
        fit = self.examples(dataset)
        if self.parameters is None:
            self.start()
        epochs = self.entry.epochs if epochs is None else epochs
        rate = self.entry.learning_rate if learning_rate is None else learning_rate
        seed = random.randrange(2**32) if self.seed is None else self.seed
        batch_size = self.entry.batch_size if batch_size is None else batch_size
        order = Shuffled(len(fit.x), batch_size, seed)
        steps = self.entry.steps_of_epoch(batch_size) or order.steps
        batch = functools.lru_cache(maxsize=1)(lambda: (self.inputs(fit.x), fit.y))  # all of them, prepared once
        history = History({"loss": [], "cost": []}, list(range(epochs)))
        with progress_bar(epochs * steps, "training", unit="step", shown=progress) as bar:
            for epoch in range(epochs):
                costs = []
                for step in range(epoch * steps, (epoch + 1) * steps):
                    rows = order.rows(step)
                    x, y = batch() if order.steps == 1 else (self.inputs(fit.x[rows]), fit.y[rows])
                    cost, gradients = self.net.cost_and_gradients(self.parameters, x, y)
                    self.parameters = [p - rate * g for p, g in zip(self.parameters, gradients, strict=True)]
                    costs.append(cost)
                    bar.update()
                if not np.isfinite(costs[-1]):
                    raise ZooError(
                        f"the cost became {costs[-1]}: the steps are too large. Try a smaller learning_rate."
                    )
                history.history["loss"].append(float(np.mean(costs)))
                history.history["cost"].append(costs[0])
        self._model = None  # the twin is of the weights before
        self.data = {"name": dataset.name, "fingerprint": dataset.fingerprint()}
        return history
