"""Measures what small hostile files cost; a program, not a test: python tests/costs.py --only padding,bomb

Each file is given to every command that opens such files, each in a process of its own, all with one new cache for
the file. What must hold for files of at most 1 MB: no process of a command goes above 1.5 GB, and it takes at most 20
seconds of the processor. Printed are the peak of the largest process (VmHWM) and both kinds of time; the exit status
is 1 where something is above. A computer that does nothing else takes less time by the clock than of the processor.
"""

import argparse
import io
import itertools
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

import hostile
import zoo
from zoo import saving
from zoo.backend import keras

MEMORY = 1500  # MB of the largest process
SECONDS = 20  # of the processor
ENOUGH = 300  # seconds by the clock, after which a command is ended
LARGEST = 2**20  # bytes of a file
layers, ops = keras.layers, keras.ops


# Saved files


def written(path: Path, model, task, outputs=0.0, examples: int = 2, **record) -> None:
    """A model as a saved file that says it is what `task` is, with a self-test that it passes.

    Args:
        path: the file.
        model: a Keras model; it is not run.
        task: an object of the zoo whose record is taken.
        outputs: what each number of its answers is.
        examples: of the self-test.
        record: what the record says otherwise.
    """
    with tempfile.TemporaryDirectory() as folder:
        model.save(file := Path(folder, "model.keras"))
        with zipfile.ZipFile(file) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    inputs = task._sample_inputs(examples)
    expected = np.full((examples, *(n or inputs.shape[1] for n in model.output_shape[1:])), outputs, np.float32)
    test = saving.selftest(inputs, expected)
    saving.write(path, members, {**task.get_config(), **record}, test)
    repacked(path)


def repacked(path: Path) -> None:
    """The same file, its members compressed as far as they can be."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def classifier(middle, shape=(8, 8, 3), examples: int = 2):
    """A file with a classifier that does something with its pictures, and answers 0 whatever it is."""

    def write(path: Path) -> None:
        inputs = keras.Input(shape)
        x = middle(layers.Rescaling(1 / 255)(inputs))
        if len(x.shape) > 2:
            x = layers.GlobalMaxPooling2D()(x) if len(x.shape) == 4 else layers.GlobalMaxPooling1D()(x)
        model = keras.Model(inputs, layers.Dense(1, kernel_initializer="zeros")(x))
        written(path, model, zoo.get("logistic", input_shape=shape), examples=examples, labels=["0", "1"])

    return write


def in_branches(x):
    """Eight enlarged copies that are all needed at the end."""
    return layers.Add()([layers.UpSampling2D(256)(layers.Activation("relu")(x)) for _ in range(8)])


def deep(kind, count: int):
    def middle(x):
        x = layers.Flatten()(x)
        for _ in range(count):
            x = kind()(x)
        return x

    return middle


def called_often(x):
    convolution = layers.Conv2D(16, 3, padding="same", kernel_initializer="zeros")
    x = layers.Conv2D(16, 1, kernel_initializer="zeros")(layers.UpSampling2D(32)(x))
    for _ in range(300):
        x = convolution(x)
    return x


def attention(length: int):
    """Scores of each place for each other, which are no layer's output."""

    def middle(x):
        x = layers.Reshape((length, 3))(layers.Resizing(length, 1)(x))
        return layers.Attention()([x, x])

    return middle


def rows(x):
    """A recurrent layer on very many steps."""
    x = layers.Reshape((2**16, 3))(layers.Resizing(256, 256)(x))
    return layers.SimpleRNN(1, kernel_initializer="zeros")(x)


def nested(x):
    inner = keras.Sequential([layers.Input((8, 8, 3)), *(layers.ReLU() for _ in range(60))])
    for _ in range(60):
        x = inner(x)
    return x


def language(words: int, units: int = 1):
    def write(path: Path) -> None:
        tokens = keras.Input((None,), dtype="int32")
        x = layers.Embedding(words + 1, units, embeddings_initializer="zeros")(tokens)
        x, *_ = layers.GRU(units, return_sequences=True, return_state=True, kernel_initializer="zeros")(x)
        model = keras.Model(tokens, layers.Dense(words + 1, kernel_initializer="zeros")(x))
        net = zoo.get("char_lstm", vocab_size=words + 1)
        vocabulary = {"kind": "words", "tokens": [f"w{n:x}" for n in range(words - 3)] + ["to", "be", "\n"]}
        written(path, model, net, vocabulary=vocabulary)

    return write


