"""NASNet: cells found by search on small pictures, repeated for large ones (Zoph et al. 2017)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="NASNetMobile",
    not_on=("torch",),
    dataset="imagenet",
    fallback_dataset="textures",
    source="Zoph et al. 2017, arXiv:1707.07012",
    parameters=5_326_716,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def nasnet_mobile(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """The small one: 5.3 million parameters."""
    return build("NASNetMobile", input_shape, num_classes, mode="tf")


@register(
    task="classification",
    application="NASNetLarge",
    not_on=("torch",),
    dataset="imagenet",
    fallback_dataset="textures",
    source="Zoph et al. 2017, arXiv:1707.07012",
    parameters=88_949_818,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def nasnet_large(input_shape=(331, 331, 3), num_classes=1000) -> keras.Model:
    """The large one, at 331 pixels: 88.9 million parameters."""
    return build("NASNetLarge", input_shape, num_classes, mode="tf")
