"""The convolutional autoencoder of keras.io: two poolings in, two transposed convolutions out, 28,353 weights.

    python benchmarks/peers/keras_io_autoencoder.py FOLDER EPOCHS SEED NOISE OUT.keras

After "Convolutional autoencoder for image denoising" by Santiago L. Valdarrama,
https://keras.io/examples/vision/autoencoder/: the same layers, Adam, binary cross-entropy and batches of 128. With
NOISE above 0 it learns from noisy pictures, drawn once, as there. FOLDER holds fashion_mnist's four files.
"""

import gzip
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers

BATCH = 128


def pictures(file: Path) -> np.ndarray:
    with gzip.open(file) as opened:
        pixels = np.frombuffer(opened.read(), np.uint8, offset=16)
    return pixels.reshape(-1, 28, 28, 1).astype("float32") / 255


def noisy(clean: np.ndarray, noise: float) -> np.ndarray:
    return np.clip(clean + noise * np.random.normal(size=clean.shape), 0, 1).astype("float32")


def build() -> keras.Model:
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, activation="relu", padding="same")(inputs)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2D(32, 3, activation="relu", padding="same")(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2DTranspose(32, 3, strides=2, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(32, 3, strides=2, activation="relu", padding="same")(x)
    x = layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x)
    return keras.Model(inputs, x)


def main(folder: str, epochs: str, seed: str, noise: str, out: str) -> None:
    keras.utils.set_random_seed(int(seed))
    train = pictures(Path(folder, "train-images-idx3-ubyte.gz"))
    test = pictures(Path(folder, "t10k-images-idx3-ubyte.gz"))
    given, given_test = (noisy(train, float(noise)), noisy(test, float(noise))) if float(noise) else (train, test)
    model = build()
    model.compile(optimizer="adam", loss="binary_crossentropy")
    start = time.perf_counter()
    watched = (given_test, test)
    model.fit(given, train, epochs=int(epochs), batch_size=BATCH, shuffle=True, validation_data=watched, verbose=2)
    seconds = time.perf_counter() - start
    model.save(out)
    print(json.dumps({"fit_seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
