"""Convert one network for OpenVINO: a program that `zoo.inference` runs in a process of its own.

Usage: python -m zoo.convert FOLDER IDENTITY (FILE.keras | NAME WEIGHTS), with KERAS_BACKEND=openvino, on which Keras
is imported in a third of the time, builds, and exports without tracing anything.
"""

import importlib
import json
import os
import re
import signal
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.backend import keras


class Absent:
    """Finds what Keras and OpenVINO import where it is installed, and do without where not.

    Here the first two would only cost seconds; by the third, OpenVINO reports each import to Intel.
    """

    def find_spec(self, name, path=None, target=None) -> None:
        if name in ("tensorflow", "matplotlib", "openvino_telemetry"):
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Absent())

from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
from filelock import FileLock  # noqa: E402

from zoo import backend, inference, saving  # noqa: E402
from zoo.errors import RefusedError, ZooError  # noqa: E402
from zoo.files import atomic_folder, home  # noqa: E402
from zoo.tasks import factory  # noqa: E402
from zoo.tasks.cards import card_with  # noqa: E402
from zoo.tasks.text.recurrent import one_step  # noqa: E402
from zoo.weights.assign import finalize  # noqa: E402

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ROOM = 512 * 2**20  # bytes; where fewer are free, OpenVINO may have failed for want of them, in any words
SHORTAGE = re.compile(
    "alloc|out of memory|no space|quota|file too large|start new thread|temporarily unavailable|too many open files",
    re.IGNORECASE,
)


def main(folder: str, identity: str, name: str, weights: str | None = None) -> None:
    """Write what belongs into a network's folder of the cache, unless another process has: the network, or why not."""
    lock = home() / "locks" / f"{Path(folder).name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        if not any(Path(folder, name).is_file() for name in (inference.CONVERTED, inference.REFUSED)):
            write(Path(folder), identity, name, weights)


def write(folder: Path, identity: str, name: str, weights: str | None) -> None:
    with atomic_folder(folder) as temporary:
        (temporary / inference.IDENTITY).write_text(identity, encoding="utf-8")
        try:
            if weights is None:
                archive = factory.read_archive(Path(name))
                if archive.sha256 != json.loads(identity)["sha256"]:
                    sys.exit(f"{name} has changed meanwhile")
                if not archive.is_ours:
                    importlib.import_module("openvino")  # before the limits count
                    imports = saving.limit_process(len(archive.members[saving.WEIGHTS]))
                model = archive.build()
                converted = FORMS[json.loads(identity).get("form")]
                archive.compare(lambda inputs: converted(model, inputs, temporary))
                if not archive.is_ours and converted is convert:
                    archive.check_speed(inference.OpenVINOEngine(temporary / inference.CONVERTED), imports)
            else:
                task = factory.from_register(name, weights=weights)
                if card_with(name, weights).weights[weights].fingerprint != json.loads(identity)["weights"]:
                    sys.exit(f"{weights} has changed meanwhile")
                samples = task._sample_inputs(2)
                test = saving.selftest(samples, convert(task.model, samples, temporary))
                saving.save(task.model, temporary / inference.FILE, task.get_config(), test)
            inference.seal(temporary)
        except (OSError, MemoryError, RefusedError):
            raise
        except Exception as error:  # Keras and OpenVINO raise what they like on what they cannot do
            for file in temporary.iterdir():
                if file.name != inference.IDENTITY:
                    file.unlink()
            check_room(temporary, error)
            (temporary / inference.REFUSED).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")


def interrupt(*_) -> None:
    """End on a signal as on Ctrl-C, once: both may come, and what is removed then should be removed."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def check_room(folder: Path, error: Exception) -> None:
    """Raise what may be gone tomorrow: such a failure is not remembered.

    Raises:
        OSError: there is no room on the disk, or `error` tells of a shortage.
        MemoryError: there is none in memory.
    """
    if SHORTAGE.search(str(error)):
        raise OSError(str(error)) from error
    bytearray(ROOM)
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):  # Windows has no such function
            os.posix_fallocate(file.fileno(), 0, ROOM)


def convert(model: "keras.Model", samples: np.ndarray, folder: Path) -> np.ndarray:
    """Write a model as OpenVINO's files, with channels first where that changes nothing; returns the samples' outputs.

    OpenVINO computes four times as fast on channels first, as Keras would transpose around every convolution.
    """
    model = backend.with_output(model, "features")
    # the same values in disorder: smooth samples alone may leave a network's ReLUs where nothing can be compared
    noise = np.random.default_rng(0).permuted(samples.reshape(len(samples), -1), axis=1).reshape(samples.shape)
    probes = np.concatenate([samples, noise])
    plain = exported(model, folder / "plain.xml", probes)
    try:
        faster = exported(channels_first(model), folder / inference.CONVERTED, probes)
        same = all(agree(*pair) for pair in zip(faster, plain, strict=True))
    except Exception:  # a layer that has its own idea of where channels are
        same = False
    for part in (".xml", ".bin"):
        file = (folder / "plain.xml").with_suffix(part)
        file.unlink() if same else file.replace((folder / inference.CONVERTED).with_suffix(part))
    return plain[0][: len(samples)]


def convert_step(model: "keras.Model", tokens: np.ndarray, folder: Path) -> np.ndarray:
    """Write a recurrent model of text as OpenVINO's files, from one token and the states to logits and states.

    Returns:
        The logits for tokens of shape (rows, length), which go through it one after another.
    """
    path = folder / inference.CONVERTED
    one_step(model).export(str(path), format="openvino", verbose=False)
    compiled = inference.load_openvino().Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [f"state_{index}" for index in range(len(compiled.inputs) - 1)]
    states = {name: compiled.input(name).partial_shape[1].get_length() for name in names}
    return inference.through_steps(lambda given: [*compiled(given).values()], tokens, states)


def convert_with_code(model: "keras.Model", samples: np.ndarray, folder: Path) -> np.ndarray:
    """Write a model as OpenVINO's files, its code the second output; returns the samples' first."""
    model = backend.with_output(model, "code")
    return exported(model, folder / inference.CONVERTED, samples)[0]


FORMS = {None: convert, inference.STEP: convert_step, inference.CODE: convert_with_code}


def agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether outputs of shape (n, ...) are the same but for rounding, on the scale of what the inputs change."""
    return bool(np.abs(one - other).max() <= 1e-3 * np.ptp(other, axis=0).max())


