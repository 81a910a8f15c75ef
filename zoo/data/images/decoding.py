"""One picture in, one array of pixels out: decoding, and the one resize-and-crop rule."""

import contextlib
import ctypes
import functools
import hashlib
import importlib.util
import io
import math
import os
import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from zoo.data.dataset import Fault
from zoo.data.images.memory import MOST, bytes_needed, is_grey, memory_for, parts
from zoo.data.images.preprocessing import SMALLEST_SIDE, Points, Preprocessing
from zoo.data.images.work import too_much
from zoo.errors import ZooError
from zoo.files import open_file

# Pillow warns of pictures above its limit and refuses those above twice the limit; large honest photographs
# lie between the two. The filter is set once: changing filters around each picture is not safe in threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# What it says of damaged EXIF and the like names no file, and what matters of it becomes an ImageError.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# libtiff writes to the terminal by itself, a line for each strip that is damaged. Pillow raises what matters.
with contextlib.suppress(OSError, AttributeError):  # a Pillow into which libtiff is linked without its names
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)

# Formats that hold pixels. PostScript is left out on purpose: Pillow would run another program to draw it.
# fmt: off
FORMATS = (
    "JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "MPO", "PPM", "AVIF", "HEIF", "JPEG2000", "QOI", "DDS", "SGI", "PCX",
    "XBM", "DIB", "TGA", "ICO",
)
EXTENSIONS = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".mpo",
    ".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".heic", ".heif", ".jp2", ".j2k", ".jpx", ".tga", ".ico",
    ".qoi", ".dds", ".sgi", ".bw", ".rgb", ".rgba", ".pcx", ".xbm",
))
# fmt: on
ORIENTATION = 0x0112  # EXIF tag; what each of its values asks for:
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
WHITES = (1, 255, 4095, 65535)  # of numbers from 0 to 1, of 8 bits, of the 12 that many cameras give, and of 16
HEIC = ("HEIF", "a HEIC picture, which Pillow cannot read alone: pip install pillow-heif")
BRANDS = {  # what follows "ftyp" in a file: the format, and what to say where it cannot be read
    b"avi": ("AVIF", "an AVIF picture, which this Pillow cannot read: pip install -U pillow"),
    **dict.fromkeys((b"hei", b"hev", b"mif", b"msf"), HEIC),
}
SCALED_FORMATS = ("PPM", "JPEG2000")  # say what white is, and Pillow makes 65535 of it
RESCALED = (  # numbers that are no pixels 0-255: least and most, with what resizing adds, and the way back
    (-0.1, 2, "np.clip(x * 255, 0, 255)"),
    (-2, 2, "np.clip((x + 1) * 127.5, 0, 255)"),
    (0, 4095, "x / 16"),
    (0, 65535, "x / 257"),
)
LARGEST_FILE = 10**9  # bytes; what is larger, a film perhaps, is not read into memory


class ImageError(ZooError):
    """One picture cannot be used; the message is a short reason and leaves the naming to the caller.

    Attributes:
        kind: what is wrong with it; see `zoo.data.dataset.Skipped`.
    """

    def __init__(self, reason: str, kind: Fault = "damaged"):
        super().__init__(reason)
        self.kind = kind


