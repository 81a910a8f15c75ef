"""Training: what is kept on disk, exact resume, the order of the examples, and how a failure is told."""

import csv
import dataclasses
import functools
import json
import random
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import zoo
from zoo import backend
from zoo.data import sources
from zoo.data.images.augment import WAYS, Augmentation
from zoo.errors import UsageError, ZooError
from zoo.training.loop import Batches
from zoo.training.order import Balanced, FitData, Shuffled

EPOCHS, BROKEN_AT = 4, 2


def data(seed=0, n=24):
    """Noisy pictures whose second class is a little brighter."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return (random.normal(100 + 30 * y[:, None, None, None], 40, (n, 8, 8, 3)).clip(0, 255).astype("uint8"), y)


DROPOUT = '''
"""A model with all the kinds of state that a step can have."""
import keras
import zoo

@zoo.register(task="classification", source="written for the tests", batch_size=8)
def with_dropout(input_shape=(8, 8, 3), num_classes=2):
    """A normalised hidden layer, and two layers that draw."""
    pixels = keras.Input(input_shape)
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    x = keras.layers.GaussianNoise(0.1)(x)
    x = keras.layers.BatchNormalization()(keras.layers.Dense(8, activation="relu")(x))
    return keras.Model(pixels, keras.layers.Dense(num_classes)(keras.layers.Dropout(0.5)(x)))
'''


@pytest.fixture(scope="module")
def dropout_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("models") / "with_dropout.py"
    file.write_text(DROPOUT)
    return str(file)


def train(folder=None, name="logistic", epochs=EPOCHS, seed=1, given=None, **arguments):
    model = zoo.get(name, seed=seed, input_shape=(8, 8, 3))
    arguments = {"validation": data(1), "batch_size": 8, "progress": False, **arguments}
    history = model.train(data() if given is None else given, epochs=epochs, folder=folder, **arguments)
    return model, history


def weights(model):
    return [keras.ops.convert_to_numpy(v) for v in [*model.model.variables, *model.model.optimizer.variables]]


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_what_a_run_keeps(tmp_path):
    model, history = train(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"best.keras", "last.keras", "resume.npz", "log.csv"}
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.epoch == list(range(EPOCHS))
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == history.epoch
    for key, values in history.history.items():
        assert [float(row[key]) for row in rows] == values
    best = history.history["val_accuracy"][history.best_epoch - 1]
    assert best == max(history.history["val_accuracy"])
    assert equal(zoo.load(tmp_path / "best.keras").model.get_weights(), model.model.get_weights())
    assert zoo.load(tmp_path / "last.keras").labels == ["0", "1"]
    assert float(model.evaluate(data(1), progress=False)["accuracy"]) == pytest.approx(best)


def test_what_callbacks_log_is_in_the_history(tmp_path):
    class Gap(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["gap"] = logs["val_loss"] - logs["loss"]

    kept, free = (train(folder, batch_size=None, callbacks=[Gap()])[1].history for folder in (tmp_path, None))
    assert free == kept and len(free["cost"]) == EPOCHS
    assert free["gap"] == [v - t for v, t in zip(free["val_loss"], free["loss"], strict=True)]


def test_without_a_folder_nothing_is_written_and_no_number_differs(tmp_path, monkeypatch, finished):
    monkeypatch.chdir(tmp_path)
    _, history = train(epochs=2)
    assert not list(tmp_path.iterdir()) and history.history == finished[1]


def stop_early():
    return keras.callbacks.EarlyStopping("val_loss", patience=4, min_delta=0.001, restore_best_weights=True)


def slow_down():
    return keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=0.05, verbose=0)


CASES = {
    "ragged last batch, epochs that end within a pass, no validation, momentum": (
        {
            "batch_size": 7,
            "steps_per_epoch": 3,
            "validation": None,
            "optimizer": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
        },
        list,
    ),
    "dropout, noise, normalisation, callbacks": (
        {"name": "with_dropout", "optimizer": lambda: "adam", "learning_rate": 0.03},
        lambda: [stop_early(), slow_down()],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_stopped_and_resumed_is_unbroken(case, tmp_path, dropout_file):
    arguments, callbacks = dict(CASES[case][0]), CASES[case][1]
    arguments["name"] = dropout_file if "name" in arguments else "logistic"
    optimizer = arguments.pop("optimizer", lambda: None)

    def run(folder, epochs, resume=False):
        made = {"optimizer": optimizer(), "callbacks": callbacks()}
        return train(tmp_path / folder, epochs=epochs, resume=resume, **made, **arguments)

    whole, history = run("whole", EPOCHS)
    run("broken", BROKEN_AT)
    resumed, its_history = run("broken", EPOCHS, resume=True)
    assert its_history.history == history.history
    assert its_history.epoch == history.epoch and its_history.best_epoch == history.best_epoch
    assert equal(weights(resumed), weights(whole))
    for name in {path.name for path in (tmp_path / "whole").glob("*.keras")}:
        one, other = (zoo.load(tmp_path / folder / name).model.get_weights() for folder in ("whole", "broken"))
        assert equal(one, other), name


def test_early_stopping_stops_a_resumed_run_where_it_stops_an_unbroken_one(tmp_path):
    def run(folder, epochs, resume=False):
        callbacks = [keras.callbacks.EarlyStopping("loss", patience=3, min_delta=10)]
        return train(tmp_path / folder, epochs=epochs, resume=resume, validation=None, callbacks=callbacks)[1].history[
            "loss"
        ]

    whole = run("whole", 10)
    assert len(whole) == 4  # the first epoch, and three without a gain of ten
    run("broken", 2)
    assert run("broken", 10, resume=True) == whole


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    model, history = train(tmp_path, epochs=3)
    again, its_history = train(tmp_path, epochs=3, resume=True)
    assert its_history.history == history.history and its_history.best_epoch == history.best_epoch
    assert equal(again.model.get_weights(), model.model.get_weights())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The resume file of two epochs, and their history."""
    folder = tmp_path_factory.mktemp("finished")
    _, history = train(folder, epochs=2)
    return (folder / "resume.npz").read_bytes(), history.history