def exported(model: "keras.Model", path: Path, samples: np.ndarray) -> list[np.ndarray]:
    """Write a model as OpenVINO's files; returns its outputs for samples of shape (n, ...)."""
    from zoo.backend import keras

    inputs = keras.Input(model.input_shape[1:])
    # said expressly, as layers that augment would go on with it in the exported network
    model = keras.Model(inputs, model(inputs, training=False))
    model.export(str(path), format="openvino", verbose=False)
    try:
        return inference.OpenVINOEngine(path)(samples)
    except RuntimeError:
        # Keras exports with inputs of one, which `Flatten` and `Reshape` write into the network
        openvino = inference.load_openvino()
        network = openvino.Core().read_model(path)
        try:
            open_lengths(network)
            replaced(network, path)
            return inference.OpenVINOEngine(path)(samples)
        except RuntimeError:
            network.reshape([1, *samples.shape[1:]])  # so one at a time
            replaced(network, path)
            return inference.OpenVINOEngine(path)(samples)


def open_lengths(network) -> None:
    """Let each `Reshape` to one example keep as many as it is given."""
    operations = inference.load_openvino().opset13
    for operation in network.get_ordered_ops():
        if operation.get_type_name() != "Reshape":
            continue
        lengths = operation.input_value(1).get_node()
        shape = operation.input_value(0).get_partial_shape()
        if lengths.get_type_name() == "Constant" and len(shape) > 1 and lengths.data.size and lengths.data[0] == 1:
            kept = operations.constant(np.array([0, *lengths.data[1:]], np.int64))  # 0: as the input has them
            opened = operations.reshape(operation.input_value(0), kept, special_zero=True)
            for taker in operation.output(0).get_target_inputs():
                taker.replace_source_output(opened.output(0))
    network.validate_nodes_and_infer_types()


def replaced(network, path: Path) -> None:
    """Write a network over the files that it was read from."""
    for part in (".xml", ".bin"):
        path.with_suffix(part).unlink()  # they are in use; new ones take their place
    inference.load_openvino().serialize(network, path)


def channels_first(model: "keras.Model") -> "keras.Model":
    """The same model with pictures as (channels, height, width) within; its input keeps the channels last."""
    from zoo.backend import keras

    def turned(value):
        """A configuration, with every shape (n, height, width, channels) as (n, channels, height, width)."""
        if isinstance(value, dict):
            return {key: turned(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            if len(value) == 4 and all(item is None or isinstance(item, int) for item in value):
                n, height, width, channels = value
                return [n, channels, height, width]
            return [turned(item) for item in value]
        return value

    pixels = keras.Input(model.input_shape[1:])
    model = keras.Model(model.inputs, model.outputs)
    makes_pictures = {operation.name for operation in model.operations if len(operation.output.shape) == 4}
    config = model.get_config()
    for layer in config["layers"]:
        layer["inbound_nodes"] = turned(layer["inbound_nodes"])
        layer["build_config"] = turned(layer.get("build_config"))
        values = layer["config"]
        if "batch_shape" in values:
            values["batch_shape"] = turned(values["batch_shape"])
        if "data_format" in values:
            values["data_format"] = "channels_first"
        if layer["name"] in makes_pictures:
            if values.get("axis") in (-1, 3):
                values["axis"] = 1
            if values.get("axis") in ([-1], [3], (-1,), (3,)):
                values["axis"] = [1]
            if len(values.get("target_shape", ())) == 3:
                height, width, channels = values["target_shape"]
                values["target_shape"] = [channels, height, width]
    inner = keras.Model.from_config(config)
    inner.set_weights(model.get_weights())
    finalize(inner)
    return keras.Model(pixels, inner(keras.layers.Permute((3, 1, 2))(pixels)))


if __name__ == "__main__":
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        main(*sys.argv[1:])
    except RefusedError as error:
        sys.stderr.write(str(error))
        sys.exit(inference.REFUSAL)
    except (ZooError, OSError, MemoryError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:  # the process that asked was interrupted too, and says so
        sys.exit(130)
