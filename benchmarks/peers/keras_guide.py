"""Keras' own recipe: a frozen backbone in the model, pictures augmented and looked at again in every epoch.

    python benchmarks/peers/keras_guide.py split.csv backbone.keras OUT.keras

After "Transfer learning & fine-tuning", https://keras.io/guides/transfer_learning/, up to the training of the new
top layer: flips and rotations, the backbone called with training=False, Dropout, Dense, Adam. Pictures are decoded
and resized once, as image_dataset_from_directory would, and kept in memory (https://www.tensorflow.org/guide/
data_performance). Ten epochs, fixed beforehand.
"""

import sys

import keras
import tensorflow as tf
from common import read_split, report
from keras import layers

SIZE, BATCH, EPOCHS = 224, 32, 10


def decode(path, label):
    pixels = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    return tf.image.resize(pixels, (SIZE, SIZE)), label


def dataset(paths, labels):
    return tf.data.Dataset.from_tensor_slices((paths, labels)).map(decode, tf.data.AUTOTUNE).cache()


def main(split: str, weights: str, out: str) -> None:
    keras.utils.set_random_seed(0)
    train_paths, train_labels, held_paths, held_labels, names = read_split(split)
    augmentation = [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)]

    def augment(pictures, labels):
        for layer in augmentation:
            pictures = layer(pictures, training=True)
        return pictures, labels

    train = dataset(train_paths, train_labels).shuffle(len(train_paths)).batch(BATCH)
    train = train.map(augment, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    held_out = dataset(held_paths, held_labels).batch(BATCH).prefetch(tf.data.AUTOTUNE)

    backbone = keras.saving.load_model(weights)
    backbone.trainable = False
    inputs = keras.Input((SIZE, SIZE, 3))
    x = backbone(inputs, training=False)
    x = layers.Dropout(0.2)(x)
    model = keras.Model(inputs, layers.Dense(len(names))(x))
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(train, epochs=EPOCHS, validation_data=held_out, verbose=2)
    model.save(out)
    report(model.predict(held_out, verbose=0).argmax(1), held_labels)


if __name__ == "__main__":
    main(*sys.argv[1:])
