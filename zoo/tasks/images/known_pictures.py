"""Which pictures a classifier was trained on, and which were held out, by the hashes of their content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from zoo import saving
from zoo.data.images.pictures import UNREADABLE

MOST = 500_000  # pictures that are remembered: a record of a saved file is read up to 8 MB


@dataclass(frozen=True)
class KnownPictures:
    """What a classifier remembers of its pictures: the first 64 bits of each SHA-256, enough to know it again.

    Attributes:
        trained_on: of the pictures that were trained on.
        held_out: of those that were kept apart to measure on, where none of these is trained on.
        complete: whether nothing else was trained on, as far as the zoo trained it.
    """

    trained_on: frozenset[int] = frozenset()
    held_out: frozenset[int] = frozenset()
    complete: bool = True

    def after(self, trained_on: Iterable[str], held_out: Iterable[str]) -> KnownPictures:
        """What is known once pictures of these digests were trained on, too.

        Example:
            >>> both = KnownPictures().after(["a" * 64], ["b" * 64]).after(["b" * 64], [])
            >>> len(both.trained_on), len(both.held_out)
            (2, 0)
        """
        trained = self.trained_on | {*map(beginning, trained_on)} - {0}
        apart = {*map(beginning, held_out)} - trained - {0}
        if len(trained) + len(apart) > MOST:
            return KnownPictures(complete=False)
        return KnownPictures(trained, frozenset(apart), self.complete)

    def without(self, digests: Iterable[str]) -> KnownPictures:
        """What is known once pictures of these digests were never seen."""
        gone = {*map(beginning, digests)}
        return KnownPictures(self.trained_on - gone, self.held_out - gone, self.complete)

    def to_json(self) -> dict:
        hashes = {name: np.array(sorted(getattr(self, name)), np.uint64) for name in ("trained_on", "held_out")}
        return {**{name: saving.pack(numbers) for name, numbers in hashes.items()}, "complete": self.complete}

    @classmethod
    def from_json(cls, hashes: dict) -> KnownPictures:
        trained_on, held_out = (saving.unpack(hashes[name]) for name in ("trained_on", "held_out"))
        if trained_on.dtype != np.uint64 or held_out.dtype != np.uint64:
            raise ValueError("hashes of pictures are no hashes")
        if trained_on.size + held_out.size > MOST:
            raise ValueError("there are too many hashes of pictures")
        return cls(frozenset(trained_on.tolist()), frozenset(held_out.tolist()), bool(hashes["complete"]))


def beginning(digest: str) -> int:
    """The first 64 bits of a hash in hexadecimal; 0 where there was nothing to read."""
    return 0 if digest == UNREADABLE else int(digest[:16], 16)
