"""Logistic regression: one sigmoid unit on the pixels, the first network of the course (cat or not)."""

import keras
import numpy as np
from keras import layers

from zoo.registry import register


@register(
    task="classification",
    dataset="catvnoncat",
    fallback_dataset="faces",
    source="Ng, Neural Networks and Deep Learning (Coursera, 2017), week 2: cat or not, one unit in NumPy",
    optimizer="sgd",
    learning_rate=0.005,
    batch_size=None,  # full batch: every step sees all 209 pictures
    steps_per_epoch=100,  # the course prints its cost every 100 iterations
    epochs=20,
    parameters=12_289,
    search_space={"learning_rate": (1e-4, 1e-1, "log"), "optimizer": ["sgd", "adam"], "batch_size": [None, 32]},
    smallest={"input_shape": (8, 8, 3)},
)
def logistic(input_shape=(64, 64, 3), num_classes=2) -> keras.Model:
    """One unit looks at every pixel once: no hidden layer, a convex loss, weights that can be drawn as a picture."""
    pixels = x = keras.Input(input_shape, name="pixels")
    if len(input_shape) == 3:  # a picture; points are taken as they are
        # NumPy's number, as Keras rounds Python's to float32 even in a model of float64
        x = layers.Rescaling(np.float64(1) / 255)(x)
    x = layers.Flatten()(x)
    # Two classes need one logit, the second class against the first; more classes need one each.
    units = 1 if num_classes == 2 else num_classes
    logits = layers.Dense(units, kernel_initializer="zeros", name="head")(x)
    return keras.Model(pixels, logits, name="logistic")
