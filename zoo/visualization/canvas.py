"""An empty figure by matplotlib, and what becomes of it; the fonts that have its letters."""

import base64
import contextlib
import functools
import importlib.util
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.console import note
from zoo.errors import ZooError
from zoo.errors import printable as one_line
from zoo.files import atomic_file
from zoo.visualization.grid import mark, picture_output

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


@dataclass
class Drawing:
    """A figure as a picture; a notebook shows it.

    Attributes:
        png: the picture as a PNG file.
        path: where it was written; None where it was not.
    """

    png: bytes = field(default=b"", repr=False)
    path: Path | None = None

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write it as a PNG file, whole or not at all.

        Args:
            path: the file.
            overwrite: replace whatever file is there; without it, only a picture that the zoo drew.
        """
        self._write(picture_output(path, overwrite=overwrite))

    def _write(self, path: str | Path) -> None:
        with atomic_file(path, suffix=".png") as temporary:
            temporary.write_bytes(self.png)
        self.path = Path(path)

    def _repr_png_(self) -> bytes:
        return self.png


class Drawings(list[Drawing]):
    """Several figures; a notebook shows them one below the other."""

    def _repr_html_(self) -> str:
        coded = (base64.b64encode(drawing.png).decode() for drawing in self)
        return "".join(f'<p><img alt="figure" src="data:image/png;base64,{picture}"></p>' for picture in coded)


@contextlib.contextmanager
def new_figure(path: str | Path | None, size: tuple[float, float], words=()) -> Iterator[tuple["Figure", Drawing]]:
    """Yield an empty figure, and the drawing that it is at the end.

    Args:
        path: a PNG file that is written at the end, whole; None writes none.
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
        figure, drawing, file = Figure(figsize=size, layout="constrained"), Drawing(), io.BytesIO()
        FigureCanvasAgg(figure)
        yield figure, drawing
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # `font_for` has said so
            figure.savefig(file, format="png", dpi=120, pil_kwargs={"exif": mark()})
        drawing.png = file.getvalue()
        if path is not None:
            drawing._write(path)
