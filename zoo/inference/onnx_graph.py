"""A converted network as an ONNX graph: OpenVINO's operations and ONNX' are nearly the same.

No framework takes part, so this takes a second. Whatever operation has no counterpart here is named and refused.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.errors import ZooError
from zoo.inference.openvino import load_openvino

if TYPE_CHECKING:
    import onnx

OPSET = 18  # of 2022: what reads ONNX today reads it
IR = 8  # the version of the file's layout that goes with it
HALVED = 2048  # numbers; smaller constants are most of the error and little of the size, so they stay in float32


class Tensor(NamedTuple):
    """What goes into a model or comes out: the type of its numbers and its shape, open lengths having a name."""

    dtype: type
    shape: Sequence[int | str]


SAME = {
    "Abs": "Abs",
    "Add": "Add",
    "Ceiling": "Ceil",
    "CumSum": "CumSum",
    "Divide": "Div",
    "Equal": "Equal",
    "Erf": "Erf",
    "Exp": "Exp",
    "Floor": "Floor",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "HSwish": "HardSwish",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
    "Log": "Log",
    "LogicalAnd": "And",
    "LogicalNot": "Not",
    "LogicalOr": "Or",
    "Maximum": "Max",
    "Minimum": "Min",
    "Multiply": "Mul",
    "Negative": "Neg",
    "Power": "Pow",
    "PRelu": "PRelu",
    "Relu": "Relu",
    "Select": "Where",
    "ShapeOf": "Shape",
    "Sigmoid": "Sigmoid",
    "Sign": "Sign",
    "SoftPlus": "Softplus",
    "Sqrt": "Sqrt",
    "Subtract": "Sub",
    "Tanh": "Tanh",
    "Tile": "Tile",
}  # the same inputs, no attributes
REDUCTIONS = {"ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"}


def onnx_of(
    network: Path, halved: bool = False, given: str = "pixels", outputs: Sequence[str] = ("logits", "features")
) -> onnx.ModelProto:
    """The ONNX model of a converted network.

    Args:
        network: OpenVINO's `.xml` file, its weights beside it.
        halved: keep large constants in float16; they are computed with in float32.
        given: what its input is called; where it has several, they keep their names.
        outputs: what its outputs are called; a network may have fewer.

    Returns:
        A model whose inputs are float32 of shape (n, ...), or int32 where the network takes whole numbers.

    Raises:
        ZooError: the network has an operation that is not known here.
    """
    openvino = load_openvino()
    model = openvino.Core().read_model(network)
    passes = importlib.import_module("openvino.passes")
    manager = passes.Manager()
    manager.register_pass(passes.ConstantFolding())  # weights that are turned at each call
    manager.run_passes(model)
    graph = Graph(halved)
    takes, gives = {}, {}
    parameters = model.get_parameters()
    for parameter in parameters:
        name = given if len(parameters) == 1 else parameter.get_friendly_name()
        takes[name] = graph.parameter(parameter, name)
    for operation in model.get_ordered_ops():
        graph.add(operation)
    for result, output in zip(model.get_results(), outputs, strict=False):
        graph.node("Identity", [graph.names[source(result, 0)]], output)
        gives[output] = Tensor(np.float32, _lengths(result.input(0)))
    return graph.model(takes, gives)


def _lengths(output: Any) -> list[int | str]:
    """The shape, an open length being called "n"."""
    return [length.get_length() if length.is_static else "n" for length in output.get_partial_shape()]


def source(operation: Any, index: int) -> tuple[str, int]:
    """What an operation's input is: the name of what made it, and which of its outputs."""
    output = operation.input_value(index)
    return output.get_node().get_name(), output.get_index()


