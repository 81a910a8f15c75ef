"""Studies: their definitions, the runner, what it keeps, gradients on every backend, verdicts, figures."""

import csv
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import catalog, cli
from zoo.data import named, sources
from zoo.data.images import datasets
from zoo.errors import UsageError, ZooError
from zoo.studies import definitions, figures, rows, runner
from zoo.studies.definitions import STUDIES
from zoo.studies.rows import Row
from zoo.studies.schema import Arm, Claim, Reference, Study
from zoo.tasks.task import Task
from zoo.visualization import canvas, charts

POINTS = {"input_shape": (3,), "hidden": (4, 4, 4), "activation": "tanh"}
QUICK = {"epochs": 1, "learning_rate": 0.5, "steps_per_execution": 100}
TINY = Study(
    name="tiny",
    question="Does it run?",
    arms=(
        Arm("tanh", "mlp", "eat_it", POINTS, QUICK, published=(Reference("train_accuracy", 1.0, 1.0),)),
        Arm("zeros", "mlp", "eat_it", {**POINTS, "initialisation": "zeros"}, QUICK),
    ),
    measures=("gradient_norm", "loss", "train_accuracy", "distinct_units"),
    table=("loss", "train_accuracy", "distinct_units"),
    figure="curves",
    drawing={"metric": "loss"},
    shows="It runs.",
    claims=(
        Claim("zeros stay alike", "zeros", "distinct_units", "<", 2),
        Claim("tanh differ", "tanh", "distinct_units", ">", "zeros"),
    ),
    seeds=1,
    source="nobody",
)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    monkeypatch.setitem(STUDIES, "tiny", TINY)
    monkeypatch.chdir(tmp_path)
    return TINY


@pytest.fixture
def measured(monkeypatch):
    """What `runner.measure` is asked for, with readings made up."""
    asked = []

    def measure(study, arm, seed, dataset, model=None):
        asked.append((arm.label, seed))
        return [rows.Reading("train_accuracy", 0.5, low=0.2, high=0.8, n=8), rows.Reading("loss", 1.0, step=100)], 0.1

    monkeypatch.setattr(runner, "measure", measure)
    return asked


# Definitions


def steps_of_epoch(arm: Arm) -> int:
    """As the study runs it: those that it gives, else the model's own; a pass over the data would be none of them."""
    own = catalog.announced(arm.model)
    return arm.training.get("steps_per_epoch") or own.steps_of_epoch(arm.training.get("batch_size", own.batch_size))


@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_definitions_name_what_exists(study):
    from zoo.studies import probes

    labels = [arm.label for arm in study.arms]
    assert len(set(labels)) == len(labels) > 1 and study.question.endswith("?") and study.shows and study.source
    words = set(inspect.signature(Task.train).parameters) | {"steps_per_execution"}
    for arm in study.arms:
        assert arm.model in zoo.list() and arm.data in named.names()
        assert set(arm.arguments) <= set(catalog.card(arm.model).arguments)
        assert set(arm.training) <= words
    assert set(study.measures) <= {*probes.DURING, *probes.AFTER}
    assert study.table and study.figure in figures.FIGURES
    given = {**dict.fromkeys(("study", "rows", "folder", "path")), **study.drawing}
    inspect.signature(figures.FIGURES[study.figure]).bind(**given)
    for claim in study.claims:
        assert claim.arm in labels and claim.relation in "<>"
        assert not isinstance(claim.than, str) or claim.than in labels
        arm = study.arms[labels.index(claim.arm)]
        for steps in re.findall(r"(\d+) steps", claim.text):
            assert int(steps) == (claim.step or arm.training["epochs"] * steps_of_epoch(arm)), claim.text
    for reference in (reference for arm in study.arms for reference in arm.published):
        assert reference.metric in study.measures and reference.tolerance > 0


