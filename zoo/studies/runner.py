"""Runs a study: every arm with every seed, into rows that are kept, then table, verdicts, figure."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path

from zoo import api, catalog, files
from zoo.console import note, progress_bar
from zoo.data import sources
from zoo.errors import DivergedError, whole_number
from zoo.studies.definitions import get_study
from zoo.studies.figures import FIGURES, model_file
from zoo.studies.outcome import Outcome
from zoo.studies.rows import Reading, Row, provenance, read_rows, write_rows
from zoo.studies.schema import Arm, Study
from zoo.visualization import canvas


def reproduce(name: str, seeds: int | None = None, out=None, overwrite: bool = False) -> Outcome:
    """Run a study and write its rows and its figure; rows that are there already are not measured again.

    Args:
        name: the study, see `zoo reproduce`.
        seeds: how many seeds, 0, 1, 2 and so on; None is the study's own number.
        out: the folder for `results.csv`, `results.json` and the figure; None is `studies/NAME`.
        overwrite: write there although the folder holds files of these names that are no study's.

    Returns:
        An `Outcome`: `print` shows it to people, `.to_json()` gives it to programs, `.rows` are its rows.

    Raises:
        ZooError: no such study, its data are not at hand, or the folder holds something else.

    Example:
        >>> reproduce("optimisers")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        zoo.errors.UsageError: no study is called 'optimisers'; did you mean 'optimizers'? ...
    """
    study = get_study(name)
    seeds = whole_number("seeds", study.seeds if seeds is None else seeds, 1)
    folder = Path("studies", study.name) if out is None else files.expand(out)
    with files.claimed(folder):
        check_folder(folder, study, overwrite)
        rows = run(study, range(seeds), folder)
    outcome = Outcome(study, rows, folder)
    if canvas.installed():
        path = folder / f"{study.name}.png"
        FIGURES[study.figure](study, rows, folder, path, **study.drawing)
        outcome.figure = path
    else:
        note(f"The figure is left out: {canvas.MISSING}")
    return outcome


def check_folder(folder: Path, study: Study, overwrite: bool = False) -> None:
    """Refuse to write a study over something else: where its rows are, the other files are its own too."""
    own = bool(read_rows(folder))
    for name in ("results.csv", f"{study.name}.png"):
        files.output(folder / name, lambda file: "" if own else "is of no study", overwrite=overwrite)


def run(study: Study, seeds, folder: Path) -> list[Row]:
    """The rows of every arm with every seed: those in `folder`, and the missing ones, kept as soon as measured."""
    datasets = {name: sources.load(name) for name in dict.fromkeys(arm.data for arm in study.arms)}
    fingerprints = {name: dataset.fingerprint() for name, dataset in datasets.items()}
    definitions = {arm.label: definition(study, arm, fingerprints[arm.data]) for arm in study.arms}
    made_by = provenance()
    stored = read_rows(folder)
    kept = [
        row
        for row in stored
        if (row.study, row.definition, row.versions) == (study.name, definitions.get(row.arm), made_by["versions"])
    ]
    if len(stored) > len(kept):
        note(f"{len(stored) - len(kept)} rows of another definition or of other versions are measured anew.")
    done = {(row.arm, row.seed) for row in kept}
    with progress_bar(len(seeds) * len(study.arms), study.name, unit="run") as bar:
        for seed in seeds:  # a whole comparison first, then the next
            for arm in study.arms:
                model = model_file(folder, arm) if study.keeps_models and seed == 0 else None
                if (arm.label, seed) in done and (model is None or model.exists()):
                    note(f"{arm.label}, seed {seed}: kept")
                else:
                    readings, seconds = measure(study, arm, seed, datasets[arm.data], model)
                    about = {"study": study.name, "arm": arm.label, "seed": seed, "seconds": seconds, "data": arm.data}
                    about |= {"fingerprint": fingerprints[arm.data], "definition": definitions[arm.label], **made_by}
                    kept = [row for row in kept if (row.arm, row.seed) != (arm.label, seed)]
                    kept += [Row(**asdict(reading), **about) for reading in readings]
                    write_rows(folder, kept)
                    note(f"{arm.label}, seed {seed}: {seconds:.1f} s")
                bar.update()
    return [row for row in kept if row.seed in seeds]


def definition(study: Study, arm: Arm, fingerprint: str) -> str:
    """A hash of all that decides an arm's figures but the seed, the versions and the machine."""
    card = catalog.card(arm.model)  # its defaults count too
    arguments = card.arguments | arm.arguments
    facts = {name: fact for name, fact in card.facts.items() if name != "search_space"}  # a study tunes nothing
    decisive = [arm.model, arguments, facts, arm.training, arm.settings, fingerprint, study.measures]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:12]


def measure(study: Study, arm: Arm, seed: int, dataset, model: Path | None = None) -> tuple[list[Reading], float]:
    """Train one arm with one seed and read what the study measures, and in how many seconds.

    The trained net is kept as the file `model`.
    """
    from zoo.studies import probes  # before the clock starts: it imports the framework

    began = time.perf_counter()
    task = api.get(arm.model, seed=seed, **arm.settings, **arm.arguments)
    training = dict(arm.training)
    if isinstance(training.get("optimizer"), dict):
        training["optimizer"] = probes.keras.optimizers.get(training["optimizer"])
    trial = probes.Trial(task, dataset)
    during = [probes.DURING[name] for name in study.measures if name in probes.DURING]
    callback = probes.ProbeCallback(trial, during)
    if during:
        training["callbacks"] = [callback]
    try:
        history = task.train(dataset, progress=False, **training)
        trial.history, trial.steps = history.history, history.params["steps"]
        diverged = 0.0
    except DivergedError:
        diverged = 1.0
    readings = [*callback.readings, Reading("diverged", diverged)]
    for name in study.measures:
        if name in probes.AFTER:
            readings += probes.AFTER[name](trial)
    if model is not None:
        task.save(model)
    return readings, round(time.perf_counter() - began, 2)
