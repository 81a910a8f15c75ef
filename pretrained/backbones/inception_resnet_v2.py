"""Inception-ResNet V2: Inception's branches, added to their input (Szegedy et al. 2016)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="InceptionResNetV2",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Szegedy et al. 2016, arXiv:1602.07261",
    parameters=55_873_736,
    smallest={"input_shape": (75, 75, 3), "num_classes": 3},
)
def inception_resnet_v2(input_shape=(299, 299, 3), num_classes=1000) -> keras.Model:
    """Branches with residuals, at 299 pixels: 55.9 million parameters."""
    return build("InceptionResNetV2", input_shape, num_classes, mode="tf")
