"""What every kind of work shares: a model built on demand, trained by plain `fit`, saved, and opened again.

The framework is imported when the Keras model itself is needed: to build, to train, to be handed out. A saved or
published model answers without it where OpenVINO can.
"""

from __future__ import annotations

import abc
import contextlib
import copy
import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from zoo import catalog, environment, inference, saving
from zoo.console import note
from zoo.data import sources
from zoo.errors import RecordMismatchError, ZooError
from zoo.metrics import Metric
from zoo.registry import Entry
from zoo.training.order import FitData
from zoo.weights.load import load_weights

if TYPE_CHECKING:
    from zoo.backend import keras


class Task(abc.ABC):
    """A model together with the verbs of its kind of work.

    An heir says what its data are (`examples`), how it is compiled (`compile_arguments`), which example inputs
    prove a saved file (`sample_inputs`), what its file must remember (`describe`, `recall`), and adds its verbs.

    Args:
        entry: the register entry of the model.
        arguments: every argument of its builder.
        weights: name of trained weights to load, or None.
        seed: makes building and training repeatable, or None.
        dtype: a Keras dtype policy, or None for float32.
    """

    monitor: tuple[str, str] = ("val_loss", "min")  # which logged number makes an epoch the best one
    needs_classes = True  # whether the data must name classes; where not, pictures alone will do
    measured: ClassVar[dict[str, type[Metric]]] = {}  # numbers of an evaluation that carry their interval

    def __init__(self, entry: Entry, arguments: dict, weights=None, seed=None, dtype=None):
        self.entry = entry
        self.arguments = copy.deepcopy(arguments)
        self.weights = weights
        self.seed = seed
        self.dtype = dtype
        self.metrics: dict = {}  # what the saved file says of itself: the last evaluation
        self.data: dict = {}  # what it was trained on: name and fingerprint
        self.skipped: list[dict] = []  # path and reason of what could not be read of it
        self.archive: saving.Archive | None = None  # the saved file that this object came from
        self._model = None
        self._seeing: keras.Model | None = None  # the model with its features as a second output, when it has any
        self._network: inference.Network | None = None

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def model(self) -> keras.Model:
        """The plain `keras.Model`; it is built, or opened from its file, when first asked for."""
        if self._model is not None:
            return self._model
        return self.build() if self.archive is None else self.adopt(self.archive.open())

    def build(self) -> keras.Model:
        """Build the model anew, from its seed or its weights, and return it.

        Raises:
            ZooError: the builder does not accept its arguments, or the weights do not fit them.
        """
        from zoo import backend

        self.archive = None
        if self.seed is not None:
            backend.seed_everything(self.seed)
        try:
            with self.in_its_precision():
                self._model = self.entry.builder(**self.arguments)
        except (TypeError, ValueError) as error:
            given = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
            raise ZooError(f"{self.name} cannot be built with {given}: {error}") from error
        if self.weights is not None:
            weights = catalog.card(self.name).weights[self.weights]
            if not weights.is_saved_file:  # these came with the builder, which opens their file
                load_weights(self._model, weights)
        return self.adopt(self._model)

    @contextlib.contextmanager
    def in_its_precision(self) -> Iterator[None]:
        """Layers that are made here have the dtype policy of this object."""
        from zoo.backend import keras

        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.dtype or "float32")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)

    def adopt(self, model: keras.Model) -> keras.Model:
        """Take a model that was built elsewhere as this object's own."""
        from zoo import backend

        backend.prepare(model)
        self._model, self._network, self._seeing = model, None, None
        return model

    def take(self, archive: saving.Archive, network=None) -> None:
        """Become what a saved file holds; `network` answers until the Keras model is asked for."""
        self.archive, self._network, self._model, self._seeing = archive, network, None, None

    def outputs(self, inputs: np.ndarray) -> list[np.ndarray]:
        """The model's outputs in float32 for inputs of shape (n, ...); then those of its layer "features", if any.

        While nobody has asked for the Keras model, OpenVINO answers where it can: without the framework, the same
        but for rounding.
        """
        network = self.network()
        if network is not None:
            return network(inputs)
        from zoo import backend

        if self._seeing is None:
            self._seeing = backend.with_features(self.model)
        return backend.predict(self._seeing, inputs)

    def network(self) -> inference.Network | None:
        """This model as a converted network, or None where Keras has to do the work."""
        if self._network is None and self._model is None and "keras" not in sys.modules:
            conversion = self.conversion()
            self._network = None if conversion is None else conversion.network(check=self.check)
        return self._network

    def check(self, network: inference.Network) -> None:
        """Compare a converted network's answers with those of the day the file was saved."""
        if self.archive is not None:
            self.archive.test(lambda inputs: network(inputs)[0], network.setting)

    def conversion(self) -> inference.Conversion | None:
        """How to get this model as a converted network; None where it is one that no file and no weights describe."""
        if self.archive is not None:
            return inference.Conversion.of_file(self.archive.path, self.archive.sha256)
        plain = self.weights is not None and self.dtype is None
        card = catalog.cards().get(self.name)
        if not plain or card is None or self.arguments != card.arguments:
            return None
        return inference.Conversion.of_weights(card, self.weights)

    def train(
        self,
        data=None,
        validation=None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer=None,
        learning_rate: float | None = None,
        schedule: str | None = None,
        augment: Sequence[str] | None = None,
        folder=None,
        resume: bool = False,
        tensorboard: bool = False,
        callbacks=(),
        progress: bool = True,
        **compile_arguments,
    ) -> keras.callbacks.History:
        """Train with plain `fit`, from where the model stands.

        Args:
            data: a dataset's name, a folder, a CSV file, arrays `(x, y)` or a DataFrame; None is the model's own
                dataset.
            validation: data of the same kinds to watch; None takes the data's own validation split, if any.
            epochs: passes (or, where the model counts `steps_per_epoch`, groups of steps); None is the model's own.
            batch_size: examples a step; None is the model's own.
            optimizer: a Keras optimizer, its name or its configuration; None is the model's own.
            learning_rate: None is the model's own.
            schedule: "cosine" or "constant", see `Entry.schedule`; None is the model's own.
            augment: how training pictures are varied: any of "flip", "shift"; None is the model's own, () is none.
            folder: where `best.keras`, `last.keras`, `resume.npz` and `log.csv` are kept, written whole after each
                epoch; None writes nothing.
            resume: go on from `folder/resume.npz`; ends where an unbroken run ends.
            tensorboard: also write TensorBoard's event files into `folder/tensorboard`.
            callbacks: further Keras callbacks.
            progress: show a bar with the time left.
            **compile_arguments: passed to `keras.Model.compile`, in place of the task's.

        Returns:
            Keras' `History`: `.history["loss"]` and so on, one number an epoch.

        Raises:
            ZooError: the data cannot be found or do not fit the model, or the run to resume is another one.
        """
        from zoo import backend
        from zoo.training import loop
        from zoo.training.run import Run, optimizer_of, rate_over

        folder = None if folder is None else Path(folder)
        dataset = self.resolve_dataset(data, lambda data: self.load(data, validation))
        batch_size = self.entry.batch_size if batch_size is None else batch_size
        fit_data = self.examples(dataset)
        trained = self.trained(fit_data, batch_size)
        run = Run(
            epochs=self.entry.epochs if epochs is None else epochs,
            batch_size=batch_size,
            steps_per_epoch=self.entry.steps_of_epoch(batch_size),
            seed=self.seed,
            augment=tuple(self.entry.augment if augment is None else augment),
            folder=folder,
            resume=resume,
            monitor=self.monitor,
            tensorboard=tensorboard,
            callbacks=(*callbacks, *self.callbacks(trained, fit_data, folder, progress)),
            progress=progress,
        )
        if optimizer is None or isinstance(optimizer, str | dict):
            rate = self.entry.learning_rate if learning_rate is None else learning_rate
            steps = run.epochs * run.steps(fit_data)
            rate = rate_over(schedule or self.entry.schedule or "constant", rate, steps)
            optimizer = optimizer_of(optimizer or self.entry.optimizer, rate)
        elif learning_rate is not None:
            optimizer.learning_rate = learning_rate
        run.identity = {
            "model": self.name,
            "arguments": saving.plain(self.arguments),
            "data": dataset.fingerprint(),
            "batch_size": run.batch_size,
            "steps_per_epoch": run.steps_per_epoch,
            "seed": self.seed,
            "augment": list(run.augment),
            "examples": fit_data.about,
            "optimizer": {key: saving.plain(v) for key, v in optimizer.get_config().items() if key != "name"},
        }
        trained.compile(
            **{
                "optimizer": backend.merge_sparse_gradients(optimizer),
                "jit_compile": backend.jit_compile(),
                **self.compile_arguments(),
                **compile_arguments,
            }
        )
        self.data = {"name": dataset.name, "fingerprint": dataset.fingerprint()}
        if progress and self.entry.fastest_on not in (None, backend.name()) and not backend.has_gpu():
            note(f"{self.name} trains much faster with KERAS_BACKEND={self.entry.fastest_on} set.")
        if progress and "bfloat16" in str(self.dtype) and environment.lacks_bfloat16() and not backend.has_gpu():
            note("this processor has no instructions for bfloat16: training in float32 is several times as fast.")
        return loop.fit(trained, fit_data, run, save=self.save, kept=self.model)

    def load(self, data, validation=None) -> sources.Dataset:
        """Find data to learn from, split."""
        return sources.load(data, validation, classes=self.needs_classes)

    def trained(self, data: FitData, batch_size: int | None) -> keras.Model:
        """What `fit` is called on: the model itself, or one that trains it in a way of its own."""
        return self.model

    def callbacks(
        self, trained: keras.Model, data: FitData, folder: Path | None, progress: bool
    ) -> list[keras.callbacks.Callback]:
        """What this kind of work adds to a training.

        Args:
            trained: what `fit` is called on.
            data: what it is given.
            folder: where the training is kept, if it is.
            progress: whether people watch.
        """
        return []

    def match_size(self, argument: str, size: int, what: str, such_as: str) -> None:
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

    def model_loss(self) -> Callable | None:
        """The loss that the model's own file brings, a function of targets and outputs; None where it brings none."""
        return None if self.entry.loss is None else self.own(self.entry.loss)

    def own(self, function: str) -> Callable:
        """A function of the model's own file, given what it names of `given`."""
        found, given = getattr(sys.modules[catalog.entry(self.name).builder.__module__], function), self.given()
        wanted = [name for name in inspect.signature(found).parameters if name in given]
        return functools.partial(found, **{name: given[name] for name in wanted}) if wanted else found

    def given(self) -> dict:
        """What functions of the model's own file may name beside their own arguments: the builder's."""
        return self.arguments

    def resolve_dataset(self, data, find) -> sources.Dataset:
        """`find(data)`, or where no data were named `find` of the model's own dataset."""
        if data is not None:
            return find(data)
        if self.entry.dataset is None:
            raise ZooError(f"{self.name} names no dataset of its own: give one.")
        try:
            return find(self.entry.dataset)
        except ZooError as error:
            if self.entry.fallback_dataset is None:
                raise
            fallback = self.entry.fallback_dataset
            raise ZooError(f"{error}\nWithout a network, use the embedded dataset {fallback!r}.") from error

    def save(self, path) -> None:
        """Write one `.keras` file: plain Keras opens it, and `zoo.load` knows its labels and provenance too.

        Args:
            path: the file; it must end in `.keras`. It is written whole or not at all.
        """
        if self._model is None and self.archive is not None:
            test = self.archive.record.content["selftest"]
            saving.write(Path(path), self.archive.members, self.record(), test)
        else:
            samples = self.sample_inputs(2)
            test = saving.selftest(samples, saving.outputs(self.model, samples))
            saving.save(self.model, Path(path), self.record(), test)

    def record(self) -> dict:
        """What a saved file remembers beyond the model: enough to use it, and where it is from."""
        return {
            "name": self.name,
            "task": self.entry.task,
            "source": self.entry.source,
            "arguments": saving.plain(self.arguments),
            "data": self.data,
            "metrics": saving.plain(self.metrics),
            "seed": self.seed,
            **self.describe(),
        }

    @classmethod
    def restore(cls, archive: saving.Archive) -> Task:
        """The object that was saved; its model is opened when it is first asked for."""
        known = archive.record.content
        card = catalog.cards().get(known["name"])
        facts = {**(card.facts if card else {}), "task": known["task"], "source": known["source"]}
        entry = Entry(known["name"], lambda **_: archive.open(), **facts)
        self = cls(entry, known["arguments"], seed=known.get("seed"))
        self.take(archive)
        self.data, self.metrics = known["data"], known["metrics"]
        try:
            for name, kind in self.measured.items():
                if name in self.metrics:
                    self.metrics[name] = kind.from_json(self.metrics[name])
            # The model is opened when it is needed, and then must pass the self-test: so its shapes are the test's.
            inputs, outputs = (tuple(known["selftest"][part]["shape"][1:]) for part in ("inputs", "outputs"))
            self.recall(known, inputs, outputs)
        except RecordMismatchError as error:
            raise ZooError(f"the file's record does not fit its model: {error}.") from error
        except Exception as error:  # a stranger's record may hold anything anywhere
            raise ZooError(f"the file's record or self-test is damaged: {error}") from error
        return self

    # What an heir provides.

    @abc.abstractmethod
    def examples(self, dataset: sources.Dataset) -> FitData:
        """The arrays that `fit` gets, and the model made to fit the data where its size depends on them."""

    @abc.abstractmethod
    def compile_arguments(self) -> dict:
        """Loss and metrics, as `keras.Model.compile` takes them."""

    @abc.abstractmethod
    def sample_inputs(self, n: int):
        """`n` inputs, always the same, that the model accepts; shape (n, ...)."""

    @abc.abstractmethod
    def toy_data(self) -> sources.Dataset:
        """A little data that the smallest variant learns in a few steps; for the checks."""

    def next_command(self, file, data: str) -> str:
        """What to type next where a model was trained on `data` and saved as `file`."""
        return f"zoo evaluate {file} {data}"

    def describe(self) -> dict:
        """What a saved file of this kind of work must remember, as JSON."""
        return {}

    def recall(self, known: dict, inputs: tuple, outputs: tuple) -> None:  # noqa: B027 an heir may have nothing to recall
        """Take back what `describe` gave; whatever is raised on a record of a stranger becomes a clear message.

        Args:
            known: the file's record.
            inputs: shape of one input of the model.
            outputs: shape of one output.

        Raises:
            RecordMismatchError: the record tells of another model.
        """
