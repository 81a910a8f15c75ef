"""`zoo.tune`: the settings of a model of the shelf, or of a fine-tuning, by trials; alone or in several processes."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zoo import catalog, saving
from zoo.api import is_saved_file
from zoo.console import note, note_skipped, progress_bar
from zoo.data import named
from zoo.errors import UsageError, ZooError, checked_seed, is_number, whole_number
from zoo.files import atomic_file, claimed, expand
from zoo.registry import NO_LITERAL, did_you_mean
from zoo.tuning import trials as tuning_trials
from zoo.tuning.models import ModelProblem
from zoo.tuning.outcome import TuningOutcome
from zoo.tuning.photos import PhotoProblem
from zoo.tuning.space import is_word
from zoo.tuning.trials import JOURNAL, Limits, Trials, TriedSettings, mend
from zoo.visualization import canvas

TRIALS = 20  # where neither their number nor a time is given
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
POLL = 0.5  # seconds between two looks at what other processes have done


def tune(
    what: Any,
    data: Any = None,
    validation: Any = None,
    *,
    trials: int | None = None,
    time: float | str | None = None,
    workers: int = 1,
    space: Mapping[str, Any] | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = True,
    **settings: Any,
) -> TuningOutcome:
    """Try settings of a model, or of a fine-tuning on photos, and keep the best.

    The first trial is of the model's own settings. Each is judged by examples that are only watched: those of
    `validation`, else of the data's own validation part where there is a test part beside it, else a fifth of the
    training part; photos by cross-validation on the training photos. A test part is never read: measure the best on
    it, as the best of many trials looks better than it is on what it was chosen by. The trials are kept in a folder
    beside `out`, and the same call goes on.

    Args:
        what: a model's name, or a Python file that registers one; or photos, as `zoo.finetune` takes them.
        data: of a model, what it learns, as for `train`; None is its own dataset.
        validation: of a model, what is watched; of photos, what the best is measured on in the end.
        trials: how many in all, those of earlier calls among them; None is 20, or as many as `time` allows.
        time: after which no trial begins, in seconds, or as "90s", "10m", "2h"; of this call alone.
        workers: processes that try at the same time, each with its share of the processor's cores.
        space: the settings to try, by name: a list of values, or the lowest and the highest number, (0.0, 0.5), and
            "log" where ratios count, (1e-4, 1e-1, "log"). None takes what the model's file states, or else a space
            around the settings that it trains with.
        seed: of all trainings, and of what is tried: the same one comes to the same with one worker.
        out: the `.keras` file of the best; None is NAME-tuned.keras.
        overwrite: replace whatever file is there, and begin anew where the folder holds trials.
        progress: say what each trial came to.
        **settings: arguments of the model, its training or `finetune` that stay as they are.

    Returns:
        A `TuningOutcome`: `print` shows it to people, `.to_json()` gives it to programs, a notebook shows it as it is.

    Raises:
        UsageError: Optuna is not installed, a value that is not accepted, or the trials there are of another tuning.
        ZooError: the data cannot be found, there is nothing to choose by, or no trial came to an end.

    Example:
        >>> import numpy as np, zoo
        >>> x = np.random.default_rng(0).normal(size=(40, 2))
        >>> y = (x[:, 0] > 0).astype(int)
        >>> tuned = zoo.tune("mlp", (x, y), trials=2, input_shape=(2,), epochs=1, progress=False)
        >>> [trial.is_default for trial in tuned.trials]
        [True, False]
    """
    tuning_trials.require_installed()
    seed = checked_seed(seed, 2**32 - 1) or 0
    limits = limits_of(trials, time)
    workers = checked_workers(workers, data if is_model(what) else what, validation)
    for name, value in [*settings.items(), *(space or {}).items()]:
        checked_literal(name, value)
    problem = problem_of(what, data, validation, space, settings, seed)
    out = expand(out if out is not None else f"{Path(problem.name).stem}-tuned.keras")
    if out.suffix != ".keras":
        raise UsageError(f"out must be a .keras file, got {str(out)!r}; try {str(out.with_suffix('.keras'))!r}.")
    saving.output(out, problem.record(), overwrite)  # better said now than after all trials
    folder = out.with_suffix(".tuning")
    with claimed(folder):
        if overwrite and (folder / JOURNAL).is_file():
            remove_trials(folder)
        mend(folder)
        kept = Trials(folder, problem, seed)
        kept.clear()
        shown = Shown(kept, limits, progress)
        if workers == 1:
            for tried in kept.work(limits):
                shown(tried)
        else:
            job = {"what": what, "data": data, "validation": validation, "space": space, "settings": settings}
            try_in_processes(job, workers, kept, limits, shown)
        shown.close()
        return concluded(kept, problem, out, overwrite)


def concluded(kept: Trials, problem: ModelProblem | PhotoProblem, out: Path, overwrite: bool) -> TuningOutcome:
    """Save the best, draw the figures, and say what it came to.

    Raises:
        ZooError: no trial came to an end.
    """
    tried, best = kept.tried(), kept.best()
    if best is None:
        reason = next((f": {trial.about['error']}" for trial in tried if "error" in trial.about), ".")
        raise ZooError(f"none of the {len(tried)} trials came to an end{reason} Give other values to try: --space.")
    measured, skipped = {}, []
    if isinstance(problem, PhotoProblem):
        summary = problem.finish(best.settings, out, overwrite).summary
        measured = {problem.shown: summary["validation"][problem.shown]}
        skipped = summary["skipped"]
    else:
        with atomic_file(out, suffix=".keras") as temporary:
            shutil.copyfile(kept.model_file(best.number), temporary)
        skipped = problem.dataset.skipped
        note_skipped(skipped)
    arguments = problem.arguments(best.settings, best.about)
    outcome = TuningOutcome(
        problem.name,
        problem.judged_by,
        problem.watched(),
        problem.highest,
        tried,
        best,
        kept.importance(),
        arguments,
        problem.command(arguments),
        out,
        kept.folder,
        measured,
        skipped,
    )
    if canvas.installed():
        outcome.draw(kept.folder)
    else:
        note(f"The figures are left out: {canvas.MISSING}")
    return outcome


class Shown:
    """Tells people of each trial that has ended.

    Args:
        kept: the trials.
        limits: how many there will be.
        progress: whether to tell at all.
    """

    def __init__(self, kept: Trials, limits: Limits, progress: bool):
        self.kept, self.limits, self.progress = kept, limits, progress
        begun = len(kept.tried())
        if progress and begun:
            note(f"{begun} trials are there already, in {kept.folder}.")
        self.bar = progress_bar(limits.trials or 0, "tuning", unit="trial", shown=progress, initial=begun)

    def __call__(self, tried: TriedSettings) -> None:
        self.bar.update()
        if not self.progress:
            return
        value = "nothing" if tried.value is None else f"{self.kept.problem.judged_by} {tried.value:.4f}"
        if "error" in tried.about:
            how = f", ended: {tried.about['error']}"
        elif not tried.finished:
            how = ", stopped early"
        else:
            best = self.kept.best()
            how = ", the best so far" if best is not None and best.number == tried.number else ""
        whose = ", its own settings" if tried.is_default else ""
        note(f"trial {tried.number}{whose}: {value}{how}")

    def close(self) -> None:
        """Take the bar away."""
        self.bar.close()


def is_model(what: Any) -> bool:
    """Whether a word names a model to be trained, rather than photos."""
    return isinstance(what, str) and (what in catalog.cards() or what.endswith(".py"))


def problem_of(
    what: Any, data: Any, validation: Any, space: Mapping[str, Any] | None, settings: Mapping[str, Any], seed: int
) -> ModelProblem | PhotoProblem:
    """What is tuned; the arguments are those of `tune`.

    Raises:
        UsageError: a word that names neither a model nor photos; or data for photos, which are the data.
    """
    if is_model(what):
        return ModelProblem(what, data, validation, space, settings, seed)
    if isinstance(what, str):
        if is_saved_file(what):
            raise UsageError(f"{what} is a saved model, and tuning begins anew: give a model's name, or photos.")
        if not (named.is_name(what) or expand(what).exists()):
            names = [*catalog.cards(), *named.names("pictures")]
            raise UsageError(
                f"{what!r} is no model, folder or dataset here{did_you_mean(what, names)} Accepted are a model's name "
                "(`zoo list`), or photos: a folder of class folders, a CSV file, a dataset's name."
            )
    if data is not None:
        raise UsageError(f"{what!r} is no model but the data themselves: leave out --data, in Python data=.")
    return PhotoProblem(what, validation, space, settings, seed)


def limits_of(trials: Any, seconds: Any) -> Limits:
    """How long is tuned.

    Raises:
        UsageError: no such number, or no such time.
    """
    if trials is None and seconds is None:
        trials = TRIALS
    trials = None if trials is None else whole_number("trials", trials, 1)
    return Limits(trials, None if seconds is None else time.time() + seconds_of(seconds))


def seconds_of(value: float | str) -> float:
    """A time as people type it, in seconds.

    Raises:
        UsageError: it is none.

    Example:
        >>> seconds_of("10m"), seconds_of(90)
        (600.0, 90.0)
    """
    if is_number(value) and float(value) > 0:
        return float(value)
    typed = re.fullmatch(r"(\d+(?:\.\d*)?)([smh]?)", str(value).strip())
    if not typed or not float(typed[1]):
        raise UsageError(f"time is {value!r}; accepted are seconds, 90, or a time such as 90s, 10m or 2h.")
    return float(typed[1]) * UNITS[typed[2]]


def checked_workers(workers: Any, data: Any, validation: Any) -> int:
    """How many processes.

    Raises:
        UsageError: no such number, more than there are cores, or data that no other process can find.
    """
    workers = whole_number("workers", workers, 1)
    if workers > (cores := len(cores_here())):
        raise UsageError(f"workers is {workers}, and this machine has {cores} cores; accepted are 1 to {cores}.")
    for value in (data, validation):
        if workers > 1 and value is not None and not is_word(value):
            raise UsageError(
                "data in memory cannot be told to other processes: leave out workers, or give a folder, a file or a "
                "dataset's name."
            )
    return workers


def cores_here() -> list[int]:
    """The numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]


