"""What every kind of work shares: a model built on demand, trained by plain `fit`, saved, and opened again.

The framework is imported when the Keras model itself is needed: to build, to train, to be handed out. A saved or
published model answers without it where OpenVINO can.
"""

from __future__ import annotations

import abc
import contextlib
import copy
import functools
import hashlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

import numpy as np

from zoo import catalog, environment, inference, saving
from zoo.console import in_words, note, note_skipped
from zoo.data import sources
from zoo.data.dataset import Dataset, Skipped
from zoo.errors import (
    DivergedError,
    RecordMismatchError,
    UsageError,
    ZooError,
    checked_seed,
    framework_reason,
    whole_number,
)
from zoo.export import export
from zoo.files import claimed, expand, is_full, temporary_folder
from zoo.metrics import Metric
from zoo.registry import Entry, did_you_mean
from zoo.tasks.cards import card_with
from zoo.visualization import notebook
from zoo.visualization.pages import table, text
from zoo.weights.load import load_weights

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from zoo.backend import keras
    from zoo.training.learning_rate import LearningRates
    from zoo.training.plan import Plan

# Whose errors tell of a model's layers; others are of a user's callback, which may want to be told by them.
FRAMEWORKS = {"builtins", "jax", "jaxlib", "keras", "openvino", "tensorflow", "torch"}
Made = TypeVar("Made")
Method = TypeVar("Method", bound=Callable)
Settings = TypeVar("Settings", bound="DataclassInstance")


def in_own_scopes(method: Method) -> Method:
    """A method of a task within `backend.random_scope` of the task's seed and `backend.float_scope` of its dtype."""

    @functools.wraps(method)
    def call(self, *args, **options):
        from zoo import backend

        with backend.random_scope(self.seed), backend.float_scope(self.dtype):
            return method(self, *args, **options)

    return cast(Method, call)


def with_changes(settings: Settings, **changes: Any) -> Settings:
    """Settings with those of the changes that are not None."""
    return replace(settings, **{name: value for name, value in changes.items() if value is not None})


def whole(name: str, number: Any) -> Any:
    """A float that is a whole number as an integer; what is no float as it is.

    Raises:
        UsageError: a float that is no whole number.

    Example:
        >>> whole("epochs", 2.0)
        2
    """
    if isinstance(number, float):
        if not number.is_integer():
            raise UsageError(f"{name} is {number!r}; accepted are whole numbers.")
        return int(number)
    return number


