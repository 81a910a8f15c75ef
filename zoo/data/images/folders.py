"""Folders of class folders, and tables of paths and labels."""

import contextlib
import csv
import errno
import io
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from zoo.data.dataset import Skipped
from zoo.data.images import EXTENSIONS
from zoo.data.images.labels import answered, labelled
from zoo.data.images.pictures import Pictures
from zoo.errors import ZooError
from zoo.files import from_cell, open_file
from zoo.targets import CLASSES, LABELS, PLURAL, Target, decide

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
# words that say nothing beside them, as in "training_set" and "val images"
FILLERS = ("set", "data", "dataset", "folder", "dir", "split", "image", "images", "img", "imgs", "photos", "pictures")
# what systems, network drives and programs leave behind; hidden files and folders are ignored too
LITTER = frozenset((
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "network trash folder", "temporary items",
    "$recycle.bin", "recycler", "system volume information", "found.000", "lost+found",
    "@eadir", "#recycle", "@recycle", "#snapshot", "@snapshot", "@tmp", "@__thumb", "__pycache__",
))  # fmt: skip
PATH_COLUMNS = ("path", "file", "filename", "image")
LABEL_COLUMNS = ("label", "class", "category")
ANSWER_COLUMNS = (*LABEL_COLUMNS, *PLURAL, "target", "value", "number")  # where they may hold labels or numbers
SPLIT_COLUMNS = ("split", "subset", "partition", "fold")  # beside those that are called "is_valid" and the like
FLAGS = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False, "0.0": False, "no": False}
LAYOUT = """\
photos/              or with splits:   photos/
├── cats/                              ├── train/
│   ├── one.jpg                        │   ├── cats/ ...
│   └── two.png                        │   └── dogs/ ...
└── dogs/                              └── val/
    └── ...                                ├── cats/ ...
                                           └── dogs/ ..."""


def split_of(name: str) -> tuple[str, str] | None:
    """The split that a folder or a cell is called by, and what else its name says; None where it names none, or two.

    Example:
        >>> split_of("Training"), split_of("valSet"), split_of("seg_train"), split_of("cats")
        (('train', ''), ('validation', ''), ('train', 'seg'), None)
    """
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_A-Za-z]+", name)]
    # "trainset" is two words, too
    words = [part for word in words for part in (_TWO_WORDS.sub(r"\1 \2", word).split())]
    splits = [SPLITS[word] for word in words if word in SPLITS]
    if len(splits) != 1:
        return None
    return splits[0], " ".join(word for word in words if word not in SPLITS and word not in FILLERS)


def splits_called(labels: Iterable[str]) -> dict[str, str]:
    """The split that each label names where all name one, as folders "train" and "test" do; else none."""
    named = {label: split_of(label) or ("", "") for label in labels}
    splits = {label: split for label, (split, rest) in named.items() if split and not rest}
    return splits if len(splits) == len(named) > 1 and "train" in splits.values() else {}


_TWO_WORDS = re.compile(rf"^({'|'.join(SPLITS)})({'|'.join(FILLERS)})$")


def read_folder(root: Path) -> tuple[dict[str, Pictures], list[Skipped]]:
    """Pictures by split of a folder of class folders, or of a folder of such folders called train, val, test.

    Args:
        root: the folder. Files are searched at any depth inside the class folders.

    Returns:
        `{split: Pictures}`, and what was left out.

    Raises:
        ZooError: a split is there twice or oddly named, or there are splits but no "train".
    """
    folders, files = _listing(root)
    places = _splits_among(root, folders)
    if not places:
        pictures, skipped = _read_classes(root)
        return {"train": pictures}, skipped
    if "train" not in places:
        names = ", ".join(folder.name for folder in places.values())
        raise ZooError(f"{root} has splits ({names}) but no folder called train. Accepted is:\n\n{LAYOUT}")
    splits, skipped = {}, []
    for split, folder in places.items():
        pictures, left_out = _read_classes(folder)
        skipped += left_out
        if len(pictures) or split == "train" or not left_out:  # a test folder without class folders measures nothing
            splits[split] = pictures
    beside = "lies beside the splits' folders"
    others = [folder for folder in folders if folder not in places.values()]
    skipped += [Skipped(str(path), "outside class folders", beside) for path in others + files]
    return splits, skipped


