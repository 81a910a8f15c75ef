"""Models of Keras 2 and of Teachable Machine: their answers here, and what is refused."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import zoo
from zoo.errors import UsageError, ZooError

# What Teachable Machine lets one download, made by Keras 2 (tf_keras 2.21) of a small net: `DepthwiseConv2D` has the
# key "groups", models stand within models, the base is frozen.
DOWNLOAD = Path(__file__).parent / "files" / "teachable_machine.zip"
# What Keras 2 answered about `pictures` / 127.5 - 1
EXPECTED = [
    [0.00829977, 0.19391136, 0.7977888],
    [0.00865517, 0.19580457, 0.7955403],
    [0.00909678, 0.19781394, 0.7930892],
]


def pictures():
    y, x, channel = np.ogrid[0:224, 0:224, 0:3]
    return [(127.5 + 127.5 * np.sin((1 + n) * x / 20 + y / 30 + channel)).astype(np.uint8) for n in range(3)]


def answers(model):
    return [[dict(one.top)[label] for label in model.labels] for one in model.predict(pictures(), top=3)]


def test_a_teachable_machine_download_answers_as_it_did(tmp_path, run):
    code, printed, _ = run("import", DOWNLOAD, tmp_path / "tm.keras", "--json")
    assert code == 0 and json.loads(printed)["labels"] == ["cat", "a dog", "Class 3"]
    model = zoo.load(tmp_path / "tm.keras")
    assert model.preprocessing.size == (224, 224) and model.preprocessing.crop == 1
    assert np.allclose(answers(model), EXPECTED, atol=1e-5)


def test_a_file_beside_its_labels_or_with_others(tmp_path):
    with zipfile.ZipFile(DOWNLOAD) as archive:
        archive.extractall(tmp_path)
    file = tmp_path / "keras_model.h5"
    assert zoo.import_model(file).labels == ["cat", "a dog", "Class 3"]
    (tmp_path / "labels.txt").rename(tmp_path / "names.txt")
    (tmp_path / "names.txt").write_text("10 green bottles\nnine\n\neight\n")
    with pytest.raises(UsageError, match="does not say what it takes pixels as"):
        zoo.import_model(file)
    with pytest.raises(UsageError, match="tells 3 classes apart and does not name them"):
        zoo.import_model(file, pixels="-1..1")
    model = zoo.import_model(file, labels=tmp_path / "names.txt", pixels="-1..1")
    assert model.labels == ["10 green bottles", "nine", "eight"]
    assert np.allclose(answers(model), EXPECTED, atol=1e-5)
    with pytest.raises(UsageError, match=r"pixels is '0\.\.2'.*Accepted are"):
        zoo.import_model(file, pixels="0..2")
    (tmp_path / "names.txt").write_text("a\nb\n")
    with pytest.raises(UsageError, match="3 classes apart, its labels name 2"):
        zoo.import_model(file, labels=tmp_path / "names.txt", pixels="-1..1")
    (tmp_path / "names.txt").write_text("a\nb\na\n")
    with pytest.raises(UsageError, match="must differ"):
        zoo.import_model(file, labels=tmp_path / "names.txt", pixels="-1..1")


def layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}}


def dense(units=2, activation="softmax", **more):
    return layer("Dense", "head", units=units, activation=activation, use_bias=True, **more)


FLAT = layer("Flatten", "flat", batch_input_shape=[None, 4, 4, 3])
WEIGHTS = {"head": {"kernel:0": np.ones((48, 2), np.float32), "bias:0": np.zeros(2, np.float32)}}


def file_of(path, layers, weights=WEIGHTS, **config):
    """An `.h5` file as Keras 2 writes it."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": {"name": "m", "layers": layers}} | config
        )
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            inner = group.create_group(name)
            inner.attrs["weight_names"] = [f"{name}/{key}".encode() for key in arrays]
            for key, array in arrays.items():
                inner.create_dataset(f"{name}/{key}", data=array)
    return path


def test_a_small_file_by_hand(tmp_path):
    names = tmp_path / "labels.txt"
    names.write_text("no\nyes\n")
    rescaled = [layer("Rescaling", "r", scale=1 / 255, offset=0.0, batch_input_shape=[None, 4, 4, 3])]
    model = zoo.import_model(file_of(tmp_path / "m.h5", [*rescaled, layer("Flatten", "flat"), dense()]), labels=names)
    assert model.model.layers[-1].activation.__name__ == "linear"  # it gives logits
    sigmoid = file_of(tmp_path / "s.h5", [FLAT, dense(1, "sigmoid")], ONE)
    model = zoo.import_model(sigmoid, labels=names, pixels="0..1")
    white = np.full((4, 4, 3), 255, np.uint8)
    assert model.predict(white).label == "yes" and model.predict(white).probability == pytest.approx(1, abs=1e-6)
    assert dict(model.predict(white * 0).top)["yes"] == pytest.approx(0.5)


