"""How each kind of dataset file becomes labelled pictures. Every reader takes the folder where the files lie."""

import contextlib
import gzip
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data.images.pictures import Pictures, stratified
from zoo.errors import ZooError

TEXTURES = ("brick", "grass", "gravel")
PATCH = 64  # pixels, both ways
# Left edges of the patches in a photograph of 512 pixels. The training patches overlap by 4 pixels to leave a gap
# of 16 pixels (304 to 320) before the validation patches.
TRAIN_COLUMNS, VALIDATION_COLUMNS = range(0, 300, 60), range(320, 512, PATCH)


def read_catvnoncat(root: Path, labels: list[str]) -> dict[str, Pictures]:
    """Two HDF5 files with the integers of the classes beside the pixels."""
    import h5py

    splits = {}
    for split in ("train", "test"):
        with h5py.File(root / f"catvnoncat/{split}_catvnoncat.h5") as file:
            y = file[f"{split}_set_y"][:].astype(np.int64)
            splits[split] = Pictures(file[f"{split}_set_x"][:], y, labels)
    return splits


def read_fashion_mnist(root: Path, labels: list[str]) -> dict[str, Pictures]:
    """Gzipped IDX files: a big-endian header of 16 bytes before the pixels, and of 8 before the labels."""
    splits = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        with gzip.open(root / f"fashion_mnist/{prefix}-images-idx3-ubyte.gz") as file:
            x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
        with gzip.open(root / f"fashion_mnist/{prefix}-labels-idx1-ubyte.gz") as file:
            y = np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)
        splits[split] = Pictures(x, y, labels)
    return splits


def read_mnist(root: Path, labels: list[str]) -> dict[str, Pictures]:
    """NumPy's archive of four arrays, as Keras keeps it."""
    with np.load(root / "mnist.npz", allow_pickle=False) as arrays:
        return {
            split: Pictures(arrays[f"x_{split}"], arrays[f"y_{split}"].astype(np.int64), labels)
            for split in ("train", "test")
        }


def make_planar_flower(root: Path, labels: list[str], seed: int = 1) -> dict[str, Pictures]:
    """The petals r = 4 sin(4 t), angle and radius jittered, half of them of each class; seed 1, as in the course."""
    random = np.random.RandomState(seed)
    halves = []
    for half in (0, 1):
        angle = np.linspace(half * 3.12, (half + 1) * 3.12, 200) + random.randn(200) * 0.2
        radius = 4 * np.sin(4 * angle) + random.randn(200) * 0.2
        halves.append(np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1))
    return {"train": Pictures(np.concatenate(halves), np.repeat([0, 1], 200), labels)}


def make_eat_it(root: Path, labels: list[str]) -> dict[str, Pictures]:
    """Every way to be sweet, hot and sour or not; eaten when 10 sweet + 3 hot + 1 sour is above 3.5."""
    x = np.array([[sweet, hot, sour] for sweet in (0, 1) for hot in (0, 1) for sour in (0, 1)], np.float32)
    return {"train": Pictures(x, (x @ [10, 3, 1] > 3.5).astype(np.int64), labels)}


def read_cifar10(root: Path, labels: list[str]) -> dict[str, Pictures]:
    """A zip file of train/<class>/*.jpg and test/<class>/*.jpg; members are read as bytes, none is extracted."""
    found = {"train": ([], []), "test": ([], [])}
    with zipfile.ZipFile(root / "cifar10_jpeg.zip") as archive:
        for name in sorted(archive.namelist()):
            if place := re.fullmatch(r"(train|test)/(\w+)/\w+\.jpg", name):
                items, y = found[place[1]]
                items.append(archive.read(name))
                y.append(labels.index(place[2]))
    return {split: Pictures(items, np.array(y, np.int64), labels) for split, (items, y) in found.items()}


