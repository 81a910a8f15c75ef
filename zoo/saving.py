"""Saved files: one `.keras` file that plain Keras opens, with a record of ours inside, and a safe door to open it.

The file is Keras' own archive (`config.json`, `metadata.json`, `model.weights.h5`) and one more member that plain
Keras ignores, `zoo.json`. Opening trusts none of them: sizes are bounded before anything is unpacked, the
configuration may name only the layers listed here, the weights may hold only numbers.
"""

import base64
import contextlib
import hashlib
import importlib
import importlib.metadata
import io
import json
import platform
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path

import numpy as np

from zoo._version import __version__
from zoo.errors import ZooError
from zoo.files import home, replacing

RECORD = "zoo.json"
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MEMBERS = {CONFIG, METADATA, WEIGHTS, RECORD}
FORMAT = 1
MAX_JSON = 64 * 2**20  # bytes of configuration or record
MAX_RATIO = 20  # unpacked size to file size; weights hardly compress at all
MAX_SAMPLE = 256 * 2**20  # bytes of unpacked self-test inputs

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
    RepeatVector Rescaling Reshape Resizing RMSNormalization RNN SeparableConv1D SeparableConv2D SimpleRNN
    SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpectralNormalization StackedRNNCells Subtract
    TimeDistributed UnitNormalization UpSampling1D UpSampling2D ZeroPadding1D ZeroPadding2D
    """.split()  # noqa: SIM905 ninety quoted names would hide the list
)
MODELS = {"Functional", "Sequential", "Model"}
VALUES = {"DTypePolicy", "SeedGenerator", "__keras_tensor__", "__tuple__", "__tensor__", "__numpy__"}
OTHERS = {"keras.initializers", "keras.regularizers", "keras.constraints"}  # plain functions of a tensor
OPERATIONS = {"keras.src.ops.numpy", "keras.src.ops.nn"}  # what `keras.ops` leaves in a functional model


@dataclass(frozen=True)
class Record:
    """What a saved file says of itself.

    Attributes:
        path: the file.
        content: the record as JSON: name, task, labels, preprocessing, data, metrics, versions, self-test.
    """

    path: Path
    content: dict

    @property
    def task(self) -> str:
        return self.content["task"]

    def to_json(self) -> dict:
        return {key: value for key, value in self.content.items() if key not in ("selftest", "members", "familiar")}

    def __str__(self):
        rows = {"file": f"{self.path} ({self.path.stat().st_size / 1e6:.1f} MB)"}
        rows |= {key: value for key, value in self.to_json().items() if value not in (None, {}, [])}
        width = max(map(len, rows))
        return "\n".join(f"{key:<{width}}  {_line(value)}" for key, value in rows.items())


def save(model, path: Path, record: dict, test: dict) -> None:
    """Write a model and its record as one `.keras` file, whole or not at all.

    Args:
        model: a `keras.Model`; a compiled one is saved without its optimizer.
        path: the file, ending in `.keras`.
        record: what to remember, as JSON.
        test: the file's self-test, from `selftest`.

    Raises:
        ZooError: the name does not end in `.keras`, or the file cannot be written.
    """
    check_ending(path)
    if model.compiled:
        model = uncompiled(model)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "model.keras")
        with unwritable(path):
            model.save(copy)
        with zipfile.ZipFile(copy) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    write(path, members, record, test)


def write(path: Path, members: dict[str, bytes], record: dict, test: dict) -> None:
    """Write the members of a `.keras` file and its record, whole or not at all; no framework is needed.

    Args:
        path: the file, ending in `.keras`.
        members: Keras' own members by name.
        record: what to remember, as JSON.
        test: the file's self-test, from `selftest`.

    Raises:
        ZooError: the name does not end in `.keras`, or the file cannot be written.
    """
    check_ending(path)
    record = {
        "format": FORMAT,
        **record,
        "versions": {
            "zoo": __version__,
            "keras": json.loads(members[METADATA])["keras_version"],
            "python": platform.python_version(),
        },
        "selftest": test,
        "members": {name: digest(content) for name, content in members.items()},
    }
    with unwritable(path), replacing(path, suffix=".keras") as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)  # stored as they are: weights hardly compress
        archive.writestr(RECORD, json.dumps(record, indent=1), zipfile.ZIP_DEFLATED)


def check_ending(path: Path) -> None:
    if path.suffix != ".keras":
        raise ZooError(f"a model is saved as a .keras file, got {str(path)!r}; try {path.stem + '.keras'!r}.")


@contextlib.contextmanager
def unwritable(path: Path):
    """Say which file could not be written, and why."""
    try:
        yield
    except OSError as error:
        raise ZooError(f"{path} cannot be written: {error.strerror or error}.") from error


def selftest(inputs: np.ndarray, expected: np.ndarray) -> dict:
    """What a file stores so that its model's answers can be compared with those of the day it was saved."""
    # float32 sums in another order, on another backend or device, differ by much less than this
    tolerance = 1e-3 * float(np.abs(expected).max()) + 1e-4
    return {"inputs": pack(inputs), "outputs": pack(expected), "tolerance": tolerance}


