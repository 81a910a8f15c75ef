"""A studio that tests talk to, over the wire as others would: `zoo app` in a process of its own."""

import contextlib
import http.client
import json
import os
import signal
from pathlib import Path


class Studio:
    """One that runs.

    Attributes:
        address: to open in a browser.
        token: of programs.
        home: where it keeps its things.
    """

    def __init__(self, start, home: Path, *files):
        self.home, self.process = home, start("app", *files, "--port", 0, "--no-browser", "--json", home=home)
        text = ""
        while not text.endswith("}\n"):
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            text += line
        self.address, self.token = (json.loads(text)[name] for name in ("address", "token"))
        self.port = int(self.address.split(":")[2].partition("/")[0])

    def raw(self, method, path, body=None, headers=(), token=True):
        """The status, the headers and the body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=200)
        shown = {"Authorization": f"Bearer {self.token}"} if token else {}
        try:
            connection.request(method, path, body, {**shown, **dict(headers)})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def ask(self, method, path, body=None, status=None):
        """What an answer says, which must have a status, by default one of success."""
        got, _, content = self.raw(method, path, body)
        assert got == status or (status is None and 200 <= got < 300), (got, content[:500])
        return json.loads(content) if content[:1] in b"[{" else content

    def workers(self) -> list[int]:
        """Its programs."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in children.read_text().split()]

    def train(self, project) -> list[dict]:
        """Train, and what was told of it."""
        self.ask("POST", f"/api/projects/{project}/training")
        events = self.ask("GET", f"/api/projects/{project}/training").decode().split("\n\n")
        return [json.loads(event.removeprefix("data: ")) for event in events if event]

    def end(self, how=signal.SIGTERM) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, how)
        self.process.communicate()
