"""How much examples count in a training: one by one, or class by class."""

from dataclasses import replace
from typing import Any

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.images.pictures import Pictures
from zoo.errors import UsageError, brief, is_number
from zoo.registry import did_you_mean


def checked_weights(weights: Any, count: int) -> list[float]:
    """Weights of `count` examples.

    Raises:
        UsageError: they are something else.
    """
    try:
        array = np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        array = np.empty(())
    if array.shape != (count,) or not (np.isfinite(array) & (array >= 0)).all():
        described = f"of shape {array.shape}" if array.ndim else f"{weights!r}"
        raise UsageError(
            f"sample_weight is {described}; accepted are {count} finite numbers of 0 or more, one an example."
        )
    return array.tolist()


def weighted(dataset: Dataset, weights: Any) -> Dataset:
    """The data with training pictures that count as much as their class does, and as they did before.

    Args:
        dataset: of pictures with classes.
        weights: as for `class_weights`.

    Raises:
        UsageError: there is no such class, or no such weight.
    """
    train = dataset.splits["train"]
    array = class_weights(weights, train)[train.y] * (1 if train.weights is None else train.weights)
    return replace(dataset, splits={**dataset.splits, "train": replace(train, weights=array.astype(np.float32))})


def class_weights(weights: Any, pictures: Pictures) -> np.ndarray:
    """How much each class counts, shape (classes,).

    Args:
        weights: numbers by the name of a class or by its index; a class that is not named counts 1. Or "balanced": all
            classes together count alike, as scikit-learn has it.
        pictures: the examples, which have the classes.

    Raises:
        UsageError: there is no such class, or no such weight.

    Example:
        >>> pictures = Pictures(["1.png", "2.png", "3.png", "4.png"], np.array([0, 0, 0, 1]), ["cat", "dog"])
        >>> class_weights("balanced", pictures).round(3).tolist(), class_weights({"dog": 5}, pictures).tolist()
        ([0.667, 2.0], [1.0, 5.0])
    """
    labels = pictures.labels
    if isinstance(weights, str) and weights == "balanced":
        return len(pictures) / (len(labels) * np.bincount(pictures.y, minlength=len(labels)))
    if not isinstance(weights, dict):
        raise UsageError(
            f"class_weight is {weights!r}; accepted are 'balanced' and a dict such as {{{labels[0]!r}: 2}}."
        )
    array = np.ones(len(labels))
    for key, weight in weights.items():
        name = str(key)  # a label that is a number comes before an index
        is_index = isinstance(key, int | np.integer) and name not in labels and 0 <= key < len(labels)
        if not is_index and name not in labels:
            raise UsageError(
                f"class_weight names {key!r}{did_you_mean(name, labels)} Accepted are the classes {brief(labels)}, or "
                f"their indices from 0 to {len(labels) - 1}."
            )
        if not is_number(weight) or not 0 <= weight < np.inf:
            raise UsageError(f"class_weight of {key!r} is {weight!r}; accepted are finite numbers of 0 or more.")
        array[key if is_index else labels.index(name)] = weight
    return array
