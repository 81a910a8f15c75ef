"""What `fuzz.py` feeds to the readers: valid seeds of every format, and changes that know the format."""

import base64
import contextlib
import hashlib
import io
import json
import os
import pickle
import pickletools
import socket
import struct
import tempfile
import warnings
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

CANARY = "canary"  # a pipe in the working folder: whoever opens it waits, and is found to hang
INTEGERS = [0, 1, 2, 7, 8, 127, 255, 256, -1]
INTEGERS += [2**bits - less for bits in (15, 16, 24, 31, 32, 63) for less in (0, 1)]

# Words that some format gives a meaning to
WORDS = """
    keras.layers keras keras.src.models.functional keras.initializers keras.src.ops.numpy keras.activations builtins
    os system zoo.models.logistic zoo.saving __lambda__ function Lambda TFSMLayer Dense Functional Sequential Model Add
    Reshape InputLayer Rescaling Flatten Embedding RNN GRU Conv2D Softmax Activation __tensor__ __numpy__ __tuple__
    __keras_tensor__ __typespec__ DTypePolicy SeedGenerator registered_name module class_name config build_config
    compile_config inbound_nodes layers name dtype float32 float16 bfloat16 int64 uint8 str V8 O f8 head pixels relu
    classification task efficientnet_lite0 logistic ../../evil /etc/passwd zoo.json config.json metadata.json
    model.weights.h5 members zlib inputs outputs shape tolerance selftest labels preprocessing size crop channels
    center_crop bicubic units versions
""".split()  # noqa: SIM905
ODD = ["", "\0", "\x1b[31mred\x1b[0m", "\ud800", "\u202e", "a" * 9000, "9" * 5000, "a\nb", "é", "-1", "nan"]
NUMBERS = [0, 1, -1, 2, 3, 48, 1.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**30, 10**400, True, None]


# Bytes


def integer(draw) -> bytes:
    """A number that programs trip over, or any other."""
    size = draw.choice([1, 2, 4, 8])
    value = draw.choice(INTEGERS) if draw.random() < 0.7 else draw.getrandbits(64)
    return (value % 256**size).to_bytes(size, draw.choice(["little", "big"]))


def damaged(data: bytes, draw, others=()) -> bytes:
    """One change to bytes of no known structure; `others` are files to splice in."""
    at = draw.randrange(len(data) + 1)
    end = min(len(data), at + draw.choice([1, 2, 4, 8, 40, 400]))
    match draw.randrange(7):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[end:]
        case 2:
            return data[:at] + data[at:end] * draw.choice([2, 3, 50]) + data[end:]
        case 3:
            new = integer(draw)
            return data[:at] + new + data[at + len(new) :]
        case 4:
            return data[:at] + integer(draw) + data[at:]
        case 5 if others:
            other = draw.choice(others)
            return data[:at] + other[draw.randrange(len(other) + 1) :]
    flipped = bytearray(data)
    for _ in range(draw.choice([1, 1, 3, 20]) if data else 0):
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
    return bytes(flipped)


# JSON


def lambda_code() -> str:
    return base64.b64encode(b"\xe3" + bytes(40)).decode()


def invented(draw):
    """A value that may stand anywhere in a record or a configuration."""
    match draw.randrange(8):
        case 0 | 1:
            return draw.choice(NUMBERS)
        case 2:
            return draw.choice(WORDS)
        case 3:
            return draw.choice(ODD)
        case 4:
            return draw.choice([[], {}, [[]], [0], [None, 4, 4, 3], ["a", "b"], {"": 0}, [1] * 2000])
        case 5:
            deep = 1
            for _ in range(draw.choice([2, 50, 400])):
                deep = {"config": [deep]}
            return deep
        case 6:
            name, module = draw.choice(WORDS), draw.choice([None, "keras.layers", draw.choice(WORDS), [], {}])
            config = draw.choice([{}, None, {"name": "x"}, draw.choice(WORDS), [], {"value": lambda_code()}])
            registered = draw.choice([None, name, "Custom>" + name, draw.choice(WORDS), 3])
            return {"module": module, "class_name": name, "config": config, "registered_name": registered}
    code = {"module": "builtins", "class_name": "__lambda__", "config": {"value": lambda_code()}}
    return draw.choice([code, {"module": "keras.layers", "class_name": "Lambda", "config": {"function": code}}])


def places(tree) -> list[tuple]:
    """All (container, key) of a JSON tree."""
    found, pending = [], [tree]
    while pending:
        value = pending.pop()
        inner = list(value.items() if isinstance(value, dict) else enumerate(value))
        found += [(value, key) for key, _ in inner]
        pending += [item for _, item in inner if isinstance(item, dict | list)]
    return found


