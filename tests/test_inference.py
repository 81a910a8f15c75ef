"""Networks without their framework: converted once, they answer as Keras does; whatever goes wrong, Keras answers."""

import errno
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import catalog, inference, saving
from zoo.errors import ZooError
from zoo.files import atomic_folder
from zoo.inference import CONVERTED, FILE, IDENTITY, REFUSED, Conversion, OpenVINOEngine
from zoo.inference.conversion import SUMS
from zoo.saving.safety import RECORD
from zoo.transfer import cache
from zoo.transfer.features import Backbone

pytestmark = pytest.mark.skipif(not inference.available(), reason="openvino is not installed")

# A process of its own, as people have one: asks a saved file about pictures and says what it took.
ASK = """
import json, subprocess, sys
helpers = []
class Popen(subprocess.Popen):
    def __init__(self, command, **options):
        helpers.append("zoo.convert" in command)
        super().__init__(command, **options)
subprocess.Popen = Popen
import numpy as np, zoo
try:
    answers = zoo.load(sys.argv[1]).predict(list(np.load(sys.argv[2])))
except zoo.ZooError as error:
    sys.exit(str(error))
modules = [name for name in ("keras", "tensorflow", "openvino", "openvino_telemetry") if sys.modules.get(name)]
print(json.dumps({"answers": [a.probability for a in answers], "helpers": sum(helpers), "modules": modules}))
"""


