"""Tuning a fine-tuning: each trial is judged by cross-validation on the training photos alone."""

from __future__ import annotations

import inspect
import os
import shlex
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from zoo.console import silence
from zoo.data import sources
from zoo.data.dataset import Dataset
from zoo.data.images.pictures import Pictures
from zoo.errors import ZooError
from zoo.metrics import Mean
from zoo.targets import CLASSES, named
from zoo.tasks import factory
from zoo.tasks.images.supervised import Supervised
from zoo.transfer import choice
from zoo.transfer.finetune import SEARCH_SPACE, VAL_SPLIT, finetune
from zoo.transfer.head import folds
from zoo.tuning.space import is_word, space_of, typed
from zoo.tuning.trials import Report

FEWEST = 3  # training photos of each class: without those of a fold, two must be left
NOT_TUNED = {"train", "validation", "out", "overwrite", "seed"}
CROSS_ENTROPY = "cross-entropy"


class PhotoProblem:
    """Photos with their answers, and how a classifier of them is made.

    Args:
        data, validation: as for `zoo.finetune`.
        space: settings to try; None takes `finetune`'s own, as far as they are for these photos and this machine.
        settings: arguments of `finetune` that stay as they are.
        seed: decides which photos are held out, and the folds.

    Raises:
        UsageError: a setting that `finetune` does not have.
        ZooError: too few photos to judge by.
    """

    unpruned, warmup = 2, 1  # a trial of unfrozen blocks takes minutes, and folds are the same for all

    def __init__(
        self, data: Any, validation: Any, space: Mapping[str, Any] | None, settings: Mapping[str, Any], seed: int
    ):
        self.data, self.validation, self.seed, self.settings = data, validation, seed, dict(settings)
        self.name = os.fspath(data) if isinstance(data, str | os.PathLike) else "photos"
        parameters = inspect.signature(finetune).parameters
        self.defaults = {name: p.default for name, p in parameters.items() if name not in NOT_TUNED}
        kind = settings.get("target")
        dataset = sources.load(
            data,
            validation,
            settings.get("val_split"),
            seed,
            settings.get("skip_list"),
            hold_out=VAL_SPLIT,
            fewest=FEWEST,
            target=None if kind is None else named(kind),
        )
        self.pictures: Pictures = dataset.splits["train"]
        self.labels, self.fingerprint = dataset.labels, Dataset(dataset.name, {"train": self.pictures}).fingerprint()
        self.target = self.pictures.target
        if lacking := self.target.lacking(self.pictures.y, self.labels, FEWEST):
            raise ZooError(f"tuning needs {lacking}, to learn from some and be judged by others.")
        self.space = space_of(space, self._own_space(), settings, self.defaults, "fine-tuning")
        kind_of_work: Any = factory.task_class(self.target.task)
        self.shown = kind_of_work._shown_metric
        self.judged_by = CROSS_ENTROPY if self.target is CLASSES else self.shown
        # of classes a loss, which tells more than a share; of numbers an error
        self.highest = self.target is not CLASSES and kind_of_work._metric_types[self.shown] is not Mean

    def _own_space(self) -> dict[str, Any]:
        """What there is to choose: the backbones at hand, and of the other choices those that are for this target."""
        here = [backbone.name for backbone in choice.backbones(choice.AUTO)]
        space: dict[str, Any] = {"backbone": here} if len(here) > 1 else {}
        frozen = self.target is not CLASSES
        return {**space, **{key: value for key, value in SEARCH_SPACE.items() if not (frozen and "unfreeze" in key)}}

    @cached_property
    def parts(self) -> list[tuple[Pictures, Pictures]]:
        """For each fold what is learned and what judges; made once, so that photos are read once for their hashes."""
        y = self.pictures.y
        strata, groups = self.target.strata(y), np.arange(len(y))
        fold = folds(strata, groups, self.seed, self.target.fewest(y))
        return [
            (self.pictures.subset(np.flatnonzero(fold != part)), self.pictures.subset(np.flatnonzero(fold == part)))
            for part in range(fold.max() + 1)
        ]

    def record(self) -> dict:
        """What a saved file will say of itself, to compare with one that is there."""
        return {"task": self.target.task, "labels": self.labels}

    def watched(self) -> str:
        """What settings are chosen by, in words."""
        count = len(self.pictures)
        return f"{self.judged_by} by {len(self.parts)}-fold cross-validation on the {count:,} photos for training"

    def identity(self) -> dict[str, Any]:
        """What two runs must share to be of one tuning."""
        return {
            "model": f"fine-tuning on {self.name}",
            "space": repr(self.space.stated),
            "settings": repr(dict(sorted(self.settings.items()))),
            "data": self.fingerprint,
            "seed": self.seed,
        }

    def run(self, settings: dict[str, Any], report: Report) -> tuple[float, dict[str, Any]]:
        """Fine-tune without each fold in turn, and judge by the fold; see `Problem`."""
        how = {**self.settings, **settings, "target": self.target.name}
        how.pop("val_split", None)
        how.pop("skip_list", None)  # what it names is left out already
        counts: list[int] = []
        values: list[float] = []
        shown: list[float] = []
        for number, (learned, judged) in enumerate(self.parts, 1):
            with silence():
                summary = finetune(learned, judged, seed=self.seed, **how).summary
            evaluation = summary["validation"]
            counts.append(summary["pictures"]["validation"])
            shown.append(evaluation[self.shown].value)
            is_loss = self.judged_by == CROSS_ENTROPY
            values.append(evaluation.calibration()["as it answers"]["cross_entropy"] if is_loss else shown[-1])
            report(number, float(np.average(values, weights=counts)))
        value, about = (float(np.average(each, weights=counts)) for each in (values, shown))
        return value, {self.shown: about} if is_loss else {}

    def keep(self, path: Path) -> None:
        """Nothing: the best settings learn from all folds at the end."""

    def finish(self, settings: Mapping[str, Any], out: Path, overwrite: bool) -> Supervised:
        """Fine-tune with the best settings on all training photos, and measure on those that nothing was chosen by."""
        how = {**self.settings, **settings}
        return finetune(self.data, self.validation, seed=self.seed, out=out, overwrite=overwrite, **how)

    def arguments(self, settings: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
        """What to fine-tune with: these settings and those that stay, where they are not `finetune`'s own."""
        chosen = {**self.settings, **settings}
        return {name: value for name, value in chosen.items() if value != self.defaults[name]}

    def command(self, arguments: Mapping[str, Any]) -> str:
        """What to type to fine-tune with what `arguments` gave."""
        words = ["zoo", "finetune", self.name if is_word(self.data) else "DATA"]
        if self.validation is not None:
            words += ["--val", str(self.validation) if is_word(self.validation) else "DATA"]
        for name, value in arguments.items():
            words += [f"--{name.replace('_', '-')}", typed(value)]
        words += ["--seed", str(self.seed)] if self.seed else []
        return shlex.join(words)
