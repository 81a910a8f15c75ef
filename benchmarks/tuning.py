"""Does `zoo.tune` find better settings than a model's own? On data that nothing was chosen by, over several seeds.

    python benchmarks/tuning.py                        three models, five seeds each
    python benchmarks/tuning.py --own-batches          the same where the size of a batch stays the model's own

A smaller batch makes more steps of as many epochs, so the second says how much of the gain is longer training.

For each seed, examples are drawn at random to learn from; all others are held out. `zoo.tune` sees the former alone.
Then the model's own settings and those that were found learn from all of these, with the same seed, and are measured
on the others. A row is appended for each seed, so it can be stopped and continued.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import add, read

import zoo
from zoo.data import sources
from zoo.tasks.task import training_options

RESULTS = Path(__file__).parent / "results" / "tuning.csv"
# what it learns, from how many examples, by which number it is measured, and what stays as it is
MODELS = {
    "cnn": ("mnist_5k", 1000, "accuracy", {"epochs": 6}),
    "autoencoder": ("digits", 600, "loss", {"input_shape": (8, 8, 1)}),
    "logistic": ("digits", 600, "accuracy", {"input_shape": (8, 8, 1)}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[*MODELS], choices=MODELS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--own-batches", action="store_true", help="do not try other sizes of a batch")
    options = parser.parse_args()
    batches = "own" if options.own_batches else "tried"
    done = {(row["model"], row["batches"], row["seed"]) for row in read(RESULTS)}
    for seed in options.seeds:
        for model in options.models:
            if (model, batches, str(seed)) not in done:
                row = run(model, seed, options.trials, options.own_batches)
                add(RESULTS, {"model": model, "batches": batches, "seed": seed, **row})


def run(model: str, seed: int, trials: int, own_batches: bool) -> dict:
    """One tuning, and the two trainings that are compared."""
    data, count, number, fixed = MODELS[model]
    if own_batches:
        fixed = {**fixed, "batch_size": zoo.get(model).entry.batch_size}
    splits = sources.find(data).splits.values()
    x, y = (np.concatenate([getattr(split, name) for split in splits]) for name in ("items", "y"))
    order = np.random.default_rng(seed).permutation(len(x))
    seen, unseen = ((x[rows], y[rows]) for rows in (order[:count], order[count:]))
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        tuned = zoo.tune(
            model, seen, trials=trials, seed=seed, out=Path(folder) / "best.keras", progress=False, **fixed
        )
    seconds = time.process_time() - start
    own, found = (measured(model, seen, unseen, seed, number, how) for how in (fixed, tuned.arguments))
    return {
        "data": data,
        "trials": trials,
        "stopped": sum(not trial.finished for trial in tuned.trials),
        "seconds": round(seconds),
        "metric": number,
        "watched_own": round(tuned.default.value, 5),
        "watched_found": round(tuned.best.value, 5),
        "own": round(own, 5),
        "found": round(found, 5),
        "n": len(unseen[0]),
        "settings": repr(tuned.settings),
    }


def measured(model: str, seen: tuple, unseen: tuple, seed: int, number: str, arguments: dict) -> float:
    """What a model comes to on held-out examples when it has learned from the others."""
    training = training_options(type(zoo.get(model))) - {*zoo.get(model).arguments}
    net = zoo.get(model, seed=seed, **{name: v for name, v in arguments.items() if name not in training})
    net.train(seen, progress=False, **{name: v for name, v in arguments.items() if name in training})
    return net.evaluate(unseen, progress=False)[number].value


if __name__ == "__main__":
    main()
