"""Arrays out of Keras' `.weights.h5` files, without Keras.

Such a file is a tree of HDF5 groups like the tree of layers. A layer's group has a group "vars" that carries the
layer's name and holds its variables by their number: "0", "1", and so on.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.errors import ZooError, printable
from zoo.saving.safety import clean_copy


def parse(data: bytes) -> dict[str, np.ndarray]:
    """Interpret the content of a `.weights.h5` file.

    Args:
        data: the whole file.

    Returns:
        The arrays by the names of the layers that lead to them and their number, for example "lstm/lstm_cell/0".

    Raises:
        ZooError: the bytes are no such file, are damaged, lead out of the file, or name no layers.
    """
    import h5py  # here: most weights are in other formats

    try:
        arrays: dict[str, np.ndarray] = {}
        with h5py.File(io.BytesIO(clean_copy(data)), "r") as file:
            if "layers" not in file:
                raise ZooError("holds no layers of a model")
            for name, array in _arrays(file["layers"], ()):  # beside these there may be the optimizer's numbers
                if arrays.setdefault(name, array) is not array:
                    raise ZooError(f"holds {printable(name)} twice")
    except ZooError as error:
        raise ZooError(f"The Keras file {error}.") from None
    except Exception as error:  # HDF5 raises nearly anything on damaged files
        raise ZooError(f"The Keras file is damaged ({error}).") from None
    return arrays


def _arrays(group: Any, layers: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of a group by name; `layers` are the names of the layers that lead to it, without the model's own."""
    for key, item in group.items():
        if key == "vars":
            yield from (("/".join((*layers, number)), array[()]) for number, array in item.items())
        elif not isinstance(item, type(group["/"])):
            raise ZooError(f"holds an array at {item.name}, where no layer keeps any")
        elif "vars" not in item:
            yield from _arrays(item, layers)
        elif isinstance(name := item["vars"].attrs.get("name"), str):
            yield from _arrays(item, (*layers, name))
        else:
            raise ZooError(f"does not name the layer at {item.name}: save it again with a newer Keras")
