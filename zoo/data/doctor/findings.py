"""What the doctor can find, and the report that it gives."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.console import table
from zoo.data.images import skip_list
from zoo.errors import printable

SEVERITIES = {"error": "error", "warning": "warning", "info": "note"}  # and what people read
KINDS = {  # kind of finding: its severity, and what to do about it; in the order in which they are told
    "too few classes": ("error", "Put the pictures into one folder a class, for two classes at least."),
    "class too small": (
        "error",
        "Add pictures: a class needs two to learn from, and a third if none are held out yet.",
    ),
    "unknown class": ("error", "Add training pictures of it, or remove it from the held-out ones."),
    "several labels": ("error", "A picture has one label here: keep one of the rows, or skip the picture."),
    "across classes": ("error", "Keep the copy whose class is right; the skip list leaves out all of them."),
    "across splits": ("error", "They flatter the accuracy; the skip list leaves out the training copies."),
    "truncated": ("error", "Copy the file again from where it came from, or skip it."),
    "damaged": ("error", "Copy the file again from where it came from, or skip it."),
    "not a picture": ("error", "Replace or remove the file, or skip it."),
    "unreadable": ("error", "Get leave to read it, or skip it."),
    "missing": ("error", "Put the file there, or remove what points to it."),
    "too large": ("error", "Make a smaller copy, or skip it."),
    "needs a package": ("error", "Install what the line says, or save the picture as JPEG."),
    "near duplicate across classes": ("warning", "Look at both: one of the two classes may be wrong."),
    "wrong checksum": ("warning", "Its pixels or its end were changed; copy the file again from where it came from."),
    "blank": ("warning", "There is nothing to see in it: remove or skip it."),
    "narrow range": (
        "warning",
        "A model sees one colour: stretch the file's levels over the whole range of its type.",
    ),
    "tiny picture": ("warning", "A model sees it enlarged and blurred: use a larger copy where there is one."),
    "extreme shape": ("warning", "A model sees the square in the middle only: cut out what matters."),
    "duplicate": ("warning", "The skip list leaves out all but the first."),
    "near duplicate": ("warning", "Keep them on one side when you set pictures apart to measure on."),
    "outside class folders": ("warning", "Move it into the folder of its class; it is not used where it is."),
    "misnamed": ("warning", "Rename it as the line says; it is not used as it is."),
    "no label": ("warning", "Write a label into the row, or remove the row."),
    "empty class": ("warning", "Add pictures or remove the folder; it is no class as it is."),
    "tiny class": ("warning", "Add pictures: what is learned and measured on so few is chance."),
    "not measured": ("warning", "Add pictures of it to the held-out ones, or nothing tells how well it is known."),
    "imbalance": ("warning", "Add pictures of the small classes, and read the accuracy class by class."),
    "combined class": ("warning", "A picture has one label here: if it shows both, no single class is right."),
    "wrong extension": ("info", "It is used all the same; other programs may refuse it."),
    "foreign": ("info", "It is not used."),
    "link": ("info", "Its pictures are counted once."),
    "rotated": ("info", "It is used upright; programs that do not heed EXIF see it turned."),
    "odd mode": ("info", "It is used as 8-bit RGB."),
    "transparent": ("info", "It is used over white."),
    "animation": ("info", "The first picture of it is used."),
    "large picture": ("info", "It takes long to decode; a smaller copy would do."),
    "on the skip list": ("info", "It is left out, as the skip list says."),
}
SHOWN, PATHS = 10, 3  # findings of a kind, and paths of a finding, that people are shown; programs get all of them


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor found.

    Attributes:
        kind: one of `KINDS`.
        detail: what there is, in a plain sentence or part of one.
        paths: of the files concerned, as they were given; none when a class or the whole is concerned.
        skip: those of the paths that are better left out.
    """

    kind: str
    detail: str
    paths: tuple[str, ...] = ()
    skip: tuple[Path, ...] = ()

    @property
    def severity(self) -> str:
        """How bad it is: "error" (cannot be used, or makes the numbers wrong), "warning" or "info"."""
        return KINDS[self.kind][0]

    @property
    def advice(self) -> str:
        return KINDS[self.kind][1]

    def to_json(self) -> dict:
        names = ("kind", "severity", "detail", "paths", "advice")
        return {name: getattr(self, name) for name in names} | {"skip": [str(path) for path in self.skip]}

    def __str__(self):
        paths = ", ".join(map(printable, self.paths[:PATHS]))
        more = f" and {len(self.paths) - PATHS} more" if len(self.paths) > PATHS else ""
        return f"{paths}{more}{': ' if paths else ''}{printable(self.detail)}"