def with_head(members: dict[str, bytes], layer: str, kernel: np.ndarray, bias: np.ndarray) -> dict[str, bytes]:
    """The members of a saved model with another dense layer in the place of one of its own.

    Keras is not needed: its format is a JSON text and an HDF5 file, and the layer's place in both is known by name.

    Args:
        members: Keras' own members by name.
        layer: name of the `Dense` layer.
        kernel: shape (inputs, units).
        bias: shape (units,).
    """
    import h5py

    config = json.loads(members[CONFIG])
    (dense,) = (item for item in config["config"]["layers"] if item["name"] == layer)
    dense["config"]["units"] = len(bias)
    weights = io.BytesIO()
    with h5py.File(io.BytesIO(members[WEIGHTS]), "r") as old, h5py.File(weights, "w") as new:

        def copy(source, target):
            target.attrs.update(source.attrs)
            replaced = {"0": kernel, "1": bias} if source.attrs.get("name") == layer else {}
            for name, item in source.items():
                if name in replaced:
                    target[name] = replaced[name].astype(np.float32)
                elif isinstance(item, h5py.Dataset):
                    source.copy(item, target, name)
                else:
                    copy(item, target.create_group(name))

        copy(old, new)
    return {**members, CONFIG: json.dumps(config).encode(), WEIGHTS: weights.getvalue()}


def uncompiled(model):
    """A twin of a compiled model that carries neither optimizer nor loss."""
    twin = type(model).from_config(model.get_config())
    if not twin.built:
        twin.build_from_config(model.get_build_config())
    twin.set_weights(model.get_weights())
    return twin


RECORD_FIELDS = {"format": int, "name": str, "task": str, "source": str, "arguments": dict, "data": dict}
RECORD_FIELDS |= {"metrics": dict, "selftest": dict, "members": dict}


def read_record(path: Path) -> Record:
    """Read what a saved file says of itself, without a framework and without opening the rest.

    Raises:
        ZooError: missing, damaged, too large when unpacked, or not a file of the zoo's.
    """
    check_there(path)
    with unpacking(path, path) as archive:
        return record_of(path, archive, path.stat().st_size)


