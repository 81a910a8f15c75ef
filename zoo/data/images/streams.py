"""Decoding many pictures: in threads, in order, and never more in memory than asked for."""

import collections
import contextlib
import itertools
import math
import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from zoo.data.dataset import Skipped
from zoo.data.images import ImageError, decode_views, digest, read, row
from zoo.data.images.pictures import Pictures
from zoo.data.images.preprocessing import Points, Preprocessing, Rule
from zoo.files import on_disk

IN_MEMORY = 2 * 10**9  # bytes of decoded pictures above which they are kept in a temporary file
# What may wait decoded, in bytes: so much that the threads go on while a framework is imported or a network prepared.
AHEAD = 128 * 2**20
Decoded = np.ndarray | ImageError | None  # pixels, why there are none, or not wanted
Result = TypeVar("Result")
AT_ONCE = 2**28  # bytes of decoded pictures that may be in memory together while a model is measured


def stream(
    pictures: Pictures,
    rule: Rule,
    views: int = 1,
    threads: int | None = None,
    wanted: Callable[[str, int], bool] = lambda digest, view: True,
) -> Generator[tuple[int, int, str, Decoded]]:
    """Decode pictures in threads, in order, a bounded number ahead; every file is read once.

    Args:
        pictures: what to decode.
        rule: how a picture becomes the model's input.
        views: how many views of each picture: 0 is the plain rule, the others are augmented.
        threads: how many decode at a time; as many as there are cores, and at most 8, when None.
        wanted: called in the threads with digest and view; where it says False nothing is decoded.

    Yields:
        (index, view, digest, decoded); `decoded` is an array (height, width, channels), None where it was not
        wanted, or an `ImageError` (digest "" if the file could not even be read).

    Example:
        >>> pictures = Pictures(np.zeros((2, 4, 4), "uint8"), np.array([0, 1]), ["a", "b"])
        >>> [(index, array.shape) for index, view, key, array in stream(pictures, Preprocessing((2, 2)))]
        [(0, (2, 2, 3)), (1, (2, 2, 3))]
    """

    def work(index: int) -> tuple[str, list[Decoded]]:
        try:
            data = read(pictures.items[index])
        except ImageError as error:
            return "", [error] * views
        key = pictures.digests[index] = digest(data)
        chosen = [view for view in range(views) if wanted(key, view)]
        results: list[Decoded] = [None] * views
        try:
            decoded = [row(data, rule)] if isinstance(rule, Points) else decode_views(data, rule, chosen)
            for view, pixels in zip(chosen, decoded, strict=True):
                results[view] = pixels
        except ImageError as error:
            for view in chosen:
                results[view] = error
        return key, results

    ahead = max(1, AHEAD // (views * math.prod(rule.shape) * rule.dtype.itemsize))
    with contextlib.closing(in_order(work, len(pictures), ahead, threads)) as done:
        for index, (key, results) in enumerate(done):
            for view, result in enumerate(results):
                yield index, view, key, result


def in_order(work: Callable[[int], Result], count: int, ahead: int, threads: int | None = None) -> Generator[Result]:
    """Yield `work(0)`, `work(1)`, ... to `work(count - 1)`, computed in threads, in order.

    Args:
        work: what is called in the threads.
        count: how often.
        ahead: how many results may wait to be taken.
        threads: how many work at a time; as many as there are cores, and at most 8, when None.

    Example:
        >>> list(in_order(lambda index: index**2, 4, ahead=2))
        [0, 1, 4, 9]
    """
    threads = threads or min(os.cpu_count() or 1, 8)
    ahead = min(ahead, count)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    pending: collections.deque[Future[Result]] = collections.deque()
    try:
        for index in range(count + ahead):
            if index < count:
                pending.append(pool.submit(work, index))
            if index >= ahead:
                yield pending.popleft().result()
    finally:  # at the end, on an error, and when the caller stops early
        pool.shutdown(wait=False, cancel_futures=True)


def arrays(
    pictures: Pictures, rule: Rule, progress: Callable[[int, int], None] | None = None
) -> tuple[np.ndarray, np.ndarray, list[Skipped]]:
    """Decode all pictures into one array.

    Args:
        pictures: what to decode.
        rule: how a picture becomes the model's input.
        progress: called with how many are done and how many there are.

    Returns:
        x, of the rule's type and shape (n, *rule.shape), in a temporary file when above 2 GB; y, int32 of shape (n,);
        and the pictures that were left out.

    Example:
        >>> pictures = Pictures([np.zeros((9, 9), "uint8"), b"no picture"], np.array([0, 1]), ["a", "b"])
        >>> x, y, skipped = arrays(pictures, Preprocessing((2, 2)))
        >>> x.shape, y.tolist(), skipped[0].reason
        ((1, 2, 2, 3), [0], 'not an image: text file')
    """
    y = pictures.y.astype(np.int32)
    shape = (len(pictures), *rule.shape)
    items = pictures.items
    if (
        isinstance(rule, Preprocessing)
        and rule.crop == 1
        and isinstance(items, np.ndarray)
        and items.dtype == np.uint8
    ):
        grey = shape[:3] if rule.channels == 1 else None
        if items.shape in (shape, grey):
            return items.reshape(shape), y, []
    x: np.ndarray
    if math.prod(shape) * rule.dtype.itemsize > IN_MEMORY:
        place = Path(tempfile.gettempdir())
        # nameless: it is gone as soon as the array is
        with on_disk(place, "set TMPDIR to a folder on another"), tempfile.TemporaryFile() as file:
            if hasattr(os, "posix_fallocate"):  # a disk that is full later would end the process
                os.posix_fallocate(file.fileno(), 0, math.prod(shape) * rule.dtype.itemsize)
            x = np.memmap(file, rule.dtype, "w+", shape=shape)
    else:
        x = np.empty(shape, rule.dtype)
    kept: list[int] = []
    skipped = []
    for index, _, _, decoded in stream(pictures, rule):
        if isinstance(decoded, ImageError):
            skipped.append(Skipped(pictures.name(index), decoded.kind, str(decoded)))
        else:
            x[len(kept)] = decoded
            kept.append(index)
        if progress is not None:
            progress(index + 1, len(pictures))
    return x[: len(kept)], y[kept], skipped


class Repeatable:
    """Pictures that are decoded each time that they are gone through, since they are too many to be in memory.

    Args:
        pictures: what to decode.
        rule: how a picture becomes the model's input.
        skipped: those that cannot be used are added to this list.
    """

    def __init__(self, pictures: Pictures, rule: Rule, skipped: list[Skipped]):
        self.pictures, self.rule, self.skipped = pictures, rule, skipped

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of an array of them, if all can be used."""
        return (len(self), *self.rule.shape)

    def __getitem__(self, indices: np.ndarray) -> "Repeatable":
        return Repeatable(self.pictures.subset(indices), self.rule, self.skipped)

    def __iter__(self) -> Iterator[np.ndarray]:
        named = {item.path for item in self.skipped}
        for index, _, _, decoded in stream(self.pictures, self.rule):
            if isinstance(decoded, np.ndarray):
                yield decoded
            elif isinstance(decoded, ImageError) and (name := self.pictures.name(index)) not in named:
                self.skipped.append(Skipped(name, decoded.kind, str(decoded)))


def in_parts(pictures: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Pictures of one shape as arrays of `size` of them, the last one of what is left.

    Example:
        >>> [part.tolist() for part in in_parts(np.arange(5), 2)]
        [[0, 1], [2, 3], [4]]
    """
    if isinstance(pictures, np.ndarray):
        yield from (pictures[start : start + size] for start in range(0, len(pictures), size))
        return
    iterator = iter(pictures)
    while part := list(itertools.islice(iterator, size)):
        yield np.stack(part)
