"""One page to mail: how good a classifier is, what it confuses, where it looks, and what is wrong with its photos.

Here the data are found and measured; what is said of them stands in `visualization/report_page.py`.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo import catalog, metrics, saving
from zoo._version import __version__
from zoo.data import images, sources
from zoo.data.dataset import Dataset
from zoo.data.doctor.examine import examine
from zoo.data.doctor.findings import KINDS, SEVERITIES, Finding
from zoo.data.images.labels import joined
from zoo.data.images.pictures import Pictures
from zoo.data.images.preprocessing import Points
from zoo.errors import UsageError, ZooError
from zoo.files import claimed, expand
from zoo.tasks import factory
from zoo.tasks.images.classification import Classifier
from zoo.tasks.images.evaluation import Certainty, Evaluation, measured_on
from zoo.tasks.images.explanation import GRAD_CAM, GRADIENTS
from zoo.tasks.images.known_pictures import beginning
from zoo.transfer.audit import Audit, Suspect
from zoo.transfer.features import Backbone, FeatureEngine, extract
from zoo.visualization import report_page as parts
from zoo.visualization.pages import Section, page, page_output, write_page
from zoo.visualization.report_page import ShownPhoto
from zoo.weights.load import at_hand

SIDE = 360  # pixels of a photo's longer side on the page
WORST, LOOKS, SUSPECTS, GROUPS, OF_GROUP = 12, 8, 12, 8, 4  # photos, and groups of copies, that are shown
DOCTOR, AUDIT = 5_000, 20_000  # photos above which these would take minutes
COPIES = {  # the doctor's kinds of copies, the worst first, and what the page calls them
    "across classes": "In two classes",
    "across splits": "In two parts",
    "near duplicate across classes": "In two classes",
    "duplicate": "Twice in a class",
    "near duplicate": "Twice in a class",
}
METHODS = {GRAD_CAM: "Grad-CAM", GRADIENTS: "gradients at the pixels"}


def report(file: str | Path, *, data: Any = None, out: str | Path, overwrite: bool = False) -> dict:
    """Write one page on a saved classifier: how good it is, what it confuses, where it looks.

    The page is one HTML file that needs no other and no network. It measures on photos that were not trained on. Where
    the photos are gone, the page shows what the file remembers, and says so.

    Args:
        file: a `.keras` file of a classifier.
        data: the photos that it was made from, or others to measure it on; None takes them from where they lay.
        out: an `.html` file; it is written whole or not at all.
        overwrite: replace whatever file is there; without it, only a page of the zoo's.

    Returns:
        What was written: `{"out": str, "sections": [...], "missing": [...], "accuracy": Metric | None}`.

    Raises:
        UsageError: `file` is no classifier of photos, or `out` is called like no page.
        ZooError: `data` cannot be found, or something else is at `out`.

    Example:
        >>> import zoo
        >>> pets = zoo.finetune("textures", out="textures.keras")
        >>> report("textures.keras", out="textures.html")["sections"][:2]
        ['In short', 'Class by class']
    """
    require_page(out)
    with claimed(out):
        page_output(out, [file] if data is None or not isinstance(data, str | Path) else [file, data], overwrite)
        classifier = factory.from_file(expand(file))
        if not isinstance(classifier, Classifier) or isinstance(classifier.preprocessing, Points):
            raise UsageError(f"{file} is a model for {classifier.entry.task}; a report is on a classifier of photos.")
        return write_report(
            classifier, expand(file), out, data=data, history=logged(expand(file)), overwrite=overwrite
        )


def require_page(out: str | Path) -> None:
    """Refuse a name that is no page's.

    Raises:
        UsageError: it does not end in .html.
    """
    if Path(out).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"a report is an .html file, got {str(out)!r}; try {str(Path(out).with_suffix('.html'))!r}.")


def write_report(
    classifier: Classifier,
    file: Path,
    out: str | Path,
    *,
    data: Any = None,
    evaluation: Evaluation | None = None,
    history: Mapping[str, Sequence[float]] | None = None,
    overwrite: bool = False,
) -> dict:
    """The same for a classifier that is open.

    Args:
        classifier: the classifier.
        file: where it was saved.
        out: the page.
        data: as for `report`.
        evaluation: what was measured on held-out photos; None measures it.
        history: numbers by epoch, where there were epochs.
        overwrite: as for `report`.
    """
    place = page_output(out, overwrite=overwrite)
    gathered = Gathered.of(classifier, file, data, evaluation)
    sections = [section for section in _sections(gathered, history or {}) if section is not None]
    labels = classifier.class_names()
    subtitle = f"A classifier of {parts.plural(len(labels), 'class', 'classes')}: {', '.join(labels[:8])}"
    write_page(place, page(file.name, subtitle + (", ..." if len(labels) > 8 else ""), sections))
    return {
        "out": str(out),
        "sections": [section.title for section in sections],
        "missing": gathered.missing,
        "accuracy": gathered.measured.get("accuracy"),
    }


def logged(file: Path) -> dict[str, list[float]]:
    """The curves that `zoo train` left beside a file; none where there are none."""
    log = file.with_suffix(".training") / "log.csv"
    if not log.is_file():
        return {}
    try:
        with log.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        names = [name for name in rows[0] if name.removeprefix("val_") in ("loss", "accuracy")]
        return {name: [float(row[name]) for row in rows] for name in names}
    except (OSError, ValueError, TypeError, IndexError):  # it is no log of the zoo's
        return {}


@dataclass
class Gathered:
    """All that a report is made of.

    Attributes:
        classifier: what it is on.
        file: where that was saved.
        measured: the numbers, of now or as the file remembers them; {} where there are none.
        evaluation: of now; None where the photos are not at hand.
        learned: the photos that it was trained on, as far as they are at hand.
        sizes: width and height of the photos, where they were looked at.
        findings: the doctor's.
        audit: of the labels of `learned`.
        missing: what is not there and why, a sentence each.
        method: by which heat maps were computed.
    """

    classifier: Classifier
    file: Path
    measured: dict = field(default_factory=dict)
    evaluation: Evaluation | None = None
    learned: Pictures | None = None
    sizes: list[tuple[int, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    audit: Audit | None = None
    missing: list[str] = field(default_factory=list)
    method: str = METHODS[GRAD_CAM]

    @classmethod
    def of(cls, classifier: Classifier, file: Path, data: Any, evaluation: Evaluation | None) -> Gathered:
        """Find the photos, and look at them.

        Raises:
            ZooError: `data` were given and cannot be found.
        """
        self = cls(classifier, file, _remembered(classifier))
        try:
            own = classifier._own_data("train") if data is None else data
            dataset = classifier._resolve_dataset(own, sources.find)
        except ZooError as error:
            if data is not None:
                raise
            reason = str(error).partition(". Give the pictures")[0]
            self.missing.append(f"The photos, and all that needs them: {reason}. With them: --data FOLDER.")
            return self
        try:
            self.evaluation = classifier.evaluate(data) if evaluation is None else evaluation
            self.measured = dict(self.evaluation)
        except ZooError as error:
            self.missing.append(f"What is measured on held-out photos: {error}")
        self._learned(dataset)
        self._examine(own, dataset)
        self._audit()
        return self

    def _learned(self, dataset: Dataset) -> None:
        """Find the photos that it was trained on."""
        everything, pictures = joined([*dataset.splits.values()]), self.classifier._known_pictures
        if pictures.trained_on:
            digests = [everything.digest(index) for index in range(len(everything))]
            rows = [row for row, digest in enumerate(digests) if beginning(digest) in pictures.trained_on]
            self.learned = everything.subset(rows)
            if len(rows) < len(pictures.trained_on):
                self.missing.append(
                    f"{len(pictures.trained_on) - len(rows)} of the {len(pictures.trained_on)} photos that it was "
                    f"trained on: they are not in {dataset.name}."
                )
        elif self.evaluation is not None and "train" in dataset.splits and len(dataset.splits) > 1:
            self.learned = dataset.splits["train"]  # an older file does not say which they were
        if self.learned is not None and not len(self.learned):
            self.learned = None

    def _examine(self, own: Any, dataset: Dataset) -> None:
        """Let the doctor look at the photos."""
        count = sum(map(len, dataset.splits.values()))
        if not any(part.in_files() for part in dataset.splits.values()):
            return
        if count > DOCTOR:
            self.missing.append(f"The doctor's findings: {count:,} photos would take minutes. Type: zoo doctor FOLDER")
            return
        examination = examine(own)
        self.sizes, self.findings = examination.sizes, examination.findings

    def _audit(self) -> None:
        """Judge the labels that it learned from, by the frozen network's features."""
        learned, fit = self.learned, self.classifier._head_fit
        if learned is None:
            return
        if len(learned) > AUDIT:
            self.missing.append(
                f"Labels that may be wrong: {len(learned):,} would take minutes. Type: zoo audit FOLDER"
            )
            return
        card = catalog.cards().get(self.classifier.name)
        if card is None or not card.is_backbone:
            self.missing.append("Labels that may be wrong: a pretrained network judges them. Type: zoo audit FOLDER")
            return
        try:
            backbone = Backbone(self.classifier.name)
            if at_hand(backbone.weights_card) is None:
                raise ZooError(f"the weights of {backbone.name} are not on this machine")
            engine = FeatureEngine(backbone, fit.precision if fit else None)
            seen = extract(learned, engine, title="training pictures")
            self.audit = Audit(learned, seen, engine, seen.skipped, 0)
        except ZooError as error:
            self.missing.append(f"Labels that may be wrong, which a pretrained network judges: {error}")

    def photo(self, item: Any, name: str, heat_for: str | None = None, **facts: Any) -> ShownPhoto:
        """A photo as the page shows it; with what speaks for a class, where one is named."""
        pixels, heat = None, None
        try:
            if heat_for is None:
                pixels = images.whole(item, SIDE)
            else:
                why = self.classifier.explain(item, heat_for)
                self.method = METHODS[why.method]
                pixels, heat = (smaller(picture) for picture in (Image.fromarray(why.photo), why.overlay()))
        except ZooError:  # it has gone, or was changed, since it was measured
            pass
        return ShownPhoto(name, pixels, heat=heat, **facts)

    def measured_photo(self, number: int, heat: bool = True) -> ShownPhoto:
        """The photo that stands at a place of `certainty`."""
        assert self.evaluation is not None
        certainty, pictures, labels = self.certainty, self.evaluation._pictures, self.classifier.class_names()
        index, predicted = int(certainty.index[number]), labels[certainty.predicted[number]]
        return self.photo(
            pictures.items[index],
            Path(pictures.name(index)).name,
            heat_for=predicted if heat else None,
            truth=labels[certainty.truth[number]],
            predicted=predicted,
            probability=float(certainty.confidence[number]),
            own=float(certainty.own[number]),
        )

    @property
    def certainty(self) -> Certainty:
        """How sure it was of each photo that it was measured on."""
        assert self.evaluation is not None and self.evaluation._certainty is not None
        return self.evaluation._certainty


