"""Small convolutional nets for pictures of 28 or 32 pixels: the textbook's, and a lean modern one."""

import keras
from keras import layers

from zoo.registry import register


def mnist(x, dropout) -> keras.KerasTensor:
    """keras.io's first convnet: two convolutions of ever more channels, each halved, then everything at once."""
    for channels in (32, 64):
        x = layers.Conv2D(channels, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    return layers.Dropout(dropout)(layers.Flatten()(x))


def lean(x, dropout) -> keras.KerasTensor:
    """Convolution, normalisation, ReLU: most of them on the halved and quartered picture, where they cost little."""
    for stage, widths in enumerate(((32,), (48, 48), (96, 96), (192,))):
        if stage > 0:
            x = layers.MaxPooling2D(2, padding="same")(x)
        for channels in widths:
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.Dropout(dropout)(layers.GlobalAveragePooling2D(name="features")(x))


@register(
    task="classification",
    dataset="fashion_mnist",
    fallback_dataset="mnist_5k",
    source="mnist: Chollet (2015), Simple MNIST convnet, keras.io/examples/vision/mnist_convnet; lean: after "
    "Simonyan & Zisserman (2014), arXiv:1409.1556, with batch normalisation and global average pooling",
    optimizer="adam",
    learning_rate=2e-3,
    schedule="cosine",
    augment=("shift",),
    batch_size=128,
    epochs=12,
    parameters=34_826,
    search_space={
        "learning_rate": (3e-4, 1e-2, "log"),
        "variant": ["mnist", "lean"],
        "dropout": (0.0, 0.6),
        "augment": [(), ("shift",), ("flip", "shift")],
        "batch_size": [32, 64, 128, 256],
    },
    smallest={"input_shape": (12, 12, 1), "variant": "lean"},
)
def cnn(input_shape=(28, 28, 1), num_classes=10, variant="mnist", dropout=0.5) -> keras.Model:
    """Filters that look for the same thing everywhere, then for things made of these.

    Args:
        input_shape: (height, width, channels) of pixels 0-255.
        num_classes: how many classes there are.
        variant: "mnist", the 34,826-parameter net of keras.io, or "lean", which is more accurate.
        dropout: share of the last features that are left out in training.
    """
    body = {"mnist": mnist, "lean": lean}
    if variant not in body:
        raise ValueError(f"variant is {variant!r}; accepted are {', '.join(map(repr, body))}")
    pixels = keras.Input(input_shape, name="pixels")
    x = body[variant](layers.Rescaling(1 / 255)(pixels), dropout)
    # Two classes need one logit, the second class against the first; more classes need one each.
    logits = layers.Dense(1 if num_classes == 2 else num_classes, name="head")(x)
    return keras.Model(pixels, logits, name="cnn")
