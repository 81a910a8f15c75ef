"""The contract: small named checks that every model must pass, run on its smallest variant and on toy data.

They ship with the library, so that a model of one's own is held to the same promises: `zoo check my_net.py`. A
model that cannot keep one says so itself, in `@register(..., known_gaps={"check_name": "the reason"})`.
"""

import ast
import importlib
import inspect
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo import catalog
from zoo.api import get, load
from zoo.backend import keras
from zoo.errors import ZooError
from zoo.registry import Entry
from zoo.tasks.task import Task

EPOCHS, BROKEN_AT = 4, 2


class Subject:
    """A model under examination; what several checks need is made once.

    Args:
        name: a model's name, or the path of a Python file that registers one.
    """

    def __init__(self, name: str):
        self.entry = catalog.entry(name)
        self.name = self.entry.name
        self.folder = Path(tempfile.mkdtemp(prefix="zoo-check-"))

    def smallest(self, seed: int | None = 1) -> Task:
        """A fresh object of the model's task, at its smallest."""
        return get(self.name, seed=seed, **self.entry.smallest)

    def train(self, folder: str, resume=False) -> tuple[Task, dict]:
        """Train the smallest variant on toy data; returns the task's object and its history.

        What lies in the folder when epoch BROKEN_AT begins is kept beside it: all that a run stopped there leaves.
        """

        def keep(epoch, logs=None):
            if epoch == BROKEN_AT and not resume:
                shutil.copytree(self.folder / folder, self.folder / "broken")

        model = self.smallest()
        history = model.train(
            model._toy_data(),
            epochs=EPOCHS,
            batch_size=None if self.entry.batch_size is None else 12,
            # Toy data need a rate of their own, and SGD's step is traced twice as fast as Adam's.
            optimizer="sgd",
            learning_rate=0.01,
            schedule="constant",
            folder=self.folder / folder,
            resume=resume,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=keep)],
            progress=False,
        )
        return model, history.history

    @cached_property
    def unbroken(self) -> tuple[Task, dict]:
        """A training from beginning to end."""
        return self.train("unbroken")

    @cached_property
    def resumed(self) -> tuple[Task, dict]:
        """The same, stopped and taken up again."""
        _ = self.unbroken
        return self.train("broken", resume=True)


def check_card(subject: Subject) -> None:
    """It says in a sentence what it is and where it is from, and the card read from its text is the same."""
    entry = subject.entry
    assert entry.name.islower() and entry.name.isidentifier(), f"{entry.name!r} is no snake_case name"
    summary = (inspect.getdoc(entry.builder) or "").split("\n\n")[0]
    assert len(summary.split()) >= 4, "the builder's docstring says nothing"
    assert len(entry.source) > 10, "source names no paper, course or book"
    card = next(c for c in catalog.read_cards("", Path(entry.file)) if c.name == entry.name)
    for key, value in card.facts.items():
        assert getattr(entry, key) == value, (
            f"{key} is {value!r} in the text and {getattr(entry, key)!r} when imported"
        )


def check_imports(subject: Subject) -> None:
    """Its file imports no other model's file, and no one backend."""
    tree = ast.parse(Path(subject.entry.file).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            of_a_model = name.startswith(catalog.SHELVES) and not name.rpartition(".")[2].startswith("_")
            assert not of_a_model, f"line {node.lineno} imports {name}"
            assert name.split(".")[0] not in ("tensorflow", "jax", "torch"), f"line {node.lineno} imports {name}"


def check_builds(subject: Subject) -> None:
    """Its builder returns a built, uncompiled `keras.Model`, at its smallest."""
    model = subject.entry.builder(**subject.smallest().arguments)
    assert isinstance(model, keras.Model), f"the builder returned a {type(model).__name__}"
    assert model.built and not model.compiled


def check_parameters(subject: Subject) -> None:
    """At its defaults it has as many weights as its card says."""
    stated = subject.entry.parameters
    assert stated, "@register(parameters=...) is missing"
    counted = get(subject.name).build().count_params()
    assert counted == stated, f"the card says {stated:,}, the model has {counted:,}"


def check_outputs(subject: Subject) -> None:
    """It gives one finite answer for each input, and a different one for different inputs once trained."""
    model, _ = subject.unbroken
    outputs = _numpy(model.model(model._sample_inputs(3), training=False))
    assert outputs.shape[0] == 3, f"3 inputs gave outputs of shape {outputs.shape}"
    assert np.isfinite(outputs).all(), "outputs are not finite"
    assert np.abs(outputs - outputs[:1]).max() > 0, "every input gets the same answer"


def check_learns(subject: Subject) -> None:
    """Plain `fit` makes its loss fall, or what it is judged by better, and reaches every trainable weight."""
    model, history = subject.unbroken
    assert model.model.trainable_variables, "none of its weights can be trained"
    name, mode = model._monitor
    signs = {"loss": -1, name.removeprefix("val_"): 1 if mode == "max" else -1}
    gains = {key: max(sign * (value - history[key][0]) for value in history[key][1:]) for key, sign in signs.items()}
    # the order in which examples are summed makes a difference of about 1e-7 by itself
    assert any(gain > 5e-7 * abs(history[key][0]) for key, gain in gains.items()), f"by epoch: {history}"
    fresh = get(subject.name, seed=1, **model.arguments).build()
    for before, after in zip(fresh.trainable_variables, model.model.trainable_variables, strict=True):
        assert np.abs(_numpy(before) - _numpy(after)).max() > 0, f"training never moved {after.path}"


def check_same_seed(subject: Subject) -> None:
    """The same seed builds the same weights, another seed others (where they are drawn at all)."""
    one, same, other = (subject.smallest(seed).build().get_weights() for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True)), "seed 7 gave two sets of weights"
    drawn = any(np.std(w) > 0 for w in one if w.ndim > 1)
    assert not drawn or any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True)), "the seed is ignored"


