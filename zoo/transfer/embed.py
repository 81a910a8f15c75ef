"""Features of pictures as an array or a table, for whatever is to be learned or searched with them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from zoo import files
from zoo.console import note_skipped
from zoo.data import sources
from zoo.data.images import path_of
from zoo.errors import UsageError, ZooError
from zoo.transfer import choice
from zoo.transfer.features import FeatureEngine, Features, extract

ENDINGS = (".npz", ".parquet")
BACKBONE, PRECISION = "efficientnet_lite0", "float32"


def embed(pictures: Any, backbone: str = BACKBONE, precision: str | None = PRECISION) -> np.ndarray:
    """Show pictures to a pretrained network and return its features; those seen before come from the cache.

    Args:
        pictures: several, as for `Classifier.predict`: a folder, a list of paths, PIL images or arrays of pixels
            0-255, or one array of shape (n, height, width, 3). Any size: the network's own rule resizes and crops.
        backbone: the network, see `zoo.list(task="backbone")`.
        precision: "float32" or, where the processor does, "bfloat16"; None is the fastest.

    Returns:
        Features of shape (n, d), float32, a row for each picture in their order.

    Raises:
        UsageError: no such backbone, or a precision that is not for this machine.
        ZooError: a picture cannot be read; all that cannot are named.

    Example:
        >>> import numpy as np
        >>> embed(np.zeros((2, 30, 40, 3), "uint8")).shape
        (2, 1280)
    """
    unlabelled, features = look(pictures, backbone, precision)
    return whole(features, unlabelled).x[:, 0]


def look(
    pictures: Any, backbone: str = BACKBONE, precision: str | None = PRECISION
) -> tuple[sources.Pictures, Features]:
    """The same pictures as a set, and the features of those that can be read; arguments and errors as for `embed`."""
    unlabelled = as_pictures(pictures)
    return unlabelled, extract(unlabelled, engine(backbone, precision), title="pictures")


def engine(backbone: str, precision: str | None) -> FeatureEngine:
    """What computes a backbone's features.

    Raises:
        UsageError: no such backbone, "auto", which needs classes to choose by, or another precision.
    """
    if backbone == choice.AUTO:
        raise UsageError("backbone='auto' chooses by classes, and there are none here: name a backbone.")
    return FeatureEngine(choice.backbones(backbone)[0], precision)


def as_pictures(pictures: Any, y: np.ndarray | None = None, labels: list[str] | None = None) -> sources.Pictures:
    """Pictures in whatever holds them, one or several; classes where they are known."""
    items = sources.named_pictures(pictures)
    if isinstance(items, np.ndarray) and items.ndim in (3, 4):
        items = items if items.ndim == 4 else items[None]
    elif not isinstance(items, list | tuple):
        items = [items]
    items = items if isinstance(items, np.ndarray) else sources.as_paths(items)
    return sources.Pictures(items, np.zeros(len(items), int) if y is None else y, labels or [""])


def whole(features: Features, pictures: sources.Pictures) -> Features:
    """The features, where every picture could be read.

    Raises:
        ZooError: one could not, or there are none.
    """
    if not len(pictures):
        raise ZooError("there are no pictures.")
    if features.skipped:
        note_skipped(features.skipped)
        first = features.skipped[0]
        raise ZooError(
            f"{len(features.skipped)} of {len(pictures)} pictures cannot be used, {first.path} first "
            f"({first.reason}). Leave them out; `zoo doctor` lists what is wrong in a folder."
        )
    return features


def output(path: Path, inputs: Iterable[str], overwrite: bool = False) -> Path:
    """Where features go; see `files.output`. Only a file of features is replaced without being asked."""

    def conflict(file: Path) -> str:
        try:
            if file.suffix == ".npz":
                with np.load(file) as arrays:
                    names = arrays.files
            else:
                names = parquet().read_schema(file).names
        except Exception:  # whatever it is, it is no such file
            names = []
        return "" if sorted(names) == ["features", "path"] else "holds no features"

    return files.output(path, conflict, inputs=inputs, overwrite=overwrite)


def parquet() -> Any:
    """The module `pyarrow.parquet`.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise UsageError('.parquet needs pyarrow: pip install "keras-zoo[tables]". Or use .npz.') from None
    return pyarrow.parquet


def write(path: Path, pictures: sources.Pictures, features: Features) -> None:
    """Write features and the paths that they are of, those of unreadable pictures left out.

    Args:
        path: a file, its format told by the ending: `.npz` with the arrays "path" and "features", or `.parquet` with
            the same as columns.
        pictures: the pictures.
        features: theirs.

    Raises:
        UsageError: another ending, or no pyarrow to write Parquet with.
    """
    paths = [str(path_of(pictures.items[index]) or index) for index in features.kept.tolist()]
    rows = features.x[:, 0]
    if path.suffix == ".npz":
        with files.atomic_file(path, ".npz") as temporary:
            np.savez(temporary, path=np.array(paths), features=rows)
        return
    writer = parquet()
    import pyarrow

    lists = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), rows.shape[1])
    with files.atomic_file(path, ".parquet") as temporary:
        writer.write_table(pyarrow.table({"path": paths, "features": lists}), temporary)
