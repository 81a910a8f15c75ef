"""Using a network without its framework: OpenVINO is there in half a second, TensorFlow takes eight.

A network is converted once, in a process of its own (`zoo.convert`) in which Keras itself runs on OpenVINO, and kept
in the cache beside the features. Whatever cannot be converted is left to Keras.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo import catalog
from zoo.files import home
from zoo.reports import note

FILE = "network.keras"  # a published network as a saved file: what fine-tuning puts its own head on
CONVERTED = "model.xml"
REFUSED = "refused.txt"  # why a network cannot be converted, so that it is tried once
BATCH = 32  # inputs a forward pass; more are no faster on a CPU


def available() -> bool:
    """Whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def fastest_precision() -> str:
    """The precision that OpenVINO computes fastest in on this processor: "bfloat16" or "float32"."""
    import openvino

    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bfloat16" if "BF16" in capabilities else "float32"


class Conversion:
    """A network on its way into the cache: another process converts it while this one goes on.

    Args:
        source: a saved file, or a model's name and the name of its published weights.
        identity: everything that the converted network depends on.
    """

    def __init__(self, source: tuple, identity: dict):
        self.source = [str(part) for part in source]
        self.identity = {
            **identity,
            "keras": importlib.metadata.version("keras"),
            "openvino": importlib.metadata.version("openvino") if available() else None,
        }
        self.folder = home() / "networks" / key_of(self.identity)
        self._process = None
        self._failed = False  # for a reason that may be gone tomorrow: it is not tried twice today

    @classmethod
    def of_file(cls, path: Path, sha256: str) -> "Conversion":
        """Of a saved file, whatever it is called."""
        return cls((path,), {"network": path.stem, "sha256": sha256})

    @classmethod
    def of_weights(cls, card: catalog.Card, weights: str) -> "Conversion":
        """Of a model with published weights, at its default arguments."""
        identity = {
            "network": card.name,
            "weights": card.facts["weights"][weights]["sha256"],
            "definition": hashlib.sha256(Path(card.file).read_bytes()).hexdigest(),
        }
        return cls((card.name, weights), identity)

    def done(self, name: str = CONVERTED) -> bool:
        """Whether the cache holds it."""
        return (self.folder / name).is_file()

    def begin(self) -> None:
        """Start converting, unless it was done or tried before."""
        if self._process is not None or self._failed or not available() or self.done() or self.done(REFUSED):
            return
        environment = {**os.environ, "KERAS_BACKEND": "openvino", "ZOO_HOME": str(home())}
        # -P: a file of the user's that is called like a package must not be imported in its place
        command = [sys.executable, "-P", "-m", "zoo.convert", str(self.folder), json.dumps(self.identity)]
        self._process = subprocess.Popen(
            [*command, *self.source], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def wait(self) -> Path | None:
        """The folder that holds the converted network, or None where Keras has to do the work."""
        self.begin()
        if self._process is not None:
            process, self._process = self._process, None
            _, said = process.communicate()
            if process.returncode and not self.done():
                self._failed = True
                reason = said.strip().splitlines() or [f"its process ended with {process.returncode}"]
                note(f"{self.source[0]} is not converted for OpenVINO, so Keras does the work: {reason[-1]}")
        if not self.done():
            return None
        with contextlib.suppress(OSError):
            os.utime(self.folder)  # `zoo cache --prune` goes by the day of last use
        return self.folder

    def network(self, precision: str = "float32") -> "Network | None":
        """The converted network, ready to use, or None where Keras has to do it."""
        folder = self.wait()
        return None if folder is None else Network(folder / CONVERTED, precision)


class Network:
    """A converted network.

    Args:
        path: OpenVINO's `.xml` file, its weights beside it.
        precision: "float32", where it answers as Keras does but for rounding, or "bfloat16".
    """

    def __init__(self, path: Path, precision: str = "float32"):
        self.path, self.precision = path, precision

    @cached_property
    def _compiled(self):
        import openvino

        hint = {"INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bfloat16" else "f32"}
        return openvino.Core().compile_model(self.path, "CPU", hint)

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        """Its outputs for inputs of shape (n, ...): the model's own, then the layer's called "features" if any."""
        batches = [
            self._compiled(part.astype(np.float32)) for part in np.split(inputs, range(BATCH, len(inputs), BATCH))
        ]
        return [np.concatenate([found[i] for found in batches]) for i in range(len(self._compiled.outputs))]


def key_of(identity: dict) -> str:
    """A name for a file or folder in the cache, from everything that its content depends on."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
