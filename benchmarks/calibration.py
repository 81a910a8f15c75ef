"""What a temperature would change in the probabilities of fine-tuned classifiers, on the random splits of compare.py.

    ZOO_DATA=path/to/data python benchmarks/calibration.py

Out-of-fold predictions on the training part choose the temperature; both ways are measured on the held-out part.
"""

import argparse
import tempfile
from pathlib import Path

from machine import add
from splits import Pool

import zoo

RESULTS = Path(__file__).parent / "results" / "calibration.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["hymenoptera", "flower_photos"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        for dataset in options.datasets:
            for seed in options.seeds:
                add(RESULTS, {"dataset": dataset, "seed": seed, **run(dataset, seed, Path(work) / "split.csv")})


def run(dataset: str, seed: int, table: Path) -> dict:
    """One fine-tuning: cross-entropy in nats and expected calibration error, as it answers and at its temperature."""
    pool = Pool(dataset)
    pool.write(held_out := pool.split(seed), table)
    measured = zoo.finetune(table).summary["calibration"]
    before, after = measured["as it answers"], measured["at its temperature"]
    return {
        "n": int(held_out.sum()),
        "temperature": round(measured["temperature"], 3),
        "cross_entropy": round(before["cross_entropy"], 4),
        "cross_entropy_at_temperature": round(after["cross_entropy"], 4),
        "error": round(before["error"], 4),
        "error_at_temperature": round(after["error"], 4),
    }


if __name__ == "__main__":
    main()
