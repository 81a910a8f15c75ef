"""The doctor: what it finds in folders good and bad, and the skip list that it writes."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from zoo.data import images, sources
from zoo.data.dataset import Skipped
from zoo.data.doctor import near_duplicates
from zoo.data.doctor.examine import examine
from zoo.data.doctor.findings import KINDS, Finding, Report
from zoo.data.images import ImageError, decoding, inspect, inspection, memory, skip_list
from zoo.errors import ZooError, printable


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """Each test works in an empty folder."""
    monkeypatch.chdir(tmp_path)


def scene(number: int, width: int = 96, height: int = 72) -> Image.Image:
    """A colourful picture with large and small forms; another for each number."""
    random = np.random.default_rng(number)
    layers = [Image.fromarray(random.integers(0, 256, (side, side, 3), np.uint8)) for side in (4, 9, 20)]
    large = [np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC)) for layer in layers]
    return Image.fromarray(np.mean(large, axis=0).clip(0, 255).astype(np.uint8))


def put(path, number: int = 0, image: Image.Image | None = None, **options) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or scene(number)).save(path, **options)
    return path


def photos(root="pets", classes=("cats", "dogs"), each=10, first=0) -> Path:
    for place, name in enumerate(classes):
        for number in range(first, first + each):
            put(Path(root) / name / f"{number}.jpg", 1000 * place + number, quality=90)
    return Path(root)


def found(data, *, but=(), **arguments) -> dict[str, list[Finding]]:
    """Findings by kind, without those of some kinds."""
    kinds = {}
    for finding in examine(data, progress=False, **arguments).findings:
        if finding.kind not in but:
            kinds.setdefault(finding.kind, []).append(finding)
    return kinds


def test_good_photos_have_nothing_wrong(run):
    photos()
    before = {path: path.stat().st_mtime_ns for path in Path("pets").rglob("*")}
    report = examine("pets", progress=False)
    assert report.findings == [] and report.skip_list() == {}
    assert (report.pictures, report.usable, report.classes) == (20, 20, {"train": {"cats": 10, "dogs": 10}})
    code, out, err = run("doctor", "pets")
    assert code == 0 and "20 pictures looked at, 20 can be used" in out and "Nothing is wrong" in out and not err
    assert {path: path.stat().st_mtime_ns for path in Path("pets").rglob("*")} == before


# One bad thing each, put beside good photos: what it is called, and whether it is better left out


def encoded(image, kind, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(scene(50), "JPEG", exif=exif)


def with_wrong_checksum():
    data = bytearray(encoded(scene(51), "PNG"))
    data[data.rindex(b"IEND") - 5] ^= 255  # the last byte of the checksum before
    return bytes(data)


GREY16 = Image.fromarray(np.asarray(scene(52).convert("L")).astype(np.uint16) * 257)
FADED = scene(53).convert("RGBA")
FADED.putalpha(100)
FILES = {  # kind of finding, and the files' contents by name: (skipped, part of the detail)
    ("truncated", True, "ends before"): {"a.jpg": encoded(scene(1), "JPEG")[:1500]},
    ("damaged", True, "damaged PNG"): {"a.png": encoded(scene(1), "PNG").replace(b"IDATx", b"IDATy")},
    ("not a picture", True, "empty file"): {"a.jpg": b""},
    ("not a picture", True, "text file"): {"a.jpg": b"These are the photos of our cats."},
    ("not a picture", True, "web page"): {"a.jpg": b"<!DOCTYPE html><html>404 not found</html>"},
    ("needs a package", False, "pip install pillow-heif"): {"a.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"},
    ("too large", True, "more than 178 million"): {"bomb.png": encoded(Image.new("1", (20000, 20000)), "PNG")},
    ("wrong extension", False, "a PNG picture, usually called .png"): {"a.jpg": encoded(scene(60), "PNG")},
    ("misnamed", False, "a JPEG picture: call it .jpg"): {"a.dat": encoded(scene(60), "JPEG")},
    ("misnamed", False, "a PNG picture"): {"IMG_0001": encoded(scene(60), "PNG")},
    ("foreign", False, "not a picture: .txt"): {"notes.txt": b"cats"},
    ("foreign", False, "not a picture: .mp4"): {"film.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"},
    ("rotated", False, "EXIF"): {"a.jpg": turned()},
    ("odd mode", False, "mode CMYK"): {"a.jpg": encoded(scene(54).convert("CMYK"), "JPEG")},
    ("odd mode", False, "mode I;16"): {"a.png": encoded(GREY16, "PNG")},
    ("odd mode", False, "mode P"): {"a.png": encoded(scene(55).quantize(), "PNG")},
    ("odd mode", False, "mode 1"): {"a.png": encoded(scene(56).convert("1"), "PNG")},
    ("transparent", False, "transparent"): {"a.png": encoded(FADED, "PNG")},
    ("animation", False, "2 pictures"): {
        "a.webp": encoded(scene(57), "WEBP", save_all=True, append_images=[scene(58)])
    },
    ("wrong checksum", False, "checksum"): {"a.png": with_wrong_checksum()},
    ("extreme shape", False, "holds 10.0%"): {"a.jpg": encoded(scene(59, 400, 40), "JPEG")},
    ("tiny picture", False, "16 x 12 pixels"): {"a.png": encoded(scene(61, 16, 12), "PNG")},
    ("blank", False, "one colour"): {"a.png": encoded(Image.new("RGB", (64, 64), "red"), "PNG")},
    ("duplicate", True, "byte for byte"): {"copy.jpg": None},
    ("near duplicate", False, "nearly"): {"b.jpg": encoded(scene(0).resize((192, 144)), "JPEG", quality=50)},
}


@pytest.mark.parametrize("case", FILES, ids=lambda case: f"{case[0]} {case[2]}")
def test_one_bad_file(case):
    kind, skipped, detail = case
    photos()
    for name, content in FILES[case].items():
        path = Path("pets/cats", name)
        path.write_bytes(Path("pets/cats/0.jpg").read_bytes() if content is None else content)
    report = examine("pets", progress=False)
    assert [finding.kind for finding in report.findings] == [kind]
    finding = report.findings[0]
    assert str(path) in finding.paths and detail in finding.detail
    assert [*report.skip_list()] == ([path] if skipped else [])
    assert str(path) in str(report) and finding.advice in str(report)
    usable = len(sources.find("pets").splits["train"]) - (finding.severity == "error")
    assert report.counts[finding.severity] == 1 and report.usable == usable


def test_many_grey_levels_of_which_few_are_left():
    ramp = np.tile(np.linspace(30000, 31500, 64), (64, 1)).astype("uint16")
    put(photos() / "cats/a.png", image=Image.fromarray(ramp))
    report = examine("pets", progress=False)
    details = {finding.kind: finding.detail for finding in report.findings}
    assert details.keys() == {"narrow range", "odd mode"} and report.skip_list() == {}
    assert details["narrow range"] == "its levels span 1500, of which 6 of 255 are left"


def test_a_bomb_is_refused_without_room_for_it():
    put("pets/cats/bomb.png", image=Image.new("1", (20000, 20000)))
    assert Path("pets/cats/bomb.png").stat().st_size < 10**5
    tracemalloc.start()
    with pytest.raises(ImageError, match="million pixels"):
        inspect("pets/cats/bomb.png")
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


def test_a_file_that_is_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr(decoding, "LARGEST_FILE", 1000)
    photos(each=1)
    with pytest.raises(ImageError, match="pictures of up to"):
        images.read("pets/cats/0.jpg")
    assert [finding.detail[:9] for finding in found("pets")["too large"]] == ["a file of"] * 2


def test_pixels_by_the_dozen():
    photos()
    put("pets/cats/dot.png", image=Image.new("RGB", (1, 1)))
    put("pets/cats/line.png", image=Image.new("RGB", (1, 5000), "red"))
    assert {*found("pets")} == {"blank", "tiny picture", "extreme shape"}


def test_pictures_that_may_not_be_read(monkeypatch):
    path = photos() / "cats/3.jpg"
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything

        def open_file(file, real=decoding.open_file):
            if file.name == "3.jpg" and "cats" in file.parts:
                raise PermissionError(13, "Permission denied")
            return real(file)

        monkeypatch.setattr(decoding, "open_file", open_file)
    (finding,) = found("pets")["unreadable"]
    assert (finding.detail, finding.paths) == ("cannot be read: Permission denied", (str(path),))


def test_folders_of_every_bad_kind():
    with pytest.raises(ZooError, match="is no folder, file or dataset here"):
        examine("pets")
    Path("pets").mkdir()
    assert {*found("pets")} == {"too few classes"}
    assert str(examine("pets", progress=False)).startswith("pets: 0 pictures looked at, 0 can be used")
    photos(classes=["cats"])
    assert {*found("pets")} == {"too few classes"}
    Path("pets/dogs").mkdir()
    assert {*found("pets")} == {"too few classes", "empty class"}
    put("pets/dogs/0.jpg", 1000)
    assert {*found("pets")} == {"class too small", "imbalance"}
    put("pets/dogs/1.jpg", 1001)
    assert {*found("pets")} == {"tiny class"}
    put("pets/loose.jpg", 1002), Path("pets/LICENSE").write_text("x")
    assert {*found("pets")} == {"tiny class", "outside class folders", "foreign"}


def test_a_class_whose_pictures_cannot_be_used_is_too_small():
    photos()
    for number in range(9):
        Path(f"pets/dogs/{number}.jpg").write_bytes(b"")
    report = examine("pets", progress=False)
    assert report.classes == {"train": {"cats": 10, "dogs": 1}} and report.pictures == 20 and report.usable == 11
    assert [f.detail for f in report.findings if f.kind == "class too small"] == ["dogs: 1 usable picture to train on"]


def test_splits_of_every_bad_kind():
    photos("set/train"), photos("set/val", ["cats", "cows"], first=20)
    Path("set/unsorted").mkdir()
    kinds = found("set")
    assert {kind: findings[0].detail for kind, findings in kinds.items()} == {
        "unknown class": "cows is in validation and not in train",
        "outside class folders": "lies beside the splits' folders",
        "not measured": "dogs has no usable picture in validation",
    }
    shutil.rmtree("set/val/cows")
    photos("set/val", ["cats", "dogs"], first=20)
    assert {*found("set")} == {"outside class folders"}


def test_links():
    photos()
    Path("pets/cats/loop").symlink_to(Path("pets").resolve(), target_is_directory=True)
    Path("pets/cats/self.jpg").symlink_to("self.jpg")
    Path("pets/dogs/gone.jpg").symlink_to("nowhere.jpg")
    Path("pets/cows").symlink_to("/no/such/disk")
    kinds = found("pets")
    assert {*kinds} == {"link", "missing"}
    assert sorted(Path(f.paths[0]).name for f in kinds["missing"]) == ["cows", "gone.jpg", "self.jpg"]


def test_several_labels(run):
    photos()
    photos(classes=["cats_and_dogs"], first=30)
    assert [f.detail for f in found("pets")["combined class"]] == ["cats_and_dogs reads like cats and dogs together"]
    shutil.rmtree("pets/cats_and_dogs")
    rows = [(f"pets/{name}/{number}.jpg", name) for name in ("cats", "dogs") for number in range(10)]
    table = pd.DataFrame([*rows, ("pets/cats/0.jpg", "dogs")], columns=["path", "label"])
    table.to_csv("pets.csv", index=False)
    for data in ("pets.csv", table):
        (finding,) = found(data, but=["tiny class"])["several labels"]
        assert "'cats' in row" in finding.detail and finding.severity == "error"
        with pytest.raises(ZooError, match="skip list"):
            sources.load(data)
    assert run("doctor", "pets.csv", "--out", "skip.csv")[0] == 1
    dataset = sources.load("pets.csv", skip_list="skip.csv")
    assert len(dataset.splits["train"]) == 19
    assert run("doctor", "pets.csv", "--skip-list", "skip.csv")[0] == 0


# Copies


def copies_of_each_sort():
    """Splits in which pictures are again elsewhere: exact copies, and copies that were made smaller."""
    photos("set/train"), photos("set/val", first=20)

    def copy(source, target):
        shutil.copy(f"set/{source}", f"set/{target}")

    def smaller(source, target):
        Image.open(f"set/{source}").resize((64, 48)).save(f"set/{target}", quality=60)

    copy("train/cats/0.jpg", "train/cats/again.jpg")
    copy("train/cats/1.jpg", "val/cats/copy.jpg"), copy("train/cats/1.jpg", "val/cats/copy2.jpg")
    copy("train/cats/2.jpg", "train/dogs/cat.jpg")
    smaller("train/cats/3.jpg", "train/cats/small.jpg")
    smaller("train/cats/4.jpg", "val/cats/small4.jpg")
    smaller("train/cats/5.jpg", "val/dogs/small5.jpg")
    return "set"


def test_copies_by_where_they_are():
    report = examine(copies_of_each_sort(), progress=False)
    names = [(f.kind, *(path.removeprefix("set/") for path in f.paths)) for f in report.findings]
    assert names == [
        ("across classes", "train/cats/2.jpg", "train/dogs/cat.jpg"),
        ("across splits", "train/cats/1.jpg", "val/cats/copy.jpg", "val/cats/copy2.jpg"),
        ("across splits", "train/cats/4.jpg", "val/cats/small4.jpg"),
        ("near duplicate across classes", "train/cats/5.jpg", "val/dogs/small5.jpg"),
        ("duplicate", "train/cats/0.jpg", "train/cats/again.jpg"),
        ("near duplicate", "train/cats/3.jpg", "train/cats/small.jpg"),
    ]
    assert {str(path).removeprefix("set/"): reason for path, reason in report.skip_list().items()} == {
        "train/cats/2.jpg": "across classes: byte for byte the same as set/train/dogs/cat.jpg",
        "train/dogs/cat.jpg": "across classes: byte for byte the same as set/train/cats/2.jpg",
        "train/cats/1.jpg": "across splits: byte for byte the same as set/val/cats/copy.jpg",
        "val/cats/copy2.jpg": "across splits: byte for byte the same as set/val/cats/copy.jpg",
        "train/cats/4.jpg": "across splits: nearly the same as set/val/cats/small4.jpg",
        "train/cats/again.jpg": "duplicate: byte for byte the same as set/train/cats/0.jpg",
    }


def test_validation_of_its_own(run):
    photos("a"), photos("b", first=20)
    shutil.copy("a/cats/0.jpg", "b/cats/0.jpg")
    assert {*found("a")} == set() and {*found("a", validation="b")} == {"across splits"}
    assert run("doctor", "a", "--val", "b", "--out", "skip.csv")[0] == 1
    assert Path("skip.csv").read_text().splitlines()[1].startswith("a/cats/0.jpg,")
    code, _, err = run("doctor", "a", "--val", "b", "--skip-list", "skip.csv")
    assert code == 0 and "no picture here" not in err
    photos("set/train"), photos("set/val", first=20)
    for data, validation in (("set", "a"), ("a", "set")):
        with pytest.raises(ZooError, match="set is split already"):
            examine(data, validation)


def test_arrays_and_named_data_are_examined():
    x = np.stack([np.asarray(scene(number, 40, 40)) for number in range(20)])
    x[1] = x[0]
    report = examine((x, ["a", "b"] * 10), progress=False)
    (finding,) = report.findings
    assert (finding.kind, finding.paths) == ("across classes", ("train picture 0", "train picture 1"))
    assert report.skip_list() == {}
    assert {*found((x * 0, ["a", "b"] * 10))} == {"across classes", "blank"}  # flat pictures are not nearly the same


COPIES = {
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "double": lambda image: image.resize((image.width * 2, image.height * 2)),
    "square": lambda image: image.resize((224, 224)),
    "jpeg 30": lambda image: Image.open(io.BytesIO(encoded(image, "JPEG", quality=30))),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
    "grey": lambda image: image.convert("L"),
}


def grey(image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BOX))


@pytest.mark.slow
def test_near_duplicates_among_real_photos(shared_data):
    """The thirteen pairs that are there, by eye, and no other; each copy of every tenth photo."""
    paths = [path for name in ("hymenoptera", "flower_photos") for path in (shared_data / name).rglob("*.jpg")]
    pictures = [Image.open(path).convert("RGB") for path in sorted(paths)]
    assert len(pictures) == 1646
    small = np.array([grey(picture) for picture in pictures])
    assert [len(group) for group in near_duplicates.groups(small)] == [2] * 13
    for name, change in COPIES.items():
        changed = np.array([grey(change(picture)) for picture in pictures[::10]])
        assert len(near_duplicates.groups(np.concatenate([small[::10], changed]))) >= len(changed) - 1, name


def test_flat_and_evenly_lit_pictures_are_like_nothing():
    flat = np.zeros((3, 32, 32), np.uint8)
    slope = np.tile(np.linspace(0, 255, 32).astype(np.uint8), (3, 32, 1))
    random = np.random.default_rng(0)
    noisy = (np.full((3, 32, 32), 100) + random.integers(0, 2, (3, 32, 32))).astype(np.uint8)
    assert near_duplicates.groups(np.concatenate([flat, slope, noisy])) == []
    assert near_duplicates.groups(np.empty((0, 32, 32), np.uint8)) == []


def test_near_duplicates_are_found_across_blocks(monkeypatch):
    small = np.array([grey(scene(number)) for number in [*range(20), *range(20), 3]])
    whole, counted = near_duplicates.groups(small), []
    monkeypatch.setattr(near_duplicates, "BLOCK", 7)
    assert whole == [[number, number + 20] + [40] * (number == 3) for number in range(20)]
    assert near_duplicates.groups(small, counted.append) == whole
    assert sum(counted) == len(small)


def test_thousands_are_compared_in_seconds():
    coarse = np.random.default_rng(0).integers(0, 255, (4000, 8, 8), np.uint8)
    small = np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2)
    start = time.process_time()
    assert near_duplicates.groups(small) == []
    assert time.process_time() - start < 10
    assert near_duplicates.groups(np.repeat(small[:1], 4000, axis=0)) == [[*range(4000)]]


# Names


NAMES = ["two words.jpg", "a,b;c.jpg", "quote\"'.jpg", "ünï.jpg", "猫の写真.jpg", "new\nline.jpg", "re\rturn.jpg",
         "tab\t.jpg", " edge .jpg", "\x1b[31mred.jpg", os.fsdecode(b"bytes\xff\xfe.jpg")]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_kind(name, run):
    photos()
    path = Path("pets/cats", name)
    try:
        path.write_bytes(b"")
    except (OSError, UnicodeError):
        pytest.skip("this system has no such names")
    code, out, _ = run("doctor", "pets", "--json", "--out", "lists/skip.csv")
    (entry,) = json.loads(out)["skip_list"]
    assert code == 1 and entry["path"] == str(path)
    dataset = sources.find("pets", skip_list="lists/skip.csv")
    assert dataset.skipped == [Skipped(str(path), "on the skip list", "on the skip list: not a picture: empty file")]
    assert len(dataset.splits["train"]) == 20
    code, out, _ = run("doctor", "pets")
    assert code == 1 and "\x1b" not in out and out.encode() and out.count("\n") == 9


@pytest.mark.parametrize("encoding", ["ascii", "utf-8:strict"])
def test_output_that_cannot_be_encoded(encoding):
    for name in NAMES:
        with contextlib.suppress(OSError, UnicodeError):
            Path("pets/cats").mkdir(parents=True, exist_ok=True)
            Path("pets/cats", name).write_bytes(b"")
    command = [sys.executable, "-m", "zoo", "doctor", "pets"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 1 and b"two words.jpg" in done.stdout and b"Traceback" not in done.stderr, done.stderr


def test_printable():
    assert printable("猫 a\nb\x1b\udcff") == "猫 a\\nb\\x1b\\udcff"


# The skip list


def test_the_skip_list_cures_what_it_can(run):
    copies_of_each_sort()
    Path("set/train/cats/7.jpg").write_bytes(b"")
    code, out, err = run("doctor", "set", "--out", "skip.csv")
    assert code == 1 and "zoo finetune set --skip-list skip.csv" in err and "Wrote skip.csv: 7 pictures" in err
    code, out, err = run("doctor", "set", "--skip-list", "skip.csv")
    assert code == 0 and "on the skip list: 7" in out and "error" not in out
    dataset = sources.load("set", skip_list="skip.csv")
    counts = {split: len(pictures) for split, pictures in dataset.splits.items()}
    assert counts == {"train": 23 - 6, "validation": 24 - 1} and dataset.labels == ["cats", "dogs"]
    assert len(dataset.skipped) == 7
    assert {item["reason"].split(": ")[0] for item in dataset.skipped} == {"on the skip list"}
    # split further, and given once more as what it is: the list was heeded
    assert len(sources.load(dataset).splits["train"]) == 17


@pytest.mark.parametrize(
    ("place", "entry"),
    [("skip.csv", "pets/cats/0.jpg"), ("pets/skip.csv", "cats/0.jpg"), ("elsewhere/skip.csv", "{}/pets/cats/0.jpg")],
)
def test_a_folder_moves_with_its_list(place, entry, tmp_path, monkeypatch):
    photos()
    Path("pets/cats/0.jpg").write_bytes(b"")
    assert examine("pets", progress=False).write_skip_list(place) == 1
    assert Path(place).read_text().splitlines()[1].split(",")[0] == entry.format(tmp_path.as_posix())
    assert len(sources.find("pets", place).splits["train"]) == 19
    assert len(sources.find(tmp_path / "pets", tmp_path / place).splits["train"]) == 19
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    assert len(sources.find("link/pets", place).splits["train"]) == 19
    if place != "elsewhere/skip.csv":
        Path("moved").mkdir()
        for name in {"pets", place.split("/")[0]}:
            Path(name).rename(Path("moved", name))
        monkeypatch.chdir("moved")
        assert len(sources.find("pets", place).splits["train"]) == 19


def test_a_link_is_not_the_picture_that_it_leads_to():
    photos()
    Path("pets/cats/link.jpg").symlink_to("0.jpg")
    report = examine("pets", progress=False)
    assert [path.name for path in report.skip_list()] == ["link.jpg"]
    report.write_skip_list("skip.csv")
    assert Path("pets/cats/0.jpg") in sources.find("pets", "skip.csv").splits["train"].items


def test_lists_by_hand(capsys):
    photos(), photos("more", first=20)
    Path("skip.csv").write_bytes("\ufeffReason;Path\r\nbad light;pets/cats/0.jpg\r\n;more/dogs/20.jpg\r\n".encode())
    dataset = sources.load("pets", "more", skip_list="skip.csv")
    assert {split: len(pictures) for split, pictures in dataset.splits.items()} == {"train": 19, "validation": 19}
    assert [item["reason"] for item in dataset.skipped] == ["on the skip list: bad light", "on the skip list"]
    assert capsys.readouterr().err == ""
    Path("skip.csv").write_text("path\npets/cats/0.jpg\npets/cats/none.jpg\n")
    assert len(sources.load("pets", val_split=0.2, skip_list="skip.csv").splits["train"]) == 15
    err = capsys.readouterr().err
    assert "skip.csv: 1 of 2 entries are no picture here" in err and "none.jpg" in err


def test_a_class_that_is_skipped_altogether_is_missed():
    photos(each=2)
    Path("skip.csv").write_text("path\npets/cats/0.jpg\npets/cats/1.jpg\n")
    with pytest.raises(ZooError, match=r"found cats: 0, dogs: 2. Left out: 2, .*\(on the skip list\)"):
        sources.load("pets", skip_list="skip.csv")


LISTS = {
    "No such file": None,
    "has the columns file, why; it needs one called path": b"file,why\na.jpg,x\n",
    r"has the columns \(none\)": b"",
    "is not UTF-8": "path\nü.jpg\n".encode("latin-1"),
    "no path in row 3": b"path,reason\na.jpg,x\n,y\n",
}


@pytest.mark.parametrize("message", LISTS)
def test_bad_lists_are_explained(message, run):
    photos(each=2)
    if LISTS[message] is not None:
        Path("skip.csv").write_bytes(LISTS[message])
    for use in (sources.find, sources.load, examine):
        with pytest.raises(ZooError, match=message):
            use("pets", skip_list="skip.csv")
    code, out, err = run("doctor", "pets", "--skip-list", "skip.csv")
    assert code == 1 and not out and err.startswith("zoo doctor: ")


def test_a_list_is_written_whole_or_not_at_all(monkeypatch):
    skip_list.write("skip.csv", {Path("a.jpg"): "first"})

    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        skip_list.write("skip.csv", {Path("b.jpg"): "second"})
    assert "a.jpg,first" in Path("skip.csv").read_text() and len(list(Path().iterdir())) == 1


# The report


def test_kinds_and_reports():
    assert {severity for severity, _ in KINDS.values()} == {"error", "warning", "info"}
    many = [Finding("rotated", "turned", (f"{number}.jpg",)) for number in range(1234)]
    group = Finding("near duplicate", "nearly the same", tuple("abcdefgh"))
    report = Report("set", 1234, {"train": {f"c{number}": 1 for number in range(100)}}, [group, *many])
    text = str(report)
    assert "rotated: 1234." in text and "... and 1224 more" in text and "... and 80 more classes" in text
    assert "a, b, c and 5 more: nearly the same" in text and len(text.splitlines()) < 60
    assert text.endswith("1 warning, 1234 notes.")
    facts = json.loads(json.dumps(report.to_json()))
    assert len(facts["findings"]) == 1235 and facts["counts"] == {"error": 0, "warning": 1, "info": 1234}


def test_the_command(run):
    photos(), Path("pets/cats/0.jpg").write_bytes(b"")
    code, out, err = run("doctor", "pets", "--json")
    facts = json.loads(out)
    assert code == 1 and facts["counts"] == {"error": 1, "warning": 1, "info": 0} and "better left out" in err
    assert [finding["kind"] for finding in facts["findings"]] == ["not a picture", "tiny class"]
    code, out, err = run("doctor", "nowhere")
    assert code == 1 and not out and "is no folder" in err
    for words in (["doctor"], ["doctor", "pets", "--env"]):
        code, out, err = run(*words)
        assert code == 2 and "or --env" in err


def test_the_doctor_imports_no_framework():
    photos(each=2)
    code = (
        "import sys, zoo.cli; zoo.cli.main(['doctor', 'pets'])\n"
        "assert not {'keras', 'tensorflow', 'jax', 'torch', 'openvino'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_pictures_that_need_all_the_memory_are_decoded_one_at_a_time(monkeypatch):
    at_once, most = [], []

    def slow(image, real=inspection.turn_upright):
        at_once.append(image)
        most.append(len(at_once))
        time.sleep(0.01)
        at_once.pop()
        return real(image)

    monkeypatch.setattr(inspection, "turn_upright", slow)
    photos()
    examine("pets", progress=False)
    ordinary = max(most)
    most.clear()
    monkeypatch.setattr(inspection, "LARGE", 1000)
    monkeypatch.setattr(memory, "_budget", memory.Budget(1000))
    kinds = found("pets")
    assert max(most) == 1 < ordinary and len(kinds["large picture"]) == 20
