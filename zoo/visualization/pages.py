"""Pages that people look at, each one HTML file that needs nothing else: no network, no other file.

What a page is made of stands here, once: its frame, figures with a sentence each, tables, photos that enlarge. What a
page says is made of these by sections (`report_page.py`), functions from data to HTML. All that is shown of
strangers' files, names of classes for instance, goes through `text`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from zoo.errors import printable
from zoo.files import atomic_file, output

MOST = 300  # errors that a page shows
MARK = "<meta name=generator content=zoo>"
LARGEST = 20_000  # bytes of a photo
READABLE = 25  # classes whose confusions are shown as a table: more are no table to read
PARTS, FRAME, SCRIPT = (
    (Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("parts.css", "page.css", "page.js")
)


def text(words: object, most: int = 200) -> str:
    """Words for a page, strangers' too: on one line, without what turns the direction of text, and no HTML.

    Example:
        >>> text("<b>cat & dog")
        '&lt;b&gt;cat &amp; dog'
    """
    return html.escape(printable(str(words), most))


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: its heading.
        body: HTML.
        name: what a link within the page calls it; none leads to it where this is "".
    """

    title: str
    body: str
    name: str = ""


def page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """A whole page, as HTML.

    Args:
        title: text, no HTML.
        subtitle: likewise.
        sections: what stands on it, in this order; those with a name are listed at its top.

    Example:
        >>> "<h2>Numbers</h2>" in page("Cats", "of 3 photos", [Section("Numbers", "<p>3</p>")])
        True
    """
    script = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )
    links = "".join(f'<li><a href="#{item.name}">{text(item.title)}</a></li>' for item in sections if item.name)
    lines = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        MARK,
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f"<title>{text(title)}</title><style>{PARTS}{FRAME}</style></head><body>",
        f"<header><h1>{text(title)}</h1><p>{text(subtitle)}</p></header>",
        f"<nav aria-label=Contents><ul>{links}</ul></nav>" if links else "",
        "<main>",
    ]
    for item in sections:
        anchor = f' id="{item.name}"' if item.name else ""
        lines.append(f"<section{anchor}><h2>{text(item.title)}</h2>{item.body}</section>")
    lines += ["</main>", f"<script>{SCRIPT}</script></body></html>"]
    return "\n".join(lines)


def write_page(path: Path, content: str) -> None:
    """Write a page, whole or not at all."""
    with atomic_file(path, suffix=".html") as temporary:
        temporary.write_text(content, encoding="utf-8")


def page_output(path: str | os.PathLike, inputs: Iterable[str | os.PathLike] = (), overwrite: bool = False) -> Path:
    """Where a page may be written: over no other page than the zoo's own; see `zoo.files.output`."""

    def conflict(file: Path) -> str:
        with file.open("rb") as page:
            return "" if MARK.encode() in page.read(1000) else "is no page that the zoo wrote"

    return output(path, conflict, inputs=inputs, overwrite=overwrite)


# Parts of sections


def paragraph(words: str) -> str:
    return f"<p>{text(words, 1000)}</p>"


def figure(drawing: str, sentence: str) -> str:
    """A drawing as HTML or SVG, and the sentence that says what one sees."""
    return f"<figure class=drawn>{drawing}<figcaption>{text(sentence, 1000)}</figcaption></figure>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], sentence: str = "") -> str:
    """A table of HTML cells; the first of each row is its heading.

    Args:
        header: text of the columns.
        rows: cells as HTML.
        sentence: what the table says.
    """
    head = "".join(f"<th scope=col>{text(word)}</th>" for word in header)
    lines = [
        f"<tr><th scope=row>{first}</th>{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>" for first, *rest in rows
    ]
    return _wide(f"<table><tr>{head}</tr>{''.join(lines)}</table>", sentence)


def _wide(content: str, sentence: str) -> str:
    """What may be wider than the window, in a frame of its own that scrolls, and the sentence below it."""
    below = f"<figcaption>{text(sentence, 1000)}</figcaption>" if sentence else ""
    return f"<figure class=drawn><div class=wide tabindex=0>{content}</div>{below}</figure>"