def checked_literal(name: str, value: Any) -> None:
    """Refuse what cannot be written down, and so neither compared with an earlier tuning nor typed.

    Raises:
        UsageError: it cannot.
    """
    try:
        same = ast.literal_eval(repr(value)) == value
    except NO_LITERAL:
        same = False
    if not same:
        raise UsageError(
            f"{name} is {value!r}; accepted are numbers, words, and lists, tuples or dicts of them, which can be "
            "written down."
        )


def remove_trials(folder: Path) -> None:
    """Remove the trials of an earlier tuning, and what was made of them."""
    for file in (folder / JOURNAL, *folder.glob("trial-*.keras")):
        file.unlink(missing_ok=True)


def try_in_processes(
    job: dict[str, Any], workers: int, kept: Trials, limits: Limits, shown: Callable[[TriedSettings], None]
) -> None:
    """Let several processes try settings until the limits are reached.

    Args:
        job: the arguments of `problem_of`, but the seed.
        workers: how many.
        kept: the trials.
        limits: how long.
        shown: is called with each trial that has ended.

    Raises:
        ZooError: what a process ended with.
    """
    cores = cores_here()
    processes = []
    told = {trial.number for trial in kept.tried()}
    try:
        for number in range(workers):
            own = cores[number::workers]
            threads = dict.fromkeys(
                ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), str(len(own))
            )
            process = subprocess.Popen(
                # -P: a file of the user's that is called like a package must not be imported in its place
                [sys.executable, "-P", "-m", "zoo.tuning.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **threads},
                start_new_session=True,  # Ctrl-C is for this process, which ends the others
            )
            processes.append(process)
            written = {key: repr(os.fspath(value) if is_word(value) else value) for key, value in job.items()}
            about = {"seed": kept.seed, "folder": str(kept.folder.resolve()), "limits": [limits.trials, limits.until]}
            assert process.stdin is not None
            process.stdin.write(json.dumps({"problem": written, **about, "worker": number, "cores": own}) + "\n")
            process.stdin.flush()
        running = True
        while running:
            running = any(process.poll() is None for process in processes)
            for trial in kept.tried():  # after the look at the processes, so that none is missed
                if trial.number not in told:
                    told.add(trial.number)
                    shown(trial)
            for process in processes:
                if process.returncode:
                    said = process.stdout.read() if process.stdout else ""
                    raise ZooError(said or f"a process of the tuning ended with {process.returncode}.")
            time.sleep(POLL if running else 0)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