def _splits_among(root: Path, folders: list[Path]) -> dict[str, Path]:
    """The folder of each split; none where the folders are classes, which may be called "train" among others."""
    named = [(folder, *split_and_rest) for folder in folders if (split_and_rest := split_of(folder.name))]
    deep = {folder: inner for folder, *_ in named if (inner := {path.name for path in _listing(folder)[0]})}
    sets: dict[str, dict[str, Path]] = {}  # by what else the names say: "seg" of seg_train and seg_test
    for folder, split, rest in named:
        if folder in deep:
            if split in sets.setdefault(rest, {}):
                raise ZooError(
                    f"{root} has two folders for the {split} split: {sets[rest][split].name} and {folder.name}. "
                    "Rename or move one of them."
                )
            sets[rest][split] = folder
    sets = {rest: places for rest, places in sets.items() if not rest or len(places) > 1}
    if len(sets) > 1:
        names = ", ".join(folder.name for places in sets.values() for folder in places.values())
        raise ZooError(f"{root} holds several sets of splits: {names}. Move those apart that are not wanted.")
    for rest, places in sets.items():
        # a test folder without class folders is a split all the same, whose pictures have no class
        flat = {split: folder for folder, split, other in named if other == rest and split not in places}
        others = [folder for folder in folders if folder not in (*places.values(), *flat.values())]
        if len(places | flat) == 1 and others:
            classes = deep[next(iter(places.values()))]
            alike = [folder.name for folder in others if classes & {inner.name for inner in _listing(folder)[0]}]
            if alike:
                raise ZooError(
                    f"{root}: {', '.join(alike)} looks like a split, but splits are called train, val (or valid, "
                    "validation) and test. Rename or move it."
                )
            return {}
        return places | flat
    return {}


def _listing(folder: Path) -> tuple[list[Path], list[Path]]:
    """Folders and files in a folder, sorted, without hidden ones and litter."""
    try:
        paths = sorted(path for path in folder.iterdir() if not ignored(path.name))
    except OSError as error:
        raise ZooError(f"the folder {folder} cannot be read: {error.strerror}") from None
    return [path for path in paths if _holds(path.is_dir)], [path for path in paths if _holds(path.is_file)]


def _holds(look: Callable[[], bool]) -> bool:
    """What `path.is_file` and the like say; False where the system does not even let one look."""
    with contextlib.suppress(OSError):  # a closed folder, a name or a link's target that is too long
        return look()
    return False


def ignored(name: str) -> bool:
    """Whether a file or a folder of that name is hidden, or litter."""
    return name.startswith(".") or name.casefold() in LITTER


def _read_classes(root: Path) -> tuple[Pictures, list[Skipped]]:
    folders, files = _listing(root)
    # a class on a disk that is not mounted, perhaps
    skipped = _unreachable(path for path in sorted(root.iterdir()) if not ignored(path.name))
    for path in files:
        if path.suffix.lower() in EXTENSIONS:
            reason = "lies beside the class folders, so has no class"
            skipped.append(Skipped(str(path), "outside class folders", reason))
        else:
            skipped.append(_not_a_picture(path))
    items, labels = [], []
    for folder in folders:
        inside = _files_below(folder, root, skipped)
        pictures = [path for path in inside if path.suffix.lower() in EXTENSIONS]
        skipped += [_not_a_picture(path) for path in inside if path.suffix.lower() not in EXTENSIONS]
        if not pictures:
            skipped.append(Skipped(str(folder), "empty class", "empty class folder"))
        items += pictures
        labels += [folder.name] * len(pictures)
    return labelled(items, labels), skipped


def _not_a_picture(path: Path) -> Skipped:
    return Skipped(str(path), "foreign", f"not a picture: {path.suffix.lower() or 'no file extension'}")


