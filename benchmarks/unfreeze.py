"""Unfreezing, averaged views and the choice of a backbone beside the plain way, on the same random splits.

Accuracy is that on the same held-out pictures; the cost is beside it.

    ZOO_HOME=an/empty/folder ZOO_DATA=path/to/data python benchmarks/unfreeze.py

A row is appended as soon as it is measured, and what is there already is not run again. All runs share that cache: the
first of a dataset has the cost of nearly all its features and activations, the later ones hardly more than training.
"""

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
from compare import measure
from machine import add, read
from splits import Pool

RESULTS = Path(__file__).parent / "results" / "unfreeze.csv"
WAYS = [
    "",
    "--unfreeze auto",
    "--views 4",
    "--views auto --unfreeze auto",
    "--views auto --unfreeze auto --backbone auto",
]
FINETUNE = """
import json, sys, zoo
words = sys.argv[3:]
options = {word.removeprefix("--"): value for word, value in zip(words[::2], words[1::2])}
summary = zoo.finetune(sys.argv[1], out=sys.argv[2], **options).summary
wrong = [mistake.name for mistake in summary["validation"].errors()]
told = {key: summary[key] for key in ("unfrozen", "views", "backbone")}
print(json.dumps({**told, "wrong": wrong}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["flower_photos", "hymenoptera"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--ways", nargs="+", default=WAYS, help="options of zoo finetune, each way as one word")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    done = {(row["dataset"], row["seed"], row["options"]) for row in read(RESULTS)}
    with tempfile.TemporaryDirectory() as work:
        for dataset in options.datasets:
            for seed in options.seeds:
                for way in options.ways:
                    if (dataset, str(seed), way) not in done:
                        add(RESULTS, {"dataset": dataset, "seed": seed, **run(dataset, seed, way, Path(work))})


def run(dataset: str, seed: int, way: str, work: Path) -> dict:
    """One process that fine-tunes, and tells what the saved model gets wrong."""
    pool = Pool(dataset)
    held_out = pool.split(seed)
    table, file = work / "split.csv", work / f"{dataset}-{seed}-{way.replace(' ', '')}.keras"
    pool.write(held_out, table)
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    before = processor_seconds()
    printed, seconds, peak = measure([sys.executable, "-c", FINETUNE, table, file, *way.split()], environment)
    took = processor_seconds() - before
    result = json.loads(printed.splitlines()[-1])
    wrong = {*result["wrong"]}
    right = np.array([str(path) not in wrong for path in pool.paths])[held_out]
    marks = np.full(len(held_out), ".")
    marks[held_out] = np.where(right, "1", "0")
    watched = result["unfrozen"].get("watched", {})
    return {
        "options": way,
        "accuracy": round(right.mean(), 4),
        "n": len(right),
        "blocks": result["unfrozen"]["blocks"],
        "views": result["views"]["averaged"],
        "backbone": result["backbone"],
        "epochs": result["unfrozen"].get("epochs", ""),
        "watched_loss_frozen": watched.get("frozen", {}).get("loss", ""),
        "watched_loss_unfrozen": watched.get("unfrozen", {}).get("loss", ""),
        "process_seconds": round(seconds, 1),
        "processor_seconds": round(took, 1),
        "peak_mb": round(peak),
        "right": "".join(marks),
    }


def processor_seconds() -> float:
    """Processor time of all processes that were started and waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
