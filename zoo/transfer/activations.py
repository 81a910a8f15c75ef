"""What the frozen blocks of a network make of pictures: computed once for each view of each picture, and kept.

Training then begins behind them. Where they do not fit on the disk there are fewer views, or they are kept in memory,
or computed anew in every epoch.
"""

import contextlib
import math
import shutil
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo import environment, inference
from zoo.backend import keras
from zoo.console import note, progress_bar
from zoo.data import images, sources
from zoo.errors import ZooError
from zoo.inference.engine import Engine
from zoo.transfer.cache import Cache
from zoo.transfer.features import FeatureEngine

SHARE = 0.8  # of the free disk or memory that may be filled
PAGE = 4096  # bytes of which the cache gives each row a whole number
LARGEST = 2.0**13  # of float16's range, which ends at 2^16: numbers up to here are rounded by 1/2000 at most


class Trunk:
    """A network up to the tensor where its frozen blocks end.

    Args:
        features: computes the features of the whole network; the trunk is computed likewise where OpenVINO can.
        model: the whole network in Keras.
        end: the tensor; the network's own input where nothing is frozen.
        blocks: how many blocks are behind it.
    """

    def __init__(self, features: FeatureEngine, model: keras.Model, end: Any, blocks: int):
        self.rule = features.backbone.rule
        self.shape = tuple(end.shape[1:])
        self.is_whole = end is model.input  # nothing is frozen: pixels go through as they are
        self.dtype: type = np.uint8
        self.identity: dict = {}
        if self.is_whole:
            return
        samples = self.rule.samples(2)
        self.engine: Engine = inference.KerasEngine(keras.Model(model.input, end))
        (expected,) = self.engine(samples)
        if features.name == "openvino" and (place := features.backbone.conversion.wait()):
            with contextlib.suppress(LookupError, RuntimeError):  # then Keras computes it
                self.engine = inference.OpenVINOTrunk(
                    place / inference.CONVERTED, features.precision, samples, expected
                )
        # half the bytes, and rounding that is a tenth of bfloat16's
        self.dtype = np.float16 if np.abs(expected).max() < LARGEST else np.float32
        how = {"engine": self.engine.name, "precision": self.engine.precision}
        self.identity = {**features.identity, **how, "unfrozen": blocks, "kept": np.dtype(self.dtype).name}

    @property
    def row_bytes(self) -> int:
        """Bytes that the activations of one view take in the cache."""
        return -(-math.prod(self.shape) * np.dtype(self.dtype).itemsize // PAGE) * PAGE

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Activations of shape (n, *shape) for pixels of shape (n, height, width, channels)."""
        if self.is_whole:
            return pixels
        (rows,) = self.engine(pixels)
        if self.dtype is np.float16:
            rows = np.clip(rows, -65504, 65504)
        return rows.astype(self.dtype)


class Activations:
    """Activations of several views of pictures, which training reads as an array of shape (pictures * views, ...).

    Row `picture * views + view` is a view of a picture; view 0 is the plain one. What is kept nowhere is computed when
    it is read.

    Args:
        trunk: computes them.
        pictures: whose; all of them can be read.
        digests: SHA-256 of each picture's content.
        views: how many of each.
        cache: an open cache of `trunk.identity`; None where the trunk is nothing.
    """

    def __init__(
        self, trunk: Trunk, pictures: sources.Pictures, digests: Sequence[str], views: int, cache: Cache | None
    ):
        self.trunk, self.pictures, self.digests, self.cache = trunk, pictures, digests, cache
        self.memory: dict[tuple[str, int], np.ndarray] = {}
        self._lock = threading.Lock()  # training reads in a thread of its own
        self.place, self.views = "nowhere", views
        if cache is not None:
            self._find_room(cache, views)
        self.shape = (len(pictures) * self.views, *trunk.shape)
        self.ndim, self.dtype = len(self.shape), np.dtype(trunk.dtype)

    def _find_room(self, cache: Cache, views: int) -> None:
        """Choose where they are kept and how many views there are, and tell people where it is not as they wish."""
        disk = shutil.disk_usage(cache.file.parent).free if cache.writable else 0
        memory = environment.memory()["available"] or 0
        sizes = {
            count: self.trunk.row_bytes * sum(cache.lacks(d, v) for d in self.digests for v in range(count))
            for count in range(views, 0, -1)
        }
        for place, free in (("disk", disk), ("memory", memory)):
            for count, size in sizes.items():
                if size <= SHARE * free:
                    self.place, self.views = place, count
                    break
            if self.place == place:
                break
        if (self.place, self.views) != ("disk", views):
            how = {"disk": "on the disk", "memory": "in memory", "nowhere": "nowhere: each epoch computes them anew"}
            note(
                f"The activations of {len(self.digests):,} pictures, {views} views of each, take "
                f"{sizes[views] / 1e6:,.0f} MB; {disk / 1e6:,.0f} MB are free in {cache.file.parent}. "
                f"{self.views} are kept {how[self.place]}. ZOO_HOME names another folder for the cache."
            )

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Rows by their numbers, in float32, or pixels where nothing is frozen."""
        places = [divmod(int(row), self.views) for row in np.arange(len(self))[rows]]
        rows_or_none = [self._get(self.digests[index], view) for index, view in places]
        if missing := [i for i, row in enumerate(rows_or_none) if row is None]:
            pixels = [self._pixels(*places[i]) for i in missing]
            for i, row in zip(missing, self._compute(pixels), strict=True):
                rows_or_none[i] = row
        batch = np.stack([row for row in rows_or_none if row is not None])
        return batch if self.trunk.is_whole else batch.astype(np.float32)

    def fill(self) -> int:
        """Compute what is to be kept and is not yet, while the next pictures are decoded; returns how many rows."""
        if self.cache is None or self.place == "nowhere":
            return 0
        put, lacks = self.cache.put, self.cache.lacks
        waiting: list[tuple[str, int, np.ndarray]] = []
        count = 0

        def flush() -> None:
            nonlocal count
            if waiting:
                rows = self._compute([pixels for *_, pixels in waiting])
                named = [(digest, view, row) for (digest, view, _), row in zip(waiting, rows, strict=True)]
                if self.place == "disk":
                    put([(digest, view, row.ravel()) for digest, view, row in named])
                else:
                    self.memory |= {(digest, view): row for digest, view, row in named}
                count += len(waiting)
                waiting.clear()

        stream = sources.stream(self.pictures, self.trunk.rule, views=self.views, wanted=lacks)
        with contextlib.closing(stream), progress_bar(len(self), "activations", unit="view") as bar:
            for _, view, digest, pixels in stream:
                if isinstance(pixels, images.ImageError):
                    raise pixels
                if pixels is not None:
                    waiting.append((digest, view, pixels))
                if len(waiting) == inference.BATCH:
                    flush()
                bar.update()
            flush()
        return count

    def _get(self, digest: str, view: int) -> np.ndarray | None:
        if (digest, view) in self.memory:
            return self.memory[digest, view]
        if self.cache is None:
            return None
        with self._lock:
            row = self.cache.get(digest, view)
        return None if row is None else row.reshape(self.trunk.shape)

    def _pixels(self, index: int, view: int) -> np.ndarray:
        data = images.read(self.pictures.items[index])
        if images.digest(data) != self.digests[index]:
            raise ZooError(f"{self.pictures.name(index)} was changed while it was trained on.")
        return images.decode(data, self.trunk.rule, view)

    def _compute(self, pixels: list[np.ndarray]) -> np.ndarray:
        return self.trunk(np.stack(pixels))
