"""The zoo's autoencoder and keras.io's, on the same pictures for the same number of epochs, scored by the same code.

    ZOO_DATA=path/to/data python benchmarks/autoencoder.py --epochs 10 --seeds 0 1 2
    ZOO_DATA=path/to/data python benchmarks/autoencoder.py --epochs 10 --seeds 0 1 2 --noise 0.4

Each trains on the 60,000 training pictures of fashion_mnist, watches the 10,000 test pictures after each epoch, and
saves a file, in a process of its own; the order turns from seed to seed. Plain Keras then opens both files, and NumPy
measures what they draw of the test pictures. A row is appended to the results for each run.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from compare import measure
from machine import add

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "autoencoder.csv"
TOOLS = ["zoo", "keras_io"]
ZOO = """
import json, sys, time, zoo
epochs, seed, noise, out = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
from zoo.data.sources import find
splits = find("fashion_mnist").splits
net = zoo.get("autoencoder", seed=seed, noise=noise)
net.build()
start = time.perf_counter()
net.train(splits["train"], splits["test"], epochs=epochs)
seconds = time.perf_counter() - start
net.save(out)
print(json.dumps({"fit_seconds": seconds}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--noise", type=float, default=0.0, help="standard deviation, white is 1; keras.io has 0.4")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=TOOLS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    folder = data_folder()
    from peers.keras_io_autoencoder import noisy, pictures  # imports Keras

    clean = pictures(folder / "t10k-images-idx3-ubyte.gz")
    np.random.seed(12345)  # the same noise for every file
    given = np.rint(noisy(clean, options.noise) * 255).astype(np.uint8)  # as a file of pixels would hold it
    with tempfile.TemporaryDirectory() as work:
        for number, seed in enumerate(options.seeds):
            for tool in options.tools if number % 2 == 0 else options.tools[::-1]:
                file = Path(work, f"{tool}.keras")
                command: list = [sys.executable]
                command += ["-c", ZOO] if tool == "zoo" else [HERE / "peers" / "keras_io_autoencoder.py", folder]
                printed, seconds, peak = measure([*command, options.epochs, seed, options.noise, file])
                trained = json.loads(printed.splitlines()[-1])
                row = {"tool": tool, "noise": options.noise, "epochs": options.epochs, "seed": seed}
                row |= score(file, given, clean, tool)
                row |= {"fit_seconds": round(trained["fit_seconds"], 1), "process_seconds": round(seconds, 1)}
                add(options.out, {**row, "peak_mb": round(peak)})


def data_folder() -> Path:
    """The folder of fashion_mnist's files, which both tools read."""
    for place in os.environ.get("ZOO_DATA", "").split(os.pathsep):
        if (folder := Path(place, "fashion_mnist")).is_dir() and place:
            return folder
    sys.exit("set ZOO_DATA to a folder that holds fashion_mnist/")


def score(file: Path, given: np.ndarray, clean: np.ndarray, tool: str) -> dict:
    """What a saved file makes of `given` (uint8), compared with `clean` (0 to 1), both of shape (n, 28, 28, 1)."""
    import keras

    model = keras.saving.load_model(file)
    if tool == "zoo":  # pixels in, logits out
        drawn = 1 / (1 + np.exp(-model.predict(given, batch_size=500, verbose=0).astype(np.float64)))
    else:
        drawn = model.predict(given / np.float32(255), batch_size=500, verbose=0).astype(np.float64)
    drawn = drawn.clip(1e-7, 1 - 1e-7)  # as Keras does
    loss = -(clean * np.log(drawn) + (1 - clean) * np.log(1 - drawn)).mean()
    psnr, psnr_given = (-10 * np.log10(((x - clean) ** 2).mean((1, 2, 3)) + 1e-10) for x in (drawn, given / 255))
    scores = {"parameters": model.count_params(), "loss": loss, "mse": ((drawn - clean) ** 2).mean()}
    scores |= {"psnr": psnr.mean(), "psnr_given": psnr_given.mean()}
    return {key: value if isinstance(value, int) else round(float(value), 5) for key, value in scores.items()}


if __name__ == "__main__":
    main()
