"""The multilayer perceptron of any depth, from the courses' planar flower and cats to digits and clothes."""

import keras
import numpy as np
from keras import layers

from zoo.registry import register


@register(
    task="classification",
    dataset="catvnoncat",
    fallback_dataset="digits",
    source="Ng, Neural Networks and Deep Learning (Coursera, 2017), week 4: a two-layer and a four-layer net for cats",
    optimizer="sgd",
    learning_rate=0.0075,
    batch_size=None,  # full batch
    steps_per_epoch=100,  # the course prints its cost every 100 iterations
    epochs=25,
    parameters=245_973,
    search_space={
        "learning_rate": (1e-3, 3e-1, "log"),
        "hidden": [(7,), (20, 7, 5), (64,), (128, 64), (128, 64, 32)],
        "optimizer": ["sgd", "adam"],
        "batch_norm": [False, True],
        "dropout": (0.0, 0.5),
    },
    smallest={"input_shape": (8, 8, 3), "hidden": (4,)},
)
def mlp(
    input_shape=(64, 64, 3),
    num_classes=2,
    hidden=(20, 7, 5),
    activation="relu",
    initialisation="he",
    batch_norm=False,
    dropout=0.0,
) -> keras.Model:
    """Dense layers one after the other; `hidden=(7,)` and `hidden=(20, 7, 5)` are the course's nets.

    Args:
        input_shape: (height, width, channels) of pixels 0-255, or (length,) of points.
        num_classes: how many classes there are.
        hidden: units of each hidden layer.
        activation: of the hidden layers, a name that Keras knows.
        initialisation: of the kernels: a name that Keras knows, such as "he_normal" or "glorot_uniform", "he" for
            the first of these, or "course" for the course's own draw, which is the same every time; or Keras'
            configuration of an initializer, a dict.
        batch_norm: normalise before each activation.
        dropout: share of units that are left out after each activation.
    """
    draw = {"he": "he_normal", "course": "zeros"}.get(str(initialisation), initialisation)
    inputs = x = keras.Input(input_shape, name="inputs")
    if len(input_shape) == 3:  # a picture
        # NumPy's number, as Keras rounds Python's to float32 even in a model of float64
        x = layers.Flatten()(layers.Rescaling(np.float64(1) / 255)(x))
    for units in hidden:
        x = layers.Dense(units, use_bias=not batch_norm, kernel_initializer=draw)(x)
        if batch_norm:
            # averages that a few hundred steps can follow: of Keras' 0.99, 5 % are still the start after 300
            x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation(activation)(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
    # Two classes need one logit, the second class against the first; more classes need one each.
    units = 1 if num_classes == 2 else num_classes
    logits = layers.Dense(units, kernel_initializer=draw, name="head")(x)
    model = keras.Model(inputs, logits, name="mlp")
    if initialisation == "course":
        dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
        for layer, kernel in zip(dense, course_kernels([layer.kernel.shape for layer in dense]), strict=True):
            layer.kernel.assign(kernel)
    return model


def course_kernels(shapes) -> list[np.ndarray]:
    """The course's initial kernels: drawn from seed 1, times 0.01 with one hidden layer, else by 1 / sqrt(inputs).

    Its matrices are (outputs, inputs), which decides the order of the draw; Keras' are the other way round.
    """
    random = np.random.RandomState(1)
    return [
        random.randn(outputs, inputs).T * (0.01 if len(shapes) == 2 else 1 / np.sqrt(inputs))
        for inputs, outputs in shapes
    ]
