"""Cells of a table, or members of an array, that hold an answer, in whatever type they are given."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from numbers import Integral, Real
from typing import Any

from zoo.errors import ZooError


def same_form(name: str) -> str:
    """A name in the one Unicode form of its letters (NFC); systems differ in how they store an accent."""
    return unicodedata.normalize("NFC", name)


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, and pandas' NA and NaT.

    Example:
        >>> is_missing(None), is_missing(float("nan")), is_missing("nan")
        (True, True, False)
    """
    try:
        return value is None or bool(value != value)
    except TypeError:  # NA is neither equal nor unequal to anything
        return True
    except ValueError:  # an array is no empty cell
        return False


def label_texts(values: Collection[Any]) -> list[str]:
    """Labels as text: without blanks around them, and empty where there is none.

    Whole numbers are written without a point, as tables make floats of integers as soon as one is missing.

    Raises:
        ZooError: one of them is a list or another thing that holds several.

    Example:
        >>> label_texts([1.0, 10.0, float("nan")]), label_texts([b"cat", " dog ", None])
        (['1', '10', ''], ['cat', 'dog', ''])
    """
    present = [value for value in values if not is_missing(value)]
    for value in present:
        if isinstance(value, Collection) and not isinstance(value, str | bytes):
            raise ZooError(
                f"the label {str(value)[:200]} is a {type(value).__name__}. Accepted are text and integers."
            )
    whole = all_whole(present)

    def text(value: Any) -> str:
        if is_missing(value):
            return ""
        if isinstance(value, bytes):
            return value.decode(errors="replace").strip()
        return str(int(value) if whole and is_float(value) else value).strip()

    texts = [text(value) for value in values]
    if all(re.fullmatch(r"-?\d+\.0|", each) for each in texts):  # the same, in a table that was written as text
        texts = [each.removesuffix(".0") for each in texts]
    return texts


def is_float(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, Integral)


def all_whole(values: Iterable[Any]) -> bool:
    """Whether no value is a number with something behind the point."""
    return all(float(value).is_integer() for value in values if is_float(value))


def label_order(labels: Iterable[str]) -> list[str]:
    """Distinct labels in alphabetical order, or by value when all of them are integers."""
    labels = set(labels)
    if all(re.fullmatch(r"-?\d{1,999}", label) for label in labels):  # Python reads no more than 4300 digits
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels)


def is_several(value: Any) -> bool:
    """Whether a cell holds several things: a list, a tuple, a set or an array."""
    return isinstance(value, Collection) and not isinstance(value, str | bytes)


def as_text(value: Any) -> str:
    """A cell as text without blanks around it; empty where it is missing."""
    return label_texts([value])[0]


def as_float(value: Any) -> float | None:
    """A cell as a number, which may be NaN or infinite; None where it is none.

    Example:
        >>> as_float(" 1.5 "), as_float(2), as_float("two"), as_float("")
        (1.5, 2.0, None, None)
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
