"""Backbones of `keras.applications`: Keras itself is the oracle, for their answers and for their weights' files."""

import dataclasses
import hashlib
import json

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

import zoo
from zoo import catalog
from zoo.checks import Subject, check_application, check_arguments, check_card, check_imports, every_model
from zoo.errors import UsageError, ZooError
from zoo.transfer import choice
from zoo.weights import h5_file
from zoo.weights.card import WeightsCard
from zoo.weights.load import at_hand, find, load_weights, place, take

CARDS = [card for card in catalog.cards().values() if card.is_backbone]
FAMILIES = [name for name in every_model() if "application" in catalog.card(name).facts]  # the smallest of each
MOBILENET = {"input_shape": (32, 32, 3), "num_classes": 1000}


@pytest.mark.parametrize("name", [card.name for card in CARDS])
@pytest.mark.parametrize("check", [check_card, check_imports, check_arguments], ids=lambda check: check.__name__)
def test_every_network_has_its_card(check, name):
    check(Subject(name))


def test_every_network_of_keras_is_here():
    others = {name for name in dir(keras.applications) if name[0].isupper()} - {
        card.facts.get("application") for card in CARDS
    }
    assert not others and len(FAMILIES) == 14


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_answers_raw_pixels_as_keras_does(name):
    check_application(Subject(name))


@pytest.mark.release
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_each_network_has_as_many_parameters_as_its_card_says(card):
    assert zoo.get(card.name).build().count_params() == card.facts["parameters"]


DOUBLE = """
import keras
from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register

@register(task="classification", application="MobileNet", source="written for the tests",
          smallest={"input_shape": (32, 32, 3), "num_classes": 3})
def backbone_NAME(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    \"\"\"Pixels that are rescaled once, or twice.\"\"\"
    model = build("MobileNet", input_shape, num_classes, mode="tf")
    RETURN
"""
TWICE = (
    "pixels = keras.Input(input_shape)\n    return keras.Model(pixels, model(keras.layers.Rescaling(1 / 255)(pixels)))"
)


@pytest.mark.parametrize(("once", "returned"), [(True, "return model"), (False, TWICE)])
def test_pixels_that_are_rescaled_twice_are_found(once, returned, tmp_path):
    file = tmp_path / f"net{once}.py"
    file.write_text(DOUBLE.replace("NAME", str(once).lower()).replace("RETURN", returned), encoding="utf-8")
    if once:
        return check_application(Subject(str(file)))
    with pytest.raises(AssertionError, match=r"features and head|Keras' own network says"):
        check_application(Subject(str(file)))


# Weights as Keras 2 wrote them


def written_by_keras(model, path, root=None):
    """A model's weights in the format in which `keras.applications` publishes them."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file.create_group(root) if root else file, model)
        if root:
            return path
        del file["top_level_model_weights"]
    return path


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory):
    """Keras' own MobileNet, its weights as a file, and answers to some pixels."""
    model = keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), classifier_activation=None)
    random = np.random.default_rng(0)
    model.set_weights([w + random.uniform(0, 0.1, w.shape).astype(w.dtype) for w in model.get_weights()])
    file = written_by_keras(model, tmp_path_factory.mktemp("mobilenet") / "mobilenet.h5")
    pixels = random.integers(0, 256, (2, 32, 32, 3)).astype("float32")
    return file, pixels, model(keras.applications.mobilenet.preprocess_input(pixels.copy()), training=False)


