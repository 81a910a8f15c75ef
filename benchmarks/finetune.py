"""Fine-tuning as a user runs it: whole processes, an empty cache first, then a warm one."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import setting, write

RESULTS = Path(__file__).parent / "results" / "finetune.csv"


def measure(dataset: str, folder: str) -> dict:
    """One `zoo finetune DATASET --json` in a process of its own; its result, and the seconds that it took."""
    command = [sys.executable, "-m", "zoo", "finetune", dataset, "--json", "--out", f"{folder}/{dataset}.keras"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "ZOO_HOME": f"{folder}/home"})
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    return {**json.loads(done.stdout), "process_seconds": seconds}


def main(datasets: list[str]) -> None:
    rows = []
    for dataset in datasets:
        with tempfile.TemporaryDirectory() as folder:
            for cache in ("empty", "warm"):
                result = measure(dataset, folder)
                accuracy = result["validation"]["accuracy"]
                rows.append(
                    {
                        "dataset": dataset,
                        "command": f"zoo finetune {dataset}",
                        "accuracy": round(accuracy["value"], 4),
                        "low": round(accuracy["ci"][0], 4),
                        "high": round(accuracy["ci"][1], 4),
                        "validation_pictures": accuracy["n"],
                        "training_pictures": result["pictures"]["training"],
                        "cache": cache,
                        "engine": result["features"]["engine"],
                        "precision": result["features"]["precision"],
                        "process_seconds": round(result["process_seconds"], 1),
                        **setting(),
                    }
                )
                print({key: rows[-1][key] for key in ("dataset", "accuracy", "cache", "process_seconds")}, flush=True)
    write(RESULTS, rows)


if __name__ == "__main__":
    main(sys.argv[1:] or ["textures", "faces"])
