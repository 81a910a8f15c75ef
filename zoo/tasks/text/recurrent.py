"""Recurrent models of text: their states given and taken, carried from batch to batch, and text drawn step by step."""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from zoo import backend
from zoo.backend import keras, ops
from zoo.console import note
from zoo.data.text.vocabulary import UNKNOWN
from zoo.errors import ZooError
from zoo.inference import numbers_of
from zoo.tasks.text.samplers import NEVER, Sampling, draw

TOKEN = "token"  # what the input of a model of a single one is called
SCORED = 2**25  # numbers that a model makes of a piece of text at a time, 128 MB; scoring takes several times as much


def with_states(model: keras.Model) -> keras.Model:
    """The same layers as a model that is also given the recurrent layers' states, and gives them back.

    Args:
        model: from tokens, int32 of shape (rows, length), to logits; a chain of layers, the recurrent ones among
            them with `return_sequences=True` and `return_state=True`.

    Returns:
        A model from [tokens, state, ...] to [logits, state, ...]; every state has the shape (rows, units).

    Raises:
        ZooError: the model is no such chain.
    """
    tokens = x = keras.Input((None,), dtype="int32")
    given, left = [], []
    for layer in model.layers[1:]:
        if not isinstance(layer, keras.layers.RNN):
            x = layer(x)
            continue
        if not (layer.return_sequences and layer.return_state):
            raise ZooError(f"the layer {layer.name!r} needs return_sequences=True and return_state=True.")
        sizes = layer.cell.state_size
        states = [keras.Input((units,)) for units in (sizes if isinstance(sizes, list | tuple) else [sizes])]
        x, *after = layer(x, initial_state=states)
        given += states
        left += after
    if not given:
        raise ZooError(f"the model {model.name!r} has no recurrent layer.")
    stateful = keras.Model([tokens, *given], [x, *left], name=f"{model.name}_with_states")
    backend.prepare(stateful)
    return stateful


def one_step(model: keras.Model) -> keras.Model:
    """The same layers as a model of a single token, for programs that have no loop over steps.

    Args:
        model: as for `with_states`.

    Returns:
        A model from {"token": int32 of shape (rows,), "state_0": ..., ...} to [logits, state, ...], the states in the
        order of their names; each has the shape (rows, units).

    Raises:
        ZooError: the model is no such chain.
    """
    inputs = {TOKEN: keras.Input((), dtype="int32", name=TOKEN)}
    x = inputs[TOKEN]
    left: list[keras.KerasTensor] = []
    for layer in model.layers[1:]:
        if not isinstance(layer, keras.layers.RNN):
            x = layer(x, training=False) if layer._call_has_training_arg else layer(x)
            continue
        if not hasattr(layer.cell, "state_size"):
            raise ZooError(f"the layer {layer.name!r} has no cell that could take a single step.")
        sizes = keras.tree.flatten(layer.cell.state_size)
        states = [keras.Input((units,), name=f"state_{len(left) + index}") for index, units in enumerate(sizes)]
        before = [keras.Input(value.shape[1:]) for value in (x, *states)]
        after = keras.tree.flatten(layer.cell(before[0], before[1:], training=False))
        # a model of its own, since cells of several layers share a name
        x, *after = keras.Model(before, after, name=layer.name)([x, *states])
        inputs |= {state.name: state for state in states}
        left += after
    if not left:
        raise ZooError(f"the model {model.name!r} has no recurrent layer.")
    return keras.Model(inputs, [x, *left], name=f"{model.name}_step")


class StatefulModel:
    """A model that is also given its states, and what draws and scores text by it, each made when first needed.

    Args:
        model: as for `with_states`.
    """

    def __init__(self, model: keras.Model):
        self.model = with_states(model)

    @functools.cached_property
    def generator(self) -> "TextGenerator":
        return TextGenerator(self.model, never=UNKNOWN)

    @functools.cached_property
    def scorer(self) -> "TextScorer":
        return TextScorer(self.model)


def fresh_states(stateful: keras.Model, rows: int) -> list[np.ndarray]:
    """States before any text: zeros, for so many rows."""
    return [np.zeros((rows, *state.shape[1:]), np.float32) for state in stateful.inputs[1:]]


