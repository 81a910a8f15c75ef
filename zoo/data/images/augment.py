"""Varying training pictures from pass to pass, a batch at a time and outside the training step."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.errors import UsageError
from zoo.registry import did_you_mean

SHIFT = 1 / 8  # of a side, at most


def flip(x: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Mirror half of the pictures, left for right. Digits and letters are not the same mirrored."""
    mirrored = draw.random(len(x)) < 0.5
    x = x.copy()
    x[mirrored] = x[mirrored, :, ::-1]
    return x


def shift(x: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Move each picture by up to an eighth of its sides; what comes in at the edges is the picture, reflected."""
    _, height, width, _ = x.shape
    down, across = (max(1, round(side * SHIFT)) if side > 1 else 0 for side in (height, width))
    padded = np.pad(x, ((0, 0), (down, down), (across, across), (0, 0)), "reflect")
    tops, lefts = draw.integers(0, 2 * down + 1, len(x)), draw.integers(0, 2 * across + 1, len(x))
    moved = np.empty_like(x)
    for i, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        moved[i] = padded[i, top : top + height, left : left + width]
    return moved


def randaugment(x: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Two changes of shape, colour or light, drawn for the whole batch, by Keras' layer (Cubuk et al. 2019)."""
    return keras_layer("RandAugment", draw, x)


def keras_layer(name: str, draw: np.random.Generator, inputs: Any) -> Any:
    """What a Keras layer that augments makes of arrays; its random numbers are a function of `draw`."""
    from zoo.backend import keras

    layer = _made(name)
    for state in layer.variables:  # of its generators, and it has no others
        state.assign(draw.integers(2**31, size=2).astype(state.dtype))
    return keras.tree.map_structure(keras.ops.convert_to_numpy, layer(inputs))


@functools.cache
def _made(name: str) -> Any:
    from zoo.backend import keras

    return getattr(keras.layers, name)(dtype="float32")


WAYS = {"flip": flip, "shift": shift, "randaugment": randaugment}
MIXES = {"mixup": "MixUp", "cutmix": "CutMix"}  # of two pictures and their classes; Keras' layers


class Augmentation:
    """Varies the examples of a batch in all of the named ways, one after the other.

    "mixup" (Zhang et al. 2018) blends each picture with another one of the batch, "cutmix" (Yun et al. 2019) puts a
    part of another one into it; the targets are blended likewise, so these must be shares of classes.

    Args:
        names: any of "flip", "shift", "randaugment", "mixup" and "cutmix".

    Raises:
        UsageError: there is no way of that name.

    Example:
        >>> x, y = np.zeros((2, 8, 8, 3), "uint8"), np.eye(2)
        >>> x, y = Augmentation(["flip", "mixup"])(x, y, np.random.default_rng(0))
        >>> x.shape, y.sum(axis=1).tolist()
        ((2, 8, 8, 3), [1.0, 1.0])
    """

    def __init__(self, names: Sequence[str] = ()):
        names = [names] if isinstance(names, str) else names
        for name in names:
            if name not in WAYS and name not in MIXES:
                accepted = [*WAYS, *MIXES]
                raise UsageError(
                    f"augment has {name!r}{did_you_mean(name, accepted)} Accepted: {', '.join(accepted)}."
                )
        self.names = tuple(names)
        self.mixes = any(name in MIXES for name in names)

    def __call__(self, x: np.ndarray, y: Any, draw: np.random.Generator) -> tuple[np.ndarray, Any]:
        """Pixels and targets of the same shapes.

        Args:
            x: pixels of shape (n, height, width, channels).
            y: targets, shape (n, classes); any, where nothing is mixed. Where `y` is `x`, it is varied as that is.
            draw: decides all.

        Raises:
            UsageError: these are no pictures.
        """
        if self.names and x.ndim != 4:
            raise UsageError(f"augment varies pictures; these examples have the shape {x.shape[1:]}.")
        is_own_target = y is x
        for name in self.names:
            if name in WAYS:
                x = WAYS[name](x, draw)
            else:
                mixed = keras_layer(MIXES[name], draw, {"images": x.astype(np.float32), "labels": y})
                x, y = mixed["images"], mixed["labels"]
        return x, x if is_own_target else y
