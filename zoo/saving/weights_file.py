"""Another head or another precision for a saved file's weights, without a framework."""

import json

import numpy as np

from zoo.saving.safety import CONFIG, WEIGHTS, rewritten


def with_head(
    members: dict[str, bytes], layer: str, kernel: np.ndarray, bias: np.ndarray, activation: str = "linear"
) -> dict[str, bytes]:
    """The members of a saved model with another dense layer in the place of one of its own.

    Keras is not needed: its format is a JSON text and an HDF5 file, and the layer's place in both is known by name.

    Args:
        members: Keras' own members by name.
        layer: name of the `Dense` layer.
        kernel: shape (inputs, units).
        bias: shape (units,).
        activation: of the layer, Keras' name for it.
    """
    config = json.loads(members[CONFIG])
    (dense,) = (item for item in config["config"]["layers"] if item["name"] == layer)
    dense["config"] |= {"units": len(bias), "activation": activation}

    def replaced(owner, name, numbers):
        return {"0": kernel, "1": bias}[name].astype(np.float32) if owner == layer else numbers

    return {**members, CONFIG: json.dumps(config).encode(), WEIGHTS: rewritten(members[WEIGHTS], replaced)}


def in_half(members: dict[str, bytes]) -> dict[str, bytes]:
    """The members of a saved model with its weights in float16, half as large; it computes in float32 as before."""

    def halved(owner, name, numbers):
        return numbers.astype(np.float16) if numbers.dtype == np.float32 else numbers

    return {**members, WEIGHTS: rewritten(members[WEIGHTS], halved)}