FIRST = layer("Flatten", "f", batch_input_shape=[None, 4, 4, 3], data_format="channels_first")
ONE = {"head": {"kernel:0": np.ones((48, 1), np.float32), "bias:0": np.zeros(1, np.float32)}}
CLASHING = {"head": {"kernel:0": np.ones((48, 3), np.float32), "bias:0": np.zeros(2, np.float32)}}
HOSTILE = {
    "lambda": ([FLAT, layer("Lambda", "l", function=["4wEAAAA=", None, None]), dense()], {}, "layer 'Lambda'"),
    "custom": ([FLAT, layer("os.system", "l"), dense()], {}, "layer 'os.system'"),
    "operation": ([FLAT, layer("TFOpLambda", "l", function="math.add"), dense()], {}, "layer 'TFOpLambda'"),
    "argument": ([FLAT, dense(function="evil")], {}, "argument 'function', which is not known"),
    "activation": ([FLAT, dense(activation="hard_sigmoid")], {}, "activation 'hard_sigmoid'"),
    "object": ([FLAT, dense(activation={"class_name": "Lambda"})], {}, "argument activation .* out of all bounds"),
    "units": ([FLAT, dense(units=10**9)], {}, "argument units is 1000000000, out of all bounds"),
    "many units": ([FLAT, dense(units=16384)], {}, "stands where"),
    "wide": (
        [
            layer("UpSampling2D", "u", size=[9000, 9000], batch_input_shape=[None, 4, 4, 3]),
            layer("GlobalAveragePooling2D", "g"),
            dense(),
        ],
        {"weights": {"head": {"kernel:0": np.ones((3, 2), np.float32), "bias:0": np.zeros(2, np.float32)}}},
        "numbers of one example",
    ),
    "input": ([layer("Flatten", "f", batch_input_shape=[None, 10**9, 4, 3]), dense()], {}, "accepted are pictures"),
    "row": ([dense(batch_input_shape=[None, 48])], {}, "accepted are pictures"),
    "shape": ([FLAT, dense()], {"weights": CLASHING}, r"of shape \(48, 3\) stands where"),
    "fewer": ([FLAT, dense()], {"weights": {}}, "its layers have 2 weights, the file has 0"),
    "channels": ([FIRST, dense()], {}, "channels first"),
    "no layers": ([], {}, "does not say what it takes"),
    "a number": ([FLAT, dense(1, "linear")], {"weights": ONE}, "accepted are classifiers"),
    "several labels": ([FLAT, dense(activation="sigmoid")], {}, "accepted are classifiers"),
    "nonsense": ([FLAT, "head"], {}, "lacks 'class_name'"),
    "list": ([FLAT, dense()], {"class_name": ["Sequential"]}, "lacks 'layers'|lacks 'input_layers'"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_known_is_refused_with_a_sentence(name, tmp_path):
    layers, how, reason = HOSTILE[name]
    file = file_of(tmp_path / "m.h5", layers, **how)
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(ZooError, match=reason):
        zoo.import_model(file, labels=tmp_path / "labels.txt", pixels="0..1")


def test_a_chain_that_is_no_chain_is_refused(tmp_path):
    (tmp_path / "labels.txt").write_text("a\nb\n")
    start = {**layer("InputLayer", "x", batch_input_shape=[None, 4, 4, 3]), "name": "x", "inbound_nodes": []}
    last = {**dense(), "name": "head"}
    for nodes, reason in [
        ([[["nowhere", 0, 0, {}]]], "takes what 'nowhere' gives, which does not come before it"),
        ([[["head", 0, 0, {}]]], "takes what 'head' gives, which does not come before it"),
        ([[["x", 0, 0, {"training": "x"}]]], "called in a way that is not known"),
        ([[["x", 0, 0, {}]], [["x", 0, 0, {}]]], "called 2 times"),
        ([[[]]], "makes no sense"),
    ]:
        config = {
            "layers": [start, {**last, "inbound_nodes": nodes}],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["head", 0, 0]],
        }
        file = file_of(tmp_path / "m.h5", [], class_name="Functional", config=config)
        with pytest.raises(ZooError, match=reason):
            zoo.import_model(file, labels=tmp_path / "labels.txt", pixels="0..1")


def test_links_and_objects_in_the_file_are_refused(tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\n")

    def linked(file):
        del file["model_weights/head/head/kernel:0"]
        file["model_weights/head/head/kernel:0"] = h5py.ExternalLink("/etc/passwd", "/")

    def bomb(file):
        del file["model_weights/head/head/kernel:0"]
        file["model_weights/head/head"].create_dataset("kernel:0", (2**20, 2**10), "f4", chunks=(1024, 1024))

    def without(file):
        del file.attrs["model_config"]

    def number(file):
        file.attrs["model_config"] = 7

    def deep(file):
        file.attrs["model_config"] = "[" * 20_000 + "]" * 20_000

    def no_text(file):
        file.attrs.create("model_config", b"\xc0", dtype=h5py.string_dtype("utf-8"))

    for spoil, reason in [
        (linked, "a link to elsewhere"),
        (bomb, "declares more numbers than it holds"),
        (without, "holds weights alone"),
        (number, "an architecture that is no text"),
        (deep, "architecture"),
        (no_text, "architecture"),
    ]:
        path = file_of(tmp_path / "m.h5", [FLAT, dense()])
        with h5py.File(path, "r+") as file:
            spoil(file)
        with pytest.raises(ZooError, match=reason):
            zoo.import_model(path, labels=labels, pixels="0..1")


def archive_of(path, members, claimed=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_other_archives_are_refused(tmp_path):
    buffer = io.BytesIO(b"no archive")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    with pytest.raises(ZooError, match="is no whole archive"):
        zoo.import_model(tmp_path / "a.zip")
    with pytest.raises(ZooError, match=r"has no keras_model\.h5 in it. In Teachable Machine"):
        zoo.import_model(archive_of(tmp_path / "b.zip", {"model.json": "{}"}))
    with pytest.raises(ZooError, match=r"its keras_model\.h5 claims 90,000,000 bytes"):
        zoo.import_model(archive_of(tmp_path / "c.zip", {"keras_model.h5": bytes(90_000_000)}))
    with pytest.raises(ZooError, match="is no model of Keras 2: it is damaged"):
        zoo.import_model(archive_of(tmp_path / "d.zip", {"keras_model.h5": "text"}))
    with pytest.raises(ZooError, match="cannot be read"):
        zoo.import_model(tmp_path / "e.h5")


def test_labels_without_end_and_damage_in_an_archive_are_said(tmp_path):
    with zipfile.ZipFile(DOWNLOAD) as archive:
        whole = {name: archive.read(name) for name in ("keras_model.h5", "labels.txt")}
    with pytest.raises(ZooError, match=r"its labels\.txt claims 30,000,000 bytes"):
        zoo.import_model(archive_of(tmp_path / "a.zip", {**whole, "labels.txt": b"a\n" * 15_000_000}))
    (tmp_path / "names.txt").write_bytes(b"a\n" * 5_000_000)
    with pytest.raises(ZooError, match="are 10,000,000 bytes, more than 8,388,608"):
        zoo.import_model(DOWNLOAD, labels=tmp_path / "names.txt")
    (tmp_path / "names.txt").write_text("a\nb\na\n")
    with pytest.raises(ZooError, match=r"must differ, .*'a'"):
        zoo.import_model(DOWNLOAD, labels=tmp_path / "names.txt")
    archive_of(tmp_path / "b.zip", whole)
    data = bytearray((tmp_path / "b.zip").read_bytes())
    data[60:200] = b"\xff" * 140  # in what is deflated
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(ZooError, match="is no whole archive"):
        zoo.import_model(tmp_path / "b.zip")


def test_a_model_that_computes_without_end_is_refused(tmp_path):
    (tmp_path / "labels.txt").write_text("a\nb\n")
    chain = [layer("Conv2D", f"c{n}", filters=16, kernel_size=[9, 9], padding="same", strides=1) for n in range(4)]
    first = layer("UpSampling2D", "u", size=[128, 128], batch_input_shape=[None, 4, 4, 3])
    weights = {
        f"c{n}": {"kernel:0": np.zeros((9, 9, 16 if n else 3, 16), "f4"), "bias:0": np.zeros(16, "f4")}
        for n in range(4)
    } | {"head": {"kernel:0": np.ones((16, 2), np.float32), "bias:0": np.zeros(2, np.float32)}}
    file = file_of(tmp_path / "m.h5", [first, *chain, layer("GlobalAveragePooling2D", "g"), dense()], weights)
    with pytest.raises(ZooError, match="billion multiply-adds for one example"):
        zoo.import_model(file, labels=tmp_path / "labels.txt", pixels="0..1")
