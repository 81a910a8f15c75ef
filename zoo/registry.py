"""The register of models: a decorator, what it remembers, and lookup by name. Standard library only."""

import difflib
import inspect
import warnings
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from zoo.errors import ZooError

# today's names of keywords of `register`; the old ones go in version 0.2
OLD_NAMES = {"offline": "fallback_dataset", "opponent": "discriminator"}


@dataclass(frozen=True)
class Entry:
    """A registered model: its builder, and what the zoo must know of it and Keras does not.

    Attributes:
        name: the builder's own name.
        builder: plain function, its signature is its defaults; returns an uncompiled `keras.Model`.
        task: the kind of work, a module of `zoo.tasks`, for example "classification".
        source: the paper, course or book that the model is from.
        application: of a network that Keras builds, the name of its function in `keras.applications`.
        not_on: Keras backends that it cannot be built on.
        torch_names: of a network that takes its weights from a file of PyTorch's, the layers that are not called like
            their modules: their names by the modules'; see `zoo.weights.assign`.
        dataset: the dataset that it trains on when none is named.
        fallback_dataset: an embedded dataset, proposed when `dataset` is not at hand.
        optimizer: name of a Keras optimizer, or Keras' configuration of one.
        learning_rate: its learning rate.
        schedule: "cosine" lets the learning rate rise over the first tenth of the steps and then fall to 0 along a
            cosine; None keeps it.
        loss: name of a function in the model's own file, of targets and outputs, in place of the task's loss; it may
            also take any of the builder's arguments, by name.
        discriminator: name of a function in the model's own file that builds the net it is trained against; it takes
            any of the builder's arguments, by name.
        augment: how training pictures are varied from pass to pass, names in `zoo.data.images.augment`.
        batch_size: examples a step; None takes all of them in every step.
        steps_per_epoch: steps that an epoch counts at this batch size; None is one pass over the examples.
        epochs: epochs that `train` runs.
        parameters: number of weights at the builder's defaults; a check compares it with the built model.
        preprocessing: arguments of the task's preprocessing beyond the model's input shape.
        search_space: what `zoo tune` tries, by name: arguments of the builder or of the training. A list holds the
            values to choose from, a tuple the lowest and the highest number, with "log" behind them where ratios
            count; where both are whole, all are. A name of two settings with a comma, "a,b", has tuples of values.
            {} takes a space around the training settings.
        fastest_on: the Keras backend that trains it much faster than others on a processor, where one was found to.
        smallest: builder arguments that make the cheapest honest variant, for the checks.
        known_gaps: checks that the model cannot pass, each with the reason.
    """

    name: str
    builder: Callable
    task: str
    source: str
    application: str | None = None
    not_on: tuple[str, ...] = ()
    torch_names: dict[str, str] = field(default_factory=dict)
    dataset: str | None = None
    fallback_dataset: str | None = None
    optimizer: str | dict = "adam"
    learning_rate: float = 1e-3
    schedule: str | None = None
    loss: str | None = None
    discriminator: str | None = None
    augment: tuple[str, ...] = ()
    batch_size: int | None = 32
    steps_per_epoch: int | None = None
    epochs: int = 10
    parameters: int | None = None
    preprocessing: dict = field(default_factory=dict)
    search_space: dict = field(default_factory=dict)
    fastest_on: str | None = None
    smallest: dict = field(default_factory=dict)
    known_gaps: dict[str, str] = field(default_factory=dict)

    def steps_of_epoch(self, batch_size: int | None) -> int | None:
        """Steps that an epoch counts at a batch size, None being all examples; None is one pass over the examples.

        Its own count belongs to its own batch size: a hundred steps on all examples are a hundred passes.
        """
        return self.steps_per_epoch if batch_size == self.batch_size else None

    @property
    def file(self) -> str:
        """The source file of the builder."""
        return inspect.getsourcefile(self.builder) or ""

    @property
    def offline(self) -> str | None:
        """The old name of `fallback_dataset`."""
        _warn_of("offline")
        return self.fallback_dataset

    @property
    def opponent(self) -> str | None:
        """The old name of `discriminator`."""
        _warn_of("opponent")
        return self.discriminator


ENTRIES: dict[str, Entry] = {}
NO_LITERAL = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)  # what `ast.literal_eval` may raise


def register(*, task: str, source: str, **facts: Any) -> Callable[[Callable], Callable]:
    """Register the decorated builder as a model, under its own name.

    Args:
        task: the kind of work, for example "classification".
        source: the paper, course or book that the model is from.
        **facts: any other attribute of `Entry` but `name` and `builder`. In a file on a shelf they are
            literals, so that `zoo list` reads them without importing the file.

    Returns:
        A decorator that returns the builder unchanged.

    Raises:
        ZooError: another function already owns the name, or `weights` are given, which belong on a card.

    Example:
        >>> @register(task="classification", source="an exercise")
        ... def my_net(input_shape=(28, 28, 1), num_classes=10):
        ...     "One dense layer."
    """

    if "weights" in facts:
        raise ZooError(
            "register() takes no weights: describe them on a card, a file weights/MODEL-NAME.json beside the model's "
            "file; see zoo.weights.card.WeightsCard."
        )
    for name in facts.keys() & OLD_NAMES.keys():
        _warn_of(name)
    facts = current_names(facts)

    def remember(builder: Callable) -> Callable:
        entry = Entry(builder.__name__, builder, task, source, **facts)
        owner = ENTRIES.get(entry.name)
        if owner is not None and owner.file != entry.file:
            raise ZooError(
                f"two models are called {entry.name!r}: one in {owner.file}, one in {entry.file}. "
                "Rename one of the two functions."
            )
        ENTRIES[entry.name] = entry
        return builder

    return remember


def current_names(facts: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a `register` call, with today's names in the place of old ones."""
    return {OLD_NAMES.get(name, name): value for name, value in facts.items()}


def _warn_of(name: str) -> None:
    message = f"{name!r} is called {OLD_NAMES[name]!r} now; the old name goes in version 0.2."
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def did_you_mean(word: str, accepted: Iterable[str]) -> str:
    """The middle of an error message: `; did you mean 'x'?`, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, list(accepted), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else "."


@dataclass(frozen=True)
class Definition:
    """The module that defines a saved file's model.

    Attributes:
        module: its name, or "".
        classes: the names of its classes.
        only_here: whether it is known in this process alone, as what a notebook defines.
    """

    module: str = ""
    classes: Collection[str] = ()
    only_here: bool = False


NOWHERE = Definition()
