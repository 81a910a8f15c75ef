"""Folders and tables that the system or somebody has made odd: all that can be read is, and the rest is told of."""

import os
import subprocess
import time

import numpy as np
import pytest
from PIL import Image

from zoo.data.images.pictures import Pictures
from zoo.data.images.preprocessing import Preprocessing
from zoo.data.images.streams import stream
from zoo.data.sources import load
from zoo.errors import ZooError

unix = pytest.mark.skipif(os.name == "nt", reason="such names and files are there on Unix alone")


@pytest.fixture
def photos(tmp_path):
    """Two classes of two pictures."""
    for number in range(4):
        path = tmp_path / "photos" / ("cats", "dogs")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (number, 0, 0)).save(path)
    return tmp_path / "photos"


def table(folder, text):
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return folder / "t.csv"


def told(dataset):
    return {os.path.basename(entry["path"]): entry["reason"] for entry in dataset.skipped}  # noqa: PTH119


@unix
@pytest.mark.parametrize("place", ["", "cats", "cats/deep"])
def test_a_link_to_a_name_that_is_too_long(place, photos):
    (photos / place).mkdir(exist_ok=True)
    (photos / place / "long.png").symlink_to("n" * 300)
    dataset = load(photos)
    assert len(dataset.splits["train"]) == 4 and "too long" in told(dataset)["long.png"].lower()


@unix
@pytest.mark.parametrize("place", ["", "cats"])
def test_pipes_sockets_and_devices_are_not_read(place, photos):
    os.mkfifo(photos / place / "pipe.png")
    (photos / place / "zero.png").symlink_to("/dev/zero")
    assert len(load(photos).splits["train"]) == 4


@unix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root enters closed folders, too")
@pytest.mark.parametrize("mode", [0, 0o444, 0o111])
def test_a_folder_that_may_not_be_entered(mode, photos):
    closed = photos / "cats" / "closed"
    closed.mkdir()
    (closed / "1.png").write_bytes(b"")
    closed.chmod(mode)
    try:
        dataset = load(photos)
    finally:
        closed.chmod(0o755)
    assert len(dataset.splits["train"]) == 4 and "ermission" in str(dataset.skipped)


@unix
def test_more_folders_in_one_another_than_python_calls_functions(photos):
    inner = os.open(photos / "cats", os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=inner)
        below = os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = below
    os.close(inner)
    try:
        assert len(load(photos).splits["train"]) == 4
    finally:
        subprocess.run(["rm", "-rf", photos / "cats/d"], check=True)  # Python's own way calls itself as well


@unix
@pytest.mark.parametrize("name", [b"H\xfcnde", b"\xff"])
def test_a_class_folder_whose_name_is_no_unicode(name, photos):
    os.rename(photos / "dogs", os.path.join(os.fsencode(photos), name))  # noqa: PTH104, PTH118
    with pytest.raises(ZooError, match="no Unicode") as error:
        load(photos)
    assert str(error.value).isprintable()


@unix
def test_a_class_folder_whose_name_is_for_terminals(photos):
    (photos / "dogs").rename(photos / "\x1b[2Jdogs")
    (photos / "\x1b[2Jdogs" / "1.png").unlink()
    with pytest.raises(ZooError, match="too little") as error:
        load(photos)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize("label", ["7" * 5000, "-" + "1" * 5000])
def test_labels_of_more_digits_than_python_reads(label, photos):
    rows = [f"photos/cats/0.png,{label}", f"photos/cats/2.png,{label}", "photos/dogs/1.png,3", "photos/dogs/3.png,3"]
    dataset = load(table(photos.parent, "path,label\n" + "\n".join(rows)))
    assert sorted(dataset.labels) == sorted(["3", label])


def test_a_path_in_a_table_that_no_file_can_have(photos):
    rows = [f"photos/{name}.png,{name[:4]}" for name in ("cats/0", "cats/2", "dogs/1", "dogs/3")]
    rows += [f"{'n' * 5000}.png,cats", "a\0b.png,cats"]
    dataset = load(table(photos.parent, "path,label\n" + "\n".join(rows)))
    assert len(dataset.splits["train"]) == 4 and [*told(dataset).values()] == ["no such file"] * 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\x1b[2J" * 999, id="escapes"),
        pytest.param("a,b\n" * 9000, id="rows"),
        pytest.param('"' + "a\n" * 9000, id="a quote left open"),
        pytest.param("path,label,split\nx,y,\x1b" + "z" * 9000, id="split"),
        pytest.param("path,label\n\x1b" * 900, id="path"),
    ],
)
def test_what_is_told_of_a_table_can_be_printed_and_has_an_end(text, tmp_path):
    with pytest.raises(ZooError) as error:
        load(table(tmp_path, text))
    assert len(str(error.value)) < 4000 and str(error.value).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "data", ["~nobody-of-that-name/photos", "n" * 300, "n" * 5000, "a\0b", "photos/" + "x/" * 3000]
)
def test_places_that_cannot_be(data):
    with pytest.raises(ZooError, match="ccepted"):
        load(data)


def test_small_pictures_take_no_time():
    """How many may wait decoded is a matter of bytes, and small ones are many."""
    pictures = Pictures([np.zeros((2, 2), np.uint8)] * 3, np.zeros(3, int), ["a"])
    begin = time.monotonic()
    for _ in range(3):
        assert len(list(stream(pictures, Preprocessing((1, 1))))) == 3
    assert time.monotonic() - begin < 1
