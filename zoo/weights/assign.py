"""Named tensors into a Keras model: each variable gets one and each is used, or nothing changes."""

import collections
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import ZooError, printable

if TYPE_CHECKING:
    import keras

# torch's name of each Keras variable
TORCH_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "embeddings": "weight",
}


def layer_name(module: str) -> str:
    """Name of the Keras layer that takes a torch module's tensors.

    Dots become underscores because the PyTorch backend of Keras accepts no dot in a layer's name.

    Example:
        >>> layer_name("_blocks.0._depthwise_conv")
        'blocks_0_depthwise_conv'
    """
    return "_".join(part.lstrip("_") for part in module.split("."))


def assign(model: "keras.Model", tensors: dict[str, np.ndarray], renamed: dict[str, str]) -> None:
    """Put named tensors into a Keras model: each variable gets one and each is used, or nothing changes.

    A name with a slash is Keras' own: that of a variable, "stem/kernel", or its number in a weights file, "stem/0".
    Layers within layers need names that are given expressly, as Keras numbers the others differently each time.

    Any other name is torch's, "stem.weight". Torch's convolution kernels are transposed from (out, in, height, width)
    to (height, width, in, out), depthwise ones from (channels, 1, height, width) to (height, width, channels, 1),
    dense ones from (out, in) to (in, out); the rows of an embedding's table may be (1, rows, units). A name without a
    dot is a module's only parameter. Batch normalisation's `num_batches_tracked` has no counterpart in Keras and is
    passed over.

    Args:
        model: a flat model (its layers are no models), each layer named by `layer_name` of its torch module.
        tensors: the tensors by name.
        renamed: layer names of the torch modules that do not follow `layer_name`.

    Raises:
        ZooError: names or shapes differ; the message lists all that differ.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="head")])
        >>> assign(model, {"_fc.weight": np.ones((2, 3)), "_fc.bias": np.zeros(2)}, {"_fc": "head"})
    """
    paths: dict[str, tuple] = {}  # each variable by its path, with its layer
    places: dict[str, str] = {}  # a variable's path by every name that a file may give it
    for layer in model.layers:
        counts: dict[str, int] = collections.Counter()
        for variable in layer.weights:
            path = variable.path.removeprefix(f"{model.name}/")
            owner, _, kind = path.rpartition("/")
            paths[path] = layer, variable
            places |= dict.fromkeys((path, f"{owner}/{counts[owner]}", f"{owner}.{TORCH_NAMES.get(kind, kind)}"), path)
            counts[owner] += 1
    values, unused, misshapen = {}, [], []
    for name, tensor in tensors.items():
        module, _, kind = name.rpartition(".")
        if not module:  # a parameter that belongs to the whole network, such as "pos_embed"
            module, kind = name, "weight"
        if kind == "num_batches_tracked":
            continue
        keras_name = "/" in name
        path = places.get(name if keras_name else f"{renamed.get(module) or layer_name(module)}.{kind}")
        if path is None or path in values:
            unused.append(name)
            continue
        layer, variable = paths[path]
        values[path] = value = tensor if keras_name else _transposed(layer, tensor)
        if value.shape != tuple(variable.shape):
            misshapen.append(f"{path} is {tuple(variable.shape)}, in the file {value.shape}")
    missing = [path for path in paths if path not in values]
    _require(model, missing, unused, misshapen)
    for path, value in values.items():
        # a copy: the views into the file are read-only and need not be aligned, which some backends ask for
        paths[path][1].assign(np.array(value, order="C"))
    finalize(model)


def assign_in_order(model: "keras.Model", tensors: dict[str, np.ndarray]) -> None:
    """Put tensors that are known by their places into a Keras model: each variable gets one, or nothing changes.

    A convolution over one pixel, of shape (1, 1, in, out), is the same as a dense layer, of shape (in, out).

    Args:
        model: a flat model, its layers in the order of the file's.
        tensors: by the number of the layer among those that have variables, and the number within it; see `h5_file`.

    Raises:
        ZooError: counts or shapes differ; the message lists all that differ.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="head")])
        >>> assign_in_order(model, {"0/0": np.ones((3, 2)), "0/1": np.zeros(2)})
    """
    layers = [layer for layer in model.layers if layer.weights]
    # the order in which Keras 2 wrote them
    variables = {
        f"{i}/{j}": variable
        for i, layer in enumerate(layers)
        for j, variable in enumerate(layer.trainable_weights + layer.non_trainable_weights)
    }
    values = {place: tensors[place] for place in variables if place in tensors}
    for place, value in values.items():
        if value.shape == (1, 1, *variables[place].shape):
            values[place] = value[0, 0]
    misshapen = [
        f"{variables[place].path} is {tuple(variables[place].shape)}, in the file {value.shape}"
        for place, value in values.items()
        if value.shape != tuple(variables[place].shape)
    ]
    missing = [variable.path for place, variable in variables.items() if place not in tensors]
    _require(model, missing, [place for place in tensors if place not in variables], misshapen)
    for place, value in values.items():
        variables[place].assign(np.array(value, order="C"))
    finalize(model)


def finalize(model: "keras.Model") -> None:
    """Let layers take over new weights that they compute with copies of, as `Normalization` does."""
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def _require(model: "keras.Model", missing: list[str], unused: list[str], misshapen: list[str]) -> None:
    """Refuse weights that do not fit a model, with all that does not."""
    if missing or unused or misshapen:
        raise ZooError(
            f"These weights are not those of the model {model.name!r} as it was built.\n"
            f"  missing from the file: {_shown(missing)}\n"
            f"  not used from the file: {_shown(unused)}\n"
            f"  of another shape: {_shown(misshapen)}\n"
            "Give the weights of this very network, and build it with its default arguments, or leave them out."
        )


def _transposed(layer, tensor: np.ndarray) -> np.ndarray:
    from keras import layers  # here: naming a published network's classes needs no framework

    if isinstance(layer, layers.Embedding):
        return tensor[0] if tensor.ndim == 3 and len(tensor) == 1 else tensor
    if tensor.ndim == 4:
        return tensor.transpose((2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0))
    return tensor.T  # (out, in) -> (in, out); a vector stays as it is


def _shown(names: list[str], limit: int = 10) -> str:
    rest = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(printable, names[:limit])) + rest if names else "nothing"
