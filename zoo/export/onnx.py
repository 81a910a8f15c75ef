"""ONNX: one file that takes a picture of any size and gives what people are told, the preprocessing inside.

That is "probabilities", of one class of several with "logits", or "values" of a number. Models of other kinds are in
`_generative`: a language model takes a token and states, a generator noise, an autoencoder a picture. Its
`metadata_props` have, as JSON, "labels" and "preprocessing", of several labels "thresholds", of a number "mean_error",
of text its "vocabulary", "agreement" with the model that it was made of, "zoo", the whole record, and what ONNX itself
names for pictures ("Image.BitmapPixelFormat" and so on).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import saving
from zoo.data.images.preprocessing import Points
from zoo.errors import ZooError
from zoo.export._generative import coding_model, drawing_model, step_model
from zoo.export._network import (
    Agreement,
    calibration_inputs,
    compare,
    converted,
    described,
    refuse_both,
    refuse_int8,
    require,
    require_supervised,
)
from zoo.export._onnx_parts import behind, session, translated
from zoo.export._pillow import resize_model
from zoo.files import atomic_file, temporary_folder

if TYPE_CHECKING:
    import onnx

ENDINGS = (".onnx",)
GENERATIVE = {"language": step_model, "image_generation": drawing_model, "reconstruction": coding_model}
OF_PICTURES = {"Image.ColorSpaceGamma": "SRGB", "Image.NominalPixelRange": "NominalRange_0_255"}


def write(task: Any, path: Path, overwrite: bool = False, half: bool = False, int8: bool = False) -> dict:
    """Convert a model, and compare its answers with what it answers here, on its own pictures if they are there.

    Args:
        task: of any kind but dialogue and embedding.
        path: the file.
        overwrite: replace whatever file is there.
        half: keep the weights in float16; they are computed with in float32.
        int8: compute in 8-bit numbers, whose ranges are learned from the training pictures.
    """
    require("ONNX", "onnx", "onnxruntime")
    refuse_both(half, int8)
    import onnx

    require_supervised(task, path, GENERATIVE)
    if make := GENERATIVE.get(task.entry.task):
        refuse_int8(task, int8)
        model, agreement = make(task, half)
    else:
        model, agreement = _supervised(task, half, int8)
    takes_pictures = "picture" in [given.name for given in model.graph.input]
    properties = {"Image.BitmapPixelFormat": "Rgb8", **OF_PICTURES} if takes_pictures else {}
    onnx.helper.set_model_props(model, properties | described(task, agreement))
    onnx.checker.check_model(model)
    with saving.unwritable(path), atomic_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return {"agreement": agreement}


def _supervised(task: Any, half: bool, int8: bool) -> tuple[onnx.ModelProto, Agreement]:
    """A model of classes, labels or a number, and how far it answers as the task's own."""
    model = answering(task, half, int8)
    if not isinstance(task.preprocessing, Points):
        model = behind(resize_model(task.preprocessing), model)
    return model, compare(task, answers_of(model, task), rounded=int8)


def read_record(path: Path) -> dict:
    """What an ONNX file says of its model.

    Raises:
        ZooError: nothing that the zoo wrote.
    """
    require("ONNX", "onnx")
    import onnx

    try:
        properties = {item.key: item.value for item in onnx.load(path, load_external_data=False).metadata_props}
        return json.loads(properties["zoo"])
    except Exception as error:  # what protobuf raises on what is no ONNX is nobody's promise
        raise ZooError(f"{path} is no ONNX file that the zoo wrote: {error}") from error


def answering(task: Any, half: bool = False, int8: bool = False) -> onnx.ModelProto:
    """A model as ONNX, from "pixels" to what people are told and, where it has them, "features" last.

    Where the saved model answers something else than that, logits, they are there, too, in the middle.

    Args:
        task: the model.
        half: keep the weights in float16, unless they become 8-bit numbers.
        int8: compute in 8-bit numbers.

    Raises:
        ZooError: it cannot be converted.
    """
    target = task._target
    with converted(task) as network:
        answer = "logits" if target.softmax else target.answer
        model = translated(task, network, half and not int8, (answer, "features"))
    model = with_probabilities(model, len(task.class_names())) if target.softmax else model
    return quantized(model, task) if int8 else model


def with_probabilities(model: onnx.ModelProto, classes: int) -> onnx.ModelProto:
    """A model of logits that gives their softmax first."""
    import onnx

    nodes, scores, squash = model.graph.node, "logits", onnx.helper.make_node
    if model.graph.output[0].type.tensor_type.shape.dim[1].dim_value == 1:  # of the second of two classes
        nodes.append(squash("Neg", [scores], ["of_the_first"]))
        nodes.append(squash("Concat", ["of_the_first", scores], ["of_both"], axis=1))
        nodes.append(squash("Sigmoid", ["of_both"], ["probabilities"]))
    else:
        nodes.append(squash("Softmax", [scores], ["probabilities"], axis=1))
    batch = model.graph.input[0].type.tensor_type.shape.dim[0]
    shape = [batch.dim_param or batch.dim_value, classes]
    model.graph.output.insert(0, onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, shape))
    return model


def answers_of(model: onnx.ModelProto, task: Any) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the answer, shape (answers,), that a file of a model has for one example."""
    running = session(model)
    (name,) = (argument.name for argument in running.get_inputs())
    return lambda example: running.run([task._target.answer], {name: example[None]})[0][0]


def quantized(model: onnx.ModelProto, task: Any) -> onnx.ModelProto:
    """The same in 8-bit numbers, with ranges that the training pictures need, or synthetic ones if none are there."""
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference

    inputs = calibration_inputs(task)

    class CalibrationPictures(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(inputs)

        def get_next(self) -> dict | None:
            pixels = next(self.left, None)
            return None if pixels is None else {"pixels": pixels[None].astype(np.float32)}

    with temporary_folder() as folder:
        plain, ready, done = (Path(folder, f"{name}.onnx") for name in ("plain", "ready", "done"))
        plain.write_bytes(model.SerializeToString())
        shape_inference.quant_pre_process(plain, ready, skip_symbolic_shape=True)
        quantization.quantize_static(ready, done, CalibrationPictures(), per_channel=True)
        return onnx.load(done)
