"""The safe door, tried from outside: no file, odd file, bomb, hostile part; each is refused in a sentence.

What is fuzzed, and how: `fuzz.py`.
"""

import base64
import contextlib
import copy
import hashlib
import io
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
import zipfile
import zlib

import h5py
import numpy as np
import pytest
from PIL import Image

import zoo
from hostile import CONFIG, RECORD, ROOM, WEIGHTS, named, opened, pack, refused, write, zip_of
from zoo import inference, saving
from zoo.backend import keras
from zoo.errors import ZooError, escaped
from zoo.saving import limits, safety
from zoo.tasks.images import supervised


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "small.keras"
    zoo.get("logistic", seed=1, input_shape=(8, 8, 3)).save(path)
    return path


@pytest.fixture
def parts(saved):
    with zipfile.ZipFile(saved) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(autouse=True)
def apart(saved, tmp_path, monkeypatch):
    """Nothing is remembered but that the saved model was made here; whatever a file names relatively is not there."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    archive = saving.read(saved)
    limits.remember(limits.mark(archive.members, archive.selftest))


def opens_or_refused(path):
    with contextlib.suppress(ZooError):
        opened(path)


# Files that are none


def picture():
    file = io.BytesIO()
    Image.new("RGB", (9, 9)).save(file, "JPEG")
    return file.getvalue()


def hdf5():
    file = io.BytesIO()
    with h5py.File(file, "w") as weights:
        weights["x"] = np.zeros(3)
    return file.getvalue()


FILES = {
    "of no bytes": b"",
    "of one byte": b"P",
    "text": b"hello, I am no archive",
    "JPEG": picture(),
    "HDF5": hdf5(),
    "torch, legacy": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
    "torch": zip_of(**{"archive/data.pkl": b"\x80\x02}.", "archive/version": b"3\n"}),
    "NumPy": zip_of(**{"x.npy": b"\x93NUMPY"}),
    "end of an empty zip": b"PK\5\6" + bytes(18),
    "end of a zip that begins before the file": b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 1, 1, 46, 2**31, 0),
    "end of a larger zip": b"PK\6\7" + struct.pack("<LQL", 0, 2**60, 1) + b"PK\5\6" + b"\xff" * 16 + bytes(2),
}


@pytest.mark.parametrize("case", FILES)
def test_files_of_another_kind(case, tmp_path):
    (tmp_path / "a.keras").write_bytes(FILES[case])
    refused(tmp_path / "a.keras")


def bound_socket(path):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as end:
        end.bind(path.name)


PLACES = {
    "folder": lambda path: path.mkdir(),
    "pipe": lambda path: os.mkfifo(path),
    "socket": bound_socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path),
    "link to a name that is too long": lambda path: path.symlink_to("n" * 300),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("case", PLACES)
def test_what_is_no_file_is_not_waited_for(case, tmp_path):
    PLACES[case](tmp_path / "a.keras")
    refused(tmp_path / "a.keras")


@pytest.mark.parametrize("name", ["n" * 300 + ".keras", "a\0b.keras", "no/such/folder/a.keras", ".keras"])
def test_names_that_no_file_has(name):
    refused(name)


def test_a_link_to_a_good_file_opens(saved, tmp_path):
    (tmp_path / "a.keras").symlink_to(saved)
    assert opened(tmp_path / "a.keras").count_params() == 193


# The archive


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_truncated(share, saved, tmp_path):
    path = tmp_path / "cut.keras"
    path.write_bytes(saved.read_bytes()[: int(share * saved.stat().st_size)])
    refused(path, "not a whole .keras file")


ARCHIVES = {
    "plain Keras": (lambda parts: parts.pop(RECORD), "keras.saving.load_model"),
    "no configuration": (lambda parts: parts.pop(CONFIG), "once each"),
    "bomb": (lambda parts: parts.update({WEIGHTS: bytes(200 * 2**20)}), "unpacks to 209,715,200 bytes"),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives(case, parts, tmp_path):
    edit, word = ARCHIVES[case]
    edit(parts)
    write(tmp_path / "a.keras", parts.items(), zipfile.ZIP_DEFLATED)
    refused(tmp_path / "a.keras", word)


NAMES = [
    "evil.py", "assets/", "../evil", "..\\evil", "C:\\evil", "~/evil", "/evil", "./config.json", "a/../config.json",
    "CONFIG.JSON", "config.json/", "assets/x", "model.weights.npz", "_variables.h5", "\x1b[2J", "n" * 60_000, "é",
    "evil.py\0.json",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:20]))
def test_members_of_other_names(name, parts, tmp_path):
    write(tmp_path / "a.keras", [*parts.items(), (name, b"evil")])
    refused(tmp_path / "a.keras", "members", repr(name) if name.isprintable() and len(name) < 100 else "")
    assert {path.name for path in tmp_path.iterdir()} <= {"a.keras", "home"}


def test_many_members(parts, tmp_path):
    write(tmp_path / "a.keras", [*parts.items(), *((f"{n}.json", b"") for n in range(2_000))])
    refused(tmp_path / "a.keras", "members")


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, RECORD, "metadata.json"])
def test_a_member_that_is_there_twice(name, parts, tmp_path):
    write(tmp_path / "a.keras", [*parts.items(), (name, b"another")])
    refused(tmp_path / "a.keras", "once each")


def change_header(path, name, at, value):
    """Change a number in a member's entry of the directory, and in its own header where it has it too."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(name).header_offset
    entry = content.index(b"PK\1\2")
    while content[entry + 46 : entry + 46 + len(name)] != name.encode():
        entry = content.index(b"PK\1\2", entry + 4)
    content[entry + at : entry + at + len(value)] = value
    if at < 28:
        content[start + at - 2 : start + at - 2 + len(value)] = value
    path.write_bytes(content)


