"""Pictures: decoding and inspecting one; preprocessing; folders, named datasets and streams of many."""

from zoo.data.images.decoding import EXTENSIONS, ImageError, decode, decode_views, digest, path_of, read, row, whole
from zoo.data.images.inspection import Look, extensions_of, inspect, kind_of
from zoo.data.images.preprocessing import Points, Preprocessing

__all__ = [
    "EXTENSIONS",
    "ImageError",
    "Look",
    "Points",
    "Preprocessing",
    "decode",
    "decode_views",
    "digest",
    "extensions_of",
    "inspect",
    "kind_of",
    "path_of",
    "read",
    "row",
    "whole",
]
