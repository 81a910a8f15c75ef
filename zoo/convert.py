"""Convert one network for OpenVINO: a program that `zoo.inference` runs in a process of its own.

Usage: python -m zoo.convert FOLDER IDENTITY (FILE.keras | NAME WEIGHTS), with KERAS_BACKEND=openvino, on which Keras
is imported in a third of the time, builds, and exports without tracing anything.
"""

import sys


class Absent:
    """Finds what Keras imports where it is installed, and does without where not: here it would only cost seconds."""

    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "matplotlib"):
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Absent())

from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from zoo import backend, inference, saving  # noqa: E402
from zoo.errors import ZooError  # noqa: E402
from zoo.files import placing  # noqa: E402


def main(folder: str, identity: str, name: str, weights: str | None = None) -> None:
    """Write what belongs into a network's folder of the cache: the network, or why it cannot be converted."""
    with placing(Path(folder)) as temporary:
        (temporary / "identity.json").write_text(identity, encoding="utf-8")
        try:
            if weights is None:
                archive = saving.read(Path(name))
                convert(archive.build(), saving.unpack(archive.record.content["selftest"]["inputs"]), temporary)
            else:
                from zoo.api import get

                task = get(name, weights=weights)
                samples = task.sample_inputs(2)
                test = saving.selftest(samples, convert(task.model, samples, temporary))
                saving.save(task.model, temporary / inference.FILE, task.record(), test)
        except OSError:
            raise
        except Exception as error:  # Keras and OpenVINO raise what they like on what they cannot do
            (temporary / inference.CONVERTED).unlink(missing_ok=True)
            (temporary / inference.REFUSED).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")


def convert(model, samples: np.ndarray, folder: Path) -> np.ndarray:
    """Write a model as OpenVINO's files, with channels first where that changes nothing; returns the samples' outputs.

    OpenVINO computes four times as fast on channels first, as Keras would transpose around every convolution.
    """
    model = backend.with_features(model)
    plain = exported(model, folder / "plain.xml")(samples)
    try:
        found = exported(channels_first(model), folder / inference.CONVERTED)(samples)
        same = all(np.allclose(a, b, 1e-3, 1e-4) for a, b in zip(found, plain, strict=True))
    except Exception:  # a layer that has its own idea of where channels are
        same = False
    for part in (".xml", ".bin"):
        file = (folder / "plain.xml").with_suffix(part)
        file.unlink() if same else file.replace((folder / inference.CONVERTED).with_suffix(part))
    return plain[0]


def exported(model, path: Path) -> inference.Network:
    model.export(str(path), format="openvino", verbose=False)
    return inference.Network(path)


def channels_first(model):
    """The same model with pictures as (channels, height, width) within; its input keeps the channels last."""
    import keras

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
    config = keras.Model(model.inputs, model.outputs).get_config()
    for layer in config["layers"]:
        shapes, layer["inbound_nodes"] = layer.get("build_config"), turned(layer["inbound_nodes"])
        layer["build_config"] = turned(shapes)
        values = layer["config"]
        if "batch_shape" in values:
            values["batch_shape"] = turned(values["batch_shape"])
        if "data_format" in values:
            values["data_format"] = "channels_first"
        if layer["class_name"] == "BatchNormalization" and len(shapes["input_shape"]) == 4:
            values["axis"] = 1
    inner = keras.Model.from_config(config)
    inner.set_weights(model.get_weights())
    return keras.Model(pixels, inner(keras.layers.Permute((3, 1, 2))(pixels)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (ZooError, OSError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:  # the process that asked was interrupted too, and says so
        sys.exit(130)
