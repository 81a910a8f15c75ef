"""How much memory pictures may take while they are decoded: all threads together, whatever a small file asks for."""

import contextlib
import threading
from collections.abc import Iterator

from PIL import Image

from zoo.data.images.work import Pieces, bytes_of_jpeg2000

TOGETHER = 10**9  # bytes
# What one picture may take, by `bytes_needed`, which is half as much again as it does. A PNG may have the 179 million
# pixels at which Pillow has its limit, a WebP 89 million, as its decoder holds several copies.
MOST = 2_150_000_000
MARGIN = 1.5
PART = 2**22  # pixels that are converted at a time
# Pillow holds a picture in blocks of this many bytes. The C library gives those of more than 32 MB back to the system
# at once; smaller ones it would keep for the thread, so that each thread held on to as much as its largest picture.
Image.core.set_block_size(2**26)
# Bytes that a decoder holds for each pixel beside the picture that it gives: its own frames, copies of them.
DECODERS = {"WEBP": 12, "AVIF": 16, "HEIF": 10}


class Budget:
    """Bytes that threads may use together. Who needs more than there are at all waits to be alone.

    Example:
        >>> with Budget(100).take(60):
        ...     pass
    """

    def __init__(self, total: int):
        self.total = self._free = total
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, count: int) -> Iterator[None]:
        count = min(count, self.total)
        with self._changed:
            self._changed.wait_for(lambda: count <= self._free)
            self._free -= count
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()


_budget = Budget(TOGETHER)


def memory_for(image: Image.Image, stored: tuple[int, int], data: bytes) -> contextlib.AbstractContextManager[None]:
    """Wait until there is memory to decode a picture, turn it upright and convert it.

    Args:
        image: its header is read, its pixels are not.
        stored: (width, height) in the file, of which a JPEG's decoder may give a fraction.
        data: the file.
    """
    return _budget.take(bytes_needed(image, stored, data))


def bytes_needed(image: Image.Image, stored: tuple[int, int], data: bytes) -> int:
    """About how many bytes the same takes, at most.

    Example:
        >>> bytes_needed(Image.new("P", (100, 100)), (100, 100), b"")
        60000
    """
    if image.format == "ICO":  # it holds pictures whose size its header does not tell
        return TOGETHER
    pixel = 1 if image.mode in ("1", "L", "P") else 2 if image.mode.startswith("I;16") else 4  # as Pillow holds it
    converted = 1 if is_grey(image) else 4
    pixels = image.width * image.height
    decoding = pixels * pixel + bytes_of_decoder(image, data)
    if image.info.get("progressive"):  # all coefficients, 2 bytes each
        decoding += stored[0] * stored[1] * 2 * len(image.getbands())
    # as it is decoded; then as it is stored, upright, and converted
    return max(int(MARGIN * decoding), pixels * (2 * pixel + converted))


def bytes_of_decoder(image: Image.Image, data: bytes) -> int:
    """About how many bytes a decoder needs beside the picture that it gives."""
    pixels, samples = image.width * image.height, len(image.getbands())
    if image.format == "JPEG2000":  # each sample in 4 bytes, once more as it is given, and what it is unpacked from
        return pixels * samples * 6 + bytes_of_jpeg2000(image, data)
    if image.format != "TIFF":
        return pixels * DECODERS.get(image.format or "", 0)

    return Pieces.of(image).size * 8 // 7  # a little more than it is


def is_grey(image: Image.Image) -> bool:
    """Whether a picture has one channel that is no transparency and no palette's."""
    return (image.mode in ("1", "L", "F") or image.mode.startswith("I")) and not image.has_transparency_data


def parts(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Boxes (left, top, right, bottom) of at most `PART` pixels each that cover an image of (width, height).

    Example:
        >>> parts((10, 10))
        [(0, 0, 10, 10)]
    """
    width, height = size
    across = min(width, PART)
    down = max(1, PART // across)
    return [
        (left, top, min(left + across, width), min(top + down, height))
        for top in range(0, height, down)
        for left in range(0, width, across)
    ]
