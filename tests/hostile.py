"""What tests of hostile files share: how one is written, and what a refusal must be like."""

import hashlib
import io
import json
import time
import tracemalloc
import warnings
import zipfile

import pytest

import zoo
from zoo.errors import ZooError, escaped
from zoo.saving import limits

CONFIG, WEIGHTS, RECORD = "config.json", "model.weights.h5", "zoo.json"
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
