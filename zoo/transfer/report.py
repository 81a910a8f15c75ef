"""One page to mail: how good a model of photos is, what it gets wrong, where it looks; what is wrong with its photos.

`report_data.py` finds and measures, `report_answers.py` knows what is said of each kind of answers, and
`visualization/report_page.py` how it is said.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo import saving
from zoo._version import __version__
from zoo.data import images
from zoo.data.doctor.findings import KINDS as FOUND
from zoo.data.doctor.findings import SEVERITIES, Finding
from zoo.data.images.preprocessing import Points
from zoo.errors import UsageError
from zoo.files import claimed, expand
from zoo.tasks import factory
from zoo.tasks.images.evaluation import Evaluation
from zoo.tasks.images.known_pictures import beginning
from zoo.tasks.images.supervised import Supervised
from zoo.transfer.audit import Suspect
from zoo.transfer.report_answers import KINDS, Answers
from zoo.transfer.report_data import Gathered
from zoo.visualization import report_page as parts
from zoo.visualization.pages import Section, page, page_output, write_page
from zoo.visualization.report_page import ShownPhoto

SUSPECTS, GROUPS, OF_GROUP = 12, 8, 4  # photos, and groups of copies, that are shown
COPIES = {  # the doctor's kinds of copies, the worst first, and whether they have two answers
    "across classes": True,
    "across splits": False,
    "near duplicate across classes": True,
    "duplicate": False,
    "near duplicate": False,
}


def report(file: str | Path, *, data: Any = None, out: str | Path, overwrite: bool = False) -> dict:
    """Write one page on a saved model of photos: how good it is, what it gets wrong, where it looks.

    The page is one HTML file that needs no other and no network. It measures on photos that were not trained on. Where
    the photos are gone, the page shows what the file remembers, and says so.

    Args:
        file: a `.keras` file of a model of classes, labels or numbers.
        data: the photos that it was made from, or others to measure it on; None takes them from where they lay.
        out: an `.html` file; it is written whole or not at all.
        overwrite: replace whatever file is there; without it, only a page of the zoo's.

    Returns:
        What was written: `{"out": str, "sections": [...], "missing": [...]}`, and by its name the metric that was
        measured, "accuracy" of classes, or None.

    Raises:
        UsageError: `file` is no such model, or `out` is called like no page.
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
        model = factory.from_file(expand(file))
        if not isinstance(model, Supervised) or isinstance(model.preprocessing, Points):
            raise UsageError(
                f"{file} is a model for {model.entry.task}; a report is on a classifier of photos, or a model that "
                "tells their labels or a number."
            )
        return write_report(model, expand(file), out, data=data, history=logged(expand(file)), overwrite=overwrite)


def require_page(out: str | Path) -> None:
    """Refuse a name that is no page's.

    Raises:
        UsageError: it does not end in .html.
    """
    if Path(out).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"a report is an .html file, got {str(out)!r}; try {str(Path(out).with_suffix('.html'))!r}.")