@pytest.fixture
def ask(finish, tmp_path):
    """Ask a saved file, in a process of its own."""

    def ask(path, pictures, **options):
        np.save(tmp_path / "pictures.npy", pictures)
        done = finish(path, tmp_path / "pictures.npy", command=("-c", ASK), **options)
        return json.loads(done.stdout) if done.returncode == 0 else None, done.stderr

    return ask


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (5, 20, 30, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A file of a model from no pretrained weights, trained a step."""
    path = tmp_path_factory.mktemp("small") / "小さな network.keras"
    model = zoo.get("logistic", input_shape=(8, 8, 3), seed=0)
    data = model._toy_data()
    model.train(data, epochs=1, batch_size=16, progress=False)
    model.save(path)
    return path


def probabilities(model, pictures):
    return [said.probability for said in model.predict(list(pictures))]


def test_a_saved_file_answers_without_its_framework(small, pictures, ask, tmp_path):
    expected = probabilities(zoo.load(small), pictures)  # by Keras, which this process has imported
    home, person = tmp_path / "home", tmp_path / "person"
    person.mkdir()
    renamed = shutil.copy(small, tmp_path / "renamed.keras")
    for path, helpers in ((small, 1), (small, 0), (renamed, 0)):
        found, err = ask(path, pictures, home=home, HOME=str(person))
        assert found["answers"] == pytest.approx(expected, abs=1e-3) and not err
        assert found["modules"] == ["openvino"] and found["helpers"] == helpers
    assert not (person / "intel").exists()  # there OpenVINO leaves an id when it reports its use to Intel
    (network,) = [item for item in features_of(home) if item["kind"] == "network"]
    assert network["network"] == small.stem and network["bytes"] > 0


def features_of(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(home))
        return list(cache.cached())


def test_a_fine_tuned_file_needs_no_conversion(tuned, ask, copy_home, tmp_path):
    pictures = np.stack([np.asarray(Image.open(p)) for p in sorted(tuned.photos.glob("val/*/*.jpg"))])
    found, err = ask(tuned.out, pictures[::4], home=copy_home(tmp_path / "home"))
    assert found["helpers"] == 0 and found["modules"] == ["openvino"] and not err
    assert found["answers"] == pytest.approx(probabilities(zoo.load(tuned.out), pictures[::4]), abs=1e-3)


@pytest.mark.usefixtures("tuned")
def test_a_published_network_answers_as_keras_does():
    card = catalog.card("efficientnet_lite0")
    (weights,) = card.weights
    conversion = Conversion.of_weights(card, weights)
    assert conversion.done() and conversion.done(FILE)
    model = zoo.get("efficientnet_lite0", weights=weights)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3)).astype(np.uint8)
    pixels[2] = 255
    logits, pooled = conversion.engine()(pixels)
    expected = model.engine(pixels)
    assert np.abs(model._interpret(logits) - model._interpret(expected[0])).max() < 1e-3
    assert np.abs(pooled - expected[1]).max() < 1e-3 * np.abs(expected[1]).max()
    text = (conversion.folder / CONVERTED).read_text()
    convolutions = text.count('type="Convolution"') + text.count('type="GroupConvolution"')
    assert text.count('type="Transpose"') <= convolutions + 2  # of kernels; with channels last, two more around each


# Which networks can be converted, and that channels first change nothing

L = keras.layers


def chain(*layers, shape=(12, 16, 3)):
    """A classifier of two classes whose pixels go through these layers."""

    def build():
        inputs = x = keras.Input(shape)
        for layer in (L.Rescaling(1 / 255), *(make() for make in layers)):
            x = layer(x)
        return keras.Model(inputs, L.Dense(2)(x if len(x.shape) == 2 else L.Flatten()(x)))

    return build


def conv(**options):
    return lambda: L.Conv2D(6, 3, **{"padding": "same", **options})


def squeeze_and_excite():
    inputs = x = keras.Input((12, 16, 3))
    x = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = L.Multiply()([x, L.Dense(6, activation="sigmoid")(L.GlobalAveragePooling2D(keepdims=True)(x))])
    return keras.Model(inputs, L.Dense(2)(L.GlobalMaxPooling2D()(x)))


def two_branches():
    inputs = keras.Input((12, 12, 3))  # as high as channels are many after the first layer
    x = L.Conv2D(12, 3, padding="same")(inputs)
    x = L.Concatenate()([x, L.Conv2D(12, 5, padding="same")(x)])
    return keras.Model(inputs, L.Dense(2)(L.GlobalAveragePooling2D()(x)))


def silent():
    """Its ReLU lets nothing through, so that its answers do not tell whether the channels are in order."""
    inputs = keras.Input((12, 12, 3))
    x = L.Conv2D(12, 3, kernel_initializer="ones", activation="relu")(L.Rescaling(1 / 255, -10)(inputs))
    return keras.Model(inputs, L.Dense(2, bias_initializer="normal")(L.Flatten()(x)))


NETWORKS = {
    "flatten": chain(conv(strides=2, activation="relu"), L.BatchNormalization, L.Flatten),
    "pooled": chain(conv(strides=2), lambda: L.DepthwiseConv2D(3, strides=2, padding="same"), L.ReLU,
                    L.GlobalAveragePooling2D),
    "sequential": lambda: keras.Sequential([keras.Input((12, 16, 3)), conv()(), L.Flatten(), L.Dense(2)]),
    "nested": chain(lambda: keras.Sequential([L.Conv2D(5, 3), L.BatchNormalization(), L.MaxPooling2D()])),
    "softmax over channels": chain(conv(), L.Softmax, L.GlobalMaxPooling2D),
    "activation over channels": chain(conv(activation="softmax"), L.GlobalMaxPooling2D),
    "norm over channels": chain(conv(), L.LayerNormalization, conv(), L.GlobalAveragePooling2D),
    "dense over channels": chain(conv(), lambda: L.Dense(4), L.GlobalAveragePooling2D),
    "reshape": chain(conv(), lambda: L.Reshape((192, 6)), L.GlobalMaxPooling1D),
    "permute": chain(lambda: L.Permute((2, 1, 3)), conv(), L.GlobalAveragePooling2D),
    "pads and crops": chain(lambda: L.ZeroPadding2D(((0, 1), (2, 0))), conv(strides=2, padding="valid"),
                            lambda: L.Cropping2D(((1, 0), (0, 1))), L.UpSampling2D),
    "prelu": chain(conv(), lambda: L.PReLU(shared_axes=[1, 2], alpha_initializer="normal")),
    "augments": chain(L.RandomFlip, lambda: L.RandomRotation(0.1), lambda: L.RandomZoom(0.1), conv()),
    "norm of each channel": chain(lambda: L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1, 2, 3]), conv()),
    "recurrent": chain(lambda: L.Reshape((12, 48)), lambda: L.LSTM(5)),
    "one channel": chain(conv(strides=2), shape=(12, 16, 1)),
    "squeeze and excite": squeeze_and_excite,
    "two branches": two_branches,
    "silent": silent,
}  # fmt: skip

CONVERT = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
names, sys.argv = sys.argv[1:], sys.argv[:1]
from zoo import convert
import keras, numpy as np
for name in names:
    folder = Path(name)
    try:
        convert.convert(keras.saving.load_model(folder / "model.keras"), np.load(folder / "samples.npy"), folder)
    except Exception as error:
        print(name, type(error), error, file=sys.stderr)
"""


@pytest.mark.slow
def test_networks_answer_as_keras_does(finish, tmp_path):
    random, expected = np.random.default_rng(0), {}
    for name, build in NETWORKS.items():
        keras.utils.set_random_seed(1)
        model, folder = build(), tmp_path / name
        if name != "silent":  # scales, offsets and means that are not those of the start
            model.set_weights([w + random.uniform(0, 0.3, w.shape).astype(w.dtype) for w in model.get_weights()])
        folder.mkdir()
        model.save(folder / "model.keras")
        task = zoo.get("logistic", input_shape=model.input_shape[1:])
        np.save(folder / "samples.npy", task._sample_inputs(2))
        x = np.concatenate([task._sample_inputs(3), random.integers(0, 256, (3, *model.input_shape[1:]))])
        expected[name] = x.astype(np.uint8), np.asarray(model(x.astype(np.float32), training=False))
    done = finish(*NETWORKS, command=("-c", CONVERT), home=tmp_path, cwd=tmp_path, KERAS_BACKEND="openvino")
    assert done.returncode == 0 and not done.stderr
    for name, (x, outputs) in expected.items():
        answers = OpenVINOEngine(tmp_path / name / CONVERTED)(x)[0]
        assert np.abs(answers - outputs).max() <= 1e-3 * max(1, np.abs(outputs).max()), name


# What cannot be converted


@pytest.mark.usefixtures("as_if_without_keras")
def test_a_network_that_cannot_be_converted_is_left_to_keras(own_home, pictures, tmp_path, monkeypatch, capsys):
    inputs = keras.Input((8, 8, 3))
    middle = keras.ops.median(inputs / 255.0, axis=(1, 2))  # Keras on OpenVINO has it for one axis only
    task = zoo.get("logistic", input_shape=(8, 8, 3))
    task._set_model(keras.Model(inputs, L.Dense(1)(middle)))
    task.save(tmp_path / "median.keras")
    loaded = zoo.load(tmp_path / "median.keras")
    assert probabilities(loaded, pictures) == pytest.approx(probabilities(task, pictures), abs=1e-6)
    assert loaded.engine.name == "keras" and not capsys.readouterr().err
    (reason,) = own_home.glob(f"networks/*/{REFUSED}")
    assert "median" in reason.read_text() and {p.name for p in reason.parent.iterdir()} == {IDENTITY, REFUSED}
    monkeypatch.setattr(subprocess, "Popen", None)  # it is not tried again
    assert zoo.load(tmp_path / "median.keras").engine.name == "keras"


def converting(small, tmp_path, monkeypatch, home=None):
    """The conversion of the small file into an empty cache."""
    monkeypatch.setenv("ZOO_HOME", str(home or tmp_path / "home"))
    return Conversion.of_file(small, zoo.load(small)._archive.sha256)


def in_the_way(tmp_path, monkeypatch):
    (tmp_path / "home").write_text("a file")
    return "Not a directory"


def broken(tmp_path, monkeypatch):
    (tmp_path / "broken" / "openvino").mkdir(parents=True)
    (tmp_path / "broken" / "openvino" / "__init__.py").write_text("raise ImportError('libopenvino.so is gone')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    return "libopenvino.so is gone"


def no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    return "No such file"


def killed(tmp_path, monkeypatch):
    class Killed(subprocess.Popen):
        def __init__(self, *words, **options):
            super().__init__(*words, **options)
            threading.Timer(0.5, self.kill).start()

    monkeypatch.setattr(subprocess, "Popen", Killed)
    return f"ended with {-signal.SIGKILL}"


@pytest.mark.parametrize("fail", [in_the_way, broken, no_process, killed])
def test_a_failure_that_may_be_gone_tomorrow_is_said_and_not_remembered(fail, small, tmp_path, monkeypatch, capsys):
    words = fail(tmp_path, monkeypatch)
    conversion = converting(small, tmp_path, monkeypatch)
    assert conversion.engine() is None
    err = capsys.readouterr().err
    assert err.startswith(f"{small} is not converted") and "Keras does the work" in err and words in err
    assert err.count("\n") == 1
    assert not conversion.folder.exists() and converting(small, tmp_path, monkeypatch).engine() is None
    assert not capsys.readouterr().err  # nor tried twice by one process


@pytest.mark.slow
def test_keras_answers_where_openvino_is_broken(small, pictures, ask, tmp_path, monkeypatch):
    broken(tmp_path, monkeypatch)
    found, err = ask(small, pictures, home=tmp_path / "home")
    assert found["answers"] == pytest.approx(probabilities(zoo.load(small), pictures), abs=1e-6)
    assert "tensorflow" in found["modules"] and "libopenvino.so is gone" in err


# What something has damaged, or somebody has tampered with


def cut(folder):
    content = (folder / "model.bin").read_bytes()
    (folder / "model.bin").unlink()
    (folder / "model.bin").write_bytes(content[: len(content) // 2])


def garble(folder):
    (folder / CONVERTED).unlink()
    (folder / CONVERTED).write_text("<net>")


def other_numbers(folder):
    """Weights of the right length that answer something."""
    content = np.fromfile(folder / "model.bin", np.uint8)
    (folder / "model.bin").unlink()  # the test shares its files with others
    (folder / "model.bin").write_bytes(content[::-1].tobytes())


def other_network(folder):
    """A network that can be read and answers, but not with the weights beside it."""
    text = (folder / CONVERTED).read_text()
    (folder / CONVERTED).unlink()
    (folder / CONVERTED).write_text(text + "\n")


DAMAGE = {
    "cut": cut,
    "garbled": garble,
    "half is gone": lambda folder: (folder / "model.bin").unlink(),
    "other numbers": other_numbers,
    "another network": other_network,
    "no sums": lambda folder: (folder / SUMS).unlink(),
    "sums that are none": lambda folder: (folder / SUMS).write_text("[1"),
    "a pipe": lambda folder: ((folder / "model.bin").unlink(), os.mkfifo(folder / "model.bin")),
}


@pytest.fixture(scope="module")
def converted(small, tmp_path_factory):
    """A cache with the small file's network."""
    home = tmp_path_factory.mktemp("converted")
    with pytest.MonkeyPatch.context() as patch:
        assert converting(small, None, patch, home).engine()
    return home


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_network_is_made_anew(case, small, converted, tmp_path, monkeypatch):
    shutil.copytree(converted, tmp_path / "home")
    conversion = converting(small, tmp_path, monkeypatch)
    DAMAGE[case](conversion.folder)
    begun = []
    monkeypatch.setattr(conversion, "begin", lambda: begun.append(conversion.folder.exists()))
    assert conversion.engine() is None and begun == [True, False]


def bad_alloc(model, samples, folder):
    raise RuntimeError("Check 'false' failed: std::bad_alloc")


def no_room(model, samples, folder):
    raise RuntimeError("Exception from src/core/serialize.cpp")  # as OpenVINO says of a disk that is full


@pytest.mark.parametrize("fail, words", [(bad_alloc, "bad_alloc"), (no_room, "no space left")])
def test_a_shortage_is_not_remembered_as_what_cannot_be_converted(fail, words, small, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])  # the helper's program hides what it does not need
    convert = importlib.import_module("zoo.convert")
    monkeypatch.setitem(convert.FORMS, None, fail)
    monkeypatch.setattr(os, "posix_fallocate", full)
    identity = json.dumps({"sha256": zoo.load(small)._archive.sha256})
    with pytest.raises(OSError, match=words):
        convert.main(tmp_path / "networks" / "a", identity, str(small))
    assert not any((tmp_path / "networks").iterdir())


def test_a_published_network_is_tested_and_what_lies_beside_it_made_anew(tuned, copy_home, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(copy_home(tmp_path / "home")))
    backbone = Backbone("efficientnet_lite0")
    folder = backbone.conversion.folder
    for passed in folder.glob("passed-*"):
        passed.unlink()
    tested = []
    monkeypatch.setattr(saving.Archive, "test", lambda archive, answer, setting: tested.append(archive.path))
    for _ in range(2):
        assert backbone.conversion.engine()
    assert tested == [folder / FILE]  # once
    content = (folder / FILE).read_bytes()
    (folder / FILE).unlink()
    (folder / FILE).write_bytes(content[:-9])
    begun = []
    monkeypatch.setattr(backbone.conversion, "wait", lambda: begun.append(folder.exists()) or make(folder, content))
    assert backbone.archive().record.content["name"] == "efficientnet_lite0" and begun == [False]


def make(folder, content):
    folder.mkdir()
    (folder / FILE).write_bytes(content)


def test_a_network_of_other_weights_is_made_anew(small, converted, tmp_path, monkeypatch):
    other = zoo.load(small)
    other.model.set_weights([w + 1 for w in other.model.get_weights()])
    other.save(tmp_path / "other.keras")
    shutil.copytree(converted, tmp_path / "home")
    task, conversion = zoo.load(tmp_path / "other.keras"), converting(tmp_path / "other.keras", tmp_path, monkeypatch)
    (kept,) = conversion.folder.parent.iterdir()  # its sums are right, so the self-test has to find it
    kept.rename(conversion.folder)
    begun = []
    monkeypatch.setattr(conversion, "begin", lambda: begun.append(conversion.folder.exists()))
    assert conversion.engine(check=task._check) is None and begun == [True, False]


@pytest.mark.slow
@pytest.mark.usefixtures("as_if_without_keras")
def test_a_file_that_fails_its_self_test_is_refused(own_home, small, pictures, converted, tmp_path):
    tampered = tmp_path / "tampered.keras"
    with zipfile.ZipFile(small) as old, zipfile.ZipFile(tampered, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == RECORD:
                record = json.loads(content)
                outputs = saving.unpack(record["selftest"]["outputs"])
                record["selftest"]["outputs"] = saving.pack(outputs + np.float32(0.5))
                content = json.dumps(record).encode()
            new.writestr(name, content)
    task = zoo.load(tampered)
    for _ in range(2):
        with pytest.raises(ZooError, match="fails its self-test"):
            task.predict(pictures[0])
    assert task._conversion().done(REFUSED)
    # somebody puts a network there that was converted before
    shutil.rmtree(task._conversion().folder)
    shutil.copytree(next((converted / "networks").iterdir()), task._conversion().folder)
    with pytest.raises(ZooError, match="fails its self-test"):
        task.predict(pictures[0])


# The cache


def test_two_processes_convert_at_once(small, start, tmp_path, monkeypatch):
    conversion = converting(small, tmp_path, monkeypatch)
    job = (conversion.folder, json.dumps(conversion.identity), small)
    program = {"command": ("-P", "-m", "zoo.convert"), "KERAS_BACKEND": "openvino", "home": tmp_path / "home"}
    processes = [start(*job, **program), start(*job, **program)]
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0] and said == ["", ""]
    assert [path.name for path in conversion.folder.parent.iterdir()] == [conversion.folder.name]
    assert conversion.engine(check=zoo.load(small)._check)


def test_what_another_process_has_converted_is_not_converted_again(small, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])  # the helper's program hides what it does not need
    convert = importlib.import_module("zoo.convert")
    monkeypatch.setattr(convert, "convert", None)
    for name in (CONVERTED, REFUSED):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("there")
        convert.main(str(tmp_path / name), "{}", str(small))
        assert [path.name for path in (tmp_path / name).iterdir()] == [name]


def test_a_file_that_has_changed_meanwhile_is_not_converted(small, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])  # the helper's program hides what it does not need
    main = importlib.import_module("zoo.convert").main
    with pytest.raises(SystemExit, match="has changed meanwhile"):
        main(tmp_path / "networks" / "a", json.dumps({"sha256": "another"}), str(small))
    assert not any((tmp_path / "networks").iterdir())


def test_what_a_folder_lacks_is_added(tmp_path):
    """It is there without the network, as when a process was killed while it removed it."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "kept").write_text("old")
    with atomic_folder(tmp_path / "a") as new:
        (new / "kept").write_text("new")
        (new / "added").write_text("new")
    assert {path.name: path.read_text() for path in (tmp_path / "a").iterdir()} == {"kept": "old", "added": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# Begins to write a folder, and does not end by being asked to.
STUCK = "import signal, sys, time; from pathlib import Path; from zoo.files import atomic_folder\n"
STUCK += "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
STUCK += "with atomic_folder(Path(sys.argv[1])): print('up', flush=True); time.sleep(100)"


@pytest.mark.parametrize("end", ["too long", "interrupted", "told to end"])
def test_a_conversion_that_is_killed_leaves_nothing(end, small, own_home, monkeypatch):
    def start(program, folder, *_, **__):
        process = subprocess.Popen([sys.executable, "-c", STUCK, folder], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "up\n"
        return process

    def interrupted(process, seconds):
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=0.01)
        process.kill()
        process.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(saving, "start_program", start)
    monkeypatch.setattr(inference.conversion, "PATIENCE", 0.5)
    own = Conversion.of_file(small, "0" * 64)
    own.begin()
    assert [path.name[:5] for path in own.folder.parent.iterdir()] == [".new."]
    if end == "told to end":
        inference.conversion.end_running(0.5)
        own._running.pop(own.folder)
    elif end == "interrupted":
        monkeypatch.setattr(saving, "communicate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            own.wait()
        own._running.pop(own.folder)
    else:
        assert own.wait() is None
    assert not [*own.folder.parent.iterdir()]


def test_what_no_model_may_ask_for_is_not_left_to_keras(small, own_home, monkeypatch):
    """Where a conversion finds it, nothing else is tried."""
    program = f"import sys; print('noise\\na.keras is refused: why', file=sys.stderr); sys.exit({inference.REFUSAL})"

    def start(*_, **__):
        return subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)

    monkeypatch.setattr(saving, "start_program", start)
    conversion = Conversion.of_file(small, "0" * 64)
    with pytest.raises(ZooError, match=r"^a.keras is refused: why$"):
        conversion.engine()
    assert conversion.folder not in conversion._running and not conversion.folder.exists()


@pytest.mark.usefixtures("as_if_without_keras")
def test_a_strangers_model_that_is_not_converted_is_tried_before_keras_is_imported(small, own_home, monkeypatch):
    for passed in own_home.glob("tried/*"):
        passed.unlink()

    def refuse(archive, meanwhile=None):
        assert meanwhile is None
        raise ZooError("tried, and refused")

    monkeypatch.setattr(Conversion, "wait", lambda conversion: None)
    monkeypatch.setattr(saving.Archive, "try_elsewhere", refuse)
    with pytest.raises(ZooError, match="tried, and refused"):
        zoo.load(small)._outputs(np.zeros((1, 8, 8, 3), np.uint8))


def test_unfinished_networks_are_shown_and_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    unfinished = tmp_path / "home" / "networks" / ".new.abc"
    unfinished.mkdir(parents=True)
    (unfinished / "plain.xml").write_text("12345")
    (item,) = cache.cached()
    assert item["network"] == "unfinished" and item["bytes"] == 5
    month = time.time() - 31 * 86400
    assert cache.prune(30) == []
    os.utime(unfinished, (month, month))
    assert [Path(item["path"]) for item in cache.prune(30)] == [unfinished] and not unfinished.exists()


# Several threads, and a fork

THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import zoo
path, keras, count = sys.argv[1], sys.argv[2] == "keras", int(sys.argv[3])
model = zoo.load(path)
if keras:
    model.model
pictures = np.random.default_rng(0).integers(0, 256, (16, *model.preprocessing.shape), np.uint8)
with ThreadPoolExecutor(8) as threads:  # the first use, too
    answers = list(threads.map(lambda i: model.predict(pictures[i % 16]).probability, range(count)))
wanted = [model.predict(picture).probability for picture in pictures] * (count // 16)
assert np.abs(np.subtract(answers, wanted)).max() < 1e-5, "another picture's answer"
print(model.engine.name)
"""


@pytest.mark.parametrize("count", [160, pytest.param(8 * 200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("engine", ["openvino", pytest.param("keras", marks=pytest.mark.slow)])
def test_eight_threads_get_their_own_answers(engine, count, small, own_home):
    command = [sys.executable, "-P", "-c", THREADS, str(small), engine, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == [engine], done.stderr


def test_several_threads_convert_once(small, tmp_path, monkeypatch):
    begun, start = [], subprocess.Popen
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **kwargs: begun.append(args) or start(*args, **kwargs))
    sha256 = zoo.load(small)._archive.sha256
    with ThreadPoolExecutor(4) as threads:
        engines = list(threads.map(lambda _: Conversion.of_file(small, sha256).engine(), range(4)))
    assert len(begun) == 1 and all(engines)


@pytest.mark.slow
def test_a_process_that_was_forked_is_told(small, monkeypatch):
    engine = Conversion.of_file(small, zoo.load(small)._archive.sha256).engine()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(ZooError, match="spawn"):
        engine(np.zeros((1, *zoo.load(small).preprocessing.shape), np.uint8))