def changed_tree(tree, draw, invent=invented):
    """A JSON tree after one change, made in place."""
    found = places(tree) if isinstance(tree, dict | list) else []
    if not found:
        return [invent(draw)]
    (holder, key), (donor, part) = draw.choice(found), draw.choice(found)
    match draw.randrange(6):
        case 0:
            del holder[key]
        case 1:
            holder[key] = json.loads(json.dumps(donor[part]))
        case 2 if isinstance(holder, dict):
            holder[draw.choice([*WORDS, *ODD])] = holder.pop(key)
        case 3 if isinstance(holder, list):
            holder.insert(key, json.loads(json.dumps(donor[part])))
        case 4 if isinstance(holder[key], int):
            holder[key] += draw.choice([1, -1, 10, 1000])
        case _:
            holder[key] = invent(draw)
    return tree


def changed_json(text: bytes, draw, invent=invented) -> bytes:
    with contextlib.suppress(ValueError, RecursionError):
        return json.dumps(changed_tree(json.loads(text), draw, invent)).encode()
    return damaged(text, draw)


# HDF5


def seed_weights() -> bytes:
    """The weights of a small classifier, as Keras stores them."""
    file = io.BytesIO()
    with h5py.File(file, "w") as weights:
        for name in ("input_layer", "rescaling", "flatten", "dense"):
            weights.create_group(f"layers/{name}/vars").attrs["name"] = name
        weights["layers/dense/vars/0"] = np.zeros((48, 1), "f4")
        weights["layers/dense/vars/1"] = np.zeros(1, "f4")
        weights.create_group("vars")
    return file.getvalue()


def changed_weights(draw) -> bytes:
    """The seed's weights after some changes that h5py can make."""
    file = io.BytesIO(seed_weights())
    with h5py.File(file, "r+") as weights, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(draw.choice([1, 1, 2, 5])):
            with contextlib.suppress(Exception):  # h5py has limits too
                groups, names = below(weights)
                group = draw.choice(groups)
                name = draw.choice([*group, "0", "x", "vars", "a\nb", "\x1b[0m", "n" * 3000, "é"])
                if name in group and draw.random() < 0.8:
                    del group[name]
                draw.choice(WEIGHT_CHANGES)(weights, group, name, names, draw)
    return file.getvalue()


def below(weights) -> tuple[list, list[str]]:
    """Groups and names in a file; not all of them, because there may be no end."""
    groups, names = [], ["/"]
    for name in names:
        with contextlib.suppress(Exception):
            if isinstance(weights[name], h5py.Group):
                groups.append(weights[name])
                if name.count("/") < 5 and len(names) < 99:
                    names += [f"{name.rstrip('/')}/{key}" for key in weights[name]]
    return groups, names


def put(*kinds, shapes=((48, 1),), **options):
    def change(weights, group, name, names, draw):
        group.create_dataset(name, draw.choice(shapes), draw.choice(kinds), **options)

    return change


def put_low_level(weights, group, name, names, draw):
    """Types that NumPy has no name for."""
    odd_float = h5py.h5t.IEEE_F64LE.copy()
    odd_float.set_fields(*draw.choice([(63, 52, 11, 0, 52), (60, 50, 10, 0, 50), (63, 30, 33, 0, 30)]))
    kinds = [h5py.h5t.STD_B8LE, h5py.h5t.UNIX_D32LE, h5py.h5t.C_S1, h5py.h5t.STD_REF_OBJ, odd_float]
    h5py.h5d.create(group.id, name.encode(), draw.choice(kinds), h5py.h5s.create_simple((2,)))


def put_virtual(weights, group, name, names, draw):
    layout = h5py.VirtualLayout((48, 1), "f4")
    layout[:] = h5py.VirtualSource(CANARY, "x", (48, 1))
    group.create_virtual_dataset(name, layout)


def put_doubled(weights, group, name, names, draw):
    """Each group is in the one above it twice: 2**60 ways down."""
    group = group.create_group(name)
    for _ in range(60):
        below = group.create_group("a")
        group["b"] = below
        group = below


def put_attribute(weights, group, name, names, draw):
    values = ["bfloat16", "head", 3, np.zeros(5000), h5py.Empty("f4"), weights.ref, "\0", "é" * 900]
    weights[draw.choice(names)].attrs[draw.choice(["name", "dtype", "x"])] = draw.choice(values)


