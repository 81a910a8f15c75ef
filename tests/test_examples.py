"""The examples in the docstrings, run as they stand there."""

import doctest
import importlib
import pkgutil

import pytest

import zoo
import zoo.models
import zoo.pretrained

PACKAGES = (zoo, zoo.models, zoo.pretrained)
MODULES = sorted(
    {
        module.name
        for package in PACKAGES
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith("__main__")
    }
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0
