"""The DCGAN of keras.io: two gradient tapes a step, 74,625 and 1,339,905 weights for pictures of 28 pixels.

    python benchmarks/peers/keras_io_dcgan.py FOLDER SECONDS SEED COUNT OUT.npy [NETS]

After "DCGAN to generate face images" and "Customizing what happens in fit()" by François Chollet,
https://keras.io/examples/generative/dcgan_overriding_train_step/ and
https://keras.io/guides/custom_train_step_in_tensorflow/: the same layers, Adam at 0.0003, batches of 64, labels with
uniform noise of 0.05. FOLDER holds fashion_mnist's four files; it trains for SECONDS, then draws COUNT pictures. NETS
is a folder with other nets to train in the same steps, generator.keras and discriminator.keras, of pixels 0-255.
"""

import gzip
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

BATCH, LATENT = 64, 128


def pictures(file: Path) -> np.ndarray:
    with gzip.open(file) as opened:
        pixels = np.frombuffer(opened.read(), np.uint8, offset=16)
    return pixels.reshape(-1, 28, 28, 1).astype("float32") / 255


def discriminator() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(64, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(128, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.GlobalMaxPooling2D(),
            layers.Dense(1),
        ]
    )


def generator() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(7 * 7 * 128),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Reshape((7, 7, 128)),
            layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(1, 7, padding="same", activation="sigmoid"),
        ]
    )


class Gan(keras.Model):
    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent = generator.input_shape[1]
        self.noise = keras.random.SeedGenerator(0)

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    def train_step(self, real):
        rows = tf.shape(real)[0]
        drawn = self.generator(keras.random.normal((rows, self.latent), seed=self.noise), training=True)
        both = tf.concat([drawn, real], axis=0)
        labels = tf.concat([tf.ones((rows, 1)), tf.zeros((rows, 1))], axis=0)
        labels += 0.05 * keras.random.uniform(tf.shape(labels), seed=self.noise)
        with tf.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(both, training=True))
        gradients = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply(gradients, self.discriminator.trainable_weights)
        noise = keras.random.normal((rows, self.latent), seed=self.noise)
        with tf.GradientTape() as tape:
            drawn = self.generator(noise, training=True)
            g_loss = self.loss_fn(tf.zeros((rows, 1)), self.discriminator(drawn, training=True))
        gradients = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply(gradients, self.generator.trainable_weights)
        return {"d_loss": d_loss, "g_loss": g_loss}


class Clock(keras.callbacks.Callback):
    """Ends the training when the time is over, and counts the steps after the first ones."""

    def __init__(self, seconds: float):
        super().__init__()
        self.end, self.times = time.perf_counter() + seconds, []

    def on_train_batch_end(self, batch, logs=None):
        self.times.append(time.perf_counter())
        if self.times[-1] > self.end:
            self.model.stop_training = True

    def rate(self, batch: int) -> float:
        """Pictures a second."""
        return batch * (len(self.times) - 11) / (self.times[-1] - self.times[10])


def main(folder: str, seconds: str, seed: str, count: str, out: str, nets: str = "") -> None:
    keras.utils.set_random_seed(int(seed))
    train = pictures(Path(folder, "train-images-idx3-ubyte.gz"))
    if nets:
        players = [keras.saving.load_model(Path(nets, f"{name}.keras")) for name in ("generator", "discriminator")]
        train *= 255
    else:
        players = [generator(), discriminator()]
    data = tf.data.Dataset.from_tensor_slices(train).shuffle(len(train), seed=int(seed)).batch(BATCH).prefetch(2)
    clock, model = Clock(float(seconds)), Gan(*players)
    optimizers = [keras.optimizers.Adam(learning_rate=0.0003) for _ in range(2)]
    model.compile(*optimizers, keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(data, epochs=1000, callbacks=[clock], verbose=0)
    if int(count):
        noise = np.random.default_rng(int(seed)).normal(size=(int(count), LATENT)).astype("float32")
        drawn = model.generator.predict(noise, batch_size=500, verbose=0)
        np.save(out, np.rint(drawn * 255).astype(np.uint8))
    print(json.dumps({"pictures_per_second": round(clock.rate(BATCH)), "steps": len(clock.times)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