def test_listing_imports_no_framework():
    code = (
        "import sys; from zoo.cli import main; main(['reproduce']);"
        "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(STUDIES) and not done.stderr
    assert all(" min  " in line and line.endswith("?") for line in done.stdout.splitlines())


# The runner


def test_a_study_through_the_command(tiny, capsys):
    assert cli.main(["reproduce", "tiny", "--json", "--out", "made"]) == 0
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert "tanh, seed 0" in captured.err and printed["study"] == "tiny" and printed["seeds"] == [0]
    assert [item["verdict"] for item in printed["published"]] == ["reproduced"]
    assert [item["supported"] for item in printed["claims"]] == [True, True] and "It runs." in printed["conclusion"]
    with Path(printed["files"]["csv"]).open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == rows.COLUMNS
    for row in table:
        assert row["fingerprint"] and row["definition"] and "keras " in row["versions"] and row["processor"]
        assert int(row["cores"]) >= 1 and row["day"] and float(row["seconds"]) > 0
    shares = [row for row in table if row["metric"] == "train_accuracy"]
    assert all(0 <= float(r["low"]) <= float(r["value"]) <= float(r["high"]) <= 1 and r["n"] == "8" for r in shares)
    norms = [row for row in table if (row["metric"], row["arm"], row["step"]) == ("gradient_norm", "tanh", "0")]
    assert [row["layer"] for row in norms] == ["1", "2", "3", "4"] and all(float(row["value"]) > 0 for row in norms)
    assert_drawn(printed["files"]["figure"])
    assert len(json.loads(Path(printed["files"]["json"]).read_text())) == len(table)
    assert cli.main(["reproduce", "tiny", "--out", "made"]) == 0
    captured = capsys.readouterr()
    assert "tanh, seed 0: kept" in captured.err and "It runs." in captured.out and "reproduced" in captured.out


def test_same_seed_same_rows(tiny):
    alone = replace(tiny, arms=tiny.arms[:1], measures=("loss",))
    first, again, other = (
        [row.value for row in runner.run(alone, [seed], Path(folder)) if row.metric == "loss"]
        for folder, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == again != other


def test_finished_rows_are_kept_and_reused(tiny, measured, capsys, monkeypatch):
    real, calls = runner.measure, []

    def interrupted(*arguments, **options):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(arguments)
        return real(*arguments, **options)

    monkeypatch.setattr(runner, "measure", interrupted)
    assert cli.main(["reproduce", "tiny", "--seeds", "2"]) == 130
    assert "same command goes on" in capsys.readouterr().err
    assert {(row.arm, row.seed) for row in rows.read_rows(Path("studies/tiny"))} == {("tanh", 0)}
    monkeypatch.setattr(runner, "measure", real)
    outcome = zoo.reproduce("tiny", seeds=2)
    assert measured == [("tanh", 0), ("zeros", 0), ("tanh", 1), ("zeros", 1)] and outcome.seeds == [0, 1]
    assert zoo.reproduce("tiny", seeds=1).seeds == [0] and len(measured) == 4
    assert {row.seed for row in rows.read_rows(Path("studies/tiny"))} == {0, 1}  # fewer seeds lose nothing
    assert not list(Path("studies/tiny").glob(".*"))


def test_another_definition_or_version_is_measured_anew(tiny, measured, monkeypatch, capsys):
    zoo.reproduce("tiny")
    changed = replace(tiny, arms=(tiny.arms[0], replace(tiny.arms[1], training={**QUICK, "epochs": 2})))
    monkeypatch.setitem(STUDIES, "tiny", changed)
    zoo.reproduce("tiny")
    assert measured == [("tanh", 0), ("zeros", 0), ("zeros", 0)]
    assert "measured anew" in capsys.readouterr().err
    setting = rows.provenance()
    monkeypatch.setattr("zoo.studies.runner.provenance", lambda: {**setting, "versions": "keras 99"})
    zoo.reproduce("tiny")
    assert len(measured) == 5


def test_a_training_that_diverges_is_a_row_of_its_own(tiny):
    wild = {"input_shape": (3,), "hidden": (4,) * 3, "activation": "relu", "initialisation": definitions.normal(1e15)}
    study = replace(tiny, arms=(Arm("wild", "mlp", "eat_it", wild, QUICK),), measures=("loss", "train_accuracy"))
    values = {row.metric: row.value for row in runner.run(study, [0], Path("wild"))}
    assert values["diverged"] == 1 and 0 <= values["train_accuracy"] <= 1 and "loss" not in values


def test_settings_are_passed_on(tiny, monkeypatch):
    asked = []

    def get(name, **options):
        asked.append(options)
        raise ZooError("enough")

    monkeypatch.setattr(runner.api, "get", get)
    for arm in (tiny.arms[0], replace(tiny.arms[0], settings={"engine": "numpy"})):
        with pytest.raises(ZooError, match="enough"):
            runner.measure(tiny, arm, 3, None)
    assert "engine" not in asked[0] and asked[1]["engine"] == "numpy" and asked[1]["seed"] == 3


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["optimisers"], 2, "did you mean 'optimizers'?"),
        (["optimizers", "--seeds", "0"], 2, "not in the range x>=1"),
        (["--seeds", "2"], 2, "give the name of a study"),
    ],
)
def test_wrong_words(words, code, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", *words]) == code
    captured = capsys.readouterr()
    assert says in captured.err and not captured.out and not list(tmp_path.iterdir())


def test_what_cannot_be_read_is_named(tiny):
    Path("studies/tiny").mkdir(parents=True)
    Path("studies/tiny/results.json").write_text("[{")
    with pytest.raises(ZooError, match="holds no measured rows"):
        zoo.reproduce("tiny")
    with pytest.raises(UsageError, match="seeds is"):
        zoo.reproduce("tiny", seeds=0)


def test_without_matplotlib_the_study_runs(tiny, measured, monkeypatch, capsys):
    monkeypatch.setattr(canvas, "installed", lambda: False)
    assert zoo.reproduce("tiny").figure is None
    assert "python -m pip install matplotlib" in capsys.readouterr().err
    with pytest.raises(ZooError, match="pip install matplotlib"):
        charts.learning_curves({"loss": [1.0]}, "curves.png")


# Every study, small and whole


def made_small(study: Study) -> Study:
    """The study with one step an epoch, as few epochs as are read, and embedded data where its own are missing."""
    counts = {arm.label: steps_of_epoch(arm) for arm in study.arms}

    def sooner(read: Reference | Claim, arm: str):
        assert not (read.step or 0) % counts[arm], "nothing is read within an epoch"
        return replace(read, step=read.step and read.step // counts[arm])

    claims = tuple(sooner(claim, claim.arm) for claim in study.claims)
    arms = []
    for arm in study.arms:
        published = tuple(sooner(reference, arm.label) for reference in arm.published)
        last = max(read.step or 0 for read in (*published, *claims))
        training = {key: value for key, value in arm.training.items() if key != "steps_per_execution"}
        training |= {"steps_per_epoch": 1, "epochs": min(arm.training["epochs"], last + 1)}
        if arm.settings.get("engine") != "numpy":
            training["run_eagerly"] = True  # a step takes longer to compile than to run
        data = arm.data if arm.data in named.available() else "faces"
        arms.append(replace(arm, data=data, training=training, published=published))
    return replace(study, arms=tuple(arms), claims=claims)


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_each_study_small(name, tmp_path, monkeypatch):
    """Every published figure and every claim finds what it compares; table, figure and verdict come out."""
    study = made_small(STUDIES[name])
    monkeypatch.setitem(STUDIES, name, study)

    def few(part):
        return part.subset([row for kind in range(len(part.labels)) for row in np.flatnonzero(part.y == kind)[:3]])

    def load(name):
        dataset = sources.load(name)
        return replace(dataset, splits={split: few(part) for split, part in dataset.splits.items()})

    monkeypatch.setattr(runner, "sources", SimpleNamespace(load=load))
    monkeypatch.setattr("zoo.studies.probes.FRESH", [2])
    monkeypatch.setattr(charts, "GRID", 20)
    result = zoo.reproduce(name, seeds=1, out=tmp_path)
    assert not [item for item in result.verdicts() if item["measured"] is None]
    assert not [item for item in result.claims() if item["figure"] is None]
    assert {row.arm for row in result.rows} == {arm.label for arm in study.arms}
    assert_drawn(result.figure)
    shown = str(result).splitlines()
    assert all(sum(line.startswith(arm.label) for line in shown) > len(arm.published) for arm in study.arms)
    assert all(any(claim.text in line for line in shown) for claim in study.claims)
    assert result.conclusion() in shown


@pytest.mark.release
@pytest.mark.parametrize("name", STUDIES)
def test_each_study_whole(name, tmp_path):
    """Every published figure and every claim comes out as the study states."""
    result = zoo.reproduce(name, out=tmp_path)
    assert result.as_written, str(result)


# Verdicts


def outcome(values: dict, **changes) -> runner.Outcome:
    """An outcome of the tiny study; values by (arm, metric), one for each seed."""
    measured_rows = [
        Row(metric, value, arm=arm, seed=seed, low=0.0 if "accuracy" in metric else None, n=100)
        for (arm, metric), column in values.items()
        for seed, value in enumerate(column)
    ]
    return runner.Outcome(replace(TINY, **changes), measured_rows, Path("nowhere"))


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (0.7, "reproduced"),
        (0.709, "reproduced"),
        (0.711, "not reproduced"),
        (0.689, "not reproduced"),
        (None, "not measured"),
    ],
)
def test_a_value_outside_the_tolerance_is_not_reproduced(measured, verdict):
    arm = replace(TINY.arms[0], published=(Reference("train_accuracy", 0.7, 0.01),))
    result = outcome({("tanh", "train_accuracy"): [measured]}, arms=(arm,), claims=())
    assert result.verdicts()[0]["verdict"] == verdict and verdict in str(result)
    assert ("It runs." in result.conclusion()) == result.as_written == (verdict == "reproduced")


