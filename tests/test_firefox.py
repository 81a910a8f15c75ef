"""Exported pages in a real Firefox: the same answers, texts and pictures. In Chromium, all else is tried."""

import numpy as np
import pytest
from PIL import Image

import zoo
from browser import answers, opened
from firefox import FIREFOX, firefox
from zoo import inference

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(FIREFOX is None, reason="there is no Firefox: apt-get install firefox-esr"),
    pytest.mark.skipif(not inference.available(), reason="openvino is not installed"),
]
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.fixture(scope="module")
def window():
    with firefox() as window:
        yield window


def passed(window):
    return "passed" in window.run("document.getElementById('selftest-result').className")


def put(window, selector, value, event="input"):
    window.run(
        f"(it => {{ it.value = {value}; it.dispatchEvent(new Event('{event}', {{bubbles: true}})) }})"
        f"(document.querySelector('{selector}'))"
    )


def test_a_classifier_answers_in_firefox_as_it_does_here(window, tmp_path):
    net = zoo.get("cnn", input_shape=(12, 12, 3), num_classes=2, seed=0)
    random = np.random.default_rng(0)
    net.train((random.integers(0, 256, (8, 12, 12, 3), np.uint8), ["cat", "dog"] * 4), epochs=1, progress=False)
    net.export(tmp_path / "page.html")
    turned = Image.Exif()
    turned[0x0112] = 6
    noise = random.integers(0, 256, (40, 50, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "turned.jpg", exif=turned, quality=95)
    Image.fromarray(noise[::-1]).save(tmp_path / "upside.png")
    files = [tmp_path / "turned.jpg", tmp_path / "upside.png"]
    opened(window, tmp_path / "page.html")
    assert passed(window)
    for row, expected in zip(answers(window, files), net.predict(files), strict=True):
        assert row["answer"] == expected.label
        assert float(row["probability"]) == pytest.approx(expected.probability, abs=0.01)


def test_a_language_model_writes_in_firefox_as_it_does_here(window, tmp_path):
    model = zoo.get("char_lstm", units=24, seed=0)
    model.train("古池や蛙飛びこむ水の音\n" * 100, epochs=2, batch_size=4, window=20, progress=False)
    model.export(tmp_path / "page.html")
    opened(window, tmp_path / "page.html")
    assert passed(window)
    for name, value in (("prompt", "'古池'"), ("seed", 7), ("length", 50)):
        put(window, f"#{name}", value)
    window.run("document.getElementById('write').click()")
    window.wait("!document.getElementById('write').disabled")
    assert window.run("document.getElementById('text').textContent") == model.generate("古池", length=50, seed=7)


def test_a_generator_draws_in_firefox_as_it_does_here(window, tmp_path):
    model = zoo.get("dcgan", input_shape=(12, 12, 1), latent=6, filters=8, seed=0)
    model.export(tmp_path / "page.html")
    opened(window, tmp_path / "page.html", 500)
    assert passed(window)
    window.wait("document.querySelectorAll('#many canvas').length == 12")
    put(window, "#seed", 42, "change")
    window.wait("document.getElementById('status').textContent.includes('42')")
    shown = window.run(
        "(canvas => [...canvas.getContext('2d').getImageData(0, 0, 12, 12).data])(document.getElementById('drawn'))"
    )
    expected = model.sample(1, seed=42)[0, ..., 0].astype(int)
    assert np.abs(np.array(shown).reshape(12, 12, 4)[..., 0] - expected).max() <= 1
