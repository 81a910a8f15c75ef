"""ResNet as timm and torchvision have it: the stride of a bottleneck is in its 3 x 3 convolution (He et al. 2015)."""

import keras
from keras import layers

from zoo.pretrained.backbones._shared import preprocessed
from zoo.pretrained.backbones._timm import conv, norm
from zoo.registry import register


def _basic(x, name, channels, stride):
    """Two convolutions."""
    x = norm(conv(x, channels, 3, stride, f"{name}_conv1"), f"{name}_bn1", "relu")
    return norm(conv(x, channels, 3, 1, f"{name}_conv2"), f"{name}_bn2")


def _bottleneck(x, name, channels, stride):
    """Three convolutions, the one in the middle on a quarter of the channels."""
    x = norm(conv(x, channels, 1, 1, f"{name}_conv1"), f"{name}_bn1", "relu")
    x = norm(conv(x, channels, 3, stride, f"{name}_conv2"), f"{name}_bn2", "relu")
    return norm(conv(x, 4 * channels, 1, 1, f"{name}_conv3"), f"{name}_bn3")


def _residual(x, name, branch, channels, stride):
    """A branch and its input, added."""
    y = branch(x, name, channels, stride)
    if x.shape != y.shape:
        x = norm(conv(x, y.shape[-1], 1, stride, f"{name}_downsample_0"), f"{name}_downsample_1")
    return layers.Activation("relu")(layers.Add()([x, y]))


def _resnet(name, input_shape, num_classes, blocks, branch):
    pixels = keras.Input(input_shape, name="pixels")  # 0 to 255
    x = preprocessed(pixels, "torch")
    x = norm(conv(x, 64, 7, 2, "conv1"), "bn1", "relu")
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))  # nothing is below 0 behind a ReLU
    for stage, repeats in enumerate(blocks):
        for index in range(repeats):
            stride = 2 if stage > 0 and index == 0 else 1
            x = _residual(x, f"layer{stage + 1}_{index}", branch, 64 * 2**stage, stride)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, layers.Dense(num_classes, name="head")(x), name=name)


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="He et al. 2015, arXiv:1512.03385, as in timm and torchvision",
    torch_names={"fc": "head"},
    preprocessing={"crop": 0.875},
    parameters=11_699_112,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "blocks": (1, 1)},
)
def timm_resnet18(input_shape=(224, 224, 3), num_classes=1000, blocks=(2, 2, 2, 2)) -> keras.Model:
    """Eighteen layers, two a block, for a `resnet18` file of timm's or torchvision's."""
    return _resnet("timm_resnet18", input_shape, num_classes, blocks, _basic)


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="He et al. 2015, arXiv:1512.03385, as in timm and torchvision",
    torch_names={"fc": "head"},
    preprocessing={"crop": 0.875},
    parameters=25_610_152,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "blocks": (1, 1)},
)
def timm_resnet50(input_shape=(224, 224, 3), num_classes=1000, blocks=(3, 4, 6, 3)) -> keras.Model:
    """Fifty layers, three a block, for a `resnet50` file of timm's or torchvision's."""
    return _resnet("timm_resnet50", input_shape, num_classes, blocks, _bottleneck)
