"""Modules under the names that they had before they moved."""

import importlib
import subprocess
import sys

import pytest

from zoo._moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_imports_the_module_and_warns(old, monkeypatch):
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"{old} is now {MOVED[old]}") as caught:
        module = importlib.import_module(old)
    assert module is importlib.import_module(MOVED[old]) and module.__spec__.name == MOVED[old]
    assert MOVED[old] not in MOVED and len(caught) == 1


def test_every_way_to_write_an_import_works_and_the_warning_names_the_line():
    code = """if True:
        import zoo.samplers
        from zoo import samplers
        from zoo.samplers import Sampling
        from zoo.data.vocabulary import split_words
        assert zoo.samplers is samplers and samplers.Sampling is Sampling
    """
    done = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True, check=True)
    assert [line.split(" is now")[0] for line in done.stderr.splitlines()] == [
        "<string>:2: DeprecationWarning: zoo.samplers",
        "<string>:5: DeprecationWarning: zoo.data.vocabulary",
    ]


def test_a_name_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"zoo\.nothing"):
        importlib.import_module("zoo.nothing")