class Graph:
    """Nodes and constants that are being collected.

    Args:
        halved: keep large constants in float16.
        prefix: of the names, which those of a branch must not share with others.
    """

    def __init__(self, halved: bool = False, prefix: str = ""):
        self.halved, self.prefix = halved, prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.names: dict[tuple[str, int], str] = {}  # what an output of an operation is called here
        self.values: dict[tuple[str, int], np.ndarray] = {}  # of constants

    def node(self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """Add a node with one output, and return that output's name."""
        import onnx

        output = output or f"{self.prefix}{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def nodes_of_many(self, kind: str, inputs: Sequence[str], number: int, **attributes: Any) -> list[str]:
        """Add a node with several outputs, and return their names."""
        import onnx

        outputs = [f"{self.prefix}{kind.lower()}_{len(self.nodes)}_{index}" for index in range(number)]
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs

    def parameter(self, operation: Any, name: str) -> Tensor:
        """Call an input of the network so, and say what it is."""
        import onnx

        whole = np.dtype(operation.get_element_type().to_dtype()).kind in "iu"
        taken = self.node("Cast", [name], to=onnx.TensorProto.INT64) if whole else name
        self.names[operation.get_name(), 0] = taken
        return Tensor(np.int32 if whole else np.float32, _lengths(operation.output(0)))

    def constant(self, value: Any) -> str:
        """Add a constant array; whole numbers as int64, which is what ONNX takes wherever it takes some."""
        import onnx

        array = np.asarray(value)
        array = array.astype(np.int64) if array.dtype.kind in "iu" else array
        name = f"{self.prefix}constant_{len(self.constants)}"
        halved = self.halved and array.dtype == np.float32 and array.size > HALVED
        stored = array.astype(np.float16) if halved else array
        self.constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(stored).reshape(array.shape), name))
        return self.node("Cast", [name], to=onnx.TensorProto.FLOAT) if halved else name

    def model(self, inputs: dict[str, Tensor], outputs: dict[str, Tensor]) -> onnx.ModelProto:
        """What was collected as a model."""
        import onnx

        def described(tensors: dict[str, Tensor]) -> list[onnx.ValueInfoProto]:
            kind, describe = onnx.helper.np_dtype_to_tensor_dtype, onnx.helper.make_tensor_value_info
            return [describe(name, kind(np.dtype(of.dtype)), of.shape) for name, of in tensors.items()]

        graph = onnx.helper.make_graph(self.nodes, "zoo", described(inputs), described(outputs), self.constants)
        opset = [onnx.helper.make_opsetid("", OPSET)]
        return onnx.helper.make_model(graph, opset_imports=opset, ir_version=IR, producer_name="zoo")

    def subgraph(self, output: str) -> onnx.GraphProto:
        """What was collected as a branch, which gives `output` and may use whatever stands around it."""
        import onnx

        described = onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)
        return onnx.helper.make_graph(self.nodes, self.prefix, [], [described], self.constants)

    def add(self, operation: Any) -> None:
        """Add what an operation of OpenVINO's does.

        Raises:
            ZooError: it is not known here.
        """
        kind, name = operation.get_type_name(), operation.get_name()
        if kind in ("Parameter", "Result"):
            return
        if kind == "Constant":
            self.values[name, 0] = operation.data
            return
        if kind in SAME:
            self.names[name, 0] = self.node(SAME[kind], self.inputs(operation))
        elif kind in REDUCTIONS:
            keeps = int(operation.get_attributes()["keep_dims"])
            inputs = [self.input(operation, 0), self.list(operation, 1)]
            self.names[name, 0] = self.node(kind, inputs, keepdims=keeps)
        elif kind == "Split":
            number, axis = int(operation.get_attributes()["num_splits"]), int(self.value(operation, 1))
            parts = self.nodes_of_many("Split", [self.input(operation, 0)], number, axis=axis, num_outputs=number)
            self.names |= {(name, index): part for index, part in enumerate(parts)}
        elif kind in TRANSLATED:
            self.names[name, 0] = TRANSLATED[kind](self, operation, operation.get_attributes())
        else:
            raise ZooError(f"the operation {kind}, which is not known for ONNX")

    def input(self, operation: Any, index: int) -> str:
        """The name of an input; a constant is added when it is first used."""
        key = source(operation, index)
        if key not in self.names:
            self.names[key] = self.constant(self.values[key])
        return self.names[key]

    def inputs(self, operation: Any) -> list[str]:
        return [self.input(operation, index) for index in range(operation.get_input_size())]

    def value(self, operation: Any, index: int) -> np.ndarray:
        """An input that must be a constant."""
        try:
            return self.values[source(operation, index)]
        except KeyError:
            kind = operation.get_type_name()
            raise ZooError(f"the operation {kind} with parameters that are computed, which ONNX cannot hold") from None

    def list(self, operation: Any, index: int) -> str:
        """A constant of one axis, where OpenVINO takes a single number for a list of one."""
        return self.constant(self.value(operation, index).reshape(-1))


