"""Examples out of what gives them in batches: `tf.data.Dataset` and Keras' `PyDataset`."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.errors import UsageError, ZooError

KINDS = "tf.data.Dataset and keras.utils.PyDataset"


def is_batches(data: Any) -> bool:
    """Whether it is one of the two, told without importing their frameworks."""
    return hasattr(data, "element_spec") or (hasattr(data, "num_batches") and hasattr(data, "__getitem__"))


def gathered(data: Any) -> tuple[np.ndarray, np.ndarray]:
    """All examples and their labels, in memory.

    Args:
        data: a `tf.data.Dataset` of `(x, y)`, batched or not, or a `PyDataset` of batches `(x, y)`. Labels are numbers
            of classes, one-hot rows, or names; where it has `class_names`, as Keras gives a folder's, these are taken.

    Returns:
        x of shape (n, ...) and y of shape (n,).

    Raises:
        UsageError: it never ends, or gives no pairs.
        ZooError: it gives nothing.
    """
    xs, ys = [], []
    for x, y in pairs(data):
        xs.append(x)
        ys.append(y)
    if not xs:
        raise ZooError(f"the {type(data).__name__} gives no examples.")
    x, y = np.concatenate(xs), np.concatenate(ys)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    elif y.ndim == 2:
        y = y.argmax(axis=1)  # one-hot
    if names := getattr(data, "class_names", None):
        y = np.array(names)[y.astype(int)]
    elif y.dtype.kind == "S":  # TensorFlow's text
        y = np.char.decode(y, "utf-8")
    return x, y


def pairs(data: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches, as arrays."""
    single = False
    if hasattr(data, "element_spec"):
        spec = data.element_spec
        check_pair(spec)
        single = spec[1].shape.rank == 0
        if data.cardinality() == -1:  # tf.data.INFINITE_CARDINALITY
            raise UsageError("the tf.data.Dataset never ends; give it without repeat(), or with take(N).")
    elif data.num_batches is None:
        raise UsageError("the PyDataset does not say how many batches it has; give one with __len__.")
    for item in data if hasattr(data, "element_spec") else (data[i] for i in range(data.num_batches)):
        check_pair(item)
        x, y = (np.asarray(part) for part in item[:2])
        yield (x[None], y[None]) if single else (x, y)


def check_pair(item: Any) -> None:
    """Refuse what is no pair of examples and labels."""
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise UsageError(f"of {KINDS}, those are accepted that give pairs (x, y); got {type(item).__name__}.")
