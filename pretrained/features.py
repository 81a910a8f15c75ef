"""Features: a frozen backbone seen once by each picture, and a cache that remembers what it saw.

The cache is one SQLite file for each way of computing: key is the picture's content and its view, value the
features. SQLite's transactions make it safe under two processes and under being killed.
"""

import contextlib
import hashlib
import importlib
import json
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo import catalog, inference, saving
from zoo.data import images, sources
from zoo.errors import UsageError, ZooError
from zoo.files import home, placing
from zoo.registry import did_you_mean
from zoo.reports import Bar, note


class Backbone:
    """A pretrained network up to its features, known by its card until somebody needs the network itself.

    Args:
        name: a model with trained weights and with layers called "features" and "head".

    Raises:
        UsageError: no such model, or it has no trained weights.
    """

    def __init__(self, name: str):
        cards = {
            key: card
            for key, card in catalog.cards().items()
            if any(map(catalog.from_a_package, card.facts.get("weights", {}).values()))
        }
        if name not in cards:
            raise UsageError(
                f"no backbone is called {name!r}{did_you_mean(name, cards)} Backbones: {', '.join(cards)}."
            )
        self.card = cards[name]
        self.name = name
        self.weights = next(iter(self.card.facts["weights"]))
        height, width, channels = self.card.arguments["input_shape"]
        self.rule = images.Preprocessing(
            (height, width), channels=channels, **self.card.facts.get("preprocessing", {})
        )
        self.conversion = inference.Conversion.of_weights(self.card, self.weights)
        self._begun = threading.Lock()

    def begin(self) -> None:
        """Start what takes seconds before the first picture can be shown; meanwhile, pictures can be decoded."""
        if self._begun.acquire(blocking=False):  # and never released: once is enough
            self.conversion.begin()
            if not self.converts():
                threading.Thread(target=importlib.import_module, args=["zoo.backend"], daemon=True).start()

    def converts(self) -> bool:
        """Whether OpenVINO computes this network, rather than Keras."""
        return inference.available() and not self.conversion.done(inference.REFUSED)

    @cached_property
    def classifier(self):
        """The whole pretrained classifier in Keras; asking for its model imports the framework."""
        from zoo.api import get

        return get(self.name, weights=self.weights)

    def archive(self) -> saving.Archive:
        """The whole pretrained classifier as a saved file, which the cache keeps: a new head needs no more."""
        if not self.conversion.done(inference.FILE):
            self.conversion.wait()  # leaves the file as well
        file = self.conversion.folder / inference.FILE
        if not file.is_file():
            with tempfile.TemporaryDirectory() as folder:
                saved = Path(folder, inference.FILE)
                self.classifier.save(saved)
                with contextlib.suppress(OSError), placing(self.conversion.folder) as cached:
                    shutil.copy(saved, cached)
                    (cached / inference.IDENTITY).write_text(json.dumps(self.conversion.identity))
                return saving.read(saved)
        return saving.read(file)


