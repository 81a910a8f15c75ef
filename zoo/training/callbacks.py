"""What every training shows and logs."""

from pathlib import Path

import numpy as np

from zoo.backend import keras
from zoo.console import note, progress_bar
from zoo.errors import ZooError
from zoo.visualization.notebook import LoggedCurves


class Cost(keras.callbacks.Callback):
    """Logs as "cost" the loss before the first step of each epoch: with all examples in a step, the course's cost.

    Where several steps are one execution (`steps_per_execution`) there is no telling, and nothing is logged.
    """

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.cost: float | None = None

    def on_train_batch_end(self, batch, logs=None) -> None:
        if batch == 0:
            self.cost = float(logs["loss"])

    def on_epoch_end(self, epoch, logs=None) -> None:
        if self.cost is not None:
            logs["cost"] = self.cost


class StopOnNaN(keras.callbacks.Callback):
    """Ends the training when the loss is no number; Keras' own such callback prints to standard output."""

    def on_train_batch_end(self, batch, logs=None) -> None:
        if not np.isfinite(float((logs or {}).get("loss", 0.0))):
            self.model.stop_training = True


class Progress(keras.callbacks.Callback):
    """One bar over all steps of all epochs, with the time left and the latest numbers."""

    def __init__(self, epochs: int, steps: int, initial_epoch: int):
        super().__init__()
        self.epochs, self.steps, self.initial_epoch = epochs, steps, initial_epoch

    def on_train_begin(self, logs=None) -> None:
        done = self.initial_epoch * self.steps
        self.bar = progress_bar(self.epochs * self.steps, "training", unit="step", initial=done)

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None) -> None:
        numbers = "  ".join(f"{key} {float(value):.4f}" for key, value in (logs or {}).items())
        note(f"epoch {epoch + 1}/{self.epochs}  {numbers}")

    def on_train_end(self, logs=None) -> None:
        self.bar.close()


class RunHistory(LoggedCurves, keras.callbacks.History):
    """Keras' `History`, and beside it `best_epoch`, whose weights were kept, counted from 1; None is the last."""

    best_epoch: int | None = None


def tensorboard(folder: Path | None) -> keras.callbacks.TensorBoard:
    """Keras' TensorBoard callback on `folder`, or what is missing for it."""
    if folder is None:
        raise ZooError("tensorboard=True needs a folder= to write to.")
    try:
        import tensorboard  # noqa: F401
    except ModuleNotFoundError as error:
        raise ZooError("TensorBoard is not installed; type: python -m pip install tensorboard") from error
    return keras.callbacks.TensorBoard(folder / "tensorboard")
