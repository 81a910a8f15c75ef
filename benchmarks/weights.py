"""Train the weights that the zoo carries: some seeds, the test split touched once by each, one seed's shipped.

    ZOO_DATA=path/to/data python benchmarks/weights.py cnn-fashion_mnist --seeds 0 1 2
    ZOO_DATA=path/to/data python benchmarks/weights.py cnn-fashion_mnist --pilot

--pilot holds a tenth of the training pictures out and measures on these, to choose by; nothing is written. Without it,
checkpoints lie in --work and an interrupted run goes on; each seed's row is written to results/weights.csv, and the
first file that is made, and its card, go to pretrained/weights/. The score on the card is that of the file itself, in
float16.
"""

import argparse
import hashlib
import json
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from machine import read, setting, write

import zoo
from zoo import saving
from zoo.data.dataset import Dataset
from zoo.data.named import DATASETS
from zoo.weights.card import SAVED_FILE

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "weights.csv"
WEIGHTS = HERE.parent / "pretrained" / "weights"
PICTURES = HERE.parent / "docs"
CLOTHES = {"input_shape": (28, 28, 1), "num_classes": 10}


@dataclass(frozen=True)
class Recipe:
    """How weights are made.

    Attributes:
        model: the model's name.
        data: the dataset's name.
        arguments: of the builder.
        training: of `train`.
        dtype: to train in; what ships computes in float32.
        metric: the number among those of `evaluate` that the weights are chosen by.
        judged_by: what is measured on where that is not a part of the data, a file of gensim's; see --lists.
        ships: whether the zoo carries them, or only the rows are of interest.
        backend: what Keras runs on.
    """

    model: str
    data: str
    arguments: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    dtype: str | None = None
    metric: str = "accuracy"
    judged_by: str | None = None
    ships: bool = True
    backend: str = "tensorflow"


