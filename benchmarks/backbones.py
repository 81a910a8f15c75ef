"""Each backbone whose weights are here, and the one that "auto" chooses, on the same random splits.

    ZOO_DATA=path/to/data python benchmarks/backbones.py

A row is appended as soon as it is measured, and what is there already is not run again. Features are cached, so only
the first split of a dataset computes them.
"""

import argparse
import tempfile
from pathlib import Path

from machine import add, read
from splits import Pool

import zoo

RESULTS = Path(__file__).parent / "results" / "backbones.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["hymenoptera", "flower_photos"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    options = parser.parse_args()
    done = {(row["dataset"], row["seed"], row["backbone"]) for row in read(RESULTS)}
    for dataset in options.datasets:
        pool = Pool(dataset)
        for seed in options.seeds:
            with tempfile.TemporaryDirectory() as work:
                pool.write(pool.split(seed), table := Path(work) / "split.csv")
                for backbone in ("auto", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"):
                    if (dataset, str(seed), backbone) in done:
                        continue
                    summary = zoo.finetune(table, backbone=backbone).summary
                    candidates = summary["candidates"] or {}
                    add(
                        RESULTS,
                        {
                            "dataset": dataset,
                            "seed": seed,
                            "backbone": backbone,
                            "chosen": summary["backbone"],
                            "accuracy": round(float(summary["validation"]["accuracy"]), 4),
                            "n": summary["pictures"]["validation"],
                            "losses": " ".join(f"{each['loss']:.4f}" for each in candidates.values()),
                            "seconds": summary["seconds"].get("choice of the backbone", ""),
                        },
                    )


if __name__ == "__main__":
    main()
