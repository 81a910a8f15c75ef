"""Programs that decode and compute, so that the server need not; one that dies or hangs is replaced."""

import asyncio
import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from zoo.app.messages import LENGTHS, Reply, packed
from zoo.errors import ZooError

SECONDS = 20  # for a picture
OPENING = 120  # for what opens a model, too
LONGEST = 256  # jobs that wait
LARGEST = 64 * 2**20  # bytes of an answer


class BusyError(ZooError):
    """Too many wait already."""


class BrokenError(ZooError):
    """The program that was at it died, or took too long."""


class FailedError(ZooError):
    """It could not be done, for a reason that is none of the user's."""


class Worker:
    """One program; `ask` gives it a job at a time."""

    def __init__(self, process: asyncio.subprocess.Process):
        self.process = process
        self.opened: set[tuple] = set()

    @classmethod
    async def start(cls) -> "Worker":
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONUNBUFFERED": "1"}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            # -P: a file of the user's that is called like a package must not be imported in its place
            *(sys.executable, "-P", "-m", "zoo.app.worker"),
            stdin=pipe,
            stdout=pipe,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the server alone
        )
        return cls(process)

    async def messages(self, job: dict, data: bytes) -> AsyncIterator[tuple[dict, bytes]]:
        """What it answers, up to its last word.

        Raises:
            BrokenError: it has ended, or talks nonsense.
        """
        reader, writer = self.process.stdout, self.process.stdin
        assert reader is not None and writer is not None
        try:
            writer.write(packed(job, data))
            await writer.drain()
            while True:
                text, size = LENGTHS.unpack(await reader.readexactly(LENGTHS.size))
                if max(text, size) > LARGEST:
                    raise BrokenError("the answer is too large.")
                values, content = await reader.readexactly(text), await reader.readexactly(size)
                message = json.loads(values)
                yield message, content
                if "progress" not in message:
                    return
        except (OSError, asyncio.IncompleteReadError) as error:
            raise BrokenError("this ended the program that was to look at it; it is left out.") from error

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


class Pool:
    """Several programs, each for whatever comes next.

    Args:
        size: how many.
        secrets: texts that no answer holds: places on this machine.
    """

    def __init__(self, size: int, secrets: list[str]):
        self.slots, self.secrets = asyncio.Semaphore(size), secrets
        self.idle: deque[Worker] = deque()
        self.busy: set[Worker] = set()
        self.waiting = 0

    async def run(
        self,
        name: str,
        data: bytes = b"",
        *,
        seconds: float = SECONDS,
        report: Callable[[dict], None] | None = None,
        **values: Any,
    ) -> Reply:
        """Have a job done.

        Args:
            name: of the job, see `jobs`.
            data: its bytes.
            seconds: after which it is given up.
            report: is told of its progress.
            **values: the job's values.

        Raises:
            BusyError, BrokenError, FailedError: see there.
            ZooError: it cannot be done, and why.
        """
        if self.waiting >= LONGEST:
            raise BusyError("too much is asked at once; try again in a moment.")
        self.waiting += 1
        try:
            async with self.slots:
                return await self._run(name, data, seconds, report, values)
        finally:
            self.waiting -= 1

    async def _run(self, name: str, data: bytes, seconds: float, report: Callable | None, values: dict) -> Reply:
        self.idle = deque(worker for worker in self.idle if worker.process.returncode is None)
        key = values.get("file"), values.get("version")
        # of those that are idle, one that has the model open
        worker = next((each for each in self.idle if key in each.opened), None)
        if worker is not None:
            self.idle.remove(worker)
        else:
            worker = self.idle.popleft() if self.idle else await Worker.start()
        self.busy.add(worker)
        done = False
        limit = seconds + (0 if key in worker.opened else OPENING)
        try:
            async with asyncio.timeout(limit):
                job = {"name": name, "values": values, "secrets": self.secrets}
                async for message, content in worker.messages(job, data):
                    if "progress" in message and report:
                        report(message["progress"])
                    elif "progress" not in message:
                        last, answer = message, content
            done = True
        except TimeoutError:
            raise BrokenError(f"this took more than {limit:g} seconds; it is left out.") from None
        finally:
            self.busy.discard(worker)
            if done:
                self.idle.append(worker)
            else:
                worker.end()
        if "error" in last:
            raise (FailedError if last.get("status") == 500 else ZooError)(last["error"])
        worker.opened.add(key)
        return Reply(last["answer"], answer)

    def end(self) -> None:
        """End all programs."""
        for worker in (*self.idle, *self.busy):
            worker.end()
