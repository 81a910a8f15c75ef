"""Named datasets: where each is looked for, and how it is got when it is absent."""

import importlib.util
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo import files
from zoo.data.dataset import Dataset, Skipped, place_of, recall_place
from zoo.data.dataset_info import DatasetInfo
from zoo.data.images import datasets as image_datasets
from zoo.data.images.folders import read_folder
from zoo.data.text import datasets as text_datasets
from zoo.download import content_digest, fetch
from zoo.errors import ZooError
from zoo.registry import did_you_mean

DATASETS = {info.name: info for info in (*image_datasets.DATASETS, *text_datasets.DATASETS)}
SAMPLES = {"astronaut": "astronaut.png", "chelsea": "chelsea.png", "coffee": "coffee.png", "rocket": "rocket.jpg"}
EXTRA = 'pip install "keras-zoo[samples]"'
KINDS = {"pictures": ("images", "points"), "text": ("text",), "pairs": ("pairs",)}  # what a task asks for


def names(*kinds: str) -> list[str]:
    """Names of the datasets that the zoo knows, at hand or not.

    Args:
        *kinds: which of them: "pictures", "text", "pairs"; all where none is named.
    """
    wanted = [kind for group in kinds or KINDS for kind in KINDS[group]]
    return sorted(name for name, info in DATASETS.items() if info.kind in wanted)


def available(*kinds: str) -> list[str]:
    """Names of the datasets, of these kinds, that are at hand right now, without any download."""
    return [name for name in names(*kinds) if _root(DATASETS[name])]


def known(name: str, *kinds: str) -> bool:
    """Whether a dataset of these kinds, or the whole that it is a part of, is known by this name; see `names`."""
    return name.partition(":")[0] in names(*kinds)


def is_name(data: str) -> bool:
    """Whether this is how a dataset of pictures or points is asked for, rather than a path."""
    return known(data, "pictures") or data.startswith("tfds:")


def input_names(place: str | None) -> tuple[str, ...]:
    """What each number of an example says, of a dataset of points; `place` as `place_of` gives it for its name."""
    return next((info.inputs for name, info in DATASETS.items() if info.inputs and place_of(name) == place), ())


def data_at(place: Any) -> str | None:
    """The path or the name of data, of which `place_of` gave `place`; None where that is not known on this machine."""
    return recall_place(place) or next((name for name in DATASETS if place_of(name) == place), None)


def load_named(name: str, kind: str, classes: bool = True) -> Dataset[Any]:
    """Read a dataset by its name, downloading it when it is not at hand and has an address.

    Args:
        name: one of `names()`; with a colon, one part of it ("chatterbot:german") or one class ("faces:face"); or
            "tfds:" and a name in TensorFlow Datasets.
        kind: what is wanted: "pictures", "text" or "pairs".
        classes: whether pictures must have labels.

    Raises:
        ZooError: the name is not known, or of another kind, or the data is neither at hand nor to be had; never
            another dataset.
    """
    if name.startswith("tfds:"):
        return Dataset(name, *image_datasets.read_tfds(name.removeprefix("tfds:"), classes))
    if not known(name):
        raise ZooError(
            f"no dataset is called {name!r}{did_you_mean(name, names())} Known are {', '.join(names())}, and "
            "tfds:NAME for those of TensorFlow Datasets."
        )
    whole, colon, part = name.partition(":")
    info = DATASETS[whole]
    if whole not in names(kind):
        raise ZooError(f"{whole} holds {info.kind}; wanted are {kind}, such as {', '.join(names(kind))}.")
    if colon and not info.parts:  # before anything is downloaded
        _check_part(whole, part, info.classes)
    root = _root(info) or _download(info, kind)
    for path, sha256 in info.files.items():
        if (actual := content_digest(root / path)) == sha256:
            continue
        message = f"{root / path} is not the file that {name} is known by: its SHA-256 is {actual}, not {sha256}."
        if not info.package:
            raise ZooError(f"{message} Remove it or put the right one there.")
        # pip vouches for a package's files; a new release may well have encoded them anew
        warnings.warn(f"{message} Results may differ from published ones.", stacklevel=2)
    skipped: list[Skipped] = []
    if info.read is None:
        splits, skipped = read_folder(root / whole)
    elif colon and info.parts:
        _check_part(whole, part, info.parts(root))
        splits = info.read(root, list(info.classes), part)
    else:
        splits = info.read(root, list(info.classes))
    if colon and not info.parts:
        splits = {split: pictures.of_class(part) for split, pictures in splits.items()}
    return Dataset(name, splits, info.about, info.proves, skipped)


