"""Downloads that are whole or not there: resumed when cut, checked by hash, bounded, one process at a time."""

import gzip
import hashlib
import http.client
import sys
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

from filelock import FileLock

from zoo.errors import ZooError

ATTEMPTS = 4  # the first, and three more when the connection is cut
PAUSE = 1.0  # seconds before the next attempt
TIMEOUT = 30.0  # seconds without a byte; and in each such time there must come
LEAST = 30_000  # bytes
LARGEST = 16 * 2**30  # bytes of a file whose size nobody tells, and of what is inside one that is gzipped
CHUNK = 1 << 18  # bytes


class HTTPRedirect(urllib.request.HTTPRedirectHandler):
    """Follows a server to other addresses of the web alone; urllib would go to FTP, too."""

    def redirect_request(self, req, fp, code, msg, headers, newurl) -> urllib.request.Request | None:
        if not newurl.lower().startswith(("http://", "https://")):
            raise urllib.error.HTTPError(newurl, code, f"which leads to {newurl}, not of the web", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str, target, expected: str | None, size: int | None = None) -> Path:
    """Download a file, unless it is there already.

    Args:
        url: where it is.
        target: where it goes. What has come so far lies beside it in a file ending in ".part", and a later call
            carries on from there.
        expected: SHA-256 of the content, or its MD5 where nobody states more; of what is inside when the name of
            `target` ends in ".gz". None takes what comes.
        size: of the file in bytes, where it is known.

    Returns:
        The path `target`.

    Raises:
        ZooError: the server has no such file, the connection was cut or too slow too often, or the content is too
            large or not the right one (it is removed then).
    """
    target = Path(target)
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):  # a second process waits here, and then finds the file
            if target.exists() and has_digest(target, expected):
                return target
            _download(url, part, size)
            digest = expected and content_digest(part, target.suffix == ".gz", algorithm(expected))
            if digest != expected:
                part.unlink()
                raise ZooError(
                    f"{url} is not the file that was expected: its {algorithm(expected)} is {digest}, not {expected}. "
                    "It was removed. Try again; if it stays so, the file at that address has changed."
                )
            part.replace(target)
    except OSError as error:
        raise ZooError(f"{target} cannot be written: {error}. Make room, or set ZOO_HOME to another folder.") from None
    return target


def algorithm(digest: str | None) -> str:
    """What a digest was made by, to be seen by its length: "MD5" or "SHA-256"."""
    return "MD5" if digest and len(digest) == 32 else "SHA-256"


def has_digest(path: Path, expected: str | None, gzipped: bool | None = None) -> bool:
    """Whether a file's content has the digest that is expected of it, if any is."""
    return expected is None or content_digest(path, gzipped, algorithm(expected)) == expected


def content_digest(path: Path, gzipped: bool | None = None, algorithm: str = "SHA-256") -> str:
    """The digest of a file, or of what is inside it when it is gzipped (by its name, unless told).

    The wrapper of a gzip file holds a date and depends on the compressor; its content does not.
    """
    gzipped = path.suffix == ".gz" if gzipped is None else gzipped
    total, length = hashlib.new(algorithm.replace("-", "")), 0
    try:
        with gzip.open(path) if gzipped else path.open("rb") as file:
            while chunk := file.read(CHUNK):
                total.update(chunk)
                length += len(chunk)
                if gzipped and length > LARGEST:
                    return f"that of a gzip file of more than {LARGEST:,} bytes"
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return "that of a damaged gzip file"
    return total.hexdigest()


def _download(url: str, part: Path, size: int | None):
    """Bring `part` to its full length, in as many attempts as are allowed."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE)
        try:
            problem = _attempt(url, part, size)
        except urllib.error.HTTPError as error:
            if error.code < 500:  # asking again would not help
                raise ZooError(f"{url} cannot be downloaded: the server says {error.code} {error.reason}.") from None
            problem = f"the server says {error.code} {error.reason}"
        except urllib.error.URLError as error:
            problem = str(error.reason)
        if problem is None:
            return
    have = part.stat().st_size if part.exists() else 0
    raise ZooError(
        f"{url} could not be downloaded: {problem}. {have:,} bytes are kept; the same call carries on from there."
    )


def _attempt(url: str, part: Path, size: int | None) -> str | None:
    """Ask for what is missing and append it; returns what went wrong, or None when the file is complete.

    Raises:
        ZooError: there is more of it than there should be; nothing is kept.
    """
    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.build_opener(HTTPRedirect).open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None  # nothing is missing; should it be too long, the hash will tell
        raise
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.URLError):
            raise
        return str(error) or type(error).__name__
    with response:
        if have and response.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # the server knows no ranges and sends all of it again
        # what the server says of it, where that is a number; else it ends when the connection does
        total = size if response.length is None else have + response.length
        most = LARGEST if size is None else size
        bar = tqdm(desc=part.stem, initial=have, total=total, unit="B", unit_scale=True, file=sys.stderr, disable=None)
        with part.open("ab" if have else "wb") as file, bar:
            begun, before = time.monotonic(), have
            while have <= most and (total is None or total <= most):
                if time.monotonic() - begun > TIMEOUT:
                    if have - before < LEAST:
                        return f"fewer than {LEAST:,} bytes came in {TIMEOUT:g} seconds"
                    begun, before = time.monotonic(), have
                try:
                    chunk = response.read1(CHUNK)  # what is there, rather than all of it
                except (OSError, http.client.HTTPException) as error:
                    return str(error) or type(error).__name__
                if not chunk:
                    break
                file.write(chunk)
                bar.update(len(chunk))
                have += len(chunk)
    if max(have, total or 0) > most:
        part.unlink()
        raise ZooError(f"{url} is larger than the {most:,} bytes that it may have, and was not kept.")
    return None if total in (None, have) else "the connection was cut"
