"""Fine-tuning: a classifier of one's own photos from a pretrained backbone, in seconds and without a learning rate.

The backbone is frozen, so each picture is shown to it once and its features are kept (features.py); the head is
the optimum of a convex problem (head.py); both become one Keras model from pixels to logits.
"""

import contextlib
import importlib
import threading
import time
from pathlib import Path

import numpy as np

from zoo.data import sources
from zoo.errors import UsageError, ZooError
from zoo.pretrained.features import Backbone, Features, KerasEngine, extract, fastest_engine
from zoo.pretrained.head import Head, fit_head
from zoo.reports import note

VAL_SPLIT = 0.2


def finetune(
    train,
    validation=None,
    *,
    val_split: float | None = None,
    backbone: str = "efficientnet_lite0",
    augment: int = 0,
    seed: int = 0,
    out=None,
):
    """Train a classifier of your own pictures and measure it on pictures that it was not trained on.

    Args:
        train: a folder of class folders, a dataset's name ("textures", "tfds:beans"), a CSV file of paths and labels,
            arrays `(x, y)` with pixels 0-255 of shape (n, height, width, 3), or a DataFrame.
        validation: data of the same kinds to measure on; None takes the data's own validation split, or else
            splits off `val_split`.
        val_split: share of each class that is held out; None is 0.2 where the data have no split of their own.
        backbone: a pretrained network, see `zoo.list(weights=True)`.
        augment: further views of each training picture, cropped and mirrored at random, that are trained on too.
        seed: decides the split and the folds of the cross-validation; nothing else is random.
        out: a `.keras` file to save to; None keeps the classifier in memory only.

    Returns:
        A `Classifier`. Its `.metrics` hold what the validation pictures gave, through the very model that is saved;
        its `.report` adds the counts, the time that each step took and the pictures that could not be used.

    Raises:
        UsageError: no backbone of that name, or a value that is not accepted.
        ZooError: the data cannot be found, or too few pictures are left to train on.

    Example:
        >>> pets = finetune("textures")
        >>> pets.labels
        ['brick', 'grass', 'gravel']
    """
    if not isinstance(augment, int) or augment < 0:
        raise UsageError(f"augment must be 0 or a small whole number of views a picture, got {augment!r}.")
    if out is not None and Path(out).suffix != ".keras":
        raise UsageError(f"out must be a .keras file, got {str(out)!r}; try {str(Path(out).with_suffix('.keras'))!r}.")
    network = Backbone(backbone)
    seconds: dict[str, float] = {}
    with clocked(seconds, "reading the folder"):
        dataset = sources.load(train, validation, val_split, seed)
        if "validation" not in dataset.splits:
            dataset = sources.load(dataset, None, VAL_SPLIT, seed)
    # Importing the framework takes seconds in which the other cores can already read and decode.
    threading.Thread(target=import_framework, args=(seconds,), daemon=True).start()
    note(describe(dataset))

    engine = fastest_engine()
    with clocked(seconds, "features"):
        seen = extract(dataset.splits["train"], network, engine, 1 + augment, title="training pictures")
        held_out = extract(dataset.splits["validation"], network, engine, title="validation pictures")
    rows = unseen(seen, held_out)
    y = dataset.splits["train"].y[seen.kept][rows]
    require_enough(y, dataset.labels, seen.skipped)
    with clocked(seconds, "head"):
        views = seen.x.shape[1]
        head = fit_head(
            seen.x[rows].reshape(-1, seen.x.shape[2]),
            np.repeat(y, views),
            len(dataset.labels),
            groups=np.repeat(np.arange(len(rows)), views),
            seed=seed,
        )
    with clocked(seconds, "building the model"):
        classifier = assemble(network, head, dataset)
    with clocked(seconds, "checking by the saved model's route"):
        # What is reported is what `predict` will say: float32 through Keras, whatever computed the features above.
        exact = held_out if engine is KerasEngine else extract(dataset.splits["validation"], network, KerasEngine)
        logits = head(exact.x[:, 0])
        skipped = [*dataset.skipped, *seen.skipped, *exact.skipped]
        classifier.report(logits, dataset.splits["validation"].y[exact.kept], "validation", skipped)
        differ = int((head(held_out.x[:, 0]).argmax(axis=1) != logits.argmax(axis=1)).sum())
    with clocked(seconds, "saving"):
        if out is not None:
            classifier.save(out)
    classifier.summary = {
        "validation": {key: classifier.metrics[key] for key in ("accuracy", "per_class", "confusion")},
        "labels": dataset.labels,
        "skipped": skipped,
        "pictures": {"training": len(rows), "validation": len(exact.kept)},
        "duplicates": len(seen.kept) - len(rows),
        "backbone": network.name,
        "features": {
            "engine": engine.name,
            "precision": engine.precision(),
            "computed": seen.computed + held_out.computed,
            "cached": seen.x.shape[0] * views + len(held_out.kept) - seen.computed - held_out.computed,
            "predictions_that_differ_from_keras_float32": differ,
        },
        "strength": head.strength,
        "seconds": {name: round(value, 2) for name, value in list(seconds.items())},
        "out": None if out is None else str(out),
    }
    return classifier


