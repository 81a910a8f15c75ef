"""Who computes a network's answers: OpenVINO, without the network's framework, or Keras."""

from zoo.inference.conversion import CODE, CONVERTED, FILE, IDENTITY, REFUSAL, REFUSED, STEP, Conversion, key_of, seal
from zoo.inference.engine import (
    BATCH,
    Engine,
    HeadEngine,
    KerasEngine,
    batch_of,
    numbers_in_training,
    numbers_of,
    softmax,
    through_steps,
)
from zoo.inference.openvino import OpenVINOEngine, OpenVINOTrunk, available, fastest_precision, load_openvino

__all__ = [
    "BATCH",
    "CODE",
    "CONVERTED",
    "FILE",
    "IDENTITY",
    "REFUSAL",
    "REFUSED",
    "STEP",
    "Conversion",
    "Engine",
    "HeadEngine",
    "KerasEngine",
    "OpenVINOEngine",
    "OpenVINOTrunk",
    "available",
    "batch_of",
    "fastest_precision",
    "key_of",
    "load_openvino",
    "numbers_in_training",
    "numbers_of",
    "seal",
    "softmax",
    "through_steps",
]
