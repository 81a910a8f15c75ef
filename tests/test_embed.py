"""Features for other tools: as an array, a file, and through scikit-learn's verbs."""

import json

import numpy as np
import pandas
import pytest
from pyarrow import parquet
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import zoo
from zoo.errors import UsageError, ZooError
from zoo.sklearn import PhotoClassifier, PhotoFeatures, PhotoRegressor


@pytest.fixture(scope="module")
def photos(draw_photos, tmp_path_factory):
    """Paths of photos and their classes."""
    folder = draw_photos(tmp_path_factory.mktemp("photos"), {"dots": 8, "stripes": 8}, first=500)
    paths = sorted(folder.rglob("*.jpg"))
    return paths, np.array([path.parent.name for path in paths])


def test_features_are_those_of_the_model_and_cached(photos):
    paths, _ = photos
    rows = zoo.embed(paths[:3])
    with_head = zoo.get("efficientnet_lite0", weights="imagenet")
    pixels = np.stack([zoo.data.images.decode(path, with_head.preprocessing) for path in paths[:3]])
    np.testing.assert_allclose(rows, with_head.engine(pixels)[1], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(zoo.embed(str(paths[0].parent))[:3], zoo.embed(paths[:3]))
    assert rows.dtype == np.float32


BAD = {
    "unreadable": (lambda paths, bad: [*paths, bad], r"1 of 17 pictures cannot be used, .*bad\.jpg first"),
    "none": (lambda paths, bad: [], "there are no pictures"),
    "auto": (lambda paths, bad: (paths, "auto"), "name a backbone"),
    "unknown": (lambda paths, bad: (paths, "resnet5"), "did you mean 'resnet50'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_embedded_is_a_sentence(case, photos, tmp_path):
    (bad := tmp_path / "bad.jpg").write_bytes(b"no picture")
    make, words = BAD[case]
    arguments = make(photos[0], bad)
    with pytest.raises(ZooError, match=words):
        zoo.embed(*arguments) if isinstance(arguments, tuple) else zoo.embed(arguments)


@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_the_command_writes_what_embed_gives(ending, photos, run, tmp_path):
    folder, out = photos[0][0].parent, tmp_path / f"f.{ending}"
    for _ in range(2):  # its own file it replaces
        code, printed, _ = run("embed", folder, "--out", out, "--json")
    assert code == 0 and json.loads(printed)["shape"] == [8, 1280]
    if ending == "npz":
        with np.load(out) as arrays:
            paths, rows = arrays["path"].tolist(), arrays["features"]
    else:
        table = parquet.read_table(out).to_pydict()
        paths, rows = table["path"], np.array(table["features"], np.float32)
    np.testing.assert_array_equal(rows, zoo.embed(paths))
    out.write_bytes(b"somebody's")
    code, _, err = run("embed", folder, "--out", out)
    assert code == 1 and "holds no features" in err and out.read_bytes() == b"somebody's"


def test_the_command_goes_on_without_what_it_cannot_read(photos, run, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    code, _, err = run("embed", photos[0][0], "bad.jpg", "--out", "f.npz")
    with np.load(tmp_path / "f.npz") as arrays:
        assert code == 1 and "bad.jpg" in err and arrays["path"].tolist() == [str(photos[0][0])]
    assert run("embed", "bad.jpg", "--out", "g.npz")[0] == 1 and not (tmp_path / "g.npz").exists()
    assert "--out ends in .npz or .parquet" in run("embed", "bad.jpg", "--out", "g.txt")[2]


def test_scikit_learn_takes_it_for_one_of_its_own(photos):
    paths, y = photos
    assert cross_val_score(PhotoClassifier(), paths, y, cv=2).tolist() == [1.0, 1.0]
    search = GridSearchCV(PhotoClassifier(), {"augment": [0, 1]}, cv=2).fit(paths, y)
    assert search.best_score_ == 1.0 and clone(search.best_estimator_).get_params()["seed"] == 0
    fitted = search.best_estimator_
    chances = fitted.predict_proba(paths)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (fitted.classes_[chances.argmax(axis=1)] == fitted.predict(paths)).all()
    assert ((fitted.decision_function(paths) > 0) == (chances[:, 1] > 0.5)).all()
    pipeline = make_pipeline(PhotoFeatures(), LogisticRegression()).fit(paths, y)
    assert pipeline.score(paths, y) == 1.0


def test_the_estimator_and_finetune_agree(tuned):
    paths = sorted((tuned.photos / "train").rglob("[0-9]*.jpg"))
    own = PhotoClassifier().fit(paths, [path.parent.name for path in paths])
    held_out = sorted((tuned.photos / "val").rglob("*.jpg"))
    assert own.classes_.tolist() == tuned.classifier.labels
    assert own.predict(held_out).tolist() == [answer.label for answer in tuned.classifier.predict(held_out)]


def test_estimators_of_labels_and_of_numbers(photos):
    paths, y = photos
    is_dots = np.array(y) == "dots"
    labels = np.stack([is_dots, ~is_dots], axis=1).astype(int)
    of_labels = PhotoClassifier().fit(paths, labels)
    assert of_labels.score(paths, labels) == 1.0 and of_labels.predict_proba(paths).shape == labels.shape
    assert ((of_labels.decision_function(paths) > 0) == labels).all()
    assert PhotoRegressor().fit(paths[1:], 100 + 5.0 * is_dots[1:]).predict(paths[:1]) == pytest.approx(105, abs=1.5)
    with pytest.raises(ZooError, match="with each label, and as many without it"):
        PhotoClassifier().fit(paths, np.ones_like(labels))
    with pytest.raises(UsageError, match="one finite number"):
        PhotoRegressor().fit(paths, [np.nan] * len(paths))


def test_an_estimator_wants_pictures_for_each_class(photos):
    paths, y = photos
    with pytest.raises(UsageError, match="16 pictures, but y has 15 rows"):
        PhotoClassifier().fit(paths, y[:-1])
    with pytest.raises(ZooError, match="two pictures in each are needed; got dots: 8, other: 1"):
        PhotoClassifier().fit(paths[:9], [*y[:8], "other"])


def test_predictions_become_a_table(photos, tuned):
    frame = tuned.classifier.predict(photos[0][:2]).to_frame()
    assert isinstance(frame, pandas.DataFrame) and frame["path"].tolist() == [str(path) for path in photos[0][:2]]
    assert frame["label"].tolist() == ["dots", "dots"] and frame["probability"].between(0.5, 1).all()
