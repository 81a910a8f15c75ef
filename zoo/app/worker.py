"""A program of the pool: reads jobs from standard input, answers on standard output; ends when its input does."""

import logging
import os
import queue
import sys
import threading
from typing import Any

from zoo.app import jobs
from zoo.app.messages import packed, read
from zoo.errors import ZooError, printable

LONGEST = 600  # characters of an error


def without(value: Any, secrets: list[str]) -> Any:
    """Values without the places on this machine that texts in them name.

    Example:
        >>> without({"error": "/home/me/zoo/cats/1.jpg is damaged"}, ["/home/me/zoo/"])
        {'error': 'cats/1.jpg is damaged'}
    """
    if isinstance(value, dict):
        return {key: without(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [without(item, secrets) for item in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "")
    return value


def main() -> None:
    answers, commands = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)  # what libraries print must not come between messages
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    waiting: queue.Queue = queue.Queue()

    def receive() -> None:
        while (message := read(commands)) is not None:
            waiting.put(message)
        os._exit(0)  # the server has gone, so nobody waits for what is being done

    threading.Thread(target=receive, daemon=True).start()

    def send(values: dict, data: bytes = b"") -> None:
        answers.write(packed(values, data))
        answers.flush()

    while True:
        job, data = waiting.get()
        secrets = job["secrets"]
        try:
            answer = jobs.run(job["name"], job["values"], data, lambda values: send({"progress": values}))
            send({"answer": without(answer.values, secrets)}, answer.data)
        except ZooError as error:
            send({"error": printable(without(str(error), secrets), LONGEST)})
        except Exception:
            logging.exception("a job of the studio's failed: %s", job["name"])
            send({"error": "it failed; the terminal that the studio runs in says more.", "status": 500})


if __name__ == "__main__":
    main()
    sys.exit()
