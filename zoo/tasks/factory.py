"""The object of a model's task, from the register or from a saved file."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo import catalog, saving
from zoo.errors import UsageError, ZooError, checked_seed
from zoo.files import expand
from zoo.registry import did_you_mean
from zoo.tasks.cards import card_with, is_file_name
from zoo.tasks.task import Task
from zoo.weights import word2vec_file
from zoo.weights.load import check_sha256, find

# by task; by their paths, so that a kind of work is imported when it is needed
CLASSES = {
    "classification": "zoo.tasks.images.classification:Classifier",
    "multilabel": "zoo.tasks.images.multilabel:MultiLabelClassifier",
    "regression": "zoo.tasks.images.regression:Regressor",
    "reconstruction": "zoo.tasks.images.reconstruction:Autoencoder",
    "image_generation": "zoo.tasks.images.image_generation:ImageGenerator",
    "language": "zoo.tasks.text.language:LanguageModel",
    "dialogue": "zoo.tasks.text.dialogue:Dialogue",
    "embedding": "zoo.tasks.text.embedding:Embedding",
}
NUMPY = "zoo.tasks.images.numpy_classifier:NumPyClassifier"


def task_class(task: str) -> type[Task]:
    """The class of a kind of work.

    Raises:
        ZooError: there is no such kind of work.
    """
    if task not in CLASSES:
        raise ZooError(f"there is no task {task!r}{did_you_mean(task, CLASSES)} The tasks are {', '.join(CLASSES)}.")
    return _imported(CLASSES[task])


def _imported(path: str) -> type[Task]:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def from_register(
    name: str,
    weights: str | None = None,
    seed: int | None = None,
    dtype: str | None = None,
    engine: str = "keras",
    **arguments: Any,
) -> Task:
    """The model of that name; the arguments are those of `zoo.get`."""
    if name.endswith(".py"):
        from zoo import backend  # noqa: F401 it quiets the framework's import, which the model's file begins

    entry = catalog.announced(name)
    if weights is not None and is_file_name(weights):
        weights = str(expand(weights).absolute())
    card = card_with(entry.name, weights)
    defaults, offered = card.arguments, card.weights
    arguments = {word: _plain(value) for word, value in arguments.items()}
    for word in arguments:
        if word not in defaults:
            raise UsageError(
                f"{entry.name} has no argument {word!r}{did_you_mean(word, defaults)} Its arguments: "
                + ", ".join(f"{key}={value!r}" for key, value in defaults.items())
            )
    if weights is not None and weights not in offered:
        names = ", ".join(map(repr, offered)) or "none: train it with .train()"
        raise UsageError(f"{entry.name} has no weights called {weights!r}; it has {names}.")
    if weights is not None and offered[weights].is_saved_file:
        model = from_file(find(offered[weights]), sha256=offered[weights].sha256)
        other = {word: value for word, value in arguments.items() if saving.plain(value) != model.arguments[word]}
        if other or dtype or engine != "keras":
            raise UsageError(
                f"the weights {weights!r} of {entry.name} are of {model.arguments}, in float32 and Keras; leave out "
                f"{', '.join([*other, *(['dtype'] if dtype else []), *(['engine'] if engine != 'keras' else [])])}."
            )
        model.weights, model.seed = weights, checked_seed(seed, 2**32 - 1)
        return model
    if weights is not None:
        entry = replace(entry, preprocessing=card.preprocessing(weights))
    if engine == "numpy":
        return _imported(NUMPY)(entry, {**defaults, **arguments}, seed=seed)
    if engine != "keras":
        raise UsageError(f"engine is {engine!r}; accepted are 'keras' and 'numpy'.")
    return task_class(entry.task)(entry, {**defaults, **arguments}, weights=weights, seed=seed, dtype=dtype)


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's; others as they are."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def from_file(path: Path, sha256: str | None = None) -> Task:
    """What a saved file holds; see `zoo.load`. Another file than that of a given hash is refused."""
    archive = read_archive(path)
    if sha256 is not None:
        check_sha256(path, archive.sha256, sha256)
        archive.trust()
    try:
        return task_class(archive.record.task)._from_archive(archive)
    except ZooError as error:
        raise ZooError(f"{path}: {error}") from error


def from_vectors(path: Path) -> Task:
    """An embedding of the words and vectors of a file; see `zoo.weights.word2vec_file`."""
    words, vectors = word2vec_file.read(path)
    card = next(card for card in catalog.cards().values() if card.facts["task"] == "embedding")
    embedding: Any = task_class("embedding")
    return embedding._from_vectors(catalog.announced(card.name), card.arguments, words, vectors)


def read_archive(path: Path) -> saving.Archive:
    """A saved file, checked; it may name classes of the file that defines its model."""
    return saving.read(path, catalog.definition)
