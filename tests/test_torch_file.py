"""The reader of torch's files: equal to torch where torch is there, and no input makes it do anything else."""

import collections
import contextlib
import io
import os
import pickle
import pickletools
import struct
import zipfile

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.errors import ZooError
from zoo.weights.assign import assign, layer_name
from zoo.weights.torch_file import HEADER, parse

SYSTEM = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}, protocol=2)
START = HEADER + SYSTEM  # then come the table, the keys and the numbers


def text(word):
    return b"X" + struct.pack("<I", len(word.encode())) + word.encode()


def number(n):
    return b"\x88" if n is True else b"J" + struct.pack("<i", n)


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(key="1", kind=b"Float", count=6, offset=0, size=(2, 3), stride=(3, 1)):
    """The opcodes of one tensor."""
    storage = (
        b"(" + text("storage") + b"ctorch\n" + kind + b"Storage\n" + text(key) + text("cpu") + number(count) + b"NtQ"
    )
    hooks = b"\x89ccollections\nOrderedDict\n)R"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n("
    return call + storage + number(offset) + numbers(size) + numbers(stride) + hooks + b"tR"


def table(*named):
    """The pickle of a table of (name, opcodes)."""
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + b"".join(text(name) + ops for name, ops in named) + b"u."


def keys(*names):
    return b"\x80\x02](" + b"".join(map(text, names)) + b"e."


def contents(values, dtype="<f4"):
    values = np.asarray(values, dtype)
    return struct.pack("<q", values.size) + values.tobytes()


NUMBERS = contents(range(6))
ONE_TENSOR = table(("w", tensor()))
LEGAL = (
    HEADER
    + SYSTEM
    + table(
        ("w", tensor()), ("w_turned", tensor(size=(3, 2), stride=(1, 3))), ("n", tensor("2", b"Long", 1, 0, (), ()))
    )
    + keys("2", "1")
    + contents([7], "<i8")
    + NUMBERS
)


def archive(table, compression=zipfile.ZIP_STORED, byteorder=b"little", **storages):
    """A zip file of torch's, with the numbers of each storage."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as writer:
        members = {"data.pkl": table, "byteorder": byteorder, "version": b"3\n"}
        for name, content in {**members, **{f"data/{key}": values for key, values in storages.items()}}.items():
            writer.writestr(f"model/{name}", content)
    return file.getvalue()


SIX = np.arange(6, dtype="<f4").tobytes()
LEGAL_TABLE = LEGAL[len(START) : LEGAL.index(keys("2", "1"))]
LEGAL_ZIP = archive(LEGAL_TABLE, **{"1": SIX, "2": struct.pack("<q", 7)})


@pytest.mark.parametrize("data", [LEGAL, LEGAL_ZIP], ids=["legacy", "zip"])
def test_tensors_are_read_in_order_with_their_strides(data):
    arrays = parse(data)
    assert list(arrays) == ["w", "w_turned", "n"]
    np.testing.assert_array_equal(arrays["w"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(arrays["w_turned"], [[0, 3], [1, 4], [2, 5]])
    assert arrays["n"] == 7 and arrays["n"].dtype == np.int64 and arrays["n"].shape == ()
    assert not any(array.flags.writeable for array in arrays.values())


@pytest.mark.parametrize("new", [False, True])
def test_equal_to_torch(new, tmp_path):
    torch = pytest.importorskip("torch", reason="compares with torch itself")
    base = torch.arange(120).reshape(2, 3, 4, 5)
    saved = collections.OrderedDict(
        float=base.float(),
        transposed=base.float().permute(3, 1, 0, 2),
        sliced=base.double()[1:, ::2, 1:3],
        half=base.half()[0],
        long=base[1, 2],
        int=base.int()[..., 3],
        short=base.short(),
        char=base.to(torch.int8),
        byte=base.to(torch.uint8)[0, 0],
        scalar=torch.tensor(3.5),
    )
    saved["shared"] = saved["float"][1]  # two tensors in one storage
    torch.save(saved, tmp_path / "t.pth", _use_new_zipfile_serialization=new)
    arrays = parse((tmp_path / "t.pth").read_bytes())
    expected = torch.load(tmp_path / "t.pth", weights_only=True)
    assert list(arrays) == list(expected)
    for name, value in expected.items():
        assert arrays[name].dtype == value.numpy().dtype
        np.testing.assert_array_equal(arrays[name], value.numpy(), err_msg=name)


def test_module_saved_by_torch(tmp_path):
    torch = pytest.importorskip("torch", reason="compares with torch itself")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))  # its table has `_metadata`
    torch.save(module.state_dict(), tmp_path / "m.pth", _use_new_zipfile_serialization=False)
    arrays = parse((tmp_path / "m.pth").read_bytes())
    assert {name: value.shape for name, value in arrays.items()} == {
        name: tuple(value.shape) for name, value in module.state_dict().items()
    }


class Evil:
    def __reduce__(self):
        return os.system, ("echo harm > harm.txt",)


EVIL = pickle.dumps(Evil(), protocol=2)


def laughs(depth=200):
    """Tuples of twice the tuple before: 2**200 leaves for whoever walks them."""
    return b"\x80\x02)" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(depth)) + b"."


HOSTILE = {
    "empty": (b"", "not a torch file"),
    "no whole zip": (b"PK\x03\x04" + bytes(100), "cut short or damaged"),
    "zip of something else": (archive(ONE_TENSOR).replace(b"data.pkl", b"date.pkl"), "no torch file"),
    "zip with a call": (archive(EVIL, **{"1": SIX}), "system"),
    "zip with a call in metadata": (archive(table(("w", EVIL[2:-1])), **{"1": SIX}), "system"),
    "zip without the numbers": (archive(ONE_TENSOR), "cut short or damaged"),
    "zip with fewer numbers": (archive(ONE_TENSOR, **{"1": SIX[:-4]}), "cut short or damaged in storage '1'"),
    "zip with other numbers": (LEGAL_ZIP.replace(SIX, SIX[::-1]), "cut short or damaged"),
    "zip that is compressed": (archive(ONE_TENSOR, zipfile.ZIP_DEFLATED, **{"1": bytes(10**6)}), "more room than"),
    "zip, big-endian": (archive(ONE_TENSOR, byteorder=b"big", **{"1": SIX}), "little-endian"),
    "zip of no table": (archive(b"\x80\x02K\x01."), "flat table"),
    "zip with a tensor outside": (archive(table(("w", tensor(offset=1))), **{"1": SIX}), "'w'"),
    "call of os.system": (START + EVIL, "system"),
    "call before the table": (HEADER + EVIL, "system"),
    "call after the table": (START + ONE_TENSOR + EVIL, "system"),
    "call hidden in metadata": (START + table(("w", EVIL[2:-1])), "system"),
    "newer protocol": (START + pickle.dumps(Evil(), protocol=4), "FRAME"),
    "eval": (START + b"\x80\x02cbuiltins\neval\n" + text("1") + b"\x85R.", "builtins eval"),
    "class of the standard library": (START + pickle.dumps(collections.Counter(), protocol=2), "Counter"),
    "instance": (START + b"(ios\nsystem\n.", "INST"),
    "new object": (START + b"\x80\x02ccollections\nOrderedDict\n)\x81.", "NEWOBJ"),
    "extension": (START + b"\x80\x02\x82\x01.", "EXT1"),
    "storage called": (START + b"\x80\x02ctorch\nFloatStorage\n)R.", "calls something"),
    "storage of another kind": (START + table(("w", tensor(kind=b"BFloat16"))), "BFloat16Storage"),
    "one key, two kinds": (START + table(("a", tensor()), ("b", tensor(kind=b"Long"))), "points at"),
    "nested table": (START + table(("w", b"}")) + keys(), "flat table"),
    "not a table": (START + b"\x80\x02K\x01." + keys(), "flat table"),
    "tuples without end": (START + laughs() + keys(), "flat table"),
    "key that is a number": (START + b"\x80\x02}(K\x01K\x01u." + keys(), "named entries"),
    "list in the dict's place": (START + b"\x80\x02](K\x01K\x01u." + keys(), "named entries"),
    "append to a dict": (START + b"\x80\x02}(K\x01e." + keys(), "no list"),
    "odd number of items": (START + b"\x80\x02}(" + text("w") + b"u." + keys(), "damaged"),
    "unknown memo": (START + b"\x80\x02h\x07.", "damaged"),
    "mark left open": (START + b"\x80\x02(K\x01.", "single value"),
    "big-endian": (HEADER + SYSTEM.replace(b"\x88", b"\x89") + ONE_TENSOR + keys("1") + NUMBERS, "little-endian"),
    "unlisted storage": (START + ONE_TENSOR + keys() + NUMBERS, "lists"),
    "storage listed twice": (START + ONE_TENSOR + keys("1", "1") + NUMBERS * 2, "lists"),
    "unused storage": (START + ONE_TENSOR + keys("1", "2") + NUMBERS * 2, "lists"),
    "another count": (START + ONE_TENSOR + keys("1") + contents(range(7)), "cut short"),
    "bytes at the end": (START + ONE_TENSOR + keys("1") + NUMBERS + b"\0", "1 bytes follow"),
}
for count in (2**31 - 1, -6):
    data = START + table(("w", tensor(count=count))) + keys("1") + struct.pack("<q", count) + bytes(24)
    HOSTILE[f"count of {count}"] = (data, "cut short")
OUTSIDE = {
    "offset": {"offset": 1},
    "negative offset": {"offset": -1},
    "stride": {"stride": (4, 1)},
    "negative stride": {"offset": 5, "stride": (-3, -1)},
    "size": {"size": (3, 3)},
    "negative size": {"size": (-2, -3)},
    "empty": {"size": (0, 2**31 - 1)},
    "truth for a number": {"size": (2, True)},
    "repeated without end": {"size": (2**31 - 1, 2**31 - 1), "stride": (0, 0)},
    "too few strides": {"stride": (1,)},
    "too many dimensions": {"size": (1,) * 65, "stride": (1,) * 65},
}
HOSTILE |= {
    f"tensor outside: {case}": (START + table(("w", tensor(**change))) + keys("1") + NUMBERS, "'w'")
    for case, change in OUTSIDE.items()
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_a_sentence(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, word = HOSTILE[case]
    with pytest.raises(ZooError, match=word):
        parse(data)
    assert not list(tmp_path.iterdir())


NEEDED = """
    PROTO STOP NONE NEWTRUE NEWFALSE BINUNICODE BININT BININT1 BININT2 EMPTY_DICT EMPTY_LIST EMPTY_TUPLE BINPUT
    LONG_BINPUT BINGET LONG_BINGET MARK TUPLE TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS SETITEM SETITEMS GLOBAL REDUCE BUILD
    BINPERSID
""".split()  # noqa: SIM905 a list of words
LINES = {"decimalnl_short": b"7", "decimalnl_long": b"7L", "stringnl": b"'a'", "floatnl": b"1.5"}  # other lines: text


def with_argument(opcode):
    """An opcode as bytes, with an argument of its form."""
    code, form = opcode.code.encode("latin-1"), opcode.arg
    if form is None:
        return code
    if form.name == "stringnl_noescape_pair":
        return code + b"os\nsystem\n"
    if "nl" in form.name:
        return code + LINES.get(form.name, b"text") + b"\n"
    if form.n < 0:  # its length comes first, in as many bytes as the form's name says
        return code + (2).to_bytes(int(form.name[-1]), "little") + b"ab"
    return code + bytes(form.n)


OPCODES = {opcode.name: opcode for opcode in pickletools.opcodes}


@pytest.mark.parametrize("name", sorted(OPCODES.keys() - {*NEEDED}))
@pytest.mark.parametrize("before", [b"", b"K\1", b"K\1K\1", b"((K\1", b"](", b"}K\1"], ids=repr)
def test_every_opcode_that_tables_of_tensors_do_not_need_is_refused(name, before, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for pickles in (b"", SYSTEM, SYSTEM + ONE_TENSOR):  # in the place of any of the three
        with pytest.raises(ZooError, match=f"opcode {name};"):
            parse(HEADER + pickles + b"\x80\x02" + before + with_argument(OPCODES[name]) + b"." + NUMBERS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NEEDED)
def test_the_needed_opcodes_alone_build_nothing_else(name):
    """A pickle of one of them and plain values is refused, or is the table without any tensor."""
    for before in (b"", b"K\1", b"K\1K\1K\1", b"((K\1", b"](", b"}K\1K\1", b"ctorch\nFloatStorage\n)"):
        with contextlib.suppress(ZooError):
            assert parse(START + b"\x80\x02" + before + with_argument(OPCODES[name]) + b"." + keys()) == {}


@pytest.mark.parametrize(
    "name",
    ["os system", "builtins exec", "torch.storage _load_from_bytes", "torch.jit _load", "collections OrderedDict\r",
     "a b c", "torch FloatStorage ", "torch.nn.modules.linear Linear", "numpy.core.multiarray _reconstruct",
     "x" * 10**6 + " y"],
    ids=lambda name: ascii(name[:20]),
)  # fmt: skip
def test_every_name_but_the_known_ones_is_refused(name):
    module, _, function = name.partition(" ")
    asked = f"c{module}\n{function}\n".encode() + b")R."
    with pytest.raises(ZooError, match="only tensors are read") as error:
        parse(START + b"\x80\x02" + asked)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    "data",
    [START + b"\x80\x02I" + b"9" * 10**5 + b"\n.", START + b"\x80\x02c\xff\n\xff\n.",
     START + table(("n" * 10**6, tensor(offset=9))) + keys("1") + NUMBERS,
     START + table(("w", tensor("k" * 10**6))) + keys("k" * 10**6) + contents(range(7)),
     START + table(("\x1b[2J", tensor(offset=9))) + keys("1") + NUMBERS],
    ids=["digits", "no text", "long name", "long key", "escape"],
)  # fmt: skip
def test_a_files_own_words_are_cut_and_escaped_in_messages(data):
    with pytest.raises(ZooError) as error:
        parse(data)
    assert len(str(error.value)) < 300 and str(error.value).isprintable()


def test_lists_and_tuples_of_one_another_take_no_time():
    """A hundred levels, each the one above it twice or itself."""
    doubled = b"]q\0" + b"".join(b"(h\0h\0e" for _ in range(1000))
    for ops in (doubled, b"}q\0" + text("a") + b"h\0s", b"(" * 10**5, b"]" * 10**5, b"K\1" + b"\x85" * 10**5):
        with pytest.raises(ZooError):
            parse(START + b"\x80\x02" + ops + b"." + keys())


@pytest.mark.parametrize("data", [LEGAL, LEGAL_ZIP], ids=["legacy", "zip"])
def test_every_truncation_is_refused(data):
    for length in range(len(data)):
        with pytest.raises(ZooError):
            parse(data[:length])


@settings(max_examples=400, deadline=None, database=None)
@given(
    st.sampled_from([LEGAL, LEGAL_ZIP]),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_flipped_bytes_give_arrays_or_a_sentence(whole, flips):
    data = bytearray(whole)
    for position, change in flips:
        data[position % len(data)] ^= change
    try:
        found = parse(bytes(data))
    except ZooError:
        return
    assert all(isinstance(name, str) and len(array.tobytes()) == array.nbytes for name, array in found.items())


def small_model():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((5, 5, 2)),
            layers.Conv2D(4, 3, use_bias=False, name=layer_name("_blocks.0._conv")),
            layers.BatchNormalization(name="bn"),
            layers.DepthwiseConv2D(3, name="depthwise"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, name="head"),
        ],
        name="small",
    )


def small_tensors():
    shapes = {
        "_blocks.0._conv.weight": (4, 2, 3, 3),
        "bn.weight": (4,),
        "bn.bias": (4,),
        "bn.running_mean": (4,),
        "bn.running_var": (4,),
        "bn.num_batches_tracked": (),
        "depthwise.weight": (4, 1, 3, 3),
        "depthwise.bias": (4,),
        "_fc.weight": (3, 4),
        "_fc.bias": (3,),
    }
    rng = np.random.default_rng(0)
    return {name: rng.uniform(1, 2, shape).astype("float32") for name, shape in shapes.items()}


def test_assign_fills_every_variable():
    model, tensors = small_model(), small_tensors()
    assign(model, tensors, {"_fc": "head"})
    expected = [
        tensors["_blocks.0._conv.weight"].transpose(2, 3, 1, 0),
        *(tensors[f"bn.{kind}"] for kind in ("weight", "bias", "running_mean", "running_var")),
        tensors["depthwise.weight"].transpose(2, 3, 0, 1),
        tensors["depthwise.bias"],
        tensors["_fc.weight"].T,
        tensors["_fc.bias"],
    ]
    for value, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(value, wanted)


def test_assign_shows_all_that_differs_and_changes_nothing():
    model, tensors = small_model(), small_tensors()
    before = model.get_weights()
    del tensors["bn.bias"]
    tensors["_fc.weight"] = np.zeros((7, 4), "float32")
    tensors["squeeze.weight"] = tensors["bn_.running_mean"] = np.zeros(4, "float32")
    with pytest.raises(ZooError) as error:
        assign(model, tensors, {"_fc": "head"})
    lines = str(error.value).splitlines()
    assert lines[1] == "  missing from the file: bn/beta"
    assert lines[2] == "  not used from the file: squeeze.weight, bn_.running_mean"
    assert lines[3] == "  of another shape: head/kernel is (4, 3), in the file (4, 7)"
    for value, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)
