"""Numbers of NumPy where numbers are asked, seeds of any kind, and data of which nothing can be used."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import zoo
from zoo.data import sources
from zoo.errors import UsageError, ZooError, checked_seed, is_number, whole_number
from zoo.tasks.text.samplers import Sampling

X, Y = np.random.default_rng(0).normal(size=(12, 4)), np.arange(12) % 3


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """Each test works in an empty folder."""
    monkeypatch.chdir(tmp_path)


def net(**arguments):
    return zoo.get("mlp", **{"input_shape": (4,), "hidden": (2,), **arguments})


def test_numpy_numbers_are_numbers():
    for number in (5, np.int64(5), np.uint8(5)):
        assert whole_number("n", number, 0) == 5 and type(whole_number("n", number, 0)) is int
    for wrong in (True, np.True_, 5.0, np.float64(5), "5", None, -1, np.int8(-1)):
        with pytest.raises(UsageError, match=r"n is .*accepted are whole numbers of 0 or more"):
            whole_number("n", wrong, 0)
    assert is_number(np.float32(0.5)) and is_number(3) and not is_number(True) and not is_number("3")
    assert Sampling(np.float32(0.5), np.int64(3), np.float32(0.5)).settings(9) == (0.5, 3, 0.5)


def test_builders_take_numpy_numbers(tmp_path):
    model = net(num_classes=Y.max() + 1, hidden=np.array([3]), input_shape=(np.int64(4),), seed=np.int64(1))
    assert model.arguments["hidden"] == [3] and model.seed == 1
    model.train((X, Y), epochs=1, batch_size=np.int64(4), learning_rate=np.float32(0.1), folder="run", progress=False)
    model.save(tmp_path / "m.keras")
    assert zoo.load(tmp_path / "m.keras").arguments["input_shape"] == [4]


@pytest.mark.parametrize("seed", [-1, np.int64(-1), 2**32, 1.0, "1"])
def test_seeds_that_no_generator_takes(seed):
    with pytest.raises(UsageError, match=r"seed is .*accepted are whole numbers from 0 to 4,294,967,295"):
        net(seed=seed)


def test_seeds_of_what_is_drawn_by_numpy():
    assert checked_seed(None) is None and checked_seed(np.int64(2)) == 2 and checked_seed(2**40) == 2**40
    data = (np.zeros((20, 2, 2)), [0, 1] * 10)
    assert len(sources.load(data, val_split=0.2, seed=2**40).splits["validation"]) == 4
    for draw in (
        lambda: sources.load(data, val_split=0.2, seed=-1),
        lambda: zoo.finetune(data, seed=-1),
        lambda: zoo.get("dcgan").sample(1, seed=-1),
    ):
        with pytest.raises(UsageError, match="seed is -1; accepted are whole numbers of 0 or more"):
            draw()


def test_what_several_examples_come_in():
    points, picture = zoo.get("logistic", input_shape=(4,)), zoo.get("logistic", input_shape=(8, 8, 3))
    for rows in (X[:2], X[:2].tolist(), list(X[:2]), iter(X[:2]), pd.DataFrame(X[:2])):
        assert len(points.predict(rows)) == 2
    assert points.predict(X[0].tolist()).probability == points.predict(pd.Series(X[0])).probability == 0.5
    file = io.BytesIO()
    Image.fromarray(PIXELS[0]).save(file, "PNG")
    Path("one.png").write_bytes(file.getvalue())
    for several in (pd.Series(["one.png"] * 2), np.array(["one.png"] * 2), (Path("one.png") for _ in range(2))):
        assert len(picture.predict(several)) == 2
        assert len(picture.predict([file, file.getvalue()])) == 2
    assert len(zoo.get("autoencoder").reconstruct(pd.Series(["one.png"] * 2))) == 2
    with pytest.raises(ZooError, match="download the picture"):
        picture.predict("https://example.org/one.png")
    with pytest.raises(UsageError, match=r"table\['path'\]"):
        picture.predict(pd.DataFrame({"path": ["one.png"]}))
    with pytest.raises(ZooError, match="model takes 4"):
        points.predict([[1, 2], [1, 2, 3]])


PIXELS = np.random.default_rng(0).integers(0, 255, (8, 16, 16, 3)).astype("uint8")
UNUSABLE = {
    "accepted are pixels from 0 to 255: give np.clip": (PIXELS / 127.5 - 1, (16, 16, 3)),
    "an array of shape (768,)": (PIXELS.reshape(8, -1), (16, 16, 3)),
    "numbers of shape (3,); the model takes 4": (np.ones((8, 3)), (4,)),
    "values that are not finite": (np.full((8, 4), np.nan), (4,)),
}


@pytest.mark.parametrize("engine", ["keras", "numpy"])
@pytest.mark.parametrize("reason", UNUSABLE)
def test_no_usable_example(reason, engine):
    x, shape = UNUSABLE[reason]
    with pytest.raises(ZooError) as caught:
        zoo.get("logistic", input_shape=shape, engine=engine).train((x, [0, 1] * 4), epochs=1, progress=False)
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_no_usable_picture_to_watch_or_measure_on(tmp_path):
    for label in "ab":
        (tmp_path / "bad" / label).mkdir(parents=True)
        for index in range(2):
            (tmp_path / "bad" / label / f"{index}.jpg").write_bytes(b"")
    good, model = (PIXELS, ["a", "b"] * 4), zoo.get("logistic", input_shape=(16, 16, 3))
    for use in (
        lambda: model.train(tmp_path / "bad", epochs=1, progress=False),
        lambda: model.train(good, validation=tmp_path / "bad", epochs=1, progress=False),
        lambda: model.evaluate(tmp_path / "bad", progress=False),
    ):
        with pytest.raises(
            ZooError, match=r"none of the 4 examples in the .* can be used, the first because: empty fi"
        ):
            use()


@pytest.mark.parametrize("engine", ["keras", "numpy"])
def test_a_class_none_of_whose_examples_can_be_used(engine):
    x = X.astype(np.float32)
    x[np.array(Y) == 1] = np.nan
    model = zoo.get("logistic", input_shape=x.shape[1:], engine=engine)
    with pytest.raises(
        ZooError, match=r"not one training example of 1 in arrays .* values that are not finite.*leave out"
    ):
        model.train((x, Y), epochs=1, progress=False)


def test_dropped_rows_are_told_of_in_python(capsys):
    x = X.copy()
    x[3] = np.nan
    model = net()
    model.train((x, Y), epochs=1, progress=False)
    assert "left out picture 3: a row with values that are not finite numbers" in capsys.readouterr().err
    assert len(model.skipped) == 1


def test_the_same_pictures_held_out(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        for index in range(2):
            Image.fromarray(PIXELS[index] // (1 + (label == "b"))).save(tmp_path / label / f"{index}.png")
    with pytest.raises(ZooError, match="4 were left out because the same files are held out"):
        zoo.finetune(tmp_path, tmp_path)