def read(picture) -> bytes | np.ndarray:
    """A picture as what `decode` and `digest` work on, so that one reading of a file serves both.

    Args:
        picture: bytes of an image file, a path, a file opened to read bytes, an array (height, width[, channels]), a
            PIL image, or lists of numbers.

    Returns:
        The file's bytes, or an array.

    Raises:
        ImageError: the file cannot be read, or the object is no picture.
    """
    if isinstance(picture, (bytes, np.ndarray)):
        return picture
    if isinstance(picture, (bytearray, memoryview)):
        return bytes(picture)
    if isinstance(picture, Image.Image):
        with raise_image_error(picture.format):
            return np.asarray(to_eight_bit(turn_upright(picture)))
    if hasattr(picture, "read"):
        with raise_image_error():
            picture.seek(0)  # it may have been read before
            if isinstance(data := picture.read(), bytes):
                return data
            raise ImageError(f"a file opened as {type(data).__name__}; open it with mode 'rb'")
    if isinstance(picture, str) and "://" in picture:
        raise ImageError("an address on the network; download the picture, and give its path or bytes", "missing")
    if isinstance(picture, (str, os.PathLike)):
        try:
            with open_file(Path(picture).expanduser()) as file:
                if (size := os.fstat(file.fileno()).st_size) <= LARGEST_FILE:
                    return file.read()
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: the home of nobody
            reason = getattr(error, "strerror", None) or error
            raise ImageError(f"cannot be read: {reason}", "unreadable") from None
        limit = f"pictures of up to {LARGEST_FILE / 1e9:g} GB are read"
        raise ImageError(f"a file of {size / 1e9:.1f} GB; {limit}", "too large")
    if hasattr(picture, "__array__") or isinstance(picture, (list, tuple)):  # tensors of any framework, numbers
        with contextlib.suppress(ValueError):  # rows of different lengths
            return np.asarray(picture)
    raise ImageError(f"a {type(picture).__name__}; accepted are bytes, a path, an array and a PIL image")


def path_of(picture) -> str | None:
    """The file's name when a picture is given as one."""
    return str(picture) if isinstance(picture, (str, os.PathLike)) else None


def digest(picture) -> str:
    """SHA-256, in hexadecimal, of a file's bytes or of an array's type, shape and bytes.

    Args:
        picture: whatever `read` accepts.

    Example:
        >>> digest(b"")[:8]
        'e3b0c442'
    """
    data = read(picture)
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    head = f"{data.dtype.str}{data.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(data).tobytes()).hexdigest()


def decode(picture, rule: Preprocessing, view: int = 0) -> np.ndarray:
    """Decode a picture, put it upright, crop and resize it.

    Args:
        picture: bytes of an image file, a path, an array (height, width[, channels]) of pixels 0-255, or a
            PIL image. Transparent pixels are laid over white; of an animation the first frame is taken.
        rule: the resize-and-crop rule.
        view: 0 is the plain rule. A higher number is an augmented view: a random part of the rule's box,
            mirrored half of the time, drawn from the picture's digest and this number alone.

    Returns:
        uint8 array of shape (height, width, channels).

    Raises:
        ImageError: the picture cannot be used; the message is the reason.

    Example:
        >>> decode(np.zeros((300, 400), "uint8"), Preprocessing((224, 224))).shape
        (224, 224, 3)
    """
    return decode_views(picture, rule, [view])[0]


def decode_views(picture, rule: Preprocessing, views) -> list[np.ndarray]:
    """The same as `decode` for each of several views, with the picture decoded once or twice in all."""
    data = read(picture)
    key = digest(data) if any(views) else ""
    arrays: dict[int, np.ndarray] = {}
    # an augmented view may be smaller than the rule's box, and so need more of the source's pixels
    for share, some in (
        (1.0, [view for view in views if not view]),
        (SMALLEST_SIDE, [view for view in views if view]),
    ):
        if some:
            arrays |= _decode_views(data, rule, share, key, some)
    return [arrays[view] for view in views]


def _decode_views(data, rule: Preprocessing, share: float, key: str, views) -> dict[int, np.ndarray]:
    arrays = {}
    with _open(data, rule, share) as (whole, (across, down, width, height)):
        for view in views:
            draw = random.Random(f"{key} {view}") if view else None
            left, top, right, bottom = rule.box(width, height, draw)
            box = (across + left, down + top, min(across + right, whole.width), min(down + bottom, whole.height))
            image = whole.resize(rule.size[::-1], Image.Resampling.BICUBIC, box=box)
            image = image.convert("L" if rule.channels == 1 else "RGB")
            if draw is not None and draw.random() < 0.5:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            arrays[view] = np.array(image).reshape(*rule.size, rule.channels)
    return arrays


