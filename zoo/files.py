"""Where the zoo keeps its own files, and how a file is written: whole, or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs


def home() -> Path:
    """The folder of the zoo's caches: `$ZOO_HOME`, or the system's place for caches."""
    return Path(os.environ.get("ZOO_HOME") or platformdirs.user_cache_dir("zoo", appauthor=False)).expanduser()


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike, suffix: str = "") -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place at the end, or remove it on any error.

    A reader of `path` sees the old file or the new one, whenever the writer is killed.

    Args:
        path: the file to write; its folder is made when absent.
        suffix: ending of the temporary name, for writers that insist on one (".keras").

    Example:
        >>> with atomic_file("notes.txt") as temporary:
        ...     _ = temporary.write_text("all of it")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes files private; a model file is as public as any other
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; rename it into place at the end, or remove it on any error.

    Where another process has put its own there meanwhile, its files stay, and only what they lack is added.

    Args:
        folder: what will hold the files; it does not exist yet.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".new.", dir=folder.parent))
    try:
        yield temporary
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
            for file in sorted(temporary.iterdir()):
                if not (folder / file.name).exists():
                    file.rename(folder / file.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
