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


def session(model: onnx.ModelProto) -> Any:
    """The model in ONNX Runtime, on the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of constants that it folds
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
