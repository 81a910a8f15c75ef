"""Time and memory of `zoo finetune` as the folder grows: copies of photos with changed bytes, each new to the cache.

    ZOO_DATA=path/to/data python benchmarks/growth.py 1000 10000 50000

Every copy is decoded and shown to the network. Accuracy means nothing here: copies lie in both parts.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import setting, write
from splits import Pool

RESULTS = Path(__file__).parent / "results" / "growth.csv"


def copies(pool: Pool, count: int, folder: Path) -> None:
    for number in range(count):
        chosen = number * 101 % len(pool.paths)  # through all classes from the start
        path, label = pool.paths[chosen], pool.labels[chosen]
        (folder / label).mkdir(parents=True, exist_ok=True)
        # a JPEG ends with its end marker: what follows changes the file and not the picture
        (folder / label / f"{number}.jpg").write_bytes(path.read_bytes() + number.to_bytes(4, "big"))


def measure(folder: Path, home: Path) -> dict:
    """One `zoo finetune` in a process of its own: seconds, processor seconds, and the peak of its memory in MB."""
    command = [sys.executable, "-m", "zoo", "finetune", str(folder), "--json", "--out", str(home / "grown.keras")]
    environment = {**os.environ, "ZOO_HOME": str(home), "PYTHONSAFEPATH": "1"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as run:
        assert run.stdout is not None
        printed = run.stdout.read()
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode:
        sys.exit(f"zoo finetune ended with {run.returncode}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    steps = json.loads(printed)["seconds"]
    return {
        "process_seconds": round(seconds, 1),
        "processor_seconds": round(used, 1),
        "peak_mb": round(usage.ru_maxrss / 1e3),
        **{f"seconds: {step}": steps[step] for step in steps},
    }


def main(counts: list[int]) -> None:
    pool, rows = Pool("hymenoptera"), []
    with tempfile.TemporaryDirectory() as work:
        home = Path(work, "home")
        first = Path(work, "first")
        copies(pool, 40, first)
        measure(first, home)  # so that the network's conversion is in none of the rows
        for count in counts:
            folder = Path(work, str(count))
            copies(pool, count, folder)
            shutil.rmtree(home / "features")
            rows.append({"pictures": count, **measure(folder, home), **setting()})
            print(
                {key: rows[-1][key] for key in ("pictures", "process_seconds", "processor_seconds", "peak_mb")},
                flush=True,
            )
            write(RESULTS, rows)
            shutil.rmtree(folder)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1000, 10000])
