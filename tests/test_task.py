"""What every object of a task can do: be copied, and travel to another process."""

import copy
import multiprocessing
import operator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import zoo


@pytest.fixture(scope="module")
def models(tuned, tmp_path_factory):
    """A model of each origin: fine-tuned, opened, opened and changed, and one that is not built yet."""
    path = tmp_path_factory.mktemp("travel") / "small.keras"
    zoo.get("logistic", input_shape=(8, 8, 3), seed=0).save(path)
    changed = zoo.load(path)
    kernel = changed.model.trainable_weights[0]
    kernel.assign_add(np.float32(0.01) * np.arange(np.prod(kernel.shape), dtype=np.float32).reshape(kernel.shape))
    new = zoo.get("logistic", seed=0)
    return {"fine-tuned": tuned.classifier, "opened": zoo.load(path), "changed": changed, "new": new}


ORIGINS = ("fine-tuned", "opened", "changed", "new")


def question(model):
    return np.random.default_rng(0).integers(0, 256, model.preprocessing.shape, np.uint8)


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_deep_copy_answers_alike(origin, models):
    model = models[origin]
    copied = copy.deepcopy(model)
    assert copied.predict(question(model)).probability == pytest.approx(
        model.predict(question(model)).probability, abs=1e-3
    )
    assert copied.labels == model.labels and copied.model.count_params() == model.model.count_params()


def test_what_was_made_here_is_built_where_the_cache_was_lost(models, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    assert copy.deepcopy(models["fine-tuned"]).model.count_params() > 1000


@pytest.mark.slow
def test_models_travel_to_a_process_that_is_spawned(models):
    asked = [operator.methodcaller("predict", question(model)) for model in models.values()]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        answers = [job.result() for job in map(pool.submit, asked, models.values())]
        labels = [pool.submit(operator.attrgetter("labels"), model).result() for model in models.values()]
    assert labels == [model.labels for model in models.values()]
    expected = [ask(model) for ask, model in zip(asked, models.values(), strict=True)]
    assert [answer.label for answer in answers] == [answer.label for answer in expected]
    assert [a.probability for a in answers] == pytest.approx([e.probability for e in expected], abs=1e-3)