NUMERIC = ["f4", "f8", "f2", "i1", "u8", "?", "f16"]
OTHERS = ["c8", "S3", "V5", "(3,)f4", [("a", "f4")], h5py.string_dtype(), h5py.ref_dtype, h5py.regionref_dtype]
OTHERS += [h5py.vlen_dtype("f4"), h5py.enum_dtype({"a": 1})]
SHAPES = [(), (0,), (1,), (48, 1), (7, 7), (4000, 0), (1,) * 32]
WEIGHT_CHANGES = [
    put_low_level,
    put_virtual,
    put_doubled,
    put_attribute,
    put(*NUMERIC, shapes=SHAPES),
    put(*OTHERS, shapes=SHAPES),
    put(*NUMERIC, *OTHERS, shapes=[(2**40, 2**20), (2**62,), (4000, 1)]),
    put("f4", chunks=(1, 1), maxshape=(None, 1)),
    put("f4", chunks=(48, 1), compression="gzip", fletcher32=True),
    put("f4", external=[(CANARY, 0, 192)]),
    lambda weights, group, name, names, draw: group.create_dataset(name, data=h5py.Empty(draw.choice(NUMERIC))),
    lambda weights, group, name, names, draw: group.__setitem__(name, np.dtype(draw.choice(["f4", "S3"]))),
    lambda weights, group, name, names, draw: group.__setitem__(name, h5py.ExternalLink(CANARY, "/x")),
    lambda weights, group, name, names, draw: group.__setitem__(name, h5py.SoftLink(draw.choice(["/", "/x", name]))),
    lambda weights, group, name, names, draw: group.__setitem__(name, weights[draw.choice(names)]),
    lambda weights, group, name, names, draw: group.create_group("/".join("g" * draw.choice([1, 300, 3000]))),
    lambda weights, group, name, names, draw: group.pop(draw.choice([*group])),
]


# .keras files


def pack(members: dict[str, bytes]) -> bytes:
    """An archive of the zoo's with the hashes that fit, where its record is one."""
    with contextlib.suppress(ValueError, RecursionError, KeyError, TypeError):
        record = json.loads(members["zoo.json"])
        for name in record["members"]:
            record["members"][name] = hashlib.sha256(members[name]).hexdigest()
        members = {**members, "zoo.json": json.dumps(record).encode()}
    return pack_raw([*members.items()])


def pack_raw(members, kinds=(zipfile.ZIP_STORED,), draw=None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content, draw.choice(kinds) if draw else kinds[0])
    return file.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    with contextlib.suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if all(info.compress_type == zipfile.ZIP_STORED for info in infos):  # nothing unpacks to more than there is
            return {info.filename: archive.read(info) for info in infos}
    return {}


def mutate_archive(data: bytes, draw) -> bytes:
    """One change to an archive as an archive; its hashes are left alone."""
    members = [*unpack(data).items()]
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    match draw.randrange(6) if members else 5:
        case 0:
            name = draw.choice(
                ["evil.py", "../evil", "/evil", "assets/", "zoo.json", "\0", "a" * 60000, members[0][0]]
            )
            members.insert(draw.randrange(len(members) + 1), (name, draw.choice([b"", bytes(1000)])))
            return pack_raw(members)
        case 1:
            return pack_raw(members, kinds, draw)
        case 2:
            return damaged(pack_raw(members, kinds, draw), draw)
        case 3:
            del members[draw.randrange(len(members))]
            return pack_raw(members)
        case 4:  # a field of one of the headers
            kind = draw.choice([b"PK\1\2", b"PK\3\4", b"PK\5\6"])
            at = max(0, data.rfind(kind, 0, draw.randrange(len(data) + 1))) + draw.randrange(4, 46)
            new = integer(draw)
            return data[:at] + new + data[at + len(new) :]
    return damaged(data, draw)


SIZED = {  # layers that make much of little, by the argument that says how much
    "UpSampling2D": "size", "ZeroPadding2D": "padding", "MaxPooling2D": "pool_size", "Cropping2D": "cropping",
    "AveragePooling2D": "strides", "Resizing": "height", "Reshape": "target_shape", "CenterCrop": "width",
}  # fmt: skip


def with_layer(text: bytes, draw) -> bytes:
    """A configuration with one layer more, of some size, behind one of the pictures' layers."""
    config = json.loads(text)
    layers = config["config"]["layers"]
    at = draw.randrange(1, len(layers) - 1)
    kind = draw.choice([*SIZED])
    shape = layers[at]["inbound_nodes"][0]["args"][0]["config"]["shape"]
    value = draw.choice([*NUMBERS, *INTEGERS, [2, 2], [7, 4096], [2**14, 2**14], 512])
    sizes = {"height": 4, "width": 4} if kind in ("Resizing", "CenterCrop") else {}
    before = layers[at - 1]["config"]["name"]
    layers.insert(at, layer(kind, f"x{len(layers)}", before, shape, **sizes | {SIZED[kind]: value}))
    for node in layers[at + 1]["inbound_nodes"]:
        node["args"][0]["config"]["keras_history"][0] = layers[at]["name"]
    return json.dumps(config).encode()


