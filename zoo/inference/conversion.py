"""Conversion of networks for OpenVINO: each is converted once, and kept in the cache beside the features.

It happens in a process of its own (`zoo.convert`) in which Keras itself runs on OpenVINO. Whatever cannot be
converted is left to Keras.
"""

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np

from zoo import catalog, saving
from zoo.console import note
from zoo.errors import RefusedError, ZooError, printable
from zoo.files import atomic_folder, home, is_cached, read_bytes, remove_unfinished
from zoo.inference import template
from zoo.inference.engine import BATCH
from zoo.inference.openvino import OpenVINOEngine, available, load_openvino, version

FILE = "network.keras"  # a published network as a saved file: what fine-tuning puts its own head on
CONVERTED = "model.xml"
IDENTITY = "identity.json"
SUMS = "sha256.json"  # of the network's two files
PATIENCE = 600  # seconds that a conversion may take
STEP, CODE = "step", "code"  # what a conversion may be beside the model: a single token's, and with its code
REFUSED = "refused.txt"  # why a network cannot be converted, so that it is tried once
REFUSAL = 3  # status of a conversion that found what no model may ask for, whatever computes it


class Conversion:
    """A network on its way into the cache: another process converts it while this one goes on.

    Args:
        source: a saved file, or a model's name and the name of its published weights.
        identity: everything that the converted network depends on.
        card: of the model, where a template of it may be filled with the published weights.
    """

    _failed: ClassVar[set[Path]] = set()  # for reasons that may be gone tomorrow: not tried twice by one process
    _lock: ClassVar = threading.Lock()  # for the line below
    _running: ClassVar[dict[Path, tuple[subprocess.Popen[str], threading.Lock]]] = {}  # one for a folder; who waits

    def __init__(self, source: tuple, identity: dict, card: catalog.Card | None = None):
        self.card = card
        self._template = None if card is None else template.beside(card.weights[source[1]])
        self.source = [str(part) for part in source]
        self.identity = {
            **identity,
            "keras": version("keras"),
            "openvino": version("openvino"),
        }
        name = key_of({key: value for key, value in self.identity.items() if key != "network"})  # only for people
        self.folder = home() / "networks" / name

    @classmethod
    def of_file(cls, path: Path, sha256: str, form: str | None = None) -> "Conversion":
        """Of a saved file, whatever it is called; `form` is what is made of its model, see `zoo.convert.FORMS`."""
        return cls((path,), {"network": path.stem, "sha256": sha256, **({"form": form} if form else {})})

    @classmethod
    def of_weights(cls, card: catalog.Card, weights: str, shipped: bool = True) -> "Conversion":
        """Of a model with published weights, at its default arguments; `shipped` allows a template of it."""
        identity = {
            "network": card.name,
            "weights": card.weights[weights].fingerprint,
            "definition": card.code_digest,
        }
        return cls((card.name, weights), identity, card if shipped else None)

    def done(self, name: str = CONVERTED) -> bool:
        """Whether the cache holds it."""
        return is_cached(self.folder / name)

    def begin(self) -> None:
        """Start converting, unless it was done or tried before, by this object or another one."""
        with self._lock:
            tried = self.folder in self._running or self.folder in self._failed
            if tried or not available() or self.done() or self.done(REFUSED) or self._fill():
                return
            try:
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                if not os.access(self.folder.parent, os.W_OK):
                    raise PermissionError(f"{self.folder.parent} cannot be written")
                process = saving.start_program(
                    "zoo.convert",
                    str(self.folder),
                    json.dumps(self.identity),
                    *self.source,
                    environment={"KERAS_BACKEND": "openvino", "ZOO_HOME": str(home())},
                    stderr=subprocess.PIPE,
                )
                self._running[self.folder] = process, threading.Lock()
            except OSError as error:  # nowhere to put it, or no process can be started
                self._fail(error)

    def _fill(self) -> bool:
        """Make the network of a template and its weights; where none ships, or that fails, Keras has to."""
        shipped, self._template = self._template, None  # once: if its answers are not right, Keras converts
        if self.card is None or shipped is None or not shipped.is_file():
            return False
        try:
            with atomic_folder(self.folder) as folder:
                template.fill(shipped, self.card, self.source[1], folder, FILE)
                (folder / IDENTITY).write_text(json.dumps(self.identity), encoding="utf-8")
                seal(folder)
        except (OSError, ZooError, zipfile.BadZipFile, LookupError, ValueError):
            return False  # Keras converts; where the weights or the disk are to blame, that says so
        return True

    def wait(self) -> Path | None:
        """The folder that holds the converted network, or None where Keras has to do the work.

        Raises:
            RefusedError: Keras must not do it either.
        """
        self.begin()
        if running := self._running.get(self.folder):
            process, waiting = running
            with waiting:
                if self._running.get(self.folder) is running:  # else another thread has waited for it
                    try:
                        _, errors = saving.communicate(process, PATIENCE)
                    finally:  # it was killed where it took too long, or where Ctrl-C ended the wait
                        remove_unfinished(self.folder.parent, process.pid)
                    reasons = errors.strip().splitlines() or [f"its process ended with {process.returncode}"]
                    refused = process.returncode == REFUSAL
                    if not refused and not self.done() and not self.done(REFUSED):
                        self._fail(reasons[-1])
                    del self._running[self.folder]
                    if refused:
                        raise RefusedError(reasons[-1])
        if not self.done():
            return None
        with contextlib.suppress(OSError):
            os.utime(self.folder)  # `zoo cache --prune` goes by the day of last use
        return self.folder

    def engine(
        self,
        precision: str = "float32",
        check: Callable[[OpenVINOEngine], None] = lambda engine: None,
        most: int = BATCH,
    ) -> OpenVINOEngine | None:
        """The converted network, ready to use, or None where Keras has to do it.

        Args:
            precision: what it computes in.
            check: raises where the network does not answer as it should.
            most: inputs of a forward pass, see `KerasEngine`.
        """
        for _ in range(2):
            folder = self.wait()
            if folder is None:
                return None
            try:
                check_seal(folder)
                engine = OpenVINOEngine(folder / CONVERTED, precision, most).ready()
                self._check_published(engine)
                check(engine)
                return engine
            except ImportError as error:
                self._fail(error)
                return None
            except Exception as error:  # OpenVINO raises what it likes on files that something has damaged
                reason = error
                shutil.rmtree(folder, ignore_errors=True)  # and another is made
        self._fail(reason)
        return None

    def _check_published(self, engine: OpenVINOEngine) -> None:
        """Compare a published network's answers with those of the day it was converted, once on each machine."""
        saved, passed = self.folder / FILE, self.folder / f"passed-{platform.node()}"
        if engine.precision == "float32" and saved.is_file() and not passed.exists():
            saving.read(saved).test(lambda inputs: engine(inputs)[0], engine.setting)
            with contextlib.suppress(OSError):
                passed.touch()

    def _fail(self, reason: object) -> None:
        self._failed.add(self.folder)
        note(f"{printable(self.source[0])} is not converted for OpenVINO, so Keras does the work: {reason}")

    def put_head(self, kernel: np.ndarray, bias: np.ndarray, other: "Conversion", activation: str = "linear") -> None:
        """Make `other` from this network, where that is converted: its features, and another dense layer on them.

        Args:
            kernel: shape (features, outputs).
            bias: shape (outputs,).
            other: the conversion of the file that has the same weights up to the features.
            activation: of the layer, "linear" or the name of an operation of OpenVINO's.
        """
        if not self.done() or other.done():
            return
        check_seal(self.folder)
        openvino = load_openvino()
        operations = openvino.opset13

        model = openvino.Core().read_model(self.folder / CONVERTED)
        features = model.outputs[1].get_node().input_value(0)
        outputs = operations.matmul(features, operations.constant(kernel.astype(np.float32)), False, False)
        outputs = operations.add(outputs, operations.constant(bias.astype(np.float32)))
        if activation != "linear":
            outputs = getattr(operations, activation)(outputs)
        headed = openvino.Model([outputs.output(0), features], model.get_parameters())
        with atomic_folder(other.folder) as folder:
            openvino.save_model(headed, folder / CONVERTED, compress_to_fp16=False)
            (folder / IDENTITY).write_text(json.dumps(other.identity), encoding="utf-8")
            seal(folder)


