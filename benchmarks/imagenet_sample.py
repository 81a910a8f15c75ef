"""Top-1 of the backbones on ImageNet training photos named NNNN_<synset>_<name>.jpg, NNNN being the class."""

import os
import sys
from pathlib import Path

from machine import setting, write

import zoo
from zoo.metrics import proportion

RESULTS = Path(__file__).parent / "results" / "imagenet_sample.csv"


def main() -> None:
    folders = [Path(folder) / "imagenet_sample" for folder in os.environ.get("ZOO_DATA", "").split(os.pathsep)]
    photos = sorted(photo for folder in folders for photo in folder.glob("*.jpg"))
    if not photos:
        sys.exit("Set ZOO_DATA to a folder that holds imagenet_sample/.")
    rows = []
    for name in [name for name in zoo.list(weights=True) if "imagenet" in zoo.show(name).weights]:
        model = zoo.get(name, weights="imagenet")
        names = model.class_names()
        predicted = [names.index(prediction.label) for prediction in model.predict(photos, top=1)]
        hits = sum(label == int(photo.name[:4]) for label, photo in zip(predicted, photos, strict=True))
        top1 = proportion(hits, len(photos))
        print(name, top1, flush=True)
        low, high = top1.ci
        rows.append({"model": name, "top1": top1.value, "low": low, "high": high, "photos": top1.n, **setting()})
    write(RESULTS, rows)


if __name__ == "__main__":
    main()