def _files_below(folder: Path, root: Path, skipped: list[Skipped]) -> list[Path]:
    """Files at any depth, sorted; links to folders are followed, but no folder is entered twice."""

    def unreadable(error):
        skipped.append(Skipped(str(error.filename), "unreadable", f"cannot be read: {error.strerror}"))

    entered = {_identity(root), *map(_identity, root.resolve().parents)}
    files = []
    for place, folders, names in _walk(folder, unreadable):
        place = Path(place)
        if _identity(place) in entered:
            folders.clear()
            skipped.append(Skipped(str(place), "link", "link to a folder that is read already"))
            continue
        entered.add(_identity(place))
        folders[:] = sorted(name for name in folders if not ignored(name))
        paths = [place / name for name in names if not ignored(name)]
        files += [path for path in paths if _holds(path.is_file)]
        skipped += _unreachable(paths)
    return sorted(files)


def _unreachable(paths: Iterable[Path]) -> list[Skipped]:
    """Links to nothing, and what the system does not let one look at."""
    skipped = []
    for path in paths:
        try:
            path.stat()
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP):
                skipped.append(Skipped(str(path), "missing", "link to nothing"))
            else:
                skipped.append(Skipped(str(path), "unreadable", f"cannot be read: {error.strerror}"))
    return skipped


def pictures_below(folder: Path) -> list[Path]:
    """Files that are called like pictures, at any depth, sorted."""
    files = _files_below(folder, folder.absolute().parent, [])
    return [path for path in files if path.suffix.lower() in EXTENSIONS]


def _walk(folder: Path, onerror):
    """`os.walk` into links too, to the depth that it reaches: before Python 3.12 it calls itself for each level."""
    try:
        yield from os.walk(folder, onerror=onerror, followlinks=True)
    except RecursionError:
        onerror(OSError(None, "too many folders in one another", str(folder)))


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def read_table(path: Path) -> tuple[list[str], list[tuple[int, dict]]]:
    """Columns, and pairs of line number and row, of a CSV file with a header.

    Args:
        path: the file, UTF-8, separated by commas, semicolons or tabs.

    Raises:
        ZooError: it cannot be read.
    """
    try:
        # names that are no Unicode, as the system may have them, stand in such files in the way of "surrogatepass"
        with io.TextIOWrapper(open_file(path), "utf-8-sig", "surrogatepass", newline="") as file:
            header = file.readline()
            file.seek(0)
            reader = csv.DictReader(file, delimiter=max(",;\t", key=header.count), restval="")
            rows = [(reader.line_num, row) for row in reader]
            for _, row in rows:
                row.update({name: from_cell(cell) for name, cell in row.items() if isinstance(cell, str)})
            return list(reader.fieldnames or []), rows
    except UnicodeDecodeError:
        raise ZooError(f"{path} is not UTF-8 text. Save it as CSV UTF-8 and try again.") from None
    except (OSError, csv.Error) as error:
        raise ZooError(f"{path} cannot be read as CSV: {getattr(error, 'strerror', None) or error}") from None


def linked(pictures: Pictures) -> int:
    """How many pictures lie in several class folders at once: as links, or as several names of one file."""
    classes: dict[tuple[int, int], set[int]] = {}
    for item, label in zip(pictures.items, pictures.y.tolist(), strict=True):
        with contextlib.suppress(OSError):
            classes.setdefault(_identity(item), set()).add(label)
    return sum(len(labels) > 1 for labels in classes.values())


