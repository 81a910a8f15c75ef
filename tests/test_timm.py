"""Networks as timm has them: timm itself is the oracle where it is installed, its recorded answers are elsewhere."""

import hashlib
import io
import json
import re
import zipfile
import zlib

import keras
import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

import zoo
from zoo import catalog
from zoo.errors import UsageError, ZooError
from zoo.transfer.features import Backbone, FeatureEngine
from zoo.weights.load import card_of_file

CLASSES = 5
# Of each network what timm 1.0.31 says: a hash of the names and shapes of its tensors, and the logits of `pixels(32)` with
# `numbers` for weights. `test_timm_itself_says_so` compares all this with timm.
TIMM: dict[str, tuple[str, list[float]]] = {}
NAMES = {name: card for name, card in catalog.cards().items() if "torch_names" in card.facts}
SMALLEST = "timm_mobilenetv3_small_100"  # as a file


def numbers(shapes):
    """Arrays by torch's names, drawn by the names alone, of sizes that keep a deep network's answers near 1."""
    return {name: number(name, shape) for name, shape in shapes.items() if not name.endswith("num_batches_tracked")}


def number(name, shape):
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        array = random.uniform(0.5, 1.5, shape)
    elif name.endswith((".bias", "running_mean")) or name in ("cls_token", "pos_embed"):
        array = random.normal(0, 0.1, shape)
    elif len(shape) == 1:  # of a norm
        array = random.uniform(0.5, 1, shape)
    else:
        array = random.normal(0, np.prod(shape[1:]) ** -0.5, shape)
    return array.astype("float32")


def digest(shapes):
    lines = [f"{name} {[*shape]}" for name, shape in shapes.items() if not name.endswith("num_batches_tracked")]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def pixels(side):
    return np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype("float32")