def check_resume(subject: Subject) -> None:
    """A run that is stopped and resumed ends where an unbroken one ends, to the bit."""
    (whole, history), (resumed, its_history) = subject.unbroken, subject.resumed
    for a, b in zip(whole.model.weights, resumed.model.weights, strict=True):
        assert np.array_equal(_numpy(a), _numpy(b)), f"{a.path} differs by {np.abs(_numpy(a) - _numpy(b)).max():.2g}"
    assert history == its_history, f"the histories differ: {history}, {its_history}"


def check_saves(subject: Subject) -> None:
    """Saved, it opens again through the safe door and gives the same answers."""
    model, _ = subject.unbroken
    path = subject.folder / "saved.keras"
    model.save(path)
    loaded = load(path)
    inputs = model._sample_inputs(3)
    expected = _numpy(model.model(inputs, training=False))
    assert np.allclose(_numpy(loaded.model(inputs, training=False)), expected, atol=1e-5), "the answers differ"
    assert loaded.get_config()["arguments"] == model.get_config()["arguments"]


def check_plain_keras(subject: Subject) -> None:
    """Plain Keras opens the saved file, uncompiled, and it gives the same answers."""
    model, _ = subject.unbroken
    path = subject.folder / "plain.keras"
    model.save(path)
    plain = keras.saving.load_model(path)
    inputs = model._sample_inputs(3)
    assert not plain.compiled
    expected = _numpy(model.model(inputs, training=False))
    assert np.allclose(_numpy(plain(inputs, training=False)), expected, atol=1e-5), "the answers differ"


def check_arguments(subject: Subject) -> None:
    """A word that its builder does not know is refused with the words that it does."""
    try:
        get(subject.name, no_such_argument=1)
    except ZooError as error:
        assert all(name in str(error) for name in catalog.card_of(subject.entry).arguments), str(error)
    else:
        raise AssertionError("no_such_argument was accepted")


def check_application(subject: Subject) -> None:
    """It answers raw pixels as Keras' own network answers pixels that Keras' `preprocess_input` has prepared.

    The weights are the same random ones. Then it is saved and comes back through the safe door.
    """
    task = subject.smallest()
    model = task.model
    assert [layer.name for layer in model.layers[-2:]] == ["features", "head"], "it does not end in features and head"
    application = getattr(keras.applications, str(subject.entry.application))
    preprocess = importlib.import_module(application.__module__).preprocess_input
    shape, num_classes = task.arguments["input_shape"], task.arguments["num_classes"]
    whole = application(weights=None, input_shape=shape, classes=num_classes, classifier_activation=None)
    model.set_weights([a.reshape(b.shape) for a, b in zip(whole.get_weights(), model.get_weights(), strict=True)])
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (2, *shape)).astype(np.float32)
    expected = _numpy(whole(preprocess(pixels.copy()), training=False))
    outputs = _numpy(model(pixels, training=False))
    rounding = 1e-3 * np.abs(expected).max()
    assert np.abs(outputs - expected).max() < rounding, f"{outputs[0]}, where Keras' own network says {expected[0]}"
    task.save(subject.folder / "application.keras")
    again = _numpy(load(subject.folder / "application.keras").model(pixels, training=False))
    assert np.abs(again - outputs).max() < rounding, "saved and opened, it answers otherwise"


CHECKS: list[Callable[[Subject], None]] = [
    value for name, value in list(globals().items()) if name.startswith("check_") and value is not check_application
]
# What Keras builds, Keras' own tests train: of such a network they are these.
CHECKS_OF_APPLICATIONS: list[Callable[[Subject], None]] = [
    check_card,
    check_imports,
    check_application,
    check_arguments,
]


def checks_of(entry: Entry) -> list[Callable[[Subject], None]]:
    """The checks that a model has to pass."""
    return CHECKS_OF_APPLICATIONS if entry.application else CHECKS


def every_model() -> list[str]:
    """The models that have to pass the checks: all, and of the pretrained networks in one file the smallest."""
    cards = catalog.cards().values()
    smallest: dict[str, str] = {}
    for card in sorted(cards, key=lambda card: card.facts.get("parameters") or 0):
        smallest.setdefault(card.file, card.name)
    return [card.name for card in cards if not card.is_backbone or card.name in smallest.values()]


def run_checks(name: str) -> Iterator[dict]:
    """Run every check on one model.

    Args:
        name: a model's name, or the path of a Python file that registers one.

    Yields:
        `{"model", "check", "outcome": "passed" | "failed" | "gap", "detail"}`; a gap is one that the model declares.

    Example:
        >>> {result["outcome"] for result in run_checks("logistic")}
        {'passed'}
    """
    subject = Subject(name)
    for check in checks_of(subject.entry):
        gap = subject.entry.known_gaps.get(check.__name__)
        if check is check_application and keras.backend.backend() in subject.entry.not_on:
            gap = f"Keras does not build it on {keras.backend.backend()}"
        outcome, detail = "passed", ""
        try:
            check(subject)
            if gap:
                outcome, detail = "failed", f"passes, though known_gaps says: {gap}"
        except Exception as error:  # whatever a builder does wrong is the check's finding
            detail = gap or f"{type(error).__name__}: {error}"
            outcome = "gap" if gap else "failed"
        yield {"model": subject.name, "check": check.__name__, "outcome": outcome, "detail": detail}


def _numpy(value) -> np.ndarray:
    return keras.ops.convert_to_numpy(value)
