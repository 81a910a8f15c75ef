"""Arrays and values as JSON, and the self-test that a saved file carries."""

import base64
import hashlib
import math
import zlib
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

MAX_ARRAY = 2**26  # numbers of an array that a stranger packed; 256 MB


def selftest(inputs: np.ndarray, expected: np.ndarray) -> dict:
    """What a file stores so that its model's answers can be compared with those of the day it was saved."""
    # float32 sums in another order, on another backend or device, differ by much less than this
    tolerance = 1e-3 * float(np.abs(expected).max()) + 1e-4
    return {"inputs": pack(inputs), "outputs": pack(expected), "tolerance": tolerance}


def pack(array: np.ndarray) -> dict:
    """An array as JSON: dtype, shape, and the numbers compressed."""
    raw = zlib.compress(np.ascontiguousarray(array).tobytes(), 9)
    return {"dtype": str(array.dtype), "shape": list(array.shape), "zlib": base64.b64encode(raw).decode()}


def unpack(packed: dict, most: int = MAX_ARRAY) -> np.ndarray:
    """The array that `pack` wrote.

    Args:
        packed: what `pack` gave, or what a stranger wrote in its place.
        most: how many numbers it may have; nothing is unpacked beyond what its shape says.

    Raises:
        ValueError, TypeError, KeyError: it is no such array, or a larger one.
    """
    shape, dtype = shape_of(packed), np.dtype(packed["dtype"])
    if dtype.kind not in "fiub":
        raise ValueError(f"{dtype} are no numbers")
    size = math.prod(shape) * dtype.itemsize
    if math.prod(shape) > most:  # a self-test's outputs are float64 where a head was fitted
        raise ValueError(f"{math.prod(shape):,} numbers, more than {most:,}")
    # of one byte more, so that there is always a bound: 0 would be none
    raw = zlib.decompressobj().decompress(base64.b64decode(packed["zlib"], validate=True), size + 1)
    return np.frombuffer(raw, dtype).reshape(shape)


def shape_of(packed: dict) -> tuple[int, ...]:
    """The shape that a packed array declares; ValueError where it is none."""
    shape = packed["shape"]
    if not isinstance(shape, list) or len(shape) > 32 or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("its shape is none")
    return tuple(shape)


def digest(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def plain(value: Any) -> Any:
    """The value in JSON's own types: tuples as lists, NumPy numbers as numbers, dataclasses as objects."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    return value
