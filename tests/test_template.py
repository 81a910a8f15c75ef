"""Networks that ship converted: their templates are of today's definitions, and filled they are what Keras makes."""

import io
import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest

from zoo import catalog, inference, saving
from zoo.files import atomic_folder
from zoo.inference import CONVERTED, FILE, Conversion, template
from zoo.transfer.features import Backbone

pytestmark = pytest.mark.skipif(not inference.available(), reason="openvino is not installed")
SHIPPED = [
    (card, name)
    for card in catalog.cards().values()
    for name, weights in card.weights.items()
    if template.beside(weights).is_file()
]


def content(card, name):
    with zipfile.ZipFile(template.beside(card.weights[name])) as archive:
        return json.loads(archive.read(template.CONTENT))


@pytest.mark.parametrize(("card", "name"), SHIPPED, ids=lambda part: getattr(part, "name", part))
def test_templates_are_of_todays_definitions(card, name):
    assert content(card, name)["of"] == template.identity(card, name), "type: python benchmarks/templates.py"
    assert template.beside(card.weights[name]).stat().st_size < 200_000


def test_a_shipped_network_needs_no_keras(own_home, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)  # no process can be started
    backbone = Backbone("efficientnet_lite0")
    backbone.begin()
    engine = backbone.conversion.engine()
    assert engine is not None and (backbone.conversion.folder / "model.bin").stat().st_size > 10_000_000
    archive = backbone.archive()  # its self-test is that of Keras' conversion
    inputs, expected = (saving.unpack(archive.selftest[key]) for key in ("inputs", "outputs"))
    assert np.abs(engine(inputs)[0] - expected).max() <= 1e-3 * np.ptp(expected)
    assert archive.is_ours


def contents(hdf5):
    """The arrays of an HDF5 file by name, and 0 for each group."""
    items = {}
    with h5py.File(io.BytesIO(hdf5)) as file:
        file.visititems(lambda name, item: items.update({name: item[...] if isinstance(item, h5py.Dataset) else 0}))
    return items


@pytest.mark.slow
def test_it_is_what_keras_makes(own_home, monkeypatch, tmp_path):
    """To the bit: the numbers of the converted network, and each variable of the saved file."""
    card = catalog.card("efficientnet_lite0")
    by_keras = Conversion.of_weights(card, "imagenet", shipped=False)
    folder = by_keras.wait()
    with atomic_folder(tmp_path / "filled") as filled:
        template.fill(template.beside(card.weights["imagenet"]), card, "imagenet", filled, FILE)
    filled = tmp_path / "filled"
    bins = [(place / CONVERTED).with_suffix(".bin").read_bytes() for place in (folder, filled)]
    assert bins[0] == bins[1]
    one, two = (saving.read(place / FILE) for place in (folder, filled))
    # Keras numbers shared objects by where they lie in memory
    configs = [re.sub(rb'("shared_object_id"): \d+', rb"\1", archive.members["config.json"]) for archive in (one, two)]
    assert configs[0] == configs[1]
    arrays = [contents(archive.members[saving.WEIGHTS]) for archive in (one, two)]
    assert arrays[0].keys() == arrays[1].keys()
    assert all(np.array_equal(array, arrays[1][name]) for name, array in arrays[0].items())


def broken(kind, path):
    """A template that cannot be used."""
    if kind == "no archive":
        path.write_bytes(b"PK\3\4 no archive")
        return
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(members[template.CONTENT])
    if kind == "of another definition":
        about["of"][2] = "0" * 64
    elif kind == "of another tensor":
        about["numbers"][0][1], about["numbers"][0][2] = about["numbers"][1][1:]
    elif kind == "of no tensor":
        about["numbers"][0][1] = "nothing"
    members[template.CONTENT] = json.dumps(about).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)


@pytest.mark.parametrize("kind", ["no archive", "of another definition", "of another tensor", "of no tensor"])
def test_what_cannot_be_filled_is_left_to_keras(kind, own_home, monkeypatch, tmp_path):
    card = catalog.card("efficientnet_lite0")
    shutil.copy(template.beside(card.weights["imagenet"]), tmp_path / "template.zip")
    broken(kind, tmp_path / "template.zip")
    monkeypatch.setattr(template, "beside", lambda weights: tmp_path / "template.zip")
    conversion = Conversion.of_weights(card, "imagenet")
    started = []
    monkeypatch.setattr(saving, "start_program", lambda *command, **options: started.append(command) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        conversion.begin()
    assert started and not conversion.folder.exists()


def test_other_weights_have_no_template(tmp_path):
    card = catalog.card("efficientnet_lite0")
    other = replace(card.weights["imagenet"], sha256="0" * 64)
    with pytest.raises(ValueError, match="other weights"):
        template.fill(template.beside(other), replace(card, weights={"imagenet": other}), "imagenet", tmp_path, FILE)
    assert not [*tmp_path.iterdir()]
