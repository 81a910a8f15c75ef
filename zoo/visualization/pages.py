"""Pages that people look at, each one HTML file."""

import base64
import html
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from zoo.files import atomic_file, output

MOST = 300  # errors that a page shows
STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
.pictures{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;width:128px}
img{width:128px;height:128px;object-fit:contain;image-rendering:pixelated;background:#8884}
figcaption{font-size:.8rem;overflow-wrap:anywhere}
table{border-collapse:collapse}
th,td{padding:.2rem .6rem;text-align:right;font-weight:normal}
td.right{font-weight:bold}
.wide{overflow-x:auto}
"""
RED = 'style="background:rgb(220 40 40/{:.2f})"'


class ErrorShown(Protocol):
    """An example that was wrong, as a page shows it; see `zoo.tasks.images.evaluation`."""

    @property
    def name(self) -> str: ...

    @property
    def truth(self) -> Any: ...

    @property
    def heading(self) -> str: ...

    @property
    def caption(self) -> str: ...

    @property
    def pixels(self) -> np.ndarray: ...


MARK = "<meta name=generator content=zoo>"


def page_output(path: str | os.PathLike, inputs: Iterable[str | os.PathLike] = (), overwrite: bool = False) -> Path:
    """Where a page may be written: over no other page than the zoo's own; see `zoo.files.output`."""

    def conflict(file: Path) -> str:
        with file.open("rb") as page:
            return "" if MARK.encode() in page.read(1000) else "is no page that the zoo wrote"

    return output(path, conflict, inputs=inputs, overwrite=overwrite)


def write_errors_page(
    path: Path, title: str, numbers: str, metrics: Mapping[str, Any], errors: Sequence[ErrorShown], total: int
) -> None:
    """Write what a classifier gets wrong as one HTML file: the numbers, who was taken for whom, and the pictures.

    Args:
        path: the file; it is written whole or not at all.
        title: what was evaluated.
        numbers: how good it is, on what, in a sentence.
        metrics: what `evaluate` returned.
        errors: the examples to show, pictures as uint8 arrays (height, width, channels) or points (length,).
        total: how many errors there are in all.
    """
    with atomic_file(path, suffix=".html") as temporary:
        temporary.write_text("\n".join(_lines(title, numbers, metrics, errors, total)), encoding="utf-8")


def _lines(
    title: str, numbers: str, metrics: Mapping[str, Any], errors: Sequence[ErrorShown], total: int
) -> Iterable[str]:
    title = html.escape(title)
    yield f"<!doctype html><html lang=en><meta charset=utf-8>{MARK}<title>{title}</title><style>{STYLE}</style>"
    yield f"<h1>{title}</h1>"
    yield f"<p>{html.escape(numbers)}"
    more = f", the {len(errors)} worst are shown" if total > len(errors) else ""
    yield f"{total} wrong{more}.</p>"
    if metrics.get("confusion") is not None:
        yield from _confusion(metrics["confusion"], metrics["labels"])
    groups: dict[str, list[ErrorShown]] = {}
    for error in errors:
        groups.setdefault(error.heading, []).append(error)
    for heading, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        yield f"<h2>{html.escape(heading)}: {len(group)}</h2><div class=pictures>"
        yield from (f"<figure>{_example(error)}{_caption(error)}</figure>" for error in group)
        yield "</div>"
    yield "</html>"


def _confusion(table: list[list[int]], labels: list[str]) -> Iterable[str]:
    """Rows are what it is, columns what was said; the more mistakes in a cell, the redder."""
    most = max((count for i, row in enumerate(table) for j, count in enumerate(row) if i != j), default=0) or 1
    yield "<div class=wide><table><caption>rows: what it is; columns: what was said</caption><tr><th></th>"
    yield "".join(f"<th scope=col>{html.escape(label)}</th>" for label in labels) + "</tr>"
    for i, (label, row) in enumerate(zip(labels, table, strict=True)):
        shades = ["class=right" if i == j else RED.format(count / most) for j, count in enumerate(row)]
        cells = "".join(f"<td {shade}>{count}</td>" for shade, count in zip(shades, row, strict=True))
        yield f"<tr><th scope=row>{html.escape(label)}</th>{cells}</tr>"
    yield "</table></div>"


def _caption(error: ErrorShown) -> str:
    return f"<figcaption>{html.escape(error.caption)}<br>{html.escape(Path(error.name).name)}</figcaption>"


def _example(error: ErrorShown) -> str:
    """The picture inside the page, as the model saw it; of a point its numbers."""
    if error.pixels.ndim == 1:
        return f"<p>{html.escape(', '.join(f'{value:g}' for value in error.pixels[:20]))}</p>"
    pixels = error.pixels[..., 0] if error.pixels.shape[-1] == 1 else error.pixels
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    coded = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{html.escape(str(error.truth), quote=True)}" src="data:image/png;base64,{coded}">'