@pytest.fixture
def at_an_address(mobilenet, server, tmp_path, monkeypatch):
    """A server with the file, and the card of the weights with this server's address and hash."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    server.body = mobilenet[0].read_bytes()
    card = catalog.card("mobilenet").weights["imagenet"]
    md5 = hashlib.md5(server.body).hexdigest()
    return dataclasses.replace(card, url=f"{server.url}/mobilenet.h5", md5=md5, unverified=None), server


def test_weights_are_downloaded_once_and_give_keras_answers(at_an_address, mobilenet):
    card, server = at_an_address
    server.cuts = [1_000_000]
    _, pixels, expected = mobilenet
    for _ in range(2):
        model = zoo.get("mobilenet", **MOBILENET).build()
        load_weights(model, card)
        np.testing.assert_allclose(model(pixels, training=False), expected, rtol=1e-4, atol=1e-4)
    assert server.asked == [None, "bytes=1000000-"] and at_hand(card) == place(card)


def test_a_download_with_another_hash_is_refused(at_an_address):
    card, server = at_an_address
    server.body = server.body[:-1] + b"?"
    with pytest.raises(ZooError, match=rf"its MD5 is \w{{32}}, not {card.md5}"):
        find(card)
    assert not at_hand(card)


def test_what_keras_has_downloaded_is_used_and_what_is_damaged_there_is_not(at_an_address, tmp_path):
    card, server = at_an_address
    (tmp_path / "keras/models").mkdir(parents=True)
    (kept := tmp_path / "keras/models/mobilenet.h5").write_bytes(server.body)
    assert find(card) == kept and not server.asked
    kept.write_bytes(b"half of it")
    assert find(card) == place(card) and server.asked == [None]


def test_a_file_takes_the_place_of_a_download(at_an_address, mobilenet, tmp_path):
    card, server = at_an_address
    take(card, mobilenet[0])
    assert find(card) == place(card) and not server.asked
    (other := tmp_path / "notop.h5").write_bytes(b"another")
    with pytest.raises(ZooError, match=r"is not the file at http.*notop"):
        take(card, other)
    with pytest.raises(ZooError, match=r"absent\.h5"):
        take(card, tmp_path / "absent.h5")
    with pytest.raises(UsageError, match="are not downloaded"):
        take(catalog.card("efficientnet_lite0").weights["imagenet"], other)


def test_where_nothing_can_be_downloaded_the_way_out_is_said(tiny_photos, own_home, server, monkeypatch):
    card = catalog.card("mobilenet")
    weights = {"imagenet": dataclasses.replace(card.weights["imagenet"], url=f"{server.url}/absent")}
    monkeypatch.setattr(catalog, "cards", lambda: {"mobilenet": dataclasses.replace(card, weights=weights)})
    with pytest.raises(ZooError, match=r"the server says 404 .*--weights-file FILE"):
        zoo.finetune(tiny_photos, backbone="mobilenet")


@pytest.mark.slow
def test_efficientnet_divides_by_the_deviation_as_keras_does_for_these_weights(tmp_path, monkeypatch):
    """Keras adds a layer for its ImageNet weights alone; the card's factor takes its place."""
    plain = keras.applications.EfficientNetB0(weights=None)
    plain.get_layer(index=2).set_weights([np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.3, 0.4]), np.array(1)])
    file = written_by_keras(plain, tmp_path / "efficientnetb0.h5")
    monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: str(file))
    published = keras.applications.EfficientNetB0(weights="imagenet", classifier_activation=None)
    beside = {"path": tmp_path / "efficientnet_b0-imagenet.json", "file": file.name, "url": None, "md5": None}
    card = catalog.card("efficientnet_b0").weights["imagenet"]
    model = zoo.get("efficientnet_b0").build()
    load_weights(model, dataclasses.replace(card, unverified="of this test", labels=None, **beside))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype("float32")
    expected = keras.ops.convert_to_numpy(published(pixels, training=False))
    assert np.abs(model(pixels, training=False) - expected).max() < 1e-3 * np.abs(expected).max()


def changed(change):
    """The file after a change to its HDF5 tree."""

    def change_file(data, folder):
        (path := folder / "changed.h5").write_bytes(data)
        with h5py.File(path, "a") as file:
            change(file)
        return path.read_bytes()

    return change_file


def lists(names):
    def change(file):
        file.attrs["layer_names"] = names

    return changed(change)


def lead_away(file):
    del file["conv1"]
    file["conv1"] = h5py.ExternalLink("/etc/passwd", "/")