def _convert(graph: Graph, operation: Any, attributes: dict) -> str:
    import onnx

    before, after = (np.dtype(side(0).get_element_type().to_dtype()) for side in (operation.input, operation.output))
    if before == after or (before.kind in "iu" and after.kind in "iu"):
        return graph.input(operation, 0)
    after = np.dtype(np.int64) if after.kind in "iu" else after
    return graph.node("Cast", [graph.input(operation, 0)], to=onnx.helper.np_dtype_to_tensor_dtype(after))


def _convolution(graph: Graph, operation: Any, attributes: dict) -> str:
    kernel = graph.value(operation, 1)
    groups = 1
    if operation.get_type_name() == "GroupConvolution":  # (groups, outputs of one, inputs of one, height, width)
        groups = kernel.shape[0]
        kernel = kernel.reshape(-1, *kernel.shape[2:])
    return graph.node(
        "Conv",
        [graph.input(operation, 0), graph.constant(kernel)],
        group=groups,
        kernel_shape=kernel.shape[2:],
        strides=attributes["strides"],
        dilations=attributes["dilations"],
        pads=[*attributes["pads_begin"], *attributes["pads_end"]],
    )


def _transposed_convolution(graph: Graph, operation: Any, attributes: dict) -> str:
    kernel = graph.value(operation, 1)  # (inputs, outputs, height, width)
    return graph.node(
        "ConvTranspose",
        [graph.input(operation, 0), graph.constant(kernel)],
        kernel_shape=kernel.shape[2:],
        strides=attributes["strides"],
        dilations=attributes["dilations"],
        pads=[*attributes["pads_begin"], *attributes["pads_end"]],
        output_padding=attributes["output_padding"],
    )


def _pool(graph: Graph, operation: Any, attributes: dict) -> str:
    how = {
        "kernel_shape": attributes["kernel"],
        "strides": attributes["strides"],
        "pads": [*attributes["pads_begin"], *attributes["pads_end"]],
        "ceil_mode": int(attributes["rounding_type"] == "ceil"),
    }
    if operation.get_type_name() == "MaxPool":
        return graph.node("MaxPool", [graph.input(operation, 0)], dilations=attributes["dilations"], **how)
    includes = int(not attributes["exclude-pad"])
    return graph.node("AveragePool", [graph.input(operation, 0)], count_include_pad=includes, **how)


def _normalization(graph: Graph, operation: Any, attributes: dict) -> str:
    return graph.node("BatchNormalization", graph.inputs(operation), epsilon=attributes["epsilon"])


def _clamp(graph: Graph, operation: Any, attributes: dict) -> str:
    bounds = [graph.constant(np.float32(attributes[end])) for end in ("min", "max")]
    return graph.node("Clip", [graph.input(operation, 0), *bounds])


def _swish(graph: Graph, operation: Any, attributes: dict) -> str:
    x, *beta = graph.inputs(operation)
    return graph.node("Mul", [x, graph.node("Sigmoid", [graph.node("Mul", [x, *beta]) if beta else x])])


def _gelu(graph: Graph, operation: Any, attributes: dict) -> str:
    x = graph.input(operation, 0)
    half, one = graph.constant(np.float32(0.5)), graph.constant(np.float32(1))

    def times(a: str, b: str) -> str:
        return graph.node("Mul", [a, b])

    if attributes["approximation_mode"] == "ERF":
        bent = graph.node("Erf", [times(x, graph.constant(np.float32(math.sqrt(0.5))))])
    else:
        cube = times(graph.constant(np.float32(0.044715)), times(x, times(x, x)))
        scale = graph.constant(np.float32(math.sqrt(2 / math.pi)))
        bent = graph.node("Tanh", [times(scale, graph.node("Add", [x, cube]))])
    return times(times(half, x), graph.node("Add", [one, bent]))


def _elu(graph: Graph, operation: Any, attributes: dict) -> str:
    return graph.node("Elu", [graph.input(operation, 0)], alpha=attributes["alpha"])


def _hard_sigmoid(graph: Graph, operation: Any, attributes: dict) -> str:
    alpha, beta = (float(graph.value(operation, index)) for index in (1, 2))
    return graph.node("HardSigmoid", [graph.input(operation, 0)], alpha=alpha, beta=beta)


def _softmax(graph: Graph, operation: Any, attributes: dict) -> str:
    return graph.node("Softmax", [graph.input(operation, 0)], axis=attributes["axis"])


