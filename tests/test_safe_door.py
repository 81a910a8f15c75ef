"""The safe door, tried from outside: no file, odd file, bomb, hostile part; each is refused in a sentence.

Cases that `test_saving.py` has are not repeated. What is fuzzed, and how: `fuzz.py`.
"""

import contextlib
import copy
import hashlib
import io
import json
import os
import socket
import struct
import threading
import time
import tracemalloc
import warnings
import zipfile
import zlib

import h5py
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.backend import keras
from zoo.errors import ZooError

CONFIG, WEIGHTS, RECORD = "config.json", "model.weights.h5", "zoo.json"
PATIENCE = 20  # seconds that no refusal takes
ROOM = 100 * 2**20  # bytes that no refusal of a small file takes


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
def apart(tmp_path, monkeypatch):
    """Nothing is remembered, and whatever a file names relatively is not there."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def opened(path):
    """All that is done with a file before its model is used."""
    record = zoo.show(path)
    print(record, json.dumps(record.to_json()))
    return zoo.load(path).model


def refused(path, *words, by=opened):
    """The file is refused: soon, in little memory, in a sentence that can be printed and has these words."""
    begin = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(ZooError) as caught:
            by(path)
        room = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert time.monotonic() - begin < PATIENCE and room < ROOM
    assert all(word in message for word in words), message
    assert 10 < len(message) < 4000 and message.replace("\n", "").isprintable()


def opens_or_refused(path):
    with contextlib.suppress(ZooError):
        opened(path)


def pack(path, parts):
    """Write members as a file of the zoo's, with the hashes that fit."""
    record = json.loads(parts[RECORD])
    record["members"] = {name: hashlib.sha256(parts[name]).hexdigest() for name in record["members"]}
    write(path, {**parts, RECORD: json.dumps(record).encode()}.items())


def write(path, members, kind=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", kind) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in members:
            archive.writestr(name, content)


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


def zip_of(**members):
    file = io.BytesIO()
    write(file, members.items())
    return file.getvalue()


FILES = {
    "of no bytes": b"",
    "of one byte": b"P",
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
    refused(tmp_path / "a.keras", "a.keras")


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
    refused(tmp_path / "a.keras", "a.keras")


@pytest.mark.parametrize("name", ["n" * 300 + ".keras", "a\0b.keras", "no/such/folder/a.keras", ".keras"])
def test_names_that_no_file_has(name):
    refused(name)


def test_a_link_to_a_good_file_opens(saved, tmp_path):
    (tmp_path / "a.keras").symlink_to(saved)
    assert opened(tmp_path / "a.keras").count_params() == 193


# The archive


NAMES = [
    "../evil", "..\\evil", "C:\\evil", "~/evil", "/evil", "./config.json", "a/../config.json", "CONFIG.JSON",
    "config.json/", "assets/x", "model.weights.npz", "_variables.h5", "\x1b[2J", "n" * 60_000, "é", "evil.py\0.json",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:20]))
def test_members_of_other_names(name, parts, tmp_path):
    write(tmp_path / "a.keras", [*parts.items(), (name, b"evil")])
    refused(tmp_path / "a.keras", "members")
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
    refused(tmp_path / "a.keras", "a.keras")


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


def test_an_archive_in_the_place_of_weights(saved, parts, tmp_path):
    pack(tmp_path / "a.keras", {**parts, WEIGHTS: saved.read_bytes()})
    refused(tmp_path / "a.keras", WEIGHTS)


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
            assert str(path) in str(error) and len(str(error)) < 4000 and str(error).replace("\n", "").isprintable()


HASHES = {
    "null": None, "number": 3, "list": ["a"], "object": {}, "another": "0" * 64, "shorter": "ab", "long": "a" * 10**6,
}  # fmt: skip


