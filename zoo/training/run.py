"""One training run: how long, in which order, by which optimizer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from zoo.backend import keras
from zoo.errors import UsageError, is_number

LearningRate: TypeAlias = "float | keras.optimizers.schedules.LearningRateSchedule"


@dataclass
class Run:
    """One training run: how long, in which order, by which optimizer, where it is kept.

    Attributes:
        epochs: epochs in all, those of a resumed run's first part included.
        optimizer: the one that takes the steps.
        batch_size: examples a step; None is all of them.
        steps_per_epoch: steps that an epoch counts; None is one pass.
        seed: decides the order of the examples; None draws one.
        folder: where checkpoints, resume state and log are written; None writes nothing.
        resume: go on from the state in `folder`.
        identity: what must be equal for a resume to make sense.
        monitor: the logged number that names the best epoch, and "min" or "max".
        tensorboard: also write TensorBoard's event files.
        callbacks: the caller's own Keras callbacks.
        progress: show a bar on standard error.
        augment: how the examples are varied, names in `zoo.data.images.augment`.
        compile_arguments: the caller's own, passed to `keras.Model.compile`.
    """

    epochs: int
    optimizer: keras.optimizers.Optimizer
    batch_size: int | None = 32
    steps_per_epoch: int | None = None
    seed: int | None = None
    folder: Path | None = None
    resume: bool = False
    identity: dict = field(default_factory=dict)
    monitor: tuple[str, str] = ("val_loss", "min")
    tensorboard: bool = False
    callbacks: tuple = ()
    progress: bool = True
    augment: tuple[str, ...] = ()
    compile_arguments: dict = field(default_factory=dict)


def make_optimizer(which: str | dict, learning_rate: LearningRate) -> keras.optimizers.Optimizer:
    """Keras' optimizer of that name or configuration, at a learning rate or a schedule of it.

    Raises:
        UsageError: Keras knows no such optimizer.
    """
    if is_number(learning_rate):
        learning_rate = float(learning_rate)  # Keras refuses NumPy's
    name, config = (which, {}) if isinstance(which, str) else (which.get("class_name"), which.get("config", {}))
    try:
        return type(keras.optimizers.get(name))(**{**config, "learning_rate": learning_rate})
    except (ValueError, TypeError) as error:
        raise UsageError(f"{error}; accepted is a name such as 'adam', or a Keras optimizer.") from error


def learning_rate_schedule(schedule: str, learning_rate: float, steps: int) -> LearningRate:
    """A learning rate over a run of `steps` steps, as Keras' optimizers take it; see `Entry.schedule`."""
    if schedule == "constant":
        return learning_rate
    if schedule != "cosine":
        raise UsageError(f"schedule is {schedule!r}; accepted are 'cosine' and 'constant'.")
    rise = max(1, steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / rise, max(1, steps - rise), warmup_target=learning_rate, warmup_steps=rise
    )
