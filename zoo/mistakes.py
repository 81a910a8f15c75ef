"""What a classifier gets wrong: the examples, the most confident mistakes first, as objects and as a page."""

import base64
import html
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data.pictures import Pictures
from zoo.data.preprocessing import Points, Rule
from zoo.data.streams import stream
from zoo.files import replacing

MOST = 300  # mistakes that a page shows


@dataclass(frozen=True)
class Mistake:
    """An example that was taken for another class.

    Attributes:
        name: its file, or "picture 17".
        truth: the class that it is of.
        said: the class that it was taken for.
        probability: what the model gave that class.
        pixels: what the model saw, an array of the shape of its inputs.
    """

    name: str
    truth: str
    said: str
    probability: float
    pixels: np.ndarray = field(repr=False, compare=False)

    def to_json(self) -> dict:
        return {"name": self.name, "truth": self.truth, "said": self.said, "probability": self.probability}


class Evaluation(dict):
    """What `evaluate` measured, by name; and, on demand, the examples that were wrong.

    Args:
        measured: the numbers.
        pictures: what was measured on.
        rule: how its examples become the model's inputs.
        wrong: index, class said and its probability for each mistake.
    """

    def __init__(self, measured: dict, pictures: Pictures, rule: Rule, wrong: list[tuple[int, str, float]]):
        super().__init__(measured)
        self._pictures, self._rule = pictures, rule
        self._wrong = sorted(wrong, key=lambda mistake: -mistake[2])

    def errors(self, most: int | None = None) -> list[Mistake]:
        """The examples that were wrong, the most confident mistakes first.

        Args:
            most: how many at most; None is all of them.

        Example:
            >>> import zoo
            >>> net = zoo.get("logistic", input_shape=(8, 8, 3))  # it knows nothing yet, and says the first class
            >>> x = np.zeros((4, 8, 8, 3), "uint8")
            >>> [mistake.truth for mistake in net.evaluate((x, ["cat", "dog"] * 2), progress=False).errors()]
            ['dog', 'dog']
        """
        wrong = self._wrong[:most]
        part = self._pictures.subset([index for index, _, _ in wrong])
        return [
            Mistake(self._pictures.name(index), part.labels[part.y[number]], said, probability, np.asarray(seen))
            for (index, said, probability), (number, _, _, seen) in zip(wrong, stream(part, self._rule), strict=True)
        ]

    def page(self, path, title: str) -> None:
        """Write the mistakes as one HTML file: the numbers, who was taken for whom, and the pictures.

        Args:
            path: the file; it is written whole or not at all.
            title: what was evaluated.
        """
        with replacing(Path(path), suffix=".html") as temporary:
            temporary.write_text("\n".join(self._lines(title)), encoding="utf-8")

    def _lines(self, title: str) -> Iterable[str]:
        wrong = len(self._wrong)
        title = html.escape(title)
        yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
        yield f"<h1>{title}</h1>"
        yield f"<p>Accuracy {html.escape(str(self['accuracy']))} on the {html.escape(self['split'])} split."
        yield f"{wrong} wrong{f', the {MOST} most confident are shown' if wrong > MOST else ''}.</p>"
        yield from _confusion(self["confusion"], self["labels"])
        groups: dict[tuple[str, str], list[Mistake]] = {}
        for mistake in self.errors(MOST):
            groups.setdefault((mistake.truth, mistake.said), []).append(mistake)
        for (truth, said), mistakes in sorted(groups.items(), key=lambda group: -len(group[1])):
            yield f"<h2>{html.escape(truth)} taken for {html.escape(said)}: {len(mistakes)}</h2><div class=pictures>"
            yield from (f"<figure>{_shown(m, self._rule)}{_caption(m)}</figure>" for m in mistakes)
            yield "</div>"
        yield "</html>"


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


def _caption(mistake: Mistake) -> str:
    return f"<figcaption>{mistake.probability:.1%}<br>{html.escape(Path(mistake.name).name)}</figcaption>"


def _shown(mistake: Mistake, rule: Rule) -> str:
    """The picture inside the page, as the model saw it; of a point its numbers."""
    if isinstance(rule, Points):
        return f"<p>{html.escape(', '.join(f'{value:g}' for value in mistake.pixels[:20]))}</p>"
    pixels = mistake.pixels[..., 0] if mistake.pixels.shape[-1] == 1 else mistake.pixels
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    coded = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{html.escape(mistake.truth, quote=True)}" src="data:image/png;base64,{coded}">'
