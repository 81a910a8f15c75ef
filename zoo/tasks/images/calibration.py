"""Temperature: one number that makes a classifier's probabilities more or less sure, and leaves its answers alone."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from zoo.errors import is_number, whole_number
from zoo.inference import softmax

MOST = 20_000  # examples that are looked at: more do not change the first three digits


@dataclass(frozen=True)
class Calibration:
    """What out-of-fold predictions on the training part say of a classifier's probabilities.

    A classifier's answers do not use it: its file gives plain Keras the same probabilities.

    Attributes:
        temperature: what logits are divided by to be calibrated; above 1, they are too sure as they are.
        examples: how many predictions chose it, each by a head that did not see the example.
    """

    temperature: float
    examples: int

    @classmethod
    def fit(cls, logits: np.ndarray, y: np.ndarray) -> Calibration:
        """The temperature with the least mean cross-entropy (Guo et al., 2017, arXiv:1706.04599).

        Args:
            logits: shape (n, k).
            y: true classes, shape (n,).

        Example:
            >>> random = np.random.default_rng(0)
            >>> logits = random.normal(0, 2, (4000, 3))
            >>> y = (softmax(logits).cumsum(axis=1) < random.random((4000, 1))).sum(axis=1)
            >>> round(Calibration.fit(3 * logits, y).temperature, 1)
            3.0
        """
        rows = np.arange(0, len(y), -(-len(y) // MOST))
        z, y = logits[rows].astype(np.float64), y[rows]
        z = z - z.max(axis=1, keepdims=True)
        true = z[np.arange(len(y)), y].mean()

        def slope(sureness: float) -> float:
            """Of the mean cross-entropy, which is convex in 1 / temperature."""
            return float((softmax(sureness * z) * z).sum(axis=1).mean() - true)

        low, high = 0.02, 50.0
        for _ in range(40):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if slope(middle) > 0 else (middle, high)
        return cls(1 / math.sqrt(low * high), len(y))

    def probabilities(self, probabilities: np.ndarray) -> np.ndarray:
        """Calibrated ones, of the same shape (n, k)."""
        return softmax(np.log(np.maximum(probabilities, 1e-300)) / self.temperature)

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, calibration: dict) -> Calibration:
        """What a file's record says; a stranger's may hold anything."""
        temperature = calibration["temperature"]
        if not is_number(temperature) or not 0.01 <= temperature <= 100:
            raise ValueError("the temperature of its probabilities is no number from 0.01 to 100")
        return cls(float(temperature), whole_number("examples", calibration["examples"], 1))
