"""gensim's word2vec on sentences of tokens: how fast it learns, and its vectors.

    python gensim_word2vec.py TOKENS.json ARCHITECTURE UNITS WINDOW NEGATIVE EPOCHS SEED WORKERS OUT.npz

After gensim's own documentation (radimrehurek.com/gensim/models/word2vec.html). TOKENS.json holds a list of sentences,
lists of words; rare ones are already gone. OUT.npz gets the words and their vectors.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec


def main(tokens, architecture, units, window, negative, epochs, seed, workers, out) -> None:
    sentences = json.loads(Path(tokens).read_text(encoding="utf-8"))
    model = Word2Vec(
        vector_size=int(units),
        window=int(window),
        negative=int(negative),
        sg=int(architecture == "skipgram"),
        min_count=1,
        sample=1e-3,
        seed=int(seed),
        workers=int(workers),
    )
    model.build_vocab(sentences)
    start = time.perf_counter()
    model.train(sentences, total_examples=model.corpus_count, epochs=int(epochs))
    seconds = time.perf_counter() - start
    np.savez(out, words=np.array(model.wv.index_to_key), vectors=model.wv.vectors)
    words = sum(map(len, sentences)) * int(epochs)
    print(json.dumps({"words_per_second": round(words / seconds), "seconds": round(seconds, 2)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
