"""The folder of a training, where a stranger has been at it: each odd file is refused in a sentence."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest

import zoo
from hostile import CONFIG, RECORD, named, pack, refused, write, zip_of
from zoo.backend import keras
from zoo.training import checkpoint


@pytest.fixture(autouse=True)
def apart(own_home, tmp_path, monkeypatch):
    """Whatever a file names relatively is not there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of three epochs, the second of which was the best."""
    folder = tmp_path_factory.mktemp("trained")
    resume(folder, resume=False)
    edit_run(folder, lambda arrays, content: content["state"].update(best_epoch=2))
    shutil.copy(folder / "last.keras", folder / "best.keras")
    return folder


def resume(folder, **how):
    model = zoo.get("logistic", seed=1, input_shape=(8, 8, 3))
    return model.train(model._toy_data(), folder=folder, epochs=3, progress=False, **{"resume": True, **how})


def edit_run(folder, edit):
    """Write a run's state anew, after a change to its arrays and to its JSON."""
    with np.load(folder / "resume.npz") as file:
        arrays = dict(file)
    content = json.loads(str(arrays["content"]))
    edit(arrays, content)
    arrays["content"] = arrays.pop("other content", np.array(json.dumps(content)))
    np.savez(folder / "resume.npz", **arrays)


def state(**values):
    return lambda arrays, content: content["state"].update(values)


def content_is(value):
    return lambda arrays, content: arrays.update({"other content": value})


def variable(value):
    return lambda arrays, content: arrays.update(variable_0=value)


RUNS = {
    "no epochs": state(epoch=0),
    "a billion epochs": state(epoch=10**9),
    "epochs in words": state(epoch="three"),
    "half an epoch": state(epoch=2.5),
    "more history than epochs": state(history={"loss": [1.0] * 9}),
    "history of texts": state(history={"loss": ["a"] * 3}),
    "history as a list": state(history=[1.0, 2.0, 3.0]),
    "history of one number": state(history={"loss": 3}),
    "history without a loss": state(history={"lost": [1.0] * 3}),
    "a seed in words": state(seed="1"),
    "a seed without end": state(seed=10**400),
    "the best of other epochs": state(best_epoch=10**9),
    "state as a list": lambda arrays, content: content.update(state=[]),
    "identity as a list": lambda arrays, content: content.update(identity=[1]),
    "variables as a number": lambda arrays, content: content.update(variables=3),
    "other variables": lambda arrays, content: content.update(variables=[[3, "float32"]]),
    "callbacks as a number": lambda arrays, content: content.update(callbacks=3),
    "callbacks of nothing": lambda arrays, content: content.update(callbacks=[[]]),
    "an unknown callback": lambda arrays, content: content.update(callbacks=[["Evil", {}]]),
    "arrays of no callback": lambda arrays, content: arrays.update(callback_x_y_z=np.zeros(3)),
    "random states that are none": lambda arrays, content: arrays.update(random_0=np.zeros(3)),
    "a variable as text": variable(np.array("evil")),
    "a variable of another shape": variable(np.zeros((7, 7), "f4")),
    "a number as text": lambda arrays, content: arrays.update(
        {key: np.array("evil") for key, value in arrays.items() if key.startswith("variable") and value.shape == ()}
    ),
    "no variable": lambda arrays, content: arrays.pop("variable_0"),
    "no JSON": content_is(np.array("{")),
    "a list": content_is(np.array("[]")),
    "deep JSON": content_is(np.array("[" * 10**5)),
    "a number": content_is(np.zeros(3)),
}


@pytest.mark.parametrize("case", RUNS)
def test_runs_that_are_none(case, trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    edit_run(folder, RUNS[case])
    refused(folder, "resume", by=resume)


def header(shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue()


def patched(path):
    """An archive that says of its members to be changes to others."""
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 0x20
    path.write_bytes(content)


RESUME_FILES = {
    "patched": patched,
    "of no bytes": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("hello"),
    "pickled": lambda path: np.savez(path, content=np.array([{}], dtype=object)),
    "packed": lambda path: np.savez_compressed(path, content=np.zeros(2**20)),
    "no arrays": lambda path: write(path, [("content.npy", b"evil")]),
    "a larger array than it holds": lambda path: write(path, [("content.npy", header((2**40,)))]),
    "a shape below zero": lambda path: write(path, [("content.npy", header((-1,)))]),
    "one array": lambda path: path.write_bytes(zip_of(**{"content.npy": header((0,))})),
}


@pytest.mark.parametrize("case", RESUME_FILES)
def test_resume_files_that_are_none(case, trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    RESUME_FILES[case](folder / "resume.npz")
    refused(folder, "resume.npz", "damaged", by=resume)


BEST = {
    "text": (lambda path, parts: path.write_bytes(b"hello"), "not a whole .keras file"),
    "not the zoo's": (lambda path, parts: write(path, {**parts, RECORD: b"{}"}.items()), "lacks format"),
    "code": (
        lambda path, parts: pack(path, {**parts, CONFIG: json.dumps(named("Lambda")).encode()}),
        "names 'Lambda'",
    ),
}


@pytest.mark.parametrize("case", BEST)
def test_the_best_epoch_comes_through_the_same_door(case, trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    with zipfile.ZipFile(folder / "best.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    edit, word = BEST[case]
    edit(folder / "best.keras", parts)
    refused(folder, "best.keras", word, by=resume)


def test_a_whole_run_resumes(trained, tmp_path):
    assert len(resume(shutil.copytree(trained, tmp_path / "run")).history["loss"]) == 3


def test_a_callback_keeps_what_is_its_own():
    """A resume file gives numbers for numbers; it puts nothing in the place of a callback's methods and objects."""
    stopping = keras.callbacks.EarlyStopping("loss", restore_best_weights=True)
    assert checkpoint.may_have(stopping, {"wait": 2, "best": 0.5, "best_weights": [np.zeros(3)]})
    for wrong in ({"wait": "2"}, {"on_epoch_end": 1}, {"best": {}}, {"best_weights": [1]}, {"_model": {}}):
        assert not checkpoint.may_have(stopping, wrong), wrong
