"""Does a picture resemble anything that the model was trained on? A classifier names a class even when none fits.

A picture is novel when its features leave the few directions in which the training pictures' features vary: the
length of what remains, after their main principal axes are taken away, is compared with a threshold.
"""

from dataclasses import dataclass

import numpy as np

from zoo import saving
from zoo.errors import ZooError

AXES = 32  # directions kept
MAX_AXES = AXES * 2**16  # numbers that these may be of in a saved file; features have a few thousand
NOVEL = 0.01  # share of training pictures that may count as novel, each judged by axes that it had no part in
FOLDS = 5
LEAST = 40  # pictures, below which nothing can be said
ENOUGH = 1000  # pictures that directions and threshold are learned from, drawn at random where there are more


@dataclass(frozen=True)
class NoveltyDetector:
    """What the training pictures have in common.

    Attributes:
        centre: mean of the features, each divided by its length; shape (d,).
        axes: main directions around it, orthonormal rows; shape (axes, d).
        limit: a longer remainder makes a picture novel.
    """

    centre: np.ndarray
    axes: np.ndarray
    limit: float

    @classmethod
    def fit(cls, features: np.ndarray, seed: int = 0, apart: np.ndarray | None = None) -> "NoveltyDetector | None":
        """Learn from the training pictures' features alone, of shape (n, d); None from fewer than `LEAST`.

        Args:
            features: of the training pictures.
            seed: decides the folds.
            apart: of shape (n,), which pictures the network was not trained on, where it was on others: the limit is
                learned from these, as the others' features lie nearer to the axes than any new picture's.

        Example:
            >>> x = np.random.default_rng(0).normal(size=(200, 4)) * [1, 1, 0.01, 0.01] + [5, 0, 0, 0]
            >>> NoveltyDetector.fit(x).is_novel(np.array([[5.0, 1, 0, 0], [0, 0, 5, 1]])).tolist()
            [False, True]
        """
        if len(features) < LEAST:
            return None
        if apart is not None and apart.sum() >= LEAST:
            centre, axes = _axes(features[~apart][:ENOUGH])
            return cls(centre, axes, float(np.quantile(_remainder(features[apart], centre, axes), 1 - NOVEL)))
        features = features[np.random.default_rng(seed).permutation(len(features))[:ENOUGH]]
        fold = np.arange(len(features)) % FOLDS
        apart = np.empty(len(features))
        for k in np.unique(fold):
            centre, axes = _axes(features[fold != k])
            apart[fold == k] = _remainder(features[fold == k], centre, axes)
        return cls(*_axes(features), float(np.quantile(apart, 1 - NOVEL)))

    def is_novel(self, features: np.ndarray) -> np.ndarray:
        """Whether each picture, by its features of shape (n, d), resembles nothing that was trained on; shape (n,)."""
        if features.shape[1:] != self.centre.shape:
            raise ZooError("what the file knows of its training pictures does not fit its model")
        return _remainder(features, self.centre, self.axes) > self.limit

    def to_json(self) -> dict:
        return {
            "centre": saving.pack(self.centre.astype(np.float16)),
            "axes": saving.pack(self.axes.astype(np.float16)),
            "limit": self.limit,
        }

    @classmethod
    def from_json(cls, known: dict) -> "NoveltyDetector":
        centre, axes = (saving.unpack(known[key], MAX_AXES).astype(np.float32) for key in ("centre", "axes"))
        if centre.ndim != 1 or axes.shape[1:] != centre.shape:
            raise ValueError("what makes a picture familiar has the wrong shape")
        if not all(np.isfinite(part).all() for part in (centre, axes, known["limit"])):
            raise ValueError("what makes a picture familiar is no number")
        return cls(centre, axes, float(known["limit"]))


def _axes(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and main directions of features of shape (n, d); fewer directions where pictures are few."""
    from scipy.linalg import eigh

    x = _directions(features)
    centre = x.mean(axis=0)
    x = x - centre
    few = len(x) < x.shape[1]  # then the same directions come from the smaller of the two products
    product = (x @ x.T if few else x.T @ x).astype(np.float64)
    count = min(AXES, max(1, len(x) // 4), len(product) - 1)
    _, vectors = eigh(product, subset_by_index=(len(product) - count, len(product) - 1))
    axes = vectors.T @ x if few else vectors.T
    return centre, axes / np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-12)


def _remainder(features: np.ndarray, centre: np.ndarray, axes: np.ndarray) -> np.ndarray:
    x = _directions(features) - centre
    return np.linalg.norm(x - (x @ axes.T) @ axes, axis=1)


def _directions(features: np.ndarray) -> np.ndarray:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