HEADERS = {
    "encrypted": (8, b"\1\0"),
    "compressed by nothing known": (10, b"\x63\0"),
    "compressed by bzip2": (10, b"\x0c\0"),
    "compressed by LZMA": (10, b"\x0e\0"),
    "another checksum": (16, b"\0\0\0\0"),
    "larger than the file": (24, struct.pack("<L", 2**31)),
    "behind the end": (42, struct.pack("<L", 2**31 - 1)),
    "in the place of another": (42, struct.pack("<L", 0)),
}


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, RECORD, "metadata.json"])
@pytest.mark.parametrize("case", HEADERS)
def test_headers_that_lie(case, name, parts, tmp_path):
    parts["metadata.json"] = parts.pop("metadata.json")  # so that another member stands where the file begins
    pack(tmp_path / "a.keras", {WEIGHTS: parts[WEIGHTS], **parts})
    at, value = HEADERS[case]
    if case == "in the place of another" and name == WEIGHTS:
        value = struct.pack("<L", 1)
    change_header(tmp_path / "a.keras", name, at, value)
    refused(tmp_path / "a.keras", {"encrypted": "not a whole", "another checksum": name}.get(case, ""))


def test_an_archive_whose_directory_lies_about_where_it_begins(parts, tmp_path):
    pack(tmp_path / "a.keras", parts)
    content = bytearray((tmp_path / "a.keras").read_bytes())
    end = content.rindex(b"PK\5\6")
    begin = int.from_bytes(content[end + 16 : end + 20], "little")
    content[end + 16 : end + 20] = (begin + 400).to_bytes(4, "little")
    (tmp_path / "a.keras").write_bytes(content)
    refused(tmp_path / "a.keras", "damaged")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((zipfile.ZIP_DEFLATED, name) for name in (CONFIG, WEIGHTS, RECORD)),
        (zipfile.ZIP_BZIP2, RECORD),
        (zipfile.ZIP_LZMA, CONFIG),
    ],
)
def test_bombs_that_declare_little(kind, name, parts, tmp_path):
    """Unpacking stops at the size that a member declares; it is not unpacked first and compared then."""
    write(tmp_path / "a.keras", [(key, parts[key]) for key in parts if key != name])
    with zipfile.ZipFile(tmp_path / "a.keras", "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), parts[name] + bytes(120 * 2**20), kind)
    for at, value in ((16, zlib.crc32(parts[name])), (24, len(parts[name]))):
        change_header(tmp_path / "a.keras", name, at, struct.pack("<L", value))
    tracemalloc.start()
    try:
        with contextlib.suppress(ZooError) if kind == zipfile.ZIP_DEFLATED else pytest.raises(ZooError):
            zoo.load(tmp_path / "a.keras")
        assert tracemalloc.get_traced_memory()[1] < ROOM
    finally:
        tracemalloc.stop()


def test_json_bombs(parts, tmp_path):
    """Empty lists take thirty times as much memory as text."""
    parts[CONFIG] = b"[" + b"[]," * (20 * 2**20) + b"0]"
    record = json.loads(parts[RECORD])
    record["members"][CONFIG] = hashlib.sha256(parts[CONFIG]).hexdigest()
    write(tmp_path / "a.keras", {**parts, RECORD: json.dumps(record).encode()}.items(), zipfile.ZIP_DEFLATED)
    refused(tmp_path / "a.keras", "unpacks to")


def test_a_file_larger_than_memory(parts, tmp_path):
    """Where the disk does not store zeros, a hundred terabytes of them cost nothing."""
    pack(tmp_path / "b.keras", parts)
    try:
        with (tmp_path / "a.keras").open("wb") as file:
            file.seek(2**43)
            file.write((tmp_path / "b.keras").read_bytes())
    except OSError:
        pytest.skip("this file system stores zeros")
    refused(tmp_path / "a.keras", "memory")


def test_the_longest_comment(parts, tmp_path):
    pack(tmp_path / "a.keras", parts)
    with zipfile.ZipFile(tmp_path / "a.keras", "a") as archive:
        archive.comment = b"PK\5\6" * 16_000
    opens_or_refused(tmp_path / "a.keras")


def test_a_file_that_is_exchanged_while_it_is_read(saved, parts, tmp_path, monkeypatch):
    """The record is read twice, to show it and to load the file; each time all is checked anew."""
    path = tmp_path / "a.keras"
    write(path, [*parts.items(), ("../evil", b"")])
    stop = threading.Event()

    def exchange():
        contents = [path.read_bytes(), saved.read_bytes()]
        while not stop.is_set():
            contents.reverse()
            path.write_bytes(contents[0])

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        for _ in range(50):
            with contextlib.suppress(ZooError):
                assert zoo.load(path)._archive.members.keys() == parts.keys() - {RECORD}
    finally:
        stop.set()
        thread.join()


# The record


def spots(value, path=()):
    """The paths to all values of a record."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from spots(inner, (*path, key))


WRONG = {
    "null": None, "true": True, "below zero": -1, "zero": 0, "fraction": 0.5, "not a number": float("nan"),
    "infinite": float("-inf"), "beyond any float": 10**400, "text": "x", "empty text": "", "list": [], "object": {},
    "nested": [[[]]], "object of nothing": {"": None}, "many": [1] * 5000, "long": "y" * 100_000,
    "control characters": "\x1b]0;evil\x07\0", "half a character": "\ud800", "deep": [],
}  # fmt: skip
for _ in range(500):
    WRONG["deep"] = [WRONG["deep"]]


@pytest.mark.parametrize("case", WRONG)
def test_every_value_of_the_record_of_another_type(case, parts, tmp_path):
    """Whatever stands wherever, the file opens or is refused."""
    record = json.loads(parts[RECORD])
    for number, spot in enumerate([spot for spot in spots(record) if spot and spot[0] != "members"]):
        odd = copy.deepcopy(record)
        holder = odd
        for key in spot[:-1]:
            holder = holder[key]
        holder[spot[-1]] = WRONG[case]
        path = tmp_path / f"{number}.keras"
        write(path, {**parts, RECORD: json.dumps(odd).encode()}.items())
        try:
            print(zoo.show(path), json.dumps(zoo.show(path).to_json()))
            loaded = zoo.load(path)
            assert all(isinstance(label, str) for label in loaded.labels)
            print(*loaded.metrics.values())
        except ZooError as error:
            assert str(path) in str(error) and len(str(error)) < 4000
            assert escaped(str(error), keep="\n") == str(error)
        with contextlib.suppress(ZooError):
            loaded = zoo.load(path)
            loaded.relabel({loaded.class_names()[0]: "another"})
        with contextlib.suppress(ZooError):
            saving.output(path, {"task": "classification", "labels": ["another"]})


def without(*names):
    return lambda record: {key: value for key, value in record.items() if key not in names}


def with_record(**values):
    return lambda record: {**record, **values}


def with_hashes(**values):
    return lambda record: {**record, "members": {**record["members"], **values}}


def selftest(**values):
    return lambda record: {**record, "selftest": {**record["selftest"], **values}}


def packed(array, **change):
    raw = base64.b64encode(zlib.compress(array.tobytes())).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "zlib": raw, **change}


ZEROS = np.zeros((2, 8, 8, 3), "uint8")
RECORDS = {
    "newer": (with_record(format=2), ["newer zoo", "pip install --upgrade"]),
    "no format": (without("format"), ["lacks format"]),
    "no name": (without("name"), ["lacks name"]),
    "several gone": (without("task", "members"), ["lacks task, members"]),
    "no hashes": (with_record(members={}), ["no hash of"]),
    "hash of one": (lambda r: {**r, "members": {CONFIG: r["members"][CONFIG]}}, ["no hash of", WEIGHTS]),
    "hash of another": (with_hashes(x="y"), ["'x'"]),
    "hashes of what is not there": (with_hashes(**{"\x1b[2J" * 9: "", "../evil": ""}), ["'../evil'"]),
    "a number for a name": (with_record(name=3), ["lacks name"]),
    "a number for a task": (with_record(task=3), ["lacks task"]),
    "unknown task": (with_record(task="cooking"), ["cooking"]),
    "task with a path": (with_record(task="../../evil"), ["../../evil"]),
    "task of the shared class": (with_record(task="task"), ["'task'"]),
    "arguments as list": (with_record(arguments=[]), ["lacks arguments"]),
    "arguments without a shape": (with_record(arguments={"num_classes": 2}), ["input_shape"]),
    "shape of two": (with_record(arguments={"input_shape": [8, 8], "num_classes": 2}), ["input_shape"]),
    "shape of words": (with_record(arguments={"input_shape": ["a", "b", "c"], "num_classes": 2}), []),
    "no classes": (with_record(arguments={"input_shape": [8, 8, 3], "num_classes": 0}), []),
    "metrics as text": (with_record(metrics="good"), ["lacks metrics"]),
    "too many labels": (with_record(labels=["a", "b", "c"]), ["3 labels"]),
    "too few labels": (with_record(labels=["cat"]), ["does not fit"]),
    "no labels": (without("labels"), ["labels"]),
    "labels as a number": (with_record(labels=3), ["labels"]),
    "labels as text": (with_record(labels="ab"), ["labels"]),
    "labels twice the same": (with_record(labels=["a", "a"]), ["labels"]),
    "no preprocessing": (without("preprocessing"), ["preprocessing"]),
    "preprocessing as text": (with_record(preprocessing="x"), ["preprocessing"]),
    "other size": (with_record(preprocessing={"rule": "center_crop", "interpolation": "bicubic", "size": [9, 9]}),
                   ["does not fit"]),
    "unknown rule": (with_record(preprocessing={"rule": "magic", "size": [8, 8]}), ["magic"]),
    "views without end": (with_record(views=101), ["views is 101; accepted are whole numbers from 1 to 100"]),
    "views in words": (with_record(views="all"), ["views is 'all'"]),
    "no selftest inputs": (with_record(selftest={}), ["self-test", "is damaged"]),
    "selftest of objects": (selftest(inputs=packed(ZEROS, dtype="O")), ["self-test is damaged"]),
    "selftest of no type": (selftest(inputs=packed(ZEROS, dtype="evil")), ["self-test is damaged"]),
    "selftest of a list type": (selftest(inputs=packed(ZEROS, dtype=["f4"])), ["self-test is damaged"]),
    "selftest of wrong shape": (selftest(inputs=packed(ZEROS, shape=[3, 8, 8, 3])), ["self-test is damaged"]),
    "selftest no base64": (selftest(inputs=packed(ZEROS, zlib="§")), ["self-test is damaged"]),
    "selftest no zlib": (selftest(inputs=packed(ZEROS, zlib="aaaa")), ["self-test is damaged"]),
    "selftest of other inputs": (selftest(inputs=packed(np.zeros((2, 5, 5, 3), "uint8"))), ["does not fit"]),
    "selftest of no inputs": (selftest(inputs=packed(ZEROS[:0])), ["self-test"]),
    "selftest failing": (selftest(outputs=packed(np.full((2, 1), 9, "f4"))), ["fails its self-test"]),
    "selftest of other outputs": (selftest(outputs=packed(np.zeros((2, 7), "f4"))), ["does not fit"]),
    "tolerance without bound": (selftest(tolerance=float("inf"), outputs=packed(np.full((2, 1), 9, "f4"))),
                                ["self-test"]),
    "tolerance no number": (selftest(tolerance=float("nan")), ["self-test"]),
}  # fmt: skip
HASHES = {
    "null": None, "number": 3, "list": ["a"], "object": {}, "another": "0" * 64, "shorter": "ab", "long": "a" * 10**6,
}  # fmt: skip
RECORDS |= {f"hash: {kind}": (with_hashes(**{CONFIG: value}), ["SHA-256 differs"]) for kind, value in HASHES.items()}


@pytest.mark.parametrize("case", RECORDS)
def test_records(case, parts, tmp_path):
    edit, words = RECORDS[case]
    record = json.dumps(edit(json.loads(parts[RECORD]))).encode()
    write(tmp_path / "a.keras", {**parts, RECORD: record}.items())
    refused(tmp_path / "a.keras", *words)


def test_views_of_large_pictures_are_bounded_by_what_they_hold(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(supervised, "MOST_NUMBERS", 5 * 8 * 8 * 3)
    for views in (5, 6):
        record = json.dumps(with_record(views=views)(json.loads(parts[RECORD]))).encode()
        write(tmp_path / f"{views}.keras", {**parts, RECORD: record}.items())
    zoo.load(tmp_path / "5.keras")
    refused(tmp_path / "6.keras", "views is 6; accepted are whole numbers from 1 to 5")


def test_versions_that_are_none_are_no_second_error(parts, tmp_path):
    config = json.loads(parts[CONFIG])
    config["config"]["layers"][-1]["config"]["units"] = -5
    record = {**json.loads(parts[RECORD]), "versions": ["3.15"]}
    pack(
        tmp_path / "a.keras",
        {**parts, CONFIG: json.dumps(config).encode(), RECORD: json.dumps(record).encode()},
        made_here=True,
    )
    refused(tmp_path / "a.keras")


JSON = {
    "none": b"{",
    "a list": b"[]",
    "no UTF-8": b"\xff\xfe",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "huge number": b'{"format": ' + b"9" * 5000 + b"}",
    "NaN": b"NaN",
    "infinite": b"-Infinity",
    "text": b'"' + b"a" * 10**6 + b'"',
    "number of many digits": b"1" * 10**5,
    "deeper than Python goes": b"[" * 10**6,
    "deep": b'{"config":' * 900 + b"1" + b"}" * 900,
    "UTF-16": '{"class_name": "Model"}'.encode("utf-16"),
    "NUL": b"\0",
    "a key twice, the second hidden": b'{"class_name": "Dense", "module": "keras.layers", "class_name": "Lambda"}',
    "half a character": b'{"a": "\\ud800"}',
    "half a character as it is": b'{"a": "\xed\xa0\x80"}',
}


@pytest.mark.parametrize("member", [CONFIG, RECORD])
@pytest.mark.parametrize("case", JSON)
def test_json(case, member, parts, tmp_path):
    if member == RECORD:
        write(tmp_path / "a.keras", {**parts, RECORD: JSON[case]}.items())
    else:
        pack(tmp_path / "a.keras", {**parts, CONFIG: JSON[case]})
    refused(tmp_path / "a.keras", member if case in ("none", "no UTF-8", "deep objects", "huge number") else "")


# The configuration


OBJECTS = {
    "module a list": (named("Dense", ["keras.layers"]), "'Dense'"),
    "module an object": (named("Dense", {"keras": "layers"}), "'Dense'"),
    "module a number": (named("Dense", 3), "'Dense'"),
    "module of nothing": (named("Dense", ""), "'Dense'"),
    "name null": (named(None), "None"),
    "name an object": (named({"class_name": "Dense", "module": "keras.layers"}), "Dense"),
    "name with a path": (named("../Dense"), "'../Dense'"),
    "name without end": (named("D" * 10**6), "DDD"),
    "name with an escape": (named("\x1b[2J"), "x1b[2J"),
    "registered by someone": (named("Dense", "keras.layers", "Custom>Dense"), "'Dense'"),
    "registered as a list": (named("Dense", "keras.layers", ["Dense"]), "'Dense'"),
    "registered, of builtins": (named("Evil", "builtins", "evil>Evil"), "'Evil'"),
    "lambda": (named("__lambda__", "builtins", config={"value": "4wEAAAA="}), "'__lambda__'"),
    "lambda without a module": (named("__lambda__", None, config={"value": "4wEAAAA="}), "'__lambda__'"),
    "lambda of the model's own file": (named("__lambda__", "zoo.models.logistic", config={}), "'__lambda__'"),
    "type of the model's own file": (named("__typespec__", "zoo.models.logistic", config=[]), "'__typespec__'"),
    "builtins of the model's own file": (named("__builtins__", "zoo.models.logistic"), "'__builtins__'"),
    "path in the model's own file": (named("keras.layers", "zoo.models.logistic"), "'keras.layers'"),
    "another model's file": (named("efficientnet_lite0", "zoo.pretrained.backbones.efficientnet_lite"), "lite"),
    "function of a name that is none": (named("function", "builtins", "print", "print"), "'function'"),
    "function of the zoo": (named("function", "zoo.saving", "read", "read"), "'zoo.saving'"),
    "saved model": (named("TFSMLayer", config={"name": "x", "filepath": "http://evil"}), "'TFSMLayer'"),
    "downloads": (named("get_file", "keras.utils", config="http://evil"), "'get_file'"),
    "layer that reads a file": (named("StringLookup", config={"vocabulary": "/etc/passwd"}), "'StringLookup'"),
    "Hub": (named("HubLayer", "keras_hub.layers"), "'HubLayer'"),
    "code": (named("Lambda", config={"function": named("__lambda__", "builtins")}), "'Lambda'"),
    "code, by its place in Keras": (named("Lambda", "keras.src.layers.core.lambda_layer"), "Lambda"),
    "code, without a module": ({"class_name": "Lambda", "config": {}}, "Lambda"),
    "a module of PyTorch": (named("TorchModuleWrapper"), "'TorchModuleWrapper'"),
    "a function of JAX": (named("JaxLayer"), "'JaxLayer'"),
    "a module of Flax": (named("FlaxLayer"), "'FlaxLayer'"),
    "system": (named("system", "os"), "'os'"),
    "function of the system": (named("function", "os", "function", "system"), "'os'"),
    "function of builtins": (named("function", "builtins", "function", "eval"), "'builtins'"),
    "function of a package": (named("function", "evil", "function", "loss"), "'evil'"),
    "name a list": (named(["Dense"]), "['Dense']"),
    "of a package": (named("Evil", "evil_package.layers"), "evil_package.layers"),
    "registered by someone, no module": (named("Evil", None, "evil>Evil"), "evil>Evil"),
    "class of the zoo": (named("Task", "zoo.tasks.task"), "zoo.tasks.task"),
    "initializer of a package": (named("Evil", "evil.initializers"), "evil.initializers"),
    "attribute of the initializers": (named("__builtins__", "keras.initializers"), "'__builtins__'"),
    "function of the initializers": (named("deserialize", "keras.initializers"), "'deserialize'"),
    "function of the regularizers": (named("get", "keras.regularizers"), "'get'"),
    "function of the constraints": (named("get", "keras.constraints"), "'get'"),
    "function of the operations": (named("load", "keras.src.ops.numpy"), "'load'"),
    "base of the operations": (named("Operation", "keras.src.ops.nn"), "'Operation'"),
    "import of the model's own file": (named("keras", "zoo.models.logistic"), "'keras'"),
    "builder of the model's own file": (named("logistic", "zoo.models.logistic"), "'logistic'"),
}  # fmt: skip


@pytest.mark.parametrize("place", ["layer", "value", "key of another"])
@pytest.mark.parametrize("case", OBJECTS)
def test_objects_of_a_configuration(case, place, parts, tmp_path):
    value, word = OBJECTS[case]
    config = json.loads(parts[CONFIG])
    layers = config["config"]["layers"]
    if place == "layer":
        layers.append({**value, "name": "x", "inbound_nodes": []})
    elif place == "value":
        layers[-1]["config"]["activation"] = value
    else:
        layers[0]["build_config"] = {"a": [[{"b": value}]]}
    pack(tmp_path / "a.keras", {**parts, CONFIG: json.dumps(config).encode()})
    refused(tmp_path / "a.keras", "refused", word)


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("units", -5, "does not open with Keras"),
        ("activation", "evil>f", "evil>f"),
        ("activation", "exponential", "self-test"),
    ],
)
def test_configurations_that_keras_does_not_open(key, value, word, parts, tmp_path):
    config = json.loads(parts[CONFIG])
    config["config"]["layers"][-1]["config"][key] = value
    pack(tmp_path / "a.keras", {**parts, CONFIG: json.dumps(config).encode()}, made_here=True)
    refused(tmp_path / "a.keras", word)


@pytest.mark.parametrize("units", [2 * 10**6, 10**7])
def test_a_configuration_of_more_numbers_than_the_weights_hold(units, parts, tmp_path):
    """Twenty kilobytes that ask for gigabytes: nothing is built before its size is known."""
    config = json.loads(parts[CONFIG])
    config["config"]["layers"][-1]["config"]["units"] = units
    pack(tmp_path / "a.keras", {**parts, CONFIG: json.dumps(config).encode()}, made_here=True)
    refused(tmp_path / "a.keras", "numbers", f"{193 * units:,}")
    with keras.StatelessScope():  # at its end Keras makes room for all that is still on its list
        pass


# What is small and becomes large


def layer(kind, **config):
    """A layer put before the last one; what it is called with does not matter where it is refused before."""

    def edit(config_json, record):
        layers = config_json["config"]["layers"]
        layers.insert(-1, {**named(kind, config={"name": "x", **config}), "name": "x", "inbound_nodes": [{}]})

    return edit


def layers(count, calls=1):
    def edit(config_json, record):
        many = [{**named("ReLU"), "name": f"x{n}", "inbound_nodes": [{}] * calls} for n in range(count)]
        config_json["config"]["layers"][-1:-1] = many

    return edit


def nested(depth):
    """Models in one another, each of which calls the one within twenty times."""

    def edit(config_json, record):
        inner = copy.deepcopy(config_json["config"]["layers"])
        for n in range(depth):
            model = named("Functional", "keras", config={"name": f"m{n}", "layers": inner})
            inner = [{**model, "name": f"m{n}", "inbound_nodes": [{}] * 20}]
        config_json["config"]["layers"][-1:-1] = inner

    return edit


def in_record(*spot, value):
    def edit(config_json, record):
        holder = record
        for key in spot[:-1]:
            holder = holder.setdefault(key, {})
        holder[spot[-1]] = value

    return edit


def bomb(count, *shape, dtype="float16"):
    """An array of zeros, packed; it is made in pieces, so that nobody holds it."""
    squeeze, piece = zlib.compressobj(9), bytes(2**20)
    size = count * np.dtype(dtype).itemsize * int(np.prod(shape))
    raw = b"".join([*(squeeze.compress(piece) for _ in range(size // len(piece))), squeeze.flush()])
    return {"dtype": dtype, "shape": [count, *shape], "zlib": base64.b64encode(raw).decode()}


LARGE = {
    "axes of 256 MB": (in_record("familiar", value={"centre": packed(np.zeros(1024, "f2")), "axes": bomb(2**17, 1024),
                                                    "limit": 0.1}), "134,217,728 numbers"),
    "a centre that its text goes far beyond": (
        in_record("familiar", value={"centre": {**bomb(2**26), "shape": [4]}, "axes": packed(np.zeros((1, 4), "f2")),
                                     "limit": 0.1}), "damaged"),
    "1.4 million examples": (in_record("selftest", "inputs", value=bomb(1_400_000, 8, 8, 3, dtype="uint8")),
                             "1,400,000 examples"),
    "examples of 8192 x 8192": (in_record("selftest", "inputs", value=bomb(2, 8192, 8192, 3, dtype="uint8")),
                                "201,326,592 numbers"),
    "outputs without end": (in_record("selftest", "outputs", value=bomb(2, 2**27)), "134,217,728 numbers"),
    "a shape below zero": (in_record("selftest", "inputs", "shape", value=[2, -8, -8, 3]), "shape is none"),
    "a long key": (in_record("metrics", value={"k" * 3_000_000: 1, **{f"{n}": n for n in range(20_000)}}),
                   "a key of more than 1,000 characters"),
    "5,000 layers": (layers(5_000), "layers, more than 4,000"),
    "layers called often": (layers(50, calls=100), "layers, more than 4,000"),
    "models in one another": (nested(4), "layers, more than 4,000"),
    "a pool that ends TensorFlow": (layer("MaxPooling2D", pool_size=[2**31, 2**31]), "pool_size 2147483648"),
    "strides": (layer("Conv2D", filters=1, kernel_size=1, strides=2**40), "strides 1099511627776"),
    "a shape": (layer("Reshape", target_shape=[-(2**62), 1]), "target_shape"),
    "a number of many digits": (layer("Dense", units=10**4000), "units 1000"),
}  # fmt: skip


@pytest.mark.parametrize("case", LARGE)
def test_small_files_that_would_become_large(case, parts, tmp_path):
    edit, word = LARGE[case]
    config, record = json.loads(parts[CONFIG]), json.loads(parts[RECORD])
    edit(config, record)
    parts |= {CONFIG: json.dumps(config).encode(), RECORD: json.dumps(record).encode()}
    record["members"] = {name: hashlib.sha256(parts[name]).hexdigest() for name in record["members"]}
    write(tmp_path / "a.keras", {**parts, RECORD: json.dumps(record).encode()}.items(), zipfile.ZIP_DEFLATED)
    assert (tmp_path / "a.keras").stat().st_size < 2**20
    refused(tmp_path / "a.keras", word)


def test_a_record_with_many_keys_is_shown_in_little_memory(parts, tmp_path):
    metrics = {"k" * 1000: 1, **{f"{n}": n for n in range(20_000)}}
    record = {**json.loads(parts[RECORD]), "metrics": {"a": metrics, "b": {"c": {}}}}
    write(tmp_path / "a.keras", {**parts, RECORD: json.dumps(record).encode()}.items())
    shown = zoo.show(tmp_path / "a.keras")
    tracemalloc.start()
    assert len(str(shown)) < 10 * 2**20
    assert tracemalloc.get_traced_memory()[1] < ROOM
    tracemalloc.stop()


PREDICT = """
import pathlib, re, resource, sys, time
import numpy as np, zoo
begin = time.monotonic()
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    try:
        print("done", zoo.load(path).predict(np.zeros((9, 9, 3), "uint8")))
    except zoo.ZooError as error:
        print("refused", error)
# of this process by another way: its own figure begins with that of the one which started it
own = int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of the peak is Linux'")
def test_a_layer_that_makes_eight_gigabytes_of_a_picture_is_not_run(parts, tmp_path):
    """The layers are Keras' own, their weights none: only what they would make tells."""
    config = json.loads(parts[CONFIG])
    [before, flatten, _] = config["config"]["layers"][-3:]
    grown = copy.deepcopy(before)
    grown |= named("UpSampling2D", config={"name": "x", "size": [2048, 2048]}, name="x")
    for tensor in (node["args"][0]["config"] for node in grown["inbound_nodes"]):
        tensor["keras_history"] = [before["config"]["name"], 0, 0]
    pooled = {**copy.deepcopy(grown), **named("MaxPooling2D", config={"name": "y", "pool_size": 2048}), "name": "y"}
    pooled["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["x", 0, 0]
    flatten["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["y", 0, 0]
    config["config"]["layers"][-2:-2] = [grown, pooled]
    pack(tmp_path / "a.keras", {**parts, CONFIG: json.dumps(config).encode()})
    command = [sys.executable, "-c", PREDICT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    answer, megabytes = done.stdout.splitlines()
    assert answer.startswith("refused") and "805,306,368 numbers of one example" in answer
    assert int(megabytes) < 1500


@pytest.mark.parametrize(("size", "batch"), [(1, 32), (16, 16), (32, 4), (128, 1)])
def test_a_forward_pass_is_sized_by_what_its_layers_make(size, batch):
    inputs = keras.Input((64, 64, 3))
    inner = keras.Sequential([keras.layers.UpSampling2D(size), keras.layers.GlobalMaxPooling2D()])
    assert inference.KerasEngine(keras.Model(inputs, inner(inputs)))._batch == batch


CHILDREN = {
    "ends itself": "import os; os.abort()",
    "takes all memory": "from zoo import saving; saving.limit_process(0); bytearray(4 * 2**30)",
    "goes round in circles": "from zoo import saving; saving.limit_process(0)\nwhile True: pass",
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limits")
@pytest.mark.parametrize("case", CHILDREN)
def test_a_process_that_tries_a_model_may_fail(case, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", CHILDREN[case]], stdout=subprocess.PIPE, text=True)
    refused(tmp_path / "a.keras", "refused", by=lambda path: limits.finish(process, path))


def test_who_is_waited_for_too_long_is_ended():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.PIPE)
    assert limits.communicate(process, 0.1) == ("", "it took more than 0.1 seconds")
    assert process.returncode == -9


def test_a_model_that_was_not_made_here_is_tried_once(saved, parts, tmp_path, monkeypatch):
    config = json.loads(parts[CONFIG])
    config["config"]["name"] = "another"
    pack(tmp_path / "a.keras", {**parts, CONFIG: json.dumps(config).encode()})
    tried = []
    monkeypatch.setattr(limits, "begin", lambda *arguments: tried.append(arguments))
    monkeypatch.setattr(limits, "finish", lambda *arguments: None)
    for path in (tmp_path / "a.keras", tmp_path / "a.keras", saved):
        zoo.load(path).model  # noqa: B018
    zoo.get("logistic", weights="catvnoncat").model  # noqa: B018 - whose hash is that of its card
    assert len(tried) == 1


def test_of_a_strangers_model_no_more_inputs_go_through_at_a_time_than_it_was_tried_with(saved, parts, tmp_path):
    """What a layer makes within is not known beforehand; a trial shows it."""
    config = json.loads(parts[CONFIG])
    config["config"]["name"] = "another"
    pack(tmp_path / "a.keras", {**parts, CONFIG: json.dumps(config).encode()})
    assert zoo.load(saved)._most_inputs() == inference.BATCH and zoo.load(tmp_path / "a.keras")._most_inputs() == 2
    assert inference.KerasEngine(zoo.load(saved).model, 2)._batch == 2


# The weights


KERNEL = "layers/dense/vars/0"


def put(*arguments, **options):
    """Weights whose kernel is replaced by a dataset."""

    def edit(file):
        del file[KERNEL]
        file.create_dataset(KERNEL, *arguments, **options)

    return edit


def put_type(kind):
    def edit(file):
        del file[KERNEL]
        h5py.h5d.create(file.id, KERNEL.encode(), kind, h5py.h5s.create_simple((192, 1)))

    return edit


def odd_float():
    kind = h5py.h5t.IEEE_F64LE.copy()
    kind.set_fields(63, 30, 33, 0, 30)
    return kind


def doubled(file):
    """Sixty groups, each in the one above it twice: 2**60 ways down, and none of them a circle."""
    group = file
    for _ in range(60):
        below = group.create_group("a")
        group["b"] = below
        group = below


def circle(file):
    group = file.create_group("a")
    group["b"] = group["c"] = file


def compressed_lists(file):
    file.create_dataset("x", 3, h5py.vlen_dtype("f4"))[:] = [np.zeros(9)] * 3


WEIGHT_FILES = {
    "no kernel": (lambda f: f.pop(KERNEL), "does not open"),
    "kernel of another shape": (put(data=np.zeros((7, 1), "f4")), "does not open"),
    "other numbers": (put(data=np.full((192, 1), 0.5, "f4")), "fails its self-test"),
    "numbers that are none": (put(data=np.full((192, 1), np.nan, "f4")), "fails its self-test"),
    "no kernel but a type": (lambda f: [f.pop(KERNEL), f.__setitem__(KERNEL, np.dtype("f4"))], "only numbers"),
    "type beside the numbers": (lambda f: f.__setitem__("t", np.dtype("f4")), "only numbers"),
    "nothing": (put(data=h5py.Empty("f4")), "only numbers"),
    "opaque": (put((192, 1), "V4"), "only numbers"),
    "complex": (put((192, 1), "c8"), "only numbers"),
    "arrays": (put((192,), "(1,)f4"), "only numbers"),
    "lists of any length": (compressed_lists, "only numbers"),
    "references to regions": (put((1,), h5py.regionref_dtype), "only numbers"),
    "text": (put(data=["evil"], dtype=h5py.string_dtype()), "only numbers"),
    "text of one length": (put(data=np.array([b"evil"])), "only numbers"),
    "references": (put((1,), dtype=h5py.ref_dtype), "only numbers"),
    "records": (put((1,), dtype=[("a", "f4")]), "only numbers"),
    "text without end": (put((1,), h5py.string_dtype()), "only numbers"),
    "time": (put_type(h5py.h5t.UNIX_D32LE), WEIGHTS),
    "a float of nobody's": (put_type(odd_float()), WEIGHTS),
    "more than is there": (put((2**40, 2**20), "f4"), "declares more numbers"),
    "many chunks": (put((10**9, 1000), "f4", chunks=(100, 100)), "declares more numbers"),
    "chunks": (put((192, 1), "f4", chunks=(1, 1)), "declares more numbers"),
    "endless": (put((192, 1), "f4", maxshape=(None, 1)), "declares more numbers"),
    "bytes in another order": (put((10**6, 1), "f4", shuffle=True, compression="lzf"), "declares more numbers"),
    "filtered": (put((10**6, 1), "i4", scaleoffset=2), "declares more numbers"),
    "bomb": (put(data=np.zeros((10**7, 1), "f4"), compression="gzip", compression_opts=9), "declares more numbers"),
    "each twice": (doubled, "several places"),
    "circle": (circle, "several places"),
    "kernel twice": (lambda f: f.__setitem__("more", f[KERNEL]), "several places"),
    "link to a file": (lambda f: f.__setitem__("more", h5py.ExternalLink("/etc/passwd", "/")), "link to elsewhere"),
    "link in the file": (lambda f: f.__setitem__("more", h5py.SoftLink("/vars")), "link to elsewhere"),
    "link to nothing": (lambda f: f.__setitem__("more", h5py.SoftLink("/nothing")), "link to elsewhere"),
    "escape in a name": (lambda f: f.__setitem__("\x1b[2J", h5py.SoftLink("/")), "x1b[2J"),
    "name that is no text": (lambda f: f.__setitem__(b"\xff\xfe", h5py.SoftLink("/")), WEIGHTS),
    "name without end": (lambda f: f.__setitem__("n" * 60_000, h5py.SoftLink("/")), "link to elsewhere"),
    "groups without end": (lambda f: f.create_group("/".join("g" * 3000)), WEIGHTS),
}  # fmt: skip


@pytest.mark.parametrize("case", WEIGHT_FILES)
def test_weights(case, parts, tmp_path):
    edit, word = WEIGHT_FILES[case]
    content = io.BytesIO(parts[WEIGHTS])
    with h5py.File(content, "r+") as file:
        edit(file)
    pack(tmp_path / "a.keras", {**parts, WEIGHTS: content.getvalue()})
    refused(tmp_path / "a.keras", word)


def test_what_keras_reads_of_damaged_weights_is_what_was_checked(parts):
    """HDF5 finds things in several ways, which need not agree in a damaged file; the copy that Keras gets is whole."""
    weights, opened = parts[WEIGHTS], 0
    for at in range(0, len(weights), 97):
        changed = weights[:at] + bytes([weights[at] ^ 1]) + weights[at + 1 :]
        with contextlib.suppress(ZooError), h5py.File(io.BytesIO(safety.clean_copy(changed))) as file:
            seen = []
            file.visititems(lambda name, item, seen=seen: seen.append(item))
            arrays = [item for item in seen if isinstance(item, h5py.Dataset)]
            assert sum(item.size for item in arrays) == safety.check_arrays(changed)
            opened += 1
    assert opened


@pytest.mark.parametrize("how", ["link", "storage", "virtual"])
def test_another_file_is_not_even_opened(how, parts, tmp_path):
    """Who opens a pipe that nobody writes to waits for ever."""
    if hasattr(os, "mkfifo"):  # Windows has no pipes among files
        os.mkfifo(tmp_path / "pipe")
    content = io.BytesIO(parts[WEIGHTS])
    with h5py.File(content, "r+") as file:
        del file[KERNEL]
        if how == "link":
            file[KERNEL] = h5py.ExternalLink("pipe", "/x")
        elif how == "storage":
            file.create_dataset(KERNEL, (192, 1), "f4", external=[("pipe", 0, 768)])
        else:
            layout = h5py.VirtualLayout((192, 1), "f4")
            layout[:] = h5py.VirtualSource("pipe", "x", (192, 1))
            file.create_virtual_dataset(KERNEL, layout)
    pack(tmp_path / "a.keras", {**parts, WEIGHTS: content.getvalue()})
    refused(tmp_path / "a.keras", KERNEL, "link to elsewhere" if how == "link" else "another file")


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000), zip_of(**{CONFIG: b"{}"})], ids=range(4))
def test_weights_that_are_no_hdf5(content, parts, tmp_path):
    pack(tmp_path / "a.keras", {**parts, WEIGHTS: content})
    refused(tmp_path / "a.keras", WEIGHTS)


def test_tampered_weights_are_found_by_their_hash(parts, tmp_path):
    write(tmp_path / "a.keras", {**parts, WEIGHTS: parts[WEIGHTS][:-1] + b"\1"}.items())
    refused(tmp_path / "a.keras", WEIGHTS, "SHA-256 differs")


def test_every_truncation_of_the_weights(parts, tmp_path):
    weights = parts[WEIGHTS]
    for length in range(0, len(weights) - 1, 997):
        pack(tmp_path / "a.keras", {**parts, WEIGHTS: weights[:length]})
        with pytest.raises(ZooError):
            zoo.load(tmp_path / "a.keras")


def test_what_is_checked_is_what_is_opened(parts, tmp_path, monkeypatch):
    """A file that is swapped between the checks and the opening does not get through them."""
    path, evil = tmp_path / "a.keras", tmp_path / "evil.keras"
    config = json.loads(parts[CONFIG])
    config["config"]["name"] = "evil"
    pack(path, parts)
    pack(evil, {**parts, CONFIG: json.dumps(config).encode()}, made_here=True)

    def swap(*arguments, real=safety.check_weights):
        real(*arguments)
        path.write_bytes(evil.read_bytes())

    assert zoo.load(evil).model.name == "evil"
    monkeypatch.setattr(safety, "check_weights", swap)
    with contextlib.suppress(ZooError):
        assert zoo.load(path).model.name == "logistic"
