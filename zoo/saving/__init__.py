"""Saved files: one `.keras` file that plain Keras opens, with a record of ours inside, and a safe door to open it."""

from zoo.saving.archive import (
    Archive,
    Record,
    members,
    output,
    output_folder,
    outputs,
    read,
    read_record,
    save,
    unwritable,
    write,
)
from zoo.saving.limits import communicate, limit_process, start_program
from zoo.saving.packing import digest, pack, plain, selftest, unpack
from zoo.saving.safety import WEIGHTS, parse_json
from zoo.saving.weights_file import in_half, with_head

__all__ = [
    "WEIGHTS",
    "Archive",
    "Record",
    "communicate",
    "digest",
    "in_half",
    "limit_process",
    "members",
    "output",
    "output_folder",
    "outputs",
    "pack",
    "parse_json",
    "plain",
    "read",
    "read_record",
    "save",
    "selftest",
    "start_program",
    "unpack",
    "unwritable",
    "with_head",
    "write",
]
