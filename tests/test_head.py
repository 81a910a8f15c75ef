"""The head against scikit-learn's logistic regression, and against what a convex problem must satisfy."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from zoo.targets import CLASSES
from zoo.targets.classes import ClassTarget
from zoo.transfer.head import FOLDS, cross_entropy, fit_head, folds


def examples(n, d, k, noise=1.0, seed=0):
    """Clouds around k centres, in features of different size and far from zero."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % k
    x = 2 * random.normal(size=(k, d))[y] * (np.arange(d) < 3) + noise * random.normal(size=(n, d))
    return (5 + 3 * x * np.geomspace(1, 0.05, d)).astype(np.float32), y


def at(strength, x, y, k, monkeypatch, weights=None):
    monkeypatch.setattr(ClassTarget, "strengths", (strength,))
    return fit_head(x, y, k, groups=np.arange(len(y)), weights=weights)


def standard(x):
    """The features as the objective has them: centred, over the root mean square length."""
    z = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    return z / np.sqrt((z**2).sum(axis=1).mean())


CASES = [(120, 8, 3), (40, 200, 3), (60, 60, 4), (90, 5, 2), (30, 100, 2)]


@pytest.mark.parametrize(("n", "d", "k"), CASES)
@pytest.mark.parametrize("strength", [1e-1, 1e-2, 1e-4])
def test_equal_to_scikit_learn(n, d, k, strength, monkeypatch):
    x, y = examples(n, d, k)
    found = at(strength, x, y, k, monkeypatch)
    # mean loss + s/2 |W|^2 is the sum of losses + |W|^2 / (2 C) over n, with C = 1 / (n s). For two classes
    # scikit-learn has one vector w = W1 - W0 = 2 W1, so that |W|^2 is |w|^2 / 2, and C twice that.
    c = (2 if k == 2 else 1) / (n * strength)
    oracle = LogisticRegression(C=c, tol=1e-10, max_iter=100_000).fit(standard(x), y)
    expected, got = oracle.decision_function(standard(x)), found(x.astype(np.float64))
    if k == 2:
        got = got[:, 1] - got[:, 0]
    else:
        expected, got = (logits - logits.mean(axis=1, keepdims=True) for logits in (expected, got))
    assert np.abs(got - expected).max() < 1e-4 * max(1, np.abs(expected).max())
    assert found.kernel.shape == (d, k) and found.bias.shape == (k,) and found.strength == strength


def test_weights_equal_scikit_learns(monkeypatch):
    """And a weight of two is an example that is there twice."""
    n, k, strength = 120, 3, 1e-2
    x, y = examples(n, 8, k)
    weights = np.random.default_rng(0).integers(1, 4, n).astype(float)
    fitted = at(strength, x, y, k, monkeypatch, weights)(x.astype(np.float64))
    c = 1 / (weights.sum() * strength)
    oracle = LogisticRegression(C=c, tol=1e-10, max_iter=100_000).fit(standard(x), y, sample_weight=weights)
    expected, got = (
        logits - logits.mean(axis=1, keepdims=True) for logits in (oracle.decision_function(standard(x)), fitted)
    )
    assert np.abs(got - expected).max() < 1e-4 * np.abs(expected).max()
    alike = at(strength, x, y, k, monkeypatch)(x.astype(np.float64))
    assert np.abs(alike - fitted).max() > 0.01


@pytest.mark.parametrize(("n", "d", "k"), CASES)
def test_the_slope_at_the_optimum_is_flat(n, d, k, monkeypatch):
    x, y = examples(n, d, k)
    strength = 1e-3
    found = at(strength, x, y, k, monkeypatch)
    z = standard(x)
    scale = np.sqrt(((x - x.mean(axis=0, dtype=np.float64)) ** 2).sum(axis=1).mean())
    weights = found.kernel * scale
    logits = found(x.astype(np.float64))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    wrong = p / p.sum(axis=1, keepdims=True) - np.eye(k)[y]
    assert np.abs(z.T @ wrong / n + strength * weights).max() < 1e-5
    assert np.abs(wrong.mean(axis=0)).max() < 1e-5


def test_answer_does_not_depend_on_the_features_units(monkeypatch):
    x, y = examples(60, 20, 3)
    one, other = (at(1e-3, features, y, 3, monkeypatch)(features) for features in (x, 1000 * x - 7))
    assert np.abs(one - other).max() < 1e-2


def test_deterministic():
    x, y = examples(80, 30, 3)
    one, same = (fit_head(x, y, 3, groups=np.arange(80), seed=5) for _ in range(2))
    assert np.array_equal(one.kernel, same.kernel) and np.array_equal(one.bias, same.bias)
    assert one.losses == same.losses and one.strength == same.strength


def test_strength_goes_with_the_noise():
    clear, y = examples(90, 30, 3, noise=0.1)
    noise = np.random.default_rng(1).normal(size=clear.shape)
    groups = np.arange(90)
    strong, weak = fit_head(noise, y, 3, groups).strength, fit_head(clear, y, 3, groups).strength
    assert strong == max(CLASSES.strengths) and weak <= strong / 100


