"""Features: a frozen backbone seen once by each picture, and a cache that remembers what it saw.

The cache is one SQLite file for each way of computing: key is the picture's content and its view, value the
features. SQLite's transactions make it safe under two processes and under being killed.
"""

import contextlib
import importlib
import json
import shutil
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo import catalog, inference, saving
from zoo.console import progress_bar
from zoo.data import images, sources
from zoo.data.dataset import Skipped
from zoo.errors import UsageError, ZooError
from zoo.files import atomic_folder, expand, temporary_folder
from zoo.registry import did_you_mean
from zoo.tasks import factory
from zoo.tasks.cards import card_with, is_file_name
from zoo.tasks.task import Task
from zoo.transfer.cache import Cache
from zoo.transfer.head import Head
from zoo.weights.load import find, take


class Backbone:
    """A pretrained network up to its features, known by its card until somebody needs the network itself.

    Args:
        name: a model with layers called "features" and "head".
        weights_file: a file with its weights: the one that its card would have downloaded, or of a network that no
            card has weights for, whatever the user has.

    Raises:
        UsageError: no such model, or it has no trained weights.
        ZooError: the file cannot be read, or is another one than the card's.
    """

    def __init__(self, name: str, weights_file: str | Path | None = None):
        cards = {key: card for key, card in catalog.cards().items() if card.is_backbone}
        if name not in cards:
            raise UsageError(
                f"no backbone is called {name!r}{did_you_mean(name, cards)} `zoo list --task backbone` shows all "
                f"{len(cards)}; 'auto' chooses among those whose weights are on this machine."
            )
        self.card = cards[name]
        self.name = name
        if (published := self.card.published) is not None:
            self.weights = published.name
            if weights_file is not None:
                take(published, weights_file)
        elif weights_file is not None:
            self.weights = str(expand(weights_file).absolute())
            self.card = card_with(name, self.weights)
        else:
            raise UsageError(
                f"{name} comes without weights. To fine-tune it, give yours, a .safetensors or .pth file of "
                f"{name.removeprefix('timm_')!r}, as weights_file= (--weights-file)."
            )
        height, width, channels = self.card.arguments["input_shape"]
        self.rule = images.Preprocessing((height, width), channels=channels, **self.card.preprocessing(self.weights))
        self.weights_card = self.card.weights[self.weights]
        self.conversion = inference.Conversion.of_weights(self.card, self.weights)
        self._begun = threading.Lock()

    def __reduce__(self) -> tuple:
        return Backbone, (self.name, self.weights if is_file_name(self.weights) else None)

    def _fetch(self) -> None:
        try:
            find(self.weights_card)
        except ZooError as error:
            if not self.weights_card.url:
                raise
            advice = "Or bring the file from elsewhere and give it: --weights-file FILE, in Python weights_file=."
            raise ZooError(f"{error} {advice}") from None

    def begin(self) -> None:
        """Start what takes seconds before the first picture can be shown; meanwhile, pictures can be decoded.

        Raises:
            ZooError: the weights cannot be had.
        """
        if self._begun.acquire(blocking=False):  # and never released: once is enough
            if not self.conversion.done(inference.FILE):
                self._fetch()  # here, where people see the progress of a download
            self.conversion.begin()
            if not self.converts():
                threading.Thread(target=importlib.import_module, args=["zoo.backend"], daemon=True).start()

    def converts(self) -> bool:
        """Whether OpenVINO computes this network, rather than Keras."""
        return inference.available() and not self.conversion.done(inference.REFUSED)

    @cached_property
    def classifier(self) -> Task:
        """The whole pretrained classifier in Keras; asking for its model imports the framework."""
        return factory.from_register(self.name, weights=self.weights)

    def archive(self) -> saving.Archive:
        """The whole pretrained classifier as a saved file, which the cache keeps: a new head needs no more."""
        file = self.conversion.folder / inference.FILE
        for _ in range(2):
            if not self.conversion.done(inference.FILE):
                self.conversion.wait()  # leaves the file as well
            if self.conversion.done(inference.FILE):
                try:
                    return saving.read(file)
                except ZooError:  # damaged by something: another one is made
                    shutil.rmtree(self.conversion.folder, ignore_errors=True)
        with temporary_folder() as folder:
            saved = folder / inference.FILE
            self.classifier.save(saved)
            with contextlib.suppress(OSError), atomic_folder(self.conversion.folder) as cached:
                shutil.copy(saved, cached)
                (cached / inference.IDENTITY).write_text(json.dumps(self.conversion.identity))
            return saving.read(saved)


