"""Pictures a second from files to features, and what decoding alone and the network alone would allow.

ZOO_DATA=path/to/data python benchmarks/throughput.py [--peers PYTHON]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import setting, write
from splits import Pool

from zoo.data import sources
from zoo.inference import BATCH
from zoo.transfer.features import Backbone, FeatureEngine, extract

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "throughput.csv"


def rate(work, count: int) -> float:
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="flower_photos")
    parser.add_argument("--peers", metavar="PYTHON", default=sys.executable, help="one with timm, to compare with")
    options = parser.parse_args()
    pool = Pool(options.dataset)
    pictures = sources.Pictures(pool.paths, np.zeros(len(pool.paths), int), ["any"])
    rows = []

    def add(what: str, value: float) -> None:
        print(f"{what}: {value:.1f} pictures/s", flush=True)
        row = {"dataset": options.dataset, "what": what, "pictures_per_second": round(value, 1)}
        rows.append({**row, "pictures": len(pictures), **setting()})

    with tempfile.TemporaryDirectory() as work:
        os.environ["ZOO_HOME"] = work
        backbone = Backbone("efficientnet_lite0")
        backbone.conversion.wait()
        engine = FeatureEngine(backbone)
        add("decoding alone", rate(lambda: [None for _ in sources.stream(pictures, backbone.rule)], len(pictures)))
        pixels = np.zeros((BATCH, *backbone.rule.size, 3), np.uint8)
        engine(pixels)  # compiled
        add(f"network alone, {engine.name} {engine.precision}", rate(lambda: [engine(pixels) for _ in range(30)], 960))
        add(f"both, {engine.name} {engine.precision}", rate(lambda: extract(pictures, engine), len(pictures)))
        exact = FeatureEngine(backbone, "float32")
        exact(pixels)
        add(f"network alone, {exact.name} float32", rate(lambda: [exact(pixels) for _ in range(30)], 960))
        add(f"both, {exact.name} float32", rate(lambda: extract(pictures, exact), len(pictures)))
        pool.write(np.zeros(len(pictures), bool), Path(work, "split.csv"))
        subprocess.run([options.peers, HERE / "peers" / "prepare.py", work], check=True, capture_output=True)
        peer = [options.peers, HERE / "peers" / "timm_rate.py", f"{work}/split.csv", f"{work}/backbone.safetensors"]
        printed = subprocess.run(peer, check=True, capture_output=True, text=True).stdout
        add("both, timm float32 channels_last", json.loads(printed.splitlines()[-1])["pictures_per_second"])
    write(RESULTS, rows)


if __name__ == "__main__":
    main()
