"""Fine-tuning: a model of one's own photos from a pretrained backbone, in seconds and without a learning rate.

The backbone is frozen, so each picture is shown to it once and its features are kept (features.py); the head is
the optimum of a convex problem (head.py); both become one Keras model from pixels to logits. Where one asks for it,
the backbone's last blocks go on learning from there (unfreeze.py), and the head is solved again.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from zoo import inference, saving
from zoo.console import note, note_skipped
from zoo.data import sources
from zoo.data.dataset import Dataset, Skipped
from zoo.data.images.augment import MIXES
from zoo.data.images.example_weights import weighted
from zoo.errors import UsageError, ZooError, whole_number
from zoo.files import claimed, expand
from zoo.registry import did_you_mean
from zoo.targets import CLASSES, Target, named
from zoo.tasks import factory
from zoo.tasks.images.head_fit import HeadFit
from zoo.tasks.images.novelty import NoveltyDetector
from zoo.tasks.images.supervised import MOST_VIEWS, Supervised
from zoo.transfer import choice
from zoo.transfer.features import FeatureEngine, Features, averaged, extract, headed
from zoo.transfer.head import solve

VAL_SPLIT = 0.2
# what `zoo tune` tries beside the backbones at hand, see `Entry.search_space`: views are learned from one by one or
# averaged, not both; two pictures are mixed where blocks learn
SEARCH_SPACE = {
    "augment,views": [(0, 1), (4, 1), (0, 4)],
    "unfreeze,mix": [("none", None), ("last", None), ("last", "mixup")],
}


def finetune(
    train: Any,
    validation: Any = None,
    *,
    val_split: float | None = None,
    target: str | None = None,
    backbone: str = "efficientnet_lite0",
    augment: int = 0,
    views: int | str = 1,
    precision: str | None = None,
    unfreeze: str | int = "none",
    epochs: int | None = None,
    mix: str | None = None,
    class_weight: dict | str | None = None,
    seed: int = 0,
    skip_list: str | Path | None = None,
    weights_file: str | Path | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> Supervised:
    """Train a model of your own pictures and measure it on pictures that it was not trained on.

    Args:
        train: a folder of class folders, a dataset's name ("textures", "tfds:beans"), a CSV file of paths and labels,
            arrays `(x, y)` with pixels 0-255 of shape (n, height, width, 3), or a DataFrame. Labels may be numbers, or
            several a picture: a list, text with `|` between them, or a photo that is linked into several folders.
        validation: data of the same kinds to measure on; None takes the data's own validation split, or else
            splits off `val_split`.
        val_split: share of each class that is held out; None is 0.2 where the data have no split of their own.
        target: what is learned: one of several "classes", any number of "labels" a picture, or "numbers". None decides
            it from the data, and says so where they leave it open; whole numbers are classes.
        backbone: a pretrained network, see `zoo.list(task="backbone")`; "auto" chooses among those whose weights are
            on this machine, by cross-validation on the training pictures alone.
        augment: further views of each training picture, cropped and mirrored at random, that are trained on too.
        views: how many views of each picture, the plain one and others cropped and mirrored at random, have their
            features averaged: in training, and in all that the classifier will say. Predictions take as many times
            as long. "auto" is four, where cross-validation on the training pictures finds them better than one.
        precision: what the training pictures' features are computed in: "float32" or, where the processor does,
            "bfloat16"; None is the fastest. The saved model computes in float32, and is measured so.
        unfreeze: how much of the backbone learns, too, once the head is solved: "none", its "last" block, that many
            of its last blocks, "all" of it, or "auto": the last, where a part of the training pictures says that it
            pays; of classes alone. It imports Keras, and takes minutes rather than seconds where pictures are many.
        epochs: how often the unfrozen blocks see all views of the training pictures; None is 2.
        mix: how unfrozen blocks are shown two pictures at once: "mixup" blends them and their classes, "cutmix" puts a
            part of one into the other; None shows each alone.
        class_weight: how much the classes count in training: numbers by a class' name, 1 for those that are not named;
            or "balanced", all of them alike however many pictures they have.
        seed: decides the split, the folds of the cross-validation, and the order of training.
        skip_list: a CSV file of pictures to leave out, as `zoo doctor --out` writes it.
        weights_file: the backbone's weights as a file that you have: what this machine cannot download, or for a
            backbone whose name begins with "timm_" a `.safetensors` or `.pth` file of that network, whoever's it is.
        out: a `.keras` file to save to; None keeps the classifier in memory only.
        overwrite: replace whatever file is there; without it, only a model of the same classes.

    Returns:
        A `Classifier`, of labels a `MultiLabelClassifier`, of numbers a `Regressor`. Its `.metrics` hold what the
        validation pictures gave, through the very model that is saved; its `.summary` adds the counts, the time that
        each step took and the pictures that could not be used; `.summary["validation"]` is the `Evaluation`, whose
        `errors()` are what it got wrong.

    Raises:
        UsageError: no backbone of that name, or a value that is not accepted.
        ZooError: the data cannot be found, too few pictures are left to train on, or `out` holds something else.

    Example:
        >>> pets = finetune("textures")
        >>> pets.labels
        ['brick', 'grass', 'gravel']
    """
    augment, seed = whole_number("augment", augment, 0), whole_number("seed", seed, 0)
    views = checked_views(views, augment)
    unfreeze, epochs = checked_unfreezing(unfreeze, epochs, mix)
    kind = None if target is None else named(target)
    if out is not None and Path(out).suffix != ".keras":
        raise UsageError(f"out must be a .keras file, got {str(out)!r}; try {str(Path(out).with_suffix('.keras'))!r}.")
    with claimed(out):
        candidates = choice.backbones(backbone, weights_file)
        FeatureEngine(candidates[0], precision)  # refuses a precision before anything is read
        seconds: dict[str, float] = {}
        with clocked(seconds, "reading the folder"):
            dataset = sources.load(
                train, validation, val_split, seed, skip_list, hold_out=VAL_SPLIT, fewest=3, target=kind
            )
        kind = dataset.splits["train"].target
        if unfreeze != "none" and kind is not CLASSES:
            raise UsageError(
                f"unfreeze is for classes, and {dataset.name} has {kind.name}, for which the backbone stays frozen. "
                "Leave unfreeze out, or take each answer for a class: --target classes, in Python target='classes'."
            )
        if class_weight is not None:
            if kind is not CLASSES:
                raise UsageError(f"class_weight is for classes, and {dataset.name} has {kind.name}; leave it out.")
            dataset = weighted(dataset, class_weight)
        if out is not None:
            saving.output(out, {"task": kind.task, "labels": dataset.labels}, overwrite)
        network, results = candidates[0], None
        if not network.conversion.done(inference.FILE):
            network.begin()
        note(describe(dataset))
        if len(candidates) > 1:
            with clocked(seconds, "choice of the backbone"):
                pictures, num_classes = dataset.splits["train"], len(dataset.labels)
                network, results = choice.choose(candidates, pictures, num_classes, precision, seed)
        fast, exact = FeatureEngine(network, precision), FeatureEngine(network, "float32")
        if unfreeze != "none":
            from zoo.transfer.unfreeze import count_blocks, learn

            if isinstance(unfreeze, int):  # too many are better told of now
                count_blocks(network.archive().build(), unfreeze)

        num_views = choice.VIEWS if views == choice.AUTO else int(views)
        with clocked(seconds, "training pictures"):
            seen = extract(dataset.splits["train"], fast, max(1 + augment, num_views), title="training pictures")
        # What is reported is what the saved model will say, in float32, whatever computed the features above.
        with clocked(seconds, "validation pictures"):
            held_out = extract(dataset.splits["validation"], exact, num_views, title="validation pictures")
        rows = unseen(seen, held_out)
        y = dataset.splits["train"].y[seen.kept][rows]
        require_enough(kind, y, dataset.labels, seen.skipped, copies=len(seen.kept) - len(rows))
        with clocked(seconds, "head"):
            shown = seen.x if len(rows) == len(seen.x) else seen.x[rows]
            weights = dataset.splits["train"].weights
            weights = None if weights is None else weights[seen.kept][rows]
            losses: dict[int, float] = {}
            if views == choice.AUTO:
                num_views, losses = choice.choose_views(shown, y, len(dataset.labels), seed, kind, weights)
                shown = shown[:, :num_views]
            x = averaged(shown) if num_views > 1 else shown
            head = solve(x, y, len(dataset.labels), seed, target=kind, weights=weights)
        skipped = [*dataset.skipped, *seen.skipped, *held_out.skipped]
        note_skipped(skipped)
        with clocked(seconds, "saving"):
            archive = headed(exact, head, network.archive().members)
        engine: inference.Engine = inference.HeadEngine(exact, head)
        trained_on = [seen.digests[row] for row in rows]
        about: dict = {"blocks": 0}
        model, apart = None, None
        if unfreeze != "none":
            with clocked(seconds, "unfreezing"):
                pictures = dataset.splits["train"].subset(seen.kept[rows])
                outcome = learn(
                    archive.build(),
                    fast,
                    pictures,
                    trained_on,
                    shown,
                    head,
                    unfreeze,
                    epochs,
                    seed,
                    num_views > 1,
                    mix,
                )
                model, head, x = outcome.model, outcome.head, outcome.x
                apart, about = outcome.apart, outcome.about
            if model is not None:
                engine = inference.KerasEngine(model)
                inputs = saving.unpack(archive.selftest["inputs"])
                test = saving.selftest(inputs, saving.outputs(model, inputs))
                archive = saving.Archive.in_memory(network.name, saving.members(model), test)
        with clocked(seconds, "saving"):
            with threadpool_limits(1):
                novelty = NoveltyDetector.fit(x[:, 0], seed, apart)
            kind_of_work: Any = factory.task_class(kind.task)
            classifier: Supervised = kind_of_work.from_head(
                network.name, archive, dataset.labels, network.rule, engine, novelty
            )
            classifier._views = num_views
            judged = y if apart is None else y[apart]
            classifier._of_training(judged, head.held_out[:: len(head.held_out) // len(judged)])
            classifier._remember_data(dataset, train, validation, trained_on)
            if model is None and weights is None:
                classifier._head_fit = HeadFit(
                    head.strength, shown.shape[1], fast.name, fast.precision, seed, averaged=num_views > 1
                )
            measured_on = {"split": "validation", "given": len(held_out.kept), "trained_on": 0}
            pictures, kept = dataset.splits["validation"], held_out.kept.tolist()
            if model is None:
                outputs = head.activated(averaged(held_out.x[:, :num_views])[:, 0])
            else:
                outputs, kept, _ = classifier._outputs_of(pictures, lambda digest, view: True, progress=True)
            evaluation = classifier._evaluation(pictures, kept, outputs, measured_on, skipped)
            if out is not None:
                classifier.save(out, overwrite)
            if out is not None and model is None:
                with contextlib.suppress(Exception):  # it only spares the first prediction the conversion
                    sha256 = saving.digest(expand(out).read_bytes())
                    network.conversion.put_head(
                        head.kernel, head.bias, inference.Conversion.of_file(expand(out), sha256), kind.activation
                    )
        calibration = classifier._calibration  # of classes alone
        classifier.summary = {
            "validation": evaluation,
            "target": kind.name,
            "labels": dataset.labels,
            "skipped": skipped,
            "pictures": {"training": len(rows), "validation": len(held_out.kept)},
            "duplicates": len(seen.kept) - len(rows),
            "backbone": network.name,
            "candidates": results,
            "features": {
                "engine": fast.name,
                "precision": fast.precision,
                "computed": seen.computed + held_out.computed,
                "cached": seen.x.shape[0] * seen.x.shape[1] + len(held_out.kept) - seen.computed - held_out.computed,
            },
            "views": {"averaged": num_views, "losses": losses},
            "strength": head.strength,
            "calibration": {**calibration.to_json(), **evaluation.calibration()} if calibration else None,
            "unfrozen": about,
            "seconds": {name: round(value, 2) for name, value in list(seconds.items())},
            "out": None if out is None else str(out),
        }
        return classifier


def checked_unfreezing(
    unfreeze: str | int, epochs: int | None, mix: str | None = None
) -> tuple[str | int, int | None]:
    """The first two values, or a sentence on what is accepted.

    Raises:
        UsageError: a word or number that means nothing here, or an option where nothing is unfrozen.

    Example:
        >>> checked_unfreezing("4", None)
        (4, None)
    """
    words = ("none", "last", "all", "auto")
    if isinstance(unfreeze, str) and unfreeze.isdecimal():
        unfreeze = int(unfreeze)
    if isinstance(unfreeze, str) and unfreeze not in words:
        raise UsageError(
            f"unfreeze is {unfreeze!r}{did_you_mean(unfreeze, words)} Accepted are 'none', 'last', 'all', 'auto' or a "
            "number of blocks, such as 4."
        )
    if not isinstance(unfreeze, str):
        unfreeze = whole_number("unfreeze", unfreeze, 1)
    if mix is not None and mix not in MIXES:
        raise UsageError(f"mix is {mix!r}{did_you_mean(mix, MIXES)} Accepted are {' and '.join(map(repr, MIXES))}.")
    options = [word for word, value in (("epochs", epochs), ("mix", mix)) if value is not None]
    if options and unfreeze == "none":
        raise UsageError(
            f"{' and '.join(options)}: for blocks that learn, and none does: the head is solved, not trained. Leave "
            "it out, or say what learns, for example unfreeze='last'."
        )
    return unfreeze, None if epochs is None else whole_number("epochs", epochs, 1, 1000)


def checked_views(views: int | str, augment: int) -> int | str:
    """How many views are averaged, or a sentence on what is accepted.

    Raises:
        UsageError: no such number or word, or views are also to be trained on one by one.

    Example:
        >>> checked_views("4", augment=0)
        4
    """
    if isinstance(views, str) and views.isdecimal():
        views = int(views)
    if views != choice.AUTO:
        if isinstance(views, str):
            raise UsageError(f"views is {views!r}; accepted are 'auto' or a number of views, such as 4.")
        views = whole_number("views", views, 1, MOST_VIEWS)
    if views != 1 and augment:
        raise UsageError("augment trains on each view, views on their mean: give one of the two.")
    return views


def unseen(seen: Features, held_out: Features) -> np.ndarray:
    """The rows of the training features whose pictures are not, byte for byte, among those held out."""
    hidden = {*held_out.digests}
    return np.array([row for row, digest in enumerate(seen.digests) if digest not in hidden], int)


def require_enough(target: Target, y: np.ndarray, labels: list[str], skipped: list[Skipped], copies: int) -> None:
    """Stop unless each class has two usable training pictures: one to learn from, one to choose the strength by."""
    if lacking := target.lacking(y, labels, 2):
        duplicates = f" {copies} were left out because the same files are held out." if copies else ""
        counted = ", ".join(target.counted(y, labels)) or "none"
        unusable = (
            f" {len(skipped)} could not be read, {skipped[0].path} first ({skipped[0].reason})." if skipped else ""
        )
        raise ZooError(
            f"fine-tuning needs {lacking}, among the usable training pictures; found {counted}.{duplicates}{unusable}"
        )


def describe(dataset: Dataset) -> str:
    """What was found, for people."""
    target = dataset.splits["train"].target
    lines = [f"{dataset.name}: {target.title(dataset.labels)}"]
    for split in ("train", "validation"):
        pictures = dataset.splits[split]
        counted = target.counted(pictures.y, dataset.labels)
        more = ", ..." if len(counted) > 9 else ""
        lines.append(f"  {split}: {len(pictures)} pictures ({', '.join(counted[:9])}{more})")
    lines += [f"  {dataset.about}"] if dataset.about else []
    lines += [f"  A good accuracy proves {dataset.proves}"] if dataset.proves else []
    return "\n".join(lines)


@contextlib.contextmanager
def clocked(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Add the wall time of a step to `seconds`."""
    start = time.perf_counter()
    yield
    seconds[step] = seconds.get(step, 0.0) + time.perf_counter() - start
