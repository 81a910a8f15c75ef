"""A model of classes, labels or a number as one HTML file: opened by a double click, offline, in any browser.

The page holds the network as ONNX, with its weights in float16, ONNX Runtime for browsers (see `page/runtime.json`),
the labels, the resize-and-crop rule, what makes a picture resemble nothing, and a self-test. Its content security
policy allows no connection to anywhere: scripts and styles are named by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo import saving
from zoo._version import __version__
from zoo.data import images
from zoo.data.images.preprocessing import Points, Preprocessing
from zoo.errors import ZooError
from zoo.export._head import Parted, parted
from zoo.export._network import FACTS, Agreement, compare, require, require_supervised
from zoo.export._onnx_parts import session
from zoo.export.onnx import answering, answers_of, quantized
from zoo.files import atomic_file
from zoo.inference import softmax
from zoo.inference.onnx_graph import HALVED
from zoo.visualization.pages import MARK

ENDINGS = (".html",)
PARTS = Path(__file__).parent / "page"
# each after those that it needs
SCRIPTS = (
    "words.js",
    "stored.js",
    "elements.js",
    "download.js",
    "dropped.js",
    "waiting.js",
    "resize.js",
    "picture.js",
    "table.js",
    "kinds.js",
    "model.js",
    "head.js",
    "heat.js",
    "eigen.js",
    "lbfgs.js",
    "learn.js",
    "novelty.js",
    "camera.js",
    "boxes.js",
    "teach.js",
    "save.js",
    "card.js",
    "page.js",
)
TESTED = 1.37  # the self-test's picture is larger than what the network takes, so that the resize is tested too
RECORD = re.compile(rb'<script type="application/json" id="facts">(.*?)</script>')
READ = 16 * 2**20  # bytes of a page in which its facts are looked for: they stand before what is large


def write(task: Any, path: Path, overwrite: bool = False, half: bool = True, int8: bool = False) -> dict:
    """Convert a model of pictures, compare its answers with the model's, and write the page.

    Args:
        task: of classes, labels or a number.
        path: the file.
        overwrite: replace whatever file is there.
        half: keep the weights in float16; they are computed with in float32.
        int8: compute in 8-bit numbers, whose ranges are learned from the training pictures.
    """
    require("a page", "onnx", "onnxruntime")
    require_supervised(task, path)
    rule = task.preprocessing
    if isinstance(rule, Points):
        raise ZooError(f"{task.name} takes rows of numbers; {path.suffix} is for models of pictures.")
    runtime = read_runtime()
    model = answering(task, half and not int8)
    parts = parted(model) if task._target.softmax else None
    head = None
    if parts is not None:
        head, model = PageHead.of(parts), parts.trunk
    model = quantized(model, task) if int8 else model
    answer = answers_of(model, task) if head is None else head.answers(model)

    def answer_whole(picture: np.ndarray) -> np.ndarray:
        return answer(images.decode(picture, rule).astype(np.float32))

    agreement = compare(task, answer_whole, rounded=int8)
    wanted = {task._target.answer, "features", "maps"} - (set() if head or task.novelty else {"features"})
    for output in [output for output in model.graph.output if output.name not in wanted]:
        model.graph.output.remove(output)  # nobody looks at it
    height, width = (int(side * TESTED) for side in rule.size)
    tested = Preprocessing((height, width)).samples(1)[0]
    page = Page(path.stem, task, agreement)
    text = page.text(model.SerializeToString(), head, runtime, tested, answer_whole(tested))
    with saving.unwritable(path), atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return {"agreement": agreement}


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


class Runtime(NamedTuple):
    """ONNX Runtime for browsers.

    Attributes:
        scripts: what the page runs before its own script.
        wasm: its WebAssembly, deflated.
    """

    scripts: list[str]
    wasm: bytes


@cache
def read_runtime() -> Runtime:
    """The runtime that comes with the zoo; `page/runtime.json` says where it is from.

    Raises:
        ZooError: a file is damaged.
    """
    facts = json.loads((PARTS / "runtime.json").read_text(encoding="utf-8"))
    script, loader, wasm = facts["sha256"]
    files = {name: (PARTS / name).read_bytes() for name in (script, loader)}
    deflated = (PARTS / f"{wasm}.deflate").read_bytes()
    try:
        files[wasm] = zlib.decompress(deflated, -zlib.MAX_WBITS)
    except zlib.error:
        files[wasm] = b""
    if facts["sha256"] != {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}:
        raise ZooError(f"the files of {facts['package']} in {PARTS} are damaged; install the zoo again")
    return Runtime([as_global(files[loader].decode()), as_global(files[script].decode())], deflated)


@dataclass(frozen=True)
class PageHead:
    """A linear head as the page has it, apart from the network, so that another can take its place.

    Attributes:
        kernel: shape (classes, features), float16 where it is large.
        bias: shape (classes,).
        maps: whether the network also gives the maps whose means the features are.
    """

    kernel: np.ndarray
    bias: np.ndarray
    maps: bool

    @classmethod
    def of(cls, parts: Parted) -> PageHead:
        kernel = parts.kernel.T.astype("<f2" if parts.kernel.size > HALVED else "<f4")
        return cls(kernel, parts.bias, "maps" in [output.name for output in parts.trunk.graph.output])

    def answers(self, trunk: Any) -> Callable[[np.ndarray], np.ndarray]:
        """What gives the probabilities, shape (classes,), for a picture as the network takes it."""
        running = session(trunk)

        def answer(pixels: np.ndarray) -> np.ndarray:
            (features,) = running.run(["features"], {"pixels": pixels[None]})
            return softmax((features @ self.kernel.T.astype(np.float32) + self.bias).astype(np.float64))[0]

        return answer

    def packed(self) -> str:
        return packed(self.kernel.tobytes() + self.bias.astype("<f4").tobytes())

    def to_json(self) -> dict:
        return {"features": self.kernel.shape[1], "half": self.kernel.dtype.itemsize == 2, "maps": self.maps}


class Page:
    """The page of a classifier.

    Args:
        title: what it is called.
        task: the classifier.
        agreement: how far the page's network answers as the model does.
    """

    def __init__(self, title: str, task: Any, agreement: Agreement):
        self.title, self.task, self.agreement = title, task, agreement

    def text(
        self, network: bytes, head: PageHead | None, runtime: Runtime, tested: np.ndarray, expected: np.ndarray
    ) -> str:
        """The whole file.

        Args:
            network: an ONNX model from "pixels" to the answer and, for novelty, "features"; where there is a head,
                to "features" and "maps".
            head: what answers from features.
            runtime: what computes it.
            tested: a picture, uint8 of shape (height, width, 3).
            expected: the answer as the network gives it here, shape (answers,).
        """
        style, template = ((PARTS / name).read_text(encoding="utf-8") for name in ("style.css", "page.html"))
        own = joined_scripts()
        (height, width, _), config = tested.shape, self.task.get_config()
        facts = {
            "title": self.title,
            "target": self.task._target.name,
            "answer": self.task._target.answer,
            **{key: config[key] for key in FACTS if key in config},
            "head": head and head.to_json(),
            "novelty": self._novelty(),
            "measured": self._measured(),
            "agreement": self.agreement.to_json(),
            "selftest": {
                "height": height,
                "width": width,
                "expected": expected.tolist(),
                "tolerance": self.task._tolerance(expected[None]),
            },
            "zoo": config,
            "template": template if head else None,  # a page that learns writes others
        }
        parts = {
            "mark": MARK,
            "policy": policy([*runtime.scripts, own], style),
            "title": html.escape(self.title),
            "style": style,
            "about": self._about(),
            "facts": json.dumps(facts).replace("<", "\\u003c"),  # so that no label ends the script
            "selftest": packed(tested.tobytes()),
            "head": head.packed() if head else "",
            "network": packed(network),
            "runtime": in_base64(runtime.wasm),
            "scripts": "\n".join(f'<script type="module">{script}</script>' for script in [*runtime.scripts, own]),
        }
        return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)

    def _novelty(self) -> dict | None:
        if (detector := self.task.novelty) is None:
            return None
        arrays = {"centre": detector.centre, "axes": detector.axes}
        return {
            **{name: in_base64(array.astype("<f4").tobytes()) for name, array in arrays.items()},
            "limit": detector.limit,
        }

    def _measured(self) -> dict | None:
        """What was measured on pictures that were not trained on."""
        metrics = self.task.metrics
        is_so_here = metrics.get("trained_on") == 0 and self.task._views == 1  # a page sees one view of a picture
        return metrics[self.task._shown_metric].to_json() if is_so_here else None

    def _about(self) -> str:
        runtime = json.loads((PARTS / "runtime.json").read_text(encoding="utf-8"))
        licence = (PARTS / "onnxruntime.LICENSE").read_text(encoding="utf-8")
        lines = [
            f"Made by zoo {__version__} from {self.task.name}. {self.agreement}",
            f"Computed by {runtime['package']} {runtime['version']}, which has this licence:",
            *licence.split("\n\n"),
        ]
        made, *rest = (html.escape(line) for line in lines)
        return "\n".join([f'<p id="made">{made}</p>', *(f"<p>{line}</p>" for line in rest)])


def joined_scripts() -> str:
    """The page's own modules as one: their imports of each other go, each stands after those that it needs."""
    parts = [(PARTS / name).read_text(encoding="utf-8") for name in SCRIPTS]
    text = re.sub(r"^import .*\n", "", "\n".join(parts), flags=re.MULTILINE)
    return re.sub(r"^export ", "", text, flags=re.MULTILINE)


