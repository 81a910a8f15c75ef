"""What one picture file is, from decoding it whole: for the doctor."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from zoo.data.images.decoding import (
    UPRIGHT,
    exif_orientation,
    from_array,
    open_header,
    raise_image_error,
    read,
    readable_formats,
    room_for,
    to_eight_bit,
    turn_upright,
)
from zoo.data.images.memory import parts
from zoo.files import open_file

LARGE = 50 * 10**6  # pixels above which the doctor says that a smaller copy would do
USUAL = (".jpg", ".png", ".gif", ".bmp", ".webp", ".tif", ".ppm", ".avif", ".heic", ".jp2", ".tga", ".ico", ".sgi")
MANY = 1000  # pictures in one file, of which no more are counted
COUNTED = 10**7  # bytes of a GIF up to which its pictures are counted
SAMPLE = 32  # side in pixels of the small grey copy by which pictures are compared


@dataclass(frozen=True)
class Look:
    """What one picture is, from a full decoding.

    Attributes:
        kind: the format as Pillow calls it ("JPEG"), or "" for an array.
        mode: the colour mode as Pillow calls it ("RGB", "CMYK", "I;16", ...).
        size: (width, height) in pixels, upright.
        turned: whether EXIF asks for it to be turned or mirrored.
        frames: how many pictures the file holds; MANY are that many or more, not counted.
        transparent: whether any part of it lets the background through.
        contrast: brightest minus darkest grey level, 0 to 255.
        levels: the same in the file's own levels, which may be finer.
        intact: whether the file's own checksums, if its format has any, agree.
        grey: uint8 array (SAMPLE, SAMPLE), the whole picture in grey, whatever its shape.
    """

    kind: str
    mode: str
    size: tuple[int, int]
    turned: bool
    frames: int
    transparent: bool
    contrast: int
    levels: float
    intact: bool
    grey: np.ndarray


def inspect(picture) -> Look:
    """Decode a picture whole, at full resolution, and say what it is.

    Args:
        picture: whatever `read` accepts, except a PIL image.

    Raises:
        ImageError: the picture cannot be used; the message is the reason.

    Example:
        >>> inspect(np.zeros((300, 400), "uint8")).size
        (400, 300)
    """
    data = read(picture)
    image = from_array(data) if isinstance(data, np.ndarray) else open_header(data)
    kind, mode = image.format or "", image.mode
    with room_for(image, image.size, data if isinstance(data, bytes) else b""), raise_image_error(kind):
        image.load()
        turned = exif_orientation(image) in UPRIGHT
        transparent = image.has_transparency_data and any(
            _extremes(_alpha(image.crop(box)))[0] < 255 for box in parts(image.size)
        )
        upright = to_eight_bit(turn_upright(image), "L")
        low, high = _extremes(upright)
        # what one channel of more than 8 bits holds, before it is made 8 bits
        levels = _levels(image) if mode[0] in "IF" else float(high - low)
        grey = np.asarray(upright.resize((SAMPLE, SAMPLE), Image.Resampling.BOX))
    frames, intact = 1, True
    with contextlib.suppress(Exception):  # damage in frames that are not used
        frames = _count_frames(image, data)
    if kind == "PNG" and isinstance(data, bytes):
        try:  # Pillow looks at the checksums of this format alone, and not when it decodes
            open_header(data).verify()
        except Exception:
            intact = False
    return Look(kind, mode, upright.size, turned, frames, transparent, high - low, levels, intact, grey)


def _count_frames(image: Image.Image, data) -> int:
    """How many pictures a file holds, at most MANY; Pillow's own count of a hostile file may take minutes."""
    if image.format == "MPO":  # one photograph and its previews
        return 1
    if image.format == "GIF" and len(data) > COUNTED:
        return MANY if getattr(image, "is_animated", False) else 1
    if image.format == "TIFF":
        for frame in range(1, MANY):
            try:
                image.seek(frame)
            except EOFError:
                return frame
        return MANY
    return min(getattr(image, "n_frames", 1), MANY)


def _levels(image: Image.Image) -> float:
    """The highest minus the lowest value of an image of one band of numbers."""
    own = (np.asarray(image.crop(box)) for box in parts(image.size))  # one at a time
    lows, highs = zip(*((float(part.min()), float(part.max())) for part in own), strict=True)
    return max(highs) - min(lows)


def _extremes(band: Image.Image) -> tuple[int, int]:
    """The lowest and the highest value of an image of one band of bytes."""
    return cast(tuple[int, int], band.getextrema())


def _alpha(image: Image.Image) -> Image.Image:
    band = image.getbands()[-1]
    return image.getchannel(band) if band in "Aa" else image.convert("RGBA").getchannel("A")


def kind_of(path: Path) -> str | None:
    """The format that a file begins like, or None; only the beginning is read."""
    # the first five have no or hardly a mark to know them by, and the raw files of cameras begin like TIFF
    formats = [name for name in readable_formats() if name not in ("TGA", "PCX", "DIB", "SGI", "XBM", "TIFF")]
    try:
        with open_file(path) as file, Image.open(file, formats=formats) as image:
            return image.format
    except Exception:  # decoders of other things raise nearly anything
        return None


def extensions_of(kind: str) -> list[str]:
    """The file extensions of one of Pillow's formats, the usual one first."""
    readable_formats()
    kinds = next((names for names in (("JPEG", "MPO"), ("BMP", "DIB")) if kind in names), (kind,))
    extensions = [end for end, name in Image.registered_extensions().items() if name in kinds]
    return sorted(extensions, key=lambda end: (end not in USUAL, end))