def smaller(picture: Image.Image) -> np.ndarray:
    """A picture that is no longer than `SIDE`."""
    picture.thumbnail((SIDE, SIDE))
    return np.asarray(picture.convert("RGB"))


def _remembered(classifier: Classifier) -> dict:
    """The numbers that the file remembers, where they are of its classes; a stranger's file may hold anything."""
    measured, labels = classifier.metrics, classifier.class_names()
    accuracy, confusion = measured.get("accuracy"), measured.get("confusion")
    if not isinstance(accuracy, metrics.Metric) or measured.get("labels") != labels:
        return {}
    rows = confusion if isinstance(confusion, list) and len(confusion) == len(labels) else []
    sound = rows and all(
        isinstance(row, list) and len(row) == len(labels) and all(type(n) is int and 0 <= n < 2**53 for n in row)
        for row in rows
    )
    return {**measured, "confusion": confusion if sound else None}


def _sections(gathered: Gathered, history: Mapping[str, Sequence[float]]) -> Iterator[Section | None]:
    """The parts of a report on a classifier, in their order."""
    measured, labels = gathered.measured, gathered.classifier.class_names()
    counts, copied = measured.get("confusion"), [item for item in gathered.findings if item.kind in COPIES]
    reliability = None
    if gathered.evaluation is not None:
        certainty = gathered.certainty
        reliability = certainty.reliability
    yield parts.summary(
        measured.get("accuracy"), _on(measured), [*_cards(gathered)], [*_todo(gathered, copied, reliability)]
    )
    if counts is not None:
        yield parts.classes(counts, labels)
        yield parts.confusions(counts, labels, _confused(gathered, counts))
    if reliability is not None:
        worst = [gathered.measured_photo(number) for number in _worst(certainty)]
        right = [gathered.measured_photo(number) for number in _typical(certainty, len(labels))]
        yield parts.losses(worst, gathered.method)
        yield parts.looks(right, gathered.method)
        yield _calibration(gathered, reliability)
    yield parts.curves(history)
    yield _data(gathered)
    yield _suspects(gathered)
    yield _copies(gathered, copied)
    yield parts.making([*_facts(gathered)], gathered.missing)


