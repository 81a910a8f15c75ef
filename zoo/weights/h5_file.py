"""Arrays out of the `.h5` files of Keras 1 and 2, in which `keras.applications` still gets its weights.

Layers are listed in the order of the model, each with its arrays in order. The layers' names are of little use, as
Keras made many of them up anew in each process; so Keras itself goes by the order, and so does the zoo.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.saving.safety import MAX_ITEMS, walk

WHOLE_MODEL = "/model_weights"  # where a file that holds the whole model keeps its weights


def parse(data: bytes) -> dict[str, np.ndarray]:
    """Interpret the content of such a file.

    Args:
        data: the whole file.

    Returns:
        The arrays by two numbers, that of the layer among those that have arrays, and that within the layer: "0/0",
        "0/1", "1/0", and so on, in this order.

    Raises:
        ZooError: the bytes are no such file, are damaged, or lead out of the file.
    """
    try:
        arrays: dict[str, np.ndarray] = {}
        names: dict[str, dict[str, list[str]]] = {}  # by group and attribute
        for item in walk(data):
            if hasattr(item, "shape"):
                arrays[item.name] = item[()]
            else:
                names[item.name] = {key: list(texts(item, key)) for key in ("layer_names", "weight_names")}
        root = WHOLE_MODEL if WHOLE_MODEL in names else ""
        if not names.get(root or "/", {}).get("layer_names"):
            raise ZooError("names no layers")
        ordered: list[list[np.ndarray]] = []
        for layer in names[root or "/"]["layer_names"]:
            group = f"{root}/{layer}"
            ordered.append([arrays.pop(f"{group}/{name}") for name in names[group]["weight_names"]])
        if arrays:
            raise ZooError(f"holds {next(iter(arrays))}, which no layer names")
    except ZooError as error:
        raise ZooError(f"The Keras file {error}.") from None
    except KeyError as error:
        raise ZooError(f"The Keras file is damaged (it names {error}, which it does not hold).") from None
    except Exception as error:  # HDF5 raises nearly anything on damaged attributes
        raise ZooError(f"The Keras file is damaged ({error}).") from error
    layers = [layer for layer in ordered if layer]
    return {f"{i}/{j}": array for i, layer in enumerate(layers) for j, array in enumerate(layer)}


def texts(group: Any, key: str) -> Iterator[str]:
    """The texts of an attribute; where they are many, HDF5 keeps them in several, with a number behind the key."""
    for part in [key] if key in group.attrs else [f"{key}{number}" for number in range(MAX_ITEMS)]:
        if part not in group.attrs:
            return
        attribute = group.attrs.get_id(part)
        if attribute.shape == (0,):  # an empty list has the type of a number
            return
        if len(attribute.shape) != 1 or attribute.shape[0] > MAX_ITEMS or attribute.dtype.kind not in "SO":
            raise ZooError(f"has no list of names in {part} of {group.name}")
        for name in group.attrs[part]:
            yield name.decode() if isinstance(name, bytes) else str(name)