@dataclass
class Report:
    """What the doctor found in a set of pictures.

    Attributes:
        name: what was examined.
        pictures: how many pictures were looked at.
        classes: how many of them can be used, by split and class.
        findings: in the order of `KINDS`.
        sizes: width and height in pixels of those that can be used.
    """

    name: str
    pictures: int
    classes: dict[str, dict[str, int]]
    findings: list[Finding] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings by severity."""
        return {severity: sum(f.severity == severity for f in self.findings) for severity in SEVERITIES}

    @property
    def usable(self) -> int:
        return sum(sum(counts.values()) for counts in self.classes.values())

    def skip_list(self) -> dict[Path, str]:
        """What is better left out, and why.

        It is: files that cannot be used, all but the first of equal files, training copies of held-out pictures, and
        each copy of a file that lies in several classes.
        """
        reasons: dict[Path, str] = {}
        for finding in self.findings:
            for path in finding.skip:
                reason = finding.detail
                if not reason.startswith(finding.kind):
                    reason = f"{finding.kind}: {reason}"
                others = [other for other in finding.paths if other != str(path)]
                others.sort(key=lambda other: Path(other) in finding.skip)  # the one that is kept first
                reasons.setdefault(path, printable(f"{reason} as {others[0]}" if others else reason))
        return reasons

    def write_skip_list(self, path, overwrite: bool = False) -> int:
        """Write the skip list as a CSV file, for `zoo finetune --skip-list`; returns how many pictures are on it."""
        reasons = self.skip_list()
        skip_list.write(path, reasons, overwrite)
        return len(reasons)

    def to_json(self) -> dict:
        return {
            "name": self.name,
            "pictures": self.pictures,
            "usable": self.usable,
            "classes": self.classes,
            "counts": self.counts,
            "findings": [finding.to_json() for finding in self.findings],
            "skip_list": [{"path": str(path), "reason": reason} for path, reason in self.skip_list().items()],
        }

    def __str__(self):
        lines = [f"{self.name}: {self.pictures} pictures looked at, {self.usable} can be used"]
        labels = list(dict.fromkeys(label for counts in self.classes.values() for label in counts))
        rows = [[label, *(str(c.get(label, 0)) for c in self.classes.values())] for label in labels]
        lines += [table(rows[: 2 * SHOWN], ["class", *self.classes])] if rows else []
        lines += [f"... and {len(rows) - 2 * SHOWN} more classes"] if len(rows) > 2 * SHOWN else []
        for kind, (severity, advice) in KINDS.items():
            findings = [finding for finding in self.findings if finding.kind == kind]
            lines += ["", f"{SEVERITIES[severity]}: {kind}: {len(findings)}. {advice}"] if findings else []
            lines += [f"  {finding}" for finding in findings[:SHOWN]]
            lines += [f"  ... and {len(findings) - SHOWN} more"] if len(findings) > SHOWN else []
        counts = ", ".join(f"{n} {SEVERITIES[s]}{'' if n == 1 else 's'}" for s, n in self.counts.items() if n)
        return "\n".join([*lines, "", f"{counts}." if counts else "Nothing is wrong with them."])
