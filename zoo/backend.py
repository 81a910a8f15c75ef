"""The one room for code that differs between TensorFlow, JAX and PyTorch.

Other modules say `from zoo.backend import keras`: Keras as it is, imported without TensorFlow's messages.
"""

import contextlib
import ctypes
import functools
import importlib
import itertools
import math
import os
import platform
import random
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from zoo import console
from zoo.errors import UsageError

TALKATIVE = "TF_CPP_MIN_LOG_LEVEL" in os.environ


@contextlib.contextmanager
def silence_stderr() -> Iterator[None]:
    """Keep what TensorFlow prints when it is imported from people who did not ask for it.

    TensorFlow 2.21 prints six lines about its build to the error stream and heeds TF_CPP_MIN_LOG_LEVEL only
    afterwards. Setting that variable, to any level, brings the lines back.
    """
    if TALKATIVE or "tensorflow" in sys.modules:
        yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    console.stream()  # our own notes keep a handle from before
    original, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
        os.close(nowhere)


@contextlib.contextmanager
def keep_random_states() -> Iterator[None]:
    """Leave Python's and NumPy's own random numbers as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


# TensorFlow turns its oneDNN kernels on by itself only where the processor has AVX-512 VNNI or more. On one with AVX2
# convolutional nets train 2.3 to 2.9 times as fast with them, all others 1.1 to 1.6 times.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
with silence_stderr(), keep_random_states():  # TensorFlow draws a number while it is imported
    try:
        import keras
    except ValueError as error:
        raise UsageError(f"{error}. Accepted for KERAS_BACKEND are tensorflow, jax and torch.") from error
    from keras import ops


def name() -> str:
    """The backend that Keras runs on: "tensorflow", "jax" or "torch"; "openvino" where networks are converted."""
    return keras.backend.backend()


def seed_everything(seed: int) -> None:
    """Make what follows a function of `seed` alone, on one machine with the same versions and threads."""
    keras.utils.set_random_seed(seed)
    if name() == "tensorflow":
        import tensorflow as tf

        # Without it gradients of embeddings differ by about 1e-6 between two runs; the cost is not measurable.
        tf.config.experimental.enable_op_determinism()


_in_random_scope = ContextVar("in_random_scope", default=False)
_unseeded_scopes = itertools.count()


@contextlib.contextmanager
def random_scope(seed: int | None) -> Iterator[None]:
    """Draw random numbers that are a function of `seed`; the caller's `random` and `numpy.random` do not notice.

    A scope within a scope seeds anew and goes on from there; the end of the outermost puts back what the caller had.

    Args:
        seed: as for `seed_everything`. None gives other numbers each time, which follow the caller's own seed.
    """
    if _in_random_scope.get():
        if seed is not None:
            seed_everything(seed)
        yield
        return
    others = [] if seed is None else random_states()
    token = _in_random_scope.set(True)
    try:
        with keep_random_states():
            if seed is None:
                random.seed(f"{next(_unseeded_scopes)} {random.getstate()}")
                np.random.seed(random.getrandbits(32))
            else:
                seed_everything(seed)
            yield
    finally:
        _in_random_scope.reset(token)
        set_random_states(others)


@contextlib.contextmanager
def float_scope(dtype: str | None) -> Iterator[None]:
    """For a model in float64: losses, metrics and optimizers that are made here compute in it, too.

    Keras makes them in `floatx`, float32, whatever the model is, and a loss in float32 rounds every gradient.
    """
    usual = keras.config.floatx()
    keras.config.set_floatx("float64" if dtype == "float64" else usual)
    try:
        yield
    finally:
        keras.config.set_floatx(usual)


def random_states() -> list[np.ndarray]:
    """States of random generators that Keras' own SeedGenerators do not hold: on PyTorch, dropout draws from its."""
    if name() != "torch":
        return []
    import torch

    states = [torch.get_rng_state()] + ([torch.cuda.get_rng_state()] if has_gpu() else [])
    return [state.numpy() for state in states]


def set_random_states(states: list[np.ndarray]) -> None:
    """Take back what `random_states` gave."""
    if states:
        import torch

        torch.set_rng_state(torch.from_numpy(states[0]))
        if len(states) > 1 and has_gpu():
            torch.cuda.set_rng_state(torch.from_numpy(states[1]))


def jit_compile() -> bool | str:
    """What `compile(jit_compile=...)` should be here.

    XLA makes convolutions on a CPU about fifteen times slower under TensorFlow; JAX has no other way.
    """
    if name() == "jax":
        return "auto"
    return name() == "tensorflow" and has_gpu()


