"""Forgetting: the classifier that fine-tuning would have given, had it never seen some photos.

The head is an optimum that depends on the training pictures alone, so it is solved again without them, at the same
strength of the penalty: nothing of them is left in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from zoo import inference, saving
from zoo.console import note, note_skipped
from zoo.data import images, named, sources
from zoo.data.dataset import Dataset
from zoo.data.images.pictures import Pictures
from zoo.errors import UsageError, ZooError, brief
from zoo.files import claimed, expand
from zoo.tasks import factory
from zoo.tasks.images.classification import Classifier
from zoo.tasks.images.head_fit import HeadFit
from zoo.tasks.images.known_pictures import beginning
from zoo.tasks.images.novelty import NoveltyDetector
from zoo.tasks.images.supervised import Supervised
from zoo.transfer import cache
from zoo.transfer.features import Backbone, FeatureEngine, averaged, extract, headed
from zoo.transfer.head import Head, Standardised, solve_head
from zoo.weights import keras_file


def forget(
    file: str | Path, photos: Any, *, data: Any = None, out: str | Path | None = None, overwrite: bool = False
) -> Classifier:
    """Make a fine-tuned classifier as if it had never seen some of its photos.

    The head is what fine-tuning without them gives at the same strength of the penalty, to about four digits of its
    weights and five of its probabilities, which is as near as the solver goes. The photos leave the file's
    memory too: their hashes go, the novelty detector and the measured accuracy are made anew without them, and this
    machine's cache loses their features. The photos themselves stay where they are.

    Args:
        file: a `.keras` file that `finetune` saved.
        photos: which ones: paths, or a folder with all in it; also such as were only held out.
        data: the data that `file` was made from, less the photos or not. None takes them from where they lay.
        out: the file to write; None writes over `file`.
        overwrite: replace whatever is at `out`.

    Returns:
        The classifier, which is saved. Its `metrics` are empty where the pictures that were held out are not at hand.

    Raises:
        UsageError: `file` is no fine-tuned classifier, or `out` is called like none.
        ZooError: a photo cannot be read or was never seen, the other training pictures are not at hand, or a class
            would keep fewer than two.

    Example:
        >>> import zoo, zoo.data.sources
        >>> pets = zoo.finetune("textures", out="textures.keras")
        >>> photo = zoo.data.sources.load("textures").splits["train"].items[0]
        >>> pets = zoo.forget("textures.keras", [photo])
    """
    path, target = expand(file), expand(file if out is None else out)
    if out is not None and target.suffix != ".keras":
        raise UsageError(f"out must be a .keras file, got {str(out)!r}; try {str(target.with_suffix('.keras'))!r}.")
    with claimed(target):
        classifier, archive, fit = opened(path)
        overwrite = overwrite or out is None
        saving.output(target, {"task": "classification", "labels": classifier.class_names()}, overwrite)
        gone = digests_of(photos, classifier, path)
        dataset, held_out = pictures_of(classifier, path, data)
        remaining = classifier._known_pictures.without(gone)
        trained = chosen(dataset.splits["train"], remaining.trained_on)
        apart = chosen(held_out, remaining.held_out)
        at_hand = {beginning(trained.digest(index)) for index in range(len(trained))}
        if lost := len(remaining.trained_on - at_hand):
            raise ZooError(
                f"{lost} of the {len(classifier._known_pictures.trained_on)} pictures that {file} was trained on are "
                f"not in {dataset.name}. All but those to forget are needed; name the folder that holds them: "
                f"zoo forget {file} PHOTO --data FOLDER."
            )
        classes = classifier.class_names()
        y = classifier._truth(trained)
        for label, count in zip(classes, np.bincount(y, minlength=len(classes)), strict=True):
            if count < 2:
                raise ZooError(f"{label} would keep {count} photos, and two are needed to learn from. Add some first.")
        network = Backbone(classifier.name)
        fast, exact = FeatureEngine(network, fit.precision), FeatureEngine(network, "float32")
        if fast.name != fit.engine:
            raise ZooError(f"{file} was trained by {fit.engine}, which is not installed here; fine-tune anew.")
        seen = extract(trained, fast, fit.views, title="training pictures")
        measured = extract(apart, exact, classifier._views, title="held-out pictures")
        note_skipped([*seen.skipped, *measured.skipped])
        if seen.skipped:
            raise ZooError(f"{seen.skipped[0].path} was trained on and cannot be read: {seen.skipped[0].reason}.")
        with threadpool_limits(1):
            arrays = keras_file.parse(archive.members[saving.WEIGHTS])
            old = Head(arrays["head/0"].astype(np.float64), arrays["head/1"].astype(np.float64), fit.strength, {})
            x = averaged(seen.x) if fit.averaged else seen.x
            at = Standardised.of(x.reshape(-1, x.shape[2]))
            head = solve_head(at, np.repeat(y, x.shape[1]), len(classes), fit.strength, at.solution(old), 1e-7)
            classifier.novelty = NoveltyDetector.fit(x[:, 0], fit.seed)
        classifier._attach_archive(headed(exact, head, archive.members), inference.HeadEngine(exact, head))
        classifier._known_pictures, classifier._calibration = remaining, None  # predictions of the photos chose that
        classifier.data["fingerprint"] = Dataset(dataset.name, {"train": trained, "validation": apart}).fingerprint()
        classifier.metrics = {}
        if len(measured.kept) and {*map(beginning, measured.digests)} == remaining.held_out:
            about = {"split": "validation", "given": len(measured.kept), "trained_on": 0}
            classifier._evaluation(
                apart, measured.kept.tolist(), head(averaged(measured.x)[:, 0]), about, measured.skipped
            )
        else:
            note(f"what was held out is not at hand: to measure the classifier, zoo evaluate {target} FOLDER.")
        classifier.save(target, overwrite)
        cache.forget(gone)
        return classifier


def opened(path: Path) -> tuple[Classifier, saving.Archive, HeadFit]:
    """A saved classifier, its file's content, and how its head was fitted.

    Raises:
        ZooError: it cannot be opened.
        UsageError: it is another model, or its file does not say how its head was fitted.
    """
    classifier = factory.from_file(path)
    archive, fit = classifier._archive, getattr(classifier, "_head_fit", None)
    if isinstance(classifier, Supervised) and not isinstance(classifier, Classifier):
        raise UsageError(
            f"{path} is a model for {classifier.entry.task}; forgetting is for classifiers, of one class a photo. "
            "Type: zoo finetune DATA, without the photos."
        )
    if not isinstance(classifier, Classifier) or archive is None or fit is None:
        raise UsageError(
            f"{path} is no classifier whose head `zoo finetune` fitted on a frozen network, all photos alike, or an "
            "earlier version saved it; of others it is not known what a photo did. Type: zoo finetune FOLDER, without "
            "the photos."
        )
    return classifier, archive, fit


def digests_of(photos: Any, classifier: Classifier, path: Path) -> list[str]:
    """Hashes of the photos to forget.

    Raises:
        ZooError: one of them cannot be read, or the classifier never saw it.
    """
    photos = sources.named_pictures(photos)
    photos = photos if isinstance(photos, list | tuple) else [photos]
    pictures = classifier._known_pictures
    digests = []
    for photo in photos:
        try:
            digests.append(images.digest(images.read(photo)))
        except images.ImageError as error:
            raise ZooError(f"{photo} cannot be read: {error}. A photo is known by its content.") from error
    strangers = [
        str(photo)
        for photo, digest in zip(photos, digests, strict=True)
        if beginning(digest) not in pictures.trained_on | pictures.held_out
    ]
    if strangers or not digests:
        raise ZooError(
            f"{brief(strangers) or 'no photo'}: not among the {len(pictures.trained_on)} pictures that {path} was "
            f"trained on, nor among the {len(pictures.held_out)} that were held out. Give the files as they were: one "
            "that was edited or saved again is another picture."
        )
    return digests


def pictures_of(classifier: Classifier, path: Path, data: Any) -> tuple[Dataset, Pictures]:
    """The data that a classifier was made from, and the pictures among which some were held out.

    Args:
        classifier: the classifier.
        path: its file.
        data: what the user gave; None is where the data lay.

    Raises:
        ZooError: the data are not at hand.
    """
    place, other = (classifier.data.get(key) for key in ("place", "validation"))
    name = classifier.data.get("name")
    data = data if data is not None else named.data_at(place) or (name if named.known(str(name), "pictures") else None)
    if data is None or (isinstance(data, str) and Path(data).is_absolute() and not Path(data).exists()):
        reason = f"this machine does not know where {name} is" if data is None else f"{data} is not there any more"
        raise ZooError(
            f"{path} is fitted again on its other pictures, and {reason}. Name the folder: zoo forget {path} PHOTO "
            "--data FOLDER, in Python data=FOLDER."
        )
    dataset = sources.find(data)
    apart = dataset.splits.get("validation", dataset.splits["train"])  # it may have been drawn from these
    if (validation := named.data_at(other)) is not None and (named.is_name(validation) or Path(validation).exists()):
        apart = sources.find(validation).splits["train"]
    return dataset, apart


def chosen(pictures: Pictures, hashes: Iterable[int]) -> Pictures:
    """Those of the pictures whose hashes begin so."""
    wanted = {*hashes}
    rows = [index for index in range(len(pictures)) if beginning(pictures.digest(index)) in wanted]
    subset = pictures.subset(rows)
    subset.digests.update({number: pictures.digests[index] for number, index in enumerate(rows)})
    return subset