REFUSED = {
    "other data": ({"given": data(5)}, "its data differ"),
    "other arguments": (
        {"given": (np.repeat(data()[0], 2, 0), np.arange(48) % 3), "validation": None},
        "its arguments, data differ",
    ),
    "other validation": ({"validation": data(7)}, "data differ"),
    "other optimizer": ({"optimizer": "adam"}, "its optimizer differ"),
    "other learning rate": ({"learning_rate": 0.5}, "its optimizer differ"),
    "other callbacks": ({"callbacks": [keras.callbacks.EarlyStopping()]}, "started with these callbacks: none"),
    "other batch size": ({"batch_size": 4}, "its batch_size differ"),
    "other seed": ({"seed": 2}, "its seed differ"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_resume_of_another_run_is_refused(case, tmp_path, finished):
    change, words = REFUSED[case]
    (tmp_path / "resume.npz").write_bytes(finished[0])
    with pytest.raises(ZooError) as error:
        train(tmp_path, epochs=2, resume=True, **change)
    assert words in str(error.value)
    assert (tmp_path / "resume.npz").read_bytes() == finished[0]


def test_resume_without_a_run(tmp_path):
    with pytest.raises(ZooError, match="no run to resume in"):
        train(tmp_path / "nowhere", resume=True)
    with pytest.raises(ZooError, match="resume=True needs the folder="):
        train(resume=True)


def without(path, key):
    with np.load(path) as file:
        np.savez(path, **{name: array for name, array in file.items() if name != key})


DAMAGE = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "cut at the middle": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"hello"),
    "no content": lambda path: without(path, "content"),
    "a variable is gone": lambda path: without(path, "variable_1"),
    "content is no JSON": lambda path: np.savez(path, content=np.array("{")),
    "content is a list": lambda path: np.savez(path, content=np.array("[]")),
    "content is empty": lambda path: np.savez(path, content=np.array("{}")),
    "an object": lambda path: np.savez(path, content=np.array([{}], object)),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_state_is_refused(case, tmp_path, finished):
    path = tmp_path / "resume.npz"
    path.write_bytes(finished[0])
    DAMAGE[case](path)
    with pytest.raises(ZooError, match="damaged") as error:
        train(tmp_path, resume=True)
    assert str(path) in str(error.value)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_state(tmp_path):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.set_weights([np.full_like(w, np.nan) for w in self.model.get_weights()])

    with pytest.raises(ZooError, match=r"loss became nan in epoch 3.*learning_rate"):
        train(tmp_path, callbacks=[Spoil()])
    train(tmp_path / "good", epochs=2)
    last, good = (zoo.load(path / "last.keras").model.get_weights() for path in (tmp_path, tmp_path / "good"))
    assert equal(last, good)
    assert (tmp_path / "log.csv").read_text() == (tmp_path / "good" / "log.csv").read_text()


def test_a_loss_that_is_no_number_without_a_folder():
    with pytest.raises(ZooError, match="learning_rate ten times smaller"):
        train(learning_rate=1e38, epochs=3, validation=None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"epochs": 0}, "epochs must be 1 or more, got 0"),
        ({"batch_size": 0}, "batch_size is 0; accepted are whole numbers of 1 or more"),
        ({"steps_per_epoch": 0}, "steps_per_epoch is 0; accepted are whole numbers of 1 or more"),
        ({"optimizer": "adamm"}, "adamm"),
        ({"optimizer": {"class_name": "Adam", "config": {"beta_3": 0.5}}}, "beta_3"),
        ({"optimizer": {"beta_1": 0.5}}, "accepted is a name such as 'adam'"),
        ({"tensorboard": True}, "tensorboard=True needs a folder="),
    ],
)
def test_arguments_that_make_no_sense(arguments, words):
    with pytest.raises(ZooError) as error:
        train(**arguments)
    assert words in str(error.value)


