"""A classifier as an HTML page: what it holds, its arithmetic, and the page in a real browser."""

import base64
import csv
import hashlib
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import PIL
import pytest
from PIL import Image

import zoo
import zoo.metrics
from browser import CHROMIUM, answers, browser, module, opened
from zoo import inference
from zoo.data import images
from zoo.data.images.preprocessing import Preprocessing
from zoo.errors import ZooError
from zoo.export import _page, html
from zoo.inference import softmax
from zoo.tasks.images.novelty import NoveltyDetector
from zoo.transfer.head import Standardised, optimum

TALL = ((28, 20), (90, 31)) if int(PIL.__version__.partition(".")[0]) >= 13 else ()  # where it takes columns first
needs_openvino = pytest.mark.skipif(not inference.available(), reason="openvino is not installed")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.fixture(scope="module")
def net():
    net = zoo.get("cnn", input_shape=(12, 12, 3), num_classes=2, seed=0)
    pictures = np.arange(8 * 432, dtype=np.uint8).reshape(8, 12, 12, 3)
    net.train((pictures, ["</script><b>", "dog"] * 4), epochs=1, progress=False)
    return net


@pytest.fixture(scope="module")
def page(net, tmp_path_factory):
    net.export(out := tmp_path_factory.mktemp("page") / "net.html")
    return out


@pytest.fixture(scope="module", params=["multilabel", "regression"])
def other(request, tmp_path_factory):
    """A model of labels, or of a number, its page, and noise that it is asked about."""
    model = zoo.load(Path(__file__).parent / "files" / f"{request.param}.keras")
    folder = tmp_path_factory.mktemp(request.param)
    model.export(page := folder / "page.html")
    (folder / "photos").mkdir()
    for i in range(6):  # of every brightness
        noise = np.random.default_rng(i).integers(20 * i, 60 + 35 * i, (30, 40, 3), np.uint8)
        noise[:, :, i % 3] //= 1 + i // 2
        Image.fromarray(noise).save(folder / "photos" / f"{i}.png")
    Image.new("RGB", (30, 40), (90, 190, 120)).save(folder / "photos" / "9.png")  # neither dark, red nor sky
    return SimpleNamespace(model=model, page=page, files=sorted((folder / "photos").iterdir()))


@pytest.fixture(scope="module")
def window():
    with browser() as window:
        yield window


def numbers_in(cell):
    return [float(part) for part in str(cell).split("|") if part]


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("rule", [Preprocessing((22, 30), 0.875), Preprocessing((28, 28), 1, 1)], ids=["rgb", "grey"])
def test_the_resize_is_pillows_to_the_last_bit(window, rule):
    module(window, "resize.js")
    random = np.random.default_rng(0)
    for height, width in ((64, 91), (20, 12), (1, 7), (300, 200), *TALL):
        picture = random.integers(0, 256, (height, width, 4), np.uint8)
        coded = base64.b64encode(picture.tobytes()).decode()
        pixels = window.run(
            f"(() => {{ const all = Uint8Array.from(atob('{coded}'), c => c.charCodeAt(0));"
            f"return Array.from(resize({width}, {height}, {json.dumps(rule.to_json())}, "
            f"(top, n) => all.subarray(top * {width} * 4, (top + n) * {width} * 4))) }})()"
        )
        expected = images.decode(picture[..., :3], rule)
        assert np.array_equal(np.array(pixels).reshape(expected.shape), expected), (height, width)


@needs_browser
@pytest.mark.browser
def test_cells_of_the_table_are_no_formulas(window):
    module(window, "table.js")
    cells = ["=1+1", " @x", "-2", 'a "b", c', "a\nb", 0.25, "ants"]
    text = window.run(f"csv([{json.dumps(cells)}])")
    (row,) = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""))
    assert row == ["'=1+1", "' @x", "'-2", *cells[3:5], "0.25", "ants"]


