"""Training, the same for every model: plain `fit`, a bar with the time left, checkpoints, exact resume, a log."""

import csv
import inspect
import io
import json
import random
import shutil
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
import numpy as np

from zoo import backend
from zoo.data.augment import augmentation
from zoo.data.batches import FitData, Order
from zoo.errors import Diverged, UsageError, ZooError
from zoo.files import replacing
from zoo.reports import Bar
from zoo.saving import plain


@dataclass
class Run:
    """One training run: how long, in which order, where it is kept.

    Attributes:
        epochs: epochs in all, those of a resumed run's first part included.
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
        augment: how the examples are varied, names in `zoo.data.augment`.
    """

    epochs: int
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

    def steps(self, data: FitData) -> int:
        """Steps of one epoch over these examples."""
        return self.steps_per_epoch or data.order(len(data.x), self.batch_size, 0).steps


def optimizer_of(which: str | dict, learning_rate) -> keras.optimizers.Optimizer:
    """Keras' optimizer of that name or configuration, at a learning rate or a schedule of it.

    Raises:
        UsageError: Keras knows no such optimizer.
    """
    name, config = (which, {}) if isinstance(which, str) else (which.get("class_name"), which.get("config", {}))
    try:
        return type(keras.optimizers.get(name))(**{**config, "learning_rate": learning_rate})
    except (ValueError, TypeError) as error:
        raise UsageError(f"{error}; accepted is a name such as 'adam', or a Keras optimizer.") from error