def test_an_optimizer_by_its_configuration():
    model, _ = train(optimizer={"class_name": "Adam", "config": {"beta_1": 0.5}}, learning_rate=0.25, epochs=1)
    assert model.model.optimizer.beta_1 == 0.5 and float(model.model.optimizer.learning_rate) == 0.25


def test_a_model_says_where_it_trains_fastest(capsys):
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    for name in ("tensorflow", "jax", "torch", None):
        net.entry = dataclasses.replace(net.entry, fastest_on=name)
        net.train(data(), epochs=1, progress=True)
        told = f"logistic trains much faster with KERAS_BACKEND={name}" in capsys.readouterr().err
        assert told == (name not in (None, keras.backend.backend()))
    assert "on KERAS_BACKEND=torch" in str(zoo.show("char_lstm"))


def order(batches, epochs):
    """The examples that `fit` sees, one list an epoch."""
    seen = []
    for _ in range(epochs):
        seen.append([int(i) for step in range(len(batches)) for i in batches[step][0]])
        batches.on_epoch_end()
    return seen


@pytest.mark.parametrize("batch_size", [1, 4, 5, 9])
def test_each_pass_has_each_example_once(batch_size):
    x = np.arange(10)
    for epoch in order(Batches(FitData(x, x), batch_size, seed=3), 3):
        assert sorted(epoch) == x.tolist() and epoch != x.tolist()


