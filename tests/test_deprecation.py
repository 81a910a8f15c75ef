"""Attributes that were renamed: the old name works for one version more, with a warning, and stands in the JSON."""

import numpy as np
import pytest

from zoo.tasks.images.classification import Prediction
from zoo.tasks.images.evaluation import Misclassified
from zoo.tasks.text.dialogue import Answer

RENAMED = [
    (Prediction("cat", 0.9, [("cat", 0.9)], is_novel=True), "strange", "is_novel"),
    (Misclassified("a.png", "cat", "dog", 0.8, np.zeros(2)), "said", "predicted"),
    (Answer("me .", ["who", "?"], ["me", "."], [[1.0, 0.0], [0.5, 0.5]]), "looks", "attention_weights"),
]


@pytest.mark.parametrize(("thing", "old", "new"), RENAMED)
def test_old_names(thing, old, new):
    with pytest.warns(DeprecationWarning, match=f"{old} is now called .{new}"):
        assert getattr(thing, old) == getattr(thing, new)
    assert thing.to_json()[old] == thing.to_json()[new] == getattr(thing, new)
