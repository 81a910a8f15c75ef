"""What a saved file may hold: the checks that it passes before anything is built from it.

Sizes are bounded before anything is unpacked, the configuration may name only the layers listed here, the weights
may hold only numbers. Whatever else is found is refused with a sentence. No framework is needed.
"""

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.errors import ZooError

RECORD = "zoo.json"
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MEMBERS = {CONFIG, METADATA, WEIGHTS, RECORD}
MAX_JSON = 8 * 2**20  # bytes of configuration or record; in memory they take thirty times as much
MAX_DEPTH = 100  # of configuration or record; Keras' own are a dozen deep
MAX_RATIO = 20  # unpacked size to file size; weights hardly compress at all
# Every class that a saved configuration may name, by the Keras module that is asked for it. None of these runs
# code from the file; Lambda, TorchModuleWrapper, JaxLayer, FlaxLayer and TFSMLayer do and are left out.
LAYERS = set(
    """
    Activation Add AlphaDropout Attention AdditiveAttention Average AveragePooling1D AveragePooling2D
    BatchNormalization Bidirectional CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose
    Cropping1D Cropping2D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout EinsumDense ELU Embedding Flatten
    GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D
    GlobalMaxPooling2D GroupNormalization GRU GRUCell Identity InputLayer LayerNormalization LeakyReLU LSTM
    LSTMCell Masking Maximum MaxPooling1D MaxPooling2D Minimum MultiHeadAttention Multiply Normalization Permute
    PReLU RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom ReLU
    RepeatVector Rescaling Reshape Resizing ReversibleEmbedding RMSNormalization RNN SeparableConv1D
    SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpectralNormalization
    StackedRNNCells Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D ZeroPadding1D ZeroPadding2D
    """.split()  # noqa: SIM905 ninety quoted names would hide the list
)
MODELS = {"Functional", "Sequential", "Model"}
VALUES = {"DTypePolicy", "SeedGenerator", "__keras_tensor__", "__tuple__", "__slice__", "__tensor__", "__numpy__"}
OTHERS = {"keras.initializers", "keras.regularizers", "keras.constraints"}  # plain functions of a tensor
OPERATIONS = {"keras.src.ops.numpy", "keras.src.ops.nn"}  # what `keras.ops` leaves in a functional model


@contextlib.contextmanager
def open_zip(path: Path, file) -> Iterator[zipfile.ZipFile]:
    """Open a saved file as the zip archive that it should be; whatever is wrong with it is said in a sentence."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except ZooError:
        raise
    except Exception as error:  # zipfile raises nearly anything on damaged archives
        raise ZooError(f"{path} is not a whole .keras file ({error}); save or copy it again.") from error


def read_member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of a member, unpacked no further than to the size that it declares."""
    try:
        with archive.open(name) as file:
            # without a number, zipfile would unpack the whole stream before it looks at the declared size
            return file.read(archive.getinfo(name).file_size + 1)
    except Exception as error:
        raise ZooError(f"{path}: its {name} is damaged ({error}).") from error


def parse_json(path: Path, name: str, text: bytes) -> Any:
    """A member's JSON; what could not be walked through or shown counts as damage."""
    try:
        value = json.loads(text)
        level = [value]
        for _ in range(MAX_DEPTH):
            holders = [item for item in level if isinstance(item, dict | list)]
            level = [inner for item in holders for inner in (item.values() if isinstance(item, dict) else item)]
        if level:
            raise ValueError(f"more than {MAX_DEPTH} levels deep")
        json.dumps(value, ensure_ascii=False).encode()  # half a character cannot be
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{path}: its {name} is damaged ({type(error).__name__}).") from error
    return value


