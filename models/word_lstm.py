"""A recurrent net that writes word by word: the television script of Udacity's course."""

import keras
from keras import layers

from zoo.registry import register


@register(
    task="language",
    dataset="moes_tavern",
    fallback_dataset="stdlib_docs",
    source="Udacity, Deep Learning Nanodegree (2017), project Generate TV Scripts; after Mikolov et al. (2010), "
    "Recurrent neural network based language model, Interspeech",
    preprocessing={"tokens": "lower-case words", "min_count": 2, "window": 32},
    learning_rate=2e-3,
    schedule="cosine",
    batch_size=32,
    epochs=10,
    parameters=1_923_237,
    search_space={
        "learning_rate": (5e-4, 2e-2, "log"),
        "units": [64, 128, 256, 512],
        "dropout": (0.0, 0.7),
        "batch_size": [16, 32, 64],
    },
    fastest_on="torch",
    smallest={"units": 16},
)
def word_lstm(vocab_size=2_725, units=256, depth=1, dropout=0.5) -> keras.Model:
    """Reads a text word by word, punctuation marks and line breaks among them, and says what may come next.

    Args:
        vocab_size: how many different words there are, and one more for those that are too rare.
        units: of each recurrent layer, and numbers that stand for a word.
        depth: recurrent layers.
        dropout: share of numbers that are left out before, between and after the layers in training.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(vocab_size, units)(tokens)
    x = layers.Dropout(dropout)(x)
    for _ in range(depth):
        # the states are given too, so that a text can be carried on
        x, *_ = layers.LSTM(units, return_sequences=True, return_state=True)(x)
        x = layers.Dropout(dropout)(x)
    logits = layers.Dense(vocab_size, name="logits")(x)
    return keras.Model(tokens, logits, name="word_lstm")
