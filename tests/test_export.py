"""Models as files of other tools."""

import json
import re
from pathlib import Path

import numpy as np
import PIL
import pytest

import zoo
from zoo import cli, inference
from zoo.data import images
from zoo.data.images.preprocessing import Preprocessing
from zoo.errors import UsageError, ZooError
from zoo.export._network import compare
from zoo.export._pillow import resize_model
from zoo.inference.onnx_graph import onnx_of

TALL = ((28, 20), (90, 31)) if int(PIL.__version__.partition(".")[0]) >= 13 else ()  # where it takes columns first
needs_openvino = pytest.mark.skipif(not inference.available(), reason="openvino is not installed")


@pytest.fixture(scope="module")
def net():
    net = zoo.get("cnn", input_shape=(12, 12, 1), num_classes=2, seed=0)
    pictures = np.arange(8 * 144, dtype=np.uint8).reshape(8, 12, 12)
    net.train((pictures, ["tabby cat", "dog"] * 4), epochs=1, progress=False)
    return net


@needs_openvino
def test_openvino_answers_as_keras_does_and_knows_the_labels(net, tmp_path):
    out = tmp_path / "net.xml"
    net.export(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.bin", "net.xml"]
    pixels = net._sample_inputs(3)
    (logits,) = inference.OpenVINOEngine(out)(pixels)
    assert np.abs(logits - net.engine(pixels)[0]).max() < 1e-4
    model = inference.load_openvino().Core().read_model(out)
    labels = model.get_rt_info(["model_info", "labels"]).astype(str)
    assert labels == " ".join(label.replace(" ", "_") for label in net.labels)
    record = json.loads(model.get_rt_info(["model_info", "zoo"]).astype(str))
    assert record["labels"] == net.labels and record["preprocessing"] == net.preprocessing.to_json()


@needs_openvino
def test_the_command(net, tmp_path, capsys):
    net.save(tmp_path / "net.keras")
    assert cli.main(["export", str(tmp_path / "net.keras"), str(tmp_path / "out.xml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["out"] == str(tmp_path / "out.xml")
    assert (tmp_path / "out.bin").stat().st_size > 1000


def test_what_no_format_holds_is_refused(net, tmp_path):
    with pytest.raises(UsageError, match=r"'\.tar'.*openvino \(\.xml\)"):
        net.export(tmp_path / "net.tar")
    with pytest.raises(UsageError, match=r"word2vec has no half; it is for .*onnx"):
        net.export(tmp_path / "net.txt", half=True)
    if inference.available():
        with pytest.raises(ZooError, match="cannot be written"):
            net.export("/proc/nowhere/net.xml")
    assert not list(tmp_path.iterdir())


onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def answer(model, **inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


@needs_openvino
@pytest.mark.parametrize(
    "how",
    [{}, pytest.param({"half": True}, marks=pytest.mark.slow), pytest.param({"int8": True}, marks=pytest.mark.slow)],
    ids=["float32", "half", "int8"],
)
def test_an_onnx_file_takes_pictures_of_any_size_and_knows_the_labels(net, tmp_path, how):
    about = net.export(out := tmp_path / "net.onnx", **how)
    picture = np.random.default_rng(0).integers(0, 256, (30, 41, 3), np.uint8)
    model = onnx.load(out)
    probabilities, logits = answer(model, picture=picture[None])
    expected = dict(net.predict(picture).top)
    assert np.allclose(probabilities[0], [expected[label] for label in net.labels], atol=0.05 if how else 0.002)
    assert logits.shape == (1, 1) and out.stat().st_size == about["bytes"]
    properties = {item.key: item.value for item in model.metadata_props}
    assert json.loads(properties["labels"]) == net.labels
    assert json.loads(properties["preprocessing"]) == net.preprocessing.to_json()
    agreement = json.loads(properties["agreement"])
    assert agreement["on"] == "synthetic inputs" and agreement["same"] == agreement["n"] == 2
    net.export(out)  # over its own kind unasked
    with pytest.raises(ZooError, match="where this model knows"):
        zoo.get("logistic", input_shape=(8, 8, 3)).export(out)


@needs_openvino
@pytest.mark.slow
def test_real_pictures_are_compared_and_numbers_of_8_bits_learned_from_them(tuned, tmp_path, run):
    code, printed, _ = run("export", tuned.out, tmp_path / "tuned.onnx", "--int8", "--json")
    assert code == 0
    agreement = json.loads(printed)["agreement"]
    assert agreement["on"] == "held-out pictures" and agreement["same"] >= 18 and agreement["n"] == 20
    assert agreement["before"]["n"] == 20 and agreement["after"]["value"] >= 0.9
    assert (tmp_path / "tuned.onnx").stat().st_size < 5e6


@pytest.mark.slow
@needs_openvino
@pytest.mark.parametrize("kind", ["multilabel", "regression"])
def test_labels_and_numbers_as_onnx(kind, tmp_path):
    model = zoo.load(Path(__file__).parent / "files" / f"{kind}.keras")
    agreement = model.export(tmp_path / "net.onnx")["agreement"]
    assert agreement.same == agreement.n == 2
    written = onnx.load(tmp_path / "net.onnx")
    properties = {
        item.key: json.loads(item.value) for item in written.metadata_props if item.value[0] in "[{0123456789"
    }
    picture = np.random.default_rng(0).integers(0, 256, (30, 41, 3), np.uint8)
    ((answered,),) = answer(written, picture=picture[None])
    prediction = model.predict(picture)
    if kind == "multilabel":
        assert properties["thresholds"] == [*model.thresholds.values()]
        labels = [
            label
            for label, p, t in zip(properties["labels"], answered, properties["thresholds"], strict=True)
            if p >= t
        ]
        assert sorted(labels) == sorted(label for label, _ in prediction.labels)
        assert np.allclose(answered, [dict(prediction.top)[label] for label in properties["labels"]], atol=0.002)
    else:
        assert (
            answered == pytest.approx(prediction.value, abs=0.3)
            and properties["mean_error"] == prediction.error == 1.5
        )


@needs_openvino
def test_a_file_of_labels_or_a_number_that_answers_otherwise_is_refused():
    labels, number = (
        zoo.load(Path(__file__).parent / "files" / f"{kind}.keras") for kind in ("multilabel", "regression")
    )
    for model, differs in ((labels, 0.02), (number, 0.2)):

        def other(picture, model=model, differs=differs):
            return model._interpret(model.engine(images.decode(picture, model.preprocessing)[None])[0])[0] + differs

        with pytest.raises(ZooError, match=f"{model._target.answer} differ by up to 0.0?2"):
            compare(model, other)


@needs_openvino
def test_a_model_of_points_as_onnx(tmp_path):
    points = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    net = zoo.get("mlp", input_shape=(3,), seed=0)
    net.train((points, points[:, 0] > 0), epochs=1, progress=False)
    net.export(tmp_path / "net.onnx")
    (probabilities, _) = answer(onnx.load(tmp_path / "net.onnx"), pixels=points[:1])
    assert net.predict(points[0]).probability == pytest.approx(probabilities.max(), abs=1e-5)


@needs_openvino
@pytest.mark.parametrize("cell", ["lstm", *(pytest.param(cell, marks=pytest.mark.slow) for cell in ("gru", "rnn"))])
def test_a_language_model_as_onnx_reads_token_by_token_what_keras_reads_at_once(cell, tmp_path):
    net = zoo.load(Path(__file__).parent / "files" / "language.keras")
    if cell != "lstm":
        net = zoo.get("char_lstm", units=8, embedding=4, cell=cell, seed=0)
        net.train("to be, or not to be\n" * 100, epochs=1, progress=False)
    agreement = net.export(tmp_path / "net.onnx", half=cell == "gru")["agreement"]
    assert agreement.n == 200 and agreement.same >= 199 and "tokens of a text that it wrote" in str(agreement)
    written = onnx.load(tmp_path / "net.onnx")
    properties = {item.key: item.value for item in written.metadata_props}
    assert json.loads(properties["vocabulary"]) == net.vocabulary.to_json()
    tokens = net._sample_inputs(3)
    held = {item.name: np.zeros((3, net.arguments["units"]), np.float32) for item in written.graph.input[:-1]}
    expected = net.model.predict(tokens, verbose=0)
    for number, token in enumerate(tokens.T):
        logits, *after = answer(written, token=token, **held)
        held = dict(zip(held, after, strict=True))
        assert np.allclose(logits, expected[:, number], atol=1e-4)


@needs_openvino
def test_the_example_of_a_language_model_writes(tmp_path, monkeypatch, capsys):
    zoo.load(Path(__file__).parent / "files" / "language.keras").export(tmp_path / "char_lstm.onnx")
    monkeypatch.chdir(tmp_path)
    exec(example("char_lstm.onnx"), {})
    assert len(capsys.readouterr().out) == 201


def example(name):
    """The lines of Python in docs/formats.md that use a file of that name."""
    page = (Path(__file__).parent.parent / "docs" / "formats.md").read_text(encoding="utf-8")
    (found,) = [block for block in re.findall("```python\n(.*?)```", page, re.DOTALL) if name in block]
    return found


@needs_openvino
def test_a_generator_as_onnx_makes_pictures_of_noise(tmp_path):
    net = zoo.load(Path(__file__).parent / "files" / "image_generation.keras")
    agreement = net.export(tmp_path / "net.onnx")["agreement"]
    assert agreement.same == agreement.n == 64 and agreement.difference <= 1
    noise = np.random.default_rng(5).normal(size=(3, net._latent)).astype(np.float32)
    (pictures,) = answer(onnx.load(tmp_path / "net.onnx"), noise=noise)
    assert pictures.dtype == np.uint8 and np.abs(pictures - net._draw(noise).astype(int)).max() <= 1


@needs_openvino
def test_an_autoencoder_as_onnx_takes_pictures_of_any_size(tmp_path):
    net = zoo.load(Path(__file__).parent / "files" / "reconstruction.keras")
    assert net.export(tmp_path / "net.onnx")["agreement"].difference <= 1
    picture = np.random.default_rng(0).integers(0, 256, (30, 41, 3), np.uint8)
    drawn, code = answer(onnx.load(tmp_path / "net.onnx"), picture=picture[None])
    assert np.abs(drawn[0] - net.reconstruct(picture).astype(int)).max() <= 2
    assert np.allclose(code[0], net.encode(picture), atol=0.01)


@pytest.mark.parametrize("rule", [Preprocessing((22, 30), 0.875), Preprocessing((28, 28), 1, 1)], ids=["rgb", "grey"])
def test_the_resize_inside_an_onnx_file_is_pillows(rule):
    random = np.random.default_rng(0)
    for height, width in ((64, 91), (20, 12), (1, 7), (300, 200), *TALL):
        picture = random.integers(0, 256, (height, width, 3), np.uint8)
        (pixels,) = answer(resize_model(rule), picture=picture[None])
        difference = np.abs(pixels[0] - images.decode(picture, rule))
        assert difference.max() <= 1 and difference.mean() < 0.02, (height, width)  # where a value lies on a half


def operations():
    """Small networks of OpenVINO's operations that classifiers of the shelves have and `net` has not."""
    openvino = inference.load_openvino()
    op = openvino.opset13

    def constant(*values):
        return op.constant(np.array(values, np.int32))

    kernel = np.random.default_rng(0).normal(size=(2, 2, 3, 3, 3)).astype(np.float32)  # two groups
    doubling = np.random.default_rng(1).normal(size=(6, 2, 3, 4)).astype(np.float32)
    return {
        "group": lambda x: op.group_convolution(x, op.constant(kernel), [2, 2], [1, 0], [0, 1], [1, 1]),
        "average": lambda x: op.avg_pool(x, [2, 2], [1, 1], [1, 1], [3, 3], True, "ceil"),
        "clamp": lambda x: op.clamp(x, -0.5, 0.5),
        "swish": lambda x: op.swish(x),
        "gelu": lambda x: op.gelu(x, "erf"),
        "gelu_tanh": lambda x: op.gelu(x, "tanh"),
        "hard_sigmoid": lambda x: op.hard_sigmoid(x, np.float32(0.2), np.float32(0.4)),
        "split": lambda x: op.subtract(*op.split(x, np.int64(1), 2).outputs()),
        "doubled": lambda x: op.convolution_backprop_data(
            x, op.constant(doubling), [2, 2], pads_begin=[0, 1], pads_end=[1, 1], output_padding=[1, 0]
        ),
        "elu": lambda x: op.elu(x, 0.7),
        "pad": lambda x: op.pad(x, constant(0, 0, 1, 2), constant(0, 0, 0, 1), "constant", np.float32(3)),
        "slice": lambda x: op.slice(x, constant(1), constant(4), constant(2), constant(1)),
        "strided": lambda x: op.strided_slice(x, [0, 1], [0, 5], [1, 2], begin_mask=[1, 0], end_mask=[1, 0]),
        "gather": lambda x: op.squeeze(op.gather(x, constant(2), np.int32(1)), np.int32(1)),
        "mean": lambda x: op.reduce_mean(x, constant(2, 3), True),
        "product": lambda x: op.matmul(x, x, False, True),
        "softmax": lambda x: op.softmax(x, 1),
        "broadcast": lambda x: op.add(x, op.broadcast(op.constant(np.float32(2)), op.shape_of(x))),
    }


@needs_openvino
@pytest.mark.parametrize("name", operations() if inference.available() else [])
def test_operations_mean_the_same_in_onnx(name, tmp_path):
    openvino = inference.load_openvino()
    x = openvino.opset13.parameter([2, 6, 8, 9], np.float32)
    openvino.save_model(openvino.Model([operations()[name](x)], [x]), tmp_path / "it.xml", compress_to_fp16=False)
    pixels = np.random.default_rng(1).normal(size=(2, 6, 8, 9)).astype(np.float32)
    (expected,) = inference.OpenVINOEngine(tmp_path / "it.xml")(pixels)
    (answered,) = answer(onnx_of(tmp_path / "it.xml"), pixels=pixels)
    assert np.allclose(answered, expected, atol=1e-5)


@needs_openvino
def test_an_operation_that_is_not_known_is_named(tmp_path):
    openvino = inference.load_openvino()
    x = openvino.opset13.parameter([1, 4], np.float32)
    openvino.save_model(openvino.Model([openvino.opset13.bucketize(x, np.float32([1, 2]))], [x]), tmp_path / "it.xml")
    with pytest.raises(ZooError, match="the operation Bucketize"):
        onnx_of(tmp_path / "it.xml")


def test_what_is_missing_or_contradicts_itself_is_said(net, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="exclude each other"):
        net.export(tmp_path / "net.onnx", half=True, int8=True)
    with pytest.raises(ZooError, match=r"dialogue; \.onnx is for models for classification, .*, reconstruction\.$"):
        zoo.get("chatbot").export(tmp_path / "net.onnx")
    with pytest.raises(ZooError, match=r"embedding; .* Its vectors of words can be a \.txt or \.bin file"):
        zoo.get("word2vec").export(tmp_path / "net.onnx")
    with pytest.raises(UsageError, match="int8 is for models that say a class, labels or a number"):
        zoo.get("dcgan").export(tmp_path / "net.onnx", int8=True)
    with pytest.raises(UsageError, match="knows no characters yet"):
        zoo.get("char_lstm").export(tmp_path / "net.onnx")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install onnx onnxruntime.*keras-zoo\[export\]"):
        net.export(tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())
