"""Forgetting: the head, the file and the cache as if a photo had never been seen."""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import saving
from zoo.errors import UsageError, ZooError
from zoo.targets.classes import ClassTarget
from zoo.tasks.images.known_pictures import beginning
from zoo.transfer import cache
from zoo.weights import keras_file


@pytest.fixture
def pets(tuned, tmp_path):
    """A copy of the photos of `tuned` and of its file, which knows them where the copy lies."""
    photos = shutil.copytree(tuned.photos, tmp_path / "photos")
    zoo.finetune(photos, out=tmp_path / "pets.keras")
    return tmp_path / "pets.keras"


def weights(file):
    arrays = keras_file.parse(saving.read(Path(file)).members[saving.WEIGHTS])
    return np.vstack([arrays["head/0"], arrays["head/1"]])


def digest(photo):
    return saving.digest(photo.read_bytes())


@pytest.mark.slow
def test_it_is_as_fine_tuning_without_the_photos(pets, tmp_path, monkeypatch):
    train, before = tmp_path / "photos" / "train", weights(pets)
    gone = [train / "dots" / "3.jpg", train / "stripes" / "7.jpg"]
    hashes = {beginning(digest(photo)) for photo in gone}
    original = zoo.load(pets)
    assert hashes <= original._known_pictures.trained_on
    forgotten = zoo.forget(pets, gone, out=tmp_path / "without.keras")
    assert np.array_equal(weights(pets), before)
    for photo in gone:
        photo.unlink()
    monkeypatch.setattr(ClassTarget, "strengths", (original._head_fit.strength,))
    again = zoo.finetune(tmp_path / "photos", out=tmp_path / "again.keras")
    without, expected = weights(tmp_path / "without.keras"), weights(tmp_path / "again.keras")
    assert np.abs(before - expected).max() > 1e-3 * np.abs(expected).max()
    assert np.abs(without - expected).max() < 3e-4 * np.abs(expected).max()  # what the solver leaves open
    loaded = zoo.load(tmp_path / "without.keras")
    assert loaded._known_pictures == again._known_pictures and loaded._head_fit == again._head_fit
    assert loaded.metrics["accuracy"] == again.metrics["accuracy"] == forgotten.metrics["accuracy"]
    assert loaded.data["fingerprint"] != original.data["fingerprint"]
    val = tmp_path / "photos" / "val"
    one, other = ([answer.probability for answer in net.predict(val)] for net in (loaded, again))
    assert one == pytest.approx(other, abs=1e-5)
    record = saving.read_record(tmp_path / "without.keras").content
    assert not hashes & set(saving.unpack(record["pictures"]["trained_on"]).tolist())
    for file in cache.folder().glob("*.sqlite"):
        with sqlite3.connect(file) as connection:
            assert not hashes & {beginning(row[0]) for row in connection.execute("SELECT digest FROM features")}


@pytest.mark.slow
def test_the_command_writes_in_place_and_again(pets, tmp_path, run):
    photo, held_out = tmp_path / "photos/train/dots/0.jpg", tmp_path / "photos/val/dots/101.jpg"
    code, out, _ = run("forget", pets, photo, "--json")
    answer = json.loads(out)
    assert code == 0 and answer["pictures"] == {"training": 23, "validation": 20} and answer["metrics"]["accuracy"]
    assert run("forget", pets, photo)[0] == 1  # it does not know it any more
    code, out, err = run("forget", pets, held_out)
    assert code == 0 and "trained on 23 photos" in out and "accuracy" in out and "not touched" in err
    assert photo.exists() and beginning(digest(held_out)) not in zoo.load(pets)._known_pictures.held_out
    model = zoo.load(pets).model  # its self-test passes
    assert model.layers[-1].name == "head"


def test_the_pictures_may_lie_elsewhere(pets, tmp_path):
    photo = tmp_path / "photos/train/dots/0.jpg"
    data = shutil.move(tmp_path / "photos", tmp_path / "moved")
    photo = data / "train/dots/0.jpg"
    with pytest.raises(ZooError, match=r"not there any more. Name the folder: zoo forget .* --data FOLDER"):
        zoo.forget(pets, photo)
    with pytest.raises(ZooError, match="23 of the 24 pictures that"):
        zoo.forget(pets, photo, data=data / "val")
    assert len(zoo.forget(pets, photo, data=data)._known_pictures.trained_on) == 23
    assert zoo.forget(pets, data / "train/dots/1.jpg", data=data / "train").metrics == {}  # none held out is at hand


def test_bad_input(pets, tuned, tmp_path, run):
    photos = tmp_path / "photos"
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    net.train((np.zeros((4, 8, 8, 3), np.uint8), [0, 1, 0, 1]), epochs=1, progress=False)
    net.save(tmp_path / "net.keras")
    edited = tmp_path / "edited.jpg"
    edited.write_bytes((photos / "train/dots/0.jpg").read_bytes() + b"!")
    before = pets.read_bytes()
    for words, message in (
        (("forget", pets, edited), "not among the 24 pictures"),
        (("forget", pets, "absent.jpg"), "absent.jpg cannot be read"),
        (("forget", pets, *sorted((photos / "train/dots").glob("*.jpg"))[:1], edited), "another picture"),
        (("forget", pets, *(photos / f"train/dots/{n}.jpg" for n in range(11))), "dots would keep 1 photos"),
        (("forget", tmp_path / "net.keras", edited), "no classifier whose head"),
        (("forget", edited, edited), "edited.jpg"),
        (("forget", pets, edited, "--out", "pets.onnx"), "out must be a .keras file"),
        (("forget", pets, photos / "train/dots/0.jpg", "--data", "nowhere"), "nowhere"),
    ):
        code, _, err = run(*words)
        assert code in (1, 2) and message in err, (words, err)
    (tmp_path / "mine.keras").write_text("mine")
    code, _, err = run("forget", pets, photos / "train/dots/0.jpg", "--out", "mine.keras")
    assert code == 1 and "mine.keras is there already" in err and (tmp_path / "mine.keras").read_text() == "mine"
    assert pets.read_bytes() == before
    with pytest.raises(UsageError, match="no classifier whose head"):
        zoo.forget(Path(__file__).parent / "files" / "language.keras", edited)
