"""Pictures out of noise: one convolutional net draws, another tells what is drawn from what is real."""

import keras
from keras import layers

from zoo.registry import register


@register(
    task="image_generation",
    dataset="fashion_mnist",
    fallback_dataset="mnist_5k",
    source="Radford, Metz & Chintala (2015), Unsupervised representation learning with deep convolutional generative "
    "adversarial networks, arXiv:1511.06434; Goodfellow et al. (2014), arXiv:1406.2661",
    discriminator="discriminator",
    optimizer={"class_name": "Adam", "config": {"beta_1": 0.5}},
    learning_rate=2e-4,
    batch_size=64,
    epochs=20,
    parameters=760_065,
    smallest={"input_shape": (12, 12, 1), "latent": 4, "filters": 4},
)
def dcgan(input_shape=(28, 28, 1), latent=100, filters=64, kernel=4) -> keras.Model:
    """The net that draws: noise becomes a small map of many channels, which doubles its sides until it is a picture.

    Args:
        input_shape: (height, width, channels) of the pictures; the sides can be halved, such as 28, 32 or 64.
        latent: numbers that a picture is drawn from.
        filters: channels of the largest map but the picture; every smaller map has twice as many.
        kernel: side of the filters in pixels; multiples of the stride, which is 2, leave no checkerboard.
    """
    (height, width, channels), times = input_shape, doublings(input_shape)
    if min(latent, filters, kernel) < 1:
        raise ValueError(
            f"latent is {latent!r}, filters {filters!r}, kernel {kernel!r}; accepted are 1 and larger whole numbers."
        )
    noise = keras.Input((latent,), name="noise")
    side = 2**times
    most = filters * 2 ** (times - 1)
    x = layers.Dense(height // side * (width // side) * most, use_bias=False, kernel_initializer=small())(noise)
    x = layers.Reshape((height // side, width // side, most))(x)
    for number in [filters * 2**n for n in reversed(range(times - 1))]:
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.Conv2DTranspose(number, kernel, 2, "same", use_bias=False, kernel_initializer=small())(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2DTranspose(channels, kernel, 2, "same", kernel_initializer=small())(x)
    x = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(noise, layers.Rescaling(127.5, 127.5, dtype="float32", name="pixels")(x), name="dcgan")


def discriminator(input_shape, filters, kernel) -> keras.Model:
    """The net that judges: strided convolutions down to one logit, above 0 for a real picture."""
    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, -1)(pixels)
    for n in range(doublings(input_shape)):
        # never on the first layer, says the paper
        x = layers.Conv2D(filters * 2**n, kernel, 2, "same", use_bias=n == 0, kernel_initializer=small())(x)
        x = layers.BatchNormalization(momentum=0.9)(x) if n else x
        x = layers.LeakyReLU(0.2)(x)
    logit = layers.Dense(1, dtype="float32", kernel_initializer=small())(layers.Flatten()(x))
    return keras.Model(pixels, logit, name="discriminator")


def small() -> keras.Initializer:
    """The paper's initialisation."""
    return keras.initializers.RandomNormal(stddev=0.02)


def doublings(input_shape) -> int:
    """How often the smallest map, 4 pixels or an odd number to a side, doubles until it is the picture."""
    height, width = input_shape[:2]
    times = 0
    while min(height, width) > 4 and height % 2 == width % 2 == 0:
        height, width, times = height // 2, width // 2, times + 1
    if not times:
        raise ValueError(f"pictures of {height} x {width} pixels; accepted are even sides of 6 and more, such as 32.")
    return times
