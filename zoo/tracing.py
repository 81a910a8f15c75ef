"""The nets of `zoo/scratch` beside the same layers in Keras: one pass forward and back, layer by layer.

The nets are small and their examples are drawn, so that a pass takes no time and can be followed by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.console import table
from zoo.errors import UsageError
from zoo.registry import did_you_mean
from zoo.scratch.attention import Seq2Seq
from zoo.scratch.autoencoder import DenseAutoencoder
from zoo.scratch.cnn import CNN
from zoo.scratch.logistic import LogisticRegression
from zoo.scratch.lstm import CharLSTM
from zoo.scratch.mlp import MLP
from zoo.scratch.net import Net
from zoo.scratch.normalisation import NormalisedMLP
from zoo.scratch.word2vec import Word2Vec

if TYPE_CHECKING:
    from zoo.backend import keras

EXAMPLES = 8


@dataclass(frozen=True)
class Twin:
    """A net in NumPy, the same in Keras, and examples for both.

    Attributes:
        net: the net.
        sizes: of its parameters, as `net.initial` takes them.
        model: the same layers in Keras; its weights are in the order of the net's parameters.
        x: examples, as the net takes them.
        y: the truth, as the net takes it.
        inputs, targets: both as Keras takes them.
        loss: Keras' loss, or a function of targets and outputs.
    """

    net: Net
    sizes: tuple[int, ...]
    model: keras.Model
    x: Any
    y: Any
    inputs: Any
    targets: Any
    loss: Any


def _of_classes() -> Any:
    from zoo.backend import keras

    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def logistic() -> Twin:
    """One unit on four numbers."""
    return _dense(LogisticRegression(), ())


def mlp() -> Twin:
    """Hidden layers of 5 and 3 units on four numbers."""
    return _dense(MLP(hidden=(5, 3)), (5, 3))


def _dense(net: Net, hidden: tuple[int, ...]) -> Twin:
    from zoo.backend import keras

    x = inputs = keras.Input((4,))
    for units in hidden:
        x = keras.layers.Dense(units, activation="relu")(x)
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    random = np.random.default_rng(0)
    x, y = random.normal(size=(EXAMPLES, 4)), np.arange(EXAMPLES) % 2
    return Twin(net, (4, 1), model, x, y, x, y[:, None], keras.losses.BinaryCrossentropy(from_logits=True))


def cnn() -> Twin:
    """Two convolutions, each pooled, and a dense layer, on pictures of 13 x 12 pixels."""
    from zoo.backend import keras

    x = pixels = keras.Input((13, 12, 3))
    for filters in (4, 5):
        x = keras.layers.MaxPooling2D(2)(keras.layers.Conv2D(filters, 3, activation="relu")(x))
    model = keras.Model(pixels, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    x, y = np.random.default_rng(0).normal(size=(EXAMPLES, 13, 12, 3)), np.arange(EXAMPLES) % 3
    return Twin(CNN((4, 5)), (13, 12, 3, 3), model, x, y, x, y, _of_classes())


def char_lstm() -> Twin:
    """An LSTM of 5 units that reads 8 of 7 characters."""
    from zoo.backend import keras

    tokens = keras.Input((None,), dtype="int32")
    said = keras.layers.LSTM(5, return_sequences=True)(keras.layers.Embedding(7, 4)(tokens))
    model = keras.Model(tokens, keras.layers.Dense(7)(said))
    text = np.random.default_rng(0).integers(0, 7, (EXAMPLES, 9)).astype(np.int32)
    x, y = text[:, :-1], text[:, 1:]
    return Twin(CharLSTM(4, 5), (7,), model, x, y, x, y, _of_classes())


def chatbot() -> Twin:
    """Two LSTMs of 5 units and attention: a question of 6 words, an answer of 8."""
    from zoo.backend import keras

    layers = keras.layers
    question, answer = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    words = layers.Embedding(9, 4)
    memory, *states = layers.LSTM(5, return_sequences=True, return_state=True)(words(question))
    said = layers.LSTM(5, return_sequences=True)(words(answer), initial_state=states)
    both = layers.Concatenate()([said, layers.Attention()([said, memory])])
    model = keras.Model([question, answer], layers.Dense(9)(layers.Dense(5, activation="tanh")(both)))
    random = np.random.default_rng(0)
    asked, answered = (random.integers(0, 9, (EXAMPLES, length)).astype(np.int32) for length in (6, 9))
    x, y = (asked, answered[:, :-1]), answered[:, 1:]
    return Twin(Seq2Seq(4, 5), (9,), model, x, y, [*x], y, _of_classes())


def word2vec() -> Twin:
    """Vectors of 6 numbers for 11 words: each with one that is near and three from elsewhere."""
    from zoo.backend import keras, ops

    word, others = keras.Input((), dtype="int32"), keras.Input((4,), dtype="int32")
    vectors, contexts = keras.layers.Embedding(11, 6)(word), keras.layers.Embedding(11, 6)(others)
    model = keras.Model([word, others], keras.layers.Dot((1, 2))([vectors, contexts]))
    random = np.random.default_rng(0)
    x = tuple(random.integers(0, 11, shape).astype(np.int32) for shape in ((EXAMPLES,), (EXAMPLES, 4)))
    near = np.tile(np.arange(4) == 0, (EXAMPLES, 1)).astype(float)

    def surprise(truth: Any, scores: Any) -> Any:
        return ops.sum(ops.softplus(ops.where(truth > 0, -scores, scores)), axis=-1)

    return Twin(Word2Vec(6), (11,), model, x, None, [*x], near, surprise)


def autoencoder() -> Twin:
    """Sixteen pixels through a code of three numbers."""
    from zoo.backend import keras

    pixels = keras.Input((16,))
    model = keras.Model(pixels, keras.layers.Dense(16)(keras.layers.Dense(3)(pixels)))
    x = np.random.default_rng(0).random((EXAMPLES, 16))
    return Twin(DenseAutoencoder(3), (16,), model, x, x, x, x, keras.losses.BinaryCrossentropy(from_logits=True))


def batch_norm() -> Twin:
    """A hidden layer of 8 units with batch normalisation and dropout, whose mask is given."""
    from zoo.backend import keras

    layers, rate = keras.layers, 0.25
    inputs, kept = keras.Input((6,)), keras.Input((8,))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(8, use_bias=False)(inputs)))
    model = keras.Model([inputs, kept], layers.Dense(3)(layers.Multiply()([x, kept])))
    random = np.random.default_rng(0)
    x, mask = random.normal(size=(EXAMPLES, 6)), (random.random((EXAMPLES, 8)) >= rate).astype(float)
    y = np.arange(EXAMPLES) % 3
    net = NormalisedMLP(8, rate)
    return Twin(net, (6, 3), model, (x, mask), y, [x, mask / (1 - rate)], y, _of_classes())


TWINS: dict[str, Callable[[], Twin]] = {
    make.__name__: make for make in (logistic, mlp, cnn, batch_norm, char_lstm, chatbot, word2vec, autoencoder)
}


@dataclass(frozen=True)
class TracedSignal:
    """What a step gives: its name, shape, and the norms of it and of the cost's gradient with respect to it."""

    name: str
    shape: tuple[int, ...]
    norm: float
    error: float | None