def seal(folder: Path) -> None:
    """Write down what a network's files are, so that damage to them is found."""
    (folder / SUMS).write_text(json.dumps(_sums(folder)), encoding="utf-8")


def check_seal(folder: Path) -> None:
    """Refuse files that are not those which were written.

    Raises:
        ValueError: a file is another one.
        OSError: a file is not there.
    """
    if json.loads(read_bytes(folder / SUMS)) != _sums(folder):
        raise ValueError(f"{folder} holds other files than were written")


def _sums(folder: Path) -> dict[str, str]:
    """SHA-256 of a network's files, by name; reading them takes far less than compiling the network."""
    return {
        file.name: saving.digest(read_bytes(file))
        for file in (folder / CONVERTED, (folder / CONVERTED).with_suffix(".bin"))
    }


def end_running(wait: float) -> None:
    """Tell the processes that convert networks now to end; those that have not after `wait` seconds are killed.

    Args:
        wait: seconds; with 0 nobody waits, as in a signal's handler, and none is killed.
    """
    running = [(folder, process) for folder, (process, _) in [*Conversion._running.items()]]
    for _, process in running:
        process.terminate()
    for folder, process in running if wait else []:
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            remove_unfinished(folder.parent, process.pid)


def key_of(identity: dict) -> str:
    """A name for a file or folder in the cache, from everything that its content depends on."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
