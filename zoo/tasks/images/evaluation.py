"""What a classifier was measured to be, and what it gets wrong, the most confident mistakes first."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zoo.data.images.pictures import Pictures
from zoo.data.images.preprocessing import Rule
from zoo.data.images.streams import stream
from zoo.deprecation import Renamed
from zoo.visualization.pages import MOST, page_output, write_errors_page


@dataclass(frozen=True)
class Misclassified:
    """An example that was taken for another class.

    Attributes:
        name: its file, or "picture 17".
        truth: the class that it is of.
        predicted: the class that it was taken for.
        probability: what the model gave that class.
        pixels: what the model saw, an array of the shape of its inputs.
    """

    name: str
    truth: str
    predicted: str
    probability: float
    pixels: np.ndarray = field(repr=False, compare=False)

    said = Renamed("predicted")

    def to_json(self) -> dict:
        row = {"name": self.name, "truth": self.truth, "predicted": self.predicted, "probability": self.probability}
        return {**row, "said": self.predicted}  # the old name, for one version more


class Evaluation(dict):
    """What `evaluate` measured, by name; and, on demand, the examples that were wrong.

    Args:
        measured: the numbers.
        pictures: what was measured on.
        rule: how its examples become the model's inputs.
        wrong: index, predicted class and its probability for each mistake.
    """

    def __init__(self, measured: dict, pictures: Pictures, rule: Rule, wrong: list[tuple[int, str, float]]):
        super().__init__(measured)
        self._pictures, self._rule = pictures, rule
        self._wrong = sorted(wrong, key=lambda mistake: -mistake[2])

    def errors(self, most: int | None = None) -> list[Misclassified]:
        """The examples that were wrong, the most confident mistakes first.

        Args:
            most: how many at most; None is all of them.

        Example:
            >>> import zoo
            >>> net = zoo.get("logistic", input_shape=(8, 8, 3))  # it knows nothing yet, and says the first class
            >>> x = np.zeros((4, 8, 8, 3), "uint8")
            >>> [mistake.truth for mistake in net.evaluate((x, ["cat", "dog"] * 2), progress=False).errors()]
            ['dog', 'dog']
        """
        wrong = self._wrong[:most]
        part = self._pictures.subset([index for index, _, _ in wrong])
        return [
            Misclassified(
                self._pictures.name(index), part.labels[part.y[number]], predicted, probability, np.asarray(pixels)
            )
            for (index, predicted, probability), (number, _, _, pixels) in zip(
                wrong, stream(part, self._rule), strict=True
            )
        ]

    def page(self, path: str | Path, title: str, overwrite: bool = False) -> None:
        """Write the mistakes as one HTML file: the numbers, who was taken for whom, and the pictures.

        Args:
            path: the file; it is written whole or not at all.
            title: what was evaluated.
            overwrite: replace whatever file is there; without it, only a page of the zoo's.
        """
        path = page_output(path, overwrite=overwrite)
        write_errors_page(path, title, measured_on(self), self, self.errors(MOST), len(self._wrong))


def measured_on(measured: dict) -> str:
    """What a classifier was measured on, for people: the split, and how much of it had been trained on.

    Args:
        measured: what `evaluate` returned.
    """
    split = "all splits" if measured["split"] == "all" else f"the {measured['split']} split"
    n, examples, trained_on = measured["accuracy"].n, measured["given"], measured["trained_on"]
    if n < examples:
        # "train" is all there is, or a part that was to be trained on
        of = "" if measured["split"] == "train" else f" in {split}"
        were_not = "were not" if trained_on is not None else "are not known to have been"
        return f"the {n} of the {examples} examples{of} that {were_not} trained on"
    if trained_on is None:
        return f"{split}; whether its examples were trained on cannot be told"
    return f"{split} (trained on: {trained_on} of its {examples} examples)" if trained_on else split