def named_or_path(data: Any, kind: str, accepted: str, classes: bool = True) -> Dataset[Any] | Path:
    """The dataset of a name, or else the path of the file or folder that there is.

    Args:
        data: the name or the path.
        kind: what is wanted: "pictures", "text" or "pairs".
        accepted: the end of an error message: what may be given.
        classes: whether pictures must have labels.

    Raises:
        ZooError: it is neither, or both.
    """
    if not isinstance(data, str | os.PathLike):
        raise ZooError(f"data is a {type(data).__name__}. {accepted}")
    if "://" in str(data):
        raise ZooError(f"{str(data)[:200]!r} is an address. Download what is there; accepted is its file or folder.")
    beside: list[str] = []
    try:
        path = Path(data).expanduser()
        if not (exists := path.exists()):
            beside = [str(Path(data).parent / other.name) for other in path.parent.glob("*")]
    except (OSError, RuntimeError, ValueError):  # a name that no file can have, the home of nobody
        exists = False
    if isinstance(data, str) and (known(data) or (kind == "pictures" and data.startswith("tfds:"))):
        if exists:
            here = "folder" if path.is_dir() else "file"
            raise ZooError(
                f"{data!r} is a dataset, and a {here} here. For the {here} type ./{data}; for the dataset, "
                "work from another folder."
            )
        return load_named(data, kind, classes)
    if not exists:
        hint = did_you_mean(str(data), [*names(kind), *beside])
        raise ZooError(f"{str(data)[:200]!r} is no folder, file or dataset here{hint} {accepted}")
    return path


def _check_part(whole: str, part: str, parts: Sequence[str]) -> None:
    if part not in parts:
        message = f"It has {', '.join(parts)}." if parts else "It has none."
        raise ZooError(f"{whole} has no part {part!r}{did_you_mean(part, parts)} {message}")


def _root(info: DatasetInfo) -> Path | None:
    """The first folder that has all of a dataset's files, or None."""
    if info.read and not info.files:  # nothing to find: it is computed
        return Path()
    needed = list(info.files) or [info.name]
    places = [_package(info.package)] if info.package else _places()
    return next((place for place in places if place and all((place / path).exists() for path in needed)), None)


def _places() -> list[Path]:
    folders = os.environ.get("ZOO_DATA", "").split(os.pathsep)
    return [*(Path(folder).expanduser() for folder in folders if folder), files.home() / "data"]


def _package(name: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _download(info: DatasetInfo, kind: str) -> Path:
    """Download what has an address into the cache; one message with all there is to know when that fails."""
    root = files.home() / "data"
    if info.package:
        looked, how = f"the package {info.package}", EXTRA
    else:
        looked = ", ".join(map(str, _places())) + ("" if os.environ.get("ZOO_DATA") else " (ZOO_DATA is not set)")
        how = f"{info.source} Put {', '.join(info.files) or info.name} into one of these folders."
    if info.urls:
        try:
            for path, url in info.urls.items():
                fetch(url, root / path, info.files[path])
            return root
        except ZooError as error:
            how = f"connect to the network and ask again ({error}) Or by hand: {how}"
    raise ZooError(
        f"the dataset {info.name} is not at hand.\nLooked in: {looked}\nTo get it: {how}\n"
        f"Available right now: {', '.join(available(kind)) or 'none; ' + EXTRA + ' brings some'}"
    )


def sample_picture(name: str) -> Path | None:
    """The file of a sample photograph that scikit-image carries, or None for any other name.

    Args:
        name: "astronaut", "chelsea" (a cat), "coffee" or "rocket".

    Raises:
        ZooError: the name is right, but scikit-image is not installed.
    """
    if name not in SAMPLES:
        return None
    folder = _package("skimage")
    if folder is None or not (path := folder / "data" / SAMPLES[name]).is_file():
        raise ZooError(f"the sample picture {name} comes with scikit-image. To get it: {EXTRA}")
    return path
