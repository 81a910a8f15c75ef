"""Many users of the studio at once: `python benchmarks/app.py FILE.keras PHOTOS` prints what was measured as JSON.

Every user asks for one photo after the other, each on a connection of its own, as fast as answers come. Each answer
must name the class that `predict` names.
"""

import argparse
import http.client
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import zoo


def started(file: Path) -> tuple[subprocess.Popen, int, str]:
    """A studio, its port and its token."""
    words = ["-m", "zoo", "app", str(file), "--no-browser", "--json", "--port", "0"]
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    text = ""
    while not text.endswith("}\n"):
        text += process.stdout.readline()
    facts = json.loads(text)
    return process, int(facts["address"].split(":")[2].partition("/")[0]), facts["token"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--each", type=int, default=20)
    options = parser.parse_args()
    files = sorted(options.photos.rglob("*.jpg"))[: options.each]
    photos = [file.read_bytes() for file in files]
    expected = [answer.label for answer in zoo.load(options.file).predict(files)]
    process, port, token = started(options.file)

    def user(number: int) -> list[tuple[float, bool]]:
        connection, results = http.client.HTTPConnection("127.0.0.1", port, timeout=120), []
        for turn in range(options.each):
            which = (number + turn) % len(photos)
            begin = time.perf_counter()
            connection.request("POST", "/predict", photos[which], {"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            said = json.loads(answer.read())
            results.append((time.perf_counter() - begin, answer.status == 200 and said["label"] == expected[which]))
        return results

    try:
        user(0)  # opens the classifier
        begin = time.perf_counter()
        with ThreadPoolExecutor(options.users) as threads:
            results = [result for results in threads.map(user, range(options.users)) for result in results]
        seconds = time.perf_counter() - begin
    finally:
        process.terminate()
        process.wait()
    times = np.array([time for time, _ in results])
    measured = {"users": options.users, "predictions": len(results), "right": sum(right for _, right in results)}
    measured |= {f"p{share}_seconds": round(float(np.percentile(times, share)), 3) for share in (50, 95, 99)}
    print(json.dumps({**measured, "per_second": round(len(results) / seconds, 1)}))


if __name__ == "__main__":
    main()
