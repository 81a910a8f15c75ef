"""A frozen backbone on the 50,000 training pictures of CIFAR-10, measured on its test split; beside it, the zoo's cnn.

    ZOO_HOME=an/empty/folder ZOO_DATA=path/to/data python benchmarks/cifar10.py

The pictures are 32 x 32, as JPEG, and enlarged to the backbone's 224 x 224. The test split is looked at once.
"""

import json
import os
import resource
import sys
import tempfile
from pathlib import Path

from compare import measure
from machine import add

RESULTS = Path(__file__).parent / "results" / "cifar10.csv"


def main(backbones: list[str]) -> None:
    for backbone in backbones:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "cifar10.keras"
            train = ["finetune", "cifar10", "--backbone", backbone, "--val-split", "0.02", "--out", file]
            summary, seconds, processor, peak = zoo(*train)
            tested, _, _, _ = zoo("evaluate", file, "cifar10", "--split", "test")
        accuracy = tested["accuracy"]
        row = {
            "backbone": backbone,
            "training_pictures": summary["pictures"]["training"],
            "accuracy": round(accuracy["value"], 4),
            "low": round(accuracy["ci"][0], 4),
            "high": round(accuracy["ci"][1], 4),
            "test_pictures": accuracy["n"],
            "head_seconds": summary["seconds"]["head"],
            "process_seconds": round(seconds, 1),
            "processor_seconds": round(processor, 1),
            "peak_mb": round(peak),
        }
        add(RESULTS, row)


def zoo(*words) -> tuple[dict, float, float, float]:
    """What a command said, its seconds from start to exit, its processor's seconds and its largest MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed, seconds, peak = measure([sys.executable, "-m", "zoo", *words, "--json"], {**os.environ})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(printed), seconds, processor, peak


if __name__ == "__main__":
    main(sys.argv[1:] or ["efficientnet_lite0"])
