"""Text drawn as tutorials do: `predict` on the last 40 characters, for every character anew.

    python benchmarks/peers/keras_predict_loop.py

After keras.io's "Character-level text generation with LSTM", with two layers of 256 units, not one of 128, so that
it is as wide as the others. How well it writes does not matter here, so it is not trained.
"""

import json
import time

import keras
import numpy as np
from keras import layers

UNITS, TOKENS, WINDOW, WRITTEN = 256, 66, 40, 100


def main() -> None:
    tokens = keras.Input((WINDOW,), dtype="int32")
    x = layers.Embedding(TOKENS, UNITS)(tokens)
    x = layers.LSTM(UNITS, return_sequences=True)(x)
    x = layers.LSTM(UNITS)(x)
    model = keras.Model(tokens, layers.Dense(TOKENS, activation="softmax")(x))
    random = np.random.default_rng(0)
    written = list(random.integers(0, TOKENS, WINDOW))
    start = 0.0
    for step in range(WRITTEN + 5):
        if step == 5:  # the first ones are not counted
            start = time.perf_counter()
        probabilities = model.predict(np.array([written[-WINDOW:]]), verbose=0)[0].astype(float)
        written.append(random.choice(TOKENS, p=probabilities / probabilities.sum()))
    print(json.dumps({"writes": round(WRITTEN / (time.perf_counter() - start), 1)}))


if __name__ == "__main__":
    main()
