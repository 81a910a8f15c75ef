"""A dataset: parts under one name, whatever they are parts of, and what was left out of them."""

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from zoo.errors import UsageError, ZooError
from zoo.files import atomic_file, expand, home

if TYPE_CHECKING:
    from zoo.data.images.pictures import Pictures

PLACES = "places"  # in the zoo's cache: paths and names of data by their hashes
Fault = Literal[
    "damaged",
    "empty class",
    "foreign",
    "link",
    "missing",
    "needs a package",
    "no label",
    "not a picture",
    "on the skip list",
    "outside class folders",
    "several labels",
    "too large",
    "truncated",
    "unreadable",
]


@dataclass(frozen=True)
class Skipped:
    """A file that was left out of a dataset.

    Attributes:
        path: the file, or "picture 17" for what is no file.
        kind: what is wrong with it, in a word that programs may rely on.
        reason: why it was left out, for people.

    Example:
        >>> Skipped("photos/one.jpg", "truncated", "truncated JPEG")["reason"]
        'truncated JPEG'
    """

    path: str
    kind: Fault
    reason: str

    def __getitem__(self, key: str) -> str:
        """`path` or `reason`, as in the dict of `to_json`."""
        return self.to_json()[key]

    def to_json(self) -> dict[str, str]:
        return {"path": self.path, "reason": self.reason}


class Part(Protocol):
    """What every part of a dataset can do: `Pictures`, `Text` and `Pairs` are such parts."""

    def __len__(self) -> int: ...

    def lines(self) -> list[str]:
        """What the part's fingerprint is made of."""


def place_of(data: Any) -> str | None:
    """What tells data from those of another place: a hash of the path, or of a dataset's name; None for an object."""
    place = _place(data)
    return None if place is None else _hashed(place)


def _hashed(place: bytes) -> str:
    return hashlib.sha256(place).hexdigest()[:16]


def _place(data: Any) -> bytes | None:
    """The whole path of data, or a dataset's name; None for an object."""
    if not isinstance(data, str | os.PathLike):
        return None
    place = os.fspath(data)
    with contextlib.suppress(OSError, ValueError):  # text itself, which no file can be called; the home of nobody
        path = expand(data)
        place = str(path.resolve()) if path.exists() else place
    return os.fsencode(place)


def remember_place(data: Any) -> str | None:
    """`place_of(data)`; where that is, is noted on this machine, for `recall_place`. A saved file may go anywhere."""
    if (place := _place(data)) is None:
        return None
    with contextlib.suppress(OSError, ZooError), atomic_file(home() / PLACES / _hashed(place)) as file:
        file.write_bytes(place)
    return _hashed(place)


def recall_place(place: Any) -> str | None:
    """The path or name whose hash `remember_place` gave; None where this machine does not know it."""
    if not isinstance(place, str) or not re.fullmatch(r"[0-9a-f]{16}", place):
        return None
    try:
        data = os.fsdecode((home() / PLACES / place).read_bytes())
    except OSError:
        return None
    return data if place_of(data) == place else None


P = TypeVar("P", bound=Part)


@dataclass
class Dataset(Generic[P]):
    """Splits under one name; of pictures, every split has the labels of "train".

    Attributes:
        name: what the dataset is called in reports.
        splits: `Pictures`, `Text` or `Pairs` by "train" (always there), "validation" and "test".
        about: what it is, in a sentence.
        proves: what a good accuracy on it proves, and what it does not.
        skipped: files that were left out.
    """

    name: str
    splits: dict[str, P]
    about: str = ""
    proves: str = ""
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def labels(self: "Dataset[Pictures]") -> list[str]:
        """The classes of labelled pictures, in the order of their integers."""
        return self.splits["train"].labels

    def to_measure_on(self, split: str | None = None) -> str:
        """The split that a model is measured on: the one that is named, else "test", "validation" or what there is.

        Raises:
            UsageError: there is no split of that name.
        """
        split = split or next(name for name in ("test", "validation", "train") if name in self.splits)
        if split not in self.splits:
            raise UsageError(f"{self.name} has no split {split!r}; it has {', '.join(self.splits)}.")
        return split

    def origin(self, data: Any) -> dict[str, str | None]:
        """What a model remembers of the data that it was trained on; `data` is what the user named."""
        return {"name": self.name, "fingerprint": self.fingerprint(), "place": place_of(data)}

    def fingerprint(self) -> str:
        """SHA-256 over the content and labels of every split, whatever the files' names and places are."""
        total = hashlib.sha256()
        for split, part in sorted(self.splits.items()):
            lines = part.lines()
            total.update("\n".join([f"{split} {len(lines)}", *lines, ""]).encode())
        return total.hexdigest()
