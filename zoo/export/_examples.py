"""A few lines of Python beside a file that takes pictures of one size, by the zoo's resize-and-crop rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.data.images.preprocessing import Points
from zoo.errors import ZooError
from zoo.files import atomic_file, output

MARK = "# Written by `zoo export`"
PICTURE = """\
picture = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert({mode!r})
scale = min(picture.width / {width}, picture.height / {height}) * {crop}  # of the part in the middle
left, top = (picture.width - {width} * scale) / 2, (picture.height - {height} * scale) / 2
box = (left, top, picture.width - left, picture.height - top)
example = np.asarray(picture.resize(({width}, {height}), Image.BICUBIC, box)).reshape(1, {height}, {width}, {channels})
"""
ROW = "example = np.array([sys.argv[1:]], float)\n"
TOLD = {
    "probabilities": "for index in answer.argsort()[::-1]:\n"
    '    print(f"{labels[index] if labels else index}: {answer[index]:.1%}")\n',
    "values": "print(*answer)\n",
}


def write_example(path: Path, task: Any, imports: str, running: str, overwrite: bool = False) -> str:
    """Write `PATH.py`, a program that answers about a picture, or a row of numbers, by the file at `path`.

    Args:
        path: the file.
        task: what it was made of.
        imports: lines that import what runs it.
        running: lines that set `answer`, and `labels`, from `example`, an array of shape (1, ...), and `file`.
        overwrite: replace whatever is there; without it, only what this has written.

    Returns:
        Where it is.

    Raises:
        ZooError: something else is there.
    """
    rule = task.preprocessing
    is_row = isinstance(rule, Points)
    given = "1.5 2.5 ..." if is_row else "PICTURE"
    prepared = ROW
    if not is_row:
        (height, width), channels = rule.size, rule.channels
        prepared = PICTURE.format(
            mode="RGB" if channels == 3 else "L", width=width, height=height, crop=rule.crop, channels=channels
        )
    pillow = "" if is_row else "from PIL import Image, ImageOps\n"
    text = (
        f"{MARK}: python {path.name}.py {given}\nimport json\nimport sys\nimport zipfile\n\n"
        f"import numpy as np\n{pillow}"
        f"{imports}\nfile = __file__.removesuffix('.py')\n{prepared}{running}{TOLD[task._target.answer]}"
    )

    def conflict(file: Path) -> str:
        return "" if file.read_bytes().startswith(MARK.encode()) else "is no example that the zoo wrote"

    try:
        target = output(path.with_name(f"{path.name}.py"), conflict, overwrite=overwrite)
        with atomic_file(target) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ZooError(f"{path}.py cannot be written: {error.strerror or error}.") from error
    return str(target)