def keep_memory() -> None:
    """Let a PyTorch that trains on a processor use its memory again, and not give it back to the system at each step.

    glibc's `free` gives large arrays back at once, and asking for them anew takes a third of the time that recurrent
    layers train in. TensorFlow and JAX were measured to be no faster for it. It counts for the whole process.
    """
    if name() != "torch" or has_gpu() or platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in <malloc.h>
    libc = ctypes.CDLL(None)
    libc.mallopt(mmap_threshold, 2**30)
    libc.mallopt(trim_threshold, 2**31 - 1)


def prepare(model: keras.Model) -> None:
    """Let a model that is not compiled predict as fast as this backend can; see `jit_compile` and `recur`."""
    if name() != "jax":
        model.jit_compile = jit_compile()
    for layer in recurrent_layers(model):
        layer.inner_loop = functools.partial(recur, layer)


def merge_sparse_gradients(optimizer: keras.Optimizer) -> keras.Optimizer:
    """Let an optimizer see the gradient of an embedding with one piece for each token, as any other gradient is.

    TensorFlow gives one piece for each look-up, and Keras 3.15 squares the pieces one by one for Adam's second moment
    where the paper, JAX and PyTorch square their sum: steps come out larger, the more often a token stands in a batch.
    """
    if name() != "tensorflow":
        return optimizer
    import tensorflow as tf

    def one_a_token(gradient):
        if not isinstance(gradient, tf.IndexedSlices):
            return gradient
        if jit_compile():  # XLA wants to know all shapes beforehand
            return tf.convert_to_tensor(gradient)
        tokens, place = tf.unique(gradient.indices)
        sums = tf.math.unsorted_segment_sum(gradient.values, place, tf.size(tokens))
        return tf.IndexedSlices(sums, tokens, gradient.dense_shape)

    apply = optimizer.apply
    optimizer.apply = lambda gradients, *rest: apply([one_a_token(gradient) for gradient in gradients], *rest)
    return optimizer


def recurrent_layers(model) -> Iterator:
    """The recurrent layers of a model, those of its parts and both directions of one that has two among them."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.RNN):
            yield layer
        elif isinstance(layer, keras.layers.Bidirectional):
            yield from (layer.forward_layer, layer.backward_layer)
        elif isinstance(layer, keras.Model):
            yield from recurrent_layers(layer)


def recur(layer, sequences, initial_state, mask, training=False) -> tuple:
    """A recurrent layer's way through its steps: Keras' own loop, but for two cases that can do without.

    A single step, as when text is drawn token by token, needs no loop. On PyTorch, whose processor kernels are the
    fastest available, the steps of an LSTM are one call.

    Args:
        layer: a `keras.layers.RNN`.
        sequences: shape (rows, steps, features).
        initial_state: list of tensors of shape (rows, units).
        mask: shape (rows, steps), or None.
        training: whether dropout counts.

    Returns:
        The last output, all outputs, and the list of states, as Keras' `inner_loop` does.
    """
    dropout = training and (getattr(layer, "dropout", 0) or getattr(layer, "recurrent_dropout", 0))
    if mask is None and not training and sequences.shape[1] == 1:
        output, states = layer.cell(sequences[:, 0], initial_state)
        return output, output[:, None], list(states) if isinstance(states, list | tuple) else [states]
    if name() == "torch" and not dropout and fused(layer):
        if mask is None:
            return _torch_lstm(layer, sequences, initial_state)
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        lengths = mask.sum(1)
        if lengths.min() > 0 and (mask[:, 1:] <= mask[:, :-1]).all():  # filled up at the end
            return _torch_lstm_of_lengths(layer, sequences, initial_state, lengths)
    return type(layer).inner_loop(layer, sequences, initial_state, mask, training=training)


def fused(layer) -> bool:
    """Whether a recurrent layer is the LSTM that PyTorch has one call for."""
    return (
        type(layer) is keras.layers.LSTM
        and layer.activation is keras.activations.tanh
        and layer.recurrent_activation is keras.activations.sigmoid
        and layer.use_bias
    )


def _torch_weights(layer, dtype) -> list:
    """The weights as PyTorch's LSTM takes them; the order of the gates is the same."""
    import torch

    kernel, recurrent, bias = (
        ops.convert_to_tensor(variable).to(dtype)
        for variable in (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
    )
    return [kernel.t().contiguous(), recurrent.t().contiguous(), bias, torch.zeros_like(bias)]


def _torch_lstm(layer, sequences, initial_state):
    import torch

    if layer.go_backwards:
        sequences = sequences.flip(1)
    begin, weights = [state[None] for state in initial_state], _torch_weights(layer, sequences.dtype)
    # biases, one layer, no dropout, whether to train, not in both directions, the batch first
    training = torch.is_grad_enabled()
    outputs, *states = torch.lstm(sequences, begin, weights, True, 1, 0.0, training, False, True)
    return states[0][0], outputs, [state[0] for state in states]


def _torch_lstm_of_lengths(layer, sequences, initial_state, lengths):
    """The same for rows of different lengths, each filled up at its end."""
    import torch
    from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

    steps = torch.arange(sequences.shape[1], device=sequences.device)
    if layer.go_backwards:  # each row the other way round, and still filled up at its end
        back = (lengths[:, None] - 1 - steps) % sequences.shape[1]
        sequences = sequences.gather(1, back[..., None].expand_as(sequences))
    packed = pack_padded_sequence(sequences, lengths.cpu(), batch_first=True, enforce_sorted=False)
    begin = [state[None].index_select(1, packed.sorted_indices) for state in initial_state]
    weights, training = _torch_weights(layer, sequences.dtype), torch.is_grad_enabled()
    # biases, one layer, no dropout, whether to train, not in both directions
    data, *states = torch.lstm(packed.data, packed.batch_sizes, begin, weights, True, 1, 0.0, training, False)
    packed_outputs = PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
    outputs, _ = pad_packed_sequence(packed_outputs, batch_first=True, total_length=sequences.shape[1])
    if layer.go_backwards:  # Keras turns the whole row round, so that its filling comes first
        shifted = (steps - (sequences.shape[1] - lengths[:, None])) % sequences.shape[1]
        outputs = outputs.gather(1, shifted[..., None].expand_as(outputs))
    states = [state[0].index_select(0, packed.unsorted_indices) for state in states]
    return states[0], outputs, states


def compiled(model, function: Callable, small_steps: bool = False) -> Callable:
    """A function of arrays that calls a model, compiled where the backend compiles; for use, not for training.

    Args:
        model: its weights are taken as they are at each call.
        function: from tensors to tensors, in `keras.ops` and calls of the model.
        small_steps: whether it is a loop over many small steps: then XLA makes TensorFlow twice as fast.
    """
    if name() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=small_steps, reduce_retracing=True)
    if name() == "jax":
        import jax

        def stateless(weights, *arguments):
            with keras.StatelessScope(state_mapping=zip(model.variables, weights, strict=True)):
                return function(*arguments)

        jitted = jax.jit(stateless)
        return lambda *arguments: jitted([variable.value for variable in model.variables], *arguments)
    if name() == "torch":
        import torch

        def eager(*arguments):
            with torch.no_grad():
                return function(*map(ops.convert_to_tensor, arguments))

        return eager
    return function