@pytest.mark.parametrize("case", HASHES)
def test_hashes_that_are_none(case, parts, tmp_path):
    record = json.loads(parts[RECORD])
    record["members"][CONFIG] = HASHES[case]
    write(tmp_path / "a.keras", {**parts, RECORD: json.dumps(record).encode()}.items())
    refused(tmp_path / "a.keras", "SHA-256 differs")


def test_hashes_of_what_is_not_there(parts, tmp_path):
    record = json.loads(parts[RECORD])
    record["members"] |= {"\x1b[2J" * 9: "", "../evil": ""}
    write(tmp_path / "a.keras", {**parts, RECORD: json.dumps(record).encode()}.items())
    refused(tmp_path / "a.keras", "'../evil'")


def test_one_label_for_a_model_of_two_classes(parts, tmp_path):
    record = json.loads(parts[RECORD])
    write(tmp_path / "a.keras", {**parts, RECORD: json.dumps({**record, "labels": ["cat"]}).encode()}.items())
    refused(tmp_path / "a.keras", "does not fit")


def test_versions_that_are_none_are_no_second_error(parts, tmp_path):
    config = json.loads(parts[CONFIG])
    config["config"]["layers"][-1]["config"]["units"] = -5
    record = {**json.loads(parts[RECORD]), "versions": ["3.15"]}
    pack(tmp_path / "a.keras", {**parts, CONFIG: json.dumps(config).encode(), RECORD: json.dumps(record).encode()})
    refused(tmp_path / "a.keras")


JSON = {
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
    refused(tmp_path / "a.keras", "a.keras")


# The configuration


def named(class_name, module="keras.layers", registered_name=None, config=None, **more):
    config = {"name": "x"} if config is None else config
    return {"module": module, "class_name": class_name, "registered_name": registered_name, "config": config, **more}


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


@pytest.mark.parametrize("units", [2 * 10**6, 10**9])
def test_a_configuration_of_more_numbers_than_the_weights_hold(units, parts, tmp_path):
    """Twenty kilobytes that ask for gigabytes: nothing is built before its size is known."""
    config = json.loads(parts[CONFIG])
    config["config"]["layers"][-1]["config"]["units"] = units
    pack(tmp_path / "a.keras", {**parts, CONFIG: json.dumps(config).encode()})
    refused(tmp_path / "a.keras", "numbers", f"{193 * units:,}")
    with keras.StatelessScope():  # at its end Keras makes room for all that is still on its list
        pass


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
    "no kernel but a type": (lambda f: [f.pop(KERNEL), f.__setitem__(KERNEL, np.dtype("f4"))], "only numbers"),
    "type beside the numbers": (lambda f: f.__setitem__("t", np.dtype("f4")), "only numbers"),
    "nothing": (put(data=h5py.Empty("f4")), "only numbers"),
    "opaque": (put((192, 1), "V4"), "only numbers"),
    "complex": (put((192, 1), "c8"), "only numbers"),
    "arrays": (put((192,), "(1,)f4"), "only numbers"),
    "lists of any length": (compressed_lists, "only numbers"),
    "references to regions": (put((1,), h5py.regionref_dtype), "only numbers"),
    "text without end": (put((1,), h5py.string_dtype()), "only numbers"),
    "time": (put_type(h5py.h5t.UNIX_D32LE), WEIGHTS),
    "a float of nobody's": (put_type(odd_float()), WEIGHTS),
    "more than is there": (put((2**40, 2**20), "f4"), "declares more numbers"),
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


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes among files")
@pytest.mark.parametrize("how", ["link", "storage", "virtual"])
def test_another_file_is_not_even_opened(how, parts, tmp_path):
    """Who opens a pipe that nobody writes to waits for ever."""
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
    refused(tmp_path / "a.keras", KERNEL)


def test_every_truncation_of_the_weights(parts, tmp_path):
    weights = parts[WEIGHTS]
    for length in range(0, len(weights) - 1, 997):
        pack(tmp_path / "a.keras", {**parts, WEIGHTS: weights[:length]})
        with pytest.raises(ZooError):
            zoo.load(tmp_path / "a.keras")
