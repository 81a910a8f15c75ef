"""A headless Chromium that is told what to do through two pipes, by its DevTools protocol; nothing else is needed."""

import base64
import contextlib
import csv
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Window:
    """What tests ask of any browser's window, beside `open`, `run` and `choose`, which each has in its own way.

    Attributes:
        folder: where what a page lets its user save goes.
    """

    folder: Path

    def run(self, script: str):
        """What a line of JavaScript gives."""
        raise NotImplementedError

    def wait(self, script: str, seconds: float = 120):
        """Wait until a line of JavaScript gives something true."""
        until = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < until, f"{script}; the page says {self.run('document.body.innerText')[:2000]}"
            time.sleep(0.1)
        return value

    def downloaded(self, ending: str, seconds: float = 20) -> Path:
        """The file that was saved last; it may be on its way."""
        until = time.monotonic() + seconds
        while not (files := sorted(self.folder.glob(f"*{ending}"), key=lambda file: file.stat().st_mtime)):
            assert time.monotonic() < until, f"no {ending} file was saved"
            time.sleep(0.05)
        return files[-1]


class Browser(Window):
    """One window of a Chromium that cannot reach the network.

    Attributes:
        log: what pages have complained of: errors of scripts, what their own policy forbids, requests that failed.
    """

    def __init__(self, incoming, outgoing, folder: Path):
        self.incoming, self.outgoing, self.numbers = incoming, outgoing, itertools.count(1)
        self.session, self.log, self.waiting = None, [], b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")
        self.folder = folder
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def call(self, method: str, **parameters) -> dict:
        """Ask for something, and wait for the answer; what happens meanwhile is noted."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.outgoing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def read(self) -> dict:
        while b"\0" not in self.waiting:
            part = os.read(self.incoming, 1 << 20)
            assert part, "the browser has ended"
            self.waiting += part
        message, self.waiting = self.waiting.split(b"\0", 1)
        event = json.loads(message)
        if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown", "Network.loadingFailed"):
            self.log.append(event["params"])
        if event.get("method") == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            if not url.startswith(("data:", "file:", "about:", "blob:")):
                self.log.append({"request": url})
        return event

    def open(self, page: Path, width: int, height: int = 800, dark: bool = False) -> None:
        """Show a file in a window of a size, and wait until all of it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=page.resolve().as_uri())
        while self.run("document.readyState") != "complete":
            pass

    def run(self, script: str):
        """What a line of JavaScript gives."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def choose(self, selector: str, files: list[Path]) -> None:
        """Put files into an input for files."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file.resolve()) for file in files])

    def drop(self, selector: str, files: list[Path]) -> None:
        """Drop files on an element."""
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.run(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({box})")
        data = {"items": [], "files": [str(file.resolve()) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            down = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **down)

    def screenshot(self, file: Path, whole: bool = True) -> None:
        """What is seen, or the whole page, as a PNG file."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        file.write_bytes(base64.b64decode(data))


@contextlib.contextmanager
def browser(language: str = "en"):
    """Start one, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (folder := Path(profile, "saved")).mkdir()
        (theirs_in, outgoing), (incoming, theirs_out) = os.pipe(), os.pipe()
        # it wants its pipes at 3 and 4; without --no-sandbox it does not start as root, as in a container
        start = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        options = ["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += ["--proxy-server=127.0.0.1:9", "--disable-dev-shm-usage", f"--user-data-dir={profile}"]
        options += [f"--lang={language}", f"--accept-lang={language}"]
        options += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # a camera, allowed
        process = subprocess.Popen(
            ["bash", "-c", start, CHROMIUM, *options],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Browser(incoming, outgoing, folder)
        finally:
            process.kill()
            process.wait()
            os.close(incoming)
            os.close(outgoing)


def module(window: Browser, *names: str) -> None:
    """Make what modules of an exported page export known to the empty page."""
    from zoo.export._page import read_part

    window.call("Page.navigate", url="about:blank")
    text = "\n".join(map(read_part, names))
    exported = re.findall(r"^export (?:async )?(?:function|const) (\w+)", text, re.MULTILINE)
    text = re.sub(r"^(export |import .*)", "", text, flags=re.MULTILINE)
    window.run(f"(() => {{ {text}; Object.assign(globalThis, {{ {', '.join(exported)} }}) }})()")


def opened(window, page: Path, width: int = 1280):
    """Open an exported page, and wait until it has tested itself."""
    window.log.clear()
    window.open(page, width)
    window.wait("document.getElementById('selftest-result')?.textContent")
    return window


def answers(window: Window, files: list[Path]) -> list[dict[str, str]]:
    """What the table of an exported classifier's page says of pictures, those left out that it cannot read."""
    for earlier in window.folder.glob("*.csv"):
        earlier.unlink()
    window.choose("#files", files)
    window.wait("/ms each|: /.test(document.getElementById('status').textContent)", 600)
    window.run("document.getElementById('table').click()")
    return [*csv.DictReader(window.downloaded(".csv").open(encoding="utf-8-sig", newline=""))]


def main(page: str, saved: str, photos: str) -> None:
    """Compare a page's answers about a folder of photos with those of the file that it was made of."""
    import zoo

    files = sorted(file for file in Path(photos).rglob("*") if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
    with browser() as window:
        window.open(Path(page), 1280)
        window.wait("document.getElementById('selftest-result')?.textContent")
        rows = answers(window, files)
        print(window.run("document.getElementById('status').textContent"))
    ours = zoo.load(saved).predict(files)
    pairs = [*zip(rows, ours, strict=True)]
    same = [(row, each) for row, each in pairs if row["answer"] == each.label]
    novel = sum((row["resembles nothing"] == "yes") == bool(each.is_novel) for row, each in pairs)
    most = max(abs(float(row["probability"]) - each.probability) for row, each in same)
    print(f"the same class for {len(same)} of {len(pairs)}, probabilities within {most:.4f}; novelty for {novel}")


if __name__ == "__main__":
    main(*sys.argv[1:])