def whole(picture, side: int) -> np.ndarray:
    """A whole picture as people look at it: upright, in RGB, no side longer than `side` pixels.

    Args:
        picture: as for `decode`.
        side: in pixels.

    Returns:
        uint8 array of shape (height, width, 3).

    Raises:
        ImageError: the picture cannot be used.

    Example:
        >>> whole(np.zeros((300, 400), "uint8"), 100).shape
        (75, 100, 3)
    """
    with _open(read(picture), Preprocessing((side, side)), 1.0) as (image, (across, down, width, height)):
        scale = min(1.0, side / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        box = (across, down, min(across + width, image.width), min(down + height, image.height))
        return np.array(image.resize(size, Image.Resampling.BICUBIC, box=box).convert("RGB"))


def row(example, rule: Points) -> np.ndarray:
    """An example that is no picture but a row of numbers, as the model takes it.

    Args:
        example: an array or a sequence of numbers.
        rule: how many they must be.

    Returns:
        float32 array of shape (rule.length,).

    Raises:
        ImageError: other numbers than the model takes; the message is the reason.

    Example:
        >>> row([1, 0], Points(2))
        array([1., 0.], dtype=float32)
    """
    try:
        numbers = np.asarray(example).astype(np.float32)
    except (TypeError, ValueError):
        raise ImageError(f"a {type(example).__name__} that is no row of numbers") from None
    if numbers.shape != rule.shape:
        raise ImageError(f"numbers of shape {numbers.shape}; the model takes {rule.length} of them")
    if not np.isfinite(numbers).all():
        raise ImageError("a row with values that are not finite numbers")
    return numbers


def open_header(data: bytes) -> Image.Image:
    """A file's picture, its header read and its pixels not.

    Raises:
        ImageError: it is no picture, or one that takes minutes to decode.
    """
    try:
        with raise_image_error():
            image = Image.open(io.BytesIO(data), formats=readable_formats())
    except UnidentifiedImageError:
        raise _unidentified(data) from None
    with raise_image_error(image.format):
        reason = too_much(image, data)
    if reason:
        raise ImageError(reason, "too large")
    return image


def room_for(image: Image.Image, stored: tuple[int, int], data: bytes) -> contextlib.AbstractContextManager[None]:
    """Wait until there is memory to decode a picture, see `memory_for`.

    Raises:
        ImageError: it takes more than any picture may.
    """
    if (needed := bytes_needed(image, stored, data)) > MOST:
        raise ImageError(f"a {image.format} of this kind and size would take {needed / 1e9:.1f} GB", "too large")
    return memory_for(image, stored, data)


@contextlib.contextmanager
def _open(
    data: bytes | np.ndarray, rule: Preprocessing, share: float
) -> Iterator[tuple[Image.Image, tuple[float, ...]]]:
    """The upright picture, decoded smaller where that loses nothing, and the frame in it: left, top, width, height.

    `share` is the smallest side of any box that will be cut, as a share of the rule's box.
    """
    if isinstance(data, np.ndarray):
        image = from_array(data)
        image = to_eight_bit(image, _mode_of(image, rule))
        yield image, (0, 0, *image.size)
        return
    image = open_header(data)
    stored = image.size
    size = turn = None
    if image.format == "JPEG":
        with raise_image_error(image.format):
            size, turn = _draft(image, rule, share), exif_orientation(image)
    with room_for(image, stored, data):
        with raise_image_error(image.format):
            image = turn_upright(image)
            image = to_eight_bit(image, _mode_of(image, rule), new_whole)
        width, height = size or image.size
        # A JPEG that is decoded at an eighth has its last column and row filled up to whole pixels. They count for
        # less than a pixel, and when the picture was turned they have come to lie at the left or at the top.
        left = image.width - width if turn in (2, 3, 6, 7) else 0
        top = image.height - height if turn in (3, 4, 7, 8) else 0
        yield image, (left, top, width, height)


def _mode_of(image: Image.Image, rule: Preprocessing) -> str:
    """What a whole picture is converted to: one that is grey stays so, and takes a fourth of the memory of colours."""
    return "L" if rule.channels == 1 or is_grey(image) else "RGB"


def _draft(image, rule: Preprocessing, share: float) -> tuple[float, float]:
    """Let the JPEG decoder halve the picture, while the box keeps enough pixels; the upright size, not rounded."""
    way = -1 if exif_orientation(image) >= 5 else 1  # the upper orientations exchange width and height
    size = image.size[::way]
    left, top, right, bottom = rule.box(*size)
    factor = min((right - left) / rule.size[1], (bottom - top) / rule.size[0]) * share
    if factor >= 2 and (drafted := image.draft(None, tuple(math.ceil(side / factor) for side in image.size))):
        size = drafted[1][2:][::way]
    return size


def exif_orientation(image) -> int:
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF has no bearing on the pixels
        return 1


def turn_upright(image: Image.Image) -> Image.Image:
    image.load()  # first, because some formats turn the picture themselves while loading
    turn = UPRIGHT.get(exif_orientation(image))
    return image if turn is None else image.transpose(turn)


class Planes:
    """A large picture in colour as three of one channel, which take 3 bytes a pixel where Pillow takes 4 for RGB.

    It does what `_decode_views` needs of an image, with the same result.
    """

    def __init__(self, size: tuple[int, int]):
        self.size = size
        self.width, self.height = size
        self.mode = "RGB"
        self._bands = [Image.new("L", size) for _ in self.mode]

    def paste(self, part: Image.Image, box: tuple[int, int, int, int]) -> None:
        for band, of_part in zip(self._bands, part.split(), strict=True):
            band.paste(of_part, box)

    def resize(
        self, size: tuple[int, int], resample: Image.Resampling, box: tuple[float, float, float, float]
    ) -> Image.Image:
        return Image.merge(self.mode, [band.resize(size, resample, box=box) for band in self._bands])


def new_whole(mode: str, size: tuple[int, int]) -> Image.Image | Planes:
    """What the parts of a large picture are put into."""
    return Planes(size) if mode == "RGB" else Image.new(mode, size)


def to_eight_bit(image: Image.Image, mode: str | None = None, new: Callable[..., Any] = Image.new) -> Any:
    """A loaded image of any mode as RGB or L; transparency over white.

    Large ones are converted part by part, as what a conversion needs on its way is several times as large.

    Args:
        image: the image.
        mode: "RGB" or "L"; None is whichever is nearer.
        new: makes the image that the parts are put into, of a mode and a size.
    """
    if image.mode in ("RGB", "L") and not image.has_transparency_data and mode in (None, image.mode):
        return image
    white = _white_level(image)
    boxes = parts(image.size)
    if len(boxes) == 1:
        return _to_eight_bit(image, mode, white)
    whole = None
    for box in boxes:
        part = _to_eight_bit(image.crop(box), mode, white)
        whole = whole or new(part.mode, image.size)
        whole.paste(part, box)
    assert whole is not None  # there are several parts
    return whole


def _to_eight_bit(image: Image.Image, mode: str | None, white: float | None) -> Image.Image:
    if white is not None:
        values = np.asarray(image).astype(np.float32) * 255 / white
        image = Image.fromarray(np.rint(values.clip(0, 255)).astype(np.uint8))
    elif image.has_transparency_data:
        if image.mode == "La":  # premultiplied grey: Pillow knows only this way out
            image = image.convert("LA")
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image).convert("RGB")
    elif image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    return image if mode in (None, image.mode) else image.convert(mode)


