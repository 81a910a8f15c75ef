"""From whatever the user has (a folder, a table, arrays, a dataset's name) to labelled, decoded pictures."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sized
from dataclasses import replace
from itertools import filterfalse
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from zoo.console import note
from zoo.data import named
from zoo.data.dataset import Dataset, Skipped
from zoo.data.from_batches import gathered, is_batches
from zoo.data.images.decoding import check_pixels
from zoo.data.images.example_weights import checked_weights
from zoo.data.images.folders import (
    LAYOUT,
    linked,
    pictures_below,
    read_folder,
    read_rows,
    read_table,
    splits_called,
)
from zoo.data.images.labels import answered, as_target, labelled
from zoo.data.images.pictures import Pictures, stratified
from zoo.data.images.skip_list import SkipList
from zoo.data.images.streams import arrays, stream
from zoo.errors import UsageError, ZooError, brief, checked_share, whole_number
from zoo.files import expand
from zoo.targets import CLASSES, LABELS, NUMBERS, Target, decide
from zoo.targets.cells import all_whole, is_missing, is_several

__all__ = ["Dataset", "Pictures", "arrays", "find", "load", "stream"]

ACCEPTED = (
    "Accepted are a folder of class folders, a CSV file or DataFrame with the columns path and label, arrays (x, y), "
    f"a tf.data.Dataset or PyDataset of such, or a dataset's name: {', '.join(named.names('pictures'))}, or tfds:NAME."
)

SHARE = "the share to hold out (val_split, of train validation_split)"


def load(
    data,
    validation=None,
    val_split: float | None = None,
    seed: int = 0,
    skip_list=None,
    classes: bool = True,
    hold_out: float | None = None,
    sample_weight=None,
    fewest: int = 2,
    target: Target | None = CLASSES,
) -> Dataset[Pictures]:
    """Find, label and split pictures to learn from; nothing is decoded.

    Args:
        data: a folder of class folders, a folder of such folders called train, val and test, a CSV file or
            DataFrame of paths and labels, arrays `(x, y)`, a dataset's name, a `Dataset` or `Pictures`.
        validation: the same for the validation split; its labels must be among those of `data`.
        val_split: share of the training pictures to set apart as validation split, above 0 and below 1; from
            every class alike.
        seed: which pictures `val_split` or `hold_out` draws.
        skip_list: a CSV file of pictures to leave out wherever they are, as `zoo doctor --out` writes it.
        classes: whether there must be classes to learn. Where not, an array x or a folder of pictures without class
            folders will do too.
        hold_out: the `val_split` of data for which no other validation split is there or given.
        sample_weight: how much each example counts in a training, numbers of 0 or more; of arrays and tables.
        fewest: pictures that each class must have where some of them will be held out; else two.
        target: what kind of target is learned; None decides it from the data.

    Raises:
        ZooError: there is nothing there to learn from, or what was given contradicts itself.

    Example:
        >>> x = np.zeros((8, 4, 4), "uint8")
        >>> dataset = load((x, ["a", "b"] * 4), val_split=0.25)
        >>> len(dataset.splits["train"]), len(dataset.splits["validation"]), dataset.labels
        (6, 2, ['a', 'b'])
    """
    seed = whole_number("seed", seed, 0)
    skip = None if skip_list is None else SkipList(skip_list)
    dataset = find(data, skip, classes=classes, sample_weight=sample_weight, target=target)
    target = dataset.splits["train"].target
    apart = validation is not None or "validation" in dataset.splits
    is_folder = isinstance(data, (str, os.PathLike)) and expand(data).is_dir()
    _check_train(dataset, classes, is_folder, 2 if apart else fewest)
    splits = dict(dataset.splits)
    if classes:
        splits = {split: _in_order_of(dataset.labels, part, split) for split, part in splits.items()}
    skipped = list(dataset.skipped)
    for option, value in (("validation", validation), (SHARE, val_split)):
        if value is not None and "validation" in splits:
            raise ZooError(
                f"{dataset.name} has a validation split of its own, and {option} was given too. Leave out "
                f"{option}, or give the training pictures alone."
            )
    if validation is not None and val_split is not None:
        raise UsageError(f"validation and {SHARE} were both given: leave out one of the two.")
    if validation is not None:
        other = find(validation, skip, classes=classes, target=target)
        if len(other.splits) > 1 or not len(other.splits["train"]):
            counts = ", ".join(f"{split}: {len(pictures)} pictures" for split, pictures in other.splits.items())
            raise ZooError(
                f"validation: {other.name} has {counts}. Accepted is one set of pictures, not split and "
                "not empty, of any kind that data may be."
            )
        held_out = other.splits["train"]
        splits["validation"] = _in_order_of(dataset.labels, held_out, "validation") if classes else held_out
        skipped += other.skipped
    if val_split is None and "validation" not in splits:
        val_split = hold_out
    if val_split is not None:
        val_split = checked_share(SHARE, val_split)
        splits["train"], splits["validation"] = stratified(splits["train"], val_split, seed)
    if skip:
        skip.note_unused()
    return replace(dataset, splits=splits, skipped=skipped)


def find(
    data,
    skip_list=None,
    strict: bool = True,
    classes: bool = True,
    sample_weight=None,
    target: Target | None = CLASSES,
) -> Dataset[Pictures]:
    """Find and label pictures, however many there are: enough to measure on, perhaps not to learn from.

    Args:
        data: as for `load`.
        skip_list: as for `load`, or a `SkipList` that is used for several sets, whose user notes what was not met.
        strict: whether a table that gives a picture several labels is an error; else the picture is left out.
        classes, sample_weight, target: as for `load`.

    Raises:
        ZooError: there is nothing of that name, or it is laid out in no way that is understood.
    """
    skip = SkipList(skip_list) if isinstance(skip_list, (str, os.PathLike)) else skip_list
    dataset = _read(data, sample_weight=sample_weight, target=target) if classes else _read_unlabelled(data)
    if skip is not None:
        dataset = skip.leave_out(dataset)
    if skip is not skip_list:
        skip.note_unused()
    for item in dataset.skipped if strict else []:
        if item.kind == "several labels":
            raise ZooError(
                f"{dataset.name}: {item.path} {item.reason}. A picture has one label: mend or remove one of "
                "the two rows, or put the picture on a skip list. Where pictures have several: --target labels."
            )
    return dataset


def _read(data, classes: bool = True, sample_weight=None, target: Target | None = CLASSES) -> Dataset[Pictures]:
    if is_batches(data):
        data = gathered(data)
    is_arrays = isinstance(data, tuple) and len(data) == 2
    is_table = hasattr(data, "columns") and hasattr(data, "to_dict")
    if sample_weight is not None:
        if not is_arrays and not is_table:
            raise UsageError(
                "sample_weight is for arrays (x, y) and tables in memory, whose order is known; leave it out. "
                "class_weight weighs the classes of any data."
            )
        sample_weight = checked_weights(sample_weight, len(data[1] if is_arrays else data))
    if isinstance(data, Dataset):
        return _with_target(data, target)
    if isinstance(data, Pictures):
        return _with_target(Dataset("pictures", {"train": data}), target)
    if is_arrays:
        pictures, skipped = _read_arrays(data[0], data[1], sample_weight, target)
        return Dataset("arrays", {"train": pictures}, skipped=skipped)
    if is_table:
        rows = list(enumerate(data.to_dict("records")))
        splits, skipped = read_rows(list(data.columns), rows, Path(), "the table", sample_weight, target)
        return Dataset("table", splits, skipped=skipped)
    path = named.named_or_path(data, "pictures", ACCEPTED, classes)
    if isinstance(path, Dataset):
        return _with_target(path, target)
    if path.is_dir():
        splits, skipped = read_folder(path)
        if target is None and (several := sum(map(linked, splits.values()))):
            note(
                f"{path}: {several} photos are linked into several class folders, so the folders are taken as labels, "
                "of which a photo may have several. If each photo is of one class: --target classes, in Python "
                "target='classes'."
            )
            target = LABELS
        return _with_target(Dataset(path.resolve().name, splits, skipped=skipped), target)
    if not path.is_file() or path.suffix.lower() not in (".csv", ".tsv"):
        raise ZooError(f"{path} is a file. {ACCEPTED}")
    splits, skipped = read_rows(*read_table(path), path.parent, str(path), target=target)
    return Dataset(path.resolve().stem, splits, skipped=skipped)


def _with_target(dataset: Dataset[Pictures], target: Target | None) -> Dataset[Pictures]:
    """The same with its classes as another kind of target; None leaves them as they are."""
    if target in (None, dataset.splits["train"].target):
        return dataset
    splits = {split: as_target(part, target, dataset.name) for split, part in dataset.splits.items()}
    return replace(dataset, splits=splits)


def _read_unlabelled(data) -> Dataset[Pictures]:
    """The same, and pictures without a class: as an array, or in a folder without class folders."""
    if isinstance(data, np.ndarray):
        return _read((data, np.zeros(data.shape[:1], int)))
    dataset = _read(data, classes=False)
    if isinstance(data, (str, os.PathLike)) and list(dataset.splits) == ["train"] and not len(dataset.splits["train"]):
        files = pictures_below(expand(data))
        dataset = replace(dataset, splits={"train": labelled(files, [dataset.name] * len(files))}, skipped=[])
    train = dataset.splits["train"]
    if splits := splits_called(train.labels):
        dataset = replace(dataset, splits={split: train.of_class(label) for label, split in splits.items()})
    return dataset


def several(pictures: Any) -> Any:
    """Pictures that are given one after the other, in whatever holds them, as a list or one array; others as they are.

    Raises:
        UsageError: they are a table.
    """
    if hasattr(pictures, "columns"):
        raise UsageError("pictures are a table here. Give its column of paths, such as table['path'].")
    if hasattr(pictures, "to_numpy"):  # pandas' column
        pictures = pictures.to_numpy()
    if isinstance(pictures, Iterator) and not hasattr(pictures, "read"):  # an open file gives lines
        pictures = list(pictures)
    if isinstance(pictures, np.ndarray) and pictures.ndim == 1 and pictures.dtype.kind in "OUS":
        pictures = pictures.tolist()
    return pictures


def named_pictures(pictures: Any, datasets: bool = False) -> Any:
    """The same, and what words among them mean: a folder all pictures in it, or a picture that a package carries.

    Args:
        pictures: one picture, or several in whatever holds them.
        datasets: whether a word may also be a dataset's name; then its first pictures that are not for training.

    Raises:
        ZooError: a folder has no picture in it.
    """
    pictures = several(pictures)
    if not isinstance(pictures, list | tuple):
        return _meant_by(pictures, datasets)
    result = []
    for picture in pictures:
        meant = _meant_by(picture, datasets)
        result += meant if isinstance(meant, list) and meant is not picture else [meant]
    return result


def _meant_by(picture: Any, datasets: bool) -> Any:
    """The pictures that a word means, a list where it may be several; what is no word, and any other, as it is."""
    if not isinstance(picture, str | os.PathLike):
        return picture
    try:
        path = expand(picture)
        is_folder, exists = path.is_dir(), path.exists()
    except (OSError, ValueError):  # no name that a file may have: whoever reads it will say so
        return picture
    if is_folder:
        if not (files := pictures_below(path)):
            raise ZooError(f"there is no picture in {picture}.")
        return [str(file) for file in files]
    if exists or not isinstance(picture, str):
        return picture
    if datasets and named.known(picture, "pictures"):
        dataset = find(picture)
        return list(dataset.splits[dataset.to_measure_on()].items[:16])
    return str(named.sample_picture(picture) or picture)


def as_paths(items: Iterable[Any]) -> list:
    """The same pictures, with text as paths; an address on the network stays text, and is refused when it is read."""
    return [Path(item) if isinstance(item, str) and "://" not in item else item for item in items]


def _read_arrays(
    x, y, weights: list[float] | None = None, target: Target | None = CLASSES
) -> tuple[Pictures, list[Skipped]]:
    accepted = (
        "Accepted are x of shape (N, height, width) or (N, height, width, channels), a list of N pictures or paths, "
        "or points of shape (N, length); and N labels, integers or text (for one-hot labels give y.argmax(1))."
    )
    x = x if hasattr(x, "columns") else several(x)  # a table of numbers holds points
    y = list(y) if isinstance(y, Iterator) else y
    y = y.tolist() if isinstance(y, np.ma.MaskedArray) else y  # with None where it is masked
    try:
        y = _label_sets(y, target)
        # as objects: NumPy would make text of a missing label among texts
        y = np.array(y, object) if isinstance(y, list | tuple) else np.asarray(y)
        x = list(x) if isinstance(x, list | tuple) else np.asarray(x)
    except ValueError as error:
        raise ZooError(f"arrays (x, y) are no arrays: {error}. {accepted}") from None
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]  # as keras.datasets has them
    shape = f"a list of {len(x)}" if isinstance(x, list) else f"of shape {x.shape}"
    if (isinstance(x, np.ndarray) and x.ndim not in (2, 3, 4)) or (
        y.ndim != 1 or y.dtype.kind not in "iubfUSO" or len(x) != len(y)
    ):
        raise ZooError(f"arrays (x, y): x is {shape}, y of shape {y.shape} and type {y.dtype}. {accepted}")
    labels = y.tolist()
    is_real = labels and all(isinstance(label, Real) for label in labels)
    if target is CLASSES and is_real and not all_whole(filterfalse(is_missing, labels)):
        raise ZooError(f"arrays (x, y): y holds {next(v for v in labels if not all_whole([v]))}, no class. {accepted}")
    if isinstance(x, np.ndarray) and x.ndim > 2 and x.size and x.dtype.kind in "uif" and np.nanmax(x) < 2:
        check_pixels(x)  # all of them alike, so in one sentence; a single odd picture is left out when it is decoded
    x = as_paths(x) if isinstance(x, list) else x
    target = target or decide(labels, "y", "arrays (x, y)")
    answers = target.parse(labels, [f"row {index}" for index in range(len(labels))], "arrays (x, y)")
    kept = [index for index, answer in enumerate(answers) if answer is not None]
    missing = [index for index, answer in enumerate(answers) if answer is None]
    skipped = [Skipped(f"picture {index}", "no label", f"no label in row {index}") for index in missing]
    if skipped:
        x = x[kept] if isinstance(x, np.ndarray) else [x[index] for index in kept]
    weights = None if weights is None else [weights[index] for index in kept]
    return answered(x, [answers[index] for index in kept], target, "number", weights), skipped


def _label_sets(y: Any, target: Target | None) -> Any:
    """Labels as an array of sets, where y is a matrix that says by 1 which of them each example has; else as it is."""
    if target not in (None, LABELS):
        return y
    matrix = y.to_numpy() if hasattr(y, "columns") else y
    if isinstance(y, list | tuple) and all(isinstance(row, list | tuple) for row in y):
        with contextlib.suppress(ValueError):  # rows of several lengths
            matrix = np.array(y)
    if isinstance(matrix, np.ndarray) and matrix.ndim == 2 and matrix.shape[1] > 1 and np.isin(matrix, (0, 1)).all():
        names = [str(name) for name in (y.columns if hasattr(y, "columns") else range(matrix.shape[1]))]
        if target is LABELS or (matrix.sum(axis=1) != 1).any():  # else it may be one-hot
            y = [frozenset(names[column] for column in np.flatnonzero(row)) for row in matrix]
    if isinstance(y, list | tuple | np.ndarray) and any(is_several(row) for row in y):
        rows = np.empty(len(y), object)  # sequences of one length would become a matrix
        rows[:] = [frozenset(row) if is_several(row) else row for row in y]
        return rows
    return y


def _check_train(dataset: Dataset, classes: bool, is_folder: bool, fewest: int):
    train, target = dataset.splits["train"], dataset.splits["train"].target
    layout = f" The layout of folders is:\n\n{LAYOUT}" if is_folder else ""
    if classes and target is not NUMBERS and splits_called(train.labels):
        raise ZooError(
            f"{', '.join(train.labels)} are splits, and hold no class folders. Accepted are class folders.{layout}"
        )
    if not target.lacking(train.y, train.labels, fewest) if classes else len(train):
        return
    listed = ", ".join(target.counted(train.y, train.labels))
    message = f"{dataset.name} has too little to learn from: found {listed or 'no class'}."
    if dataset.skipped:
        first = dataset.skipped[0]
        message += f" Left out: {len(dataset.skipped)}, the first {first.path} ({first.reason})."
    accepted = f"Accepted are {target.lacking(train.y, train.labels, fewest)}"
    accepted += ", one of which will be held out." if fewest > 2 else "."
    message += f" {accepted}" if classes else f" {ACCEPTED}"
    raise ZooError(message + (layout if len(train.labels) < 2 else ""))


def require_usable(usable: Sized, dataset: Dataset[Pictures], split: str, skipped: list[Skipped]) -> None:
    """Stop where not one example of a split can be used.

    Args:
        usable: those that can be.
        dataset: where they are from.
        split: which part of it.
        skipped: those that cannot be, with the reasons.

    Raises:
        ZooError: there is none; the first reason is told.
    """
    if not len(usable):
        reason = f", the first because: {skipped[0].reason}" if skipped else ""
        raise ZooError(
            f"none of the {len(skipped)} examples in the {split} split of {dataset.name} can be used{reason}."
        )


def require_every_class(y: np.ndarray, dataset: Dataset[Pictures], skipped: list[Skipped]) -> None:
    """Stop where not one training example of some class can be used.

    Args:
        y: the classes of those that can be.
        dataset: where they are from.
        skipped: those that cannot be, with the reasons.

    Raises:
        ZooError: there are such classes; they are named, and the first reason is told.
    """
    counts = np.bincount(y, minlength=len(dataset.labels))
    if gone := [label for label, count in zip(dataset.labels, counts, strict=True) if not count]:
        raise ZooError(
            f"not one training example of {brief(gone)} in {dataset.name} can be used. Of all, {len(skipped)} cannot, "
            f"the first because: {skipped[0].reason}. Mend them, or leave out the class."
        )


def _in_order_of(labels: list[str], pictures: Pictures, split: str) -> Pictures:
    """The same pictures, their integers renumbered to the order of `labels`."""
    if pictures.target is NUMBERS or pictures.labels == labels:
        return pictures
    unknown = [label for label in pictures.labels if label not in labels]
    if unknown:
        raise ZooError(
            f"the {split} split has {', '.join(unknown)}, which the training pictures have not. "
            f"Training: {', '.join(labels)}. The {split} split: {', '.join(pictures.labels)}. "
            "Rename or remove what differs."
        )
    y = pictures.target.in_order_of(pictures.y, pictures.labels, labels)
    return replace(pictures, y=y, labels=labels)