@needs_openvino
def test_a_page_is_whole_allows_no_network_and_says_what_it_holds(net, page):
    text = page.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'; connect-src 'none'" in policy
    scripts = re.findall(r'<script type="module">(.*?)</script>', text, re.DOTALL)
    assert len(scripts) == 3
    for script in scripts:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert not re.search(r"^(import|export) ", scripts[-1], re.MULTILINE) and not re.search(r"\ssrc=|\shref=", text)
    record = html.read_record(page)
    assert record["labels"] == net.labels and record["preprocessing"] == net.preprocessing.to_json()
    net.export(page)  # over its own kind unasked


def test_what_has_no_page_is_refused_in_a_sentence(net, tmp_path):
    (tmp_path / "own.html").write_text("<html>somebody's</html>")
    with pytest.raises(ZooError, match="is no model that the zoo saved"):
        net.export(tmp_path / "own.html")
    with pytest.raises(ZooError, match="rows of numbers"):
        zoo.get("perceptron").export(tmp_path / "points.html")
    with pytest.raises(ZooError, match=r"chatbot is a model for dialogue; \.html is for models for classification, "):
        zoo.get("chatbot").export(tmp_path / "chat.html")
    with pytest.raises(ZooError, match=r"vectors of words can be a \.txt or \.bin file"):
        zoo.get("word2vec").export(tmp_path / "words.html")


def test_a_damaged_runtime_is_noticed(tmp_path, monkeypatch):
    for file in _page.PARTS.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[: -1 if file.suffix == ".deflate" else None])
    monkeypatch.setattr(_page, "PARTS", tmp_path)
    with pytest.raises(ZooError, match="damaged; install the zoo again"):
        _page.read_runtime.__wrapped__()


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_the_page_answers_as_the_model_does(net, page, window, tmp_path):
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (40, 50, 4), np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(noise[..., :3]).save(tmp_path / "turned.jpg", exif=turned, quality=95)
    Image.fromarray(noise).save(tmp_path / "=transparent.png")
    Image.fromarray(noise[..., 0]).save(tmp_path / "grey.png")
    (tmp_path / "text.jpg").write_text("no picture")
    files = sorted(tmp_path.iterdir())
    opened(window, page)
    assert "passed" in window.run("document.getElementById('selftest-result').className")
    rows = answers(window, files)
    assert [row["picture"] for row in rows] == ["'=transparent.png", "grey.png", "turned.jpg"]
    for row, file in zip(rows, [file for file in files if file.name != "text.jpg"], strict=True):
        expected = net.predict(file)
        assert row["answer"] == expected.label
        assert float(row["probability"]) == pytest.approx(expected.probability, abs=0.01)
    shown = window.run("document.getElementById('answers').innerText")
    assert "cannot read this picture" in shown and "</script><b>" in shown
    order = []
    window.run("document.activeElement.blur()")
    for _ in range(4):
        window.press("Tab", 9)
        order.append(window.run("document.activeElement.id"))
    assert order == ["files", "camera", "table", "clear"]
    window.press("Enter", 13, "\r")
    assert window.run("document.getElementById('results').hidden")
    assert not window.log


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_labels_and_numbers_are_answered_as_the_model_does(other):
    expected = other.model.predict(other.files)
    with browser() as window:
        opened(window, other.page)
        assert "passed" in window.run("document.getElementById('selftest-result').className")
        rows = answers(window, other.files)
        cards = window.run(
            "[...document.querySelectorAll('#answers > li')].map(card => [card.querySelector('.best').innerText, "
            "[...card.querySelectorAll('.quiet, .below')].map(e => e.innerText.replaceAll('\\n', ' '))])"
        )
        assert not window.log
    for row, (best, rest), each in zip(rows, cards, expected, strict=True):
        # as `zoo predict` writes it, which says "not" of all the others at once
        others = ", ".join([*rest[:1], *(text.removeprefix("not ") for text in rest[1:])])
        assert best[0].lower() + best[1:] + (f"  ({others})" if rest else "") == each.ranked()
        for column, cell in each.cells().items():
            mine = row[column.replace("_", " ")]
            assert mine == cell if column == "labels" else np.allclose(numbers_in(mine), numbers_in(cell), atol=1e-4)
    if other.model.entry.task == "multilabel":
        assert "None of its labels" in [best for best, _ in cards]