def torch_shapes(model, names):
    """The shapes of a model's variables as torch has them, by torch's names."""
    kinds = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    modules = {layer: module for module, layer in names.items()}
    shapes = {}
    for variable in model.weights:
        layer, kind = variable.path.removeprefix(f"{model.name}/").split("/")
        shape = tuple(variable.shape)
        if kind == "embeddings":
            shapes[layer] = (1, *shape)
            continue
        if len(shape) == 4:  # (height, width, in, out), of a depthwise one (height, width, channels, 1)
            shape = (*(shape[2:] if "conv_dw" in layer else shape[:1:-1]), *shape[:2])
        module = re.sub(r"_(?=\d)|(?<=\d)_", ".", layer)
        module = re.sub(r"(attn|mlp|se|patch_embed)_", r"\1.", module)
        name = f"{modules.get(layer, module)}.{kinds.get(kind, 'weight' if 'kernel' in kind else kind)}"
        shapes[name] = shape[::-1] if len(shape) == 2 else shape
    return shapes


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_as_timm_does(name, tmp_path):
    """Names and shapes are timm's to the last tensor, and so are the answers."""
    expected_digest, expected = TIMM[name]
    arguments = {"input_shape": (32, 32, 3), "num_classes": CLASSES}
    shapes = torch_shapes(zoo.get(name, **arguments).build(), NAMES[name].facts["torch_names"])
    assert digest(shapes) == expected_digest
    file = tmp_path / "model.safetensors"
    safetensors.numpy.save_file(numbers(shapes), file)
    classifier = zoo.get(name, weights=str(file), input_shape=(32, 32, 3))
    assert classifier.arguments["num_classes"] == CLASSES  # which is read from the file
    logits = np.asarray(classifier.model(pixels(32), training=False))
    np.testing.assert_allclose(logits[0], expected, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_timm_itself_says_so(name, tmp_path):
    timm = pytest.importorskip("timm", reason="compares with timm itself")
    torch = pytest.importorskip("torch")
    wanted = name.removeprefix("timm_")
    for side in (224, 32):
        sized = {"img_size": side} if "patch16" in name else {}
        theirs = timm.create_model(wanted, num_classes=CLASSES, **sized).eval()
        shapes = {key: tuple(value.shape) for key, value in theirs.state_dict().items()}
        state = {key: torch.from_numpy(value) for key, value in numbers(shapes).items()}
        assert not theirs.load_state_dict(state, strict=False).unexpected_keys
        mean, deviation = (torch.tensor(theirs.pretrained_cfg[key])[:, None, None] for key in ("mean", "std"))
        x = (torch.from_numpy(pixels(side).transpose(0, 3, 1, 2)) / 255 - mean) / deviation
        with torch.no_grad():
            features = theirs.forward_head(theirs.forward_features(x), pre_logits=True).numpy()
            logits = theirs(x).numpy()
        files = {"model.safetensors": None, "new.pth": True, "old.pth": False}
        safetensors.numpy.save_file({key: value.numpy() for key, value in theirs.state_dict().items()}, tmp_path / "model.safetensors")
        for file, new in files.items():
            if new is not None:
                torch.save(theirs.state_dict(), tmp_path / file, _use_new_zipfile_serialization=new)
        for file in files if side == 32 else ["model.safetensors"]:
            ours = zoo.get(name, weights=str(tmp_path / file), input_shape=(side, side, 3)).model
            both = keras.Model(ours.input, [ours.get_layer("features").output, ours.output])
            our_features, our_logits = (np.asarray(part) for part in both(pixels(side), training=False))
            print(f"{name} {side} {file}: features {np.abs(our_features - features).max():.1e} of "
                  f"{np.abs(features).max():.2f}, logits {np.abs(our_logits - logits).max():.1e} of {np.abs(logits).max():.2f}")
            np.testing.assert_allclose(our_features, features, atol=1e-4)
            np.testing.assert_allclose(our_logits, logits, atol=1e-4)
    recorded = digest(shapes), logits[0].tolist()
    print(f'    "{name}": ("{recorded[0]}", {[round(value, 5) for value in recorded[1]]}),')
    assert recorded[0] == TIMM[name][0]
    np.testing.assert_allclose(recorded[1], TIMM[name][1], atol=1e-4)


# A file that somebody has


@pytest.fixture(scope="module")
def small_resnet(tmp_path_factory):
    """Torch's tensors of the smallest ResNet, by name."""
    entry = catalog.entry("timm_resnet18")
    return numbers(torch_shapes(entry.builder(**entry.smallest), entry.torch_names))


def written(tensors, path):
    safetensors.numpy.save_file(tensors, path)
    return str(path)


def build(name, file):
    smallest = {key: value for key, value in catalog.entry(name).smallest.items() if key != "num_classes"}
    return zoo.get(name, weights=file, **smallest).build()


def test_a_file_of_another_network_is_refused_with_both_lists(small_resnet, tmp_path):
    hostile = {**small_resnet, "x\x1b[2J.weight": np.zeros(3, "float32"), "fc.weight": np.zeros((2, 7), "float32")}
    del hostile["bn1.bias"], hostile["layer1.0.conv2.weight"]
    with pytest.raises(ZooError) as error:
        build("timm_resnet18", written(hostile, tmp_path / "other.safetensors"))
    _, missing, unused, misshapen, _ = str(error.value).splitlines()
    assert missing == "  missing from the file: bn1/beta, layer1_0_conv2/kernel"
    assert unused == "  not used from the file: x\\x1b[2J.weight"
    assert "head/kernel is (128, 2), in the file (7, 2)" in misshapen
    with pytest.raises(ZooError, match=r"missing from the file: .*\n.*not used from the file: .*layer1\.0"):
        build(SMALLEST, written(small_resnet, tmp_path / "resnet.safetensors"))
    headless = {name: array for name, array in small_resnet.items() if not name.startswith("fc.")}
    with pytest.raises(ZooError, match=r"missing from the file: head/kernel, head/bias"):
        build("timm_resnet18", written(headless, tmp_path / "headless.safetensors"))


BAD = {
    "absent": (None, "there is no file"),
    "empty": (lambda data: b"", "cut short or damaged"),
    "truncated": (lambda data: data[: len(data) // 2], "cut short or damaged"),
    "text": (lambda data: b"not a file of weights", r"cannot be read.*safetensors\.torch\.save_file"),
    "zip of something else": (lambda data: b"PK\3\4" + bytes(30), "cut short or damaged"),
    "pickle that calls": (lambda data: zipped(b"\x80\x02cos\nsystem\nX\x04\0\0\0harm\x85R."), "asks for 'os system'"),
}


def zipped(pickled):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", pickled)
    return file.getvalue()


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_a_sentence(case, small_resnet, tmp_path):
    change, words = BAD[case]
    path = tmp_path / "model.pth"
    if change is not None:
        path.write_bytes(change(safetensors.numpy.save(small_resnet)))
    with pytest.raises(ZooError, match=words) as error:
        zoo.get("timm_resnet18", weights=str(path))
    assert str(path) in str(error.value)


def test_what_is_not_finite_or_no_file_of_this_network_is_refused(small_resnet, tmp_path):
    (broken := dict(small_resnet))["fc.bias"] = np.array([0, np.nan, 0], "float32")
    with pytest.raises(ZooError, match=r"fc\.bias holds what is no finite number"):
        zoo.get("timm_resnet18", weights=written(broken, tmp_path / "nan.safetensors"))
    with pytest.raises(UsageError, match=r"logistic takes no weights from a file.*timm_resnet18"):
        zoo.get("logistic", weights="model.safetensors")
    with pytest.raises(UsageError, match=r"comes without weights: give yours.*'resnet18', as weights_file="):
        zoo.finetune("textures", backbone="timm_resnet18")


def test_finetune_takes_the_file_and_its_result_does_without(tiny_photos, own_home, tmp_path):
    shapes = torch_shapes(zoo.get(SMALLEST, num_classes=CLASSES).build(), NAMES[SMALLEST].facts["torch_names"])
    tensors = numbers(shapes)
    file = tmp_path / "model.safetensors"
    out = tmp_path / "mine.keras"
    first = Backbone(SMALLEST, written(tensors, file))
    tuned = zoo.finetune(tiny_photos, backbone=SMALLEST, weights_file=file, out=out)
    assert tuned.summary["features"]["computed"] and first.conversion.done("network.keras")
    again = zoo.finetune(tiny_photos, backbone=SMALLEST, weights_file=file)
    assert not again.summary["features"]["computed"]
    written({**tensors, "conv_head.bias": tensors["conv_head.bias"] + 1}, file)
    other = Backbone(SMALLEST, file)
    assert not other.conversion.done("network.keras")
    assert FeatureEngine(other).identity["weights"] == hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    picture = Image.open(next(tiny_photos.rglob("*.jpg")))
    loaded = zoo.load(out)
    assert loaded.labels == ["dots", "stripes"] and str(tmp_path) not in json.dumps(loaded.get_config()["arguments"])
    np.testing.assert_allclose(
        [each.probability for each in loaded.predict([picture])],
        [each.probability for each in tuned.predict([picture])],
        atol=1e-3,
    )
