"""zoo and other tools on the same random splits: accuracy on the same held-out pictures, and whole processes' time.

    ZOO_DATA=path/to/data python benchmarks/compare.py --quiet-machine

A row is appended to the results as soon as it is measured, and what is there already is not run again, so the
command can be stopped and started at any time. tables.py makes tables of the rows.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import read, write
from splits import Pool

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "compare.csv"
PEERS = {  # the backbone that each script takes and the kind of file that it saves
    "keras_guide": ("backbone.keras", "keras"),
    "keras_features": ("backbone.keras", "keras"),
    "timm_pytorch": ("backbone.safetensors", "pt"),
    "timm_whole": ("backbone.safetensors", "pt"),
    "timm_sklearn": ("backbone.safetensors", "joblib"),
}
TOOLS = ["zoo", "zoo_float32", "zoo_core", *PEERS]
PREDICT = "import json, sys, zoo; print(json.dumps([p.label for p in zoo.load(sys.argv[1]).predict(sys.argv[2:])]))"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["hymenoptera", "flower_photos"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=TOOLS)
    parser.add_argument("--bare", metavar="PYTHON", help="an interpreter with zoo and without OpenVINO, for zoo_core")
    parser.add_argument("--peers", metavar="PYTHON", default=sys.executable, help="one with zoo, timm, scikit-learn")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--again", action="store_true", help="run what the results hold already, too")
    parser.add_argument("--quiet-machine", action="store_true", help="nothing else runs: these times count")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    if "zoo_core" in options.tools and not options.bare:
        print("zoo_core is left out: name an interpreter without OpenVINO by --bare.", flush=True)
        options.tools.remove("zoo_core")
    with tempfile.TemporaryDirectory() as work:
        sys.exit(compare(options, Path(work)))


def compare(options, work: Path) -> int:
    """Every tool on every split, in an order that turns from split to split; the number of runs that failed."""
    done = {key(row) for row in read(options.out) if row["quiet"] == "yes" or not options.quiet_machine}
    failed = 0
    for seed in options.seeds:
        for dataset in options.datasets:
            pool = Pool(dataset)
            held_out = pool.split(seed)
            table = work / "split.csv"
            pool.write(held_out, table)
            turn = seed % len(options.tools)
            for tool in options.tools[turn:] + options.tools[:turn]:
                caches = [""] if tool in PEERS else ["empty", "warm"]
                if not options.again and all((dataset, str(seed), tool, cache) in done for cache in caches):
                    continue
                python = options.peers if tool in PEERS else options.bare if tool == "zoo_core" else sys.executable
                setting = json.loads(subprocess.check_output([python, str(HERE / "machine.py")], text=True))
                run = run_peer if tool in PEERS else run_zoo
                try:
                    for cache, right, seconds, peak in run(python, tool, table, pool, held_out, work):
                        row = {"dataset": dataset, "seed": seed, "tool": tool, "cache": cache}
                        row |= {"accuracy": round(right.mean(), 4), "n": len(right)}
                        row |= {"process_seconds": round(seconds, 1), "peak_mb": round(peak)}
                        print(" ".join(map(str, row.values())), flush=True)
                        marks = np.full(len(held_out), ".")
                        marks[held_out] = np.where(right, "1", "0")
                        row |= {"quiet": "yes" if options.quiet_machine else "no", "right": "".join(marks)}
                        write(options.out, [*read(options.out), {**row, **setting}])
                except subprocess.CalledProcessError as error:
                    print(f"{dataset} {seed} {tool} failed: {error.stderr[-2000:]}", flush=True)
                    failed += 1
    return failed


def run_peer(python, tool, table, pool, held_out, work):
    """Yields what is measured of one run: cache, right or wrong by held-out picture, seconds, MB."""
    weights, suffix = PEERS[tool]
    if not (work / weights).exists():
        subprocess.run([python, HERE / "peers" / "prepare.py", work], check=True, capture_output=True, text=True)
    script = HERE / "peers" / f"{tool}.py"
    printed, seconds, peak = measure([python, script, table, work / weights, work / f"{tool}.{suffix}"])
    yield "", np.array(json.loads(printed.splitlines()[-1])["right"], bool), seconds, peak


def run_zoo(python, tool, table, pool, held_out, work):
    """The same of `zoo finetune`, with an empty cache and again; which pictures are right is asked afterwards."""
    truth = [label for label, held in zip(pool.labels, held_out, strict=True) if held]
    paths = [path for path, held in zip(pool.paths, held_out, strict=True) if held]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "ZOO_HOME": home, "PYTHONSAFEPATH": "1"}  # what is installed, not what lies here
        for cache in ("empty", "warm"):
            file = work / f"{tool}.keras"
            command = [python, "-m", "zoo", "finetune", table, "--json", "--out", file]
            command += ["--precision", "float32"] if tool == "zoo_float32" else []
            printed, seconds, peak = measure(command, environment)
            answers, _, _ = measure([python, "-c", PREDICT, file, *paths], environment)
            right = np.array(json.loads(answers.splitlines()[-1])) == np.array(truth)
            reported = json.loads(printed)["validation"]["accuracy"]["value"]
            if abs(reported - right.mean()) > 1e-9:
                print(f"note: zoo reported {reported:.4f}, its saved model has {right.mean():.4f}", flush=True)
            yield cache, right, seconds, peak


def measure(command: list, environment: dict | None = None) -> tuple[str, float, float]:
    """What a process printed, its seconds from start to exit, and the MB of the largest process in it."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        child = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err, env=environment)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        printed, errors = out.read(), err.read()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, printed, errors)
    return printed, seconds, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def key(row) -> tuple[str, str, str, str]:
    return row["dataset"], row["seed"], row["tool"], row["cache"]


if __name__ == "__main__":
    main()