@dataclass(frozen=True)
class Archive:
    """A saved file that was read, and found to hold nothing but a model.

    Attributes:
        path: the file.
        members: Keras' own members by name.
        record: what the file says of itself.
        sha256: of the whole file.
        module: the module whose classes the file may name beside Keras' own, or "".
    """

    path: Path
    members: dict[str, bytes]
    record: Record
    sha256: str
    module: str = ""

    @classmethod
    def in_memory(cls, name: str, members: dict[str, bytes], test: dict) -> "Archive":
        """What a file would hold, before it is written."""
        path = Path(name)
        return cls(path, members, Record(path, {"selftest": test}), digest(members[CONFIG] + members[WEIGHTS]))

    def open(self):
        """Build the `keras.Model`, and compare its answers with those of the day it was saved.

        Raises:
            ZooError: this version of Keras cannot build it, or the self-test fails.
        """
        from zoo import backend

        model = self.build()
        self.test(lambda inputs: outputs(model, inputs), backend.setting())
        return model

    def build(self):
        """Build the `keras.Model`; its answers are compared by who uses them."""
        from zoo import backend  # noqa: F401 first: it quiets the framework's import

        import keras  # isort: skip

        if self.module:
            importlib.import_module(self.module)
        try:
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder, "checked.keras")
                with zipfile.ZipFile(copy, "w") as archive:
                    for name, content in self.members.items():
                        archive.writestr(name, content)
                return keras.saving.load_model(copy, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises what it likes on a configuration that it cannot rebuild
            versions = self.record.content.get("versions", {})
            raise ZooError(
                f"{self.path} was saved with Keras {versions.get('keras')} and does not open with Keras "
                f"{keras.__version__}: {type(error).__name__}: {error}"
            ) from error

    def test(self, answer: Callable[[np.ndarray], np.ndarray], setting: str) -> None:
        """Compare a model's answers with those of the day it was saved; once for this file and setting.

        Args:
            answer: from inputs to outputs.
            setting: what else the answers may depend on: versions, backend, device.

        Raises:
            ZooError: the answers differ by more than rounding, or the self-test itself is damaged.
        """
        passed = home() / "selftests" / digest(f"{self.sha256} {setting}".encode())
        if passed.exists():
            return
        test = self.record.content["selftest"]
        try:
            inputs, expected, tolerance = unpack(test["inputs"]), unpack(test["outputs"]), float(test["tolerance"])
            if not (np.isfinite(tolerance) and len(inputs)):
                raise ValueError("it proves nothing")
            got = answer(inputs)
        except Exception as error:  # a backend raises what it likes on inputs that do not fit
            raise ZooError(f"{self.path}: its self-test is damaged ({error}).") from error
        error = np.abs(got - expected).max() if got.shape == expected.shape else np.inf
        if not error <= tolerance:
            raise ZooError(
                f"{self.path} fails its self-test: the model's answers differ by {error:.3g} from those it gave when "
                f"it was saved (at most {tolerance:.3g} is rounding). "
                f"Do not use it here; retrain, or report the versions: {setting}."
            )
        with contextlib.suppress(OSError):  # a cache that cannot be written only means that the test runs again
            passed.parent.mkdir(parents=True, exist_ok=True)
            passed.touch()


def read(path: Path, module_of: Callable[[str], str] = lambda name: "") -> Archive:
    """Read a saved file and check everything that needs no trust in it; no framework is imported.

    Args:
        path: the file.
        module_of: from a model's name to the one module whose classes its file may name beside Keras' own.

    Raises:
        ZooError: missing, not the zoo's, damaged, or it holds what a model file must not.
    """
    check_there(path)
    try:
        content = path.read_bytes()  # once: what is checked is what is opened
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
    with unpacking(path, io.BytesIO(content)) as archive:
        record = record_of(path, archive, len(content))
        members = {}
        for name, expected in record.content["members"].items():
            try:
                members[name] = archive.read(name)
            except (KeyError, zipfile.BadZipFile, zlib.error) as error:
                raise ZooError(f"{path}: its {name} is damaged ({error}).") from error
            if digest(members[name]) != expected:
                raise ZooError(f"{path}: its {name} is not the one that was saved (its SHA-256 differs).")
    missing = MEMBERS - {RECORD} - members.keys()
    if missing:
        raise ZooError(f"{path}: its {RECORD} holds no hash of {', '.join(sorted(missing))}.")
    module = module_of(record.content["name"])
    check_config(path, members[CONFIG], module)
    check_weights(path, members[WEIGHTS])
    return Archive(path, members, record, digest(content), module)


def check_there(path: Path) -> None:
    """Refuse what is no ordinary file: a pipe or a device would be waited for, or read without end."""
    try:
        there = path.is_file()
    except (OSError, ValueError) as error:  # a name that no file can have
        raise ZooError(f"{str(path)!r} cannot be read: {error}.") from error
    if not there:
        raise ZooError(f"there is no file {str(path)!r}.")


@contextlib.contextmanager
def unpacking(path: Path, file):
    """Open a saved file as the zip archive that it should be; whatever is wrong with it is said in a sentence."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise ZooError(f"{path} is not a whole .keras file ({error}); save or copy it again.") from error


def record_of(path: Path, archive: zipfile.ZipFile, size: int) -> Record:
    """The record in an archive of `size` bytes, after a look at what else is in there."""
    check_members(path, archive, size)
    try:
        content = json.loads(archive.read(RECORD))
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{path}: its {RECORD} is damaged ({type(error).__name__}).") from error
    if not isinstance(content, dict):
        content = {}
    wrong = [field for field, kind in RECORD_FIELDS.items() if not isinstance(content.get(field), kind)]
    if wrong:
        raise ZooError(f"{path}: its {RECORD} lacks {', '.join(wrong)}; it is not one that zoo wrote.")
    if content["format"] > FORMAT:
        raise ZooError(f"{path} was written by a newer zoo; type: python -m pip install --upgrade keras-zoo")
    return Record(path, content)


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
        limit = bound if info.filename == WEIGHTS else MAX_JSON
        if info.file_size > limit:
            raise ZooError(
                f"{path} is refused: its {info.filename} unpacks to {info.file_size:,} bytes, more than {limit:,}."
            )


def check_config(path: Path, text: bytes, module: str) -> None:
    """Refuse a configuration that names anything but Keras' own layers and their parts, or the model's own file."""
    try:
        pending = [json.loads(text)]
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{path}: its {CONFIG} is damaged ({type(error).__name__}).") from error
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
        return True
    if registered not in (None, name):
        return False
    if module == "keras.layers":
        return name in LAYERS
    if name in MODELS:
        return module in (
            "keras",
            "keras.models",
            "keras.src.models.functional",
            "keras.src.models.sequential",
        )
    return (
        module in OTHERS
        or module in OPERATIONS
        or (name in VALUES and module in (None, "keras", "keras.random", "builtins"))
    )


def check_weights(path: Path, content: bytes) -> None:
    """Refuse a weights file with links out of it, objects, or arrays that the file does not really hold."""
    import h5py

    def refuse(reason):
        raise ZooError(f"{path} is refused: its {WEIGHTS} {reason}.")

    def visit(group):
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                refuse(f"has a link to elsewhere at {group.name}/{name}")
            item = group[name]
            if isinstance(item, h5py.Group):
                yield from visit(item)
            else:
                yield item

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            total = 0
            for dataset in visit(file):
                if dataset.dtype.kind not in "fiub":
                    refuse(f"holds {dataset.dtype} at {dataset.name}, where only numbers belong")
                if dataset.is_virtual or dataset.external:
                    refuse(f"keeps {dataset.name} in another file")
                total += dataset.nbytes
                if dataset.chunks is not None or total > len(content):
                    refuse(f"declares more numbers than it holds, at {dataset.name}")
    except (OSError, RuntimeError, KeyError, RecursionError) as error:
        raise ZooError(f"{path}: its {WEIGHTS} is damaged ({error}).") from error


def outputs(model, inputs: np.ndarray) -> np.ndarray:
    """The model's outputs, computed without compiling anything; float32, shape (n, ...)."""
    import keras

    return keras.ops.convert_to_numpy(keras.ops.cast(model(inputs, training=False), "float32"))


def pack(array: np.ndarray) -> dict:
    """An array as JSON: dtype, shape, and the numbers compressed."""
    raw = zlib.compress(np.ascontiguousarray(array).tobytes(), 9)
    return {"dtype": str(array.dtype), "shape": list(array.shape), "zlib": base64.b64encode(raw).decode()}


def unpack(packed: dict) -> np.ndarray:
    """The array that `pack` wrote; bounded, so that a hostile file cannot fill the memory."""
    dtype = np.dtype(packed["dtype"])
    if dtype.kind not in "fiub":
        raise ValueError(f"{dtype} are no numbers")
    raw = zlib.decompressobj().decompress(base64.b64decode(packed["zlib"], validate=True), MAX_SAMPLE)
    return np.frombuffer(raw, dtype).reshape(packed["shape"])


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _line(value) -> str:
    """A value of the record on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_line(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_line, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def plain(value):
    """The value in JSON's own types: tuples as lists, NumPy numbers as numbers, dataclasses as objects."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    return value
