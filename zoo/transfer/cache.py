"""Features on disk: one SQLite file for each way of computing them."""

import contextlib
import json
import shutil
import sqlite3
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from zoo import inference
from zoo.console import note
from zoo.files import home, read_bytes

FORMAT = 2  # of the rows; another one has files of its own


class Cache:
    """Features on disk, for one way of computing them. Without a writable folder it remembers nothing, and says so.

    Args:
        identity: everything that the features depend on beyond the picture.
        dtype: of the numbers that are kept.
    """

    def __init__(self, identity: dict, dtype: type = np.float32):
        self.file = folder() / f"{inference.key_of({**identity, 'format': FORMAT})}.sqlite"
        self.identity, self.dtype = identity, dtype
        self.known: set[tuple[str, int]] = set()
        self.inode = 0  # of the file that is open: another process may put a new one in its place
        self.width = 0  # numbers of a row, once there is one
        self.connection = sqlite3.connect(":memory:")  # until the file is open
        self.writable = False

    def __enter__(self):
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.open()
            except sqlite3.OperationalError:
                raise
            except (sqlite3.DatabaseError, ValueError, TypeError):  # damaged by something else
                self.begin_anew()
        except (OSError, sqlite3.Error) as error:
            self.give_up(error)
        return self

    def open(self) -> None:
        # A minute's patience: another process holds the lock only while it writes one batch. Training reads in a
        # thread of its own.
        self.connection = sqlite3.connect(self.file, timeout=60, isolation_level=None, check_same_thread=False)
        self.connection.text_factory = lambda text: text.decode(
            errors="replace"
        )  # damaged text is no error of its own
        self.inode = self.file.stat().st_ino
        with self.transaction() as transaction:
            transaction.execute("CREATE TABLE IF NOT EXISTS identity (content TEXT)")
            transaction.execute(
                "CREATE TABLE IF NOT EXISTS features "
                "(digest TEXT, view INTEGER, row BLOB, checksum INTEGER, PRIMARY KEY (digest, view))"
            )
            if not (contents := transaction.execute("SELECT content FROM identity").fetchall()):
                contents = [[json.dumps(self.identity)]]
                transaction.execute("INSERT INTO identity VALUES (?)", contents[0])
        columns = [column[1] for column in self.connection.execute("PRAGMA table_info (features)")]
        if json.loads(contents[0][0]) != self.identity or columns != ["digest", "view", "row", "checksum"]:
            raise ValueError("it is of something else")
        (self.width,) = self.connection.execute("PRAGMA user_version").fetchone()
        self.known = set(self.connection.execute("SELECT digest, view FROM features"))
        self.writable = True
        self.file.touch()  # `zoo cache --prune` goes by the day of last use

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What is written here is written whole or not at all; other processes wait meanwhile."""
        self.connection.execute("BEGIN IMMEDIATE")  # a lock that is asked for in mid-work may be refused at once
        with self.connection:
            yield self.connection

    def begin_anew(self) -> None:
        """Move a damaged database aside."""
        self.close()
        aside = self.file.with_suffix(".damaged.sqlite")
        note(f"The feature cache {self.file} is damaged; a new one is begun, the old one is {aside.name} now.")
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if self.file.stat().st_ino == self.inode:
                for ending in ("-journal", ""):  # the journal of one must not be played back into the other
                    if (part := self.file.with_name(self.file.name + ending)).exists():
                        part.replace(aside.with_name(aside.name + ending))
        self.open()

    def lacks(self, digest: str, view: int) -> bool:
        return (digest, view) not in self.known

    def get(self, digest: str, view: int) -> np.ndarray | None:
        """The features of a view, shape (d,); None where what the cache holds is not what was put there."""
        query = "SELECT row, checksum FROM features WHERE digest = ? AND view = ?"
        try:
            stored = self.connection.execute(query, [digest, view]).fetchone()
        except sqlite3.Error as error:
            if self.writable and type(error) is sqlite3.DatabaseError:  # not a subclass, which tells of other trouble
                try:
                    self.begin_anew()
                except (OSError, sqlite3.Error) as another:
                    self.give_up(another)
            return None
        if stored is None or not isinstance(stored[0], bytes) or stored[1] != checksum(digest, view, stored[0]):
            return None
        row: np.ndarray = np.frombuffer(stored[0], self.dtype)
        return row if len(row) == self.width and np.isfinite(row).all() else None

    def put(self, rows: list[tuple[str, int, np.ndarray]]) -> None:
        """Store a batch in one transaction; a full disk ends the caching, not the work."""
        if not self.writable:
            return
        contents = [(digest, view, row.astype(self.dtype).tobytes()) for digest, view, row in rows]
        try:
            with self.transaction() as transaction:
                if len(rows[0][2]) != self.width:
                    self.width = len(rows[0][2])
                    transaction.execute(f"PRAGMA user_version = {self.width}")
                transaction.executemany(
                    "INSERT OR REPLACE INTO features VALUES (?, ?, ?, ?)",
                    [(digest, view, row, checksum(digest, view, row)) for digest, view, row in contents],
                )
        except sqlite3.Error as error:
            note(f"No more features are cached: {self.file}: {error}.")
            self.writable = False  # what it holds can still be read

    def give_up(self, error: Exception) -> None:
        note(f"The features are not cached: {self.file}: {error}. ZOO_HOME names another folder for the cache.")
        self.close()

    def close(self) -> None:
        self.writable = False
        self.connection.close()

    def __exit__(self, *_):
        self.close()


def checksum(digest: str, view: int, row: bytes) -> int:
    """Tells a row that was damaged, or that belongs to another picture."""
    return zlib.crc32(row, zlib.crc32(f"{digest} {view}".encode()))


def folder() -> Path:
    return home() / "features"


def runs() -> Path:
    """Where the trainings of unfrozen blocks lie until they are done."""
    return home() / "unfreezing"


def forget(digests: list[str]) -> None:
    """Remove the features of pictures of these digests, whatever they were computed by."""
    for file in sorted(folder().glob("*.sqlite")):
        with contextlib.suppress(sqlite3.Error):  # one that is damaged is begun anew when it is used
            connection = sqlite3.connect(file, timeout=60)
            with contextlib.closing(connection), connection:
                connection.executemany("DELETE FROM features WHERE digest = ?", [[digest] for digest in digests])


def cached() -> Iterator[dict]:
    """What the cache holds: features, activations, runs and networks, with identity, bytes and days since last use."""
    for file in sorted(folder().glob("*.sqlite")):
        try:
            connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
            try:
                identity = parse_identity(connection.execute("SELECT content FROM identity").fetchone()[0])
                rows = connection.execute("SELECT COUNT(*) FROM features").fetchone()[0]
            finally:
                connection.close()
        except (sqlite3.Error, TypeError, ValueError):
            identity, rows = {"backbone": "damaged"}, 0
        kind = "activations" if "unfrozen" in identity else "features"
        yield item(kind, file, identity, file.stat().st_size, rows)
    for place in sorted(runs().glob("*")):
        files = [file for file in place.iterdir() if file.is_file()] if place.is_dir() else []
        yield item("interrupted run", place, {}, sum(file.stat().st_size for file in files), None)
    for place in sorted((home() / "networks").glob("*")):  # those that were being made when their maker was killed too
        files = [file for file in (place.iterdir() if place.is_dir() else [place]) if file.is_file()]
        try:
            identity = parse_identity(read_bytes(place / inference.IDENTITY))
        except (OSError, TypeError, ValueError):
            identity = {"network": "unfinished"}
        yield item("network", place, identity, sum(file.stat().st_size for file in files), None)


def parse_identity(text: str | bytes) -> dict:
    if not isinstance(identity := json.loads(text), dict):
        raise TypeError("an identity is a JSON object")
    return identity


def item(kind: str, path: Path, identity: dict, size: int, rows: int | None) -> dict:
    return {
        "kind": kind,
        "path": str(path),
        "network": identity.get("backbone") or identity.get("network"),
        "engine": identity.get("engine"),
        "precision": identity.get("precision"),
        "rows": rows,
        "bytes": size,
        "days": max(0.0, time.time() - path.stat().st_mtime) / 86400,
    }


def prune(days: float) -> list[dict]:
    """Remove what was not used for `days` days; returns what was removed."""
    removed = [item for item in cached() if item["days"] >= days]
    for item in removed:
        path = Path(item["path"])
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return removed
