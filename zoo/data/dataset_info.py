"""What the zoo says of a named dataset; the datasets stand in `images/datasets.py` and `text/datasets.py`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset: what it is, and where its files come from.

    Attributes:
        name: what it is asked for by.
        about: what it is, in a sentence.
        proves: what a good accuracy on it proves, and what it does not.
        licence: as its makers state it.
        source: who made it, and where it is.
        classes: names of the classes, in the order of their integers; text has none.
        read: from the folder that holds `files`, and the classes, to pictures or text by split; None for a folder of
            that name which is laid out in splits and class folders.
        files: SHA-256 of the content by path, decompressed where that ends in ".gz".
        urls: where each file can be downloaded.
        package: the installed package that carries the files.
        kind: what it holds: "images", "points", "text", or "pairs" of lines.
        inputs: of points, what each number says.
        parts: names what else there is in the folder, for `read` as a third argument: "name:part".
    """

    name: str
    about: str
    proves: str
    licence: str
    source: str
    classes: tuple[str, ...] = ()
    read: Callable[..., dict[str, Any]] | None = None
    files: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    package: str | None = None
    kind: str = "images"
    inputs: tuple[str, ...] = ()
    parts: Callable[[Path], list[str]] | None = None
