"""Features on disk: one SQLite file for each way of computing them."""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from zoo import inference
from zoo.console import note
from zoo.errors import ZooError
from zoo.files import home


class Cache:
    """Features on disk, for one way of computing them. Without a writable folder it remembers nothing, and says so.

    Args:
        identity: everything that the features depend on beyond the picture.
    """

    def __init__(self, identity: dict):
        self.file = folder() / f"{inference.key_of(identity)}.sqlite"
        self.identity = identity
        self.known: set[tuple[str, int]] = set()
        self.connection = sqlite3.connect(":memory:")  # until the file is open
        self.writable = False

    def __enter__(self):
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.open()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:  # not a database: damaged by something else
                self.close()
                note(f"The feature cache {self.file} is damaged; a new one is begun.")
                self.file.unlink()
                self.open()
        except (OSError, sqlite3.Error) as error:
            self.give_up(error)
        return self

    def open(self) -> None:
        # A minute's patience: another process holds the lock only while it writes one batch.
        self.connection = sqlite3.connect(self.file, timeout=60)
        with self.connection as transaction:
            transaction.execute("CREATE TABLE IF NOT EXISTS identity (content TEXT)")
            transaction.execute(
                "CREATE TABLE IF NOT EXISTS features (digest TEXT, view INTEGER, row BLOB, PRIMARY KEY (digest, view))"
            )
            if not transaction.execute("SELECT 1 FROM identity").fetchone():
                transaction.execute("INSERT INTO identity VALUES (?)", [json.dumps(self.identity)])
        self.known = set(self.connection.execute("SELECT digest, view FROM features"))
        self.writable = True
        self.file.touch()  # `zoo cache --prune` goes by the day of last use

    def lacks(self, digest: str, view: int) -> bool:
        return (digest, view) not in self.known

    def get(self, digest: str, view: int) -> np.ndarray:
        query = "SELECT row FROM features WHERE digest = ? AND view = ?"
        try:
            return np.frombuffer(self.connection.execute(query, [digest, view]).fetchone()[0], np.float32)
        except sqlite3.DatabaseError as error:
            raise ZooError(
                f"the feature cache {self.file} is damaged ({error}); `zoo cache --prune 0` removes it."
            ) from error

    def put(self, rows: list[tuple[str, int, np.ndarray]]) -> None:
        """Store a batch in one transaction; a full disk ends the caching, not the work."""
        if not self.writable:
            return
        try:
            with self.connection as transaction:
                transaction.executemany(
                    "INSERT OR IGNORE INTO features VALUES (?, ?, ?)",
                    [(digest, view, row.astype(np.float32).tobytes()) for digest, view, row in rows],
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


def folder() -> Path:
    return home() / "features"


def cached() -> Iterator[dict]:
    """What the cache holds: features and converted networks, each with its identity, bytes and days since last use."""
    for file in sorted(folder().glob("*.sqlite")):
        try:
            connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
            try:
                identity = json.loads(connection.execute("SELECT content FROM identity").fetchone()[0])
                rows = connection.execute("SELECT COUNT(*) FROM features").fetchone()[0]
            finally:
                connection.close()
        except (sqlite3.Error, TypeError, ValueError):
            identity, rows = {"backbone": "damaged"}, 0
        yield item("features", file, identity, file.stat().st_size, rows)
    for place in sorted((home() / "networks").glob("*")):  # those that were being made when their maker was killed too
        files = [file for file in place.iterdir() if file.is_file()]
        try:
            identity = json.loads((place / inference.IDENTITY).read_text())
        except (OSError, ValueError):
            identity = {"network": "unfinished"}
        yield item("network", place, identity, sum(file.stat().st_size for file in files), None)


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
