"""Formats that another process writes, how a format is named, and what is refused."""

import errno
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import inference, saving
from zoo.data import images
from zoo.errors import UsageError, ZooError
from zoo.export import find_format, formats
from zoo.export._elsewhere import translate
from zoo.files import replaced_folder
from zoo.metrics import proportion

FILES = Path(__file__).parent / "files"
PICTURE = np.random.default_rng(0).integers(0, 256, (30, 41, 3), np.uint8)
needs_openvino = pytest.mark.skipif(not inference.available(), reason="openvino is not installed")


@pytest.fixture(scope="module")
def net():
    net = zoo.get("cnn", input_shape=(12, 12, 1), num_classes=2, seed=0)
    pictures = np.arange(8 * 144, dtype=np.uint8).reshape(8, 12, 12)
    net.train((pictures, ["tabby cat", "dog"] * 4), epochs=1, progress=False)
    return net


def told_by(example, *words):
    """What the example beside a file prints."""
    done = subprocess.run([sys.executable, example, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("how", [{}, {"half": True}, {"int8": True}], ids=["float32", "half", "int8"])
def test_litert_and_its_example(net, tmp_path, how):
    pytest.importorskip("ai_edge_litert")
    about = net.export(tmp_path / "net.tflite", **how)
    assert about["agreement"].same == about["agreement"].n
    with zipfile.ZipFile(tmp_path / "net.tflite") as archive:
        assert archive.read("labels.txt").decode().splitlines() == net.labels
        assert json.loads(archive.read("zoo.json"))["agreement"] == about["agreement"].to_json()
    Image.fromarray(PICTURE).save(tmp_path / "new.png")
    expected = net.predict(PICTURE)
    first = told_by(about["example"], tmp_path / "new.png").splitlines()[0]
    label, _, probability = first.rpartition(": ")
    assert label == expected.label
    assert float(probability.rstrip("%")) / 100 == pytest.approx(expected.probability, abs=0.02 if how else 0.001)
    net.export(tmp_path / "net.tflite", **how)  # over its own kind, and its own example, unasked


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["multilabel", "regression", "points"])
def test_other_kinds_as_litert(kind, tmp_path):
    pytest.importorskip("ai_edge_litert")
    model = zoo.load(FILES / f"{kind}.keras")
    about = model.export(tmp_path / "net.tflite")
    assert about["agreement"].same == about["agreement"].n
    row = [str(number) for number in model._sample_inputs(1)[0]] if kind == "points" else [tmp_path / "new.png"]
    Image.fromarray(PICTURE).save(tmp_path / "new.png")
    printed = told_by(about["example"], *row)
    if kind == "regression":
        assert float(printed) == pytest.approx(model.predict(PICTURE).value, abs=0.05)
    elif kind == "multilabel":
        best = max(model.predict(PICTURE).top, key=lambda pair: pair[1])[0]
        assert printed.startswith(f"{best}: ")
    else:
        assert printed.splitlines()[0].startswith(f"{model.predict(model._sample_inputs(1)[0]).label}: ")


ANOTHER_PROCESS = [
    pytest.param(name, marks=pytest.mark.slow) for name in ("net.tflite", "net.pt2", "net --format saved_model")
]


def exported(model, folder, name):
    """What is known of a file after it was written, and its module."""
    packages = {".tflite": "ai_edge_litert", ".pt2": "torch", ".onnx": "onnxruntime", ".html": "onnxruntime"}
    out, _, form = name.partition(" --format ")
    if package := packages.get(Path(out).suffix):
        pytest.importorskip(package)
    about = model.export(folder / out, **({"format": form} if form else {}))
    return about, formats()[find_format(Path(out), form or None)].read_record(folder / out)


@needs_openvino
@pytest.mark.parametrize(
    "name", ["net.onnx", "net.html", "net.xml", "net --format huggingface", *ANOTHER_PROCESS], ids=lambda name: name
)
def test_a_thousand_classes_in_every_format(name, tmp_path):
    net = zoo.get("logistic", input_shape=(8, 8, 3), num_classes=1000, seed=0)
    pictures = np.random.default_rng(0).integers(0, 256, (2000, 8, 8, 3), np.uint8)
    net.train((pictures, [f"class {number}" for number in range(1000)] * 2), epochs=1, progress=False)
    about, record = exported(net, tmp_path, name)
    assert "huggingface" in name or about["agreement"].same == about["agreement"].n == 2
    assert record["labels"] == net.labels and len(net.labels) == 1000


@needs_openvino
@pytest.mark.parametrize(
    "name", ["net.onnx", "net.html", "net.xml", "net --format huggingface", *ANOTHER_PROCESS], ids=lambda name: name
)
def test_a_model_of_points_in_every_format(name, tmp_path):
    model = zoo.load(FILES / "points.keras")
    if name == "net.html":
        with pytest.raises(ZooError, match=r"takes rows of numbers; \.html is for models of pictures"):
            exported(model, tmp_path, name)
        return
    about, record = exported(model, tmp_path, name)
    assert "huggingface" in name or about["agreement"].same == about["agreement"].n == 2
    assert record["labels"] == model.labels


BICUBIC = """\
import keras
from zoo.registry import register


@register(task="classification", dataset="digits", source="a test", parameters=771)
def bicubic(input_shape=(8, 8, 1), num_classes=3):
    pixels = keras.Input(input_shape, name="pixels")
    x = keras.layers.UpSampling2D(2, interpolation="bicubic")(keras.layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, keras.layers.Dense(num_classes)(keras.layers.Flatten()(x)), name="bicubic")
"""


@pytest.fixture(scope="module")
def bicubic(tmp_path_factory):
    (file := tmp_path_factory.mktemp("bicubic") / "bicubic.py").write_text(BICUBIC)
    model = zoo.get(str(file))
    model.labels = ["a", "b", "c"]
    return model


@needs_openvino
@pytest.mark.parametrize("name", ["net.onnx", "net.html", "net.xml", *ANOTHER_PROCESS], ids=lambda name: name)
def test_a_layer_that_a_format_lacks_is_named_or_nothing_is_written(bicubic, name, tmp_path):
    if name in ("net.pt2", "net --format saved_model"):
        about, _ = exported(bicubic, tmp_path, name)
        assert about["agreement"].same == about["agreement"].n
        return
    reason = "LiteRT has no ResizeBicubic; saved_model takes it" if name == "net.tflite" else "fails its self-test"
    with pytest.raises(ZooError, match=rf"bicubic cannot be (translated|converted): .*{reason}"):
        exported(bicubic, tmp_path, name)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_saved_model_takes_pictures_of_any_size(net, tmp_path):
    tf = pytest.importorskip("tensorflow")
    out = tmp_path / "net"
    about = net.export(out, format="saved_model")
    assert about["bytes"] == sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    assert (out / "assets" / "labels.txt").read_text().splitlines() == net.labels
    running = tf.saved_model.load(str(out)).signatures["serving_default"]
    answered = running(picture=tf.constant(np.stack([PICTURE, PICTURE[::-1]])))["probabilities"].numpy()
    expected = [dict(net.predict(picture).top) for picture in (PICTURE, PICTURE[::-1])]
    assert np.allclose(answered, [[row[label] for label in net.labels] for row in expected], atol=0.002)
    net.export(out, format="saved_model")  # over its own kind unasked
    other = zoo.get("logistic", input_shape=(8, 8, 3))
    with pytest.raises(ZooError, match="where this model knows"):
        other.export(out, format="saved_model")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["net", "points"])
