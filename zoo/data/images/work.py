"""How much a picture's decoder would have to do, whatever the picture's size: small files may ask for minutes of work.

All of it is found in the file's headers, before anything is decoded.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from dataclasses import dataclass

from PIL import Image

SCANS = 100  # of a JPEG; a progressive one has about ten, and each takes as long as a picture
SCANNED = 4 * 10**9  # pixels, over all scans
SCAN = b"\xff\xda\0"  # how a scan begins; the bytes of pixels are written so as to lack this
UNPACKED = 10**9  # bytes that a TIFF's strips or tiles are, all together
SHARED = 2**26  # bytes that they may have in common: some writers store once what is blank
COMMENTS = 1000  # in the header and the numbers of a PPM; its decoder begins anew after each
# TIFF's tags of what is decoded in one piece, a tile or a strip of so many rows; of what each has its own number
WIDTH, HEIGHT, TILE, ROWS, BITS, SAMPLES, APART = 256, 257, (322, 323), 278, 258, 277, 284
PLACES, LENGTHS = (324, 273), (325, 279)  # of tiles, of strips
TAGS = {WIDTH, HEIGHT, *TILE, ROWS, BITS, SAMPLES, APART, *PLACES, *LENGTHS}
WHOLE = {1, 3, 4, 16}  # TIFF's types of numbers without a sign, of 1, 2, 4 and 8 bytes
# JPEG 2000's markers: of the sizes of picture and tiles; of how many halvings samples are coded in, in blocks of which
# size, and whether smaller areas (precincts) are given. The second is there for all channels or for one.
SIZES = re.compile(rb"\xff\x4f\xff\x51....(.{32})(..)", re.DOTALL)
CODING = re.compile(
    rb"\xff(?:\x52\0[\x0c-\x2d](.).{4}|\x53\0[\x09-\x2a].(.))([\0-\x20])([\0-\x08])([\0-\x08])[\0-\x7f][\0\1](.{0,33})",
    re.DOTALL,
)
# what the decoder keeps for each block, each tile, and each channel of a tile: bytes, a little more than it does
BLOCK, OF_TILE, OF_CHANNEL = 600, 6000, 1200


def too_much(image: Image.Image, data: bytes) -> str:
    """Why a picture takes its decoder longer than any honest one, or "".

    Args:
        image: its header is read, its pixels are not.
        data: the file.
    """
    pixels = image.width * image.height
    if image.format in ("JPEG", "MPO"):
        scans = data.count(SCAN)
        if scans > SCANS or scans * pixels > SCANNED:
            return f"a JPEG of {scans} scans, where about ten are usual"
    elif image.format == "PPM":
        if data[:2] in (b"P1", b"P2", b"P3") and (comments := data.count(b"#")) > COMMENTS:
            return f"a PPM with {comments:,} comments in it"
    elif image.format == "TIFF":
        if is_ambiguous(image, data):
            return "a TIFF whose strips or tiles are told of in two ways"
        pieces = Pieces.of(image)
        if (unpacked := pieces.count * pieces.size) > UNPACKED:
            return f"a TIFF whose strips or tiles unpack to {unpacked / 1e9:.1f} GB"
        spans = pieces.spans(image, len(data))
        if sum(end - start for start, end in spans) > len(data) + SHARED:
            return f"a TIFF whose {pieces.count:,} strips or tiles are the same bytes again and again"
        scans = sum(min(data.count(SCAN, start, end), SCANS) for start, end in spans)
        if scans * (pixels // max(1, pieces.count)) > SCANNED:
            return f"a TIFF of JPEGs of {scans:,} scans, where each has one"
    return ""


def number(image: Image.Image, tag: int, default: int) -> int:
    """The largest number that a TIFF has at a tag."""
    value = image.tag_v2.get(tag, default)  # type: ignore[attr-defined]
    values = value if isinstance(value, tuple) else (value,)
    return max((int(item) for item in values if isinstance(item, int | float)), default=default)


@dataclass(frozen=True)
class Pieces:
    """The strips or tiles of a TIFF, each of which is unpacked at once.

    Attributes:
        count: how many there are.
        size: of each when it is unpacked, in bytes.
    """

    count: int
    size: int

    @classmethod
    def of(cls, image: Image.Image) -> Pieces:
        across, down = number(image, WIDTH, image.width), number(image, HEIGHT, image.height)
        width, height = (number(image, tag, 0) for tag in TILE)
        if not width:  # a tile may be much larger than the picture, a strip may not
            width, height = across, min(number(image, ROWS, 0) or down, down)
        samples, apart = number(image, SAMPLES, 1), number(image, APART, 1) == 2
        bits = number(image, BITS, 1) * (1 if apart else samples)
        count = -(-across // max(1, width)) * -(-down // max(1, height)) * (samples if apart else 1)
        return cls(count, height * -(-width * bits // 8))

    def spans(self, image: Image.Image, size: int) -> list[tuple[int, int]]:
        """From where to where they are in the file of so many bytes."""
        tags = image.tag_v2  # type: ignore[attr-defined]
        places, lengths = (next((tags[tag] for tag in some if tag in tags), ()) for some in (PLACES, LENGTHS))
        pairs = zip(places[: self.count], lengths[: self.count], strict=False)
        return [(start, min(start + length, size)) for start, length in pairs if start < size]


def is_ambiguous(image: Image.Image, data: bytes) -> bool:
    """Whether Pillow and libtiff may understand a TIFF's strips or tiles differently.

    Each skips what it finds odd, and it is another thing: what is checked here by the one is decoded by the other.
    """
    tags = image.tag_v2  # type: ignore[attr-defined]
    order, big = "<" if tags.prefix == b"II" else ">", 43 in data[2:4]
    try:
        (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, tags.offset)
        begin, step = (tags.offset + 8, 20) if big else (tags.offset + 2, 12)
        entries = [struct.unpack_from(f"{order}HH", data, begin + step * index) for index in range(min(count, 2**16))]
    except struct.error:
        return True
    ours = [(tag, kind) for tag, kind in entries if tag in TAGS]
    twice = any(times > 1 for times in Counter(tag for tag, _ in ours).values())
    return twice or any(kind not in WHOLE or tag not in tags for tag, kind in ours)


def bytes_of_jpeg2000(image: Image.Image, data: bytes) -> int:
    """About how many bytes a JPEG 2000 decoder takes for its lists of tiles, blocks and areas, at most."""
    channels = len(image.getbands())
    width, height, tiles = image.width, image.height, 1
    for sizes in SIZES.finditer(data):
        right, bottom, *_, across, down, _, _ = struct.unpack(">8I", sizes[1])
        tiles = max(tiles, -(-right // max(1, across)) * -(-bottom // max(1, down)))
        width, height = min(right, across), min(bottom, down)
    blocks = max((_blocks(width * height, *coding.groups()) for coding in CODING.finditer(data)), default=0)
    return tiles * (OF_TILE + OF_CHANNEL * channels) + blocks * channels * BLOCK


def _blocks(pixels: int, coded: bytes | None, of_channel: bytes | None, *numbers: bytes) -> int:
    """How many blocks a tile of so many pixels is coded in."""
    levels, across, down, areas = numbers[0][0], numbers[1][0] + 2, numbers[2][0] + 2, numbers[3]
    has_areas = ((coded or of_channel or b"\0")[0]) & 1
    total = 0
    for level in range(levels + 1):  # from the smallest picture to the largest
        area = areas[level] if has_areas and level < len(areas) else 0xFF  # exponents: of the height, of the width
        fine = 1 if level else 0  # what it adds to the one before comes in bands of half its sides
        sides = min(across, max(0, (area & 15) - fine)), min(down, max(0, (area >> 4) - fine))
        total += -(-pixels // 4 ** (levels - level) // 2 ** sum(sides))
    return total
