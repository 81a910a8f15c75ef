"""What the photos of a folder did: whose label is probably wrong, which decided a prediction, which to label next.

Each photo's features come from the cache, the head is the optimum on all of them, and what it would be without a photo
follows from the curvature there (influence.py). Nothing is held out: each photo is judged by a head without it.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from zoo.console import note, note_skipped
from zoo.data import images, sources
from zoo.data.dataset import Skipped
from zoo.data.images.labels import joined
from zoo.data.images.pictures import Pictures
from zoo.errors import UsageError, ZooError, whole_number
from zoo.inference import softmax
from zoo.targets import CLASSES
from zoo.targets.labels import SEPARATOR
from zoo.transfer.embed import as_pictures
from zoo.transfer.features import Backbone, FeatureEngine, Features, extract
from zoo.transfer.finetune import require_enough
from zoo.transfer.head import Standardised, solve_head
from zoo.transfer.influence import influence
from zoo.transfer.label_quality import judge, order_to_label, score_to_label
from zoo.visualization import notebook
from zoo.visualization.pages import gallery, photo, text

SIDE = 320  # pixels of a photo's longer side in a notebook


@dataclass(frozen=True)
class Suspect:
    """A photo and how well its label fits.

    Attributes:
        path: the file, or "picture 17" for what is no file.
        label: the given one.
        likelier: the class that is likeliest without this photo.
        probability: of the given label, by the head that never saw this photo.
        score: the lower, the less the label fits: the mean of `probability` and of what a second head gives it, which
            also left out all photos that the first took for another class.
    """

    path: str
    label: str
    likelier: str
    probability: float
    score: float

    def to_json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Influence:
    """A photo, its label, and by how many logits it raises the margin of a prediction; below zero it lowers it."""

    path: str
    label: str
    influence: float

    def to_json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Why:
    """What decided a prediction.

    Attributes:
        path: the photo.
        label: what it is taken for, and
        probability: how likely that is.
        rather_than: the second likeliest class.
        margin: the label's logit less that of `rather_than`.
        left_out: whether it is one of the audited photos; the prediction is then by a head that never saw it.
        influences: of every other photo, the strongest in favour first, the strongest against last.
    """

    path: str
    label: str
    probability: float
    rather_than: str
    margin: float
    left_out: bool
    influences: list[Influence]

    def in_favour(self, most: int = 5) -> list[Influence]:
        """The photos that decided for the label, the strongest first."""
        return [item for item in self.influences[:most] if item.influence > 0]

    def against(self, most: int = 5) -> list[Influence]:
        """The photos that spoke against it, the strongest first."""
        return [item for item in self.influences[: -most - 1 : -1] if item.influence < 0]

    def to_json(self, most: int = 20) -> dict:
        facts = {key: value for key, value in vars(self).items() if key != "influences"}
        return {**facts, "for": self.in_favour(most), "against": self.against(most)}


@dataclass(frozen=True)
class Candidate:
    """An unlabelled photo that is worth a label.

    Attributes:
        path: the file.
        label: what it is taken for.
        margin: probability of that less that of the second likeliest class: near 0, the head cannot decide.
        distance: to the nearest photo that has a label or stands above in the list; 1 is the usual distance of these
            photos to the nearest other.
        score: (1 - margin) * min(1, distance); the list is by it.
    """

    path: str
    label: str
    margin: float
    distance: float
    score: float

    def to_json(self) -> dict:
        return asdict(self)


def _in_notebook(suspect: Suspect, item: Any) -> str:
    """The photo of a suspect, as HTML."""
    name = Path(suspect.path).name
    words = f"labelled {text(suspect.label)}, likelier {text(suspect.likelier)}{notebook.file_name(name)}"
    try:
        return photo(images.whole(item, SIDE), name, words, enlarges=False)
    except images.ImageError:  # it has gone since
        return f"<figure class=photo><figcaption>{words}</figcaption></figure>"


class Audit:
    """Answers about each photo of a folder; `zoo.audit` makes one.

    Attributes:
        ranking: every photo as a `Suspect`, the one whose label fits least first.
        suspects: of these, the photos for which another class is likelier than the given one.
        labels: the classes.
        strength: of the head's penalty, chosen by cross-validation.
        method: "leave-one-out", or "5 folds" where there are too many photos to leave each out.
        skipped: what could not be used.
        seconds: what it took once the features were there.

    Args:
        pictures: the photos with their labels.
        seen: their features.
        engine: what computed these.
        skipped: what could not be used.
        seed: decides the folds of the cross-validation.
    """

    def __init__(self, pictures: Pictures, seen: Features, engine: FeatureEngine, skipped: list[Skipped], seed: int):
        y = pictures.y[seen.kept]
        # a second copy of a photo, labelled alike, would vouch for the first
        first = sorted(
            {pair: row for row, pair in reversed([*enumerate(zip(seen.digests, y.tolist(), strict=True))])}.values()
        )
        self.labels, self.skipped = pictures.labels, skipped
        self._engine = engine
        self._names = [pictures.name(index) for index in seen.kept[first].tolist()]
        self._items = [pictures.items[index] for index in seen.kept[first].tolist()]
        self._digests = np.array([seen.digests[row] for row in first])
        self._x, self._y = seen.x[first, 0], y[first]
        require_enough(CLASSES, self._y, self.labels, skipped, copies=0)
        start = time.perf_counter()
        with threadpool_limits(1):  # as for the head of `finetune`
            judged = judge(self._x, self._y, len(self.labels), seed)
        self.seconds = round(time.perf_counter() - start, 2)
        self._head, self.strength, self.method = judged.head, judged.head.strength, judged.method
        every = np.arange(len(first))
        own, scores = judged.probabilities[every, self._y], judged.scores[every, self._y]
        self.ranking = [
            Suspect(
                self._names[i],
                self.labels[self._y[i]],
                self.labels[judged.scores[i].argmax()],
                float(own[i]),
                float(scores[i]),
            )
            for i in np.argsort(scores, kind="stable").tolist()
        ]
        self.suspects = [suspect for suspect in self.ranking if suspect.likelier != suspect.label]

    def __repr__(self) -> str:
        return f"<Audit of {len(self.ranking)} photos, {len(self.suspects)} suspects>"

    def _repr_html_(self) -> str:
        of = f"{len(self.suspects):,} of {len(self.ranking):,} labels are less likely than another one"
        items = dict(zip(self._names, self._items, strict=True))
        worst = (_in_notebook(suspect, items[suspect.path]) for suspect in self.suspects[: notebook.SHOWN])
        return notebook.shown(f"<p><b>{of}</b>, by {self.method}; the worst come first.</p>", gallery(worst))

    def why(self, photo: Any) -> Why:
        """Which photos decided what a photo is taken for.

        Args:
            photo: a path, or what else `Classifier.predict` takes one of. Where it is among the audited photos, the
                prediction is by a head that never saw it.

        Raises:
            ZooError: it cannot be read.
        """
        new, _ = self._features_of([photo])
        if not len(new.kept):
            raise ZooError(f"{photo} cannot be used: {new.skipped[0].reason}")
        others = self._digests != new.digests[0]
        x, y = self._x[others], self._y[others]
        if len(np.unique(y)) < len(self.labels):
            raise ZooError(f"without {photo} there would be a class without any photo; add some first.")
        at, head = Standardised.of(x), self._head
        if not others.all():
            head = solve_head(at, y, len(self.labels), self.strength, at.solution(head))
        feature = new.x[0].astype(np.float64)  # (1, d)
        (logits,) = head(feature)
        best, second = np.argsort(-logits, kind="stable")[:2].tolist()
        weight = influence(at.x, y, head(x.astype(np.float64)), self.strength, at(feature)[0], (best, second))
        names = np.array(self._names, object)[others]
        return Why(
            str(photo),
            self.labels[best],
            float(softmax(logits)[best]),
            self.labels[second],
            float(logits[best] - logits[second]),
            not others.all(),
            [Influence(names[j], self.labels[y[j]], float(weight[j])) for j in np.argsort(-weight, kind="stable")],
        )

    def to_label(self, pictures: Any) -> list[Candidate]:
        """In which order to label photos that have no label yet: those that would teach the head most come first.

        Args:
            pictures: a folder, or several pictures as for `Classifier.predict`. Those that are among the audited ones
                are left out.

        Raises:
            ZooError: none of them can be used.
        """
        new, names = self._features_of(pictures)
        note_skipped(new.skipped)
        rows = np.flatnonzero(~np.isin(new.digests, self._digests))
        if len(rows) < len(new.kept):
            note(f"left out, as they have a label: {len(new.kept) - len(rows)} photos.")
        if not len(rows):
            reason = f", the first because: {new.skipped[0].reason}" if new.skipped else ""
            raise ZooError(f"none of the {len(names)} photos to choose from can be used{reason}.")
        x = new.x[rows, 0]
        p = softmax(self._head(x.astype(np.float64)))
        order, margin, distance = order_to_label(self._x, x, p)
        score = score_to_label(margin, distance)
        return [
            Candidate(
                names[new.kept[rows[i]]],
                self.labels[p[i].argmax()],
                float(margin[i]),
                float(distance[i]),
                float(score[i]),
            )
            for i in order.tolist()
        ]

    def _features_of(self, pictures: Any) -> tuple[Features, list[str]]:
        """Features of pictures without labels, and what each of these is called."""
        unlabelled = as_pictures(pictures)
        names = [unlabelled.name(index) for index in range(len(unlabelled))]
        return extract(unlabelled, self._engine, title="other pictures"), names

    def to_json(self) -> dict:
        return {
            "suspects": self.suspects,
            "photos": len(self.ranking),
            "labels": self.labels,
            "method": self.method,
            "strength": self.strength,
            "backbone": self._engine.backbone.name,
            "skipped": self.skipped,
            "seconds": self.seconds,
        }


def audit(
    train: Any,
    *,
    backbone: str = "efficientnet_lite0",
    precision: str | None = None,
    seed: int = 0,
    skip_list: str | Path | None = None,
) -> Audit:
    """Look for photos whose label is probably wrong, and answer questions about each photo.

    The head that `finetune` would fit is the optimum of a convex problem, so what it would be without a photo follows
    from its curvature: every photo is judged by a head that never saw it, in seconds once the features are cached.

    Args:
        train: a folder of class folders, a dataset's name, a CSV file of paths and labels, arrays `(x, y)` or a
            DataFrame. All of its splits are looked at.
        backbone: a pretrained network, see `zoo.list(task="backbone")`.
        precision: what features are computed in: "float32" or "bfloat16"; None is the fastest here.
        seed: decides the folds of the cross-validation that chooses the strength of the head's penalty.
        skip_list: a CSV file of pictures to leave out, as `zoo doctor --out` writes it.

    Returns:
        An `Audit`: its `suspects`, worst first; `why(photo)`, the photos that decided a prediction;
        `to_label(folder)`, which unlabelled photos to label next.

    Raises:
        UsageError: no backbone of that name, or a value that is not accepted.
        ZooError: the data cannot be found, or there are fewer than two classes with two usable photos each.

    Example:
        >>> len(audit("textures").suspects)
        0
    """
    seed = whole_number("seed", seed, 0)
    engine = FeatureEngine(Backbone(backbone), precision)
    dataset = sources.find(train, skip_list)
    if several := next((label for label in dataset.labels if SEPARATOR in label), None):
        raise UsageError(f"an audit is of classes, one a photo; {dataset.name} has several labels in {several!r}.")
    pictures = joined([*dataset.splits.values()])
    require_enough(CLASSES, pictures.y, pictures.labels, dataset.skipped, copies=0)
    seen = extract(pictures, engine, title="pictures")
    skipped = [*dataset.skipped, *seen.skipped]
    note_skipped(skipped)
    return Audit(pictures, seen, engine, skipped, seed)
