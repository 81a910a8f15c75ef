"""What several families have in common."""

import keras
from keras import layers

# statistics of ImageNet's pixels, as Keras has them in `preprocess_input`: red, green, blue
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MEAN_OF_CAFFE = (103.939, 116.779, 123.68)  # blue, green, red, of 0 to 255


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


def round_to_8(channels: float) -> int:
    """Channels to the nearest multiple of 8 that loses no more than a tenth.

    Example:
        >>> round_to_8(18), round_to_8(11)
        (24, 16)
    """
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8
