"""MobileNetV3 as timm has it: inverted residuals with squeeze-and-excitation, found by search (Howard et al. 2019)."""

import keras
from keras import layers

from zoo.pretrained.backbones._shared import preprocessed, round_to_8
from zoo.pretrained.backbones._timm import conv, inverted_residual, norm
from zoo.registry import register

# The paper's tables 1 and 2, by stage: kernel, expanded size, channels, squeeze-and-excitation, activation, stride
LARGE = (
    ((3, 16, 16, False, "relu", 1),),
    ((3, 64, 24, False, "relu", 2), (3, 72, 24, False, "relu", 1)),
    ((5, 72, 40, True, "relu", 2), (5, 120, 40, True, "relu", 1), (5, 120, 40, True, "relu", 1)),
    (
        (3, 240, 80, False, "hard_silu", 2),
        (3, 200, 80, False, "hard_silu", 1),
        (3, 184, 80, False, "hard_silu", 1),
        (3, 184, 80, False, "hard_silu", 1),
    ),
    ((3, 480, 112, True, "hard_silu", 1), (3, 672, 112, True, "hard_silu", 1)),
    ((5, 672, 160, True, "hard_silu", 2), (5, 960, 160, True, "hard_silu", 1), (5, 960, 160, True, "hard_silu", 1)),
)
SMALL = (
    ((3, 16, 16, True, "relu", 2),),
    ((3, 72, 24, False, "relu", 2), (3, 88, 24, False, "relu", 1)),
    ((5, 96, 40, True, "hard_silu", 2), (5, 240, 40, True, "hard_silu", 1), (5, 240, 40, True, "hard_silu", 1)),
    ((5, 120, 48, True, "hard_silu", 1), (5, 144, 48, True, "hard_silu", 1)),
    ((5, 288, 96, True, "hard_silu", 2), (5, 576, 96, True, "hard_silu", 1), (5, 576, 96, True, "hard_silu", 1)),
)


def _mobilenetv3(name, input_shape, num_classes, stages, blocks, last, features):
    pixels = keras.Input(input_shape, name="pixels")  # 0 to 255
    x = preprocessed(pixels, "torch")
    x = norm(conv(x, 16, 3, 2, "conv_stem"), "bn1", "hard_silu")
    for stage, (rows, repeats) in enumerate(zip(stages, blocks, strict=True)):
        for index, (kernel, expanded, channels, squeeze, activation, stride) in enumerate(rows[:repeats]):
            x = inverted_residual(
                x,
                f"blocks_{stage}_{index}",
                kernel=kernel,
                stride=stride,
                expanded=expanded,
                channels=channels,
                activation=activation,
                squeezed=round_to_8(expanded / 4) if squeeze else 0,
                gate="hard_sigmoid",
            )
    x = norm(conv(x, last, 1, 1, f"blocks_{len(stages)}_0_conv"), f"blocks_{len(stages)}_0_bn1", "hard_silu")
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)  # one pixel, on which the last convolution is cheap
    x = layers.Activation("hard_silu")(conv(x, features, 1, 1, "conv_head", use_bias=True))
    x = layers.GlobalAveragePooling2D(name="features")(x)  # of the one pixel: its channels
    return keras.Model(pixels, layers.Dense(num_classes, name="head")(x), name=name)


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Howard et al. 2019, arXiv:1905.02244, as in timm",
    torch_names={"classifier": "head"},
    preprocessing={"crop": 0.875},
    parameters=5_507_432,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "blocks": (1, 1, 0, 0, 0, 0)},
)
def timm_mobilenetv3_large_100(input_shape=(224, 224, 3), num_classes=1000, blocks=(1, 2, 3, 4, 2, 3)) -> keras.Model:
    """The large one of two, for a `mobilenetv3_large_100` file of timm's."""
    return _mobilenetv3("timm_mobilenetv3_large_100", input_shape, num_classes, LARGE, blocks, 960, 1280)


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Howard et al. 2019, arXiv:1905.02244, as in timm",
    torch_names={"classifier": "head"},
    preprocessing={"crop": 0.875},
    parameters=2_554_968,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "blocks": (1, 1, 0, 0, 0)},
)
def timm_mobilenetv3_small_100(input_shape=(224, 224, 3), num_classes=1000, blocks=(1, 2, 3, 2, 3)) -> keras.Model:
    """The small one, for slow processors, for a `mobilenetv3_small_100` file of timm's."""
    return _mobilenetv3("timm_mobilenetv3_small_100", input_shape, num_classes, SMALL, blocks, 576, 1024)
