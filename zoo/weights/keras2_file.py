"""Whole models in the `.h5` files of Keras 2, Teachable Machine's downloads among them.

Keras' own loader is never asked: the architecture is read as JSON, only layers and arguments that are listed here are
built, anew, and only numbers become their weights. Weights go by their order, as in Keras itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError, printable
from zoo.saving.safety import MAX_DEPTH, MAX_JSON, MAX_LAYERS, parse_json, walk
from zoo.saving.work import too_much, work_of
from zoo.weights.h5_file import WHOLE_MODEL, texts

if TYPE_CHECKING:
    from zoo.backend import keras

BEGUN = "rescaled_pixels"  # the layer that may be put in front
LARGEST = 2**14  # of a number in a layer's arguments: filters, strides, sides
# activations that mean the same in Keras 3; hard_sigmoid, for one, does not
ACTIVATIONS = set("elu exponential gelu linear relu relu6 selu sigmoid softmax softplus softsign swish tanh".split())  # noqa: SIM905
SHAPED = "padding strides pool_size data_format keepdims"
CONVOLUTION = "filters kernel_size strides padding data_format dilation_rate groups activation use_bias"
# of each layer that is built, the arguments that it is built with
LAYERS = {
    "Activation": "activation",
    "Add": "",
    "Average": "",
    "AveragePooling2D": SHAPED,
    "BatchNormalization": "axis epsilon center scale",
    "Concatenate": "axis",
    "Conv2D": CONVOLUTION,
    "Cropping2D": "cropping data_format",
    "Dense": "units activation use_bias",
    "DepthwiseConv2D": "kernel_size strides padding depth_multiplier data_format dilation_rate activation use_bias",
    "Dropout": "rate",
    "ELU": "alpha",
    "Flatten": "data_format",
    "GaussianNoise": "stddev",
    "GlobalAveragePooling2D": SHAPED,
    "GlobalMaxPooling2D": SHAPED,
    "LeakyReLU": "alpha negative_slope",
    "MaxPooling2D": SHAPED,
    "Maximum": "",
    "Multiply": "",
    "Permute": "dims",
    "ReLU": "max_value negative_slope threshold",
    "Rescaling": "scale offset",
    "Reshape": "target_shape",
    "SeparableConv2D": "filters kernel_size strides padding depth_multiplier data_format dilation_rate activation "
    "use_bias",
    "Softmax": "axis",
    "SpatialDropout2D": "rate data_format",
    "Subtract": "",
    "UpSampling2D": "size data_format interpolation",
    "ZeroPadding2D": "padding data_format",
}
RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}  # since Keras 3
# what says how weights began or were held in training, and what changes no answer
SILENT = ("_initializer", "_regularizer", "_constraint")
IGNORED = {"name", "trainable", "dtype", "batch_input_shape", "momentum", "seed", "noise_shape", "build_config"}
SAID = {"groups": (1,), "fused": (True,)}  # what may be said all the same
MODELS = ("Sequential", "Functional", "Model")


@dataclass(frozen=True)
class Content:
    """What such a file holds.

    Attributes:
        config: the architecture.
        weights: of each layer of the model that has some, in its order, names and arrays in theirs.
    """

    config: dict
    weights: list[list[tuple[str, np.ndarray]]]


def read(path: Path, data: bytes) -> Content:
    """Read a file's architecture and numbers; no framework is needed.

    Args:
        path: the file, for messages.
        data: its bytes.

    Raises:
        ZooError: the bytes are no such file, are damaged, lead out of the file, or hold weights alone.
    """
    try:
        arrays: dict[str, np.ndarray] = {}
        names: dict[str, dict[str, list[str]]] = {}
        text = None
        for item in walk(data):
            if hasattr(item, "shape"):
                if item.name.startswith(f"{WHOLE_MODEL}/"):  # others are the optimizer's
                    arrays[item.name] = item[()]
                continue
            names[item.name] = {key: list(texts(item, key)) for key in ("layer_names", "weight_names")}
            if item.name == "/":
                text = _architecture(item)
        if WHOLE_MODEL not in names or text is None:
            raise ZooError("holds weights alone, and no architecture; save the whole model: model.save(...)")
        weights = []
        for layer in names[WHOLE_MODEL]["layer_names"]:
            group = f"{WHOLE_MODEL}/{layer}"
            weights.append([(name, arrays.pop(f"{group}/{name}")) for name in names[group]["weight_names"]])
        if arrays:
            raise ZooError(f"holds {next(iter(arrays))}, which no layer names")
    except KeyError as error:
        raise ZooError(f"{path} is damaged (it names {error}, which it does not hold).") from None
    except ZooError as error:
        raise ZooError(f"{path} is no model of Keras 2: it {error}.") from None
    except Exception as error:  # HDF5 raises nearly anything on damaged attributes
        raise ZooError(f"{path} is damaged ({printable(str(error))[:300]}).") from error
    config = parse_json(path, "architecture", text)
    if not isinstance(config, dict):
        raise ZooError(f"{path}: its architecture is damaged (there is no model in it).")
    return Content(config, [layer for layer in weights if layer])


def _architecture(root: Any) -> bytes | None:
    """The JSON text of the model, an attribute of the file's root."""
    if "model_config" not in root.attrs:
        return None
    attribute = root.attrs.get_id("model_config")
    if attribute.shape != () or attribute.dtype.kind not in "SO":
        raise ZooError("has an architecture that is no text")
    value = root.attrs["model_config"]
    text = (
        value.encode("utf-8", "replace")
        if isinstance(value, str)
        else bytes(value)
        if isinstance(value, bytes)
        else None
    )
    if text is None:
        raise ZooError("has an architecture that is no text")
    if len(text) > MAX_JSON:
        raise ZooError(f"has an architecture of more than {MAX_JSON:,} bytes")
    return text


