"""What networks as timm has them have in common, where PyTorch differs from Keras: padding, and batch normalisation.

Layers are called like timm's modules, with underscores for dots, and the last one "head"; see `zoo.weights.assign`.
"""

import keras
from keras import layers


def conv(x: keras.KerasTensor, channels: int, kernel: int, stride: int, name: str, use_bias: bool = False):
    """A convolution, padded as PyTorch pads."""
    x, padding = padded(x, kernel, stride)
    return layers.Conv2D(channels, kernel, stride, padding, use_bias=use_bias, name=name)(x)


def depthwise(x: keras.KerasTensor, kernel: int, stride: int, name: str):
    """The same of a convolution that filters each channel on its own."""
    x, padding = padded(x, kernel, stride)
    return layers.DepthwiseConv2D(kernel, stride, padding, use_bias=False, name=name)(x)


def padded(x: keras.KerasTensor, kernel: int, stride: int) -> tuple[keras.KerasTensor, str]:
    """What goes into a convolution that pads every side alike, by kernel // 2, and the padding that is left to Keras.

    Keras' own "same" pads less on the left where there is a stride.
    """
    if stride == 1:
        return x, "same"
    return (layers.ZeroPadding2D(kernel // 2)(x) if kernel > 1 else x), "valid"


def norm(x: keras.KerasTensor, name: str, activation: str | None = None):
    """Batch normalisation with PyTorch's numbers, and an activation behind it."""
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)
    return layers.Activation(activation)(x) if activation else x


def inverted_residual(
    x: keras.KerasTensor,
    name: str,
    *,
    kernel: int,
    stride: int,
    expanded: int,
    channels: int,
    activation: str,
    squeezed: int = 0,
    squeeze_activation: str = "relu",
    gate: str = "sigmoid",
):
    """Widen, filter each channel on its own, weigh the channels, narrow again; the narrow ends are added.

    Args:
        x: shape (n, height, width, channels).
        name: of the block.
        kernel: side of the filters.
        stride: of the filters.
        expanded: channels between the narrow ends; as many as `x` has, and nothing is widened.
        channels: of the result.
        activation: behind the first two convolutions.
        squeezed: channels that squeeze-and-excitation goes down to; 0 leaves it out.
        squeeze_activation: behind these.
        gate: turns its result into the channels' weights.
    """
    shortcut, numbers = x, iter("123")
    widens = expanded != x.shape[-1]
    if widens:
        x = norm(conv(x, expanded, 1, 1, f"{name}_conv_pw"), f"{name}_bn{next(numbers)}", activation)
    x = norm(depthwise(x, kernel, stride, f"{name}_conv_dw"), f"{name}_bn{next(numbers)}", activation)
    if squeezed:
        weights = layers.GlobalAveragePooling2D(keepdims=True)(x)
        weights = conv(weights, squeezed, 1, 1, f"{name}_se_conv_reduce", use_bias=True)
        weights = layers.Activation(squeeze_activation)(weights)
        weights = conv(weights, expanded, 1, 1, f"{name}_se_conv_expand", use_bias=True)
        x = layers.Multiply()([x, layers.Activation(gate)(weights)])
    x = conv(x, channels, 1, 1, f"{name}_conv_pw{'l' if widens else ''}")
    x = norm(x, f"{name}_bn{next(numbers)}")
    return layers.Add()([shortcut, x]) if x.shape == shortcut.shape else x
