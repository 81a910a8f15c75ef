"""A CSV file that grows while work goes on, and is taken up again where an interrupted run left it."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from zoo.errors import ZooError
from zoo.files import atomic_file, from_cell, output, to_cell


class GrowingTable:
    """A CSV file of results, one row for each piece of work, written a batch at a time.

    Rows that are there already are kept, and what they are about need not be done again; a row that was half written
    when a run was killed, and those that tell of an error, are dropped, so that they are tried again.

    Args:
        path: the file; its folder is made when absent.
        columns: the columns; the first one says what a row is about. Columns called "error" and "by" must be there.
        by: who writes: rows by another are not mixed with these.
        renamed: columns' new names by the old ones that an older file may have.
        inputs: what the results are about; none of these files is written over.
        overwrite: begin anew, whatever the file holds.

    Attributes:
        done: what the kept rows are about.

    Raises:
        ZooError: the file cannot be read or written, or holds something else.
    """

    def __init__(
        self,
        path: str | Path,
        columns: list[str],
        by: str,
        renamed: dict[str, str] | None = None,
        inputs: Sequence[str] = (),
        overwrite: bool = False,
    ):
        self.path, self.columns, self.by = output(path, inputs=inputs), columns, by
        rows = self._rows(renamed or {}) if self.path.exists() and not overwrite else []
        self.done = {row[0] for row in rows}
        try:
            with atomic_file(self.path) as temporary:
                temporary.write_text(_lines([columns, *rows]), encoding="utf-8", errors="surrogateescape", newline="")
        except OSError as error:
            raise ZooError(f"{self.path} cannot be written: {error.strerror or error}.") from error

    def _rows(self, renamed: dict[str, str]) -> list[list[str]]:
        try:
            text = self.path.read_bytes().decode("utf-8", "surrogateescape")
            rows = [[*map(from_cell, row)] for row in csv.reader(io.StringIO(text, newline=""))]
        except (OSError, csv.Error) as error:
            raise ZooError(f"{self.path} cannot be read: {error}.") from error
        if rows and [renamed.get(column, column) for column in rows[0]] != self.columns:
            raise ZooError(
                f"{self.path} is there already and has not the columns {', '.join(self.columns)}. "
                "Give another name, or replace it: --overwrite."
            )
        if not text.endswith("\n"):
            rows = rows[:-1]  # killed while it was written
        by, failure = self.columns.index("by"), self.columns.index("error")
        rows = [row for row in rows[1:] if len(row) == len(self.columns)]
        others = {row[by] for row in rows} - {self.by}
        if others:
            raise ZooError(
                f"{self.path} holds the answers of {', '.join(sorted(others))}, this is {self.by}. "
                "Give another name, or replace it: --overwrite."
            )
        return [row for row in rows if not row[failure]]

    def add(self, rows: list[dict]) -> None:
        """Write rows, and be sure that they are on the disk."""
        text = _lines([[{**row, "by": self.by}[column] for column in self.columns] for row in rows])
        with self.path.open("ab") as file:
            try:
                content = text.encode("utf-8", "surrogateescape")  # names that are no Unicode, as the system has them
            except UnicodeEncodeError:  # as only Windows has them
                content = text.encode("utf-8", "surrogatepass")
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")  # so that it quotes both
    lines = []
    for row in rows:
        writer.writerow(map(to_cell, row))
        lines.append(text.getvalue().removesuffix("\r\n") + "\n")
        text.seek(0)
        text.truncate()
    return "".join(lines)
