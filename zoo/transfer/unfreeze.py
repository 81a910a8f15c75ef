"""Unfreezing: the last blocks of a backbone go on learning, on one's own pictures and in seconds.

The blocks in front stay frozen, so what they make of the pictures is computed once (activations.py), and an epoch
passes through the last blocks alone. It begins at the solved head, and afterwards the head is solved once more, so
that it is an optimum again. Batch normalisation stays as it was pretrained: statistics, scale and offset.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo import backend, inference, saving
from zoo.backend import keras
from zoo.console import note
from zoo.data.images.pictures import Pictures
from zoo.errors import DivergedError, UsageError, ZooError
from zoo.files import claimed, temporary_folder
from zoo.training import loop
from zoo.training.order import FitData
from zoo.training.plan import Plan
from zoo.training.run import Run, learning_rate_schedule
from zoo.transfer.activations import Activations, Trunk
from zoo.transfer.blocks import Block, find_blocks
from zoo.transfer.cache import Cache, runs
from zoo.transfer.features import FeatureEngine, averaged
from zoo.transfer.head import Head, cross_entropy, solve

EPOCHS = 2
VIEWS = 4  # of each training picture at least, the plain one among them
RATE = 1e-3  # learning rate of the last block and the head
SLOWEST = 0.1  # no block learns by a smaller share of it
SMOOTHING = 0.1  # share of each label that is given to all classes alike
PATIENCE = 2  # epochs that may pass without a better one
BATCH = 32
SHARE = 0.2  # of the training pictures is watched, by early stopping and by "auto",
WATCHED = 1000  # and so many at most
ENOUGH = 20  # watched pictures, below which "auto" can say nothing
AUTO = 1  # blocks that "auto" tries: four were no better on flower_photos, and cost twice as much


class SlowedAdam(keras.optimizers.Adam):
    """Adam with a learning rate of its own for each variable.

    Args:
        shares: of the learning rate, one a trainable variable, in the model's order.
    """

    def __init__(self, learning_rate: Any, shares: list[float], **options: Any):
        super().__init__(learning_rate, **options)
        self.shares = shares

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, learning_rate * self.shares[self._get_variable_index(variable)])

    def get_config(self) -> dict:
        return {**super().get_config(), "shares": self.shares}


@dataclass
class Unfrozen:
    """What came of letting the last blocks of a network learn.

    Attributes:
        model: the whole network with that head, from pixels to logits; None where "auto" found the frozen one to be
            better.
        head: the head that was solved on its features.
        x: features of the training pictures by it, shape (pictures, views, d).
        apart: which of the pictures the network was not trained on, shape (pictures,); None where it was on none.
        about: what was done, for the summary.
    """

    model: keras.Model | None
    head: Head
    x: np.ndarray
    apart: np.ndarray | None
    about: dict


def count_blocks(model: keras.Model, unfreeze: str | int) -> int:
    """How many of a network's blocks a word or a number means.

    Raises:
        UsageError: the network has fewer.
    """
    most = len(find_blocks(model))
    if isinstance(unfreeze, str):
        return {"last": 1, "all": most, "auto": min(AUTO, most)}[unfreeze]
    if unfreeze > most:
        raise UsageError(
            f"unfreeze is {unfreeze}, and {model.name} has {most} blocks; accepted are 1 to {most}, or 'all'."
        )
    return unfreeze


def learn(
    model: keras.Model,
    engine: FeatureEngine,
    pictures: Pictures,
    digests: list[str],
    x: np.ndarray,
    head: Head,
    unfreeze: str | int,
    epochs: int | None = None,
    seed: int = 0,
    average: bool = False,
    mix: str | None = None,
) -> Unfrozen:
    """Let the last blocks of a network learn, and compare what it gives then with what it gave before.

    A part of the training pictures is watched: it says after which epoch the network was best, and under "auto"
    whether that is better than the frozen one.

    Args:
        model: the whole network with the head that was solved on `x`; its weights change.
        engine: computes the frozen network's features.
        pictures: to learn from; all of them can be read.
        digests: SHA-256 of each picture's content.
        x: the frozen network's features, shape (pictures, views, d).
        head: the head that was solved on them.
        unfreeze: "last", "all", a number of blocks, or "auto".
        epochs: how often all views are seen; None is `EPOCHS`.
        seed: decides which pictures are watched, and the order.
        average: whether a head is fitted to the mean of a picture's views, rather than to each view.
        mix: "mixup" or "cutmix": two pictures are shown at once, see `Augmentation`.

    Raises:
        UsageError: the network has fewer blocks.
        ZooError: the training came to numbers that are not finite.
    """
    everything = find_blocks(model)
    blocks = everything[-count_blocks(model, unfreeze) :]
    watched = held_out(pictures.y, digests, seed)
    learned = np.setdiff1d(np.arange(len(pictures)), watched)
    if not len(watched):
        raise ZooError("to unfreeze, some class needs two different training pictures: one is watched. Add pictures.")
    frozen_x = averaged(x) if average else x
    if unfreeze == "auto" and len(watched) < ENOUGH:
        note(f"All blocks stay frozen: {len(pictures)} training pictures are too few to tell whether unfreezing pays.")
        return Unfrozen(None, head, frozen_x, None, {"blocks": 0, "of": len(everything)})
    trunk = Trunk(engine, model, blocks[0].input, len(blocks))
    with contextlib.ExitStack() as stack:
        cache = None if trunk.is_whole else stack.enter_context(Cache(trunk.identity, trunk.dtype))

        def activations(rows: np.ndarray, views: int) -> Activations:
            made = Activations(trunk, pictures.subset(rows), [digests[row] for row in rows], views, cache)
            made.fill()
            return made

        seen, unseen = activations(learned, max(VIEWS, x.shape[1])), activations(watched, x.shape[1])
        history = train(model, blocks, seen, unseen, EPOCHS if epochs is None else epochs, seed, engine.identity, mix)
        new = features(model, blocks[0].input, {seen: learned, unseen: watched}, views=x.shape[1])
        new = averaged(new) if average else new
    # Features that were fitted to a picture's class say little of new pictures: the strength of the head's penalty is
    # chosen by what was watched alone, and for the frozen features as well, so that they are compared alike.
    apart = np.isin(np.arange(len(pictures)), watched)
    labels, weights = len(pictures.labels), pictures.weights
    heads = [solve(each, pictures.y, labels, seed, apart, weights=weights) for each in (frozen_x, new)]
    frozen, unfrozen = (Judgement.of(each, pictures.y[watched]) for each in heads)
    gain = frozen.losses - unfrozen.losses  # in nats, picture by picture
    about = {
        "blocks": len(blocks),
        "of": len(everything),
        "tried": len(blocks),
        "epochs": len(history.epoch),
        "history": history.history,
        "best_epoch": history.best_epoch,
        "views": seen.views,
        "activations": seen.place,
        "watched": {"pictures": len(watched), "frozen": frozen.to_json(), "unfrozen": unfrozen.to_json()},
    }
    # a gain that may be the accident of these pictures is not worth another network
    if unfreeze == "auto" and gain.mean() < gain.std(ddof=1) / np.sqrt(len(gain)):
        return Unfrozen(None, head, frozen_x, None, {**about, "blocks": 0})
    head = heads[1]
    model.get_layer("head").set_weights([head.kernel, head.bias])
    return Unfrozen(model, head, new, apart, about)


def features(model: keras.Model, begin: Any, parts: dict[Activations, np.ndarray], views: int) -> np.ndarray:
    """The features that a network has come to, shape (pictures, views, d).

    Args:
        model: the whole network.
        begin: the tensor that the activations are of.
        parts: activations, each with the places of its pictures among all.
        views: of each picture; fewer where there are fewer activations.
    """
    behind = keras.Model(begin, model.get_layer("features").output)
    backend.prepare(behind)
    views = min(views, *(part.views for part in parts))
    x = np.empty((sum(map(len, parts.values())), views, behind.output_shape[-1]), np.float32)
    for part, places in parts.items():
        rows = (np.arange(len(places))[:, None] * part.views + np.arange(views)).ravel()
        batches = [part[rows[start : start + BATCH]] for start in range(0, len(rows), BATCH)]
        x[places] = np.concatenate([backend.predict(behind, batch)[0] for batch in batches]).reshape(-1, *x.shape[1:])
    return x


def held_out(y: np.ndarray, digests: list[str], seed: int) -> np.ndarray:
    """Which training pictures are watched: a share of each class, of which some stay; of equal files all or none."""
    random = np.random.default_rng(seed)
    share, chosen = min(SHARE, WATCHED / len(y)), set()
    for label in np.unique(y):
        members = random.permutation(sorted({digests[row] for row in np.flatnonzero(y == label)})).tolist()
        chosen |= {*members[: min(max(round(share * len(members)), 1), len(members) - 1)]}
    return np.array([row for row, digest in enumerate(digests) if digest in chosen], int)


@dataclass(frozen=True)
class Judgement:
    """How good a head is on the watched pictures when it is solved without them.

    Attributes:
        losses: cross-entropy of each watched picture, in nats.
        accuracy: the share that is right.
    """

    losses: np.ndarray
    accuracy: float

    @classmethod
    def of(cls, head: Head, y: np.ndarray) -> Judgement:
        """Of a head whose strength was chosen by the watched pictures, of classes `y`."""
        logits = head.held_out[:: len(head.held_out) // len(y)]  # of the plain views
        return cls(cross_entropy(logits, y), float(np.mean(logits.argmax(axis=1) == y)))

    def to_json(self) -> dict:
        return {"accuracy": round(self.accuracy, 4), "loss": round(float(self.losses.mean()), 4)}


def train(
    model: keras.Model,
    blocks: list[Block],
    seen: Activations,
    unseen: Activations,
    epochs: int,
    seed: int,
    features: dict,
    mix: str | None = None,
) -> keras.callbacks.History:
    """Train the last blocks and the head, by the loop that all models are trained by; a run that was ended goes on.

    Args:
        model: the whole network; it ends with the weights of its best epoch.
        blocks: those that learn.
        seen, unseen: activations of the pictures that are learned from, and of those that are watched.
        epochs: how often all views are seen.
        seed: decides the order.
        features: what the frozen network is known by.
        mix: how two pictures, or their activations, are shown at once.
    """
    classes = np.eye(len(seen.pictures.labels), dtype=np.float32)
    tail = keras.Model(blocks[0].input, model.output)
    with frozen_norms(tail), backend.random_scope(seed):
        for number, state in enumerate(v for v in tail.variables if v.name == "seed_generator_state"):
            state.assign(np.array([seed, number], state.dtype))
        plain = unseen[np.arange(len(unseen.pictures)) * unseen.views]
        watched = plain, classes[unseen.pictures.y]
        weights = None if seen.pictures.weights is None else np.repeat(seen.pictures.weights, seen.views)
        plan = Plan(
            FitData(seen, np.repeat(classes[seen.pictures.y], seen.views, axis=0), watched, weights=weights),
            tail,
            keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=SMOOTHING),
            [keras.metrics.CategoricalAccuracy(name="accuracy")],
            [keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE)],
        )
        rate = learning_rate_schedule("cosine", RATE, epochs * plan.data.steps(BATCH))
        optimizer = SlowedAdam(rate, shares_of_rate(tail, blocks))
        identity = {
            "features": features,
            "from": {name: saving.digest(part.tobytes()) for name, part in zip("xy", watched, strict=True)},
            "learned": saving.digest(" ".join(seen.digests).encode()),
            "labels": saving.digest(seen.pictures.y.astype(np.int32).tobytes()),
            "head": saving.digest(b"".join(part.tobytes() for part in model.get_layer("head").get_weights())),
            "blocks": len(blocks),
            "views": seen.views,
            "batch": BATCH,
            "epochs": epochs,
            "seed": seed,
            "smoothing": SMOOTHING,
            "optimizer": {key: saving.plain(v) for key, v in optimizer.get_config().items() if key != "name"},
            "on": backend.setting(),
            **({"mix": mix} if mix else {}),
            **({"weights": saving.digest(weights.tobytes())} if weights is not None else {}),
        }

        def save(path: Path) -> None:
            record = {"name": model.name, "task": "classification", "source": "", "arguments": {}, "data": {}}
            test = saving.selftest(plain[:2], saving.outputs(tail, plain[:2]))
            saving.save(tail, path, {**record, "metrics": {}}, test, overwrite=True)

        with run_folder(inference.key_of(identity)) as folder:
            run = Run(
                epochs,
                optimizer,
                BATCH,
                seed=seed,
                folder=folder,
                resume=(folder / "resume.npz").is_file(),
                identity=identity,
                augment=(mix,) if mix else (),
            )
            try:
                history = loop.fit(plan, run, save, tail)
            except DivergedError as error:
                raise ZooError(
                    f"{len(blocks)} unfrozen blocks of {model.name} came to numbers that are not finite. Unfreeze "
                    "fewer, or leave unfreeze out."
                ) from error
            shutil.rmtree(folder)
    return history


@contextlib.contextmanager
def run_folder(name: str) -> Iterator[Path]:
    """Where a training is kept while it runs: in the cache, where the same one finds it again, else for a while."""
    folder = runs() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        with temporary_folder() as folder:
            yield folder
        return
    with claimed(folder):
        yield folder


@contextlib.contextmanager
def frozen_norms(model: keras.Model) -> Iterator[None]:
    """Batch normalisation as it was pretrained, in training too: statistics, scale and offset stay what they are."""
    norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    for layer in norms:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in norms:
            layer.trainable = True


def shares_of_rate(model: keras.Model, blocks: list[Block]) -> list[float]:
    """The share of the learning rate that each trainable variable learns by: the earlier its block, the less."""
    distance = {
        id(variable): len(blocks) - number
        for number, block in enumerate(blocks, 1)
        for layer in block.layers
        for variable in getattr(layer, "variables", ())
    }
    return [SLOWEST ** (distance.get(id(variable), 0) / len(blocks)) for variable in model.trainable_variables]
