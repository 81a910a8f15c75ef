"""Tensors out of the files that `torch.save` writes, without torch and without running pickle.

Since torch 1.6 such a file is a zip archive: a pickle of the saved object, data.pkl, and the raw numbers of each
storage, data/KEY, none of them compressed. Before, it was five pickles: a magic number, a protocol number, facts
about the machine that wrote it, the saved object and a list of storage keys; then, for each key, how many numbers
(int64) and the raw numbers. Running a pickle runs any code its author put there, so none is run:
`pickletools.genops` only splits it into opcodes, and a stack machine that knows the few of a table of tensors
builds that table, and nothing else.
"""

import io
import math
import pickletools
import zipfile
from dataclasses import dataclass

import numpy as np

from zoo.errors import ZooError, printable

ZIP = b"PK\x03\x04"
HEADER = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."  # the first two pickles never vary

DTYPES = {  # torch writes little-endian numbers on every machine
    "torch DoubleStorage": "<f8",
    "torch FloatStorage": "<f4",
    "torch HalfStorage": "<f2",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "i1",
    "torch ByteStorage": "u1",
}
GLOBALS = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2", *DTYPES}
SHOWN = 100  # characters of a file's own words that a message repeats
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


def is_torch(data: bytes) -> bool:
    """Whether a file's content begins as `torch.save` begins, in either format."""
    return data.startswith((ZIP, HEADER))


def parse(data: bytes) -> dict[str, np.ndarray]:
    """Interpret the content of a file of torch's that holds a flat table of named tensors.

    Args:
        data: the whole file.

    Returns:
        The arrays by name, in the file's order, read-only.

    Raises:
        ZooError: the bytes are no such file, are damaged, or ask for anything but tensors.
    """
    if not is_torch(data):
        raise ZooError("This is not a torch file.")
    storages: dict[str, _Storage] = {}
    try:
        saved, content = (_read_zip if data.startswith(ZIP) else _read_legacy)(data, storages)
    except (ZooError, MemoryError):
        raise
    except Exception as error:  # empty stack, unknown memo, bytes that are no opcode; zipfile raises nearly anything
        reason = printable(f"{type(error).__name__}: {error}", SHOWN)
        raise ZooError(f"The torch file is cut short or damaged ({reason}).") from None
    return {name: _array(name, tensor, content[tensor.storage.key]) for name, tensor in saved.items()}


def _read_legacy(data, storages):
    """The table of `_Tensor`s, and the bytes of each storage by key."""
    stream = io.BytesIO(data)
    stream.seek(len(HEADER))
    system, saved, keys = (_interpret(stream, storages) for _ in range(3))
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ZooError("The torch file does not say that its numbers are little-endian; only those are read.")
    return _table(saved), _contents(memoryview(data), stream.tell(), keys, storages)


