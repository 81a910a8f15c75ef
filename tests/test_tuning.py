"""Hyper-parameter tuning: spaces, trials in a journal, what settings are chosen by, and the command."""

import json
import shlex
import signal
import sys
import time

import numpy as np
import pytest

import zoo
from zoo import cli
from zoo.data.dataset import Dataset
from zoo.data.images.pictures import Pictures
from zoo.errors import DivergedError, UsageError, ZooError
from zoo.tuning import tune as tuning
from zoo.tuning.models import ModelProblem, own_settings
from zoo.tuning.photos import PhotoProblem
from zoo.tuning.space import SearchSpace, derived, domain_of, space_of
from zoo.tuning.trials import JOURNAL, Limits, Trials, mend

MODELS = [name for name in zoo.list() if name not in zoo.list(task="backbone")]


class Valley:
    """A problem without a model: a valley over one number, which is reported step by step."""

    name, judged_by, highest, unpruned, warmup = "valley", "height", False, 4, 1

    def __init__(self, space=None, seed=0, defaults=1.0):
        self.space = SearchSpace(space or {"x": (-4.0, 4.0), "side": ["left", "right"]}, ["x", "side"], "a valley")
        self.defaults = {"x": defaults, "side": "left"}
        self.seed, self.ran = seed, []

    def identity(self):
        return {"model": self.name, "space": repr(self.space.stated), "seed": self.seed}

    def run(self, settings, report):
        self.ran.append(settings)
        if settings["x"] > 3:
            raise DivergedError("too high")
        height = (settings["x"] - 0.5) ** 2 + (settings["side"] == "left")
        for step in range(1, 5):
            report(step, height + 4 - step)
        return height, {"best_epoch": 4}

    def keep(self, path):
        path.write_text(str(self.ran[-1]))


def tried(folder, count, problem=None):
    trials = Trials(folder, problem or Valley(), seed=0)
    trials.clear()
    return trials, list(trials.work(Limits(count, None)))


# Spaces


@pytest.mark.parametrize("name", MODELS)
def test_every_models_own_settings_are_in_its_space(name):
    task = zoo.get(name)
    space = space_of(None, task.entry.search_space or derived(task.entry), {}, tuning_options(task), name)
    assert len(space.domains) >= 2
    answers = space.answers(own_settings(task))
    assert answers is not None and space.settings(answers).items() <= own_settings(task).items()


def tuning_options(task):
    from zoo.tasks.task import training_options

    return training_options(type(task)) | {*task.arguments}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([32], "nothing to choose"),
        ([], "nothing to choose"),
        ((1, 1), "a lower number, then a higher one"),
        ((0.0, 1.0, "log"), "both above 0"),
        ((0.0, float("inf")), "a lower number"),
        ((1, 2, "linear"), "Accepted are"),
        ("32", "Accepted are"),
        (0.5, "Accepted are"),
    ],
)
def test_what_is_no_space_is_refused(value, said):
    with pytest.raises(UsageError, match=said):
        domain_of("units", value)


def test_a_space_must_fit_what_is_tuned():
    accepted = ["units", "learning_rate", "a", "b"]
    with pytest.raises(UsageError, match="nothing in it"):
        SearchSpace({}, accepted, "a net")
    with pytest.raises(UsageError, match="did you mean 'units'"):
        SearchSpace({"unit": [1, 2]}, accepted, "a net")
    with pytest.raises(UsageError, match="a tuple of as many"):
        SearchSpace({"a,b": [1, 2]}, accepted, "a net")
    own = {"units": [1, 2], "a,b": [(1, 2), (3, 4)]}
    assert [*space_of(None, own, {"a": 1}, accepted, "a net").domains] == ["units"]  # what is given is not tried
    with pytest.raises(UsageError, match="nothing in it"):
        space_of(None, own, {"a": 1, "units": 2}, accepted, "a net")
    with pytest.raises(UsageError, match="a value is given and a space, too"):
        space_of({"units": [1, 2]}, own, {"units": 1}, accepted, "a net")
    with pytest.raises(UsageError, match="no setting 'depth'"):
        space_of(None, own, {"depth": 1}, accepted, "a net")


def test_numbers_are_tried_as_they_are_typed():
    space = SearchSpace({"x": (1e-4, 1.0, "log"), "n": (1, 9), "b": [False, 0, None]}, ["x", "n", "b"], "a net")
    assert space.settings({"x": 0.0123456, "n": 3, "b": "None"}) == {"x": 0.0123, "n": 3, "b": None}
    assert space.answers({"x": 0.5, "n": 2, "b": 0}) == {"x": 0.5, "n": 2, "b": "0"}  # 0 is not False
    assert space.answers({"x": 2.0, "n": 2, "b": 0}) is None


