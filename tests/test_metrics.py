"""Metrics against closed values and scikit-learn."""

import json
import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from zoo.metrics import accuracy, confusion, mean, per_class, proportion

WILSON = {  # z = 1.959964; both ends by hand from Wilson's formula
    (35, 50): (0.5625, 0.8090),
    (0, 10): (0.0, 0.2775),
    (10, 10): (0.7225, 1.0),
    (1, 1): (0.2065, 1.0),
    (50, 100): (0.4038, 0.5962),
    (153, 153): (0.9755, 1.0),
}


@pytest.mark.parametrize(("hits", "n"), WILSON)
def test_wilson(hits, n):
    metric = proportion(hits, n)
    assert metric.ci == pytest.approx(WILSON[hits, n], abs=5e-5) and metric.n == n
    assert float(metric) == hits / n and 0 <= metric.ci[0] <= metric.value <= metric.ci[1] <= 1


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_ends_mirror_each_other(n):
    for hits in {0, 1, n // 2, n}:
        low, high = proportion(hits, n).ci
        assert proportion(n - hits, n).ci == pytest.approx((1 - high, 1 - low))


def test_coverage_is_near_what_it_says():
    """Over all outcomes of 40 trials the interval holds the truth in about 95 of 100 cases."""
    n = 40
    for truth in (0.1, 0.3, 0.5, 0.9):
        share = sum(
            math.comb(n, hits) * truth**hits * (1 - truth) ** (n - hits)
            for hits in range(n + 1)
            if proportion(hits, n).ci[0] <= truth <= proportion(hits, n).ci[1]
        )
        assert 0.92 < share < 0.985


def test_the_interval_of_a_mean_covers():
    draws = np.random.default_rng(1).exponential(2, (1000, 200))
    inside = [low <= 2 <= high for low, high in (mean(row).ci for row in draws)]
    assert 0.92 < np.mean(inside) < 0.98
    assert mean([3.0]).ci == (3.0, 3.0)


def test_nothing_measured():
    metric = proportion(0, 0)
    assert math.isnan(metric.value) and metric.ci == (0.0, 1.0) and metric.n == 0


def test_as_text_and_json():
    metric = accuracy(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]))
    assert str(metric).startswith("75.0% (95 % interval 30.1% to 95.4%, n = 4)")
    assert json.loads(json.dumps(metric.to_json())) == {"value": 0.75, "ci": list(metric.ci), "n": 4}


def test_equal_to_scikit_learn():
    random = np.random.default_rng(0)
    y, predicted = random.integers(0, 4, 200), random.integers(0, 4, 200)
    assert confusion(y, predicted, 4) == confusion_matrix(y, predicted).tolist()
    classes = per_class(y, predicted, list("abcd"))
    assert list(classes) == list("abcd")
    assert [c["n"] for c in classes.values()] == np.bincount(y).tolist()
    assert [c["recall"] for c in classes.values()] == pytest.approx(recall_score(y, predicted, average=None))
    assert [c["precision"] for c in classes.values()] == pytest.approx(precision_score(y, predicted, average=None))


def test_a_class_that_never_occurs():
    classes = per_class(np.array([0, 0]), np.array([0, 1]), ["a", "b", "c"])
    assert classes["b"] == {"n": 0, "recall": None, "precision": 0.0}
    assert classes["c"] == {"n": 0, "recall": None, "precision": None}
    assert confusion(np.array([0, 0]), np.array([0, 1]), 3) == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
