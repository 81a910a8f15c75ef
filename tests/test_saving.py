"""Saved files: what rides inside, and the safe door that refuses everything a model file must not hold."""

import base64
import contextlib
import errno
import hashlib
import io
import json
import os
import warnings
import zipfile
import zlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import zoo
from zoo import saving
from zoo.errors import ZooError
from zoo.saving import archive as archive_module
from zoo.saving import plain, safety

CONFIG, WEIGHTS, RECORD = "config.json", "model.weights.h5", "zoo.json"


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
def no_selftest_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path, parts, honest=True):
    """Write members as a file of the zoo's, with the hashes that fit them unless told otherwise."""
    if honest:
        record = json.loads(parts[RECORD])
        record["members"] = {
            name: hashlib.sha256(content).hexdigest() for name, content in parts.items() if name != RECORD
        }
        parts = {**parts, RECORD: json.dumps(record).encode()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def refused(path, *words):
    """The file does not open: one sentence with its path and these words, never another kind of error."""
    with pytest.raises(ZooError) as error:
        _ = zoo.load(path).model
    message = str(error.value)
    assert str(path) in message and all(word in message for word in words), message
    return message


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
    parts = members(saved)
    pack(tmp_path / "other.keras", {**parts, RECORD: parts[RECORD] + b" "})
    _ = zoo.load(tmp_path / "other.keras").model
    assert len(runs) == 2


def test_selftest_without_a_writable_cache(saved, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "file"))
    assert zoo.load(saved).model.count_params() == 193


@pytest.mark.parametrize("size", [(224, 224, 3), (8, 8, 1)])
def test_selftest_adds_little(tmp_path, size):
    zoo.get("logistic", input_shape=size).save(tmp_path / "a.keras")
    assert len(members(tmp_path / "a.keras")[RECORD]) < 30_000


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


def fail_on_save(model, monkeypatch):
    def save(path, **_):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(model.model, "save", save)


