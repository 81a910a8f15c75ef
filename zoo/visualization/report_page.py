"""What a report says: a function for each part, from data to a section, or None if there is nothing.

No part knows of another. Which parts a kind of answers takes, its report says (`zoo/transfer/report_answers.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.metrics import Metric, Reliability, proportion
from zoo.visualization import svg
from zoo.visualization.pages import READABLE, Section, confusion, figure, gallery, paragraph, photo, table, text

CLASSES = 100  # that are shown with a line each
PAIRS, OF_PAIR = 5, 4  # confused pairs, and photos of each


@dataclass(frozen=True)
class ShownPhoto:
    """A photo of the report.

    Attributes:
        name: its file's name, or what else it is called.
        pixels: uint8, shape (height, width, 3); None where it is not at hand.
        heat: the same with what speaks for `predicted`, or raises it.
        truth: the class that it is labelled as.
        predicted: what it is taken for; the label or the number that the heat is of.
        probability: of that.
        own: the probability of `truth`.
    """

    name: str
    pixels: np.ndarray | None
    heat: np.ndarray | None = None
    truth: str = ""
    predicted: str = ""
    probability: float = 0.0
    own: float = 0.0

    def html(self, caption: str) -> str:
        """The photo, and beside it, where that was computed, what speaks for what it was taken for."""
        below = f'{caption}<span class=path title="{text(self.name)}">{text(self.name, 60)}</span>'
        if self.pixels is None:
            return f"<figure class=photo><figcaption>{below}</figcaption></figure>"
        if self.heat is None:
            return photo(self.pixels, self.name, below)
        both = photo(self.pixels, self.name) + photo(self.heat, f"what in {self.name} speaks for {self.predicted}")
        return f"<figure class=pair>{both}<figcaption>{below}</figcaption></figure>"


def percent(share: float) -> str:
    """A share as people read it.

    Example:
        >>> percent(0.9482), percent(1.0)
        ('94.8 %', '100.0 %')
    """
    return f"{share:.1%}".replace("%", " %")


def between(metric: Metric) -> str:
    """A share with its interval.

    Example:
        >>> between(proportion(35, 50))
        '70.0 % (95 % interval 56.2 to 80.9)'
    """
    low, high = metric.ci
    return f"{percent(metric.value)} (95 % interval {100 * low:.1f} to {100 * high:.1f})"


def plural(count: int, one: str, several: str | None = None) -> str:
    """A count and what is counted.

    Example:
        >>> plural(1, "photo"), plural(2, "class", "classes")
        ('1 photo', '2 classes')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def summary(
    main: tuple[str, str] | None, on: str, cards: Sequence[tuple[str, str]], todo: Sequence[tuple[bool, str]]
) -> Section:
    """What one should know who reads no further.

    Args:
        main: how good it is: a number, and what it is; None where nothing was measured.
        on: on what it was measured.
        cards: further numbers and what they are.
        todo: whether it is a warning, and a sentence.
    """
    blocks = ""
    lead = "Nothing was measured: no held-out photos are known."
    if main is not None:
        number, words = main
        blocks = f'<div class="card main"><b>{text(number)}</b><span>{text(words, 200)}</span></div>'
        lead = (
            f"Measured on {on}. The interval is what so many photos leave open; on photos of another kind, the "
            "number may be anything."
        )
    blocks += "".join(
        f"<div class=card><b>{text(number)}</b><span>{text(words)}</span></div>" for number, words in cards
    )
    items = "".join(f"<li{' class=warn' if warn else ''}>{text(words, 500)}</li>" for warn, words in todo)
    listed = f"<h3>What stands out</h3><ul class=todo>{items}</ul>" if todo else ""
    return Section("In short", f"<div class=cards>{blocks}</div>{paragraph(lead)}{listed}", "short")


