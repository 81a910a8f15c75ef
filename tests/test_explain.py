"""Where a classifier looks: against other ways of computing it, and on photos whose evidence lies in a known place."""

import json

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import backend
from zoo.backend import keras
from zoo.data import images
from zoo.errors import UsageError
from zoo.tasks.images.explanation import GRAD_CAM, GRADIENTS, heat_of


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")


def scaled(heat):
    heat = np.maximum(heat, 0)
    return heat / (heat.max() or 1)


@pytest.mark.skipif(backend.name() != "tensorflow", reason="computed by TensorFlow itself")
@pytest.mark.parametrize("variant", ["lean", "mnist"])
def test_grad_cam_is_what_tensorflow_gives(pixels, variant):
    """As the paper has it: mean gradients over the places as weights of the last maps."""
    import tensorflow as tf

    net = zoo.get("cnn", input_shape=(32, 32, 3), num_classes=3, variant=variant, seed=1)
    last = "features" if variant == "lean" else next(la.name for la in net.model.layers if "flatten" in la.name)
    both = keras.Model(net.model.input, [net.model.get_layer(last).input, net.model.output])
    some = 0
    for index, label in enumerate(net.class_names()):
        with tf.GradientTape() as tape:
            maps, logits = both(pixels[None].astype("float32"), training=False)
            logit = logits[:, index]
        weights = tf.reduce_mean(tape.gradient(logit, maps), axis=(1, 2))[0].numpy()
        explained = net.explain(pixels, label)
        assert explained.method == GRAD_CAM
        np.testing.assert_allclose(explained.heat, scaled(maps[0].numpy() @ weights), atol=1e-5)
        some += explained.heat.any()
    assert some


@pytest.mark.every_backend
def test_a_linear_head_on_means_needs_no_gradient(pixels):
    net = zoo.get("cnn", input_shape=(32, 32, 3), num_classes=3, variant="lean", seed=1)
    maps = keras.Model(net.model.input, net.model.get_layer("features").input)
    kernel = np.asarray(net.model.get_layer("head").get_weights()[0])
    maps = backend.predict(maps, pixels[None].astype("float32"))[0][0]
    np.testing.assert_allclose(net.explain(pixels, "class 2").heat, scaled(maps @ kernel[:, 2]), atol=1e-5)


@pytest.mark.every_backend
@pytest.mark.parametrize("name", ["logistic", "mlp"])
def test_gradients_of_the_net_in_numpy_are_those_of_its_twin(pixels, name):
    """And they are slopes: a step in one pixel changes the logit so."""
    net = zoo.get(name, engine="numpy", input_shape=(32, 32, 3), seed=2)
    net.parameters = [np.random.default_rng(3).normal(0, 0.1, p.shape) for p in net.parameters]
    before = net.engine(pixels[None])[0][0, 0]
    slopes = net.engine.slopes(pixels[None], 0)[0]
    for place in [(3, 5, 0), (15, 0, 2)]:
        more = pixels[None].astype(float)
        more[(0, *place)] += 1e-3
        assert (net.engine(more)[0][0, 0] - before) / 1e-3 == pytest.approx(slopes[place], rel=1e-3, abs=1e-7)
    for label in net.class_names():  # one logit speaks for the second class, and against the first
        ours = net.explain(pixels, label)
        index = net.class_names().index(label)
        theirs, method = heat_of(None, net._parts_at_maps, pixels, 0, 2 * index - 1)
        assert ours.method == method == GRADIENTS
        np.testing.assert_allclose(ours.heat, theirs, atol=1e-4)


def two_corners(draw):
    """A wide grey photo with dots at the left, further up, and stripes at the right, further down."""
    photo = Image.new("RGB", (300, 200), (128, 128, 128))
    photo.paste(draw(0, 500).resize((80, 80)), (60, 20))
    photo.paste(draw(1, 500).resize((80, 80)), (160, 100))
    return photo


def test_heat_lies_where_the_evidence_is(tuned, draw, tmp_path):
    """Each class in its own corner; and there once more when EXIF has turned the photo."""
    photo = two_corners(draw)
    turned, exif = photo.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6  # asks for a turn by 90 degrees, clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    for picture in (photo, tmp_path / "turned.png"):
        dots, stripes = (tuned.classifier.explain(picture, label) for label in ("dots", "stripes"))
        assert dots.method == GRAD_CAM and dots.overlay().size == (300, 200)
        (x, y), (u, v) = dots.hottest, stripes.hottest
        assert x < 0.5 and y < 0.5 and u > 0.5 and v > 0.5
        assert stripes.heat[:4].sum() < stripes.heat[3:].sum()
        reds = np.asarray(dots.overlay(), float)
        reds = reds[..., 0] - reds[..., 2]  # the photo itself is grey there, or nearly
        assert reds[20:100, 60:140].mean() > 3 * reds[100:180, 160:240].mean()


@pytest.mark.slow
def test_openvino_alone_gives_what_keras_gives(tuned, draw, as_if_without_keras):
    """The file answers without a framework, and its heat is the whole model's."""
    saved = zoo.load(tuned.out)
    ours = saved.explain(draw(0, 7), "dots")
    assert saved.engine.name == "openvino" and saved._model is None
    pixels = images.decode(draw(0, 7), saved.preprocessing)
    by_keras, method = heat_of(None, zoo.load(tuned.out)._parts_at_maps, pixels, 0, 1)
    assert method == ours.method == GRAD_CAM and ours.heat.shape == (7, 7)
    np.testing.assert_allclose(ours.heat, by_keras, atol=5e-3)


def test_the_command_draws_and_says(run, tuned, draw, tmp_path, as_if_without_keras):
    two_corners(draw).save(tmp_path / "two.png")
    (tmp_path / "text.jpg").write_text("no picture")
    code, out, err = run("explain", tuned.out, "two.png", "text.jpg", "--label", "dots", "--out", "heat.png", "--json")
    printed = json.loads(out)
    with Image.open(tmp_path / "heat.png") as drawn:
        assert drawn.width > 800
    assert code == 1 and "text.jpg" in err and "text file" in printed["photos"][1]["error"]
    assert printed["photos"][0]["method"] == GRAD_CAM and printed["photos"][0]["hottest"][0] < 0.5


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["TUNED", "two.png", "--out", "heat.jpg"], 2, ".png"),
        (["TUNED", "two.png", "--out", "two.png"], 1, "read here"),
        (["TUNED", "two.png", "--out", "heat.png", "--label", "dotz"], 2, "did you mean 'dots'"),
        (["TUNED", "none.png", "--out", "heat.png"], 1, "cannot be read"),
        (["char_lstm", "two.png", "--out", "heat.png"], 2, "has no `zoo explain`"),
        (["perceptron", "two.png", "--out", "heat.png"], 1, "train it first"),
    ],
)
def test_what_cannot_be_explained_is_told(run, tuned, draw, tmp_path, words, code, message):
    two_corners(draw).save(tmp_path / "two.png")
    before = (tmp_path / "two.png").read_bytes()
    ended, _, err = run("explain", *[tuned.out if word == "TUNED" else word for word in words])
    assert (ended, message in err) == (code, True), err
    assert (tmp_path / "two.png").read_bytes() == before and not (tmp_path / "heat.png").exists()


def test_points_have_no_place():
    with pytest.raises(UsageError, match="takes numbers"):
        zoo.get("perceptron").explain([1, 0])
