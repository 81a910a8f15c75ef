"""Skip-gram with negative sampling in NumPy: a word's two vectors, one for itself, one for standing near others.

Mikolov et al. (2013), Distributed representations of words and phrases, arXiv:1310.4546.
"""

import numpy as np

from zoo.scratch.cost import sigmoid
from zoo.scratch.lstm import lookup_back
from zoo.scratch.net import Net, Signals


class Word2Vec(Net):
    """Near words are made alike, and unlike words that were drawn from elsewhere.

    Args:
        units: numbers of a vector.
    """

    def __init__(self, units: int = 100):
        self.units = units

    def initial(self, *sizes: int, seed: int | None = None) -> list[np.ndarray]:
        """[vectors, contexts], both of shape (words, units); the one size is how many words there are."""
        (words,) = sizes
        random = np.random.default_rng(seed)
        return [random.uniform(-0.5, 0.5, (words, self.units)) / self.units, np.zeros((words, self.units))]

    def forward(self, parameters: list[np.ndarray], x: tuple[np.ndarray, np.ndarray]) -> Signals:
        """For m words, shape (m,), and others for each, the near one first, (m, 1 + negatives); all as numbers."""
        vectors, contexts = parameters
        word, others = x
        v, c = vectors[word], contexts[others]
        scores = (v[:, None] * c).sum(axis=2)  # (m, 1 + negatives)
        return {"x": x, "v": v, "c": c, "scores": scores}

    def backward(
        self, parameters: list[np.ndarray], signals: Signals, y: None = None
    ) -> tuple[float, Signals, list[np.ndarray]]:
        """The truth needs no y: the first of the others is near, the rest is not."""
        vectors, contexts = parameters
        (word, others), v, c, scores = signals.values()
        m = len(word)
        near = np.arange(scores.shape[1]) == 0
        # how surprised it is: -log sigmoid(score) of the near word, -log sigmoid(-score) of the others
        signed = np.where(near, scores, -scores)
        cost = float(np.logaddexp(0, -signed).sum() / m)
        dscores = (sigmoid(scores) - near) / m
        dv = (dscores[:, :, None] * c).sum(axis=1)
        dc = dscores[:, :, None] * v[:, None]
        gradients = [lookup_back(dv, word, vectors), lookup_back(dc, others, contexts)]
        return cost, {"v": dv, "c": dc, "scores": dscores}, gradients
