"""The errors that the zoo raises on purpose."""

import operator
import re
from collections.abc import Callable
from numbers import Integral, Real

LONGEST = 3000  # characters of a message
# What moves a terminal's cursor, ends a line, turns the direction of text, shows nothing or is half a character;
# the two joiners U+200C and U+200D, which words and emoji are written with, are none of it.
UNSHOWABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
# What a framework's errors hold beside the reason: colours, and lines that say where in its own files it arose.
COLOUR = re.compile(r"\x1b\[[0-9;]*m|\{\{.*?\}\} ?")
WHEREABOUTS = re.compile(
    r"File \"|Graph execution error|Detected at node|Hint:|\[\[|\[Op:|<stack traces|defined at \("
)


def printable(text: str, most: int = LONGEST) -> str:
    """Words that may be strangers', as any terminal can show them on one line: escaped, and with an end.

    Args:
        text: any text.
        most: characters of it that are shown.

    Example:
        >>> printable("a\\x1b[31m")
        'a\\\\x1b[31m'
    """
    return cut(escaped(text[: most + 1]), most)


def escaped(text: str, keep: str = "", escape: Callable[[str], str] = ascii) -> str:
    """A text with what no terminal should get written as escapes.

    Args:
        text: any text.
        keep: characters that stay as they are, the newlines between lines for instance.
        escape: writes one character as a quoted text, in Python's way or in JSON's.

    Example:
        >>> escaped("one\\ntwo\\x1b", keep="\\n")
        'one\\ntwo\\\\x1b'
    """
    return UNSHOWABLE.sub(lambda match: match[0] if match[0] in keep else escape(match[0])[1:-1], text)


def cut(text: str, most: int = LONGEST) -> str:
    """The beginning of a text that is longer."""
    return text if len(text) <= most else f"{text[:most]}..."


def brief(names: list[str], most: int = 8) -> str:
    """A list of names that may be long.

    Example:
        >>> brief(["cat", "dog", "cow"], most=2)
        'cat, dog, ... (3 in all)'
    """
    shown = ", ".join(printable(str(name)) for name in names[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def framework_reason(error: BaseException, most: int = 400) -> str:
    """What a framework says was wrong, on one line: without the files of its own that it lists, and without colours.

    Args:
        error: as it was raised.
        most: characters that are shown.

    Example:
        >>> framework_reason(ValueError("In Dense.call().\\n\\nToo large.\\n\\nArguments received by Dense:\\n  x"))
        'ValueError: In Dense.call(). Too large'
    """
    text = COLOUR.sub("", str(error)).partition("\n\nArguments received by")[0]
    lines = [line for line in map(str.strip, text.split("\n")) if line and not WHEREABOUTS.match(line)]
    reason = f"{type(error).__name__}: {' '.join(lines)}".removesuffix(": ").rstrip(".")
    if len(reason) > most:  # what begins it says where, what ends it says why
        reason = f"{reason[: most // 2]} ... {reason[-most // 2 :]}"
    return printable(reason)


def is_unicode(text: str) -> bool:
    """Whether a name is text; the system's names of files may hold bytes that are none."""
    return text.encode(errors="ignore").decode() == text


class ZooError(ValueError):
    """Something the caller can mend: says what was given, what is accepted, and what to type next.

    The command line prints it as one message and ends with status 1; it is never a traceback there.
    """

    def __str__(self):
        return cut("\n".join(map(printable, super().__str__().split("\n"))))

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback: where the caller's code stands, the caller can see."""
        return [f"{type(self).__name__}: {self}"]


class RecordMismatchError(ZooError):
    """A file's record that tells of another model than the file holds."""


class RefusedError(ZooError):
    """A file whose model asks for more than any may, whatever is to compute it."""


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


def checked_share(name: str, value) -> float:
    """The value, or a sentence on what is accepted.

    Raises:
        UsageError: it is no number above 0 and below 1.

    Example:
        >>> checked_share("val_split", 0.2)
        0.2
    """
    if not is_number(value) or not 0 < value < 1:
        raise UsageError(f"{name} is {value!r}; accepted is a share above 0 and below 1, such as 0.2.")
    return value


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
