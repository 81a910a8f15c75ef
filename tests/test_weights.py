"""Trained weights by their cards: what a card may say, where the bytes lie, and the formats they are read from."""

import dataclasses
import hashlib
import io
import json
import os

import h5py
import keras
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo import catalog, registry
from zoo.errors import ZooError
from zoo.weights import keras_file, safetensors_file
from zoo.weights.assign import assign
from zoo.weights.card import WeightsCard
from zoo.weights.load import find, read

pytestmark = pytest.mark.usefixtures("fresh_register")

LEAST = {"format": "safetensors", "sha256": "0" * 64, "licence": "CC0"}


def write_card(folder, content, name="net-toy"):
    path = folder / f"{name}.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


# Cards


def test_a_card_of_the_least_that_there_must_be(tmp_path):
    card = WeightsCard.read(write_card(tmp_path, LEAST))
    assert (card.model, card.name, card.file_name) == ("net", "toy", "net-toy.safetensors")
    assert card.to_json() == LEAST and not card.is_saved_file


BAD_CARDS = {
    "no JSON": ("{", "cannot be read"),
    "no object": ([], "no JSON object"),
    "not text": ("\ud800", "cannot be read"),
    "unknown key": ({**LEAST, "license": "CC0"}, "key 'license', which no card has; did you mean 'licence'"),
    "path": ({**LEAST, "path": "x"}, "key 'path'"),
    "missing keys": ({"format": "torch"}, "lacks 'licence'"),
    "another kind": ({**LEAST, "licence": 1}, "'licence' is 1, where str belongs"),
    "another kind of none": ({**LEAST, "url": 1}, "'url' is 1, where str | None belongs"),
    "format": (
        {**LEAST, "format": "pickle"},
        "'format' is 'pickle'; accepted are keras, weights.h5, h5, safetensors, torch",
    ),
    "hash": ({**LEAST, "sha256": "0"}, "'sha256' is '0', where 64 hexadecimal digits belong"),
    "no hash": ({"format": "torch", "licence": "CC0"}, "needs one of 'sha256', 'md5' and 'unverified'"),
    "two hashes": ({**LEAST, "md5": "0" * 32}, "needs one of 'sha256', 'md5' and 'unverified'"),
    "MD5 of a saved file": ({"format": "keras", "licence": "CC0", "md5": "0" * 32}, "lacks 'sha256'"),
    "two places": ({**LEAST, "package": "p", "file": "f", "url": "https://x"}, "both 'package' and 'url'"),
    "package": ({**LEAST, "package": "some-package", "file": "f"}, "'package' is 'some-package', where a name"),
    "place in a package": ({**LEAST, "package": "p"}, "lacks 'file'"),
    "address": ({**LEAST, "url": "file:///etc/passwd"}, "begins with https://"),
}


@pytest.mark.parametrize("case", BAD_CARDS)
def test_bad_cards_are_named_with_their_key(case, tmp_path):
    content, words = BAD_CARDS[case]
    path = tmp_path / "net-toy.json"
    path.write_bytes((content if isinstance(content, str) else json.dumps(content)).encode(errors="surrogatepass"))
    with pytest.raises(ZooError) as error:
        WeightsCard.read(path)
    assert words in str(error.value) and str(path) in str(error.value)


def test_every_card_of_the_zoo_says_what_its_weights_reach_and_who_says_so():
    cards = [weights for card in catalog.cards().values() for weights in card.weights.values()]
    assert {card.format for card in cards} == {"keras", "torch", "h5"}
    assert all(card.scores and card.scores_source and card.licence for card in cards)


# A model file and a card: all that weights in another format need

MODEL = '''
import keras
import zoo

@zoo.register(task="classification", source="written for the tests", {more})
def {name}(input_shape=(8, 8, 3), num_classes=3) -> keras.Model:
    """Two convolutions and their mean."""
    x = pixels = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 3, name="stem")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, keras.layers.Dense(num_classes, name="head")(x))
'''


@pytest.fixture
def own_model(tmp_path):
    """From a name to the path of a model file."""

    def write(name, more=""):
        path = tmp_path / f"{name}.py"
        path.write_text(MODEL.format(name=name, more=more), encoding="utf-8")
        return str(path)

    return write


def filled(model):
    """The model with numbers that no initializer gives."""
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in model.get_weights()])
    return model


