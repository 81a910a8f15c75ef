"""A search space: which settings are tried, and how Optuna is told of them and answers.

A model states its own in its file (`Entry.search_space`); general code knows how it is written, not what is in it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from zoo.errors import UsageError, brief, is_number
from zoo.registry import Entry, did_you_mean

if TYPE_CHECKING:
    import optuna

HOW = (
    "Accepted are a list of two values or more, such as [32, 64], or the lowest and the highest number, such as "
    '(0.0, 0.5), with "log" behind them where ratios count: (1e-4, 1e-1, "log").'
)
FACTOR = 10  # how far from a model's own learning rate others are tried where it states no space
DIGITS = 3  # of a number that is tried, so that it can be typed


@dataclass(frozen=True)
class Choices:
    """Values to choose from.

    Attributes:
        values: numbers, words, tuples, None.
    """

    values: tuple[Any, ...]

    def distribution(self) -> optuna.distributions.BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([repr(value) for value in self.values])  # whose values must be JSON's

    def decoded(self, answer: Any) -> Any:
        return next(value for value in self.values if repr(value) == answer)

    def encoded(self, value: Any) -> Any:
        """What Optuna calls a value; None where it is none of these."""
        return next((repr(own) for own in self.values if own == value and type(own) is type(value)), None)


@dataclass(frozen=True)
class Span:
    """Numbers between two others.

    Attributes:
        low, high: the lowest and the highest; whole where both are.
        log: whether ratios count, rather than differences.
    """

    low: float
    high: float
    log: bool

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def distribution(self) -> optuna.distributions.BaseDistribution:
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def decoded(self, answer: Any) -> int | float:
        return int(answer) if self.whole else float(f"{answer:.{DIGITS}g}")

    def encoded(self, value: Any) -> Any:
        """The value itself; None where it lies outside."""
        return value if is_number(value) and self.low <= value <= self.high else None


Domain: TypeAlias = Choices | Span


def domain_of(name: str, value: Any) -> Domain:
    """What a space says of a setting.

    Raises:
        UsageError: it says nothing that is understood, or leaves nothing to choose.

    Example:
        >>> domain_of("units", [32, 64])
        Choices(values=(32, 64))
        >>> domain_of("learning_rate", (1e-4, 1e-1, "log"))
        Span(low=0.0001, high=0.1, log=True)
    """
    if isinstance(value, list):
        if len({repr(each) for each in value}) < 2:
            raise UsageError(f"the space of {name} is {value!r}: there is nothing to choose. {HOW}")
        parts = len(name.split(","))
        if parts > 1 and any(not isinstance(each, tuple) or len(each) != parts for each in value):
            raise UsageError(f"{name} are {parts} settings; each value is a tuple of as many, got {value!r}.")
        return Choices(tuple(value))
    log = isinstance(value, tuple) and value[2:] == ("log",)
    if not isinstance(value, tuple) or len(value) != 2 + log or not all(map(is_number, value[:2])) or "," in name:
        raise UsageError(f"the space of {name} is {value!r}. {HOW}")
    low, high = value[:2]
    if not (math.isfinite(low) and math.isfinite(high) and low < high) or (log and low <= 0):
        raise UsageError(
            f"the space of {name} goes from {low!r} to {high!r}; accepted are a lower number, then a higher one"
            f"{', both above 0' if log else ''}."
        )
    return Span(low, high, log)


class SearchSpace:
    """Settings to try, by name; a name of several with commas between them stands for tuples of values.

    Args:
        space: as `Entry.search_space` has it.
        accepted: the settings that there are.
        of: whose they are, for the message.

    Raises:
        UsageError: there is nothing in it, a setting that nobody has, or a value that is not understood.

    Example:
        >>> space = SearchSpace({"units": [32, 64], "a,b": [(0, 1), (4, 2)]}, ["units", "a", "b"], "a net")
        >>> space.settings({"units": "64", "a,b": "(0, 1)"})
        {'units': 64, 'a': 0, 'b': 1}
    """

    def __init__(self, space: Mapping[str, Any], accepted: Iterable[str], of: str):
        accepted = sorted(accepted)
        if not space:
            raise UsageError(
                f"the space of {of} has nothing in it, so there is nothing to try. Give a setting and its values: "
                f"--space learning_rate='(1e-4,1e-1,\"log\")'. Settings: {brief(accepted, 40)}."
            )
        for name in (part for key in space for part in key.split(",")):
            if name not in accepted:
                raise UsageError(
                    f"{of} has no setting {name!r}{did_you_mean(name, accepted)} It has {brief(accepted, 40)}."
                )
        self.domains = {name: domain_of(name, value) for name, value in space.items()}
        self.stated = dict(space)

    def names(self) -> list[str]:
        """The single settings."""
        return [part for name in self.domains for part in name.split(",")]

    def distributions(self) -> dict[str, optuna.distributions.BaseDistribution]:
        """The space as Optuna has it."""
        return {name: domain.distribution() for name, domain in self.domains.items()}

    def settings(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that Optuna's answers, by name, stand for."""
        decoded: dict[str, Any] = {name: self.domains[name].decoded(answer) for name, answer in answers.items()}
        settings: dict[str, Any] = {}
        for name, value in decoded.items():
            settings |= dict(zip(name.split(","), value, strict=True)) if "," in name else {name: value}
        return settings

    def answers(self, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """What Optuna would have answered for these settings; None where they lie outside of the space."""
        answers = {}
        for name, domain in self.domains.items():
            values = tuple(settings.get(part) for part in name.split(","))
            answers[name] = domain.encoded(values if len(values) > 1 else values[0])
        return None if None in answers.values() else answers


def space_of(
    stated: Mapping[str, Any] | None,
    own: Mapping[str, Any],
    settings: Mapping[str, Any],
    accepted: Iterable[str],
    of: str,
) -> SearchSpace:
    """The space that is searched: what somebody states, else one's own without the settings that stay as they are.

    Args:
        stated: the caller's; None is `own`.
        own: of what is tuned.
        settings: those that stay as they are.
        accepted: the settings that there are.
        of: whose they are.

    Raises:
        UsageError: as for `SearchSpace`; a setting to be kept that nobody has, or that is to be tried as well.
    """
    accepted = sorted(accepted)
    for name in settings:
        if name not in accepted:
            raise UsageError(
                f"{of} has no setting {name!r}{did_you_mean(name, accepted)} It has {brief(accepted, 40)}."
            )
    if stated is None:
        stated = {key: value for key, value in own.items() if not {*key.split(",")} & settings.keys()}
    space = SearchSpace(stated, accepted, of)
    if both := sorted({*space.names()} & settings.keys()):
        raise UsageError(
            f"{', '.join(both)}: a value is given and a space, too. Leave out one of the two: --set keeps a setting "
            "as it is, --space tries several."
        )
    return space


def derived(entry: Entry) -> dict[str, Any]:
    """A space for a model that states none, around the settings that it trains with.

    Example:
        >>> derived(Entry("net", print, "classification", "", learning_rate=0.5, batch_size=None))
        {'learning_rate': (0.05, 5.0, 'log'), 'schedule': ['constant', 'cosine']}
    """
    rate, batch = entry.learning_rate, entry.batch_size
    space: dict[str, Any] = {
        "learning_rate": (float(rate / FACTOR), float(rate * FACTOR), "log"),
        "schedule": ["constant", "cosine"],
    }
    if batch is not None:
        space["batch_size"] = sorted({max(1, batch // 2), batch, 2 * batch, 4 * batch})
    return space


def typed(value: Any) -> str:
    """A setting as the command line takes it: a word as it is, all else as Python writes it, without spaces.

    Example:
        >>> typed("adam"), typed((20, 7)), typed(0.01)
        ('adam', '(20,7)', '0.01')
    """
    return value if isinstance(value, str) else repr(value).replace(" ", "")


def is_word(data: Any) -> bool:
    """Whether data are named by a word, which can be typed, and told to another process."""
    return isinstance(data, str | os.PathLike)
