"""What a source of pictures gives: labelled pictures, and the splits that make a dataset."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zoo.data.images import ImageError, digest
from zoo.targets import CLASSES, Target

UNREADABLE = "unreadable"  # in place of a digest


@dataclass
class Pictures:
    """A labelled set of pictures; nothing is decoded yet.

    Attributes:
        items: a list of paths, arrays or bytes of image files; or one array (N, height, width[, channels]).
        y: class of each picture, integers of shape (N,); of another kind of target, as `target` has them.
        labels: the classes' names, in the order of their integers.
        weights: how much each counts in a training, of shape (N,); None where all count alike.
        digests: SHA-256 by index, of those that were read so far; nothing is read twice for its hash.
        target: what kind of target y is of.
    """

    items: list | np.ndarray
    y: np.ndarray
    labels: list[str]
    weights: np.ndarray | None = None
    digests: dict[int, str] = field(default_factory=dict, repr=False, compare=False)
    target: Target = CLASSES

    def __len__(self):
        return len(self.items)

    def subset(self, indices) -> "Pictures":
        """The pictures at `indices`, in that order, with the same labels."""
        whole = isinstance(self.items, np.ndarray)
        items = self.items[indices] if whole else [self.items[index] for index in indices]
        weights = None if self.weights is None else self.weights[indices]
        return Pictures(items, self.y[indices], self.labels, weights, target=self.target)

    def of_class(self, label: str) -> "Pictures":
        """Those of one class alone."""
        members = self.subset(np.flatnonzero(self.y == self.labels.index(label)))
        return Pictures(members.items, np.zeros_like(members.y), [label])

    def cut(self, share: float) -> tuple["Pictures", "Pictures"]:
        """The pictures in two, `share` of each class in the second part; always the same."""
        return stratified(self, share, seed=0)

    def in_files(self) -> bool:
        """Whether any of them must be read from a disk."""
        return not isinstance(self.items, np.ndarray) and any(isinstance(item, Path) for item in self.items)

    def digest(self, index: int) -> str:
        """SHA-256 of the content of one picture; `UNREADABLE` where there is none to read."""
        if index not in self.digests:
            try:
                self.digests[index] = digest(self.items[index])
            except ImageError:
                self.digests[index] = UNREADABLE
        return self.digests[index]

    def lines(self) -> list[str]:
        """What the part's fingerprint is made of: content and label of each picture, whatever their order is."""
        answers = self.target.texts(self.y, self.labels)
        return sorted(f"{self.digest(index)} {answer}" for index, answer in enumerate(answers))

    def name(self, index: int) -> str:
        """What to call a picture in a message: its path, or "picture 17"."""
        item = self.items[index]
        return str(item) if isinstance(item, Path) else f"picture {index}"


def stratified(pictures: Pictures, share: float, seed: int) -> tuple[Pictures, Pictures]:
    """Split pictures in two, class by class: `share` of each goes to the second part, at least one to both.

    Args:
        pictures: of classes, with at least two pictures in each.
        share: between 0 and 1.
        seed: which pictures are drawn.
    """
    generator = np.random.default_rng(seed)
    strata, apart = pictures.target.strata(pictures.y), []
    for stratum in range(strata.max(initial=0) + 1):
        members = generator.permutation(np.flatnonzero(strata == stratum))
        count = max(min(max(round(share * len(members)), 1), len(members) - 1), 0)
        apart += members[:count].tolist()
    rest = np.setdiff1d(np.arange(len(pictures)), apart)
    return pictures.subset(rest), pictures.subset(np.sort(apart))
