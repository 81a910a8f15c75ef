"""What tests of hostile files share: how one is written, and what a refusal must be like."""

import hashlib
import io
import json
import struct
import time
import tracemalloc
import warnings
import zipfile

import pytest

import zoo
from zoo.errors import ZooError, escaped
from zoo.saving import limits

CONFIG, WEIGHTS, RECORD = "config.json", "model.weights.h5", "zoo.json"
LZMA, DEFLATE, JPEG = 34925, 8, 7  # how TIFF calls ways to compress
PATIENCE = 20  # seconds that no refusal takes
ROOM = 100 * 2**20  # bytes that no refusal of a small file takes


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
    assert all(word in message for word in (getattr(path, "name", ""), *words)), message
    assert 10 < len(message) < 4000 and escaped(message, keep="\n") == message


def pack(path, parts, made_here=False):
    """Write members as a file of the zoo's, with the hashes that fit; what was made here is not tried elsewhere."""
    record = json.loads(parts[RECORD])
    if made_here:
        limits.remember(limits.mark(parts, record["selftest"]))
    record["members"] = {name: hashlib.sha256(parts[name]).hexdigest() for name in record["members"]}
    write(path, {**parts, RECORD: json.dumps(record).encode()}.items())


def write(path, members, kind=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", kind) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in members:
            archive.writestr(name, content)


def zip_of(**members):
    file = io.BytesIO()
    write(file, members.items())
    return file.getvalue()


def named(class_name, module="keras.layers", registered_name=None, config=None, **more):
    config = {"name": "x"} if config is None else config
    return {"module": module, "class_name": class_name, "registered_name": registered_name, "config": config, **more}


def tiff(size, depth, channels, content, compression, tile=(), rows=0, tags=(), lies=()):
    """A TIFF whose tiles or strips are all the same piece of the file.

    Args:
        size: (width, height) of the picture.
        depth: bits of a channel.
        channels: how many.
        content: the piece, compressed.
        compression: as TIFF calls it.
        tile: (width, height) of a tile; else there are strips.
        rows: of a strip; 0 for all.
        tags: more of them, each with its type and its numbers.
        lies: the same, put before the others; tags that are there twice.
    """
    (width, height), (across, down) = size, tile or (size[0], rows or size[1])
    pieces = -(-width // across) * -(-height // down)
    start, count = (324, 325) if tile else (273, 279)
    values = {256: (4, [width]), 257: (4, [height]), 258: (3, [depth] * channels), 259: (3, [compression])}
    values |= {262: (3, [2 if channels > 1 else 1]), 277: (3, [channels])}
    values |= {start: (4, [8] * pieces), count: (4, [len(content)] * pieces)}
    values |= {322: (4, [across]), 323: (4, [down])} if tile else {278: (4, [down])}
    values |= {338: (3, [2])} if channels == 4 else {}
    rows_of_tags = sorted([*lies, *(values | dict(tags)).items()], key=lambda row: row[0])
    body, entries = b"II*\0" + bytes(4) + content, b""
    for tag, (kind, items) in rows_of_tags:
        packed = struct.pack(f"<{len(items)}{ {1: 'B', 3: 'H', 4: 'I', 17: 'q'}[kind] }", *items)
        if len(packed) > 4:
            body += bytes(len(body) % 2)
            body, packed = body + packed, struct.pack("<I", len(body))
        entries += struct.pack("<HHI", tag, kind, len(items)) + packed.ljust(4, b"\0")
    body += bytes(len(body) % 2)
    return (
        body[:4] + struct.pack("<I", len(body)) + body[8:] + struct.pack("<H", len(rows_of_tags)) + entries + bytes(4)
    )
