"""Starts the studio, and ends what it started."""

import asyncio
import os
import secrets
import socket
import webbrowser
from collections.abc import Callable, Iterable
from pathlib import Path

import uvicorn

from zoo.app.guards import Guard, Protocol
from zoo.app.pool import Pool
from zoo.app.routes import Studio
from zoo.app.store import Store, folder
from zoo.app.training import Trainings
from zoo.errors import ZooError
from zoo.files import claimed

HOST = "127.0.0.1"  # never anything else
CONNECTIONS = 300
STOPPING = 2  # seconds that requests have to end


def serve(
    files: Iterable[Path] = (),
    *,
    port: int = 8765,
    browser: bool = True,
    say: Callable[[str, str], None] = lambda address, token: None,
) -> None:
    """Run the studio until it is interrupted.

    Args:
        files: saved classifiers to open beside those that are made here.
        port: where it listens, on this machine alone; 0 is any.
        browser: whether to open it there.
        say: is told the address to open, and the token that programs send.

    Raises:
        ZooError: the port is taken, or another studio runs.
    """
    root, token = folder(), secrets.token_urlsafe(24)
    with claimed(root), listening(port) as listener:
        store = Store(root, files)
        port = listener.getsockname()[1]
        address = f"http://{HOST}:{port}/?token={token}"
        places = [
            f"{place}{end}" for place in (root / "projects", store.scratch / "exports", root) for end in ("/", "")
        ]
        places += [f"{file.parent}/" for file in store.files.values()]

        async def run() -> None:
            cores = os.cpu_count() or 1
            pools = pictures, trains, plays = Pool(max(2, min(4, cores)), places), Pool(1, places), Pool(1, places)
            studio = Studio(store, pictures, Trainings(trains), plays)
            studio.guard = Guard(studio.app(), port, token)
            config = uvicorn.Config(
                studio.guard,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=CONNECTIONS,
                timeout_graceful_shutdown=STOPPING,
            )
            try:
                await uvicorn.Server(config).serve([listener])
            finally:
                for pool in pools:
                    pool.end()

        say(address, token)
        if browser:
            webbrowser.open(address)
        try:
            asyncio.run(run())
        finally:
            store.clean()


def listening(port: int) -> socket.socket:
    """A socket of this machine alone."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(CONNECTIONS)  # who is told the address need not wait
    except OSError as error:
        listener.close()
        raise ZooError(
            f"port {port} cannot be listened on: {error.strerror}. Give another: --port 0 is any."
        ) from None
    return listener
