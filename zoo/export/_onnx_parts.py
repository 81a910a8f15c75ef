"""What all models as ONNX share: they are translated, put behind one another, and run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.inference.onnx_graph import onnx_of

if TYPE_CHECKING:
    import onnx


def translated(task: Any, network: Path, half: bool, outputs: Sequence[str], given: str = "pixels") -> onnx.ModelProto:
    """A model's converted network as ONNX; see `onnx_of`.

    Raises:
        ZooError: it has what ONNX has not.
    """
    try:
        return onnx_of(network, half, given, outputs)
    except ZooError as error:
        raise ZooError(f"{task.name} cannot be an ONNX file: it has {error}") from error


def behind(model: onnx.ModelProto, network: onnx.ModelProto) -> onnx.ModelProto:
    """Two models as one: what the first gives as "pixels" goes into the second, whose features are left out."""
    import onnx

    outputs = [output.name for output in network.graph.output if output.name != "features"]
    model = onnx.compose.add_prefix(model, "resize_", rename_inputs=False, rename_outputs=False)
    both = onnx.compose.merge_models(model, network, io_map=[("pixels", "pixels")], outputs=outputs)
    both.producer_name = "zoo"
    return both


def between(
    model: onnx.ModelProto, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
) -> onnx.ModelProto | None:
    """The part of a model between tensors that are in it; None where the outputs take more than these inputs."""
    import onnx

    made = {name: node for node in model.graph.node for name in node.output}
    constants = {constant.name: constant for constant in model.graph.initializer}
    given, needed, used = {item.name for item in inputs}, set(), set()
    left = [item.name for item in outputs]
    while left:
        name = left.pop()
        if name in given or not name:
            continue
        if name in constants:
            used.add(name)
        elif name not in made:
            return None
        elif id(made[name]) not in needed:
            needed.add(id(made[name]))
            left.extend(made[name].input)
    nodes = [node for node in model.graph.node if id(node) in needed]
    graph = onnx.helper.make_graph(
        nodes, "part", inputs, outputs, [constants[name] for name in constants if name in used]
    )
    return onnx.helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version, producer_name=model.producer_name
    )


def session(model: onnx.ModelProto) -> Any:
    """The model in ONNX Runtime, on the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of constants that it folds
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