def test_order_is_a_function_of_seed_and_epoch():
    x = np.arange(20)
    made = [order(Batches(FitData(x, x), 4, seed=seed), 4) for seed in (3, 3, 4)]
    assert made[0] == made[1] != made[2]
    assert made[0][0] != made[0][1]
    assert order(Batches(FitData(x, x), 4, seed=3, epoch=2), 2) == made[0][2:]
    backwards = Batches(FitData(x, x), 4, seed=3)
    assert [backwards[step][0].tolist() for step in reversed(range(5))][::-1] == np.reshape(
        made[0][0], (5, 4)
    ).tolist()


@pytest.mark.parametrize("engine", ["keras", "numpy"])
@pytest.mark.parametrize("own_batch_size", [None, 8])
def test_an_epoch_counts_the_steps_that_are_asked_for(own_batch_size, engine):
    net = zoo.get("logistic", seed=1, engine=engine, input_shape=(8, 8, 3))
    net.entry = dataclasses.replace(net.entry, batch_size=own_batch_size, steps_per_epoch=5)
    one_pass = {"batch_size": 12}  # of 24
    for asked, steps in (({}, 5), (one_pass, 2), ({"steps_per_epoch": 4}, 4), ({**one_pass, "steps_per_epoch": 3}, 3)):
        history = net.train(data(), epochs=2, progress=False, **asked)
        assert history.params["steps"] == steps
        assert engine == "numpy" or int(net.model.optimizer.iterations) == 2 * steps


@pytest.mark.parametrize("steps", [1, 3, 7, 12])
def test_steps_per_epoch_only_cut_the_same_stream(steps):
    x = np.arange(20)
    passes = np.concatenate(order(Batches(FitData(x, x), 4, seed=3), 5)).tolist()
    cut = order(Batches(FitData(x, x), 4, seed=3, steps_per_epoch=steps), 2)
    assert cut[0] + cut[1] == passes[: 2 * 4 * steps]
    assert order(Batches(FitData(x, x), 4, seed=3, steps_per_epoch=steps, epoch=1), 1) == cut[1:]


def test_full_batch_keeps_its_order():
    x, y = np.arange(20), -np.arange(20)
    for batch_size in (None, 20, 99):
        batches = Batches(FitData(x, y), batch_size, steps_per_epoch=3)
        assert len(batches) == 3 and np.array_equal(batches[2][0], x) and np.array_equal(batches[2][1], y)


def test_pixels_as_floats_are_pixels():
    x, y = data()
    (a, _), (b, _) = (train(given=(pixels, y), validation=None, epochs=1) for pixels in (x, x.astype("float64")))
    assert equal(a.model.get_weights(), b.model.get_weights())


SCRIPT = """
import sys, numpy as np, zoo
file, folder, epochs, resume, x, y = sys.argv[1:]
model = zoo.get(file, seed=1)
model.train((np.load(x), np.load(y)), epochs=int(epochs), batch_size=2, folder=folder, resume=bool(int(resume)),
            progress=False)
"""


@pytest.mark.slow
def test_killed_in_the_middle_and_resumed_is_unbroken(tmp_path, dropout_file):
    x, y = data()
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    folder, log = tmp_path / "killed", tmp_path / "killed" / "log.csv"
    command = [sys.executable, "-c", SCRIPT, dropout_file, str(folder), "10000", "0"]
    process = subprocess.Popen([*command, str(tmp_path / "x.npy"), str(tmp_path / "y.npy")])
    try:
        deadline = time.monotonic() + 120
        while not log.exists() or len(log.read_text().splitlines()) < 3:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = len(log.read_text().splitlines()) - 1

    def run(folder, resume):
        model = zoo.get(dropout_file, seed=1)
        history = model.train((x, y), epochs=done + 2, batch_size=2, folder=folder, resume=resume, progress=False)
        return history.history, weights(model)

    history, state = run(folder, resume=True)
    unbroken, its_state = run(tmp_path / "unbroken", resume=False)
    assert history == unbroken and equal(state, its_state)


