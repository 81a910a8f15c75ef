"""Using a network without its framework: OpenVINO is there in half a second, TensorFlow takes eight."""

import importlib.metadata
import importlib.util
import math
import os
import sys
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.inference.engine import BATCH, batch_of, most_alive


def available() -> bool:
    """Whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None and version("openvino") is not None


def version(package: str) -> str | None:
    """An installed package's version, without importing it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def load_openvino() -> ModuleType:
    """The module `openvino`, kept from reporting each import to Intel, which it does from a process that it forks."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # not found: OpenVINO goes on without
    import openvino

    return openvino


def fastest_precision() -> str:
    """The precision that OpenVINO computes fastest in on this processor: "bfloat16" or "float32"."""
    try:
        capabilities = load_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except (ImportError, RuntimeError):  # a broken install: Keras will do the work
        return "float32"
    return "bfloat16" if "BF16" in capabilities else "float32"


def hint(precision: str) -> dict[str, str]:
    """What tells OpenVINO to compute in "float32" or "bfloat16"."""
    return {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32"}


class OpenVINOEngine:
    """A converted network, computed by OpenVINO.

    Args:
        path: OpenVINO's `.xml` file, its weights beside it.
        precision: "float32", where it answers as Keras does but for rounding, or "bfloat16".
        most: inputs of a forward pass, see `KerasEngine`.
    """

    name = "openvino"

    def __init__(self, path: Path, precision: str = "float32", most: int = BATCH):
        self.path, self.precision, self._most = path, precision, most
        self._lock, self._local, self._process = threading.Lock(), threading.local(), os.getpid()

    def __reduce__(self) -> tuple:
        return OpenVINOEngine, (self.path, self.precision, self._most)

    @cached_property
    def _compiled(self) -> Any:
        return load_openvino().Core().compile_model(self.path, "CPU", hint(self.precision))

    @cached_property
    def _batch(self) -> int:
        def size(output: Any) -> int:
            lengths = output.get_partial_shape()
            return math.prod(n.get_length() for n in lengths if n.is_static) if lengths.rank.is_static else 1

        def steps() -> Iterator[tuple[list[int], dict[int, int]]]:
            names: dict[tuple[str, int], int] = {}
            for operation in self._compiled.get_runtime_model().get_ordered_ops():
                if operation.get_type_name() == "Constant":
                    continue
                taken = [item.get_source_output() for item in operation.inputs()]
                made = {(operation.get_name(), output.index): size(output) for output in operation.outputs()}
                number = {name: names.setdefault(name, len(names)) for name in made}
                yield (
                    [names.get((output.node.get_name(), output.index), -1) for output in taken],
                    {number[name]: made[name] for name in made},
                )

        return batch_of(most_alive(steps()), self._most)

    def ready(self) -> "OpenVINOEngine":
        """The same, read and compiled: what is damaged is found now."""
        with self._lock:
            _ = self._compiled
        return self

    def _request(self) -> Any:
        """This thread's own request: one that two threads use gives one of them the other's answers."""
        if os.getpid() != self._process:
            raise ZooError(
                "this model has answered before the process was forked, and OpenVINO does not survive that. Start "
                'workers by "spawn" (multiprocessing.get_context("spawn"), joblib), or load the model in each of them.'
            )
        if not hasattr(self._local, "request"):
            self._local.request = self.ready()._compiled.create_infer_request()
        return self._local.request

    @property
    def setting(self) -> str:
        """What its answers may depend on beyond the model: the version, the kind of device, and these very files."""
        written = [path.stat().st_mtime_ns for path in (self.path, self.path.with_suffix(".bin"))]
        return f"openvino-{version('openvino')}-cpu-{written[0]:x}-{written[1]:x}"

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        request = self._request()
        size = self._compiled.input(0).get_partial_shape()[0]
        size = size.get_length() if size.is_static else self._batch
        batches = [request.infer(part.astype(np.float32)) for part in np.split(inputs, range(size, len(inputs), size))]
        return [np.concatenate([outputs[i] for outputs in batches]) for i in range(len(self._compiled.outputs))]

    @cached_property
    def _pooled(self) -> tuple[Any, np.ndarray, np.ndarray] | None:
        """The network with the maps in front of its features as a third output, and the linear head on the features.

        None where it has no features, or they are no means of maps.
        """
        openvino = load_openvino()
        core, model = openvino.Core(), openvino.Core().read_model(self.path)
        if len(model.outputs) < 2:
            return None
        features = model.outputs[1].get_node().input_value(0)
        node = features.get_node()
        while node.get_type_name() in ("Reshape", "Squeeze", "Convert"):
            node = node.input_value(0).get_node()
        if node.get_type_name() != "ReduceMean" or len(node.input_value(0).get_partial_shape()) != 4:
            return None
        maps = node.input_value(0)
        logits = model.outputs[0].get_node().input_value(0)
        while logits.get_node().get_type_name() in ("Sigmoid", "Convert"):  # the head's activation
            logits = logits.get_node().input_value(0)
        whole = openvino.Model([logits, features, maps], model.get_parameters())
        compiled = core.compile_model(whole, "CPU", hint("float32"))
        # what is behind the features, as a network of its own: at 0 its bias, at unit vectors its weights
        size = features.get_partial_shape()[1].get_length()
        pooled = openvino.opset13.parameter([-1, size], np.float32)
        for taker in features.get_target_inputs():
            if taker.get_node().get_type_name() != "Result":
                taker.replace_source_output(pooled.output(0))
        head = core.compile_model(openvino.Model([logits], [pooled]), "CPU", hint("float32"))
        rows = head(np.concatenate([np.zeros((1, size)), np.eye(size)]).astype(np.float32))[0]
        return compiled, rows[1:] - rows[0], rows[0]

    def pooled(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """What a linear head takes the means of, where the network ends so.

        Args:
            inputs: shape (n, ...).

        Returns:
            Logits of shape (n, k); maps of shape (n, height, width, channels); the head's weights, (channels, k). None
            where the network ends otherwise: the logits are compared with those that the means give.
        """
        with self._lock:  # a compiled network has one request for all who call it
            if self._pooled is None:
                return None
            compiled, kernel, bias = self._pooled
            rows = [[np.array(values) for values in compiled(row[None].astype(np.float32)).values()] for row in inputs]
        logits, _, maps = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        if maps.shape[1] == len(kernel):
            maps = np.moveaxis(maps, 1, -1)
        means = maps.mean(axis=(1, 2))
        exact = means.shape[1] == len(kernel) and np.allclose(means @ kernel + bias, logits, rtol=1e-3, atol=1e-3)
        return (logits, maps, kernel) if exact else None


class OpenVINOTrunk(OpenVINOEngine):
    """A converted network up to a tensor within it.

    What was converted has no names of Keras' any more, so the tensor is known by its values.

    Args:
        path: OpenVINO's `.xml` file, its weights beside it.
        precision: "float32" or "bfloat16".
        inputs: of the network, shape (n, ...).
        expected: the tensor's values for these, shape (n, ...); the network may have its channels first there.

    Raises:
        LookupError: no tensor of the converted network has these values.
    """

    def __init__(self, path: Path, precision: str, inputs: np.ndarray, expected: np.ndarray):
        super().__init__(path, precision)
        self.inputs, self.expected = inputs, expected
        self.channels_first = False
        self.ready()

    def __reduce__(self) -> tuple:
        return OpenVINOTrunk, (self.path, self.precision, self.inputs, self.expected)

    @cached_property
    def _compiled(self) -> Any:
        openvino = load_openvino()
        core, model = openvino.Core(), openvino.Core().read_model(self.path)
        last = self.expected.ndim - 1
        plain, turned = self.expected, np.moveaxis(self.expected, last, 1)

        def lengths(output: Any) -> list[int]:
            shape = output.get_partial_shape()
            return [n.get_length() if n.is_static else -1 for n in shape][1:] if shape.rank.is_static else []

        shapes = [list(values.shape[1:]) for values in (plain, turned)]
        candidates = [
            output
            for operation in model.get_ordered_ops()
            for output in operation.outputs()
            if lengths(output) in shapes
        ]
        probe = core.compile_model(openvino.Model(candidates, model.get_parameters()), "CPU", hint("float32"))
        answers = probe.create_infer_request().infer(self.inputs.astype(np.float32))
        limit = 1e-3 * np.ptp(self.expected)
        for output, answer in zip(candidates, answers.values(), strict=True):
            for values in (plain, turned):
                if answer.shape == values.shape and np.abs(answer - values).max() <= limit:
                    self.channels_first = values is turned
                    cut = openvino.Model([output], model.get_parameters())
                    return core.compile_model(cut, "CPU", hint(self.precision))
        raise LookupError(f"{self.path}: no tensor has the values that were looked for")

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        """One output, with channels last."""
        (values,) = super().__call__(inputs)
        return [np.moveaxis(values, 1, -1) if self.channels_first else values]
