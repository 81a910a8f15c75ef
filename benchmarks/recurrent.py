"""How fast recurrent nets learn and write: char_lstm on each backend, PyTorch's own LSTM, and a loop over predict.

    ZOO_DATA=path/to/data python benchmarks/recurrent.py --jax path/to/python/with/jax

All have two LSTM layers of 256 units, learn from tinyshakespeare in batches of 64 x 100 characters with Adam, and
write one text. Each runs in a process of its own; compiling and the first steps are not counted. A row is written for
each.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from machine import setting, write

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "recurrent.csv"
PEERS = HERE / "peers"
STEPS, WRITTEN = 40, 5000  # steps that are timed, and characters
# as `backend.keep_memory` has it
KEPT = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}


def zoo_rates(dtype: str | None) -> dict:
    """Characters a second in training by plain `fit`, and in one call of `generate`."""
    import zoo
    from zoo.data.text_sources import load

    text = load("tinyshakespeare").splits["train"].text
    net = zoo.get("char_lstm", units=256, depth=2, embedding=256, dropout=0.0, seed=0, dtype=dtype)
    piece = text[: 64 * (100 * STEPS + 1)]
    how = {"batch_size": 64, "progress": False, "schedule": "constant"}
    net.train((warm := text[: 64 * 201]), warm, epochs=1, **how)
    times = []

    import keras

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            float(logs["loss"])  # waits until the step is done
            times.append(time.perf_counter())

    net.train(piece, warm, epochs=1, callbacks=[Clock()], **how)
    trained = 64 * 100 * (len(times) - 3) / (times[-1] - times[2])
    net.generate("ROMEO:", length=WRITTEN, seed=0)  # compiles
    start = time.perf_counter()
    net.generate("ROMEO:", length=WRITTEN, seed=0)
    return {"trains": round(trained), "writes": round(WRITTEN / (time.perf_counter() - start))}


def run(python, arguments: list, environment: dict) -> dict:
    """What a script prints on its last line, as JSON."""
    command, environment = [python, *map(str, arguments)], {**os.environ, **environment}
    printed = subprocess.check_output(command, env=environment, stderr=subprocess.DEVNULL, text=True)
    return json.loads(printed.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jax", metavar="PYTHON", help="an interpreter with zoo and JAX")
    parser.add_argument("--only", metavar="DTYPE", help=argparse.SUPPRESS)  # in the processes that it starts itself
    options = parser.parse_args()
    if options.only:
        print(json.dumps(zoo_rates(None if options.only == "float32" else options.only)))
        return
    runs: list[tuple[str, str, str, list, dict[str, str]]] = []
    for backend in ("torch", "tensorflow", *(["jax"] if options.jax else [])):
        python = options.jax if backend == "jax" else sys.executable
        for dtype in ("float32", "mixed_bfloat16"):
            runs.append((f"zoo on {backend}", dtype, python, [__file__, "--only", dtype], {"KERAS_BACKEND": backend}))
    for dtype in ("float32", "bfloat16"):
        for more, environment in (("", {}), (", memory kept", KEPT)):
            peer = [PEERS / "torch_lstm.py", dtype]
            runs.append((f"PyTorch, nn.LSTM{more}", dtype, sys.executable, peer, environment))
    runs.append(("Keras, predict in a loop", "float32", sys.executable, [PEERS / "keras_predict_loop.py"], {}))
    rows = []
    for tool, dtype, python, arguments, environment in runs:
        rates = run(python, arguments, environment)
        rows.append({"tool": tool, "dtype": dtype, "trains": "", "writes": "", **rates, **setting()})
        print(tool, dtype, rows[-1]["trains"], rows[-1]["writes"], flush=True)
        write(RESULTS, rows)


if __name__ == "__main__":
    main()