def write_report(
    model: Supervised,
    file: Path,
    out: str | Path,
    *,
    data: Any = None,
    evaluation: Evaluation | None = None,
    history: Mapping[str, Sequence[float]] | None = None,
    overwrite: bool = False,
) -> dict:
    """The same for a model that is open.

    Args:
        model: the model.
        file: where it was saved.
        out: the page.
        data: as for `report`.
        evaluation: what was measured on held-out photos; None measures it.
        history: numbers by epoch, where there were epochs.
        overwrite: as for `report`.
    """
    place = page_output(out, overwrite=overwrite)
    gathered = Gathered.of(model, file, data, evaluation)
    answers = KINDS[model._target](gathered)
    sections = [section for section in _sections(gathered, answers, history or {}) if section is not None]
    write_page(place, page(file.name, answers.subtitle(), sections))
    return {
        "out": str(out),
        "sections": [section.title for section in sections],
        "missing": gathered.missing,
        model._shown_metric: answers.measured.get(model._shown_metric),
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


def _sections(
    gathered: Gathered, answers: Answers, history: Mapping[str, Sequence[float]]
) -> Iterator[Section | None]:
    """The parts of a report, in their order."""
    copied = [item for item in gathered.findings if item.kind in COPIES]
    yield parts.summary(answers.main(), answers.on(), [*answers.cards()], [*_todo(gathered, answers, copied)])
    yield from answers.sections()
    yield parts.curves(history)
    yield _data(gathered, answers)
    yield _suspects(gathered)
    yield _copies(gathered, answers, copied)
    yield parts.making([*_facts(gathered, answers)], gathered.missing)


def _todo(gathered: Gathered, answers: Answers, copied: list[Finding]) -> Iterator[tuple[bool, str]]:
    """What stands out: whether it is a warning, and a sentence."""
    for sentence in gathered.missing[:1] if gathered.evaluation is None else []:
        yield True, f"Not here: {sentence}"
    yield from answers.todo()
    if across := sum({"learned from", "held out"} <= {*_sides(gathered, finding)} for finding in copied):
        photos = parts.plural(across, "photo was", "photos were")
        yield True, f"{photos} learned from and nearly the same one held out: what is measured is flattered."
    errors = Counter(item.kind for item in gathered.findings if item.severity == "error" and item.kind not in COPIES)
    for kind, count in errors.items():
        yield True, f"{parts.plural(count, 'photo or file', 'photos or files')}: {kind}. {FOUND[kind][1]}"


def _data(gathered: Gathered, answers: Answers) -> Section | None:
    """Counts, sizes, and what the doctor found."""
    learned = 0 if gathered.learned is None else len(gathered.learned)
    apart = 0 if gathered.evaluation is None else answers.n
    if not learned + apart:
        return None
    kinds = Counter(item.kind for item in gathered.findings if item.severity != "info")
    findings = [(SEVERITIES[FOUND[kind][0]], kind, count, FOUND[kind][1]) for kind, count in kinds.items()]
    return parts.data(*answers.counted(), (learned, apart), gathered.sizes, findings)


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
    pictures, sides = gathered.model._known_pictures, []
    for path in finding.paths[:OF_GROUP]:
        try:
            start = beginning(images.digest(path))
        except images.ImageError:
            start = 0
        learned, apart = start in pictures.trained_on, start in pictures.held_out
        sides.append("learned from" if learned else "held out" if apart else "not used")
    return sides


def _copies(gathered: Gathered, answers: Answers, copied: list[Finding]) -> Section | None:
    """The photos that are there more than once, the worst kinds first."""
    order = sorted(copied, key=lambda finding: [*COPIES].index(finding.kind))

    def shown(finding: Finding) -> list[ShownPhoto]:
        sides = zip(finding.paths, _sides(gathered, finding), strict=False)
        return [gathered.photo(path, Path(path).name, truth=answers.of_copy(path, side)) for path, side in sides]

    def words(finding: Finding) -> str:
        return f"{answers.copied[0 if COPIES[finding.kind] else 1]}, {finding.detail}"

    groups = [(words(finding), shown(finding)) for finding in order[:GROUPS]]
    return parts.copies(groups, len(copied))


def _facts(gathered: Gathered, answers: Answers) -> Iterator[tuple[str, str]]:
    """How the model was made."""
    model, archive = gathered.model, gathered.model._archive
    yield "file", f"{gathered.file.name}, {gathered.file.stat().st_size / 1e6:.1f} MB"
    if archive is not None and gathered.file.is_file():
        yield "SHA-256", saving.digest(gathered.file.read_bytes())
    yield "network", f"{model.name} ({model.entry.source})"
    yield "it sees", " x ".join(map(str, model.preprocessing.shape[:2])) + " pixels of each photo"
    if fit := model._head_fit:
        yield "head", f"{answers.head} at its optimum, penalty {fit.strength:.2g}, chosen by cross-validation"
    if name := model.data.get("name"):
        yield "made from", str(name)
    yield "report by", f"zoo {__version__}"
