"""The trials of a tuning: which settings come next, what became of each, all of it in a journal on the disk.

Optuna chooses by what has finished. With one worker the choices are a function of the seed and of the finished trials
alone, so a tuning that was interrupted goes on to where an unbroken one comes.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from filelock import FileLock

from zoo.errors import DivergedError, UsageError, ZooError, printable
from zoo.tuning.space import SearchSpace

if TYPE_CHECKING:
    import optuna

JOURNAL = "journal.log"
LOCK = ".asking.lock"  # whoever asks for settings counts the trials first, and nobody else meanwhile
RANDOM = 8  # trials whose settings are drawn at random, before Optuna's TPE chooses by the others
COMPARABLE = 8  # finished trials, below which nobody can say what mattered
MISSING = (
    "tuning needs Optuna; type: python -m pip install optuna, or install the zoo with its extra: "
    'python -m pip install "keras-zoo[tune]"'
)


def require_installed() -> None:
    """Stop where nothing can be tuned.

    Raises:
        UsageError: Optuna is not installed.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # no widgets in a notebook: Optuna's own bar is not shown
            import optuna
            import optuna.progress_bar
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise UsageError(MISSING) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)


# is told what a trial is judged by after each epoch or fold, and raises `Stopped` where it is not worth going on
Report: TypeAlias = Callable[[int, float], None]


class Stopped(Exception):
    """A trial that was ended early."""


@dataclass(frozen=True)
class TriedSettings:
    """A trial: some settings, and what they came to.

    Attributes:
        number: counted from 0, as they were begun.
        settings: those that were tried.
        value: what it is judged by, at its best; None where nothing was measured.
        finished: whether it ran to its end; else it was stopped early, as it did worse than others.
        is_default: whether these are the model's own settings.
        seconds: that it took.
        curve: what it was judged by after each epoch or fold.
        about: what else is known of it.
    """

    number: int
    settings: dict[str, Any]
    value: float | None
    finished: bool
    is_default: bool
    seconds: float
    curve: list[float]
    about: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Limits:
    """How long is tuned.

    Attributes:
        trials: so many in all, those of earlier runs in the same folder among them; None is no limit.
        until: no trial begins after this time, in seconds as `time.time` has it; None is no limit.
    """

    trials: int | None
    until: float | None


class Problem(Protocol):
    """What is tuned."""

    name: str  # of what is tuned
    space: SearchSpace
    defaults: dict[str, Any]  # every setting's own value
    judged_by: str  # the number that settings are chosen by
    highest: bool  # whether the highest is the best
    unpruned: int  # trials that finish before any is stopped early
    warmup: int  # epochs or folds that each trial goes through before it may be stopped

    def identity(self) -> dict[str, Any]:
        """What two runs must share to be of one tuning, as JSON."""

    def run(self, settings: dict[str, Any], report: Report) -> tuple[float, dict[str, Any]]:
        """Try settings: what they are judged by, and what else is known, as JSON.

        Raises:
            Stopped: it was stopped early.
            DivergedError: the training came to numbers that are not finite.
        """

    def keep(self, path: Path) -> None:
        """Write the model of the last trial, where there is one."""