def photo(pixels: np.ndarray, name: str, caption: str = "", enlarges: bool = True) -> str:
    """A photo.

    Args:
        pixels: uint8, shape (height, width, channels).
        name: what it is, for who does not see it; text.
        caption: HTML below it.
        enlarges: whether the page's script makes it fill the window when it is clicked, or entered by the keyboard.
    """
    small = max(pixels.shape[:2]) <= 64
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    coded = base64.b64encode(_png(picture) if small else _jpeg(picture)).decode()
    kind, look = ("png", " class=pixels") if small else ("jpeg", "")
    image = f'<img{look} alt="{text(name)}" src="data:image/{kind};base64,{coded}">'
    return (
        f"<figure class=photo>{f'<button type=button>{image}</button>' if enlarges else image}"
        f"{f'<figcaption>{caption}</figcaption>' if caption else ''}</figure>"
    )


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _jpeg(picture: Image.Image) -> bytes:
    """As good as fits: a page of a hundred photos is to be mailed."""
    for quality in (78, 60, 40, 20):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= LARGEST:
            break
    return file.getvalue()


def gallery(photos: Iterable[str]) -> str:
    """Photos beside each other."""
    return f"<div class=photos>{''.join(photos)}</div>"


def confusion(counts: Sequence[Sequence[int]], labels: Sequence[str], total: int) -> str:
    """Rows are what it is, columns what it was taken for; the more mistakes in a cell, the redder."""
    most = max((count for i, row in enumerate(counts) for j, count in enumerate(row) if i != j), default=0) or 1
    wrong = total - sum(counts[i][i] for i in range(len(counts)))
    head = "".join(f"<th scope=col><span>{text(label, 30)}</span></th>" for label in labels)
    lines = []
    for i, (label, row) in enumerate(zip(labels, counts, strict=True)):
        cells = "".join(_cell(count, i == j, count / most) for j, count in enumerate(row))
        lines.append(f"<tr><th scope=row>{text(label, 30)}</th>{cells}</tr>")
    sentence = (
        f"A row is what the photo shows, a column what it was taken for. {total - wrong} of {total} are on the "
        f"diagonal, which is right; {wrong} are beside it, redder where there are more."
    )
    upright = " upright" if len(labels) > 6 or max(map(len, labels)) > 12 else ""
    return _wide(f'<table class="confusion{upright}"><tr><td></td>{head}</tr>{"".join(lines)}</table>', sentence)


def _cell(count: int, right: bool, share: float) -> str:
    if right:
        return f"<td class=right>{count}</td>"
    return f"<td class=wrong style=--share:{share:.2f}>{count}</td>" if count else "<td class=none>0</td>"


# The page of errors


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
    more = f", the {len(errors)} worst are shown" if total > len(errors) else ""
    sections = []
    if metrics.get("confusion") is not None and len(metrics["labels"]) <= READABLE:
        body = confusion(metrics["confusion"], metrics["labels"], metrics["accuracy"].n)
        sections.append(Section("Which class was taken for which", body))
    groups: dict[str, list[ErrorShown]] = {}
    for error in errors:
        groups.setdefault(error.heading, []).append(error)
    for heading, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        sections.append(Section(f"{heading}: {len(group)}", gallery(map(_error, group))))
    write_page(path, page(title, f"{numbers} {total} wrong{more}.", sections))


def _error(error: ErrorShown) -> str:
    """The picture as the model saw it; of a point its numbers."""
    caption = f"{text(error.caption)}<br>{text(Path(error.name).name)}"
    if error.pixels.ndim == 1:
        numbers = ", ".join(f"{value:g}" for value in error.pixels[:20])
        return f"<figure class=photo><p>{text(numbers)}</p><figcaption>{caption}</figcaption></figure>"
    return photo(error.pixels, f"{Path(error.name).name}: {error.truth}", caption)
