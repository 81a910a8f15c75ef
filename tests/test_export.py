"""Models as files of other tools."""

import json

import numpy as np
import pytest

import zoo
from zoo import cli, inference
from zoo.errors import UsageError, ZooError

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
    assert json.loads(capsys.readouterr().out) == {"out": str(tmp_path / "out.xml")}
    assert (tmp_path / "out.bin").stat().st_size > 1000


def test_what_no_format_holds_is_refused(net, tmp_path):
    with pytest.raises(UsageError, match=r"'\.tar'.*\.xml \(openvino\)"):
        net.export(tmp_path / "net.tar")
    if inference.available():
        with pytest.raises(ZooError, match="cannot be written"):
            net.export("/proc/nowhere/net.xml")
    assert not list(tmp_path.iterdir())