def _white_level(image: Image.Image) -> float | None:
    """What is white in an image of other levels than 8 bits; None for all others."""
    if image.mode != "F" and not image.mode.startswith("I"):  # I, I;16, I;16B, ...
        return None
    high = -math.inf
    for box in parts(image.size):
        values = np.asarray(image.crop(box)).astype(np.float32)
        if not np.isfinite(values).all():
            raise ImageError("holds values that are not numbers")
        high = max(high, float(values.max()))
    if image.format in SCALED_FORMATS:
        return WHITES[-1]
    # others do not say what white is: it is the nearest of the usual values, which for whole numbers is not 1
    usual, beyond = (WHITES, high) if image.mode == "F" else (WHITES[1:], 2.0**31)
    return next((white for white in usual if high < white + 1), beyond)


def check_pixels(array: np.ndarray) -> None:
    """Refuse an array, of one picture or of many, that holds no pixels from 0 to 255.

    Raises:
        ImageError: it holds something else. Numbers from 0 to 1 would all be black, so they are refused too, even
            where some lie a little above 1, as enlarging leaves them.

    Example:
        >>> check_pixels(np.full((2, 2), 128))
    """
    if array.dtype.kind == "b":
        raise ImageError("an array of bool; accepted are pixels from 0 to 255: give x * 255")
    if array.dtype.kind not in "uif":
        raise ImageError(f"an array of {array.dtype}; accepted are integers and floats from 0 to 255")
    if not array.size:
        return
    low, high = float(array.min()), float(array.max())
    if math.isnan(low):
        raise ImageError("an array with values that are not numbers (NaN); accepted are 0 to 255")
    is_black = 0 < high < 2 if array.dtype.kind == "f" else high == 1
    if low < 0 or high > 255 or is_black:
        how = next((how for least, most, how in RESCALED if least <= low and high <= most), "")
        hint = f": give {how}" if how else ""
        raise ImageError(f"an array with values from {low:g} to {high:g}; accepted are pixels from 0 to 255{hint}")