# Trials


def test_the_first_trial_is_of_its_own_settings_and_the_best_is_kept(tmp_path):
    trials, ended = tried(tmp_path, 30)
    assert ended[0].is_default and ended[0].settings == {"x": 1.0, "side": "left"}
    best = trials.best()
    assert best.settings["side"] == "right" and best.value < 0.3
    assert best.value == min(trial.value for trial in ended if trial.finished)
    assert [path.name for path in tmp_path.glob("trial-*")] == [f"trial-{best.number}.keras"]
    assert trials.model_file(best.number).read_text() == str(best.settings)
    assert any(not trial.finished and trial.curve for trial in ended), "none was stopped early"
    importance = trials.importance()
    assert abs(sum(importance.values()) - 1) < 1e-6 and {*importance} == {"x", "side"}


def test_a_tuning_goes_on_as_if_it_had_never_stopped(tmp_path):
    _, unbroken = tried(tmp_path / "unbroken", 14)
    tried(tmp_path / "broken", 3)
    interrupted = Trials(tmp_path / "broken", Valley(), seed=0)
    interrupted.ask(Limits(14, None))  # whoever began it was killed
    with (tmp_path / "broken" / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code": 4, "wor')
    mend(tmp_path / "broken")
    trials, rest = tried(tmp_path / "broken", 14)
    assert len(rest) == 11
    facts = [(trial.settings, trial.value, trial.finished) for trial in unbroken]
    assert [(trial.settings, trial.value, trial.finished) for trial in trials.tried()] == facts
    assert tried(tmp_path / "broken", 14)[1] == []  # nothing is left to do
    assert len(tried(tmp_path / "broken", 16)[1]) == 2


def test_its_own_settings_come_first_even_where_they_were_interrupted(tmp_path):
    trials = Trials(tmp_path, Valley(), seed=0)
    assert trials.ask(Limits(2, None)).params == {"x": 1.0, "side": "'left'"}
    _, ended = tried(tmp_path, 2)
    assert [trial.is_default for trial in ended] == [True, False]


def test_settings_that_were_tried_are_not_tried_again(tmp_path):
    problem = Valley({"side": ["left", "right"]})
    problem.run = lambda settings, report: Valley.run(problem, {"x": 0.5, **settings}, report)
    _, ended = tried(tmp_path, 6, problem)
    assert len(ended) == 6 and len(problem.ran) == 2
    assert sum("same_as" in trial.about for trial in ended) == 4


def test_what_diverges_is_left(tmp_path):
    trials, ended = tried(tmp_path, 3, Valley(defaults=3.5))
    assert "too high" in ended[0].about["error"] and ended[0].value is None and not ended[0].finished
    assert trials.best() is not None

    class Steep(Valley):
        def run(self, settings, report):
            raise ZooError("no such data")

    with pytest.raises(ZooError, match="no such data"):  # of its own settings the reason is told
        tried(tmp_path / "other", 3, Steep())


def test_another_tuning_in_the_folder_is_refused(tmp_path):
    tried(tmp_path, 2)
    other = Valley({"x": (0.0, 1.0), "side": ["left", "right"]})
    with pytest.raises(UsageError, match=r"There: space .*-4\.0, 4\.0.* Here: space .*0\.0, 1\.0"):
        Trials(tmp_path, other, seed=0)
    other = Valley()
    other.name = "hill"
    with pytest.raises(UsageError, match=r"There: model valley\. Here: model hill\. .*--overwrite"):
        Trials(tmp_path, other, seed=0)
    (tmp_path / JOURNAL).write_text("what is this\nno journal\n")
    with pytest.raises(ZooError, match="damaged"):
        Trials(tmp_path, Valley(), seed=0)


def test_no_trial_begins_after_the_time_but_the_first(tmp_path):
    trials = Trials(tmp_path, Valley(), seed=0)
    assert len(list(trials.work(Limits(None, time.time() - 1)))) == 1
    assert tuning.seconds_of("2h") == 7200 and tuning.seconds_of("1.5m") == 90 and tuning.seconds_of(3) == 3
    for wrong in ("soon", "0s", -1, "10d"):
        with pytest.raises(UsageError, match="a time such as"):
            tuning.seconds_of(wrong)


def test_optuna_is_named_where_it_is_missing(monkeypatch, run):
    monkeypatch.setitem(sys.modules, "optuna", None)
    code, out, err = run("tune", "mlp", "--json")
    assert code == 2 and "pip install optuna" in err and "keras-zoo[tune]" in json.loads(out)["error"]


# Models


@pytest.fixture(scope="module")
def points():
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 2)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