def _on(measured: dict) -> str:
    """What the numbers are of, for people."""
    try:
        return measured_on(measured)
    except (KeyError, TypeError):  # a file of an earlier version
        return "held-out photos"


def _cards(gathered: Gathered) -> Iterator[tuple[str, str]]:
    """Numbers for the top of the page."""
    labels = len(gathered.classifier.class_names())
    pictures = gathered.classifier._known_pictures
    yield str(labels), "classes"
    if pictures.trained_on:
        yield f"{len(pictures.trained_on):,}", "photos that it learned from"
    if gathered.audit:
        yield f"{len(gathered.audit.suspects):,}", "of their labels worth a look"


def _todo(
    gathered: Gathered, copied: list[Finding], reliability: metrics.Reliability | None
) -> Iterator[tuple[bool, str]]:
    """What stands out: whether it is a warning, and a sentence."""
    measured, labels = gathered.measured, gathered.classifier.class_names()
    for sentence in gathered.missing[:1] if gathered.evaluation is None else []:
        yield True, f"Not here: {sentence}"
    if (counts := measured.get("confusion")) and (pair := parts.most_confused(counts, labels)):
        yield False, pair
    if (accuracy := measured.get("accuracy")) and accuracy.n and accuracy.ci[1] - accuracy.ci[0] > 0.1:
        yield (
            True,
            f"Only {accuracy.n} photos were held out, so the accuracy is known to "
            f"{50 * (accuracy.ci[1] - accuracy.ci[0]):.0f} points or so. More of them would narrow the interval.",
        )
    if reliability and reliability.error > reliability.by_chance:
        sure = gathered.certainty.confidence.mean() > measured["accuracy"].value
        yield (
            True,
            f"Its probabilities are too {'high' if sure else 'low'}, by {100 * reliability.error:.1f} points on "
            "average.",
        )
    if across := sum({"learned from", "held out"} <= {*_sides(gathered, finding)} for finding in copied):
        photos = parts.plural(across, "photo was", "photos were")
        yield True, f"{photos} learned from and nearly the same one held out: the accuracy is flattered."
    if gathered.audit and (count := len(gathered.audit.suspects)):
        labels_are = parts.plural(count, "training label is", "training labels are")
        yield (
            False,
            f"{labels_are} less likely than another one: some are wrong, others only hard. The worst are below.",
        )
    errors = Counter(item.kind for item in gathered.findings if item.severity == "error" and item.kind not in COPIES)
    for kind, count in errors.items():
        yield True, f"{parts.plural(count, 'photo or file', 'photos or files')}: {kind}. {KINDS[kind][1]}"