def build(
    path: Path, content: Content, begin: Callable[[Any], Any] = lambda pixels: pixels
) -> tuple[keras.Model, str]:
    """Build the model of such a file, of one tensor in and one out, flat: models within it become their layers.

    A softmax, or a sigmoid of one number, at its end is left out: it gives logits.

    Args:
        path: the file, for messages.
        content: what it holds.
        begin: what is done to pixels first.

    Returns:
        The model, and the activation that its outputs had at the end: "softmax", "sigmoid" or "linear".

    Raises:
        ZooError: it has a layer or an argument that is not listed here, or weights that do not fit.
    """
    from zoo.backend import keras, steps

    arrays = [pair for layer in content.weights for pair in layer]
    try:
        # once without room for its weights, so that what it asks for is known before
        with keras.StatelessScope(initialize_variables=False):
            sketch, variables = _Builder().model(content.config, begin)
            _check_weights(variables, arrays)
            work, within = work_of(sketch)
            largest = max([within, *(size for _, made in steps(sketch) for size in made.values())])
        if excess := too_much(largest, work, sum(array.size for _, array in arrays)):
            raise ZooError(excess)
        builder = _Builder()
        model, variables = builder.model(content.config, begin)
        for variable, (_, array) in zip(variables, arrays, strict=True):
            variable.assign(array)
    except ZooError as error:
        raise ZooError(f"{path} is refused: {error}.") from None
    except Exception as error:  # Keras raises what it likes on arguments that make no sense
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ZooError(f"{path}: its architecture makes no sense to Keras ({printable(reason[0])[:300]}).") from error
    return model, builder.end


def _check_weights(variables: list, arrays: list[tuple[str, np.ndarray]]) -> None:
    if len(variables) != len(arrays):
        raise ZooError(f"its layers have {len(variables)} weights, the file has {len(arrays)}")
    for variable, (name, array) in zip(variables, arrays, strict=True):
        kind = name.rpartition("/")[2].partition(":")[0]
        alike = kind == variable.name or (kind, variable.name) == ("depthwise_kernel", "kernel")
        if not alike or tuple(variable.shape) != array.shape:
            raise ZooError(
                f"its weight {printable(name)} of shape {array.shape} stands where {variable.path} of shape "
                f"{tuple(variable.shape)} belongs"
            )