def mutate_keras(data: bytes, draw) -> bytes:
    members = unpack(data)
    name = draw.choice(["zoo.json", "zoo.json", "config.json", "config.json", "model.weights.h5"])
    if name not in members or draw.random() < 0.15:
        return mutate_archive(data, draw)
    if name.endswith("h5"):
        members[name] = changed_weights(draw) if draw.random() < 0.6 else damaged(members[name], draw)
    elif draw.random() < 0.1:
        members[name] = damaged(members[name], draw)
    elif name == "config.json" and draw.random() < 0.4:
        with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
            members[name] = with_layer(members[name], draw)
    else:
        members[name] = changed_json(members[name], draw)
    return pack(members)


def layer(kind, name, before=None, shape=None, **config) -> dict:
    """One layer of a functional model, as Keras writes it."""
    tensor = {"shape": shape, "dtype": "float32", "keras_history": [before, 0, 0]}
    node = {"args": [{"class_name": "__keras_tensor__", "config": tensor}], "kwargs": {}}
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [] if before is None else [node],
    }


def seeds_keras() -> list[bytes]:
    """A small classifier, as the zoo saves it, and one that knows what is strange to it; made without Keras."""
    shape = [None, 4, 4, 3]
    layers = [
        layer("InputLayer", "pixels", batch_shape=shape, dtype="float32"),
        layer("Rescaling", "rescaling", "pixels", shape, scale=0.1, offset=0.0),
        layer("Flatten", "flatten", "rescaling", shape),
        layer("Dense", "head", "flatten", [None, 48], units=1, activation="linear"),
    ]
    ends = {"input_layers": ["pixels", 0, 0], "output_layers": ["head", 0, 0]}
    config = {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {"name": "logistic", "layers": layers, **ends},
        "registered_name": "Functional",
    }
    members = {
        "metadata.json": b'{"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}',
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": seed_weights(),
    }

    def zeros(dtype, *shape):
        packed = zlib.compress(np.zeros(shape, dtype).tobytes())
        return {"dtype": dtype, "shape": shape, "zlib": base64.b64encode(packed).decode()}

    rule = {"rule": "center_crop", "interpolation": "bicubic", "size": [4, 4], "crop": 1.0, "channels": 3}
    record = {
        "format": 1,
        "name": "logistic",
        "task": "classification",
        "source": "fuzz",
        "arguments": {"input_shape": [4, 4, 3], "num_classes": 2},
        "data": {"name": "x", "fingerprint": "0"},
        "metrics": {"accuracy": {"value": 0.5, "ci": [0.1, 0.9], "n": 12}},
        "seed": 1,
        "labels": ["cat", "dog"],
        "preprocessing": rule,
        "output": "one logit, of the second class",
        "versions": {"zoo": "0.1.0", "keras": "3.15.1", "python": "3.11.7"},
        "selftest": {"inputs": zeros("uint8", 2, 4, 4, 3), "outputs": zeros("float32", 2, 1), "tolerance": 0.001},
        "members": dict.fromkeys(members, ""),
    }
    familiar = {"centre": zeros("float16", 8), "axes": zeros("float16", 2, 8), "limit": 0.1}
    labels = {"task": "multilabel", "labels": ["cat"], "thresholds": [0.5]}
    number = {"task": "regression", "labels": ["age"], "mean_error": 0.5}
    records = [record, {**record, "familiar": familiar}, {**record, **labels}, {**record, **number}]
    return [pack({**members, "zoo.json": json.dumps(record).encode()}) for record in records]


# Models of Keras 2


def keras2_layer(kind: str, name: str, **config) -> dict:
    return {"class_name": kind, "config": {"name": name, **config}, "name": name, "inbound_nodes": []}


