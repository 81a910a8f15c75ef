"""ResNet: layers that learn what to add to their input (He et al. 2015)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="ResNet50",
    dataset="imagenet",
    fallback_dataset="textures",
    source="He et al. 2015, arXiv:1512.03385",
    parameters=25_636_712,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def resnet50(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Fifty layers, three a block: 25.6 million parameters."""
    return build("ResNet50", input_shape, num_classes, mode="caffe")


@register(
    task="classification",
    application="ResNet101",
    dataset="imagenet",
    fallback_dataset="textures",
    source="He et al. 2015, arXiv:1512.03385",
    parameters=44_707_176,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def resnet101(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """A hundred and one layers: 44.7 million parameters."""
    return build("ResNet101", input_shape, num_classes, mode="caffe")


@register(
    task="classification",
    application="ResNet152",
    dataset="imagenet",
    fallback_dataset="textures",
    source="He et al. 2015, arXiv:1512.03385",
    parameters=60_419_944,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def resnet152(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """A hundred and fifty-two layers: 60.4 million parameters."""
    return build("ResNet152", input_shape, num_classes, mode="caffe")
