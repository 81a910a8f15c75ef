"""Named tensors into a Keras model: each variable gets one and each is used, or nothing changes."""

import numpy as np

from zoo.errors import ZooError

# torch's name of each Keras variable
TORCH_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def layer_name(module: str) -> str:
    """Name of the Keras layer that takes a torch module's tensors.

    Dots become underscores because the PyTorch backend of Keras accepts no dot in a layer's name.

    Example:
        >>> layer_name("_blocks.0._depthwise_conv")
        'blocks_0_depthwise_conv'
    """
    return "_".join(part.lstrip("_") for part in module.split("."))


def assign(model, tensors: dict[str, np.ndarray], renamed: dict[str, str]) -> None:
    """Put torch's tensors into a Keras model: each variable gets one and each is used, or nothing changes.

    Convolution kernels are transposed from (out, in, height, width) to (height, width, in, out), depthwise
    ones from (channels, 1, height, width) to (height, width, channels, 1), dense ones from (out, in) to
    (in, out). Batch normalisation's `num_batches_tracked` has no counterpart in Keras and is passed over.

    Args:
        model: a flat model (its layers are no models), each layer named by `layer_name` of its torch module.
        tensors: torch's tensors by name.
        renamed: layer names of the torch modules that do not follow `layer_name`.

    Raises:
        ZooError: names or shapes differ; the message lists all that differ.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="head")])
        >>> assign(model, {"_fc.weight": np.ones((2, 3)), "_fc.bias": np.zeros(2)}, {"_fc": "head"})
    """
    wanted = {
        f"{layer.name}.{TORCH_NAMES.get(variable.name, variable.name)}": (layer, variable)
        for layer in model.layers
        for variable in layer.weights
    }
    values, unused, misshapen = {}, [], []
    for name, tensor in tensors.items():
        module, _, kind = name.rpartition(".")
        if kind == "num_batches_tracked":
            continue
        key = f"{renamed.get(module) or layer_name(module)}.{kind}"
        if key not in wanted or key in values:
            unused.append(name)
            continue
        layer, variable = wanted[key]
        values[key] = value = _transposed(layer, tensor)
        if value.shape != tuple(variable.shape):
            misshapen.append(f"{layer.name}/{variable.name} is {tuple(variable.shape)}, in the file {value.shape}")
    missing = [f"{layer.name}/{variable.name}" for key, (layer, variable) in wanted.items() if key not in values]
    if missing or unused or misshapen:
        raise ZooError(
            f"These weights are not those of the model {model.name!r} as it was built.\n"
            f"  missing from the file: {_shown(missing)}\n"
            f"  not used from the file: {_shown(unused)}\n"
            f"  of another shape: {_shown(misshapen)}\n"
            "Build the model with its default arguments to use them, or leave the weights out."
        )
    for key, value in values.items():
        # a copy: the views into the file are read-only and need not be aligned, which some backends ask for
        wanted[key][1].assign(np.array(value, order="C"))


def _transposed(layer, tensor):
    from zoo.backend import keras  # here: naming a published network's classes needs no framework

    if tensor.ndim == 4:
        return tensor.transpose((2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0))
    return tensor.T  # (out, in) -> (in, out); a vector stays as it is


def _shown(names, limit=10):
    rest = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest if names else "nothing"
