"""Every registered model keeps every promise; what one cannot keep, it names itself in `known_gaps`."""

import functools

import pytest

from zoo import catalog
from zoo.checks import CHECKS, Subject, checks_of, every_model, run_checks

subject = functools.cache(Subject)


OWN = [name for name in every_model() if "application" not in catalog.card(name).facts]  # see test_backbones.py


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_keeps(check, name, request):
    model = subject(name)
    if gap := model.entry.known_gaps.get(check.__name__):
        request.applymarker(pytest.mark.xfail(strict=True, reason=gap))
    check(model)


# what is wrong with a model: a text in its file, the one that takes its place; and what the check says of it
BROKEN = {
    "check_builds": ("return keras.Model(x, y)", "return None", "the builder returned a NoneType"),
    "check_card": ("One dense layer, and one way to be wrong.", "A net.", "docstring says nothing"),
    "check_imports": ("import keras\n", "import keras\nimport tensorflow\n", "line 5 imports tensorflow"),
    "check_learns": ('name="head"', 'name="head", trainable=False', "none of its weights can be trained"),
    "check_outputs": (
        'name="head")(',
        'name="head", kernel_initializer="zeros", trainable=False)(',
        "every input gets the same answer",
    ),
    "check_parameters": ("parameters=386", "parameters=385", "the card says 385, the model has 386"),
    "check_plain_keras": ("keras.layers.Flatten()", "Own()", "Could not locate class 'Own'"),
    "check_same_seed": ('name="head"', 'name="head", kernel_initializer=Fixed()', "seed 7 gave two sets of weights"),
}
WHOLE = '''
"""A model for the tests."""
import itertools
import keras
from zoo.registry import register

COUNTER = itertools.count()

class Fixed(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.random.normal(shape, seed=next(COUNTER), dtype=dtype)

class Own(keras.layers.Flatten):
    pass

@register(task="classification", source="written for the tests", parameters=386)
def NAME(input_shape=(8, 8, 3), num_classes=2):
    """One dense layer, and one way to be wrong."""
    x = keras.Input(input_shape)
    y = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(x))
    y = keras.layers.Dense(num_classes, name="head")(y)
    return keras.Model(x, y)
'''


def test_a_sound_model_of_ones_own_passes(tmp_path):
    (tmp_path / "sound.py").write_text(WHOLE.replace("NAME", "contract_sound"))
    results = {result["check"]: result["outcome"] for result in run_checks(str(tmp_path / "sound.py"))}
    assert results == {check.__name__: "passed" for check in checks_of(catalog.entry("contract_sound"))}


@pytest.mark.parametrize("name", BROKEN)
def test_checks_find_what_is_wrong(name, tmp_path):
    sound, broken, message = BROKEN[name]
    assert sound in WHOLE
    file = tmp_path / f"{name}.py"
    file.write_text(WHOLE.replace("NAME", f"contract_{name}").replace(sound, broken))
    (check,) = (check for check in CHECKS if check.__name__ == name)
    with pytest.raises((AssertionError, TypeError), match=message):  # a TypeError is Keras' own
        check(Subject(str(file)))


def test_declared_gap_is_a_gap_and_one_that_passes_is_a_failure(tmp_path):
    gaps = 'known_gaps={"check_builds": "not yet", "check_card": "no reason"}, parameters=386'
    text = WHOLE.replace("NAME", "contract_gaps").replace("parameters=386", gaps).replace(*BROKEN["check_builds"][:2])
    (tmp_path / "gaps.py").write_text(text)
    results = {result["check"]: result for result in run_checks(str(tmp_path / "gaps.py"))}
    assert results["check_builds"]["outcome"] == "gap" and results["check_builds"]["detail"] == "not yet"
    assert results["check_card"]["outcome"] == "failed" and "known_gaps" in results["check_card"]["detail"]