class FeatureEngine:
    """Computes a backbone's features: by OpenVINO where it is installed, else by Keras.

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

    def __reduce__(self) -> tuple:
        return FeatureEngine, (self.backbone, self.precision)

    @property
    def identity(self) -> dict:
        """Everything that a picture's features depend on beyond the picture; the cache's key is its hash."""
        return {
            "backbone": self.backbone.name,
            "weights": self.backbone.weights_card.fingerprint,
            "definition": self.backbone.card.code_digest,
            "preprocessing": self.backbone.rule.to_json(),
            "engine": self.name,
            "precision": self.precision,
        }

    def begin(self) -> None:
        """Get ready, while pictures are decoded."""
        self.backbone.begin()

    @cached_property
    def _engine(self) -> inference.Engine:
        if self.name == "openvino" and (converted := self.backbone.conversion.engine(self.precision)):
            return converted
        self.name, self.precision = "keras", "float32"
        return inference.KerasEngine(self.backbone.classifier.model)

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        """One output, features of shape (n, d), for pixels of shape (n, height, width, channels)."""
        engine, n = self._engine, len(inputs)
        if self.name == "keras":  # which traces each new shape anew
            inputs = np.concatenate([inputs, np.zeros((-n % inference.BATCH, *inputs.shape[1:]), inputs.dtype)])
        return [engine(inputs)[1][:n]]

    def pooled(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """As for `OpenVINOEngine`, with the head that the backbone was trained with; None where Keras computes."""
        return getattr(self._engine, "pooled", lambda inputs: None)(inputs)


@dataclass
class Features:
    """Features of a set of pictures.

    Attributes:
        x: shape (pictures, views, d), float32.
        kept: which of the pictures could be read, in order; shape (pictures,).
        digests: SHA-256 of each kept picture's content.
        skipped: those that could not be read.
        computed: how many rows were not in the cache.
    """

    x: np.ndarray
    kept: np.ndarray
    digests: list[str]
    skipped: list[Skipped]
    computed: int


def extract(pictures: sources.Pictures, engine: FeatureEngine, views: int = 1, title: str = "looking") -> Features:
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
        skipped: dict[int, Skipped] = {}
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
            (rows,) = engine(np.stack([pixels for *_, pixels in waiting]))
            if engine.name == cache.identity["engine"]:  # else another did it, and it is not to be kept as its own
                cache.put([(digest, view, row) for (_, view, digest, _), row in zip(waiting, rows, strict=True)])
            for (index, view, _, _), row in zip(waiting, rows, strict=True):
                keep(index, view, row)
            computed += len(waiting)
            waiting.clear()

        def wanted(digest, view):
            missing = cache.lacks(digest, view)
            if missing:
                engine.begin()
            return missing

        def again(index, view, digest):
            engine.begin()
            try:
                data = images.read(pictures.items[index])
                if images.digest(data) != digest:
                    raise images.ImageError("was changed while it was looked at", "damaged")
                return images.decode(data, engine.backbone.rule, view)
            except images.ImageError as error:
                return error

        stream = sources.stream(pictures, engine.backbone.rule, views=views, wanted=wanted)
        with contextlib.closing(stream), progress_bar(len(pictures) * views, title, unit="picture") as bar:
            for index, view, digest, pixels in stream:
                if pixels is None and (row := cache.get(digest, view)) is not None:
                    keep(index, view, row)
                    bar.update()
                    continue
                if pixels is None:  # what the cache holds of it is damaged
                    pixels = again(index, view, digest)
                if isinstance(pixels, images.ImageError):
                    skipped[index] = Skipped(pictures.name(index), pixels.kind, str(pixels))
                else:
                    waiting.append((index, view, digest, pixels))
                    if len(waiting) == inference.BATCH:
                        flush()
                bar.update()
            flush()
    kept = np.array([i for i in range(len(pictures)) if i not in skipped], int)
    if x is None:
        x = np.empty((len(pictures), views, 0), np.float32)
    return Features(
        x[kept] if skipped else x,
        kept,
        [pictures.digests[i] for i in kept.tolist()],
        [skipped[index] for index in sorted(skipped)],
        computed,
    )


def averaged(x: np.ndarray) -> np.ndarray:
    """The mean over the views of each picture, as one view: shape (pictures, 1, d) from (pictures, views, d)."""
    return x if x.shape[1] == 1 else x.mean(axis=1, keepdims=True)


def headed(engine: FeatureEngine, head: Head, members: dict[str, bytes]) -> saving.Archive:
    """A backbone with a head of its own, as a saved file would hold it.

    Args:
        engine: computes the backbone's features, in float32.
        head: on these.
        members: of a saved file of the backbone, whatever head is on it.
    """
    rule = engine.backbone.rule
    pictures = sources.Pictures(list(rule.samples(2)), np.zeros(2, int), ["self-test"])
    features = extract(pictures, engine, title="self-test").x[:, 0]
    inputs = np.stack([images.decode(picture, rule) for picture in pictures.items])
    members = saving.with_head(members, "head", head.kernel, head.bias, head.target.activation)
    return saving.Archive.in_memory(engine.backbone.name, members, saving.selftest(inputs, head.activated(features)))
