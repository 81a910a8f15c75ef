"""Where the zoo keeps its own files; where results may go, and how they are written: whole, or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import platformdirs

from zoo.errors import ZooError


def home() -> Path:
    """The folder of the zoo's caches: `$ZOO_HOME`, or the system's place for caches.

    Raises:
        ZooError: `$ZOO_HOME` names the home of somebody who has none.
    """
    try:
        return expand(os.environ.get("ZOO_HOME") or platformdirs.user_cache_dir("zoo", appauthor=False))
    except ZooError as error:
        raise ZooError(f"no cache can be kept in ZOO_HOME, {error}") from error


def expand(path: str | os.PathLike) -> Path:
    """A path as people type it, with `~` for their home.

    Raises:
        ZooError: nobody of that name has a home here.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ZooError(f"{path}: {error} For a name that begins with ~ type ./{path}.") from error


def is_cached(path: Path) -> bool:
    """Whether the cache has such a file; not so where the system does not let one look.

    Example:
        >>> is_cached(Path("a" * 1000))  # too long a name for any file
        False
    """
    try:
        return path.is_file()
    except OSError:
        return False


def output(
    path: str | os.PathLike,
    conflict: Callable[[Path], str] = lambda file: "",
    *,
    inputs: Iterable[str | os.PathLike] = (),
    overwrite: bool = False,
) -> Path:
    """Where a result goes: `~` expanded, links followed. What is there is lost only where that is meant.

    Args:
        path: the file that is to be written.
        conflict: says of a file that is there why it should stay, as "is no skip list", or "" where it may go.
        inputs: files and folders that the result is made from. They stay, whatever `overwrite` says.
        overwrite: replace the file that is there all the same.

    Raises:
        ZooError: there is something else than a file, an input, or a file that should stay.

    Example:
        >>> output("notes.txt").name
        'notes.txt'
    """
    target = Path(os.path.realpath(expand(path)))
    if not target.exists():
        return target
    if not target.is_file():
        what = "a folder" if target.is_dir() else "a device or a pipe"
        raise ZooError(f"{path} is {what}, where a file is to be written; give another name.")
    reason = conflict(target) if target.stat().st_size else ""
    for item in map(expand, inputs):
        if item.is_dir():
            within = bool(reason) and target.is_relative_to(item.resolve())
        else:
            within = item.exists() and item.samefile(target)
        if within:
            raise ZooError(f"{path} is read here, and would be written over; give another name.")
    if reason and not overwrite:
        raise ZooError(
            f"{path} is there already and {reason}. Give another name, or replace it: --overwrite, in Python "
            "overwrite=True."
        )
    return target


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike, suffix: str = "") -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place at the end, or remove it on any error.

    A reader of `path` sees the old file or the new one, whenever the writer is killed.

    Args:
        path: the file to write, as for `output`; its folder is made when absent.
        suffix: ending of the temporary name, for writers that insist on one (".keras").

    Example:
        >>> with atomic_file("notes.txt") as temporary:
        ...     _ = temporary.write_text("all of it")
    """
    path = output(path)
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
