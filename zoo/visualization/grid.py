"""Many pictures as one, and written to a file, which says that the zoo made it."""

import math
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

from zoo.errors import ZooError
from zoo.files import atomic_file, output

ACROSS = 16  # pictures in a row
TILE = 64  # pixels: small pictures are drawn at least so large


def grid(rows: list[np.ndarray], across: int = ACROSS) -> Image.Image:
    """Rows of pictures as one, each row's pictures below those of the row before; long rows are broken.

    Args:
        rows: uint8 arrays of shape (n, height, width, channels), all of the same.
        across: pictures in a row, at the most.
    """
    size = max(1, TILE // max(rows[0].shape[1:3]))  # small pictures are drawn larger, with square pixels
    lines = []
    for start in range(0, len(rows[0]), across):
        for row in rows:
            part = row[start : start + across].repeat(size, 1).repeat(size, 2)
            gap = min(across, len(row)) - len(part)
            part = np.pad(part, ((0, gap), (1, 1), (1, 1), (0, 0)), constant_values=255)
            lines.append(np.concatenate(list(part), axis=1))
    return as_picture(np.concatenate(lines))


def as_picture(pixels: np.ndarray) -> Image.Image:
    """Pixels 0-255 as a picture; uint8, shape (height, width, channels)."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


MAKER = "zoo"


def mark() -> Image.Exif:
    """What a picture of the zoo's says of itself."""
    exif = Image.Exif()
    exif[Base.Software] = MAKER
    return exif


def picture_output(path: str | os.PathLike, inputs: Iterable[str | os.PathLike] = (), overwrite: bool = False) -> Path:
    """Where a picture may be written: over no other picture than the zoo's own; see `zoo.files.output`."""

    def conflict(file: Path) -> str:
        try:
            with Image.open(file) as picture:
                ours = MAKER in (picture.getexif().get(Base.Software), picture.info.get("comment", b"").decode())
        except Exception:  # Pillow raises what it likes on what is no picture
            ours = False
        return "" if ours else "is no picture that the zoo drew"

    return output(path, conflict, inputs=inputs, overwrite=overwrite)


def save_picture(picture: Image.Image, path: Path, **how) -> None:
    """Write a picture, whole or not at all; `how` as for `PIL.Image.Image.save`.

    Raises:
        ZooError: the file cannot be written, or its ending is of no format that Pillow writes.
    """
    try:
        with atomic_file(path, suffix=path.suffix) as temporary:
            picture.save(temporary, exif=mark(), comment=MAKER, **how)  # GIF has no Exif
    except (OSError, ValueError, KeyError) as error:  # a folder that is none; a format that Pillow only reads
        raise ZooError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}.") from error


def square(pictures: np.ndarray) -> Image.Image:
    """Pictures as one that is about as high as it is wide; uint8, shape (n, height, width, channels)."""
    return grid([pictures], math.isqrt(len(pictures) - 1) + 1)
