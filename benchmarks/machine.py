"""What a measured row must say of where it was made, and the file that it goes into."""

import csv
import datetime
import importlib.metadata
import json
import os
import platform
from pathlib import Path

from zoo import environment

PACKAGES = ("keras-zoo", "keras", "tensorflow", "openvino", "numpy", "pillow", "torch", "jax", "timm", "scikit-learn")


def setting() -> dict[str, str]:
    """Day, processor, cores and the versions that a figure may depend on."""
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} absent")
    return {
        "day": datetime.date.today().isoformat(),
        "processor": environment.processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "versions": "; ".join(versions),
    }


def read(path: Path) -> list[dict]:
    """The measured rows of a CSV file; none where there is no file yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict]) -> None:
    """Write measured rows as a CSV file."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def add(path: Path, row: dict) -> None:
    """Show a measured row, and write it below the others, with where it was made."""
    print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    write(path, [*read(path), {**row, **setting()}])


if __name__ == "__main__":  # so that one interpreter can ask it of another
    print(json.dumps(setting()))
