"""What programs of the pool do: functions from a job's values and bytes to values and bytes, by their names.

Here strangers' pictures are decoded, and models opened.
"""

import functools
import io
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo import api
from zoo.app.messages import Reply
from zoo.console import progress_to
from zoo.data.doctor.examine import examine as examine_pictures
from zoo.data.images.decoding import ImageError, open_header, whole
from zoo.errors import UsageError, ZooError
from zoo.saving.limits import more_memory
from zoo.tasks.images.evaluation import Evaluation
from zoo.transfer.audit import audit
from zoo.transfer.finetune import finetune
from zoo.transfer.report import report as write_report

FORMATS = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}
PIXELS, FRAMES = 50 * 10**6, 300  # of one picture
MEMORY = 1_500_000_000  # bytes beyond what a program has, for one picture
MOST_MEMORY = 8_000_000_000  # for all that a program does: for training, and looking at a whole project
THUMBNAIL = 320  # pixels
OPEN = 3  # models at a time
MISTAKES, SUSPECTS = 60, 24  # that are shown

Send = Callable[[dict], None]
_open: OrderedDict[tuple, Any] = OrderedDict()


JOBS: dict[str, Callable[..., Reply]] = {}


def job(function: Callable[..., Reply]) -> Callable[..., Reply]:
    JOBS[function.__name__] = function
    return function


def model(file: str, version: int = 0) -> Any:
    """A saved model, opened once."""
    key = file, version
    if key not in _open:
        while len(_open) >= OPEN:
            _open.popitem(last=False)
        _open[key] = api.load(file)
    _open.move_to_end(key)
    return _open[key]


def checked(data: bytes) -> Image.Image:
    """The header of a picture that is neither of another format nor too large.

    Raises:
        ImageError: it is.
    """
    image = open_header(data)
    if image.format not in FORMATS:
        raise ImageError(f"a {image.format} picture; accepted are JPEG, PNG, WebP and GIF")
    if image.width * image.height > PIXELS:
        raise ImageError(f"more than {PIXELS // 10**6} million pixels", "too large")
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception as error:  # decoders of damaged files raise nearly anything
        raise ImageError(f"damaged {image.format}") from error
    if frames > FRAMES:
        raise ImageError(f"an animation of more than {FRAMES} pictures", "too large")
    return image


def jpeg(pixels: np.ndarray | Image.Image) -> bytes:
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    image.save(file := io.BytesIO(), "JPEG", quality=85)
    return file.getvalue()


@job
def look(send: Send, data: bytes) -> Reply:
    """Whether a picture can be used, and a small one of it."""
    with more_memory(MEMORY):
        ending = FORMATS[checked(data).format or ""]
        return Reply({"ending": ending}, jpeg(whole(data, THUMBNAIL)))


@job
def predict(send: Send, data: bytes, file: str, version: int, top: int = 5) -> Reply:
    """What a model says of a picture."""
    classifier = model(file, version)
    with more_memory(MEMORY):
        checked(data)
        return Reply(plain(classifier.predict(data, top=top).to_json()))


@job
def explain(send: Send, data: bytes, file: str, version: int, label: str | None = None) -> Reply:
    """Where a model looks, as a picture."""
    classifier = model(file, version)
    with more_memory(MEMORY):
        checked(data)
        why = classifier.explain(data, label or None)
        return Reply({"answer": why.answer}, jpeg(why.overlay().convert("RGB")))


@job
def describe(send: Send, data: bytes, file: str, version: int) -> Reply:
    """What kind of model a file holds, and that it can be used for photos."""
    opened = model(file, version)
    if not hasattr(opened, "explain"):
        raise UsageError(f"it is a model for {opened.entry.task}; the studio opens classifiers of photos.")
    return Reply(
        {"labels": opened.labels, "accuracy": plain(opened.metrics.get("accuracy")), "target": opened._target.name}
    )


@job
def examine(send: Send, data: bytes, folder: str) -> Reply:
    """What the doctor finds in boxes of photos."""
    found = examine_pictures(folder, progress=False)
    return Reply([finding_of(finding) for finding in found.findings if finding.severity != "info"])


def finding_of(finding: Any) -> dict:
    shown = {key: value for key, value in finding.to_json().items() if key in ("kind", "severity", "detail", "advice")}
    return {**shown, "photos": [photo_of(path) for path in finding.paths[:12] if Path(path).is_file()]}


