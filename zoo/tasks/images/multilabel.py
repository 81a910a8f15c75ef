"""Several labels at once: pixels 0-255 in, a probability for each label out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from zoo import metrics
from zoo.console import share, table
from zoo.data import sources
from zoo.data.dataset import Dataset, Skipped
from zoo.errors import RecordMismatchError, ZooError, brief, is_number, printable
from zoo.targets import LABELS
from zoo.targets.labels import SEPARATOR
from zoo.tasks.images.evaluation import Answered, Evaluation, Mislabelled
from zoo.tasks.images.supervised import Supervised, answer_in_notebook, facts_of, labels_from, novelty_hint

THRESHOLD = 0.5  # probability from which a label is given, where nothing better was learned
ENOUGH = 20  # training pictures with a label, and without, from which its threshold is learned


@dataclass(frozen=True)
class LabelsPrediction:
    """Which labels a model gives to one picture.

    Attributes:
        labels: those whose probability reaches their threshold, with it, best first; perhaps none.
        top: the most probable labels with their probabilities, whether they reach it or not, best first.
        path: the picture's file, or None for arrays.
        is_novel: whether it resembles nothing that the model was trained on; None where the model cannot tell.
        picture: what was given to `predict`, for a notebook to show.
    """

    labels: list[tuple[str, float]]
    top: list[tuple[str, float]]
    path: str | None = None
    is_novel: bool | None = None
    picture: Any = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict:
        ranked = {
            name: [{"label": label, "probability": probability} for label, probability in pairs]
            for name, pairs in (("labels", self.labels), ("top", self.top))
        }
        return {**facts_of(self), **ranked}

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        given = {label for label, _ in self.labels}
        rows = [(label, share, f"{share:.1%}{'' if label in given else ', not given'}") for label, share in self.top]
        return answer_in_notebook(self, rows)

    def __str__(self) -> str:
        return self.ranked()

    def ranked(self) -> str:
        """The labels with their probabilities on one line, and in brackets the next ones, which it has not."""
        others = [pair for pair in self.top if pair not in self.labels]
        listed = _with_probabilities(self.labels) or "none of its labels"
        return listed + (f"  (not {_with_probabilities(others)})" if others else "") + novelty_hint(self)

    def cells(self) -> dict[str, Any]:
        """The labels and their probabilities, for a table, with `|` between them."""
        return {
            "labels": SEPARATOR.join(label for label, _ in self.labels),
            "probabilities": SEPARATOR.join(f"{probability:.6f}" for _, probability in self.labels),
        }


def _with_probabilities(labels: list[tuple[str, float]]) -> str:
    return ", ".join(f"{printable(label)} {probability:.1%}" for label, probability in labels)


class MultiLabelClassifier(Supervised):
    """A model that tells which of its labels a picture has: any number of them, each on its own.

    Its Keras model takes pixels 0-255 of shape (height, width, channels), and gives a probability for each label.
    """

    _metric_types: ClassVar = {"mean_average_precision": metrics.Metric, "all_right": metrics.Metric}
    _target = LABELS
    _columns = ("labels", "probabilities")
    _shown_metric = "all_right"
    _thresholds: np.ndarray | None = None  # probability from which each label is given, shape (labels,)

    def label_names(self) -> list[str]:
        """The labels in the order of the model's outputs."""
        return self.labels or []

    _answer_names = label_names

    @property
    def thresholds(self) -> dict[str, float]:
        """The probability from which each label is given."""
        return dict(zip(self.label_names(), self._thresholds_array().tolist(), strict=True))

    def _thresholds_array(self) -> np.ndarray:
        return np.full(len(self.label_names()), THRESHOLD) if self._thresholds is None else self._thresholds

    def _of_training(self, y: np.ndarray, held_out: np.ndarray) -> None:
        """Learn each label's threshold: where F1 is best on pictures that the head did not see."""
        probabilities = LABELS.activate(held_out)
        self._thresholds = np.array(
            [
                metrics.best_threshold(truth, scores) if min(truth.sum(), (1 - truth).sum()) >= ENOUGH else THRESHOLD
                for truth, scores in zip(y.T.astype(int), probabilities.T, strict=True)
            ]
        )

    def _prediction(self, answer: np.ndarray, top: int, path: str | None, is_novel: bool | None) -> LabelsPrediction:
        order = np.argsort(-answer, kind="stable").tolist()
        ranked = [(self.label_names()[i], float(answer[i])) for i in order]
        above = self._given(answer[None])[0, order].tolist()
        return LabelsPrediction(
            [pair for pair, is_given in zip(ranked, above, strict=True) if is_given], ranked[:top], path, is_novel
        )

    def _truth(self, pictures: sources.Pictures) -> np.ndarray:
        names = self.label_names()
        if unknown := [label for label in pictures.labels if label not in names]:
            raise ZooError(
                f"the data have labels that the model does not know: {brief(unknown)}. It knows {brief(names)}."
            )
        return LABELS.in_order_of(pictures.y, pictures.labels, names).astype(int)

    def _evaluation(
        self, pictures: sources.Pictures, kept: list[int], outputs: np.ndarray, about: dict, skipped: list[Skipped]
    ) -> Evaluation:
        # of labels that the data do not know at all, they say nothing
        columns = [index for index, name in enumerate(self.label_names()) if name in pictures.labels]
        names = [self.label_names()[index] for index in columns]
        truth, scores = self._truth(pictures)[kept][:, columns], self._interpret(outputs)[:, columns]
        predicted = (scores >= self._thresholds_array()[columns]).astype(int)
        per_label = metrics.per_label(truth, scores, predicted, names)
        precisions = [each["average_precision"] for each in per_label.values()]
        measured = {
            "mean_average_precision": metrics.mean_of(precisions, len(kept)),
            "all_right": metrics.proportion(int((truth == predicted).all(axis=1).sum()), len(kept)),
            "per_label": per_label,
            "labels": names,
            **about,
        }
        wrong = []
        for row, label in np.argwhere(truth != predicted).tolist():
            name, probability = names[label], float(scores[row, label])
            if truth[row, label]:
                wrong.append((kept[row], name, f"not {name}", 1 - probability))
            else:
                wrong.append((kept[row], f"not {name}", name, probability))
        headline = self._headline(measured)
        remembered = self._remember(measured, skipped)
        answered = Answered(np.array(kept, int), truth, scores)
        return Evaluation(remembered, pictures, self.preprocessing, wrong, headline, Mislabelled, answered=answered)

    def _headline(self, result: dict) -> str:
        return f"mean average precision {result['mean_average_precision']}"

    def _details(self, result: dict) -> str:
        def cell(metric: metrics.Metric | None) -> str:
            return "-" if metric is None else f"{metric.value:.1%} ({metric.ci[0]:.0%} to {metric.ci[1]:.0%})"

        rows = []
        for name, each in result["per_label"].items():
            cells = [cell(each[metric]) for metric in ("average_precision", "f1")]
            rows.append([name, str(each["n"]), *cells, share(each["recall"]), share(each["precision"])])
        header = ["label", "pictures", "average precision", "F1", "found", "right when said"]
        return f"{table(rows, header)}\nall labels right {result['all_right']}"

    def _given(self, answers: np.ndarray) -> np.ndarray:
        """Which labels people are told: truth values from probabilities, both of shape (n, labels)."""
        return answers >= self._thresholds_array()

    def _same(self, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        return (self._given(ours) == self._given(theirs)).all(axis=1)

    def _measured(self, truth: np.ndarray, answers: np.ndarray) -> metrics.Metric:
        return metrics.proportion(int((self._given(answers) == truth).all(axis=1).sum()), len(truth))

    def _what_is_same(self) -> str:
        return "labels"

    def _toy_data(self) -> Dataset:
        """Sixteen pictures of waves, every other one with the first label."""
        x = self.preprocessing.samples(16)
        return sources.load((x, [self.label_names()[: i % 2] for i in range(16)]), target=LABELS)

    # The saved file

    def get_config(self) -> dict:
        thresholds = self._thresholds_array().tolist()
        return {
            **super().get_config(),
            "labels": self.label_names(),
            "output": "probabilities",
            "thresholds": thresholds,
        }

    @classmethod
    def from_config(cls, config: dict) -> Self:
        self = super().from_config(config)
        self.labels, thresholds = labels_from(config), config["thresholds"]
        if not isinstance(thresholds, list) or not all(is_number(each) and 0 <= each <= 1 for each in thresholds):
            raise TypeError("thresholds are no list of numbers between 0 and 1")
        if len(thresholds) != len(self.labels):
            raise ValueError(f"there are {len(thresholds)} thresholds for {len(self.labels)} labels")
        self._thresholds = np.array(thresholds, float)
        return self

    def _check_shapes(self, inputs: tuple, outputs: tuple) -> None:
        if inputs != self.preprocessing.shape or outputs != (len(self.label_names()),):
            raise RecordMismatchError(
                f"{len(self.label_names())} labels and inputs of {self.preprocessing.shape}, but outputs of {outputs} "
                f"and inputs of {inputs}"
            )
