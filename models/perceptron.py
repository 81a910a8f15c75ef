"""The perceptron: a threshold unit that learns from its mistakes alone (Rosenblatt, 1958)."""

import keras
from keras import layers, ops

from zoo.registry import register


def perceptron_criterion(y, z) -> keras.KerasTensor:
    """How far a point lies on the wrong side: -z or z, and 0 on the right side (targets 0 or 1, shape (n, 1)).

    Its gradient is the perceptron rule: a mistake moves the weights by the point itself, anything else moves
    nothing. On the line itself, z = 0, is a mistake, or weights that begin at zero would never move.
    """
    side = z * (2 * ops.cast(ops.reshape(y, ops.shape(z)), z.dtype) - 1)
    return ops.mean(ops.where(side <= 0, -side, 0.0), axis=-1)


@register(
    task="classification",
    dataset="eat_it",
    fallback_dataset="eat_it",
    source="Rosenblatt (1958), The perceptron, Psychological Review 65:386; the example: an introductory course",
    optimizer="sgd",
    learning_rate=1.0,  # from zero weights, another rate only scales them
    batch_size=1,  # the rule looks at one point at a time
    epochs=20,
    parameters=4,
    loss="perceptron_criterion",
    smallest={"input_shape": (2,)},
)
def perceptron(input_shape=(3,), num_classes=2) -> keras.Model:
    """One weighted sum and a threshold: fires, or does not; finds a line between two classes where there is one."""
    if num_classes != 2:
        raise ValueError("a perceptron fires or does not: it tells two classes apart")
    inputs = x = keras.Input(input_shape, name="inputs")
    if len(input_shape) == 3:  # a picture
        x = layers.Flatten()(layers.Rescaling(1 / 255)(x))
    z = layers.Dense(1, kernel_initializer="zeros", name="head")(x)
    return keras.Model(inputs, z, name="perceptron")