@pytest.mark.parametrize("seed", [0, None])
def test_the_callers_random_numbers_go_on_as_if_nothing_had_been_trained(seed, tmp_path):
    def draws(work):
        random.seed(5), np.random.seed(5)
        work()
        return random.random(), np.random.rand()

    def work():
        model, _ = train(epochs=1, seed=seed)
        model.save(tmp_path / "saved.keras")
        zoo.load(tmp_path / "saved.keras").model.count_params()

    assert draws(work) == draws(lambda: None)


def test_two_models_without_a_seed_differ():
    one, other = (train(epochs=1, seed=None)[0].model.get_weights()[0] for _ in range(2))
    assert (one != other).any()


def test_metrics_go_with_the_weights_that_were_measured(tmp_path):
    data = np.arange(8 * 192, dtype=np.uint8).reshape(8, 8, 8, 3), ["a", "b"] * 4
    net = zoo.get("logistic", input_shape=(8, 8, 3), seed=0)
    net.train(data, epochs=1, progress=False)
    measured = net.evaluate(data, progress=False)["accuracy"]
    net.save(tmp_path / "measured.keras")
    by_zoo, by_keras = zoo.load(tmp_path / "measured.keras"), zoo.load(tmp_path / "measured.keras")
    assert by_zoo.metrics["accuracy"] == measured and by_zoo.model and by_zoo.metrics["accuracy"] == measured
    by_zoo.train(data, epochs=1, progress=False)
    by_keras.model.trainable_weights[0].assign_add(np.ones((192, 1), np.float32))  # as `.model.fit` would
    for net in (by_zoo, by_keras):
        net.save(tmp_path / "changed.keras")
        assert net.metrics == zoo.load(tmp_path / "changed.keras").metrics == {}
    by_zoo.evaluate(data, progress=False)
    assert "accuracy" in by_zoo.metrics


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
    vary = Augmentation(["flip", "shift"])
    (one, y), (two, _) = (vary(x, "y", np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, two) and one.shape == x.shape and y == "y"
    assert Augmentation()(x, None, np.random.default_rng(0))[0] is x
    assert WAYS["shift"](x[:, :1, :1], np.random.default_rng(0)).shape == (6, 1, 1, 3)


def test_augmentation_that_is_none():
    with pytest.raises(UsageError, match="did you mean 'flip'"):
        Augmentation(["flips"])
    net = zoo.get("perceptron", input_shape=(2,))
    with pytest.raises(UsageError, match="varies pictures"):
        net.train(net._toy_data(), augment=["flip"], epochs=1, progress=False)


@pytest.mark.parametrize("way", ["mixup", "cutmix"])
def test_pictures_and_their_classes_are_mixed_alike(way):
    # the class of each picture is written into its pixels, so what the pixels became says what the targets must be
    classes = np.array([0, 1, 1, 0] * 8)
    x = np.broadcast_to(255.0 * classes[:, None, None, None], (32, 64, 64, 1))
    mixed, y = Augmentation([way])(x, np.eye(2, dtype="float32")[classes], np.random.default_rng(0))
    share = mixed.mean(axis=(1, 2, 3)) / 255
    # CutMix in Keras counts fractions of pixels, so its share of a side of 64 is off by one of them at most
    np.testing.assert_allclose(y[:, 1], share, atol=1e-5 if way == "mixup" else 2 / 64)
    assert np.allclose(y.sum(axis=1), 1) and ((share > 0.1) & (share < 0.9)).any()
    assert np.array_equal(mixed, Augmentation([way])(x, np.eye(2)[classes], np.random.default_rng(0))[0])
    assert not np.array_equal(mixed, Augmentation([way])(x, np.eye(2)[classes], np.random.default_rng(1))[0])


def test_training_on_mixed_pictures(tmp_path):
    def train(**how):
        net = zoo.get("cnn", input_shape=(16, 16, 1), seed=0)
        return net, net.train(net._toy_data(), augment=["mixup", "flip"], schedule="constant", progress=False, **how)

    weights = {"class_weight": "balanced"}
    net, history = train(epochs=2, **weights)
    assert np.isfinite(history.history["loss"]).all() and 0 <= history.history["accuracy"][-1] <= 1
    train(epochs=1, folder=tmp_path / "run", **weights)
    resumed, _ = train(epochs=2, folder=tmp_path / "run", resume=True, **weights)
    assert all(map(np.array_equal, resumed.model.get_weights(), net.model.get_weights()))
    for name in ("logistic", "autoencoder"):  # one logit for two classes; pictures as their own targets
        net = zoo.get(name, input_shape=(16, 16, 1))
        with pytest.raises(UsageError, match="a logit for each class"):
            net.train(net._toy_data(), augment=["cutmix"], epochs=1, progress=False)


@pytest.mark.skipif(backend.name() == "torch", reason="Keras' layer takes seconds a batch on PyTorch")
def test_randaugment():
    x = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype("uint8")
    one, two, other = (Augmentation(["randaugment"])(x, None, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(one, two) and not np.array_equal(one, other)
    assert one.shape == x.shape and one.min() >= 0 and one.max() <= 255


def test_balanced_sampling():
    y = np.repeat([0, 1, 2], [90, 8, 2])
    order = Balanced(100, 10, seed=0, y=y)
    passes = [np.concatenate([order.rows(number * 10 + step) for step in range(10)]) for number in (0, 1)]
    for rows in passes:
        assert len(rows) == 100 and np.ptp(np.bincount(y[rows])) <= 2
        assert {*range(90, 100)} <= {*rows.tolist()}  # all of a rare class
        assert len({*rows[y[rows] == 0].tolist()}) == np.sum(y[rows] == 0)  # none twice of a frequent one
    assert {*passes[0].tolist()} != {*passes[1].tolist()}
    assert np.bincount(y[Balanced(100, None, seed=0, y=y).rows(0)]).max() == 34
    net = zoo.get("perceptron", input_shape=(2,), seed=0)
    data = np.random.default_rng(0).normal(size=(40, 2)), np.repeat([0, 1], [36, 4])
    balanced, _ = (net.train(data, sampling=way, epochs=1, progress=False) for way in ("balanced", None))
    assert np.isfinite(balanced.history["loss"][0])
    with pytest.raises(UsageError, match="accepted is 'balanced'"):
        net.train(data, sampling="even", progress=False)
    autoencoder = zoo.get("autoencoder", input_shape=(16, 16, 1))
    with pytest.raises(UsageError, match=r"sampling='balanced' is for classifiers"):
        autoencoder.train(autoencoder._toy_data(), sampling="balanced", epochs=1, progress=False)


def test_search_for_a_learning_rate():
    def weights(net):
        net.train(data, epochs=1, progress=False)
        return net.model.get_weights()

    random = np.random.default_rng(0)
    x = random.normal(size=(256, 8))
    data = x, (x @ random.normal(size=8) > 0).astype(int)
    make = functools.partial(zoo.get, "mlp", input_shape=(8,), seed=3)
    untouched, searched, built = make(), make(), make()
    built.build()
    before = np.random.get_state()[1].tolist(), dict(searched.arguments)
    search = searched.find_learning_rate(data, batch_size=32, steps=60, progress=False)
    assert (np.random.get_state()[1].tolist(), searched.arguments) == before
    assert searched._model is None and searched.data == {}
    again = built.find_learning_rate(data, batch_size=32, steps=60, progress=False)
    assert again.losses == search.losses and built.data == {}
    expected = weights(untouched)
    for net in (searched, built):  # as if no search had been
        assert all(map(np.array_equal, weights(net), expected))

    # what it suggests is of use
    assert search.rates[0] == pytest.approx(1e-6)
    trained = make().train(data, epochs=3, batch_size=32, learning_rate=search.suggested, progress=False)
    timid = make().train(data, epochs=3, batch_size=32, learning_rate=search.suggested / 1000, progress=False)
    assert trained.history["loss"][-1] < 0.7 * timid.history["loss"][-1]


def test_find_learning_rate_by_command(run, tmp_path):
    picture = tmp_path / "rates.png"
    words = ["find-learning-rate", "logistic", "--data", "faces", "--size", "16", "--seed", "0", "--steps", "40"]
    code, out, err = run(*words, "--out", picture, "--json")
    search = json.loads(out)
    assert code == 0 and len(search["rates"]) == len(search["losses"]) <= 40 and search["suggested"] in search["rates"]
    assert Image.open(picture).format == "PNG" and str(picture) in err
    assert run(*words)[1].startswith(f"{search['suggested']:.1e} is where the loss falls fastest")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"lowest": 0}, "lowest is 0; accepted are learning rates above 0"),
        ({"lowest": 1, "highest": 0.1}, "lowest is 1 and highest 0.1"),
        ({"steps": 2}, "steps is 2"),
        ({"epochs": 3}, "takes no epochs"),
        ({"highest": 1e30, "lowest": 1e20, "steps": 10}, "falls at none of the learning rates"),
    ],
)
def test_searches_that_find_none(how, message):
    net = zoo.get("perceptron", input_shape=(2,), seed=0)
    data = np.zeros((40, 2)), np.array([0, 1] * 20)
    with pytest.raises(ZooError, match=message):
        net.find_learning_rate(data, progress=False, **how)


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


