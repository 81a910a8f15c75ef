"""Train the weights that the zoo carries: some seeds, the test split touched once by each, the first seed's shipped.

    ZOO_DATA=path/to/data python benchmarks/weights.py cnn-fashion_mnist --seeds 0 1 2
    ZOO_DATA=path/to/data python benchmarks/weights.py cnn-fashion_mnist --pilot

--pilot holds a tenth of the training pictures out and measures on these, to choose by; nothing is written. Without it,
checkpoints lie in --work and an interrupted run goes on; each seed's row is written to results/weights.csv, and the
file and its card go to pretrained/weights/. The score on the card is that of the file itself, in float16.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np
from machine import setting, write

import zoo
from zoo import saving
from zoo.data import sources
from zoo.data.facts import NAMED

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "weights.csv"
WEIGHTS = HERE.parent / "pretrained" / "weights"
CLOTHES = {"input_shape": (28, 28, 1), "num_classes": 10}
# file: model, data, builder arguments, training arguments, and the dtype to train in
RECIPES = {
    "logistic-catvnoncat": ("logistic", "catvnoncat", {}, {}, None),
    "mlp-fashion_mnist": (
        "mlp",
        "fashion_mnist",
        {**CLOTHES, "hidden": (512, 256), "dropout": 0.3},
        {"optimizer": "adam", "learning_rate": 1e-3, "schedule": "cosine", "batch_size": 128, "epochs": 20},
        None,
    ),
    "cnn-fashion_mnist": (
        "cnn",
        "fashion_mnist",
        {**CLOTHES, "variant": "lean", "dropout": 0.3},
        {"augment": ("flip", "shift"), "epochs": 16, "learning_rate": 3e-3},
        "mixed_bfloat16",  # twice as fast on a processor with AMX
    ),
    "cnn-cifar10": (
        "cnn",
        "cifar10",
        {"input_shape": (32, 32, 3), "num_classes": 10, "variant": "lean", "dropout": 0.3},
        {"augment": ("flip", "shift"), "epochs": 20, "learning_rate": 3e-3},
        "mixed_bfloat16",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--work", type=Path, default=Path("weights-training"), help="where checkpoints lie")
    parser.add_argument("--pilot", action="store_true")
    options = parser.parse_args()
    data = RECIPES[options.name][1]
    if options.pilot:
        dataset = sources.load(sources.load(data).splits["train"], val_split=0.1)
        model, seconds = train(options.name, dataset, options.seeds[0], options.work / f"{options.name}-pilot")
        print(f"{options.name}: {model.evaluate(dataset, progress=False)['accuracy']}, {seconds:.0f} s")
        return
    for seed in options.seeds:
        folder = options.work / f"{options.name}-{seed}"
        model, seconds = train(options.name, sources.load(data).splits["train"], seed, folder)
        measured = model.evaluate(data, progress=False)["accuracy"]
        row = {"name": options.name, "seed": seed, "accuracy": measured.value, "n": measured.n}
        row |= {"ci_low": round(measured.ci[0], 4), "ci_high": round(measured.ci[1], 4)}
        keep({**row, "training_seconds": round(seconds), **setting()})
        print(f"{options.name} seed {seed}: {measured}, {seconds:.0f} s", flush=True)
        if seed == options.seeds[0]:
            ship(options.name, model)
    describe(options.name)


def train(name: str, data, seed: int, folder: Path):
    """The model, trained, in float32; and the seconds that it took."""
    model_name, _, arguments, training, dtype = RECIPES[name]
    begin = time.monotonic()
    model = zoo.get(model_name, seed=seed, dtype=dtype, **arguments)
    # without a validation split in `fit`: nothing is chosen while it runs, the last epoch is taken
    plain = sources.Dataset(name, {"train": sources.load(data).splits["train"]})
    model.train(plain, folder=folder, resume=(folder / "resume.npz").exists(), **training)
    final = zoo.get(model_name, seed=seed, **arguments)
    final.fit_classes(model.labels)
    final.model.set_weights(model.model.get_weights())
    return final, time.monotonic() - begin


def ship(name: str, model) -> None:
    """Write the file that the zoo carries, its weights in float16, with the score that it has so."""
    data = RECIPES[name][1]
    model.model.set_weights([weight.astype(np.float16).astype(np.float32) for weight in model.model.get_weights()])
    dataset = sources.load(data)
    model.data = {"name": dataset.name, "fingerprint": dataset.fingerprint()}
    model.evaluate(data, progress=False)
    file = WEIGHTS / f"{name}.keras"
    WEIGHTS.mkdir(exist_ok=True)
    model.save(file)
    archive = saving.read(file)
    saving.write(file, saving.in_half(archive.members), model.record(), archive.record.content["selftest"])
    print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB, {model.metrics['accuracy']}", flush=True)


def describe(name: str) -> None:
    """Write the card beside the file: how it was made, how good it is, and how good its sisters of other seeds are."""
    _, data, arguments, training, dtype = RECIPES[name]
    content = zoo.show(WEIGHTS / f"{name}.keras").to_json()
    rows = [row for row in rows_so_far() if row["name"] == name]
    scores = [float(row["accuracy"]) for row in rows]
    card = {
        "licence": f"Apache-2.0; trained on {data}, whose licence is: {NAMED[data].licence}",
        "data": content["data"],
        "arguments": saving.plain(arguments),
        "training": saving.plain({**training, "dtype": dtype or "float32"}),
        "command": f"python benchmarks/weights.py {name} --seeds {' '.join(row['seed'] for row in rows)}",
        "accuracy of this file": content["metrics"]["accuracy"],
        "accuracies by seed": scores,
        "mean": round(float(np.mean(scores)), 4),
        "sd": round(float(np.std(scores, ddof=1)), 4) if len(scores) > 1 else None,
        "seconds": [int(row["training_seconds"]) for row in rows],
        "machine": f"{rows[0]['cores']} cores, {rows[0]['processor']}",
        "versions": content["versions"],
    }
    (WEIGHTS / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def rows_so_far() -> list[dict]:
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def keep(row: dict) -> None:
    """Add a row, in the place of one of the same name and seed."""
    same = {"name": row["name"], "seed": str(row["seed"])}
    others = [old for old in rows_so_far() if {key: old[key] for key in same} != same]
    write(RESULTS, [*others, row])


if __name__ == "__main__":
    main()
