"""Drawings within a page, as SVG: they take the page's colours, in light and in dark."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from zoo.errors import printable
from zoo.metrics import Metric, Reliability


def _svg(width: float, height: float, parts: Sequence[str], name: str) -> str:
    label = html.escape(printable(name, 300))
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" style="max-width:{max(width, 160):g}px" role=img '
        f'aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _line(kind: str, points: Sequence[tuple[float, float]]) -> str:
    return f'<polyline class={kind} points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _words(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor={anchor}>{html.escape(printable(words, 60))}</text>'


def interval(metric: Metric) -> str:
    """A share between 0 and 1 as a dot, and its interval as a line.

    Example:
        >>> interval(Metric(0.5, (0.2, 0.8), 10)).count("<circle")
        1
    """
    low, high = (4 + 92 * end for end in metric.ci)
    parts = [
        '<rect class=track x="4" y="5" width="92" height="2" rx="1"/>',
        _line("good", [(low, 6), (high, 6)]),
        f'<circle class=dot cx="{4 + 92 * metric.value:.1f}" cy="6" r="3"/>' if metric.n else "",
    ]
    return _svg(100, 12, parts, str(metric))


def _frame(left: float, top: float, width: float, height: float, x: Sequence, y: Sequence) -> list[str]:
    """Lines and numbers of the axes.

    Args:
        left, top, width, height: of what is drawn on.
        x, y: (place from 0 to 1, word) for each mark.
    """
    parts = []
    for place, word in x:
        parts += [_words(left + width * place, top + height + 16, word)]
    for place, word in y:
        up = top + height * (1 - place)
        parts += [_line("grid", [(left, up), (left + width, up)]), _words(left - 6, up + 4, word, "end")]
    return parts


def reliability_diagram(measured: Reliability) -> str:
    """How often predictions are right against how probable they were said to be; on the diagonal, both agree.

    Example:
        >>> from zoo.metrics import proportion
        >>> reliability_diagram(Reliability([(0.8, proportion(7, 10))], 0.1, 0.2)).count("<circle")
        1
    """
    left, top, side = 46, 24, 300
    marks = [(share / 100, f"{share}%") for share in (0, 25, 50, 75, 100)]
    parts = _frame(left, top, side, side, marks, marks)
    parts.append(_line("ideal", [(left, top + side), (left + side, top)]))
    most = max((share.n for _, share in measured.bins), default=1)
    for probability, share in measured.bins:
        x = left + side * probability
        low, high = (top + side * (1 - end) for end in share.ci)
        parts.append(_line("good", [(x, low), (x, high)]))
        size = 3 + 6 * (share.n / most) ** 0.5
        parts.append(f'<circle class=dot cx="{x:.1f}" cy="{top + side * (1 - share.value):.1f}" r="{size:.1f}"/>')
    parts.append(_words(4, 12, "how often it was right", "start"))
    parts.append(_words(left + side / 2, top + side + 34, "probability that it gave"))
    return _svg(left + side + 20, top + side + 42, parts, "How often it is right, by the probability that it gave")


def scatter(truth: Sequence[float], estimated: Sequence[float], name: str) -> str:
    """Estimates against the truth, a dot for each; on the diagonal, both agree.

    Args:
        truth, estimated: shape (n,); values that are not finite are left out.
        name: of the number.

    Example:
        >>> scatter([1.0, 2.0], [1.5, 2.0], "age").count("<circle")
        2
    """
    left, top, side = 60, 24, 300
    pairs = [(x, y) for x, y in zip(truth, estimated, strict=True) if math.isfinite(x) and math.isfinite(y)]
    low, high = (choose((value for pair in pairs for value in pair), default=0.0) for choose in (min, max))
    room = (high - low) or 1.0
    marks = [(share, f"{low + share * room:.3g}") for share in (0.0, 0.5, 1.0)]
    parts = _frame(left, top, side, side, marks, marks)
    parts.append(_line("ideal", [(left, top + side), (left + side, top)]))
    for x, y in pairs:
        place = left + side * (x - low) / room, top + side * (1 - (y - low) / room)
        parts.append(f'<circle class=dot cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="3.5" opacity=".6"/>')
    parts.append(_words(4, 12, f"estimate of {name}", "start"))
    parts.append(_words(left + side / 2, top + side + 34, name))
    return _svg(left + side + 20, top + side + 42, parts, f"Estimates of {name} against the truth")


def curve(name: str, learned: Sequence[float], watched: Sequence[float] | None = None) -> str:
    """A number over the epochs; that of the watched examples dashed.

    Args:
        name: of the number.
        learned: one value an epoch, of what was learned from.
        watched: likewise, of what was only watched.

    Example:
        >>> curve("loss", [2.0, 1.0], [2.0, 1.5]).count("<polyline class=second")
        1
    """
    left, top, width, height = 50, 26, 270, 160
    columns = [column for column in (learned, watched) if column is not None]
    values = [value for column in columns for value in column if math.isfinite(value)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) or abs(high) or 1.0
    epochs = max(len(column) for column in columns)
    x = [((number - 1) / max(1, epochs - 1), str(number)) for number in sorted({1, (epochs + 1) // 2, epochs})]
    parts = _frame(left, top, width, height, x, [(0.0, f"{low:.3g}"), (1.0, f"{low + room:.3g}")])
    parts.append(_words(left, 14, name, "start"))
    for kind, column in zip(("good", "second"), columns, strict=False):
        points = [
            (left + width * number / max(1, epochs - 1), top + height * (1 - (value - low) / room))
            for number, value in enumerate(column)
            if math.isfinite(value)
        ]
        parts.append(_line(kind, points))
        if len(points) == 1:
            parts.append(f'<circle class=dot cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3.5"/>')
    return _svg(left + width + 20, top + height + 24, parts, f"{name} over {epochs} epochs")
