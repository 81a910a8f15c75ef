"""VGG: nothing but small convolutions, pooling and three dense layers (Simonyan & Zisserman 2014)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="VGG16",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Simonyan & Zisserman 2014, arXiv:1409.1556",
    parameters=138_357_544,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def vgg16(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Sixteen layers: 138 million parameters, nine tenths of them in the first dense layer."""
    return build("VGG16", input_shape, num_classes, mode="caffe")


@register(
    task="classification",
    application="VGG19",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Simonyan & Zisserman 2014, arXiv:1409.1556",
    parameters=143_667_240,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def vgg19(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Nineteen layers: 144 million parameters."""
    return build("VGG19", input_shape, num_classes, mode="caffe")