def h5_of(config: dict, weights: dict[str, dict[str, np.ndarray]]) -> bytes:
    """A whole model as Keras 2 writes it."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            inner = group.create_group(name)
            inner.attrs["weight_names"] = [f"{name}/{key}".encode() for key in arrays]
            for key, array in arrays.items():
                inner.create_dataset(f"{name}/{key}", data=array)
    return content.getvalue()


def seeds_import() -> list[bytes]:
    """A chain with convolutions, and one with two ways and a model within, as Teachable Machine packs them."""
    shape = [None, 6, 6, 3]
    kernels = {"conv": {"kernel:0": np.ones((3, 3, 3, 2), "f4"), "bias:0": np.zeros(2, "f4")}}
    dense = {"kernel:0": np.ones((2, 2), "f4"), "bias:0": np.zeros(2, "f4")}
    middle = [
        keras2_layer("ZeroPadding2D", "pad", padding=[[1, 1], [1, 1]], batch_input_shape=shape),
        keras2_layer("Conv2D", "conv", filters=2, kernel_size=[3, 3], strides=[1, 1], padding="valid", use_bias=True),
        keras2_layer("ReLU", "relu", max_value=6.0),
        keras2_layer("MaxPooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="same"),
        keras2_layer("GlobalAveragePooling2D", "mean"),
        keras2_layer("Dropout", "drop", rate=0.5),
    ]
    head = keras2_layer("Dense", "head", units=2, activation="softmax", use_bias=True)
    chain = {"class_name": "Sequential", "config": {"name": "chain", "layers": [*middle, head]}}
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": middle}, "name": "inner"}
    ways = [
        keras2_layer("InputLayer", "pixels", batch_input_shape=shape),
        {**inner, "inbound_nodes": [[["pixels", 0, 0, {}]]]},
        {**keras2_layer("Activation", "bent", activation="tanh"), "inbound_nodes": [[["inner", 0, 0, {}]]]},
        {**keras2_layer("Add", "sum"), "inbound_nodes": [[["inner", 0, 0, {}], ["bent", 0, 0, {}]]]},
        {**head, "inbound_nodes": [[["sum", 0, 0, {}]]]},
    ]
    ends = {"input_layers": [["pixels", 0, 0]], "output_layers": [["head", 0, 0]]}
    graph = {"class_name": "Functional", "config": {"name": "graph", "layers": ways, **ends}}
    files = h5_of(chain, {**kernels, "head": dense}), h5_of(graph, {"inner": kernels["conv"], "head": dense})
    return [packed({"keras_model.h5": file, "labels.txt": b"0 cat\n1 dog\n"}) for file in files]


def mutate_import(data: bytes, draw) -> bytes:
    """Change the architecture, the bytes of the file or its labels."""
    if draw.random() < 0.1:
        return damaged(data, draw)
    members = unpacked(data)
    name = "keras_model.h5" if draw.random() < 0.9 else draw.choice([*members])
    if name not in members or name == "labels.txt" or draw.random() < 0.2:
        members[name] = damaged(members.get(name, b""), draw)
        return packed(members)
    content = io.BytesIO(members[name])
    with contextlib.suppress(Exception), h5py.File(content, "r+") as file:
        architecture = file.attrs["model_config"]
        if draw.random() < 0.5:
            architecture = changed_json(architecture.encode(), draw).decode(errors="replace")
        else:
            architecture = json.dumps(with_keras2_layer(json.loads(architecture), draw))
        file.attrs["model_config"] = architecture
    members[name] = content.getvalue()
    return packed(members)


def with_keras2_layer(model: dict, draw) -> dict:
    """One more layer of those that are known, with arguments that it has or might have; none of them has weights."""
    from zoo.weights.keras2_file import LAYERS

    kind = draw.choice([kind for kind, arguments in LAYERS.items() if "use_bias" not in arguments])
    values = [0, 1, 2, 3, -1, 0.5, 7, 100, 2**14, 1e-300, True, None, "same", "valid", "bilinear", "relu"]
    one = draw.choice(values)
    arguments = {}
    for name in LAYERS[kind].split():
        if draw.random() < 0.6:
            arguments[name] = draw.choice([one, draw.choice(values), [one] * 2, [[one, 1], [1, one]], [one] * 3])
    added = keras2_layer(kind, f"x{draw.randrange(10**6)}", **arguments)
    layers = model["config"]["layers"]
    at = draw.randrange(1, len(layers))
    if model["class_name"] == "Sequential":
        layers.insert(at, added)
    elif sources := layers[at]["inbound_nodes"]:
        layers[at] = {**layers[at], "inbound_nodes": [[[added["name"], 0, 0, {}]]]}
        layers.insert(at, {**added, "inbound_nodes": sources})
    return model


# Runs to resume


def seeds_resume() -> list[bytes]:
    """The state of a small run, as Keras and the zoo keep it."""
    import zoo

    with tempfile.TemporaryDirectory() as folder:
        model = zoo.get("logistic", seed=1, input_shape=(4, 4, 3))
        model.train(model._toy_data(), folder=folder, epochs=1, progress=False)
        return [Path(folder, "resume.npz").read_bytes()]


def mutate_resume(data: bytes, draw) -> bytes:
    """One change to the JSON of a run's state, to one of its arrays, or to the archive."""
    try:
        with np.load(io.BytesIO(data)) as file:
            arrays = dict(file)
        text = str(arrays["content"]).encode()
    except Exception:  # what others have made of it
        return damaged(data, draw)
    match draw.randrange(4):
        case 0:
            return mutate_archive(data, draw)
        case 1:
            odd = [np.zeros(3), np.array("x"), np.zeros((), "f2"), np.zeros((2, 0)), np.zeros(9, "u8")]
            arrays[draw.choice([*arrays])] = draw.choice(odd)
        case 2:
            del arrays[draw.choice([*arrays])]
        case 3:
            arrays["content"] = np.array(changed_json(text, draw).decode(errors="replace"))
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


