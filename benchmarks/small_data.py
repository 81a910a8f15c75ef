"""What transfer learning buys: accuracy by the number of training pictures, of four ways to learn from them.

    ZOO_DATA=path/to/data python benchmarks/small_data.py
    python benchmarks/small_data.py --draw      # docs/small_data.png, from the rows

All ways see the same pictures of flower_photos and are measured on the same held-out ones. A row is appended as soon
as it is measured, and what is there already is not run again.

- pixels: the head of `zoo finetune` on 32 x 32 x 3 pixels in place of a backbone's features;
- cnn: the zoo's convolutional net from random weights, 32 x 32, mirrored and shifted pictures, 1,000 steps;
- frozen: `zoo.finetune`, which solves the head on a frozen backbone;
- unfrozen: `zoo.finetune(unfreeze="last")`.
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
from machine import add, read
from splits import Pool

import zoo
from zoo.data import images
from zoo.transfer import head
from zoo.visualization.canvas import new_figure

RESULTS = Path(__file__).parent / "results" / "small_data.csv"
PICTURE = Path(__file__).parents[1] / "docs" / "small_data.png"
DATASET = "flower_photos"
PER_CLASS = (2, 5, 10, 20, 50, 100)
SIDE, STEPS = 32, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS])
    parser.add_argument("--draw", action="store_true", help="measure nothing; draw what was measured")
    options = parser.parse_args()
    if options.draw:
        return draw(read(RESULTS))
    done = {(row["seed"], row["per_class"], row["way"]) for row in read(RESULTS)}
    pool = Pool(DATASET)
    for seed in options.seeds:
        held_out = pool.split(seed)
        for per_class in PER_CLASS:
            shown = few(pool, held_out, per_class, seed)
            for way in options.ways:
                if (str(seed), str(per_class), way) in done:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    table = write(pool, shown, held_out, Path(folder) / "split.csv")
                    accuracy = WAYS[way](pool, shown, held_out, table, seed)
                add(RESULTS, {"seed": seed, "per_class": per_class, "way": way, "accuracy": round(accuracy, 4)})


def few(pool: Pool, held_out: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Which pictures are learned from; more pictures hold fewer ones."""
    random, labels = np.random.default_rng([seed, 1]), np.array(pool.labels)
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        chosen[random.permutation(np.flatnonzero((labels == label) & ~held_out))[:per_class]] = True
    return chosen


def write(pool: Pool, shown: np.ndarray, held_out: np.ndarray, file: Path) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["path", "label", "split"])
        for path, label, is_shown, is_held in zip(pool.paths, pool.labels, shown, held_out, strict=True):
            if is_shown or is_held:
                rows.writerow([path, label, "val" if is_held else "train"])
    return file


def by_pixels(pool, shown, held_out, table, seed) -> float:
    rule = images.Preprocessing((SIDE, SIDE))
    names, y = np.unique(pool.labels, return_inverse=True)

    def pixels(which):
        return np.stack([images.decode(pool.paths[i], rule).ravel() for i in np.flatnonzero(which)]).astype(np.float32)

    solved = head.solve(pixels(shown)[:, None], y[shown], len(names), seed)
    return float(np.mean(solved(pixels(held_out)).argmax(axis=1) == y[held_out]))


def by_cnn(pool, shown, held_out, table, seed) -> float:
    net = zoo.get("cnn", variant="lean", input_shape=(SIDE, SIDE, 3), seed=seed)
    net.train(table, epochs=1, steps_per_epoch=STEPS, batch_size=32, augment=["flip", "shift"], progress=False)
    return float(net.evaluate(table, split="validation")["accuracy"].value)


def by_finetuning(unfreeze):
    def run(pool, shown, held_out, table, seed) -> float:
        return float(zoo.finetune(table, unfreeze=unfreeze, seed=seed).metrics["accuracy"].value)

    return run


def draw(rows: list[dict]) -> None:
    """Mean and standard deviation over the splits, by the number of photos a class."""
    names = {"unfrozen": "zoo finetune --unfreeze last", "frozen": "zoo finetune", "cnn": "cnn, from random weights"}
    names["pixels"] = "the same head on pixels"
    with new_figure(PICTURE, (6.4, 4)) as (figure, _):
        axes = figure.subplots()
        for way, name in names.items():
            groups = [
                [100 * float(row["accuracy"]) for row in rows if (row["way"], row["per_class"]) == (way, str(count))]
                for count in PER_CLASS
            ]
            means, spreads = [np.mean(group) for group in groups], [np.std(group, ddof=1) for group in groups]
            axes.errorbar(PER_CLASS, means, spreads, marker="o", capsize=3, label=name)
        axes.set(xlabel="training photos a class", ylabel="accuracy, %", xscale="log", ylim=(0, 100))
        axes.set_xticks(PER_CLASS, map(str, PER_CLASS))
        axes.axhline(100 / 5, linestyle=":", color="0.5")
        axes.annotate("guessing", (PER_CLASS[0], 100 / 5), xytext=(0, -13), textcoords="offset points", color="0.4")
        axes.legend(loc="lower right")


WAYS = {"pixels": by_pixels, "cnn": by_cnn, "frozen": by_finetuning("none"), "unfrozen": by_finetuning("last")}

if __name__ == "__main__":
    main()
