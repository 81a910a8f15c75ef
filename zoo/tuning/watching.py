"""What a training of a trial reports after each epoch, and the weights of its best one."""

from __future__ import annotations

import numpy as np

from zoo.backend import keras
from zoo.errors import DivergedError, UsageError
from zoo.tasks.task import Task
from zoo.tuning.trials import Report, Stopped


class BestEpoch(keras.callbacks.Callback):
    """Reports a logged number after each epoch, ends what is not worth going on, and keeps the best weights.

    Args:
        task: whose model is trained.
        monitor: the logged number.
        highest: whether the highest is the best.
        report: is told of it.
    """

    def __init__(self, task: Task, monitor: str, highest: bool, report: Report):
        super().__init__()
        self.task, self.monitor, self.report = task, monitor, report
        self.sign = 1.0 if highest else -1.0
        self.value, self.best_epoch, self.stopped = float("nan"), 0, False
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch, logs=None) -> None:
        if self.monitor not in (logs or {}):
            raise UsageError(
                f"{self.task.name} logs no {self.monitor} while it is trained: there is no validation data to choose "
                "settings by. Give some: --val, in Python validation=."
            )
        value = float((logs or {})[self.monitor])
        if not np.isfinite(value):
            raise DivergedError(f"{self.monitor} became {value} in epoch {epoch + 1}: the steps are too large.")
        # among equals the later epoch is the best, as in a training that is kept: it has seen more
        if not self.weights or self.sign * value >= self.sign * self.value:
            self.value, self.best_epoch = value, epoch + 1
            _ = self.model  # on JAX, asking for it fetches the weights from the device
            self.weights = self.task.model.get_weights()
        try:
            self.report(epoch + 1, value)
        except Stopped:
            self.stopped = self.model.stop_training = True

    def take_best(self) -> None:
        """Give the model the weights of its best epoch."""
        self.task.model.set_weights(self.weights)
