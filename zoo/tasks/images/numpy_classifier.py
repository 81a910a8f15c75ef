"""A classifier whose net is one of those written out in NumPy: the same verbs, no framework."""

from __future__ import annotations

import inspect
import random
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.console import note_skipped, progress_bar
from zoo.data import sources
from zoo.data.images.preprocessing import Points
from zoo.errors import UsageError, ZooError
from zoo.registry import Entry
from zoo.scratch.logistic import LogisticRegression
from zoo.scratch.mlp import MLP
from zoo.tasks.images.classification import Classifier
from zoo.training.order import Shuffled
from zoo.visualization.notebook import LoggedCurves
from zoo.visualization.pages import table, text

if TYPE_CHECKING:
    from zoo.backend import keras

NETS: dict[str, Any] = {"logistic": LogisticRegression, "mlp": MLP}  # by the name of the Keras twin


@dataclass(repr=False)
class History(LoggedCurves):
    """What a training logged, in the form of Keras' own history.

    Attributes:
        history: by name, one number an epoch: "loss", the mean over its steps; "cost", the loss before the first.
        epoch: the epochs' numbers, from 0.
        params: "epochs", and "steps" of each.
        best_epoch: None: the last one is kept.
    """

    history: dict[str, list[float]]
    epoch: list[int]
    params: dict[str, int]
    best_epoch: None = None


@dataclass(frozen=True)
class NumPyEngine:
    """A net of `zoo/scratch` with its weights.

    Attributes:
        net: the net.
        parameters: its weights, as `net.initial` gives them.
        white: what inputs are divided by: 255 for pixels, 1 for points.
    """

    net: Any
    parameters: list[np.ndarray]
    white: float
    name: str = "numpy"
    precision: str = "float64"

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        return [self.net.logits(self.parameters, self.rows(inputs))]

    def slopes(self, inputs: np.ndarray, unit: int) -> np.ndarray:
        """The gradient of one logit with respect to the inputs; of their shape."""
        return self.net.slopes(self.parameters, self.rows(inputs), unit).reshape(inputs.shape) / self.white

    def rows(self, inputs: np.ndarray) -> np.ndarray:
        """Examples as the net takes them: float64 of shape (m, inputs), pixels from 0 to 1."""
        return inputs.reshape(len(inputs), -1).astype(np.float64) / self.white


