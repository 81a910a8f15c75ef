"""The page to mail: what stands on it, where its numbers are from, and what is said where something is missing."""

import errno
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import metrics
from zoo.data import images
from zoo.inference import softmax
from zoo.tasks.images.calibration import Calibration
from zoo.transfer import report as reports

FILES = Path(__file__).parent / "files"


@pytest.fixture(scope="module")
def page(tuned, tmp_path_factory):
    """The report on `tuned`, which nobody changes, and what the call returned."""
    out = tmp_path_factory.mktemp("report") / "page.html"
    return out, zoo.report(tuned.out, out=out)


def test_the_report_has_its_parts(page, tuned):
    out, about = page
    text = out.read_text()
    wanted = ["In short", "Class by class", "What is confused", "Its worst answers", "Where it looks"]
    wanted += ["Can its probabilities be trusted?", "The photos", "Labels that may be wrong", "How it was made"]
    assert [title for title in about["sections"] if title in wanted] == wanted
    assert "Photos that are there twice" in about["sections"] and "copy.jpg" in text  # one lies in both splits
    assert about["missing"] == []
    assert all(f"<h2>{title}</h2>" in text for title in about["sections"])
    accuracy = tuned.classifier.metrics["accuracy"]
    assert f"<b>{accuracy.value:.1%}</b>".replace("%", " %") in text and f"of {accuracy.n} held-out photos" in text
    assert "learned from</" in text and "held out</" in text and "truncated" in text


def test_the_page_needs_nothing_else(page):
    text = page[0].read_text()
    assert not re.findall(r'(?:src|href)=(?!"data:|"#)', text) and "url(" not in text
    assert "default-src 'none'" in text and len(text) < 3e6


@pytest.mark.slow
def test_the_command_and_its_numbers(run, tuned):
    code, out, _ = run("report", tuned.out, "--out", "page.html", "--json")
    printed = json.loads(out)
    measured = zoo.load(tuned.out).evaluate(progress=False)
    assert code == 0 and printed["accuracy"]["value"] == measured["accuracy"].value
    low, high = metrics.proportion(measured["confusion"][0][0], 10).ci
    assert f"({100 * low:.0f} to {100 * high:.0f})" in Path("page.html").read_text()


def test_photos_that_are_gone(run, tuned, own_home, tmp_path):
    """A file that went to another machine: the page shows what it remembers, and says what it lacks."""
    shutil.copy(tuned.out, tmp_path / "pets.keras")
    code, out, err = run("report", "pets.keras", "--out", "page.html")
    text = Path("page.html").read_text()
    assert code == 0 and "Not in it: The photos" in err and "--data FOLDER" in err
    assert "Class by class" in out and "Its worst answers" not in out and "Not here: The photos" in text
    assert "<img" not in text


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["TUNED", "--out", "page.txt"], 2, "page.html"),
        (["TUNED", "--out", "page.html", "--data", "nowhere"], 1, "nowhere"),
        (["absent.keras", "--out", "page.html"], 1, "absent.keras"),
        (["TEXT", "--out", "page.html"], 2, "a report is on a classifier of photos"),
        (["TUNED", "--out", "foreign.html"], 1, "is no page that the zoo wrote"),
    ],
)
def test_what_cannot_be_reported_is_told(run, tuned, tmp_path, words, code, message):
    (tmp_path / "foreign.html").write_text("<h1>mine</h1>")
    files = {"TUNED": tuned.out, "TEXT": FILES / "language.keras"}
    ended, _, err = run("report", *[files.get(word, word) for word in words])
    assert (ended, message in err) == (code, True), err
    assert sorted(path.name for path in tmp_path.glob("*.html")) == ["foreign.html"]
    assert (tmp_path / "foreign.html").read_text() == "<h1>mine</h1>"


def test_a_full_disk_leaves_the_page_as_it_was(run, tuned, own_home, tmp_path, monkeypatch):
    shutil.copy(tuned.out, tmp_path / "pets.keras")
    run("report", "pets.keras", "--out", "page.html")
    before = Path("page.html").read_bytes()

    def write_text(self, *_, **how):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_text", write_text)
    code, _, err = run("report", "pets.keras", "--out", "page.html")
    assert code == 1 and "no space left for" in err
    assert Path("page.html").read_bytes() == before and len([*tmp_path.glob("*.html"), *tmp_path.glob(".page*")]) == 1


@pytest.mark.slow
def test_finetune_writes_it_too(run, tiny_photos):
    code, _, err = run("finetune", tiny_photos, "--unfreeze", "last", "--epochs", "1", "--report", "page.html")
    text = Path("page.html").read_text()
    assert code == 0 and "Wrote page.html" in err and "How it learned" in text and "at temperature" in text


def test_curves_of_a_training_are_beside_its_file(tmp_path):
    folder = tmp_path / "net.training"
    folder.mkdir()
    (folder / "log.csv").write_text("epoch,loss,val_loss,learning_rate\n0,2.0,2.5,0.1\n1,1.0,2.0,0.1\n")
    assert reports.logged(tmp_path / "net.keras") == {"loss": [2.0, 1.0], "val_loss": [2.5, 2.0]}
    (folder / "log.csv").write_text("loss\nmuch\n")
    assert reports.logged(tmp_path / "net.keras") == reports.logged(tmp_path / "other.keras") == {}


def test_reliability_is_counted_bin_by_bin():
    random = np.random.default_rng(0)
    confidence = random.uniform(0.3, 1, 500)
    right = random.random(500) < confidence**2  # too sure
    measured = metrics.reliability(confidence, right)
    error = 0.0
    for low in range(10):
        rows = [i for i in range(500) if low / 10 <= confidence[i] < (low + 1) / 10]
        if rows:
            error += len(rows) / 500 * abs(np.mean(confidence[rows]) - np.mean(right[rows]))
    assert measured.error == pytest.approx(error) and sum(share.n for _, share in measured.bins) == 500
    assert measured.error > measured.by_chance
    honest = metrics.reliability(confidence, random.random(500) < confidence)
    assert honest.error < honest.by_chance < measured.error


def test_the_temperature_is_the_best_there_is():
    """Neighbours on a fine grid have a larger cross-entropy."""
    random = np.random.default_rng(1)
    logits = random.normal(0, 3, (400, 4))
    y = np.array([random.choice(4, p=row) for row in softmax(logits / 2.5)])

    def loss(temperature):
        return -np.log(softmax(logits / temperature)[np.arange(400), y]).mean()

    fitted = Calibration.fit(logits, y).temperature
    assert loss(fitted) <= min(loss(temperature) for temperature in np.linspace(1.5, 3.5, 401)) + 1e-9
    np.testing.assert_allclose(Calibration(fitted, 400).probabilities(softmax(logits)), softmax(logits / fitted))


def test_the_temperature_is_kept_and_changes_no_answer(tuned, draw):
    saved = zoo.load(tuned.out)
    assert saved._calibration == tuned.classifier._calibration and saved._calibration.examples == 24
    pixels = images.decode(draw(0, 3), saved.preprocessing)
    answer = saved.predict(draw(0, 3))
    assert answer.probability == pytest.approx(softmax(saved.engine(pixels[None])[0].astype(float)).max())
    assert zoo.load(FILES / "classification.keras")._calibration is None  # of an earlier version


@pytest.mark.parametrize("temperature", [0, -1, 1e9, "1", None, True, float("nan")])
def test_a_strangers_temperature_is_refused(temperature):
    with pytest.raises((ValueError, TypeError)):
        Calibration.from_json({"temperature": temperature, "examples": 3})
