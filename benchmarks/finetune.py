"""Fine-tuning as a user runs it: whole processes, an empty cache first, then a warm one."""

import json
import os
import sys
import tempfile
from pathlib import Path

from compare import measure
from machine import setting, write

RESULTS = Path(__file__).parent / "results" / "finetune.csv"


def main(datasets: list[str]) -> None:
    rows = []
    for dataset in datasets:
        with tempfile.TemporaryDirectory() as folder:
            command = [
                sys.executable,
                "-m",
                "zoo",
                "finetune",
                dataset,
                "--json",
                "--out",
                f"{folder}/{dataset}.keras",
            ]
            for cache in ("empty", "warm"):
                printed, seconds, _ = measure(command, {**os.environ, "ZOO_HOME": f"{folder}/home"})
                result = json.loads(printed)
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
                        "process_seconds": round(seconds, 1),
                        **setting(),
                    }
                )
                print({key: rows[-1][key] for key in ("dataset", "accuracy", "cache", "process_seconds")}, flush=True)
    write(RESULTS, rows)


if __name__ == "__main__":
    main(sys.argv[1:] or ["textures", "faces"])
