"""Autoencoders: what comes out, how it is measured, what pictures and records are refused."""

import hashlib
import json
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data import sources
from zoo.errors import ZooError
from zoo.tasks.images import reconstruction
from zoo.training.loop import Batches

SMALL = {"input_shape": (8, 8, 1), "filters": (16, 32), "latent": 8}
RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 256, (5, 8, 8, 1)).astype("uint8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small net that learned to take noise away from the embedded digits, its history, and its saved file."""
    net = zoo.get("autoencoder", seed=0, noise=0.3, **SMALL)
    history = net.train("digits", epochs=6, batch_size=32, progress=False)
    net.evaluate("digits", progress=False)
    path = tmp_path_factory.mktemp("autoencoder") / "digits.keras"
    net.save(path)
    return net, history.history, path


@pytest.fixture
def untrained():
    return zoo.get("autoencoder", seed=0, **SMALL)


# Learning and measuring


def test_learns(trained):
    _, history, _ = trained
    assert history["val_loss"][-1] < 0.75 * history["val_loss"][0]


def test_takes_noise_away(trained):
    net, _, _ = trained
    found = net.evaluate("digits", progress=False)
    assert found["noise"] == 0.3 and found["split"] == "validation" and found["gain"].ci[0] > 1
    assert found["gain"].value == pytest.approx(found["psnr"].value - found["psnr_noisy"].value)
    assert json.loads(json.dumps(found, default=lambda item: item.to_json()))["gain"]["n"] == 359
    again = net.evaluate("digits", progress=False)
    assert again["gain"] == found["gain"], "the noise should be the same in every evaluation"
    assert "gain" in net._format_result(found) and "359" in net._format_result(found)


def test_pictures_that_are_too_many_for_the_memory_are_measured_one_after_the_other(trained, monkeypatch):
    net, _, _ = trained
    pictures = [*PICTURES, b"no picture"]
    evaluation = net.evaluate((pictures, [0] * 6), split="train", progress=False)
    monkeypatch.setattr("zoo.tasks.images.base.AT_ONCE", 0)
    again = net.evaluate((pictures, [0] * 6), split="train", progress=False)
    assert again["psnr"].value == pytest.approx(evaluation["psnr"].value, rel=1e-5) and again["psnr"].n == 5
    assert again["skipped"] == evaluation["skipped"] and len(evaluation["skipped"]) == 1
    with pytest.raises(ZooError, match="none of the 1"):
        net.evaluate(([b"no picture"], [0]), split="train", progress=False)


def test_the_measured_loss_is_the_one_that_keras_logs(trained):
    net, history, _ = trained
    found = net.evaluate("digits", noise=0, progress=False)
    assert found["loss"].value == pytest.approx(history["val_loss"][-1], rel=1e-4)
    assert "gain" not in found and "noise" not in net._format_result(found).replace("signal to noise", "")


def test_distances_are_those_of_others():
    compare = pytest.importorskip("skimage.metrics").peak_signal_noise_ratio
    logits, noisy = RANDOM.normal(0, 3, PICTURES.shape), RANDOM.integers(0, 256, PICTURES.shape).astype("uint8")
    found = reconstruction.distances(PICTURES, logits, noisy)
    drawn, wanted = 1 / (1 + np.exp(-logits)), PICTURES / 255
    for i in range(len(PICTURES)):
        assert found["psnr"][i] == pytest.approx(compare(wanted[i], drawn[i], data_range=1))
        assert found["psnr_noisy"][i] == pytest.approx(compare(PICTURES[i], noisy[i]))
        entropy = keras.losses.BinaryCrossentropy()(wanted[i : i + 1], drawn[i : i + 1])
        assert found["loss"][i] == pytest.approx(float(entropy), rel=1e-4)
    entropy = reconstruction.pixel_crossentropy(PICTURES, logits.astype("float32"))
    assert float(keras.ops.mean(entropy)) == pytest.approx(found["loss"].mean(), rel=1e-5)
    assert np.isfinite(list(reconstruction.distances(PICTURES, 1e4 * logits).values())).all()


def test_targets_are_the_pictures_themselves(untrained):
    data = untrained._make_plan(sources.load(PICTURES, PICTURES[:2], classes=False), None).data
    assert data.y is data.x and data.x.dtype == np.uint8 and data.validation[0] is data.validation[1]
    for x, y in (Batches(data, 2, augment=("flip", "shift"))[step] for step in range(3)):
        assert np.array_equal(x, y), "a varied picture should be its own target"


def test_noise_is_for_training_alone():
    model = zoo.get("autoencoder", seed=0, noise=0.4, **SMALL).model
    quiet = [np.asarray(keras.ops.convert_to_numpy(model(PICTURES, training=False))) for _ in range(2)]
    noisy = keras.ops.convert_to_numpy(model(PICTURES, training=True))
    assert np.array_equal(*quiet) and np.abs(noisy - quiet[0]).max() > 1e-3
    plain = zoo.get("autoencoder", seed=0, **SMALL).model
    plain.set_weights([w for w in model.get_weights() if w.dtype == np.float32])
    assert np.allclose(keras.ops.convert_to_numpy(plain(PICTURES)), quiet[0], atol=1e-6)


# Verbs


def test_verbs(trained, tmp_path):
    net, _, _ = trained
    file = tmp_path / "a.png"
    Image.fromarray(RANDOM.integers(0, 256, (30, 20, 3)).astype("uint8")).save(file)
    for one in (PICTURES[0], PICTURES[0, ..., 0], str(file), file, Image.open(file)):
        found = net.reconstruct(one)
        assert found.shape == (8, 8, 1) and found.dtype == np.uint8
        code = net.encode(one)
        assert code.shape == (2, 2, 8) and code.dtype == np.float32
    for several in (PICTURES, list(PICTURES), [file, *PICTURES[:4]]):
        assert net.reconstruct(several).shape == (5, 8, 8, 1) and net.encode(several).shape == (5, 2, 2, 8)
    assert np.array_equal(net.denoise(PICTURES), net.reconstruct(PICTURES))
    assert net.encode("digits").shape == (16, 2, 2, 8)  # the first pictures of a dataset
    assert np.array_equal(net.reconstruct(PICTURES)[2], net.reconstruct(PICTURES[2]))


@pytest.mark.parametrize("variant", ["conv", "dense"])
@pytest.mark.parametrize("shape", [(28, 28, 1), (25, 25, 1), (7, 10, 3)])
def test_any_size(variant, shape):
    net = zoo.get("autoencoder", input_shape=shape, variant=variant, latent=5)
    assert net.reconstruct(PICTURES[0]).shape == shape
    sides = tuple(-(-side // 4) for side in shape[:2])  # rounded up
    assert net.encode(PICTURES[0]).shape == ((5,) if variant == "dense" else (*sides, 5))


@pytest.mark.parametrize(("count", "noise", "rows", "columns"), [(1, 0, 2, 1), (3, 0.2, 3, 3), (20, 0.2, 6, 16)])
def test_draw(untrained, tmp_path, count, noise, rows, columns):
    given = np.resize(PICTURES, (count, 8, 8, 1))
    found = untrained.draw(given, tmp_path / "grid.png", noise=noise)
    assert [item["path"] for item in found] == [None] * count and ("gain" in found[0]) == bool(noise)
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size == (66 * columns, 66 * rows) and grid.mode == "L"
        tiles = np.asarray(grid).reshape(rows, 66, columns, 66)[:, 1:-1:8, :, 1:-1:8]
    assert np.array_equal(tiles[0, :, 0], given[0, ..., 0])
    drawn = untrained.reconstruct(given[0])[..., 0]
    assert noise or np.array_equal(tiles[1, :, 0], drawn)


# Data


def test_data_without_labels(untrained, tmp_path):
    (tmp_path / "flat").mkdir()
    (tmp_path / "classes" / "one").mkdir(parents=True)
    for number, picture in enumerate(PICTURES):
        Image.fromarray(picture[..., 0]).save(tmp_path / "flat" / f"{number}.png")
        Image.fromarray(picture[..., 0]).save(tmp_path / "classes" / "one" / f"{number}.png")
    (tmp_path / "flat" / "notes.txt").write_text("no picture")
    losses = []
    for data in (PICTURES, PICTURES[..., 0], (PICTURES, list("abcde")), tmp_path / "flat", tmp_path / "classes"):
        losses.append(untrained.evaluate(data, progress=False)["loss"])
    assert len(set(losses)) == 1 and losses[0].n == 5
    history = untrained.train(tmp_path / "flat", PICTURES, epochs=1, progress=False).history
    assert set(history) == {"loss", "val_loss"}


# What is refused


BAD_ARGUMENTS = {
    "too small": ({"input_shape": (3, 8, 1)}, "accepted are 4 x 4"),
    "points": ({"input_shape": (64,)}, "height, width, channels"),
    "two channels": ({"input_shape": (8, 8, 2)}, "channels 1 or 3"),
    "no shape": ({"input_shape": 8}, "height, width, channels"),
    "variant": ({"variant": "deep"}, "'conv' and 'dense'"),
    "latent": ({"latent": 0}, "whole numbers of 1 or more"),
    "latent as text": ({"latent": "x"}, "cannot be built"),
    "negative noise": ({"noise": -0.1}, "from 0"),
    "endless noise": ({"noise": float("inf")}, "from 0"),
    "noise that is no number": ({"noise": float("nan")}, "from 0"),
    "noise as text": ({"noise": "much"}, "from 0"),
    "unknown": ({"nois": 0.1}, "did you mean 'noise'"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_arguments_that_are_refused(case):
    arguments, words = BAD_ARGUMENTS[case]
    with pytest.raises(ZooError, match=words):
        _ = zoo.get("autoencoder", **arguments).model


BAD_CALLS = {
    "noise": (lambda net, p: net.evaluate(PICTURES, noise=-1), "from 0"),
    "noise of a drawing": (lambda net, p: net.draw(PICTURES, p / "a.png", noise="x"), "from 0"),
    "split": (lambda net, p: net.evaluate(PICTURES, split="tset"), "no split 'tset'"),
    "no pictures": (lambda net, p: net.reconstruct([]), "no picture was given"),
    "no such file": (lambda net, p: net.reconstruct("absent.png"), "absent.png cannot be used"),
    "a stack of grey pictures": (lambda net, p: net.reconstruct(PICTURES[..., 0]), "an array of shape"),
    "numbers that are none": (lambda net, p: net.encode([np.full((8, 8), np.nan)]), "not numbers"),
    "points to train on": (lambda net, p: net.train(np.zeros((9, 64)), progress=False), "an array of shape"),
    "points to measure on": (lambda net, p: net.evaluate(np.zeros((9, 64)), progress=False), "none of the 9"),
    "nothing to train on": (lambda net, p: net.train(PICTURES[:0], progress=False), "too little to learn from"),
    "a number to train on": (lambda net, p: net.train(np.float32(3), progress=False), "ccepted"),
    "an empty folder": (lambda net, p: net.train(p, progress=False), "too little to learn from"),
    "no drawing": (lambda net, p: net.draw(PICTURES, p / "a.txt"), "a.png"),
    "nowhere": (lambda net, p: net.draw(PICTURES, "/proc/nowhere/a.png"), "cannot be written"),
    "never saw noise": (lambda net, p: net.denoise(PICTURES), "--set noise=0.4"),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_calls_that_are_refused(case, untrained, tmp_path):
    call, words = BAD_CALLS[case]
    with pytest.raises(ZooError, match=words):
        call(untrained, tmp_path)
    assert not list(tmp_path.iterdir()), "nothing should be left behind"


def test_a_model_without_a_code(tmp_path):
    (tmp_path / "codeless.py").write_text(
        "import keras, zoo\n@zoo.register(task='reconstruction', source='written for the tests')\n"
        "def codeless(input_shape=(8, 8, 1)):\n    'A convolution, and no code.'\n    x = keras.Input(input_shape)\n"
        "    return keras.Model(x, keras.layers.Conv2D(1, 3, padding='same')(x))\n"
    )
    net = zoo.get(str(tmp_path / "codeless.py"))
    assert net.denoise(PICTURES).shape == PICTURES.shape  # it has no say in noise, so it may well know some
    with pytest.raises(ZooError, match="no layer called 'code'"):
        net.encode(PICTURES)


# The saved file


def test_saved_and_loaded(trained):
    net, _, path = trained
    loaded = zoo.load(path)
    assert np.array_equal(loaded.reconstruct(PICTURES), net.reconstruct(PICTURES))
    assert np.allclose(loaded.encode(PICTURES), net.encode(PICTURES), atol=1e-5)
    assert loaded.metrics["gain"].n == 359 and str(loaded.metrics["gain"]).startswith(
        f"{loaded.metrics['gain'].value:.4g}"
    )
    assert loaded.arguments["noise"] == 0.3 and loaded.denoise(PICTURES).shape == PICTURES.shape


def test_plain_keras_opens_it(trained):
    net, _, path = trained
    model = keras.saving.load_model(path)
    found = keras.ops.convert_to_numpy(keras.ops.sigmoid(model(PICTURES)))
    assert np.abs(255 * found - net.reconstruct(PICTURES)).max() < 0.51


BOX = {"rule": "center_crop", "interpolation": "bicubic", "size": [8, 8], "channels": 1}
RECORDS = {
    "no preprocessing": {"preprocessing": None},
    "preprocessing of points": {"preprocessing": {"rule": "as_it_is", "length": 64}},
    "other size": {"preprocessing": {**BOX, "size": [9, 9]}},
    "colour": {"preprocessing": {**BOX, "channels": 3}},
    "metrics of text": {"metrics": {"loss": {"value": "good", "ci": [0, 1], "n": 3}}},
    "metrics without interval": {"metrics": {"gain": {"value": 1.0, "n": 3}}},
    "metrics as a list": {"metrics": {"psnr": [1, 2, 3]}},
    "endless interval": {"metrics": {"psnr": {"value": 1, "ci": [0] * 99, "n": 3}}},
    "no self-test": {"selftest": {}},
    "self-test of text": {"selftest": {"inputs": "x", "outputs": "y", "tolerance": 1}},
    "self-test of other pictures": {"selftest": {key: {"shape": [2, 9, 9, 1]} for key in ("inputs", "outputs")}},
    "a classifier's self-test": {"selftest": {"inputs": {"shape": [2, 8, 8, 1]}, "outputs": {"shape": [2, 10]}}},
    "noise of text": {"arguments": {"input_shape": [8, 8, 1], "noise": "much"}},
    "noise of a list": {"arguments": {"input_shape": [8, 8, 1], "noise": [0.3]}},
    "no shape": {"arguments": {"noise": 0.3}},
    "shape of objects": {"arguments": {"input_shape": [{}, {}, {}]}},
}  # fmt: skip


@pytest.mark.parametrize("case", RECORDS)
def test_hostile_records(case, trained, tmp_path):
    with zipfile.ZipFile(trained[2]) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    record = {**json.loads(parts.pop("zoo.json")), **RECORDS[case]}
    assert record["members"] == {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()}
    with zipfile.ZipFile(tmp_path / "hostile.keras", "w") as archive:
        for name, content in {**parts, "zoo.json": json.dumps(record).encode()}.items():
            archive.writestr(name, content)
    with pytest.raises(ZooError, match=r"hostile\.keras"):
        zoo.load(tmp_path / "hostile.keras")


# The command


def test_reconstruct(run, trained, tmp_path):
    Image.fromarray(PICTURES[0, ..., 0]).save("a.png")
    code, out, _ = run("reconstruct", trained[2], "a.png", "digits", "--out", "grid.png", "--noise", "0.3", "--json")
    found = json.loads(out)
    assert code == 0 and found["out"] == "grid.png" and (tmp_path / "grid.png").is_file()
    assert [item["path"] for item in found["pictures"]] == ["a.png"] + [None] * 16
    assert set(found["pictures"][0]) == {"path", "loss", "mse", "psnr", "psnr_noisy", "gain"}
    code, out, _ = run("reconstruct", trained[2], "a.png", "--out", "grid.png")
    assert code == 0 and out.startswith("a.png: signal to noise ") and "Saved grid.png" in out


def test_train_and_evaluate(run):
    small = [f"{key}={value}".replace(" ", "") for key, value in SMALL.items()]
    code, out, _ = run("train", "autoencoder", "--data", "digits", "--epochs", 1, "--set", *small)
    assert code == 0 and "zoo evaluate autoencoder.keras digits" in out
    code, out, _ = run("evaluate", "autoencoder.keras", "digits")
    assert code == 0 and "cross-entropy" in out and "n = 359" in out
    code, out, _ = run("evaluate", "autoencoder.keras", "digits", "--noise", "0.2", "--json")
    assert code == 0 and json.loads(out)["loss"]["n"] == 359 and json.loads(out)["noise"] == 0.2


def test_commands_of_other_kinds_of_work(run, trained):
    for words, verb in ((["predict", trained[2], "a.png"], "predict"), (["relabel", trained[2], "a=b"], "relabel")):
        code, out, err = run(*words)
        assert code == 2 and not out and f"no `zoo {verb}`; it has evaluate, reconstruct, export." in err
    zoo.get("logistic", input_shape=(8, 8, 3)).save("logistic.keras")
    code, out, err = run("reconstruct", "logistic.keras", "a.png", "--out", "b.png")
    assert code == 2 and not out and "it has evaluate, predict, visualise, explain, relabel, export." in err
