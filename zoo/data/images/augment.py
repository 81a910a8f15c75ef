"""Varying training pictures from pass to pass, a batch at a time and outside the training step."""

from collections.abc import Callable, Sequence

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


WAYS = {"flip": flip, "shift": shift}


def augmentation(names: Sequence[str]) -> Callable[[np.ndarray, np.random.Generator], np.ndarray] | None:
    """One function that varies pictures in all of the named ways, or None for no names.

    Args:
        names: any of "flip" and "shift".

    Returns:
        From pixels of shape (n, height, width, channels) and a random generator to pixels of the same shape.

    Raises:
        UsageError: there is no way of that name.

    Example:
        >>> vary = augmentation(["flip"])
        >>> vary(np.zeros((2, 8, 8, 3), "uint8"), np.random.default_rng(0)).shape
        (2, 8, 8, 3)
    """
    if isinstance(names, str):
        names = [names]
    for name in names:
        if name not in WAYS:
            raise UsageError(f"augment has {name!r}{did_you_mean(name, WAYS)} Accepted: {', '.join(WAYS)}.")

    def vary(x, draw):
        if x.ndim != 4:
            raise UsageError(f"augment varies pictures; these examples have the shape {x.shape[1:]}.")
        for name in names:
            x = WAYS[name](x, draw)
        return x

    return vary if names else None
