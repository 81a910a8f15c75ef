"""What models that learn from pictures alone share: pixels 0-255 of one shape, and no classes."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from zoo.data import sources
from zoo.data.dataset import Dataset, Skipped
from zoo.data.images.preprocessing import Preprocessing, rule_of
from zoo.data.images.streams import AT_ONCE, Repeatable
from zoo.errors import UsageError
from zoo.registry import Entry
from zoo.tasks.task import Task

CHUNK_NUMBERS = 2**24  # of pictures that are worked on at a time, in float64 several times 128 MB


class PictureTask(Task):
    """A model whose builder has the argument `input_shape`, the shape (height, width, channels) of its pictures."""

    _needs_classes = False

    def __init__(self, entry: Entry, arguments: dict, **how: Any):
        super().__init__(entry, arguments, **how)
        self.preprocessing = rule_of(arguments.get("input_shape"), **entry.preprocessing)
        if not isinstance(self.preprocessing, Preprocessing):
            raise UsageError(
                f"input_shape must be (height, width, channels) of pictures, got {arguments['input_shape']!r}."
            )

    def _at_a_time(self, most: int) -> int:
        """How many pictures are worked on at a time: `most`, or fewer where they are so large that memory counts."""
        return max(1, min(most, CHUNK_NUMBERS // math.prod(self.preprocessing.shape)))

    def _usable(self, dataset: Dataset, *splits: str) -> tuple[list[np.ndarray], list[Skipped]]:
        """The pixels of some parts of the data, uint8 of shape (n, height, width, channels), and what was left out.

        Raises:
            ZooError: not one picture of a part can be used.
        """
        parts, left_out = [], [*dataset.skipped]
        for split in splits:
            pixels, _, skipped = sources.arrays(dataset.splits[split], self.preprocessing)
            sources.require_usable(pixels, dataset, split, skipped)
            parts.append(pixels)
            left_out += skipped
        return parts, left_out

    def _to_measure(self, dataset: Dataset, split: str, skipped: list[Skipped]) -> np.ndarray | Repeatable:
        """The pixels of a part of the data to go through: an array, or where that would be too large, one by one.

        Args:
            dataset: the data.
            split: which part.
            skipped: what cannot be used is added to this list, of what is no array when it is gone through.

        Raises:
            ZooError: not one picture of it can be used.
        """
        pictures = dataset.splits[split]
        if len(pictures) * math.prod(self.preprocessing.shape) > AT_ONCE:
            return Repeatable(pictures, self.preprocessing, skipped)
        pixels, _, left_out = sources.arrays(pictures, self.preprocessing)
        sources.require_usable(pixels, dataset, split, left_out)
        skipped += left_out
        return pixels

    def _toy_data(self) -> Dataset:
        """Twenty-four pictures of waves."""
        return sources.find(self.preprocessing.samples(24), classes=False)

    def get_config(self) -> dict:
        return {**super().get_config(), "preprocessing": self.preprocessing.to_json()}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        self = super().from_config(config)
        self.preprocessing = Preprocessing.from_json(config["preprocessing"])
        return self