def rate_over(schedule: str, learning_rate: float, steps: int):
    """A learning rate over a run of `steps` steps, as Keras' optimizers take it; see `Entry.schedule`."""
    if schedule == "constant":
        return learning_rate
    if schedule != "cosine":
        raise UsageError(f"schedule is {schedule!r}; accepted are 'cosine' and 'constant'.")
    rise = max(1, steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / rise, max(1, steps - rise), warmup_target=learning_rate, warmup_steps=rise
    )


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
        augment: how the examples are varied, names in `zoo.data.augment`; drawn from the same two numbers.
    """

    def __init__(self, data: FitData, batch_size=None, seed=0, steps_per_epoch=None, epoch=0, augment=()):
        super().__init__()
        self.x, self.y, self.seed, self.epoch = data.x, data.y, seed, epoch
        self.order = data.order(len(data.x), batch_size, seed)
        self.steps_per_epoch = steps_per_epoch or self.order.steps
        self.vary = augmentation(augment)

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, step):
        step += self.epoch * self.steps_per_epoch
        rows = self.order.rows(step)
        x = self.x[rows]
        if self.vary is not None:
            x = self.vary(x, np.random.default_rng([self.seed, step, 1]))
        return x, x if self.y is self.x else self.y[rows]

    def on_epoch_end(self):
        self.epoch += 1


def fit(model: keras.Model, data: FitData, run: Run, save, kept: keras.Model) -> keras.callbacks.History:
    """Run plain `model.fit` on a compiled model, with what every training in the zoo has around it.

    Args:
        model: compiled.
        data: the arrays.
        run: how long, in which order, where it is kept.
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
    if run.batch_size is not None and run.batch_size < 1:
        raise UsageError(f"batch_size must be 1 or more, or None for all examples at once; got {run.batch_size}.")
    backend.keep_memory()
    model.optimizer.build(model.trainable_variables)
    keeper = Keeper(model, kept, run, save) if run.folder is not None else None
    state = {"epoch": 0, "seed": random.randrange(2**32) if run.seed is None else run.seed, "history": {}}
    if run.resume:
        if keeper is None:
            raise ZooError("resume=True needs the folder= of the run to go on with.")
        state = keeper.restore(list(run.callbacks))
    if keeper is not None:
        keeper.state = state
    history = keras.callbacks.History()
    batches = Batches(data, run.batch_size, state["seed"], run.steps_per_epoch, state["epoch"], run.augment)
    callbacks = [*run.callbacks, StopOnNaN()]
    if run.batch_size is None:
        callbacks.append(Cost())
    if run.progress:
        callbacks.append(Progress(run.epochs, len(batches), state["epoch"]))
    if run.tensorboard:
        callbacks.append(tensorboard(run.folder))
    if keeper is not None:
        callbacks.append(keeper)  # last: it stores what the others have come to
    validation = data.validation
    if validation is not None and data.order is not Order:  # pieces of a text are validated in their order, too
        validation = Batches(replace(data, x=validation[0], y=validation[1]), batches.order.batch_size)
    first_epoch = state["epoch"]
    if first_epoch < run.epochs and not state.get("stopped"):
        history = model.fit(
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
        raise Diverged(
            f"the loss became {losses[-1]} in epoch {first_epoch + len(losses)}: the steps are too large. "
            "Try a learning_rate ten times smaller."
        )
    history.best_epoch = state.get("best_epoch")
    if keeper is not None:
        history.epoch = list(range(state["epoch"]))
        history.history = state["history"]
        keeper.take_best()
    return history


class Cost(keras.callbacks.Callback):
    """Logs as "cost" the loss before the first step of each epoch: with all examples in a step, the course's cost.

    Where several steps are one execution (`steps_per_execution`) there is no telling, and nothing is logged.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.cost = None

    def on_train_batch_end(self, batch, logs=None):
        if batch == 0:
            self.cost = float(logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        if self.cost is not None:
            logs["cost"] = self.cost


class StopOnNaN(keras.callbacks.Callback):
    """Ends the training when the loss is no number; Keras' own such callback prints to standard output."""

    def on_train_batch_end(self, batch, logs=None):
        if not np.isfinite(float((logs or {}).get("loss", 0.0))):
            self.model.stop_training = True


class Keeper(keras.callbacks.Callback):
    """Keeps a run on disk after each epoch: last.keras, best.keras, resume.npz, log.csv, each written whole."""

    def __init__(self, trained, kept, run: Run, save):
        super().__init__()
        self.trained, self.kept, self.run, self.save = trained, kept, run, save
        self.state: dict = {}
        self.random_states: list[np.ndarray] = []
        self.callback_states: list[dict] = []

    def on_train_begin(self, logs=None):
        # only now: Keras' callbacks forget what they knew when training begins, and this one is the last of them
        for callback, values in zip(self.run.callbacks, self.callback_states, strict=False):
            vars(callback).update(values)
        backend.set_random_states(self.random_states)  # only now: getting ready to train draws from them too

    def on_epoch_end(self, epoch, logs=None):
        logs = {key: float(value) for key, value in (logs or {}).items()}
        if not np.isfinite(logs.get("loss", 0.0)):
            return  # what is on disk is the last state that was any good
        variables = training_state(self.model)  # on JAX, asking for self.model fetches the state from the device
        history = self.state["history"]
        for key, value in logs.items():
            history.setdefault(key, []).append(value)
        self.state["epoch"] = epoch + 1
        self.state["stopped"] = bool(self.model.stop_training)  # by a callback: a resumed run stays stopped
        last = self.run.folder / "last.keras"
        self.save(last)
        name, mode = self.run.monitor
        # among equals the later epoch is the best: it has seen more
        if name in logs and logs[name] == (max if mode == "max" else min)(history[name]):
            self.state["best_epoch"] = epoch + 1
            with replacing(self.run.folder / "best.keras") as path:
                shutil.copyfile(last, path)
        self.write_log()
        self.store(variables)  # last: a run killed before this line goes on from the epoch before

    def take_best(self) -> None:
        """Give the model the weights of its best epoch, where there was validation data to tell."""
        if self.state.get("best_epoch", self.state["epoch"]) != self.state["epoch"]:
            best = keras.saving.load_model(self.run.folder / "best.keras", compile=False)
            self.kept.set_weights(best.get_weights())

    def write_log(self) -> None:
        history = self.state["history"]
        rows = zip(*history.values(), strict=True)
        with replacing(self.run.folder / "log.csv") as path, path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", *history])
            writer.writerows([epoch, *row] for epoch, row in enumerate(rows))

    # The resume file is our own .npz: arrays by number and one JSON text, opened with allow_pickle=False.

    def store(self, variables) -> None:
        arrays = {f"variable_{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}
        content = {
            "state": self.state,
            "identity": self.run.identity,
            "variables": shapes(variables),
            "callbacks": [],
        }
        for number, callback in enumerate(self.run.callbacks):
            content["callbacks"].append([type(callback).__name__, plain_state(callback)])
            for key, value in array_lists(callback).items():
                arrays |= {f"callback_{number}_{key}_{i}": a for i, a in enumerate(value)}
        arrays |= {f"random_{i}": a for i, a in enumerate(backend.random_states())}
        arrays["content"] = np.array(json.dumps(content))
        with replacing(self.run.folder / "resume.npz", suffix=".npz") as path, path.open("wb") as file:
            np.savez(file, **arrays)

    def restore(self, callbacks) -> dict:
        path = self.run.folder / "resume.npz"
        if not path.is_file():
            raise ZooError(f"there is no run to resume in {str(self.run.folder)!r}; train without --resume first.")
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                arrays = dict(file)
            content = json.loads(str(arrays.pop("content")))
            state, identity, known = content["state"], content["identity"], content["variables"]
            stored_callbacks = content["callbacks"]
            values = [arrays[f"variable_{i}"] for i in range(len(known))]
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            raise ZooError(f"{path} is damaged ({error}); train anew without --resume.") from error
        if identity != self.run.identity:
            differ = [k for k, v in self.run.identity.items() if identity.get(k) != v]
            raise ZooError(
                f"the run in {str(self.run.folder)!r} is another one: its {', '.join(differ)} differ. "
                "Resume with the same model, arguments and data, or train anew without --resume."
            )
        variables = training_state(self.trained)
        if known != shapes(variables):
            raise ZooError(f"{path} holds another optimizer or model; train anew without --resume.")
        names = [type(callback).__name__ for callback in callbacks]
        if names != [name for name, _ in stored_callbacks]:
            stored = ", ".join(name for name, _ in stored_callbacks) or "none"
            raise ZooError(f"the run was started with these callbacks: {stored}; give the same to resume.")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.random_states = [arrays[f"random_{i}"] for i in range(2) if f"random_{i}" in arrays]
        for number, (_, plain_values) in enumerate(stored_callbacks):
            prefix = f"callback_{number}_"
            kept: dict = {}
            for key in sorted((k for k in arrays if k.startswith(prefix)), key=lambda k: int(k.rsplit("_", 1)[1])):
                kept.setdefault(key[len(prefix) :].rsplit("_", 1)[0], []).append(arrays[key])
            self.callback_states.append({**plain_values, **kept})
        return state


class Progress(keras.callbacks.Callback):
    """One bar over all steps of all epochs, with the time left and the latest numbers."""

    def __init__(self, epochs: int, steps: int, initial_epoch: int):
        super().__init__()
        self.epochs, self.steps, self.initial_epoch = epochs, steps, initial_epoch

    def on_train_begin(self, logs=None):
        self.bar = Bar(self.epochs * self.steps, "training", unit="step", initial=self.initial_epoch * self.steps)

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        numbers = "  ".join(f"{key} {float(value):.4f}" for key, value in (logs or {}).items())
        self.bar.note(f"epoch {epoch + 1}/{self.epochs}  {numbers}")

    def on_train_end(self, logs=None):
        self.bar.close()


def tensorboard(folder: Path | None):
    """Keras' TensorBoard callback on `folder`, or what is missing for it."""
    if folder is None:
        raise ZooError("tensorboard=True needs a folder= to write to.")
    try:
        import tensorboard  # noqa: F401
    except ModuleNotFoundError as error:
        raise ZooError("TensorBoard is not installed; type: python -m pip install tensorboard") from error
    return keras.callbacks.TensorBoard(folder / "tensorboard")


def training_state(model) -> list:
    """Every variable that the next step depends on: weights, SeedGenerators' states, the optimizer's memory."""
    return [*model.variables, *model.optimizer.variables]


def shapes(variables) -> list:
    """What two lists of variables must share to be the same model and optimizer; names are counted up, so differ."""
    return [[*map(int, v.shape), str(v.dtype)] for v in variables]


def plain_state(callback) -> dict:
    """The counters and best values of a callback: its attributes that are plain numbers, words or None.

    Of Keras' own callbacks without what they were given: EarlyStopping turns the sign of its `min_delta` once it
    knows its metric, and would turn it again.
    """
    kinds = (bool, int, float, str, type(None), np.number)
    keras_own = type(callback).__module__.startswith("keras.")
    given = inspect.signature(type(callback).__init__).parameters if keras_own else ()
    return {key: plain(v) for key, v in vars(callback).items() if isinstance(v, kinds) and key not in given}


def array_lists(callback) -> dict:
    """A callback's attributes that are lists of arrays, as EarlyStopping's best weights are."""
    return {
        key: value
        for key, value in vars(callback).items()
        if isinstance(value, list) and value and all(isinstance(item, np.ndarray) for item in value)
    }