def test_a_claim_is_looked_at_seed_by_seed():
    claim = Claim("tanh wins", "tanh", "train_accuracy", ">", "zeros")
    values = {("tanh", "train_accuracy"): [0.9, 0.5], ("zeros", "train_accuracy"): [0.6, 0.6]}
    result = outcome(values, claims=(claim,))
    (item,) = result.claims()
    assert (item["holds"], item["seeds"], item["supported"], item["intervals_overlap"]) == (1, 2, False, True)
    assert "Not supported by the figures: tanh wins" in result.conclusion() and "It runs." not in result.conclusion()
    assert "NOT supported, holds in 1 of 2 seeds" in str(result) and "intervals overlap" in str(result)
    refuted = outcome(values, claims=(replace(claim, refuted="nobody's own figures do"),))
    assert "It runs." in refuted.conclusion() and "zeros; nobody's own" not in str(refuted)
    assert "overlap; nobody's own figures do)" in str(refuted)


def test_what_was_not_measured_says_why():
    """A training that diverged, a step at which nothing was read, and a published figure without a measured one."""
    reference = Reference("train_accuracy", 0.7, 0.01, 900)
    arms = (replace(TINY.arms[0], published=(reference,)), TINY.arms[1])
    claims = tuple(Claim(f"at {step}", "tanh", "loss", "<", "zeros", step=step) for step in (None, 500))
    losses = {("tanh", "loss"): [None, None], ("tanh", "diverged"): [1, 1], ("zeros", "loss"): [0.6, 0.6]}
    result = outcome(losses, arms=arms, claims=claims)
    assert [item["supported"] for item in result.claims()] == [False, False]
    assert [item["reason"] for item in result.claims()] == [
        "the training of 'tanh' diverged with seed 0 and 1",
        "the training of 'tanh' diverged with seed 0 and 1; 'zeros' has no loss after 500 steps",
    ]
    assert "at None (not measured: the training of 'tanh' diverged with seed 0 and 1)" in str(result)
    assert "the training of 'tanh' diverged with seed 0 and 1.\n" in str(result)
    assert "0 of 1 published figures are reproduced, 1 were not measured." in result.conclusion()
    assert "It runs." not in result.conclusion()


