"""Who computes a network's answers: OpenVINO, without the network's framework, or Keras."""

from zoo.inference.openvino import (
    BATCH,
    CONVERTED,
    FILE,
    IDENTITY,
    REFUSED,
    Conversion,
    Network,
    available,
    fastest_precision,
    key_of,
    load_openvino,
)

__all__ = [
    "BATCH",
    "CONVERTED",
    "FILE",
    "IDENTITY",
    "REFUSED",
    "Conversion",
    "Network",
    "available",
    "fastest_precision",
    "key_of",
    "load_openvino",
]
