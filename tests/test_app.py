"""The studio: who is answered, what of strangers' is refused, what it keeps, and that it answers as `zoo predict`."""

import io
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from browser import CHROMIUM, browser
from mutators import mutate_image, seeds_images
from studio import Studio
from zoo import inference
from zoo.app import guards
from zoo.app.store import box_name
from zoo.errors import UsageError

pytest.importorskip("starlette", reason="starlette is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")
needs_openvino = pytest.mark.skipif(not inference.available(), reason="openvino is not installed")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def studio(start, tuned, copy_home, tmp_path_factory):
    """One that was started with the classifier of `tuned`."""
    studio = Studio(start, copy_home(tmp_path_factory.mktemp("studio") / "home"), tuned.out)
    yield studio
    studio.end()


@pytest.fixture(scope="module")
def photo(tuned):
    return (tuned.photos / "val" / "dots" / "100.jpg").read_bytes()


def project_of(studio, tuned, count=4, split="val"):
    """A project with photos of both classes."""
    project = studio.ask("POST", "/api/projects", "dots or stripes")["id"]
    for box in ("dots", "stripes"):
        studio.ask("POST", f"/api/projects/{project}/boxes", box)
        for file in sorted((tuned.photos / split / box).glob("[0-9]*.jpg"))[:count]:
            studio.ask("POST", f"/api/projects/{project}/boxes/{box}/photos", file.read_bytes())
    return project


