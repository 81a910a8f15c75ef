"""Word vectors learned from what stands near what: skip-gram and CBOW with negative sampling."""

import keras
import numpy as np
from keras import layers, ops

from zoo.registry import register


@register(
    task="embedding",
    dataset="english_lines",
    fallback_dataset="stdlib_docs",
    source="Mikolov et al. (2013), arXiv:1301.3781, and Distributed representations of words and phrases, "
    "arXiv:1310.4546; shared negatives: Ji et al. (2016), arXiv:1604.04661; near words by their distance: "
    "Pennington et al. (2014), doi:10.3115/v1/D14-1162",
    loss="near_and_far",
    preprocessing={"tokens": "lower-case words", "min_count": 5, "block": 64, "draws": 256, "subsample": 1e-3},
    # plain descent as in Mikolov's program; what others gave stands in docs/results.md. The limit is for texts of
    # a dozen words, which stand so often in a batch that their steps would grow without end.
    optimizer={"class_name": "SGD", "config": {"clipnorm": 1.0}},
    learning_rate=12.8,  # of the mean over 512 words; 0.025 for each, as in Mikolov's program
    schedule="cosine",
    batch_size=8,
    epochs=10,
    parameters=1_000_000,
    fastest_on="jax",
    smallest={"units": 8, "window": 2},
)
def word2vec(vocab_size=5_000, units=100, window=5, negative=5, architecture="skipgram") -> keras.Model:
    """Two vectors a word: one for the word itself, one for standing near others; near words' two are made alike.

    Args:
        vocab_size: how many different words there are, and one more for those that are too rare.
        units: numbers of a vector.
        window: words on either side that are near; the nearer, the more they count.
        negative: as many words from elsewhere count as much as one that is near; more take no more time.
        architecture: "skipgram" foretells every near word from the one in the middle, "cbow" the one in the middle
            from the mean of those that are near.
    """
    if architecture not in ("skipgram", "cbow"):
        raise ValueError(f"architecture is {architecture!r}; accepted are 'skipgram' and 'cbow'.")
    if window < 1 or negative < 1:
        raise ValueError(f"window is {window!r} and negative {negative!r}; accepted are whole numbers of 1 or more.")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    draw = keras.initializers.RandomUniform(-0.5 / units, 0.5 / units)
    vectors = layers.Embedding(vocab_size, units, embeddings_initializer=draw, name="vectors")(tokens)
    contexts = layers.Embedding(vocab_size, units, embeddings_initializer="zeros", name="contexts")(tokens)
    return keras.Model(tokens, layers.Concatenate()([vectors, contexts]), name="word2vec")


def near_and_far(line, outputs, draws, window, negative, architecture) -> keras.KerasTensor:
    """Negative sampling as matrix products: every word of a block with every other, and with words from elsewhere.

    The paper draws how far a window reaches, and negatives for each pair. Here a near word counts by one over its
    distance, as in GloVe, and all words of a block share its negatives, so many that none is pushed far at once.

    Args:
        line: of each word the number of its line, since words of other lines are not near, shape (blocks, length).
        outputs: both vectors of each word, shape (blocks, length, 2 * units). The last words of a block are negatives.
        draws: how many of a block's words are negatives.
        window: see `word2vec`.
        negative: see `word2vec`.
        architecture: see `word2vec`.
    """
    length = outputs.shape[1] - draws
    vectors, contexts = ops.split(outputs, 2, axis=-1)
    line, vectors = line[:, :length], vectors[:, :length]
    contexts, elsewhere = contexts[:, :length], contexts[:, length:]
    distance = np.abs(np.arange(length)[:, None] - np.arange(length))
    near_by = (distance > 0) & (distance <= window)
    share = np.where(near_by, 1 / np.maximum(distance, 1), 0).astype(np.float32)
    together = ops.cast(line[:, :, None] == line[:, None], "float32")
    near = ops.convert_to_tensor(share) * together  # (blocks, length, length)
    pairs = ops.sum(near, axis=-1)
    if architecture == "cbow":
        # the mean of the near words, each of which takes the whole step, not its share, as in Mikolov's program
        total = ops.matmul(near, vectors)
        mean = total / ops.maximum(pairs, 1e-6)[..., None]
        vectors = total + ops.stop_gradient(mean - total)
        pairs = ops.cast(pairs > 0, "float32")
        told = pairs * ops.softplus(-ops.sum(vectors * contexts, axis=-1))
    else:
        scores = ops.matmul(vectors, ops.transpose(contexts, (0, 2, 1)))
        told = ops.sum(near * ops.softplus(-scores), axis=-1)
    far = ops.mean(ops.softplus(ops.matmul(vectors, ops.transpose(elsewhere, (0, 2, 1)))), axis=-1)
    return told + negative * pairs * far
