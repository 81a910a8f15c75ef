"""A residual net for small pictures: every two convolutions learn what to add to what they were given."""

import keras
from keras import layers

from zoo.registry import register


def convolution(x, channels, kernel, strides) -> keras.KerasTensor:
    """A convolution without bias, He's initial weights, and batch normalisation."""
    draw = "he_normal"
    x = layers.Conv2D(channels, kernel, strides, padding="same", use_bias=False, kernel_initializer=draw)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def block(x, channels, strides, residual) -> keras.KerasTensor:
    """relu(x + f(x)), where f is two convolutions; where the shape changes, x is projected by one of 1 x 1."""
    y = layers.ReLU()(convolution(x, channels, 3, strides))
    y = convolution(y, channels, 3, 1)
    if residual:
        changes = strides > 1 or x.shape[-1] != channels
        y = layers.Add()([convolution(x, channels, 1, strides) if changes else x, y])
    return layers.ReLU()(y)


@register(
    task="classification",
    dataset="cifar10",
    fallback_dataset="mnist_5k",
    source="He, Zhang, Ren and Sun 2015, arXiv:1512.03385, section 4.2, with projections (option B) where the shape "
    "changes",
    optimizer={"class_name": "SGD", "config": {"momentum": 0.9, "weight_decay": 1e-4}},
    learning_rate=0.1,
    schedule="cosine",
    augment=("flip", "shift"),
    batch_size=128,
    epochs=20,
    parameters=274_042,
    smallest={"input_shape": (12, 12, 1), "depth": 8, "widths": (4, 8, 8)},
)
def resnet(input_shape=(32, 32, 3), num_classes=10, depth=20, widths=(16, 32, 64), residual=True) -> keras.Model:
    """Blocks that add to what they are given, so that many of them are no harder to train than few.

    Args:
        input_shape: (height, width, channels) of pixels 0-255.
        num_classes: how many classes there are.
        depth: layers with weights on the way from pixels to logits, 6 n + 2: 8, 14, 20, 32, 44, 56, 110.
        widths: channels of the three stages; the second and the third halve the picture's sides.
        residual: False leaves the additions out, which makes the plain net of the same paper.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth is {depth}; accepted are 6 n + 2: 8, 14, 20, 26, 32 and so on")
    pixels = keras.Input(input_shape, name="pixels")
    x = layers.ReLU()(convolution(layers.Rescaling(1 / 127.5, offset=-1)(pixels), widths[0], 3, 1))
    for stage, channels in enumerate(widths):
        for number in range(depth // 6):
            x = block(x, channels, 2 if stage > 0 and number == 0 else 1, residual)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    # Two classes need one logit, the second class against the first; more classes need one each.
    logits = layers.Dense(1 if num_classes == 2 else num_classes, name="head")(x)
    return keras.Model(pixels, logits, name="resnet")