def read_textures(root: Path, labels: list[str]) -> dict[str, Pictures]:
    """Patches of three photographs: training patches from the left of each, validation patches from the right."""
    splits = {}
    for split, columns in (("train", TRAIN_COLUMNS), ("validation", VALIDATION_COLUMNS)):
        patches = []
        for name in TEXTURES:
            photograph = np.asarray(Image.open(root / f"data/{name}.png").convert("L"))  # (512, 512)
            patches += [
                photograph[top : top + PATCH, left : left + PATCH] for top in range(0, 512, PATCH) for left in columns
            ]
        y = np.repeat(np.arange(len(TEXTURES)), len(patches) // len(TEXTURES))
        splits[split] = Pictures(np.stack(patches), y, labels)
    return splits


def read_faces(root: Path, labels: list[str]) -> dict[str, Pictures]:
    """200 grey pictures of 25 x 25, values 0 to 1: a hundred faces, then a hundred others."""
    values = np.load(root / "data/lfw_subset.npy", allow_pickle=False)
    return _in_two(np.rint(values * 255).astype(np.uint8), np.repeat([0, 1], 100), labels, 0.3)


def read_digits(root: Path, labels: list[str]) -> dict[str, Pictures]:
    """A line a picture: 64 values from 0 to 16, then the digit."""
    table = _table(root / "datasets/data/digits.csv.gz", columns=65)
    return _in_two(np.rint(table[:, :-1] * (255 / 16)).reshape(-1, 8, 8), table[:, -1], labels, 0.2)


def read_mnist_5k(root: Path, labels: list[str]) -> dict[str, Pictures]:
    """A line a picture: 784 values from 0 to 255, then the digit."""
    table = _table(root / "data/data/mnist_5k.csv.gz", columns=785)
    return _in_two(table[:, :-1].reshape(-1, 28, 28), table[:, -1], labels, 0.2)


def _table(path: Path, columns: int) -> np.ndarray:
    with gzip.open(path, "rt") as file:
        return np.fromstring(file.read().replace("\n", ","), sep=",").reshape(-1, columns)


def _in_two(x: np.ndarray, y: np.ndarray, labels: list[str], share: float) -> dict[str, Pictures]:
    """A train and a validation split, always the same."""
    pictures = Pictures(x.astype(np.uint8), y.astype(np.int64), labels)
    train, validation = stratified(pictures, share, seed=0)
    return {"train": train, "validation": validation}


def read_tfds(name: str, classes: bool = True) -> tuple[dict[str, Pictures], str]:
    """The splits of a dataset of pictures of TensorFlow Datasets, and its description.

    The pictures stay encoded, so the whole set takes as much memory as its files.

    Args:
        name: its name there, such as "beans" or "cifar10:3.0.2". It is downloaded when it is not prepared yet.
        classes: whether its pictures must have labels; where not, they count as of one class if they have none.
    """
    import tensorflow_datasets as tfds

    try:
        with contextlib.redirect_stdout(sys.stderr):  # there it says what it does
            builder = tfds.builder(name)
            builder.download_and_prepare()  # does nothing when that was done before
    except Exception as error:  # whatever its scripts raise
        raise ZooError(
            f"tfds:{name} could not be prepared by TensorFlow Datasets: {str(error).partition(chr(10))[0]}\n"
            "Its names are listed at https://www.tensorflow.org/datasets/catalog/overview#image_classification"
        ) from None
    features = builder.info.features
    labelled = "label" in features and hasattr(features["label"], "names")
    if "image" not in features or (classes and not labelled):
        label = " and one called label, which is a class" if classes else ""
        raise ZooError(
            f"tfds:{name} has the features {', '.join(features)}; accepted are datasets with a feature called "
            f"image{label}."
        )
    labels = list(features["label"].names) if labelled else [name]
    splits = {}
    for split in ("train", "validation", "test"):
        if split not in builder.info.splits:
            continue
        rows = builder.as_dataset(split=split, decoders={"image": tfds.decode.SkipDecoding()})
        pairs = [(row["image"], row["label"] if labelled else 0) for row in tfds.as_numpy(rows)]
        y = np.array([label for _, label in pairs], np.int64)
        splits[split] = Pictures([image for image, _ in pairs], y, labels)
    if "train" not in splits:
        raise ZooError(f"tfds:{name} has the splits {', '.join(builder.info.splits)}; one called train is needed.")
    return splits, builder.info.description
