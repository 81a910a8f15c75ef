"""EfficientNet-Lite: EfficientNet without what slows small devices (Tan & Le 2019; the Lite release, 2020).

Against EfficientNet there is no squeeze-and-excitation, ReLU6 replaces swish, and scaling up leaves alone the
stem, the head and the number of blocks in the first and last stage. The release trained with stochastic
depth; this model has none. Layers are called like the torch modules of the published weights, without dots.
"""

import math

import keras
from keras import layers

from zoo.pretrained.backbones._shared import round_to_8
from zoo.registry import register

# kernel, stride, expansion, channels, repeats of each stage, before scaling
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


def _norm(x, name, activate=True):
    x = layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=name)(x)
    return layers.ReLU(6.0)(x) if activate else x


def _block(x, name, kernel, stride, expansion, channels):
    """Inverted residual: widen, filter each channel on its own, narrow again; the narrow ends are added."""
    shortcut, narrow = x, x.shape[-1]
    if expansion > 1:
        x = layers.Conv2D(expansion * narrow, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _norm(x, f"{name}_bn0")
    x = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _norm(x, f"{name}_bn1")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _norm(x, f"{name}_bn2", activate=False)
    return layers.Add()([shortcut, x]) if stride == 1 and narrow == channels else x


def _efficientnet_lite(name, input_shape, num_classes, width, depth, dropout):
    pixels = keras.Input(input_shape, name="pixels")  # 0 to 255
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(pixels)
    x = layers.Conv2D(32, 3, 2, "same", use_bias=False, name="conv_stem")(x)
    x = _norm(x, "bn0")
    index = 0
    for kernel, stride, expansion, channels, repeats in STAGES:
        if repeats > 1:  # the first and the last stage keep their single block
            repeats = math.ceil(repeats * depth)
        for repeat in range(repeats):
            first_stride = stride if repeat == 0 else 1
            x = _block(x, f"blocks_{index}", kernel, first_stride, expansion, round_to_8(channels * width))
            index += 1
    x = layers.Conv2D(1280, 1, use_bias=False, name="conv_head")(x)
    x = _norm(x, "bn1")
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(dropout)(x)
    logits = layers.Dense(num_classes, name="head")(x)
    return keras.Model(pixels, logits, name=name)


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946; the Lite release, 2020: tensorflow/tpu efficientnet/lite",
    parameters=4_694_024,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "depth": 0.1},
)
def efficientnet_lite0(input_shape=(224, 224, 3), num_classes=1000, width=1.0, depth=1.0, dropout=0.2) -> keras.Model:
    """Width 1.0, depth 1.0: 4.7 million parameters, 407 million multiply-adds a picture."""
    return _efficientnet_lite("efficientnet_lite0", input_shape, num_classes, width, depth, dropout)


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946; the Lite release, 2020: tensorflow/tpu efficientnet/lite",
    parameters=5_470_344,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "depth": 0.1},
)
def efficientnet_lite1(input_shape=(240, 240, 3), num_classes=1000, width=1.0, depth=1.1, dropout=0.2) -> keras.Model:
    """Width 1.0, depth 1.1: 5.4 million weights, 631 million multiply-adds a picture."""
    return _efficientnet_lite("efficientnet_lite1", input_shape, num_classes, width, depth, dropout)


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946; the Lite release, 2020: tensorflow/tpu efficientnet/lite",
    parameters=6_150_168,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "depth": 0.1},
)
def efficientnet_lite2(input_shape=(260, 260, 3), num_classes=1000, width=1.1, depth=1.2, dropout=0.3) -> keras.Model:
    """Width 1.1, depth 1.2: 6.1 million weights, 899 million multiply-adds a picture."""
    return _efficientnet_lite("efficientnet_lite2", input_shape, num_classes, width, depth, dropout)