def test_a_band_says_why():
    arm = replace(TINY.arms[0], published=(Reference("train_accuracy", 0.7, 0.1, band="It drifts"),))
    result = outcome({("tanh", "train_accuracy"): [0.65]}, arms=(arm,), claims=())
    assert result.as_written and "reproduced\nIt drifts.\n" in str(result)


def test_the_table_has_mean_deviation_and_interval():
    result = outcome({("tanh", "train_accuracy"): [0.8, 0.9]})
    cell = next(cell for cell in result.summary() if (cell["arm"], cell["metric"]) == ("tanh", "train_accuracy"))
    assert cell["mean"] == pytest.approx(0.85) and cell["sd"] == pytest.approx(0.0707, abs=1e-4)
    assert cell["low"] == pytest.approx(0.767, abs=1e-3) and cell["high"] == pytest.approx(0.907, abs=1e-3)
    assert "85.0 ± 7.1 % (76.7 to 90.7)" in str(result)
    assert "size: 100 for train accuracy.\n" in str(result)
    result.rows.append(Row("train_accuracy", 0.5, arm="zeros", low=0.0, n=1234))
    assert "size: 100 or 1,234 for train accuracy.\n" in str(result)


# Gradients

GRADIENTS = """
import numpy as np
from zoo import backend
import keras

class Idle(keras.layers.Layer):  # a weight that the loss does not depend on, and a state that training moves
    def build(self, shape):
        self.idle = self.add_weight(shape=(5,), name="idle")
        self.calls = self.add_weight(shape=(), name="calls", trainable=False, initializer="zeros")

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs

keras.utils.set_random_seed(1)
keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")
inputs = keras.Input((3,))
x = inputs
for layer in (
    keras.layers.Dense(4, activation="tanh"),
    Idle(),
    keras.layers.Dense(2),
):
    x = layer(x)
model = keras.Model(inputs, x)
random = np.random.default_rng(0)
x, y = random.normal(size=(6, 3)), random.integers(0, 2, 6)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
values = [keras.ops.convert_to_numpy(v).astype("float64") for v in model.trainable_variables]
fixed = [keras.ops.convert_to_numpy(v) for v in model.non_trainable_variables]
gradients = backend.gradients(model, x, y, loss)
for variable, value in zip(model.non_trainable_variables, fixed):
    assert np.array_equal(keras.ops.convert_to_numpy(variable), value), variable.path

def value_of(kernel, bias, idle, head, shift):
    logits = np.tanh(x @ kernel + bias) @ head + shift
    return np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(6), y])

# on JAX and PyTorch, Keras' loss is float32 whatever it is given
tolerance = 1e-9 if backend.name() == "tensorflow" else 1e-6
for number, gradient in enumerate(gradients):
    assert gradient.shape == values[number].shape
    for place in np.ndindex(gradient.shape):
        sides = []
        for move in (1e-5, -1e-5):
            moved = [array.copy() for array in values]
            moved[number][place] += move
            sides.append(value_of(*moved))
        slope = (sides[0] - sides[1]) / 2e-5
        assert abs(slope - gradient[place]) < tolerance, (number, place, slope, gradient[place])
assert len(gradients) == 5 and np.abs(gradients[0]).max() > 1e-3 and not gradients[2].any()
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_gradients_equal_finite_differences(backend):
    """The loss of a small net in NumPy, moved by 1e-5 either way, in float64."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1"}
    done = subprocess.run([sys.executable, "-c", GRADIENTS], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_costs_are_read_before_the_first_step_of_each_epoch():
    from zoo.studies import probes

    trained = probes.Trial(None, None, {"loss": [0.6, 0.5], "cost": [0.7, 0.55]}, 100)
    assert [(reading.step, reading.value) for reading in probes.cost(trained)] == [(0, 0.7), (100, 0.55)]
    assert [(reading.step, reading.value) for reading in probes.loss(trained)] == [(100, 0.6), (200, 0.5)]
    assert not list(probes.cost(replace(trained, history={"loss": [0.6]})))


def test_fresh_flowers_follow_the_same_rule():
    ours, fresh = (datasets.make_planar_flower(Path(), ["red", "blue"], seed=s)["train"] for s in (1, 2))
    assert np.array_equal(ours.items, datasets.make_planar_flower(Path(), ["red", "blue"])["train"].items)
    assert not np.array_equal(ours.items, fresh.items) and np.array_equal(ours.y, fresh.y)
    assert np.abs(fresh.items).max() < 5


# Figures


def assert_drawn(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG" and min(picture.size) > 200
        assert np.asarray(picture.convert("L")).std() > 3  # not blank


@pytest.mark.slow
def test_helpers_draw(tmp_path):
    random = np.random.default_rng(0)
    path = tmp_path / "figure.png"
    net = zoo.get("mlp", input_shape=(2,), hidden=(3,), seed=0)
    drawings = [
        lambda: charts.learning_curves(
            {"loss": [3, 2, 1.5], "val_loss": [3, 2.5, 2.4], "accuracy": [0, 0.5, 1]}, path
        ),
        lambda: charts.confusion_matrix([[8, 2], [1, 9]], ["$5 cat$", "dog"], path),
        lambda: charts.decision_map(net, random.normal(size=(20, 2)), np.arange(20) % 2, path),
        lambda: charts.weight_image(random.normal(size=(64, 3)), (8, 8), path),
        lambda: charts.weight_image(random.normal(size=(192, 1)), (8, 8, 3), path),
        lambda: charts.filters(random.normal(size=(3, 3, 3, 100)), path),
        lambda: charts.filters(random.normal(size=(3, 3, 16, 5)), path),
    ]
    for draw in drawings:
        assert draw().path == path
        assert_drawn(path)
        path.unlink()
    assert not list(tmp_path.iterdir())


def test_activation_maps(tmp_path):
    import keras

    inputs = keras.Input((12, 12, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(6, 3, name="first")(inputs))
    pixels = np.random.default_rng(0).integers(0, 255, (12, 12, 3))
    assert_drawn(charts.activation_maps(model, pixels, tmp_path / "maps.png").path)
    with pytest.raises(UsageError, match=r"no layer 'second' with maps; it has .*first"):
        charts.activation_maps(model, pixels, tmp_path / "maps.png", layer="second")


def test_wrong_shapes_are_named(tmp_path):
    net = zoo.get("mlp", input_shape=(2,), hidden=(3,))
    for draw in (
        lambda path: charts.confusion_matrix([[1]], ["a", "b"], path),
        lambda path: charts.decision_map(net, [[1, 2, 3]], [0], path),
        lambda path: charts.weight_image(np.ones(10), (4, 4), path),
        lambda path: charts.filters(np.ones((3, 3)), path),
        lambda path: charts.learning_curves({}, path),
    ):
        with pytest.raises(UsageError):
            draw(tmp_path / "none.png")
    assert not list(tmp_path.iterdir())


def test_fonts_are_chosen_by_their_letters(monkeypatch, capsys):
    latin, kana = frozenset(range(32, 127)), frozenset(map(ord, "ねこ"))
    monkeypatch.setattr(canvas, "_fonts", lambda: [("DejaVu Sans", latin), ("Kana", kana), ("Serif", latin)])
    assert canvas.font_for("cat") == ["DejaVu Sans"]
    assert canvas.font_for("cat ねこ") == ["DejaVu Sans", "Kana"] and not capsys.readouterr().err
    assert canvas.font_for("ねこ犬") == ["DejaVu Sans", "Kana"]
    assert "letters 犬" in capsys.readouterr().err


@pytest.mark.filterwarnings("error")
def test_japanese_names_draw_whatever_is_installed(tmp_path):
    assert_drawn(charts.confusion_matrix([[3, 1], [0, 4]], ["ねこ", "犬"], tmp_path / "names.png").path)


@pytest.mark.parametrize("study", [s for s in STUDIES.values() if s.figure != "decision_maps"], ids=lambda s: s.name)
def test_each_study_draws_its_rows(study, tmp_path):
    """Rows made up, one seed diverged."""
    made = []
    for arm in study.arms:
        for seed in range(2):
            about = {"arm": arm.label, "seed": seed}
            for step in (0, 100):
                made += [Row("gradient_norm", 0.1 * layer, layer=layer, step=step, **about) for layer in (1, 2, 3)]
                made += [Row("loss", None if seed else 1 / (1 + step), step=step, **about)]
            for metric in ("accuracy", "train_accuracy"):
                made += [Row(metric, 0.5, low=0.4, high=0.6, n=100, **about)]
    figures.FIGURES[study.figure](study, made, tmp_path, tmp_path / "figure.png", **study.drawing)
    assert_drawn(tmp_path / "figure.png")
