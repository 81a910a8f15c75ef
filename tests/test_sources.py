"""Every kind of source that a person may have, and what is said about bad ones."""

import csv
import io
import os
import subprocess
import threading
import time
import tracemalloc
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from zoo.data.dataset import Dataset
from zoo.data.images import ImageError, Preprocessing, decode, digest, streams
from zoo.data.images.pictures import Pictures
from zoo.data.images.streams import arrays, stream
from zoo.data.sources import find, load
from zoo.errors import ZooError, escaped

RULE = Preprocessing((8, 8))
unix = pytest.mark.skipif(os.name == "nt", reason="such names and files are there on Unix alone")


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """Each test works in an empty folder, with no data at hand."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def picture(path, number=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).integers(0, 256, (10, 12, 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path


def photos(root, classes=("cats", "dogs"), each=3):
    for number, name in enumerate(classes):
        for index in range(each):
            picture(root / name / f"{index}.png", 100 * number + index)
    return root


@pytest.fixture
def root(tmp_path):
    """Two classes of two pictures."""
    return photos(tmp_path / "photos", each=2)


def table(path, rows, columns=("path", "label"), encoding="utf-8", delimiter=","):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([columns, *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def reasons(dataset):
    return {Path(entry["path"]).name: entry["reason"] for entry in dataset.skipped}


def test_a_folder_of_class_folders(tmp_path):
    root = photos(tmp_path / "pets")
    picture(root / "cats/deep/down/x.JPG")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", ".hidden/y.png", "__MACOSX/z.png"):
        picture(root / "cats" / f"{name}.png").rename(root / "cats" / name)
    (root / "cats/notes.txt").write_text("x")
    (root / "cats/README").write_text("x")
    picture(root / "loose.png")
    (root / "empty").mkdir()
    dataset = load(str(root))
    assert dataset.name == "pets" and dataset.labels == ["cats", "dogs"] and set(dataset.splits) == {"train"}
    assert np.bincount(dataset.splits["train"].y).tolist() == [4, 3]
    assert reasons(dataset) == {
        "notes.txt": "not a picture: .txt",
        "README": "not a picture: no file extension",
        "loose.png": "lies beside the class folders, so has no class",
        "empty": "empty class folder",
    }
    assert dataset.splits["train"].name(0).endswith("0.png")


def test_a_folder_of_splits(tmp_path):
    photos(tmp_path / "set/Train"), photos(tmp_path / "set/val", ["dogs"]), photos(tmp_path / "set/test", each=1)
    (tmp_path / "set/LICENSE").write_text("x")
    dataset = load(tmp_path / "set")
    assert {split: len(part) for split, part in dataset.splits.items()} == {"train": 6, "validation": 3, "test": 2}
    assert dataset.splits["validation"].y.tolist() == [1, 1, 1]
    assert reasons(dataset) == {"LICENSE": "lies beside the splits' folders"}


@pytest.mark.parametrize(
    "names",
    [
        "training_set test_set",
        "Training Testing",
        "seg_train seg_test",
        "Train_data Val_data",
        "images_train images_val",
        "trainset testset",
        "trainImages valImages",
        "TRAIN Valid",
        "train2017 val2017",
        "training validation testing",
    ],
)
def test_splits_by_other_names(names, tmp_path):
    for name in names.split():
        photos(tmp_path / "set" / name)
    dataset = load(tmp_path / "set")
    assert dataset.labels == ["cats", "dogs"] and len(dataset.splits["train"]) == 6
    assert len(dataset.splits) == len(names.split())


def test_names_of_classes_that_sound_like_splits(tmp_path):
    root = photos(tmp_path / "set", ["bullet train", "test tube", "trainer"])
    picture(root / "bullet train/more/1.png"), picture(root / "test tube/more/1.png")
    assert load(root).labels == ["bullet train", "test tube", "trainer"]


def test_a_test_folder_without_class_folders_is_no_class(tmp_path):
    photos(tmp_path / "set/train"), photos(tmp_path / "set", ["test"])
    dataset = load(tmp_path / "set")
    assert dataset.labels == ["cats", "dogs"] and set(dataset.splits) == {"train"} and len(dataset.skipped) == 3
    photos(tmp_path / "flat", ["train", "test"])
    with pytest.raises(ZooError, match="test, train are splits, and hold no class folders"):
        load(tmp_path / "flat")
    parts = load(tmp_path / "flat", classes=False).splits
    assert {split: len(part) for split, part in parts.items()} == {"train": 3, "test": 3}


LITTER = ["@eaDir", "$RECYCLE.BIN", "#recycle", "lost+found", "System Volume Information", "__pycache__", "@__thumb"]


@pytest.mark.parametrize("name", LITTER)
def test_what_systems_and_drives_leave_behind(name, root):
    photos(root, [name]), photos(root / "cats", [name])
    dataset = load(root)
    assert dataset.labels == ["cats", "dogs"] and len(dataset.splits["train"]) == 4 and dataset.skipped == []


@unix  # other systems store one form only
def test_names_that_differ_by_their_unicode_form_are_one(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    photos(tmp_path / "set/train", [decomposed, "tea"]), photos(tmp_path / "set/val", [composed, "tea"])
    assert load(tmp_path / "set").labels == [composed, "tea"]
    assert load((np.zeros((4, 2, 2)), [composed, decomposed, "tea", "tea"])).labels == [composed, "tea"]


def test_a_class_may_be_called_train(tmp_path):
    photos(tmp_path / "set", ["train", "car"])
    photos(tmp_path / "set/train", ["steam"])
    assert load(tmp_path / "set").labels == ["car", "train"]


def test_labels_sort_by_value_when_all_are_integers(tmp_path):
    assert load(photos(tmp_path / "a", ["10", "9", "-1"])).labels == ["-1", "9", "10"]
    assert load(photos(tmp_path / "b", ["10", "9", "x"])).labels == ["10", "9", "x"]


def test_links_in_a_circle_end(tmp_path):
    root = photos(tmp_path / "set")
    (root / "cats/loop").symlink_to(root, target_is_directory=True)
    (root / "cats/self").symlink_to(root / "cats", target_is_directory=True)
    (root / "dogs/broken.png").symlink_to(root / "nowhere.png")
    picture(tmp_path / "elsewhere/e.png")
    (root / "dogs/more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    dataset = load(root)
    assert np.bincount(dataset.splits["train"].y).tolist() == [3, 4]
    assert reasons(dataset).keys() == {"loop", "self", "broken.png"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("columns", [("path", "label"), ("Filename", "Class"), ("image", "category")])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_file(tmp_path, columns, encoding, delimiter):
    photos(tmp_path / "in")
    rows = [(f"in/{name}/{index}.png", f"{name} ü") for name in ("cats", "dogs") for index in range(3)]
    rows += [rows[0], ("in/none.png", "cats ü"), ("in/cats/0.txt", "")]
    dataset = load(table(tmp_path / "pets.csv", rows, columns, encoding, delimiter))
    assert dataset.name == "pets" and dataset.labels == ["cats ü", "dogs ü"]
    assert len(dataset.splits["train"]) == 6
    assert reasons(dataset) == {"none.png": "no such file", "0.txt": "no label in row 10"}


def test_a_csv_file_with_splits_and_a_data_frame(tmp_path):
    photos(tmp_path, each=4)
    rows = [
        (f"{name}/{index}.png", name, "val" if index == 3 else "train", "more")
        for name in ("cats", "dogs")
        for index in range(4)
    ]
    columns = ("file", "label", "split", "remark")
    of_file = load(table(tmp_path / "pets.csv", rows, columns))
    of_frame = load(pd.DataFrame(rows, columns=columns))
    for dataset in (of_file, of_frame):
        assert {split: len(part) for split, part in dataset.splits.items()} == {"train": 6, "validation": 2}
    assert of_file.fingerprint() == of_frame.fingerprint()


def test_arrays():
    x = np.zeros((6, 5, 5, 3), np.uint8)
    assert load((x, [7, 10, 7, 10, 7, 7])).labels == ["7", "10"]
    assert load((x, np.array([7, 10] * 3)[:, None])).splits["train"].y.tolist() == [0, 1] * 3
    assert load((x[..., 0], ["b", "a"] * 3)).splits["train"].y.tolist() == [1, 0] * 3
    assert load((list(x), np.array([b"b", b"a"] * 3))).labels == ["a", "b"]
    assert load((x, pd.Series(["b", "a"] * 3))).labels == ["a", "b"]


MISSING = [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, "", "  "]


@pytest.mark.parametrize("missing", MISSING, ids=repr)
def test_a_missing_label_is_no_class(missing, root):
    x = np.arange(5, dtype=np.uint8)[:, None, None] * np.full((1, 2, 2), 50, np.uint8)
    labels = ["cat", "dog", missing, "dog", "cat"]
    paths = [str(path) for path in sorted(root.glob("*/*.png"))]
    frame = pd.DataFrame({"path": [*paths[:2], str(root), *paths[2:]], "label": labels})
    for data in ((x, labels), (x, np.array(labels, object)), (x, pd.Series(labels)), frame):
        dataset = load(data)
        assert dataset.labels == ["cat", "dog"] and len(dataset.splits["train"]) == 4
        assert [item.kind for item in dataset.skipped] == ["no label"]
    masked = np.ma.masked_equal([0, 1, 2, 1, 0], 2)
    assert load((x, masked)).labels == ["0", "1"]
    assert load((x, labels)).splits["train"].items[:, 0, 0].tolist() == [0, 50, 150, 200]


def test_labels_of_many_types():
    x = np.zeros((6, 2, 2), np.uint8)
    for labels in (
        [10, 2, 1] * 2,
        [10.0, 2.0, 1.0] * 2,
        np.array([10, 2, 1] * 2, np.float32),
        pd.Series([10, 2, 1] * 2, dtype="Int64"),
        pd.Categorical([10, 2, 1] * 2),
        ["10", " 2", "1 "] * 2,
        [b"10", b"2", b"1"] * 2,
        (label for label in [10, 2, 1] * 2),
        pd.DataFrame([10, 2, 1] * 2),
    ):
        assert load((x, labels)).labels == ["1", "2", "10"]
    assert load((x, [True, np.False_, np.True_] * 2)).labels == ["False", "True"]


def test_integers_of_which_one_is_missing(root):
    paths = [str(path) for path in sorted(root.glob("*/*.png"))] * 2
    frame = pd.DataFrame({"path": [*paths[:4], "none.png"], "label": [2, 2, 10, 10, None]})
    frame.to_csv("t.csv", index=False)
    assert "10.0" in Path("t.csv").read_text()
    assert load(frame).labels == load("t.csv").labels == ["2", "10"]


def test_paths_in_whatever_holds_them(root):
    paths = [str(path) for path in sorted(root.glob("*/*.png"))]
    labels = [Path(path).parent.name for path in paths]
    expected = load(root).fingerprint()
    for x in (paths, tuple(paths), np.array(paths), pd.Series(paths), iter(paths), (Path(path) for path in paths)):
        dataset = load((x, labels))
        assert dataset.fingerprint() == expected and dataset.splits["train"].name(0) == paths[0]
    assert load(([Path(path).read_bytes() for path in paths], labels)).fingerprint() == expected
    assert load(([io.BytesIO(Path(path).read_bytes()) for path in paths], labels)).fingerprint() == expected
    table = pd.DataFrame(
        {"path": [os.fsencode(path) for path in paths], "label": [label.encode() for label in labels]}
    )
    assert load(table).fingerprint() == expected


@pytest.mark.parametrize(
    "column, inside, outside",
    [
        ("is_valid", True, False),
        ("IS_VALID", "true", "False"),
        ("is_valid", 1, 0),
        ("is_val", "yes", "no"),
        ("is_train", False, True),
        ("split", "Validation", "Training"),
        ("subset", "val", "train"),
        ("partition", "valid set", "train set"),
        ("fold", "val", "train"),
    ],
)
def test_columns_that_say_what_is_held_out(column, inside, outside, root):
    rows = [(str(path), path.parent.name, inside if path.stem == "1" else outside) for path in root.glob("*/*.png")]
    frame = pd.DataFrame(rows, columns=["path", "label", column])
    for data in (frame, table(Path("t.csv"), rows, frame.columns)):
        parts = find(data).splits
        assert {split: len(part) for split, part in parts.items()} == {"train": 2, "validation": 2}
        assert {path.stem for path in parts["validation"].items} == {"1"}


def test_a_dataset_and_pictures_pass_through():
    pictures = Pictures(np.zeros((4, 5, 5), np.uint8), np.array([0, 1, 0, 1]), ["b", "a"])
    dataset = Dataset("mine", {"train": pictures}, about="x")
    assert load(dataset).splits["train"] is pictures and load(dataset).about == "x"
    assert load(pictures).labels == ["b", "a"]
    assert pictures.name(3) == "picture 3"


def test_validation_of_another_kind_takes_the_order_of_the_training_labels(tmp_path):
    train = Pictures(np.zeros((4, 5, 5), np.uint8), np.array([0, 1, 0, 1]), ["dogs", "cats"])
    dataset = load(train, validation=photos(tmp_path / "val", ["cats"], each=2))
    assert dataset.splits["validation"].y.tolist() == [1, 1]
    assert dataset.splits["validation"].labels == ["dogs", "cats"]


def test_hold_out_is_for_data_without_a_validation_split():
    data = (np.zeros((20, 4, 4), "uint8"), ["a", "b"] * 10)
    sizes = [
        len(load(data, hold_out=0.2, **options).splits["validation"])
        for options in ({}, {"val_split": 0.5}, {"validation": data})
    ]
    assert sizes == [4, 10, 20]
    assert len(load(load(data, val_split=0.5), hold_out=0.2).splits["validation"]) == 10


def test_val_split_is_stratified_and_seeded():
    x = np.arange(112, dtype=np.uint8)[:, None, None] + np.zeros((1, 2, 2), np.uint8)
    data = (x, [0] * 100 + [1] * 10 + [2] * 2)

    def drawn(seed):
        parts = load(data, val_split=0.2, seed=seed).splits
        both = [set(parts[split].items[:, 0, 0].tolist()) for split in ("train", "validation")]
        assert not both[0] & both[1] and len(both[0] | both[1]) == 112
        assert np.bincount(parts["validation"].y).tolist() == [20, 2, 1]
        return both[1]

    assert drawn(1) == drawn(1) != drawn(2)


def test_the_fingerprint_is_of_the_content_and_labels(tmp_path):
    first = load(photos(tmp_path / "a"))
    photos(tmp_path / "b")
    (tmp_path / "b/cats/0.png").rename(tmp_path / "b/cats/renamed.png")
    assert load(tmp_path / "b").fingerprint() == first.fingerprint()
    (tmp_path / "b/cats").rename(tmp_path / "b/cows")
    assert load(tmp_path / "b").fingerprint() != first.fingerprint()
    assert load(tmp_path / "a", val_split=0.5).fingerprint() != first.fingerprint()


COLUMNS = ("path", "label")
BAD = {
    "no class": lambda p: p / "empty",
    "found cats: 3": lambda p: photos(p / "one", ["cats"]),
    "dogs: 1": lambda p: (photos(p / "few"), [(p / f"few/dogs/{i}.png").unlink() for i in (1, 2)])[0],
    "beside the class folders": lambda p: picture(p / "loose/a.png").parent,
    "did you mean 'pets'": lambda p: (photos(p / "pets"), "petz")[1],
    "did you mean 'textures'": lambda p: "texture",
    "is no folder, file or dataset here": lambda p: p / "void",
    "is a file": lambda p: picture(p / "one.png"),
    "is both|is a dataset, and a folder": lambda p: (photos(p / "digits"), "digits")[1],
    "no folder called train": lambda p: (photos(p / "s/val"), photos(p / "s/test"), p / "s")[2],
    "two folders for the validation split": lambda p: (photos(p / "s/val"), photos(p / "s/valid"), p / "s")[2],
    "looks like a split": lambda p: (photos(p / "s/train"), photos(p / "s/holdout"), p / "s")[2],
    "has the columns a, b": lambda p: table(p / "t.csv", [], ("a", "b")),
    "here path and file": lambda p: table(p / "t.csv", [], ("path", "file", "label")),
    r"has the columns \(none\)": lambda p: (p / "t.csv").write_text("") or p / "t.csv",
    "row 2 and 'dogs' in row 3": lambda p: table(p / "t.csv", [("x.png", "cats"), ("./x.png", "dogs")]),
    "split 'dev' is not known": lambda p: table(p / "t.csv", [("x", "y", "dev")], ("path", "label", "split")),
    "no such file": lambda p: table(p / "t.csv", [("x.png", "cats")]),
    "is not UTF-8": lambda p: table(p / "t.csv", [("ü.png", "cats")], encoding="latin-1"),
    "row 0: nan is no path": lambda p: pd.DataFrame({"path": [np.nan], "label": ["a"]}),
    "y has shape|y of shape": lambda p: (np.zeros((2, 5, 5)), np.eye(2)),
    r"x is of shape \(2, 5, 5, 3, 1\)": lambda p: (np.zeros((2, 5, 5, 3, 1)), [0, 1]),
    r"y of shape \(3,\)": lambda p: (np.zeros((2, 5, 5)), [0, 1, 2]),
    "y holds 0.5, no class": lambda p: (np.zeros((2, 5, 5)), [0.5, 1.0]),
    r"the label \[0\] is a list": lambda p: (np.zeros((2, 5, 5)), [[0], [1, 2]]),
    "are no arrays": lambda p: (np.zeros((2, 5, 5)), [np.zeros((2, 2)), np.zeros((2, 3))]),
    "is an address. Download": lambda p: "https://example.org/photos.zip",
    "fold 3 is not known": lambda p: pd.DataFrame({"path": ["x"], "label": ["a"], "fold": [3]}),
    "is_valid 'perhaps' is not known": lambda p: table(p / "t.csv", [("x", "y", "perhaps")], (*COLUMNS, "is_valid")),
    "splits in several columns: split, is_test": lambda p: table(p / "t.csv", [], (*COLUMNS, "split", "is_test")),
    r"values from 0 to 1; accepted are pixels from 0 to 255: give np.clip\(x \* 255": lambda p: (
        np.arange(8, dtype=np.uint8).reshape(2, 2, 2) % 2,
        [0, 1],
    ),
    r"give np.clip\(\(x \+ 1\)": lambda p: (np.linspace(-1, 1, 8).reshape(2, 2, 2), [0, 1]),
    "data is a int": lambda p: 3,
    "data is a NoneType": lambda p: None,
}


@pytest.mark.parametrize("message", BAD)
def test_bad_data_is_explained(message, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ZooError, match=message) as caught:
        load(BAD[message](tmp_path))
    assert any(word in str(caught.value) for word in ("ccepted", "Rename", "Save", "remove", "type ./"))


def test_contradicting_validation_is_explained(tmp_path):
    photos(tmp_path / "set/train"), photos(tmp_path / "set/val"), photos(tmp_path / "plain")
    cases = [
        ({"data": "set", "val_split": 0.2}, "Leave out the share to hold out"),
        ({"data": "set", "validation": "plain"}, "Leave out validation"),
        ({"data": "plain", "validation": "plain", "val_split": 0.2}, "one of the two"),
        ({"data": "plain", "validation": "set"}, "one set of pictures"),
        ({"data": "plain", "validation": photos(Path("other"), ["cows", "dogs"])}, "cows.*cats, dogs.*cows, dogs"),
        ({"data": "plain", "val_split": 1.5}, "above 0 and below 1"),
    ]
    for arguments, message in cases:
        with pytest.raises(ZooError, match=message):
            load(**arguments)


# Folders and tables that the system or somebody has made odd: all that can be read is, and the rest is told of


@unix
@pytest.mark.parametrize("place", ["", "cats", "cats/deep"])
def test_a_link_to_a_name_that_is_too_long(place, root):
    (root / place).mkdir(exist_ok=True)
    (root / place / "long.png").symlink_to("n" * 300)
    dataset = load(root)
    assert len(dataset.splits["train"]) == 4 and "too long" in reasons(dataset)["long.png"].lower()


@unix
@pytest.mark.parametrize("place", ["", "cats"])
def test_pipes_sockets_and_devices_are_not_read(place, root):
    os.mkfifo(root / place / "pipe.png")
    (root / place / "zero.png").symlink_to("/dev/zero")
    assert len(load(root).splits["train"]) == 4


@unix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root enters closed folders, too")
@pytest.mark.parametrize("mode", [0, 0o444, 0o111])
def test_a_folder_that_may_not_be_entered(mode, root):
    closed = root / "cats" / "closed"
    closed.mkdir()
    (closed / "1.png").write_bytes(b"")
    closed.chmod(mode)
    try:
        dataset = load(root)
    finally:
        closed.chmod(0o755)
    assert len(dataset.splits["train"]) == 4 and "ermission" in str(dataset.skipped)


@unix
def test_more_folders_in_one_another_than_python_calls_functions(root):
    inner = os.open(root / "cats", os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=inner)
        below = os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = below
    os.close(inner)
    try:
        assert len(load(root).splits["train"]) == 4
    finally:
        subprocess.run(["rm", "-rf", root / "cats/d"], check=True)  # Python's own way calls itself as well


@unix
@pytest.mark.parametrize("name", [b"H\xfcnde", b"\xff"])
def test_a_class_folder_whose_name_is_no_unicode(name, root):
    os.rename(root / "dogs", os.path.join(os.fsencode(root), name))  # noqa: PTH104, PTH118
    with pytest.raises(ZooError, match="no Unicode") as error:
        load(root)
    assert str(error.value).isprintable()


@unix
def test_a_class_folder_whose_name_is_for_terminals(root):
    (root / "dogs").rename(root / "\x1b[2Jdogs")
    (root / "\x1b[2Jdogs" / "1.png").unlink()
    with pytest.raises(ZooError, match="too little") as error:
        load(root)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize("label", ["7" * 5000, "-" + "1" * 5000])
def test_labels_of_more_digits_than_python_reads(label, root):
    rows = [(f"{name}/{index}.png", label if name == "cats" else "3") for name in ("cats", "dogs") for index in (0, 1)]
    dataset = load(table(root / "t.csv", rows))
    assert sorted(dataset.labels) == sorted(["3", label])


def test_a_path_in_a_table_that_no_file_can_have(root):
    rows = [(f"{name}/{index}.png", name) for name in ("cats", "dogs") for index in (0, 1)]
    dataset = load(table(root / "t.csv", [*rows, (f"{'n' * 5000}.png", "cats"), ("a\0b.png", "cats")]))
    assert len(dataset.splits["train"]) == 4 and [*reasons(dataset).values()] == ["no such file"] * 2


LONG = {
    "escapes": "\x1b[2J" * 999,
    "rows": "a,b\n" * 9000,
    "a quote left open": '"' + "a\n" * 9000,
    "split": "path,label,split\nx,y,\x1b" + "z" * 9000,
    "path": "path,label\n\x1b" * 900,
}


@pytest.mark.parametrize("case", LONG)
def test_what_is_told_of_a_table_can_be_printed_and_has_an_end(case, tmp_path):
    (tmp_path / "t.csv").write_text(LONG[case], encoding="utf-8")
    with pytest.raises(ZooError) as error:
        load(tmp_path / "t.csv")
    assert len(str(error.value)) < 4000 and escaped(str(error.value), keep="\n") == str(error.value)


@pytest.mark.parametrize("data", ["~nobody-of-it/photos", "n" * 300, "n" * 5000, "a\0b", "photos/" + "x/" * 3000])
def test_places_that_cannot_be(data):
    with pytest.raises(ZooError, match="ccepted"):
        load(data)


# Decoding many


def test_stream_is_in_order_with_views_digests_and_errors(tmp_path):
    root = photos(tmp_path / "set")
    (root / "cats/1.png").write_text("text")
    pictures = load(root).splits["train"]
    rows = list(stream(pictures, RULE, views=2, threads=3))
    assert [(index, view) for index, view, _, _ in rows] == [(i, v) for i in range(6) for v in range(2)]
    for index, view, key, result in rows:
        assert key == digest(pictures.items[index])
        if index == 1:
            assert isinstance(result, ImageError) and str(result) == "not an image: text file"
        else:
            assert np.array_equal(result, decode(pictures.items[index], RULE, view))


def test_stream_decodes_only_what_is_wanted(tmp_path):
    pictures = load(photos(tmp_path / "set")).splits["train"]
    known = digest(pictures.items[2])
    rows = list(stream(pictures, RULE, views=2, wanted=lambda key, view: view == 1 and key != known))
    assert [result is None for _, _, _, result in rows] == [True, False] * 2 + [True, True] + [True, False] * 3
    assert all(key for _, _, key, _ in rows)


def test_stream_reports_a_file_that_has_gone(tmp_path):
    pictures = load(photos(tmp_path / "set")).splits["train"]
    pictures.items[0].unlink()
    index, view, key, result = next(stream(pictures, RULE))
    assert (index, view, key) == (0, 0, "") and "No such file" in str(result)


def test_small_pictures_take_no_time():
    """How many may wait decoded is a matter of bytes, and small ones are many."""
    pictures = Pictures([np.zeros((2, 2), np.uint8)] * 3, np.zeros(3, int), ["a"])
    begin = time.monotonic()
    for _ in range(3):
        assert len(list(stream(pictures, Preprocessing((1, 1))))) == 3
    assert time.monotonic() - begin < 1


def test_leaving_a_stream_early_stops_its_work(monkeypatch):
    decoded = []

    def slow(*arguments):
        time.sleep(0.01)
        decoded.append(1)
        return [np.zeros((8, 8, 3), np.uint8)]

    monkeypatch.setattr(streams, "decode_views", slow)
    pictures = Pictures(np.zeros((1000, 8, 8), np.uint8), np.zeros(1000, int), ["a"])
    before = threading.active_count()
    for row in stream(pictures, RULE, threads=2):
        assert row[0] == 0
        break
    time.sleep(0.2)
    assert len(decoded) < 20 and threading.active_count() <= before


def test_the_memory_of_a_stream_does_not_grow_with_the_set(monkeypatch):
    monkeypatch.setattr(streams, "AHEAD", 3 * 2**20)
    image, decoded, count = np.zeros((64, 64, 3), np.uint8), 128 * 128 * 3, 1000
    pictures = Pictures([image] * count, np.zeros(count, int), ["a"])
    tracemalloc.start()
    for _ in stream(pictures, Preprocessing((128, 128)), threads=2):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * streams.AHEAD < count * decoded / 5


@pytest.mark.parametrize("limit", [10**9, 10])
def test_arrays_leaves_out_and_names_bad_pictures(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(streams, "IN_MEMORY", limit)
    root = photos(tmp_path / "set")
    (root / "cats/1.png").write_bytes(b"")
    pictures, seen = load(root).splits["train"], []
    x, y, skipped = arrays(pictures, RULE, progress=lambda done, total: seen.append((done, total)))
    assert x.shape == (5, 8, 8, 3) and x.dtype == np.uint8 and isinstance(x, np.memmap) == (limit == 10)
    assert y.tolist() == [0, 0, 1, 1, 1] and y.dtype == np.int32
    assert [item.to_json() for item in skipped] == [{"path": str(root / "cats/1.png"), "reason": "empty file"}]
    assert seen == [(done, 6) for done in range(1, 7)]
    assert np.array_equal(x[1], decode(root / "cats/2.png", RULE))


def test_arrays_of_the_right_size_are_taken_as_they_are():
    x = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    pictures = Pictures(x, np.array([0, 1, 0, 1]), ["a", "b"])
    assert np.shares_memory(arrays(pictures, RULE)[0], x)
    grey = Pictures(x[..., 0], pictures.y, pictures.labels)
    assert arrays(grey, Preprocessing((8, 8), channels=1))[0].shape == (4, 8, 8, 1)
    assert np.array_equal(arrays(grey, RULE)[0], np.repeat(x[..., :1], 3, axis=3))


# tf.data and PyDataset


def test_batches_of_tensorflow_and_keras_are_arrays():
    tf = pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3)).astype("uint8")
    y = np.array([0, 1, 2, 0, 1, 2])

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return x[2 * index : 2 * index + 2], y[2 * index : 2 * index + 2]

    named_classes = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    named_classes.class_names = ["ant", "bee", "wasp"]
    sets = {
        "single": (tf.data.Dataset.from_tensor_slices((x, y)), ["0", "1", "2"]),
        "batched": (tf.data.Dataset.from_tensor_slices((x, np.eye(3)[y])).batch(4), ["0", "1", "2"]),
        "text": (tf.data.Dataset.from_tensor_slices((x, np.array(["a", "b", "é"])[y])).batch(2), ["a", "b", "é"]),
        "named": (named_classes, ["ant", "bee", "wasp"]),
        "keras": (Batches(), ["0", "1", "2"]),
    }
    for name, (data, labels) in sets.items():
        pictures = load(data).splits["train"]
        np.testing.assert_array_equal(pictures.items, x, err_msg=name)
        assert pictures.labels == labels and pictures.y.tolist() == y.tolist(), name
    for data, words in (
        (sets["single"][0].repeat(), "never ends"),
        (tf.data.Dataset.from_tensor_slices(x), "pairs"),
        (sets["single"][0].take(0), "gives no examples"),
    ):
        with pytest.raises(ZooError, match=words):
            load(data)