class Trials:
    """The trials of one tuning, on the disk.

    Args:
        folder: where they are kept.
        problem: what is tuned.
        seed: decides which settings are tried.

    Raises:
        UsageError: Optuna is not installed, or the folder holds the trials of another tuning.
        ZooError: what the folder holds is damaged.
    """

    def __init__(self, folder: Path, problem: Problem, seed: int):
        require_installed()
        import optuna
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

        self.folder, self.problem, self.seed = folder, problem, seed
        self.space = problem.space
        file = folder / JOURNAL
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(folder / LOCK)
        pruner = optuna.pruners.MedianPruner(n_startup_trials=problem.unpruned, n_warmup_steps=problem.warmup)
        direction: Any = "maximize" if problem.highest else "minimize"
        try:
            storage = JournalStorage(JournalFileBackend(str(file), JournalFileOpenLock(str(file))))
            self.study = optuna.create_study(
                storage=storage, study_name="zoo", direction=direction, pruner=pruner, load_if_exists=True
            )
            stored = self.study.user_attrs.get("identity")
        except (ValueError, LookupError, AssertionError, TypeError) as error:
            raise ZooError(
                f"{file} is damaged ({type(error).__name__}). Tune anew: --overwrite, in Python overwrite=True."
            ) from error
        if stored is not None:
            check_identity(stored, problem.identity(), folder)
            return
        self.study.set_user_attr("identity", problem.identity())
        if (defaults := self.space.answers(problem.defaults)) is not None:
            self.study.enqueue_trial(defaults, user_attrs={"is_default": True})

    def clear(self) -> None:
        """Give up trials that nobody is at any more: their process was interrupted, or killed."""
        import optuna

        for trial in self.study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
            was_default = trial.user_attrs.get("is_default")
            self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            if was_default:
                self.study.enqueue_trial(trial.system_attrs["fixed_params"], user_attrs={"is_default": True})

    def ask(self, limits: Limits, worker: int = 0) -> optuna.Trial | None:
        """The next trial; None where there is no other to be begun.

        Args:
            limits: how long is tuned.
            worker: the number of who asks, each of which draws other random numbers.
        """
        with self.lock:
            done = len(self.tried())
            if limits.trials is not None and done + self._running() >= limits.trials:
                return None
            if limits.until is not None and time.time() >= limits.until and done:
                return None
            self.study.sampler = self._sampler(np.random.SeedSequence([self.seed, worker, done]))
            return self.study.ask(self.space.distributions())

    def _sampler(self, seeds: np.random.SeedSequence) -> optuna.samplers.BaseSampler:
        import optuna

        with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
            return optuna.samplers.TPESampler(
                n_startup_trials=RANDOM, multivariate=True, constant_liar=True, seed=int(seeds.generate_state(1)[0])
            )

    def _running(self) -> int:
        import optuna

        return len(self.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)))

    def tried(self) -> list[TriedSettings]:
        """The trials that have ended, in their order."""
        import optuna

        states = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED
        return [self._read(trial) for trial in self.study.get_trials(deepcopy=False, states=states)]

    def _read(self, trial: optuna.trial.FrozenTrial) -> TriedSettings:
        about = dict(trial.user_attrs)
        is_default = about.pop("is_default", False)
        curve = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
        finished = trial.state.name == "COMPLETE"
        value = trial.value if finished else (max if self.problem.highest else min)(curve, default=None)
        seconds = round(trial.duration.total_seconds(), 2) if trial.duration else 0.0
        settings = self.space.settings(trial.params)
        return TriedSettings(trial.number, settings, value, finished, is_default, seconds, curve, about)

    def best(self) -> TriedSettings | None:
        """The finished trial that is judged best; of equals the first."""
        finished = [trial for trial in self.tried() if trial.finished]
        sign = -1 if self.problem.highest else 1
        return min(finished, key=lambda trial: sign * (trial.value or 0.0), default=None)

    def importance(self) -> dict[str, float]:
        """How much each setting's choice mattered, shares that add up to 1, the most important first.

        By PED-ANOVA (Watanabe et al. 2023): how far the settings of the better half of the finished trials differ from
        those of all of them. {} where too few have finished to say anything.
        """
        import optuna

        if len([trial for trial in self.tried() if trial.finished]) < COMPARABLE:
            return {}
        with warnings.catch_warnings(action="ignore"), contextlib.suppress(ValueError, RuntimeError):
            evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.5)
            found = optuna.importance.get_param_importances(self.study, evaluator=evaluator)
            return {name: float(share) for name, share in found.items()}
        return {}

    def work(self, limits: Limits, worker: int = 0) -> Iterator[TriedSettings]:
        """Try settings until the limits are reached; yields each trial that has ended.

        The model of the best is kept in the folder, as `trial-NUMBER.keras`.

        Raises:
            ZooError: the model's own settings cannot be trained with; others that cannot are left.
        """
        while (trial := self.ask(limits, worker)) is not None:
            self._try(trial)
            yield next(tried for tried in self.tried() if tried.number == trial.number)

    def _try(self, trial: optuna.Trial) -> None:
        import optuna

        pruned, complete = optuna.trial.TrialState.PRUNED, optuna.trial.TrialState.COMPLETE
        ended = self.study.get_trials(deepcopy=False, states=(complete, pruned))
        if (same := next((other for other in ended if other.params == trial.params), None)) is not None:
            trial.set_user_attr("same_as", same.number)
            for name, fact in same.user_attrs.items():
                if name not in ("is_default", "same_as"):
                    trial.set_user_attr(name, fact)
            for step, number in same.intermediate_values.items():
                trial.report(number, step)
            self.study.tell(trial, same.value if same.state == complete else None, state=same.state)
            return

        def report(step: int, number: float) -> None:
            trial.report(number, step)
            if trial.should_prune():
                raise Stopped

        try:
            value, about = self.problem.run(self.space.settings(trial.params), report)
        except Stopped:
            self.study.tell(trial, state=pruned)
            return
        except ZooError as error:
            if trial.user_attrs.get("is_default") and not isinstance(error, DivergedError):
                self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
                self.study.enqueue_trial(trial.params, user_attrs={"is_default": True})
                raise
            trial.set_user_attr("error", printable(str(error), 300))
            self.study.tell(trial, state=pruned)
            return
        for name, fact in about.items():
            trial.set_user_attr(name, fact)
        with self.lock:  # of two workers, the second compares with the first
            best = self.best()
            if (
                best is None
                or best.value is None
                or (value > best.value if self.problem.highest else value < best.value)
            ):
                self.problem.keep(self.model_file(trial.number))
            self.study.tell(trial, value)
            self.remove_others()

    def model_file(self, number: int) -> Path:
        """Where the model of a trial is kept, while it is the best."""
        return self.folder / f"trial-{number}.keras"

    def remove_others(self) -> None:
        """Remove the models of trials that are not the best any more."""
        best = self.best()
        for file in self.folder.glob("trial-*.keras"):
            if best is not None and file != self.model_file(best.number):
                file.unlink(missing_ok=True)


def check_identity(stored: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> None:
    """Refuse to go on with the trials of another tuning.

    Raises:
        UsageError: they are; what differs is named.
    """
    different = [name for name in wanted if stored.get(name) != wanted[name]]
    if not different:
        return
    sides = (
        "; ".join(f"{name} {printable(str(side.get(name)), 300)}" for name in different) for side in (stored, wanted)
    )
    there, here = sides
    raise UsageError(
        f"{folder} holds the trials of another tuning. There: {there}. Here: {here}. To keep both, name another file "
        "(--out FILE.keras); to tune anew: --overwrite, in Python overwrite=True."
    )


def mend(folder: Path) -> None:
    """Cut off the last line of a journal that was only half written when its writer was killed."""
    file = folder / JOURNAL
    if not file.is_file():
        return
    content = file.read_bytes()
    if content and not content.endswith(b"\n"):
        with file.open("rb+") as journal:
            journal.truncate(content.rfind(b"\n") + 1)
