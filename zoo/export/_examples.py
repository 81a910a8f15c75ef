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


def plain_keras(file: str, task: Any) -> str | None:
    """Lines that answer about a picture by Keras without the zoo; None for models that need more than these.

    Args:
        file: the saved file.
        task: the model in it.
    """
    rule, target = getattr(task, "preprocessing", None), getattr(task, "_target", None)
    if target is None or isinstance(rule, Points):
        return None
    squashed = ""
    if target.softmax:
        squashed = (
            "if outputs.shape[-1] == 1:  # of two classes, the second's\n"
            "    outputs = keras.ops.pad(outputs, ((0, 0), (1, 0)))\n"
            "outputs = keras.ops.softmax(outputs)\n"
        )
    return (
        f"import sys\n\nimport keras\nimport numpy as np\nfrom PIL import Image, ImageOps\n\n"
        f'{_prepared(task)}outputs = keras.saving.load_model({file!r})(example.astype("float32"), training=False)\n'
        f"{squashed}print(*keras.ops.convert_to_numpy(outputs)[0])\n"
    )


def _prepared(task: Any) -> str:
    """Lines that set `example`, an array of shape (1, ...), from what was typed."""
    rule = task.preprocessing
    if isinstance(rule, Points):
        return ROW
    (height, width), channels = rule.size, rule.channels
    mode = "RGB" if channels == 3 else "L"
    return PICTURE.format(mode=mode, width=width, height=height, crop=rule.crop, channels=channels)


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
    is_row = isinstance(task.preprocessing, Points)
    given = "1.5 2.5 ..." if is_row else "PICTURE"
    pillow = "" if is_row else "from PIL import Image, ImageOps\n"
    text = (
        f"{MARK}: python {path.name}.py {given}\nimport json\nimport sys\nimport zipfile\n\n"
        f"import numpy as np\n{pillow}"
        f"{imports}\nfile = __file__.removesuffix('.py')\n{_prepared(task)}{running}{TOLD[task._target.answer]}"
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
