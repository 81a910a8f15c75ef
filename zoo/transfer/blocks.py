"""The blocks of a network, found in its graph: what lies between two places where all goes through one tensor.

No name is needed. Residual blocks, dense blocks and the parts of an Inception network begin where several ways part
and end where they meet; of a network that is a plain chain, each layer with a kernel is a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.backend import keras


@dataclass(frozen=True)
class Block:
    """A part of a network that all goes through.

    Attributes:
        input: the tensor in front of it.
        layers: those within, in the order of their computation.
    """

    input: Any
    layers: list[keras.layers.Layer]


def find_blocks(model: keras.Model, end: str = "features") -> list[Block]:
    """The blocks of a functional model, in their order; the first begins at the model's input.

    A stretch without a kernel belongs to the block before it, as a ReLU behind a sum does. A gate, which multiplies a
    tensor by numbers made from itself (squeeze and excitation), parts no blocks.

    Args:
        model: from one input.
        end: name of the layer that the last block ends with.

    Raises:
        ZooError: the model is no graph of layers from one input to a layer of that name.

    Example:
        >>> from zoo.backend import keras
        >>> x = pixels = keras.Input((8, 8, 3))
        >>> for _ in range(2):
        ...     x = keras.layers.ReLU()(keras.layers.Add()([x, keras.layers.Conv2D(3, 3, padding="same")(x)]))
        >>> features = keras.layers.GlobalAveragePooling2D(name="features")(x)
        >>> [[type(layer).__name__ for layer in block.layers] for block in find_blocks(keras.Model(pixels, features))]
        [['Conv2D', 'Add', 'ReLU'], ['Conv2D', 'Add', 'ReLU', 'GlobalAveragePooling2D']]
    """
    levels = getattr(model, "_nodes_by_depth", None)  # of a functional model, the input has the greatest depth
    layer = next((layer for layer in model.layers if layer.name == end), None)
    if not levels or layer is None or len(model.inputs) != 1:
        raise ZooError(f"{model.name} is no graph of layers from one input to a layer called {end!r}.")
    nodes = _nodes_to(layer.output, [node for _, level in sorted(levels.items(), reverse=True) for node in level])
    places = _bottlenecks(nodes)
    edges = {places[0]}
    for (first, before), (last, behind) in pairwise(places):
        if last - first > 1 and type(nodes[last].operation).__name__ != "Multiply":
            edges |= {(first, before), (last, behind)}
    if len(edges) == 1:
        edges |= {(number, tensor) for number, tensor in places[:-1] if _has_kernel(nodes[number + 1 : number + 2])}
    blocks, behind = [], len(nodes)
    for number, tensor in sorted(edges, key=lambda edge: -edge[0]):
        stretch = nodes[number + 1 : behind]
        if _has_kernel(stretch):
            blocks.append(Block(tensor, [node.operation for node in stretch]))
            behind = number + 1
    return blocks[::-1]


def _nodes_to(tensor: Any, nodes: list) -> list:
    """Those of the nodes, in their order, that a tensor depends on."""
    needed, chosen = {id(tensor)}, []
    for node in reversed(nodes):
        if any(id(output) in needed for output in node.outputs):
            needed |= {id(item) for item in node.input_tensors}
            chosen.append(node)
    return chosen[::-1]


def _bottlenecks(nodes: list) -> list[tuple[int, Any]]:
    """The tensors that all ways to the last node go through, each with the number of the node that makes it.

    Whatever the order of the nodes, at such a tensor all that comes before has been computed, and nothing else of it
    is needed any more.
    """
    last_use = {id(tensor): number for number, node in enumerate(nodes) for tensor in node.input_tensors}
    alive: dict[int, Any] = {}
    places = []
    for number, node in enumerate(nodes):
        alive |= {id(output): output for output in node.outputs}
        alive = {key: tensor for key, tensor in alive.items() if last_use.get(key, len(nodes)) > number}
        if len(alive) == 1:
            places.append((number, *alive.values()))
    return places


def _has_kernel(nodes: list) -> bool:
    """Whether any of the nodes has a weight that is more than a row of numbers, such as a scale or an offset."""
    return any(len(weight.shape) > 1 for node in nodes for weight in getattr(node.operation, "weights", ()))
