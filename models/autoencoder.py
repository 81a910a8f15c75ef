"""Autoencoders: a picture through a narrow place and back; dense or convolutional, and made to take noise away."""

import math

import keras
from keras import layers

from zoo.registry import register


@register(
    task="reconstruction",
    dataset="fashion_mnist",
    fallback_dataset="digits",
    source="Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647; as convolutions, and against noise: Santiago "
    "L. Valdarrama, Convolutional autoencoder for image denoising, keras.io/examples/vision/autoencoder",
    learning_rate=3e-3,
    schedule="cosine",
    batch_size=64,
    epochs=10,
    parameters=74_529,
    # not the length of the code: the longer it is, the less is lost, and the less is learned
    search_space={
        "learning_rate": (3e-4, 3e-2, "log"),
        "filters": [(16, 32), (32, 64), (64, 128)],
        "batch_size": [16, 32, 64, 128],
    },
    smallest={"input_shape": (8, 8, 1), "latent": 4, "filters": (4, 8)},
)
def autoencoder(input_shape=(28, 28, 1), variant="conv", latent=32, filters=(32, 64), noise=0.0) -> keras.Model:
    """A picture is squeezed into a code and drawn again from the code alone; what the code lacks is lost.

    Args:
        input_shape: (height, width, channels) of pixels 0-255, at least 4 x 4.
        variant: "conv" keeps the code as a small map, every filter halving its sides; "dense" has one code layer,
            and sees no neighbours.
        latent: numbers in the code: at each place of the map for "conv", in all for "dense".
        filters: of each halving on the way in, and of each doubling on the way out; for "conv".
        noise: standard deviation of the noise that is laid over training pictures, where white is 1; the net then
            learns to take it away. keras.io's example has 0.4.
    """
    height, width = input_shape[:2]
    if min(height, width) < 4:
        raise ValueError(f"pictures of {height} x {width} pixels are too small; accepted are 4 x 4 and larger.")
    if variant not in ("conv", "dense"):
        raise ValueError(f"variant is {variant!r}; accepted are 'conv' and 'dense'.")
    if latent < 1:
        raise ValueError(f"latent is {latent!r}; accepted are whole numbers of 1 or more.")
    if not 0 <= noise <= 10:
        raise ValueError(f"noise is {noise!r}; accepted are 0 (none) to 10, where white is 1.")
    pixels = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 255)(pixels)
    if noise:
        x = layers.GaussianNoise(noise)(x)
        x = layers.ReLU(max_value=1.0)(x)  # a noisy picture has no values outside of 0 to 1 either
    through = through_a_vector if variant == "dense" else through_a_map
    return keras.Model(pixels, through(x, latent, filters), name="autoencoder")


def through_a_vector(x, latent, filters) -> keras.KerasTensor:
    """One dense layer each way: what principal components could do, with a sigmoid at the end."""
    shape = x.shape[1:]
    code = layers.Dense(latent, name="code")(layers.Flatten()(x))
    return layers.Reshape(shape, name="logits")(layers.Dense(math.prod(shape))(code))


def through_a_map(x, latent, filters) -> keras.KerasTensor:
    """Strided convolutions in, a code without a nonlinearity, transposed convolutions out."""
    height, width, channels = x.shape[1:]
    step = 2 ** len(filters)  # pixels to a place of the code; sides that are no multiple are filled up, and cut again
    down, right = -height % step, -width % step
    if down or right:
        x = layers.ZeroPadding2D(((0, down), (0, right)))(x)
    for number in filters:
        x = layers.Conv2D(number, 3, strides=2, padding="same", activation="elu")(x)
    x = layers.Conv2D(latent, 3, padding="same", name="code")(x)
    for number in reversed(filters):
        x = layers.Conv2DTranspose(number, 3, strides=2, padding="same", activation="elu")(x)
    x = layers.Conv2D(channels, 3, padding="same", name="logits")(x)
    if down or right:
        x = layers.Cropping2D(((0, down), (0, right)))(x)
    return x
