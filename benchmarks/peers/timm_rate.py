"""Pictures a second from files to features by timm: float32, channels_last, two decoding workers.

    python benchmarks/peers/timm_rate.py split.csv backbone.safetensors

The model and transform are those of timm_sklearn.py. Prints JSON: the rate after the first batch.
"""

import csv
import json
import sys
import time

import torch
from common import PIXELS
from timm_sklearn import BATCH, WORKERS, Pictures, timm
from torch.utils.data import DataLoader


def main(split: str, weights: str) -> None:
    with open(split, newline="", encoding="utf-8") as file:  # noqa: PTH123
        paths = [row["path"] for row in csv.DictReader(file)]
    overlay = {"file": weights, **PIXELS}
    model = timm.create_model("tf_efficientnet_lite0", pretrained=True, num_classes=0, pretrained_cfg_overlay=overlay)
    model.eval().to(memory_format=torch.channels_last)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    start, counted = None, 0
    with torch.inference_mode():
        for images in DataLoader(Pictures(paths, transform), BATCH, num_workers=WORKERS):
            model(images.to(memory_format=torch.channels_last))
            counted += 0 if start is None else len(images)
            start = start or time.perf_counter()
    print(json.dumps({"pictures_per_second": counted / (time.perf_counter() - start)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