SMALL = {"input_shape": (2,), "epochs": 2, "steps_per_epoch": 5}


def test_a_model_is_tuned_saved_and_told_how_to_be_trained(points, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {"learning_rate": (1e-2, 1.0, "log"), "hidden": [(4,), (8, 4)]}
    tuned = zoo.tune("mlp", points, trials=3, space=space, seed=3, progress=False, **SMALL)
    assert len(tuned.trials) == 3 and tuned.default is None  # its own settings are not in this space
    assert tuned.best.value == max(trial.value for trial in tuned.trials if trial.finished)
    assert tuple(tuned.model.arguments["hidden"]) == tuned.settings["hidden"]
    problem = ModelProblem("mlp", points, None, space, SMALL, 3)
    watched = problem.dataset.splits["validation"]
    assert len(watched) == 16
    accuracy = tuned.model.evaluate((watched.items, watched.y), progress=False)["accuracy"].value
    assert accuracy == pytest.approx(tuned.best.value)  # the weights are those of its best epoch
    words = shlex.split(tuned.command)
    assert (
        words[:5] == ["zoo", "train", "mlp", "--data", "DATA"]
        and f"hidden={tuned.settings['hidden']}".replace(" ", "") in words
    )
    assert cli.group.commands["train"].make_context("train", words[2:])
    assert {path.name for path in tuned.folder.glob("*.png")} == {"history.png", "settings.png"}
    assert json.loads(json.dumps(tuned.to_json(), default=lambda item: item.to_json()))["best"]["settings"]
    assert "To train with these settings: zoo train mlp" in str(tuned) and "<table" in tuned._repr_html_()
    again = zoo.tune("mlp", points, trials=3, space=space, seed=3, progress=False, **SMALL)
    assert [trial.to_json() for trial in again.trials] == [trial.to_json() for trial in tuned.trials]
    with pytest.raises(UsageError, match="another tuning"):
        zoo.tune("mlp", points, trials=3, seed=3, progress=False, **SMALL)


class Sealed(list):
    """Pictures that nobody may look at."""

    def __getitem__(self, index):
        raise AssertionError("a test picture was looked at")

    __iter__ = __getitem__


def test_what_is_watched_is_never_the_test_part(points):
    x, y = points
    sealed = Pictures(Sealed(range(40)), y[:40], ["a", "b"])
    train, validation = Pictures(x, y, ["a", "b"]), Pictures(x[:10], y[:10], ["a", "b"])
    parts = {"train": train, "validation": validation, "test": sealed}
    problem = ModelProblem("mlp", Dataset("points", parts), None, None, SMALL, 0)
    assert [(split, len(part)) for split, part in problem.dataset.splits.items()] == [
        ("train", 80),
        ("validation", 10),
    ]
    # without a test part beside it, the validation part is what the best is measured on, and stays out of it
    problem = ModelProblem("mlp", Dataset("points", {"train": train, "validation": sealed}), None, None, SMALL, 0)
    assert [(split, len(part)) for split, part in problem.dataset.splits.items()] == [
        ("train", 64),
        ("validation", 16),
    ]
    value, _ = problem.run({"hidden": (3,)}, lambda step, value: None)
    assert 0 <= value <= 1


@pytest.fixture
def opened():
    """The files that are opened while it is used."""
    names = []
    watching = [True]

    def hook(event, arguments):
        if watching and event == "open":
            names.append(str(arguments[0]))

    sys.addaudithook(hook)  # there is no taking it away again
    yield names
    watching.clear()


def test_no_file_of_a_test_part_is_opened(tmp_path, draw_photos, run, opened):
    for part, count in (("train", 8), ("test", 3)):
        draw_photos(tmp_path / "photos" / part, {"dots": count, "stripes": count})
    words = ["--trials", "1", "--epochs", "1", "--set", "input_shape=(8,8,3)", "steps_per_epoch=2"]
    opened.clear()
    code, out, _ = run("tune", "logistic", "--data", "photos", *words, "--json")
    assert code == 0 and json.loads(out)["best"]["value"] >= 0
    assert any("/train/" in name for name in opened)
    assert not [name for name in opened if "/test/" in name]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mpl"], "did you mean 'mlp'"),
        (["mlp", "--data", "digits", "--set", "units=3"], "no setting 'units'"),
        (["mlp", "--data", "digits", "--set", "hidden=(3,)", "--space", "hidden=[(3,),(4,)]"], "Leave out one"),
        (["mlp", "--data", "digits", "--space", "callbacks=[1,2]"], "no setting 'callbacks'"),
        (["mlp", "--data", "digits", "--time", "soon"], "a time such as"),
        (["mlp", "--data", "digits", "--workers", "5000"], "cores"),
        (["mlp", "--data", "digits", "--set", "trials=3"], "type --trials"),
        (["mlp", "--data", "digits", "--out", "best.png"], "must be a .keras file"),
        (["word2vec", "--data", "stdlib_docs"], "no validation data"),
        (["dcgan", "--data", "digits"], "no validation data"),
        (["textures", "--data", "digits"], "leave out --data"),
        (["textures", "--set", "hidden=3"], "fine-tuning has no setting 'hidden'"),
        (["old.keras"], "begins anew"),
    ],
)
def test_what_cannot_be_tuned_is_said_before_any_trial(words, said, run, tmp_path):
    code, out, err = run("tune", *words, "--json")
    assert code == 2 and said in json.loads(out)["error"] and said in err
    assert not list(tmp_path.glob("*.tuning/*"))


