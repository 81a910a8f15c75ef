"""What a stranger's model computes for one example is bounded, before it runs and while it is tried."""

import math
import time

import pytest

import zoo
from zoo import catalog, saving
from zoo.backend import keras
from zoo.errors import RefusedError
from zoo.saving import archive as archive_module
from zoo.saving import work as limits
from zoo.saving.work import CALLED, STEP, TOUCHED, work_of

L, ops = keras.layers, keras.ops


def multiply_adds(shape, *layers):
    """Those of a chain of layers, without what each call and each number costs; and what is made within one."""
    x = inputs = keras.Input(shape)
    touched = math.prod(shape)
    for layer in layers:
        before, x = x, layer(x)
        touched += sum(math.prod(n or 1 for n in tensor.shape[1:]) for tensor in (before, x))
    work, within = work_of(keras.Model(inputs, x))
    return work - TOUCHED * touched - CALLED * (1 + len(layers)), within


COUNTED = {
    "dense": ((10,), [L.Dense(5, use_bias=False)], 50),
    "a dense layer on each place": ((7, 10), [L.Dense(5, use_bias=False)], 350),
    "a convolution": ((9, 9, 3), [L.Conv2D(4, 3, use_bias=False)], 7 * 7 * 9 * 3 * 4),
    "with strides": ((16, 16, 3), [L.Conv2D(4, 2, strides=2, use_bias=False)], 8 * 8 * 4 * 3 * 4),
    "channels first": ((3, 9, 9), [L.Conv2D(4, 1, data_format="channels_first", use_bias=False)], 9 * 9 * 3 * 4),
    "each channel apart": ((8, 8, 6), [L.DepthwiseConv2D(3, padding="same", use_bias=False)], 8 * 8 * 9 * 6),
    "transposed": ((8, 8, 6), [L.Conv2DTranspose(5, 2, strides=2, use_bias=False)], 8 * 8 * 4 * 6 * 5),
    "along a line": ((20, 3), [L.Conv1D(5, 3, padding="same", use_bias=False)], 20 * 9 * 5),
    "a pool": ((8, 8, 2), [L.MaxPooling2D(4, strides=1)], 5 * 5 * 2 * 16),
    "recurrent": ((50, 3), [L.SimpleRNN(4, use_bias=False)], 50 * (STEP + 4 * 3 + 4 * 4)),
    "both ways": ((50, 3), [L.Bidirectional(L.SimpleRNN(4, use_bias=False))], 50 * (STEP + 2 * 28)),
    "of each step": ((6, 10), [L.TimeDistributed(L.Dense(5, use_bias=False))], 6 * (50 + CALLED)),
    "a product": ((6, 10), [lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1)))], 360),
    "words": ((9,), [L.Embedding(1000, 7)], 0),
    "by steps of a model": ((6, 10), [L.TimeDistributed(keras.Sequential([L.Input((10,)), L.Dense(5)]))], None),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTED)
def test_the_multiply_adds_of_a_layer_are_known_from_its_graph(case):
    shape, layers, expected = COUNTED[case]
    if case == "a product":  # of two operations, the first of which only touches
        x = keras.Input(shape)
        model = keras.Model(x, layers[0](x))
        assert work_of(model)[0] == 3 * CALLED + TOUCHED * (60 + 120 + 60 + 60 + 36) + expected
    elif expected is None:
        assert multiply_adds(shape, *layers)[0] > 6 * 50
    else:
        assert multiply_adds(shape, *layers)[0] == pytest.approx(expected, rel=0.001)  # states of random numbers


@pytest.mark.parametrize(
    ("layer", "within"),
    [(L.Attention(), 900), (L.AdditiveAttention(), 900 * 8), (L.MultiHeadAttention(2, 4), 1800)],
)
def test_scores_of_attention_are_made_within_a_layer(layer, within):
    inputs = keras.Input((30, 8))
    outputs = layer(inputs, inputs) if isinstance(layer, L.MultiHeadAttention) else layer([inputs, inputs])
    work, most = work_of(keras.Model(inputs, outputs))
    assert most == within and work > 2 * 30 * 30 * 8


def test_a_model_that_is_called_again_computes_again():
    inner = keras.Sequential([L.Input((9, 9, 3)), L.Conv2D(3, 3, padding="same")])
    inputs = keras.Input((9, 9, 3))
    once, twice = (work_of(keras.Model(inputs, outputs))[0] for outputs in (inner(inputs), inner(inner(inputs))))
    assert twice > 1.6 * once


@pytest.fixture
def file(own_home, tmp_path):
    """Of a classifier that convolves at many places."""

    def make(filters):
        inputs = keras.Input((64, 64, 3))
        x = L.Conv2D(filters, 15, padding="same", activation="relu")(L.Rescaling(1 / 255)(inputs))
        x = L.SeparableConv2D(4, 3)(x)
        task = zoo.get("logistic", input_shape=(64, 64, 3))
        task._set_model(keras.Model(inputs, L.Dense(1)(L.GlobalMaxPooling2D()(x))))
        task.labels = ["0", "1"]
        task.save(tmp_path / "a.keras")
        return saving.read(tmp_path / "a.keras")

    return make


def test_a_strangers_model_of_too_much_work_is_refused_before_it_runs(file, monkeypatch):
    archive = file(filters=8)
    monkeypatch.setattr(limits, "MAX_WORK", 10**7)
    monkeypatch.setattr(limits, "WORK_OF_NUMBER", 0)
    archive.build()  # it was made here
    monkeypatch.setattr(saving.Archive, "is_ours", False)
    with pytest.raises(RefusedError, match=r"a\.keras is refused: its model takes some 0\.0 billion multiply-adds"):
        archive.build()
    monkeypatch.setattr(limits, "WORK_OF_NUMBER", 10**6)  # the more weights, the more they may do
    archive.build()


def test_scores_count_as_what_a_layer_makes(file, monkeypatch):
    archive = file(filters=8)
    monkeypatch.setattr(saving.Archive, "is_ours", False)
    monkeypatch.setattr(archive_module, "work_of", lambda model: (0, limits.MAX_OUTPUT + 1))
    with pytest.raises(RefusedError, match="a layer of its model makes 67,108,865 numbers of one example"):
        archive.build()


def test_a_model_that_is_slow_in_its_trial_is_refused(file):
    archive = file(filters=1)
    calls = []

    def slow(inputs):
        calls.append(len(inputs))
        end = time.process_time() + 0.3 * len(inputs)
        while time.process_time() < end:
            pass

    with pytest.raises(RefusedError, match=r"takes 0\.3. seconds of the processor for one example, .* may take 0\.25"):
        archive.check_speed(slow, imports=1)
    assert len(calls) == 2  # what is done for the first time takes longer
    archive.check_speed(slow, imports=30)  # a slow computer
    archive.check_speed(lambda inputs: time.sleep(1), imports=1)  # a busy one


@pytest.mark.slow
def test_every_backbone_on_the_shelf_may_do_its_work():
    names = [name for name, card in catalog.cards().items() if card.is_backbone]
    assert len(names) > 20
    for name in names:
        task = zoo.get(name)
        with keras.StatelessScope(initialize_variables=False):
            model = task.entry.builder(**task.arguments)
            work, within = work_of(model)
            held = sum(math.prod(variable.shape) for variable in model.variables)
        assert work < 0.7 * (limits.MAX_WORK + limits.WORK_OF_NUMBER * held), (name, work)
        assert within <= limits.MAX_OUTPUT, name
