"""Every registered model keeps every promise; what one cannot keep, it names itself in `known_gaps`."""

import functools

import pytest

import zoo
from zoo.checks import CHECKS, Subject, run_checks

subject = functools.cache(Subject)


@pytest.mark.parametrize("name", zoo.list())
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_keeps(check, name, request):
    model = subject(name)
    if gap := model.entry.known_gaps.get(check.__name__):
        request.applymarker(pytest.mark.xfail(strict=True, reason=gap))
    check(model)


BROKEN = {
    "check_builds": ("return keras.Model(x, y)", "return None"),
    "check_card": ("One dense layer, and one way to be wrong.", "A net."),
    "check_imports": ("import keras\n", "import keras\nimport tensorflow\n"),
    "check_learns": ('name="head"', 'name="head", trainable=False'),
    "check_outputs": ('name="head")(', 'name="head", kernel_initializer="zeros", trainable=False)('),
    "check_parameters": ("parameters=386", "parameters=385"),
    "check_plain_keras": ("keras.layers.Flatten()", "Own()"),
    "check_same_seed": ('name="head"', 'name="head", kernel_initializer=Fixed()'),
}
WHOLE = '''
"""A model for the tests."""
import itertools
from zoo.backend import keras
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
    found = {result["check"]: result["outcome"] for result in run_checks(str(tmp_path / "sound.py"))}
    assert found == {check.__name__: "passed" for check in CHECKS}


@pytest.mark.parametrize("name", BROKEN)
def test_checks_find_what_is_wrong(name, tmp_path):
    assert BROKEN[name][0] in WHOLE
    file = tmp_path / f"{name}.py"
    file.write_text(WHOLE.replace("NAME", f"contract_{name}").replace(*BROKEN[name]))
    (check,) = (check for check in CHECKS if check.__name__ == name)
    with pytest.raises(Exception):  # noqa: B017 whatever a wrong model raises is the check's finding
        check(Subject(str(file)))


def test_declared_gap_is_a_gap_and_one_that_passes_is_a_failure(tmp_path):
    gaps = 'known_gaps={"check_builds": "not yet", "check_card": "no reason"}, parameters=386'
    text = WHOLE.replace("NAME", "contract_gaps").replace("parameters=386", gaps).replace(*BROKEN["check_builds"])
    (tmp_path / "gaps.py").write_text(text)
    found = {result["check"]: result for result in run_checks(str(tmp_path / "gaps.py"))}
    assert found["check_builds"]["outcome"] == "gap" and found["check_builds"]["detail"] == "not yet"
    assert found["check_card"]["outcome"] == "failed" and "known_gaps" in found["check_card"]["detail"]
