"""CIFAR-10 whole: the head on a frozen backbone's features, beside the zoo's own convolutional net.

    ZOO_DATA=path/to/data ZOO_HOME=an/empty/folder python benchmarks/cifar10.py

`zoo finetune` learns from 45,000 of the 50,000 training pictures, as it holds the others out, and is measured once on
the 10,000 test pictures. The net that ships was trained on pixels (`benchmarks/weights.py cnn-cifar10`).
"""

import tempfile
import time
from pathlib import Path

from machine import add, read

import zoo

RESULTS = Path(__file__).parent / "results" / "cifar10.csv"
HELD_OUT = 0.1  # of the training pictures


def finetuned() -> tuple:
    """A classifier, how many of its weights learned, and in how many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        head = zoo.finetune("cifar10", val_split=HELD_OUT, out=Path(folder, "cifar10.keras"))
        seconds = time.perf_counter() - began
    return head, sum(weights.size for weights in head.model.get_layer("head").get_weights()), round(seconds)


def shipped() -> tuple:
    net = zoo.get("cnn", weights="cifar10")
    return net, net.model.count_params(), None


WAYS = {"zoo finetune cifar10": finetuned, "cnn, weights cifar10": shipped}


def main() -> None:
    done = {row["way"] for row in read(RESULTS)}
    for way, learn in WAYS.items():
        if way in done:
            continue
        model, weights, seconds = learn()
        began = time.perf_counter()
        accuracy = model.evaluate("cifar10", split="test")["accuracy"]
        row = {"way": way, "accuracy": round(accuracy.value, 4)}
        row |= {"low": round(accuracy.ci[0], 4), "high": round(accuracy.ci[1], 4), "pictures": accuracy.n}
        row |= {"trained_weights": weights, "learning_seconds": seconds}
        add(RESULTS, {**row, "measuring_seconds": round(time.perf_counter() - began)})


if __name__ == "__main__":
    main()
