"""How many pictures a second a backbone sees on this machine: measured, and remembered in the cache."""

import json
import platform
import time
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.files import atomic_file, home, read_bytes
from zoo.inference.engine import BATCH
from zoo.transfer.features import Backbone, FeatureEngine

SECONDS = 3.0  # of measuring; the median batch is taken


def measure(name: str, precision: str | None = None) -> dict[str, Any]:
    """Measure a backbone, and remember the result for `speeds`.

    Args:
        name: the backbone.
        precision: see `FeatureEngine`; None is the fastest.

    Returns:
        The backbone's name, the engine, its precision, pictures a second, and the name of this machine.

    Raises:
        UsageError: no such backbone, or a precision that is not for this machine.
        ZooError: its weights cannot be had.
    """
    engine = FeatureEngine(Backbone(name), precision)
    engine.begin()
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, *engine.backbone.rule.shape)).astype(np.uint8)
    engine(pixels)  # which opens the network
    times: list[float] = []
    while len(times) < 3 or sum(times) < SECONDS:
        start = time.perf_counter()
        engine(pixels)
        times.append(time.perf_counter() - start)
    result = {
        "backbone": name,
        "engine": engine.name,
        "precision": engine.precision,
        "pictures_per_second": round(BATCH / float(np.median(times)), 1),
        "machine": platform.node(),
    }
    with atomic_file(home() / "speeds.json") as temporary:
        temporary.write_text(json.dumps({**speeds(), name: result}), encoding="utf-8")
    return result


def speeds() -> dict[str, dict[str, Any]]:
    """What was measured on this machine, by the backbone's name."""
    try:
        remembered = json.loads(read_bytes(home() / "speeds.json"))
    except (OSError, ValueError, ZooError):
        return {}
    if not isinstance(remembered, dict):
        return {}
    return {
        name: item
        for name, item in remembered.items()
        if isinstance(item, dict)
        and item.get("machine") == platform.node()
        and isinstance(item.get("pictures_per_second"), float)
    }
