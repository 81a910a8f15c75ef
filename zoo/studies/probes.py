"""What a study can measure: of the net in training, at its start and after each epoch, or of the trained one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo import backend, metrics
from zoo.backend import keras
from zoo.data.images import datasets
from zoo.studies.rows import Reading, finite

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.tasks.task import Task

EXAMPLES = 1000  # at most, that a gradient is the mean over
# The seeds of fresh planar flowers; the training points have seed 1. Nets of 5 and of 50 hidden units differ on about
# 2 % of the points, so that the difference of their accuracies is known to 0.05 points.
FRESH = range(2, 252)


@dataclass
class Trial:
    """A net in training or trained.

    Attributes:
        task: the net.
        dataset: what it is trained on.
        history: numbers by epoch, as Keras' `History` has them; empty while training and after a divergence.
        steps: training steps of one epoch of the history.
    """

    task: Task
    dataset: Dataset
    history: dict[str, list[float]] = field(default_factory=dict)
    steps: int = 0


class ProbeCallback(keras.callbacks.Callback):
    """Calls probes at the start and after each epoch, and keeps what they read in `readings`."""

    def __init__(self, trial: Trial, probes: list[Callable]):
        super().__init__()
        self.trial, self.probes = trial, probes
        self.readings: list[Reading] = []

    def on_train_begin(self, logs=None) -> None:
        self.read_probes(0)

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.read_probes((epoch + 1) * self.params["steps"])

    def read_probes(self, step: int) -> None:
        """Read all probes after that many training steps."""
        model = self.model  # on JAX, asking for it fetches the state from the device
        for probe in self.probes:
            self.readings += probe(self.trial, model, step)


# Of the net in training: (trial, model, step) -> readings


def gradient_norm(trial: Trial, model: keras.Model, step: int) -> Iterator[Reading]:
    """The Euclidean norm of the loss' gradient at the kernel of each layer, and three numbers about them.

    "first_to_last" compares the first hidden layer with the last, "factor_a_layer" is the mean factor on the way
    from the last hidden layer back to the second (the first one's kernel has another size), "largest" is the
    largest norm. The last two are read at the start alone.
    """
    plan = trial.task._make_plan(trial.dataset, batch_size=None)
    x, y = plan.data.x[:EXAMPLES], plan.data.y[:EXAMPLES]
    gradients = backend.gradients(model, x, y, plan.loss)
    kernels = [variable.name == "kernel" for variable in model.trainable_variables]
    norms = [
        float(np.linalg.norm(g.astype(np.float64))) for g, kernel in zip(gradients, kernels, strict=True) if kernel
    ]
    for layer, norm in enumerate(norms, 1):
        yield Reading("gradient_norm", finite(norm), layer, step, n=len(x))
    *hidden, _ = norms  # the head's is another kind of layer
    with np.errstate(all="ignore"):
        across = finite(np.divide(hidden[0], hidden[-1]))
        factor = finite(np.divide(hidden[1], hidden[-1]) ** (1 / (len(hidden) - 2))) if len(hidden) > 2 else None
    yield Reading("first_to_last", across, step=step, n=len(x))
    if step == 0:
        yield Reading("first_to_last_at_start", across, n=len(x))
        yield Reading("factor_a_layer_at_start", factor, n=len(x))
        yield Reading("largest_at_start", finite(max(norms)), n=len(x))


# Of the trained net: trial -> readings


def loss(trial: Trial) -> Iterator[Reading]:
    """The mean training loss of each epoch, as `fit` logs it."""
    for epoch, value in enumerate(trial.history.get("loss", []), 1):
        yield Reading("loss", finite(value), step=epoch * trial.steps)


def cost(trial: Trial) -> Iterator[Reading]:
    """The loss before the first step of each epoch, where the training logs it."""
    for epoch, value in enumerate(trial.history.get("cost", [])):
        yield Reading("cost", finite(value), step=epoch * trial.steps)


def accuracy(trial: Trial) -> Iterator[Reading]:
    """The share of the held-out examples that the net is right on: of the test split, else the validation split."""
    held_out = "test" if "test" in trial.dataset.splits else "validation"
    yield share("accuracy", trial.task.evaluate(trial.dataset, split=held_out, progress=False)["accuracy"])


def train_accuracy(trial: Trial) -> Iterator[Reading]:
    """The share of the training examples that the net is right on."""
    yield share("train_accuracy", trial.task.evaluate(trial.dataset, split="train", progress=False)["accuracy"])


def fresh_points_accuracy(trial: Trial) -> Iterator[Reading]:
    """The share of 100,000 fresh points that the net is right on, drawn by the planar flower's rule from other seeds.

    The net has one logit, above 0 for the second class.
    """
    flowers = [datasets.make_planar_flower(Path(), trial.dataset.labels, seed=seed)["train"] for seed in FRESH]
    x, y = (np.concatenate(parts) for parts in zip(*((flower.items, flower.y) for flower in flowers), strict=True))
    (logits,) = backend.predict(trial.task.model, x.astype(np.float32), batch=len(x))
    hits = int(((logits[:, 0] > 0) == y).sum())
    yield share("fresh_points_accuracy", metrics.proportion(hits, len(y)))


def distinct_units(trial: Trial) -> Iterator[Reading]:
    """How many units of the first layer differ from all others by more than rounding."""
    kernel = next(v for v in trial.task.model.trainable_variables if v.name == "kernel")
    columns = np.round(keras.ops.convert_to_numpy(kernel), 5).T
    yield Reading("distinct_units", float(len(np.unique(columns, axis=0))), n=len(columns))


def share(name: str, metric: metrics.Metric) -> Reading:
    """A share with its interval, as a reading."""
    return Reading(name, metric.value, low=metric.ci[0], high=metric.ci[1], n=metric.n)


DURING = {"gradient_norm": gradient_norm}
AFTER = {
    probe.__name__: probe for probe in (loss, cost, accuracy, train_accuracy, fresh_points_accuracy, distinct_units)
}