def test_cross_validated_loss_is_measured_on_what_was_held_out():
    """On pure noise no strength may look better than guessing, though every one fits its own examples."""
    random = np.random.default_rng(2)
    x, y = random.normal(size=(100, 300)), np.arange(100) % 2
    found = fit_head(x, y, 2, groups=np.arange(100))
    assert min(found.losses.values()) > 0.98 * np.log(2)
    assert (found(x).argmax(axis=1) == y).mean() > 0.9
    fresh = random.normal(size=(2000, 300))
    assert abs((found(fresh).argmax(axis=1) == np.arange(2000) % 2).mean() - 0.5) < 0.05


def test_copies_of_one_group_do_not_vouch_for_each_other():
    """Ten copies of each noise vector: dealt out singly, the held-out copies would look known."""
    random = np.random.default_rng(3)
    x, y = np.repeat(random.normal(size=(40, 100)), 10, axis=0), np.repeat(np.arange(40) % 2, 10)
    whole = fit_head(x, y, 2, groups=np.repeat(np.arange(40), 10))
    torn = fit_head(x, y, 2, groups=np.arange(400))
    assert min(whole.losses.values()) > 0.95 * np.log(2) and min(torn.losses.values()) < 0.3


@pytest.mark.parametrize("counts", [(50, 50), (47, 12, 5), (3, 200), (2, 2), (2, 100, 7)])
def test_folds_are_stratified(counts):
    y = np.repeat(np.arange(len(counts)), counts)
    fold = folds(y, np.arange(len(y)), seed=0)
    assert fold.min() == 0 and fold.max() + 1 == min(FOLDS, *counts)
    for label, count in enumerate(counts):
        dealt = np.bincount(fold[y == label], minlength=fold.max() + 1)
        assert dealt.max() - dealt.min() <= 1 and dealt.sum() == count
        assert dealt.max() < count  # whatever is held out, the class is still in training
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= len(counts)


def test_folds_keep_groups_whole_and_follow_the_seed():
    groups, y = np.repeat(np.arange(30), 4), np.repeat(np.arange(30) % 3, 4)
    fold = folds(y, groups, seed=0)
    assert all(len(set(fold[groups == group])) == 1 for group in range(30))
    assert np.array_equal(fold, folds(y, groups, seed=0)) and not np.array_equal(fold, folds(y, groups, seed=1))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.ones((8, 5)), np.arange(8) % 2),  # nothing varies
        (np.repeat(np.eye(2), 4, axis=0), np.repeat([0, 1], 4)),  # perfectly separable
        (np.repeat(np.eye(2), 2, axis=0) * 1e6, np.repeat([0, 1], 2)),
        (np.eye(4), np.array([0, 0, 1, 1])),
    ],
)
def test_degenerate_features_give_finite_answers(x, y):
    found = fit_head(x, y, 2, groups=np.arange(len(y)))
    assert np.isfinite(found.kernel).all() and np.isfinite(found.bias).all()
    assert np.isfinite(cross_entropy(found(x), y)).all()


def test_cross_entropy_of_large_logits():
    logits = np.array([[1000.0, 0.0], [0.0, 0.0], [0.0, 1000.0]])
    assert np.allclose(cross_entropy(logits, np.array([0, 0, 0])), [0, np.log(2), 1000])


def test_the_strength_may_be_chosen_by_examples_apart(monkeypatch):
    """Held-out logits are by a head that did not see the examples' classes, and was trained on all others."""
    x, y = examples(60, 8, 3)
    apart = np.arange(60) >= 40
    fitted = fit_head(x, y, 3, np.arange(60), apart=apart)
    assert fitted.held_out.shape == (20, 3) and fitted.losses[fitted.strength] == min(fitted.losses.values())
    assert fitted.losses[fitted.strength] == pytest.approx(np.mean(cross_entropy(fitted.held_out, y[apart])), rel=1e-6)
    monkeypatch.setattr(ClassTarget, "strengths", (fitted.strength,))
    first, second = (np.where(part, (y + 1) % 3, y) for part in (apart, np.arange(60) == 0))
    assert np.allclose(fit_head(x, first, 3, np.arange(60), apart=apart).held_out, fitted.held_out, atol=0.05)
    assert not np.allclose(fit_head(x, second, 3, np.arange(60), apart=apart).held_out, fitted.held_out, atol=0.05)
    assert fit_head(x, y, 3, np.arange(60)).held_out.shape == (60, 3)  # by cross-validation


def test_many_classes_take_few_steps(monkeypatch):
    """Fifty classes of ten photos, from the largest penalty to the optimum at the chosen one."""
    random, k, passes = np.random.default_rng(0), 50, []
    y = np.arange(10 * k) % k
    hidden = random.normal(size=(k, 32))[y] + 0.8 * random.normal(size=(10 * k, 32))
    x = np.maximum(hidden @ random.normal(size=(32, 128)) / 6, 0).astype(np.float32)
    counted = ClassTarget.mean_and_loss
    monkeypatch.setattr(ClassTarget, "mean_and_loss", lambda *given: passes.append(1) or counted(*given))
    head = fit_head(x, y, k, groups=np.arange(len(y)))
    assert (head.held_out.argmax(axis=1) == y).mean() > 0.9
    assert len(passes) < 200  # one curvature for all classes would need 325
