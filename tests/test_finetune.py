"""Fine-tuning, whole: what is promised of the summary, of the file, and of what is and is not trained on."""

import json
import random
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import inference
from zoo.data import images
from zoo.errors import UsageError, ZooError
from zoo.inference import conversion


def test_the_summary_is_as_promised(tuned):
    summary = json.loads(json.dumps(tuned.classifier.summary, default=lambda item: item.to_json()))
    accuracy = summary["validation"]["accuracy"]
    assert set(accuracy) == {"value", "ci", "n"} and accuracy["n"] == 20
    assert accuracy["ci"][0] <= accuracy["value"] <= accuracy["ci"][1]
    assert set(summary["validation"]["per_class"]) == {"dots", "stripes"}
    assert all(set(c) == {"n", "recall", "precision"} for c in summary["validation"]["per_class"].values())
    assert summary["labels"] == ["dots", "stripes"] and summary["out"] == str(tuned.out)
    assert summary["seconds"] and all(value >= 0 for value in summary["seconds"].values())
    assert summary["pictures"] == {"training": 24, "validation": 20}
    wrong = sum(
        count for i, row in enumerate(summary["validation"]["confusion"]) for j, count in enumerate(row) if i != j
    )
    assert len(tuned.classifier.summary["validation"].errors()) == wrong
    assert accuracy["value"] >= 0.9


def test_a_damaged_picture_is_left_out_and_named(tuned):
    assert [Path(item["path"]).name for item in tuned.classifier.summary["skipped"]] == ["broken.jpg"]
    assert "truncated" in tuned.classifier.summary["skipped"][0]["reason"]


def test_a_training_picture_that_is_also_held_out_is_not_trained_on(tuned):
    assert tuned.classifier.summary["duplicates"] == 1


def test_the_reported_accuracy_is_that_of_the_file(tuned):
    loaded = zoo.load(tuned.out)
    found, said = loaded.evaluate(tuned.photos / "val", progress=False), tuned.classifier.summary["validation"]
    assert found["accuracy"] == said["accuracy"]
    assert found["per_class"] == said["per_class"] and found["confusion"] == said["confusion"]
    assert loaded.labels == ["dots", "stripes"]
    metrics = zoo.show(tuned.out).to_json()["metrics"]
    assert metrics["accuracy"]["value"] == said["accuracy"].value and metrics["split"] == "validation"


def test_plain_keras_opens_the_file_and_says_the_same(tuned):
    plain, loaded = keras.saving.load_model(tuned.out), tuned.classifier
    paths = sorted((tuned.photos / "val").glob("*/*.jpg"))[::3]
    rule = loaded.preprocessing
    assert rule.size == (224, 224) and rule.crop == 0.875
    pixels = []
    for path in paths:  # the rule by hand: the middle of the photo, resized by Pillow
        photo = Image.open(path).convert("RGB")
        edge = photo.width * (1 - rule.crop) / 2
        box = (edge, edge, photo.width - edge, photo.width - edge)
        pixels.append(np.asarray(photo.resize((224, 224), Image.Resampling.BICUBIC, box)))
    said = [loaded.labels[i] for i in np.asarray(plain(np.stack(pixels))).argmax(axis=1)]
    assert said == [prediction.label for prediction in loaded.predict(paths)]


