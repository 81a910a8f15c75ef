"""Saved models of Keras' own layers, put together as nobody would: what one cannot do is said in a sentence."""

import re

import numpy as np
import pytest

import zoo
from zoo import environment, saving
from zoo.backend import keras
from zoo.errors import ZooError, framework_reason

L, ops = keras.layers, keras.ops


@pytest.fixture(autouse=True)
def apart(own_home):
    """What is made here is remembered in a cache of its own."""


def of_pictures(make):
    inputs = keras.Input((8, 8, 3))
    task = zoo.get("logistic", input_shape=(8, 8, 3))
    task._set_model(keras.Model(inputs, make(L.Flatten()(inputs))))
    task.labels = ["0", "1"]
    return task


def of_text(make):
    task = zoo.get("char_lstm", units=4)
    task.train("to be or not to be\n" * 200, epochs=1, steps_per_epoch=1, progress=False)
    words = task.arguments["vocab_size"]
    tokens = keras.Input((None,), dtype="int32")
    task._set_model(keras.Model(tokens, L.Dense(words)(make(L.Embedding(words, 4)(tokens)))))
    return task


def in_pairs(x):
    return ops.reshape(ops.reshape(L.Dense(1)(x), (2, -1)), (-1, 1))


def beside(x):
    return L.Add()([x, L.GRU(4, return_sequences=True, return_state=True)(x)[0]])


def bounded(x):
    return L.Dense(1, kernel_constraint=keras.constraints.MaxNorm(2, axis=5))(x)


def predict(task):
    return task.predict(np.zeros((8, 8, 3), np.uint8))


def train(task, **how):
    x = np.zeros((16, 8, 8, 3), np.uint8)
    return task.train((x, ["0", "1"] * 8), epochs=1, batch_size=8, progress=False, **how)


CASES = {
    "pictures come in pairs": (of_pictures, in_pairs, predict, "cannot compute this: "),
    "a bound that no kernel has": (of_pictures, bounded, train, "cannot be trained further: "),
    "text that goes two ways": (of_text, beside, lambda task: task.generate("to be"), "cannot compute this: "),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_saved_model_cannot_do_is_said_in_a_sentence(case, tmp_path):
    make, middle, do, words = CASES[case]
    make(middle).save(tmp_path / "odd.keras")
    with pytest.raises(ZooError, match=re.escape(f"{tmp_path / 'odd.keras'}: its model {words}")) as caught:
        do(zoo.load(tmp_path / "odd.keras"))
    message = str(caught.value)
    assert "\n" not in message and "zoo list" in message and len(message) < 1000


def test_an_error_of_a_users_callback_stays_what_it_is(tmp_path):
    class Pruned(Exception):
        pass

    class Prune(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise Pruned

    of_pictures(L.Dense(1)).save(tmp_path / "a.keras")
    task = zoo.load(tmp_path / "a.keras")
    with pytest.raises(Pruned):
        train(task, callbacks=Prune())


def test_a_strangers_model_that_takes_too_much_to_train_is_not_begun(tmp_path, monkeypatch):
    of_pictures(L.Dense(1)).save(tmp_path / "a.keras")
    task = zoo.load(tmp_path / "a.keras")
    _ = task.model
    monkeypatch.setattr(environment, "memory", lambda: {"total": 10**9, "available": 10_000})
    train(task)  # it was made here
    monkeypatch.setattr(saving.Archive, "is_ours", False)
    with pytest.raises(ZooError, match=r"8 examples at a time takes .* give batch_size=[1-7] or less"):
        train(task)


def test_the_reason_of_a_framework_is_one_line():
    with pytest.raises(Exception, match=r"(?s)Arguments received") as caught:
        keras.Model(inputs := keras.Input((3,)), L.Reshape((7,))(inputs))
    assert "\n" not in framework_reason(caught.value) and "Arguments" not in framework_reason(caught.value)
    long = "Graph execution error:\n\nDetected at node Pad defined at (most recent call last):\n"
    long += '  File "a.py", line 1, in <module>\n\nOOM when allocating\n\t [[{{node x}}]]\nHint: see a list.'
    assert framework_reason(RuntimeError(long)) == "RuntimeError: OOM when allocating"
