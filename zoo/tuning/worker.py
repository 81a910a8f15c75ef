"""A program that tries settings beside others: reads what from standard input, and ends when that does."""

import ast
import json
import os
import sys
import threading
from pathlib import Path

from zoo.console import silence
from zoo.errors import ZooError
from zoo.tuning.trials import Limits, Trials
from zoo.tuning.tune import problem_of


def main() -> int:
    answers, commands = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
    os.dup2(2, 1)  # what libraries print is no answer
    job = json.loads(commands.readline())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, job["cores"])  # before a framework is imported, which asks how many there are

    def end_with_the_other() -> None:
        commands.read()
        os._exit(0)  # who started this one has gone

    threading.Thread(target=end_with_the_other, daemon=True).start()
    stated = {name: ast.literal_eval(value) for name, value in job["problem"].items()}
    try:
        with silence():
            problem = problem_of(**stated, seed=job["seed"])
            for _ in Trials(Path(job["folder"]), problem, job["seed"]).work(Limits(*job["limits"]), job["worker"]):
                pass
    except ZooError as error:
        answers.write(str(error))
        answers.flush()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