def png(width, height, data=b"") -> bytes:
    """A PNG whose head says what it is not."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def animation(frames) -> bytes:
    pictures = [Image.new("P", (2, 2), number % 250) for number in range(frames)]
    pictures[0].save(file := io.BytesIO(), "GIF", save_all=True, append_images=pictures[1:], optimize=False)
    return file.getvalue()


def scans(photo) -> bytes:
    """A JPEG that says many times that it begins anew."""
    return photo[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 200 + photo[-2:]


# Who is answered


def test_only_its_own_pages_and_who_has_the_token(studio, photo):
    own, cookie = f"http://127.0.0.1:{studio.port}", f"zoo-studio-{studio.port}={studio.token}"
    refused = [
        (421, {"Host": "evil.example"}, True),
        (421, {"Host": f"evil.example:{studio.port}"}, True),
        (403, {"Origin": "http://evil.example"}, True),
        (403, {"Origin": "null"}, True),
        (403, {"Origin": f"http://127.0.0.1:{studio.port + 1}"}, True),
        (403, {"Sec-Fetch-Site": "cross-site"}, True),
        (401, {}, False),
        (401, {"Authorization": "Bearer x"}, False),
        (401, {"Cookie": "zoo-studio=x"}, False),
        (403, {"Cookie": cookie}, False),  # a change, and nobody says from where
        (403, {"Cookie": cookie, "Origin": "http://evil.example"}, False),
    ]
    for status, headers, token in refused:
        got, _, content = studio.raw("POST", "/predict", photo, headers, token)
        assert got == status and json.loads(content)["error"], (headers, content)
    assert studio.raw("POST", "/predict", photo, {"Cookie": cookie, "Origin": own}, False)[0] == 200
    assert studio.raw("GET", "/", headers={}, token=False)[0] == 401
    japanese = studio.raw("GET", "/", headers={"Accept-Language": "ja,en;q=0.5"}, token=False)
    assert japanese[0] == 401 and "アドレス" in japanese[2].decode()
    assert studio.raw("GET", "/api/projects", token=False)[0] == 401
    assert studio.raw("GET", "/static/../routes.py", token=False)[0] in (401, 404)
    assert studio.raw("GET", "/static/%2e%2e/routes.py", token=False)[0] == 404


def test_the_address_gives_a_cookie_and_pages_load_nothing_from_elsewhere(studio):
    path = studio.address.partition(str(studio.port))[2]
    status, headers, _ = studio.raw("GET", path, token=False)
    assert status == 303 and headers["location"] == "/"
    assert "HttpOnly" in headers["set-cookie"] and "samesite=strict" in headers["set-cookie"].lower()
    status, headers, page = studio.raw(
        "GET", "/", headers={"Cookie": headers["set-cookie"].partition(";")[0]}, token=False
    )
    assert status == 200 and b"zoo studio" in page and studio.token.encode() not in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    assert "server" not in {name.lower() for name in headers}


def test_it_listens_on_this_machine_alone(studio):
    lines = Path("/proc/net/tcp").read_text().splitlines()
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    assert [place for place in listening if int(place.partition(":")[2], 16) == studio.port] == [
        f"0100007F:{studio.port:04X}"
    ]


# What is asked


@needs_openvino
def test_it_answers_as_predict_does(studio, tuned, photo):
    answer = studio.ask("POST", "/predict?top=2", photo)
    ours = json.loads(json.dumps(tuned.classifier.predict(photo, top=2).to_json()))
    assert answer["label"] == ours["label"] and answer.keys() == ours.keys()
    assert answer["probability"] == pytest.approx(ours["probability"], abs=1e-4)
    heat = Image.open(io.BytesIO(studio.ask("POST", "/explain", photo)))
    assert heat.format == "JPEG"
    (listed,) = studio.ask("GET", "/api/classifiers")
    assert studio.ask("GET", f"/api/classifiers/{listed['id']}")["labels"] == ["dots", "stripes"]


def test_the_description_names_every_address(studio):
    described = json.loads(studio.raw("GET", "/openapi.json", token=False)[2])
    studies = studio.ask("GET", "/api/studies")
    figures = [studio.ask("GET", f"/api/studies/{study['name']}/figure") for study in studies]
    assert all(figure.startswith(b"\x89PNG") for figure in figures) and len(figures) >= 8
    assert studio.ask("GET", "/api/studies/none/figure", status=404)["error"] == "there is no such study."
    post = described["paths"]["/predict"]["post"]
    assert [each["name"] for each in post["parameters"]] == ["classifier", "top"]
    assert post["requestBody"]["content"] == {"application/octet-stream": {}}
    assert all(operation["summary"] for path in described["paths"].values() for operation in path.values())


def test_boxes_and_photos(studio, tuned, photo):
    project = project_of(studio, tuned, count=3)
    path = f"/api/projects/{project}"
    boxes = studio.ask("GET", path)["boxes"]
    assert [(box["name"], len(box["photos"])) for box in boxes] == [("dots", 3), ("stripes", 3)]
    first = boxes[0]["photos"][0]
    assert Image.open(io.BytesIO(studio.ask("GET", f"{path}/thumbnails/{first}"))).format == "JPEG"
    studio.ask("PUT", f"{path}/boxes/dots/photos/{first}", "stripes")
    assert studio.ask("PUT", f"{path}/boxes/dots", "spots & dots") == {"name": "spots & dots"}
    studio.ask("DELETE", f"{path}/boxes/stripes/photos/{first}")
    boxes = studio.ask("GET", path)["boxes"]
    assert [(box["name"], len(box["photos"])) for box in boxes] == [("spots & dots", 2), ("stripes", 3)]
    studio.ask("POST", f"{path}/boxes/stripes/photos", photo)
    studio.ask("POST", f"{path}/boxes/spots%20%26%20dots/photos", photo)
    found = studio.ask("GET", f"{path}/findings")
    assert "across classes" in [finding["kind"] for finding in found]
    assert str(studio.home) not in json.dumps(found)
    studio.ask("DELETE", path)
    assert studio.ask("GET", path, status=404)["error"] == "there is no such project."


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a|b", "train", "x" * 41, "a\0b", "found.000"])
def test_names_of_boxes_that_are_no_folders(name):
    with pytest.raises(UsageError):
        box_name(name)


def test_uploads_that_are_refused(studio, photo, tuned):
    project = studio.ask("POST", "/api/projects", "refused")["id"]
    studio.ask("POST", f"/api/projects/{project}/boxes", "box")
    path = f"/api/projects/{project}/boxes/box/photos"
    tiff = io.BytesIO()
    Image.new("L", (4, 4)).save(tiff, "TIFF")
    bad = [
        (415, b""),
        (415, tuned.out.read_bytes()),
        (415, tiff.getvalue()),
        (415, b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        (413, b"\xff\xd8\xff" + bytes(guards.PHOTO)),
        (422, photo[: len(photo) // 2]),
        (422, png(60_000, 60_000)),
        (422, png(30_000, 3_000, bytes(100))),
        (422, animation(400)),
        (422, scans(photo)),
        (422, b"RIFF\x04\0\0\0WEBPVP8 "),
    ]
    for status, data in bad:
        for address in (path, "/predict"):
            error = studio.ask("POST", address, data, status)["error"]
            assert str(studio.home) not in error and "/" not in error.replace("image/", ""), error
    for way in ("..", "%2e%2e", "box/../..", "box%2f..%2f.."):
        assert studio.raw("POST", f"/api/projects/{project}/boxes/{way}/photos", photo)[0] in (404, 405)
    assert studio.ask("GET", f"/api/projects/{project}")["boxes"] == [{"name": "box", "photos": []}]
    assert studio.ask("POST", path, photo)["photo"]


def test_a_body_that_says_nothing_of_its_length_is_counted(studio):
    def parts():
        yield b"\xff\xd8\xff"
        for _ in range(guards.PHOTO // 2**20 + 1):
            yield bytes(2**20)

    assert studio.raw("POST", "/predict", parts())[0] == 413


@needs_openvino
def test_a_program_that_dies_is_replaced(studio, photo):
    studio.ask("POST", "/predict", photo)
    workers = studio.workers()
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    time.sleep(0.2)
    assert studio.ask("POST", "/predict", photo)["label"] == "dots"


def test_the_command_says_what_is_missing(run, monkeypatch, tmp_path):
    (tmp_path / "none.keras").write_bytes(b"none")
    code, _, err = run("app", str(tmp_path / "none.keras"))
    assert code == 1 and "none.keras" in err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = run("app")
    assert code == 2 and "pip install starlette uvicorn" in err


# What takes longer


@needs_openvino
@pytest.mark.slow
def test_trained_killed_and_started_again(start, tuned, copy_home, tmp_path, photo):
    studio = Studio(start, copy_home(tmp_path / "home"))
    project = project_of(studio, tuned, count=10)
    events = studio.train(project)
    assert events[-1] == {"state": "done"} and any((each["progress"] or {}).get("total") == 16 for each in events[:-1])
    results = studio.ask("GET", f"/api/projects/{project}")["results"]
    assert not results["changed"] and results["accuracy"]["n"] == 4 and results["labels"] == ["dots", "stripes"]
    said = studio.ask("POST", "/predict", photo)
    (scratch := studio.home / "studio" / "temporary" / "half.html").write_text("half")
    studio.end(signal.SIGKILL)

    studio = Studio(start, studio.home)
    assert not scratch.exists()
    assert studio.ask("GET", f"/api/projects/{project}")["results"] == results
    assert studio.ask("POST", "/predict", photo) == said
    page = studio.ask("GET", f"/api/classifiers/{project}/file.html")
    assert page.startswith(b"<!doctype html>") and b"dots" in page
    studio.end()
    assert not scratch.parent.exists()


@needs_openvino
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_documented_request(tuned, copy_home, tmp_path, photo):
    """The lines of docs/app.md, as they stand there."""
    page = (Path(__file__).parents[1] / "docs" / "app.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```sh\n(zoo app pets.*?)```", page, re.DOTALL)
    shutil.copy(tuned.out, tmp_path / "pets.keras")
    (tmp_path / "new.jpg").write_bytes(photo)
    environment = {**os.environ, "ZOO_HOME": str(copy_home(tmp_path / "home"))}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    done = subprocess.run(
        ["bash", "-c", f"{lines}\nkill %1"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    answer = json.loads(done.stdout)
    assert answer["label"] == "dots" and len(answer["top"]) == 2, done


@needs_openvino
@pytest.mark.slow
def test_a_thousand_hostile_uploads(studio, tuned, photo):
    draw = random.Random(3011)
    seeds = [seed for seed in seeds_images() if seed.startswith((*guards.STARTS, b"RIFF"))]
    uploads = [mutate_image(draw.choice(seeds), draw, seeds) for _ in range(1000)]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda data: studio.raw("POST", "/predict", data), uploads))
    assert {status for status, _, _ in answers} <= {200, 413, 415, 422}
    assert not any(str(studio.home).encode() in content for _, _, content in answers)
    assert studio.ask("POST", "/predict", photo)["label"] == "dots"


@pytest.mark.slow
def test_slow_clients_are_cut_off(studio):
    with socket.create_connection(("127.0.0.1", studio.port), timeout=guards.HEAD + 10) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: ")
        begin = time.monotonic()
        assert slow.recv(100) == b"" and time.monotonic() - begin < guards.HEAD + 5
    with socket.create_connection(("127.0.0.1", studio.port), timeout=guards.PAUSE + 20) as slow:
        head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\nAuthorization: Bearer {studio.token}\r\n"
        slow.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b"\xff\xd8\xff")
        assert b" 408 " in slow.recv(1000)


# In a browser


@needs_browser
@needs_openvino
@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_from_photos_to_a_page_to_mail(start, tuned, copy_home, tmp_path, width, photo):
    studio = Studio(start, copy_home(tmp_path / "home"))
    with browser() as window:
        window.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600
        )
        window.call("Page.navigate", url=studio.address)
        window.wait("!!document.getElementById('new-name')")
        assert window.run("location.search") == ""  # the token is nowhere to be seen
        fits(window, width)
        typed(window, "new-name", "Dots or stripes")
        window.run("document.querySelector('#begin button').click()")
        window.wait("!!document.getElementById('box-name')")
        for box in ("dots", "stripes"):
            typed(window, "box-name", box)
            window.run("document.querySelector('#add-box button').click()")
            window.wait(f"!!document.querySelector('input[name=photos-{box}]')")
            files = [*sorted((tuned.photos / "val" / box).glob("*.jpg")), tuned.out]
            if box == "dots":
                window.choose("input[name=photos-dots]", files)
            else:
                window.drop(".box:has(input[name=photos-stripes])", files)
            window.wait(f"document.querySelectorAll('.photos img').length == {10 if box == 'dots' else 20}")
            assert "tuned.keras" in window.run("document.getElementById('said').textContent")
        window.wait("!!document.querySelector('.findings .good, .findings details')")
        fits(window, width)
        window.run("document.querySelector('.photos img[alt=\"stripes 4\"]').closest('button').click()")
        pressed(window, "#photo button", "Move to dots")
        window.wait("document.querySelectorAll('.photos img[alt^=dots]').length == 11")
        window.run("document.getElementById('train').click()")
        window.wait("!document.querySelector('#train-step progress').hidden")
        window.call("Page.reload")  # as if the tab had been closed; the training goes on, and is shown again
        window.wait("!!document.querySelector('.score strong')")
        assert not window.run("!!document.querySelector('.verdict .warning')")
        pressed(window, ".gallery li", "stripes", "button")  # the one in the wrong box, which the audit has found
        pressed(window, "#photo button", "Move to stripes")
        window.wait("!!document.querySelector('.verdict .warning')")  # the boxes have changed
        assert window.run("document.querySelectorAll('.photos img[alt^=dots]').length") == 10
        pressed(window, "#try-step button", "Camera")
        window.wait("document.querySelector('#try-step video')?.videoWidth")
        pressed(window, "#try-step button", "Take")
        window.wait("!!document.querySelector('.answer .best')")
        pressed(window, "#try-step button", "Close")
        (file := tmp_path / "new.jpg").write_bytes(photo)
        window.choose("#try-files", [file])
        window.wait("document.querySelector('.answer .best')?.textContent == 'dots'")
        window.run("document.querySelector('.answer button').click()")
        window.wait("document.querySelector('.answer button').disabled")
        fits(window, width)
        window.run("document.getElementById('save-html').click()")
        page = window.downloaded(".html", 120)
        assert page.name == "Dots or stripes.html" and "dots" in page.read_text(encoding="utf-8")
        unnamed = "[...document.querySelectorAll('button, input')].filter(e => !e.textContent && !e.ariaLabel"
        assert window.run(f"{unnamed} && !e.labels?.length && !e.querySelector('img[alt]')).length") == 0
        window.run("location.hash = '#/'")
        window.wait("!!document.querySelector('.card .good')")
        fits(window, width)
        window.screenshot(tmp_path / "studio.png")
        assert [entry for entry in window.log if is_wrong(entry)] == []
    studio.end()


@needs_browser
@needs_openvino
@pytest.mark.browser
def test_play(start, copy_home, tmp_path):
    """What the zoo ships, in each of its four cards."""
    studio = Studio(start, copy_home(tmp_path / "home"))
    with browser() as window:
        window.call("Page.navigate", url=studio.address)
        window.wait("!!document.getElementById('new-name')")
        window.run("location.hash = '#/play'")
        window.wait("!!document.querySelector('#chat input')")
        window.run("document.querySelector('#chat input').value = 'hello'")
        window.run("document.querySelector('#chat form button').click()")
        window.wait("document.querySelector('#chat li:last-child:not(.mine)')?.textContent.length > 2")
        window.wait("!document.querySelector('#chat form button').disabled")
        window.run("document.querySelector('#write button').click()")
        window.wait("document.querySelector('#write textarea').value.length > 200")
        assert window.run("document.querySelector('#write textarea').value").startswith("ROMEO:\n")
        window.run("document.querySelector('#draw button').click()")
        window.wait("document.querySelector('#draw img').naturalWidth == 4 * 28")
        window.run("document.querySelector('#words form button').click()")
        window.wait("document.querySelectorAll('#words li').length == 6")
        assert "queen" in window.run("document.getElementById('words').textContent")
        window.run("document.querySelector('#studies select').value = 'optimizers'")
        window.run("document.querySelector('#studies select').dispatchEvent(new Event('change'))")
        window.wait("document.querySelector('#studies img').src.includes('optimizers')")
        window.wait("document.querySelector('#studies img').naturalWidth > 300")
        assert "Adam" in window.run("document.querySelector('#studies pre').textContent")
        for width in (360, 1280):
            window.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False
            )
            fits(window, width)
            window.screenshot(tmp_path / f"play-{width}.png")
        assert [entry for entry in window.log if is_wrong(entry)] == []
    studio.end()


@needs_browser
@pytest.mark.browser
def test_what_fails_is_said_in_japanese(start, copy_home, tmp_path):
    studio = Studio(start, copy_home(tmp_path / "home"))
    with browser("ja") as window:
        window.call("Page.navigate", url=studio.address)
        window.wait("!!document.getElementById('new-name')")
        window.run("document.querySelector('#begin button').click()")  # without a name
        window.run("location.hash = '#/project/0123456789ab'")
        window.wait("document.getElementById('said').textContent.startsWith('見つかりません')")
        window.wait("!!document.getElementById('new-name')")  # back at the start
    studio.end()


def is_wrong(entry) -> bool:
    """Whether a page has complained of more than that the studio took no model, and that it was left."""
    if "request" in entry:
        return not entry["request"].startswith("http://127.0.0.1:")
    return "exceptionDetails" in entry or entry.get("entry", {}).get("source") not in (None, "network")


def pressed(window, selector, text, within=""):
    """Click the last of some elements that has a text, or what is within it."""
    elements = f"[...document.querySelectorAll({json.dumps(selector)})]"
    found = f"{elements}.findLast(e => e.textContent.includes({json.dumps(text)}))"
    window.wait(f"!!{found}")
    window.run(f"{found}{f'.querySelector({json.dumps(within)})' if within else ''}.click()")


def typed(window, name, text):
    window.run(f"document.getElementById('{name}').value = {json.dumps(text)}")


def fits(window, width):
    assert window.run("document.documentElement.scrollWidth") <= width