def as_torch(model):
    """A model's weights as torch would save them."""
    tensors = {}
    kinds = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    for layer in model.layers:
        for weight in layer.weights:
            array = keras.ops.convert_to_numpy(weight)
            if array.ndim == 4:
                array = array.transpose((2, 3, 0, 1) if "depthwise" in layer.name else (3, 2, 0, 1))
            kind = kinds.get(weight.name, "weight" if "kernel" in weight.name else weight.name)
            tensors[f"{layer.name}.{kind}"] = np.ascontiguousarray(array.T if array.ndim == 2 else array)
    return tensors


def as_file(kind, model, tmp_path):
    """The content of a file with a model's weights."""
    if kind == "weights.h5":
        model.save_weights(tmp_path / "model.weights.h5")
        return (tmp_path / "model.weights.h5").read_bytes()
    names = (
        as_torch(model)
        if kind == "torch's names"
        else {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    )
    return safetensors.numpy.save(names)


@pytest.mark.parametrize("kind", ["weights.h5", "torch's names", "Keras' names"])
def test_a_model_file_and_a_card_make_a_classifier(kind, own_model, tmp_path):
    name = f"own_{len(kind)}"
    file = own_model(name)
    model = filled(zoo.get(file).build())
    content = as_file(kind, model, tmp_path)
    form = "weights.h5" if kind == "weights.h5" else "safetensors"
    (tmp_path / "weights").mkdir()
    (tmp_path / f"weights/{name}-toy.{form}").write_bytes(content)
    card = {**LEAST, "format": form, "sha256": hashlib.sha256(content).hexdigest(), "preprocessing": {"crop": 0.5}}
    write_card(tmp_path / "weights", {**card, "labels": "three.txt"}, f"{name}-toy")
    (tmp_path / "weights/three.txt").write_text("# classes\nn1 ant\nn2 bee\nn3 wasp\n", encoding="utf-8")
    classifier = zoo.get(file, weights="toy")
    pixels = np.random.default_rng(1).uniform(0, 255, (4, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(classifier.model.predict(pixels, verbose=0), model.predict(pixels, verbose=0))
    assert classifier.labels == ["ant", "bee", "wasp"] and classifier.preprocessing.crop == 0.5
    assert name in zoo.list(weights=True) and "CC0" in str(zoo.show(name))
    with pytest.raises(ZooError, match=r"3 classes apart.*num_classes=2"):
        zoo.get(file, weights="toy", num_classes=2).build()


def test_weights_in_register_are_sent_to_a_card(own_model):
    with pytest.raises(ZooError, match=r"weights/MODEL-NAME\.json"):
        zoo.get(own_model("old_net", "weights={'toy': {}}"))


def test_old_names_in_register_are_taken_with_a_warning(own_model):
    file = own_model("older_net", "offline='digits', opponent='judge'")
    with pytest.warns(DeprecationWarning) as caught:
        entry = zoo.get(file).entry
    assert sorted(str(warning.message).split("'")[3] for warning in caught) == ["discriminator", "fallback_dataset"]
    assert {warning.filename for warning in caught} == {file}
    assert (entry.fallback_dataset, entry.discriminator) == ("digits", "judge")
    for old in ("offline", "opponent"):
        with pytest.warns(DeprecationWarning, match=old):
            assert getattr(entry, old) == entry.__dict__[registry.OLD_NAMES[old]]
    (card,) = catalog.read_cards("", catalog.Path(file))
    assert card.facts["fallback_dataset"] == "digits"


# Where the bytes lie


@pytest.fixture
def at_an_address(server, tmp_path, monkeypatch):
    """A server with a weights file, and the file's card."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    server.body = safetensors.numpy.save({"head.weight": np.ones((2, 3), "float32")})
    card = {**LEAST, "sha256": hashlib.sha256(server.body).hexdigest(), "url": f"{server.url}/net.safetensors"}
    return server, WeightsCard.read(write_card(tmp_path, card))


def test_weights_at_an_address_are_downloaded_once_and_taken_up_where_they_were_cut(at_an_address):
    server, card = at_an_address
    server.cuts = [40, 5]
    for _ in range(2):
        np.testing.assert_array_equal(read(card)["head.weight"], np.ones((2, 3)))
    assert server.asked == [None, "bytes=40-", "bytes=45-"] and find(card).suffix == ".safetensors"


def test_another_file_at_the_address_is_refused(at_an_address):
    server, card = at_an_address
    server.body = server.body[:-1] + b"\1"
    with pytest.raises(ZooError, match=rf"SHA-256 is .*, not {card.sha256}"):
        read(card)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "another", "damaged"])
def test_what_is_no_whole_file_is_refused_and_not_waited_for(kind, tmp_path):
    path = tmp_path / "net-toy.safetensors"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe" and hasattr(os, "mkfifo"):
        os.mkfifo(path)
    elif kind in ("another", "damaged"):
        path.write_bytes(b"hello")
    sha256 = hashlib.sha256(b"hello").hexdigest() if kind == "damaged" else "0" * 64
    card = WeightsCard.read(write_card(tmp_path, {**LEAST, "sha256": sha256}))
    words = {
        "missing": "there is no file",
        "folder": "directory",
        "pipe": "a pipe or a device, where a file is wanted",
        "another": "is not the file that was expected",
        "damaged": "cut short or damaged",
    }
    with pytest.raises(ZooError, match=words[kind]) as error:
        read(card)
    assert str(path) in str(error.value)


def test_a_saved_file_must_be_the_one_of_its_card(monkeypatch):
    card = catalog.card("logistic")
    other = dataclasses.replace(card.weights["catvnoncat"], sha256="0" * 64)
    monkeypatch.setattr(catalog, "card", lambda name: dataclasses.replace(card, weights={"catvnoncat": other}))
    with pytest.raises(ZooError, match="is not the file that was expected"):
        zoo.get("logistic", weights="catvnoncat")


# Formats


def rich_model():
    """A model with layers inside of layers, names with dots, and a state that no weights are."""
    layers = keras.layers
    x = tokens = keras.Input((6, 4))
    x = layers.Conv1D(4, 3, padding="same", name="block.0.conv")(x)
    x = layers.BatchNormalization(name="block.0.norm")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True, name="each"), name="both")(x)
    x = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    x = layers.GRU(5, name="gru")(x)
    for n in range(12):  # more than ten of a kind, whose numbers have two digits
        x = layers.Dense(3, name=f"dense{n}")(x)
    return keras.Model(tokens, x, name="rich")


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_a_file_of_keras_gives_equal_answers(compiled, tmp_path):
    model, inputs = filled(rich_model()), np.random.default_rng(1).normal(size=(3, 6, 4)).astype("float32")
    if compiled:
        model.compile("adam", "mse")
        model.fit(inputs, np.zeros((3, 3)), verbose=0)
    model.save_weights(tmp_path / "rich.weights.h5")
    twin = rich_model()
    assign(twin, keras_file.parse((tmp_path / "rich.weights.h5").read_bytes()), {})
    np.testing.assert_array_equal(twin.predict(inputs, verbose=0), model.predict(inputs, verbose=0))


def test_a_file_of_another_model_changes_nothing(tmp_path):
    layers = keras.layers
    keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")]).save_weights(
        tmp_path / "other.weights.h5"
    )
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="a"), layers.Dense(2, name="c")])
    before = model.get_weights()
    with pytest.raises(ZooError) as error:
        assign(model, keras_file.parse((tmp_path / "other.weights.h5").read_bytes()), {})
    lines = str(error.value).splitlines()
    assert lines[1] == "  missing from the file: c/kernel, c/bias"
    assert lines[2] == "  not used from the file: b/0, b/1"
    assert lines[3].endswith("a/kernel is (4, 2), in the file (4, 3), a/bias is (2,), in the file (3,)")
    for value, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)


def hdf5(write):
    """The content of an HDF5 file that `write` fills."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        write(file)
    return content.getvalue()


def layer(file, group="layers/dense", name: str | None = "head"):
    variables = file.create_group(f"{group}/vars")
    variables["0"] = np.ones((2, 3), "float32")
    if name is not None:
        variables.attrs["name"] = name
    return variables


def test_arrays_have_the_names_of_their_layers():
    assert list(keras_file.parse(hdf5(layer))) == ["head/0"]


HOSTILE_HDF5 = {
    "empty": (lambda: b"", "damaged"),
    "soft link": (lambda: hdf5(lambda file: file.update({"layers": h5py.SoftLink("/x")})), "link to elsewhere"),
    "external link": (
        lambda: hdf5(lambda file: file.update({"layers": h5py.ExternalLink("/etc/passwd", "/")})),
        "link to elsewhere",
    ),
    "external array": (
        lambda: hdf5(lambda file: layer(file).create_dataset("1", (3,), external=[("/etc/passwd", 0, 12)])),
        "another file",
    ),
    "text": (lambda: hdf5(lambda file: layer(file).create_dataset("1", data="text")), "only numbers"),
    "numbers that are not there": (
        lambda: hdf5(lambda file: layer(file).create_dataset("1", (10**9,), chunks=(1000,))),
        "more numbers than it holds",
    ),
    "circle": (lambda: hdf5(lambda file: layer(file).update({"in": file["layers"]})), "several places"),
    "one name twice": (lambda: hdf5(lambda file: (layer(file), layer(file, "layers/dense_1"))), "holds head/0 twice"),
    "no name": (lambda: hdf5(lambda file: layer(file, name=None)), "does not name the layer at /layers/dense"),
    "array in a layer's place": (lambda: hdf5(lambda file: file.update({"layers/a": np.ones(3)})), "where no layer"),
    "group in an array's place": (lambda: hdf5(lambda file: layer(file).create_group("1")), "damaged"),
    "no layers": (lambda: hdf5(lambda file: file.update({"vars": np.ones(3)})), "holds no layers"),
    "layer of no layer": (lambda: hdf5(lambda file: file.update({"layers/vars": np.ones(3)})), "damaged"),
    "array in the place of variables": (
        lambda: hdf5(lambda file: file.update({"layers/dense/vars": np.ones(3)})),
        "does not name the layer",
    ),
}


@pytest.mark.parametrize("case", HOSTILE_HDF5)
def test_hostile_files_of_keras_are_refused(case):
    make, words = HOSTILE_HDF5[case]
    with pytest.raises(ZooError, match=words):
        keras_file.parse(make())


def header(table, numbers=b""):
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def place(**change):
    return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **change}}


HOSTILE_SAFETENSORS = {
    "empty": b"",
    "no JSON": header(b"hello"),
    "a header without end": (2**63 - 1).to_bytes(8, "little") + b"{}",
    "numbers that are not there": header(place()),
    "numbers elsewhere": header(place(data_offsets=[8, 16]), bytes(8)),
    "another shape": header(place(shape=[3]), bytes(8)),
    "a shape beyond all bounds": header(place(shape=[2**62, 4]), bytes(8)),
    "bytes at the end": header(place(), bytes(9)),
    "unknown type": header(place(dtype="OBJ"), bytes(8)),
    "deep": header(b"[" * 100_000),
}


@pytest.mark.parametrize("case", HOSTILE_SAFETENSORS)
def test_hostile_safetensors_are_refused(case):
    with pytest.raises(ZooError, match="cut short or damaged"):
        safetensors_file.parse(HOSTILE_SAFETENSORS[case])


def test_numbers_that_numpy_has_not_are_refused():
    with pytest.raises(ZooError, match="type BF16"):
        safetensors_file.parse(header(place(dtype="BF16", shape=[4]), bytes(8)))


LEGAL = {
    safetensors_file.parse: safetensors.numpy.save({"a": np.ones((2, 3), "float32"), "b": np.arange(4)}),
    keras_file.parse: hdf5(layer),
}


@pytest.mark.slow
@pytest.mark.parametrize("parse", LEGAL)
def test_every_truncation_is_refused(parse):
    for length in range(len(LEGAL[parse])):
        with pytest.raises(ZooError):
            parse(LEGAL[parse][:length])


@settings(max_examples=200, deadline=None, database=None)
@given(st.sampled_from(list(LEGAL)), st.data())
def test_flipped_bytes_give_arrays_or_a_sentence(parse, data):
    content = bytearray(LEGAL[parse])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        arrays = parse(bytes(content))
    except ZooError:
        return
    assert all(isinstance(name, str) and array.dtype.kind in "fiub" for name, array in arrays.items())


# The catalog remembers


def test_a_file_is_read_again_when_it_has_changed_and_not_before(own_model, tmp_path):
    name = "remembered_net"
    zoo.get(own_model(name))
    (tmp_path / "weights").mkdir()
    card = write_card(tmp_path / "weights", LEAST, f"{name}-toy")
    first = catalog.card(name).weights["toy"]
    assert catalog.card(name).weights["toy"] is first
    card.write_text(json.dumps({**LEAST, "licence": "MIT"}), encoding="utf-8")
    os.utime(card, ns=(1, 1))
    assert catalog.card(name).weights["toy"].licence == "MIT"
    card.unlink()
    assert not catalog.card(name).weights
