"""What studies came to when they were run for the docs: the figure, and the words that `zoo reproduce` printed."""

from dataclasses import dataclass
from pathlib import Path

from zoo.studies.definitions import STUDIES

FOLDER = Path(__file__).parent / "outcomes"


@dataclass(frozen=True)
class KeptOutcome:
    """One of them.

    Attributes:
        name: of the study.
        question: that it asks.
        words: table, claims and conclusion, as they were printed.
        figure: a PNG file.
    """

    name: str
    question: str
    words: str
    figure: Path


def kept_outcomes() -> list[KeptOutcome]:
    """Those of all studies that were run for the docs, in the studies' order.

    Example:
        >>> kept_outcomes()[0].name
        'vanishing_gradient'
    """
    outcomes = []
    for name, study in STUDIES.items():
        file = FOLDER / f"{name}.txt"
        if file.is_file():
            words = file.read_text(encoding="utf-8").partition("\n\n")[2]  # behind the question
            outcomes.append(KeptOutcome(name, study.question, words, file.with_suffix(".png")))
    return outcomes
