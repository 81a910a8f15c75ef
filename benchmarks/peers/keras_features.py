"""Keras with features computed once: `predict` with the frozen backbone, then a small model trained on the features.

    python benchmarks/peers/keras_features.py split.csv backbone.keras OUT.keras

The lighter workflow, "feature extraction", of https://keras.io/guides/transfer_learning/: no augmentation, each
picture looked at once. The head is the guide's, Dropout and Dense with Adam; fifty epochs, fixed beforehand. One
model, from pixels to logits, is saved.
"""

import sys

import keras
import tensorflow as tf
from common import read_split, report
from keras import layers

SIZE, BATCH, EPOCHS = 224, 32, 50


def decode(path):
    pixels = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    return tf.image.resize(pixels, (SIZE, SIZE))


def dataset(paths):
    pictures = tf.data.Dataset.from_tensor_slices(paths).map(decode, tf.data.AUTOTUNE)
    return pictures.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def main(split: str, weights: str, out: str) -> None:
    keras.utils.set_random_seed(0)
    train_paths, train_labels, held_paths, held_labels, names = read_split(split)
    backbone = keras.saving.load_model(weights)
    backbone.trainable = False
    train = backbone.predict(dataset(train_paths), verbose=0)
    held_out = backbone.predict(dataset(held_paths), verbose=0)

    head = keras.Sequential([keras.Input(train.shape[1:]), layers.Dropout(0.2), layers.Dense(len(names))])
    head.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    labels = tf.constant(train_labels), tf.constant(held_labels)
    head.fit(train, labels[0], batch_size=BATCH, epochs=EPOCHS, validation_data=(held_out, labels[1]), verbose=2)

    inputs = keras.Input((SIZE, SIZE, 3))
    keras.Model(inputs, head(backbone(inputs, training=False))).save(out)
    report(head.predict(held_out, verbose=0).argmax(1), held_labels)


if __name__ == "__main__":
    main(*sys.argv[1:])
