"""Networks that ship converted, but for their weights: filled from the weights' own file, without Keras.

A template is a zip archive beside the card of the weights. It holds what the conversion of a published network made,
with zeros for numbers that the weights' file has, and says where these go. `make` writes one; see CONTRIBUTING.md.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from zoo import catalog, saving
from zoo.files import atomic_file
from zoo.weights.card import WeightsCard
from zoo.weights.load import read

if TYPE_CHECKING:
    from zoo.inference.conversion import Conversion

CONTENT = "template.json"
NETWORK, NUMBERS = "model.xml", "model.bin"  # as conversion.py calls the converted network


def beside(card: WeightsCard) -> Path:
    """Where the template of a network with these weights is, if there is one."""
    return card.path.with_suffix(".zip")


def fill(template: Path, card: catalog.Card, weights: str, folder: Path, saved: str) -> None:
    """Write a converted network and its saved file, as the conversion would.

    Args:
        template: as `make` wrote it.
        card: the network.
        weights: the name of its weights.
        folder: an empty folder for the files.
        saved: what the saved file is called.

    Raises:
        ValueError: the template is of another definition of the network, or of other weights.
        ZooError: the weights cannot be read.
        OSError: the files cannot be written.
    """
    with zipfile.ZipFile(template) as archive:
        content = json.loads(archive.read(CONTENT))
        if content["of"] != identity(card, weights):
            raise ValueError(f"{template} is of another network or other weights")
        files = {name: archive.read(name) for name in archive.namelist()}
    arrays = read(card.weights[weights])

    def turned(tensor: str, axes: list[int]) -> np.ndarray:
        return np.ascontiguousarray(arrays[tensor].transpose(axes))

    numbers = bytearray(files[NUMBERS])
    for offset, tensor, axes in content["numbers"]:
        part = turned(tensor, axes).tobytes()
        numbers[offset : offset + len(part)] = part
    if hashlib.sha256(numbers).hexdigest() != content["sha256"]:
        raise ValueError(f"{template} does not give the numbers that it was made of")
    members = {name: files[name] for name in content["members"]}
    members[saving.WEIGHTS] = filled(members[saving.WEIGHTS], {name: turned(*of) for name, of in content["variables"]})
    (folder / NETWORK).write_bytes(files[NETWORK])
    (folder / NUMBERS).write_bytes(numbers)
    saving.write(folder / saved, members, content["record"], content["selftest"])
    saving.Archive.in_memory(card.name, members, content["selftest"]).trust()  # it was made where the zoo was


def identity(card: catalog.Card, weights: str) -> list[str]:
    """What a template is of."""
    return [card.name, card.weights[weights].fingerprint, card.code_digest]


def filled(hdf5: bytes, variables: dict[str, np.ndarray]) -> bytes:
    """An HDF5 file with other numbers in some of its datasets."""
    import h5py

    file = io.BytesIO(hdf5)
    with h5py.File(file, "r+") as datasets:
        for name, array in variables.items():
            datasets[name][...] = array.reshape(datasets[name].shape)  # axes of one lie elsewhere
    return file.getvalue()


def make(conversion: Conversion, card: catalog.Card, weights: str, saved: str) -> Path:
    """Write the template of a network that was converted by Keras.

    Args:
        conversion: of the network; it is done.
        card: the network.
        weights: the name of its weights.
        saved: what its saved file is called.

    Example:
        >>> from zoo import catalog, inference
        >>> from zoo.inference import template
        >>> card = catalog.card("efficientnet_lite0")
        >>> conversion = inference.Conversion.of_weights(card, "imagenet")
        >>> template.make(conversion, card, "imagenet", inference.FILE)  # doctest: +SKIP
    """
    import h5py

    places: dict[bytes, tuple[str, tuple[int, ...]]] = {}
    for tensor, array in read(card.weights[weights]).items():
        for axes in itertools.permutations(range(array.ndim)):
            places.setdefault(fingerprint(array.transpose(axes)), (tensor, axes))
    archive = saving.read(conversion.folder / saved)
    numbers = bytearray((conversion.folder / NUMBERS).read_bytes())
    content: dict = {"of": identity(card, weights), "sha256": hashlib.sha256(numbers).hexdigest(), "numbers": []}
    for data in ElementTree.parse(conversion.folder / NETWORK).getroot().iterfind("layers/layer[@type='Const']/data"):
        begin, size = int(data.attrib["offset"]), int(data.attrib["size"])
        place = places.get(hashlib.sha256(numbers[begin : begin + size]).digest())
        if place and any(numbers[begin : begin + size]):
            content["numbers"].append([begin, *place])
            numbers[begin : begin + size] = bytes(size)
    zeroed = io.BytesIO(archive.members[saving.WEIGHTS])
    variables = []
    with h5py.File(zeroed, "r+") as datasets:

        def take(name: str, item: h5py.Dataset | h5py.Group) -> None:
            place = places.get(fingerprint(item[...])) if isinstance(item, h5py.Dataset) and item.ndim else None
            if place:
                variables.append([name, place])
                item[...] = 0

        datasets.visititems(take)
    members = {**archive.members, saving.WEIGHTS: zeroed.getvalue()}
    record = {**archive.record.content}
    content |= {"variables": variables, "members": [*members], "selftest": record.pop("selftest")}
    content["record"] = {key: value for key, value in record.items() if key not in ("members", "versions")}
    path = beside(card.weights[weights])
    with (
        atomic_file(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file,
    ):
        file.writestr(CONTENT, json.dumps(content))
        file.writestr(NETWORK, (conversion.folder / NETWORK).read_bytes())
        file.writestr(NUMBERS, bytes(numbers))
        for name, member in members.items():
            file.writestr(name, member)
    return path


def fingerprint(array: np.ndarray) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).digest()
