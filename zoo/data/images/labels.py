"""Pictures with their answers, of whatever kind of target these are."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.console import progress_bar
from zoo.data.images.pictures import UNREADABLE, Pictures
from zoo.errors import ZooError, is_unicode
from zoo.targets import CLASSES, LABELS, Target


def answered(
    items: list | np.ndarray,
    answers: list[Any],
    target: Target,
    column: str = "label",
    weights: Sequence[float] | None = None,
) -> Pictures:
    """Pictures with answers, one a picture, as `target.parse` gives them; `weights` as for `Pictures`.

    Args:
        items: the pictures.
        answers: one for each.
        target: what kind of target they are of.
        column: what numbers are called.
        weights: how much each picture counts.
    """
    y, names = target.collect(answers, column)
    for name in names:
        if not is_unicode(name):
            raise ZooError(f"the class {name!r} has a name that is no Unicode text. Rename its folder, or its label.")
    return Pictures(items, y, names, None if weights is None else np.array(weights, np.float32), target=target)


def labelled(items: list | np.ndarray, labels: list[str]) -> Pictures:
    """Pictures of one class each, which are given as text."""
    return answered(items, labels, CLASSES)


def joined(parts: Collection[Pictures]) -> Pictures:
    """The pictures of several parts as one, with the classes of all."""
    if len(parts) == 1:
        return next(iter(parts))
    first = next(iter(parts))
    items = [item for part in parts for item in part.items]
    answers = [answer for part in parts for answer in part.target.answers(part.y, part.labels)]
    return answered(items, answers, first.target, first.labels[0] if first.labels else "label")


def as_target(pictures: Pictures, target: Target, where: str) -> Pictures:
    """Pictures of one class each with their classes as labels or as numbers.

    Args:
        pictures: of classes. As labels, a picture that is in several of them, by its content, has them all.
        target: the other kind of target.
        where: what to call the data in messages.

    Raises:
        ZooError: the classes' names are no numbers.
    """
    if target is CLASSES:
        return pictures
    if target is not LABELS:
        values = target.parse(pictures.labels, [f"class {name}" for name in pictures.labels], where)
        return answered(pictures.items, [values[label] for label in pictures.y.tolist()], target)
    rows: dict[str, list[int]] = {}
    with progress_bar(len(pictures), "reading", unit="picture") as bar:
        for index in range(len(pictures)):
            digest = pictures.digest(index)
            rows.setdefault(f"{index}" if digest == UNREADABLE else digest, []).append(index)
            bar.update()
    first = [members[0] for members in rows.values()]
    y = np.zeros((len(first), len(pictures.labels)), np.uint8)
    for row, members in enumerate(rows.values()):
        y[row, pictures.y[members]] = 1
    merged = replace(pictures.subset(first), y=y, target=target)
    merged.digests.update({row: pictures.digests[index] for row, index in enumerate(first)})
    return merged
