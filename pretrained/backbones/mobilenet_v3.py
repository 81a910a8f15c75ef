"""MobileNetV3: inverted residuals with squeeze-and-excitation, found by search (Howard et al. 2019)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="MobileNetV3Small",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Howard et al. 2019, arXiv:1905.02244",
    parameters=2_554_968,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def mobilenet_v3_small(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """The small one, for slow processors: 2.6 million parameters."""
    return build("MobileNetV3Small", input_shape, num_classes)


@register(
    task="classification",
    application="MobileNetV3Large",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Howard et al. 2019, arXiv:1905.02244",
    parameters=5_507_432,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def mobilenet_v3_large(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """The large one of two: 5.5 million parameters."""
    return build("MobileNetV3Large", input_shape, num_classes)