def test_arguments_of_keras_fit():
    """What `fit` takes is taken, or refused with what to do."""
    x, y = np.random.default_rng(0).normal(size=(8, 4)), [0, 1] * 4
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    net = zoo.get("mlp", input_shape=(4,), hidden=(2,))
    net.train((x, y), epochs=2.0, verbose=0, callbacks=callback, run_eagerly=False)
    assert seen == [0, 1]
    for arguments, message in [
        ({"shuffle": False}, r"\.model\.fit\(\.\.\., shuffle=\.\.\.\)"),
        ({"validation_data": (x, y)}, "as validation="),
        ({"class_weight": {0: 1, 2: 1}}, "class_weight names 2.*the classes 0, 1"),
        ({"class_weight": {"1": -1}}, "class_weight of '1' is -1"),
        ({"class_weight": "equal"}, "'balanced' and a dict such as {'0': 2}"),
        ({"sample_weight": [1] * 7}, r"of shape \(7,\); accepted are 8 finite numbers"),
        ({"sample_weight": [np.nan] * 8}, "accepted are 8 finite numbers"),
        ({"validation_split": 1.0}, "validation_split.* is 1.0; accepted is a share"),
        ({"validation_split": 0.5, "validation": (x, y)}, "both given"),
        ({"epoch": 1}, "did you mean 'epochs'"),
        ({"epochs": 1.5}, "epochs"),
    ]:
        with pytest.raises(UsageError, match=message):
            net.train((x, y), progress=False, **{"epochs": 1, **arguments})


