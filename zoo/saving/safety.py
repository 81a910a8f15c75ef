"""What a saved file may hold: the checks that it passes before anything is built from it.

Sizes are bounded before anything is unpacked, the configuration may name only the layers listed here, the weights
may hold only numbers. Whatever else is found is refused with a sentence. No framework is needed.
"""

import contextlib
import io
import json
import math
import zipfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError, printable
from zoo.saving.packing import MAX_ARRAY, shape_of

RECORD = "zoo.json"
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MEMBERS = {CONFIG, METADATA, WEIGHTS, RECORD}
MAX_JSON = 8 * 2**20  # bytes of configuration or record; in memory they take thirty times as much
MAX_DEPTH = 100  # of configuration or record, and of groups; Keras' own are a dozen deep
MAX_KEY = 1000  # characters of a key of configuration or record
MAX_RATIO = 20  # unpacked size to file size; weights hardly compress at all
MAX_LAYERS = (
    4000  # of a model, one that is called several times counted so often; each takes Keras a millisecond or two
)
MAX_INTEGER = 2**24  # of a configuration: sizes, counts, shapes; beyond 2**31, TensorFlow ends the process
MAX_NAME = 2**64  # the same, of numbers that stand for nothing but themselves
MAX_ITEMS = 20_000  # groups and arrays of the weights
MAX_EXAMPLES = 16  # of a self-test
MAX_NUMBERS = 2**25  # of one example, as a self-test has it: a picture of 3,300 by 3,300
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
VALUES = {"__keras_tensor__", "__tuple__", "__slice__", "__ellipsis__", "__tensor__", "__numpy__"}
INITIALIZERS = set(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform Ones
    Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """.split()  # noqa: SIM905
)
# what `keras.ops` leaves in a functional model
NUMPY_OPERATIONS = set(
    """
    Abs Absolute Add All AllClose Amax Amin Angle Any Append Arange Arccos Arccosh Arcsin Arcsinh Arctan Arctan2
    Arctanh Argmax Argmin Argpartition Argsort Array ArraySplit Average Bincount BitwiseAnd BitwiseInvert
    BitwiseLeftShift BitwiseNot BitwiseOr BitwiseRightShift BitwiseXor BroadcastTo Cbrt Ceil Clip Concatenate Conj
    Conjugate Copy Corrcoef Correlate Cos Cosh CountNonzero Cross Cumprod Cumsum Deg2rad Diag Diagflat Diagonal Diff
    Digitize Divide DivideNoNan Dot Dsplit Dstack Einsum EmptyLike Equal Exp Exp2 ExpandDims Expm1 Fabs Flip Fliplr
    Flipud Floor FloorDivide Fmax Fmin Fmod Full FullLike Gcd Geomspace GetItem Greater GreaterEqual Heaviside
    Histogram Hsplit Hstack Hypot I0 Imag Inner IsIn Isclose Isfinite Isinf Isnan Isneginf Isposinf Isreal Kron Lcm
    Ldexp LeftShift Less LessEqual Linspace Log Log10 Log1p Log2 Logaddexp Logaddexp2 LogicalAnd LogicalNot
    LogicalOr LogicalXor Logspace Matmul Max Maximum Mean Median Meshgrid Min Minimum Mod Moveaxis Multiply NanToNum
    Nanargmax Nanargmin Nancumprod Nancumsum Nanmax Nanmean Nanmedian Nanmin Nanpercentile Nanprod Nanquantile
    Nanstd Nansum Nanvar Ndim Negative Nextafter Nonzero NotEqual OnesLike Outer Pad Percentile Power Prod Ptp
    Quantile Rad2deg Ravel Real Reciprocal Repeat Reshape RightShift Roll Rot90 Round SearchSorted Select Sign
    Signbit Sin Sinc Sinh Size Slogdet Sort Split Sqrt Square Squeeze Stack Std Subtract Sum Swapaxes Take
    TakeAlongAxis Tan Tanh Tensordot Tile Trace Transpose Trapezoid Tril Triu TrueDivide Trunc Unique UnravelIndex
    Vander Var Vdot View Vsplit Vstack Where ZerosLike
    """.split()  # noqa: SIM905
)
NN_OPERATIONS = set(
    """
    AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm BinaryCrossentropy CategoricalCrossentropy Celu Conv
    ConvTranspose DepthToSpace DepthwiseConv DotProductAttention Elu Fold Gelu Glu HardShrink HardSigmoid HardSilu
    HardTanh LayerNorm LeakyRelu LogSigmoid LogSoftmax MaxPool Moments MultiHot Normalize OneHot Polar RMSNorm Relu
    Relu6 Selu SeparableConv Sigmoid Silu SoftShrink Softmax Softplus Softsign SpaceToDepth
    SparseCategoricalCrossentropy SparsePlus SparseSigmoid Sparsemax Squareplus TanhShrink Threshold Unfold
    """.split()  # noqa: SIM905
)
ALLOWED = {
    "keras.layers": LAYERS,
    "keras": MODELS | VALUES | {"DTypePolicy"},
    "keras.models": MODELS,
    "keras.src.models.functional": MODELS,
    "keras.src.models.sequential": MODELS,
    "keras.random": {"SeedGenerator"},
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": {"L1", "L1L2", "L2", "OrthogonalRegularizer"},
    "keras.constraints": {"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"},
    "keras.src.applications.convnext": {"LayerScale"},
    "keras.src.applications.inception_resnet_v2": {"CustomScaleLayer"},
    "keras.src.ops.numpy": NUMPY_OPERATIONS,
    "keras.src.ops.nn": NN_OPERATIONS,
    "builtins": VALUES,
    None: VALUES | {"DTypePolicy", "SeedGenerator"},
}


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
            if any(len(key) > MAX_KEY for item in holders if isinstance(item, dict) for key in item):
                raise ValueError(f"a key of more than {MAX_KEY:,} characters")
            level = [inner for item in holders for inner in (item.values() if isinstance(item, dict) else item)]
        if level:
            raise ValueError(f"more than {MAX_DEPTH} levels deep")
        json.dumps(value, ensure_ascii=False).encode()  # half a character cannot be
    except (ValueError, RecursionError) as error:
        reason = error if type(error) is ValueError else type(error).__name__
        raise ZooError(f"{path}: its {name} is damaged ({reason}).") from error
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


def check_config(path: Path, text: bytes, module: str, classes: Collection[str]) -> None:
    """Refuse a configuration that names anything but Keras' own layers and their parts, or the model's own classes.

    Args:
        path: the file.
        text: the configuration.
        module: of the model's own file.
        classes: the classes of that file.
    """

    def layers(value: Any, key: str = "") -> int:
        """How many layers Keras would build of a part of the configuration, which is looked through on the way."""
        if isinstance(value, list):
            return sum(layers(item, key) for item in value)
        if isinstance(value, int):
            if abs(value) > (MAX_NAME if key in ("seed", "shared_object_id") else MAX_INTEGER):
                shown = printable(f"{key} {value}")
                raise ZooError(f"{path} is refused: its configuration has a number out of all bounds, {shown}.")
            return 0
        if not isinstance(value, dict):
            return 0
        if "class_name" in value and not allowed(value, module, classes):
            where = value.get("module") or value.get("registered_name") or "no module"
            raise ZooError(
                f"{path} is refused: its configuration names {value['class_name']!r} of {where!r}. "
                "A model file of the zoo's holds only Keras' own layers, and none that carries code."
            )
        inner = sum(layers(item, name) for name, item in value.items())
        calls = value.get("inbound_nodes")
        own = 1 if calls is not None or value.get("module") in ("keras.layers", module) else 0
        return (own + inner) * max(1, len(calls) if isinstance(calls, list) else 1)

    config = parse_json(path, CONFIG, text)
    if not isinstance(config, dict) or "class_name" not in config:
        raise ZooError(f"{path}: its {CONFIG} is damaged (there is no model in it).")
    count = layers(config)
    if count > MAX_LAYERS:
        raise ZooError(f"{path} is refused: its configuration has {count:,} layers, more than {MAX_LAYERS:,}.")


def allowed(value: dict, own_module: str, own_classes: Collection[str]) -> bool:
    """Whether a configuration's object is on the allow-list."""
    name, module = value.get("class_name"), value.get("module")
    if not isinstance(name, str) or not isinstance(module, str | None):
        return False
    if own_module and module == own_module:
        return name in own_classes
    return value.get("registered_name") in (None, name) and name in ALLOWED.get(module, ())


def check_selftest(path: Path, test: dict) -> None:
    """Refuse a self-test of more, or of larger, examples than the zoo would write; nothing is unpacked."""
    try:
        for part in ("inputs", "outputs"):
            shape = shape_of(test[part])
            if not 1 <= shape[0] <= MAX_EXAMPLES:
                raise ValueError(f"{shape[0]:,} examples")
            if math.prod(shape[1:]) > MAX_NUMBERS or math.prod(shape) > MAX_ARRAY:
                raise ValueError(f"examples of {math.prod(shape[1:]):,} numbers")
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ZooError(f"{path}: its self-test is damaged ({error}).") from error


def check_weights(path: Path, content: bytes) -> None:
    """Refuse a saved file whose weights `check_arrays` refuses."""
    try:
        check_arrays(content)
    except ZooError as error:
        raise ZooError(f"{path} is refused: its {WEIGHTS} {error}.") from error


def check_arrays(content: bytes) -> int:
    """Refuse an HDF5 file with links out of it, objects, or arrays that the file does not really hold.

    Returns:
        How many numbers it holds.

    Raises:
        ZooError: what is wrong with it, to go on from the file's name.
    """
    return sum(item.size for item in walk(content) if hasattr(item, "size"))


def clean_copy(content: bytes) -> bytes:
    """A weights file written anew, out of what `check_arrays` has seen of it.

    HDF5 has more than one way to find things in a file, which need not agree where a stranger wrote it: what others
    read is not the stranger's.
    """
    return rewritten(content, lambda owner, name, numbers: numbers)


def rewritten(content: bytes, change: Callable[[str, str, np.ndarray], np.ndarray]) -> bytes:
    """A weights file with other numbers in it.

    Args:
        content: the file's content.
        change: from the name of the layer that owns an array, the array's name and the array to the new array.

    Raises:
        ZooError: `check_arrays` would refuse it.
    """
    import h5py

    copy = io.BytesIO()
    try:
        with h5py.File(copy, "w") as file:
            for item in walk(content):
                if isinstance(item, h5py.Dataset):
                    group, _, name = item.name.rpartition("/")
                    new = file[group or "/"]
                    new[name] = change(new.attrs.get("name", ""), name, item[()])
                elif item.name != "/":
                    file.create_group(item.name)
                for key in ("name", "dtype"):  # all that Keras writes: of a layer, of numbers that NumPy does not know
                    if (text := text_attribute(item, key)) is not None:
                        file[item.name].attrs[key] = text
    except ZooError:
        raise
    except Exception as error:  # as in `walk`: what is declared may not be there to read
        raise ZooError(f"is damaged ({error})") from error
    return copy.getvalue()


def text_attribute(item: Any, key: str) -> str | None:
    """An attribute of an HDF5 object, where it has one that is a text."""
    import h5py

    if key not in item.attrs:
        return None
    attribute = item.attrs.get_id(key)
    if attribute.shape != () or h5py.check_string_dtype(attribute.dtype) is None:
        return None
    return str(item.attrs[key])[:MAX_KEY]


def walk(content: bytes) -> Iterator[Any]:
    """All groups and arrays of an HDF5 file, each after the group that holds it; the one way into such files.

    Raises:
        ZooError: as `check_arrays`.
    """
    import h5py

    def names_in(group) -> list[str]:
        names: list[bytes] = []

        def one_more(name: bytes) -> bool | None:
            names.append(name)
            return True if len(names) > MAX_ITEMS else None  # which ends it: a damaged file may go round in circles

        group.id.links.iterate(one_more)
        return [name.decode("utf-8", "surrogateescape") for name in names]

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            total, seen, pending = 0, {file["/"]}, [(file["/"], 0)]
            while pending:
                group, depth = pending.pop()
                yield group
                for name in names_in(group):
                    link = group.get(name, getlink=True)
                    if not isinstance(link, h5py.HardLink):
                        raise ZooError(f"has a link to elsewhere at {group.name}/{name}")
                    item = group[name]
                    if item in seen:  # groups that hold one another have no end, or as good as none
                        raise ZooError(f"holds {item.name} in several places")
                    seen.add(item)
                    if len(seen) > MAX_ITEMS or depth > MAX_DEPTH:
                        raise ZooError(f"holds more than {MAX_ITEMS:,} things, or {MAX_DEPTH} groups in one another")
                    if isinstance(item, h5py.Group):
                        pending.append((item, depth + 1))
                        continue
                    if not isinstance(item, h5py.Dataset):
                        raise ZooError(f"holds a type at {item.name}, where only numbers belong")
                    if item.dtype.kind not in "fiub" or item.shape is None:
                        raise ZooError(f"holds {item.dtype} at {item.name}, where only numbers belong")
                    if item.is_virtual or item.external:
                        raise ZooError(f"keeps {item.name} in another file")
                    total += item.nbytes
                    if item.chunks is not None or total > len(content):
                        raise ZooError(f"declares more numbers than it holds, at {item.name}")
                    yield item
    except ZooError:
        raise
    except Exception as error:  # HDF5 raises nearly anything on damaged files
        raise ZooError(f"is damaged ({error})") from error
