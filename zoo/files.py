"""Where the zoo keeps its own files; how those of others are read, and results written: whole, or not at all."""

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

import platformdirs

from zoo.errors import ZooError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


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


FORMULA = re.compile(r"'*[=+\-@\t\r]")  # how a cell begins that spreadsheets compute, and one that was made harmless
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def to_cell(text: str) -> str:
    """A text as a cell of a CSV file that no spreadsheet takes for a formula; `from_cell` gives the text back.

    Example:
        >>> [to_cell(text) for text in ("cat", "=1+1", "-0.5", "'=1+1")]
        ['cat', "'=1+1", '-0.5', "''=1+1"]
    """
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def from_cell(cell: str) -> str:
    """The text that `to_cell` made a cell of.

    Example:
        >>> [from_cell(cell) for cell in ("cat", "'=1+1", "-0.5", "'tis")]
        ['cat', '=1+1', '-0.5', "'tis"]
    """
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


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


def open_file(path: str | os.PathLike) -> BinaryIO:
    """Open a file that somebody has named, to read its bytes.

    Raises:
        OSError: it cannot be read. A pipe, which would be waited for, and a device, which may be endless, are refused.

    Example:
        >>> open_file("/dev/null")
        Traceback (most recent call last):
        OSError: [Errno 22] it is a pipe or a device, where a file is wanted: '/dev/null'
    """

    def opener(name: str, flags: int) -> int:
        mode = Path(name).stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # of a folder, the system says so
            raise OSError(errno.EINVAL, "it is a pipe or a device, where a file is wanted", name)
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # it may have become a pipe just now

    return open(path, "rb", opener=opener)


def read_bytes(path: str | os.PathLike) -> bytes:
    """The content of a file that somebody has named; `OSError` as for `open_file`."""
    with open_file(path) as file:
        return file.read()


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


class FullDiskError(OSError):
    """A disk has no space left, or somebody's share of it has none: says what was being written, and what to do."""

    def __str__(self) -> str:
        return str(self.strerror)


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk, or somebody's share of it, is full."""
    full = (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "errno", None) in full or f"errno = {errno.ENOSPC}" in str(error)  # the second by HDF5


@contextlib.contextmanager
def on_disk(path: Path, advice: str = "give a name on another") -> Iterator[None]:
    """Say what was being written where the disk is full; the system's own error names no file."""
    try:
        yield
    except OSError as error:
        if not is_full(error) or isinstance(error, FullDiskError):  # the second has been told of by who is nearer
            raise
        reason = f"there is no space left for {path}. Make room on its disk, or {advice}"
        raise FullDiskError(error.errno or errno.ENOSPC, reason) from error


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder among the system's temporary ones, which is removed at the end."""
    with tempfile.TemporaryDirectory() as folder, on_disk(Path(folder), "set TMPDIR to a folder on another"):
        yield Path(folder)


@contextlib.contextmanager
def claimed(path: str | os.PathLike | None) -> Iterator[None]:
    """Let nobody else, in this process or another, make the same file or folder until the work on it is done.

    A hidden file beside it is locked, by which the system knows when its holder ends, however that happens. Where
    there are no such locks, on Windows and some network drives, or no file can be put there, nobody is kept out.
    What a holder that was killed had half written, as `atomic_file` does, is removed.

    Args:
        path: the file or folder, which need not be there; None claims nothing.

    Raises:
        ZooError: somebody is at work on it; the process, and since when, are said.

    Example:
        >>> with claimed("notes.txt"), claimed("notes.txt"):  # doctest: +ELLIPSIS
        ...     pass
        Traceback (most recent call last):
        zoo.errors.ZooError: notes.txt is being written by process ..., since ... Wait for it, or give another name.
    """
    if path is None:
        yield
        return
    target = Path(os.path.realpath(expand(path)))
    lock = target.with_name(f".{target.name}.lock")
    made = [folder for folder in lock.parents if not folder.exists()]  # the deepest first
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(lock)
    except BlockingIOError as error:
        raise ZooError(f"{path} is being written by {error.strerror}. Wait for it, or give another name.") from None
    except OSError:
        file = None
    try:
        yield
    finally:
        if file is not None:
            with file:  # removed while it is still locked: who locks it a moment later sees that it is gone
                lock.unlink(missing_ok=True)
        for folder in made:
            with contextlib.suppress(OSError):  # what the work has put there stays
                folder.rmdir()


def _locked(path: Path) -> TextIO | None:
    """Lock a file that says who holds it; None where there are no locks. BlockingIOError tells of another holder."""
    if fcntl is None:
        return None
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            with file:
                file.seek(0)
                since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(os.fstat(file.fileno()).st_mtime))
                holder = f"process {file.read() or 'of unknown number'}, since {since}"
            raise BlockingIOError(error.errno, holder) from None
        if os.fstat(file.fileno()).st_nlink:  # else its holder has just ended and removed it
            break
        file.close()
    with contextlib.suppress(OSError):  # no room for the number
        if os.fstat(file.fileno()).st_size:  # its holder was killed
            made = path.with_name(path.name.removeprefix(".").removesuffix(".lock"))
            for part in (made, *made.glob("[!.]*")):
                pattern = re.compile(rf"\.{re.escape(part.name)}\.[a-z0-9_]{{8}}(\.\w+)?")
                for temporary in part.parent.glob(".*"):
                    if pattern.fullmatch(temporary.name):
                        temporary.unlink()
        os.truncate(file.fileno(), 0)
        os.write(file.fileno(), str(os.getpid()).encode())
    return file


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
    with on_disk(path):
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


def remove_unfinished(parent: Path, process: int) -> None:
    """Remove what a process that was killed has left of its `atomic_folder`s.

    Args:
        parent: where they were to stand.
        process: its number.
    """
    for left in parent.glob(f".new.{process}.*"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; rename it into place at the end, or remove it on any error.

    Where another process has put its own there meanwhile, its files stay, and only what they lack is added.

    Args:
        folder: what will hold the files; it does not exist yet.
    """
    with on_disk(folder, "set ZOO_HOME to a folder on another"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".new.{os.getpid()}.", dir=folder.parent))
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


@contextlib.contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; it takes that one's place at the end, or is removed on any error.

    Args:
        folder: what will hold the files; one that is there goes.
    """
    with on_disk(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        holder = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            made = holder / folder.name
            made.mkdir()
            yield made
            before = holder / "before"
            if folder.exists():
                folder.rename(before)
            try:
                made.rename(folder)
            except OSError:
                if before.exists():
                    before.rename(folder)
                raise
        finally:
            shutil.rmtree(holder, ignore_errors=True)
