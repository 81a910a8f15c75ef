"""The public words that find models: list, show, get, load."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import catalog
from zoo.errors import UsageError
from zoo.files import expand
from zoo.registry import did_you_mean

if TYPE_CHECKING:
    from zoo.saving import Record
    from zoo.tasks.task import Task


def list(task: str | None = None, weights: bool | None = None) -> builtins.list[str]:
    """The names of the models, in order; no framework is imported.

    Args:
        task: only models of this kind of work, for example "classification"; or "backbone", the pretrained networks
            that `finetune` takes.
        weights: True for models that come with trained weights, False for those that do not.

    Raises:
        UsageError: no model has that task.

    Example:
        >>> "efficientnet_lite0" in list(task="classification", weights=True)
        True
    """
    found = catalog.cards().values()
    tasks = sorted({card.facts["task"] for card in found} | {"backbone"})
    if task is not None and task not in tasks:
        raise UsageError(f"no model has the task {task!r}{did_you_mean(task, tasks)} Tasks: {', '.join(tasks)}.")
    return [
        card.name
        for card in found
        if (task in (None, card.facts["task"]) or (task == "backbone" and card.is_backbone))
        and weights in (None, bool(card.weights))
    ]


def show(name: str | Path) -> catalog.Card | Record:
    """The card of a model, or the record of a saved file; no framework is imported.

    Args:
        name: a model's name, or the path of a `.keras` file that the zoo saved.

    Returns:
        A `Card` or a `Record`: `print` shows it to people, `.to_json()` gives it to programs.

    Raises:
        ZooError: no such model; or the file is missing, damaged or not the zoo's.

    Example:
        >>> print(show("logistic").facts["task"])
        classification
    """
    if is_saved_file(name):
        from zoo.saving import read_record

        return read_record(expand(name))
    return catalog.card(str(name))


def get(
    name: str | Path,
    weights: str | None = None,
    seed: int | None = None,
    dtype: str | None = None,
    engine: str = "keras",
    **arguments: Any,
) -> Task:
    """A model by name, as the object of its task: build, train, evaluate, predict, save.

    Args:
        name: a model's name (`zoo.list()`), or the path of a Python file that registers one.
        weights: name of trained weights to start from, or for a network whose name begins with "timm_" a
            `.safetensors` or `.pth` file; None starts from the builder's initialisation.
        seed: an integer makes building and training repeatable to the bit on one machine; None leaves them free.
        dtype: a Keras dtype policy, for example "mixed_bfloat16"; None is float32.
        engine: "keras", or "numpy" for a net that is written out in NumPy (`zoo/scratch`), to be read and compared.
        **arguments: the builder's own arguments, in place of its defaults.

    Returns:
        The task's object, for example a `Classifier`; its `.model` is the plain `keras.Model`.

    Raises:
        UsageError: unknown name, argument or weights; the nearest known one is proposed.

    Example:
        >>> get("logistic", input_shape=(8, 8, 3)).build().count_params()
        193
    """
    from zoo.tasks import factory

    return factory.from_register(str(name), weights, seed, dtype, engine, **arguments)


def load(path: str | Path) -> Task:
    """Open a file that the zoo saved, after checking that nothing in it can do harm; or a file of word vectors.

    The file's parts are compared with their hashes, its configuration may name only known Keras layers, and its
    weights may hold only numbers. No framework is imported before the model is needed; then a self-test compares
    its answers with those it gave when it was saved. The hashes find damage; they do not prove who wrote the file.

    Args:
        path: a `.keras` file written by `.save()` or `zoo.finetune`; or word vectors in word2vec's formats, as
            gensim writes them, text (`.txt`, `.vec`) or binary (`.bin`).

    Returns:
        The object of the model's task, as it was saved; of word vectors an `Embedding`.

    Raises:
        ZooError: the file is missing, damaged, not the zoo's, or holds what a model file must not.

    Example:
        >>> get("logistic", input_shape=(8, 8, 3)).save("small.keras")
        >>> load("small.keras").model.count_params()
        193
    """
    from zoo.tasks import factory

    path = expand(path)
    return factory.from_vectors(path) if is_vector_file(path) else factory.from_file(path)


def is_vector_file(name: str | Path) -> bool:
    """Whether a word that names a model or a file is meant as a file of word vectors."""
    from zoo.weights.word2vec_file import ENDINGS

    return str(name).endswith(ENDINGS)


def is_saved_file(name: str | Path) -> bool:
    """Whether a word that names a model or a file is meant as a saved file."""
    return str(name).endswith(".keras")
