"""Features: a frozen backbone seen once by each picture, and a cache that remembers what it saw.

The cache is one SQLite file for each way of computing: key is the picture's content and its view, value the
features. SQLite's transactions make it safe under two processes and under being killed.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo import catalog
from zoo.data import images, sources
from zoo.errors import UsageError, ZooError
from zoo.files import home
from zoo.registry import did_you_mean
from zoo.reports import Bar, note

BATCH = 32  # pictures a forward pass


class Backbone:
    """A pretrained network up to its features, known by its card until somebody needs the network itself.

    Args:
        name: a model with trained weights and with layers called "features" and "head".

    Raises:
        UsageError: no such model, or it has no trained weights.
    """

    def __init__(self, name: str):
        cards = {key: card for key, card in catalog.cards().items() if card.facts.get("weights")}
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

    @cached_property
    def classifier(self):
        """The whole pretrained classifier; building it imports the framework."""
        from zoo.api import get

        classifier = get(self.name, weights=self.weights)
        classifier.build()
        return classifier

    @cached_property
    def model(self):
        """The network from pixels to features, frozen."""
        import keras

        from zoo import backend

        whole = self.classifier.model
        model = keras.Model(whole.input, whole.get_layer("features").output, name=self.name)
        model.trainable = False
        backend.prepare(model)
        return model

    def identity(self, engine: "type[KerasEngine] | type[OpenVINOEngine]") -> dict:
        """Everything that a picture's features depend on beyond the picture; the cache's key is its hash."""
        return {
            "backbone": self.name,
            "weights": self.card.facts["weights"][self.weights]["sha256"],
            "definition": hashlib.sha256(Path(self.card.file).read_bytes()).hexdigest(),
            "preprocessing": self.rule.to_json(),
            "engine": engine.name,
            "precision": engine.precision(),
        }


class KerasEngine:
    """Features by Keras in float32: the route that `predict` takes through a saved file."""

    name = "keras"

    def __init__(self, backbone: Backbone):
        self.model = backbone.model

    @staticmethod
    def precision() -> str:
        return "float32"

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Features of shape (n, d) for pixels of shape (n, height, width, channels), n at most `BATCH`."""
        padding = np.zeros((BATCH - len(pixels), *pixels.shape[1:]), pixels.dtype)  # one shape, compiled once
        found = self.model.predict_on_batch(np.concatenate([pixels, padding]))
        return np.asarray(found[: len(pixels)], np.float32)


class OpenVINOEngine:
    """Features by OpenVINO, in bfloat16 where the processor computes in it: several times as fast on such a CPU."""

    name = "openvino"

    def __init__(self, backbone: Backbone):
        import openvino

        identity = {**backbone.identity(type(self)), "openvino": openvino.__version__}
        folder = home() / "openvino" / key_of(identity)
        if not (folder / "model.xml").is_file():
            convert(backbone.model, folder, identity)
        os.utime(folder)  # `zoo cache --prune` goes by the day of last use
        self.compiled = openvino.Core().compile_model(
            folder / "model.xml",
            "CPU",
            {"INFERENCE_PRECISION_HINT": "bf16" if self.precision() == "bfloat16" else "f32"},
        )

    @staticmethod
    def precision() -> str:
        import openvino

        capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "bfloat16" if "BF16" in capabilities else "float32"

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Features of shape (n, d) for pixels of shape (n, height, width, channels)."""
        return self.compiled(pixels.astype(np.float32))[0]


def convert(model, folder: Path, identity: dict) -> None:
    """Write a Keras model as an OpenVINO model, and what it is, into `folder`, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".converting.", dir=folder.parent))
    try:
        model.export(str(temporary / "model.xml"), format="openvino", verbose=False)
        (temporary / "identity.json").write_text(json.dumps(identity))
        try:
            temporary.rename(folder)
        except OSError:
            if not (folder / "model.xml").is_file():  # else another process was faster, and its copy is as good
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def fastest_engine() -> "type[KerasEngine] | type[OpenVINOEngine]":
    return OpenVINOEngine if importlib.util.find_spec("openvino") else KerasEngine


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


def extract(pictures: sources.Pictures, backbone: Backbone, engine_class, views: int = 1, title="looking") -> Features:
    """Show every picture to the backbone once, or remember what it saw.

    Reading, decoding and resizing run in threads while the backbone computes, a bounded number of pictures ahead.

    Args:
        pictures: the pictures.
        backbone: whose features.
        engine_class: `KerasEngine` or `OpenVINOEngine`.
        views: 1 for the plain picture; 1 + k adds k augmented views.
        title: what the progress bar says.
    """
    with Cache(backbone.identity(engine_class)) as cache:
        engine = None
        rows: dict[tuple[int, int], np.ndarray] = {}
        skipped: dict[int, str] = {}
        waiting: list[tuple] = []
        computed = 0

        def flush():
            nonlocal engine, computed
            if not waiting:
                return
            if engine is None:
                engine = engine_class(backbone)
            found = engine(np.stack([pixels for *_, pixels in waiting]))
            cache.put([(digest, view, row) for (_, view, digest, _), row in zip(waiting, found, strict=True)])
            rows.update({(i, view): row for (i, view, _, _), row in zip(waiting, found, strict=True)})
            computed += len(waiting)
            waiting.clear()

        bar = Bar(len(pictures) * views, title, unit="picture")
        stream = sources.stream(pictures, backbone.rule, views=views, wanted=cache.lacks)
        try:
            for index, view, digest, pixels in stream:
                if isinstance(pixels, images.ImageError):
                    skipped[index] = str(pixels)
                elif pixels is None:
                    rows[index, view] = cache.get(digest, view)
                else:
                    waiting.append((index, view, digest, pixels))
                    if len(waiting) == BATCH:
                        flush()
                bar.update()
            flush()
        finally:
            stream.close()
            bar.close()
    kept = [i for i in range(len(pictures)) if i not in skipped]
    x = (
        np.stack([rows.pop((i, view)) for i in kept for view in range(views)])
        if kept
        else np.zeros((0, 0), np.float32)
    )
    return Features(
        x.reshape(len(kept), views, x.shape[1]),
        np.array(kept, int),
        [pictures.digests[i] for i in kept],
        [{"path": pictures.name(i), "reason": reason} for i, reason in sorted(skipped.items())],
        computed,
    )


class Cache:
    """Features on disk, for one way of computing them. Without a writable folder it remembers nothing, and says so.

    Args:
        identity: everything that the features depend on beyond the picture.
    """

    def __init__(self, identity: dict):
        self.file = folder() / f"{key_of(identity)}.sqlite"
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


def key_of(identity: dict) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]


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
    for network in sorted((home() / "openvino").glob("*/model.xml")):
        files = [file for file in network.parent.iterdir() if file.is_file()]
        try:
            identity = json.loads((network.parent / "identity.json").read_text())
        except (OSError, ValueError):
            identity = {"backbone": "damaged"}
        yield item("network", network.parent, identity, sum(file.stat().st_size for file in files), None)


def item(kind: str, path: Path, identity: dict, size: int, rows: int | None) -> dict:
    return {
        "kind": kind,
        "path": str(path),
        "backbone": identity["backbone"],
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