def nodes(model: keras.Model) -> Iterator[Any]:
    """The calls of layers and operations of a model in their order, those within models that it calls among them."""
    for level in _levels(model):
        for node in level:
            if isinstance(node.operation, keras.Model):
                yield from nodes(node.operation)
            else:
                yield node


def _levels(model: keras.Model) -> Iterator[list[Any]]:
    graph = getattr(model, "_functional", None) or model  # what a Sequential has inside
    return (level for _, level in sorted(getattr(graph, "_nodes_by_depth", {}).items(), reverse=True))


def steps(model: keras.Model) -> Iterator[tuple[list[int], dict[int, int]]]:
    """What is computed after what: the tensors that each step of a model takes, and the sizes of those that it makes.

    The sizes are numbers of one example; where a length is open they count one of it. Tensors have their id as name.
    """
    for level in _levels(model):
        for node in level:
            if isinstance(node.operation, keras.Model):
                yield from steps(node.operation)
        made = {id(tensor): math.prod(n or 1 for n in tensor.shape) for node in level for tensor in node.outputs}
        yield [id(tensor) for node in level for tensor in node.input_tensors], made


def with_output(model: keras.Model, name: str) -> keras.Model:
    """The model with the output of its layer of that name as a second one; as it is where it has none."""
    if not any(layer.name == name for layer in model.layers):
        return model
    both = keras.Model(model.input, [model.output, model.get_layer(name).output])
    prepare(both)
    return both


def predict(model, inputs: np.ndarray, batch: int = 32) -> list[np.ndarray]:
    """All outputs of a model in float32, for inputs of shape (n, ...)."""
    parts = []
    for start in range(0, len(inputs), batch):
        part = inputs[start : start + batch]
        if len(inputs) > batch:  # a ragged last batch would be compiled anew
            part = np.concatenate([part, np.zeros((batch - len(part), *part.shape[1:]), part.dtype)])
        outputs = model.predict_on_batch(part)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        parts.append([np.asarray(output, np.float32) for output in outputs])
    return [np.concatenate([part[i] for part in parts])[: len(inputs)] for i in range(len(parts[0]))]


