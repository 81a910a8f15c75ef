"""Kinds of target: each head against scikit-learn, from the data to the saved file, and what is refused."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from zoo.targets import LABELS, NUMBERS, TARGETS
from zoo.transfer.head import FOLDS, Standardised, fit_head, folds, solve_head


def features(n=120, d=20, seed=0):
    """Of different size, and far from zero."""
    random = np.random.default_rng(seed)
    return (5 + 3 * random.normal(size=(n, d)) * np.geomspace(1, 0.05, d)).astype(np.float32)


def standard(x):
    """The features as the objective has them: centred, over the root mean square length."""
    x = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    return x / np.sqrt((x**2).sum(axis=1).mean())


def test_a_head_of_numbers_is_scikit_learns_ridge():
    x, strength = features(), 1e-3
    y = 100 + 30 * (standard(x) @ np.random.default_rng(1).normal(size=20)) + np.random.default_rng(2).normal(size=120)
    ours = solve_head(Standardised.of(x), y, 1, strength, target=NUMBERS)
    theirs = Ridge(alpha=strength * len(x)).fit(standard(x), y)
    assert np.allclose(ours(x)[:, 0], theirs.predict(standard(x)), atol=1e-4 * y.std())


@pytest.mark.parametrize("strength", [1e-2, 1e-4])
def test_a_head_of_labels_is_scikit_learns_one_against_the_rest(strength):
    x, random = features(), np.random.default_rng(1)
    y = (standard(x) @ random.normal(size=(20, 3)) + 0.3 * random.normal(size=(120, 3)) > [-0.2, 0.1, 0.6]).astype(int)
    head = solve_head(Standardised.of(x), y, 3, strength, tolerance=1e-9, target=LABELS)
    for label in range(3):
        theirs = LogisticRegression(C=1 / (strength * len(x)), tol=1e-10, max_iter=10000)
        theirs.fit(standard(x), y[:, label])
        assert np.allclose(head.activated(x)[:, label], theirs.predict_proba(standard(x))[:, 1], atol=1e-4)


@pytest.mark.parametrize("name", [*TARGETS])
def test_the_slope_of_each_loss_is_the_mean_less_what_is_wanted(name):
    target, random = TARGETS[name], np.random.default_rng(0)
    outputs = random.normal(size=(1, 1, 1 if name == "numbers" else 4))
    y = {"classes": np.array([2]), "labels": np.array([[1, 0, 0, 1]]), "numbers": np.array([3.0])}[name]
    wanted = target.encode(y, outputs.shape[2])[:, None]

    def loss(outputs):
        return target.mean_and_loss(outputs.copy(), wanted)[1].item()

    slope = (target.mean_and_loss(outputs.copy(), wanted)[0] - wanted).ravel()
    steps = 1e-6 * np.eye(outputs.size).reshape(-1, *outputs.shape)
    assert np.allclose([(loss(outputs + step) - loss(outputs - step)) / 2e-6 for step in steps], slope, atol=1e-7)


def test_noise_asks_for_the_mean_and_a_clear_number_for_weak_penalties():
    x, groups = features(200), np.arange(200)
    noise = fit_head(x, np.random.default_rng(3).normal(size=200), 1, groups, target=NUMBERS)
    clear = fit_head(x, x @ np.arange(20.0), 1, groups, target=NUMBERS)
    assert noise.strength == max(NUMBERS.strengths) and clear.strength < 1e-3
    assert 0.45 < noise.losses[noise.strength] < 0.55  # half the variance
    assert np.corrcoef(clear.held_out[:, 0], x @ np.arange(20.0))[0, 1] > 0.999  # in the numbers' own units


def test_folds_deal_out_the_rarest_label():
    random = np.random.default_rng(0)
    y = np.stack([random.permutation(200) < often for often in (5, 40, 150)], axis=1).astype(int)
    fold = folds(LABELS.strata(y), np.arange(200), 0, LABELS.fewest(y))
    assert fold.max() == FOLDS - 1
    assert np.bincount(fold[y[:, 0] == 1], minlength=FOLDS).tolist() == [1] * FOLDS
    assert (np.bincount(fold[y[:, 1] == 1]) >= 6).all()
