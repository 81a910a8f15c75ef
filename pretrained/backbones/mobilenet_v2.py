"""MobileNetV2: inverted residuals, wide inside and narrow where they are added (Sandler et al. 2018)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="MobileNetV2",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Sandler et al. 2018, arXiv:1801.04381",
    parameters=3_538_984,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def mobilenet_v2(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Inverted residuals with linear ends: 3.5 million parameters."""
    return build("MobileNetV2", input_shape, num_classes, mode="tf")
