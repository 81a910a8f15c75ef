"""Pages that make something: one writes, one draws, one draws again what it is given.

Each holds a few directions to move along: those in which noise, or a code, changes what is drawn the most.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import inference
from zoo.errors import ZooError
from zoo.export._generative import (
    LEVELS,
    LIMIT,
    drawing_model,
    own_pixels,
    recoding_model,
    step_model,
    steps_of,
    written_by,
)
from zoo.export._onnx_parts import between, session
from zoo.export._page import PageContent, Room

if TYPE_CHECKING:
    import onnx

WRITING = Room("writing", ("random.js", "spacing.js", "vocabulary.js", "sampling.js"))
PICTURES = ("pixels.js", "enlarge.js", "sliders.js")
DRAWING = Room("drawing", ("random.js", "normal.js", *PICTURES), ("pictures.css",))
CODING = Room("coding", ("dropped.js", "resize.js", "picture.js", *PICTURES, "pad.js"), ("pictures.css",))
TESTED = 32  # tokens that a page reads to test itself
DRAWN = 4096  # pictures that directions of noise are found in
CODED = 512  # pictures whose codes' directions are found
DIRECTIONS = 8


def writing_page(task: Any, half: bool) -> PageContent:
    """What stands in the page of a language model.

    Args:
        task: the model.
        half: keep the weights in float16; they are computed with in float32.

    Raises:
        ZooError: it cannot be converted, or answers otherwise as ONNX.
    """
    model, agreement = step_model(task, half)
    step, sizes = steps_of(model)
    tokens = written_by(step, sizes, len(task._learned_vocabulary()), TESTED)
    expected = inference.through_steps(step, tokens, sizes)[0, -1]
    facts = {
        "data": task.data.get("name"),
        "states": [*sizes.values()],
        "selftest": {
            "tokens": tokens[0].tolist(),
            "expected": expected.tolist(),
            "tolerance": LIMIT * float(np.ptp(expected)),
        },
    }
    return PageContent(WRITING, facts, {"network": model.SerializeToString()}, agreement)


def drawing_page(task: Any, half: bool) -> PageContent:
    """What stands in the page of a generator.

    Args:
        task: the model.
        half: keep the weights in float16; they are computed with in float32.

    Raises:
        ZooError: it cannot be converted, or draws otherwise as ONNX.
    """
    model, agreement = drawing_model(task, half)
    running = session(model)

    def draw(noise: np.ndarray) -> np.ndarray:
        (drawn,) = running.run(["pictures"], {"noise": noise})
        return drawn

    tested = task._sample_inputs(1)
    facts = {
        "data": task.data.get("name"),
        "shape": task.preprocessing.shape,
        "latent": tested.shape[1],
        "selftest": {"noise": tested[0].tolist(), "tolerance": LEVELS},
    }
    noise = np.random.default_rng(0).standard_normal((DRAWN, tested.shape[1]), np.float32)
    drawn = np.concatenate([draw(part) for part in np.array_split(noise, DRAWN // 64)])
    parts = {
        "selftest": draw(tested).tobytes(),
        "directions": in_floats(moving_directions(noise, drawn)),
        "network": model.SerializeToString(),
    }
    return PageContent(DRAWING, facts, parts, agreement)


def moving_directions(noise: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The directions of noise that move pictures the most, on average over all noise; orthonormal rows.

    For normal noise, how much pictures vary together with it is the mean of the picture's derivative (Stein's lemma).

    Args:
        noise: normal numbers, shape (n, latent).
        drawn: what became of them, shape (n, ...).
    """
    pixels = drawn.reshape(len(drawn), -1).astype(np.float32)
    together = noise.T @ (pixels - pixels.mean(axis=0)) / len(noise)
    directions, _, _ = np.linalg.svd(together, full_matrices=False)
    return directions.T[:DIRECTIONS]


def coding_page(task: Any, half: bool) -> PageContent:
    """What stands in the page of an autoencoder.

    Args:
        task: the model.
        half: keep the weights in float16; they are computed with in float32.

    Raises:
        ZooError: it cannot be converted, or draws otherwise as ONNX, or its code alone does not make its picture.
    """
    model, agreement = recoding_model(task, half)
    encoder, decoder = halves(task, model)
    coding, decoding = session(encoder), session(decoder)

    def encode(pixels: np.ndarray) -> np.ndarray:
        (codes,) = coding.run(["code"], {"pixels": pixels.astype(np.float32)})
        return codes

    tested = task.preprocessing.samples(1)
    (expected,) = decoding.run(["reconstruction"], {decoding.get_inputs()[0].name: encode(tested)})
    pixels, _ = own_pixels(task, CODED)
    codes = np.concatenate([encode(part) for part in np.array_split(pixels, -(-len(pixels) // 64))])
    facts = {
        "data": task.data.get("name"),
        "preprocessing": task.preprocessing.to_json(),
        "code": {"name": decoding.get_inputs()[0].name, "shape": codes.shape[1:]},
        "selftest": {"tolerance": LEVELS},
    }
    parts = {
        "selftest": tested.tobytes() + expected.tobytes(),
        "directions": in_floats(spreading_directions(codes.reshape(len(codes), -1))),
        "encoder": encoder.SerializeToString(),
        "decoder": decoder.SerializeToString(),
    }
    return PageContent(CODING, facts, parts, agreement)


def halves(task: Any, model: onnx.ModelProto) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """An autoencoder's network as two: from "pixels" to "code", and from the code to "reconstruction"."""
    outputs = {output.name: output for output in model.graph.output}
    decoder = None
    if code := outputs.get("code"):
        (source,) = next(node.input for node in model.graph.node if "code" in node.output)  # it is an Identity
        given = copy.deepcopy(code)
        given.name = source
        decoder = between(model, [given], [outputs["reconstruction"]])
    if code is None or decoder is None:
        raise ZooError(
            f"{task.name} has no layer called 'code' from which alone its picture is drawn, which is what the page "
            "shows; an .onnx file takes it."
        )
    encoder = between(model, [*model.graph.input], [code])
    assert encoder is not None
    return encoder, decoder


def spreading_directions(codes: np.ndarray) -> np.ndarray:
    """The directions in which codes of shape (n, size) spread the most, each as long as their standard deviation."""
    _, lengths, directions = np.linalg.svd(codes - codes.mean(axis=0), full_matrices=False)
    rows = (lengths[:, None] / np.sqrt(len(codes)) * directions)[:DIRECTIONS]
    return rows[lengths[:DIRECTIONS] > 1e-6 * max(lengths[0], 1e-30)]


def in_floats(array: np.ndarray) -> bytes:
    return array.astype("<f4").tobytes()
