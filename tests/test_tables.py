"""A CSV file that grows: cut anywhere, or from an older version, it is taken up again."""

import csv
from pathlib import Path

import pytest

from zoo.cli.tables import GrowingTable
from zoo.errors import ZooError
from zoo.files import from_cell


def rows_of(path) -> list[dict]:
    """A CSV file's rows as any program would read them."""
    with Path(path).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


def test_a_file_that_was_cut_anywhere_loses_what_was_not_whole(tmp_path):
    columns = ["path", "label", "error", "by"]
    paths = ["a.png", 'b "x", y.png', "c\nd.png", "e\rf.png", "写真.png", "\udcff.png", "broken.png", "last.png"]
    paths += ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "'=1+1", "''@a", "'a", "-0.5", "+1e-5", "1", "-", "'-0.5"]
    rows = [{"path": path, "label": "cat", "error": "text" if path == "broken.png" else ""} for path in paths]
    table = GrowingTable(tmp_path / "whole.csv", columns, "me")
    ends = []
    for row in rows:
        table.add([row])
        ends.append((tmp_path / "whole.csv").stat().st_size)
    content = (tmp_path / "whole.csv").read_bytes()
    header = content.index(b"\n") + 1
    for size in range(header, len(content) + 1):
        file = tmp_path / "cut.csv"
        file.write_bytes(content[:size])
        again = GrowingTable(file, columns, "me")
        whole = {row["path"] for row, end in zip(rows, ends, strict=True) if end <= size and not row["error"]}
        assert again.done == whole, size
        again.add([row for row in rows if row["path"] not in whole])
        cells = [row["path"] for row in rows_of(file)]
        assert sorted(map(from_cell, cells)) == sorted(paths)
        assert {cell for cell in cells if cell[0] in "=+-@\t\r"} <= {"-0.5", "+1e-5"}
        assert GrowingTable(file, columns, "me").done == {*paths} - {"broken.png"}
    for size in range(header):  # so early that not even the columns are there
        file.write_bytes(content[:size])
        if size == 0 or size == header - 1:
            assert GrowingTable(file, columns, "me").done == set()
        else:
            with pytest.raises(ZooError, match="has not the columns"):
                GrowingTable(file, columns, "me")


def test_an_older_file_gets_the_new_name_of_a_column(tmp_path):
    (tmp_path / "a.csv").write_text("path,strange,error,by\na.png,yes,,me\n")
    table = GrowingTable(tmp_path / "a.csv", ["path", "is_novel", "error", "by"], "me", {"strange": "is_novel"})
    table.add([{"path": "b.png", "is_novel": "no", "error": ""}])
    assert table.done == {"a.png"}
    assert {row["path"]: row["is_novel"] for row in rows_of(tmp_path / "a.csv")} == {"a.png": "yes", "b.png": "no"}