POINTS = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
CLASSES, EACH = [0, 0, 1, 2, 2] * 4, np.random.default_rng(1).uniform(0, 3, 20)


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("options", "keras_own"),
    [
        ({"class_weight": {"1": 5, 2: 0.5}}, {"class_weight": {1: 5, 2: 0.5}}),
        ({"class_weight": "balanced"}, {"class_weight": {0: 20 / 24, 1: 20 / 12, 2: 20 / 24}}),
        ({"sample_weight": EACH}, {"sample_weight": EACH}),
        ({"sample_weight": EACH, "class_weight": {1: 5}}, {"sample_weight": EACH * np.tile([1, 1, 5, 1, 1], 4)}),
    ],
)
def test_weights_count_as_in_keras_fit(options, keras_own):
    """In batches of all examples, since those of others are drawn in another order."""
    keras_own = {word: np.array(v) if word == "sample_weight" else v for word, v in keras_own.items()}
    net, plain = (zoo.get("mlp", input_shape=(4,), num_classes=3, hidden=(2,), seed=0) for _ in range(2))
    how = {"epochs": 4, "optimizer": "sgd", "learning_rate": 0.5}
    history = net.train((POINTS, CLASSES), batch_size=20, progress=False, schedule="constant", **how, **options)
    model = plain.build()
    model.compile(keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    expected = model.fit(POINTS, np.array(CLASSES), epochs=4, batch_size=20, verbose=0, shuffle=False, **keras_own)
    assert np.allclose(history.history["loss"], expected.history["loss"], rtol=1e-5)
    for ours, theirs in zip(net.model.get_weights(), model.get_weights(), strict=True):
        assert np.allclose(ours, theirs, atol=1e-6)


def test_weights_go_with_their_examples(tmp_path):
    """Through missing labels, shuffled batches, a share that is held out, and tables; an example that counts nothing
    teaches nothing."""
    net = zoo.get("mlp", input_shape=(4,), hidden=(2,), seed=0)
    labels = ["a", "b", None, "b", "a"] * 4
    weights = np.arange(20.0)
    dataset = net._find_data((POINTS, labels), None, 0.25, {"b": 10}, weights)
    for split, times in (("train", 10), ("validation", 1)):
        part = dataset.splits[split]
        row_of = {tuple(row): index for index, row in enumerate(POINTS.tolist())}
        rows = [row_of[tuple(item)] for item in part.items.tolist()]
        assert part.weights.tolist() == [weights[row] * (times if labels[row] == "b" else 1) for row in rows]
    data = net._prepare_data(dataset)
    assert data.weights.tolist() == dataset.splits["train"].weights.tolist() and len(data.validation) == 3
    batches = Batches(data, batch_size=4, seed=1)
    for x, _, weight in (batches[step] for step in range(len(batches))):
        rows = [row_of[tuple(item)] for item in x.tolist()]
        assert weight.tolist() == [weights[row] * (10 if labels[row] == "b" else 1) for row in rows]
    for name in "abcd":
        Image.new("L", (8, 8)).save(tmp_path / f"{name}.png")
    table = pd.DataFrame({"path": [tmp_path / f"{name}.png" for name in "dcba"], "label": ["x", "x", "y", "y"]})
    assert sources.load(table, sample_weight=[4, 3, 2, 1]).splits["train"].weights.tolist() == [1, 2, 3, 4]
    for other in (tmp_path, "faces"):
        with pytest.raises(UsageError, match=r"sample_weight is for arrays .* class_weight"):
            zoo.get("logistic").train(other, sample_weight=[1, 2, 3, 4], progress=False)
    for name, word in (("autoencoder", "sample_weight"), ("char_lstm", "class_weight")):
        with pytest.raises(UsageError, match=f"{word} is for classifiers, and {name} is a model for"):
            zoo.get(name).train("textures", **{word: "balanced"}, progress=False)
    with pytest.raises(UsageError, match="in NumPy, train has no class_weight"):
        zoo.get("logistic", engine="numpy").train("faces", class_weight="balanced", progress=False)


def test_a_run_with_weights_goes_on_with_the_same(tmp_path):
    def train(folder, epochs, weights, **how):
        net = zoo.get("mlp", input_shape=(4,), hidden=(2,), seed=0)
        how = {"batch_size": 8, "folder": tmp_path / folder, "progress": False, "schedule": "constant", **how}
        net.train((POINTS, CLASSES), epochs=epochs, class_weight=weights, **how)
        return net.model.get_weights()

    unbroken = train("one", 4, "balanced")
    train("two", 2, "balanced")
    with pytest.raises(ZooError, match="another one: its examples differ"):
        train("two", 4, {"1": 2}, resume=True)
    for ours, theirs in zip(train("two", 4, "balanced", resume=True), unbroken, strict=True):
        assert np.array_equal(ours, theirs)