def training_options(task: type[Task]) -> set[str]:
    """The options of a kind of work's `train`, its own and those of all kinds."""
    trains = [vars(kind)["train"] for kind in task.__mro__ if "train" in vars(kind)]
    parameters = [parameter for train in trains for parameter in inspect.signature(train).parameters.values()]
    return {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def check_compile_arguments(arguments: dict) -> None:
    """Refuse what is no argument of Keras' `compile`, with what to do where it is one of `fit`.

    Raises:
        UsageError: `compile` has no such argument.
    """
    from zoo.backend import keras

    accepted = [*inspect.signature(keras.Model.compile).parameters][1:]
    own = inspect.signature(Task.train).parameters
    for word in arguments:
        if word == "validation_data":
            raise UsageError(
                f"train takes no {word}; give the data to watch as validation=, such as (x, y) or a folder."
            )
        if word in inspect.signature(keras.Model.fit).parameters:
            raise UsageError(
                f"train takes no {word}. `.model` is the plain Keras model, which does: "
                f".model.compile(...), .model.fit(..., {word}=...)."
            )
        if word not in accepted:
            raise UsageError(
                f"train has no argument {word!r}{did_you_mean(word, [*accepted, *own])} Beside its own it "
                f"takes those of Keras' compile: {', '.join(accepted)}."
            )


class Task(abc.ABC):
    """A model together with the verbs of its kind of work.

    A subclass plans a training (`_make_plan`), says which inputs prove a saved file (`_sample_inputs`) and what the
    file must remember (`get_config`, `from_config`), and adds its verbs. What is for users has a public name.

    Args:
        entry: the register entry of the model.
        arguments: every argument of its builder.
        weights: name of trained weights to load, or None.
        seed: makes building and training repeatable, or None.
        dtype: a Keras dtype policy, or None for float32.
    """

    _monitor: ClassVar[tuple[str, str]] = ("val_loss", "min")  # which logged number makes an epoch the best one
    _is_watched: ClassVar[bool] = True  # whether examples that it does not learn from can say how good it is
    _needs_classes: ClassVar[bool] = True  # whether the data must name classes; where not, pictures alone will do
    _metric_types: ClassVar[dict[str, type[Metric]]] = {}  # numbers of an evaluation that carry their interval

    def __init__(
        self,
        entry: Entry,
        arguments: dict,
        weights: str | None = None,
        seed: int | None = None,
        dtype: str | None = None,
    ):
        self.entry = entry
        self.arguments = copy.deepcopy(arguments)
        self.weights = weights
        self.seed = checked_seed(seed, 2**32 - 1)  # Keras' generators take no larger one
        self.dtype = dtype
        self.data: dict = {}  # what it was trained on: name and fingerprint
        self.skipped: list[Skipped] = []  # what could not be read of it
        self._archive: saving.Archive | None = None  # the saved file that this object came from
        self._model: keras.Model | None = None
        self._engine: inference.Engine | None = None
        self._made: tuple[keras.Model, Any] | None = None  # a model, and what was made of it
        self._lock = threading.RLock()  # several threads that ask for the first time build and convert once
        self._metrics: dict = {}
        self._measured_weights: str | None = None  # a hash of the weights that the metrics are of

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, {self._state()}>"

    def _state(self) -> str:
        """Whether it has learned, in a few words."""
        parts = [] if self.weights is None else [f"with the weights {self.weights!r}"]
        parts += [f"trained on {self.data['name']}"] if self.data.get("name") else []
        if self._archive is not None and self._archive.path.suffix == ".keras":
            parts.append(f"from {self._archive.path.name}")
        return ", ".join(parts) or "untrained"

    def _repr_html_(self) -> str:
        card = catalog.cards().get(self.name)
        measured = {name: value for name, value in self.metrics.items() if isinstance(value, Metric)}
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        facts: list[tuple[str, object]] = [
            ("kind of work", self.entry.task),
            ("arguments", arguments),
            ("state", self._state()),
        ]
        facts += [(name.replace("_", " "), value) for name, value in measured.items()]
        closed = self._model is None and self._archive is not None
        layers = "<p>Its layers: <code>.model.summary()</code></p>" if closed else self._layers()
        summary = f"<p><b>{text(self.name)}</b>: {text(card.summary if card else self.entry.source, 400)}</p>"
        return notebook.shown(summary, notebook.facts(facts), layers)

    def _layers(self) -> str:
        """The layers of its model, as HTML."""
        rows = []
        for layer in self.model.layers:
            shape = getattr(layer.output, "shape", None)
            cells = (type(layer).__name__, "" if shape is None else in_words(shape[1:]), f"{layer.count_params():,}")
            rows.append([text(layer.name), *map(text, cells)])
        in_all = f"{self.model.count_params():,} weights"
        return table(["layer", "kind", "shape of what it gives", "weights"], rows, in_all)

    @property
    def name(self) -> str:
        """The model's name in the register."""
        return self.entry.name

    @property
    def model(self) -> keras.Model:
        """The plain `keras.Model`; it is built, or opened from its file, when first asked for."""
        with self._lock:
            if self._model is not None:
                return self._model
            return self.build() if self._archive is None else self._set_model(self._archive.open())

    @property
    def metrics(self) -> dict:
        """What the last evaluation gave, which a saved file remembers; {} once the weights are others."""
        if self._metrics and self._model is not None and self._weights_digest() != self._measured_weights:
            self._metrics = {}
        return self._metrics

    @metrics.setter
    def metrics(self, metrics: dict) -> None:
        self._metrics = metrics
        self._measured_weights = self._weights_digest() if metrics and self._model is not None else None

    def _remember(self, metrics: dict, skipped: Sequence[Skipped]) -> dict:
        """What `evaluate` returns; a saved file remembers the numbers, not somebody's paths."""
        self.metrics = metrics
        return {**metrics, "skipped": skipped}

    def _weights_digest(self) -> str:
        """A hash of the model's weights, whoever changed them."""
        digest = hashlib.sha256()
        for weight in self.model.get_weights():
            digest.update(np.ascontiguousarray(weight).data)
        return digest.hexdigest()

    @property
    def engine(self) -> inference.Engine:
        """What computes the model's answers, by name and precision.

        While nobody has asked for the Keras model it is OpenVINO, where OpenVINO can do it: without the framework, and
        the same but for rounding.
        """
        with self._lock:
            if self._engine is None:
                self._engine = self._make_engine()
            return self._engine

    def _make_engine(self) -> inference.Engine:
        may_convert = self._model is None and "keras" not in sys.modules
        conversion = self._conversion() if may_convert else None
        most = self._most_inputs()
        converted = conversion.engine(check=self._check, most=most) if conversion else None
        if inference.available() and conversion and not converted and self._archive is not None:
            self._archive.try_elsewhere()  # before the framework is imported here, as this may be its end
        return converted or inference.KerasEngine(self.model, most)

    def _outputs(self, inputs: np.ndarray) -> list[np.ndarray]:
        """What the engine gives for inputs of shape (n, ...), see `inference.Engine`."""
        with self._in_a_sentence("cannot compute this"):
            return self.engine(inputs)

    @contextlib.contextmanager
    def _in_a_sentence(self, what: str) -> Iterator[None]:
        """Of a model that is from a file, say what a framework raises; its layers may be put together in any way.

        Args:
            what: the model cannot do, for the message.

        Raises:
            ZooError: whatever a framework raises.
        """
        try:
            yield
        except (ZooError, OSError, MemoryError, ImportError):
            raise
        except Exception as error:
            package = type(error).__module__.partition(".")[0]
            if self._archive is None or is_full(error) or package not in FRAMEWORKS:
                raise
            raise ZooError(
                f"{self._archive.path}: its model {what}: {framework_reason(error)}. Layers must take any number of "
                "examples, and to be trained have gradients. Give fewer at a time (batch_size), or take one of the "
                "zoo's own models: `zoo list` shows them."
            ) from error

    def _most_inputs(self) -> int:
        """How many inputs may go through the model at a time."""
        return inference.BATCH if self._archive is None else self._archive.tried_with(inference.BATCH)

    def _made_of_model(self, make: Callable[[keras.Model], Made]) -> Made:
        """What is made of the model, once as long as it stays the same one: compiled loops are dear."""
        with self._lock:
            if self._made is None or self._made[0] is not self.model:
                model = self.model
                with self._in_a_sentence("cannot compute this"):
                    self._made = model, make(model)
            return self._made[1]

    def __getstate__(self) -> dict:
        """What a copy and a pickle hold: a built model as a saved file, and an engine that can travel."""
        entry = replace(self.entry, builder=functools.partial(catalog.build, self.name))
        state = {**vars(self), "entry": entry, "_model": None, "_made": None}
        if self._model is not None:
            with temporary_folder() as folder:
                self.save(file := folder / "model.keras")
                state["_archive"] = saving.read(file, catalog.definition)
        if isinstance(self._engine, inference.KerasEngine):
            state["_engine"] = None
        del state["_lock"]
        return state

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state, _lock=threading.RLock())
        if self._archive is not None:
            self._attach_archive(self._archive, self._engine)

    @in_own_scopes
    def build(self) -> keras.Model:
        """Build the model anew, from its seed or its weights, and return it.

        Raises:
            ZooError: the builder does not accept its arguments, or the weights do not fit them.
        """
        self._archive = None
        try:
            with self._dtype_scope():
                model = self.entry.builder(**self.arguments)
        except (TypeError, ValueError) as error:
            given = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
            raise ZooError(f"{self.name} cannot be built with {given}: {error}") from error
        if self.weights is not None:
            weights = card_with(self.name, self.weights).weights[self.weights]
            if not weights.is_saved_file:  # these came with the builder, which opens their file
                load_weights(model, weights)
        return self._set_model(model)

    @contextlib.contextmanager
    def _dtype_scope(self) -> Iterator[None]:
        """Layers that are made here have the dtype policy of this object."""
        from zoo.backend import keras

        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.dtype or "float32")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)

    def _set_model(self, model: keras.Model) -> keras.Model:
        """Take a model as this object's own."""
        from zoo import backend

        backend.prepare(model)
        self._model, self._engine = model, None
        if self._measured_weights is None:  # the metrics are of the file that is opened
            self.metrics = self._metrics
        return model

    def _attach_archive(self, archive: saving.Archive, engine: inference.Engine | None = None) -> None:
        """Become what a saved file holds; `engine` answers until the Keras model is asked for."""
        self._archive, self._engine, self._model = archive, engine, None
        self.entry = replace(self.entry, builder=lambda **_: archive.open())

    def _check(self, engine: inference.OpenVINOEngine) -> None:
        """Compare a converted network's answers with those of the day the file was saved."""
        if self._archive is not None:
            self._archive.test(lambda inputs: engine(inputs)[0], engine.setting)

    def _conversion(self) -> inference.Conversion | None:
        """How to get this model as a converted network; None where it is one that no file and no weights describe."""
        if self._archive is not None:
            path, sha256 = self._archive.path, self._archive.sha256
            return inference.Conversion.of_file(path, sha256) if path.is_file() else None
        if self.weights is None or self.dtype is not None or self.name not in catalog.cards():
            return None
        card = card_with(self.name, self.weights)
        return inference.Conversion.of_weights(card, self.weights) if self.arguments == card.arguments else None

    @in_own_scopes
    def train(
        self,
        data: Any = None,
        validation: Any = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        steps_per_epoch: int | None = None,
        optimizer: Any = None,
        learning_rate: float | None = None,
        schedule: str | None = None,
        augment: Sequence[str] | None = None,
        sampling: str | None = None,
        folder: str | Path | None = None,
        resume: bool = False,
        tensorboard: bool = False,
        callbacks: keras.callbacks.Callback | Sequence[keras.callbacks.Callback] = (),
        overwrite: bool = False,
        progress: bool = True,
        validation_split: float | None = None,
        class_weight: dict | str | None = None,
        sample_weight: Any = None,
        verbose: int | str | None = None,
        **compile_arguments: Any,
    ) -> keras.callbacks.History:
        """Train with plain `fit`, from where the model stands.

        Args:
            data: a dataset's name, a folder, a CSV file, arrays `(x, y)` or a DataFrame; None is the model's own
                dataset.
            validation: data of the same kinds to watch; None takes the data's own validation split, if any.
            epochs: how many; None is the model's own number.
            batch_size: examples a step; None is the model's own.
            steps_per_epoch: steps that an epoch counts; None is one pass over the examples, or at the model's own
                batch size the model's own count.
            optimizer: a Keras optimizer, its name or its configuration; None is the model's own.
            learning_rate: None is the model's own.
            schedule: "cosine" or "constant", see `Entry.schedule`; None is the model's own.
            augment: how training pictures are varied: any of "flip", "shift", "randaugment", and of a classifier
                "mixup", "cutmix"; None is the model's own, () is none.
            sampling: "balanced" shows a classifier as many examples of each class in an epoch; None shows each example
                once.
            folder: where `best.keras`, `last.keras`, `resume.npz` and `log.csv` are kept, written whole after each
                epoch; None writes nothing.
            resume: go on from `folder/resume.npz`; ends where an unbroken run ends.
            tensorboard: also write TensorBoard's event files into `folder/tensorboard`.
            callbacks: further Keras callbacks, or one.
            overwrite: train anew in a `folder` that holds something else than a training of this kind of model with
                these classes.
            progress: show a bar with the time left.
            validation_split: share of `data` to watch instead, above 0 and below 1: of pictures and points from every
                class alike, of text the end.
            class_weight: of a classifier, how much the classes count in the loss: numbers by a class' name or index, 1
                for those that are not named; or "balanced", all of them alike however many examples they have.
            sample_weight: of a classifier that learns from arrays or a table, how much each example counts.
            verbose: Keras' word for `progress`: 0 is False, anything else True.
            **compile_arguments: passed to `keras.Model.compile`, in place of the task's.

        Returns:
            Keras' `History`: `.history["loss"]` and so on, one number an epoch.

        Raises:
            ZooError: the data cannot be found or do not fit the model, or the run to resume is another one.
        """
        from zoo import backend
        from zoo.training import checkpoint, loop
        from zoo.training.run import Run, learning_rate_schedule, make_optimizer

        entry = self.entry
        check_compile_arguments(compile_arguments)
        progress = progress if verbose is None else bool(verbose)
        callbacks = callbacks if isinstance(callbacks, Sequence) else [callbacks]
        folder = None if folder is None else expand(folder)
        epochs = entry.epochs if epochs is None else whole("epochs", epochs)
        if batch_size is None:
            batch_size = entry.batch_size
        else:
            batch_size = whole_number("batch_size", whole("batch_size", batch_size), 1)
        augment = tuple(entry.augment if augment is None else augment)
        if steps_per_epoch is None:
            steps_per_epoch = entry.steps_of_epoch(batch_size)
        else:
            steps_per_epoch = whole_number("steps_per_epoch", whole("steps_per_epoch", steps_per_epoch), 1)
        weights = {"class_weight": class_weight, "sample_weight": sample_weight}
        weights = {word: value for word, value in weights.items() if value is not None}
        for word in weights.keys() - inspect.signature(self._find_data).parameters.keys():
            raise UsageError(
                f"{word} is for classifiers, and {self.name} is a model for {self.entry.task}; leave it out."
            )
        find = functools.partial(self._find_data, validation=validation, validation_split=validation_split, **weights)
        dataset = self._resolve_dataset(data, find)
        with self._in_a_sentence("cannot be trained further"):
            plan = self._make_plan(dataset, batch_size, folder, progress)
        if sampling not in (None, "balanced"):
            raise UsageError(f"sampling is {sampling!r}; accepted is 'balanced', as many examples of each class.")
        plan = plan if sampling is None else plan.balanced()
        note_skipped(self.skipped)
        if folder is not None and not resume:
            checkpoint.check_folder(folder, self.get_config(), overwrite)
        if optimizer is None or isinstance(optimizer, str | dict):
            rate = entry.learning_rate if learning_rate is None else learning_rate
            steps = epochs * (steps_per_epoch or plan.data.steps(batch_size))
            rate = learning_rate_schedule(schedule or entry.schedule or "constant", rate, steps)
            optimizer = make_optimizer(optimizer or entry.optimizer, rate)
        elif learning_rate is not None:
            optimizer.learning_rate = learning_rate
        self._remember_data(dataset, self.entry.dataset if data is None else data, validation)
        run = Run(
            epochs=epochs,
            optimizer=optimizer,
            batch_size=batch_size,
            steps_per_epoch=steps_per_epoch,
            seed=self.seed,
            folder=folder,
            resume=resume,
            identity={
                "model": self.name,
                "arguments": saving.plain(self.arguments),
                "data": self.data["fingerprint"],
                "batch_size": batch_size,
                "steps_per_epoch": steps_per_epoch,
                "seed": self.seed,
                "augment": list(augment),
                "examples": plan.data.about,
                "optimizer": {key: saving.plain(v) for key, v in optimizer.get_config().items() if key != "name"},
            },
            monitor=self._monitor,
            tensorboard=tensorboard,
            callbacks=tuple(callbacks),
            progress=progress,
            augment=augment,
            compile_arguments=compile_arguments,
        )
        if progress and entry.fastest_on not in (None, backend.name()) and not backend.has_gpu():
            note(f"{self.name} trains much faster with KERAS_BACKEND={entry.fastest_on} set.")
        if progress and "bfloat16" in str(self.dtype) and environment.lacks_bfloat16() and not backend.has_gpu():
            note("this processor has no instructions for bfloat16: training in float32 is several times as fast.")
        self._check_room(batch_size or len(plan.data.x))
        with claimed(folder), self._in_a_sentence("cannot be trained further"):
            return loop.fit(plan, run, save=functools.partial(self.save, overwrite=True), kept=self.model)

    def _check_room(self, batch_size: int) -> None:
        """Refuse to train a stranger's model whose layers make more of a batch than this computer can hold.

        Raises:
            ZooError: they do.
        """
        memory = environment.memory()
        room = memory["available"] or memory["total"]
        if self._archive is None or room is None or self._archive.is_ours:
            return
        example = 4 * inference.numbers_in_training(self.model)  # bytes
        if example * batch_size > room:
            most = room // example
            how = f"give batch_size={most} or less" if most else "it cannot be trained here"
            raise ZooError(
                f"{self._archive.path}: to train its model on {batch_size:,} examples at a time takes "
                f"{example * batch_size / 1e9:,.0f} GB of memory, {room / 1e9:.0f} GB are free; {how}."
            )

    def find_learning_rate(
        self,
        data: Any = None,
        validation: Any = None,
        *,
        lowest: float = 1e-6,
        highest: float = 10.0,
        steps: int = 100,
        progress: bool = True,
        **how: Any,
    ) -> LearningRates:
        """Find a learning rate to train with: steps at ever larger rates show where the loss falls fastest.

        Afterwards the model is what it was: its weights, its random numbers, what it knows of its data.

        Args:
            data, validation: as for `train`.
            lowest, highest: learning rates of the first and the last step.
            steps: how many steps; fewer are made where the loss becomes too large.
            progress: show a bar with the time left.
            **how: batch_size, optimizer, augment and so on, as for `train`.

        Returns:
            `LearningRates`, with the rate to try as `.suggested`.

        Raises:
            UsageError: an option that means nothing here.
            ZooError: the data cannot be found or do not fit the model, or the loss falls at none of the rates.

        Example:
            >>> import zoo
            >>> x = np.random.default_rng(0).normal(size=(64, 2))
            >>> net = zoo.get("mlp", input_shape=(2,), seed=0)
            >>> found = net.find_learning_rate((x, (x[:, 0] > 0).astype(int)), progress=False)
            >>> found.rates[0] <= found.suggested <= found.rates[-1]
            True
        """
        from zoo.training.learning_rate import LearningRateSearch

        search = LearningRateSearch(lowest, highest, steps, progress)
        fixed: dict[str, Any] = {
            "epochs": 1,
            "steps_per_epoch": steps,
            "learning_rate": lowest,
            "schedule": "constant",
        }
        for word in how.keys() & {*fixed, "callbacks", "folder", "resume", "tensorboard"}:
            raise UsageError(f"find_learning_rate takes no {word}: it trains for {steps} steps and keeps nothing.")
        with self._lock:
            before = {**vars(self), "arguments": copy.deepcopy(self.arguments)}
            values = None if self._model is None else [variable.numpy() for variable in self._model.variables]
            try:
                with contextlib.suppress(DivergedError):  # the steps before it say enough
                    self.train(data, validation, callbacks=[search], progress=False, **fixed, **how)
            finally:
                vars(self).update(before)
                if self._model is not None and values is not None:
                    for variable, value in zip(self._model.variables, values, strict=True):
                        variable.assign(value)
        return search.result()

    def _remember_data(self, dataset: Dataset, data: Any, validation: Any) -> None:
        """Remember what the model is trained on; `data` and `validation` are what the user named."""
        self.data = dataset.origin(data)

    def _find_data(self, data: Any, validation: Any = None, validation_split: float | None = None) -> Dataset:
        """Find data to learn from, split."""
        return sources.load(data, validation, validation_split, classes=self._needs_classes)

    def _resolve_dataset(self, data: Any, find: Callable[[Any], Dataset]) -> Dataset:
        """`find(data)`, or where no data were named `find` of the model's own dataset."""
        if data is not None:
            return find(data)
        if self.entry.dataset is None:
            raise ZooError(f"{self.name} names no dataset of its own: give one.")
        try:
            return find(self.entry.dataset)
        except ZooError as error:
            fallback = self.entry.fallback_dataset
            if fallback is None:
                raise
            raise ZooError(f"{error}\nWithout a network, use the embedded dataset {fallback!r}.") from error

    def _match_size(self, argument: str, size: int, what: str, such_as: str) -> None:
        """Take over a size that the data decide: a model that is not built yet gets it, a built one must have it.

        Args:
            argument: of the builder.
            size: what the data have.
            what: is counted, for the message.
            such_as: the first of these.
        """
        if self._model is None:
            self.arguments[argument] = size
        elif self.arguments[argument] != size:
            raise ZooError(
                f"{self.name} was built for {self.arguments[argument]} {what}, the data have {size}: {such_as}. "
                f"Build it with {argument}={size}, or let train() build it."
            )

    def _model_loss(self) -> Callable | None:
        """The loss that the model's own file brings, a function of targets and outputs; None where it brings none."""
        return None if self.entry.loss is None else self._model_function(self.entry.loss)

    def _model_function(self, name: str) -> Callable:
        """A function of the model's own file, with those of its arguments filled in that `_function_arguments` has."""
        function = getattr(sys.modules[catalog.entry(self.name).builder.__module__], name)
        offered = self._function_arguments()
        wanted = [name for name in inspect.signature(function).parameters if name in offered]
        return functools.partial(function, **{name: offered[name] for name in wanted}) if wanted else function

    def _function_arguments(self) -> dict:
        """What functions of the model's own file may name beside their own arguments: the builder's."""
        return self.arguments

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write one `.keras` file: plain Keras opens it, and `zoo.load` knows its labels and provenance too.

        Args:
            path: the file; it must end in `.keras`. It is written whole or not at all. The file that this model came
                from may be replaced, and one that holds a model for the same task with the same classes.
            overwrite: replace whatever file is there.

        Raises:
            ZooError: the name does not end in `.keras`, something else is there, or the file cannot be written.
        """
        path = expand(path)
        if self._archive is not None and path.exists() and self._archive.path.exists():
            overwrite = overwrite or path.samefile(self._archive.path)
        if self._model is None and self._archive is not None:
            test = self._archive.record.content["selftest"]
            saving.write(path, self._archive.members, self.get_config(), test, overwrite)
        else:
            samples = self._sample_inputs(2)
            test = saving.selftest(samples, saving.outputs(self.model, samples))
            saving.save(self.model, path, self.get_config(), test, overwrite)

    def export(self, path: str | Path, overwrite: bool = False, format: str | None = None, **options: Any) -> dict:
        """Write the model as a file of another tool; its ending decides the format, see `zoo.export`.

        Args:
            path: the file, for example "pets.onnx", or "pets.xml" for OpenVINO; of some formats, a folder.
            overwrite: replace whatever file is there; without it, only one of a model with the same classes.
            format: its name, such as "litert"; None goes by the ending. A folder has none: "saved_model".
            **options: of the format: `half` keeps weights in float16, `int8` computes in 8-bit numbers.

        Returns:
            What is known of the file: "out", its path, "bytes", and how far its answers agree with the model's.

        Raises:
            UsageError: no format has that ending, or it has no such option.
            ZooError: the format cannot hold the model, something else is there, or the file cannot be written.
        """
        return export(self, path, overwrite, format, **options)

    def get_config(self) -> dict:
        """What a saved file remembers beyond the model, as JSON: enough to use it, and where it is from."""
        return {
            "name": self.name,
            "task": self.entry.task,
            "source": self.entry.source,
            "arguments": saving.plain(self.arguments),
            "data": self.data,
            "metrics": saving.plain(self.metrics),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict) -> Self:
        """The object that `get_config` described, with a model that is yet to be built.

        Args:
            config: what `get_config` gave, or the record of a saved file, in the form of any earlier version.
        """
        name, card = config["name"], catalog.cards().get(config["name"])
        facts = {**(card.facts if card else {}), "task": config["task"], "source": config["source"]}
        entry = Entry(name, functools.partial(catalog.build, name), **facts)
        self = cls(entry, config["arguments"], seed=config.get("seed"))
        self.data, self.metrics = config["data"], dict(config["metrics"])
        for metric, kind in self._metric_types.items():
            if metric in self.metrics:
                self.metrics[metric] = kind.from_json(self.metrics[metric])
        return self

    @classmethod
    def _from_archive(cls, archive: saving.Archive) -> Self:
        """The object that was saved; its model is opened when it is first asked for."""
        record = archive.record.content
        try:
            self = cls.from_config(record)
            # The model is opened when it is needed, and then must pass the self-test: so its shapes are the test's.
            inputs, outputs = (tuple(record["selftest"][part]["shape"][1:]) for part in ("inputs", "outputs"))
            self._check_shapes(inputs, outputs)
        except RecordMismatchError as error:
            raise ZooError(f"the file's record does not fit its model: {error}.") from error
        except Exception as error:  # a stranger's record may hold anything anywhere
            raise ZooError(f"the file's record or self-test is damaged: {error}") from error
        self._attach_archive(archive)
        return self

    # What a subclass provides.

    @abc.abstractmethod
    def _make_plan(
        self, dataset: Dataset, batch_size: int | None, folder: Path | None = None, progress: bool = False
    ) -> Plan:
        """Plan a training, with the model made to fit the data where its size depends on them.

        Args:
            dataset: what to learn from.
            batch_size: examples a step; None is all of them.
            folder: where the training is kept, if it is.
            progress: whether people watch.
        """

    @abc.abstractmethod
    def evaluate(self, data: Any = None, split: str | None = None, *, progress: bool = True) -> dict:
        """Measure the model on data; each kind of work says how."""

    @abc.abstractmethod
    def _format_result(self, result: dict) -> str:
        """What `evaluate` returned, for people."""

    @abc.abstractmethod
    def _sample_inputs(self, n: int) -> np.ndarray:
        """`n` inputs, always the same, that the model accepts; shape (n, ...)."""

    @abc.abstractmethod
    def _toy_data(self) -> Dataset:
        """A little data that the smallest variant learns in a few steps; for the checks."""

    def _next_command(self, file: str | Path, data: str) -> str:
        """What to type next where a model was trained on `data` and saved as `file`."""
        return f"zoo evaluate {file} {data}"

    def _check_shapes(self, inputs: tuple, outputs: tuple) -> None:  # noqa: B027 a subclass may have nothing to check
        """Compare what the object says of itself with the shapes of one input and one output of its saved model.

        Raises:
            RecordMismatchError: the record tells of another model.
        """