def test_data_in_memory_and_what_cannot_be_written_down_are_refused(points):
    with pytest.raises(UsageError, match="data in memory"):
        zoo.tune("mlp", points, workers=2)
    with pytest.raises(UsageError, match="can be written down"):
        zoo.tune("mlp", points, optimizer=object())


@pytest.mark.slow
def test_two_processes_share_a_tuning(run, tmp_path):
    words = ["tune", "mlp", "--data", "planar_flower", "--set", "input_shape=(2,)", "--epochs", "2", "--workers", "2"]
    code, out, err = run(*words, "--trials", "7", "--json")
    told = json.loads(out)
    assert code == 0, err
    assert [trial["number"] for trial in told["trials"]] == [*range(7)] and err.count("trial ") == 7
    code, out, _ = run(*words, "--trials", "8", "--json")
    assert code == 0 and len(json.loads(out)["trials"]) == 8
    code, _, err = run(*words, "--trials", "8", "--val", "eat_it", "--overwrite")  # a process' reason is told
    assert code != 0 and err


@pytest.mark.slow
def test_ctrl_c_keeps_finished_trials_and_the_command_is_ready(start, finish, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    words = ["tune", "mlp", "--data", "planar_flower", "--set", "input_shape=(2,)", "--epochs", "3", "--trials", "40"]
    for workers in ("1", "2"):
        run = [*words, "--workers", workers, "--out", f"best{workers}.keras"]
        process = start(*run, home=home)
        journal = tmp_path / f"best{workers}.tuning" / JOURNAL
        while not (journal.is_file() and journal.read_text().count('"state":1') >= 2):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130 and "the same command goes on" in err and "Traceback" not in err
        done = finish(*run[:-5], "6", *run[-4:], "--json", home=home)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert len(told["trials"]) >= 6 and (tmp_path / f"best{workers}.keras").is_file()
    ready = finish(*shlex.split(told["command"])[1:], "--out", "ready.keras", home=home)
    assert ready.returncode == 0, ready.stderr
    measured = finish("evaluate", "best1.keras", home=home)
    assert measured.returncode == 0, measured.stderr


# Photos


@pytest.mark.slow
def test_photos_are_judged_by_cross_validation_and_measured_in_the_end(tmp_path, draw_photos, run, opened):
    for part, first in (("train", 0), ("val", 100), ("test", 200)):
        draw_photos(tmp_path / "photos" / part, {"dots": 10, "stripes": 10}, first=first)
    problem = PhotoProblem("photos", None, None, {"backbone": "efficientnet_lite0", "unfreeze": "none"}, 0)
    opened.clear()
    value, about = problem.run({"augment": 2, "views": 1}, lambda step, value: None)
    assert 0 <= value < 1 and 0.5 <= about["accuracy"] <= 1
    assert any("/train/" in name for name in opened)
    assert not [name for name in opened if "/test/" in name or "/val/" in name]
    words = ["--set", "backbone=efficientnet_lite0", "unfreeze=none", "--trials", "3"]
    code, out, err = run("tune", "photos", *words, "--json")
    told = json.loads(out)
    assert code == 0, err
    assert told["command"].startswith("zoo finetune photos") and told["measured"]["accuracy"]["n"] == 20
    assert told["default"]["settings"] == {"augment": 0, "views": 1}
    code, _, err = run(*shlex.split(told["command"])[1:], "--out", "again.keras")
    assert code == 0, err
    assert zoo.load("again.keras").metrics["accuracy"].value == told["measured"]["accuracy"]["value"]
