"""From whatever the user has (a file, a folder of them, a string, a dataset's name) to text, or to pairs of lines."""

import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from zoo.data import named
from zoo.data.dataset import Dataset
from zoo.data.images.folders import ignored
from zoo.data.text.corpora import Pairs, Text, lines_of, read_text
from zoo.errors import UsageError, ZooError, checked_share
from zoo.files import expand

HELD_OUT = 0.1  # of a text that comes in one piece, its tail, to measure on
# what the two columns of a table and the two keys of a JSON object may be called where there are others
KEYS = (
    ("said", "reply"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "answer"),
    ("input", "output"),
    ("instruction", "output"),
)
TOO_LONG = 255  # characters that no file name has: a longer string is text
P = TypeVar("P", Text, Pairs)


def load(data, validation=None, held_out: float | None = None, encoding: str | None = None) -> Dataset[Text]:
    """Find text and hold its tail out.

    Args:
        data: a dataset's name, a text file, a folder of `.txt` files (in the order of their names), a string that
            is the text itself (with a line break in it, or longer than a file's name can be), a `Text` or `Dataset`.
        validation: the same, to measure on; None takes the data's own validation part, or the tail of `data`.
        held_out: how much of it, above 0 and below 1; None is a tenth of data that have no validation part.
        encoding: what files are written in; None is UTF-8.

    Raises:
        ZooError: there is no text there, or it is in another encoding.

    Example:
        >>> parts = load("to be, or not to be\\n" * 50).splits
        >>> len(parts["train"]), len(parts["validation"])
        (900, 100)
    """
    return _load(data, validation, held_out, functools.partial(find, encoding=encoding))


def load_pairs(data, validation=None, held_out: float | None = None, encoding: str | None = None) -> Dataset[Pairs]:
    """Find pairs of lines, and hold the last of them out.

    Args:
        data: a dataset's name, two text files of as many lines or two columns of strings `(said, reply)`, a list of
            pairs, a file with a tab between the two in each line, a `.jsonl` file, a table, a `Pairs` or `Dataset`.
        validation, held_out, encoding: as for `load`.

    Raises:
        ZooError: there are no pairs there, they do not fit together, or they are in another encoding.

    Example:
        >>> load_pairs((["Hi."] * 20, ["Hello!"] * 20)).splits["validation"].reply
        ['Hello!', 'Hello!']
    """
    return _load(data, validation, held_out, functools.partial(find_pairs, encoding=encoding))


def _load(data, validation, held_out: float | None, find: Callable[..., Dataset[P]]) -> Dataset[P]:
    dataset = find(data)
    splits = dict(dataset.splits)
    if held_out is not None:
        if validation is not None or list(splits) != ["train"]:
            raise UsageError(
                f"{dataset.name} has a part to watch, its own or validation=, and a share to hold out was given, too "
                "(of train, validation_split); leave out one of the two."
            )
        held_out = checked_share("the share to hold out", held_out)
    if validation is not None:
        splits["validation"] = find(validation).splits["train"]
    elif list(splits) == ["train"]:
        splits["train"], splits["validation"] = splits["train"].cut(held_out or HELD_OUT)
    for split, part in splits.items():
        if not len(part):
            raise ZooError(f"{dataset.name} has too little text: its {split} part is empty.")
    return replace(dataset, splits=splits)


def find(data, encoding: str | None = None) -> Dataset[Text]:
    """Find text, however little and as it is; `data` and `encoding` as for `load`."""
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
        files = sorted(
            path
            for path in place.rglob("*")
            if path.suffix.lower() == ".txt"
            and not any(map(ignored, path.relative_to(place).parts))
            and path.is_file()
        )
        if not files:
            raise ZooError(f"the folder {place} holds no .txt file. {accepted}")
        return Dataset(place.resolve().name, {"train": Text("\n".join(read_text(file, encoding) for file in files))})
    return Dataset(place.stem, {"train": Text(read_text(place, encoding))})


