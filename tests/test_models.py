"""The shelf of models: what is special about the feed-forward ones, and the weights that come along."""

import json

import numpy as np
import pytest

import zoo
from zoo import catalog, cli
from zoo.data import sources
from zoo.errors import UsageError, ZooError
from zoo.saving import plain
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
    for wrong, message in (
        ([1.0], r"shape \(1,\); the model takes 2"),
        ([1.0, float("nan")], "not finite"),
        (["x", "y"], "no row of numbers"),
        ("photo.jpg", "cannot be read"),
    ):
        with pytest.raises(ZooError, match=message):
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
    assert np.abs(loaded.engine(points.astype(np.float32))[0] - net.engine(points.astype(np.float32))[0]).max() < 1e-5
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
    (answer,) = json.loads(out)
    assert "right on 70.0% (95 % interval 56.2% to 80.9%, n = 50) of catvnoncat's test split" in err
    assert {entry["label"] for entry in answer["top"]} == {"cat", "non-cat"}
    words = ["predict", "logistic", "chelsea", "--beside", "logistic"]
    assert cli.main(words) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "chelsea.png: cat 8" in first and second.startswith("  logistic says: cat 8")
    assert cli.main([*words, "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["beside"]["top"] == answer["top"]
    assert cli.main([*words, "--csv", "a.csv"]) == 2
