"""Kinds of target: one of several classes, several labels at once, or numbers; each a file, and a row of `TARGETS`."""

from collections.abc import Sequence
from typing import Any

from zoo.console import note
from zoo.errors import UsageError
from zoo.registry import did_you_mean
from zoo.targets.cells import as_float, as_text, is_missing, is_several
from zoo.targets.classes import CLASSES
from zoo.targets.labels import LABELS, LISTED
from zoo.targets.numbers import NUMBERS
from zoo.targets.target import Target

TARGETS: dict[str, Target] = {target.name: target for target in (CLASSES, LABELS, NUMBERS)}

__all__ = ["CLASSES", "LABELS", "NUMBERS", "TARGETS", "Target", "decide", "named"]

PLURAL = ("labels", "tags")  # columns that hold several labels a picture


def named(name: str) -> Target:
    """The kind of target that has this name.

    Raises:
        UsageError: none has.

    Example:
        >>> named("numbers").task
        'regression'
    """
    if name not in TARGETS:
        raise UsageError(f"target is {name!r}{did_you_mean(name, TARGETS)} Accepted are {', '.join(TARGETS)}.")
    return TARGETS[name]


def decide(cells: Sequence[Any], column: str, where: str) -> Target:
    """The kind of target that a column holds, for who did not say; what else it may be is said on standard error.

    Lists, or text with `|` or `;` in it, are labels, and so is a column called "labels" or "tags". Numbers with
    something behind the point are numbers. Whole numbers are classes, as scikit-learn takes them; so is other text.

    Example:
        >>> decide(["sea|boat", "sea"], "label", "x.csv").name, decide([0.5, 2.0], "label", "x.csv").name
        ('labels', 'numbers')
    """
    cells = [cell for cell in cells if not is_missing(cell)]
    several = [is_several(cell) for cell in cells]
    texts = [] if any(several) else [text for cell in cells if (text := as_text(cell))]
    if any(several) or column.strip().lower() in PLURAL or any("|" in t or ";" in t or LISTED.match(t) for t in texts):
        _say(where, column, "several labels a picture", "classes", "each is one class")
        return LABELS
    numbers = [number for text in texts if (number := as_float(text)) is not None]
    if 2 * len(numbers) > len(texts) and not all(number.is_integer() for number in numbers if number - number == 0):
        _say(where, column, "numbers to be estimated", "classes", "each is a class")
        return NUMBERS
    if texts and len(numbers) == len(texts):
        _say(where, column, "classes, as they are whole numbers", "numbers", "they are to be estimated")
    return CLASSES


def _say(where: str, column: str, taken_as: str, other: str, condition: str) -> None:
    note(f"{where}: {column} is taken as {taken_as}. If {condition}: --target {other}, in Python target={other!r}.")
