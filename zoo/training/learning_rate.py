"""The search for a learning rate: steps at ever larger rates, and where the loss falls fastest (Smith 2017).

"Cyclical Learning Rates for Training Neural Networks", https://arxiv.org/abs/1506.01186, section 3.3.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from zoo.backend import keras
from zoo.console import progress_bar
from zoo.errors import UsageError, ZooError, is_number, whole_number
from zoo.visualization import canvas, charts

SMOOTHING = 0.9  # share of the earlier steps in the running mean of the losses
DIVERGED = 4  # times the first loss: larger rates need not be tried


@dataclass(frozen=True)
class LearningRates:
    """Learning rates, the loss at each, and the one to try.

    Attributes:
        rates: from small to large, one a step.
        losses: the loss of each step's batch, as a running mean over the steps.
        suggested: the rate at which the loss falls fastest.
    """

    rates: list[float]
    losses: list[float]
    suggested: float

    def to_json(self) -> dict:
        return asdict(self)

    def _repr_png_(self) -> bytes | None:
        return charts.learning_rates(self).png if canvas.installed() else None

    def __str__(self) -> str:
        fall = f"from {self.losses[0]:.3g} to {min(self.losses):.3g}"
        return f"{self.suggested:.1e} is where the loss falls fastest, on its way {fall}"


class LearningRateSearch(keras.callbacks.Callback):
    """Makes each step of an epoch with a larger learning rate than the one before, and notes its loss.

    It ends the epoch where the loss becomes too large for more to be learned from it.

    Args:
        lowest, highest: rates of the first and the last step.
        steps: how many; their rates are at equal ratios.
        progress: show a bar with the time left.

    Raises:
        UsageError: rates or a number of steps that are none.
    """

    def __init__(self, lowest: float, highest: float, steps: int, progress: bool = True):
        super().__init__()
        for name, rate in (("lowest", lowest), ("highest", highest)):
            if not is_number(rate) or not 0 < rate < np.inf:
                raise UsageError(f"{name} is {rate!r}; accepted are learning rates above 0, such as 1e-6.")
        if lowest >= highest:
            raise UsageError(f"lowest is {lowest:g} and highest {highest:g}; the search goes from the lowest up.")
        self.schedule = np.geomspace(lowest, highest, whole_number("steps", steps, 10, 100_000)).tolist()
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.mean = 0.0
        self.progress = progress

    def on_train_begin(self, logs=None) -> None:
        self.bar = progress_bar(len(self.schedule), "learning rates", unit="step", shown=self.progress)

    def on_train_batch_begin(self, batch, logs=None) -> None:
        self.model.optimizer.learning_rate = self.schedule[batch]
        self.model.reset_metrics()  # what a step reports is else a mean over all before it

    def on_train_batch_end(self, batch, logs=None) -> None:
        if "loss" not in (logs or {}):
            raise UsageError(
                f"{self.model.name} has several losses, and no single one that a rate could be chosen by."
            )
        self.mean = SMOOTHING * self.mean + (1 - SMOOTHING) * float(logs["loss"])
        loss = self.mean / (1 - SMOOTHING ** (batch + 1))
        if not np.isfinite(loss) or (self.losses and loss > DIVERGED * self.losses[0] > 0):
            self.model.stop_training = True
            return
        self.rates.append(self.schedule[batch])
        self.losses.append(loss)
        self.bar.update()

    def on_train_end(self, logs=None) -> None:
        self.bar.close()

    def result(self) -> LearningRates:
        """What was found.

        Raises:
            ZooError: the loss falls nowhere.
        """
        return LearningRates(self.rates, self.losses, steepest(self.rates, self.losses))


def steepest(rates: list[float], losses: list[float]) -> float:
    """The rate at which the loss falls fastest, up to where it is lowest.

    Args:
        rates: from small to large, at equal ratios.
        losses: one a rate, a running mean.

    Raises:
        ZooError: it falls nowhere.

    Example:
        >>> steepest([1e-4, 1e-3, 1e-2, 1e-1], [1.0, 0.9, 0.3, 5.0])
        0.01
    """
    # A slope is measured over a tenth of the rates, and not among the first: their means are of a few noisy losses.
    width = len(losses) // 10
    least = int(np.argmin(losses)) if losses else 0
    if least <= width:
        raise ZooError(
            "the loss falls at none of the learning rates: search from a smaller lowest=, or look at the data."
        )
    width = max(width, 1)
    falls = [losses[end] - losses[end - width] for end in range(width, least + 1)]
    begin = min(width - 1, len(falls) - 1)
    end = begin + int(np.argmin(falls[begin:])) + width
    return rates[end - width // 2]
