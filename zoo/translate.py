"""Write one model for another runtime: a program that `zoo.export` runs in a process of its own, on that backend.

Usage: python -m zoo.translate FORM FILE.keras OUT OPTIONS, the last as JSON; ends with 0, or with 1 and what is wrong.
"""

import importlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.images.preprocessing import Points, Preprocessing
from zoo.errors import ZooError, framework_reason
from zoo.export._pillow import GREY, SHARPNESS
from zoo.files import temporary_folder
from zoo.tasks import factory

if TYPE_CHECKING:
    from zoo.backend import keras

LACKING = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")


def main(form: str, file: str, out: str, options: str) -> None:
    """Open a saved file, which tests itself, and write what people are told by its model in another form."""
    task: Any = factory.from_file(Path(file))
    FORMS[form](answering(task), task, Path(out), **json.loads(options))


def answering(task: Any) -> "keras.Model":
    """From the model's inputs to what people are told: probabilities or values."""
    from zoo.backend import keras

    inputs = keras.Input(task.model.input_shape[1:], name="pixels")
    outputs = task.model(inputs, training=False)
    if task._target.softmax and outputs.shape[-1] == 1:  # of the second of two classes
        outputs = keras.ops.sigmoid(keras.ops.concatenate([-outputs, outputs], axis=-1))
    elif task._target.softmax:
        outputs = keras.ops.softmax(outputs)
    return keras.Model(inputs, outputs)


def to_litert(model: "keras.Model", task: Any, out: Path, half: bool = False, calibration: str | None = None) -> None:
    """Write a model as LiteRT reads it, of one example.

    Args:
        model: from pixels to answers.
        task: what it is of.
        out: the file.
        half: keep the weights in float16.
        calibration: a file of inputs, (n, ...), from which the ranges of 8-bit numbers are learned; None makes none.
    """
    tf = importlib.import_module("tensorflow")
    given = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="pixels")
    with temporary_folder() as folder:  # by way of a saved model its variables become constants
        model.export(str(folder), format="tf_saved_model", input_signature=[given], verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        if half:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        if calibration:
            inputs = np.load(calibration).astype(np.float32)
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ({"pixels": row[None]} for row in inputs)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            if len(given.shape) == 4:
                converter.inference_input_type = tf.uint8
        try:
            out.write_bytes(converter.convert())
        except Exception as error:
            if lacking := sorted({*LACKING.findall(str(error))}):
                raise ZooError(f"LiteRT has no {' and no '.join(lacking)}; saved_model takes it.") from error
            raise


def to_saved_model(model: "keras.Model", task: Any, out: Path, labels: str) -> None:
    """Write a model as TensorFlow's, which resizes pictures itself.

    Args:
        model: from pixels to answers.
        task: what it is of.
        out: the folder.
        labels: a file that becomes an asset.
    """
    tf = importlib.import_module("tensorflow")
    rule = task.preprocessing
    if isinstance(rule, Points):
        given = tf.TensorSpec((None, rule.length), tf.float32, name="pixels")
    else:
        given = tf.TensorSpec((None, None, None, 3), tf.uint8, name="picture")

    def answer(example):
        pixels = example if isinstance(rule, Points) else resized(example, rule)
        return {task._target.answer: model(pixels, training=False)}

    module = tf.Module()
    module.model, module.labels = model, tf.saved_model.Asset(labels)
    module.answer = tf.function(answer, [given])
    tf.saved_model.save(module, str(out), signatures=module.answer.get_concrete_function())


def resized(pictures: Any, rule: Preprocessing) -> Any:
    """Pictures of any size by the zoo's rule, with the arithmetic of Pillow; see `zoo.export._pillow`.

    Args:
        pictures: a tensor of the backend, uint8 of shape (n, height, width, 3).
        rule: how they become pixels.

    Returns:
        float32 of shape (n, height, width, channels).
    """
    from zoo.backend import ops

    values = ops.cast(pictures, "float32")
    if rule.channels == 1:
        values = ops.floor(ops.matmul(values, GREY.astype(np.float32)) + 0.5)
    _, *sides, _ = ops.shape(pictures)
    pixels = [ops.arange(side, dtype="float64") + 0.5 for side in sides]  # the middle of each
    lengths = [values[-1] + 0.5 for values in pixels]
    across = [length / wanted for length, wanted in zip(lengths, rule.size, strict=True)]
    scale = ops.minimum(*across) * rule.crop  # of the picture's pixels, along one of the result's

    def weights(axis: int) -> Any:
        """Of each pixel of the picture for each of the result, shape (of the result, of the picture)."""
        from_middle = np.arange(rule.size[axis])[:, None] + 0.5 - rule.size[axis] / 2
        centres = lengths[axis] / 2 + scale * ops.convert_to_tensor(from_middle, "float64")
        x = ops.abs(pixels[axis] - centres) / ops.maximum(scale, ops.ones_like(scale))
        near = (SHARPNESS + 2) * x**3 - (SHARPNESS + 3) * x**2 + 1
        far = SHARPNESS * (x**3 - 5 * x**2 + 8 * x - 4)
        each = ops.where(x < 1, near, ops.where(x < 2, far, ops.zeros_like(x)))
        return ops.cast(each / ops.sum(each, axis=1, keepdims=True), "float32")

    def whole(values: Any) -> Any:
        return ops.clip(ops.floor(values + 0.5), 0, 255)

    values = ops.transpose(values, (0, 3, 1, 2))
    along = whole(ops.matmul(values, ops.transpose(weights(1))))
    return ops.transpose(whole(ops.matmul(weights(0), along)), (0, 2, 3, 1))


def to_torch(model: "keras.Model", task: Any, out: Path) -> None:
    """Write a model as PyTorch's exported program, which resizes pictures itself.

    Args:
        model: from pixels to answers; Keras runs on PyTorch here.
        task: what it is of.
        out: the file.
    """
    torch = importlib.import_module("torch")
    rule = task.preprocessing
    is_row = isinstance(rule, Points)

    class Answering(torch.nn.Module):  # type: ignore[name-defined]
        # the model is none of its parts: else its weights are written twice, as parameters and as constants
        def forward(self, example):
            return model(example if is_row else resized(example, rule), training=False)

    # lengths that are 1, or equal, in the example would be taken for fixed ones
    example = torch.zeros((2, rule.length)) if is_row else torch.zeros((2, 31, 47, 3), dtype=torch.uint8)
    open_lengths = dict.fromkeys((0,) if is_row else (0, 1, 2), torch.export.Dim.DYNAMIC)
    with torch.no_grad():
        program = torch.export.export(Answering().eval(), (example,), dynamic_shapes=(open_lengths,))
    torch.export.save(program, str(out))


FORMS: dict[str, Callable[..., None]] = {"litert": to_litert, "saved_model": to_saved_model, "torch": to_torch}


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (ZooError, OSError, MemoryError) as error:
        sys.stdout.write(f"{error}\n")
        sys.exit(1)
    except Exception as error:  # a framework raises what it likes on what it cannot translate
        sys.stdout.write(f"{framework_reason(error)}\n")
        sys.exit(1)
