"""Arrays and values as JSON, and the self-test that a saved file carries."""

import base64
import hashlib
import zlib
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

MAX_SAMPLE = 256 * 2**20  # bytes of unpacked self-test inputs


def selftest(inputs: np.ndarray, expected: np.ndarray) -> dict:
    """What a file stores so that its model's answers can be compared with those of the day it was saved."""
    # float32 sums in another order, on another backend or device, differ by much less than this
    tolerance = 1e-3 * float(np.abs(expected).max()) + 1e-4
    return {"inputs": pack(inputs), "outputs": pack(expected), "tolerance": tolerance}


def pack(array: np.ndarray) -> dict:
    """An array as JSON: dtype, shape, and the numbers compressed."""
    raw = zlib.compress(np.ascontiguousarray(array).tobytes(), 9)
    return {"dtype": str(array.dtype), "shape": list(array.shape), "zlib": base64.b64encode(raw).decode()}


def unpack(packed: dict) -> np.ndarray:
    """The array that `pack` wrote; bounded, so that a hostile file cannot fill the memory."""
    dtype = np.dtype(packed["dtype"])
    if dtype.kind not in "fiub":
        raise ValueError(f"{dtype} are no numbers")
    raw = zlib.decompressobj().decompress(base64.b64decode(packed["zlib"], validate=True), MAX_SAMPLE)
    return np.frombuffer(raw, dtype).reshape(packed["shape"])


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
