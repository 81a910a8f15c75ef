"""What computes a network's answers: an engine says its name and its precision, and answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras

BATCH = 32  # inputs a forward pass; more are no faster on a CPU
BATCH_BYTES = 384 * 2**20  # of what the layers hold at a time in a forward pass; networks for 224 pixels need 300 MB


def batch_of(numbers: int, most: int = BATCH) -> int:
    """How many inputs go through at a time; a power of two.

    Args:
        numbers: what one of them needs at the widest place.
        most: of inputs.

    Example:
        >>> batch_of(224 * 224 * 3), batch_of(4096 * 4096 * 3)
        (32, 2)
    """
    most = min(most, BATCH_BYTES // (4 * max(1, numbers)))
    return 2 ** (max(1, most).bit_length() - 1)


def most_alive(steps: Iterable[tuple[Iterable[int], dict[int, int]]]) -> int:
    """How many numbers are needed at the widest place of a network: those made, and not yet used for the last time.

    Args:
        steps: for each step in its order the names of what it takes, and the sizes of what it makes by name.

    Example:
        >>> most_alive([([], {1: 5}), ([1], {2: 50}), ([2], {3: 7}), ([3], {4: 1})])
        57
    """
    steps = list(steps)
    last = {name: number for number, (taken, made) in enumerate(steps) for name in (*taken, *made)}
    alive: dict[int, int] = {}
    most = 0
    for number, (_, made) in enumerate(steps):
        alive |= made
        most = max(most, sum(alive.values()))
        alive = {name: size for name, size in alive.items() if last[name] > number}
    return most


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def through_steps(
    step: Callable[[dict[str, np.ndarray]], list[np.ndarray]], tokens: np.ndarray, states: dict[str, int]
) -> np.ndarray:
    """The logits that a recurrent model of a single token gives along rows of tokens, from states of zero.

    Args:
        step: from "token" and the states, by name, to logits and the states after it, in the order of `states`.
        tokens: whole numbers of shape (rows, length).
        states: how many numbers each has, by name.

    Returns:
        float32 of shape (rows, length, tokens that there are).
    """
    held = {name: np.zeros((len(tokens), units), np.float32) for name, units in states.items()}
    logits = []
    for token in tokens.T.astype(np.int32):
        scores, *after = step({"token": token, **held})
        held = dict(zip(held, after, strict=True))
        logits.append(scores)
    return np.stack(logits, axis=1)


def numbers_of(model: keras.Model) -> int:
    """How many numbers a model needs at its widest place for one input, where a length is open for one of it."""
    from zoo import backend

    return most_alive(backend.steps(model))


def numbers_in_training(model: keras.Model) -> int:
    """How many numbers a step of training needs for one input: all that is made, and the largest gradient."""
    from zoo import backend

    sizes = [size for _, made in backend.steps(model) for size in made.values()]
    return sum(sizes) + max(sizes, default=0)


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
        most: inputs of a forward pass. What happens within a layer is not counted, so of a stranger's model these are
            as many as it was tried with.
    """

    name = "keras"

    def __init__(self, model: keras.Model, most: int = BATCH):
        self.model, self._most = model, most
        self._lock = threading.Lock()  # Keras' own prediction is not made for several threads

    @property
    def precision(self) -> str:
        return self.model.dtype_policy.compute_dtype

    @cached_property
    def _with_features(self) -> keras.Model:
        from zoo import backend

        return backend.with_output(self.model, "features")

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        from zoo import backend

        with self._lock:
            return backend.predict(self._with_features, inputs, self._batch)

    @cached_property
    def _batch(self) -> int:
        return batch_of(numbers_of(self.model), self._most)


class LinearHead(Protocol):
    """From features of shape (n, d) to outputs of shape (n, k), by a kernel of shape (d, k), a bias, an activation."""

    @property
    def kernel(self) -> np.ndarray: ...

    def activated(self, features: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class HeadEngine:
    """A fitted head on the features that another engine computes.

    Attributes:
        features: from inputs to one output, features of shape (n, d).
        head: from features to the saved model's outputs.
    """

    features: Engine
    head: LinearHead

    @property
    def name(self) -> str:
        return self.features.name

    @property
    def precision(self) -> str:
        return self.features.precision

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        (features,) = self.features(inputs)
        return [self.head.activated(features), features]

    def pooled(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """As for `OpenVINOEngine`, with this head in the place of the network's own."""
        parts = getattr(self.features, "pooled", lambda inputs: None)(inputs)
        return parts and (self.head.activated(parts[1].mean(axis=(1, 2))), parts[1], self.head.kernel)
