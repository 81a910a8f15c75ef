"""What a task decides about one training, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zoo.training.order import FitData

if TYPE_CHECKING:
    import keras


@dataclass
class Plan:
    """What a model is trained on, and how.

    Attributes:
        data: the examples.
        model: what `fit` is called on: the task's model, or one that trains it in a way of its own.
        loss: a function of targets and outputs; None where `model` computes its own.
        metrics: Keras metrics.
        callbacks: what this kind of work adds to a training.
    """

    data: FitData
    model: keras.Model
    loss: Callable | None = None
    metrics: list = field(default_factory=list)
    callbacks: list[keras.callbacks.Callback] = field(default_factory=list)
