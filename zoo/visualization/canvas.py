"""An empty figure by matplotlib, saved whole; the fonts that have its letters."""

import contextlib
import functools
import importlib.util
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.console import note
from zoo.errors import ZooError
from zoo.errors import printable as one_line
from zoo.files import atomic_file
from zoo.visualization.grid import mark

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MISSING = 'figures need matplotlib; type: python -m pip install matplotlib, or install "keras-zoo[plots]".'
# of classes, over again where there are more: the first two classes of the course are red and blue
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22")


def label_text(name) -> str:
    """A class's name as a figure shows it: on one line, and "$5" is no formula."""
    return one_line(str(name)).replace("$", r"\$")


def installed() -> bool:
    """Whether matplotlib is there to draw with."""
    return importlib.util.find_spec("matplotlib") is not None


def require_installed() -> None:
    """Stop where nothing can be drawn.

    Raises:
        ZooError: matplotlib is not installed.
    """
    if not installed():
        raise ZooError(MISSING)


@functools.cache
def _fonts() -> list[tuple[str, frozenset[int]]]:
    """Installed fonts, upright and of normal weight: family, code points; matplotlib's own first."""
    from matplotlib import font_manager, ft2font

    letters: dict[str, frozenset[int]] = {}
    entries = sorted(font_manager.fontManager.ttflist, key=lambda font: (font.name != "DejaVu Sans", font.name))
    for font in entries:
        if font.name in letters or font.style != "normal" or font.weight not in (400, "normal", "regular"):
            continue
        try:
            letters[font.name] = frozenset(ft2font.FT2Font(font.fname).get_charmap())
        except (OSError, RuntimeError):  # gone since the list was made, or no font
            continue
    return list(letters.items())


def font_for(text: str) -> list[str]:
    """Installed font families that together have the letters of a text; a note names those that none has.

    Args:
        text: all that a figure will say.

    Returns:
        Families, the one to try first at the front, as matplotlib's `font.family` takes them.

    Example:
        >>> font_for("cat")
        ['DejaVu Sans']
    """
    fonts, families = _fonts(), ["DejaVu Sans"]
    missing = {ord(letter) for letter in text if letter.isprintable()} - dict(fonts)["DejaVu Sans"]
    while missing:
        family, letters = max(fonts, key=lambda font: len(font[1] & missing))
        if not letters & missing:
            first = "".join(map(chr, sorted(missing)[:20]))
            note(f"No installed font has the letters {first}: boxes stand for them. The Noto fonts have them.")
            break
        families.append(family)
        missing -= letters
    return families


@contextlib.contextmanager
def new_figure(path, size: tuple[float, float], words=()) -> Iterator["Figure"]:
    """Yield an empty figure; at the end it is saved whole as the PNG file `path`.

    Args:
        path: the file.
        size: (width, height) in inches of 120 pixels.
        words: what it will say, to find fonts for.

    Raises:
        ZooError: matplotlib is not installed.
    """
    require_installed()
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"font.family": font_for("".join(map(str, words)))}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        with atomic_file(path, suffix=".png") as temporary, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # `font_for` has said so
            figure.savefig(temporary, format="png", dpi=120, pil_kwargs={"exif": mark()})
