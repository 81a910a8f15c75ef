"""Measured rows: one schema for every experiment, what a row must say of where it was made, and their files."""

import csv
import datetime
import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from zoo import environment
from zoo.errors import ZooError
from zoo.files import atomic_file, read_bytes


@dataclass(frozen=True)
class Reading:
    """One measured value.

    Attributes:
        metric: what was measured.
        value: None where it is no finite number.
        layer: of which layer, counted from 1, where that matters.
        step: after how many training steps, where that matters.
        low: lower end of the 95 % interval, where a sample implies one.
        high: its upper end.
        n: how many examples it was measured on.
    """

    metric: str
    value: float | None
    layer: int | None = None
    step: int | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Row(Reading):
    """A reading with all that it may depend on.

    Attributes:
        study: the experiment.
        arm: which of the things that it compares.
        seed: of building and training.
        seconds: that the whole run of this arm and seed took.
        data: name of the dataset.
        fingerprint: SHA-256 of the dataset's content.
        definition: hash of everything that decides the value but versions and machine.
        versions: of what computed it, the backend named first.
        processor: its name.
        cores: how many could be used.
        day: when.
    """

    study: str = ""
    arm: str = ""
    seed: int = 0
    seconds: float = 0.0
    data: str = ""
    fingerprint: str = ""
    definition: str = ""
    versions: str = ""
    processor: str = ""
    cores: int = 0
    day: str = ""


COLUMNS = list(dict.fromkeys(["study", "arm", "seed", *(field.name for field in fields(Row))]))


def finite(value) -> float | None:
    """A number as a file can hold it: None for what is not finite."""
    value = float(value)
    return value if math.isfinite(value) else None


def provenance() -> dict:
    """Versions, processor, cores and day of what is measured here and now; imports no framework."""
    facts = environment.examine()
    backend = facts["backend"]["name"]
    versions = {backend: facts["versions"].get(backend), "keras": facts["versions"]["keras"]}
    versions |= {"numpy": facts["versions"]["numpy"], "python": facts["python"], "zoo": facts["zoo"]}
    return {
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "processor": environment.processor(),
        "cores": facts["cores"],
        "day": datetime.date.today().isoformat(),
    }


def write_rows(folder: Path, rows: list[Row]) -> None:
    """Write rows as `results.json` and `results.csv`, each whole."""
    values = [{column: asdict(row)[column] for column in COLUMNS} for row in rows]
    with atomic_file(folder / "results.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(values)
    with atomic_file(folder / "results.json") as path:
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in values)  # a row a line
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def read_rows(folder: Path) -> list[Row]:
    """The rows of `results.json`, or none where there is no such file.

    Raises:
        ZooError: the file holds something else.
    """
    path = folder / "results.json"
    if not path.exists():
        return []
    try:
        return [Row(**values) for values in json.loads(read_bytes(path))]
    except (OSError, ValueError, TypeError) as error:
        raise ZooError(
            f"{path} holds no measured rows that can be read ({error}). Move it away, or give another folder by --out."
        ) from error