def test_a_second_run_computes_nothing_and_says_the_same(tuned):
    again = zoo.finetune(tuned.photos)
    assert again.summary["features"]["computed"] == 0 and again.summary["out"] is None
    assert again.summary["validation"] == tuned.classifier.summary["validation"]
    for one, other in zip(again.model.get_weights(), tuned.classifier.model.get_weights(), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.slow
@pytest.mark.skipif(not inference.available(), reason="openvino is not installed")
def test_keras_computes_the_same_where_openvino_is_not_installed(tuned, tmp_path, monkeypatch):
    assert tuned.classifier.summary["features"]["engine"] == "openvino"
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(conversion, "available", lambda: False)
    monkeypatch.setattr(inference, "available", lambda: False)
    other = zoo.finetune(tuned.photos, out=tmp_path / "other.keras")
    assert other.summary["features"] == {"engine": "keras", "precision": "float32", "computed": 44, "cached": 1}
    assert other.summary["validation"]["accuracy"].value >= 0.9
    monkeypatch.undo()
    paths = sorted((tuned.photos / "val").glob("*/*.jpg"))
    exact = zoo.finetune(tuned.photos, precision="float32")  # by OpenVINO
    for one, two, plain in zip(
        other.predict(paths), exact.predict(paths), zoo.load(tmp_path / "other.keras").predict(paths), strict=True
    ):
        assert one.label == two.label == plain.label
        assert one.probability == pytest.approx(two.probability, abs=1e-3)
        assert one.probability == pytest.approx(plain.probability, abs=1e-4)


def test_the_model_is_opened_when_it_is_asked_for(tuned):
    """Before, the answers are the head's on the engine's features; the Keras model then gives the same."""
    again = zoo.finetune(tuned.photos)
    paths = sorted((tuned.photos / "val").glob("*/*.jpg"))[:4]
    before = [prediction.probability for prediction in again.predict(paths)]
    assert again.model.layers[-1].name == "head"
    assert [prediction.probability for prediction in again.predict(paths)] == pytest.approx(before, abs=1e-4)


def test_views_are_trained_on(tuned):
    summary = zoo.finetune(tuned.photos, augment=2).summary
    found = summary["features"]
    assert found["computed"] + found["cached"] == 25 * 3 + 20  # the copy is looked at, and not trained on
    assert found["cached"] >= 45 and summary["pictures"]["training"] == 24
    assert summary["validation"]["accuracy"].value >= 0.9


@pytest.mark.slow
def test_views_are_averaged(tuned, tmp_path):
    """What a file says of a picture is the mean of what it says of its views; an oracle decodes these itself."""
    out = tmp_path / "pets.keras"
    trained = zoo.finetune(tuned.photos, views=3, out=out)
    assert trained.summary["views"] == {"averaged": 3, "losses": {}}
    photos = sorted((tuned.photos / "val").glob("*/*.jpg"))
    loaded = zoo.load(out)
    rule = loaded.preprocessing
    pixels = np.stack([images.decode(photo, rule, view) for photo in photos for view in range(3)])
    logits = loaded.engine(pixels)[0].reshape(len(photos), 3, -1).mean(axis=1)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    by_label = [dict(answer.top) for answer in loaded.predict(photos)]
    probabilities = np.array([[answer[label] for label in loaded.labels] for answer in by_label])
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    plain = [answer.probability for answer in zoo.load(tuned.out).predict(photos)]
    assert max(abs(probabilities.max(axis=1) - plain)) > 1e-3  # one view says something else
    assert loaded.evaluate(progress=False)["accuracy"] == trained.metrics["accuracy"]
    forgotten = zoo.forget(out, [photos[0]], out=tmp_path / "without.keras")
    assert forgotten._views == 3 and forgotten.predict(photos[1]).probability == pytest.approx(
        probabilities.max(axis=1)[1], abs=1e-4
    )


def test_views_are_chosen_on_training_pictures(tuned, run, tmp_path):
    code, out, _ = run("finetune", tuned.photos, "--views", "auto", "--out", tmp_path / "pets.keras", "--json")
    views = json.loads(out)["views"]
    assert code == 0 and [*views["losses"]] == ["1", "4"]
    assert str(views["averaged"]) == min(views["losses"], key=views["losses"].get)
    assert zoo.load(tmp_path / "pets.keras")._views == views["averaged"]


def test_classes_may_count_more_than_others(tuned):
    photos = sorted((tuned.photos / "val").glob("*/*.jpg"))

    def dots(classifier):
        return np.mean([dict(answer.top)["dots"] for answer in classifier.predict(photos)])

    weighted = zoo.finetune(tuned.photos, class_weight={"dots": 1000})
    assert dots(weighted) > dots(tuned.classifier) + 0.01
    with pytest.raises(UsageError, match="class_weight names 'dot'; did you mean 'dots'"):
        zoo.finetune(tuned.photos, class_weight={"dot": 2})


def test_other_ways_to_hold_out(tuned, tmp_path):
    train, val = tuned.photos / "train", tuned.photos / "val"
    whole = tuned.classifier.summary["validation"]
    assert zoo.finetune(train, val).summary["validation"] == whole
    split = zoo.finetune(train, val_split=0.25, seed=3).summary
    assert split["pictures"]["training"] + split["pictures"]["validation"] == 25
    assert 6 <= split["pictures"]["validation"] <= 7


def test_nothing_is_learned_or_chosen_on_what_is_held_out(tuned, tmp_path, draw_photos):
    """Whatever is held out, right or wrongly labelled, the model and the strength of its penalty are the same."""
    right = draw_photos(tmp_path / "right", {"dots": 5, "stripes": 5}, first=500)
    wrong = draw_photos(tmp_path / "wrong", {"stripes": 5, "dots": 5}, first=600)  # the labels are exchanged
    one, two = (zoo.finetune(tuned.photos / "val", held_out) for held_out in (right, wrong))
    assert one.summary["validation"]["accuracy"].value >= 0.9 > 0.1 >= two.summary["validation"]["accuracy"].value
    assert one.summary["strength"] == two.summary["strength"]
    assert one._archive.members["model.weights.h5"] == two._archive.members["model.weights.h5"]


def test_shuffled_labels_give_chance(tmp_path, draw_photos):
    photos = draw_photos(tmp_path / "drawn", {"a": 40, "b": 40})
    paths = sorted(photos.glob("*/*.jpg"))
    random.Random(0).shuffle(paths)
    for number, path in enumerate(paths):
        folder = tmp_path / "shuffled" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / f"{number}.jpg")
    found = zoo.finetune(tmp_path / "shuffled", val_split=0.5).summary["validation"]["accuracy"]
    assert found.n == 40 and found.ci[0] < 0.5 < found.ci[1]


