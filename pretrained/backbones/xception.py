"""Xception: Inception taken to its end, channels mixed and filtered apart (Chollet 2016)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="Xception",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Chollet 2016, arXiv:1610.02357",
    parameters=22_910_480,
    smallest={"input_shape": (71, 71, 3), "num_classes": 3},
)
def xception(input_shape=(299, 299, 3), num_classes=1000) -> keras.Model:
    """Separable convolutions with residuals, at 299 pixels: 22.9 million parameters."""
    return build("Xception", input_shape, num_classes, mode="tf")
