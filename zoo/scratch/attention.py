"""An encoder and a decoder with attention in NumPy: every word of the answer looks back at the question.

Sutskever et al. (2014), arXiv:1409.3215; attention by products after Luong et al. (2015), arXiv:1508.04025.
"""

import numpy as np

from zoo.scratch.cost import cross_entropy
from zoo.scratch.lstm import initial_lstm, lookup_back, run, run_back
from zoo.scratch.net import Net, Signals


def softmax(z: np.ndarray) -> np.ndarray:
    """Shares along the last axis that sum to 1.

    Example:
        >>> softmax(np.array([1000.0, 1000.0])).tolist()
        [0.5, 0.5]
    """
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def look(queries: np.ndarray, memory: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each word of the answer the mean of the question's words, weighted by how well they fit.

    Args:
        queries: where the answer stands, shape (m, answer, units).
        memory: what was read, shape (m, question, units).

    Returns:
        That mean, shape (m, answer, units), and the weights, shape (m, answer, question), which sum to 1.
    """
    weights = softmax(queries @ memory.swapaxes(1, 2))
    return weights @ memory, weights


def look_back(dcontext, weights, queries, memory) -> tuple[np.ndarray, np.ndarray]:
    """The errors of queries and memory. A word is looked at by what it is, and tells what it is: it counts twice."""
    dweights = dcontext @ memory.swapaxes(1, 2)
    # one weight more makes all others less: from each the mean is taken
    dscores = weights * (dweights - (weights * dweights).sum(axis=-1, keepdims=True))
    return dscores @ memory, dscores.swapaxes(1, 2) @ queries + weights.swapaxes(1, 2) @ dcontext


class Seq2Seq(Net):
    """One LSTM reads the question, another begins where it ended and writes the answer, word by word.

    Args:
        embedding: numbers of a word's vector.
        units: of both LSTMs.
    """

    def __init__(self, embedding: int = 32, units: int = 64):
        self.embedding, self.units = embedding, units

    def initial(self, *sizes: int, seed: int | None = None) -> list[np.ndarray]:
        """[vectors, w, u, b (reads), w, u, b (writes), w3, b3, w4, b4]; the one size is how many words there are."""
        (words,) = sizes
        random, units = np.random.default_rng(seed), self.units
        vectors = random.uniform(-0.05, 0.05, (words, self.embedding))
        lstms = [array for _ in range(2) for array in initial_lstm(self.embedding, units, random)]
        w3, w4 = (
            random.normal(0, (2 * units) ** -0.5, (2 * units, units)),
            random.normal(0, units**-0.5, (units, words)),
        )
        return [vectors, *lstms, w3, np.zeros(units), w4, np.zeros(words)]

    def forward(self, parameters: list[np.ndarray], x: tuple[np.ndarray, np.ndarray]) -> Signals:
        """For numbers of words: the question, shape (m, question), and the answer up to each word, (m, answer)."""
        vectors, w1, u1, b1, w2, u2, b2, w3, b3, w4, b4 = parameters
        question, answer = x
        nothing = np.zeros((len(question), self.units))
        memory, h, c, read = run(vectors[question], nothing, nothing, w1, u1, b1)
        said, _, _, written = run(vectors[answer], h, c, w2, u2, b2)
        context, weights = look(said, memory)
        both = np.concatenate([said, context], axis=2)
        mixed = np.tanh(both @ w3 + b3)
        signals = {"x": x, "memory": memory, "said": said, "weights": weights, "context": context, "mixed": mixed}
        return {**signals, "logits": mixed @ w4 + b4, "read": read, "written": written}

    def backward(
        self, parameters: list[np.ndarray], signals: Signals, y: np.ndarray
    ) -> tuple[float, Signals, list[np.ndarray]]:
        """Where the truth y is the next word of the answer at each step, shape (m, answer)."""
        vectors, w1, u1, _, w2, u2, _, w3, _, w4, _ = parameters
        x, memory, said, weights, context, mixed, logits, read, written = signals.values()
        question, answer = x
        rows = y.size
        cost, dlogits = cross_entropy(logits.reshape(rows, -1), y.ravel())
        dw4, db4 = mixed.reshape(rows, -1).T @ dlogits, dlogits.sum(axis=0)
        dmixed = (dlogits @ w4.T).reshape(mixed.shape)
        dz3 = (dmixed * (1 - mixed**2)).reshape(rows, -1)
        both = np.concatenate([said, context], axis=2).reshape(rows, -1)
        dw3, db3 = both.T @ dz3, dz3.sum(axis=0)
        dsaid, dcontext = np.split((dz3 @ w3.T).reshape(*y.shape, -1), 2, axis=2)
        dqueries, dmemory = look_back(dcontext, weights, said, memory)
        nothing = np.zeros_like(memory[:, 0])
        danswer, dh, dc, dw2, du2, db2 = run_back(dsaid + dqueries, nothing, nothing, written, w2, u2)
        # the answer began where the question had ended, so its error goes on into the question
        dquestion, _, _, dw1, du1, db1 = run_back(dmemory, dh, dc, read, w1, u1)
        dvectors = lookup_back(dquestion, question, vectors) + lookup_back(danswer, answer, vectors)
        errors = {"memory": dmemory, "said": dsaid + dqueries, "context": dcontext, "mixed": dmixed}
        gradients = [dvectors, dw1, du1, db1, dw2, du2, db2, dw3, db3, dw4, db4]
        return cost, {**errors, "logits": dlogits.reshape(logits.shape)}, gradients