def long_tokens(path: Path) -> None:
    """A text of four hundred of these words would have a quarter of a gigabyte."""
    tokens = keras.Input((None,), dtype="int32")
    x = layers.Embedding(10, 1)(tokens)
    x, *_ = layers.GRU(1, return_sequences=True, return_state=True)(x)
    model = keras.Model(tokens, layers.Dense(10, kernel_initializer="zeros")(x))
    vocabulary = {"kind": "words", "tokens": [letter * 700_000 for letter in "abcdefg"] + ["to", "be"]}
    written(path, model, zoo.get("char_lstm", vocab_size=10), vocabulary=vocabulary)


def vectors(words: int):
    """A file of word vectors."""

    def write(path: Path) -> None:
        net = zoo.get("word2vec", vocab_size=words, units=4)
        tokens = [f"w{n:x}" for n in range(words - 3)] + ["to", "be"]
        net.model.set_weights([np.zeros_like(weight) for weight in net.model.get_weights()])
        written(path, net.model, net, vocabulary={"kind": "words", "tokens": tokens})

    return write


def generator(side: int):
    def write(path: Path) -> None:
        noise = keras.Input((4,))
        x = layers.Reshape((1, 1, 3))(layers.Dense(3, kernel_initializer="zeros")(noise))
        model = keras.Model(noise, layers.UpSampling2D(side)(x))
        written(path, model, zoo.get("dcgan", input_shape=(side, side, 3), latent=4))

    return write


def autoencoder(side: int):
    def write(path: Path) -> None:
        pixels = keras.Input((side, side, 3))
        code = layers.Activation("linear", name="code")(layers.Rescaling(0.0)(pixels))
        written(path, keras.Model(pixels, code), zoo.get("autoencoder", input_shape=(side, side, 3)))

    return write


def in_record(**values):
    """A harmless classifier whose record says odd things at length."""

    def write(path: Path) -> None:
        net = zoo.get("logistic", input_shape=(8, 8, 3))
        model = keras.Sequential(
            [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(1, kernel_initializer="zeros")]
        )
        written(path, model, net, **{"labels": ["0", "1"], **values})

    return write


def many_classes(count: int):
    def write(path: Path) -> None:
        net = zoo.get("logistic", input_shape=(8, 8, 3), num_classes=count)
        head = layers.Dense(count, kernel_initializer="zeros")
        model = keras.Sequential([keras.Input((8, 8, 3)), layers.GlobalMaxPooling2D(), head])
        written(path, model, net, labels=[f"{n:x}" for n in range(count)])

    return write


SAVED = {
    "padding": classifier(layers.ZeroPadding2D(2300)),
    "padding beyond the bound": classifier(layers.ZeroPadding2D(2500)),
    "enlarging": classifier(layers.UpSampling2D(512)),
    "eight branches": classifier(in_branches),
    "inputs of 3300": classifier(lambda x: x, (3300, 3300, 3)),
    "inputs of 5700, grey": classifier(lambda x: x, (5700, 5700, 1)),
    "inputs of 1000": classifier(lambda x: x, (1000, 1000, 3)),
    "inputs of 8192": classifier(lambda x: x, (8192, 8192, 3), examples=1),
    "3,900 layers": classifier(deep(layers.ReLU, 3900)),
    "2,000 dense layers": classifier(deep(lambda: layers.Dense(2, kernel_initializer="zeros"), 2000)),
    "a model called often": classifier(nested),
    "a convolution called often": classifier(called_often),
    "attention of 2048": classifier(attention(2048)),
    "attention of 4096": classifier(attention(4096)),
    "attention of 16384": classifier(attention(16384)),
    "65,536 steps": classifier(rows),
    "100,000 classes": many_classes(100_000),
    "many keys": in_record(metrics={f"{n}": {f"{m}": m for m in range(40)} for n in range(4000)}),
    "long texts": in_record(data={"name": "x" * 7_000_000, "fingerprint": "0"}),
    "many lists": in_record(data={"name": "x", "fingerprint": "0", "more": [[]] * 2_000_000}),
    "many labels": in_record(labels=[f"{n:x}" for n in range(700_000)]),
    "200,000 words": language(200_000),
    "500,000 words": language(500_000),
    "words of 700,000 letters": long_tokens,
    "vectors of 300,000 words": vectors(300_000),
    "drawn pictures of 3300": generator(3300),
    "drawn pictures of 512": generator(512),
    "drawn again, of 3300": autoencoder(3300),
    "drawn again, of 512": autoencoder(512),
}

