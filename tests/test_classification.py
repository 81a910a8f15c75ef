"""Classifiers at work: more photos, other names, thousands of pictures, doubt, what they look for and get wrong."""

import csv
import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import time
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import cli, inference, saving
from zoo.data import sources
from zoo.data.images import decoding
from zoo.errors import UsageError, ZooError
from zoo.saving.safety import RECORD
from zoo.tasks.images.novelty import NoveltyDetector

COLUMNS = ["path", "label", "probability", "is_novel", "error", "by"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model of tiny pictures that are dark or light, measured."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.keras"
    model = zoo.get("logistic", input_shape=(8, 8, 3), seed=0)
    x = np.concatenate([np.full((20, 8, 8, 3), 40, np.uint8), np.full((20, 8, 8, 3), 220, np.uint8)])
    data = (x, ["dark"] * 20 + ["light"] * 20)
    model.train(data, epochs=20, progress=False)
    assert model.evaluate(data, progress=False)["accuracy"].value == 1
    model.save(path)
    return path


# More photos


@pytest.mark.slow
def test_only_new_photos_are_computed(tmp_path, draw_photos):
    photos = tmp_path / "photos"
    draw_photos(photos / "train", {"dots": 10, "stripes": 10}, first=1500)
    draw_photos(photos / "val", {"dots": 4, "stripes": 4}, first=1600)

    def computed():
        summary = zoo.finetune(photos, out=tmp_path / "pets.keras", overwrite=True).summary
        assert zoo.load(tmp_path / "pets.keras").labels == summary["labels"]
        return summary["features"]["computed"], sum(summary["pictures"].values())

    assert computed() == (28, 28)
    draw_photos(tmp_path / "more", {"dots": 3, "stripes": 2}, first=700)
    for path in (tmp_path / "more").glob("*/*.jpg"):
        path.rename(photos / "train" / path.parent.name / path.name)
    (photos / "val" / "dots" / "1600.jpg").rename(photos / "val" / "dots" / "renamed.jpg")
    assert computed() == (5, 33)
    draw_photos(tmp_path / "third", {"dots": 4}, first=800)
    (tmp_path / "third" / "dots").rename(photos / "train" / "a third class")
    assert computed() == (4, 37)
    shutil.rmtree(photos / "train" / "stripes")
    shutil.rmtree(photos / "val" / "stripes")
    assert computed() == (0, 21)


# Other names


@pytest.fixture
def named(tiny, tmp_path):
    """Save the classifier with these names."""

    def named(*labels):
        model = zoo.load(tiny)
        model.relabel(dict(zip(model.labels, labels, strict=True)))
        model.save(tmp_path / "named.keras")
        return tmp_path / "named.keras"

    return named


NAMES = {  # what the classes are called, what is typed, what they are called then
    "one": (["dark", "light"], ["dark=spots"], ["spots", "light"]),
    "both": (["dark", "light"], ["dark=spots", "light=lines"], ["spots", "lines"]),
    "swap": (["dark", "light"], ["dark=light", "light=dark"], ["light", "dark"]),
    "in a circle, one after the other": (["dark", "light"], ["dark=light", "light=lines"], ["light", "lines"]),
    "the same": (["dark", "light"], ["dark=dark"], ["dark", "light"]),
    "Japanese": (["dark", "light"], ["dark=水玉", "light=縞 模様"], ["水玉", "縞 模様"]),
    "from Japanese": (["水玉", "縞"], ["水玉=dark"], ["dark", "縞"]),
    "spaces and signs": (["dark", "light"], ["dark= a, \"b\" & 'c' "], [" a, \"b\" & 'c' ", "light"]),
    "a sign in the new name": (["dark", "light"], ["dark=a=b"], ["a=b", "light"]),
    "a sign in the old name": (["a=b", "light"], ["a=b=c"], ["c", "light"]),
    "a sign in both": (["a=b", "light"], ["a=b=c=d"], ["c=d", "light"]),
    "a name that begins another": (["a", "a=b"], ["a=b=c", "a=d"], ["d", "c"]),
    "a name that begins with the sign": (["=", "b"], ["===", "b=c"], ["=", "c"]),
}


@pytest.mark.parametrize("case", NAMES)
def test_relabel(case, named, tiny, run):
    before, words, after = NAMES[case]
    path = named(*before)
    old, measured = path.read_bytes(), zoo.load(tiny).metrics["per_class"]
    code, out, err = run("relabel", path, *words, "--out", "other.keras", "--json")
    assert code == 0 and json.loads(out) == {"out": "other.keras", "labels": after} and not err
    assert path.read_bytes() == old
    assert run("relabel", path, *words)[0] == 0  # in place
    for file in (Path("other.keras"), path):
        loaded = zoo.load(file)
        assert loaded.labels == after == zoo.show(file).to_json()["labels"]
        assert loaded.metrics["per_class"] == dict(zip(after, measured.values(), strict=True))
        assert loaded.metrics["labels"] == after
        assert saving.read(file).members == saving.read(tiny).members  # the network is what it was


def test_relabelled_predictions(named, tiny):
    old, new = zoo.load(tiny), zoo.load(named("水玉", "縞"))
    x = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3)).astype(np.uint8)
    x[::2] //= 4
    said = [answer.label for answer in old.predict(x)]
    assert {*said} == {"dark", "light"}
    assert [{"水玉": "dark", "縞": "light"}[answer.label] for answer in new.predict(x)] == said
    plain = keras.saving.load_model(new._archive.path)
    assert np.allclose(np.asarray(plain(x)), old.engine(x)[0], 1e-5, 1e-5)
    with pytest.raises(ZooError, match="does not know: dark"):
        new.evaluate((x, said), progress=False)


