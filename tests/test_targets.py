"""Kinds of target: each head against scikit-learn, from the data to the saved file, and what is refused."""

import copy
import csv
import json
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, f1_score, r2_score

import zoo
from zoo import inference, metrics, saving
from zoo.data import images, sources
from zoo.errors import UsageError, ZooError
from zoo.targets import LABELS, NUMBERS, TARGETS, decide
from zoo.tasks.images.explanation import heat_of
from zoo.transfer.head import FOLDS, Standardised, fit_head, folds, solve_head


def features(n=120, d=20, seed=0):
    """Of different size, and far from zero."""
    random = np.random.default_rng(seed)
    return (5 + 3 * random.normal(size=(n, d)) * np.geomspace(1, 0.05, d)).astype(np.float32)


def standard(x):
    """The features as the objective has them: centred, over the root mean square length."""
    x = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    return x / np.sqrt((x**2).sum(axis=1).mean())


def test_a_head_of_numbers_is_scikit_learns_ridge():
    x, strength = features(), 1e-3
    y = 100 + 30 * (standard(x) @ np.random.default_rng(1).normal(size=20)) + np.random.default_rng(2).normal(size=120)
    ours = solve_head(Standardised.of(x), y, 1, strength, target=NUMBERS)
    theirs = Ridge(alpha=strength * len(x)).fit(standard(x), y)
    assert np.allclose(ours(x)[:, 0], theirs.predict(standard(x)), atol=1e-4 * y.std())


@pytest.mark.parametrize("strength", [1e-2, 1e-4])
def test_a_head_of_labels_is_scikit_learns_one_against_the_rest(strength):
    x, random = features(), np.random.default_rng(1)
    y = (standard(x) @ random.normal(size=(20, 3)) + 0.3 * random.normal(size=(120, 3)) > [-0.2, 0.1, 0.6]).astype(int)
    head = solve_head(Standardised.of(x), y, 3, strength, tolerance=1e-9, target=LABELS)
    for label in range(3):
        theirs = LogisticRegression(C=1 / (strength * len(x)), tol=1e-10, max_iter=10000)
        theirs.fit(standard(x), y[:, label])
        assert np.allclose(head.activated(x)[:, label], theirs.predict_proba(standard(x))[:, 1], atol=1e-4)


@pytest.mark.parametrize("name", [*TARGETS])
def test_the_slope_of_each_loss_is_the_mean_less_what_is_wanted(name):
    target, random = TARGETS[name], np.random.default_rng(0)
    outputs = random.normal(size=(1, 1, 1 if name == "numbers" else 4))
    y = {"classes": np.array([2]), "labels": np.array([[1, 0, 0, 1]]), "numbers": np.array([3.0])}[name]
    wanted = target.encode(y, outputs.shape[2])[:, None]

    def loss(outputs):
        return target.mean_and_loss(outputs.copy(), wanted)[1].item()

    slope = (target.mean_and_loss(outputs.copy(), wanted)[0] - wanted).ravel()
    steps = 1e-6 * np.eye(outputs.size).reshape(-1, *outputs.shape)
    assert np.allclose([(loss(outputs + step) - loss(outputs - step)) / 2e-6 for step in steps], slope, atol=1e-7)


@pytest.mark.parametrize("target", TARGETS.values())
def test_there_is_one_of_each_kind(target):
    assert pickle.loads(pickle.dumps(target)) is copy.deepcopy(target) is target


def test_noise_asks_for_the_mean_and_a_clear_number_for_weak_penalties():
    x, groups = features(200), np.arange(200)
    noise = fit_head(x, np.random.default_rng(3).normal(size=200), 1, groups, target=NUMBERS)
    clear = fit_head(x, x @ np.arange(20.0), 1, groups, target=NUMBERS)
    assert noise.strength == max(NUMBERS.strengths) and clear.strength < 1e-3
    assert 0.45 < noise.losses[noise.strength] < 0.55  # half the variance
    assert np.corrcoef(clear.held_out[:, 0], x @ np.arange(20.0))[0, 1] > 0.999  # in the numbers' own units


