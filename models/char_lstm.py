"""A recurrent net that writes character by character, after Karpathy's char-rnn."""

import keras
from keras import layers

from zoo.registry import register


@register(
    task="language",
    dataset="tinyshakespeare",
    fallback_dataset="stdlib_docs",
    source="Karpathy (2015), The Unreasonable Effectiveness of Recurrent Neural Networks, karpathy.github.io; LSTM: "
    "Hochreiter & Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735",
    preprocessing={"tokens": "characters", "window": 100},
    learning_rate=2e-3,
    schedule="cosine",
    batch_size=64,
    epochs=10,
    parameters=875_202,
    search_space={
        "learning_rate": (5e-4, 2e-2, "log"),
        "cell": ["lstm", "gru"],
        "units": [128, 256, 512],
        "depth": [1, 2, 3],
        "dropout": (0.0, 0.5),
    },
    fastest_on="torch",
    smallest={"units": 8, "embedding": 4},
)
def char_lstm(vocab_size=66, units=256, depth=2, cell="lstm", embedding=64, dropout=0.2) -> keras.Model:
    """Reads a text character by character and says after each one what may come next.

    Args:
        vocab_size: how many different characters there are, and one more for those it has never seen.
        units: of each recurrent layer.
        depth: recurrent layers, 1 to 3.
        cell: "lstm", "gru", or "rnn" for the plain one.
        embedding: numbers that stand for a character.
        dropout: share of numbers that are left out between the layers in training.
    """
    kinds = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}
    if cell not in kinds:
        raise ValueError(f"cell is {cell!r}; accepted are {', '.join(map(repr, kinds))}.")
    if depth not in (1, 2, 3):
        raise ValueError(f"depth is {depth!r}; accepted are 1, 2 and 3.")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(vocab_size, embedding)(tokens)
    for _ in range(depth):
        # the states are given too, so that a text can be carried on
        x, *_ = kinds[cell](units, return_sequences=True, return_state=True)(x)
        x = layers.Dropout(dropout)(x)
    logits = layers.Dense(vocab_size, name="logits")(x)
    return keras.Model(tokens, logits, name="char_lstm")
