"""Training, the same for every model: plain `fit`, a bar with the time left, checkpoints, exact resume, a log."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo import backend
from zoo.backend import keras
from zoo.data.images.augment import Augmentation
from zoo.errors import DivergedError, UsageError, ZooError
from zoo.training.callbacks import Cost, Progress, RunHistory, StopOnNaN, tensorboard
from zoo.training.checkpoint import RunCheckpoint
from zoo.training.order import FitData, Shuffled
from zoo.training.plan import Plan
from zoo.training.run import Run


class Batches(keras.utils.PyDataset):
    """Batches in an order that is a function of (seed, epoch) alone, so that a resumed run sees the same ones.

    An epoch is `steps_per_epoch` batches, which is one pass over the data unless told otherwise.

    Args:
        data: inputs of shape (n, ...), targets of shape (n, ...), and their kind of order; where examples are their
            own targets, `y` being `x` itself, the two vary alike.
        batch_size: examples a batch; None is all of them, in their own order.
        seed: decides the order.
        steps_per_epoch: batches an epoch; None is one pass.
        epoch: the epoch to begin with.
        augment: how the examples are varied, names in `zoo.data.images.augment`; drawn from the same two numbers.
    """

    def __init__(self, data: FitData, batch_size=None, seed=0, steps_per_epoch=None, epoch=0, augment=()):
        super().__init__()
        self.x, self.y, self.weights, self.seed, self.epoch = data.x, data.y, data.weights, seed, epoch
        self.order = data.order(len(data.x), batch_size, seed)
        self.steps_per_epoch = steps_per_epoch or self.order.steps
        self.augment = Augmentation(augment)

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, step):
        step += self.epoch * self.steps_per_epoch
        rows = self.order.rows(step)
        x = self.x[rows]
        y = x if self.y is self.x else self.y[rows]
        draw = np.random.default_rng([self.seed, step, 1])
        if self.weights is None:
            return self.augment(x, y, draw)
        if not self.augment.mixes:
            return (*self.augment(x, y, draw), self.weights[rows])
        # a mixture counts as much as its parts do on average
        x, mixed = self.augment(x, np.column_stack([y, self.weights[rows]]), draw)
        return x, mixed[:, :-1], mixed[:, -1]

    def on_epoch_end(self) -> None:
        self.epoch += 1


def compiled(plan: Plan, run: Run) -> Plan:
    """The plan as it is carried out, its model compiled."""
    if Augmentation(run.augment).mixes:
        plan = plan.with_shares()
    optimizer = backend.merge_sparse_gradients(run.optimizer)
    own = {"loss": plan.loss, "metrics": plan.metrics, "jit_compile": backend.jit_compile()}
    plan.model.compile(**{"optimizer": optimizer, **own, **run.compile_arguments})
    backend.keep_memory()
    plan.model.optimizer.build(plan.model.trainable_variables)
    return plan


def fit(plan: Plan, run: Run, save: Callable[[Path], None], kept: keras.Model) -> RunHistory:
    """Carry out a plan by plain `compile` and `fit`, with what every training in the zoo has around it.

    Args:
        plan: what is trained, on what.
        run: how long, in which order, by which optimizer, where it is kept.
        save: called with a path, writes `kept` as a `.keras` file.
        kept: what is saved: the model itself, or the part of it that is used once it is trained.

    Returns:
        Keras' `History`, with the epochs of a resumed run's first part included. When there is validation data
        and a folder, the model ends with the weights of its best epoch, `.best_epoch`, counted from 1.

    Raises:
        ZooError: nothing to resume, or the state is of another run; a number that is not finite.
    """
    if run.epochs < 1:
        raise UsageError(f"epochs must be 1 or more, got {run.epochs}.")
    if run.resume and run.folder is None:
        raise ZooError("resume=True needs the folder= of the run to go on with.")
    plan = compiled(plan, run)
    model, data = plan.model, plan.data
    task_and_users = [*run.callbacks, *plan.callbacks]
    state: dict = {"epoch": 0, "seed": random.randrange(2**32) if run.seed is None else run.seed, "history": {}}
    checkpoint = None
    if run.folder is not None:
        checkpoint = RunCheckpoint(run.folder, model, kept, run, task_and_users, save)
        state = checkpoint.start(state)
    history = RunHistory()
    batches = Batches(data, run.batch_size, state["seed"], run.steps_per_epoch, state["epoch"], run.augment)
    callbacks = [*task_and_users, StopOnNaN()]
    if run.batch_size is None:
        callbacks.append(Cost())
    callbacks.append(history)  # behind those that add to the logs
    if run.progress:
        callbacks.append(Progress(run.epochs, len(batches), state["epoch"]))
    if run.tensorboard:
        callbacks.append(tensorboard(run.folder))
    if checkpoint is not None:
        callbacks.append(checkpoint)  # last: it stores what the others have come to
    validation = data.validation
    if validation is not None and not isinstance(
        batches.order, Shuffled
    ):  # pieces of a text are validated in their order, too
        validation = Batches(replace(data, x=validation[0], y=validation[1]), batches.order.batch_size)
    first_epoch = state["epoch"]
    if first_epoch < run.epochs and not state.get("stopped"):
        model.fit(
            batches,
            validation_data=validation,
            epochs=run.epochs,
            initial_epoch=first_epoch,
            shuffle=False,  # Batches shuffles, by seed and epoch
            callbacks=callbacks,
            verbose=0,
        )
    losses = history.history.get("loss", [])
    if losses and not np.isfinite(losses[-1]):
        raise DivergedError(
            f"the loss became {losses[-1]} in epoch {first_epoch + len(losses)}: the steps are too large. "
            "Try a learning_rate ten times smaller."
        )
    history.best_epoch = state.get("best_epoch")
    if checkpoint is not None:
        history.epoch = list(range(state["epoch"]))
        history.history = state["history"]
        checkpoint.take_best()
    return history