class _Builder:
    """Makes layers of a file's architecture, and says which variables its weights belong to, in their order."""

    def __init__(self) -> None:
        self.names = {"pixels", BEGUN}
        self.calls = 0
        self.end = "linear"  # the activation of the file's answer

    def model(self, config: dict, begin: Callable[[Any], Any]) -> tuple[keras.Model, list]:
        from zoo.backend import keras

        shape = _input_shape(config)
        pixels = keras.Input(shape, name="pixels")
        outputs, parts = self.through(config, begin(pixels), 0, last=True)
        variables = []
        for part in parts:  # a layer of the file's model: what learns before what does not
            variables += [v for learns, v in part if learns] + [v for learns, v in part if not learns]
        return keras.Model(pixels, outputs), variables

    def through(self, item: dict, x: Any, depth: int, last: bool = False, learns: bool = True) -> tuple[Any, list]:
        """Send a tensor through a model; returns what comes out, and of each of its layers its variables.

        Args:
            item: the model's configuration.
            x: the tensor.
            depth: of models within models.
            last: whether the file's answer comes out.
            learns: whether the models around it do.
        """
        if depth > MAX_DEPTH // 10:
            raise ZooError("its models hold one another too deep")
        kind, config = item.get("class_name"), item.get("config")
        layers = config if isinstance(config, list) else _of(config, "layers", list)
        if kind == "Sequential":
            parts = []
            layers = [layer for layer in layers if _of(layer, "class_name", str) != "InputLayer"]
            for number, layer in enumerate(layers):
                x, variables = self.call(layer, x, depth, last and number == len(layers) - 1, learns)
                parts.append(variables)
            return x, parts
        (given,), (answer,) = _ends(config, "input_layers"), _ends(config, "output_layers")
        made: dict[str, Any] = {}
        parts = []
        for layer in layers:
            name = _of(layer, "name", str)
            if name == given:
                made[name] = x
                parts.append([])
                continue
            tensors = [made[source] if source in made else _missing(source) for source in _sources(layer)]
            taken = tensors[0] if len(tensors) == 1 else tensors
            made[name], variables = self.call(layer, taken, depth, last and name == answer, learns)
            parts.append(variables)
        return made[answer] if answer in made else _missing(answer), parts

    def call(self, item: dict, x: Any, depth: int, last: bool, learns: bool) -> tuple[Any, list]:
        """Send tensors through a layer, or through a model that stands in its place."""
        from zoo.backend import keras

        self.calls += 1
        if self.calls > MAX_LAYERS:
            raise ZooError(f"it has more than {MAX_LAYERS:,} layers")
        kind, config = _of(item, "class_name", str), item.get("config")
        learns = learns and not (isinstance(config, dict) and config.get("trainable") is False)
        if kind in MODELS:
            x, parts = self.through(item, x, depth + 1, last, learns)
            return x, [pair for part in parts for pair in part]
        if kind not in LAYERS:
            raise ZooError(
                f"it has a layer {printable(kind)!r}; known are {', '.join(LAYERS)}, and none that carries code"
            )
        arguments = _arguments(kind, _of(item, "config", dict))
        activation = "softmax" if kind == "Softmax" else arguments.get("activation")
        if last and activation in ("softmax", "sigmoid"):
            self.end = activation
            if kind in ("Softmax", "Activation"):
                return x, []
            arguments["activation"] = "linear"
        layer = getattr(keras.layers, kind)(**arguments, name=self.name(_of(item["config"], "name", str)))
        x = layer(x)
        moving = {id(variable) for variable in layer.non_trainable_variables}
        return x, [(learns and id(variable) not in moving, variable) for variable in layer.variables if kind in _HELD]

    def name(self, name: str) -> str:
        """A name that no layer has yet."""
        wanted = "".join(char if char.isalnum() or char in "_-" else "_" for char in name[:100]) or "layer"
        number = 0
        while (found := wanted if not number else f"{wanted}_{number}") in self.names:
            number += 1
        self.names.add(found)
        return found


