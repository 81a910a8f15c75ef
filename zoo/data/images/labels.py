"""Names of classes, from whatever type they are given in."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from zoo.data.images.pictures import Pictures
from zoo.errors import ZooError, is_unicode


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


def joined(parts: Collection[Pictures]) -> Pictures:
    """The pictures of several parts as one, with the classes of all."""
    if len(parts) == 1:
        return next(iter(parts))
    items = [item for part in parts for item in part.items]
    return labelled(items, [part.labels[label] for part in parts for label in part.y])


def labelled(items: list | np.ndarray, labels: list[str], weights: Sequence[float] | None = None) -> Pictures:
    """Pictures whose labels are given as text, one a picture; `weights` as for `Pictures`."""
    labels = [same_form(label) for label in labels]
    order = label_order(labels)
    for label in order:
        if not is_unicode(label):
            raise ZooError(f"the class {label!r} has a name that is no Unicode text. Rename its folder, or its label.")
    number = {label: index for index, label in enumerate(order)}
    y = np.array([number[label] for label in labels], np.int64)
    return Pictures(items, y, order, None if weights is None else np.array(weights, np.float32))
