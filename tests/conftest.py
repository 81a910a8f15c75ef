"""What the tests share: a cache of their own, small separable photos, and the shared data where it is there."""

import contextlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import catalog, saving


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=2, help="how many runs test_interrupted.py kills (2)")
    parser.addoption("--interrupts", type=int, default=2, help="how many runs it interrupts (2)")
    parser.addoption("--moments", type=int, default=0, help="the seed of the moments at which it does so (0)")


def pytest_collection_modifyitems(items):
    """Files that take longest begin first, so that no process is left alone with one of them at the end."""
    longest = ("test_contract", "test_interrupted", "test_studies", "test_inference", "test_cli")
    items.sort(key=lambda item: item.path.stem not in longest)


@pytest.fixture(scope="session", autouse=True)
def zoo_home(tmp_path_factory):
    """One empty cache for the whole session, and the shared datasets beside the checkout where they are there."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    with pytest.MonkeyPatch.context() as patch:
        if "ZOO_DATA" not in os.environ and beside.is_dir():
            patch.setenv("ZOO_DATA", str(beside))
        home = tmp_path_factory.mktemp("zoo-home")
        patch.setenv("ZOO_HOME", str(home))
        patch.setenv("TFDS_DATA_DIR", str(home / "tfds"))
        for file in (Path(__file__).parent / "files").glob("*.keras"):  # they were made here: nothing is to be tried
            saving.read(file, catalog.definition).trust()
        yield home


@pytest.fixture
def own_home(zoo_home, tmp_path, monkeypatch):
    """A cache of the test's own, which knows no more than that the models made here were made here."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "tried").symlink_to(zoo_home / "tried")
    monkeypatch.setenv("ZOO_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def shared_data():
    """The folder of the shared datasets, or a skip that says where it was looked for."""
    places = [Path(folder) for folder in os.environ.get("ZOO_DATA", "").split(os.pathsep) if folder]
    for place in places:
        if (place / "hymenoptera").is_dir():
            return place
    pytest.skip("no shared datasets: set ZOO_DATA to a folder that holds hymenoptera/")


def draw_photo(kind: int, number: int, size: int = 48) -> Image.Image:
    """A noisy picture, the same on every day: dots on red (0) or stripes on blue (1)."""
    random = np.random.default_rng([kind, number])
    y, x = np.mgrid[:size, :size]
    shift, period = random.integers(0, 8), random.integers(6, 12)
    stripes = ((x + shift) % period < period // 2) * 120.0
    dots = ((x + shift) % period < 3) * ((y + shift) % period < 3) * 120.0
    picture = np.full((size, size, 3), [[150, 60, 60], [60, 60, 150]][kind], float)
    picture += (dots, stripes)[kind][..., None] + random.normal(0, 12, (size, size, 3))
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def make_photos(folder: Path, counts: dict[str, int], first: int = 0) -> Path:
    """A folder of class folders; the first class has dots, the second stripes."""
    for kind, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for number in range(first, first + count):
            draw_photo(kind, number).save(folder / name / f"{number}.jpg", quality=92)
    return folder


@pytest.fixture(scope="session")
def draw():
    """`draw_photo`, for tests that want one."""
    return draw_photo


@pytest.fixture(scope="session")
def draw_photos():
    """`make_photos`, for tests that want photos of their own."""
    return make_photos


@pytest.fixture
def tiny_photos(tmp_path):
    """Two folders of twelve photos each that anybody can tell apart."""
    return make_photos(tmp_path / "photos", {"dots": 12, "stripes": 12})


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder: exit code, standard output, standard error; never a traceback."""
    from zoo import cli

    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsys.readouterr()
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


@dataclass
class Tuned:
    """A folder of photos, one damaged, and the classifier that was made of it."""

    photos: Path
    classifier: object
    out: Path


@pytest.fixture(scope="session")
def tuned(tmp_path_factory):
    """A fine-tuned classifier with split folders: 12 photos a class to train on, 10 to measure on."""
    import zoo

    folder = tmp_path_factory.mktemp("tuned")
    photos = make_photos(folder / "photos" / "train", {"dots": 12, "stripes": 12}).parent
    make_photos(photos / "val", {"dots": 10, "stripes": 10}, first=100)
    shutil.copy(photos / "val" / "dots" / "100.jpg", photos / "train" / "dots" / "copy.jpg")
    (photos / "train" / "dots" / "broken.jpg").write_bytes((photos / "train" / "dots" / "0.jpg").read_bytes()[:200])
    out = folder / "tuned.keras"
    return Tuned(photos, zoo.finetune(photos, out=out), out)


@pytest.fixture(scope="session")
def warm_home(tuned, zoo_home, tmp_path_factory):
    """A cache with the backbone of `tuned` and its saved file converted, and no features."""
    home = tmp_path_factory.mktemp("warm-home")
    shutil.copytree(zoo_home / "tried", home / "tried")
    for identity in (zoo_home / "networks").glob("*/identity.json"):
        if json.loads(identity.read_text())["network"] in (tuned.classifier.name, tuned.out.stem):
            shutil.copytree(identity.parent, home / "networks" / identity.parent.name)
    return home


@pytest.fixture
def as_if_without_keras(monkeypatch):
    """Let a task in this process go the way that it goes where nothing has imported Keras."""
    monkeypatch.setattr("zoo.tasks.task.sys", types.SimpleNamespace(modules={}))


@pytest.fixture(scope="session")
def copy_home(warm_home):
    """Make a copy of that cache, as a new folder; the networks' files, which nobody changes, are the same."""

    def copy_home(folder: Path) -> Path:
        shutil.copytree(warm_home, folder, copy_function=os.link)
        return folder

    return copy_home


@pytest.fixture(scope="session")
def start():
    """Start `zoo WORDS` with a cache of its own, in a process group of its own; what is left of it is killed."""
    started = []

    def start(*words, home, command=("-m", "zoo"), cwd=None, **environment):
        # what the zoo sets here to quiet a framework would make its import talk there
        inherited = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
        process = subprocess.Popen(
            [sys.executable, *command, *map(str, words)],
            cwd=cwd or home.parent,
            env={**inherited, "ZOO_HOME": str(home), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,
            # a job in the background, as CI may run this, ignores Ctrl-C and so would its children
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture(scope="session")
def finish(start):
    """Run `zoo WORDS` to its end, as `start` would; it may fail, but never with a traceback."""

    def finish(*words, **options):
        process = start(*words, **options)
        out, err = process.communicate(timeout=300)
        assert "Traceback" not in err and "Exception ignored" not in err, err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    return finish


@pytest.fixture
def fresh_register(monkeypatch):
    """What a test registers is forgotten after it; the shelves' own models stay known."""
    import zoo
    from zoo import catalog, registry

    for name in zoo.list():
        catalog.entry(name)
    monkeypatch.setattr(registry, "ENTRIES", (entries := dict(registry.ENTRIES)))
    monkeypatch.setattr(catalog, "ENTRIES", entries)


class Handler(http.server.BaseHTTPRequestHandler):
    """Behaves as badly as its server is told to."""

    def do_GET(self):
        server = self.server
        requested = self.headers.get("Range")
        server.asked.append(requested)
        if self.path == "/absent":
            return self.send_error(404)
        start = int(requested.removeprefix("bytes=").rstrip("-")) if requested and server.ranges else 0
        if start and start >= len(server.body):
            return self.send_error(416)
        self.send_response(302 if server.leads_to else 206 if start else 200)
        if server.leads_to:
            self.send_header("Location", server.leads_to)
        if server.length is not None:
            self.send_header("Content-Length", server.length or str(len(server.body) - start))
        self.end_headers()
        rest = server.body[start:]
        if server.cuts:
            rest = rest[: server.cuts.pop(0)]
            self.close_connection = True
        with contextlib.suppress(ConnectionError):
            while server.drips and not server.over.wait(0.01):
                self.wfile.write(rest[:1])
                rest = rest[1:]
            self.wfile.write(rest)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A server on this machine: what it was asked for, what it has, and after how many bytes it breaks off."""
    from zoo import download

    monkeypatch.setattr(download, "PAUSE", 0)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.ranges, server.cuts, server.body = [], True, [], b""
    # what it says of the length, None for nothing; another address; whether it sends a byte at a time
    server.length, server.leads_to, server.drips, server.over = "", None, False, threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()
