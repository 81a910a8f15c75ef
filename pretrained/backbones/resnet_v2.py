"""ResNet V2: normalisation and ReLU in front of each convolution, and nothing on the sum (He et al. 2016)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="ResNet50V2",
    dataset="imagenet",
    fallback_dataset="textures",
    source="He et al. 2016, arXiv:1603.05027",
    parameters=25_613_800,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def resnet50_v2(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Fifty layers, three a block: 25.6 million parameters."""
    return build("ResNet50V2", input_shape, num_classes, mode="tf")


@register(
    task="classification",
    application="ResNet101V2",
    dataset="imagenet",
    fallback_dataset="textures",
    source="He et al. 2016, arXiv:1603.05027",
    parameters=44_675_560,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def resnet101_v2(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """A hundred and one layers: 44.7 million parameters."""
    return build("ResNet101V2", input_shape, num_classes, mode="tf")


@register(
    task="classification",
    application="ResNet152V2",
    dataset="imagenet",
    fallback_dataset="textures",
    source="He et al. 2016, arXiv:1603.05027",
    parameters=60_380_648,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def resnet152_v2(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """A hundred and fifty-two layers: 60.4 million parameters."""
    return build("ResNet152V2", input_shape, num_classes, mode="tf")