@dataclass(frozen=True)
class TracedWeight:
    """A weight: what Keras calls it, shape, norm, that of its gradient in NumPy, and how far Keras' is from it."""

    name: str
    shape: tuple[int, ...]
    norm: float
    gradient: float
    apart: float


@dataclass(frozen=True)
class Trace:
    """One pass forward and back.

    Attributes:
        name: of the net.
        about: what it is.
        file: where it is written out.
        backend: what Keras computes on.
        cost: in NumPy.
        cost_in_keras: of the same weights and examples.
        signals: in the order of the pass forward.
        weights: in the order of Keras' layers.
    """

    name: str
    about: str
    file: str
    backend: str
    cost: float
    cost_in_keras: float
    signals: list[TracedSignal]
    weights: list[TracedWeight]

    def to_json(self) -> dict:
        return asdict(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __str__(self) -> str:
        forward = [
            [each.name, str(each.shape), f"{each.norm:.6g}", "" if each.error is None else f"{each.error:.6g}"]
            for each in self.signals
        ]
        back = [
            [each.name, str(each.shape), f"{each.norm:.6g}", f"{each.gradient:.6g}", f"{each.apart:.1e}"]
            for each in self.weights
        ]
        return "\n".join(
            [
                f"{self.name}: {self.about} {EXAMPLES} examples; {self.file}.",
                "",
                table(forward, ["signal", "shape", "norm", "its error"]),
                "",
                table(back, ["weight", "shape", "norm", "its gradient", f"from Keras on {self.backend}"]),
                "",
                f"cost {self.cost:.12g}, in Keras {self.cost_in_keras:.12g}",
            ]
        )


def trace(name: str, seed: int = 0) -> Trace:
    """One pass of a net forward and back, in NumPy and in Keras, in float64.

    On JAX and PyTorch Keras computes part of it in float32, so there the two differ in the eighth digit.

    Args:
        name: one of `TWINS`.
        seed: of the net's parameters.

    Raises:
        UsageError: no net of that name is written out in NumPy.

    Example:
        >>> [each.name for each in trace("logistic").signals]
        ['x', 'z']
    """
    if name not in TWINS:
        raise UsageError(
            f"{name!r} is not written out in NumPy{did_you_mean(name, TWINS)} There are {', '.join(TWINS)}."
        )
    from zoo import backend

    with backend.float_scope("float64"):
        twin = TWINS[name]()
        parameters = twin.net.initial(*twin.sizes, seed=seed)
        variables = twin.model.trainable_variables
        for variable, value in zip(variables, parameters, strict=True):
            variable.assign(value)
        signals = twin.net.forward(parameters, twin.x)
        cost, errors, gradients = twin.net.backward(parameters, signals, twin.y)
        theirs = backend.gradients(twin.model, twin.inputs, twin.targets, twin.loss)
        outputs = twin.model(twin.inputs, training=True)
        cost_in_keras = float(backend.ops.mean(twin.loss(twin.targets, outputs)))
    return Trace(
        name,
        (TWINS[name].__doc__ or "").strip(),
        f"zoo/scratch/{type(twin.net).__module__.rpartition('.')[2]}.py",
        backend.name(),
        cost,
        cost_in_keras,
        [
            TracedSignal(key, value.shape, norm(value), norm(errors[key]) if key in errors else None)
            for key, value in signals.items()
            if isinstance(value, np.ndarray)
        ],
        [
            TracedWeight(variable.path, value.shape, norm(value), norm(ours), float(np.abs(ours - other).max()))
            for variable, value, ours, other in zip(variables, parameters, gradients, theirs, strict=True)
        ],
    )


def norm(array: np.ndarray) -> float:
    """The root of the sum of squares."""
    return float(np.linalg.norm(np.asarray(array, float).ravel()))
