"""What the backbones that Keras itself builds have in common: pixels go in, "features" and "head" come last."""

import keras
from keras import layers

from zoo.pretrained.backbones._shared import preprocessed


def build(application: str, input_shape: tuple, num_classes: int, mode: str | None = None) -> keras.Model:
    """A network of `keras.applications` from pixels 0-255 to logits, flat, with random weights.

    Args:
        application: the name of its function there.
        input_shape: (height, width, 3).
        num_classes: outputs of its head.
        mode: what Keras' `preprocess_input` does for this network, see `preprocessed`; None where the network does it.
    """
    pixels = keras.Input(input_shape, name="pixels")  # 0 to 255
    whole = getattr(keras.applications, application)(
        weights=None,
        input_tensor=preprocessed(pixels, mode),
        input_shape=input_shape,
        classes=num_classes,
        classifier_activation=None,
    )
    # Its last layer may be a convolution over one pixel, with a reshape behind: the same as a dense layer.
    *_, classifier = (layer for layer in whole.layers if layer.weights)
    features = layers.Flatten(name="features")(classifier.input)
    return keras.Model(pixels, layers.Dense(num_classes, name="head")(features))