def test_a_torch_program_takes_pictures_of_any_size(net, kind, tmp_path):
    torch = pytest.importorskip("torch")
    model = net if kind == "net" else zoo.load(FILES / "points.keras")
    about = model.export(tmp_path / "net.pt2")
    assert about["agreement"].same == about["agreement"].n
    extra = {"labels.txt": "", "zoo.json": ""}
    running = torch.export.load(str(tmp_path / "net.pt2"), extra_files=extra).module()
    assert extra["labels.txt"].splitlines() == list(map(str, model.labels))
    given = PICTURE if kind == "net" else model._sample_inputs(1)[0]
    with torch.no_grad():
        answered = running(torch.tensor(np.stack([given, given])))[0].numpy()
    expected = dict(model.predict(given).top)
    assert np.allclose(answered, [expected[label] for label in model.labels], atol=0.002)
    model.export(tmp_path / "net.pt2")  # over its own kind unasked


def test_a_folder_for_the_hugging_face_hub(net, tmp_path):
    out = tmp_path / "pets"
    assert net.export(out, format="huggingface")["bytes"] > 10_000
    opened = zoo.load(out / "model.keras")
    assert dict(opened.predict(PICTURE).top) == pytest.approx(dict(net.predict(PICTURE).top), abs=1e-5)
    config = json.loads((out / "config.json").read_text())
    assert config["id2label"] == {"0": net.labels[0], "1": net.labels[1]} and config["label2id"][net.labels[1]] == 1
    preprocessor = json.loads((out / "preprocessor_config.json").read_text())
    assert (
        preprocessor["crop_size"] == {"height": 12, "width": 12} and preprocessor["zoo"] == net.preprocessing.to_json()
    )
    net.export(out, format="huggingface")  # over its own kind unasked
    (out / "model.keras").unlink()
    with pytest.raises(ZooError, match="is no model that the zoo wrote"):
        net.export(out, format="huggingface", overwrite=True)


