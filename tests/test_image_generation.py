"""Pictures out of noise: both players' gradients, what training keeps, the verbs, and scores derived otherwise."""

import functools
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.linalg import sqrtm

import zoo
from zoo import backend, cli
from zoo.backend import keras
from zoo.errors import ZooError
from zoo.tasks.images import adversarial, fidelity

SMALL = {"input_shape": (8, 8, 1), "latent": 4, "filters": 4}
RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (32, 12, 12, 1)).astype("uint8")
numbers = keras.ops.convert_to_numpy


def dcgan(**arguments):
    return zoo.get("dcgan", seed=0, **{**SMALL, **arguments})


@functools.cache
def begun():
    """A generator that is not quite at the beginning."""
    net = dcgan(input_shape=(12, 12, 1))  # two halvings: the judge normalises, too
    net.train(PIXELS, epochs=2, batch_size=8, learning_rate=0.01, progress=False)
    return net


def pair(average=0.9, label_smoothing=0.0):
    """A generator and a discriminator as the two players."""
    net = begun()
    judge = net._model_function("discriminator")()
    for weight in judge.trainable_weights:
        weight.assign(weight + RANDOM.normal(0, 0.1, weight.shape))
    return adversarial.players(net.model, judge, average=average, label_smoothing=label_smoothing, seed=3)


class TwoPasses(keras.Model):
    """What a loop would do: the discriminator on constants, then the generator through the discriminator."""

    def __init__(self, players, noise):
        super().__init__()
        self.generator, self.discriminator, self.noise = players.generator, players.discriminator, noise
        self.built = True

    def call(self, pixels, training=False):
        drawn = self.generator(self.noise, training=training)
        real = self.discriminator(pixels, training=training)
        told = self.discriminator(keras.ops.stop_gradient(drawn), training=training)
        fooled = self.discriminator(drawn, training=training)
        return real, told, fooled


@pytest.mark.every_backend
def test_the_fused_gradients_are_those_of_two_passes():
    players = pair()
    noise = keras.random.normal((32, 4), seed=keras.random.SeedGenerator(3))
    fused = backend.gradients(players, PIXELS, None, lambda y, scores: players.compute_loss(y_pred=scores))
    loop = TwoPasses(players, noise)

    def softplus(x):
        return keras.ops.mean(keras.ops.softplus(x))

    by_discriminator = backend.gradients(loop, PIXELS, None, lambda y, out: softplus(-out[0]) + softplus(out[1]))
    by_generator = backend.gradients(loop, PIXELS, None, lambda y, out: softplus(-out[2]))
    drawing = {id(variable) for variable in players.generator.trainable_variables}
    order = {id(variable): number for number, variable in enumerate(loop.trainable_variables)}
    for variable, found in zip(players.trainable_variables, fused, strict=True):
        expected = (by_generator if id(variable) in drawing else by_discriminator)[order[id(variable)]]
        assert np.abs(expected).max() > 0
        assert np.allclose(found, expected, rtol=1e-4, atol=1e-7), variable.path


@pytest.mark.every_backend
def test_moving_statistics_are_those_of_two_passes():
    """The generator's of one pass; the discriminator's of the real pictures and then the drawn ones."""
    players, noise = pair(), keras.random.normal((32, 4), seed=keras.random.SeedGenerator(3))
    before = [player.get_weights() for player in (players.generator, players.discriminator)]
    players(PIXELS, training=True)
    found = [player.get_weights() for player in (players.generator, players.discriminator)]
    for player, weights in zip((players.generator, players.discriminator), before, strict=True):
        player.set_weights(weights)
    drawn = players.generator(noise, training=True)
    players.discriminator(PIXELS, training=True)
    players.discriminator(drawn, training=True)
    expected = [player.get_weights() for player in (players.generator, players.discriminator)]
    for ours, theirs, old in zip(found, expected, before, strict=True):
        assert any(not np.allclose(a, b) for a, b in zip(theirs, old, strict=True))
        assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.every_backend