def fail_on_record(model, monkeypatch):
    def writestr(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(zipfile.ZipFile, "writestr", writestr)


def fail_on_rename(model, monkeypatch):
    def replace(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("fail", [fail_on_save, fail_on_record, fail_on_rename])
def test_a_full_disk_leaves_the_old_file_and_no_half_one(fail, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.keras").write_bytes(b"the old file")
    model = zoo.get("logistic", input_shape=(8, 8, 3))
    fail(model, monkeypatch)
    with pytest.raises(ZooError, match="No space left on device"):
        model.save(folder / "a.keras")
    monkeypatch.undo()
    assert (folder / "a.keras").read_bytes() == b"the old file"
    assert [path.name for path in folder.iterdir()] == ["a.keras"]


# The archive


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_truncated(saved, tmp_path, share):
    path = tmp_path / "cut.keras"
    path.write_bytes(saved.read_bytes()[: int(share * saved.stat().st_size)])
    refused(path, "not a whole .keras file")


def rewrite(edit):
    """An archive whose infos are written one by one."""

    def write(path, parts):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, content in edit(dict(parts)):
                archive.writestr(name, content)

    return write


def flip(path, parts):
    pack(path, parts)
    content = bytearray(path.read_bytes())
    content[content.index(WEIGHTS.encode()) + 100] ^= 255
    path.write_bytes(content)


def compressed_by(number):
    def write(path, parts):
        """Say of each member that it is compressed in another way."""
        pack(path, parts)
        content = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            starts = [info.header_offset for info in archive.infolist()]
        at = content.index(b"PK\x01\x02")
        while content[at : at + 4] == b"PK\x01\x02":
            content[at + 10 : at + 12] = number.to_bytes(2, "little")
            at += 46 + sum(int.from_bytes(content[at + i : at + i + 2], "little") for i in (28, 30, 32))
        for start in starts:
            content[start + 8 : start + 10] = number.to_bytes(2, "little")
        path.write_bytes(content)

    return write


def encrypted(path, parts):
    pack(path, parts)
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    while content[at : at + 4] == b"PK\x01\x02":
        content[at + 8] |= 1
        at += 46 + sum(int.from_bytes(content[at + i : at + i + 2], "little") for i in (28, 30, 32))
    path.write_bytes(content)


def bomb(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if name == WEIGHTS:
                with archive.open(name, "w") as file:
                    for _ in range(200):
                        file.write(bytes(2**20))
            else:
                archive.writestr(name, content)


ARCHIVES = {
    "text": (lambda path, _: path.write_bytes(b"hello, I am no archive"), ["not a whole .keras file"]),
    "a folder": (lambda path, _: path.mkdir(), ["no file"]),
    "plain Keras": (rewrite(lambda p: [(n, c) for n, c in p.items() if n != RECORD]), ["keras.saving.load_model"]),
    "extra member": (rewrite(lambda p: [*p.items(), ("evil.py", b"")]), ["'evil.py'"]),
    "folder member": (rewrite(lambda p: [*p.items(), ("assets/", b"")]), ["'assets/'"]),
    "twice": (rewrite(lambda p: [*p.items(), (CONFIG, p[CONFIG])]), ["once each"]),
    "missing": (rewrite(lambda p: [(n, c) for n, c in p.items() if n != CONFIG]), ["once each"]),
    "escaping": (rewrite(lambda p: [*p.items(), ("../../evil.keras", b"")]), ["'../../evil.keras'"]),
    "absolute": (rewrite(lambda p: [*p.items(), ("/tmp/evil", b"")]), ["'/tmp/evil'"]),
    "bomb": (bomb, ["unpacks to 209,715,200 bytes"]),
    "damaged member": (flip, [WEIGHTS]),
    "encrypted": (encrypted, ["not a whole .keras file"]),
    "LZMA": (compressed_by(14), []),
    "no such compression": (compressed_by(99), ["not a whole .keras file"]),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives(case, saved, tmp_path, monkeypatch):
    write, words = ARCHIVES[case]
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.keras", members(saved))
    refused(tmp_path / "a.keras", *words)
    assert {path.name for path in tmp_path.iterdir()} <= {"a.keras", "home"}


# The record


def without(*names):
    return lambda record: {key: value for key, value in record.items() if key not in names}


def with_record(**values):
    return lambda record: {**record, **values}


def selftest(**values):
    return lambda record: {**record, "selftest": {**record["selftest"], **values}}


def packed(array, **change):
    raw = base64.b64encode(zlib.compress(array.tobytes())).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "zlib": raw, **change}


ZEROS = np.zeros((2, 8, 8, 3), "uint8")
RECORDS = {
    "newer": (with_record(format=2), ["newer zoo", "pip install --upgrade"]),
    "no format": (without("format"), ["lacks format"]),
    "no name": (without("name"), ["lacks name"]),
    "several gone": (without("task", "members"), ["lacks task, members"]),
    "no hashes": (with_record(members={}), ["no hash of"]),
    "hash of one": (lambda r: {**r, "members": {CONFIG: r["members"][CONFIG]}}, ["no hash of", WEIGHTS]),
    "hash of another": (lambda r: {**r, "members": {**r["members"], "x": "y"}}, ["'x'"]),
    "a number for a name": (with_record(name=3), ["lacks name"]),
    "a number for a task": (with_record(task=3), ["lacks task"]),
    "unknown task": (with_record(task="cooking"), ["cooking"]),
    "task with a path": (with_record(task="../../evil"), ["../../evil"]),
    "task of the shared class": (with_record(task="task"), ["'task'"]),
    "arguments as list": (with_record(arguments=[]), ["lacks arguments"]),
    "arguments without a shape": (with_record(arguments={"num_classes": 2}), ["input_shape"]),
    "shape of two": (with_record(arguments={"input_shape": [8, 8], "num_classes": 2}), ["input_shape"]),
    "shape of words": (with_record(arguments={"input_shape": ["a", "b", "c"], "num_classes": 2}), []),
    "no classes": (with_record(arguments={"input_shape": [8, 8, 3], "num_classes": 0}), []),
    "metrics as text": (with_record(metrics="good"), ["lacks metrics"]),
    "too many labels": (with_record(labels=["a", "b", "c"]), ["3 labels"]),
    "no labels": (without("labels"), ["labels"]),
    "labels as a number": (with_record(labels=3), ["labels"]),
    "labels as text": (with_record(labels="ab"), ["labels"]),
    "labels twice the same": (with_record(labels=["a", "a"]), ["labels"]),
    "no preprocessing": (without("preprocessing"), ["preprocessing"]),
    "preprocessing as text": (with_record(preprocessing="x"), ["preprocessing"]),
    "other size": (with_record(preprocessing={"rule": "center_crop", "interpolation": "bicubic", "size": [9, 9]}),
                   ["does not fit"]),
    "unknown rule": (with_record(preprocessing={"rule": "magic", "size": [8, 8]}), ["magic"]),
    "no selftest inputs": (with_record(selftest={}), ["self-test", "is damaged"]),
    "selftest of objects": (selftest(inputs=packed(ZEROS, dtype="O")), ["self-test is damaged"]),
    "selftest of no type": (selftest(inputs=packed(ZEROS, dtype="evil")), ["self-test is damaged"]),
    "selftest of a list type": (selftest(inputs=packed(ZEROS, dtype=["f4"])), ["self-test is damaged"]),
    "selftest of wrong shape": (selftest(inputs=packed(ZEROS, shape=[3, 8, 8, 3])), ["self-test is damaged"]),
    "selftest no base64": (selftest(inputs=packed(ZEROS, zlib="§")), ["self-test is damaged"]),
    "selftest no zlib": (selftest(inputs=packed(ZEROS, zlib="aaaa")), ["self-test is damaged"]),
    "selftest of other inputs": (selftest(inputs=packed(np.zeros((2, 5, 5, 3), "uint8"))), ["does not fit"]),
    "selftest of no inputs": (selftest(inputs=packed(ZEROS[:0])), ["self-test"]),
    "selftest failing": (selftest(outputs=packed(np.full((2, 1), 9, "f4"))), ["fails its self-test"]),
    "selftest of other outputs": (selftest(outputs=packed(np.zeros((2, 7), "f4"))), ["does not fit"]),
    "tolerance without bound": (selftest(tolerance=float("inf"), outputs=packed(np.full((2, 1), 9, "f4"))),
                                ["self-test"]),
    "tolerance no number": (selftest(tolerance=float("nan")), ["self-test"]),
}  # fmt: skip


@pytest.mark.parametrize("case", RECORDS)
def test_records(case, saved, tmp_path):
    edit, words = RECORDS[case]
    parts = members(saved)
    record = json.dumps(edit(json.loads(parts[RECORD]))).encode()
    pack(tmp_path / "a.keras", {**parts, RECORD: record}, honest=False)
    refused(tmp_path / "a.keras", *words)


TEXTS = {
    "no JSON": b"{",
    "a list": b"[]",
    "no UTF-8": b"\xff\xfe",
    "deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "huge number": b'{"format": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("case", TEXTS)
@pytest.mark.parametrize("member", [RECORD, CONFIG])
def test_damaged_json(case, member, saved, tmp_path):
    pack(tmp_path / "a.keras", {**members(saved), member: TEXTS[case]}, honest=member == CONFIG)
    refused(tmp_path / "a.keras", member if case != "a list" or member == RECORD else "")


# The configuration


def layer(class_name="Dense", module="keras.layers", registered_name=None, **config):
    config = {"name": "x", **config}
    return {"module": module, "class_name": class_name, "registered_name": registered_name, "config": config}


def with_layer(new):
    """The configuration with its Flatten layer replaced."""

    def edit(config):
        for place in config["config"]["layers"]:
            if place["class_name"] == "Flatten":
                place.update(new, inbound_nodes=place["inbound_nodes"], name="x")
        return config

    return edit


CODE = base64.b64encode(b"\xe3").decode()
CONFIGS = {
    "Lambda": (with_layer(layer("Lambda", function=layer("__lambda__", "builtins", code=CODE))), ["Lambda"]),
    "a lambda as a value": (
        with_layer(layer("Activation", activation=layer("__lambda__", "builtins"))), ["__lambda__"]
    ),
    "TorchModuleWrapper": (with_layer(layer("TorchModuleWrapper", module_="x")), ["'TorchModuleWrapper'"]),
    "TFSMLayer": (with_layer(layer("TFSMLayer", filepath="/tmp/evil")), ["'TFSMLayer'"]),
    "JaxLayer": (with_layer(layer("JaxLayer")), ["'JaxLayer'"]),
    "FlaxLayer": (with_layer(layer("FlaxLayer")), ["'FlaxLayer'"]),
    "of the system": (with_layer(layer("system", "os")), ["'system'", "'os'"]),
    "function of the system": (with_layer(layer("function", "os", "function", config="system")), ["'os'"]),
    "a function of builtins": (with_layer(layer("function", "builtins", "function", config="eval")), ["'builtins'"]),
    "its name is no text": (with_layer(layer(["Dense"])), ["['Dense']"]),
    "its module is no text": (with_layer(layer(module=["keras.layers"])), ["Dense"]),
    "of a package": (with_layer(layer("Evil", "evil_package.layers")), ["evil_package.layers"]),
    "registered elsewhere": (with_layer(layer("Dense", registered_name="evil>Dense")), ["Dense"]),
    "registered elsewhere, no module": (with_layer(layer("Evil", None, "evil>Evil")), ["evil>Evil"]),
    "Keras' inside": (with_layer(layer("get_file", "keras.utils")), ["get_file"]),
    "Keras' source": (with_layer(layer("Lambda", "keras.src.layers.core.lambda_layer")), ["Lambda"]),
    "a layer of the zoo": (with_layer(layer("Task", "zoo.tasks.task")), ["zoo.tasks.task"]),
    "activation by name of another": (with_layer(layer("Activation", activation="evil>f")), ["evil>f"]),
    "compiled with a loss": (
        lambda c: {**c, "compile_config": {"loss": layer("function", "evil", "function", config="loss")}},
        ["'evil'"],
    ),
    "hidden in inbound nodes": (
        lambda c: {**c, "config": {**c["config"], "more": [[{"class_name": "Lambda", "config": {}}]]}},
        ["Lambda"],
    ),
    "initializer of a file": (
        with_layer(layer(units=3, kernel_initializer=layer("Evil", "evil.initializers"))),
        ["evil.initializers"],
    ),
    "initializers' own imports": (
        with_layer(layer(units=3, kernel_initializer=layer("__builtins__", "keras.initializers"))), ["__builtins__"]
    ),
    "an operation that reads files": (with_layer(layer("load", "keras.src.ops.numpy")), ["load"]),
    "cannot be rebuilt": (with_layer(layer(units=-5)), ["does not open with Keras"]),
    "another model": (with_layer(layer("Activation", activation="relu")), []),
}  # fmt: skip


@pytest.mark.parametrize("case", CONFIGS)
def test_configurations(case, saved, tmp_path):
    edit, words = CONFIGS[case]
    parts = members(saved)
    config = json.dumps(edit(json.loads(parts[CONFIG]))).encode()
    pack(tmp_path / "a.keras", {**parts, CONFIG: config})
    refused(tmp_path / "a.keras", *words)


def test_every_layer_of_the_list_exists():
    absent = [name for name in safety.LAYERS if not hasattr(keras.layers, name)]
    assert not absent


def test_a_model_of_many_kinds_of_layers_passes(tmp_path):
    """What the allow-list is for: activations, regularizers, operators, nested models, a shared layer."""
    layers = keras.layers
    block = keras.Sequential([keras.Input((4, 4, 4)), layers.Conv2D(4, 3, padding="same", activation="gelu")])
    pixels = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, kernel_regularizer=keras.regularizers.L2(0.1), activation=keras.activations.relu)(pixels)
    x = block(block(x)) + x * 0.5
    x = keras.ops.mean(keras.ops.relu(x), axis=(1, 2))
    x = layers.Dense(4, kernel_constraint="max_norm", kernel_initializer=keras.initializers.HeNormal(seed=3))(x)
    inner = keras.Model(pixels, layers.Dropout(0.1, seed=1)(x))
    model = keras.Model(pixels, layers.Dense(2)(inner(pixels)))
    record = {"name": "x", "task": "classification", "source": "y", "arguments": {}, "data": {}, "metrics": {}}
    inputs = np.ones((2, 4, 4, 3), "float32")
    saving.save(model, tmp_path / "a.keras", record, saving.selftest(inputs, saving.outputs(model, inputs)))
    loaded = saving.read(tmp_path / "a.keras").open()
    assert np.array_equal(loaded(np.ones((1, 4, 4, 3))), model(np.ones((1, 4, 4, 3))))


# The weights


KERNEL = "layers/dense/vars/0"


def replaced(make):
    """The weights with the kernel replaced by what `make(file)` puts in its place."""

    def edit(file):
        assert isinstance(file[KERNEL], h5py.Dataset)
        del file[KERNEL]
        make(file)

    return edit


def virtual(file):
    layout = h5py.VirtualLayout((192, 1), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (192, 1))
    file.create_virtual_dataset(KERNEL, layout)


def put(*arguments, **options):
    return replaced(lambda file: file.create_dataset(KERNEL, *arguments, **options))


def link(target):
    return replaced(lambda file: file.__setitem__(KERNEL, target))


def cycle(file):
    file["layers/again"] = file["layers"]


WEIGHT_FILES = {
    "external link": (link(h5py.ExternalLink("/etc/passwd", "/x")), ["link to elsewhere", KERNEL]),
    "soft link": (link(h5py.SoftLink("/layers")), ["link to elsewhere"]),
    "objects": (put(data=["evil"], dtype=h5py.string_dtype()), ["only numbers belong"]),
    "fixed text": (put(data=np.array([b"evil"])), ["only numbers belong"]),
    "references": (put((1,), dtype=h5py.ref_dtype), ["only numbers belong"]),
    "compound": (put((1,), dtype=[("a", "f4")]), ["only numbers belong"]),
    "virtual": (replaced(virtual), ["another file"]),
    "external storage": (put((192, 1), "f4", external=[("/etc/passwd", 0, 768)]), ["another file"]),
    "huge": (put((10**9, 1000), "f4"), ["declares more numbers than it holds"]),
    "huge and chunked": (put((10**9, 1000), "f4", chunks=(100, 100)), ["declares more numbers"]),
    "compressed": (put(data=np.zeros((192, 1), "f4"), compression="gzip"), ["declares more numbers"]),
    "cycle": (cycle, [WEIGHTS]),
    "another shape": (put(data=np.zeros((7, 1), "f4")), ["does not open"]),
    "kernel gone": (replaced(lambda file: None), ["does not open"]),
    "other numbers": (put(data=np.full((192, 1), 0.5, "f4")), ["fails its self-test"]),
    "not a number": (put(data=np.full((192, 1), np.nan, "f4")), ["fails its self-test"]),
}


@pytest.mark.parametrize("case", WEIGHT_FILES)
def test_weights(case, saved, tmp_path):
    edit, words = WEIGHT_FILES[case]
    parts = members(saved)
    content = io.BytesIO(parts[WEIGHTS])
    with h5py.File(content, "r+") as file:
        edit(file)
    pack(tmp_path / "a.keras", {**parts, WEIGHTS: content.getvalue()})
    refused(tmp_path / "a.keras", *words)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000)])
def test_weights_that_are_no_hdf5(content, saved, tmp_path):
    pack(tmp_path / "a.keras", {**members(saved), WEIGHTS: content})
    refused(tmp_path / "a.keras", WEIGHTS)


def test_tampered_weights_are_found_by_their_hash(saved, tmp_path):
    parts = members(saved)
    weights = bytearray(parts[WEIGHTS])
    weights[-1] ^= 1
    pack(tmp_path / "a.keras", {**parts, WEIGHTS: bytes(weights)}, honest=False)
    refused(tmp_path / "a.keras", WEIGHTS, "SHA-256 differs")


def test_what_is_checked_is_what_is_opened(saved, tmp_path, monkeypatch):
    """A file that is swapped between the checks and the opening does not get through them."""
    path, evil = tmp_path / "a.keras", tmp_path / "evil.keras"
    parts = members(saved)
    config = json.loads(parts[CONFIG])
    config["config"]["name"] = "evil"
    pack(path, parts)
    pack(evil, {**parts, CONFIG: json.dumps(config).encode()})

    def swap(*arguments, real=archive_module.check_weights):
        real(*arguments)
        path.write_bytes(evil.read_bytes())

    assert zoo.load(evil).model.name == "evil"
    monkeypatch.setattr(archive_module, "check_weights", swap)
    with contextlib.suppress(ZooError):
        assert zoo.load(path).model.name == "logistic"


# Files that an earlier version wrote

OLD = Path(__file__).parent / "files"
PICTURE = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype("uint8")
USES = {  # what it is used for, and what it has to come to
    "classification": lambda net: net.predict(PICTURE).label == "dog",  # of a model whose own file is not at hand
    "points": lambda net: net.predict(np.array([1.0, 1.0, 1.0])).label == "eat it",
    "reconstruction": lambda net: net.reconstruct(PICTURE).shape == (8, 8, 1),
    "image_generation": lambda net: net.sample(2, seed=0).shape == (2, 12, 12, 1),
    "language": lambda net: net.generate("to ", length=5, seed=0).startswith("to "),
    "dialogue": lambda net: "who" in net.reply("Hi.", seed=0),
    "embedding": lambda net: net.most_similar("cat", top=1)[0][0] == "mat",
}


@pytest.mark.parametrize("name", USES)
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
