"""A stranger's model is built for the first time in a process that may fail: with an end to its memory and its time.

Frameworks end the whole process, go round in circles or ask for all memory there is on numbers that nobody foresaw. So
`zoo.trial` builds and runs a model before the own process does; that it went well is remembered in the cache.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

from zoo.errors import ZooError
from zoo.files import home
from zoo.saving.packing import digest
from zoo.saving.safety import CONFIG

MEMORY = 640 * 2**20  # bytes, beyond what the imports took; what the answers of one forward pass and a framework need
THREAD = 16 * 2**20  # bytes for each thread of a framework
SECONDS = 3  # of the processor, beyond half as many as the imports took, which tells how fast it is
SECONDS_BYTE = 1e-6  # the same, for each byte of weights
# Seconds of the processor that one example may take, or a thirtieth of what the imports took where that is more, and
# for each byte of weights. EfficientNet-B7, with 266 MB, takes one or two.
SECONDS_EXAMPLE, SHARE_OF_IMPORTS, SECONDS_EXAMPLE_BYTE = 0.25, 1 / 30, 4e-8
STATM = Path("/proc/self/statm")  # not there on systems that have no such limits
PATIENCE = 120  # seconds by the clock, whatever the processor does


@contextlib.contextmanager
def more_memory(size: int) -> Iterator[None]:
    """Let this process take so many bytes more than it has, and no more, while something is done.

    What asks for more gets a MemoryError, or ends the process where it is no Python.
    """
    if resource is None or not STATM.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = data_size() + size
    resource.setrlimit(resource.RLIMIT_DATA, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def data_size() -> int:
    """Bytes of memory that this process has written to, or may."""
    return int(STATM.read_text(encoding="ascii").split()[5]) * resource.getpagesize()


def seconds_for_example(size: int, imports: float) -> float:
    """How long a model of `size` bytes may compute one example, of the processor; `imports` from `limit_process`."""
    return max(SECONDS_EXAMPLE, SHARE_OF_IMPORTS * imports) + SECONDS_EXAMPLE_BYTE * size


def limit_process(size: int) -> float:
    """Let the system end this process when it takes much more than a model of `size` bytes should.

    It is called after the imports, and goes by what they took.

    Returns:
        How many seconds of the processor that was, which tells how fast it is.
    """
    imports = time.process_time()
    if resource is None or not STATM.exists():
        return imports
    memory = data_size() + MEMORY + THREAD * (os.cpu_count() or 1) + 8 * size
    seconds = round(1.5 * imports + SECONDS + SECONDS_BYTE * size)
    for kind, limit in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (limit, limit))
    return imports


def mark(members: dict[str, bytes], test: dict, setting: str = "") -> Path:
    """The file whose being there says that a model of this configuration went well.

    Args:
        members: of the saved file.
        test: its self-test, on whose inputs it was run.
        setting: what it was run by; "" for a model that was made here, and went well anywhere.
    """
    config = re.sub(rb'"shared_object_id": \d+', b"", members[CONFIG])  # which is another one each time
    shape = json.dumps(test["inputs"]["shape"][1:])
    return home() / "tried" / digest(b"\0".join([config, shape.encode(), setting.encode()]))


def remember(passed: Path) -> None:
    """Write down that something went well."""
    with contextlib.suppress(OSError):  # a cache that cannot be written only means that it is tried again
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


def begin(file: Path, name: Path, backend: str) -> "subprocess.Popen[str]":
    """Start to build and run a saved file's model in another process, on the processor.

    Args:
        file: a copy of the file that nobody changes.
        name: what the file is called, for messages.
        backend: of Keras.
    """
    environment = {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    return start_program("zoo.trial", str(file), str(name), environment=environment, stdout=subprocess.PIPE)


def start_program(
    module: str,
    *words: str,
    environment: dict[str, str],
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> "subprocess.Popen[str]":
    """Start a module of the zoo's as a program, in a process of its own.

    Args:
        module: its name.
        words: the program's arguments.
        environment: variables beside those of this process.
        stdout, stderr: where its output goes; a pipe is read by `communicate`.
    """
    return subprocess.Popen(
        # -P: a file of the user's that is called like a package must not be imported in its place
        [sys.executable, "-P", "-m", module, *words],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
        errors="replace",
    )


def finish(process: "subprocess.Popen[str]", name: Path) -> None:
    """Wait for what `begin` started.

    Raises:
        ZooError: what went wrong.
    """
    words, _ = communicate(process)
    if process.returncode == 1 and words:
        raise ZooError(json.loads(words))
    if process.returncode:
        raise ZooError(
            f"{name} is refused: its model cannot be built and run in {MEMORY // 2**20} MB of memory and a few "
            f"seconds, or ends the process that tries it ({process.returncode})."
        )


def communicate(process: "subprocess.Popen[str]", seconds: float = PATIENCE) -> tuple[str, str]:
    """What a process printed, and its errors; it is ended when it takes too long, or when nobody waits any more."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return "", f"it took more than {seconds:g} seconds"
    finally:
        process.kill()
        process.wait()
