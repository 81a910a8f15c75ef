"""The card of a model with its weights, which may be a file that somebody has and no card describes."""

from dataclasses import replace
from pathlib import Path

from zoo import catalog
from zoo.errors import UsageError
from zoo.weights.load import card_of_file


def is_file_name(weights: str) -> bool:
    """Whether a word that names weights is meant as a file: it has an ending or a folder, which no set's name has.

    Example:
        >>> is_file_name("model.safetensors"), is_file_name("imagenet")
        (True, False)
    """
    return Path(weights).suffix != "" or Path(weights).name != weights


def card_with(name: str, weights: str | None) -> catalog.Card:
    """The card of a model; with a file for weights, that is among them, and there are as many classes as in the file.

    Args:
        name: the model's name.
        weights: the name of weights, or a file.

    Raises:
        UsageError: no model has that name, or it takes no file.
        ZooError: the file cannot be read.
    """
    card = catalog.card(name)
    if weights is None or weights in card.weights or not is_file_name(weights):
        return card
    if "torch_names" not in card.facts:
        takers = ", ".join(name for name, other in catalog.cards().items() if "torch_names" in other.facts)
        raise UsageError(f"{name} takes no weights from a file such as {weights!r}. These networks do: {takers}.")
    own, num_classes = catalog.read_once(card_of_file, tuple(card.facts["torch_names"].items()), Path(weights))
    arguments = card.arguments | ({"num_classes": num_classes} if num_classes else {})
    return replace(card, weights={**card.weights, weights: own}, arguments=arguments)
