"""Tuning a model of the shelf: each trial is a training, judged by examples that it only watches."""

from __future__ import annotations

import gc
import inspect
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.api import get
from zoo.console import silence
from zoo.data.dataset import Dataset
from zoo.errors import UsageError
from zoo.tasks.task import Task, training_options
from zoo.tuning.space import derived, is_word, space_of, typed
from zoo.tuning.trials import Report, Stopped

SHARE = 0.2  # of the training part is watched, where the data have no part of their own for it
# options of `zoo train` that have a name of their own; all others are typed behind --set
OPTIONS = ("learning_rate", "batch_size", "epochs", "steps_per_epoch", "sampling", "encoding")
# options of a training that say how it is run, and what decides which examples there are
NOT_TUNED = {
    *("callbacks", "folder", "overwrite", "progress", "resume", "sample_weight", "tensorboard"),
    *("validation_split", "verbose"),
}


class ModelProblem:
    """A model of the shelf, and the data that it is to learn.

    Args:
        name: the model's name, or a Python file that registers one.
        data, validation: as for `Task.train`; None is the model's own dataset.
        space: settings to try, as `Entry.search_space` has them; None takes the model's own.
        settings: arguments of the builder or of the training that stay as they are.
        seed: of every trial's training.

    Raises:
        UsageError: a setting that nobody has, or nothing to choose by.
    """

    unpruned = 4

    def __init__(
        self,
        name: str,
        data: Any,
        validation: Any,
        space: Mapping[str, Any] | None,
        settings: Mapping[str, Any],
        seed: int,
    ):
        self.model, self.seed, self.settings = name, seed, dict(settings)
        self.task = get(name, seed=seed)
        self.name, entry = self.task.name, self.task.entry
        self.judged_by, best = self.task._monitor
        self.highest = best == "max"
        if not self.task._is_watched:
            raise UsageError(
                f"{self.name} is a model for {entry.task}: while it is trained, no held-out examples say how good it "
                f"is, so there is no validation data to choose settings by. `zoo train {name}`, then `zoo evaluate`."
            )
        accepted = (training_options(type(self.task)) - NOT_TUNED) | {*self.task.arguments}
        self.space = space_of(space, entry.search_space or derived(entry), settings, accepted, self.name)
        self.defaults = own_settings(self.task)
        self.epochs = int(self.settings.get("epochs", entry.epochs))
        self.warmup = max(1, self.epochs // 4)
        self.data, self.validation = data, validation
        self.dataset = self._to_choose_by()
        self._last: Task | None = None

    def _to_choose_by(self) -> Dataset:
        """What is learned, and what is watched; nothing of what a model is measured on in the end.

        Watched is what was given to watch; else the data's own validation part, if there is a test part beside it;
        else a share of the training part, so that a validation part stays to measure on.
        """
        words = inspect.signature(self.task._find_data).parameters.keys() & self.settings.keys()
        how = {word: self.settings[word] for word in words}
        encoding = {word: value for word, value in how.items() if word == "encoding"}
        found = self.task._resolve_dataset(
            self.data, lambda data: self.task._find_data(data, self.validation, **encoding)
        )
        apart = self.validation is not None or {"test", "validation"} <= found.splits.keys()
        kept = ("train", "validation") if apart else ("train",)
        found = replace(found, splits={split: found.splits[split] for split in kept})
        return self.task._find_data(found, validation_split=None if apart else SHARE, **how)

    def record(self) -> dict:
        """What a saved file will say of itself, to compare with one that is there."""
        labels = getattr(self.dataset.splits["train"], "labels", None) if self.task._needs_classes else None
        return {"task": self.task.entry.task, "labels": labels}

    def watched(self) -> str:
        """What settings are chosen by, in words."""
        learned, watched = (len(self.dataset.splits[split]) for split in ("train", "validation"))
        if self.validation is not None:
            return f"{self.judged_by} on {self.validation if is_word(self.validation) else 'validation'}"
        return f"{self.judged_by} on {watched:,} of the {learned + watched:,} for training, which were only watched"

    def identity(self) -> dict[str, Any]:
        """What two runs must share to be of one tuning."""
        return {
            "model": self.name,
            "space": repr(self.space.stated),
            "settings": repr(dict(sorted(self.settings.items()))),
            "epochs": self.epochs,
            "data": self.dataset.fingerprint(),
            "seed": self.seed,
        }

    def run(self, settings: dict[str, Any], report: Report) -> tuple[float, dict[str, Any]]:
        """Train with some settings; see `Problem`."""
        from zoo.tuning.watching import BestEpoch

        self._last = None
        gc.collect()  # the model before this one: nets refer to themselves
        arguments = {**self.settings, **settings}
        built = {key: arguments.pop(key) for key in [*arguments] if key in self.task.arguments}
        for word in inspect.signature(self.task._find_data).parameters.keys() & arguments.keys():
            del arguments[word]  # the data are found already
        with silence():
            task = get(self.model, seed=self.seed, **built)
            watching = BestEpoch(task, self.judged_by, self.highest, report)
            task.train(self.dataset, callbacks=[watching], progress=False, **arguments)
        if watching.stopped:
            raise Stopped
        watching.take_best()
        self._last = task
        return watching.value, {"best_epoch": watching.best_epoch}

    def keep(self, path: Path) -> None:
        """Write the model of the last trial, as it was after its best epoch."""
        if self._last is None:
            return
        place = self.data if self.data is not None else self.task.entry.dataset
        self._last._remember_data(self.dataset, place, self.validation)
        self._last.save(path, overwrite=True)

    def arguments(self, settings: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
        """What to train with, on all of the training part: these settings, those that stay, and for how long."""
        chosen = {**self.settings, **settings}
        # a rate that stays as it is goes on past the best epoch, one that falls has come to its end there
        schedule = chosen.get("schedule") or self.task.entry.schedule or "constant"
        return {**chosen, "epochs": about["best_epoch"]} if schedule == "constant" else chosen

    def command(self, arguments: Mapping[str, Any]) -> str:
        """What to type to train with what `arguments` gave."""
        words = ["zoo", "train", self.model]
        for option, value in (("--data", self.data), ("--val", self.validation)):
            if value is not None:
                words += [option, str(value) if is_word(value) else "DATA"]
        words += ["--seed", str(self.seed)]
        pairs = []
        for name, value in arguments.items():
            if name == "augment":
                words += ["--augment", *value]
            elif name in OPTIONS and value is not None:
                words += [f"--{name.replace('_', '-')}", typed(value)]
            else:
                pairs.append(f"{name}={typed(value)}")
        words += ["--set", *pairs] if pairs else []
        return shlex.join(words)


def own_settings(task: Task) -> dict[str, Any]:
    """The settings that a model has by itself: of its training, of its builder, of its text."""
    entry = task.entry
    names = "learning_rate", "batch_size", "optimizer", "epochs", "steps_per_epoch", "augment"
    training = {name: getattr(entry, name) for name in names}
    return {**training, "schedule": entry.schedule or "constant", **task._function_arguments()}