def as_global(module: str) -> str:
    """A module of the runtime as a script that needs no other file: what it exports, and imports, are globals."""
    module = module.replace("import(/*webpackIgnore:true*/e)", "globalThis.ortLoader")
    module = re.sub(r"export default (\w+);", r"globalThis.ortLoader={default:\1};", module)
    module = re.sub(r"\n//# sourceMappingURL=.*", "", module)

    def assigned(match: re.Match) -> str:
        pairs = (name.split(" as ") for name in match[1].split(","))
        return f"globalThis.ort={{{','.join(f'{pair[-1]}:{pair[0]}' for pair in pairs)}}};"

    return re.sub(r"export\{([^}]*)\};", assigned, module)


def policy(scripts: list[str], style: str) -> str:
    """A content security policy that lets a page run these scripts, and connect to nothing."""

    def source(text: str) -> str:
        return f"'sha256-{in_base64(hashlib.sha256(text.encode()).digest())}'"

    allowed = {
        "default-src": "'none'",
        "connect-src": "'none'",
        "img-src": "'none'",
        "style-src": source(style),
        "script-src": " ".join([*map(source, scripts), "'wasm-unsafe-eval'"]),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def packed(data: bytes) -> str:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    return in_base64(deflate.compress(data) + deflate.flush())


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
