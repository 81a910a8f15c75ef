"""OpenVINO's own format: a network `NAME.xml` and its weights `NAME.bin` beside it.

The labels stand in the network's `rt_info`, section "model_info", as OpenVINO's Model API reads them: separated by
spaces, with an underscore for a space within one. "preprocessing" there is the rule by which a picture becomes input,
"agreement" how far the network answers as the model that it was made of, "zoo" the whole record, each as JSON.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import inference, saving
from zoo.errors import ZooError
from zoo.export._network import (
    Agreement,
    compare,
    converted,
    described,
    input_of,
    refuse_both,
    refuse_int8,
    require,
)
from zoo.export._onnx_parts import translated
from zoo.export.onnx import quantized
from zoo.files import atomic_file, output, temporary_folder
from zoo.targets import TARGETS

if TYPE_CHECKING:
    from zoo.tasks.task import Task

ENDINGS = (".xml",)
KINDS = [target.task for target in TARGETS.values()]  # whose answers are compared


def write(task: Task, path: Path, overwrite: bool = False, half: bool = False, int8: bool = False) -> dict:
    """Convert a model, and compare its answers with those of the model that was saved.

    Args:
        task: of any kind that can be converted.
        path: the file.
        overwrite: replace whatever file is there.
        half: keep the weights in float16.
        int8: compute in 8-bit numbers, whose ranges are learned from the training pictures.
    """
    refuse_both(half, int8)
    if int8:
        require("OpenVINO in 8-bit numbers", "onnx", "onnxruntime")
        if task.entry.task not in KINDS:
            refuse_int8(task, int8)
    weights = path.with_suffix(".bin")
    output(weights, lambda file: "" if path.exists() else "belongs to no network beside it", overwrite=overwrite)
    with converted(task) as model, temporary_folder() as folder:
        network = Path(folder, "network.xml")
        if int8:
            model = _quantized(model, task, folder)
        annotated = _annotate(model, task)
        agreement = _compared(annotated, task, network, half, int8)
        for part in (".bin", ".xml"):  # the weights first: a network without them would be half a file
            with saving.unwritable(path), atomic_file(path.with_suffix(part)) as temporary:
                shutil.copyfile(network.with_suffix(part), temporary)
    size = sum(path.with_suffix(part).stat().st_size for part in (".xml", ".bin"))
    return {"bytes": size, **({} if agreement is None else {"agreement": agreement})}


def read_record(path: Path) -> dict:
    """What a network says of its model.

    Raises:
        ZooError: nothing that the zoo wrote.
    """
    try:
        model = inference.load_openvino().Core().read_model(path)
        return json.loads(model.get_rt_info(["model_info", "zoo"]).astype(str))
    except Exception as error:  # OpenVINO raises what it likes on what is no network
        raise ZooError(f"{path} is no network that the zoo wrote: {error}") from error


def _compared(model: Any, task: Any, network: Path, half: bool, int8: bool) -> Agreement | None:
    """Write a network as `network`; if it says classes, labels or a number, compare it, and write that into it."""
    openvino = inference.load_openvino()
    openvino.save_model(model, network, compress_to_fp16=half)
    if task.entry.task not in KINDS:
        return None
    engine = inference.OpenVINOEngine(network)
    rule = task.preprocessing
    agreement = compare(task, lambda example: task._interpret(engine(input_of(example, rule)[None])[0])[0], int8)
    for key, value in described(task, agreement).items():
        if key != "labels":  # which stand there in OpenVINO's own way
            model.set_rt_info(value, ["model_info", key])
    openvino.save_model(model, network, compress_to_fp16=half)
    return agreement


def _annotate(converted: Path, task: Any) -> Any:
    """A converted network with one output and with what users must know of it."""
    openvino = inference.load_openvino()
    model = openvino.Core().read_model(converted)
    model = openvino.Model(model.get_results()[:1], model.get_parameters(), task.name)  # without the features
    config = task.get_config()
    if labels := config.get("labels"):
        if task._target.softmax:  # which the Model API makes of logits itself
            model.set_rt_info("Classification", ["model_info", "model_type"])
        model.set_rt_info(" ".join(label.replace(" ", "_") for label in labels), ["model_info", "labels"])
    model.set_rt_info(json.dumps(config), ["model_info", "zoo"])
    return model


def _quantized(network: Path, task: Any, folder: Path) -> Path:
    """The same in 8-bit numbers, by way of ONNX, whose ranges cost less accuracy than those that NNCF finds."""
    model = quantized(translated(task, network, False, ("answer", "features")), task)
    path = folder / "quantized.onnx"
    path.write_bytes(model.SerializeToString())
    return path
