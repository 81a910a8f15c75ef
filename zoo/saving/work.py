"""How much a model computes for one example, found on its graph before anything runs: estimated, rather too much.

It is counted in multiply-adds. The numbers here are for layers and operations that a saved file may name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.backend import keras

MAX_OUTPUT = 2**26  # numbers that a layer of a stranger's model may make of one example; 256 MB
# Multiply-adds that a stranger's model may take for one example, and more of them for each number of its weights. Of
# the networks on the shelf, EfficientNet-B7 takes the largest share of that, a half.
MAX_WORK, WORK_OF_NUMBER = 3 * 10**9, 2000
TOUCHED = 16  # for each number that a layer reads or makes, for which the processor waits
CALLED = 10**5  # for each call of a layer
STEP = 3 * 10**5  # for each step of a recurrent layer, which is a few calls
WINDOW = 64  # for each number of a picture that is resized: places that it is mixed of
# operations that cost more than their numbers: what each multiplies with each, and what goes through them often
PRODUCTS = {"Correlate", "Cross", "Dot", "Inner", "Kron", "Matmul", "Outer", "Tensordot", "Vdot"}
EACH_WITH_EACH = {"Conv", "ConvTranspose", "Correlate", "DepthwiseConv", "Einsum", "Kron", "SeparableConv"}
THOROUGH = set(
    """
    Argpartition Argsort Bincount Digitize Histogram I0 IsIn Median Nanmedian Nanpercentile Nanquantile Percentile
    Quantile SearchSorted Sort Sparsemax Unique
    """.split()  # noqa: SIM905
)
OFTEN = 64


def too_much(largest: int, work: int, held: int) -> str:
    """Why a model does more for one example than one of its size may, as the end of a sentence; "" if it does not.

    Args:
        largest: the most numbers that a layer of it makes.
        work: its multiply-adds.
        held: numbers of its weights.
    """
    if largest > MAX_OUTPUT:
        return f"a layer of its model makes {largest:,} numbers of one example, more than {MAX_OUTPUT:,}"
    if work > (most := MAX_WORK + WORK_OF_NUMBER * held):
        return (
            f"its model takes some {work / 1e9:,.1f} billion multiply-adds for one example, and one of its {held:,} "
            f"weights may take {most / 1e9:,.1f} billion"
        )
    return ""


def work_of(model: keras.Model) -> tuple[int, int]:
    """How many multiply-adds a model takes for one example, and the most numbers that it makes within a layer.

    Where a length is open, one of it is counted.
    """
    from zoo.backend import nodes

    work, largest = 0, 0
    for node in nodes(model):
        made = [_lengths(tensor) for tensor in node.outputs]
        own, within = _work(node.operation, [_lengths(tensor) for tensor in node.input_tensors], made)
        touched = sum(map(math.prod, made)) + sum(math.prod(_lengths(tensor)) for tensor in node.input_tensors)
        work += CALLED + TOUCHED * touched + own
        largest = max(largest, within)
    return work, largest


def _lengths(tensor: Any) -> tuple[int, ...]:
    """A tensor's shape for one example, where lengths that are open count 1."""
    return tuple(length or 1 for length in tensor.shape[1:])


def _work(operation: Any, taken: Sequence[tuple[int, ...]], made: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """What one call takes beyond touching its numbers, and how many numbers it makes on its way."""
    from zoo.backend import keras

    layers, kind = keras.layers, type(operation).__name__
    outputs, inputs = sum(map(math.prod, made)), sum(map(math.prod, taken))
    if isinstance(operation, layers.TimeDistributed):
        return _of_each(operation.layer, taken, made)
    if isinstance(operation, layers.Wrapper):
        return _work(operation.layer, taken, made)
    weights = [tuple(variable.shape) for variable in operation.variables] if hasattr(operation, "variables") else []
    numbers = sum(map(math.prod, weights))
    if hasattr(operation, "cell") or hasattr(operation, "forward_layer"):
        return (taken[0][0] if len(taken[0]) > 1 else 1) * (STEP + numbers), 0
    if isinstance(operation, layers.MultiHeadAttention | layers.Attention | layers.AdditiveAttention):
        return _attention(operation, taken, numbers)
    if hasattr(operation, "kernel_size"):  # of a convolution, which a transposed one is from the other side
        first = getattr(operation, "data_format", "") == "channels_first"
        places = [math.prod(shape[1:] if first else shape[:-1]) for shape in (taken[0], made[0])]
        return min(places) * numbers, 0
    if size := getattr(operation, "pool_size", None):
        return outputs * math.prod(size if isinstance(size, tuple | list) else (size,) * (len(made[0]) - 1)), 0
    if kind in EACH_WITH_EACH:
        return math.prod(max(1, math.prod(shape)) for shape in taken), 0
    if kind == "DotProductAttention":
        (length, *heads), keys = taken[0], taken[1][0]
        return 2 * length * keys * math.prod(heads), length * keys * math.prod(heads[:-1])
    if kind in PRODUCTS and len(taken) > 1:
        return _product(math.prod(taken[0]), math.prod(taken[1]), outputs), 0
    if kind in THOROUGH:
        return OFTEN * (inputs + outputs), 0
    if kind in ("Slogdet", "Corrcoef", "Vander"):
        return math.isqrt(inputs) * (inputs + outputs), 0
    if isinstance(operation, layers.Resizing | layers.UpSampling2D):
        return WINDOW * (inputs + outputs), 0
    if isinstance(operation, layers.Embedding | layers.PReLU) and kind != "ReversibleEmbedding":
        return 0, 0
    return sum(_product(inputs, math.prod(shape), outputs) for shape in weights if len(shape) > 1), 0


def _of_each(layer: Any, taken: Sequence[tuple[int, ...]], made: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """What a layer, or a model, takes that is called for each step of its input."""
    from zoo.backend import keras

    steps = taken[0][0]
    if isinstance(layer, keras.Model):
        work, within = work_of(layer)
    else:
        work, within = _work(layer, [shape[1:] for shape in taken], [shape[1:] for shape in made])
    return steps * (work + CALLED), within


def _attention(operation: Any, taken: Sequence[tuple[int, ...]], numbers: int) -> tuple[int, int]:
    """Scores of each place for each other."""
    places, keys = (math.prod(shape[:-1]) for shape in (taken[0], taken[min(1, len(taken) - 1)]))
    heads = getattr(operation, "num_heads", 1)
    width = getattr(operation, "key_dim", taken[0][-1])
    scores = places * keys * heads
    within = scores * (width if type(operation).__name__ == "AdditiveAttention" else 1)
    return 2 * scores * width + max(places, keys) * numbers, within


def _product(one: int, other: int, outputs: int) -> int:
    """Multiply-adds of a product of matrices of so many numbers: n k, k m and n m are n k m squared."""
    return math.isqrt(one * other * outputs)