def assemble(network: Backbone, head: Head, dataset: sources.Dataset):
    """One classifier from pixels to logits: the frozen backbone and the fitted head."""
    import keras

    from zoo.api import get

    dense = keras.layers.Dense(len(dataset.labels), name="head")
    model = keras.Model(network.model.input, dense(network.model.output), name=network.name)
    dense.set_weights([head.kernel, head.bias])
    classifier = get(network.name, num_classes=len(dataset.labels))
    classifier.adopt(model)
    classifier.labels = dataset.labels
    classifier.data = {"name": dataset.name, "fingerprint": dataset.fingerprint()}
    return classifier


def unseen(seen: Features, held_out: Features) -> np.ndarray:
    """The rows of the training features whose pictures are not, byte for byte, among those held out."""
    hidden = {*held_out.digests}
    return np.array([row for row, digest in enumerate(seen.digests) if digest not in hidden], int)


def require_enough(y: np.ndarray, labels: list[str], skipped: list[dict]) -> None:
    """Stop unless each class has two usable training pictures: one to learn from, one to choose the strength by."""
    counts = np.bincount(y, minlength=len(labels))
    if len(labels) < 2 or counts.min() < 2:
        found = ", ".join(f"{label}: {count}" for label, count in zip(labels, counts, strict=True))
        unusable = (
            f" {len(skipped)} could not be read, {skipped[0]['path']} first ({skipped[0]['reason']})."
            if skipped
            else ""
        )
        raise ZooError(
            f"fine-tuning needs two classes or more and two usable training pictures in each; found {found}.{unusable}"
        )


def describe(dataset: sources.Dataset) -> str:
    """What was found, for people."""
    lines = [f"{dataset.name}: {len(dataset.labels)} classes"]
    for split in ("train", "validation"):
        pictures = dataset.splits[split]
        counts = np.bincount(pictures.y, minlength=len(dataset.labels))
        listed = ", ".join(f"{n} {label}" for label, n in list(zip(dataset.labels, counts, strict=True))[:8])
        more = ", ..." if len(dataset.labels) > 8 else ""
        lines.append(f"  {split}: {len(pictures)} pictures ({listed}{more})")
    lines += [f"  {dataset.about}"] if dataset.about else []
    lines += [f"  A good accuracy proves {dataset.proves}"] if dataset.proves else []
    return "\n".join(lines)


def import_framework(seconds: dict[str, float]) -> None:
    with clocked(seconds, "importing Keras (meanwhile)"):
        importlib.import_module("zoo.backend")


@contextlib.contextmanager
def clocked(seconds: dict[str, float], step: str):
    """Add the wall time of a step to `seconds`."""
    start = time.perf_counter()
    yield
    seconds[step] = seconds.get(step, 0.0) + time.perf_counter() - start