class NumPyClassifier(Classifier):
    """A classifier that runs and learns in NumPy, in float64, by plain gradient descent.

    `.model` is its Keras twin with the same weights, which is also what `save` writes.

    Raises:
        UsageError: there is no such net in NumPy, or it does not know an argument that was given.
    """

    def __init__(self, entry: Entry, arguments: dict, seed: int | None = None):
        super().__init__(entry, arguments, seed=seed)
        if entry.name not in NETS:
            raise UsageError(
                f"{entry.name} is not written out in NumPy; leave out engine, or take one of: {', '.join(NETS)}."
            )
        net = NETS[entry.name]
        options = {key: value for key, value in arguments.items() if key not in ("input_shape", "num_classes")}
        accepted = inspect.signature(net).parameters
        if left := [key for key, value in options.items() if key not in accepted and value]:
            raise UsageError(f"in NumPy, {entry.name} has no {', '.join(left)}; leave it out, or leave out engine.")
        try:
            self.net = net(**{key: value for key, value in options.items() if key in accepted})
        except ValueError as error:
            raise UsageError(str(error)) from error

    @cached_property
    def parameters(self) -> list[np.ndarray]:
        """The net's weights, drawn when they are first needed."""
        outputs = 1 if self.arguments["num_classes"] == 2 else self.arguments["num_classes"]
        return self.net.initial(int(np.prod(self.preprocessing.shape)), outputs, seed=self.seed)

    @property
    def engine(self) -> NumPyEngine:
        return NumPyEngine(self.net, self.parameters, 1.0 if isinstance(self.preprocessing, Points) else 255.0)

    def build(self) -> keras.Model:
        """The Keras twin, with the same weights in float32."""
        model = super().build()
        model.set_weights(self.parameters)
        return model

    def __getstate__(self) -> dict:
        twin, self._model = self._model, None  # it is made of the weights that travel anyway
        try:
            return super().__getstate__()
        finally:
            self._model = twin

    def _num_outputs(self) -> int:
        return len(self.parameters[-1])

    def _layers(self) -> str:
        rows = [[str(number), text(array.shape), f"{array.size:,}"] for number, array in enumerate(self.parameters, 1)]
        return table(["array", "shape", "weights"], rows, "The net is written out in NumPy, in zoo/scratch.")

    def train(  # of all the options those that mean something here
        self,
        data: Any = None,
        validation: Any = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        steps_per_epoch: int | None = None,
        learning_rate: float | None = None,
        progress: bool = True,
        **others: Any,
    ) -> History:
        """Train by gradient descent, from where the net stands.

        Args:
            data: a dataset's name, a folder, a CSV file, arrays `(x, y)` or a DataFrame; None is the model's own.
            validation: not needed: nothing is chosen by it.
            epochs: as for the Keras twin; None is the model's own.
            batch_size: examples a step; None is the model's own.
            steps_per_epoch: as for the Keras twin.
            learning_rate: None is the model's own.
            progress: show a bar with the time left.
            **others: are refused: what else the Keras twin takes.

        Returns:
            A `History`.

        Raises:
            ZooError: the data cannot be found or do not fit the model; the cost is no finite number any more.

        Example:
            >>> import zoo
            >>> net = zoo.get("logistic", engine="numpy", input_shape=(8, 8, 3))
            >>> pictures = np.arange(8 * 8 * 8 * 3, dtype="uint8").reshape(8, 8, 8, 3)
            >>> history = net.train((pictures, ["cat", "dog"] * 4), epochs=2, progress=False)
            >>> round(history.history["cost"][0], 6)
            0.693147
        """
        if others:
            raise UsageError(f"in NumPy, train has no {', '.join(others)}; leave it out, or leave out engine.")
        dataset = self._resolve_dataset(data, lambda data: sources.load(data, validation))
        fit_data = self._prepare_data(dataset)
        note_skipped(self.skipped)
        x, y = fit_data.x, fit_data.y
        epochs = self.entry.epochs if epochs is None else epochs
        rate = self.entry.learning_rate if learning_rate is None else learning_rate
        seed = random.randrange(2**32) if self.seed is None else self.seed
        batch_size = self.entry.batch_size if batch_size is None else batch_size
        order = Shuffled(len(x), batch_size, seed)
        steps = steps_per_epoch or self.entry.steps_of_epoch(batch_size) or order.steps
        rows_of = self.engine.rows
        everything = lru_cache(maxsize=1)(lambda: (rows_of(x), y))  # prepared once
        history = History({"loss": [], "cost": []}, list(range(epochs)), {"epochs": epochs, "steps": steps})
        with progress_bar(epochs * steps, "training", unit="step", shown=progress) as bar:
            for epoch in range(epochs):
                costs = []
                for step in range(epoch * steps, (epoch + 1) * steps):
                    rows = order.rows(step)
                    batch = everything() if order.steps == 1 else (rows_of(x[rows]), y[rows])
                    cost, gradients = self.net.cost_and_gradients(self.parameters, *batch)
                    self.parameters = [p - rate * g for p, g in zip(self.parameters, gradients, strict=True)]
                    costs.append(cost)
                    bar.update()
                if not np.isfinite(costs[-1]):
                    raise ZooError(
                        f"the cost became {costs[-1]}: the steps are too large. Try a smaller learning_rate."
                    )
                history.history["loss"].append(float(np.mean(costs)))
                history.history["cost"].append(costs[0])
        self._model, self.metrics = None, {}  # both are of the weights before
        self._remember_data(dataset, self.entry.dataset if data is None else data, validation)
        return history
