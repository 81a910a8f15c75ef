"""A model as one HTML file: opened by a double click, offline, in any browser.

Of classes, labels or a number, it answers about pictures, and learns other classes; of a language model, it writes;
of a generator, it draws; of an autoencoder, it draws again what it is given. Its network is ONNX, with weights in
float16, and computed by ONNX Runtime for browsers (see `page/runtime.json`); it tests itself when it is opened.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from zoo import saving
from zoo.errors import ZooError
from zoo.export._network import refuse_int8, require, require_supervised
from zoo.export._page import page_text
from zoo.export._page_generative import coding_page, drawing_page, writing_page
from zoo.export._page_supervised import answering_page
from zoo.files import atomic_file

ENDINGS = (".html",)
GENERATIVE = {"language": writing_page, "image_generation": drawing_page, "reconstruction": coding_page}
RECORD = re.compile(rb'<script type="application/json" id="facts">(.*?)</script>')
READ = 16 * 2**20  # bytes of a page in which its facts are looked for: they stand before what is large


def write(task: Any, path: Path, overwrite: bool = False, half: bool = True, int8: bool = False) -> dict:
    """Convert a model, compare its answers with the model's, and write the page.

    Args:
        task: of any kind but dialogue and embedding.
        path: the file.
        overwrite: replace whatever file is there.
        half: keep the weights in float16; they are computed with in float32.
        int8: compute in 8-bit numbers, whose ranges are learned from the training pictures.
    """
    require("a page", "onnx", "onnxruntime")
    require_supervised(task, path, GENERATIVE)
    if make := GENERATIVE.get(task.entry.task):
        refuse_int8(task, int8)
        content = make(task, half)
    else:
        content = answering_page(task, path, half, int8)
    text = page_text(path.stem, task, content)
    with saving.unwritable(path), atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return {"agreement": content.agreement}


def read_record(path: Path) -> dict:
    """What a page says of its model.

    Raises:
        ZooError: no page that the zoo exported.
    """
    try:
        with path.open("rb") as file:
            if match := RECORD.search(file.read(READ)):
                return json.loads(match[1])["zoo"]
    except (OSError, ValueError, KeyError) as error:
        raise ZooError(f"{path} is no page of a model that the zoo wrote") from error
    raise ZooError(f"{path} is no page of a model that the zoo wrote")