BAD = {
    "cut short": (lambda data, _: data[: len(data) // 2], "is damaged"),
    "no HDF5": (lambda data, _: b"hello" * 100, "is damaged"),
    "another format": (changed(lambda file: file.attrs.__delitem__("layer_names")), "names no layers"),
    "a layer too many named": (lists([b"conv1", b"absent"]), "which it does not hold"),
    "a layer that nobody names": (lists([b"conv1"]), "which no layer names"),
    "numbers for names": (lists([1, 2]), "has no list of names"),
    "a link out of it": (changed(lead_away), "link to elsewhere"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_a_sentence(case, tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="conv1"), keras.layers.Dense(2)])
    data = written_by_keras(model, tmp_path / "net.h5").read_bytes()
    assert list(h5_file.parse(data)) == ["0/0", "0/1", "1/0", "1/1"]
    change, words = BAD[case]
    with pytest.raises(ZooError, match=words):
        h5_file.parse(change(data, tmp_path))


def test_a_whole_model_of_keras_2_is_read_too(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    arrays = h5_file.parse(written_by_keras(model, tmp_path / "net.h5", "model_weights").read_bytes())
    np.testing.assert_array_equal(arrays["0/0"], model.get_weights()[0])


def test_weights_of_another_network_are_refused_with_all_that_differs(mobilenet):
    card = WeightsCard(mobilenet[0].with_suffix(".json"), "h5", "", unverified="of this test", file=mobilenet[0].name)
    model = zoo.get("mobilenet_v2", **MOBILENET).build()
    before = model.get_weights()[0]
    with pytest.raises(ZooError, match=r"missing from the file: .*\n.*not used.*\n.*of another shape: .*in the file"):
        load_weights(model, card)
    np.testing.assert_array_equal(model.get_weights()[0], before)


# The choice among them


@pytest.mark.slow
def test_auto_takes_the_one_whose_head_predicts_best(tiny_photos, own_home, monkeypatch):
    losses = {"efficientnet_lite0": 0.3, "efficientnet_lite1": 0.1}
    monkeypatch.setattr(choice, "at_hand", lambda card: card.model in losses)
    fitted = iter(losses.values())

    def fit(x, y, num_classes, seed, **options):
        assert len(x) == len(y) == 18  # of 24 pictures, six are held out and not looked at
        return dataclasses.make_dataclass("Head", ["losses"])({1.0: next(fitted)})

    monkeypatch.setattr(choice, "solve", fit)
    summary = zoo.finetune(tiny_photos, backbone="auto", val_split=0.25).summary
    assert summary["backbone"] == "efficientnet_lite1"
    assert {name: each["loss"] for name, each in summary["candidates"].items()} == losses
    json.dumps(summary["candidates"])


def test_auto_wants_weights_that_are_here_and_no_file(monkeypatch, tiny_photos):
    with pytest.raises(UsageError, match="name it"):
        zoo.finetune(tiny_photos, backbone="auto", weights_file="net.h5")
    monkeypatch.setattr(choice, "at_hand", lambda card: None)
    with pytest.raises(ZooError, match="the weights of no backbone are on this machine"):
        zoo.finetune(tiny_photos, backbone="auto")


# On the command line


def test_the_list_of_backbones(run, monkeypatch):
    code, out, err = run("list", "--task", "backbone")
    lines = {line.split()[0]: line for line in out.splitlines()[1:51]}
    assert code == 0 and not err and [*lines] == zoo.list(task="backbone")
    assert "3.5 M     224  71.3%" in lines["mobilenet_v2"] and "to be downloaded, 14 MB" in lines["mobilenet_v2"]
    assert lines["efficientnet_lite0"].endswith("here")


def test_bench_measures_and_the_list_shows_it(run, own_home, monkeypatch):
    monkeypatch.setattr("zoo.transfer.speed.SECONDS", 0.0)
    code, out, _ = run("bench", "efficientnet_lite0", "--json")
    (result,) = json.loads(out)
    assert code == 0 and result["pictures_per_second"] > 1 and result["engine"] in ("openvino", "keras")
    _, out, _ = run("list", "--task", "backbone")
    (line,) = (line for line in out.splitlines() if line.startswith("efficientnet_lite0"))
    assert f" {result['pictures_per_second']:.0f}  here" in line
    (own_home / "speeds.json").write_text("[1]")
    assert " -  here" in run("list", "--task", "backbone")[1]
    assert run("bench", "resnet5")[0] == 2
