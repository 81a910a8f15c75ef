"""Pages that write, draw, or draw again: what they are made of, and each in a real browser beside the model itself."""

import base64
import io
import json
import re
import time
import zlib

import numpy as np
import pytest
import scipy.special
from PIL import Image

import zoo
from browser import CHROMIUM, browser, module, opened
from zoo import inference
from zoo.data import images
from zoo.data.text.vocabulary import Vocabulary, join_words, split_words
from zoo.errors import UsageError, ZooError
from zoo.export import _page, _page_generative, _page_supervised, html

needs_openvino = pytest.mark.skipif(not inference.available(), reason="openvino is not installed")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

ROOMS = (_page_generative.WRITING, _page_generative.DRAWING, _page_generative.CODING, _page_supervised.ASKING)
HAIKU = "古池や蛙飛びこむ水の音\n閑さや岩にしみ入る蝉の声\n夏草や兵どもが夢の跡\n" * 60
SCRIPT = "moe: \"hey, (sighs) what is it?\"\nhomer: it's $5... or 3.14!\nmoe: don't -- no-one’s here.\n" * 60
TEXTS = [
    SCRIPT[:90],
    HAIKU[:40],
    "AIとは何ですか。「はい」 नमस्ते, 你好!! e\u0301te\u0301 ﬁ",
    "« oui » ‘a’ „b“ “c” x--y a_b l'été 👍🏽 🇯🇵 👩‍👩‍👧 ☺️ 10% (a [b] {c}) ¿no? ¡sí!",
    "  two  spaces , before ;after\n\n  indented\n(\n )",
]


@pytest.fixture(scope="module")
def window():
    with browser() as window:
        yield window


def pixels_of(window, selector):
    """What a canvas of a page shows, uint8 of shape (height, width, 3)."""
    data = window.run(f"document.querySelector({json.dumps(selector)}).toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB"))


def floats_in(page, name):
    """Numbers that a page holds."""
    stored = re.search(f'<script type="text/plain" id="{name}">([^<]*)<', page.read_text(encoding="utf-8"))[1]
    return np.frombuffer(zlib.decompress(base64.b64decode(stored), -zlib.MAX_WBITS), "<f4")


def put(window, selector, value, event="input"):
    """Give an input of a page a value, and wait for what becomes of it."""
    window.run(
        f"(() => {{ const it = document.querySelector('{selector}'); it.value = {value};"
        f"it.dispatchEvent(new Event('{event}', {{bubbles: true}})) }})()"
    )
    settled(window)


def in_colours(pixels):
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def said(window):
    return window.run("document.getElementById('status').textContent")


def settled(window):
    """Wait until the pictures of a page stay as they are."""
    all_of_them = "[...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()).join()"
    before = None
    while before != (before := window.run(all_of_them)):
        time.sleep(0.3)


