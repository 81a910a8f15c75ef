"""Tensors out of a safetensors file: a JSON table of names, types, shapes and places, and the numbers."""

import numpy as np
import safetensors
import safetensors.numpy

from zoo.errors import ZooError


def parse(data: bytes) -> dict[str, np.ndarray]:
    """Interpret the content of a safetensors file.

    Args:
        data: the whole file.

    Returns:
        The arrays by name, in the order of the names: read-only views of the file's numbers.

    Raises:
        ZooError: the bytes are no such file, are damaged, or hold a type of number that NumPy does not have.
    """
    try:
        return dict(sorted(safetensors.numpy.load(data).items()))  # which come in another order each time
    except KeyError as error:
        raise ZooError(
            f"The safetensors file holds numbers of the type {error.args[0]}, which NumPy has not."
        ) from None
    except (safetensors.SafetensorError, ValueError) as error:
        raise ZooError(f"The safetensors file is cut short or damaged ({error}).") from None
