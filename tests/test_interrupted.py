"""Work that is killed, told to end, run twice at once or has no room: nothing is half done, or done twice."""

import contextlib
import csv
import functools
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import zoo
from zoo import inference

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not inference.available(), reason="openvino is not installed")]
PATIENCE = 900  # seconds; beside other work a training takes minutes
STARTER = "import zoo, sys; from zoo.__main__ import run; print('up', flush=True); sys.exit(run())"
COUNT = 96  # pictures: three batches to train on, each cached when it is computed, and one to measure on


@pytest.fixture(scope="module")
def photos(tmp_path_factory, draw_photos):
    return draw_photos(tmp_path_factory.mktemp("interrupted") / "photos", {"dots": COUNT // 2, "stripes": COUNT // 2})


@dataclass
class Place:
    """Where a run works: its cache, and the file that it saves."""

    home: Path
    out: Path

    def committed(self, photos: Path) -> int:
        """How many of the pictures have their features in the cache, which is whole."""
        known = set()
        for file in self.home.glob("features/*.sqlite"):
            with contextlib.closing(sqlite3.connect(file)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'features'").fetchone():
                    known |= {digest for (digest,) in connection.execute("SELECT digest FROM features")}
        return len(known & {hashlib.sha256(path.read_bytes()).hexdigest() for path in photos.glob("*/*.jpg")})

    def is_whole(self) -> bool:
        """Whether the file is there; if so, all of it is."""
        if self.out.exists():
            assert zoo.load(self.out).labels == ["dots", "stripes"]  # which compares all hashes
        return self.out.exists()

    def litter(self) -> list[str]:
        """Unfinished files, which only a run that goes on should have."""
        return [str(path) for path in (*self.out.parent.glob(".*"), *self.home.glob("*/.*"))]


@pytest.fixture(scope="module")
def place(tmp_path_factory, copy_home):
    """Make a place to work in: with the backbone converted (warm), or with an empty cache."""

    def place(warm: bool = True) -> Place:
        folder = tmp_path_factory.mktemp("place")
        (folder / "out").mkdir()
        return Place(copy_home(folder / "home") if warm else folder / "home", folder / "out" / "a.keras")

    return place


@pytest.fixture(scope="module")
def finetune(start, photos):
    """Start fine-tuning in a place."""
    return lambda place, **how: start("finetune", photos, "--out", place.out, "--json", home=place.home, **how)


def said_by(process) -> dict:
    """What a run says that must end well."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and "Traceback" not in err, err
    return json.loads(out)


@pytest.fixture(scope="module")
def seconds(finetune, place, photos):
    """How long a warm run takes on this machine today."""
    begin, here = time.monotonic(), place()
    assert said_by(finetune(here))["features"]["computed"] == COUNT
    assert here.is_whole() and here.committed(photos) == COUNT and not here.litter()
    return time.monotonic() - begin


@pytest.fixture(scope="module")
def moments(seconds, pytestconfig):
    """When to strike."""

    def moments(what: str, cold: int):
        """Whether the cache is warm, one time in `cold` it is not, and after how many seconds."""
        drawn = random.Random(f"{what} {pytestconfig.getoption('--moments')}")
        for number in range(pytestconfig.getoption(what)):
            warm = number % cold != cold - 1
            yield warm, drawn.random() * seconds * (1 if warm else 3)

    return moments


def wait_for_group(group: int) -> None:
    """Until the last process of a group has ended, the one that converts too, soon after the first."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process group {group} goes on")


@pytest.fixture(scope="module")
def predict(start, tuned, photos):
    """Start to write what the photos show into a table."""
    words = ("predict", tuned.out, photos, "--csv")
    return lambda place, **how: start(*words, place.out.with_suffix(".csv"), "--json", home=place.home, **how)


@pytest.fixture(scope="module")
def train(start, photos):
    """Start, or go on with, a training that is repeatable."""
    words = ("train", "logistic", "--data", photos, "--size", 16, "--epochs", 60, "--seed", 1, "--json", "--out")
    return lambda place, *more: start(*words, place.out, *more, home=place.home)


@pytest.fixture(scope="module")
def unbroken(predict, train, place):
    """What these give when nobody kills them, computed when first asked for."""

    @functools.cache
    def unbroken(kind):
        here = place()
        result = said_by({"predict": predict, "train": train}[kind](here))
        return result["history"] if kind == "train" else answers(here)

    return unbroken


def answers(place) -> dict[str, str]:
    """The labels in a table of predictions, each picture once."""
    with place.out.with_suffix(".csv").open(newline="") as file:
        rows = [(row["path"], row["label"]) for row in csv.DictReader(file)]
    assert len(rows) == len(dict(rows)) and all(label for _, label in rows)
    return dict(rows)


def test_killed(finetune, predict, train, start, unbroken, place, seconds, photos, moments):
    """Whatever is killed leaves nothing half done, and ends as if nobody had killed it when it is begun again."""
    for number, (warm, moment) in enumerate(moments("--kills", 4)):
        kind, here = ("finetune", "predict", "finetune", "train", "prune")[number % 5], place(warm)
        begin = {"finetune": finetune, "predict": predict, "train": train}.get(kind)
        if kind == "prune":
            said_by(finetune(here))
            here.out.unlink()
            process = start("cache", "--prune", 0, home=here.home)
            moment /= 6
        else:
            process = begin(here)
            moment *= 4 if kind == "train" else 1  # a framework is imported, and there is more to do
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        committed = here.committed(photos)
        whole = kind != "train" and here.is_whole()
        print(f"{kind} killed after {moment:.2f} of {seconds:.1f} s, {warm=}: {committed} pictures cached, {whole=}")
        if kind == "predict":
            result = said_by(predict(here))
            assert result["answers"] + result["kept"] == COUNT and answers(here) == unbroken(kind)
        elif kind == "train":
            resumable = here.out.with_suffix(".training").joinpath("resume.npz").exists()
            assert said_by(train(here, *["--resume"] * resumable))["history"] == unbroken(kind)
        else:
            assert said_by(finetune(here))["features"]["computed"] == COUNT - committed
            assert here.is_whole() and here.committed(photos) == COUNT
        assert not [*here.out.parent.glob(".*")]


def test_interrupted(finetune, predict, place, seconds, photos, moments):
    """By Ctrl-C, which goes to all processes or to one, or by SIGTERM, which goes to one."""
    for number, (warm, moment) in enumerate(moments("--interrupts", 3)):
        here, way = place(warm), (signal.SIGINT, signal.SIGTERM)[number % 2]
        process = (predict if number % 5 == 4 else finetune)(here, command=("-c", STARTER))
        assert process.stdout.readline() == "up\n"  # Python's own start is not ours to speak in
        time.sleep(0.1 + 0.9 * moment)
        os.killpg(process.pid, way) if number % 4 == 0 else process.send_signal(way)
        out, err = process.communicate(timeout=60)
        wait_for_group(process.pid)
        print(f"{way.name} after {moment:.2f} of {seconds:.1f} s, {warm=}: {process.returncode} {err[-30:]!r}")
        assert "Traceback" not in err and "Exception ignored" not in err, err
        assert not here.litter() and here.committed(photos) <= COUNT
        if process.returncode != 0:  # else it was quicker than usual
            assert process.returncode == 128 + way and not out and "interrupted" in err
        assert here.is_whole() or process.returncode or number % 5 == 4


def test_interrupted_while_it_starts(start, tmp_path):
    for milliseconds in (3, 10, 20, 40, 60, 100):
        process = start("finetune", "faces", command=("-c", STARTER), home=tmp_path / "home")
        assert process.stdout.readline() == "up\n"
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130 and "interrupted" in err and "Traceback" not in err, err


def test_two_at_once(finetune, place, photos):
    here = place()
    both = [finetune(here), finetune(here)]
    errors = [process.communicate(timeout=300)[1] for process in both]
    for first, second in ((0, 1), (1, 0)):
        if both[second].returncode == 1:
            assert f"a.keras is being written by process {both[first].pid}, since" in errors[second]
    assert 0 in (both[0].returncode, both[1].returncode)  # both, where one began when the other had ended
    assert here.is_whole() and here.committed(photos) == COUNT and not here.litter()
    assert [path.name for path in here.out.parent.iterdir()] == [here.out.name]


def test_six_at_once_on_a_fresh_cache(start, photos, tmp_path):
    places = [Place(tmp_path / "home", tmp_path / f"{number}" / "a.keras") for number in range(6)]
    for here in places:
        here.out.parent.mkdir()
    runs = [start("finetune", photos, "--out", here.out, "--json", home=here.home) for here in places]
    results = [said_by(run) for run in runs]
    assert len({json.dumps(result["validation"]["accuracy"]) for result in results}) == 1
    for here in places:
        assert here.is_whole() and here.committed(photos) == COUNT and not here.litter()


# No room, no permission


@pytest.fixture
def mounted(tmp_path):
    """A small disk of its own, which can be filled, or made read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        return subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False).returncode == 0

    if os.name == "nt" or not shutil.which("mount") or not mount("-t", "tmpfs", "-o", "size=96m", "none"):
        pytest.skip("no small disk can be mounted here: that takes Linux and root")
    yield folder, lambda: mount("-o", "remount,ro")
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no room."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def test_a_full_cache_ends_the_caching_and_not_the_work(mounted, warm_home, finetune, tmp_path):
    disk, _ = mounted
    shutil.copytree(warm_home, disk / "home")
    fill(disk)
    here = Place(disk / "home", tmp_path / "out" / "a.keras")
    process = finetune(here)
    found = said_by(process)
    assert found["features"]["computed"] == COUNT and found["validation"]["accuracy"]["value"] >= 0.9
    assert here.is_whole() and not here.litter()


def test_a_read_only_cache_is_used_and_not_written(mounted, warm_home, start, photos, tmp_path):
    disk, make_read_only = mounted
    shutil.copytree(warm_home, disk / "home")
    assert make_read_only()
    here = Place(disk / "home", tmp_path / "out" / "a.keras")
    process = start("finetune", photos, "--out", here.out, home=here.home, cwd=tmp_path)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and f"{COUNT} computed by openvino" in out and here.is_whole()
    assert "not cached" in err and "Read-only" in err and "ZOO_HOME" in err and "Traceback" not in err


def test_a_cache_without_room_for_the_network_is_said_and_not_remembered(mounted, start):
    disk, _ = mounted
    fill(disk)
    program = {"command": ("-P", "-m", "zoo.convert"), "KERAS_BACKEND": "openvino", "home": disk / "home"}
    folder = disk / "networks" / "a"
    (disk / "filler").write_bytes(bytes(94 * 2**20))  # room for the folder, not for the network
    process = start(folder, "{}", "efficientnet_lite0", "imagenet", **program, cwd=disk)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1 and f"there is no space left for {folder}. Make room" in err
    assert not any(folder.parent.iterdir())


@pytest.mark.parametrize("why", ["there is no space left for {}. Make room", "{} cannot be written: Read-only"])
def test_nowhere_to_save(why, mounted, copy_home, finish, photos, tmp_path):
    disk, make_read_only = mounted
    (disk / "old.keras").write_text("an older file")
    fill(disk) if "space" in why else make_read_only()
    before = sorted(path.name for path in disk.iterdir())
    done = finish("finetune", photos, "--out", disk / "old.keras", "--overwrite", home=copy_home(tmp_path / "home"))
    assert done.returncode == 1 and not done.stdout
    assert why.format(disk / "old.keras") in done.stderr
    assert sorted(path.name for path in disk.iterdir()) == before
    assert (disk / "old.keras").read_text() == "an older file"


def test_interrupted_in_code_that_runs_from_a_string(tmp_path, start):
    """As dataclasses are made: Python would end itself with the signal, though the interruption was dealt with."""
    (tmp_path / "struck.py").write_text(
        "import sys, zoo.cli, zoo.__main__\n"
        "def main():\n"
        "    try:\n"
        "        exec('raise KeyboardInterrupt')\n"
        "    except KeyboardInterrupt:\n"
        "        return 130\n"
        "zoo.cli.main = main\n"
        "sys.exit(zoo.__main__.run())\n"
    )
    process = start(home=tmp_path, command=("-m", "struck"), cwd=tmp_path)
    process.communicate(timeout=60)
    assert process.returncode == 130
