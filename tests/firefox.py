"""A headless Firefox that is told what to do by its Marionette protocol, over a port of this machine."""

import base64
import contextlib
import itertools
import json
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from browser import Window

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
PATIENCE = 120  # seconds
PREFERENCES = {
    "marionette.port": 0,  # whichever is free; it says which in its profile
    "browser.download.folderList": 2,  # a folder of ours
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "network.proxy.type": 1,  # it cannot reach the network
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
}


class Firefox(Window):
    """One window of a Firefox."""

    def __init__(self, port: int, folder: Path):
        self.folder, self.log, self.numbers = folder, [], itertools.count(1)
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.stream = self.socket.makefile("rb")
        self.read()  # it greets
        self.call("WebDriver:NewSession", capabilities={})
        self.call("WebDriver:SetTimeouts", script=1000 * PATIENCE, pageLoad=1000 * PATIENCE)

    def call(self, command: str, **parameters):
        """Ask for something, and wait for the answer."""
        message = json.dumps([0, next(self.numbers), command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self.read()
        assert error is None, error
        return result

    def read(self):
        length = b""
        while not length.endswith(b":"):
            part = self.stream.read(1)
            assert part, "the browser has ended"
            length += part
        return json.loads(self.stream.read(int(length[:-1])))

    def open(self, page: Path, width: int, height: int = 800) -> None:
        """Show a file in a window of a size, and wait until all of it is there."""
        self.call("WebDriver:SetWindowRect", width=width, height=height)
        self.call("WebDriver:Navigate", url=page.resolve().as_uri())

    def run(self, script: str):
        """What a line of JavaScript gives."""
        result = self.call("WebDriver:ExecuteScript", script=f"return (async () => ({script}))()", args=[])
        return result["value"]

    def choose(self, selector: str, files: list[Path]) -> None:
        """Put files into an input for files."""
        (element,) = self.call("WebDriver:FindElement", using="css selector", value=selector)["value"].values()
        self.call("WebDriver:ElementSendKeys", id=element, text="\n".join(str(file.resolve()) for file in files))

    def screenshot(self, file: Path) -> None:
        """The whole page as a PNG file."""
        file.write_bytes(base64.b64decode(self.call("WebDriver:TakeScreenshot", full=True)["value"]))


@contextlib.contextmanager
def firefox(language: str = "en"):
    """Start one, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (folder := Path(profile, "saved")).mkdir()
        preferences = {**PREFERENCES, "intl.accept_languages": language, "browser.download.dir": str(folder)}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()]
        Path(profile, "user.js").write_text("\n".join(lines), encoding="utf-8")
        process = subprocess.Popen(
            [FIREFOX, "--headless", "--no-remote", "--marionette", "--profile", profile],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until, port = time.monotonic() + PATIENCE, Path(profile, "MarionetteActivePort")
            while not (port.is_file() and port.read_text().strip()):
                assert process.poll() is None and time.monotonic() < until, "Firefox does not start"
                time.sleep(0.1)
            yield Firefox(int(port.read_text()), folder)
        finally:
            process.kill()
            process.wait()