FAST = {"dtype": "mixed_bfloat16"}  # twice as fast on a processor with AMX
TORCH = {"backend": "torch"}  # two to three times as fast at chains of recurrent layers here
LEAN_TRAINING = {"augment": ("flip", "shift"), "epochs": 16, "learning_rate": 3e-3}
LEAN = Recipe("cnn", "fashion_mnist", {**CLOTHES, "variant": "lean", "dropout": 0.3}, LEAN_TRAINING, **FAST)
LARGE_TRAINING = {"epochs": 12, "batch_size": 32}
LARGE = Recipe(
    "char_lstm", "tinyshakespeare", {"units": 512, "dropout": 0.4}, LARGE_TRAINING, metric="nats", **FAST, **TORCH
)
RECIPES = {
    "logistic-catvnoncat": Recipe("logistic", "catvnoncat"),
    "mlp-fashion_mnist": Recipe(
        "mlp",
        "fashion_mnist",
        {**CLOTHES, "hidden": (512, 256), "dropout": 0.3},
        {"optimizer": "adam", "learning_rate": 1e-3, "schedule": "cosine", "batch_size": 128, "epochs": 20},
    ),
    "cnn-fashion_mnist": LEAN,
    # as many epochs as ten minutes on two cores hold
    "cnn-fashion_mnist_quick": replace(LEAN, training={**LEAN.training, "epochs": 5}, ships=False),
    "cnn-cifar10": replace(
        LEAN,
        data="cifar10",
        arguments={**LEAN.arguments, "input_shape": (32, 32, 3)},
        training={**LEAN.training, "epochs": 20},
    ),
    "autoencoder-fashion_mnist": Recipe(
        "autoencoder", "fashion_mnist", {"input_shape": (28, 28, 1), "noise": 0.4}, metric="gain", **FAST
    ),
    "char_lstm-tinyshakespeare": LARGE,
    "char_lstm-anna": replace(LARGE, data="anna", ships=False),
    "word_lstm-moes_tavern": Recipe("word_lstm", "moes_tavern", {}, {"epochs": 30}, metric="perplexity", **TORCH),
    "chatbot-cornell_30k": Recipe("chatbot", "cornell_30k", metric="perplexity", **FAST),
    "dcgan-fashion_mnist": Recipe("dcgan", "fashion_mnist", metric="frechet", **FAST),
    "dcgan-cifar10": Recipe(
        "dcgan", "cifar10", {"input_shape": (32, 32, 3)}, {"augment": ("flip",)}, metric="frechet"
    ),
    "word2vec-english_lines": Recipe(
        "word2vec",
        "english_lines",
        # twice the published rate, chosen on analogies and WordNet; see docs/results.md
        training={"learning_rate": 25.6},
        metric="spearman",
        judged_by="wordsim353.tsv",
        backend="jax",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--work", type=Path, default=Path("weights-training"), help="where checkpoints lie")
    parser.add_argument("--pilot", action="store_true")
    parser.add_argument("--lists", type=Path, default=Path(), help="gensim's folder test/test_data, for word vectors")
    options = parser.parse_args()
    recipe = RECIPES[options.name]
    os.environ["KERAS_BACKEND"] = recipe.backend  # Keras is not imported yet
    judge = options.lists / recipe.judged_by if recipe.judged_by else recipe.data
    if options.pilot:
        model, dataset, seconds = train(recipe, options.seeds[0], options.work / f"{options.name}-pilot", pilot=True)
        print(f"{options.name}: {model.evaluate(dataset, progress=False)[recipe.metric]}, {seconds:.0f} s")
        return
    for seed in options.seeds:
        folder = options.work / f"{options.name}-{seed}"
        model, _, seconds = train(recipe, seed, folder)
        scores = model.evaluate(judge, progress=False)
        measured = scores[recipe.metric]
        row = {"name": options.name, "seed": seed, "metric": recipe.metric, "value": round(measured.value, 5)}
        row |= {"n": measured.n, "ci_low": round(measured.ci[0], 4), "ci_high": round(measured.ci[1], 4)}
        row |= {"training_seconds": round(seconds), "numbers": json.dumps(numbers(saving.plain(scores)))}
        keep({**row, **setting()})
        print(f"{options.name} seed {seed}: {recipe.metric} {measured}, {seconds:.0f} s; {row['numbers']}", flush=True)
        if recipe.ships and not (WEIGHTS / f"{options.name}.keras").exists():
            ship(options.name, model, judge)
    if recipe.ships:
        describe(options.name)


def train(recipe: Recipe, seed: int, folder: Path, pilot: bool = False):
    """The model, trained, in float32; what it was trained on and is measured on; and the seconds that it took.

    Of a resumed run these are the seconds of its last part.
    """
    begin = time.monotonic()
    model = zoo.get(recipe.model, seed=seed, dtype=recipe.dtype, **recipe.arguments)
    parts = model._find_data(recipe.data).splits
    learned, measured = parts["train"], parts.get("test") or parts.get("validation")
    if pilot:
        learned, measured = learned.cut(0.1)
    # no validation in `fit`: nothing is chosen while it runs, the last epoch is taken
    dataset = Dataset(recipe.data, {"train": learned, **({"test": measured} if measured else {})})
    model.train(dataset, folder=folder, resume=(folder / "resume.npz").exists(), **recipe.training)
    weights = model.model.get_weights()
    model.dtype = None
    model.build().set_weights(weights)
    return model, dataset, time.monotonic() - begin


def ship(name: str, model, judge) -> None:
    """Write the file that the zoo carries, its weights in float16, with the score that it has so; see `main`."""
    recipe = RECIPES[name]
    model.model.set_weights([weight.astype(np.float16).astype(np.float32) for weight in model.model.get_weights()])
    dataset = model._find_data(recipe.data)
    model.data = {"name": dataset.name, "fingerprint": dataset.fingerprint()}
    measured = model.evaluate(judge, progress=False)[recipe.metric]
    file = WEIGHTS / f"{name}.keras"
    WEIGHTS.mkdir(exist_ok=True)
    model.save(file)
    archive = saving.read(file)
    saving.write(file, saving.in_half(archive.members), model.get_config(), archive.record.content["selftest"])
    print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB, {recipe.metric} {measured}", flush=True)


def describe(name: str) -> None:
    """Write the card beside the file: how it was made, how good it is, and how good its sisters of other seeds are."""
    recipe = RECIPES[name]
    net, content = zoo.load(WEIGHTS / f"{name}.keras"), zoo.show(WEIGHTS / f"{name}.keras").to_json()
    rows = [row for row in read(RESULTS) if row["name"] == name]
    scores = [float(row["value"]) for row in rows]
    provenance = {
        "data": content["data"],
        "arguments": saving.plain(recipe.arguments),
        "training": saving.plain({**recipe.training, "dtype": recipe.dtype or "float32", "backend": recipe.backend}),
        **({"judged_by": recipe.judged_by} if recipe.judged_by else {}),
        **{key: content["metrics"][key] for key in {"exchanges"} & content["metrics"].keys()},
        "by_seed": scores,
        "mean": round(float(np.mean(scores)), 4),
        "sd": round(float(np.std(scores, ddof=1)), 4) if len(scores) > 1 else None,
        "seconds": [int(row["training_seconds"]) for row in rows],
        **({"drawn_with_seed_0": f"docs/{name}.png"} if hasattr(net, "sample_to") else {}),
        "machine": f"{rows[0]['cores']} cores, {rows[0]['processor']}",
        "versions": content["versions"],
    }
    card = {
        "format": SAVED_FILE,
        "sha256": hashlib.sha256((WEIGHTS / f"{name}.keras").read_bytes()).hexdigest(),
        "licence": f"Apache-2.0; trained on {recipe.data}, whose licence is: {DATASETS[recipe.data].licence}",
        "scores": {recipe.metric: content["metrics"][recipe.metric]}
        | {key: value for key, value in numbers(content["metrics"]).items() if key != recipe.metric},
        "scores_source": f"python benchmarks/weights.py {name} --seeds {' '.join(row['seed'] for row in rows)}"
        + (" --lists path/to/gensim/test/test_data" if recipe.judged_by else ""),
        "provenance": provenance,
    }
    if hasattr(net, "sample_to"):
        net.sample_to(PICTURES / f"{name}.png", 64, seed=0)
    (WEIGHTS / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def numbers(metrics: dict) -> dict[str, float]:
    """The single numbers among what a file says of itself, those with an interval without it."""
    single = {key: value.get("value") if isinstance(value, dict) else value for key, value in metrics.items()}
    return {key: round(value, 4) for key, value in single.items() if isinstance(value, float)}


def keep(row: dict) -> None:
    """Add a row, in the place of one of the same name and seed."""
    same = {"name": row["name"], "seed": str(row["seed"])}
    others = [old for old in read(RESULTS) if {key: old[key] for key in same} != same]
    write(RESULTS, [*others, row])


if __name__ == "__main__":
    main()
