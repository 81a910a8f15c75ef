"""What a report is made of: the model, its photos where they are at hand, and what is known of either."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo import catalog
from zoo.data import images, sources
from zoo.data.dataset import Dataset
from zoo.data.doctor.examine import examine
from zoo.data.doctor.findings import Finding
from zoo.data.images.labels import joined
from zoo.data.images.pictures import Pictures
from zoo.errors import ZooError
from zoo.targets import CLASSES
from zoo.tasks.images.evaluation import Evaluation
from zoo.tasks.images.explanation import GRAD_CAM, GRADIENTS
from zoo.tasks.images.known_pictures import beginning
from zoo.tasks.images.supervised import Supervised
from zoo.transfer.audit import Audit
from zoo.transfer.features import Backbone, FeatureEngine, extract
from zoo.visualization.report_page import ShownPhoto
from zoo.weights.load import at_hand

SIDE = 360  # pixels of a photo's longer side on the page
DOCTOR, AUDIT = 5_000, 20_000  # photos above which these would take minutes
METHODS = {GRAD_CAM: "Grad-CAM", GRADIENTS: "gradients at the pixels"}


@dataclass
class Gathered:
    """All that a report is made of.

    Attributes:
        model: what it is on.
        file: where that was saved.
        measured: the numbers, of now or as the file remembers them; {} where there are none.
        evaluation: of now; None where the photos are not at hand.
        learned: the photos that it was trained on, as far as they are at hand.
        sizes: width and height of the photos, where they were looked at.
        findings: the doctor's.
        audit: of the labels of `learned`.
        missing: what is not there and why, a sentence each.
        method: by which heat maps were computed.
    """

    model: Supervised
    file: Path
    measured: dict = field(default_factory=dict)
    evaluation: Evaluation | None = None
    learned: Pictures | None = None
    sizes: list[tuple[int, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    audit: Audit | None = None
    missing: list[str] = field(default_factory=list)
    method: str = METHODS[GRAD_CAM]

    @classmethod
    def of(cls, model: Supervised, file: Path, data: Any, evaluation: Evaluation | None) -> Gathered:
        """Find the photos, and look at them.

        Raises:
            ZooError: `data` were given and cannot be found.
        """
        self = cls(model, file, dict(model.metrics))
        try:
            own = model._own_data("train") if data is None else data
            dataset = model._resolve_dataset(own, functools.partial(sources.find, target=model._target))
        except ZooError as error:
            if data is not None:
                raise
            reason = str(error).partition(". Give the pictures")[0]
            self.missing.append(f"The photos, and all that needs them: {reason}. With them: --data FOLDER.")
            return self
        try:
            self.evaluation = model.evaluate(data) if evaluation is None else evaluation
            self.measured = dict(self.evaluation)
        except ZooError as error:
            self.missing.append(f"What is measured on held-out photos: {error}")
        self._learned(dataset)
        self._examine(own, dataset)
        self._audit()
        return self

    def _learned(self, dataset: Dataset) -> None:
        """Find the photos that it was trained on."""
        everything, pictures = joined([*dataset.splits.values()]), self.model._known_pictures
        if pictures.trained_on:
            digests = [everything.digest(index) for index in range(len(everything))]
            rows = [row for row, digest in enumerate(digests) if beginning(digest) in pictures.trained_on]
            self.learned = everything.subset(rows)
            if len(rows) < len(pictures.trained_on):
                self.missing.append(
                    f"{len(pictures.trained_on) - len(rows)} of the {len(pictures.trained_on)} photos that it was "
                    f"trained on: they are not in {dataset.name}."
                )
        elif self.evaluation is not None and "train" in dataset.splits and len(dataset.splits) > 1:
            self.learned = dataset.splits["train"]  # an older file does not say which they were
        if self.learned is not None and not len(self.learned):
            self.learned = None

    def _examine(self, own: Any, dataset: Dataset) -> None:
        """Let the doctor look at the photos."""
        count = sum(map(len, dataset.splits.values()))
        if not any(part.in_files() for part in dataset.splits.values()):
            return
        if count > DOCTOR:
            self.missing.append(f"The doctor's findings: {count:,} photos would take minutes. Type: zoo doctor FOLDER")
            return
        examination = examine(own, target=self.model._target)
        self.sizes, self.findings = examination.sizes, examination.findings

    def _audit(self) -> None:
        """Judge the labels that it learned from, by the frozen network's features."""
        learned, fit = self.learned, self.model._head_fit
        if learned is None or self.model._target is not CLASSES:
            return
        if len(learned) > AUDIT:
            self.missing.append(
                f"Labels that may be wrong: {len(learned):,} would take minutes. Type: zoo audit FOLDER"
            )
            return
        card = catalog.cards().get(self.model.name)
        if card is None or not card.is_backbone:
            self.missing.append("Labels that may be wrong: a pretrained network judges them. Type: zoo audit FOLDER")
            return
        try:
            backbone = Backbone(self.model.name)
            if at_hand(backbone.weights_card) is None:
                raise ZooError(f"the weights of {backbone.name} are not on this machine")
            engine = FeatureEngine(backbone, fit.precision if fit else None)
            seen = extract(learned, engine, title="training pictures")
            self.audit = Audit(learned, seen, engine, seen.skipped, 0)
        except ZooError as error:
            self.missing.append(f"Labels that may be wrong, which a pretrained network judges: {error}")

    def photo(self, item: Any, name: str, heat_for: str | None = None, **facts: Any) -> ShownPhoto:
        """A photo as the page shows it; with what speaks for a class, where one is named."""
        pixels, heat = None, None
        try:
            if heat_for is None:
                pixels = images.whole(item, SIDE)
            else:
                why = self.model.explain(item, heat_for)
                self.method = METHODS[why.method]
                pixels, heat = (smaller(picture) for picture in (Image.fromarray(why.photo), why.overlay()))
        except ZooError:  # it has gone, or was changed, since it was measured
            pass
        return ShownPhoto(name, pixels, heat=heat, **facts)

    def of_measured(self, index: int, **facts: Any) -> ShownPhoto:
        """One of the photos that it was measured on.

        Args:
            index: of the photo.
            **facts: as for `photo`.
        """
        assert self.evaluation is not None
        pictures = self.evaluation._pictures
        return self.photo(pictures.items[index], Path(pictures.name(index)).name, **facts)


def smaller(picture: Image.Image) -> np.ndarray:
    """A picture that is no longer than `SIDE`."""
    picture.thumbnail((SIDE, SIDE))
    return np.asarray(picture.convert("RGB"))