@pytest.fixture(scope="module")
def tuned_page(tuned, tmp_path_factory):
    tuned.classifier.export(out := tmp_path_factory.mktemp("tuned_page") / "tuned.html")
    return out


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_a_fine_tuned_classifier_as_a_page(tuned, tuned_page):
    assert tuned_page.stat().st_size < 14e6
    files = sorted((tuned.photos / "val").glob("*/*.jpg"))
    with browser("ja") as window:
        opened(window, tuned_page, 360)
        assert window.run("document.documentElement.lang") == "ja"
        assert window.run("document.documentElement.scrollWidth") <= 360
        assert "合格" in window.run("document.getElementById('selftest-result').textContent")
        window.choose("#files", files)
        window.wait(f"document.querySelectorAll('#answers .best').length == {len(files)}")
        shown = window.run("[...document.querySelectorAll('#answers .best')].map(e => e.textContent)")
    expected = tuned.classifier.predict(files)
    assert [text.split()[0] for text in shown] == [each.label for each in expected]
    probabilities = [float(text.split()[1].rstrip("%")) / 100 for text in shown]
    assert np.allclose(probabilities, [each.probability for each in expected], atol=0.011)


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_the_heat_on_a_page_is_that_of_explain(tuned, tuned_page, window):
    file = tuned.photos / "val" / "dots" / "101.jpg"
    opened(window, tuned_page)
    window.choose("#files", [file])
    window.wait("document.querySelectorAll('#answers .best').length")
    window.run("document.getElementById('heat').click()")
    data = window.run("document.querySelector('canvas.heat').toDataURL()")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB"), float)
    expected = np.asarray(tuned.classifier.explain(file).overlay(), float)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).max() <= 6 and np.abs(shown - expected).mean() <= 1
    assert not window.log


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize(("n", "d"), [(40, 90), (120, 30)], ids=["few", "many"])
def test_the_head_solved_in_a_page_is_the_optimum(window, n, d):
    linear_model = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(n)
    y = random.permutation(np.arange(n) % 7 % 3)  # classes of unequal size
    x = (random.normal(size=(n, d)) + random.normal(size=(3, d))[y] / 3).astype(np.float32)
    module(window, "stored.js", "waiting.js", "head.js", "eigen.js", "lbfgs.js", "learn.js", "novelty.js")
    window.run(f"globalThis.x = {x.tolist()}; globalThis.y = {y.tolist()}; 0")

    def shown(head):
        return f"const head = {head}; return x.map((row) => [...logits(head, row)])"

    scaled = x.astype(float) - x.mean(axis=0, dtype=float)
    scaled /= np.sqrt((scaled**2).sum() / n)
    for strength in (0.1, 1e-4):
        mine = np.array(window.run(f"(async () => {{ {shown(f'await solveHead(x, y, 3, {strength})')} }})()"))
        oracle = linear_model.LogisticRegression(C=1 / (n * strength), solver="newton-cg", tol=1e-9, max_iter=5000)
        theirs = oracle.fit(scaled, y).decision_function(scaled)
        assert np.abs(mine - mine.mean(axis=1, keepdims=True) - theirs).max() < 1e-3
    fold = np.array(window.run("foldsOf(y, 3)"))
    for label in range(3):
        assert sorted(np.bincount(fold[y == label]))[0] >= (y == label).sum() // 5
        assert (np.diff(fold[y == label]) >= 0).all()  # neighbours stay together
    fitted = window.run("fitHead(x, y, 3).then(({strength, heldOut}) => [strength, heldOut])")
    strength, held_out, at = fitted[0], np.array(fitted[1]), Standardised.of(x)
    for part in range(5):
        others = fold != part
        start = optimum(at.x, y, 3, strength, others[:, None].astype(float), at.spread, None, 1e-5)
        theirs = softmax(at(x[~others]) @ start[0][:, 0] + start[1][0])
        assert np.abs(held_out[~others] - theirs).max() < 0.05  # their search ends early
    assert window.run("proportion(35, 50).ci") == pytest.approx(zoo.metrics.proportion(35, 50).ci)


