"""Language models, generators of pictures and autoencoders as ONNX models, each compared with the model itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import inference
from zoo.data import named, sources
from zoo.errors import ZooError
from zoo.export._network import COMPARED, Agreement, converted
from zoo.export._onnx_parts import behind, session, translated
from zoo.export._pillow import resize_model

if TYPE_CHECKING:
    import onnx

WRITTEN = 200  # tokens of a text that both models read
LIMIT = 1e-3  # of the range of the logits: by how much these may differ where nothing was rounded on purpose
LIMIT_HALVED = 0.05
WHITE = 255
Step = Callable[[dict[str, np.ndarray]], list[np.ndarray]]
LEVELS, LEVELS_HALVED = 1, 8  # of 255: by how much pixels may differ


def step_model(task: Any, half: bool = False) -> tuple[onnx.ModelProto, Agreement]:
    """A language model that takes one token and the states, and gives logits of the next one and the states after it.

    Its inputs are "token", int32 of shape (n,), and "state_0" and so on, float32 of shape (n, units); its outputs
    "logits", shape (n, tokens), and "next_state_0" and so on. Before any text the states are zeros.

    Args:
        task: the model.
        half: keep the weights in float16; they are computed with in float32.

    Raises:
        UsageError: it knows no tokens yet.
        ZooError: it cannot be converted, or answers otherwise as ONNX.
    """
    tokens = task._learned_vocabulary().tokens
    with converted(task, inference.STEP) as network:
        states = len(inference.load_openvino().Core().read_model(network).inputs) - 1
        names = ["logits", *(f"next_state_{index}" for index in range(states))]
        model = translated(task, network, half, names)
    step, sizes = steps_of(model)
    written = written_by(step, sizes, len(tokens) + 1)
    theirs = inference.through_steps(step, written, sizes)
    (ours, *_) = inference.KerasEngine(task.model)(written)  # a converted one takes texts of one length alone
    difference = float(np.abs(ours - theirs).max())
    _require(task, difference, (LIMIT_HALVED if half else LIMIT) * float(np.ptp(ours)), "logits")
    same = int((ours.argmax(-1) == theirs.argmax(-1)).sum())
    return model, Agreement("tokens of a text that it wrote", written.size, same, difference, "next token", "logits")


def steps_of(model: onnx.ModelProto) -> tuple[Step, dict[str, int]]:
    """What computes one step of a language model, and how many numbers each of its states has, by name."""
    running = session(model)
    names = [output.name for output in model.graph.output]
    sizes = {item.name: item.shape[1] for item in running.get_inputs() if item.name != "token"}
    in_order = {f"state_{index}": sizes[f"state_{index}"] for index in range(len(sizes))}
    return lambda given: running.run(names, given), in_order


def written_by(step: Step, sizes: dict[str, int], known: int, length: int = WRITTEN) -> np.ndarray:
    """A text that a model draws, always the same: numbers of tokens, int32 of shape (1, length)."""
    random = np.random.default_rng(0)
    text = [1]
    states = {name: np.zeros((1, units), np.float32) for name, units in sizes.items()}
    while len(text) < length:
        logits, *after = step({"token": np.array(text[-1:], np.int32), **states})
        states = dict(zip(states, after, strict=True))
        text.append(int(random.choice(known, p=inference.softmax(logits[0].astype(np.float64)))))
    return np.array([text], np.int32)


def drawing_model(task: Any, half: bool = False) -> tuple[onnx.ModelProto, Agreement]:
    """A generator from "noise", normal numbers of shape (n, latent), to "pictures", uint8.

    Args:
        task: the model.
        half: keep the weights in float16; they are computed with in float32.

    Raises:
        ZooError: it cannot be converted, or draws otherwise as ONNX.
    """
    with converted(task) as network:
        model = translated(task, network, half, ["pixels"], "noise")
    model = in_pixels(model, "pixels", "pictures")
    noise = task._sample_inputs(COMPARED)
    (theirs,) = session(model).run(["pictures"], {"noise": noise})
    return model, _drawn_alike(task, task._draw(noise), theirs, "draws of noise", half)


def coding_model(task: Any, half: bool = False) -> tuple[onnx.ModelProto, Agreement]:
    """An autoencoder from "picture", uint8 (n, height, width, 3), to "reconstruction", uint8, and "code".

    Args:
        task: the model.
        half: keep the weights in float16; they are computed with in float32.

    Raises:
        ZooError: it cannot be converted, or draws otherwise as ONNX.
    """
    model, agreement = recoding_model(task, half)
    return behind(resize_model(task.preprocessing), model), agreement


def recoding_model(task: Any, half: bool = False) -> tuple[onnx.ModelProto, Agreement]:
    """The same from "pixels", as the network takes them."""
    with converted(task, inference.CODE) as network:
        model = translated(task, network, half, ["logits", "code"])
    model = in_pixels(model, "logits", "reconstruction", squashed=True)
    pixels, on = own_pixels(task, COMPARED)
    names = [output.name for output in model.graph.output]
    (theirs, *_) = session(model).run(names, {"pixels": pixels.astype(np.float32)})
    return model, _drawn_alike(task, task.reconstruct(pixels), theirs, on, half)


def own_pixels(task: Any, most: int) -> tuple[np.ndarray, str]:
    """Pictures such as a model was trained on, uint8 of shape (n, height, width, channels), and what they are."""
    available = named.available("pictures")
    names = [name for name in (task.data.get("name"), task.entry.fallback_dataset) if name in available]
    own = named.data_at(task.data.get("place"))
    for data in [own, *names] if own else names:
        with contextlib.suppress(ZooError):  # it was moved
            dataset = sources.find(data, classes=False)
            split = next((split for split in ("test", "validation") if split in dataset.splits), "train")
            pictures = dataset.splits[split]
            pixels, *_ = sources.arrays(pictures.subset([*range(min(most, len(pictures)))]), task.preprocessing)
            if len(pixels):
                return pixels, f"pictures of the {split} split of {dataset.name}"
    return task.preprocessing.samples(2), "synthetic pictures"


def in_pixels(model: onnx.ModelProto, output: str, name: str, squashed: bool = False) -> onnx.ModelProto:
    """A model whose first output becomes a picture in whole numbers from 0 to 255.

    Args:
        model: with an output of numbers.
        output: what that is called.
        name: what the picture is called.
        squashed: whether its sigmoid is the picture, from 0 to 1.
    """
    import onnx

    graph, node = model.graph, onnx.helper.make_node
    bounds = {"black": 0, "white": WHITE}
    graph.initializer.extend(
        onnx.numpy_helper.from_array(np.array(value, np.float32), key) for key, value in bounds.items()
    )
    first, levels = graph.output[0], output
    if squashed:
        levels = "levels"
        graph.node.extend([node("Sigmoid", [output], ["lightness"]), node("Mul", ["lightness", "white"], [levels])])
    graph.node.extend(
        [
            node("Round", [levels], ["whole_levels"]),
            node("Clip", ["whole_levels", "black", "white"], ["clipped_levels"]),
            node("Cast", ["clipped_levels"], [name], to=onnx.TensorProto.UINT8),
        ]
    )
    shape = [length.dim_param or length.dim_value for length in first.type.tensor_type.shape.dim]
    graph.output.remove(first)
    graph.output.insert(0, onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, shape))
    return model


def _drawn_alike(task: Any, ours: np.ndarray, theirs: np.ndarray, on: str, half: bool) -> Agreement:
    apart = np.abs(ours.astype(int) - theirs.astype(int)).reshape(len(ours), -1).max(axis=1)
    _require(task, float(apart.max()), LEVELS_HALVED if half else LEVELS, "pixels")
    return Agreement(on, len(ours), int((apart <= LEVELS).sum()), float(apart.max()), "picture", "pixels")


def _require(task: Any, difference: float, limit: float, what: str) -> None:
    if not difference <= limit:
        raise ZooError(
            f"{task.name} does not answer in the new file as it does here: {what} differ by up to {difference:.2g}. "
            "Nothing was written."
        )
