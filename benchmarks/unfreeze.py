"""Unfreezing beside the frozen head on the same random splits: accuracy on the same held-out pictures, and the cost.

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
FINETUNE = """
import json, sys, zoo
summary = zoo.finetune(sys.argv[1], unfreeze=sys.argv[2], out=sys.argv[3]).summary
wrong = [mistake.name for mistake in summary["validation"].errors()]
print(json.dumps({"unfrozen": summary["unfrozen"], "wrong": wrong}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["flower_photos", "hymenoptera"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--unfreeze", nargs="+", default=["none", "auto"])
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    done = {(row["dataset"], row["seed"], row["unfreeze"]) for row in read(RESULTS)}
    with tempfile.TemporaryDirectory() as work:
        for dataset in options.datasets:
            for seed in options.seeds:
                for unfreeze in options.unfreeze:
                    if (dataset, str(seed), unfreeze) not in done:
                        add(RESULTS, {"dataset": dataset, "seed": seed, **run(dataset, seed, unfreeze, Path(work))})


def run(dataset: str, seed: int, unfreeze: str, work: Path) -> dict:
    """One process that fine-tunes, and tells what the saved model gets wrong."""
    pool = Pool(dataset)
    held_out = pool.split(seed)
    table, file = work / "split.csv", work / f"{dataset}-{seed}-{unfreeze}.keras"
    pool.write(held_out, table)
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    before = processor_seconds()
    printed, seconds, peak = measure([sys.executable, "-c", FINETUNE, table, unfreeze, file], environment)
    took = processor_seconds() - before
    result = json.loads(printed.splitlines()[-1])
    wrong = {*result["wrong"]}
    right = np.array([str(path) not in wrong for path in pool.paths])[held_out]
    marks = np.full(len(held_out), ".")
    marks[held_out] = np.where(right, "1", "0")
    watched = result["unfrozen"].get("watched", {})
    return {
        "unfreeze": unfreeze,
        "accuracy": round(right.mean(), 4),
        "n": len(right),
        "blocks": result["unfrozen"]["blocks"],
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