def _transpose(graph: Graph, operation: Any, attributes: dict) -> str:
    return graph.node("Transpose", [graph.input(operation, 0)], perm=graph.value(operation, 1).tolist())


def _reshape(graph: Graph, operation: Any, attributes: dict) -> str:
    zero_is_zero = int(not attributes["special_zero"])
    return graph.node("Reshape", graph.inputs(operation), allowzero=zero_is_zero)


def _squeeze(graph: Graph, operation: Any, attributes: dict) -> str:
    axes = [graph.list(operation, 1)] if operation.get_input_size() > 1 else []
    return graph.node(operation.get_type_name(), [graph.input(operation, 0), *axes])


def _concat(graph: Graph, operation: Any, attributes: dict) -> str:
    return graph.node("Concat", graph.inputs(operation), axis=attributes["axis"])


def _slice(graph: Graph, operation: Any, attributes: dict) -> str:
    data, start, stop, step, *axes = graph.inputs(operation)
    axes = axes or [graph.constant(np.arange(len(graph.value(operation, 1))))]
    return graph.node("Slice", [data, start, stop, *axes, step])


def _strided_slice(graph: Graph, operation: Any, attributes: dict) -> str:
    begin, end = (graph.value(operation, index).astype(np.int64) for index in (1, 2))
    step = graph.value(operation, 3) if operation.get_input_size() > 3 else np.ones_like(begin)
    if any(any(attributes[mask]) for mask in ("new_axis_mask", "shrink_axis_mask", "ellipsis_mask")):
        raise ZooError("the operation StridedSlice with axes that come or go, which is not known for ONNX")
    masks = (np.resize(attributes[mask] or [0], begin.shape) for mask in ("begin_mask", "end_mask"))
    from_first, to_last = (mask.astype(bool) for mask in masks)
    begin = np.where(from_first, np.where(step > 0, 0, np.iinfo(np.int64).max), begin)
    end = np.where(to_last, np.where(step > 0, np.iinfo(np.int64).max, np.iinfo(np.int64).min), end)
    parts = (begin, end, np.arange(len(begin)), step.astype(np.int64))
    return graph.node("Slice", [graph.input(operation, 0), *map(graph.constant, parts)])


def _gather(graph: Graph, operation: Any, attributes: dict) -> str:
    if attributes["batch_dims"]:
        raise ZooError("the operation Gather over batches, which is not known for ONNX")
    axis = int(graph.value(operation, 2))
    return graph.node("Gather", [graph.input(operation, 0), graph.input(operation, 1)], axis=axis)


def _broadcast(graph: Graph, operation: Any, attributes: dict) -> str:
    if attributes["mode"] == "explicit":
        raise ZooError("the operation Broadcast along named axes, which is not known for ONNX")
    return graph.node("Expand", graph.inputs(operation)[:2])


def _pad(graph: Graph, operation: Any, attributes: dict) -> str:
    pads = np.concatenate([graph.value(operation, index).astype(np.int64) for index in (1, 2)])
    filled = [graph.input(operation, 3)] if operation.get_input_size() > 3 else []
    return graph.node("Pad", [graph.input(operation, 0), graph.constant(pads), *filled], mode=attributes["pad_mode"])


def _product(graph: Graph, operation: Any, attributes: dict) -> str:
    names = []
    for index, side in enumerate("ab"):
        name = graph.input(operation, index)
        if attributes[f"transpose_{side}"]:
            axes = list(range(len(operation.input(index).get_partial_shape())))
            name = graph.node("Transpose", [name], perm=[*axes[:-2], axes[-1], axes[-2]])
        names.append(name)
    return graph.node("MatMul", names)


TRANSLATED: dict[str, Callable[[Graph, Any, dict], str]] = {
    "AvgPool": _pool,
    "BatchNormInference": _normalization,
    "Broadcast": _broadcast,
    "Clamp": _clamp,
    "Concat": _concat,
    "Convert": _convert,
    "Convolution": _convolution,
    "ConvolutionBackpropData": _transposed_convolution,
    "Elu": _elu,
    "Gather": _gather,
    "Gelu": _gelu,
    "GroupConvolution": _convolution,
    "HardSigmoid": _hard_sigmoid,
    "MatMul": _product,
    "MaxPool": _pool,
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Swish": _swish,
    "Transpose": _transpose,
    "Unsqueeze": _squeeze,
}
