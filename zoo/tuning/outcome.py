"""What a tuning came to: the best settings beside the model's own, and what mattered."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.api import load
from zoo.console import share, table
from zoo.tasks.task import Task
from zoo.tuning.space import typed
from zoo.tuning.trials import TriedSettings
from zoo.visualization import charts, notebook, pages
from zoo.visualization.canvas import Drawing, Drawings
from zoo.visualization.pages import text

SHOWN = 5  # trials, the best ones


@dataclass(frozen=True)
class TuningOutcome:
    """What a tuning came to.

    Attributes:
        name: what was tuned.
        judged_by: the number that settings were chosen by, of examples that were not learned from.
        watched: the same, and which examples these are, in words.
        highest: whether the highest is the best.
        trials: all that have ended.
        best: the best that ran to its end.
        importance: how much each setting's choice mattered, shares that add up to 1; {} where too few have finished.
        arguments: what to train with on all of the training part: the best settings, those that stayed as they are,
            and how many epochs; of photos, what to give `zoo.finetune`.
        command: the same, to be typed.
        out: the saved model.
        folder: where the trials and the figures are.
        measured: of photos, what the saved model reached on those that nothing was chosen by; else {}.
        skipped: what could not be read of the data.
    """

    name: str
    judged_by: str
    watched: str
    highest: bool
    trials: list[TriedSettings]
    best: TriedSettings
    importance: dict[str, float]
    arguments: dict[str, Any]
    command: str
    out: Path
    folder: Path
    measured: dict[str, Any] = field(default_factory=dict)
    skipped: list[Any] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        """The best settings."""
        return self.best.settings

    @property
    def default(self) -> TriedSettings | None:
        """The trial of the model's own settings; None where they lie outside of the space."""
        return next((trial for trial in self.trials if trial.is_default), None)

    @property
    def model(self) -> Task:
        """The saved model, opened."""
        return load(self.out)

    def ranked(self) -> list[TriedSettings]:
        """The trials that ran to their end, the best first."""
        finished = [trial for trial in self.trials if trial.finished and trial.value is not None]
        return sorted(finished, key=lambda trial: (trial.value or 0.0) * (-1 if self.highest else 1))

    def to_json(self) -> dict:
        """All of it, as JSON."""
        return {
            "name": self.name,
            "judged_by": self.judged_by,
            "watched": self.watched,
            "best": self.best.to_json(),
            "default": None if self.default is None else self.default.to_json(),
            "importance": self.importance,
            "arguments": self.arguments,
            "command": self.command,
            "out": str(self.out),
            "folder": str(self.folder),
            "measured": self.measured,
            "trials": [trial.to_json() for trial in self.trials],
            "skipped": self.skipped,
        }

    def _counted(self) -> str:
        finished = sum(trial.finished for trial in self.trials)
        seconds = sum(trial.seconds for trial in self.trials)
        stopped = len(self.trials) - finished
        early = f", {stopped} of them stopped early" if stopped else ""
        return f"{self.name}: {len(self.trials)} trials{early}, {seconds:.0f} seconds; judged by {self.watched}"

    def _rows(self) -> list[list[str]]:
        ranked = self.ranked()
        shown = ranked[:SHOWN]
        if self.default is not None and self.default.finished and self.default not in shown:
            shown.append(self.default)
        return [
            [
                f"{trial.number}{' (its own settings)' if trial.is_default else ''}",
                f"{trial.value:.4f}",
                *(typed(value) for value in trial.settings.values()),
            ]
            for trial in shown
        ]

    def _header(self) -> list[str]:
        return ["trial", self.judged_by, *self.best.settings]

    def _mattered(self) -> str:
        return ", ".join(f"{name.replace(',', ' with ')} {share(part)}" for name, part in self.importance.items())

    def _measured(self) -> list[str]:
        return [f"{name.replace('_', ' ')} {value}" for name, value in self.measured.items()]

    def __str__(self) -> str:
        lines = [self._counted(), "", table(self._rows(), self._header()), ""]
        lines += [f"What mattered: {self._mattered()}"] if self.importance else []
        lines += [f"On photos that nothing was chosen by: {line}" for line in self._measured()]
        number = self.best.number
        lines.append(f"Saved {self.out}, trial {number}; all trials and the figures are in {self.folder}.")
        return "\n".join([*lines, f"To train with these settings: {self.command}"])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        rows = [list(map(text, row)) for row in self._rows()]
        bars = notebook.bars((name, part, share(part)) for name, part in self.importance.items())
        measured = "".join(f"<p><b>{text(line)}</b></p>" for line in self._measured())
        return notebook.shown(
            f"<p>{text(self._counted(), 400)}</p>",
            pages.table(self._header(), rows, "the best first"),
            f"<p>What mattered:</p>{bars}" if self.importance else "",
            measured,
            f"<p><code>{text(self.command, 1000)}</code></p>",
        )

    def history(self, path: str | Path | None = None) -> Drawing:
        """Draw what each trial came to, and the best so far."""
        default = None if self.default is None else self.default.value
        return charts.tried_settings(self._points(), default, self.judged_by, self.highest, path)

    def importances(self, path: str | Path | None = None) -> Drawing:
        """Draw how much each setting's choice mattered."""
        return charts.shares({name.replace(",", ", "): part for name, part in self.importance.items()}, path)

    def effects(self, path: str | Path | None = None) -> Drawing:
        """Draw what the trials came to over each setting."""
        values = [trial.value for trial in self.trials if trial.value is not None]
        tried = [trial for trial in self.trials if trial.value is not None]
        settings = {name: [trial.settings[name] for trial in tried] for name in self.best.settings}
        finished = [trial.finished for trial in tried]
        return charts.effects_of_settings(settings, values, finished, self.judged_by, self.highest, path)

    def _points(self) -> list[tuple[int, float, bool]]:
        return [(trial.number, trial.value, trial.finished) for trial in self.trials if trial.value is not None]

    def draw(self, folder: Path | None = None) -> Drawings:
        """Draw all of it.

        Args:
            folder: where the drawings are written, as PNG files; None writes none.
        """

        def place(name: str) -> Path | None:
            return None if folder is None else folder / name

        drawings = Drawings([self.history(place("history.png")), self.effects(place("settings.png"))])
        return Drawings([*drawings, self.importances(place("importance.png"))]) if self.importance else drawings