def test_a_model_card_has_our_numbers_and_no_markup_of_others(net, tmp_path, monkeypatch):
    yaml = pytest.importorskip("yaml")
    monkeypatch.setattr(net, "labels", ["<b>cat</b>", "a|b\n---\nlicense: mine"])
    net._remember({"accuracy": proportion(45, 50), "trained_on": 0}, [])
    monkeypatch.setitem(net.data, "name", "/home/me/secret/pets")
    net.export(tmp_path / "pets", format="huggingface")
    _, front, text = (tmp_path / "pets" / "README.md").read_text().split("---\n", 2)
    facts = yaml.safe_load(front)
    assert facts["pipeline_tag"] == "image-classification" and "license" not in facts
    (result,) = facts["model-index"][0]["results"]
    assert result["dataset"]["name"] == "pets" and result["metrics"][0]["value"] == 0.9
    assert "accuracy | 90.0% (95 % interval 78.6% to 95.7%, n = 50)" in text and "secret" not in text
    assert "<b>" not in text and "\n---\n" not in text and "none is known" in text


@pytest.mark.slow
def test_the_example_of_a_model_card_answers_with_keras_alone(net, tmp_path):
    net.export(tmp_path / "pets", format="huggingface")
    text = (tmp_path / "pets" / "README.md").read_text()
    *_, (block) = re.findall("```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "pets" / "use.py").write_text(block)
    Image.fromarray(PICTURE).save(tmp_path / "pets" / "new.png")
    done = subprocess.run(
        [sys.executable, "use.py", "new.png"], cwd=tmp_path / "pets", capture_output=True, text=True, check=True
    )
    expected = dict(net.predict(PICTURE).top)
    answered = [float(number) for number in done.stdout.split()[-2:]]
    assert answered == pytest.approx([expected[label] for label in net.labels], abs=1e-4)


@needs_openvino
def test_openvino_in_half_says_how_far_it_agrees(net, tmp_path):
    agreement = net.export(tmp_path / "net.xml", half=True)["agreement"]
    model = inference.load_openvino().Core().read_model(tmp_path / "net.xml")
    stored = {key: model.get_rt_info(["model_info", key]).astype(str) for key in ("agreement", "preprocessing")}
    assert json.loads(stored["agreement"]) == agreement.to_json()
    assert json.loads(stored["preprocessing"]) == net.preprocessing.to_json()


@needs_openvino
def test_openvino_in_8_bit_numbers_knows_its_labels_and_its_loss(net, tmp_path):
    pytest.importorskip("onnxruntime")
    agreement = net.export(tmp_path / "net.xml", int8=True)["agreement"]
    assert agreement.same == agreement.n
    model = inference.load_openvino().Core().read_model(tmp_path / "net.xml")
    assert "FakeQuantize" in [operation.get_type_name() for operation in model.get_ops()]
    assert model.get_rt_info(["model_info", "labels"]).astype(str).split() == [
        label.replace(" ", "_") for label in net.labels
    ]
    probabilities = net._interpret(
        inference.OpenVINOEngine(tmp_path / "net.xml")(images.decode(PICTURE, net.preprocessing)[None])[0]
    )
    expected = dict(net.predict(PICTURE).top)
    assert probabilities[0].tolist() == pytest.approx([expected[label] for label in net.labels], abs=0.05)
    with pytest.raises(UsageError, match="exclude each other"):
        net.export(tmp_path / "net.xml", half=True, int8=True)
    with pytest.raises(UsageError, match="int8 is for models that say a class, labels or a number; dcgan is none"):
        zoo.get("dcgan").export(tmp_path / "drawn.xml", int8=True)


@pytest.mark.parametrize(
    ("path", "name", "found"),
    [
        ("net.onnx", None, "onnx"),
        ("net.tflite", None, "litert"),
        ("net.tflite", "litert", "litert"),
        ("net.tflite", "tflite", "litert"),
        ("net", "saved_model", "saved_model"),
        ("net", "huggingface", "huggingface"),
        ("net.v2", "saved_model", "saved_model"),
        ("net", None, "no format of a model ends in ''.*--format saved_model"),
        ("net.doc", None, "no format of a model ends in '.doc'"),
        ("net.tflite", "litrt", "did you mean 'litert'"),
        ("net.doc", "onnx", r"what onnx writes ends in \.onnx; got 'net.doc'"),
        ("net.onnx", "saved_model", r"what saved_model writes is a folder, no \.onnx file"),
    ],
)
def test_a_format_by_its_ending_or_its_name(path, name, found):
    if " " not in found:
        assert find_format(Path(path), name) == found
    else:
        with pytest.raises(UsageError, match=found):
            find_format(Path(path), name)


@pytest.mark.parametrize("name", ["net.tflite", "net.pt2", "net.saved"])
def test_what_is_missing_or_of_another_kind_is_said(net, name, tmp_path, monkeypatch):
    form = {"format": "saved_model"} if name == "net.saved" else {}
    drawing = zoo.get("dcgan")
    monkeypatch.setattr("importlib.util.find_spec", lambda package: sys)
    with pytest.raises(ZooError, match="is a model for image_generation; "):
        drawing.export(tmp_path / name, **form)
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(UsageError, match=r"needs .*; type: python -m pip install (ai-edge-litert|torch|tensorflow)"):
        net.export(tmp_path / name, **form)
    assert not list(tmp_path.iterdir())


def test_litert_in_two_precisions_and_saved_model_in_half_are_refused(net, tmp_path):
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(UsageError, match="exclude each other"):
        net.export(tmp_path / "net.tflite", half=True, int8=True)
    with pytest.raises(UsageError, match="saved_model has no half; it is for html, litert, onnx, openvino"):
        net.export(tmp_path / "net", format="saved_model", half=True)


@pytest.mark.slow
def test_what_the_other_process_cannot_do_is_said(net, tmp_path):
    with pytest.raises(ZooError, match="cnn cannot be translated: KeyError: 'nowhere'"):
        translate(net, "nowhere", tmp_path / "out", "tensorflow")


def test_a_full_disk_leaves_nothing(net, tmp_path, monkeypatch):
    def full(*_, **how):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(
        ZooError, match=r"cannot be written: there is no space left for .*pets\. Make room on its disk"
    ):
        net.export(tmp_path / "pets", format="huggingface")
    assert not list(tmp_path.iterdir())


def test_a_folder_is_replaced_whole_and_a_foreign_one_never(net, tmp_path):
    mine, foreign = tmp_path / "mine", tmp_path / "foreign"
    for number in (1, 2):
        with replaced_folder(mine) as folder:
            (folder / f"{number}.txt").write_text("all of it")
    assert [file.name for file in mine.iterdir()] == ["2.txt"]
    with pytest.raises(KeyError), replaced_folder(mine) as folder:
        (folder / "3.txt").write_text("half of it")
        raise KeyError
    assert [file.name for file in mine.iterdir()] == ["2.txt"] and [*tmp_path.iterdir()] == [mine]
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("")

    def read(path):
        raise ZooError("it is none")

    for path in (foreign, tmp_path / "file"):
        with pytest.raises(ZooError, match=r"no model that the zoo wrote|is a file, where a folder"):
            saving.output_folder(path, net.get_config(), True, read)
