"""Fine-tuning as an estimator of scikit-learn, for its cross-validation, searches and pipelines."""

from typing import Any, Self

import numpy as np

from zoo.errors import UsageError, ZooError, brief
from zoo.inference import softmax
from zoo.targets import CLASSES, LABELS, NUMBERS, Target
from zoo.transfer.embed import as_pictures, engine, whole
from zoo.transfer.features import extract
from zoo.transfer.head import Head, solve

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    raise ZooError('this needs scikit-learn: pip install "keras-zoo[samples]".') from None


class PhotoEstimator(BaseEstimator):
    """What estimators of pictures share: a frozen backbone, and a head at its optimum.

    Features are cached by the pictures' content, so that the folds of a cross-validation compute none twice.

    Args:
        backbone: a pretrained network, see `zoo.list(task="backbone")`.
        augment: further views of each training picture, cropped and mirrored at random.
        precision: what features are computed in; None is the fastest on this machine.
        seed: decides the folds by which the strength of the penalty is chosen.
    """

    head_: Head

    def __init__(
        self, backbone: str = "efficientnet_lite0", augment: int = 0, precision: str | None = None, seed: int = 0
    ):
        self.backbone = backbone
        self.augment = augment
        self.precision = precision
        self.seed = seed

    def _learn(self, pictures: Any, y: np.ndarray, outputs: int, target: Target) -> None:
        """Fit the head to pictures, and to answers as the kind of target has them."""
        photos = as_pictures(pictures)
        if len(photos) != len(y):
            raise UsageError(f"{len(photos)} pictures, but y has {len(y)} rows.")
        features = whole(extract(photos, engine(self.backbone, self.precision), 1 + self.augment), photos)
        self.head_ = solve(features.x, y, outputs, self.seed, target=target)
        self.n_features_in_ = features.x.shape[2]

    def _outputs(self, pictures: Any) -> np.ndarray:
        check_is_fitted(self, "head_")
        photos = as_pictures(pictures)
        return self.head_(whole(extract(photos, engine(self.backbone, "float32")), photos).x[:, 0])


class PhotoClassifier(ClassifierMixin, PhotoEstimator):
    """A classifier of pictures with scikit-learn's verbs; of one class each, or of several labels.

    Args:
        backbone, augment, precision, seed: as for `PhotoEstimator`.

    Attributes:
        classes_: the classes, sorted, shape (k,); of several labels the columns' numbers.
        head_: the fitted `Head`.
        n_features_in_: features of a picture.

    Example:
        >>> x = np.stack([np.full((30, 30, 3), 40 * shade, "uint8") for shade in range(6)])
        >>> dark_or_light = PhotoClassifier().fit(x, ["dark"] * 3 + ["light"] * 3)
        >>> dark_or_light.predict(x[:1])
        array(['dark'], dtype='<U5')
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from pictures and their classes.

        Args:
            X: pictures, as for `zoo.embed`; n of them.
            y: their classes, shape (n,); or labels, 1 where a picture has one, else 0, of shape (n, k).

        Raises:
            ZooError: a picture cannot be read, or a class or label has fewer than two.
        """
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            if not np.isin(y, (0, 1)).all():
                raise UsageError(f"labels are 0 and 1 here; y of shape {y.shape} holds other values.")
            self.classes_ = np.arange(y.shape[1])
            if lacking := LABELS.lacking(y.astype(int), [str(label) for label in self.classes_], 2):
                raise ZooError(f"it takes {lacking}.")
            self._learn(X, y.astype(int), y.shape[1], LABELS)
            return self
        self.classes_, numbers, counts = np.unique(y, return_inverse=True, return_counts=True)
        if len(self.classes_) < 2 or counts.min() < 2:
            counted = brief([f"{label}: {count}" for label, count in zip(self.classes_, counts, strict=True)])
            raise ZooError(f"two classes and two pictures in each are needed; got {counted}.")
        self._learn(X, numbers.ravel(), len(self.classes_), CLASSES)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits of shape (n, k); of two classes the second's minus the first's, shape (n,), as in scikit-learn."""
        logits = self._outputs(X)
        is_binary = self.head_.target is CLASSES and len(self.classes_) == 2
        return logits[:, 1] - logits[:, 0] if is_binary else logits

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of shape (n, k), in the order of `classes_`; of labels each on its own."""
        outputs = self._outputs(X)
        return softmax(outputs) if self.head_.target is CLASSES else self.head_.target.activate(outputs)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each picture, shape (n,); of labels 1 where they are probable, shape (n, k)."""
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)] if self.head_.target is CLASSES else (outputs >= 0).astype(int)


class PhotoRegressor(RegressorMixin, PhotoEstimator):
    """Numbers from pictures with scikit-learn's verbs: a frozen backbone, and a ridge regression at its optimum.

    Args:
        backbone, augment, precision, seed: as for `PhotoEstimator`.

    Attributes:
        head_: the fitted `Head`.
        n_features_in_: features of a picture.

    Example:
        >>> x = np.stack([np.full((30, 30, 3), 20 * shade, "uint8") for shade in range(12)])
        >>> PhotoRegressor().fit(x, np.arange(12) / 2).score(x, np.arange(12) / 2) > 0.9
        True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from pictures and their numbers.

        Args:
            X: pictures, as for `zoo.embed`; n of them, ten or more.
            y: their numbers, finite, shape (n,).

        Raises:
            ZooError: a picture cannot be read, or there is nothing to learn.
        """
        y = np.asarray(y, np.float64)
        if y.ndim != 1 or not np.isfinite(y).all():
            raise UsageError(f"y holds one finite number for each picture; got shape {y.shape}.")
        if lacking := NUMBERS.lacking(y, ["number"], 2):
            raise ZooError(f"it takes {lacking}.")
        self._learn(X, y, 1, NUMBERS)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The number of each picture, shape (n,)."""
        return self._outputs(X)[:, 0]


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