def find_pairs(data, encoding: str | None = None) -> Dataset[Pairs]:
    """Find pairs, however few and as they are; `data` and `encoding` as for `load_pairs`."""
    accepted = (
        "Accepted are two text files of as many lines or two columns of strings, (said, reply), a list of pairs, one "
        "file with a tab between the two in each line or with one JSON object in each, or a dataset's name: "
        f"{', '.join(named.names('pairs'))}."
    )
    if isinstance(data, Pairs):
        return Dataset("pairs", {"train": data})
    if hasattr(data, "columns"):  # a table of pandas
        names = _pair_of_keys(list(map(str, data.columns)), f"the table has the columns {', '.join(map(str, data))}")
        data = tuple(data[name] for name in names)
    if hasattr(data, "tolist") and getattr(data, "ndim", 0) == 2:
        data = list(map(tuple, data.tolist()))
    if isinstance(data, tuple | list) and data and not isinstance(data, Dataset):
        pairs = [isinstance(row, tuple | list) and len(row) == 2 and all(map(_is_line, row)) for row in data]
        if len(data) == 2 and all(pairs) and {type(data), *map(type, data)} in ({tuple}, {list}):
            raise ZooError(
                f"{data!r} may be two pairs or two columns. For pairs give a list of tuples, [(said, reply), ...]; "
                "for columns a tuple of lists, ([said, ...], [reply, ...])."
            )
        if all(pairs) and (len(data) != 2 or isinstance(data, list)):
            return _pairs("pairs", *zip(*data, strict=True))
        if len(data) == 2:
            return _pairs("pairs", *(_column(part, encoding) for part in data))
        raise ZooError(f"data is a {type(data).__name__} of {len(data)}, not all of which are pairs. {accepted}")
    place = _named_or_path(data, "pairs", accepted)
    if isinstance(place, Dataset):
        return place
    if place.is_dir():
        raise ZooError(f"{place} is a folder. {accepted}")
    lines = [(number, line) for number, line in enumerate(lines_of(read_text(place, encoding)), 1) if line.strip()]
    read = _json_pair if place.suffix.lower() in (".jsonl", ".ndjson") else _tabbed_pair
    rows = [read(line, f"{place}, line {number}") for number, line in lines]
    return _pairs(place.stem, *(zip(*rows, strict=True) if rows else ([], [])))


def _tabbed_pair(line: str, where: str) -> tuple[str, str]:
    """The first two columns; a third one tells where a pair is from, as in Tatoeba's files."""
    said, *others = line.split("\t")
    if len(others) not in (1, 2):
        raise ZooError(f"{where} has {len(others)} tabs; one stands between what is said and the reply.")
    return said, others[0]


def _json_pair(line: str, where: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ZooError(f"{where} is no JSON: {error}.") from error
    if isinstance(row, list) and len(row) == 2:
        return row[0], row[1]
    if not isinstance(row, dict):
        raise ZooError(f"{where} is neither a JSON object nor a list of two.")
    said, reply = _pair_of_keys(list(row), f"{where} has {', '.join(row)}")
    return row[said], row[reply]


def _pair_of_keys(keys: list[str], where: str) -> tuple[str, str]:
    """Which two of some names are what is said and the reply: those of `KEYS`, or the only two."""
    for pair in KEYS:
        if {*pair} <= {*keys}:
            return pair
    if len(keys) == 2:
        return keys[0], keys[1]
    raise ZooError(f"{where}; accepted are {', '.join(' and '.join(pair) for pair in KEYS)}, or any two.")


def _is_line(value) -> bool:
    return isinstance(value, str)


def _column(part, encoding: str | None) -> Iterable:
    """The values of a list, an array or a column of pandas, or the lines of a file."""
    if hasattr(part, "tolist"):
        part = part.tolist()
    return part if isinstance(part, tuple | list) else lines_of(read_text(expand(part), encoding))


def _pairs(name: str, said: Iterable, reply: Iterable) -> Dataset[Pairs]:
    columns = [*said], [*reply]
    for column, what in zip(columns, ("said", "reply"), strict=True):
        for number, line in enumerate(column, 1):
            if line is None or line != line or isinstance(line, bytes):
                raise ZooError(f"{what} {number} of {name} is {line!r}; leave the pair out, or give a string.")
    if len(columns[0]) != len(columns[1]):
        raise ZooError(f"{len(columns[0])} lines were said and {len(columns[1])} answered: line n must answer line n.")
    return Dataset(name, {"train": Pairs(*([str(line) for line in column] for column in columns))})


def _named_or_path(data, kind: str, accepted: str) -> Dataset[Any] | Path:
    """What `data` is, or the dataset of that name, else the file or folder that there is."""
    if isinstance(data, Dataset):
        parts = {type(part) for part in data.splits.values()}
        if parts != {Text if kind == "text" else Pairs}:
            raise ZooError(f"{data.name} is not {kind}. {accepted}")
        return data
    return named.named_or_path(data, kind, accepted)
