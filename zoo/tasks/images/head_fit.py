"""How the head of a fine-tuned classifier was fitted, so that it can be fitted again without some of its pictures."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from zoo.errors import is_number, whole_number


@dataclass(frozen=True)
class HeadFit:
    """What a head depends on beside the training pictures, the backbone being frozen.

    Attributes:
        strength: of the penalty.
        views: of each picture, the plain one among them.
        engine: what computed the features, and
        precision: in which numbers.
        seed: decided what the novelty detector was learned from.
        averaged: whether it was fitted to the mean of each picture's views, rather than to each view.
    """

    strength: float
    views: int
    engine: str
    precision: str
    seed: int
    averaged: bool = False

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, fit: dict) -> HeadFit:
        """What a file's record says; a stranger's may hold anything."""
        if not is_number(fit["strength"]) or not 0 < fit["strength"] < math.inf:
            raise ValueError("the strength of its head's penalty is no number above 0")
        if not all(isinstance(fit[key], str) for key in ("engine", "precision")):
            raise TypeError("how its features were computed is no text")
        views, seed = whole_number("views", fit["views"], 1, 1000), whole_number("seed", fit["seed"], 0)
        averaged = bool(fit.get("averaged", False))  # files of earlier versions do not say
        return cls(float(fit["strength"]), views, fit["engine"], fit["precision"], seed, averaged)
