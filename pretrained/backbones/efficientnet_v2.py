"""EfficientNetV2: plain convolutions in the first stages, so that it trains faster (Tan & Le 2021)."""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="EfficientNetV2B0",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2021, arXiv:2104.00298",
    parameters=7_200_312,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_v2_b0(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """At 224 pixels: 7.2 million parameters."""
    return build("EfficientNetV2B0", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetV2B1",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2021, arXiv:2104.00298",
    parameters=8_212_124,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_v2_b1(input_shape=(240, 240, 3), num_classes=1000) -> keras.Model:
    """At 240 pixels: 8.2 million parameters."""
    return build("EfficientNetV2B1", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetV2B2",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2021, arXiv:2104.00298",
    parameters=10_178_374,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_v2_b2(input_shape=(260, 260, 3), num_classes=1000) -> keras.Model:
    """At 260 pixels: 10.2 million parameters."""
    return build("EfficientNetV2B2", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetV2B3",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2021, arXiv:2104.00298",
    parameters=14_467_622,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_v2_b3(input_shape=(300, 300, 3), num_classes=1000) -> keras.Model:
    """At 300 pixels: 14.5 million parameters."""
    return build("EfficientNetV2B3", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetV2S",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2021, arXiv:2104.00298",
    parameters=21_612_360,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_v2_s(input_shape=(384, 384, 3), num_classes=1000) -> keras.Model:
    """The small one, at 384 pixels: 21.6 million parameters."""
    return build("EfficientNetV2S", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetV2M",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2021, arXiv:2104.00298",
    parameters=54_431_388,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_v2_m(input_shape=(480, 480, 3), num_classes=1000) -> keras.Model:
    """The middle one, at 480 pixels: 54.4 million parameters."""
    return build("EfficientNetV2M", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetV2L",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2021, arXiv:2104.00298",
    parameters=119_027_848,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_v2_l(input_shape=(480, 480, 3), num_classes=1000) -> keras.Model:
    """The large one, at 480 pixels: 119 million parameters."""
    return build("EfficientNetV2L", input_shape, num_classes)