# torch files


def counted(code: bytes, size: int, content: bytes) -> bytes:
    """An opcode, the length of its argument as an integer of `size` bytes, and the argument."""
    return code + len(content).to_bytes(size, "little") + content


def seeds_torch() -> list[bytes]:
    """What torch writes for a table of three tensors, two of them views of one storage."""

    def text(word):
        return counted(b"X", 4, word.encode())

    def tensor(key, kind, count, size, stride):
        shape = b"".join(b"(" + b"".join(b"K" + bytes([n]) for n in values) + b"t" for values in (size, stride))
        storage = b"(" + text("storage") + b"ctorch\n" + kind + b"Storage\n" + text(key) + text("cpu")
        storage += b"K" + bytes([count]) + b"NtQ"
        hooks = b"\x89ccollections\nOrderedDict\n)R"
        return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0" + shape + hooks + b"tR"

    header = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
    system = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}, 2)
    table = text("w") + tensor("1", b"Float", 6, (2, 3), (3, 1)) + text("v") + tensor("1", b"Float", 6, (3, 2), (1, 3))
    table += text("n") + tensor("2", b"Long", 1, (), ())
    table = b"\x80\x02ccollections\nOrderedDict\n)Rq\0(" + table + b"u}b."
    keys = b"\x80\x02](" + text("2") + text("1") + b"e."
    return [header + system + table + keys + struct.pack("<qq", 1, 7) + struct.pack("<q6f", 6, *range(6))]


def opcode(draw) -> bytes:
    """Any opcode of pickle, with an argument of the form that it has."""
    found = draw.choice(pickletools.opcodes)
    code, form = found.code.encode("latin-1"), found.arg.name if found.arg else ""
    word, number = draw.choice(WORDS).encode(), draw.choice(INTEGERS)
    if form == "stringnl_noescape_pair":
        names = [b"os\nsystem", b"torch\nFloatStorage", b"collections\nOrderedDict", b"builtins\neval"]
        return code + draw.choice([*names, word + b"\n" + word]) + b"\n"
    if "nl" in form:  # up to the end of the line
        return code + draw.choice([word, b"'a'", b"%d" % number, b"1" * 5000, b"1.5"]) + b"\n"
    if found.arg and found.arg.n < 0:  # its length comes first
        return counted(code, int(form[-1]), word)
    size = found.arg.n if found.arg else 0
    return code + (number % 256**size).to_bytes(size, "little")


def opcodes(data: bytes) -> list[bytes]:
    """The opcodes of the pickles that a file begins with, and what follows them as the last item."""
    stream, ends = io.BytesIO(data), [0]
    with contextlib.suppress(Exception):
        for _ in range(5):
            starts = [at for _, _, at in pickletools.genops(stream)]
            ends += [*starts[1:], stream.tell()]
    return [data[start:end] for start, end in zip(ends, [*ends[1:], len(data)], strict=True)]


def mutate_torch(data: bytes, draw) -> bytes:
    if draw.random() < 0.15:
        return damaged(data, draw)
    parts = opcodes(data)
    first, second = sorted(draw.randrange(len(parts)) for _ in range(2))
    match draw.randrange(7):
        case 0:
            del parts[first]
        case 1:
            parts.insert(first, opcode(draw))
        case 2:
            parts[first] = opcode(draw)
        case 3:
            parts[first], parts[second] = parts[second], parts[first]
        case 4:
            parts[second:second] = parts[first : first + draw.choice([1, 3, 10])]
        case 5:
            parts[first] = damaged(parts[first], draw)
        case 6:
            parts[second:second] = [parts[first]] * draw.choice([2, 9, 1000])
    return b"".join(parts)


# Pictures