class StatefulTrainer(keras.Model):
    """Trains on long texts, a row of the batch each: a batch goes on where the one before it ended.

    Keras' own `stateful=True` is lost silently on JAX, refused on PyTorch, and leaks into validation on TensorFlow.
    Here the states are weights that no gradient moves, read at the beginning of a step and written at its end.

    Args:
        stateful: from `with_states`.
        rows: of each batch.
    """

    def __init__(self, stateful: keras.Model, rows: int):
        super().__init__(name=stateful.name)
        self.stateful = stateful
        self.states = [
            self.add_weight((rows, *state.shape[1:]), "zeros", "float32", trainable=False)
            for state in stateful.inputs[1:]
        ]
        self.built = True

    def call(self, tokens: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        # copied: PyTorch writes into the states while gradients still need what they were
        before = [ops.stop_gradient(ops.copy(ops.convert_to_tensor(state))) for state in self.states]
        tokens = ops.reshape(tokens, (self.states[0].shape[0], -1))  # so many rows, and no others
        logits, *after = self.stateful([tokens, *before], training=training)
        for state, value in zip(self.states, after, strict=True):
            state.assign(ops.cast(ops.stop_gradient(value), "float32"))
        return logits

    def start_afresh(self) -> None:
        for state in self.states:
            state.assign(np.zeros(state.shape, np.float32))


class StartAfresh(keras.callbacks.Callback):
    """An epoch and a validation each begin at the beginning of their texts, with states of zero."""

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.model.start_afresh()

    def on_test_begin(self, logs=None) -> None:
        self.model.start_afresh()


class TextLogger(keras.callbacks.Callback):
    """After each epoch, the loss in another unit, and what the model would write.

    Args:
        unit: from the loss, in nats, to it; its name is that in the logs.
        sample: gives a text to show; None shows none.
    """

    def __init__(self, unit: Callable[[float], float], sample: Callable[[], str] | None):
        super().__init__()
        self.unit, self.sample = unit, sample

    def on_epoch_end(self, epoch, logs=None) -> None:
        for key in ("loss", "val_loss"):
            if key in logs:
                logs[key.replace("loss", self.unit.__name__)] = self.unit(float(logs[key]))
        if self.sample is not None:
            note(f"it writes: {self.sample().strip()!r}")


class TextGenerator:
    """Draws text token by token, the whole loop compiled once.

    Args:
        stateful: from `with_states`.
        never: a token that is never drawn.
    """

    def __init__(self, stateful: keras.Model, never: int):
        self.stateful = stateful
        self.tokens = stateful.outputs[0].shape[-1]
        self.penalty = np.where(np.arange(self.tokens) == never, np.float32(NEVER), np.float32(0))
        self.loop = backend.compiled(stateful, self._loop, small_steps=True)

    def generate(
        self, prompt: np.ndarray, length: int, sampling: Sampling, random: np.random.Generator, piece: int
    ) -> Iterator[np.ndarray]:
        """Yield the tokens that follow a prompt.

        Args:
            prompt: int32 of shape (tokens,), at least one.
            length: how many to draw.
            sampling: how.
            random: where the draws' numbers come from.
            piece: how many tokens at a time.
        """
        given, total = len(prompt), len(prompt) + length
        room = max(256, 2 ** (total - 1).bit_length())  # rounded up, so that few lengths are ever compiled
        buffer = np.zeros((1, room), np.int32)
        buffer[0, :given] = prompt
        uniform = np.zeros(room, np.float32)
        uniform[:total] = random.random(total, np.float32)
        states = fresh_states(self.stateful, 1)
        temperature, top_k, top_p = sampling.settings(self.tokens)
        how = np.float32(temperature), np.int32(top_k), np.float32(top_p)
        done = 0  # tokens that the model has seen; it has then drawn the one after them
        while done < total - 1:
            until = min(max(done + 1, given - 1) + piece, total - 1)
            buffer, *states = self.loop(
                buffer, uniform, np.int32(done), np.int32(until), np.int32(given), *how, *states
            )
            yield np.asarray(ops.convert_to_numpy(buffer))[0, max(done + 1, given) : until + 1]
            done = until

    def _loop(self, buffer, uniform, start, stop, given, temperature, top_k, top_p, *states):
        """Read tokens `start` to `stop` of the buffer, and write behind each one what follows, past the given ones."""

        def step(at, buffer, *states):
            token = ops.slice(buffer, (0, at), (1, 1))
            logits, *states = self.stateful([token, *states], training=False)
            number = ops.slice(uniform, (at,), (1,))
            drawn = draw(ops.cast(logits[:, 0], "float32") + self.penalty, number, temperature, top_k, top_p)
            follows = ops.where(at + 1 < given, ops.slice(buffer, (0, at + 1), (1, 1)), drawn[:, None])
            states = [ops.cast(state, "float32") for state in states]  # as they came; a narrower dtype computes
            return at + 1, ops.slice_update(buffer, (0, at + 1), follows), *states

        _, buffer, *states = ops.while_loop(lambda at, *_: at < stop, step, (start, buffer, *states))
        return buffer, *states


class TextScorer:
    """Scores text: the negative logarithm of the probability that a model gives to each token.

    Args:
        stateful: from `with_states`.
        length: tokens of a piece that is read at a time; fewer, where the model is so wide that memory counts.
    """

    def __init__(self, stateful: keras.Model, length: int = 100):
        self.stateful, self.length = stateful, length
        self.forward = backend.compiled(stateful, self._forward)

    def score(self, numbers: np.ndarray, rows: int, progress=lambda tokens: None) -> np.ndarray:
        """Nats of each token but the first, float32 of shape (tokens - 1,).

        Args:
            numbers: the text, int32 of shape (tokens,).
            rows: the text is read in so many parts side by side; each begins without knowing what came before.
            progress: called with how many more tokens were read.
        """
        count = len(numbers) - 1
        each = -(-count // rows)
        length = max(1, min(self.length, SCORED // (rows * numbers_of(self.stateful))))
        steps = -(-each // length)
        padded = np.zeros((2, rows, steps * length), np.int32)
        for row in range(rows):
            part = numbers[row * each : (row + 1) * each + 1]
            padded[0, row, : max(0, len(part) - 1)], padded[1, row, : max(0, len(part) - 1)] = part[:-1], part[1:]
        states, parts = fresh_states(self.stateful, rows), []
        for start in range(0, steps * length, length):
            tokens, targets = padded[:, :, start : start + length]
            nats, *states = self.forward(tokens, targets, *states)
            parts.append(ops.convert_to_numpy(nats))
            progress(tokens.size)
        nats = np.concatenate(parts, axis=1)
        return np.concatenate([nats[row, : max(0, min(each, count - row * each))] for row in range(rows)])

    def _forward(self, tokens, targets, *states):
        logits, *states = self.stateful([tokens, *states], training=False)
        return ops.sparse_categorical_crossentropy(targets, ops.cast(logits, "float32"), from_logits=True), *states