def gradients(model, x, y, loss) -> list[np.ndarray]:
    """The gradient of the mean loss at each trainable variable, as one training step would see it.

    What a training step changes besides (batch statistics, the states of random generators) is put back.

    Args:
        model: a Keras model.
        x: inputs, shape (n, ...).
        y: targets, shape (n, ...).
        loss: a Keras loss, or a function of targets and outputs.

    Returns:
        Arrays of the variables' shapes, in the order of `model.trainable_variables`; zeros where the loss does not
        depend on a variable.
    """
    before = [ops.convert_to_numpy(variable) for variable in model.non_trainable_variables]
    compute = {"tensorflow": _tensorflow_gradients, "jax": _jax_gradients, "torch": _torch_gradients}[name()]
    gradients = compute(model, lambda outputs: ops.mean(loss(y, outputs)), x)
    for variable, value in zip(model.non_trainable_variables, before, strict=True):
        variable.assign(value)
    return [ops.convert_to_numpy(gradient) for gradient in gradients]


def slopes(model, inputs: np.ndarray, unit: int) -> np.ndarray:
    """The gradient of one of a model's outputs with respect to its inputs, as the model answers, not as it trains.

    Args:
        model: a Keras model with outputs of shape (n, units).
        inputs: shape (n, ...).
        unit: which output.

    Returns:
        Of the shape of `inputs`, float32.
    """

    def output(x):
        return ops.sum(ops.cast(model(x, training=False)[:, unit], "float32"))

    x = ops.convert_to_tensor(np.asarray(inputs, np.float32))
    if name() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = output(x)
        gradient = tape.gradient(value, x, unconnected_gradients="zero")
    elif name() == "jax":
        import jax

        gradient = jax.grad(output)(x)
    else:
        import torch

        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(output(x), x, materialize_grads=True)
    return ops.convert_to_numpy(gradient)


def before_activation(model: keras.Model) -> keras.Model:
    """A model whose last layer is a Dense one, without that layer's activation; any other model as it is."""
    last = model.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.activation is keras.activations.linear:
        return model
    linear = keras.layers.Dense(last.units, use_bias=last.use_bias, dtype=last.dtype_policy)
    outputs = linear(last.input)
    linear.set_weights(last.get_weights())
    return keras.Model(model.input, outputs)


def at_last_maps(model: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """A model cut where the maps of its last convolution go into one row of numbers.

    All of the model goes through that place: behind it, each step takes what the one before has made.

    Returns:
        From inputs to maps of shape (n, height, width, channels), and from these to the model's output; None and the
        model where it has no such place.
    """
    if not any(len(weight.shape) == 4 for layer in model.layers for weight in layer.weights):
        return None, model
    tensor = model.output
    while True:
        operation, number, _ = tensor._keras_history
        taken = operation._inbound_nodes[number].input_tensors
        if len(tensor.shape) == 4 and min(n or 2 for n in tensor.shape[1:3]) > 1:
            return keras.Model(model.input, tensor), keras.Model(tensor, model.output)
        if len(taken) != 1:
            return None, model
        tensor = taken[0]


def _tensorflow_gradients(model, loss_of, x):
    import tensorflow as tf

    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        value = loss_of(model(x, training=True))
    gradients = tape.gradient(value, variables, unconnected_gradients="zero")
    return [
        tf.convert_to_tensor(gradient) for gradient in gradients
    ]  # of an embedding they are rows with their numbers


def _jax_gradients(model, loss_of, x):
    import jax

    fixed = [variable.value for variable in model.non_trainable_variables]

    def value(weights):
        outputs, _ = model.stateless_call(weights, fixed, x, training=True)
        return loss_of(outputs)

    return jax.grad(value)([variable.value for variable in model.trainable_variables])


def _torch_gradients(model, loss_of, x):
    import torch

    variables = [variable.value for variable in model.trainable_variables]
    with torch.enable_grad():
        value = loss_of(model(x, training=True))
    gradients = torch.autograd.grad(value, variables, allow_unused=True)
    return [torch.zeros_like(v) if g is None else g for v, g in zip(variables, gradients, strict=True)]


def has_gpu() -> bool:
    """Whether the backend computes on a GPU."""
    if name() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if name() == "torch":
        import torch

        return torch.cuda.is_available()
    if name() == "jax":
        import jax

        return jax.default_backend() == "gpu"
    return False  # Keras on OpenVINO, which converts networks: on the processor


def setting() -> str:
    """What a result may depend on beyond the file: versions, backend, and the kind of device."""
    version = importlib.import_module(name()).__version__
    return f"{keras.__version__}-{name()}-{version}-{'gpu' if has_gpu() else 'cpu'}"