REFUSED = {
    "unknown": (["drk=x"], "no class is called 'drk'; did you mean 'dark'"),
    "unknown, nothing near": (["zzz=x"], "Classes: dark, light"),
    "old and new exchanged": (["x=dark"], "no class is called 'x'"),
    "empty": (["dark="], "the new name of 'dark' is empty"),
    "blank": (["dark=  "], "the new name of 'dark' is empty"),
    "no Unicode": (["dark=\udcff"], "no Unicode text"),
    "no old name": (["=x"], "no class is called ''"),
    "no pair": (["dark"], "give OLD=NEW"),
    "nothing": ([""], "give OLD=NEW"),
    "two classes, one name": (["dark=light"], "two classes would be called light"),
    "two classes, one new name": (["dark=x", "light=x"], "two classes would be called x"),
    "one class, two names": (["dark=x", "dark=y"], "'dark' is given two names, 'x' and 'y'"),
    "one good, one bad": (["dark=x", "ligt=y"], "did you mean 'light'"),
    "other ending": (["dark=x", "--out", "a.h5"], ".keras"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_names_that_are_refused(case, named, run):
    words, said = REFUSED[case]
    path = named("dark", "light")
    old = path.read_bytes()
    code, out, err = run("relabel", path, *words)
    assert code in (1, 2) and not out and said in err and path.read_bytes() == old
    assert {file.name for file in Path().iterdir()} == {path.name}


def test_relabel_what_is_no_saved_file(run):
    assert run("relabel", "logistic", "a=b")[0] == 2
    code, _, err = run("relabel", "absent.keras", "a=b")
    assert code == 1 and "there is no file" in err


def test_relabel_where_nothing_was_measured():
    model = zoo.get("logistic", input_shape=(8, 8, 3))
    model.relabel({"class 0": "a"})
    assert model.labels == ["a", "class 1"] and model.metrics == {}
    with pytest.raises(UsageError, match="did you mean 'class 1'"):
        model.relabel({"class 2": "b"})


# Thousands of pictures


def paint(path, value=220):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (10, 10), (value,) * 3).save(path, "PNG")
    return str(path)


def rows_of(path) -> list[dict]:
    """A CSV file's rows as any program would read them."""
    with Path(path).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


ODD = ["a b.png", "a,b.png", 'a"b.png', '"', "a\nb.png", "a\rb.png", "a\r\nb.png", "\n", "写真 1.png", " a.png",
       "=1+1.png", "a;b\t.png", "'a'.png", "\\n.png", "é.png", os.fsdecode(b"\xff\xfe.png")]  # fmt: skip


def test_names_of_any_kind(run, tiny, tmp_path):
    names = []
    for number, name in enumerate(ODD):
        try:
            names.append(paint(Path("album", name if "." in name else f"{name}.png"), 40 + 180 * (number % 2)))
        except (OSError, UnicodeError):  # a system that has no such names
            continue
    assert len(names) >= 8
    expected = {name: ("dark", "light")[number % 2] for number, name in enumerate(names)}
    code, out, err = run("predict", tiny, "album", "--csv", "sub/album.csv")
    assert code == 0 and f"{len(names)} answers" in out and not err
    found = rows_of("sub/album.csv")
    assert {row["path"]: row["label"] for row in found} == expected and len(found) == len(names)
    assert all(row["error"] == row["is_novel"] == "" and 0.5 < float(row["probability"]) <= 1 for row in found)
    before = Path("sub/album.csv").read_bytes()
    code, out, _ = run("predict", tiny, "album", "--csv", "sub/album.csv", "--json")
    assert code == 0 and json.loads(out) == {"csv": "sub/album.csv", "answers": 0, "failed": 0, "kept": len(names)}
    assert Path("sub/album.csv").read_bytes() == before
    code, out, _ = run("predict", tiny, "album")
    assert code == 0 and len(out.splitlines()) == len(names)  # one line each, whatever the name
    code, out, _ = run("predict", tiny, "album", "--json")
    assert {item["path"]: item["label"] for item in json.loads(out)} == expected


def test_what_cannot_be_used_has_an_error_and_is_tried_again(run, tiny):
    paint("album/1.png")
    Path("album/2.jpg").write_text("hello")
    Path("album/3.png").write_bytes(Path("album/1.png").read_bytes()[:50])
    Path("album/4.png").write_bytes(b"")
    paint("album/sub/5.png", 40)
    Path("album/notes.txt").write_text("no picture, and not called one")
    for _ in range(2):
        code, out, err = run("predict", tiny, "album", "absent.jpg", "--csv", "a.csv", "--json")
        assert code == 1 and not err
        found = {Path(row["path"]).name: row for row in rows_of("a.csv")}
        assert set(found) == {"1.png", "2.jpg", "3.png", "4.png", "5.png", "absent.jpg"} and len(rows_of("a.csv")) == 6
        errors = {name for name, row in found.items() if row["error"]}
        assert errors == {"2.jpg", "3.png", "4.png", "absent.jpg"}
        assert all(not found[name]["label"] and not found[name]["probability"] for name in errors)
        assert "text file" in found["2.jpg"]["error"] and "empty" in found["4.png"]["error"]
        assert json.loads(out)["failed"] == 4
    assert json.loads(out) == {"csv": "a.csv", "answers": 0, "failed": 4, "kept": 2}
    for name in ("album/2.jpg", "album/3.png", "album/4.png", "absent.jpg"):
        paint(name)
    code, out, _ = run("predict", tiny, "album", "absent.jpg", "--csv", "a.csv")
    assert code == 0 and "4 answers, 0 pictures that could not be used, 2 kept" in out
    assert len(rows_of("a.csv")) == 6 and not any(row["error"] for row in rows_of("a.csv"))
    code, out, err = run("predict", tiny, "album", "gone.jpg")
    assert code == 1 and len(out.splitlines()) == 5 and "gone.jpg" in err and "1 of 6 pictures" in err


def test_folders_files_and_duplicates(run, tiny):
    paint("a/1.png")
    paint("b/2.png", 40)
    words = ("a", "b/2.png", "a/1.png", "b", "b/2.png")
    code, out, _ = run("predict", tiny, *words, "--csv", "a.csv", "--json")
    assert code == 0 and json.loads(out)["answers"] == 2
    assert [(row["path"], row["label"]) for row in rows_of("a.csv")] == [
        (str(Path("a/1.png")), "light"),
        (str(Path("b/2.png")), "dark"),
    ]
    code, out, _ = run("predict", tiny, *words, "--json")  # without a table, each word has its answer
    assert code == 0 and [item["label"] for item in json.loads(out)] == ["light", "dark", "light", "dark", "dark"]
    net = zoo.load(tiny)  # in Python the same words mean the same
    assert [item.label for item in net.predict(list(words))] == ["light", "dark", "light", "dark", "dark"]
    assert [(item.path, item.label) for item in net.predict("a")] == [(str(Path("a/1.png")), "light")]
    assert [item.path for item in net.predictions(Path("b"))] == [str(Path("b/2.png"))]
    assert net.predict("a/1.png").label == "light"
    if importlib.util.find_spec("skimage"):
        assert net.predict("chelsea").path.endswith("chelsea.png")
    Path("empty").mkdir()
    Path("c").mkdir()
    Path("c/notes.txt").write_text("hello")
    for folder in ("empty", "c"):
        code, out, err = run("predict", tiny, "a", folder, "--csv", "b.csv")
        assert code == 1 and not out and f"there is no picture in {folder}" in err and not Path("b.csv").exists()


FOREIGN = {
    "other columns": b"name,answer\na.png,cat\n",
    "one column more": b"path,label,probability,is_novel,error,by,more\n",
    "text": b"Dear diary,\ntoday I saw a cat.\n",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe\x00",
    "zeros": bytes(1000),
    "an endless field": b'path,"' + b"x" * 200_000,
    "another model's": b"path,label,probability,strange,error,by\na.png,cat,0.9,,,pets 0123456789ab\n",
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_file_that_holds_something_else_is_left_alone(case, run, tiny):
    paint("1.png")
    Path("a.csv").write_bytes(FOREIGN[case])
    code, out, err = run("predict", tiny, "1.png", "--csv", "a.csv")
    assert code == 1 and not out and "a.csv" in err and Path("a.csv").read_bytes() == FOREIGN[case]
    assert {path.name for path in Path().iterdir()} == {"1.png", "a.csv"}


def test_places_that_cannot_be_written(run, tiny):
    paint("1.png")
    Path("folder").mkdir()
    Path("file").write_text("in the way")
    for place in ("folder", "file/a.csv"):
        code, out, err = run("predict", tiny, "1.png", "--csv", place)
        assert code == 1 and not out and place in err
    assert {path.name for path in Path().iterdir()} == {"1.png", "folder", "file"}


@pytest.mark.slow
@pytest.mark.skipif(not inference.available(), reason="openvino is not installed")
def test_a_run_that_was_killed_goes_on(start, finish, tuned, copy_home, tmp_path, draw_photos):
    count, home = 128, copy_home(tmp_path / "home")
    draw_photos(tmp_path / "album", {"dots": count // 2, "stripes": count // 2}, first=2000)
    words = ("predict", tuned.out, "album", "--csv")
    killed = start(*words, "killed.csv", home=home)
    file, deadline = tmp_path / "killed.csv", time.monotonic() + 120
    while not file.exists() or file.stat().st_size < 500:
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    there = len(rows_of(file))
    assert 0 < there < count
    again = finish(*words, "killed.csv", "--json", home=home)
    assert again.returncode == 0 and json.loads(again.stdout)["kept"] >= there - 1
    assert finish(*words, "unbroken.csv", home=home).returncode == 0
    tables = [{row.pop("path"): row for row in rows_of(tmp_path / name)} for name in ("killed.csv", "unbroken.csv")]
    assert len(rows_of(file)) == count and {Path(path).name for path in tables[0]} == {
        path.name for path in (tmp_path / "album").glob("*/*.jpg")
    }
    for path, row in tables[1].items():  # the same but for rounding, as the pictures were other batches
        assert float(row.pop("probability")) == pytest.approx(float(tables[0][path].pop("probability")), abs=2e-5)
    assert tables[0] == tables[1]


# A hint where nothing fits


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A classifier of faces, and the file of it."""
    pytest.importorskip("skimage", reason="carries the faces")
    out = tmp_path_factory.mktemp("faces") / "faces.keras"
    return zoo.finetune("faces", out=out), out


def share_of_strange(model, pictures):
    return np.mean([answer.is_novel for answer in model.predict(list(pictures))])


@pytest.mark.slow
@pytest.mark.usefixtures("as_if_without_keras")
def test_the_hint_tells_strange_pictures_from_its_own(faces):
    model, out = faces
    own = sources.load("faces").splits["validation"].items
    others = {
        "textures": sources.load("textures").splits["train"].items[::3],
        "noise": np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3)).astype(np.uint8),
    }
    loaded = zoo.load(out)
    assert share_of_strange(model, own) <= 0.1
    for name, pictures in others.items():
        assert share_of_strange(model, pictures) >= 0.9, name
    sample = [*own[:6], *others["textures"][:6]]
    assert [answer.is_novel for answer in loaded.predict(sample)] == [
        answer.is_novel for answer in model.predict(sample)
    ]
    loaded.relabel({loaded.labels[0]: "renamed"})
    loaded.save(out.with_name("renamed.keras"))
    assert zoo.load(out.with_name("renamed.keras")).novelty.to_json() == loaded.novelty.to_json()


@pytest.mark.usefixtures("as_if_without_keras")
def test_the_hint_is_shown(faces, run):
    Image.fromarray(sources.load("faces").splits["validation"].items[0]).save("own.png")
    Image.fromarray(sources.load("textures").splits["train"].items[0]).save("strange.png")
    words = ("predict", faces[1], "own.png", "strange.png")
    code, out, _ = run(*words)
    assert code == 0 and ["resembles nothing" in line for line in out.splitlines()] == [False, True]
    assert [item["strange"] for item in json.loads(run(*words, "--json")[1])] == [False, True]
    assert run(*words, "--csv", "a.csv")[0] == 0
    assert [row["is_novel"] for row in rows_of("a.csv")] == ["no", "yes"]


@pytest.mark.usefixtures("as_if_without_keras")
def test_models_that_cannot_tell_say_nothing(tuned, tiny, run):
    paint("1.png")
    for path in (tiny, tuned.out):  # no features; too few pictures to learn it from
        assert zoo.load(path).novelty is None and zoo.load(path).predict("1.png").is_novel is None
    code, out, _ = run("predict", tiny, "1.png")
    assert code == 0 and "resembles" not in out
    assert json.loads(run("predict", tiny, "1.png", "--json")[1])[0]["strange"] is None


def known_of(**changed):
    good = {"centre": saving.pack(np.zeros(1280, np.float16)), "axes": saving.pack(np.zeros((2, 1280), np.float16))}
    return {**good, "limit": 0.1, **changed}


HARMFUL: dict[str, object] = {
    "no numbers": known_of(centre={"dtype": "float16", "shape": [1280], "zlib": "aGVsbG8="}),
    "too few": known_of(axes={**known_of()["axes"], "shape": [3, 1280]}),
    "a scalar": known_of(centre=saving.pack(np.float16(3))),
    "one axis": known_of(axes=saving.pack(np.zeros(1280, np.float16))),
    "no limit": known_of(limit=None),
    "not a number": known_of(limit=float("nan")),
    "text": known_of(limit="far"),
    "a list": [1],
    "true": True,
    "pictures: text": {"trained_on": "all", "held_out": "none", "complete": True},
    "pictures: other numbers": {name: saving.pack(np.zeros(3)) for name in ("trained_on", "held_out")},
    "pictures: too many": {name: saving.pack(np.zeros(10**6, np.uint64)) for name in ("trained_on", "held_out")},
    "views: too many": 10**9,
    "views: no number": "4",
}


@pytest.mark.parametrize("case", HARMFUL)
def test_what_a_file_knows_of_its_pictures_is_not_trusted(case, tuned, tmp_path):
    path = tmp_path / "changed.keras"
    with zipfile.ZipFile(tuned.out) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == RECORD:
                key = next((key for key in ("pictures", "views") if case.startswith(key)), "familiar")
                content = json.dumps({**json.loads(content), key: HARMFUL[case]}).encode()
            new.writestr(name, content)
    with pytest.raises(ZooError, match="damaged"):
        zoo.load(path)


def test_what_is_known_of_another_networks_pictures():
    with pytest.raises(ZooError, match="does not fit its model"):
        NoveltyDetector.from_json(known_of()).is_novel(np.zeros((3, 7), np.float32))


# What the first layer looks for


def test_drawings(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    unit = zoo.get("perceptron")
    unit.model.set_weights([np.array([[10.0], [3.0], [1.0]]), np.array([-3.5])])
    shapes = {"unit.png": unit.visualise(tmp_path)[0].path}
    net = zoo.get("cnn", input_shape=(12, 12, 1), variant="lean")
    shapes |= {each.path.name: each.path for each in net.visualise(tmp_path, np.zeros((20, 30), np.uint8))}
    dense = zoo.get("mlp", input_shape=(8, 8, 1), hidden=(3,)).visualise(tmp_path)
    shapes |= {each.path.name: each.path for each in dense}
    assert {*shapes} == {"unit.png", "filters.png", "activations.png", "weights.png"}
    for path in shapes.values():
        with Image.open(path) as image:
            low, high = image.convert("L").getextrema()
        assert min(image.size) > 100 and high - low > 100  # not blank
    assert cli.main(["visualise", "logistic", "--out", str(tmp_path / "l"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(tmp_path / "l" / "weights.png")]}
    with pytest.raises(ZooError, match="3 units on points"):
        zoo.get("mlp", input_shape=(2,), hidden=(3,)).visualise(tmp_path)


# What was trained on


@pytest.fixture(scope="module")
def sifted(tmp_path_factory, draw_photos):
    """A net that was trained on twelve photos, while eight were held out; and these twelve among six others."""
    folder = tmp_path_factory.mktemp("sifted")
    draw_photos(folder / "train", {"dots": 6, "stripes": 6})
    draw_photos(folder / "val", {"dots": 4, "stripes": 4}, first=100)
    draw_photos(folder / "mixed", {"dots": 3, "stripes": 3}, first=200)
    (folder / "train" / "dots" / "broken.jpg").write_bytes(b"no picture")
    shutil.copytree(folder / "train", folder / "mixed", dirs_exist_ok=True)
    net = zoo.get("logistic", input_shape=(8, 8, 3), seed=0)
    net.train(folder / "train", folder / "val", epochs=1, progress=False)
    net.save(folder / "net.keras")
    return folder


def measured_on(net, *args):
    result = net.evaluate(*args, progress=False)
    return result["accuracy"].n, result["given"], result["trained_on"], len(result["skipped"])


def test_what_was_trained_on_is_not_measured_on(sifted, capsys):
    net = zoo.load(sifted / "net.keras")
    assert measured_on(net, sifted / "mixed") == (6, 18, 12, 1)
    assert "left out, as they were trained on: 12 of the 18 pictures in mixed" in capsys.readouterr().err
    assert "the 6 of the 18 examples that were not trained on" in net._format_result(net.evaluate(sifted / "mixed"))
    for split in ("all", "train"):
        assert measured_on(net, sifted / "mixed", split) == (18, 18, 12, 1)
        assert "(trained on: 12 of its 18 examples)" in net._format_result(net.evaluate(sifted / "mixed", split))
    assert measured_on(net, sifted / "val") == measured_on(net) == (8, 8, 0, 0)
    assert measured_on(net, None, "all") == (12, 12, 12, 1)
    with pytest.raises(ZooError, match=r"all 12 pictures in the train split of train were trained on.* --split all"):
        net.evaluate(sifted / "train")
    assert net.metrics["given"] == net.metrics["trained_on"] == 12  # the latest that was measured, and is saved so


def test_every_picture_is_read_once(sifted, monkeypatch):
    reads = []
    monkeypatch.setattr("zoo.data.images.streams.read", lambda item: reads.append(item) or decoding.read(item))
    monkeypatch.setattr("zoo.data.images.pictures.digest", lambda item: reads.append(item) or decoding.digest(item))
    net = zoo.load(sifted / "net.keras")
    net.evaluate(sifted / "mixed", progress=False)
    net.train(sifted / "mixed", sifted / "val", epochs=1, progress=False)
    assert len(reads) == 19 + 19 + 8 and all(isinstance(item, Path) for item in reads)
    with pytest.raises(ZooError, match="were trained on"):  # what was trained on before and what is since
        net.evaluate(sifted / "mixed", progress=False)


def test_a_file_from_before_cannot_tell(sifted, tmp_path):
    net = zoo.load(sifted / "net.keras")
    config = {key: value for key, value in net.get_config().items() if key != "pictures"}
    old = type(net).from_config(config)
    old.model.set_weights(net.model.get_weights())
    assert measured_on(old, sifted / "mixed") == (18, 18, None, 1)
    assert "whether its examples were trained on cannot be told" in old._format_result(old.evaluate(sifted / "val"))
    old.train(sifted / "train", epochs=1, progress=False)
    assert measured_on(old, sifted / "mixed") == (6, 18, None, 1)
    assert measured_on(old, sifted / "mixed", "all") == (18, 18, 12, 1)  # what it can tell
    assert measured_on(old, sifted / "val") == (8, 8, None, 0)


def test_what_was_learned_goes_with_its_weights(sifted, tmp_path):
    """The known pictures, and what they have in common: of a training by the zoo, and of one by plain Keras."""
    net = zoo.load(sifted / "net.keras")
    net.novelty = NoveltyDetector.from_json(known_of())
    net.save(tmp_path / "net.keras")
    by_zoo, by_keras, same = (zoo.load(tmp_path / "net.keras") for _ in range(3))
    by_zoo.train(sifted / "train", epochs=1, progress=False)
    by_keras.model.compile("sgd", "mse")
    by_keras.model.fit(np.ones((2, 8, 8, 3)), np.ones((2, 1)), verbose=0)
    for net, trained_on in ((by_zoo, 12), (by_keras, None), (same, 12)):
        assert net.model
        net.save(tmp_path / "changed.keras", overwrite=True)
        again = zoo.load(tmp_path / "changed.keras")
        assert (again.novelty is not None) == (net is same)
        assert measured_on(again, sifted / "mixed") == (6, 18, trained_on, 1)
    sentence = by_keras._format_result(by_keras.evaluate(sifted / "mixed", progress=False))
    assert "the 6 of the 18 examples that are not known to have been trained on" in sentence


def test_where_the_data_lay_is_known_here_alone(sifted, tmp_path, monkeypatch):
    shutil.copytree(sifted, tmp_path / "here")
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    net.train(tmp_path / "here" / "train", tmp_path / "here" / "val", epochs=1, progress=False)
    net.save(tmp_path / "net.keras")
    with zipfile.ZipFile(tmp_path / "net.keras") as archive:
        assert str(tmp_path).encode() not in archive.read(RECORD)
    net = zoo.load(tmp_path / "net.keras")
    shutil.rmtree(tmp_path / "here" / "val" / "dots")
    assert measured_on(net) == (4, 4, 0, 0)
    (tmp_path / "here" / "val").rename(tmp_path / "elsewhere")
    with pytest.raises(ZooError, match=r"here/val, which is not there any more\..*zoo evaluate FILE"):
        net.evaluate()
    assert measured_on(net, tmp_path / "elsewhere") == (4, 4, 0, 0)
    draw = tmp_path / "here" / "val"
    shutil.copytree(sifted / "train", draw)
    with pytest.raises(ZooError, match="none of the 8 pictures that were held out is in val any more"):
        net.evaluate()
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "another machine"))
    with pytest.raises(ZooError, match="made from train, which this machine does not know"):
        net.evaluate()


def test_arrays_points_and_named_datasets_that_were_trained_on():
    x = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    net.train((x[:8], ["a", "b"] * 4), epochs=1, progress=False)
    assert measured_on(net, (x, ["a", "b"] * 6)) == (4, 12, 8, 0)
    assert measured_on(net, (x[:8], ["a", "b"] * 4)) == (8, 8, 8, 0)  # none is left: whether it learns at all
    with pytest.raises(ZooError, match="made from arrays"):
        net.evaluate()
    points = zoo.get("perceptron")
    points.train("eat_it", epochs=1, progress=False)
    assert measured_on(points) == (8, 8, 8, 0)  # points repeat by nature
    faces = zoo.get("logistic", input_shape=(25, 25, 1))
    assert measured_on(faces, "faces") == (60, 60, 0, 0)
    faces.train(sources.find(sources.find("faces").splits["validation"]), epochs=1, progress=False)
    assert measured_on(faces, "faces") == (60, 60, 60, 0)  # as everybody measures on it


# What it gets wrong


@pytest.fixture
def evaluation():
    """A net that says "light" of whatever is bright, and pictures of which three are called otherwise."""
    net = zoo.get("logistic", input_shape=(4, 4, 1))
    net._match_classes(["dark", "light <b>"])
    net.model.set_weights([np.full((16, 1), 1.0), np.array([-8.0])])
    levels = [10, 20, 100, 160, 200, 250]
    x = np.stack([np.full((4, 4), level, np.uint8) for level in levels])
    return net.evaluate((x, ["dark", "light <b>", "light <b>", "dark", "light <b>", "dark"]), progress=False)


def test_errors_come_with_the_most_confident_first(evaluation):
    errors = evaluation.errors()
    assert [e.name for e in errors] == ["picture 5", "picture 1", "picture 3", "picture 2"]
    assert [e.truth for e in errors] == ["dark", "light <b>", "dark", "light <b>"]
    assert all(a.probability >= b.probability for a, b in itertools.pairwise(errors))
    assert errors[0].pixels.shape == (4, 4, 1) and errors[0].pixels.max() == 250 and len(evaluation.errors(2)) == 2
    assert evaluation["accuracy"].value == pytest.approx(2 / 6)


def test_of_very_many_classes_no_confusions_are_counted(tmp_path, monkeypatch):
    """A hundred thousand classes, which a small file may have, would have as many rows and columns."""
    monkeypatch.setattr("zoo.tasks.images.classification.CONFUSED", 1)
    net = zoo.get("logistic", seed=0, input_shape=(8, 8, 3))
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3)).astype("uint8")
    evaluation = net.evaluate((pixels, [0, 1] * 3), split="train", progress=False)
    assert evaluation["confusion"] is None and evaluation["accuracy"].n == 6
    evaluation.page(tmp_path / "wrong.html", "net")
    assert "<table" not in (tmp_path / "wrong.html").read_text()


def test_the_page_of_errors(evaluation, tmp_path):
    evaluation.page(tmp_path / "wrong.html", "net on <data>")
    text = (tmp_path / "wrong.html").read_text()
    assert text.count("<img ") == 4 and text.count("data:image/png;base64,") == 4 and "<b>" not in text
    assert "dark taken for light &lt;b&gt;: 2" in text and "33.3%" in text and "net on &lt;data&gt;" in text
    assert not re.findall(r'(src|href)="(?!data:)', text)  # it stands alone
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.html"]


def test_evaluate_errors_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = zoo.get("logistic", input_shape=(25, 25, 1))
    net._match_classes(["face", "not a face"])
    net.save("a.keras")
    assert cli.main(["evaluate", "a.keras", "faces", "--errors", "wrong.html", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["accuracy"]["n"] == 60 and "wrong.html: 30 mistakes" in err
    assert Path("wrong.html").read_text().count("<img ") == 30
    assert cli.main(["evaluate", "a.keras", "faces", "--errors", "wrong.txt"]) == 2
