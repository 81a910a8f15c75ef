"""The zoo's one resize-and-crop rule as nodes of an ONNX graph, with the arithmetic of Pillow's bicubic resize.

Each axis is multiplied by a matrix of weights that the graph makes from the picture's size: a row for each pixel of
the result, a column for each of the picture. ONNX' own `Resize` takes no box that begins between two pixels.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.images.preprocessing import Preprocessing
from zoo.inference.onnx_graph import Graph, Tensor

if TYPE_CHECKING:
    import onnx

SHARPNESS = -0.5  # of Pillow's bicubic filter
GREY = np.array([[0.299, 0.587, 0.114]]).T  # of red, green and blue


def resize_model(rule: Preprocessing) -> onnx.ModelProto:
    """From "picture", uint8 of shape (n, height, width, 3), to the network's "pixels"."""
    import onnx

    graph = Graph()
    shape = graph.node("Shape", ["picture"])
    sides = [
        graph.node("Cast", [graph.node("Gather", [shape, graph.constant(axis)])], to=onnx.TensorProto.DOUBLE)
        for axis in (1, 2)
    ]
    across = [graph.node("Div", [side, graph.constant(float(n))]) for side, n in zip(sides, rule.size, strict=True)]
    # of the picture's pixels, along one of the result's
    scale = graph.node("Mul", [graph.node("Min", across), graph.constant(float(rule.crop))])
    down, along = (_weights(graph, side, scale, n) for side, n in zip(sides, rule.size, strict=True))
    values = graph.node("Cast", ["picture"], to=onnx.TensorProto.FLOAT)
    if rule.channels == 1:
        grey = graph.node("MatMul", [values, graph.constant(GREY.astype(np.float32))])
        values = graph.node("Floor", [graph.node("Add", [grey, graph.constant(np.float32(0.5))])])
    values = graph.node("Transpose", [values], perm=[0, 3, 1, 2])
    along = graph.node("Transpose", [along], perm=[1, 0])

    def passes(columns_first: bool) -> onnx.GraphProto:
        part = Graph(prefix="columns_first_" if columns_first else "rows_first_")
        result = values
        for down_now in (columns_first, not columns_first):
            result = part.node("MatMul", [down, result] if down_now else [result, along])
            result = _rounded(part, result)
        return part.subgraph(result)

    # Pillow, since version 13, takes columns first where that leaves less to do. The order shows in the last bits.
    fewer, narrower = (graph.node("Sub", [side, _number(graph, n)]) for side, n in zip(sides, rule.size, strict=True))
    twice = graph.node("Max", [_number(graph, 0), graph.node("Mul", [narrower, _number(graph, 2)])])
    less = graph.node("Greater", [fewer, twice])
    resized = graph.node("If", [less], then_branch=passes(True), else_branch=passes(False))
    graph.node("Transpose", [resized], "pixels", perm=[0, 2, 3, 1])
    inputs = {"picture": Tensor(np.uint8, ["n", "height", "width", 3])}
    return graph.model(inputs, {"pixels": Tensor(np.float32, ["n", *rule.shape])})


def _number(graph: Graph, value: float) -> str:
    return graph.constant(np.float64(value))


def _weights(graph: Graph, side: str, scale: str, length: int) -> str:
    """A matrix of shape (length, side), whose rows sum to 1; the graph computes `side` and `scale`."""
    import onnx

    number = functools.partial(_number, graph)

    def node(kind: str, *inputs: str, **attributes: Any) -> str:
        return graph.node(kind, inputs, **attributes)

    first = node("Mul", node("Sub", side, node("Mul", scale, number(length))), number(0.5))
    centres = node("Add", first, node("Mul", scale, graph.constant(np.arange(length)[:, None] + 0.5)))
    pixels = node("Add", node("Range", number(0), side, number(1)), number(0.5))
    widened = node("Max", scale, number(1))
    x = node("Abs", node("Div", node("Sub", pixels, centres), widened))
    square, cube = node("Mul", x, x), node("Mul", node("Mul", x, x), x)

    def polynomial(three: float, two: float, one: float, zero: float) -> str:
        parts = [node("Mul", power, number(k)) for power, k in ((cube, three), (square, two), (x, one))]
        return node("Add", node("Add", node("Add", *parts[:2]), parts[2]), number(zero))

    a = SHARPNESS
    near, far = polynomial(a + 2, -(a + 3), 0, 1), polynomial(a, -5 * a, 8 * a, -4 * a)
    far = node("Where", node("Less", x, number(2)), far, number(0))
    weights = node("Where", node("Less", x, number(1)), near, far)
    weights = node("Div", weights, node("ReduceSum", weights, graph.constant([1]), keepdims=1))
    return node("Cast", weights, to=onnx.TensorProto.FLOAT)


def _rounded(graph: Graph, values: str) -> str:
    """Whole numbers from 0 to 255, as Pillow's are between the two axes."""
    whole = graph.node("Floor", [graph.node("Add", [values, graph.constant(np.float32(0.5))])])
    return graph.node("Clip", [whole, graph.constant(np.float32(0)), graph.constant(np.float32(255))])
