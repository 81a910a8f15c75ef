"""The zoo's DCGAN and keras.io's: the same pictures, the same wall time, their drawings scored by the same code.

    ZOO_DATA=path/to/data python benchmarks/dcgan.py --seconds 300 --seeds 0 1 2
    ZOO_DATA=path/to/data python benchmarks/dcgan.py --rates

Each learns the 60,000 training pictures of fashion_mnist in a process of its own, compiling and first steps within the
time; the order turns from seed to seed. 10,000 drawings meet the 10,000 test pictures in `zoo.tasks.images.fidelity`.
Both have TensorFlow's oneDNN kernels, which the zoo turns on. --rates measures pictures a second alone: also of the
zoo's nets in keras.io's step, and of the zoo in both precisions with several batches. A row is appended for each run.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from autoencoder import data_folder
from compare import measure
from machine import add

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "dcgan.csv"
COUNT = 10_000
SCORES = ("frechet", "kid", "floor", "nearest", "least")
ZOO = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import zoo
net = zoo.get("dcgan", seed=int(sys.argv[3]), dtype=None if sys.argv[6] == "float32" else sys.argv[6])
net.build()
from peers.keras_io_dcgan import Clock
clock, batch = Clock(float(sys.argv[2])), int(sys.argv[7])
net.train("fashion_mnist", epochs=1000, batch_size=batch, callbacks=[clock], progress=False)
if int(sys.argv[4]):
    np.save(sys.argv[5], net.sample(int(sys.argv[4]), seed=int(sys.argv[3])))
print(json.dumps({"pictures_per_second": round(clock.rate(batch)), "steps": len(clock.times)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rates", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    theirs = ("keras_io", "float32", 64)
    runs = [
        (seed, 0 if options.rates else COUNT, how)
        for number, seed in enumerate(options.seeds[:1] if options.rates else options.seeds)
        for how in [("zoo", "float32", 64), theirs][:: 1 if number % 2 == 0 else -1]
    ]
    if options.rates:
        ways = [("float32", 256), ("mixed_bfloat16", 64), ("mixed_bfloat16", 256)]
        whose = [("zoo", *way) for way in ways] + [("keras_io, the zoo's nets", "float32", 64)]
        runs += [(options.seeds[0], 0, how) for how in whose]
    with tempfile.TemporaryDirectory() as work:
        for seed, count, (tool, dtype, batch) in runs:
            file = Path(work, "drawn.npy")
            if tool == "zoo":
                command = ["-c", ZOO, HERE, options.seconds, seed, count, file, dtype, batch]
            else:
                nets = [] if tool == "keras_io" else [put_nets(Path(work))]
                peer = HERE / "peers" / "keras_io_dcgan.py"
                command = [peer, data_folder(), options.seconds, seed, count, file, *nets]
            printed, _, peak = measure([sys.executable, *command])
            row = {"tool": tool, "dtype": dtype, "batch": batch, "seed": seed, "seconds": options.seconds}
            row |= json.loads(printed.splitlines()[-1])
            row |= score(np.load(file)) if count else dict.fromkeys(SCORES, "")
            add(options.out, {**row, "peak_mb": round(peak)})


def put_nets(folder: Path) -> Path:
    """Write the zoo's two nets, untrained, as plain Keras files."""
    import zoo

    net = zoo.get("dcgan", seed=0)
    net.build().save(folder / "generator.keras")
    net._model_function(net.entry.discriminator)().save(folder / "discriminator.keras")
    return folder


def score(drawn: np.ndarray) -> dict:
    """What `zoo.tasks.images.fidelity` says of drawings beside fashion_mnist's test part."""
    import zoo
    from zoo.data import sources
    from zoo.tasks.images import fidelity

    rule = zoo.get("cnn", weights="fashion_mnist").preprocessing
    parts = sources.find("fashion_mnist").splits
    real, learned = (sources.arrays(parts[split], rule)[0] for split in ("test", "train"))
    scores = fidelity.compare(real, drawn, learned, "fashion_mnist", progress=False)
    return {key: round(float(scores[key]), 4) for key in SCORES}


if __name__ == "__main__":
    main()