def test_label_smoothing_is_the_cross_entropy_with_a_softer_label():
    players = pair(label_smoothing=0.1)
    real = np.array([[2.0], [-1.0]], np.float32)
    zero = np.full((2, 1), -40.0, np.float32)  # drawn ones that are told for sure; g_loss is then 40
    loss = float(numbers(players.compute_loss(y_pred=tuple(map(keras.ops.convert_to_tensor, (real, zero, zero))))))
    share = 1 / (1 + np.exp(-real))
    assert loss - 40 == pytest.approx(-(0.9 * np.log(share) + 0.1 * np.log(1 - share)).mean(), abs=1e-4)


@pytest.mark.every_backend
def test_the_average_follows_the_weights():
    players = pair(average=0.5)
    start = players.averages()
    for weight in players.generator.weights:
        weight.assign(weight + 1)
    players(PIXELS, training=True)  # the share that is kept: the smaller of 0.5 and 1 / 11
    kernel = players.averages()[0]
    assert np.allclose(kernel, start[0] / 11 + (start[0] + 1) * 10 / 11, atol=1e-5)
    with_none = pair(average=0.0)
    with_none(PIXELS, training=True)
    assert np.allclose(with_none.averages()[0], with_none.generator.get_weights()[0])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small net that learned the embedded digits for a little while, its history, and the folder of the training."""
    folder = tmp_path_factory.mktemp("gan")
    net = zoo.get("dcgan", input_shape=(8, 8, 1), latent=8, filters=16, seed=0)
    history = net.train(
        "digits", epochs=8, batch_size=64, learning_rate=2e-3, average=0.9, folder=folder, progress=False
    )
    return net, history.history, folder


def test_learns_digits(trained):
    net, history, _ = trained
    real, drawn = zoo.data.sources.find("digits", classes=False), net.sample(256, seed=1)
    pixels, _, _ = zoo.data.sources.arrays(real.splits["train"], net.preprocessing)
    fresh = zoo.get("dcgan", input_shape=(8, 8, 1), latent=8, filters=16, seed=0).sample(256, seed=1)
    far = [
        fidelity.frechet(pixels.reshape(len(pixels), -1) / 255.0, some.reshape(256, -1) / 255.0)
        for some in (drawn, fresh)
    ]
    assert far[0] < 0.5 * far[1]
    assert set(history) == {"loss", "d_loss", "g_loss", "d_accuracy"}
    assert history["loss"][-1] == pytest.approx(history["d_loss"][-1] + history["g_loss"][-1], rel=1e-4)


def test_training_leaves_a_film(trained):
    _, _, folder = trained
    with Image.open(folder / "samples.gif") as film:
        assert film.n_frames == 8
    first, last = (np.asarray(Image.open(folder / "samples" / f"epoch-00{n}.png")) for n in (1, 8))
    assert last.shape == first.shape and last.std() > first.std()


@pytest.mark.parametrize("name", ["samples.gif", "samples/epoch-002.png", "samples"])
def test_samples_are_drawn_over_nothing_else(name, trained, tmp_path):
    net, _, folder = trained
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    Image.new("L", (8, 8)).save(file, format="PNG")
    before = file.read_bytes()
    with pytest.raises(ZooError, match=r"is no picture that the zoo drew|is a file"):
        net.train("digits", folder=tmp_path, epochs=1, progress=False)
    assert file.read_bytes() == before and not (tmp_path / "last.keras").exists()
    adversarial.check_samples(folder)  # its own


def test_a_film_of_many_epochs(tmp_path):
    """Written now and then and at the end, without pictures that are gone."""
    random = np.random.default_rng(1)

    def frames():
        with Image.open(tmp_path / "samples.gif") as found:
            return found.n_frames

    film, lengths = (
        adversarial.SampleLogger(lambda: random.integers(0, 256, (4, 8, 8, 1)).astype("uint8"), tmp_path),
        [],
    )
    for epoch in range(29):
        film.on_epoch_end(epoch)
        lengths.append(frames())
    assert lengths[:10] == [*range(1, 11)] and lengths[-1] == 27 and len(set(lengths)) < 20
    (tmp_path / "samples/epoch-002.png").unlink()
    film.on_train_end()
    assert frames() == 28


def test_what_is_saved_is_the_average(trained, tmp_path):
    net, _, folder = trained
    again = zoo.load(folder / "last.keras")
    assert np.array_equal(again.sample(4, seed=2), net.sample(4, seed=2))
    plain = keras.saving.load_model(folder / "last.keras")
    assert len(plain.weights) == len(net.model.weights)


# Verbs


def test_sampling(trained):
    net, _, _ = trained
    one = net.sample(300, seed=5)
    assert one.shape == (300, 8, 8, 1) and one.dtype == np.uint8
    assert np.array_equal(one, net.sample(300, seed=5)) and not np.array_equal(one, net.sample(300, seed=6))
    assert [len(piece) for piece in net.stream(600)] == [256, 256, 88]
    assert np.array_equal(net.sample(1, seed=5)[0], net._draw(net._noise(5)[None])[0])
    near = net.sample(300, seed=5, truncation=0.1)
    assert near.std(0).mean() < one.std(0).mean()


def test_the_way_between_two(trained):
    net, _, _ = trained
    way = net.interpolate(1, 2, steps=5)
    assert np.array_equal(way[0], net.sample(1, seed=1)[0]) and np.array_equal(way[-1], net.sample(1, seed=2)[0])
    assert np.array_equal(net.interpolate(1, 1, steps=3), np.repeat(net.sample(1, seed=1), 3, 0))


def test_arithmetic(trained):
    net, _, _ = trained
    a, b, c, result = net.arithmetic([1], [2], [2])
    assert np.array_equal(a, result) and np.array_equal(b, c)
    mean = np.mean([net._noise(1), net._noise(2)], 0)
    assert np.array_equal(net.arithmetic([1, 2], [3], [4])[0], net._draw(mean[None])[0])


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda net: net.sample(0), "n is 0"),
        (lambda net: net.sample(2.5), "n is 2.5"),
        (lambda net: net.sample(2, truncation=0), "truncation is 0"),
        (lambda net: net.interpolate(1, 2, steps=1), "steps is 1"),
        (lambda net: net.arithmetic([1], [], [2]), "one seed or more"),
        (lambda net: net.sample_to("grid.png", n=20_000), "too many for one file"),
        (lambda net: net.sample_to("grid.xyz", n=2), "cannot be written"),
        (lambda net: net.train(PIXELS, PIXELS), "leave out validation"),
        (lambda net: net.train(PIXELS, average=1), "average is 1"),
        (lambda net: net.train(PIXELS, label_smoothing=0.5), "label_smoothing is 0.5"),
        (lambda net: net.train(PIXELS, batch_size=64), "32 pictures, fewer than a batch of 64"),
        (lambda net: net.train(np.zeros((64, 8, 8, 1), "uint8")), "all the same"),
        (lambda net: net.evaluate(PIXELS, n=99), "n is 99"),
        (lambda net: net.evaluate(PIXELS, n=100), "32 real pictures are too few"),
        (lambda net: dcgan(input_shape=(5, 5, 1)).build(), "pictures of 5 x 5"),
        (lambda net: dcgan(input_shape=(4, 4, 1)).build(), "pictures of 4 x 4"),
        (lambda net: dcgan(input_shape=(8, 8)), "input_shape"),
        (lambda net: dcgan(latent=0).build(), "latent is 0"),
    ],
)
def test_what_makes_no_sense(act, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError, match=words):
        act(dcgan())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("shape", "smallest"), [((28, 28, 1), 7), ((32, 32, 3), 4), ((64, 64, 3), 4), ((48, 32, 3), 4), ((6, 6, 1), 3)]
)
def test_sides_double(shape, smallest):
    net = dcgan(input_shape=shape, filters=2)
    assert net.model.output_shape[1:] == shape
    assert min(net.model.get_layer(index=2).output.shape[1:3]) == smallest
    assert net._model_function("discriminator")().output_shape == (None, 1)


def test_a_folder_of_all_sorts(tmp_path, monkeypatch, capsys):
    """Mixed sizes and modes are brought to one; what cannot be read is named and left out."""
    monkeypatch.chdir(tmp_path)
    Path("all").mkdir()
    for number in range(12):
        size = (10 + number, 20 - number)
        Image.fromarray(RANDOM.integers(0, 256, (*size, 3)).astype("uint8")).save(f"all/{number}.png")
    Path("all/broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    words = "train dcgan --data all --size 8 --set latent=4 filters=4 --epochs 2 --batch-size 4 --json"
    assert cli.main(words.split()) == 0
    result = json.loads(capsys.readouterr().out)
    assert [Path(item["path"]).name for item in result["skipped"]] == ["broken.jpg"]
    assert len(result["history"]["d_loss"]) == 2 and Path("dcgan.training/samples.gif").is_file()
    assert zoo.load("dcgan.keras").sample(2).shape == (2, 8, 8, 3)


def test_a_collapse_and_a_victory_are_told():
    alike = adversarial.WarnOfCollapse(lambda: np.full((8, 2, 2, 1), 7), RANDOM.integers(0, 256, (8, 2, 2, 1)))
    fine = {"d_accuracy": 0.6, "g_loss": 1.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alike.on_epoch_end(0, fine)  # grey from the beginning: not yet
    alike.most = 0.8
    with pytest.warns(UserWarning, match=r"epoch 3: .*nearly all alike"):
        alike.on_epoch_end(2, fine)
    various = adversarial.WarnOfCollapse(
        lambda: RANDOM.integers(0, 256, (8, 2, 2, 1)), RANDOM.integers(0, 256, (8, 2, 2, 1))
    )
    with pytest.warns(UserWarning, match=r"discriminator tells 100\.0% right"):
        various.on_epoch_end(2, {"d_accuracy": 1.0, "g_loss": 9.0})


def test_the_command(trained, tmp_path, monkeypatch, capsys):
    net, _, _ = trained
    monkeypatch.chdir(tmp_path)
    net.save("gan.keras")
    assert cli.main(["sample", "gan.keras", "--n", "9", "--seed", "1", "--out", "grid.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"out": "grid.png", "n": 9, "seed": 1}
    with Image.open("grid.png") as grid:
        assert grid.size == (3 * 66, 3 * 66)
    assert cli.main(["sample", "gan.keras", "--n", "3", "--seed", "1", "--out", "drawn"]) == 0
    found = [np.asarray(Image.open(path)) for path in sorted(Path("drawn").iterdir())]
    assert np.array_equal(found, net.sample(3, seed=1)[..., 0])
    assert cli.main(["sample", "gan.keras", "--n", "0", "--out", "grid.png"]) == 2
    assert "n is 0" in capsys.readouterr().err
    assert cli.main(["evaluate", "gan.keras", "digits", "--n", "120", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 120
    assert cli.main(["evaluate", "logistic", "faces", "--n", "120"]) == 2
    assert "has no --n; leave it out" in capsys.readouterr().err


# Scores


def test_the_frechet_distance_against_another_derivation():
    a, b = RANDOM.normal(size=(200, 12)), RANDOM.normal(0.3, 1.5, (300, 12)) @ RANDOM.normal(size=(12, 12))
    left, right = np.cov(a.T), np.cov(b.T)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(left + right - 2 * np.real(sqrtm(left @ right)))
    assert fidelity.frechet(a, b) == pytest.approx(expected, rel=1e-6)


def test_the_frechet_distance_of_known_normal_distributions():
    """Of N(0, s²) and N(m, t²) in one dimension: m² + (s - t)²."""
    base = RANDOM.normal(size=(1000, 1))
    base = (base - base.mean()) / base.std(ddof=1)
    assert fidelity.frechet(2 * base, 3 * base + 4) == pytest.approx(17)
    assert fidelity.frechet(base, base) == pytest.approx(0, abs=1e-12)
    few = RANDOM.normal(size=(5, 40))  # fewer examples than dimensions: a covariance without an inverse
    assert fidelity.frechet(few, few) == pytest.approx(0, abs=1e-9)


def test_the_kernel_distance_against_loops(monkeypatch):
    monkeypatch.setattr(fidelity, "BLOCKS", 1)
    a, b = RANDOM.normal(size=(6, 3)), RANDOM.normal(1, 1, (6, 3))

    def k(x, y):
        return (x @ y / 3 + 1) ** 3

    off = [(i, j) for i in range(6) for j in range(6) if i != j]
    expected = np.mean([k(a[i], a[j]) + k(b[i], b[j]) for i, j in off]) - 2 * np.mean(
        [[k(x, y) for y in b] for x in a]
    )
    assert fidelity.kernel_distance(a, b, np.random.default_rng(0)).value == pytest.approx(expected)


def test_nearest():
    assert np.allclose(fidelity.nearest(np.array([[0.0, 0], [3, 4]]), np.array([[0.0, 1], [3, 0]])), [1, 4])


def test_colour_is_judged_by_another_net():
    judge, random = fidelity.Judge(3), np.random.default_rng(2)
    assert judge.name == "efficientnet_lite0 imagenet 579344248a93"
    features, classes = judge.look(random.integers(0, 256, (3, 8, 8, 3)).astype("uint8"), lambda pictures: None)
    assert features.shape == (3, 1280) and classes.shape == (3,)
    assert np.ptp(features, axis=0).max() > 0.1


@pytest.mark.slow
def test_an_evaluation(trained, monkeypatch):
    """Copies of what was learned have no distance; noise has a large one; one seed, one result."""
    monkeypatch.setattr(fidelity, "RESAMPLED", 3)  # most of the time goes there
    net, _, _ = trained
    mnist = zoo.data.sources.find("mnist_5k", classes=False)
    rule = zoo.get("cnn", weights="fashion_mnist").preprocessing
    real, learned = (zoo.data.sources.arrays(mnist.splits[part], rule)[0] for part in ("validation", "train"))
    real, learned = real[::3], learned[::4]  # they lie in the order of their classes
    noise = RANDOM.integers(0, 256, (300, 28, 28, 1)).astype("uint8")
    far = fidelity.compare(real, noise, learned, progress=False)
    near = fidelity.compare(real, learned, learned, "fashion_mnist", progress=False)
    assert near["frechet"].value < 0.1 * far["frechet"].value
    assert near["kid"].value < 0.1 * far["kid"].value
    assert near["kid"].n >= 10 and near["kid"].ci[0] < near["kid"].value < near["kid"].ci[1]
    assert near["frechet"].value < 2 * near["floor"] and near["nearest"] < 0.1 and far["nearest"] > 1
    assert "classes" not in far and sum(near["classes"].values()) == pytest.approx(1, abs=1e-3)
    assert near["least"] == pytest.approx(min(near["classes"].values()), abs=1e-4)
    first, second = RANDOM.normal(size=(2, 30, 3))
    one, same = (fidelity.frechet_with_interval(first, second, np.random.default_rng(0)) for _ in range(2))
    assert one == same and one.ci[0] < one.value < one.ci[1]
    found = net.evaluate("digits", n=120, progress=False)
    assert found["n"] == found["real"] == 120 and found["judge"].startswith("cnn fashion_mnist ")
    assert "Fréchet" in net._format_result(found) and json.dumps(found["frechet"].to_json())
    monkeypatch.setattr("zoo.tasks.images.base.AT_ONCE", 0)  # as where the pictures are too many to be in memory
    again = net.evaluate("digits", n=120, progress=False)
    for key in ("frechet", "kid", "floor", "nearest"):
        assert float(again[key]) == pytest.approx(float(found[key]), rel=1e-3), key