def test_folds_deal_out_the_rarest_label():
    random = np.random.default_rng(0)
    y = np.stack([random.permutation(200) < often for often in (5, 40, 150)], axis=1).astype(int)
    fold = folds(LABELS.strata(y), np.arange(200), 0, LABELS.fewest(y))
    assert fold.max() == FOLDS - 1
    assert np.bincount(fold[y[:, 0] == 1], minlength=FOLDS).tolist() == [1] * FOLDS
    assert (np.bincount(fold[y[:, 1] == 1]) >= 6).all()


# Metrics


@pytest.mark.parametrize("seed", range(5))
def test_metrics_are_scikit_learns(seed):
    random = np.random.default_rng(seed)
    truth, scores = random.integers(0, 2, 60), random.integers(0, 12, 60) / 12  # many ties
    predicted, numbers = (scores > 0.4).astype(int), random.normal(size=60)
    assert metrics.average_precision(truth, scores).value == pytest.approx(average_precision_score(truth, scores))
    assert metrics.f1(truth, predicted).value == pytest.approx(f1_score(truth, predicted))
    assert metrics.r_squared(numbers, numbers + scores).value == pytest.approx(r2_score(numbers, numbers + scores))
    best = max(f1_score(truth, (scores >= threshold).astype(int)) for threshold in np.unique(scores))
    assert f1_score(truth, scores >= metrics.best_threshold(truth, scores)) == pytest.approx(best)


def test_intervals_hold_what_they_say_and_are_never_sure():
    random, inside = np.random.default_rng(0), []
    for _ in range(200):
        truth = random.normal(size=80)
        low, high = metrics.r_squared(truth, truth + 0.5 * random.normal(size=80)).ci
        inside.append(low <= 0.75 <= high)
    assert np.mean(inside) > 0.9
    sure = np.array([1, 1, 0])
    assert metrics.f1(sure, sure).ci[0] < 0.6 and metrics.average_precision(sure, sure.astype(float)).ci[0] < 0.5
    assert metrics.f1(sure, sure).value == 1 and metrics.average_precision(0 * sure, sure.astype(float)) is None


# Which kind of target the data have

DECIDED = {
    "words": (["cat", "dog"], "label", "classes", ""),
    "whole numbers": (["0", "1", "1"], "label", "classes", "--target numbers"),
    "ratings as floats": ([1.0, 5.0, np.nan], "label", "classes", "--target numbers"),
    "numbers": (["1.5", "2", ""], "label", "numbers", "--target classes"),
    "numbers and a stray word": (["1.5", "2.5", "x"], "label", "numbers", "--target classes"),
    "a number among words": (["1.5", "cat", "dog"], "label", "classes", ""),
    "bars": (["sea|boat", "sea"], "label", "labels", "--target classes"),
    "semicolons": (["sea; boat", "sea"], "label", "labels", "--target classes"),
    "a comma in a name": (["Paris, France", "Rome"], "label", "classes", ""),
    "a plural": (["sea", "boat"], "Tags", "labels", "--target classes"),
    "lists": ([["sea"], []], "label", "labels", "--target classes"),
}


@pytest.mark.parametrize("case", DECIDED)
def test_the_data_decide_and_it_is_said_what_else_they_may_be(case, capsys):
    cells, column, expected, advice = DECIDED[case]
    assert decide(cells, column, "x.csv").name == expected
    err = capsys.readouterr().err
    assert advice in err and bool(advice) == bool(err)


