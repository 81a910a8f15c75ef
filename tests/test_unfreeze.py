"""Unfreezing: where a network is cut, what learns and what stays, where activations are kept, how a run goes on."""

import json
import shutil
import types

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo import inference
from zoo.cli.images import unfreezing
from zoo.data import images, sources
from zoo.errors import UsageError, ZooError
from zoo.inference.engine import KerasEngine
from zoo.tasks.images.novelty import NoveltyDetector
from zoo.training import checkpoint
from zoo.transfer import activations, unfreeze
from zoo.transfer.activations import Activations, Trunk
from zoo.transfer.blocks import find_blocks
from zoo.transfer.cache import Cache
from zoo.transfer.features import Backbone
from zoo.transfer.head import solve

# Blocks


def conv(x, stride=1):
    return layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, stride, "same")(x)))


def residual(x):
    return layers.ReLU()(layers.Add()([x, conv(x)]))


def gated(x):  # squeeze and excitation, within a residual block
    y = conv(x)
    gate = layers.Dense(4, "sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    return layers.Add()([x, layers.Multiply()([y, gate])])


def gate_alone(x):
    return layers.Multiply()([x, layers.Dense(4, "sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))])


def dense(x):
    return layers.Concatenate()([x, conv(x)])


def norm(x):
    return layers.ReLU()(layers.BatchNormalization()(x))


SHAPES = {  # parts of a network, and which begin a block
    "chain": ((conv, conv, conv), 3),
    "residual": ((conv, residual, residual), 3),
    "what ends a network without a kernel belongs to its last block": ((conv, residual, norm), 2),
    "one after another without a residual": ((conv, residual, conv, conv), 3),
    "gates within": ((conv, gated, gated), 3),
    "a gate parts nothing": ((conv, residual, gate_alone, residual), 4),
    "dense": ((conv, dense, dense), 3),
}


@pytest.mark.parametrize("case", SHAPES)
def test_blocks(case):
    parts, count = SHAPES[case]
    x = pixels = keras.Input((8, 8, 4))
    for part in parts:
        x = part(x)
    model = keras.Model(pixels, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D(name="features")(x)))
    check_blocks(model, count)


def check_blocks(model, count):
    """The network is cut into so many parts, which hold all of its weights and one after another give its outputs."""
    blocks = find_blocks(model)
    assert len(blocks) == count and blocks[0].input is model.input
    within = [id(layer) for block in blocks for layer in block.layers]
    expected = [id(layer) for layer in model.layers if layer.weights and layer.name != "head"]
    assert sorted(within) == sorted({*within}) and {*expected} <= {*within}
    pixels = np.random.default_rng(0).uniform(0, 255, (2, *model.input_shape[1:])).astype("float32")
    whole = keras.ops.convert_to_numpy(model(pixels))
    for block in blocks[1:]:
        front, behind = keras.Model(model.input, block.input), keras.Model(block.input, model.output)
        assert np.allclose(keras.ops.convert_to_numpy(behind(front(pixels))), whole, atol=1e-5)


def test_blocks_of_a_backbone():
    model = zoo.get("efficientnet_lite0", input_shape=(32, 32, 3), num_classes=3, depth=0.6).build()
    check_blocks(model, 12)


def test_a_network_that_is_no_graph_has_no_blocks():
    one, two = (keras.Input((4,)) for _ in range(2))
    features = layers.Dense(2, name="features")(layers.Add()([one, two]))
    for model in (keras.Sequential([layers.Dense(2, name="features")]), keras.Model([one, two], features)):
        with pytest.raises(ZooError, match="no graph of layers"):
            find_blocks(model)


# Training


@pytest.fixture
def small(draw):
    """A small network with random weights, its solved head, pictures, and what a frozen backbone knows of them."""
    keras.utils.set_random_seed(0)
    model = zoo.get("efficientnet_lite0", input_shape=(32, 32, 3), num_classes=2, depth=0.3).build()
    items = [np.asarray(draw(kind, number)) for number in range(10) for kind in (0, 1)]
    pictures = sources.Pictures(items, np.arange(20) % 2, ["dots", "stripes"])
    rule = images.Preprocessing((32, 32))
    pixels = np.stack([images.decode(item, rule) for item in items])
    for layer in model.layers:  # statistics as after a training, else a deep network's activations come to nothing
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
    model(pixels, training=True)
    backbone = types.SimpleNamespace(rule=rule)
    engine = types.SimpleNamespace(name="keras", precision="float32", identity={"small": 0}, backbone=backbone)
    x = KerasEngine(model)(pixels)[1][:, None]
    head = solve(x, pictures.y, 2)
    model.get_layer("head").set_weights([head.kernel, head.bias])
    digests = [images.digest(item) for item in items]
    return types.SimpleNamespace(
        model=model, engine=engine, pictures=pictures, digests=digests, x=x, head=head, pixels=pixels
    )


def learn(small, what, **options):
    return unfreeze.learn(
        small.model, small.engine, small.pictures, small.digests, small.x, small.head, what, **options
    )


@pytest.mark.slow
@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_blocks_are_shown_two_pictures_at_once(small, own_home, mix):
    """Of activations as of pixels, and the same on every day: the labels that are seen are shares."""
    start, ends = small.model.get_weights(), []
    for how in (mix, mix, None):
        small.model.set_weights(start)
        ends.append(learn(small, "last", epochs=1, mix=how).model.get_weights())
    assert all(map(np.array_equal, ends[0], ends[1])) and not all(map(np.array_equal, ends[0], ends[2]))
    assert all(np.isfinite(weights).all() for weights in ends[0])


@pytest.mark.slow
@pytest.mark.parametrize("what", ["last", 2, "all"])
def test_what_learns_and_what_stays(small, own_home, what):
    """The blocks in front and all of batch normalisation stay to the bit; each unfrozen kernel moves."""
    blocks = find_blocks(small.model)
    count = unfreeze.count_blocks(small.model, what)
    before = {weight.path: keras.ops.convert_to_numpy(weight) for weight in small.model.weights}
    outcome = learn(small, what, epochs=1)
    after = {weight.path: keras.ops.convert_to_numpy(weight) for weight in outcome.model.weights}
    kernels = {
        layer.kernel.path
        for block in blocks[-count:]
        for layer in block.layers
        if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D)
    }
    moved = {path for path in before if not np.array_equal(before[path], after[path])}
    assert kernels <= moved <= kernels | {v.path for v in small.model.get_layer("head").variables}
    assert all(layer.trainable for layer in outcome.model.layers)
    assert outcome.about["blocks"] == count and outcome.about["of"] == len(blocks) == 3
    # the features are those of the network as it is now, but for the rounding of what was kept
    (_, features) = KerasEngine(outcome.model)(small.pixels)
    assert np.abs(outcome.x[:, 0] - features).max() <= 5e-3 * np.ptp(features)


def test_blocks_in_front_learn_slower(small):
    blocks = find_blocks(small.model)[-3:]
    tail = keras.Model(blocks[0].input, small.model.output)
    shares = dict(zip((v.path for v in tail.trainable_variables), unfreeze.shares_of_rate(tail, blocks), strict=True))
    of_block = [{shares[layer.kernel.path] for layer in b.layers if isinstance(layer, layers.Conv2D)} for b in blocks]
    assert [len(distinct) for distinct in of_block] == [1, 1, 1]
    (first,), (second,), (last,) = of_block
    assert unfreeze.SLOWEST < first < second < last == shares[small.model.get_layer("head").kernel.path] == 1
    # of two variables with the same gradient the one with half the share takes half the step
    one, two = (keras.Variable([1.0]) for _ in range(2))
    optimizer = unfreeze.SlowedAdam(0.1, [1.0, 0.5])
    optimizer.build([one, two])
    optimizer.apply([keras.ops.convert_to_tensor([3.0])] * 2)
    assert 1 - keras.ops.convert_to_numpy(one) == pytest.approx(2 * (1 - keras.ops.convert_to_numpy(two)), rel=1e-5)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_where_it_was(small, own_home, monkeypatch):
    start = small.model.get_weights()
    learn(small, 2, epochs=3, seed=1)
    unbroken = small.model.get_weights()
    small.model.set_weights(start)
    epochs = []

    def interrupted(self, epoch, logs=None, store=checkpoint.RunCheckpoint.on_epoch_end):
        store(self, epoch, logs)
        epochs.append(epoch)
        if epochs == [0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint.RunCheckpoint, "on_epoch_end", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(small, 2, epochs=3, seed=1)
    assert list(own_home.glob("unfreezing/*/resume.npz"))
    small.model.set_weights(start)
    learn(small, 2, epochs=3, seed=1)
    assert epochs == [0, 1, 2]
    assert all(np.array_equal(*pair) for pair in zip(unbroken, small.model.get_weights(), strict=True))
    assert not list(own_home.glob("unfreezing/*/*"))


def test_what_is_watched():
    """A fifth of each class, at least one and not all of it; of equal files all or none; at most so many."""
    y, digests = np.repeat([0, 1, 2], [40, 2, 2]), [str(i) for i in range(44)]
    digests[42] = digests[43] = "equal"
    watched = unfreeze.held_out(y, digests, 0)
    assert np.bincount(y[watched], minlength=3).tolist() == [8, 1, 0]
    assert watched.tolist() != unfreeze.held_out(y, digests, 1).tolist()
    many = unfreeze.held_out(np.arange(20000) % 2, [str(i) for i in range(20000)], 0)
    assert len(many) == unfreeze.WATCHED


def test_the_limit_of_novelty_is_that_of_pictures_apart():
    """Features that a network was fitted to lie nearer to their axes than those of new pictures of the same kind."""
    random = np.random.default_rng(0)

    def some(count, noise):
        return np.concatenate([5 + random.normal(size=(count, 4)), noise * random.normal(size=(count, 60))], axis=1)

    x, new = np.concatenate([some(400, 0.02), some(100, 0.3)]), some(400, 0.3)
    assert NoveltyDetector.fit(x[:400]).is_novel(new).mean() > 0.9
    detector = NoveltyDetector.fit(x, apart=np.arange(500) >= 400)
    assert detector.is_novel(new).mean() < 0.05 and detector.is_novel(some(400, 2)).mean() > 0.9


GAINS = {"better": [0.5, 0.7, 0.6, 0.8], "by accident": [2.0, 0.0, 2.0, 0.0], "worse": [2.0, 2.1, 2.2, 2.3]}


@pytest.mark.parametrize("case", GAINS)
def test_auto_decides_on_what_was_watched(small, own_home, monkeypatch, case):
    """It takes the unfrozen network where its loss on watched pictures is lower beyond their accidents."""
    losses = iter([np.array([1.0, 1.1, 1.2, 1.3]), np.array(GAINS[case])])
    monkeypatch.setattr(unfreeze, "ENOUGH", 2)
    monkeypatch.setattr(unfreeze.Judgement, "of", lambda *_: unfreeze.Judgement(next(losses), 0.5))
    monkeypatch.setattr(unfreeze, "train", lambda *_: types.SimpleNamespace(epoch=[0], best_epoch=1, history={}))
    outcome = learn(small, "auto", epochs=1)
    assert (outcome.model is small.model) == (case == "better") == (outcome.x is not small.x)
    assert outcome.about["blocks"] == int(case == "better") == int(outcome.head is not small.head)


def test_auto_says_where_pictures_are_too_few(small, own_home, capsys):
    assert learn(small, "auto").about == {"blocks": 0, "of": 3} and "too few" in capsys.readouterr().err


# Activations


FULL = {  # free bytes of disk and memory, in rows of a page: place and views
    "room": (10**6, 0, ("disk", 3)),
    "less": (int(2 * 20 / activations.SHARE) + 1, 0, ("disk", 2)),
    "memory": (3, 10**6, ("memory", 3)),
    "none": (3, 3, ("nowhere", 3)),
}


@pytest.mark.parametrize("case", FULL)
def test_a_disk_too_small(small, own_home, case, monkeypatch, capsys):
    disk, memory, expected = FULL[case]
    trunk = Trunk(small.engine, small.model, find_blocks(small.model)[-2].input, 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=disk * trunk.row_bytes))
    monkeypatch.setattr(activations.environment, "memory", lambda: {"available": memory * trunk.row_bytes})
    with Cache(trunk.identity, trunk.dtype) as cache:
        kept = Activations(trunk, small.pictures, small.digests, 3, cache)
        assert (kept.place, kept.views) == expected
        assert kept.fill() == (0 if kept.place == "nowhere" else 20 * kept.views)
        messages = capsys.readouterr().err
        assert ("MB are free" in messages) == (case != "room"), messages
        rows = np.array([0, kept.views + 1])  # the first picture as it is, and a view of the second
        pixels = [images.decode(small.pictures.items[i], trunk.rule, view) for i, view in ((0, 0), (1, 1))]
        (exact,) = KerasEngine(keras.Model(small.model.input, find_blocks(small.model)[-2].input))(np.stack(pixels))
        assert kept[rows].dtype == np.float32 and np.abs(kept[rows] - exact).max() <= 2e-3 * np.abs(exact).max()
    with Cache(trunk.identity, trunk.dtype) as cache:  # as another process would
        again = Activations(trunk, small.pictures, small.digests, kept.views, cache)
        assert again.fill() == (60 if kept.place == "memory" else 0)


def test_damaged_activations_are_computed_anew(small, own_home):
    trunk = Trunk(small.engine, small.model, find_blocks(small.model)[-1].input, 1)
    with Cache(trunk.identity, trunk.dtype) as cache:
        kept = Activations(trunk, small.pictures, small.digests, 1, cache)
        kept.fill()
        before = kept[:]
        cache.connection.execute("UPDATE features SET row = zeroblob(length(row))")
        assert np.allclose(kept[:], before, atol=2e-3 * np.abs(before).max())


@pytest.mark.slow
@pytest.mark.skipif(not inference.available(), reason="openvino is not installed")
def test_openvino_computes_the_trunk(tuned, draw):
    """The converted network is cut where Keras' is, which is found by the values there."""
    backbone = Backbone("efficientnet_lite0")
    model = backbone.archive().build()
    (pixels,) = [np.stack([images.decode(draw(kind, 7), backbone.rule) for kind in (0, 1)])]
    blocks = find_blocks(model)
    engine = types.SimpleNamespace(name="openvino", precision="float32", identity={}, backbone=backbone)
    for block in (blocks[-1], blocks[-7]):
        trunk = Trunk(engine, model, block.input, 1)
        assert trunk.engine.name == "openvino"
        (exact,) = KerasEngine(keras.Model(model.input, block.input))(pixels)
        assert np.abs(trunk.engine(pixels)[0] - exact).max() <= 1e-3 * np.ptp(exact)


# Fine-tuning, whole


@pytest.fixture(scope="module")
def unfrozen(tuned, tmp_path_factory):
    out = tmp_path_factory.mktemp("unfrozen") / "unfrozen.keras"
    return zoo.finetune(tuned.photos, unfreeze="last", epochs=1, out=out), out


@pytest.mark.slow
def test_the_reported_numbers_are_those_of_the_file(unfrozen, tuned):
    classifier, out = unfrozen
    loaded = zoo.load(out)
    opened, reported = loaded.evaluate(tuned.photos / "val", progress=False), classifier.summary["validation"]
    assert opened["accuracy"] == reported["accuracy"] == zoo.load(out).metrics["accuracy"]
    assert opened["confusion"] == reported["confusion"]
    done = json.loads(json.dumps(classifier.summary["unfrozen"]))
    assert (done["blocks"], done["epochs"], done["activations"], done["views"]) == (1, 1, "disk", unfreeze.VIEWS)
    assert unfreezing(done).startswith("Unfreezing: the last block of 15 learned. On 4 training pictures")
    assert loaded._known_pictures == tuned.classifier._known_pictures
    # plain Keras opens it, and its blocks are others than those of the frozen network
    plain = keras.saving.load_model(out)
    paths = sorted((tuned.photos / "val").glob("*/*.jpg"))[::5]
    pixels = np.stack([images.decode(path, loaded.preprocessing) for path in paths])
    logits = keras.ops.convert_to_numpy(plain(pixels))
    assert [loaded.labels[i] for i in logits.argmax(axis=1)] == [p.label for p in classifier.predict(paths)]
    kernels = [net.get_layer("conv_head").get_weights()[0] for net in (plain, tuned.classifier.model)]
    assert not np.array_equal(*kernels)


def test_auto_may_keep_the_frozen_head(tuned, tmp_path, capsys):
    """Of so few pictures there is no telling, and the file is the one that is made without unfreezing."""
    done = zoo.finetune(tuned.photos, unfreeze="auto", out=tmp_path / "auto.keras").summary
    assert done["unfrozen"]["blocks"] == 0 and "24 training pictures are too few" in capsys.readouterr().err
    assert done["validation"] == tuned.classifier.summary["validation"]
    one, two = (zoo.load(path)._archive.members["model.weights.h5"] for path in (tmp_path / "auto.keras", tuned.out))
    assert one == two


REFUSED = {
    "word": ({"unfreeze": "lats"}, "did you mean 'last'"),
    "number": ({"unfreeze": 0}, "unfreeze is 0; accepted are whole numbers of 1 or more"),
    "truth": ({"unfreeze": True}, "unfreeze is True"),
    "fraction": ({"unfreeze": 0.5}, "unfreeze is 0.5"),
    "larger than the net": ({"unfreeze": 99}, "unfreeze is 99, and efficientnet_lite0 has 15 blocks"),
    "epochs alone": ({"epochs": 3}, "epochs: for blocks that learn"),
    "mix alone": ({"mix": "mixup"}, "mix: for blocks that learn"),
    "mix": ({"unfreeze": "last", "mix": "mixcut"}, "mix is 'mixcut'"),
    "no epochs": ({"unfreeze": "last", "epochs": 0}, "epochs is 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_unfrozen(case, tuned):
    options, words = REFUSED[case]
    with pytest.raises(UsageError, match=words.replace("'", "['\"]")):
        zoo.finetune(tuned.photos, **options)