def folder_of(*classes):
    def make(tmp_path, tuned):
        for name in classes:
            shutil.copytree(tuned.photos / "val" / "dots", tmp_path / "photos" / name)
        return tmp_path / "photos"

    return make


def empty(tmp_path, tuned):
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def all_damaged(tmp_path, tuned):
    photos = folder_of("a", "b")(tmp_path, tuned)
    for path in photos.glob("b/*.jpg"):
        path.write_bytes(b"hello")
    return photos


REFUSED = {
    "one class": (folder_of("dots"), {}, ["dots: 10", "two classes or more", "├── cats/"]),
    "no class": (empty, {}, ["no class"]),
    "no folder": (lambda tmp_path, _: tmp_path / "photos", {}, ["is no folder, file or dataset here"]),
    "one class is damaged": (all_damaged, {}, ["b: 0", "could not be read", "not an image"]),
    # of two pictures one would be held out, and one is too few to learn from
    "two of each": (
        lambda tmp_path, _: (np.zeros((4, 8, 8), np.uint8), ["a", "b"] * 2),
        {},
        ["each with 3 examples or more, one of which will be held out"],
    ),
    "backbone": (folder_of("a", "b"), {"backbone": "efficientnet_lit0"}, ["did you mean 'efficientnet_lite0'"]),
    "no backbone": (
        folder_of("a", "b"),
        {"backbone": "logistic"},
        ["no backbone is called 'logistic'", "zoo list --task backbone"],
    ),
    "precision": (folder_of("a", "b"), {"precision": "int4"}, ["precision 'int4' is not for this machine"]),
    "ending": (folder_of("a", "b"), {"out": "pets.h5"}, ["must be a .keras file", "pets.keras"]),
    "augment": (folder_of("a", "b"), {"augment": -1}, ["augment is -1"]),
    "views": (folder_of("a", "b"), {"views": 0}, ["views is 0"]),
    "views of a word": (folder_of("a", "b"), {"views": "many"}, ["views is 'many'", "'auto' or a number"]),
    "views twice": (folder_of("a", "b"), {"views": 4, "augment": 2}, ["give one of the two"]),
    "share": (folder_of("a", "b"), {"val_split": 1.5}, ["val_split"]),
    "all of it is held out too": (
        folder_of("a", "b"),
        {"validation": "photos"},
        ["among the usable training pictures"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trained_on(case, tmp_path, tuned, monkeypatch):
    make, arguments, words = REFUSED[case]
    photos = make(tmp_path, tuned)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError) as error:
        zoo.finetune(photos, **arguments)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_out_that_cannot_be_written(tuned, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ZooError, match="cannot be written"):
        zoo.finetune(tuned.photos, out=tmp_path / "file" / "a.keras")


def test_ants_and_bees(shared_data):
    summary = zoo.finetune(shared_data / "hymenoptera").summary
    assert summary["validation"]["accuracy"].n == 153
    assert summary["validation"]["accuracy"].value >= 0.94
