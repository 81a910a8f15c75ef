"""What people see: results on standard output; bars and notes on standard error; tables and descriptions for either.

Whatever is written goes through `say`, `say_json` or `note`, which escape what a terminal would act on: names of
files and classes, and all that saved files say, are strangers' text.
"""

import contextlib
import functools
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from zoo.errors import ZooError, cut, escaped, printable

if TYPE_CHECKING:
    from tqdm import tqdm

NAME = 100  # characters of a name, and
NOTEBOOK_BAR = "{desc}: {n_fmt} of {total_fmt} {unit}s, {remaining} left"
ROWS = 1000  # rows, that are shown of what a file holds: names are padded to the longest


def stream() -> TextIO:
    """Standard error, through a handle of our own: a framework's import may have its handle silenced."""
    try:
        real = sys.stderr.fileno() == 2
    except (AttributeError, OSError, ValueError):  # a notebook, a test that captures, or none at all
        real = False
    return _own_handle() if real else sys.stderr


@functools.cache
def _own_handle() -> TextIO:
    return os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")


_silences: list[None] = []


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Print no notes and draw no bars: what is done here is a part of something that has its own.

    TensorFlow does not warn, either, that another model is compiled than before.

    Example:
        >>> with silence():
        ...     note("nobody is told")
    """
    _silences.append(None)
    framework = logging.getLogger("tensorflow")
    level = framework.level
    framework.setLevel(logging.ERROR)
    try:
        yield
    finally:
        framework.setLevel(level)
        _silences.pop()


def note(text: str = "") -> None:
    """Print a line for people, on standard error: standard output belongs to results."""
    if _silences:
        return
    text = escaped(text, keep="\n\t")
    if in_notebook():  # which shows standard error on red
        print(text)
        return
    with contextlib.suppress(OSError):  # nowhere to say it, which is no reason to stop
        if "tqdm" in sys.modules:  # a bar may be in the way
            sys.modules["tqdm"].tqdm.write(text, file=stream())
            stream().flush()
        else:
            print(text, file=stream(), flush=True)


def say(text: object = "", end: str = "\n") -> None:
    """Print a result for people, on standard output.

    Raises:
        BrokenPipeError: whoever reads it has seen enough.
        ZooError: it cannot be written.
    """
    _write(escaped(str(text), keep="\n\t") + end)


def say_json(value: object) -> None:
    """Print a result as JSON, the only thing on standard output."""
    text = json.dumps(value, indent=1, default=lambda item: item.to_json(), ensure_ascii=False)
    text = escaped(text, keep="\n", escape=json.dumps)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a terminal without Unicode
        text = json.dumps(json.loads(text))
    _write(f"{text}\n")


def _write(text: str) -> None:
    with writing_results():
        print(text, end="", flush=True)


@contextlib.contextmanager
def writing_results() -> Iterator[None]:
    """Writing to standard output, which may be closed, full or read by nobody any more.

    Raises:
        BrokenPipeError: whoever reads it has seen enough.
        ZooError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        # what is left in the buffer must go somewhere, or Python complains once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise ZooError(f"standard output cannot be written: {error.strerror}.") from None


def note_skipped(skipped: Sequence[Any], most: int = 20) -> None:
    """Tell people of what was left out of data: path and reason of each, up to a number."""
    for item in skipped[:most]:
        note(f"left out {printable(item['path'])}: {printable(item['reason'])}")
    if len(skipped) > most:
        note(f"... and {len(skipped) - most} more")


def in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config


def progress_bar(total: int, title: str, unit: str, shown: bool = True, initial: int = 0) -> "tqdm":
    """A progress bar with the time left, in a terminal or a notebook; elsewhere it is never drawn.

    Args:
        total: how many units make the whole.
        title: what is being done.
        unit: what is being counted.
        shown: whether to draw it at all.
        initial: units done before.

    Returns:
        A bar with `update(n=1)` and `close()`, and a context manager that closes it.

    Example:
        >>> with progress_bar(3, "counting", "sheep") as bar:
        ...     for _ in range(3):
        ...         _ = bar.update()
    """
    from tqdm import tqdm  # here, so that a checkout that is not installed can still say so

    shown = shown and not _silences
    about: dict[str, Any] = {"total": total, "desc": title, "unit": unit, "initial": initial, "leave": False}
    if _listeners and not _silences:
        return _reported_bar()(file=io.StringIO(), **about)
    if in_notebook():
        return _notebook_bar()(disable=not shown, file=io.StringIO(), bar_format=NOTEBOOK_BAR, **about)
    return tqdm(disable=not (shown and sys.stderr.isatty()), dynamic_ncols=True, file=stream(), **about)


_listeners: list[Callable[[dict], None]] = []