def seeds_images() -> list[bytes]:
    """One small picture of each format and mode that this Pillow writes."""
    y, x = np.mgrid[:20, :24]
    scene = Image.fromarray(np.stack([x * 10, y * 12, (x + y) * 5], -1).astype("uint8"))
    several = {"save_all": True, "append_images": [scene.rotate(9)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "TGA", "ICO", "JPEG2000", "AVIF")
    kinds += ("QOI", "DDS", "SGI", "PCX", "DIB")
    wanted = [(kind, scene, {}) for kind in kinds] + [("XBM", scene.convert("1"), {})]
    wanted += [("PNG", scene.convert(mode), {}) for mode in ("1", "L", "LA", "P", "RGBA")]
    wanted += [("TIFF", scene.convert(mode), {}) for mode in ("CMYK", "LAB", "YCbCr", "P", "1")]
    wanted += [("TIFF", scene, {"compression": kind}) for kind in ("tiff_lzw", "jpeg", "packbits", "tiff_deflate")]
    wanted += [("PNG", Image.fromarray((x * 2000).astype("uint16")), {}), ("TIFF", Image.fromarray(x / 24), {})]
    wanted += [("JPEG", scene, {"exif": exif, "progressive": True}), ("JPEG", scene.convert("CMYK"), {})]
    wanted += [("JPEG", scene.resize((400, 300)), {"exif": exif}), ("TGA", scene, {"compression": "tga_rle"})]
    wanted += [("WEBP", scene.convert("RGBA"), {"lossless": True, "exif": exif})]
    wanted += [(kind, scene, several) for kind in ("MPO", "GIF", "WEBP", "TIFF", "PNG", "AVIF")]
    found = []
    for kind, image, options in wanted:
        with contextlib.suppress(Exception):  # a Pillow that was built without it
            file = io.BytesIO()
            image.save(file, kind, **options)
            found.append(file.getvalue())
    return found


IDENTITY = {"backbone": "fuzzed", "engine": "none", "precision": "float32"}
FEATURES = {
    (f"{picture:064x}", view): np.random.default_rng([picture, view]).normal(size=300).astype(np.float32)
    for picture in range(8)
    for view in range(2)
}


def seeds_features() -> list[bytes]:
    """A database of features."""
    from zoo.transfer.cache import Cache

    cache = Cache(IDENTITY)
    with cache:
        cache.put([(digest, view, row) for (digest, view), row in FEATURES.items()])
    return [cache.file.read_bytes()]


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {Path(name).name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def seeds_network() -> list[bytes]:
    """A converted network's files, as a zip archive."""
    contents = {"model.xml": b"<net>" + b" " * 500 + b"</net>", "model.bin": bytes(range(256)) * 8}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return [packed({**contents, "sha256.json": json.dumps(sums).encode()})]


def mutate_network(data: bytes, draw) -> bytes:
    """Change one of the files, or leave it out."""
    members = unpacked(data)
    name = draw.choice([*members])
    if draw.random() < 0.1:
        del members[name]
    else:
        members[name] = (changed_json if name.endswith(".json") else damaged)(members[name], draw)
    return packed(members)


def mutate_image(data: bytes, draw, others=()) -> bytes:
    data = damaged(data, draw, others)
    return mended_png(data) if data.startswith(b"\x89PNG") and draw.random() < 0.8 else data


def mended_png(data: bytes) -> bytes:
    """A PNG with the checksums of its chunks made right, so that damage reaches what lies behind them."""
    mended, at = bytearray(data), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        mended[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(mended[: len(data)])


# Folders: a JSON list of [action, path, argument]


PICTURE = b"P6 4 4 255\n" + bytes(range(48))
ACTIONS = "file text folder link fifo socket device sparse closed hardlink".split()  # noqa: SIM905
NAMES = """
    cats dogs train val valid validation test Train TEST 1 2 10 -3 .hidden __MACOSX Thumbs.db desktop.ini .. . a/b ~ ~x
    1.ppm 2.PPM x.jpg x.png x.webp none .ppm cats/deep/down 1.ppm.txt 007 0007 train/cats val/dogs
""".split()  # noqa: SIM905
ODD_NAMES = ["\udcff", "\x1b[31m", "a\nb", "n" * 255, "n" * 250 + ".ppm", "é", "\u202e", " ", "²", "٣", "-", "\\", "*"]
LINKED = [".", "..", "/", "nowhere", "cats", "cats/1.ppm", "self", "n" * 300, "/dev/null", "/dev/zero", "/nowhere/x"]


def seeds_folder() -> list[bytes]:
    plain = [["file", f"{name}/{number}.ppm"] for name in ("cats", "dogs") for number in range(2)]
    split = [
        ["file", f"{part}/{name}/{number}.ppm"] for part in ("train", "val") for name in "ab" for number in range(2)
    ]
    return [json.dumps(tree).encode() for tree in ([*plain, ["text", "notes.txt"], ["folder", "empty"]], split)]


def invented_step(draw):
    name = "/".join(draw.choice([*NAMES, *ODD_NAMES]) for _ in range(draw.choice([1, 1, 2, 3])))
    return ["deep" if draw.random() < 0.01 else draw.choice(ACTIONS), name, draw.choice(LINKED)]


def mutate_folder(data: bytes, draw) -> bytes:
    if draw.random() < 0.5:
        with contextlib.suppress(ValueError, RecursionError, AttributeError):
            tree = json.loads(data)
            tree.append(invented_step(draw))
            return json.dumps(tree).encode()
    return changed_json(data, draw, lambda draw: draw.choice([invented_step(draw), *invented_step(draw)]))


def grow(root: Path, tree) -> None:
    """Make the folder that the steps describe; what cannot be made is left out."""
    for step in tree if isinstance(tree, list) else []:
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            action, name, *rest = step
            path = root / name.lstrip("/")
            argument = str(rest[0]) if rest else ""
            if ".." in path.parts or len(name) > 1000 or path == root:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if action == "closed" or not (path.is_symlink() or path.exists()):
                make(action, path, argument, root)


def make(action: str, path: Path, argument: str, root: Path) -> None:
    match action:
        case "file":
            path.write_bytes(PICTURE + os.fsencode(path.name))
        case "text":
            path.write_text("text")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(argument)
        case "hardlink":
            path.hardlink_to(root / argument)
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as end:
                end.bind(str(path))
        case "device":
            os.mknod(path, 0o020666, os.makedev(1, 5))  # /dev/zero
        case "sparse":
            with path.open("wb") as file:
                file.truncate(2**40)
        case "closed":
            path.chmod([0, 0o111, 0o444, 0o666][len(argument) % 4])
        case "deep":
            deep_folder(path)


def deep_folder(path: Path, depth: int = 1200) -> None:
    """Folders in one another, more than a recursion goes down."""
    path.mkdir()
    inner = os.open(path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=inner)
        below = os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = below
    os.close(inner)


# Tables


def seeds_csv() -> list[bytes]:
    """Tables of the pictures a.ppm to d.ppm."""
    rows = [(f"{name}.ppm", label) for name, label in zip("abcd", ["cats", "dogs"] * 2, strict=True)]
    plain = "path,label\n" + "".join(f"{path},{label}\n" for path, label in rows)
    split = "file;class;split;note\r\n" + "".join(f'"{path}";{label};train;"x\n"\r\n' for path, label in rows * 2)
    digits = "path\tlabel\n" + "".join(f"{path}\t{number % 2}\n" for number, (path, _) in enumerate(rows))
    return [text.encode() for text in (plain, split, digits, "\ufeff" + plain)]


def seeds_targets() -> list[bytes]:
    """Tables of the same pictures with several labels each, or with numbers."""
    labels, numbers = ("cats|dogs", "dogs", "|", "cats"), ("1.5", "-2", "3e4", "")
    several = "path,labels\n" + "".join(f"{n}.ppm,{label}\n" for n, label in zip("abcd", labels, strict=True))
    columns = "path,cats,dogs,split\n" + "".join(f"{n}.ppm,{i % 2},{i // 2},train\n" for i, n in enumerate("abcd"))
    of_numbers = "path,label\n" + "".join(f"{n}.ppm,{number}\n" for n, number in zip("abcd", numbers, strict=True))
    return [text.encode() for text in (several, columns, of_numbers, of_numbers.replace(",", ";").replace(".5", ",5"))]


def seeds_vectors() -> list[bytes]:
    """Word vectors in word2vec's formats, text and binary."""
    numbers = struct.pack("<2f", 1, -0.5)
    text = "3 2\nK\u00f6nig 1.0 -0.5\na 0.25 2.0\nzoo 1e-8 7\n".encode()
    return [text, b"2 2\nking " + numbers + b"a " + numbers, b"2 2\nking " + numbers + b"\na " + numbers + b"\n"]


TOKENS = [",", ";", "\t", '"', '""', "\n", "\r", "\r\n", "\0", "\ufeff", "\u2028"]
TOKENS += ["/etc/passwd", "/dev/zero", "../" * 2000]
TOKENS += ["=1+1", "nan", "inf", "-1e999", "1,5", "0x10", "\x1b[31m", "labels", "values"]
TOKENS += ["9" * 5000, "n" * 6000, "x" * 140_000, "path", "label", "split", "file", "class", "a.ppm", "b.ppm"]


def mutate_csv(data: bytes, draw, others=()) -> bytes:
    if draw.random() < 0.4:
        return damaged(data, draw, others)
    at = draw.randrange(len(data) + 1)
    end = min(len(data), at + draw.choice([0, 0, 1, 5, 30]))
    token = draw.choice([*TOKENS, draw.choice(NAMES), draw.choice(ODD_NAMES)])
    return data[:at] + token.encode("utf-8", "surrogatepass") + data[end:]
