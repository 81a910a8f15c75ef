"""Fine-tuning as an estimator of scikit-learn, for its cross-validation, searches and pipelines."""

from typing import Any, Self

import numpy as np

from zoo.errors import UsageError, ZooError, brief
from zoo.inference import softmax
from zoo.transfer.embed import as_pictures, engine, whole
from zoo.transfer.features import extract
from zoo.transfer.head import solve

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    raise ZooError('this needs scikit-learn: pip install "keras-zoo[samples]".') from None


class PhotoClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of pictures with scikit-learn's verbs: a frozen backbone, and the head at its optimum.

    Features are cached by the pictures' content, so that the folds of a cross-validation compute none twice.

    Args:
        backbone: a pretrained network, see `zoo.list(task="backbone")`.
        augment: further views of each training picture, cropped and mirrored at random.
        precision: what features are computed in; None is the fastest on this machine.
        seed: decides the folds by which the strength of the penalty is chosen.

    Attributes:
        classes_: the classes, sorted; shape (k,).
        head_: the fitted `Head`.
        n_features_in_: features of a picture.

    Example:
        >>> x = np.stack([np.full((30, 30, 3), 40 * shade, "uint8") for shade in range(6)])
        >>> dark_or_light = PhotoClassifier().fit(x, ["dark"] * 3 + ["light"] * 3)
        >>> dark_or_light.predict(x[:1])
        array(['dark'], dtype='<U5')
    """

    def __init__(
        self, backbone: str = "efficientnet_lite0", augment: int = 0, precision: str | None = None, seed: int = 0
    ):
        self.backbone = backbone
        self.augment = augment
        self.precision = precision
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from pictures and their classes.

        Args:
            X: pictures, as for `zoo.embed`; n of them.
            y: their classes, shape (n,).

        Raises:
            ZooError: a picture cannot be read, or a class has fewer than two.
        """
        self.classes_, numbers, counts = np.unique(np.asarray(y), return_inverse=True, return_counts=True)
        pictures = as_pictures(X, numbers)
        if len(pictures) != len(numbers):
            raise UsageError(f"{len(pictures)} pictures, but {len(numbers)} classes of them.")
        if len(self.classes_) < 2 or counts.min() < 2:
            counted = brief([f"{label}: {count}" for label, count in zip(self.classes_, counts, strict=True)])
            raise ZooError(f"two classes and two pictures in each are needed; got {counted}.")
        features = whole(extract(pictures, engine(self.backbone, self.precision), 1 + self.augment), pictures)
        self.head_ = solve(features.x, numbers, len(self.classes_), self.seed)
        self.n_features_in_ = features.x.shape[2]
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits of shape (n, k); of two classes the second's minus the first's, shape (n,), as in scikit-learn."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of shape (n, k), in the order of `classes_`."""
        return softmax(self._logits(X))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each picture, shape (n,)."""
        return self.classes_[self._logits(X).argmax(axis=1)]

    def _logits(self, pictures: Any) -> np.ndarray:
        check_is_fitted(self, "head_")
        unlabelled = as_pictures(pictures)
        return self.head_(whole(extract(unlabelled, engine(self.backbone, "float32")), unlabelled).x[:, 0])


class PhotoFeatures(TransformerMixin, BaseEstimator):
    """Pictures in, features out: the first step of a pipeline of scikit-learn. There is nothing to fit.

    Args:
        backbone: a pretrained network, see `zoo.list(task="backbone")`.
        precision: what features are computed in; None is the fastest on this machine.

    Example:
        >>> PhotoFeatures().fit_transform(np.zeros((2, 30, 40, 3), "uint8")).shape
        (2, 1280)
    """

    def __init__(self, backbone: str = "efficientnet_lite0", precision: str | None = "float32"):
        self.backbone = backbone
        self.precision = precision

    def fit(self, X: Any, y: Any = None) -> Self:
        """Do nothing; scikit-learn calls it."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: Any) -> np.ndarray:
        """Features of shape (n, d), as `zoo.embed` gives them."""
        pictures = as_pictures(X)
        return whole(extract(pictures, engine(self.backbone, self.precision)), pictures).x[:, 0]