@contextlib.contextmanager
def progress_to(listener: Callable[[dict], None]) -> Iterator[None]:
    """Tell a function of all progress, instead of drawing bars.

    Args:
        listener: is given a title, how much of how much is done, and the seconds left, None while unknown.

    Example:
        >>> with progress_to(print), progress_bar(1, "counting", "sheep") as bar:
        ...     pass
        {'title': 'counting', 'done': 0, 'total': 1, 'seconds': None}
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@functools.cache
def _reported_bar() -> type["tqdm"]:
    from tqdm import tqdm

    class ReportedBar(tqdm):
        def display(self, msg: str | None = None, pos: int | None = None) -> bool:
            if msg is None:
                facts = self.format_dict
                rate, left = facts["rate"], facts["total"] - facts["n"]
                seconds = round(left / rate, 1) if rate else None
                report = {"title": facts["prefix"], "done": facts["n"], "total": facts["total"], "seconds": seconds}
                for listener in _listeners:
                    listener(report)
            return True

        def clear(self, *_: Any, **__: Any) -> None:
            """Nothing: no line is drawn."""

    return ReportedBar


@functools.cache
def _notebook_bar() -> type["tqdm"]:
    """A bar as HTML: what tqdm draws in notebooks needs ipywidgets, and is text on red without them."""
    from IPython.display import HTML, display
    from tqdm import tqdm

    class NotebookBar(tqdm):
        handle: Any = None

        def display(self, msg: str | None = None, pos: int | None = None) -> bool:
            """Draw it, or with an empty message take it away."""
            drawn = f'<progress value="{self.n}" max="{self.total or 1}" style="width:16em"></progress> {self}'
            page = HTML("" if msg == "" else drawn)
            if self.handle is None:
                self.handle = display(page, display_id=True)
            else:
                self.handle.update(page)
            return True

        def clear(self, *_: Any, **__: Any) -> None:
            """Nothing: a line that is printed is in no bar's way."""

    return NotebookBar


def table(rows: list[list[str]], header: list[str], left: tuple[int, ...] = (0,)) -> str:
    """Rows of text under a header, the columns `left` aligned to the left, the others to the right."""
    header, *rows = [[printable(cell, NAME) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(row):
        cells = enumerate(zip(row, widths, strict=True))
        return "  ".join(cell.ljust(width) if i in left else cell.rjust(width) for i, (cell, width) in cells).rstrip()

    return "\n".join(line(row) for row in [header, *rows])


def describe(facts: dict, indent: str = "") -> Iterator[tuple[str, str]]:
    """What a card or a record says, for people: rows of a name and a line; what has parts, a row for each of them.

    Example:
        >>> list(describe({"n": 3, "made": {"by": {"name": "zoo", "size": [2, 3]}, "seed": None}}))
        [('n', '3'), ('made', ''), ('  by', 'name zoo, size (2, 3)')]
    """
    for key, value in facts.items():
        name = indent + printable(str(key), NAME)
        if isinstance(value, dict) and not is_measured(value) and any(isinstance(v, dict) for v in value.values()):
            yield name, ""
            yield from describe(value, indent + "  ")
        elif value not in (None, {}, [], ()):
            yield name, in_words(value)


def is_measured(value: dict) -> bool:
    """Whether this is a number with its interval, as `zoo.metrics.Metric.to_json` gives it."""
    return {*value} == {"value", "ci", "n"} and isinstance(value["ci"], list | tuple) and len(value["ci"]) == 2


def in_words(value: Any, inner: bool = False) -> str:
    """A value of a card or a record on one line; `inner` where it is part of another one."""
    if isinstance(value, dict) and is_measured(value):
        number, low, high, n = (in_words(part) for part in (value["value"], *value["ci"], value["n"]))
        return f"{number} (95 % interval {low} to {high}, n = {n})"
    if isinstance(value, dict):
        text = ", ".join(f"{printable(str(key))} {in_words(item, inner=True)}" for key, item in value.items())
    elif isinstance(value, list | tuple):
        text = ", ".join(in_words(item, inner=True) for item in value)
    else:
        return f"{value:.4g}" if isinstance(value, float) else printable(str(value))
    return cut(f"({text})" if inner else text)


def aligned(rows: Iterable[tuple[str, str]]) -> str:
    """Rows of a name and a line, the lines below each other; those beyond `ROWS` are counted."""
    rows = list(rows)
    width = min(60, max(len(name) for name, _ in rows))
    lines = [f"{name:<{width}}  {line}".rstrip() for name, line in rows[:ROWS]]
    return "\n".join([*lines, f"... and {len(rows) - ROWS:,} more"] if len(rows) > ROWS else lines)


def share(value: float | None) -> str:
    """A share as a percentage, or a dash where nothing was counted."""
    return "-" if value is None else f"{value:.1%}"


def per_class_table(per_class: dict) -> str:
    """What `metrics.per_class` counted, a line a class."""
    rows = [[name, str(c["n"]), share(c["recall"]), share(c["precision"])] for name, c in per_class.items()]
    return table(rows, ["class", "pictures", "found", "right when said"])
