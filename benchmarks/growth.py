"""Time and memory of `zoo finetune` as the folder grows: copies of photos with changed bytes, each new to the cache.

    ZOO_DATA=path/to/data python benchmarks/growth.py 1000 10000 50000

Every copy is decoded and shown to the network. Accuracy means nothing here: copies lie in both parts.
"""

import json
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path

from compare import measure
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


def finetune(folder: Path, home: Path) -> dict:
    """One `zoo finetune` in a process of its own: seconds, processor seconds, and the peak of its memory in MB."""
    command = [sys.executable, "-m", "zoo", "finetune", str(folder), "--json", "--out", str(home / "grown.keras")]
    environment = {**os.environ, "ZOO_HOME": str(home), "PYTHONSAFEPATH": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed, seconds, peak = measure(command, environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    steps = {f"seconds: {step}": value for step, value in json.loads(printed)["seconds"].items()}
    return {"process_seconds": round(seconds, 1), "processor_seconds": round(used, 1), "peak_mb": round(peak), **steps}


def main(counts: list[int]) -> None:
    pool, rows = Pool("hymenoptera"), []
    with tempfile.TemporaryDirectory() as work:
        home = Path(work, "home")
        first = Path(work, "first")
        copies(pool, 40, first)
        finetune(first, home)  # so that the network's conversion is in none of the rows
        for count in counts:
            folder = Path(work, str(count))
            copies(pool, count, folder)
            shutil.rmtree(home / "features")
            rows.append({"pictures": count, **finetune(folder, home), **setting()})
            print({key: value for key, value in rows[-1].items() if key != "versions"}, flush=True)
            write(RESULTS, rows)
            shutil.rmtree(folder)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1000, 10000])
