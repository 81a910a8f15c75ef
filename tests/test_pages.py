"""Pages as people see them, in a real Chromium, wide and narrow, light and dark: pytest -m browser."""

import re

import numpy as np
import pytest

import zoo
from browser import CHROMIUM, browser
from zoo.metrics import proportion, reliability
from zoo.tasks.images.evaluation import Misclassified
from zoo.visualization import report_page as parts
from zoo.visualization.pages import page, page_output, write_errors_page, write_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium"),
]
HOSTILE = "<img src=http://example.org/x onerror=alert(1)>"
SIZES = [(360, False), (360, True), (1280, False), (1280, True)]
CONTRAST = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const shares = colour.slice(0, 3).map((n) => n / 255);
    const linear = shares.map((n) => n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (node) => {
    if (!node) return [255, 255, 255];
    const colour = numbers(getComputedStyle(node).backgroundColor), share = colour[3] ?? 1;
    return share === 1 ? colour : behind(node.parentElement).map((n, i) => n * (1 - share) + colour[i] * share);
  };
  return [...document.querySelectorAll("h1, p, li, figcaption, th, td, a, .card span, svg text")].map((node) => {
    const style = getComputedStyle(node);
    const text = light(numbers(node.closest("svg") ? style.fill : style.color)), paper = light(behind(node));
    return [(Math.max(text, paper) + 0.05) / (Math.min(text, paper) + 0.05), node.outerHTML.slice(0, 80)];
  }).filter(([ratio]) => ratio < 4.5);
})()
"""


@pytest.fixture(scope="module")
def window():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tuned, tmp_path_factory):
    """The report on `tuned`, one that is as full as can be, of hostile and long names, and a page of errors."""
    folder = tmp_path_factory.mktemp("pages")
    zoo.report(tuned.out, out=folder / "tuned.html")
    write_page(page_output(folder / "full.html"), page(HOSTILE, "word" * 60, everything()))
    evaluation = tuned.classifier.evaluate(tuned.photos, "all", progress=False)
    mistakes = [Misclassified(each.name, each.truth, each.predicted, 0.9, each.pixels) for each in photos(3)]
    write_errors_page(folder / "errors.html", HOSTILE, "a" * 300, evaluation, mistakes, 3)
    return folder


def photos(count: int) -> list[parts.ShownPhoto]:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 240, 360, 3), "uint8")
    heats = [None, *pixels[1:]]
    names = [HOSTILE, "a" * 200 + ".jpg", *["photo.jpg"] * count]
    return [
        parts.ShownPhoto(name, pixels, heat, HOSTILE, "b" * 100, 0.9, 0.1)
        for name, pixels, heat in zip(names, pixels, heats, strict=False)
    ]


def everything() -> list:
    """Every part of a report, of 25 classes."""
    random = np.random.default_rng(0)
    labels = [HOSTILE, "c" * 100, *[f"class {number}" for number in range(23)]]
    counts = (random.integers(0, 9, (25, 25)) + 90 * np.eye(25, dtype=int)).tolist()
    confidence = random.random(200)
    measured = reliability(confidence, random.random(200) < confidence)
    share = proportion(90, 100)
    per_label = {"n": 9, "average_precision": share, "f1": None, "recall": 0.5, "precision": None}
    found = [("error", "x", 3, "y " * 90)]
    return [
        parts.summary(("95.0 %", HOSTILE), "all", [("1,000,000", "photos")], [(True, HOSTILE), (False, "x" * 300)]),
        parts.classes(counts, labels),
        parts.confusions(counts, labels, photos(3)),
        parts.losses(photos(4), "Grad-CAM"),
        parts.looks(photos(2), "Grad-CAM"),
        parts.calibration(measured, 0.5, measured, 0.4, 1.2),
        parts.curves({"loss": [2.0, 1.0, 0.5], "val_loss": [2.0, 1.5, 1.6], "accuracy": [0.5]}),
        parts.labels(dict.fromkeys(labels, per_label), dict.fromkeys(labels, 0.5)),
        parts.wrong_labels([(photo, True) for photo in photos(2)], "Grad-CAM"),
        parts.right_labels(photos(2), "Grad-CAM"),
        parts.estimates(np.arange(9.0), np.arange(9.0) ** 2, HOSTILE),
        parts.furthest([(photo, 1.0, 1e6) for photo in photos(2)], HOSTILE, "Grad-CAM"),
        parts.data([(label, 100, 20) for label in labels], HOSTILE, (9, 9), [(10, 20), (5000, 4000)], found),
        parts.suspects([(photo, labels[1]) for photo in photos(2)], 2, 100),
        parts.copies([(HOSTILE, photos(2))], 1),
        parts.making([("file", "f" * 100), ("source", HOSTILE)], [HOSTILE]),
    ]


@pytest.mark.parametrize("name", ["tuned", "full", "errors"])
@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_pages_are_read_at_every_width(window, pages, name, width, dark):
    window.log.clear()
    window.open(pages / f"{name}.html", width, dark=dark)
    assert window.run("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
    assert window.log == [], "it asked for something, or a script failed"
    assert window.run("[...document.images].every((image) => image.naturalWidth > 0)")
    assert window.run("document.images.length") == len(re.findall("<img", (pages / f"{name}.html").read_text()))
    assert window.run(CONTRAST) == [], "words are hard to read"
    small = "parseFloat(getComputedStyle(node).fontSize) < 11"
    assert window.run(f"[...document.querySelectorAll('p, td, th, figcaption')].filter((node) => {small}).length") == 0
    cut = """[...document.querySelectorAll("svg text")].map((node) => node.getBoundingClientRect().height)"""
    assert all(height > 8 for height in window.run(cut)), "words within drawings are too small"


@pytest.mark.parametrize("name", ["tuned", "errors"])
def test_photos_enlarge_by_click_and_by_keyboard(window, pages, name):
    window.open(pages / f"{name}.html", 360)
    width = "document.querySelector('dialog[open] img')?.getBoundingClientRect().width ?? 0"
    assert window.run(width) == 0
    window.run("document.querySelector('.photo button').click()")
    assert window.run(width) > 300
    window.press("Escape", 27)
    assert window.run(width) == 0
    for _ in range(60):  # by the keyboard alone
        window.press("Tab", 9)
        if window.run("document.activeElement.matches('.photo button')"):
            break
    window.press("Enter", 13, "\r")
    assert window.run(width) > 300
    window.press("Enter", 13, "\r")
    assert window.run(width) == 0 and window.run("document.activeElement.matches('.photo button')")


def test_the_page_itself_forbids_what_it_does_not_need(window, pages):
    """Were a stranger's words taken for HTML some day, nothing would be asked of the network or run."""
    window.open(pages / "full.html", 1280)
    window.log.clear()
    script = "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
    window.run(script)
    window.run("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
    assert window.run("window.ran") is None
    log = str(window.log)
    assert "Executing inline script violates" in log and "'blockedReason': 'csp'" in log
