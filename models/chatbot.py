"""A chatbot: an encoder reads what was said, a decoder answers word by word and looks back at it."""

import keras
from keras import layers, ops

from zoo.registry import register


@register(
    task="dialogue",
    dataset="cornell_30k",
    fallback_dataset="chatterbot",
    source="Sutskever, Vinyals & Le (2014), arXiv:1409.3215; Vinyals & Le (2015), A neural conversational model, "
    "arXiv:1506.05869; attention: Luong et al. (2015), arXiv:1508.04025, or Bahdanau et al. (2014), arXiv:1409.0473",
    preprocessing={"tokens": "lower-case words", "min_count": 2, "most": 8000, "length": 24},
    learning_rate=2e-3,
    schedule="cosine",
    batch_size=64,
    epochs=8,
    parameters=3_164_416,
    search_space={
        "learning_rate": (5e-4, 1e-2, "log"),
        "units": [128, 256, 512],
        "attention": ["luong", "bahdanau"],
        "dropout": (0.0, 0.5),
    },
    smallest={"units": 16},
)
def chatbot(vocab_size=8_000, units=256, attention="luong", dropout=0.3) -> keras.Model:
    """Every answer is drawn word by word, each time with a look at the words of the question that matter for it.

    Args:
        vocab_size: how many different words there are; 0 fills up short lines.
        units: numbers that stand for a word, and of each recurrent layer; even.
        attention: how much a word of the question matters: "luong" multiplies it with where the answer stands,
            "bahdanau" adds the two and learns a layer on the sum.
        dropout: share of numbers that are left out before and after the recurrent layers in training.
    """
    if attention not in ("luong", "bahdanau"):
        raise ValueError(f"attention is {attention!r}; accepted are 'luong' and 'bahdanau'.")
    if units < 2 or units % 2:
        raise ValueError(f"units is {units!r}; accepted are even numbers: half of them read backwards.")
    pair = keras.Input((2, None), dtype="int32", name="pair")  # what was said, and the answer up to each word
    said, reply = pair[:, 0], pair[:, 1]
    there = ops.not_equal(said, 0)
    spread = keras.initializers.RandomNormal(stddev=units**-0.5)  # so that logits begin at about 1
    words = layers.ReversibleEmbedding(vocab_size, units, embeddings_initializer=spread, name="words")
    memory, *states = encoder(units, dropout)([words(said), there])
    x, *_ = decoder(units, attention, dropout)([words(reply), memory, there, *states])
    return keras.Model(pair, words(x, reverse=True), name="chatbot")


def encoder(units, dropout) -> keras.Model:
    """Reads in both directions: for every word what it means here, and the states that the answer begins with."""
    embedded, there = keras.Input((None, units)), keras.Input((None,), dtype="bool")
    x = layers.Dropout(dropout)(embedded)
    both = layers.Bidirectional(layers.LSTM(units // 2, return_sequences=True, return_state=True))
    memory, h, c, h_back, c_back = both(x, mask=there)
    memory = ops.where(ops.expand_dims(there, -1), memory, 0.0)  # nothing where no word is
    states = layers.Concatenate()([h, h_back]), layers.Concatenate()([c, c_back])
    return keras.Model([embedded, there], [memory, *states], name="encoder")


def decoder(units, attention, dropout) -> keras.Model:
    """One step after the other; gives the step's output, the states, and where in the question it looked."""
    embedded, memory = keras.Input((None, units)), keras.Input((None, units))
    there, h, c = keras.Input((None,), dtype="bool"), keras.Input((units,)), keras.Input((units,))
    x = layers.Dropout(dropout)(embedded)
    x, h_after, c_after = layers.LSTM(units, return_sequences=True, return_state=True)(x, initial_state=[h, c])
    query = layers.Dense(units, use_bias=False)(x)
    if attention == "luong":
        look = layers.Attention()
        context, alignment = look([query, memory], mask=[None, there], return_attention_scores=True)
    else:
        look, key = layers.AdditiveAttention(), layers.Dense(units, use_bias=False)(memory)
        context, alignment = look([query, memory, key], mask=[None, there], return_attention_scores=True)
    x = layers.Dense(units, activation="tanh")(layers.Concatenate()([x, context]))
    x = layers.Dropout(dropout)(x)
    return keras.Model([embedded, memory, there, h, c], [x, h_after, c_after, alignment], name="decoder")
