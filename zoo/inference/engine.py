"""What computes a network's answers: an engine says its name and its precision, and answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras

BATCH = 32  # inputs a forward pass; more are no faster on a CPU


class Engine(Protocol):
    """Computes outputs for inputs.

    Attributes:
        name: "keras", "openvino" or "numpy".
        precision: what it computes in: "float32", "bfloat16" or "float64".
    """

    @property
    def name(self) -> str: ...

    @property
    def precision(self) -> str: ...

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        """Outputs for inputs of shape (n, ...): the model's own, then its layer "features", if it has one."""
        ...


class KerasEngine:
    """A Keras model, on the backend that runs.

    Args:
        model: a built `keras.Model`.
    """

    name = "keras"

    def __init__(self, model: keras.Model):
        self.model = model
        self._lock = threading.Lock()  # Keras' own prediction is not made for several threads

    @property
    def precision(self) -> str:
        return self.model.dtype_policy.compute_dtype

    @cached_property
    def _with_features(self) -> keras.Model:
        from zoo import backend

        return backend.with_features(self.model)

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        from zoo import backend

        with self._lock:
            return backend.predict(self._with_features, inputs)


@dataclass(frozen=True)
class HeadEngine:
    """A fitted head on the features that another engine computes.

    Attributes:
        features: from inputs to one output, features of shape (n, d).
        head: from features to logits of shape (n, classes).
    """

    features: Engine
    head: Callable[[np.ndarray], np.ndarray]

    @property
    def name(self) -> str:
        return self.features.name

    @property
    def precision(self) -> str:
        return self.features.precision

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        (features,) = self.features(inputs)
        return [self.head(features), features]