def check_members(path: Path, archive: zipfile.ZipFile, size: int) -> None:
    """Refuse an archive with members it should not have, or that would unpack to more than its size explains."""
    names = [info.filename for info in archive.infolist()]
    if RECORD not in names:
        raise ZooError(
            f"{path} has no {RECORD} inside: it is no file of the zoo's. If you trust where it is from, "
            "keras.saving.load_model opens plain Keras files."
        )
    unknown = sorted({*names} - MEMBERS)
    if unknown or len(names) != len({*names}) or not {*names} >= MEMBERS:
        raise ZooError(
            f"{path} is refused: its members should be {', '.join(sorted(MEMBERS))}, once each; "
            f"it has {', '.join(map(repr, names))}."
        )
    bound = max(MAX_JSON, MAX_RATIO * size)
    for info in archive.infolist():
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise zipfile.BadZipFile(f"its {info.filename} is encrypted, or compressed in a way that Keras never uses")
        limit = bound if info.filename == WEIGHTS else MAX_JSON
        if info.file_size > limit:
            raise ZooError(
                f"{path} is refused: its {info.filename} unpacks to {info.file_size:,} bytes, more than {limit:,}."
            )


def check_config(path: Path, text: bytes, module: str) -> None:
    """Refuse a configuration that names anything but Keras' own layers and their parts, or the model's own file."""
    pending = [parse_json(path, CONFIG, text)]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if "class_name" in value and not allowed(value, module):
                where = value.get("module") or value.get("registered_name") or "no module"
                raise ZooError(
                    f"{path} is refused: its configuration names {value['class_name']!r} of {where!r}. "
                    "A model file of the zoo's holds only Keras' own layers, and none that carries code."
                )
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def allowed(value: dict, own_module: str) -> bool:
    """Whether a configuration's object is on the allow-list."""
    name, module = value.get("class_name"), value.get("module")
    registered = value.get("registered_name")
    if not isinstance(name, str) or not isinstance(module, str | None):
        return False
    if own_module and module == own_module:
        return name.isidentifier() and not name.startswith("_")  # "__lambda__" is Keras' word, wherever it stands
    if registered not in (None, name):
        return False
    if module == "keras.layers":
        return name in LAYERS
    if name in MODELS:
        return module in ("keras", "keras.models", "keras.src.models.functional", "keras.src.models.sequential")
    return (
        module in OTHERS
        or module in OPERATIONS
        or (name in VALUES and module in (None, "keras", "keras.random", "builtins"))
    )


def check_weights(path: Path, content: bytes) -> None:
    """Refuse a saved file whose weights `check_arrays` refuses."""
    try:
        check_arrays(content)
    except ZooError as error:
        raise ZooError(f"{path} is refused: its {WEIGHTS} {error}.") from error


def check_arrays(content: bytes) -> None:
    """Refuse an HDF5 file with links out of it, objects, or arrays that the file does not really hold.

    Raises:
        ZooError: what is wrong with it, to go on from the file's name.
    """
    import h5py

    def visit(group):
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise ZooError(f"has a link to elsewhere at {group.name}/{name}")
            item = group[name]
            if item in seen:  # groups that hold one another have no end, or so many paths that they might as well
                raise ZooError(f"holds {item.name} in several places")
            seen.add(item)
            if isinstance(item, h5py.Group):
                yield from visit(item)
            elif isinstance(item, h5py.Dataset):
                yield item
            else:
                raise ZooError(f"holds a type at {item.name}, where only numbers belong")

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            total, seen = 0, {file["/"]}
            for dataset in visit(file):
                if dataset.dtype.kind not in "fiub" or dataset.shape is None:
                    raise ZooError(f"holds {dataset.dtype} at {dataset.name}, where only numbers belong")
                if dataset.is_virtual or dataset.external:
                    raise ZooError(f"keeps {dataset.name} in another file")
                total += dataset.nbytes
                if dataset.chunks is not None or total > len(content):
                    raise ZooError(f"declares more numbers than it holds, at {dataset.name}")
    except ZooError:
        raise
    except Exception as error:  # HDF5 raises nearly anything on damaged files
        raise ZooError(f"is damaged ({error})") from error


def count_numbers(content: bytes) -> int:
    """How many numbers a weights file holds that `check_weights` has let through."""
    import h5py

    counts = []
    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(lambda _, item: counts.append(getattr(item, "size", 0)))
    return sum(counts)
