"""Skip lists: tables of pictures to leave out, which the doctor writes and people may edit.

A skip list is a CSV file (UTF-8) with the columns `path` and `reason`, one picture a row. Paths below the list's own
folder are relative to it, so that a folder can be moved together with its list; others are absolute. Either may be
written by hand, with "/" between folders on every system. Files are never touched.
"""

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo import files
from zoo.console import note
from zoo.data.dataset import Dataset, Skipped
from zoo.data.images.folders import read_table
from zoo.data.images.pictures import Pictures
from zoo.errors import ZooError


class SkipList:
    """A skip list that was read, and which of its entries were met.

    Args:
        path: the CSV file; the column `reason` may be absent.

    Raises:
        ZooError: it cannot be read, is not UTF-8, has no column `path`, or a row has no path.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = files.expand(path)
        columns, rows = read_table(self.path)
        if "path" not in [name.strip().lower() for name in columns]:
            raise ZooError(
                f"the skip list {path} has the columns {', '.join(columns) or '(none)'}; it needs one called "
                "path, and may have one called reason. `zoo doctor FOLDER --out skip.csv` writes one."
            )
        self.reasons: dict[Path, str] = {}
        self._folders: dict[str, str] = {}
        for number, row in rows:
            row = {name.strip().lower(): value for name, value in row.items() if name is not None}
            if not row["path"]:
                raise ZooError(f"the skip list {path} has no path in row {number}. Write it there or remove the row.")
            reason = row.get("reason") or ""
            self.reasons[self._place(self.path.parent / row["path"])] = f"on the skip list{reason and ': '}{reason}"
        self._met: set[Path] = set()

    def leave_out(self, dataset: Dataset[Pictures]) -> Dataset[Pictures]:
        """The dataset without the pictures on the list; `skipped` tells of each."""
        splits, skipped = {}, []
        for split, pictures in dataset.splits.items():
            reasons = [self._reason(item) for item in pictures.items]
            skipped += [
                Skipped(pictures.name(index), "on the skip list", reason)
                for index, reason in enumerate(reasons)
                if reason
            ]
            kept = np.array([index for index, reason in enumerate(reasons) if not reason], int)
            splits[split] = pictures if len(kept) == len(pictures) else pictures.subset(kept)
        listed = [(item, self._reason(Path(item.path))) for item in dataset.skipped]
        before = [replace(item, kind="on the skip list", reason=reason) if reason else item for item, reason in listed]
        return replace(dataset, splits=splits, skipped=before + skipped)

    def note_unused(self) -> None:
        """Tell people of entries that no picture was met for."""
        if unused := [place for place in self.reasons if place not in self._met]:
            note(
                f"{self.path}: {len(unused)} of {len(self.reasons)} entries are no picture here, "
                f"{str(unused[0])!a} first. Relative paths start at the list's own folder."
            )

    def _reason(self, item) -> str | None:
        if not isinstance(item, Path):  # arrays and bytes have no path
            return None
        place = self._place(item)
        if place in self.reasons:
            self._met.add(place)
        return self.reasons.get(place)

    def _place(self, path: Path) -> Path:
        """One spelling for each file; a link among the pictures stays apart from the picture that it leads to."""
        folder = str(path.parent)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return Path(self._folders[folder], path.name)


HEADER = ("path", "reason")


def output(path, inputs: Iterable = (), overwrite: bool = False) -> Path:
    """Where a skip list may be written: over no other file than a skip list; see `zoo.files.output`."""

    def conflict(file: Path) -> str:
        with file.open("rb") as table:
            ours = table.readline().strip() == ",".join(HEADER).encode()
        return "" if ours else "is no skip list that the zoo wrote"

    return files.output(path, conflict, inputs=inputs, overwrite=overwrite)


def write(path, reasons: dict[Path, str], overwrite: bool = False) -> None:
    """Write a skip list, whole or not at all.

    Args:
        path: the CSV file to write.
        reasons: why each picture is to be left out, by its path.
        overwrite: replace whatever file is there; without it, only a skip list.

    Example:
        >>> write("skip.csv", {Path("photos/cats/1.jpg"): "truncated"})
        >>> print(Path("skip.csv").read_text())
        path,reason
        photos/cats/1.jpg,truncated
        <BLANKLINE>
    """
    target, folder = output(path, overwrite=overwrite), files.expand(path).parent.resolve()
    rows = [HEADER]
    for picture, reason in reasons.items():
        place = picture.parent.resolve() / picture.name
        path = (place.relative_to(folder) if place.is_relative_to(folder) else place).as_posix()
        rows.append((files.to_cell(path), files.to_cell(reason)))
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    with files.atomic_file(target) as temporary:
        # "surrogatepass" takes file names that are no Unicode; all others make plain UTF-8
        temporary.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