_HELD = {"BatchNormalization", "Conv2D", "Dense", "DepthwiseConv2D", "SeparableConv2D"}  # what has weights in a file


def _arguments(kind: str, config: dict) -> dict:
    """A layer's arguments, each of them listed, plain and within bounds."""
    wanted, arguments = LAYERS[kind].split(), {}
    for key, value in config.items():
        if key in wanted and value is not None:
            arguments[RENAMED.get((kind, key), key)] = _plain(key, value)
        elif value is not None and not (
            key in IGNORED or key.endswith(SILENT) or value in SAID.get(key, ()) or value is False
        ):
            raise ZooError(f"its {kind} has an argument {printable(key)!r}, which is not known")
    if isinstance(axis := arguments.get("axis"), list):
        (arguments["axis"],) = axis
    if arguments.get("data_format", "channels_last") != "channels_last":
        raise ZooError(f"its {kind} has channels first, which a processor does not compute")
    if arguments.get("activation", "linear") not in ACTIVATIONS:
        raise ZooError(
            f"its {kind} has the activation {printable(str(arguments['activation']))!r}; known are "
            f"{', '.join(ACTIVATIONS)}"
        )
    return arguments


def _plain(key: str, value: Any) -> Any:
    """A number within bounds, a short text, or a list of these."""
    if isinstance(value, list) and len(value) <= 8:
        return [_plain(key, item) for item in value]
    if isinstance(value, str) and len(value) <= 100:
        return value
    if isinstance(value, bool | int | float) and abs(value) <= LARGEST:
        return value
    raise ZooError(f"its argument {printable(key)} is {printable(repr(value))[:100]}, out of all bounds")


def _input_shape(config: dict) -> tuple[int, int, int]:
    """(height, width, channels), which the first layer of a model says, or of the model that is its first layer."""
    item: Any = config
    for _ in range(MAX_DEPTH):
        inner = item.get("config") if isinstance(item, dict) else None
        if isinstance(inner, dict) and isinstance(shape := inner.get("batch_input_shape"), list):
            sides = shape[1:]
            if len(sides) == 3 and all(isinstance(side, int) and 0 < side <= 4096 for side in sides):
                return sides[0], sides[1], sides[2]
            raise ZooError(f"it takes inputs of {printable(str(shape))[:100]}; accepted are pictures")
        layers = inner if isinstance(inner, list) else inner.get("layers") if isinstance(inner, dict) else None
        if not isinstance(layers, list) or not layers:
            break
        item = layers[0]
    raise ZooError("it does not say what it takes")


def _ends(config: Any, key: str) -> list[str]:
    """The names of a model's inputs or outputs, of which there must be one."""
    value = _of(config, key, list)
    value = [value] if value and isinstance(value[0], str) else value  # one alone may stand without its list
    if len(value) != 1 or not isinstance(value[0], list) or not isinstance(value[0][0], str):
        raise ZooError(f"it has {len(value)} {key.partition('_')[0]}s; accepted is one")
    return [value[0][0]]


def _sources(layer: dict) -> Iterator[str]:
    """The names of the layers whose outputs a layer takes."""
    calls = _of(layer, "inbound_nodes", list)
    if len(calls) != 1 or not isinstance(calls[0], list) or not calls[0]:
        raise ZooError(f"its layer {printable(layer['name'])} is called {len(calls)} times; accepted is once")
    for node in calls[0]:
        if not isinstance(node, list) or not isinstance(node[0], str) or node[1:3] != [0, 0] or any(node[3:]):
            raise ZooError(f"its layer {printable(layer['name'])} is called in a way that is not known")
        yield node[0]


def _of(item: Any, key: str, kind: type) -> Any:
    if not isinstance(item, dict) or not isinstance(item.get(key), kind):
        raise ZooError(f"its architecture lacks {key!r}")
    return item[key]


def _missing(name: str) -> Any:
    raise ZooError(f"a layer takes what {printable(name)!r} gives, which does not come before it")
