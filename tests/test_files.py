"""What is no file, and a disk that has no room: a sentence that names it, and nobody waits."""

import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import catalog, files
from zoo.data import sources, text_sources
from zoo.data.images import Preprocessing, decode, kind_of
from zoo.data.images.skip_list import SkipList
from zoo.data.images.streams import arrays
from zoo.errors import ZooError
from zoo.studies import rows
from zoo.tasks.text.embedding import rated
from zoo.weights import word2vec_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes and devices are files on Unix alone")


@pytest.fixture
def patience():
    """Who waits for a pipe, or reads a device to its end, fails."""

    def fail(*_):
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def listen(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


KINDS = {
    "pipe": os.mkfifo if hasattr(os, "mkfifo") else None,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": listen,
}
READERS = {  # the name of what is read, and who reads it
    "picture": ("a.png", lambda path: decode(path, Preprocessing((8, 8)))),
    "table of pictures": ("a.csv", sources.load),
    "skip list": ("a.csv", SkipList),
    "text": ("a.txt", text_sources.load),
    "pairs": ("a.tsv", text_sources.load_pairs),
    "rated pairs of words": ("a.txt", rated),
    "saved file": ("a.keras", zoo.load),
    "record of a saved file": ("a.keras", zoo.show),
    "model": ("a.py", lambda path: catalog.entry(str(path))),
    "word vectors": ("a.vec", word2vec_file.read),
    "rows of a study": ("results.json", lambda path: rows.read_rows(path.parent)),
}


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_refused_and_not_waited_for(reader, kind, tmp_path):
    name, read = READERS[reader]
    KINDS[kind](tmp_path / name)
    with pytest.raises(ZooError) as caught:
        read(tmp_path / name)
    assert reader == "picture" or name in str(caught.value)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_of_no_kind(kind, tmp_path):
    KINDS[kind](tmp_path / "a.png")
    assert kind_of(tmp_path / "a.png") is None


def test_a_folder_is_said_to_be_one(tmp_path):
    with pytest.raises(IsADirectoryError):
        files.read_bytes(tmp_path)


full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")


def fill():
    """Write to a disk that is full."""
    with Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"hello")


def write_file(path):
    with files.atomic_file(path):
        fill()


def write_folder(path):
    with files.atomic_folder(path):
        fill()


def write_temporary(path):
    with files.temporary_folder():
        fill()


@full
@pytest.mark.parametrize(
    "write, words",
    [(write_file, ["a.keras", "give a name"]), (write_folder, ["a.keras", "ZOO_HOME"]), (write_temporary, ["TMPDIR"])],
)
def test_a_full_disk_names_what_did_not_fit(write, words, tmp_path):
    with pytest.raises(OSError, match=r"no space left for /.*\. Make room on its disk, or") as caught:
        write(tmp_path / "a.keras")
    assert all(word in caught.value.strerror for word in words) and not list(tmp_path.iterdir())


def test_no_room_for_large_arrays_is_said_before_they_are_made(monkeypatch):
    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zoo.data.images.streams.IN_MEMORY", 100)
    monkeypatch.setattr(os, "posix_fallocate", no_room)
    pictures = sources.Pictures([np.zeros((9, 9), "uint8")] * 4, np.zeros(4, int), ["a"])
    with pytest.raises(OSError, match=r"no space left for /.*TMPDIR"):
        arrays(pictures, Preprocessing((8, 8)))


def test_two_exports_at_once_do_not_mix_their_files(tmp_path):
    with files.claimed(tmp_path / "a"), pytest.raises(ZooError, match="is being written by process"):
        zoo.get("logistic").export(tmp_path / "a.xml")
    assert not [*tmp_path.iterdir()]