class Engine:
    """A way of computing a backbone's features: by OpenVINO where it is installed, else by Keras.

    Where OpenVINO turns out not to be able to, Keras takes its place, and `name`, `precision` and `identity` say so.

    Args:
        backbone: whose features.
        precision: "float32", or "bfloat16", which some processors compute several times as fast; None is the fastest.

    Raises:
        UsageError: another precision, or one that this machine does not compute in.
    """

    def __init__(self, backbone: Backbone, precision: str | None = None):
        self.backbone = backbone
        self.name = "openvino" if backbone.converts() else "keras"
        fastest = inference.fastest_precision() if self.name == "openvino" else "float32"
        if precision not in (None, "float32", fastest):
            accepted = ", ".join(sorted({"float32", fastest}))
            raise UsageError(f"precision {precision!r} is not for this machine; here by {self.name}: {accepted}.")
        self.precision = precision or fastest

    @property
    def identity(self) -> dict:
        """Everything that a picture's features depend on beyond the picture; the cache's key is its hash."""
        return {
            "backbone": self.backbone.name,
            "weights": self.backbone.card.facts["weights"][self.backbone.weights]["sha256"],
            "definition": hashlib.sha256(Path(self.backbone.card.file).read_bytes()).hexdigest(),
            "preprocessing": self.backbone.rule.to_json(),
            "engine": self.name,
            "precision": self.precision,
        }

    def begin(self) -> None:
        """Get ready, while pictures are decoded."""
        self.backbone.begin()

    @cached_property
    def _network(self) -> inference.Network | None:
        network = self.backbone.conversion.network(self.precision) if self.name == "openvino" else None
        if network is None:
            self.name, self.precision = "keras", "float32"
        return network

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Features of shape (n, d) for pixels of shape (n, height, width, channels)."""
        if self._network is not None:
            return self._network(pixels)[1]
        short = -len(pixels) % inference.BATCH  # Keras traces each new shape anew
        whole = np.concatenate([pixels, np.zeros((short, *pixels.shape[1:]), pixels.dtype)])
        return self.backbone.classifier.outputs(whole)[1][: len(pixels)]


@dataclass
class Features:
    """Features of a set of pictures.

    Attributes:
        x: shape (pictures, views, d), float32.
        kept: which of the pictures could be read, in order; shape (pictures,).
        digests: SHA-256 of each kept picture's content.
        skipped: path and reason for each that could not be read.
        computed: how many rows were not in the cache.
    """

    x: np.ndarray
    kept: np.ndarray
    digests: list[str]
    skipped: list[dict]
    computed: int


def extract(pictures: sources.Pictures, engine: Engine, views: int = 1, title="looking") -> Features:
    """Show every picture to the backbone once, or remember what it saw.

    Reading, decoding and resizing run in threads while the backbone computes, a bounded number of pictures ahead.

    Args:
        pictures: the pictures.
        engine: what computes the features of those that the cache does not hold.
        views: 1 for the plain picture; 1 + k adds k augmented views.
        title: what the progress bar says.
    """
    with Cache(engine.identity) as cache:
        x: np.ndarray | None = None  # (pictures, views, d), once d is known
        skipped: dict[int, str] = {}
        waiting: list[tuple] = []
        computed = 0

        def keep(index, view, row):
            nonlocal x
            if x is None:
                x = np.empty((len(pictures), views, len(row)), np.float32)
            x[index, view] = row

        def flush():
            nonlocal computed
            if not waiting:
                return
            found = engine(np.stack([pixels for *_, pixels in waiting]))
            if engine.name == cache.identity["engine"]:  # else another did it, and it is not to be kept as its own
                cache.put([(digest, view, row) for (_, view, digest, _), row in zip(waiting, found, strict=True)])
            for (index, view, _, _), row in zip(waiting, found, strict=True):
                keep(index, view, row)
            computed += len(waiting)
            waiting.clear()

        def wanted(digest, view):
            missing = cache.lacks(digest, view)
            if missing:
                engine.begin()
            return missing

        bar = Bar(len(pictures) * views, title, unit="picture")
        stream = sources.stream(pictures, engine.backbone.rule, views=views, wanted=wanted)
        try:
            for index, view, digest, pixels in stream:
                if isinstance(pixels, images.ImageError):
                    skipped[index] = str(pixels)
                elif pixels is None:
                    keep(index, view, cache.get(digest, view))
                else:
                    waiting.append((index, view, digest, pixels))
                    if len(waiting) == inference.BATCH:
                        flush()
                bar.update()
            flush()
        finally:
            stream.close()
            bar.close()
    kept = np.array([i for i in range(len(pictures)) if i not in skipped], int)
    if x is None:
        x = np.empty((len(pictures), views, 0), np.float32)
    return Features(
        x[kept] if skipped else x,
        kept,
        [pictures.digests[i] for i in kept.tolist()],
        [{"path": pictures.name(i), "reason": reason} for i, reason in sorted(skipped.items())],
        computed,
    )


class Cache:
    """Features on disk, for one way of computing them. Without a writable folder it remembers nothing, and says so.

    Args:
        identity: everything that the features depend on beyond the picture.
    """

    def __init__(self, identity: dict):
        self.file = folder() / f"{inference.key_of(identity)}.sqlite"
        self.identity = identity
        self.known: set[tuple[str, int]] = set()
        self.connection: sqlite3.Connection | None = None
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
        if self.connection is not None:
            self.connection.close()
            self.connection = None

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
