"""What the backbones that Keras itself builds have in common: pixels go in, "features" and "head" come last."""

import keras
from keras import layers

# statistics of ImageNet's pixels, as Keras has them in `preprocess_input`: red, green, blue
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MEAN_OF_CAFFE = (103.939, 116.779, 123.68)  # blue, green, red, of 0 to 255


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


def preprocessed(pixels: keras.KerasTensor, mode: str | None) -> keras.KerasTensor:
    """Pixels as a network was trained on them, by Keras' names of the ways: "tf", "torch" or "caffe"."""
    if mode == "tf":  # -1 to 1
        return layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    if mode == "torch":  # mean 0 and deviation 1 in each channel
        variance = [deviation**2 for deviation in DEVIATION]
        return layers.Normalization(mean=MEAN, variance=variance)(layers.Rescaling(1 / 255)(pixels))
    if mode == "caffe":  # blue first, mean 0
        return layers.Normalization(mean=MEAN_OF_CAFFE, variance=(1.0, 1.0, 1.0))(keras.ops.flip(pixels, axis=-1))
    return pixels
