"""The course's feed-forward models: what is special about each, how training varies, what they get wrong."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import catalog, cli
from zoo.data import sources
from zoo.data.images.augment import WAYS, augmentation
from zoo.errors import UsageError, ZooError
from zoo.saving import plain
from zoo.training.order import Shuffled
from zoo.weights.load import find

# The perceptron


def test_the_perceptron_ends_without_mistakes_on_separable_points():
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 5))
    side = x @ random.normal(size=5) + 0.3
    x, side = x[abs(side) > 0.2], side[abs(side) > 0.2]  # with a margin: how long it takes depends on it
    net = zoo.get("perceptron", input_shape=(5,), seed=0)
    net.train((x, np.where(side > 0, "in", "out")), epochs=30, progress=False)
    assert net.evaluate((x, np.where(side > 0, "in", "out")), progress=False)["accuracy"].value == 1


def test_the_perceptron_moves_by_the_point_that_it_got_wrong():
    net = zoo.get("perceptron", input_shape=(2,), seed=0)
    net.build()
    x = np.array([[2.0, 3.0], [2.0, 3.0], [-1.0, -1.0], [-1.0, -1.0]])
    net.train((x, [1, 1, 0, 0]), epochs=1, batch_size=4, learning_rate=1.0, progress=False)
    kernel, bias = net.model.get_weights()
    assert kernel[:, 0].tolist() == [1.5, 2] and bias.tolist() == [0]  # the mean of +(2, 3), +(2, 3), -(-1, -1) twice
    net.train((x, [1, 1, 0, 0]), epochs=3, batch_size=4, learning_rate=1.0, progress=False)
    assert net.model.get_weights()[0][:, 0].tolist() == [1.5, 2]  # all right: nothing moves


def test_eat_it_or_not():
    dataset = sources.load("eat_it")
    assert [dataset.labels[i] for i in dataset.splits["train"].y] == ["leave it"] * 3 + ["eat it"] * 5
    net = zoo.get("perceptron")
    net._match_classes(dataset.labels)
    net.model.set_weights([np.array([[10.0], [3.0], [1.0]]), np.array([-3.5])])  # the course's weights and threshold
    assert net.evaluate("eat_it", progress=False)["accuracy"].value == 1
    assert [net.predict(p).label for p in ([1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 1])] == [
        "eat it", "eat it", "leave it", "leave it",
    ]  # fmt: skip
    learned = zoo.get("perceptron", seed=1)
    learned.train(progress=False)
    assert learned.evaluate("eat_it", progress=False)["accuracy"].value == 1


# Points


def test_points_that_are_none_are_explained():
    net = zoo.get("mlp", input_shape=(2,), hidden=(3,))
    net._match_classes(["a", "b"])
    for wrong, said in (
        ([1.0], r"shape \(1,\); the model takes 2"),
        ([1.0, float("nan")], "not finite"),
        (["x", "y"], "no row of numbers"),
        ("photo.jpg", "cannot be read"),
    ):
        with pytest.raises(ZooError, match=said):
            net.predict(wrong)
    assert len(net.predict(np.zeros((3, 2)))) == 3 and net.predict([0, 0]).label in ("a", "b")
    with pytest.raises(ZooError, match="none of the 4"):
        net.evaluate((np.zeros((4, 3)), ["a", "b"] * 2), progress=False)


@pytest.mark.parametrize("shape", [(3, 3), (0,), "12", None, (2.5,), (8, 8, 2)])
def test_input_shapes_that_are_none(shape):
    with pytest.raises(UsageError):
        zoo.get("mlp", input_shape=shape)


def test_the_flower_is_the_course_s():
    petals = sources.load("planar_flower").splits["train"]
    radius = np.hypot(*petals.items.T)
    assert len(petals) == 400 and petals.y.tolist() == [0] * 200 + [1] * 200
    assert 4 < radius.max() < 5 and petals.items[0] == pytest.approx([1.20444229, 3.57611413])


def test_a_net_of_points_is_saved_with_what_it_takes(tmp_path):
    net = zoo.get("mlp", input_shape=(2,), hidden=(8,), activation="tanh", seed=0)
    net.train("planar_flower", epochs=2, learning_rate=1.0, progress=False)
    net.save(tmp_path / "flower.keras")
    loaded = zoo.load(tmp_path / "flower.keras")
    points = sources.load("planar_flower").splits["train"].items[::50]
    assert np.abs(loaded._logits(points.astype(np.float32)) - net._logits(points.astype(np.float32))).max() < 1e-5
    assert loaded.predict(points[0]).label in ("red", "blue")


# What the MLP and the CNN are


def test_the_course_s_first_weights():
    import keras

    two, four = (zoo.get("mlp", hidden=hidden, initialisation="course").build() for hidden in ((7,), (20, 7, 5)))
    random = np.random.RandomState(1)
    w1, w2 = random.randn(7, 12288) * 0.01, random.randn(1, 7) * 0.01  # the course's lines
    assert np.allclose(keras.ops.convert_to_numpy(two.get_layer("head").kernel), w2.T)
    assert np.allclose(two.get_weights()[0], w1.T)
    assert four.get_weights()[0].std() == pytest.approx(12288**-0.5, rel=0.01)


def test_mlp_options():
    net = zoo.get("mlp", input_shape=(6,), hidden=(5, 4), batch_norm=True, dropout=0.2, num_classes=3).build()
    kinds = [type(layer).__name__ for layer in net.layers]
    assert kinds.count("BatchNormalization") == kinds.count("Dropout") == 2 and net.output_shape == (None, 3)


def test_cnn_variants():
    assert zoo.get("cnn").build().count_params() == 34_826  # as keras.io prints it
    for shape in ((28, 28, 1), (32, 32, 3), (9, 9, 1)):
        assert zoo.get("cnn", input_shape=shape, variant="lean").build().output_shape == (None, 10)
    with pytest.raises(ZooError, match="'mnist', 'lean'"):
        zoo.get("cnn", variant="resnet").build()


# How training varies and slows


def test_flip_and_shift():
    x = np.arange(6 * 16 * 16 * 3).reshape(6, 16, 16, 3)
    flipped = WAYS["flip"](x, np.random.default_rng(0))
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(flipped, x, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(flipped, x, strict=True)]
    assert any(mirrored) and any(same) and all(a != b for a, b in zip(mirrored, same, strict=True))
    shifted = WAYS["shift"](x, np.random.default_rng(0))
    for moved, picture in zip(shifted, x, strict=True):
        middle = moved[8, 8]  # somewhere within two pixels of where it was
        assert any(np.array_equal(middle, picture[8 + i, 8 + j]) for i in range(-2, 3) for j in range(-2, 3))
    vary = augmentation(["flip", "shift"])
    one, two = (vary(x, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, two) and one.shape == x.shape and augmentation([]) is None
    assert WAYS["shift"](x[:, :1, :1], np.random.default_rng(0)).shape == (6, 1, 1, 3)


def test_augmentation_that_is_none():
    with pytest.raises(UsageError, match="did you mean 'flip'"):
        augmentation(["flips"])
    net = zoo.get("perceptron", input_shape=(2,))
    with pytest.raises(UsageError, match="varies pictures"):
        net.train(net._toy_data(), augment=["flip"], epochs=1, progress=False)


def test_every_example_is_seen_once_in_a_pass():
    order = Shuffled(10, 4, seed=3)
    for number in range(3):
        assert sorted(i for s in range(3) for i in order.rows(number * 3 + s)) == list(range(10))
    assert (
        order.rows(0).tolist() == Shuffled(10, 4, seed=3).rows(0).tolist() != Shuffled(10, 4, seed=4).rows(0).tolist()
    )
    whole = Shuffled(10, 4, seed=3, whole=True)  # two full batches, and the same examples in them
    assert whole.steps == 2 and [whole.rows(s).tolist() for s in (0, 1)] == [order.rows(s).tolist() for s in (0, 1)]
    assert len(whole.rows(2)) == 4 and Shuffled(10, 10, 0, whole=True).steps == 1


def test_the_cosine_rises_and_falls():
    from zoo.training.run import learning_rate_schedule

    rate = learning_rate_schedule("cosine", 0.1, 100)
    values = [float(rate(step)) for step in (0, 5, 10, 55, 100)]
    assert values[0] == pytest.approx(0.01) and values[2] == pytest.approx(0.1) and values[4] < 1e-6
    assert values[0] < values[1] < values[2] > values[3] > values[4]
    assert learning_rate_schedule("constant", 0.1, 9) == 0.1
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    with pytest.raises(UsageError, match="'cosine' and 'constant'"):
        net.train(net._toy_data(), schedule="linear", epochs=1, progress=False)


@pytest.mark.parametrize("engine", ["keras", "numpy"])
def test_logistic_takes_points_as_they_are(engine):
    x = np.random.default_rng(0).normal(size=(100, 2))
    net = zoo.get("logistic", input_shape=(2,), engine=engine, seed=0)
    net.train((x, (x.sum(1) > 0).astype(int)), epochs=5, progress=False)
    assert net.evaluate((x, (x.sum(1) > 0).astype(int)), progress=False)["accuracy"].value > 0.95


def test_a_loaded_model_trains_as_its_kind_does(tmp_path):
    net = zoo.get("perceptron", input_shape=(2,))
    net.save(tmp_path / "p.keras")
    loaded = zoo.load(tmp_path / "p.keras")
    assert loaded._model_loss().__name__ == "perceptron_criterion" and loaded.entry.batch_size == 1


# What the first layer looks for


def test_drawings(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    unit = zoo.get("perceptron")
    unit.model.set_weights([np.array([[10.0], [3.0], [1.0]]), np.array([-3.5])])
    shapes = {"unit.png": unit.visualise(tmp_path)[0]}
    net = zoo.get("cnn", input_shape=(12, 12, 1), variant="lean")
    shapes |= {path.name: path for path in net.visualise(tmp_path, np.zeros((20, 30), np.uint8))}
    shapes |= {path.name: path for path in zoo.get("mlp", input_shape=(8, 8, 1), hidden=(3,)).visualise(tmp_path)}
    assert {*shapes} == {"unit.png", "filters.png", "activations.png", "weights.png"}
    for path in shapes.values():
        with Image.open(path) as image:
            low, high = image.convert("L").getextrema()
        assert min(image.size) > 100 and high - low > 100  # not blank
    assert cli.main(["visualise", "logistic", "--out", str(tmp_path / "l"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(tmp_path / "l" / "weights.png")]}
    with pytest.raises(ZooError, match="3 units on points"):
        zoo.get("mlp", input_shape=(2,), hidden=(3,)).visualise(tmp_path)


# What it gets wrong


@pytest.fixture
def evaluation():
    """A net that says "light" of whatever is bright, and pictures of which three are called otherwise."""
    net = zoo.get("logistic", input_shape=(4, 4, 1))
    net._match_classes(["dark", "light <b>"])
    net.model.set_weights([np.full((16, 1), 1.0), np.array([-8.0])])
    levels = [10, 20, 100, 160, 200, 250]
    x = np.stack([np.full((4, 4), level, np.uint8) for level in levels])
    return net.evaluate((x, ["dark", "light <b>", "light <b>", "dark", "light <b>", "dark"]), progress=False)


def test_errors_come_with_the_most_confident_first(evaluation):
    errors = evaluation.errors()
    assert [e.name for e in errors] == ["picture 5", "picture 1", "picture 3", "picture 2"]
    assert [e.truth for e in errors] == ["dark", "light <b>", "dark", "light <b>"]
    assert all(a.probability >= b.probability for a, b in itertools.pairwise(errors))
    assert errors[0].pixels.shape == (4, 4, 1) and errors[0].pixels.max() == 250 and len(evaluation.errors(2)) == 2
    assert evaluation["accuracy"].value == pytest.approx(2 / 6)


def test_the_page_of_errors(evaluation, tmp_path):
    evaluation.page(tmp_path / "wrong.html", "net on <data>")
    text = (tmp_path / "wrong.html").read_text()
    assert text.count("<img ") == 4 and text.count("data:image/png;base64,") == 4 and "<b>" not in text
    assert "dark taken for light &lt;b&gt;: 2" in text and "33.3%" in text and "net on &lt;data&gt;" in text
    assert not re.findall(r'(src|href)="(?!data:)', text)  # it stands alone
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.html"]


def test_evaluate_errors_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = zoo.get("logistic", input_shape=(25, 25, 1))
    net._match_classes(["face", "not a face"])
    net.save("a.keras")
    assert cli.main(["evaluate", "a.keras", "faces", "--errors", "wrong.html", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["accuracy"]["n"] == 60 and "wrong.html: 30 mistakes" in err
    assert Path("wrong.html").read_text().count("<img ") == 30
    assert cli.main(["evaluate", "a.keras", "faces", "--errors", "wrong.txt"]) == 2


# The weights that come with the zoo

OWN = [weights for card in catalog.cards().values() for weights in card.weights.values() if weights.is_saved_file]


@pytest.mark.parametrize("card", OWN, ids=lambda card: card.path.stem)
def test_own_weights_are_what_their_card_says(card):
    model, name = card.model, card.name
    assert find(card).stat().st_size < 8e6 and card.scores_source and {"data", "mean"} <= card.provenance.keys()
    metric, score = next(iter(card.scores.items()))
    net = zoo.get(model, weights=name)
    built, opened = net.build(), zoo.get(model, weights=name).model  # and its self-test passes
    assert all(np.array_equal(a, b) for a, b in zip(built.get_weights(), opened.get_weights(), strict=True))
    assert net.metrics[metric].to_json()["value"] == score["value"]
    assert model in zoo.list(weights=True) and name in str(zoo.show(model))
    data = card.provenance["data"]["name"]
    if data in zoo.data.named.available() and score["n"] <= 1000 and "judged_by" not in card.provenance:
        assert plain(net.evaluate(data, progress=False)[metric]) == score


def test_all_own_weights_are_small():
    assert sum(find(card).stat().st_size for card in OWN) < 40e6


def test_weights_of_a_models_own_dataset_come_first():
    assert list(catalog.card("dcgan").weights) == ["fashion_mnist", "cifar10"]


def test_own_weights_are_of_the_arguments_they_were_trained_with():
    with pytest.raises(UsageError, match=r"leave out input_shape"):
        zoo.get("logistic", weights="catvnoncat", input_shape=(8, 8, 3))
    with pytest.raises(UsageError, match="it has 'catvnoncat'"):
        zoo.get("logistic", weights="imagenet")


def test_predict_with_named_weights(capsys):
    assert cli.main(["predict", "logistic", "chelsea", "--weights", "catvnoncat", "--json"]) == 0
    out, err = capsys.readouterr()
    (said,) = json.loads(out)
    assert "right on 70.0% (95 % interval 56.2% to 80.9%, n = 50) of catvnoncat's test split" in err
    assert {entry["label"] for entry in said["top"]} == {"cat", "non-cat"}
    words = ["predict", "logistic", "chelsea", "--beside", "logistic"]
    assert cli.main(words) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "chelsea.png: cat 8" in first and second.startswith("  logistic says: cat 8")
    assert cli.main([*words, "--json"]) == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert said["beside"]["top"] == said["top"]
    assert cli.main([*words, "--csv", "a.csv"]) == 2