def photo_of(path: str) -> dict:
    return {"box": Path(path).parent.name, "photo": Path(path).name.partition(".")[0]}


@job
def train(send: Send, data: bytes, folder: str, out: str) -> Reply:
    """Fine-tune on boxes of photos, and say how good that is, what it gets wrong and which labels may be."""
    stage = functools.partial(progress, send)
    with progress_to(send):
        stage("opening")
        classifier = finetune(folder, target="classes", out=out, overwrite=True)
        evaluation: Evaluation = classifier.summary["validation"]
        stage("suspects")
        found = audit(folder)
    mistakes = [
        {**photo_of(item.name), "truth": item.truth, "predicted": item.predicted, "probability": item.probability}
        for item in evaluation.errors(MISTAKES)
    ]
    suspects = [
        {**photo_of(item.path), "label": item.label, "likelier": item.likelier, "probability": item.probability}
        for item in found.suspects[:SUSPECTS]
    ]
    return Reply(
        plain(
            {
                "accuracy": evaluation["accuracy"],
                "labels": evaluation["labels"],
                "confusion": evaluation.get("confusion"),
                "pictures": classifier.summary["pictures"],
                "seconds": round(sum(classifier.summary["seconds"].values()), 1),
                "mistakes": mistakes,
                "suspects": suspects,
                "skipped": [
                    {**photo_of(item["path"]), "reason": item["reason"]} for item in classifier.summary["skipped"]
                ],
            }
        )
    )


def progress(send: Send, title: str) -> None:
    send({"title": title, "done": 0, "total": 1, "seconds": None})


@job
def export(send: Send, data: bytes, file: str, out: str) -> Reply:
    """Write a classifier as a file of another tool."""
    return Reply(plain(api.load(file).export(out, overwrite=True)))


@job
def report(send: Send, data: bytes, file: str, folder: str | None, out: str) -> Reply:
    """Write the page on a classifier."""
    return Reply(plain(write_report(file, data=folder, out=out, overwrite=True)))


@functools.cache
def shipped(name: str, weights: str) -> Any:
    return api.get(name, weights=weights)


@job
def chat(send: Send, data: bytes, text: str) -> Reply:
    """An answer of the chatbot's."""
    return Reply({"text": shipped("chatbot", "cornell_30k").reply(text[:500])})


@job
def write(send: Send, data: bytes, text: str, temperature: float) -> Reply:
    """A text that goes on."""
    net = shipped("char_lstm", "tinyshakespeare")
    return Reply({"text": net.generate(text[:500], length=300, temperature=temperature)})


@job
def draw(send: Send, data: bytes, seed: int, truncation: float) -> Reply:
    """Pictures out of noise, one beside the other."""
    pixels = np.asarray(shipped("dcgan", "fashion_mnist").sample(16, seed=seed, truncation=truncation))
    _, height, width, channels = pixels.shape
    grid = (
        pixels.reshape(4, 4, height, width, channels).transpose(0, 2, 1, 3, 4).reshape(4 * height, 4 * width, channels)
    )
    Image.fromarray(grid.squeeze()).save(out := io.BytesIO(), "PNG")
    return Reply({}, out.getvalue())


@job
def words(send: Send, data: bytes, one: str, without: str = "", instead: str = "") -> Reply:
    """Words near a word, or what is to one word as another is to a third."""
    vectors = shipped(*WORDS)
    found = vectors.analogy(one, without, instead) if without and instead else vectors.most_similar(one)
    return Reply([{"word": word, "cosine": cosine} for word, cosine in found])


WORDS = "word2vec", "english_lines"


def plain(value: Any) -> Any:
    """Values that JSON has."""
    if hasattr(value, "to_json"):
        return plain(value.to_json())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else str(value) if isinstance(value, os.PathLike) else value


def run(name: str, values: dict, data: bytes, send: Send) -> Reply:
    """Do a job.

    Raises:
        ZooError: it cannot be done; the sentence may be shown.
    """
    try:
        with more_memory(MOST_MEMORY):
            return JOBS[name](send, data, **values)
    except MemoryError:
        raise ZooError("it takes more memory than it may.") from None
