"""ConvNeXt: a ResNet brought up to date, step by step, with what transformers have (Liu et al. 2022)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="ConvNeXtTiny",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Liu et al. 2022, arXiv:2201.03545",
    parameters=28_589_128,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def convnext_tiny(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Eighteen blocks: 28.6 million parameters."""
    return build("ConvNeXtTiny", input_shape, num_classes)


@register(
    task="classification",
    application="ConvNeXtSmall",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Liu et al. 2022, arXiv:2201.03545",
    parameters=50_223_688,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def convnext_small(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Thirty-six blocks: 50.2 million parameters."""
    return build("ConvNeXtSmall", input_shape, num_classes)


@register(
    task="classification",
    application="ConvNeXtBase",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Liu et al. 2022, arXiv:2201.03545",
    parameters=88_591_464,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def convnext_base(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Thirty-six wider blocks, learned on ImageNet-22k first: 88.6 million parameters."""
    return build("ConvNeXtBase", input_shape, num_classes)


@register(
    task="classification",
    application="ConvNeXtLarge",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Liu et al. 2022, arXiv:2201.03545",
    parameters=197_767_336,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def convnext_large(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Thirty-six blocks, wider again, learned on ImageNet-22k first: 198 million parameters."""
    return build("ConvNeXtLarge", input_shape, num_classes)


@register(
    task="classification",
    application="ConvNeXtXLarge",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Liu et al. 2022, arXiv:2201.03545",
    parameters=350_196_968,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def convnext_xlarge(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """The widest, learned on ImageNet-22k first: 350 million parameters."""
    return build("ConvNeXtXLarge", input_shape, num_classes)
