"""The feature cache: what it is keyed by, and that neither a crash nor a bad disk makes it lie."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from zoo.data import sources
from zoo.errors import ZooError
from zoo.transfer import cache
from zoo.transfer.cache import Cache
from zoo.transfer.features import Backbone, FeatureEngine, extract


class Colours(FeatureEngine):
    """An engine that is quick: the mean colours of each quarter of a picture."""

    calls = 0

    def __init__(self, backbone, precision="float32"):
        self.backbone, self.name, self.precision = backbone, "colours", precision

    def begin(self):
        pass

    def __call__(self, pixels):
        type(self).calls += 1
        n, height, width, channels = pixels.shape
        quarters = pixels.astype(np.float32).reshape(n, 2, height // 2, 2, width // 2, channels)
        return [quarters.mean(axis=(2, 4)).reshape(n, -1)]


class OtherPrecision(Colours):
    def __init__(self, backbone):
        super().__init__(backbone, "float16")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def backbone():
    return Backbone("efficientnet_lite0")


def look(folder, backbone, engine=Colours, views=1):
    return extract(sources.load(folder).splits["train"], engine(backbone), views)


def database():
    (file,) = (file for file in cache.folder().glob("*.sqlite") if ".damaged" not in file.name)
    return file


def test_unknown_backbones_are_refused_with_the_nearest():
    with pytest.raises(ZooError, match="did you mean 'efficientnet_lite1'"):
        Backbone("efficientnet_lit1")
    with pytest.raises(ZooError, match=r"no backbone is called 'logistic'"):
        Backbone("logistic")


def test_a_picture_is_looked_at_once_whatever_it_is_called(tiny_photos, backbone):
    first = look(tiny_photos, backbone)
    assert first.computed == 24 and first.x.shape == (24, 1, 12) and first.x.dtype == np.float32
    calls = Colours.calls
    for path in list(tiny_photos.glob("*/*.jpg")):
        path.rename(path.with_name(f"renamed {path.name}"))
    tiny_photos.rename(tiny_photos.with_name("moved"))
    again = look(tiny_photos.with_name("moved"), backbone)
    assert again.computed == 0 and Colours.calls == calls
    assert np.array_equal(np.sort(again.x, axis=0), np.sort(first.x, axis=0))


def test_a_changed_byte_is_another_picture(tiny_photos, backbone):
    look(tiny_photos, backbone)
    path = tiny_photos / "dots" / "3.jpg"
    path.write_bytes(path.read_bytes() + b"\0")
    assert look(tiny_photos, backbone).computed == 1
    assert look(tiny_photos, backbone).computed == 0


def test_another_way_of_computing_has_its_own_rows(tiny_photos, backbone):
    look(tiny_photos, backbone)
    assert look(tiny_photos, backbone, OtherPrecision).computed == 24
    assert look(tiny_photos, Backbone("efficientnet_lite1")).computed == 24
    assert len(list(cache.folder().glob("*.sqlite"))) == 3


def test_views_are_added_to_what_is_there(tiny_photos, backbone):
    plain = look(tiny_photos, backbone)
    with_views = look(tiny_photos, backbone, views=3)
    assert with_views.x.shape == (24, 3, 12) and with_views.computed == 48
    assert np.array_equal(with_views.x[:, 0], plain.x[:, 0])
    assert np.abs(with_views.x[:, 1] - with_views.x[:, 2]).max() > 1
    assert look(tiny_photos, backbone, views=2).computed == 0


def test_order_and_reasons_with_bad_files(tiny_photos, backbone):
    whole = look(tiny_photos, backbone, views=2)
    (tiny_photos / "dots" / "1.jpg").write_bytes(b"hello")
    (tiny_photos / "stripes" / "0.jpg").write_bytes(b"")
    for _ in range(2):  # from the cache as well
        found = look(tiny_photos, backbone, views=2)
        names = [sources.load(tiny_photos).splits["train"].name(i) for i in range(24)]
        bad = [i for i, name in enumerate(names) if name.endswith(("dots/1.jpg", "stripes/0.jpg"))]
        assert [item["path"] for item in found.skipped] == [names[i] for i in bad]
        assert [item["reason"] for item in found.skipped] == ["not an image: text file", "empty file"]
        assert found.kept.tolist() == [i for i in range(24) if i not in bad]
        assert len(found.digests) == 22 and np.array_equal(found.x, whole.x[found.kept])


def test_nothing_usable(tmp_path, backbone):
    pictures = sources.Pictures([b"no", b"picture"], np.array([0, 1]), ["a", "b"])
    found = extract(pictures, Colours(backbone))
    assert found.x.shape[0] == 0 and found.kept.tolist() == [] and len(found.skipped) == 2


def change(file, *statements):
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def blot(file):
    content = bytearray(file.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    file.write_bytes(content)


DAMAGE = {
    "text": lambda file: file.write_bytes(b"hello, I am no database, and I am longer than a header " * 100),
    "cut": cut,
    "empty": lambda file: file.write_bytes(b""),
    "blotted after the first page": blot,
    "of other columns": lambda file: change(file, "ALTER TABLE features DROP COLUMN checksum"),
    "of something else": lambda file: change(file, "UPDATE identity SET content = '{}'"),
    "of no JSON": lambda file: change(file, "UPDATE identity SET content = CAST(x'fffe' AS TEXT)"),
    "a null": lambda file: change(file, "UPDATE identity SET content = NULL"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_database_is_replaced(case, tiny_photos, backbone, capsys):
    first = look(tiny_photos, backbone, views=6)  # enough rows for a file of several pages
    assert database().stat().st_size > 3 * 4096
    DAMAGE[case](database())
    capsys.readouterr()
    again = look(tiny_photos, backbone, views=6)
    assert np.array_equal(again.x, first.x) and again.computed == 24 * 6
    if case != "empty":
        assert str(database()) in capsys.readouterr().err
        assert cache.folder().joinpath(f"{database().stem}.damaged.sqlite").is_file()
    assert look(tiny_photos, backbone, views=6).computed == 0


ROWS = {  # what something has made of one row in the middle of a cache
    "a flipped bit": "UPDATE features SET row = CAST(x'ff' || substr(row, 2) AS BLOB) WHERE rowid = 5",
    "not a number": "UPDATE features SET row = CAST(x'0000c07f' || substr(row, 5) AS BLOB) WHERE rowid = 5",
    "cut": "UPDATE features SET row = CAST(substr(row, 1, 20) AS BLOB) WHERE rowid = 5",
    "no whole numbers": "UPDATE features SET row = CAST(substr(row, 1, 21) AS BLOB) WHERE rowid = 5",
    "longer": "UPDATE features SET row = CAST(row || row AS BLOB) WHERE rowid = 5",
    "text": "UPDATE features SET row = 'hello' WHERE rowid = 5",
    "a number": "UPDATE features SET row = 7 WHERE rowid = 5",
    "a null": "UPDATE features SET row = NULL WHERE rowid = 5",
    "no checksum": "UPDATE features SET checksum = NULL WHERE rowid = 5",
    "of another picture": "UPDATE features SET (row, checksum) = "
    "(SELECT row, checksum FROM features WHERE rowid = 6) WHERE rowid = 5",
}


@pytest.mark.parametrize("case", ROWS)
def test_a_bad_row_is_computed_anew_and_replaced(case, tiny_photos, backbone):
    first = look(tiny_photos, backbone)
    change(database(), ROWS[case])
    again = look(tiny_photos, backbone)
    assert np.array_equal(again.x, first.x) and again.computed == 1
    assert look(tiny_photos, backbone).computed == 0


def test_rows_of_another_length_than_the_others_are_computed_anew(tiny_photos, backbone):
    first = look(tiny_photos, backbone)
    change(database(), "PRAGMA user_version = 3")
    again = look(tiny_photos, backbone)
    assert np.array_equal(again.x, first.x) and again.computed == 24
    assert look(tiny_photos, backbone).computed == 0


def test_a_picture_that_changes_between_two_looks_is_left_out(tiny_photos, backbone, monkeypatch):
    look(tiny_photos, backbone)
    change(database(), ROWS["text"])
    monkeypatch.setattr("zoo.data.images.digest", lambda data: "another")
    found = look(tiny_photos, backbone)
    assert [item["reason"] for item in found.skipped] == ["was changed while it was looked at"]


def test_without_a_folder_to_write_to_it_works_and_says_so(tiny_photos, backbone, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "file"))
    for _ in range(2):
        assert look(tiny_photos, backbone).computed == 24
        assert "not cached" in capsys.readouterr().err


def test_a_full_disk_ends_the_caching_and_not_the_work(tiny_photos, backbone, capsys):
    expected = look(tiny_photos, backbone).x
    database().unlink()
    with Cache(Colours(backbone).identity) as cache:
        cache.connection.execute("PRAGMA max_page_count = 1")  # what SQLite says is what it says of a full disk
        cache.put([("a", 0, np.zeros(5000))])
        assert "full" in capsys.readouterr().err
        cache.put([("b", 0, np.zeros(5000))])  # silent from here on
        assert not capsys.readouterr().err
    assert np.array_equal(look(tiny_photos, backbone).x, expected)


def test_keras_says_so_and_keeps_its_own_cache_where_openvino_fails(tiny_photos, backbone, monkeypatch):
    engine = FeatureEngine(backbone)
    if engine.name != "openvino":
        pytest.skip("OpenVINO is not installed")
    planned = engine.identity
    monkeypatch.setattr(type(backbone.conversion), "wait", lambda self: None)  # it could not be converted
    dataset = sources.load(tiny_photos)
    assert extract(dataset.splits["train"], engine).computed == 24
    assert (engine.name, engine.precision) == ("keras", "float32")
    with Cache(planned) as named:
        assert not named.known
    assert extract(dataset.splits["train"], engine).computed == 24
    assert extract(dataset.splits["train"], engine).computed == 0


WRITER = """
import sys, numpy as np
from zoo.transfer.features import Cache
start, count = map(int, sys.argv[1:])
with Cache({"backbone": "a", "engine": "b", "precision": "c"}) as cache:
    for batch in range(start, start + count):
        cache.put([(f"{batch} {i}", 0, np.full(1280, batch)) for i in range(32)])
        print(batch, flush=True)