def from_array(array: np.ndarray) -> Image.Image:
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"an array of shape {array.shape}; accepted are (height, width), (height, width, 1), "
            "(height, width, 3) and (height, width, 4)"
        )
    check_pixels(array)
    if array.dtype != np.uint8:
        array = np.rint(array).astype(np.uint8)
    return Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array)


@functools.cache
def readable_formats() -> list[str]:
    """Those of FORMATS that this Pillow reads, with HEIF when pillow-heif is installed."""
    Image.init()
    if importlib.util.find_spec("pillow_heif"):
        importlib.import_module("pillow_heif").register_heif_opener()
    return [name for name in FORMATS if name in Image.OPEN]


@contextlib.contextmanager
def raise_image_error(format: str | None = None) -> Iterator[None]:
    """Turn whatever Pillow raises on a bad picture into an ImageError; `format` is Pillow's name, once known."""
    try:
        yield
    except (ImageError, UnidentifiedImageError):
        raise
    except Image.DecompressionBombError:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # None would mean no limit, and no such error
        raise ImageError(f"more than {limit // 10**6} million pixels", "too large") from None
    except MemoryError:
        raise ImageError("takes more memory than there is", "too large") from None
    except Exception as error:  # decoders of damaged files raise nearly anything
        name = format or "picture"
        if "truncated" in str(error).lower():
            raise ImageError(f"truncated {name}: the file ends before the picture does", "truncated") from None
        raise ImageError(f"damaged {name}: {str(error) or type(error).__name__}") from None


def _unidentified(data: bytes) -> ImageError:
    """The error for bytes that Pillow does not identify, from how they begin."""
    if not data:
        return ImageError("empty file", "not a picture")
    formats = [
        name
        for start, name in ((b"\xff\xd8\xff", "JPEG"), (b"\x89PNG", "PNG"), (b"GIF8", "GIF"))
        if data.startswith(start)
    ]
    if data[4:8] == b"ftyp" and data[8:11] in BRANDS:
        name, without = BRANDS[data[8:11]]
        if name not in readable_formats():
            return ImageError(without, "needs a package")
        formats = [name]
    if formats:
        return ImageError(f"damaged {formats[0]}: its header cannot be read")
    return ImageError(_not_an_image(data), "not a picture")


def _not_an_image(data: bytes) -> str:
    """What a file is that holds no picture, from how it begins."""
    for start, name in ((b"%PDF", "PDF document"), (b"PK\x03\x04", "zip archive"), (b"%!PS", "PostScript")):
        if data.startswith(start):
            return f"not an image: {name}"
    # the cut may go through a character: what it leaves at the end is not held against the text
    head = data[:1000].decode("utf-8", "replace").rstrip("\ufffd").lower()
    if "\ufffd" in head or "\0" in head:
        return "not an image that Pillow knows"
    if "<svg" in head:
        return "not an image of pixels: SVG drawing"
    web = "<html" in head or "<!doctype html" in head
    return "not an image: web page" if web else "not an image: text file"
