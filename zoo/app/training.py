"""Trainings: one at a time, in a program of its own, whose progress anybody may watch."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from zoo.app.pool import BrokenError, BusyError, Pool
from zoo.app.store import Project
from zoo.errors import ZooError

LONGEST = 6 * 3600  # seconds


class Training:
    """One training, and what it has told so far."""

    def __init__(self, project: Project):
        self.project = project
        self.last: dict[str, Any] = {"state": "running", "progress": None}
        self.task: asyncio.Task | None = None
        self._changed = asyncio.Event()

    def tell(self, **facts: Any) -> None:
        self.last = facts
        self._changed.set()
        self._changed = asyncio.Event()

    async def events(self) -> AsyncIterator[str]:
        """Server-sent events: what is the case now, and each change, up to the end."""
        while True:
            changed = self._changed
            yield f"data: {json.dumps(self.last)}\n\n"
            if self.last["state"] != "running":
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(5):  # then the same once more, by which one learns who has gone
                    await changed.wait()


class Trainings:
    """All trainings of this start, by their project.

    Args:
        pool: of one program.
    """

    def __init__(self, pool: Pool):
        self.pool = pool
        self.of: dict[str, Training] = {}

    def is_running(self, project: Project) -> bool:
        training = self.of.get(project.id)
        return training is not None and training.last["state"] == "running"

    def start(self, project: Project) -> Training:
        """Begin; a second one is refused."""
        if any(training.last["state"] == "running" for training in self.of.values()):
            raise BusyError("a classifier is being trained; wait for it, or stop it.")
        training = self.of[project.id] = Training(project)
        training.task = asyncio.create_task(self._run(training))
        return training

    async def _run(self, training: Training) -> None:
        project = training.project

        def report(progress: dict) -> None:
            training.tell(state="running", progress=progress)

        try:
            folder, out, photos = str(project.photos), str(project.classifier), project.fingerprint()
            answer = await self.pool.run("train", seconds=LONGEST, report=report, folder=folder, out=out)
            project.keep_results(answer.values, photos)
            training.tell(state="done")
        except asyncio.CancelledError:
            training.tell(state="stopped")
        except BrokenError:
            error = "the program that trained has ended: memory was short, or it took more than six hours."
            training.tell(state="failed", error=error)
        except (ZooError, OSError) as error:
            training.tell(
                state="failed", error=str(error) if isinstance(error, ZooError) else "the disk cannot be written."
            )

    def stop(self, project: Project) -> None:
        """Stop; what was trained before stays."""
        if (training := self.of.get(project.id)) and training.task:
            training.task.cancel()
