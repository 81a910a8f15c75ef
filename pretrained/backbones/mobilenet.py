"""MobileNet: each convolution in two, one that filters and one that mixes the channels (Howard et al. 2017)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="MobileNet",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Howard et al. 2017, arXiv:1704.04861",
    parameters=4_253_864,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def mobilenet(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Depthwise, then pointwise: 4.3 million parameters, for telephones of 2017."""
    return build("MobileNet", input_shape, num_classes, mode="tf")
