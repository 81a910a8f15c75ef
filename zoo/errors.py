"""The errors that the zoo raises on purpose."""

import operator
from numbers import Integral, Real

LONGEST = 3000  # characters of a message


def printable(text: str) -> str:
    """Words that may be strangers', as any terminal can show them on one line: escaped, and with an end.

    Example:
        >>> printable("a\\x1b[31m")
        'a\\\\x1b[31m'
    """
    return _cut("".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[: LONGEST + 1]))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def brief(names: list[str], most: int = 8) -> str:
    """A list of names that may be long.

    Example:
        >>> brief(["cat", "dog", "cow"], most=2)
        'cat, dog, ... (3 in all)'
    """
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def is_unicode(text: str) -> bool:
    """Whether a name is text; the system's names of files may hold bytes that are none."""
    return text.encode(errors="ignore").decode() == text


class ZooError(ValueError):
    """Something the caller can mend: says what was given, what is accepted, and what to type next.

    The command line prints it as one message and ends with status 1; it is never a traceback there.
    """

    def __str__(self):
        return _cut("\n".join(map(printable, super().__str__().split("\n"))))


class RecordMismatchError(ZooError):
    """A file's record that tells of another model than the file holds."""


def whole_number(name: str, value, least: int, most: int | None = None) -> int:
    """The value, or a sentence on what is accepted.

    Raises:
        UsageError: it is no whole number, or too small, or too large.

    Example:
        >>> whole_number("length", 3, 0)
        3
    """
    number = operator.index(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or number < least or (most is not None and number > most):
        bounds = f"of {least} or more" if most is None else f"from {least} to {most:,}"
        raise UsageError(f"{name} is {value!r}; accepted are whole numbers {bounds}.")
    return number


def checked_seed(seed, most: int | None = None) -> int | None:
    """A seed of random numbers as Python's own integer; None stays None, which draws one.

    Raises:
        UsageError: it is no whole number, negative, or larger than the generator takes.
    """
    return None if seed is None else whole_number("seed", seed, 0, most)


def is_number(value) -> bool:
    """Whether a value is one real number, of Python or NumPy; truth values are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


class DivergedError(ZooError):
    """A training whose loss is no finite number any more."""


class UsageError(ZooError):
    """A name or a value that the call does not accept, whatever the data are; status 2 on the command line."""
