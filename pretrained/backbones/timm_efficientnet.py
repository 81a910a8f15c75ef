"""EfficientNet as timm has it, padded as PyTorch pads (Tan & Le 2019)."""

import keras
from keras import layers

from zoo.pretrained.backbones._shared import preprocessed
from zoo.pretrained.backbones._timm import conv, inverted_residual, norm
from zoo.registry import register

# kernel, stride, expansion and channels of each stage
STAGES = ((3, 1, 1, 16), (3, 2, 6, 24), (5, 2, 6, 40), (3, 2, 6, 80), (5, 1, 6, 112), (5, 2, 6, 192), (3, 1, 6, 320))


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Tan & Le 2019, arXiv:1905.11946, as in timm",
    torch_names={"classifier": "head"},
    preprocessing={"crop": 0.875},
    parameters=5_330_564,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "blocks": (1, 1, 0, 0, 0, 0, 0)},
)
def timm_efficientnet_b0(input_shape=(224, 224, 3), num_classes=1000, blocks=(1, 2, 2, 3, 3, 4, 1)) -> keras.Model:
    """The smallest EfficientNet, for an `efficientnet_b0` file of timm's."""
    pixels = keras.Input(input_shape, name="pixels")  # 0 to 255
    x = preprocessed(pixels, "torch")
    x = norm(conv(x, 32, 3, 2, "conv_stem"), "bn1", "silu")
    for stage, ((kernel, stride, expansion, channels), repeats) in enumerate(zip(STAGES, blocks, strict=True)):
        for index in range(repeats):
            narrow = x.shape[-1]
            x = inverted_residual(
                x,
                f"blocks_{stage}_{index}",
                kernel=kernel,
                stride=stride if index == 0 else 1,
                expanded=expansion * narrow,
                channels=channels,
                activation="silu",
                squeezed=narrow // 4,
                squeeze_activation="silu",
            )
    x = norm(conv(x, 1280, 1, 1, "conv_head"), "bn2", "silu")
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, layers.Dense(num_classes, name="head")(x), name="timm_efficientnet_b0")
