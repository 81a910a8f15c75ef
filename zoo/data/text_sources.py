"""From whatever the user has (a file, a folder of them, a string, a dataset's name) to text, or to pairs of lines."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from zoo.data import named
from zoo.data.dataset import Dataset
from zoo.data.text.corpora import Pairs, Text, lines_of, read_text
from zoo.errors import ZooError

HELD_OUT = 0.1  # of a text that comes in one piece, its tail, to measure on
TOO_LONG = 255  # characters that no file name has: a longer string is text
P = TypeVar("P", Text, Pairs)


def load(data, validation=None, held_out: float = HELD_OUT) -> Dataset[Text]:
    """Find text and hold its tail out.

    Args:
        data: a dataset's name, a text file, a folder of `.txt` files (in the order of their names), a string that
            is the text itself (with a line break in it, or longer than a file's name can be), a `Text` or `Dataset`.
        validation: the same, to measure on; None takes the data's own validation part, or the tail of `data`.
        held_out: how much of it, where there is no other.

    Raises:
        ZooError: there is no text there, or it is not UTF-8.

    Example:
        >>> parts = load("to be, or not to be\\n" * 50).splits
        >>> len(parts["train"]), len(parts["validation"])
        (900, 100)
    """
    return _load(data, validation, held_out, find)


def load_pairs(data, validation=None, held_out: float = HELD_OUT) -> Dataset[Pairs]:
    """Find pairs of lines, and hold the last of them out.

    Args:
        data: a dataset's name, two text files of as many lines `(said, reply)`, two lists of strings, a file with a
            tab between the two in each line, a `Pairs` or `Dataset`.
        validation: as for `load`.
        held_out: as for `load`.

    Raises:
        ZooError: there are no pairs there, they do not fit together, or they are not UTF-8.

    Example:
        >>> load_pairs((["Hi."] * 20, ["Hello!"] * 20)).splits["validation"].reply
        ['Hello!', 'Hello!']
    """
    return _load(data, validation, held_out, find_pairs)


def _load(data, validation, held_out: float, find: Callable[..., Dataset[P]]) -> Dataset[P]:
    dataset = find(data)
    splits = dict(dataset.splits)
    if validation is not None:
        splits["validation"] = find(validation).splits["train"]
    elif list(splits) == ["train"]:
        splits["train"], splits["validation"] = splits["train"].cut(held_out)
    for split, part in splits.items():
        if not len(part):
            raise ZooError(f"{dataset.name} has too little text: its {split} part is empty.")
    return replace(dataset, splits=splits)


def find(data) -> Dataset[Text]:
    """Find text, however little and as it is; `data` as for `load`."""
    if isinstance(data, Text):
        return Dataset("text", {"train": data})
    if isinstance(data, str) and ("\n" in data or len(data) > TOO_LONG):
        return Dataset("text", {"train": Text(data)})
    accepted = (
        "Accepted are a text file, a folder of .txt files, a string with a line break in it, or a dataset's name: "
        f"{', '.join(named.names('text'))}."
    )
    place = _named_or_path(data, "text", accepted)
    if isinstance(place, Dataset):
        return place
    if place.is_dir():
        files = sorted(path for path in place.rglob("*.txt") if path.is_file())
        if not files:
            raise ZooError(f"the folder {place} holds no .txt file. {accepted}")
        return Dataset(place.resolve().name, {"train": Text("\n".join(map(read_text, files)))})
    return Dataset(place.stem, {"train": Text(read_text(place))})


def find_pairs(data) -> Dataset[Pairs]:
    """Find pairs, however few and as they are; `data` as for `load_pairs`."""
    if isinstance(data, Pairs):
        return Dataset("pairs", {"train": data})
    accepted = (
        "Accepted are two text files of as many lines, (said, reply), two lists of strings, one file with a tab "
        f"between the two in each line, or a dataset's name: {', '.join(named.names('pairs'))}."
    )
    if isinstance(data, tuple | list) and len(data) == 2:
        said, reply = (
            [str(line) for line in part] if isinstance(part, tuple | list) else lines_of(read_text(Path(part)))
            for part in data
        )
        if len(said) != len(reply):
            raise ZooError(f"{len(said)} lines were said and {len(reply)} answered: line n must answer line n.")
        return Dataset("pairs", {"train": Pairs(said, reply)})
    place = _named_or_path(data, "pairs", accepted)
    if isinstance(place, Dataset):
        return place
    if place.is_dir():
        raise ZooError(f"{place} is a folder. {accepted}")
    rows = [line.split("\t") for line in lines_of(read_text(place)) if line.strip()]
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            raise ZooError(f"{place}, line {number} has {len(row) - 1} tabs; one stands between the two. {accepted}")
    return Dataset(place.stem, {"train": Pairs([row[0] for row in rows], [row[1] for row in rows])})


def _named_or_path(data, kind: str, accepted: str) -> Dataset[Any] | Path:
    """What `data` is, or the dataset of that name, else the file or folder that there is."""
    if isinstance(data, Dataset):
        parts = {type(part) for part in data.splits.values()}
        if parts != {Text if kind == "text" else Pairs}:
            raise ZooError(f"{data.name} is not {kind}. {accepted}")
        return data
    return named.named_or_path(data, kind, accepted)
