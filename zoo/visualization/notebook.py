"""What a notebook shows: pieces of HTML in a frame of their own, in the notebook's colours; arrays of pictures.

IPython asks an object for `_repr_html_` or `_repr_png_`; the objects that have these stand where they belong.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.visualization import svg
from zoo.visualization.charts import drawn_curves
from zoo.visualization.grid import as_picture, square
from zoo.visualization.pages import PARTS, text

# Colours are shares of the notebook's own, whatever its theme; the class stands three times to outweigh the
# notebook's rules on tables and pictures.
STYLE = (
    ".zoo-shown.zoo-shown.zoo-shown { --paper: transparent; --ink: currentColor; --good: #2f7fd4; --bad: #d8503a; "
    "--bad-rgb: 216 80 58; --card: color-mix(in srgb, currentColor 6%, transparent); "
    "--soft: color-mix(in srgb, currentColor 68%, transparent); "
    "--line: color-mix(in srgb, currentColor 20%, transparent); max-width: 60rem; overflow-wrap: anywhere; "
    "tr { background: none; } table { margin: 0; } .bars { max-width: 32rem; } "
    "dt, dd { float: none; width: auto; padding: 0; font-weight: normal; } "
    f"{PARTS} }}"
)
SHOWN = 24  # pictures, at most


def shown(*parts: str) -> str:
    """Pieces of HTML, as `pages` makes them, for a notebook.

    Example:
        >>> shown("<p>cat</p>").endswith("<p>cat</p></div>")
        True
    """
    return f"<div class=zoo-shown><style>{STYLE}</style>{''.join(parts)}</div>"


def bars(rows: Iterable[tuple[str, float, str]]) -> str:
    """A bar for each row: its name, how long it is, from 0 to 1, and what stands behind it.

    Example:
        >>> bars([("cat", 0.9, "90 %")]).count("<i")
        1
    """
    lines = (
        f"<span>{text(name, 60)}</span><span class=bar><i style=--part:{min(max(share, 0.0), 1.0):.4f}></i></span>"
        f"<span>{text(value)}</span>"
        for name, share, value in rows
    )
    return f"<div class=bars>{''.join(lines)}</div>"


def file_name(name: str) -> str:
    """The name of a file below its picture, cut where it is too long."""
    return f'<span class=path title="{text(name)}">{text(name, 60)}</span>' if name else ""


def facts(rows: Iterable[tuple[str, object]]) -> str:
    """Names and what is said of each; rows of None or nothing are left out."""
    lines = (f"<dt>{text(name)}</dt><dd>{text(value, 400)}</dd>" for name, value in rows if value not in (None, ""))
    return f"<dl>{''.join(lines)}</dl>"


def curves(history: Mapping[str, Sequence[float]]) -> str:
    """A curve over the epochs for each number; that of the watched examples dashed."""
    names = [name for name in drawn_curves(history) if len(history[name])]
    drawn = "".join(svg.curve(name, history[name], history.get(f"val_{name}")) for name in names)
    return f"<figure class=drawn><div class=curves>{drawn}</div></figure>"


def weights(rows: Sequence[str], columns: Sequence[str], shares: Sequence[Sequence[float]]) -> str:
    """A table of shares from 0 to 1, the darker the more, with words for its rows and columns.

    Example:
        >>> weights(["me"], ["who", "?"], [[0.9, 0.1]]).count("<td style")
        2
    """
    head = "".join(f"<th scope=col><span>{text(word, 30)}</span></th>" for word in columns)
    lines = [
        f"<tr><th scope=row>{text(word, 30)}</th>"
        + "".join(f"<td style=--share:{share:.3f} title={share:.1%}></td>" for share in row)
        + "</tr>"
        for word, row in zip(rows, shares, strict=True)
    ]
    return f'<div class=wide><table class="weights upright"><tr><td></td>{head}</tr>{"".join(lines)}</table></div>'


class LoggedCurves:
    """What a training logged: numbers by name, one an epoch, in `history`; a notebook shows them as curves."""

    history: dict[str, list[float]]
    best_epoch: int | None

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {column[-1]:.4g}" for name, column in self.history.items() if column)
        count = max(map(len, self.history.values()), default=0)
        return f"<History of {count} epoch{'' if count == 1 else 's'}: {last}>"

    def _repr_html_(self) -> str:
        kept = f"<p>The weights of epoch {self.best_epoch} were kept.</p>" if self.best_epoch else ""
        return shown(curves(self.history), kept)


class Ranking(list[tuple[str, float]]):
    """Words and a cosine for each, the nearest first; a notebook shows them as bars."""

    def _repr_html_(self) -> str:
        return shown(bars((word, cosine, f"{cosine:.3f}") for word, cosine in self))


class PictureArray(np.ndarray):
    """Pixels 0-255, uint8 of shape ([n, ]height, width, channels): an array that a notebook shows as pictures.

    Example:
        >>> pictures = np.zeros((3, 8, 8, 1), "uint8").view(PictureArray)
        >>> pictures._repr_png_()[:4], pictures[0, 0]._repr_png_()
        (b'\\x89PNG', None)
    """

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if self._repr_png_() is None else f"pictures of shape {self.shape}")

    def _repr_png_(self) -> bytes | None:
        if self.dtype != np.uint8 or self.ndim not in (3, 4) or self.shape[-1] not in (1, 3) or not self.size:
            return None  # a part or a product of it, which is no picture
        pixels = np.asarray(self)
        file = io.BytesIO()
        (square(pixels[:100]) if self.ndim == 4 else as_picture(pixels)).save(file, "PNG")
        return file.getvalue()