def _read_zip(data, storages):
    """The same of a zip archive: FOLDER/data.pkl, FOLDER/data/KEY, and small facts beside them."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename.partition("/")[2]: info for info in archive.infolist()}
        if "data.pkl" not in members:
            raise ZooError("This zip archive is no torch file, as it has no data.pkl.")
        stored = all(info.compress_type == zipfile.ZIP_STORED and info.flag_bits & 1 == 0 for info in members.values())
        if not stored or sum(info.file_size for info in members.values()) > len(data):
            raise ZooError("The torch file is damaged: its members take more room than it has.")
        if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
            raise ZooError("The torch file does not say that its numbers are little-endian; only those are read.")
        saved = _table(_interpret(io.BytesIO(archive.read(members["data.pkl"])), storages))
        content = {}
        for key, storage in storages.items():
            content[key] = archive.read(members[f"data/{key}"])  # which compares its checksum
            if len(content[key]) != storage.count * storage.dtype.itemsize:
                raise ZooError(f"The torch file is cut short or damaged in storage {key[:SHOWN]!r}.")
    return saved, content


def _table(saved):
    if not isinstance(saved, dict) or not all(isinstance(tensor, _Tensor) for tensor in saved.values()):
        raise ZooError("The torch file holds something else than one flat table of named tensors.")
    return saved


@dataclass(frozen=True)
class _Global:
    """A Python object that the file names; it is compared with known names and never looked up."""

    name: str


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype
    count: int  # numbers, not bytes


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int  # offset and stride count numbers, not bytes
    size: tuple
    stride: tuple


def _interpret(stream, storages):
    """The value of one pickle, of plain values and `_Tensor`s; adds the storages it names to `storages`."""
    stack, outer, memo = [], [], {}  # `outer` holds the stacks below the open marks
    for opcode, argument, _ in pickletools.genops(stream):
        match opcode.name:
            case "PROTO":
                pass
            case "STOP":
                break
            case "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_TUPLE":
                stack.append(CONSTANTS[opcode.name])
            case "BINUNICODE" | "BININT" | "BININT1" | "BININT2":
                stack.append(argument)
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "MARK":
                outer.append(stack)
                stack = []
            case "TUPLE":
                values, stack = tuple(stack), outer.pop()
                stack.append(values)
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple([stack.pop() for _ in range(int(opcode.name[-1]))][::-1]))
            case "APPEND":
                value = stack.pop()
                _extend(stack[-1], [value])
            case "APPENDS":
                values, stack = stack, outer.pop()
                _extend(stack[-1], values)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _update(stack[-1], [key], [value])
            case "SETITEMS":
                items, stack = stack, outer.pop()
                _update(stack[-1], items[::2], items[1::2])
            case "GLOBAL":
                if argument not in GLOBALS:
                    raise ZooError(f"The torch file asks for {argument[:SHOWN]!r}; only tensors are read.")
                stack.append(_Global(argument))
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_rebuild(function, arguments))
            case "BUILD":
                stack.pop()  # torch hangs version numbers (`_metadata`) on its dict; no tensor is in them
            case "BINPERSID":
                stack.append(_storage(stack.pop(), storages))
            case name:
                raise ZooError(f"The torch file holds the pickle opcode {name}; no table of tensors needs it.")
    if outer or len(stack) != 1:
        raise ZooError("The torch file is damaged: one of its pickles does not end in a single value.")
    return stack[0]


def _extend(target, values):
    if not isinstance(target, list):
        raise ZooError("The torch file is damaged: it appends to something that is no list.")
    target.extend(values)


def _update(target, keys, values):
    if not isinstance(target, dict) or not all(isinstance(key, str) for key in keys):
        raise ZooError("The torch file is damaged: it sets items that are not named entries of a dict.")
    target.update(zip(keys, values, strict=True))


def _rebuild(function, arguments):
    match function, arguments:
        case _Global("collections OrderedDict"), ():
            return {}
        case (
            _Global("torch._utils _rebuild_tensor_v2"),
            (_Storage() as storage, int(offset), tuple(size), tuple(stride), bool(), dict()),
        ):
            return _Tensor(storage, offset, size, stride)
    raise ZooError("The torch file calls something in a way that does not make a tensor.")


def _storage(identity, storages):
    match identity:
        case ("storage", _Global(kind), str(key), str(), int(count), *views) if kind in DTYPES and views in (
            [],
            [None],
        ):
            storage = _Storage(key, np.dtype(DTYPES[kind]), count)
            if storages.setdefault(key, storage) == storage:
                return storage
    raise ZooError("The torch file is damaged: it points at a storage in a way that torch never does.")


def _contents(data, position, keys, storages):
    """The bytes of each storage by key: an int64 count and the numbers, storage after storage, to the end."""
    named = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not named or sorted(keys) != sorted(storages):
        raise ZooError("The torch file is damaged: the storages it lists are not those that its tensors use.")
    content = {}
    for key in keys:
        start = position + 8
        count = int.from_bytes(data[position:start], "little", signed=True)
        position = start + count * storages[key].dtype.itemsize
        if count != storages[key].count or not start <= position <= len(data):
            raise ZooError(f"The torch file is cut short or damaged in storage {key[:SHOWN]!r}.")
        content[key] = data[start:position]
    if position != len(data):
        raise ZooError(f"The torch file is damaged: {len(data) - position} bytes follow its last storage.")
    return content


def _array(name, tensor, content):
    size, stride = tensor.size, tensor.stride
    dtype, count = tensor.storage.dtype, tensor.storage.count
    fits = (
        len(size) == len(stride) <= 8
        and all(type(n) is int and 1 <= n <= count for n in size)  # True is none for NumPy
        and all(type(step) is int and 0 <= step <= count for step in stride)
        and math.prod(size) <= count
        and type(tensor.offset) is int
        and tensor.offset >= 0
        and tensor.offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) < count
    )
    if not fits:
        raise ZooError(f"The torch file is damaged: tensor {name[:SHOWN]!r} lies outside its {count} numbers.")
    strides = [step * dtype.itemsize for step in stride]
    return np.ndarray(size, dtype, content, tensor.offset * dtype.itemsize, strides)
