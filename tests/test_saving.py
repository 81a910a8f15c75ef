"""Saved files: what rides inside, how they are written, and files of earlier versions. See also test_safe_door.py."""

import errno
import os
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo import saving
from zoo.errors import ZooError
from zoo.saving import archive as archive_module
from zoo.saving import plain, safety


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small file that the zoo saved."""
    path = tmp_path_factory.mktemp("saved") / "small.keras"
    model = zoo.get("logistic", seed=1, input_shape=(8, 8, 3))
    x = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3)).astype("uint8")
    model.train((x, ["cat", "dog"] * 6), epochs=1, progress=False)
    model.evaluate((x, ["cat", "dog"] * 6), progress=False)
    model.save(path)
    return path


@pytest.fixture(autouse=True)
def no_selftest_remembered(own_home):
    """Each test has a cache of its own."""


# What rides inside


def test_a_file_remembers_what_is_needed_to_use_it(saved):
    model, record = zoo.load(saved), zoo.show(saved).to_json()
    assert model.labels == record["labels"] == ["cat", "dog"]
    assert record["arguments"] == {"input_shape": [8, 8, 3], "num_classes": 2}
    assert record["preprocessing"]["size"] == [8, 8] and record["preprocessing"]["rule"] == "center_crop"
    assert record["metrics"]["accuracy"]["n"] == 12 and record["data"]["name"] == "arrays"
    assert len(record["data"]["fingerprint"]) == 64 and record["seed"] == 1
    assert record["versions"]["keras"] == keras.__version__
    assert record["output"] == "one logit, of the second class"
    assert str(saved) in str(zoo.show(saved)) and "cat, dog" in str(zoo.show(saved))
    assert model.name == "logistic" and plain(model.metrics) == record["metrics"]
    assert isinstance(model.metrics["accuracy"], zoo.Metric) and "skipped" not in record["metrics"]


def test_a_file_saved_again_says_the_same(saved, tmp_path):
    zoo.load(saved).save(tmp_path / "again.keras")
    one, other = (zoo.show(path).to_json() for path in (saved, tmp_path / "again.keras"))
    assert one == other


def test_plain_keras_opens_it_uncompiled_with_the_same_answers(saved):
    plain, ours = keras.saving.load_model(saved), zoo.load(saved)
    pixels = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3)).astype("uint8")
    assert not plain.compiled
    assert np.array_equal(plain(pixels), ours.model(pixels))
    logit = float(plain(pixels)[0, 0])
    probabilities = dict(ours.predict(pixels[0]).top)
    assert probabilities["dog"] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)


def test_selftest_is_run_once_a_file_and_setting(saved, tmp_path, monkeypatch):
    runs = []
    monkeypatch.setattr(archive_module, "outputs", lambda *a, real=saving.outputs: runs.append(1) or real(*a))
    for _ in range(2):
        _ = zoo.load(saved).model
    assert len(runs) == 1 and len(list((tmp_path / "home" / "selftests").iterdir())) == 1
    shutil.copy(saved, tmp_path / "other.keras")
    with zipfile.ZipFile(tmp_path / "other.keras", "a") as other:
        other.comment = b"the same members in another file"
    _ = zoo.load(tmp_path / "other.keras").model
    assert len(runs) == 2


@pytest.mark.slow
def test_selftest_without_a_writable_cache(saved, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "file"))
    assert zoo.load(saved).model.count_params() == 193


@pytest.mark.parametrize("size", [(224, 224, 3), (8, 8, 1)])
def test_selftest_adds_little(tmp_path, size):
    zoo.get("logistic", input_shape=size).save(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        assert archive.getinfo(safety.RECORD).file_size < 30_000


# Writing


@pytest.mark.parametrize("name", ["a.h5", "a", "a.keras.zip"])
def test_another_ending_is_refused(name, tmp_path):
    with pytest.raises(ZooError, match=r"saved as a \.keras file"):
        zoo.get("logistic", input_shape=(8, 8, 3)).save(tmp_path / name)
    assert not [path for path in tmp_path.iterdir() if path.name != "home"]


def test_a_missing_folder_is_made(tmp_path):
    zoo.get("logistic", input_shape=(8, 8, 3)).save(tmp_path / "a" / "b" / "c.keras")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["c.keras"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "c.keras"
    with pytest.raises(ZooError, match="cannot be written") as error:
        zoo.get("logistic", input_shape=(8, 8, 3)).save(path)
    assert str(path) in str(error.value)


def disk_full(*arguments, **_):
    if isinstance(arguments[0], str | Path):
        Path(arguments[0]).write_bytes(b"half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["the model", "the record", "the last step"])
def test_a_full_disk_leaves_the_old_file_and_no_half_one(step, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.keras").write_bytes(b"the old file")
    model = zoo.get("logistic", input_shape=(8, 8, 3))
    owner, name = {
        "the model": (model.model, "save"),
        "the record": (zipfile.ZipFile, "writestr"),
        "the last step": (Path, "replace"),
    }[step]
    monkeypatch.setattr(owner, name, disk_full)
    with pytest.raises(ZooError, match=r"a\.keras cannot be written: there is no space left for /"):
        model.save(folder / "a.keras", overwrite=True)
    monkeypatch.undo()
    assert (folder / "a.keras").read_bytes() == b"the old file"
    assert [path.name for path in folder.iterdir()] == ["a.keras"]


# The allow-list


def test_every_layer_of_the_list_exists():
    absent = [name for name in safety.LAYERS if not hasattr(keras.layers, name)]
    assert not absent


def test_a_model_of_many_kinds_of_layers_passes(tmp_path):
    """What the allow-list is for: activations, regularizers, operators, nested models, a shared layer."""
    layers = keras.layers
    block = keras.Sequential([keras.Input((4, 4, 4)), layers.Conv2D(4, 3, padding="same", activation="gelu")])
    pixels = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, kernel_regularizer=keras.regularizers.L2(0.1), activation=keras.activations.relu)(pixels)
    x = block(block(x))[..., :4] + x * 0.5
    x = keras.ops.mean(keras.ops.relu(x), axis=(1, 2))
    x = layers.Dense(4, kernel_constraint="max_norm", kernel_initializer=keras.initializers.HeNormal(seed=3))(x)
    inner = keras.Model(pixels, layers.Dropout(0.1, seed=1)(x))
    model = keras.Model(pixels, layers.Dense(2)(inner(pixels)))
    record = {"name": "x", "task": "classification", "source": "y", "arguments": {}, "data": {}, "metrics": {}}
    inputs = np.ones((2, 4, 4, 3), "float32")
    saving.save(model, tmp_path / "a.keras", record, saving.selftest(inputs, saving.outputs(model, inputs)))
    loaded = saving.read(tmp_path / "a.keras").open()
    assert np.array_equal(loaded(np.ones((1, 4, 4, 3))), model(np.ones((1, 4, 4, 3))))


# Files that an earlier version wrote

OLD = Path(__file__).parent / "files"
PICTURE = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype("uint8")
USES = {  # what it is used for, and what it has to come to
    "classification": lambda net: net.predict(PICTURE).label == "dog",  # of a model whose own file is not at hand
    "points": lambda net: net.predict(np.array([1.0, 1.0, 1.0])).label == "eat it",
    "multilabel": lambda net: net.predict(PICTURE // 8).labels[0][0] == "dark",
    "regression": lambda net: abs(net.predict(PICTURE).value - PICTURE.mean()) < 5,
    "reconstruction": lambda net: net.reconstruct(PICTURE).shape == (8, 8, 1),
    "image_generation": lambda net: net.sample(2, seed=0).shape == (2, 12, 12, 1),
    "language": lambda net: net.generate("to ", length=5, seed=0).startswith("to "),
    "dialogue": lambda net: "who" in net.reply("Hi.", seed=0),
    "embedding": lambda net: net.most_similar("cat", top=1)[0][0] == "mat",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "classification" else pytest.mark.slow) for name in USES]
)
def test_a_file_of_an_earlier_version_is_used_as_ever(name, tmp_path):
    old = saving.read_record(OLD / f"{name}.keras").content
    net = zoo.load(OLD / f"{name}.keras")
    assert USES[name](net)
    net.save(tmp_path / "again.keras")
    again = saving.read_record(tmp_path / "again.keras").content
    kept = {"name", "task", "arguments", "data", "metrics", "labels", "vocabulary", "preprocessing"} & old.keys()
    assert {key: again[key] for key in kept} == {key: old[key] for key in kept}


def test_there_is_an_old_file_of_every_task():
    assert {path.stem for path in OLD.glob("*.keras")} == USES.keys()


def test_an_old_classifier_still_says_what_resembles_nothing_it_knows(tmp_path):
    net = zoo.load(OLD / "classification.keras")
    assert "resembles nothing" in str(net.predict(PICTURE))
    assert str(net.metrics["accuracy"]) == "100.0% (95 % interval 96.2% to 100.0%, n = 96)"
    net.save(tmp_path / "again.keras")
    assert str(zoo.load(tmp_path / "again.keras").predict(PICTURE)) == str(net.predict(PICTURE))


@pytest.mark.parametrize("name", sorted(USES.keys() - {"classification"}))
def test_a_configuration_describes_its_object(name):
    saved = zoo.load(OLD / f"{name}.keras")
    again = type(saved).from_config(saved.get_config())
    assert again.get_config() == saved.get_config()
    assert again.build().count_params() == saved.model.count_params()