"""


def writer(start, count):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(start), str(count)], stdout=subprocess.PIPE, text=True)


def rows():
    """Every row that is there, checked to be whole."""
    with Cache({"backbone": "a", "engine": "b", "precision": "c"}) as cache:
        assert cache.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for digest, view in cache.known:
            assert np.array_equal(cache.get(digest, view), np.full(1280, int(digest.split()[0])))
        return {digest for digest, _ in cache.known}


def test_six_processes_write_at_once():
    processes = [writer(start, 20) for start in (0, 10, 20, 30, 40, 40)]  # half of the rows are the same
    assert [process.wait() for process in processes] == [0] * 6
    for process in processes:
        process.stdout.close()
    assert rows() == {f"{batch} {i}" for batch in range(60) for i in range(32)}


def test_a_killed_writer_leaves_whole_batches():
    process = writer(0, 10**6)
    for _ in range(5):
        process.stdout.readline()
    time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    written = 5 + len(process.stdout.read().splitlines())
    process.wait()
    process.stdout.close()
    found = rows()
    assert len(found) % 32 == 0 and written * 32 <= len(found) <= (written + 1) * 32
    assert {f"{batch} {i}" for batch in range(written) for i in range(32)} <= found


def test_what_is_kept_can_be_seen_and_removed(tiny_photos, backbone):
    assert list(cache.cached()) == [] and cache.prune(0) == []
    look(tiny_photos, backbone)
    look(tiny_photos, backbone, OtherPrecision)
    kept = {item["precision"]: item for item in cache.cached()}
    assert set(kept) == {"float32", "float16"}
    old = kept["float16"]
    assert old["network"] == "efficientnet_lite0" and old["engine"] == "colours" and old["rows"] == 24
    assert 0 <= old["days"] < 1 and old["bytes"] > 24 * 48
    os.utime(old["path"], (time.time() - 31 * 86400,) * 2)
    assert [item["path"] for item in cache.prune(30)] == [old["path"]]
    assert [item["precision"] for item in cache.cached()] == ["float32"]
    assert look(tiny_photos, backbone, OtherPrecision).computed == 24


def test_use_keeps_from_removal(tiny_photos, backbone):
    look(tiny_photos, backbone)
    os.utime(database(), (time.time() - 31 * 86400,) * 2)
    look(tiny_photos, backbone)
    assert cache.prune(30) == []


def test_a_damaged_database_can_be_seen_and_removed(tiny_photos, backbone):
    look(tiny_photos, backbone)
    database().write_bytes(b"hello" * 1000)
    (item,) = cache.cached()
    assert item["network"] == "damaged" and item["rows"] == 0
    assert len(cache.prune(0)) == 1 and list(cache.cached()) == []
