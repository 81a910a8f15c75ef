"""DenseNet: each layer sees what all layers before it in the block have made (Huang et al. 2016)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="DenseNet121",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Huang et al. 2016, arXiv:1608.06993",
    parameters=8_062_504,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def densenet121(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Blocks of 6, 12, 24 and 16 layers: 8.1 million parameters."""
    return build("DenseNet121", input_shape, num_classes, mode="torch")


@register(
    task="classification",
    application="DenseNet169",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Huang et al. 2016, arXiv:1608.06993",
    parameters=14_307_880,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def densenet169(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Blocks of 6, 12, 32 and 32 layers: 14.3 million parameters."""
    return build("DenseNet169", input_shape, num_classes, mode="torch")


@register(
    task="classification",
    application="DenseNet201",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Huang et al. 2016, arXiv:1608.06993",
    parameters=20_242_984,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def densenet201(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Blocks of 6, 12, 48 and 32 layers: 20.2 million parameters."""
    return build("DenseNet201", input_shape, num_classes, mode="torch")
