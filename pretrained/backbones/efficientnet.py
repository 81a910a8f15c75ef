"""EfficientNet: depth, width and resolution scaled together (Tan & Le 2019).

The published weights were trained on pixels that are divided by the standard deviation, where Keras' layer divides by
the square root of what it holds. Their cards multiply that number by the deviation once more.
"""

import keras

from zoo.pretrained.backbones._keras_applications import build
from zoo.registry import register


@register(
    task="classification",
    application="EfficientNetB0",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946",
    parameters=5_330_571,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_b0(input_shape=(224, 224, 3), num_classes=1000) -> keras.Model:
    """Found by search, at 224 pixels: 5.3 million parameters."""
    return build("EfficientNetB0", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetB1",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946",
    parameters=7_856_239,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_b1(input_shape=(240, 240, 3), num_classes=1000) -> keras.Model:
    """At 240 pixels: 7.9 million parameters."""
    return build("EfficientNetB1", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetB2",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946",
    parameters=9_177_569,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_b2(input_shape=(260, 260, 3), num_classes=1000) -> keras.Model:
    """At 260 pixels: 9.2 million parameters."""
    return build("EfficientNetB2", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetB3",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946",
    parameters=12_320_535,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_b3(input_shape=(300, 300, 3), num_classes=1000) -> keras.Model:
    """At 300 pixels: 12.3 million parameters."""
    return build("EfficientNetB3", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetB4",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946",
    parameters=19_466_823,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_b4(input_shape=(380, 380, 3), num_classes=1000) -> keras.Model:
    """At 380 pixels: 19.5 million parameters."""
    return build("EfficientNetB4", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetB5",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946",
    parameters=30_562_527,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_b5(input_shape=(456, 456, 3), num_classes=1000) -> keras.Model:
    """At 456 pixels: 30.6 million parameters."""
    return build("EfficientNetB5", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetB6",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946",
    parameters=43_265_143,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_b6(input_shape=(528, 528, 3), num_classes=1000) -> keras.Model:
    """At 528 pixels: 43.3 million parameters."""
    return build("EfficientNetB6", input_shape, num_classes)


@register(
    task="classification",
    application="EfficientNetB7",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946",
    parameters=66_658_687,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3},
)
def efficientnet_b7(input_shape=(600, 600, 3), num_classes=1000) -> keras.Model:
    """At 600 pixels: 66.7 million parameters."""
    return build("EfficientNetB7", input_shape, num_classes)
