"""What the server and a program of the pool say to each other.

A message is two parts, JSON and bytes, each behind its length in four bytes. The answer to a job is any number of
messages with "progress", then one with "answer" or "error".
"""

import json
import struct
from typing import Any, BinaryIO, NamedTuple

LENGTHS = struct.Struct(">II")


class Reply(NamedTuple):
    """What a job gives: values that JSON has, and bytes."""

    values: Any
    data: bytes = b""


def packed(values: dict, data: bytes = b"") -> bytes:
    """A message.

    Example:
        >>> len(packed({"answer": 1}, b"123"))
        24
    """
    text = json.dumps(values, ensure_ascii=False).encode()
    return LENGTHS.pack(len(text), len(data)) + text + data


def read(stream: BinaryIO) -> tuple[dict, bytes] | None:
    """The next message; None at the end."""
    if len(head := stream.read(LENGTHS.size)) < LENGTHS.size:
        return None
    length, size = LENGTHS.unpack(head)
    text, data = stream.read(length), stream.read(size)
    return json.loads(text), data