def test_labels_as_text_lists_matrices_rows_and_links_are_the_same(tmp_path, draw_photos):
    photos = draw_photos(tmp_path / "photos", {"dots": 3, "stripes": 3})
    paths = [*sorted(photos.rglob("*.jpg"))]
    sets = [{"dots"}] * 2 + [{"dots", "red"}] + [{"stripes"}] * 2 + [set()]
    texts = ["|".join(sorted(labels)) or "|" for labels in sets]
    rows = [(path, label) for path, labels in zip(paths, sets, strict=True) for label in labels]
    matrix = np.array([[name in labels for name in ("dots", "red", "stripes")] for labels in sets]).astype(int)
    (photos / "red").mkdir()
    (photos / "red" / "linked.jpg").symlink_to(paths[2])
    tables = {
        "text": sources.find(pd.DataFrame({"path": paths, "label": texts}), target=None),
        "lists": sources.find(pd.DataFrame({"path": paths, "label": [[*labels] for labels in sets]}), target=None),
        "sets": sources.find((paths, sets), target=None),
        "matrix": sources.find((paths, pd.DataFrame(matrix, columns=["dots", "red", "stripes"])), target=LABELS),
    }
    fingerprints = {name: dataset.fingerprint() for name, dataset in tables.items()}
    assert len({*fingerprints.values()}) == 1, fingerprints
    assert tables["text"].splits["train"].y.tolist() == matrix.tolist()
    # of a folder, and of rows, nobody can say that a photo has none
    with_some = pd.DataFrame({"path": paths[:5], "label": texts[:5]})
    folder, long = (
        sources.find(photos, target=None),
        sources.find(pd.DataFrame(rows, columns=["path", "label"]), target=LABELS),
    )
    paths[5].unlink()
    assert folder.splits["train"].y.shape == (6, 3) and len(long.splits["train"]) == 5
    expected = sources.find(with_some, target=None).fingerprint()
    assert sources.find(photos, target=None).fingerprint() == long.fingerprint() == expected
    (photos / "red" / "linked.jpg").unlink()
    shutil.copy(paths[2], photos / "red" / "copy.jpg")  # copies are known by their content, where somebody asks
    assert sources.find(photos, target=LABELS).fingerprint() == expected


def write(path, rows, header=("path", "label")):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def numbered(values):
    """A CSV file of twelve photos, with these numbers in its first rows."""
    return lambda p, photos: write(p / "n.csv", zip(photos, [*values, *(i + 0.5 for i in range(12))], strict=False))