@pytest.mark.parametrize("room", ROOMS, ids=[room.name for room in ROOMS])
def test_joined_modules_share_no_name_and_import_what_is_there(room):
    names = [*_page.SHELL, *room.scripts, f"{room.name}.js"]
    declared = re.compile(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
    found = [name for part in names for name in declared.findall(_page.read_part(part))]
    assert len(found) == len(set(found)), sorted(name for name in set(found) if found.count(name) > 1)
    for at, part in enumerate(names):
        for imported in re.findall(r'^import .* from "\./([^"]+)";$', _page.read_part(part), re.MULTILINE):
            assert imported in names[:at], f"{part} needs {imported} before it"


@needs_browser
@pytest.mark.browser
def test_random_numbers_are_those_of_numpy(window):
    module(window, "random.js", "normal.js")
    for seed in (0, 7, 2**32 - 1, 2**53 - 1):
        random, floats = np.random.default_rng(seed), np.random.default_rng(seed)
        ours = window.run(f"(() => {{ const r = randomOf({seed}); return Array.from({{length: 5}}, r.double) }})()")
        assert ours == random.random(5).tolist()
        ours = window.run(f"(() => {{ const r = randomOf({seed}); return Array.from({{length: 5}}, r.float) }})()")
        assert ours == floats.random(5, np.float32).tolist()
    shares = [1e-12, 1e-7, 0.001, 0.02, 0.3, 0.5 - 1e-9, 0.5, 0.77, 0.999, 1 - 1e-12]
    ours = window.run(f"{shares}.map(quantile)")
    assert ours == pytest.approx(scipy.special.ndtri(shares).tolist(), rel=1e-6, abs=1e-9)


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("kind", ["characters", "words", "lower-case words"])
def test_text_is_cut_and_put_together_as_here(window, kind):
    module(window, "spacing.js", "vocabulary.js")
    vocabulary = Vocabulary.of("".join(TEXTS[:3]), kind)
    window.run(f"globalThis.mine = vocabularyOf({json.dumps(vocabulary.to_json())}); 0")
    for text in TEXTS:
        given = json.dumps(text)
        assert window.run(f"splitWords({given})") == split_words(text)
        assert window.run(f"splitWords({given}).map(joiningWords()).join('')") == join_words(split_words(text))
        encoded = window.run(f"mine.encode({given})")
        assert encoded["numbers"] == vocabulary.encode(text).tolist()
        assert encoded["unknown"] == vocabulary.unknown(text)
        decoded = window.run(f"{encoded['numbers']}.map(mine.decoding()).join('')")
        assert decoded == vocabulary.decode(encoded["numbers"])
    curly = json.dumps("it’s e\u0301")
    assert window.run(f"mine.encode({curly}).numbers") == vocabulary.encode("it’s e\u0301").tolist()


@pytest.fixture(scope="module", params=["char_lstm", "word_lstm"])
def writer(request, tmp_path_factory):
    """A model that has learned a little, its page, and how a text might begin."""
    model = zoo.get(request.param, units=24, seed=0)
    text, prompt = (HAIKU, "古池") if request.param == "char_lstm" else (SCRIPT, "Moe: (sighs)")
    model.train(text, epochs=3, batch_size=4, window=20, progress=False)
    model.export(page := tmp_path_factory.mktemp(request.param) / "writer.html")
    return model, page, prompt


def written(window, **asked):
    """What the page of a language model writes."""
    for name, value in asked.items():
        window.run(f"document.getElementById('{name}').value = {json.dumps(value)}")
    window.run("document.getElementById('write').click()")
    window.wait("!document.getElementById('write').disabled")
    return window.run("document.getElementById('text').textContent")


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_a_page_writes_what_the_model_writes(writer, window):
    model, page, prompt = writer
    opened(window, page)
    assert "passed" in window.run("document.getElementById('selftest-result').className")
    for begin, seed, temperature in ((prompt, 3, 0.8), ("", 2**40, 1.5), (prompt, 0, 0)):
        expected = model.generate(begin, length=60, seed=seed, temperature=temperature)
        assert written(window, prompt=begin, seed=seed, temperature=temperature, length=60) == expected
    assert "60 " in said(window) and "Seed 0." in said(window)
    written(window, prompt=prompt, seed=3, temperature=0.8, length=25)
    window.run("document.getElementById('length').value = 35; document.getElementById('go-on').click()")
    window.wait("!document.getElementById('go-on').disabled")
    assert window.run("document.getElementById('text').textContent") == model.generate(prompt, length=60, seed=3)
    for earlier in window.folder.glob("*.txt"):
        earlier.unlink()
    window.run("document.getElementById('keep').click()")
    assert window.downloaded(".txt").read_text(encoding="utf-8") == model.generate(prompt, length=60, seed=3)
    first = written(window, prompt=prompt, seed="", length=60)
    assert first != written(window)  # a new seed each time
    assert not window.log


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_a_page_that_writes_is_stopped_and_told_what_it_does_not_know(writer, window):
    model, page, prompt = writer
    opened(window, page, 360)
    assert window.run("document.documentElement.scrollWidth") <= 360
    written(window, prompt="Ж" if model.name == "char_lstm" else "Жук")
    assert "It has never seen " + model._learned_vocabulary().unknown("Ж")[0] in said(window)
    assert window.run("document.activeElement.id") == "prompt"
    assert window.run("document.getElementById('prompt').getAttribute('aria-invalid')") == "true"
    window.run(f"document.getElementById('prompt').value = {json.dumps(prompt)}")
    window.run("document.getElementById('length').value = 100000; document.getElementById('write').focus()")
    window.press("Enter", 13, "\r")
    window.wait("document.getElementById('text').textContent.length > 100")
    assert window.run("document.activeElement.id") == "stop"
    window.press("Enter", 13, "\r")
    window.wait("!document.getElementById('write').disabled")
    assert window.run("document.activeElement.id") == "go-on"
    assert len(window.run("document.getElementById('text').textContent")) < 100_000
    assert not window.log


@pytest.fixture(scope="module", params=[1, 3], ids=["grey", "colours"])
def generator(request, tmp_path_factory):
    model = zoo.get("dcgan", input_shape=(12, 16, request.param), latent=6, filters=8, seed=0)
    for weight in model.model.trainable_weights:
        if weight.name == "kernel":
            weight.assign(7 * weight.numpy())  # so that the pictures differ
    model.export(page := tmp_path_factory.mktemp("generator") / "generator.html")
    return model, page


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_a_page_draws_what_the_model_draws(generator, window):
    model, page = generator
    opened(window, page)
    assert "passed" in window.run("document.getElementById('selftest-result').className")
    window.wait("document.querySelectorAll('#many canvas').length == 12")

    def shown_is(noise_or_pixels, selector="#drawn"):
        pixels = np.asarray(noise_or_pixels)
        expected = in_colours(model._draw(pixels[None])[0] if pixels.ndim == 1 else pixels)
        assert np.abs(pixels_of(window, selector).astype(int) - expected).max() <= 1

    assert np.ptp(model.sample(4, seed=0), axis=0).max() > 30  # else nothing would be shown by what follows
    shown_is(model.sample(1, seed=0)[0])
    put(window, "#seed", 12345678901, "change")
    shown_is(model.sample(1, seed=12345678901)[0])
    shown_is(model.sample(1, seed=12345678901)[0], "#first")
    shown_is(model.sample(1, seed=1)[0], "#last")
    put(window, "#share", 0.5)
    shown_is(model.interpolate(12345678901, 1, 3)[1])
    assert "50.0% of the way from seed 12345678901 to seed 1." in said(window)
    put(window, "#seed", 5, "change")
    noise, directions = model._noise(5), floats_in(page, "directions").reshape(-1, 6)
    assert np.allclose(directions @ directions.T, np.eye(len(directions)), atol=1e-5)
    values = window.run("[...document.querySelectorAll('#sliders input')].map(input => input.valueAsNumber)")
    assert np.allclose(values, directions @ noise, atol=0.03)  # a step of the slider
    put(window, "#sliders input", 2)
    shown_is(noise + (2 - directions[0] @ noise) * directions[0])
    assert not window.log


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_pictures_are_drawn_walked_between_and_enlarged_by_keyboard(generator):
    _, page = generator
    with browser("ja") as window:
        opened(window, page, 360)
        assert window.run("document.documentElement.lang") == "ja" and "ノイズから" in window.run(
            "document.body.innerText"
        )
        window.wait("document.querySelectorAll('#many canvas').length == 12")
        assert window.run("document.documentElement.scrollWidth") <= 360
        before = pixels_of(window, "#drawn")
        window.run("document.getElementById('new').focus()")
        window.press("Enter", 13, "\r")
        settled(window)
        assert not np.array_equal(before, pixels_of(window, "#drawn"))
        window.run("document.getElementById('play').focus()")
        window.press("Enter", 13, "\r")
        window.wait("document.getElementById('share').value == 1")
        settled(window)
        assert np.array_equal(pixels_of(window, "#drawn"), pixels_of(window, "#last"))
        window.run("document.querySelector('#many button').click()")
        settled(window)
        assert np.array_equal(pixels_of(window, "#drawn"), pixels_of(window, "#many canvas"))
        window.run("document.querySelector('#drawn').parentElement.focus()")
        window.press("Enter", 13, "\r")
        assert np.array_equal(pixels_of(window, "dialog canvas"), pixels_of(window, "#drawn"))
        assert "シード" in window.run("document.querySelector('dialog canvas').getAttribute('aria-label')")
        window.press("Escape", 27)
        window.wait("!document.querySelector('dialog')")
        assert window.run("document.activeElement.querySelector('#drawn') !== null")
        window.run("document.getElementById('keep').click()")
        saved = np.asarray(Image.open(window.downloaded(".png")).convert("RGB"))
        assert np.array_equal(saved, pixels_of(window, "#drawn"))
        assert not window.log


@pytest.fixture(
    scope="module",
    params=[((13, 16, 3), {"filters": (4, 8), "latent": 3}), ((12, 12, 1), {"variant": "dense", "latent": 5})],
    ids=["map in colours", "vector"],
)
def coder(request, tmp_path_factory):
    """An autoencoder that has learned a little, its page, and a photo."""
    shape, how = request.param
    model = zoo.get("autoencoder", input_shape=shape, seed=0, **how)
    random = np.random.default_rng(0)
    pictures = np.stack([random.integers(0, 256, shape, np.uint8) // 2 + 100 * (i % 2) for i in range(40)])
    model.train((pictures.astype(np.uint8), [0] * 40), epochs=3, progress=False)
    folder = tmp_path_factory.mktemp("coder")
    model.export(page := folder / "coder.html")
    Image.fromarray(random.integers(0, 256, (50, 41, 3), np.uint8)).save(folder / "photo.png")
    return model, page, folder / "photo.png"


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_a_page_codes_and_draws_again_as_the_model_does(coder, window):
    model, page, photo = coder
    opened(window, page, 360)
    assert "passed" in window.run("document.getElementById('selftest-result').className")
    assert window.run("document.documentElement.scrollWidth") <= 360
    settled(window)

    def again_is(expected):
        assert np.abs(pixels_of(window, "#again").astype(int) - in_colours(expected)).max() <= 1

    again_is(model.reconstruct(np.zeros((20, 20), np.uint8)))  # the empty pad
    window.choose("#files", [photo])
    settled(window)
    given = images.decode(photo, model.preprocessing)
    assert np.array_equal(pixels_of(window, "#given"), in_colours(given))
    again_is(model.reconstruct(photo))
    off = np.abs(model.reconstruct(photo).astype(int) - given).mean()
    assert float(re.search(r"off by ([\d.]+)", said(window))[1]) == pytest.approx(off, rel=0.06)  # two digits of it
    code = model.encode(photo)
    directions = floats_in(page, "directions").reshape(-1, code.size)
    put(window, "#sliders label:nth-child(2) input", 1.5)
    (drawn,) = decoded(model, code + 1.5 * directions[1].reshape(code.shape))
    again_is(drawn)
    assert "no longer the given picture" in said(window)
    window.run("document.getElementById('reset').click()")
    settled(window)
    again_is(model.reconstruct(photo))
    assert not window.log


def decoded(model, *codes):
    """What the layers behind an autoencoder's code make of it."""
    import keras

    code = x = keras.Input(codes[0].shape)
    names = [layer.name for layer in model.model.layers]
    for layer in model.model.layers[names.index("code") + 1 :]:
        x = layer(x)
    logits = keras.Model(code, x).predict(np.stack(codes), verbose=0)
    return np.rint(255 / (1 + np.exp(-logits))).astype(np.uint8)


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_what_is_drawn_on_the_pad_is_coded(coder, window, tmp_path):
    model, page, photo = coder
    opened(window, page)
    settled(window)
    window.run("document.getElementById('pen').value = '#40c0ff'")
    x, y, width, height = window.run(
        "(b => [b.x, b.y, b.width, b.height])(document.getElementById('pad').getBoundingClientRect())"
    )
    for kind, across in (("mousePressed", 0.2), ("mouseMoved", 0.8), ("mouseReleased", 0.8)):
        at = {"x": x + across * width, "y": y + height / 2}
        window.call("Input.dispatchMouseEvent", type=kind, button="left", buttons=1, clickCount=1, **at)
    settled(window)
    drawn = pixels_of(window, "#pad")
    assert 0 < (drawn == (0x40, 0xC0, 0xFF)).all(axis=-1).mean() < 0.2
    expected = model.reconstruct(drawn)
    assert np.abs(pixels_of(window, "#again").astype(int) - in_colours(expected)).max() <= 1
    window.run("document.getElementById('paint').click()")
    settled(window)
    assert np.ptp(pixels_of(window, "#given").astype(int), axis=(0, 1)).max() == 0
    (tmp_path / "no.png").write_text("no picture")
    window.choose("#files", [tmp_path / "no.png"])
    window.wait("document.getElementById('status').textContent.includes('cannot read this picture')")
    window.drop("#pad", [photo])
    settled(window)
    assert np.abs(pixels_of(window, "#again").astype(int) - in_colours(model.reconstruct(photo))).max() <= 1
    assert not window.log


@needs_openvino
def test_pages_that_make_something_hold_no_more_than_they_need(generator, tmp_path):
    model, page = generator
    text = page.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'; connect-src 'none'; img-src 'none'" in policy
    assert html.read_record(page)["name"] == "dcgan" and not re.search(r"\ssrc=|\shref=", text)
    assert "fetch(" not in text.rpartition('<script type="module">')[2]
    model.export(page)  # over its own kind unasked
    with pytest.raises(UsageError, match="int8 is for models that say a class, labels or a number; dcgan is none"):
        model.export(tmp_path / "new.html", int8=True)


@needs_openvino
def test_an_autoencoder_whose_code_is_passed_by_has_no_page(tmp_path):
    (tmp_path / "bypass.py").write_text(
        "import keras\nfrom zoo.registry import register\n\n\n"
        "@register(task='reconstruction', dataset='digits', source='a test', parameters=1)\n"
        "def bypass(input_shape=(8, 8, 1)):\n"
        "    pixels = keras.Input(input_shape, name='pixels')\n"
        "    code = keras.layers.Conv2D(1, 1, name='code')(pixels)\n"
        "    return keras.Model(pixels, keras.layers.add([code, pixels]), name='bypass')\n"
    )
    with pytest.raises(
        ZooError, match=r"bypass has no layer called 'code' from which alone .* an \.onnx file takes it"
    ):
        zoo.get(str(tmp_path / "bypass.py")).export(tmp_path / "page.html")
