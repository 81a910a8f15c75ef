"""A network that ends in a linear head on its features, taken apart: what sees, and what names."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.export._onnx_parts import between, session
from zoo.inference import softmax

if TYPE_CHECKING:
    import onnx

ALIKE = 1e-3  # by how much, of the largest, numbers may differ that are the same but for rounding


@dataclass(frozen=True)
class Parted:
    """A classifier's network in two.

    Attributes:
        trunk: from "pixels" to "features" and, where these are the means of maps, "maps".
        kernel: of the head, shape (features, classes).
        bias: of the head, shape (classes,).
    """

    trunk: onnx.ModelProto
    kernel: np.ndarray
    bias: np.ndarray

    def answer(self, features: np.ndarray) -> np.ndarray:
        """Probabilities of shape (n, classes) from features of shape (n, features)."""
        return softmax((features @ self.kernel + self.bias).astype(np.float64))


def parted(model: onnx.ModelProto) -> Parted | None:
    """Take a classifier apart.

    Args:
        model: from "pixels", of one fixed shape but for the batch, to "logits" and, where it has them, "features".

    Returns:
        None where there are no features, or more than a linear head is behind them.
    """
    outputs = {output.name: output for output in model.graph.output}
    if "features" not in outputs:
        return None
    (source,) = next(node.input for node in model.graph.node if "features" in node.output)  # it is an Identity
    pooled = copy.deepcopy(outputs["features"])
    pooled.name = source
    if (head := between(model, [pooled], [outputs["logits"]])) is None:
        return None
    running = session(head)

    def logits(features: np.ndarray) -> np.ndarray:
        return np.concatenate([running.run(None, {source: row[None].astype(np.float32)})[0] for row in features])

    size = pooled.type.tensor_type.shape.dim[1].dim_value
    bias = logits(np.zeros((1, size)))[0]
    kernel = logits(np.eye(size)) - bias
    probe = np.random.default_rng(0).random((4, size))
    if not _same(logits(probe), probe @ kernel + bias):
        return None
    if len(bias) == 1:  # of the second of two classes
        kernel, bias = np.concatenate([-kernel, kernel], axis=1) / 2, np.concatenate([-bias, bias]) / 2
    return Parted(_trunk(model, outputs["features"], source), kernel.astype(np.float32), bias.astype(np.float32))


def _trunk(model: onnx.ModelProto, features: onnx.ValueInfoProto, source: str) -> onnx.ModelProto:
    """What gives the features, from `source`, and, where they are their means, the maps."""
    import onnx

    plain = between(model, [*model.graph.input], [features])
    assert plain is not None
    made = {name: node for node in model.graph.node for name in node.output}
    node = made[source]
    while node.op_type in ("Identity", "Reshape", "Squeeze", "Flatten", "Cast") and node.input[0] in made:
        node = made[node.input[0]]
    if node.op_type not in ("ReduceMean", "GlobalAveragePool"):
        return plain
    both = copy.deepcopy(plain)
    both.graph.node.append(onnx.helper.make_node("Identity", [node.input[0]], ["maps"]))
    both.graph.output.append(onnx.helper.make_tensor_value_info("maps", onnx.TensorProto.FLOAT, None))
    shape = [dim.dim_value or 1 for dim in model.graph.input[0].type.tensor_type.shape.dim]
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    features, maps = session(both).run(["features", "maps"], {"pixels": noise})
    is_of_maps = maps.ndim == 4 and any(
        _same(features, maps.mean(axes)) for axes in ((1, 2), (2, 3)) if maps.mean(axes).shape == features.shape
    )
    return both if is_of_maps else plain


def _same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    return bool(np.abs(ours - theirs).max() <= ALIKE * max(1.0, float(np.abs(theirs).max())))