@needs_browser
@pytest.mark.browser
def test_what_resembles_nothing_is_learned_in_a_page_as_here(window):
    random = np.random.default_rng(0)
    x = (random.normal(size=(200, 40)) * np.geomspace(1, 0.01, 40) + 1).astype(np.float32)
    strange = x[:20] + random.normal(size=(20, 40)) * 0.3
    module(window, "stored.js", "waiting.js", "eigen.js", "novelty.js")
    mine = window.run(
        f"(async () => {{ const x = {x.tolist()}; const known = await fitNovelty(x, x.map((_, i) => i % 5));"
        "const again = readNovelty(storedNovelty(known));"
        f"return [known.limit, {strange.tolist()}.map((row) => isNovel(again, row))] }})()"
    )
    theirs = NoveltyDetector.fit(x)
    assert mine[0] == pytest.approx(theirs.limit, rel=0.1)
    assert mine[1] == theirs.is_novel(strange).tolist()
    assert window.run("fitNovelty(Array(39).fill([1, 2]), [])") is None


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_a_page_learns_and_is_saved_as_another(tuned, tuned_page, window, tmp_path):
    (tmp_path / "broken.jpg").write_text("no picture")
    photos = {kind: sorted((tuned.photos / "train" / kind).glob("[0-9]*.jpg"))[:8] for kind in ("dots", "stripes")}
    asked = sorted((tuned.photos / "val").glob("*/*.jpg"))
    opened(window, tuned_page)
    window.run("document.getElementById('teach').click()")

    def status():
        return window.run("document.getElementById('teaching-status').textContent")

    def fill(number, name, files):
        window.run(f"document.querySelectorAll('.box > .line input')[{number}].value = {json.dumps(name)}")
        window.choose(f"#boxes > li:nth-child({number + 1}) input[type=file]", files)
        ended = f"{name}: {len(files) - (tmp_path / 'broken.jpg' in files)} photo"
        window.wait(f"document.getElementById('teaching-status').textContent.includes({json.dumps(ended)})")

    def learn(sentence):
        window.run("document.getElementById('learn').click()")
        window.wait(f"document.getElementById('teaching-status').textContent.includes({json.dumps(sentence)})")
        assert window.run("document.activeElement.getAttribute('aria-invalid')") == "true"

    learn("It takes two boxes with photos or more")
    fill(0, "<b>points", photos["dots"])
    learn("It takes two boxes with photos or more")
    fill(1, "<b>points", [photos["stripes"][0], tmp_path / "broken.jpg"])
    assert "cannot read 1 of them (broken.jpg)" in status()
    learn("Two boxes are called <b>points")
    window.run("document.querySelectorAll('.box > .line input')[1].value = ''")
    learn("A box has no name")
    window.run("document.querySelectorAll('.box > .line input')[1].value = 'lines'")
    learn("lines has 1 photo. It takes two or more")
    window.choose("#boxes > li:nth-child(2) input[type=file]", photos["stripes"][1:])
    window.wait("document.getElementById('teaching-status').textContent.includes('lines: 8 photos')")
    window.run("document.getElementById('learn').click()")
    window.wait("!document.getElementById('learned').hidden")
    assert "of 16 photos, each judged before" in window.run("document.getElementById('learned-result').textContent")
    window.run("document.getElementById('new-title').value = 'points </script> or lines'")
    window.run("document.getElementById('save').click()")
    saved = window.downloaded(".html", 60)
    window.run("document.getElementById('try').click()")
    first = answers(window, asked)
    assert [row["answer"] for row in first] == ["<b>points"] * 10 + ["lines"] * 10
    assert html.read_record(saved)["labels"] == ["<b>points", "lines"]
    assert abs(saved.stat().st_size - tuned_page.stat().st_size) < 5e5
    assert not window.log
    opened(window, saved)
    assert "passed" in window.run("document.getElementById('selftest-result').className")
    assert window.run("document.title") == "points </script> or lines"
    second = answers(window, asked)
    for row, again in zip(first, second, strict=True):
        assert row["answer"] == again["answer"]
        assert float(row["probability"]) == pytest.approx(float(again["probability"]), abs=1e-4)
    assert not window.log