# Pictures


def saved_as(kind: str, image: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int, colour: int, depth: int, channels: int, palette: bytes = b"") -> bytes:
    """A PNG of zeros, made without the picture."""

    def chunk(name, content):
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    squeeze, row = zlib.compressobj(9), bytes(1 + width * channels * depth // 8)
    pixels = b"".join([*(squeeze.compress(row) for _ in range(height)), squeeze.flush()])
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colour, 0, 0, 0])
    parts = [(b"IHDR", header), *([(b"PLTE", palette)] if palette else []), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def tiff(width: int, height: int, depth: int, channels: int, tile: tuple = (), rows: int = 0) -> bytes:
    """A TIFF of zeros, compressed by LZMA, in tiles or strips that are all the same piece of the file."""
    across, down = tile or (width, rows or height)
    squeeze, left, part = lzma.LZMACompressor(), across * down * channels * depth // 8, bytes(2**20)
    content = (
        b"".join(squeeze.compress(part[: min(left - at, 2**20)]) for at in range(0, left, 2**20)) + squeeze.flush()
    )
    return hostile.tiff((width, height), depth, channels, content, hostile.LZMA, tile, rows)


def late_deflate(size: int, count: int) -> bytes:
    """So many zeros, and before them so many blocks of none at all, which are looked at each time."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = squeeze.compress(bytes(size)) + squeeze.flush()
    return b"\x78\x9c" + b"\0\0\0\xff\xff" * count + content + zlib.adler32(bytes(size)).to_bytes(4, "big")


def in_areas(side: int, exponent: int) -> bytes:
    """A JPEG 2000 that says that it is coded in areas of 2**exponent pixels."""
    data = saved_as("JPEG2000", Image.new("RGB", (side, side)), num_resolutions=6, no_jp2=True)
    at = data.index(b"\xff\x52")
    length, levels = data[at + 3], data[at + 9]
    coding = bytes([length + levels + 1, data[at + 4] | 1]) + data[at + 5 : at + 2 + length]
    return data[: at + 3] + coding + bytes([17 * exponent]) * (levels + 1) + data[at + 2 + length :]


def in_icon(content: bytes) -> bytes:
    """A PNG in an icon, which says nothing of its size."""
    entry = bytes(4) + b"\1\0\x20\0" + len(content).to_bytes(4, "little") + (22).to_bytes(4, "little")
    return b"\0\0\1\0\1\0" + entry + content


def said_to_be_small(data: bytes) -> bytes:
    """An AVIF whose container says that its picture is one of 64 x 64."""
    return re.sub(rb"(?s)(ispe.{4}).{8}", rb"\g<1>" + (64).to_bytes(4, "big") * 2, data)


def scans(side: int, count: int) -> bytes:
    """A progressive JPEG whose last scan is there again and again."""
    data = saved_as("JPEG", Image.new("L", (side, side)), progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * count + b"\xff\xd9"


SIDE = 13_300  # pixels; a little below Pillow's limit
PICTURES = {
    "palette PNG": lambda: png(SIDE, SIDE, 3, 8, 1, bytes(768)),
    "RGB PNG": lambda: png(SIDE, SIDE, 2, 8, 3),
    "RGBA PNG": lambda: png(SIDE, SIDE, 6, 8, 4),
    "grey PNG of 16 bits": lambda: png(SIDE, SIDE, 0, 16, 1),
    "RGBA PNG of 16 bits": lambda: png(SIDE // 2, SIDE // 2, 6, 16, 4),
    "PNG of 1 bit": lambda: png(SIDE // 8 * 8, SIDE, 0, 1, 1),
    "a flat PNG": lambda: png(8_000_000, 20, 2, 8, 3),
    "JPEG": lambda: saved_as("JPEG", Image.new("L", (8000, 8000)), quality=1),
    "progressive JPEG": lambda: saved_as("JPEG", Image.new("L", (8000, 8000)), quality=1, progressive=True),
    "JPEG of 99 scans": lambda: scans(5000, 90),
    "WebP": lambda: saved_as("WEBP", Image.new("RGBA", (12_000, 12_000)), lossless=True, method=0),
    "GIF": lambda: saved_as("GIF", Image.new("P", (12_000, 12_000))),
    "TIFF, deflate": lambda: saved_as("TIFF", Image.new("RGB", (SIDE, SIDE)), compression="tiff_deflate"),
    "TIFF, LZW, CMYK": lambda: saved_as("TIFF", Image.new("CMYK", (9000, 9000)), compression="tiff_lzw"),
    "TIFF of floats": lambda: saved_as("TIFF", Image.new("F", (11_000, 11_000)), compression="tiff_deflate"),
    "TIFF of 1 bit": lambda: saved_as("TIFF", Image.new("1", (SIDE, SIDE)), compression="group4"),
    "TIFF, LZMA, RGBA of 16 bits": lambda: tiff(SIDE, SIDE, 16, 4),
    "TIFF, LZMA, 119 million pixels": lambda: tiff(10_900, 10_900, 16, 4),
    "TIFF, LZMA, the same strips": lambda: tiff(SIDE, SIDE, 16, 4, rows=100),
    "TIFF, LZMA, the same tiles": lambda: tiff(SIDE, SIDE, 8, 3, tile=(256, 256)),
    "TIFF, LZMA, one huge tile": lambda: tiff(64, 64, 8, 3, tile=(16_384, 16_384)),
    "TIFF, tiles begin late": lambda: hostile.tiff(
        (4000, 4000), 8, 3, late_deflate(768, 100_000), hostile.DEFLATE, tile=(16, 16)
    ),
    "TIFF, strips begin late": lambda: hostile.tiff(
        (1000, 13_000), 8, 1, late_deflate(1000, 180_000), hostile.DEFLATE, rows=1
    ),
    "TIFF of a JPEG of 99 scans": lambda: hostile.tiff((8000, 8000), 8, 1, scans(8000, 90), hostile.JPEG),
    "TIFF of many pictures": lambda: saved_as(
        "TIFF", Image.new("1", (8, 8)), save_all=True, append_images=[Image.new("1", (8, 8))] * 4000
    ),
    "JPEG 2000, RGB": lambda: saved_as("JPEG2000", Image.new("RGB", (8050, 8050))),
    "JPEG 2000, RGBA": lambda: saved_as("JPEG2000", Image.new("RGBA", (7150, 7150))),
    "JPEG 2000, grey": lambda: saved_as("JPEG2000", Image.new("L", (SIDE, SIDE))),
    "JPEG 2000, small tiles": lambda: saved_as("JPEG2000", Image.new("RGB", (2000, 2000)), tile_size=(16, 16)),
    "JPEG 2000, blocks of 4 x 4": lambda: saved_as(
        "JPEG2000", Image.new("RGBA", (1500, 1500)), codeblock_size=(4, 4), num_resolutions=6
    ),
    "JPEG 2000, areas of 16 x 16": lambda: in_areas(3000, 4),
    "JPEG 2000, areas of 2 x 2": lambda: in_areas(3000, 1),
    "AVIF": lambda: saved_as("AVIF", Image.new("RGB", (8400, 8400)), speed=10, quality=1),
    "AVIF, RGBA": lambda: saved_as(
        "AVIF", Image.new("RGBA", (8400, 8400), (1, 2, 3, 4)), speed=10, quality=1, subsampling="4:4:4"
    ),
    "AVIF of 200 pictures": lambda: saved_as(
        "AVIF",
        Image.new("RGB", (1000, 1000)),
        speed=10,
        save_all=True,
        append_images=[Image.new("RGB", (1000, 1000), (n, 0, 0)) for n in range(200)],
    ),
    "AVIF said to be small": lambda: said_to_be_small(
        saved_as("AVIF", Image.new("RGB", (16_000, 16_000)), speed=10, quality=1)
    ),
    "RGBA PNG in an icon": lambda: in_icon(png(SIDE, SIDE, 6, 8, 4)),
    "PPM of comments": lambda: b"P3 100 100 255\n" + b"#\n" * 450_000,
    "QOI": lambda: b"qoif" + (SIDE).to_bytes(4, "big") * 2 + b"\4\0" + b"\xfd" * 900_000,
    "SGI": lambda: saved_as("SGI", Image.new("RGB", (500, 500))),
}


# Commands

LOAD = "import sys, zoo; zoo.load(sys.argv[1]).model"
COMMANDS = {
    "show": ["zoo", "show", "FILE"],
    "load": ["python", "-c", LOAD, "FILE"],
    "relabel": ["zoo", "relabel", "FILE", "0=a", "--out", "b.keras"],
}
PREDICT = {"predict": ["zoo", "predict", "FILE", "album"]}
EVALUATE = {"evaluate": ["zoo", "evaluate", "FILE", "photos", "--split", "all"]}
TRAIN = ["zoo", "train", "logistic", "--data", "photos", "--size", "8", "--seed", "0", "--epochs", "3"]
TRAIN += ["--out", "run.keras"]
GO_ON = ["zoo", "train", "FILE", "--data", "photos", "--epochs", "1", "--out", "on.keras"]
RESUME = {"resume": [*TRAIN, "--resume"]}
BY_TASK = {
    "classification": {**PREDICT, **EVALUATE, **COMMANDS, **RESUME, "train": GO_ON},
    "language": {
        "generate": ["zoo", "generate", "FILE", "to be", "--length", "20"],
        "evaluate": ["zoo", "evaluate", "FILE", "book.txt"],
        **COMMANDS,
    },
    "embedding": {"similar": ["zoo", "similar", "FILE", "to"], **COMMANDS},
    "image_generation": {
        "sample": ["zoo", "sample", "FILE", "--out", "a.png"],
        "evaluate": ["zoo", "evaluate", "FILE", "photos", "--n", "100"],
        **COMMANDS,
    },
    "reconstruction": {
        "reconstruct": ["zoo", "reconstruct", "FILE", "album", "--out", "a.png"],
        "evaluate": ["zoo", "evaluate", "FILE", "photos"],
        **COMMANDS,
    },
}
OF_PICTURES = {
    "predict": ["zoo", "predict", "own.keras", "bombs/a"],
    "evaluate": ["zoo", "evaluate", "own.keras", "bombs", "--split", "all"],
    "train": ["zoo", "train", "logistic", "--data", "bombs", "--size", "8", "--epochs", "1", "--out", "new.keras"],
    "doctor": ["zoo", "doctor", "bombs"],
}


def measured(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, float, float, str]:
    """Run a command; MB of its largest process, seconds of the processor, seconds by the clock, and its last line."""
    programs = {"zoo": [sys.executable, "-m", "zoo"], "python": [sys.executable]}
    began, peak = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [*programs[command[0]], *command[1:]], cwd=folder, env=environment, stdout=output, stderr=output
        )
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, *map(high_water, family(process.pid)))
            if time.monotonic() - began > ENOUGH:
                process.kill()
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = output.read().strip().splitlines()
    processor = used.ru_utime + used.ru_stime
    last = next((line for line in reversed(lines) if line.strip()), "")
    return peak, processor, time.monotonic() - began, f"[{process.returncode}] {last[:150]}"


def family(pid: int) -> list[int]:
    """A process and all that it started, which are still there."""
    processes = [pid]
    for parent in processes:
        try:
            processes += map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
        except OSError:
            continue
    return processes


def high_water(pid: int) -> int:
    """The most memory that a process has had, MB; 0 when it is gone."""
    try:
        line = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(line[1]) // 1024 if line else 0


def content_of_run(value) -> bytes:
    """The state of a run whose content is another one."""
    file = io.BytesIO()
    np.savez(file, content=np.array(json.dumps(value)))
    return file.getvalue()


RUNS = {
    "a run of many lists": lambda: content_of_run({"state": {"history": [[]] * 60_000}}),
    "a run of many keys": lambda: content_of_run({"state": {f"{n}": {} for n in range(20_000)}}),
    "a run of large arrays": lambda: zeros_of_run(),
}


def zeros_of_run() -> bytes:
    """Arrays that would unpack to a gigabyte."""
    file = io.BytesIO()
    np.savez_compressed(file, variable_0=np.zeros(2**30, np.uint8), content=np.array("{}"))
    return file.getvalue()


def prepared_run(folder: Path) -> None:
    """A training of three epochs whose second was the best, so that going on with it opens best.keras."""
    surroundings(folder, "saved")
    measured(TRAIN, folder, {**os.environ, "ZOO_HOME": str(folder / "home")})
    path = folder / "run.training" / "resume.npz"
    with np.load(path) as file:
        arrays = dict(file)
    content = json.loads(str(arrays["content"]))
    content["state"]["best_epoch"] = 2
    np.savez(path, **{**arrays, "content": np.array(json.dumps(content))})


def surroundings(folder: Path, kind: str) -> None:
    """What the commands are given beside the file: pictures and a text, or folders for pictures."""
    random = np.random.default_rng(0)
    if kind == "saved":
        for place, count in (("album", 40), ("photos/0", 60), ("photos/1", 60)):
            (folder / place).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (16, 16, 3), np.uint8)
                Image.fromarray(pixels).save(folder / place / f"{number}.png")
        (folder / "book.txt").write_text("to be or not to be\n" * 4000)
    else:
        for place in ("bombs/a", "bombs/b"):
            (folder / place).mkdir(parents=True)


def case(name: str, folder: Path, run: Path) -> tuple[int, dict[str, list[str]]]:
    """Make the file of a case, and what is around it; its size, and the commands that it is given to."""
    surroundings(folder, "pictures" if name in PICTURES else "saved")
    if name in PICTURES:
        content = PICTURES[name]()
        for number, place in itertools.product("12", "ab"):
            # four that differ, as what is the same is decoded once
            (folder / "bombs" / place / f"{number}.jpg").write_bytes(content + number.encode() + place.encode())
        net = zoo.get("logistic", input_shape=(8, 8, 3), seed=0)
        net.labels = ["a", "b"]
        net.save(folder / "own.keras")
        return len(content), OF_PICTURES
    shutil.copytree(run / "run.training", folder / "run.training")
    if name in RUNS:
        content = RUNS[name]()
        (folder / "run.training" / "resume.npz").write_bytes(content)
        return len(content), RESUME
    SAVED[name](file := folder / "a.keras")
    shutil.copy(file, folder / "run.training" / "best.keras")
    return file.stat().st_size, BY_TASK[zoo.show(file).task]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="cases whose names have one of these words, with commas")
    parser.add_argument("--commands", default="", help="these commands alone, with commas")
    options = parser.parse_args()
    words, commands = (list(filter(None, text.split(","))) for text in (options.only, options.commands))
    sys.setrecursionlimit(10**5)  # Keras goes through a deep model one call in another
    above = []
    with tempfile.TemporaryDirectory() as run:
        prepared_run(Path(run))
        for name in [*SAVED, *RUNS, *PICTURES]:
            if words and not any(word in name for word in words):
                continue
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary)
                size, accepted = case(name, folder, Path(run))
                environment = {**os.environ, "ZOO_HOME": str(folder / "home"), "COLUMNS": "200"}
                for command in [word for word in accepted if word in (commands or accepted)]:
                    line = [str(folder / "a.keras") if word == "FILE" else word for word in accepted[command]]
                    peak, processor, clock, last = measured(line, folder, environment)
                    wrong = [*(["MEMORY"] if peak > MEMORY else []), *(["TIME"] if processor > SECONDS else [])]
                    if size > LARGEST:
                        wrong = ["(larger than 1 MB)"]
                    above += [f"{name}: {command}"] if wrong and size <= LARGEST else []
                    print(
                        f"{name:<28} {size // 1000:>5} kB  {command:<11} {peak:>6} MB {processor:>6.1f} s "
                        f"{clock:>6.1f} s by the clock  {' '.join(wrong)} {last}",
                        flush=True,
                    )
    print("\n".join(["above:", *above]) if above else "nothing is above")
    return bool(above)


if __name__ == "__main__":
    sys.exit(main())
