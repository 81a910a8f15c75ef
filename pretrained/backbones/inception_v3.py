"""Inception V3: several sizes of filters side by side, large ones in two steps (Szegedy et al. 2015)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="InceptionV3",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Szegedy et al. 2015, arXiv:1512.00567",
    parameters=23_851_784,
    smallest={"input_shape": (75, 75, 3), "num_classes": 3},
)
def inception_v3(input_shape=(299, 299, 3), num_classes=1000) -> keras.Model:
    """Branches side by side, at 299 pixels: 23.9 million parameters."""
    return build("InceptionV3", input_shape, num_classes, mode="tf")