def read_rows(
    columns,
    rows,
    folder: Path,
    where: str,
    weights: Sequence[float] | None = None,
    target: Target | None = CLASSES,
) -> tuple[dict[str, Pictures], list[Skipped]]:
    """Pictures by split of a table's rows.

    Args:
        columns: names of the columns; one must hold paths, one labels, and one may name the split ("split", "subset",
            "partition", "fold") or say whether a row is in one ("is_valid", "is_test").
        rows: pairs of row number and dict from column to value.
        folder: where relative paths start.
        where: what to call the table in messages.
        weights: one a row; see `Pictures`.
        target: what kind of target the labels are; None decides it from them.

    Returns:
        `{split: Pictures}`, and what was left out; a picture with several labels is.

    Raises:
        ZooError: a column is absent or there twice, or a row cannot be understood.
    """
    path_column = _column(columns, PATH_COLUMNS, where)
    split_of_row, split_column = _split_reader(columns, where)
    if target is CLASSES:
        label_column = _column(columns, LABEL_COLUMNS, where)
    else:
        others = [column for column in columns if column not in (path_column, split_column)]
        named = any(str(column).strip().lower() in ANSWER_COLUMNS for column in columns)
        label_column = others[0] if len(others) == 1 and not named else _column(columns, ANSWER_COLUMNS, where)
    rows = list(rows)
    cells = [row[label_column] for _, row in rows]
    target = target or decide(cells, str(label_column), where)
    labels = target.parse(cells, [f"row {number}" for number, _ in rows], where)
    first: dict[Path, tuple[Any, int]] = {}  # label and row of each picture
    several: dict[Path, str] = {}
    # label and weight of each picture, by split
    tables: dict[str, dict[Path, tuple[Any, float]]] = {"train": {}}
    skipped: list[Skipped] = []
    for (number, row), label, weight in zip(rows, labels, weights or [1.0] * len(rows), strict=True):
        place = row[path_column]
        if not isinstance(place, (str, bytes, os.PathLike)):
            raise ZooError(f"{where}, row {number}: {place!r} is no path. Accepted is text.")
        path = Path(os.path.normpath(folder / os.fsdecode(place).strip()))
        split = split_of_row(number, row)
        if target is LABELS and label is not None:  # those of all its rows, where it has several
            label |= tables.get(split, {}).get(path, (label,))[0]
            first[path] = label, number
        before, row_before = first.setdefault(path, (label, number))
        if before != label:
            both = f"{before or ''!r} in row {row_before} and {label or ''!r} in row {number}"
            several.setdefault(path, f"has several labels: {both}")
        elif label is None:
            skipped.append(Skipped(str(path), "no label", f"no label in row {number}"))
        elif not _holds(path.is_file):
            skipped.append(Skipped(str(path), "missing", "no such file"))
        else:
            tables.setdefault(split, {})[path] = label, weight  # a row that is there twice counts once
    for path, reason in several.items():
        skipped.append(Skipped(str(path), "several labels", reason))
        for table in tables.values():
            table.pop(path, None)
    splits = {}
    for split, table in tables.items():
        paths = sorted(table)
        kept = None if weights is None else [table[path][1] for path in paths]
        splits[split] = answered(paths, [table[path][0] for path in paths], target, str(label_column), kept)
    return splits, skipped


def _split_reader(columns, where: str) -> tuple[Callable[[int, dict], str], Any]:
    """What tells the split of a row, given its number; and the column that says it, None where none does."""
    keys = {column: str(column).strip().lower() for column in columns}
    flags = {column: split_of(key[3:]) for column, key in keys.items() if key.startswith("is_")}
    naming = [column for column, key in keys.items() if key in SPLIT_COLUMNS or flags.get(column)]
    if len(naming) > 1:
        raise ZooError(f"{where} names splits in several columns: {', '.join(map(str, naming))}. Accepted is one.")
    if not naming:
        return lambda number, row: "train", None
    column = naming[0]

    def split_of_row(number: int, row: dict) -> str:
        cell = str(row[column]).strip()
        if flag := flags.get(column):
            accepted: Iterable[str] = FLAGS
            if (inside := FLAGS.get(cell.lower())) is not None:
                other = "validation" if flag[0] == "train" else "train"
                return flag[0] if inside else other
        else:
            accepted = SPLITS
            split, rest = split_of(cell) or ("", "")
            if split and not rest:
                return split
        raise ZooError(
            f"{where}, row {number}: {column} {row[column]!r} is not known. Accepted are {', '.join(accepted)}. "
            "Rename or remove the column where it does not say which pictures are held out."
        )

    return split_of_row, column


def _column(columns, accepted: tuple[str, ...], where: str):
    matching = [column for column in columns if str(column).strip().lower() in accepted]
    if len(matching) != 1:
        raise ZooError(
            f"{where} has the columns {', '.join(map(str, columns))[:200] or '(none)'}; one of "
            f"{', '.join(accepted)} is needed, here {' and '.join(map(str, matching))[:200] or 'none'}. Accepted are "
            f"a column of paths ({', '.join(PATH_COLUMNS)}) and one of labels ({', '.join(LABEL_COLUMNS)})."
        )
    return matching[0]
