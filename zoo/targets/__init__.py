"""Kinds of target: one of several classes, several labels at once, or numbers; each is a file, and a row of `TARGETS`."""

from zoo.errors import UsageError
from zoo.registry import did_you_mean
from zoo.targets.classes import ClassTarget
from zoo.targets.labels import LabelsTarget
from zoo.targets.numbers import NumbersTarget
from zoo.targets.target import Target

CLASSES, LABELS, NUMBERS = ClassTarget(), LabelsTarget(), NumbersTarget()
TARGETS: dict[str, Target] = {target.name: target for target in (CLASSES, LABELS, NUMBERS)}

__all__ = ["CLASSES", "LABELS", "NUMBERS", "TARGETS", "Target", "named"]


def named(name: str) -> Target:
    """The kind of target that has this name.

    Raises:
        UsageError: none has.

    Example:
        >>> named("numbers").task
        'regression'
    """
    if name not in TARGETS:
        raise UsageError(f"target is {name!r}{did_you_mean(name, TARGETS)} Accepted are {', '.join(TARGETS)}.")
    return TARGETS[name]
