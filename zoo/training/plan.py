"""What a task decides about one training, before anything is trained."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import UsageError
from zoo.training.order import Balanced, FitData, Shuffled

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

    def balanced(self) -> Plan:
        """The same, with as many examples of each class in a pass.

        Raises:
            UsageError: the targets are no classes.
        """
        y = self.data.y
        if self.data.order is not Shuffled or y.ndim != 1 or y.dtype.kind not in "iu":
            raise UsageError(f"sampling='balanced' is for classifiers, and {self.model.name} is none; leave it out.")
        order, about = functools.partial(Balanced, y=y), {**self.data.about, "sampling": "balanced"}
        return replace(self, data=replace(self.data, order=order, about=about))

    def with_shares(self) -> Plan:
        """The same with targets that can be mixed: each class' share, in place of the class' number.

        Raises:
            UsageError: the targets are no classes, or the model has one logit for two of them.
        """
        from zoo.backend import keras

        if isinstance(self.loss, keras.losses.CategoricalCrossentropy):
            return self
        if not isinstance(self.loss, keras.losses.SparseCategoricalCrossentropy):
            raise UsageError(
                f"mixup and cutmix blend pictures of different classes, so they are for classifiers with a logit for "
                f"each class; {self.model.name} is none. Accepted here: flip, shift, randaugment."
            )
        classes = np.eye(self.model.output_shape[-1], dtype=np.float32)
        watched = self.data.validation
        if watched is not None:
            watched = watched[0], classes[watched[1]], *watched[2:]
        data = replace(self.data, y=classes[self.data.y], validation=watched)
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        return replace(self, data=data, loss=loss, metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")])
