"""The errors that the zoo raises on purpose."""

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
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        bounds = f"of {least} or more" if most is None else f"from {least} to {most:,}"
        raise UsageError(f"{name} is {value!r}; accepted are whole numbers {bounds}.")
    return value


class DivergedError(ZooError):
    """A training whose loss is no finite number any more."""


class UsageError(ZooError):
    """A name or a value that the call does not accept, whatever the data are; status 2 on the command line."""