BAD = {
    "list and word": (
        lambda p, photos: pd.DataFrame({"path": photos[:2], "label": [["sea"], "boat"]}),
        {},
        "the table, row 1: 'boat' is a single label, where row 0 has a list",
    ),
    "list as Python writes it": (
        lambda p, photos: write(p / "n.csv", [(photos[0], "['sea', 'boat']"), (photos[1], "sea")]),
        {},
        r"n.csv, row 2: .* is a list as Python writes it. Accepted are labels with \| between them",
    ),
    "a stray word": (numbered(["1.5", "many"]), {}, "n.csv, row 3: 'many' is no number"),
    "a decimal comma": (numbered(["1.5", "2,5"]), {"target": "numbers"}, "row 3: '2,5' is no number.*with a point"),
    "infinite": (numbered(["1.5", "inf"]), {}, "n.csv, row 3: 'inf' is not finite"),
    "all equal": (numbered(["2.5"] * 12), {}, "numbers that differ, and all 12 are 2.5"),
    "few numbers": (
        numbered(["2.5", *["nan"] * 6, *[""] * 4]),
        {},
        "10 pictures or more, each with a number, and got 2",
    ),
    "names for numbers": (
        lambda p, photos: photos[0].parents[1],
        {"target": "numbers"},
        "class dots: 'dots' is no number",
    ),
    "a label with one photo": (
        lambda p, photos: write(
            p / "n.csv", [(photo, "rare|sea" if i == 0 else "sea|"[i % 2 :]) for i, photo in enumerate(photos)]
        ),
        {},
        "1 of the 12 pictures has 'rare'",
    ),
    "a label that all have": (
        lambda p, photos: write(p / "n.csv", [(photo, "sea;") for photo in photos]),
        {},
        "as many without it, but 12 of the 12 pictures have 'sea'",
    ),
    "no label at all": (
        lambda p, photos: write(p / "n.csv", [(photo, "|") for photo in photos]),
        {},
        "one label or more",
    ),
    "no such target": (numbered([]), {"target": "number"}, "target is 'number'; did you mean 'numbers'"),
    "unfreezing": (numbered([]), {"unfreeze": "last"}, "unfreeze is for classes, and n has numbers"),
    "another validation": (
        lambda p, photos: write(
            p / "n.csv", [(photo, "sea|" if i % 2 else "boat|") for i, photo in enumerate(photos)]
        ),
        {"validation": "v.csv"},
        "the validation split has moon, which the training pictures have not",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_targets_are_explained(case, tmp_path, draw_photos, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make, options, message = BAD[case]
    photos = [*sorted(draw_photos(tmp_path / "photos", {"dots": 6, "stripes": 6}).rglob("*.jpg"))]
    write(tmp_path / "v.csv", [(photos[0], "moon|")])
    with pytest.raises(ZooError, match=message):
        zoo.finetune(make(tmp_path, photos), **options)


# From the data to the saved file


@dataclass
class Learned:
    """A table of photos, and the model that was made of it."""

    table: Path
    model: Any
    out: Path
    photos: list[Path]


@pytest.fixture(scope="module")
def learn(tmp_path_factory, draw_photos):
    photos = [
        *sorted(draw_photos(tmp_path_factory.mktemp("t") / "photos", {"dots": 24, "stripes": 24}).rglob("*.jpg"))
    ]
    random = np.random.default_rng(0)

    def learn(name, answer):
        folder = tmp_path_factory.mktemp(name)
        rows = [(photo, answer(photo, random)) for photo in photos]
        table = write(folder / "photos.csv", rows, ("path", name))
        return Learned(table, zoo.finetune(table, out=folder / "model.keras"), folder / "model.keras", photos)

    return learn


@pytest.fixture(scope="module")
def tags(learn):
    """Dots or stripes, and a label by chance."""
    return learn("tags", lambda photo, random: photo.parent.name + ("|lucky" if random.random() < 0.4 else ""))


@pytest.fixture(scope="module")
def heights(learn):
    """About 1000 for stripes, 1010 for dots."""
    return learn("height", lambda photo, random: 1000 + 10 * (photo.parent.name == "dots") + random.normal(0, 0.5))


def plain_keras(learned):
    """What plain Keras makes of the saved file and two photos."""
    import keras

    model = zoo.load(learned.out)
    pixels = np.stack([images.decode(photo, model.preprocessing) for photo in learned.photos[::24]])
    return np.asarray(keras.models.load_model(learned.out)(pixels.astype(np.float32)))


def test_labels_are_learned_measured_and_saved(tags):
    measured = tags.model.summary["validation"]
    assert tags.model.labels == ["dots", "lucky", "stripes"] and tags.model.summary["target"] == "labels"
    assert measured["per_label"]["dots"]["average_precision"].value == 1.0
    assert measured["per_label"]["dots"]["f1"].value > 0.85 > measured["per_label"]["lucky"]["average_precision"].value
    low, high = measured["mean_average_precision"].ci
    assert low < measured["mean_average_precision"].value < high
    loaded = zoo.load(tags.out)
    assert type(loaded).__name__ == "MultiLabelClassifier" and loaded.thresholds == tags.model.thresholds
    assert loaded.evaluate(progress=False)["mean_average_precision"] == measured["mean_average_precision"]
    predictions = loaded.predict(tags.photos[::24], top=3)
    assert [predictions[0].top[0][0], predictions[1].top[0][0]] == ["dots", "stripes"]
    table = predictions.to_frame()
    assert table.columns.tolist() == ["path", "labels", "probabilities", "is_novel"]
    assert "dots" in table["labels"][0].split("|") and "dots" not in table["labels"][1].split("|")
    probabilities = [[dict(each.top)[label] for label in loaded.labels] for each in predictions]
    assert np.allclose(plain_keras(tags), probabilities, atol=1e-4)  # the activation is the saved model's own
    mistakes = measured.errors()
    assert {each.truth for each in mistakes} <= {"lucky", "not lucky"} and mistakes[0].pixels.shape == (224, 224, 3)
    assert [each.probability for each in mistakes] == sorted((each.probability for each in mistakes), reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tags", "heights"])
def test_views_are_averaged_before_the_activation(name, request, tmp_path):
    table = request.getfixturevalue(name).table
    measured = zoo.finetune(table, views=2, out=tmp_path / "two.keras").metrics
    again = zoo.load(tmp_path / "two.keras").evaluate(progress=False)
    for key, value in measured.items():
        if isinstance(value, metrics.Metric):
            assert again[key].value == pytest.approx(value.value, rel=1e-3)


def test_numbers_are_learned_measured_and_saved(heights):
    measured = heights.model.summary["validation"]
    assert (
        measured["r2"].value > 0.8 and measured["mean_absolute_error"].value < 2 and measured["quantity"] == "height"
    )
    loaded = zoo.load(heights.out)
    predictions = loaded.predict(heights.photos[::24])
    assert 1007 < predictions[0].value < 1013 and 997 < predictions[1].value < 1003
    assert predictions[0].error == pytest.approx(measured["mean_absolute_error"].value)
    assert str(predictions[0]).startswith(f"height {predictions[0].value:.4g}  (off by ")
    assert np.allclose(plain_keras(heights)[:, 0], [float(each) for each in predictions], atol=0.05)
    assert loaded.evaluate(progress=False)["r2"].value == pytest.approx(measured["r2"].value, abs=1e-3)
    table = predictions.to_frame()
    assert table.columns.tolist() == ["path", "value", "mean_error", "is_novel"]
    with pytest.raises(UsageError, match="learns by fine-tuning alone"):
        loaded.train(heights.table, epochs=1)


@pytest.mark.parametrize(
    "name, label, left", [("tags", "dots", True), ("tags", "stripes", False), ("heights", None, True)]
)
def test_what_speaks_for_a_label_or_raises_a_number_is_shown(name, label, left, request, draw):
    """Dots at the left, stripes at the right; without a framework, and as the whole Keras model has it."""
    learned = request.getfixturevalue(name)
    photo = Image.new("RGB", (300, 200), (128, 128, 128))
    photo.paste(draw(0, 500).resize((90, 90)), (55, 55))
    photo.paste(draw(1, 500).resize((90, 90)), (155, 55))
    why = zoo.load(learned.out).explain(photo, label)
    assert why.method == "grad-cam" and (why.hottest[0] < 0.5) is left
    answer = learned.model.predict(photo)
    if label is None:
        assert why.probability is None and why.predicted == pytest.approx(answer.value, rel=1e-3)
        assert why.label == "height" and why.answer == f"height {why.predicted:.4g}"
    else:
        assert why.probability == pytest.approx(dict(answer.top)[label], abs=0.01)
    model = zoo.load(learned.out)
    pixels, unit = images.decode(photo, model.preprocessing), model.labels.index(why.label)
    by_keras, method = heat_of(None, model._parts_at_maps, pixels, unit, 1)
    assert method == why.method and np.allclose(by_keras, why.heat, atol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tags", "heights"])
def test_a_report_has_its_parts(name, request, tmp_path):
    learned = request.getfixturevalue(name)
    written = zoo.report(learned.out, out=tmp_path / "page.html")
    page, measured = (tmp_path / "page.html").read_text(), zoo.load(learned.out).metrics
    wanted = {"tags": "Label by label", "heights": "How far off"}[name]
    assert written["sections"][:4] == ["In short", wanted, "Its worst answers", "Where it looks"]
    assert not written["missing"] and page.count("<figure class=pair>") > 6 and "38 photos to learn from" in page
    if name == "tags":
        assert f"<b>{written['all_right'].value:.1%}</b>".replace("%", " %") in page
        assert "has no <b>lucky</b>, which it was given" in page and "a logistic regression for each label" in page
    else:
        assert f"<b>{measured['mean_absolute_error'].value:.3g}</b>" in page and page.count("<circle") == 10
        assert f"<b>{measured['r2'].value:.2f}</b>" in page and "ridge regression" in page


@pytest.mark.parametrize("name", ["tags", "heights"])
def test_a_report_without_the_photos_says_what_the_file_remembers(name, request, tmp_path, own_home):
    shutil.copy(request.getfixturevalue(name).out, tmp_path / "model.keras")
    written = zoo.report(tmp_path / "model.keras", out=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "The photos" in written["missing"][0] and "95 % interval" in page and "<img" not in page


@pytest.mark.slow
def test_commands_tell_labels_and_numbers(tags, heights, run, tmp_path):
    code, out, err = run("predict", tags.out, tags.photos[0], "--json")
    assert code == 0 and json.loads(out)[0]["labels"][0]["label"] in tags.model.labels
    code, out, _ = run("predict", heights.out, *heights.photos[:2], "--csv", "heights.csv")
    rows = pd.read_csv("heights.csv").to_dict("records")
    assert code == 0 and len(rows) == 2 and abs(float(rows[0]["value"]) - 1010) < 3
    code, out, _ = run("evaluate", tags.out, tags.table, "--split", "all", "--errors", "wrong.html")
    assert code == 0 and out.startswith("mean average precision ") and "all labels right" in out
    assert "lucky, but it is not lucky" in Path("wrong.html").read_text()
    code, out, _ = run("evaluate", heights.out, "--errors", "far.html")
    assert code == 0 and out.startswith("mean absolute error ") and "\nR2 " in out
    assert "Mean absolute error" in Path("far.html").read_text()
    code, _, err = run("forget", tags.out, tags.photos[0])
    assert code == 2 and "forgetting is for classifiers" in err
    code, _, err = run("finetune", heights.table, "--out", tags.out)
    assert code and "holds a model for multilabel, where this one is for regression" in err
    code, out, err = run("finetune", heights.table, "--out", "again.keras", "--json")
    assert code == 0 and json.loads(out)["target"] == "numbers" and "--target classes" in err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tags", "heights"])
def test_they_are_exported(name, request, tmp_path):
    learned = request.getfixturevalue(name)
    zoo.load(learned.out).export(tmp_path / "model.xml")
    test = saving.read_record(learned.out).content["selftest"]
    (answers,) = inference.OpenVINOEngine(tmp_path / "model.xml")(saving.unpack(test["inputs"]))
    assert np.allclose(answers, saving.unpack(test["outputs"]), atol=test["tolerance"])
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    agreement = zoo.load(learned.out).export(tmp_path / "model.onnx")["agreement"]
    measured = learned.model.metrics[agreement.metric]
    assert agreement.on == "held-out pictures" and agreement.same == agreement.n == measured.n
    assert float(agreement.before) == pytest.approx(float(measured), rel=1e-3)
    assert float(agreement.after) == pytest.approx(float(measured), rel=0.02)


HOSTILE = {
    "no thresholds": ("tags", {"thresholds": None}, "thresholds are no list"),
    "other thresholds": ("tags", {"thresholds": [0.5]}, "1 thresholds for 3 labels"),
    "a threshold of text": ("tags", {"thresholds": ["a", 0.5, 0.5]}, "thresholds are no list"),
    "labels for a number": ("heights", {"labels": ["a", "b"]}, "2 names for one number"),
    "an error of text": ("heights", {"mean_error": "small"}, "damaged"),
    "other labels": ("tags", {"labels": ["a"], "thresholds": [0.5]}, "does not fit its model"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_records_that_lie_are_refused(case, request, tmp_path):
    name, changed, message = HOSTILE[case]
    archive = saving.read(request.getfixturevalue(name).out)
    record = {**archive.record.content, **changed}
    saving.write(tmp_path / "lie.keras", archive.members, record, archive.selftest)
    with pytest.raises(ZooError, match=message):
        zoo.load(tmp_path / "lie.keras")