def _worst(certainty: Certainty) -> list[int]:
    """The photos whose own class is least probable: the mistakes, and some more where these are few."""
    mistakes = int((certainty.predicted != certainty.truth).sum())
    return np.argsort(certainty.own, kind="stable")[: min(WORST, max(WORST // 2, mistakes))].tolist()


def _typical(certainty: Certainty, num_classes: int) -> list[int]:
    """A photo of each class that is right, neither the surest nor the least sure, of the first classes."""
    chosen: list[int] = []
    for label in range(num_classes):
        right = np.flatnonzero((certainty.truth == label) & (certainty.predicted == label))
        if len(right) and len(chosen) < LOOKS:
            chosen.append(int(right[np.argsort(certainty.own[right], kind="stable")[len(right) // 2]]))
    return chosen


def _confused(gathered: Gathered, counts: list[list[int]]) -> list[ShownPhoto]:
    """Photos of the pairs that are confused most, the surest mistakes first."""
    if gathered.evaluation is None:
        return []
    certainty = gathered.certainty
    wrong = {(i, j): n for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n}
    pairs = sorted(wrong, key=lambda pair: -wrong[pair])[: parts.PAIRS]
    chosen: list[ShownPhoto] = []
    for truth, predicted in pairs:
        rows = np.flatnonzero((certainty.truth == truth) & (certainty.predicted == predicted))
        rows = rows[np.argsort(-certainty.confidence[rows], kind="stable")][: parts.OF_PAIR]
        chosen += [gathered.measured_photo(int(row), heat=False) for row in rows]
    return chosen


def _calibration(gathered: Gathered, before: metrics.Reliability) -> Section:
    """How far its probabilities can be trusted, and what its temperature would change."""
    assert gathered.evaluation is not None
    certainty, calibrated = gathered.certainty, gathered.evaluation._calibrated
    after, loss_after, temperature = None, 0.0, 1.0
    if calibrated is not None and gathered.classifier._calibration is not None:
        after, loss_after = calibrated.reliability, calibrated.loss
        temperature = gathered.classifier._calibration.temperature
    return parts.calibration(before, certainty.loss, after, loss_after, temperature)


def _data(gathered: Gathered) -> Section | None:
    """Counts by class, sizes, and what the doctor found."""
    if gathered.learned is None and gathered.evaluation is None:
        return None
    labels = gathered.classifier.class_names()
    learned: Counter[str] = Counter()
    if gathered.learned is not None:
        learned.update(gathered.learned.labels[number] for number in gathered.learned.y.tolist())
    apart = Counter(labels[n] for n in gathered.certainty.truth.tolist()) if gathered.evaluation is not None else {}
    rows = [(label, learned[label], apart.get(label, 0)) for label in labels]
    kinds = Counter(item.kind for item in gathered.findings if item.severity != "info")
    findings = [(SEVERITIES[KINDS[kind][0]], kind, count, KINDS[kind][1]) for kind, count in kinds.items()]
    return parts.data(rows, gathered.sizes, findings)


def _suspects(gathered: Gathered) -> Section | None:
    """Training photos whose label another class beats."""
    audit, learned = gathered.audit, gathered.learned
    if audit is None or learned is None:
        return None
    at = {learned.name(index): learned.items[index] for index in range(len(learned))}

    def shown(suspect: Suspect) -> tuple[ShownPhoto, str]:
        facts = {"truth": suspect.label, "predicted": suspect.likelier}
        own = suspect.probability
        name = Path(suspect.path).name
        return gathered.photo(at[suspect.path], name, probability=1 - own, own=own, **facts), suspect.likelier

    return parts.suspects([shown(item) for item in audit.suspects[:SUSPECTS]], len(audit.suspects), len(audit.ranking))


def _sides(gathered: Gathered, finding: Finding) -> list[str]:
    """Of each copy, whether it was learned from, held out, or neither, as far as the file knows."""
    pictures, sides = gathered.classifier._known_pictures, []
    for path in finding.paths[:OF_GROUP]:
        try:
            start = beginning(images.digest(path))
        except images.ImageError:
            start = 0
        learned, apart = start in pictures.trained_on, start in pictures.held_out
        sides.append("learned from" if learned else "held out" if apart else "not used")
    return sides


def _copies(gathered: Gathered, copied: list[Finding]) -> Section | None:
    """The photos that are there more than once, the worst kinds first."""
    order = sorted(copied, key=lambda finding: [*COPIES].index(finding.kind))

    def shown(finding: Finding) -> list[ShownPhoto]:
        sides = _sides(gathered, finding)
        return [
            gathered.photo(
                path, Path(path).name, truth=f"{Path(path).parent.name}, {side}", predicted="", probability=0, own=0
            )
            for path, side in zip(finding.paths, sides, strict=False)
        ]

    groups = [(f"{COPIES[finding.kind]}, {finding.detail}", shown(finding)) for finding in order[:GROUPS]]
    return parts.copies(groups, len(copied))


def _facts(gathered: Gathered) -> Iterator[tuple[str, str]]:
    """How the classifier was made."""
    classifier, archive = gathered.classifier, gathered.classifier._archive
    yield "file", f"{gathered.file.name}, {gathered.file.stat().st_size / 1e6:.1f} MB"
    if archive is not None and gathered.file.is_file():
        yield "SHA-256", saving.digest(gathered.file.read_bytes())
    yield "network", f"{classifier.name} ({classifier.entry.source})"
    yield "it sees", " x ".join(map(str, classifier.preprocessing.shape[:2])) + " pixels of each photo"
    if fit := classifier._head_fit:
        yield "head", f"logistic regression at its optimum, penalty {fit.strength:.2g}, chosen by cross-validation"
    if name := classifier.data.get("name"):
        yield "made from", str(name)
    yield "report by", f"zoo {__version__}"