def classes(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> Section:
    """How good each class is, by intervals: from counts of shape (classes, classes), a row a true class."""
    table_of = np.asarray(counts)
    recalls = [proportion(int(table_of[i, i]), int(table_of[i].sum())) for i in range(len(labels))]
    right = [proportion(int(table_of[i, i]), int(table_of[:, i].sum())) for i in range(len(labels))]
    order = sorted(range(len(labels)), key=lambda i: (recalls[i].n == 0, recalls[i].value))[:CLASSES]
    rows = [[text(labels[i], 60), str(recalls[i].n), _share(recalls[i]), _share(right[i])] for i in order]
    more = f" The {CLASSES} that are found least are shown, of {len(labels)}." if len(labels) > CLASSES else ""
    measured = [i for i in order if recalls[i].n]
    lead = ""
    if measured:
        lead = paragraph(
            f"Of all classes, \u201c{labels[measured[0]]}\u201d is found least: {between(recalls[measured[0]])}."
        )
    sentence = (
        "Found: how many of a class' photos it recognises. Right when said: how often it is right that says so. The "
        f"lines are 95 % intervals (Wilson); classes whose lines overlap widely may well be equally good.{more}"
    )
    header = ["class", "photos", "found", "right when said"]
    return Section("Class by class", lead + table(header, rows, sentence), "classes")


def _share(metric: Metric | None) -> str:
    if metric is None or not metric.n:
        return "-"
    low, high = (f"{100 * end:.0f}" for end in metric.ci)
    return f"{percent(metric.value)} <small>({low} to {high})</small>{svg.interval(metric)}"


def confusions(counts: Sequence[Sequence[int]], labels: Sequence[str], pairs: Sequence[ShownPhoto]) -> Section:
    """Which class is taken for which: the table, and the pairs that are confused most with some of their photos."""
    table_of = np.asarray(counts)
    total = int(table_of.sum())
    body = (
        confusion(counts, labels, total)
        if len(labels) <= READABLE
        else paragraph(f"{len(labels)} classes are too many for a table; the pairs that are confused most follow.")
    )
    wrong = [(int(table_of[i, j]), i, j) for i, j in np.argwhere(table_of) if i != j]
    wrong.sort(key=lambda item: -item[0])
    for count, i, j in wrong[:PAIRS]:
        share = proportion(count, int(table_of[i].sum()))
        shown = [item for item in pairs if (item.truth, item.predicted) == (labels[i], labels[j])][:OF_PAIR]
        body += f"<h3>{text(labels[i], 60)} taken for {text(labels[j], 60)}</h3>"
        body += paragraph(f"{count} of {share.n} photos: {between(share)}.")
        body += gallery(item.html(f"{percent(item.probability)} {text(item.predicted, 40)}") for item in shown)
    if not wrong:
        body += paragraph("Nothing is confused.")
    return Section("What is confused", body, "confused")


def losses(photos: Sequence[ShownPhoto], method: str) -> Section | None:
    """The held-out photos whose true class it gave least."""
    if not photos:
        return None
    lead = (
        "The held-out photos to whose own class it gave the least probability, the worst first. Beside a photo: "
        f"what in it speaks for what it was taken for, from yellow to red ({method}); what is dark, it did not see. "
        "A wrong label shows here as a mistake that is none."
    )
    shown = [
        item.html(
            f"<b>{text(item.truth, 40)}</b> {percent(item.own)}"
            + (
                f", taken for <b>{text(item.predicted, 40)}</b> {percent(item.probability)}"
                if item.predicted != item.truth
                else ""
            )
        )
        for item in photos
    ]
    return Section("Its worst answers", paragraph(lead) + gallery(shown), "worst")


def looks(photos: Sequence[ShownPhoto], method: str) -> Section | None:
    """What it looks at where it is right."""
    if not photos:
        return None
    lead = (
        "A held-out photo of each class that it got right, and what in it speaks for the class, from yellow to red "
        f"({method}). Where the background is red, it has learned the background."
    )
    shown = [item.html(f"<b>{text(item.truth, 40)}</b> {percent(item.probability)}") for item in photos]
    return Section("Where it looks", paragraph(lead) + gallery(shown), "looks")


def labels(per_label: Mapping[str, Mapping], thresholds: Mapping[str, float]) -> Section:
    """How good each label is, by intervals.

    Args:
        per_label: by label, "n", "average_precision" and "f1", or None where these are unknown, "recall", "precision".
        thresholds: probability from which each label is given.
    """

    def badness(name: str) -> float:
        precision = per_label[name]["average_precision"]
        return 2.0 if precision is None else precision.value

    order = sorted(per_label, key=badness)[:CLASSES]
    rows = []
    for name in order:
        each = per_label[name]
        intervals = [_share(each[key]) for key in ("average_precision", "f1")]
        shares = ["-" if each[key] is None else percent(each[key]) for key in ("recall", "precision")]
        rows.append([text(name, 60), str(each["n"]), *intervals, *shares, percent(thresholds[name])])
    more = f" The {CLASSES} that are told worst are shown, of {len(per_label)}." if len(per_label) > CLASSES else ""
    sentence = (
        "Average precision: how far photos with the label come before photos without it when they are ordered by its "
        "probability. F1 is the harmonic mean of the next two. Found: how many of the photos with the label get it. "
        "Right when said: how often it is right that says so. From: the probability from which the label is given. "
        f"The lines are 95 % intervals.{more}"
    )
    header = ["label", "photos", "average precision", "F1", "found", "right when said", "from"]
    return Section("Label by label", table(header, rows, sentence), "labels")


def wrong_labels(photos: Sequence[tuple[ShownPhoto, bool]], method: str) -> Section | None:
    """The wrong answers about a label that it was surest of.

    Args:
        photos: each with whether it has the label.
        method: by which the heat was computed.
    """
    if not photos:
        return None
    lead = (
        "The held-out photos with a wrong answer about a label, the surest first. Beside a photo: what in it speaks "
        f"for the label, from yellow to red ({method}); what is dark, it did not see. A label that was forgotten "
        "shows here as a mistake that is none."
    )
    shown = [
        item.html(
            f"{'has' if has else 'has no'} <b>{text(item.predicted, 40)}</b>, which it was given "
            f"{percent(item.probability)}"
        )
        for item, has in photos
    ]
    return Section("Its worst answers", paragraph(lead) + gallery(shown), "worst")


def right_labels(photos: Sequence[ShownPhoto], method: str) -> Section | None:
    """What it looks at where it gives a label and is right."""
    if not photos:
        return None
    lead = (
        "A held-out photo of each label that has it and was given it, and what in it speaks for the label, from "
        f"yellow to red ({method}). Where the background is red, it has learned the background."
    )
    shown = [item.html(f"<b>{text(item.predicted, 40)}</b> {percent(item.probability)}") for item in photos]
    return Section("Where it looks", paragraph(lead) + gallery(shown), "looks")


def estimates(truth: np.ndarray, estimated: np.ndarray, quantity: str) -> Section:
    """How far off estimates are, of n numbers each, and where.

    Args:
        truth, estimated: shape (n,).
        quantity: what the number is called.
    """
    off = np.abs(estimated - truth)
    half, most = np.quantile(off, [0.5, 0.9])
    lead = paragraph(
        f"Half of the estimates are off by less than {half:.3g}, nine in ten by less than {most:.3g}, and the worst "
        f"by {off.max():.3g}."
    )
    sentence = (
        "Each dot is a held-out photo. On the dashed line, estimate and truth agree; dots above it were estimated too "
        "high. Where the dots lie flatter than the line, it keeps to the mean."
    )
    return Section(
        "How far off", lead + figure(svg.scatter(truth.tolist(), estimated.tolist(), quantity), sentence), "estimates"
    )


def furthest(photos: Sequence[tuple[ShownPhoto, float, float]], quantity: str, method: str) -> Section | None:
    """The held-out photos whose number it estimates worst: each with its number and the estimate."""
    lead = (
        f"The held-out photos whose {quantity} it estimates worst. Beside a photo: what in it raises the estimate, "
        f"from yellow to red ({method}); what is dark, it did not see. A wrong number shows here as a mistake that "
        "is none."
    )
    return _with_numbers("Its worst answers", lead, photos, "worst")


def raised(photos: Sequence[tuple[ShownPhoto, float, float]], quantity: str, method: str) -> Section | None:
    """What it looks at: photos, their numbers and the estimates, from low to high."""
    lead = (
        f"Held-out photos from the lowest estimate of {quantity} to the highest, none of them far off, and what in "
        f"each raises it, from yellow to red ({method})."
    )
    return _with_numbers("Where it looks", lead, photos, "looks")


def _with_numbers(
    title: str, lead: str, photos: Sequence[tuple[ShownPhoto, float, float]], anchor: str
) -> Section | None:
    if not photos:
        return None
    shown = [item.html(f"<b>{estimate:.4g}</b>, and it is {truth:.4g}") for item, truth, estimate in photos]
    return Section(title, paragraph(lead) + gallery(shown), anchor)


def calibration(
    before: Reliability, loss: float, after: Reliability | None, loss_after: float, temperature: float
) -> Section:
    """Whether its probabilities can be taken at their word.

    Args:
        before: of the probabilities that it gives.
        loss: mean cross-entropy of these, in nats.
        after: had its temperature been used; None where it has none.
        loss_after: likewise.
        temperature: likewise.
    """
    total = sum(share.n for _, share in before.bins)
    worse = before.error > before.by_chance
    lead = (
        f"What it gives as probability and how often it is right are {100 * before.error:.1f} points apart on "
        f"average (expected calibration error). Perfect probabilities would stay below {100 * before.by_chance:.1f} "
        f"points in 95 of 100 draws of {total:,} photos, so "
        + (
            "this is more than chance explains: take its probabilities with care."
            if worse
            else "this is no more than chance gives, and nothing speaks against them."
        )
    )
    sentence = (
        "Each dot is a tenth of the scale, larger where there are more photos, with its 95 % interval (Wilson). On "
        "the dashed line, probability and share agree; below it, it is too sure."
    )
    body = paragraph(lead) + figure(svg.reliability_diagram(before), sentence)
    if after is not None:
        rows = [
            ["as it answers", f"{loss:.3f}", f"{100 * before.error:.1f}"],
            [f"at temperature {temperature:.2f}", f"{loss_after:.3f}", f"{100 * after.error:.1f}"],
        ]
        body += "<h3>Temperature</h3>" + table(
            ["probabilities", "cross-entropy, nats", "calibration error, points"],
            rows,
            "Out-of-fold predictions on the training photos alone chose the temperature. It is kept in the file and "
            "not used in answers, so that plain Keras gives the same ones; both lines are of the held-out photos, "
            "less is better.",
        )
    return Section("Can its probabilities be trusted?", body, "calibration")


def data(
    rows: Sequence[tuple[str, int, int]],
    of: str,
    photos: tuple[int, int],
    sizes: Sequence[tuple[int, int]],
    findings: Sequence[tuple[str, str, int, str]],
) -> Section:
    """What it learned from, and what it was measured on.

    Args:
        rows: what photos have, how many to learn from have it, how many held out.
        of: what the rows are, with their number.
        photos: to learn from, held out.
        sizes: (width, height) of the photos, where they were looked at.
        findings: severity, kind, how often, what to do about it.
    """
    most = max((first + second for _, first, second in rows), default=0) or 1
    lines = [
        f"<span>{text(name, 40)}</span><span class=bar><i style=--part:{first / most:.4f}></i>"
        f"<i style=--part:{second / most:.4f}></i></span><span>{first} + {second}</span>"
        for name, first, second in rows[:CLASSES]
    ]
    sentence = f"{plural(photos[0], 'photo')} to learn from, and {photos[1]:,} held out to measure on, in {of}."
    key = "<p class=key><i></i>to learn from <i></i>held out</p>"
    body = key + figure(f"<div class=bars>{''.join(lines)}</div>", sentence)
    if sizes:
        width, height = np.median(np.array(sizes), axis=0)
        small = min(sizes, key=lambda size: size[0] * size[1])
        large = max(sizes, key=lambda size: size[0] * size[1])
        body += paragraph(
            f"Half of the photos are wider than {width:.0f} and half are higher than {height:.0f} pixels; the "
            f"smallest is {small[0]} x {small[1]}, the largest {large[0]} x {large[1]}."
        )
    if findings:
        body += "<h3>What the doctor found</h3><ul class=todo>"
        for severity, kind, count, advice in findings:
            warn = " class=warn" if severity == "error" else ""
            body += f"<li{warn}><b>{text(kind)}</b>, {'once' if count == 1 else f'{count} times'}. {text(advice)}</li>"
        body += "</ul>"
    return Section("The photos", body, "data")


def suspects(photos: Sequence[tuple[ShownPhoto, str]], count: int, total: int) -> Section | None:
    """Training photos whose label is probably wrong.

    Args:
        photos: those to show, and which class is likelier.
        count: how many there are.
        total: of how many.
    """
    if not total:
        return None
    lead = (
        f"{plural(count, 'label')} of {total:,} in the training part are less likely than another one, by a head "
        "that never saw the photo; the worst come first. Look at them: some are wrong labels, others are only hard."
    )
    shown = [
        item.html(f"labelled <b>{text(item.truth, 40)}</b>, likelier <b>{text(likelier, 40)}</b>")
        for item, likelier in photos
    ]
    return Section("Labels that may be wrong", paragraph(lead) + gallery(shown), "labels")


def copies(groups: Sequence[tuple[str, Sequence[ShownPhoto]]], count: int) -> Section | None:
    """Photos that are there more than once.

    Args:
        groups: what is said of the copies, and these; of each photo, `truth` says of which class it is and whether it
            was learned from.
        count: of groups in all.
    """
    if not count:
        return None
    lead = (
        f"{plural(count, 'group')} of photos that are the same, byte for byte or but for size, compression or "
        "brightness. Where one copy was learned from and another held out, what is measured is flattered."
    )
    shown = []
    for words, photos in groups:
        both = "".join(photo(item.pixels, item.name) for item in photos[:2] if item.pixels is not None)
        each = "".join(
            f'<div>{text(item.truth, 60)}<span class=path title="{text(item.name)}">{text(item.name, 60)}</span></div>'
            for item in photos
        )
        shown.append(f"<figure class=pair>{both}<figcaption><b>{text(words)}</b>{each}</figcaption></figure>")
    return Section("Photos that are there twice", paragraph(lead) + gallery(shown), "copies")


def curves(history: Mapping[str, Sequence[float]]) -> Section | None:
    """How it learned: a number an epoch for each name; those of watched photos have "val_" in front."""
    names = [name for name in history if not name.startswith("val_")]
    if not names:
        return None
    drawn = "".join(svg.curve(name, history[name], history.get(f"val_{name}")) for name in names)
    watched = any(name.startswith("val_") for name in history)
    sentence = (
        f"From left to right the epochs, {len(history[names[0]])} in all. The line is of what was learned from"
        + (
            "; the dashed one of photos that were only watched: where it turns away from the other, more learning "
            "is memorising."
            if watched
            else "."
        )
    )
    return Section("How it learned", figure(f"<div class=curves>{drawn}</div>", sentence), "curves")


def making(facts: Sequence[tuple[str, str]], missing: Sequence[str]) -> Section:
    """How it was made, and what the report lacks and why."""
    body = f"<dl>{''.join(f'<dt>{text(key)}</dt><dd>{text(value, 300)}</dd>' for key, value in facts)}</dl>"
    if missing:
        body += (
            "<h3>What is not in this report</h3><ul>"
            + "".join(f"<li>{text(line, 500)}</li>" for line in missing)
            + "</ul>"
        )
    return Section("How it was made", body, "making")


def most_confused(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> str | None:
    """The pair that is confused most, in a sentence."""
    pairs = Counter({(i, j): count for i, row in enumerate(counts) for j, count in enumerate(row) if i != j and count})
    if not pairs:
        return None
    ((i, j), count), *_ = pairs.most_common(1)
    return (
        f"\u201c{labels[i]}\u201d is most often taken for \u201c{labels[j]}\u201d: {count} of {sum(counts[i])} photos."
    )
