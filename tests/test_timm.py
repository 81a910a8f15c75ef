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
from zoo.checks import Subject, check_arguments, check_card, check_imports, check_parameters
from zoo.errors import UsageError, ZooError
from zoo.transfer.features import Backbone, FeatureEngine
from zoo.weights.assign import assign

CLASSES = 5
# Of each network what timm 1.0.31 says: a hash of the names and shapes of its tensors, and the logits of the first of
# `pixels(32)` with `numbers` for weights. `test_timm_itself_says_so` compares all this with timm, and prints it.
TIMM = {
    "timm_deit_tiny_patch16_224": ("3b7070cd99926eee", [0.11082, 0.30023, 1.07822, 0.69404, -0.0019]),
    "timm_efficientnet_b0": ("bec3d11215a13219", [-0.17258, 0.00681, 0.06559, 0.10882, -0.09364]),
    "timm_mobilenetv3_large_100": ("063ae00cd21eaed6", [-0.20403, 0.09888, -1.84546, 0.92727, -0.74639]),
    "timm_mobilenetv3_small_100": ("ff2338e6954d3982", [0.21017, 0.00378, 0.00506, -0.10865, 0.05132]),
    "timm_resnet18": ("c5c541532c05ce81", [0.0307, 0.6021, -0.6019, -0.07999, 0.10208]),
    "timm_resnet50": ("eec00f8b1461cb4e", [0.08135, -0.52689, 0.18832, 0.20805, -0.08242]),
    "timm_vit_tiny_patch16_224": ("3b7070cd99926eee", [-0.23869, 0.28058, 0.4888, 0.52215, -0.00746]),
}
NAMES = {name: card for name, card in catalog.cards().items() if "torch_names" in card.facts}
SMALLEST = "timm_mobilenetv3_small_100"  # as a file


def numbers(shapes):
    """Arrays by torch's names, drawn by the names alone, such that pictures make a difference to a deep network."""
    return {name: number(name, shape) for name, shape in shapes.items() if not name.endswith("num_batches_tracked")}


def number(name, shape):
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        array = random.uniform(0.5, 1.5, shape)
    elif name.endswith("se.conv_expand.bias"):  # open gates
        array = random.normal(2, 0.5, shape)
    elif name.endswith((".bias", "running_mean")) or name in ("cls_token", "pos_embed"):
        array = random.normal(0, 0.1, shape)
    elif len(shape) == 1:  # of a norm
        array = random.uniform(0.5, 1, shape)
    else:
        gain = 3 if ".conv_" in name and ".se." not in name else 1
        array = random.normal(0, (gain / np.prod(shape[1:])) ** 0.5, shape)
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
def test_it_answers_as_timm_does(name):
    """Names and shapes are timm's to the last tensor, and so are the answers."""
    names = NAMES[name].facts["torch_names"]
    model = zoo.get(name, input_shape=(32, 32, 3), num_classes=CLASSES).build()
    assert [layer.name for layer in model.layers[-2:]] == ["features", "head"]
    shapes = torch_shapes(model, names)
    assert digest(shapes) == TIMM[name][0]
    assign(model, numbers(shapes), names)
    logits = keras.ops.convert_to_numpy(model(pixels(32), training=False))
    np.testing.assert_allclose(logits[0], TIMM[name][1], atol=1e-4)


# The smallest of each file keeps the whole contract, see test_contract.py; the others differ from it by a few numbers.
@pytest.mark.parametrize("name", ["timm_resnet50", "timm_mobilenetv3_large_100", "timm_deit_tiny_patch16_224"])
@pytest.mark.parametrize("check", [check_card, check_imports, check_arguments, check_parameters])
def test_its_card_is_true(check, name):
    check(Subject(name))


@pytest.mark.parametrize("name", NAMES)
def test_timm_itself_says_so(name, tmp_path):
    timm = pytest.importorskip("timm", reason="compares with timm itself")
    torch = pytest.importorskip("torch")
    for side in (224, 32):
        sized = {"img_size": side} if "patch16" in name else {}
        theirs = timm.create_model(name.removeprefix("timm_"), num_classes=CLASSES, **sized).eval()
        shapes = {key: tuple(value.shape) for key, value in theirs.state_dict().items()}
        theirs.load_state_dict({key: torch.from_numpy(value) for key, value in numbers(shapes).items()}, strict=False)
        mean, deviation = (torch.tensor(theirs.pretrained_cfg[key])[:, None, None] for key in ("mean", "std"))
        x = (torch.from_numpy(pixels(side).transpose(0, 3, 1, 2)) / 255 - mean) / deviation
        with torch.no_grad():
            features = theirs.forward_head(theirs.forward_features(x), pre_logits=True).numpy()
            logits = theirs(x).numpy()
        files = [tmp_path / "model.safetensors", tmp_path / "new.pth", tmp_path / "old.pth"]
        safetensors.numpy.save_file({key: value.numpy() for key, value in theirs.state_dict().items()}, files[0])
        torch.save(theirs.state_dict(), files[1])
        torch.save(theirs.state_dict(), files[2], _use_new_zipfile_serialization=False)
        for file in files if name == "timm_resnet18" else files[:1]:
            ours = zoo.get(name, weights=str(file), input_shape=(side, side, 3)).model
            both = keras.Model(ours.input, [ours.get_layer("features").output, ours.output])(
                pixels(side), training=False
            )
            for what, our, their in zip(("features", "logits"), both, (features, logits), strict=True):
                our, scale = keras.ops.convert_to_numpy(our), np.abs(their).max()
                print(f"{name} {side} {file.name}: {what} off by {np.abs(our - their).max():.1e}, up to {scale:.2f}")
                np.testing.assert_allclose(our, their, atol=1e-4 * max(1, scale))
    assert np.abs(logits[0] - logits[1]).max() > 0.01  # the picture counts
    print(f'    "{name}": ("{digest(shapes)}", {[round(float(value), 5) for value in logits[0]]}),')
    assert digest(shapes) == TIMM[name][0]
    np.testing.assert_allclose(logits[0], TIMM[name][1], atol=1e-4)


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
    with pytest.raises(UsageError, match=r"comes without weights.*give yours.*'resnet18', as weights_file="):
        zoo.finetune("textures", backbone="timm_resnet18")


@pytest.mark.slow
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
