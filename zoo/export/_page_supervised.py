"""The page of a model of classes, labels or a number: what people drop on it is answered, and it learns.

It holds the network, the labels, the resize-and-crop rule, and what makes a picture resemble nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data import images
from zoo.data.images.preprocessing import Points, Preprocessing
from zoo.errors import ZooError
from zoo.export._head import Parted, parted
from zoo.export._network import FACTS, compare
from zoo.export._onnx_parts import session
from zoo.export._page import PageContent, Room, in_base64, template_of
from zoo.export.onnx import answering, answers_of, quantized
from zoo.inference import softmax
from zoo.inference.onnx_graph import HALVED

ASKING = Room(
    "asking",
    (
        "dropped.js",
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
    ),
)
TESTED = 1.37  # the self-test's picture is larger than what the network takes, so that the resize is tested too


def answering_page(task: Any, path: Path, half: bool, int8: bool) -> PageContent:
    """What stands in the page of a model of pictures.

    Args:
        task: of classes, labels or a number.
        path: the file.
        half: keep the weights in float16; they are computed with in float32.
        int8: compute in 8-bit numbers, whose ranges are learned from the training pictures.

    Raises:
        ZooError: it cannot be converted, or answers otherwise in the page.
    """
    rule = task.preprocessing
    if isinstance(rule, Points):
        raise ZooError(f"{task.name} takes rows of numbers; {path.suffix} is for models of pictures.")
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
    expected, config = answer_whole(tested), task.get_config()
    facts = {
        "target": task._target.name,
        "answer": task._target.answer,
        **{key: config[key] for key in FACTS if key in config},
        "head": head and head.to_json(),
        "novelty": _novelty(task),
        "measured": _measured(task),
        "selftest": {
            "height": height,
            "width": width,
            "expected": expected.tolist(),
            "tolerance": task._tolerance(expected[None]),
        },
        "template": template_of(ASKING) if head else None,  # a page that learns writes others
    }
    stored = {"selftest": tested.tobytes(), **({"head": head.to_bytes()} if head else {})}
    return PageContent(ASKING, facts, {**stored, "network": model.SerializeToString()}, agreement)


def _novelty(task: Any) -> dict | None:
    if (detector := task.novelty) is None:
        return None
    arrays = {"centre": detector.centre, "axes": detector.axes}
    return {
        **{name: in_base64(array.astype("<f4").tobytes()) for name, array in arrays.items()},
        "limit": detector.limit,
    }


def _measured(task: Any) -> dict | None:
    """What was measured on pictures that were not trained on."""
    metrics = task.metrics
    is_so_here = metrics.get("trained_on") == 0 and task._views == 1  # a page sees one view of a picture
    return metrics[task._shown_metric].to_json() if is_so_here else None


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

    def to_bytes(self) -> bytes:
        return self.kernel.tobytes() + self.bias.astype("<f4").tobytes()

    def to_json(self) -> dict:
        return {"features": self.kernel.shape[1], "half": self.kernel.dtype.itemsize == 2, "maps": self.maps}
