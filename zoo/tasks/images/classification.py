"""Classification of pictures: pixels 0-255 in, logits out, names and probabilities to people."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from zoo import inference, metrics
from zoo.console import per_class_table
from zoo.data import images, named, sources
from zoo.data.dataset import Dataset, Skipped
from zoo.data.images.example_weights import weighted
from zoo.data.images.preprocessing import Points, Preprocessing
from zoo.deprecation import Renamed
from zoo.errors import RecordMismatchError, UsageError, ZooError, brief, is_unicode, printable
from zoo.files import expand
from zoo.registry import Entry, did_you_mean
from zoo.targets import CLASSES
from zoo.tasks.cards import card_with
from zoo.tasks.images.calibration import Calibration
from zoo.tasks.images.evaluation import Certainty, Evaluation
from zoo.tasks.images.supervised import Supervised, answer_in_notebook, facts_of, labels_from, novelty_hint
from zoo.training.order import FitData
from zoo.training.plan import Plan
from zoo.visualization import charts
from zoo.visualization.canvas import Drawings
from zoo.visualization.grid import picture_output
from zoo.weights.load import class_names

CONFUSED = 2000  # classes whose confusions are counted: of more, nobody could look at so many numbers, or hold them


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one picture.

    Attributes:
        label: the most probable class.
        probability: what the model gives it, between 0 and 1. It is no guarantee: a picture of none of the
            classes gets one too.
        top: the most probable classes with their probabilities, best first.
        path: the picture's file, or None for arrays.
        is_novel: whether it resembles nothing that the model was trained on; None where the model cannot tell.
        picture: what was given to `predict`, for a notebook to show.
    """

    label: str
    probability: float
    top: list[tuple[str, float]]
    path: str | None = None
    is_novel: bool | None = None
    picture: Any = field(default=None, repr=False, compare=False)

    strange = Renamed("is_novel")

    def to_json(self) -> dict:
        top = [{"label": label, "probability": probability} for label, probability in self.top]
        return {**facts_of(self), "top": top, "strange": self.is_novel}  # the old name, for one version more

    def __str__(self) -> str:
        others = with_probabilities(self.top[1:])
        best = with_probabilities([(self.label, self.probability)])
        return best + (f"  ({others})" if others else "") + novelty_hint(self)

    def ranked(self) -> str:
        """The classes with their probabilities on one line."""
        return with_probabilities(self.top) + novelty_hint(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return answer_in_notebook(self, [(label, share, f"{share:.1%}") for label, share in self.top])

    def cells(self) -> dict[str, Any]:
        """The class and its probability, for a table."""
        return {"label": self.label, "probability": self.probability}


def with_probabilities(classes: list[tuple[str, float]]) -> str:
    return ", ".join(f"{printable(label)} {probability:.1%}" for label, probability in classes)


class Classifier(Supervised):
    """A model that tells which of its classes a picture shows.

    Its builder has the arguments `input_shape` and `num_classes`, takes pixels 0-255 of shape (height, width,
    channels), or points of shape (length,), and gives logits: one a class, or a single one for the second of two.
    """

    _monitor = ("val_accuracy", "max")
    _metric_types: ClassVar = {"accuracy": metrics.Metric}
    _target = CLASSES
    _columns = ("label", "probability")
    _shown_metric = "accuracy"

    def __init__(self, entry: Entry, arguments: dict, **how: Any):
        num_classes = arguments.get("num_classes", 2)
        if not isinstance(num_classes, int) or num_classes < 2:
            raise UsageError(f"num_classes must be a whole number of 2 or more, got {num_classes!r}.")
        super().__init__(entry, arguments, **how)
        if self.weights is not None:
            self.labels = class_names(card_with(entry.name, self.weights).weights[self.weights])

    # Training

    def _find_data(
        self,
        data: Any,
        validation: Any = None,
        validation_split: float | None = None,
        class_weight: dict | str | None = None,
        sample_weight: Any = None,
    ) -> Dataset:
        dataset = sources.load(data, validation, validation_split, sample_weight=sample_weight)
        return dataset if class_weight is None else weighted(dataset, class_weight)

    def _make_plan(
        self, dataset: Dataset, batch_size: int | None, folder: Path | None = None, progress: bool = False
    ) -> Plan:
        from zoo.backend import keras

        data = self._prepare_data(dataset)
        loss: Any
        if self.model.output_shape[-1] == 1:
            loss = keras.losses.BinaryCrossentropy(from_logits=True)
            # a logit, not a probability
            accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
        else:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        return Plan(data, self.model, self._model_loss() or loss, [accuracy])

    def _prepare_data(self, dataset: Dataset) -> FitData:
        """The pictures as arrays, and the model made to have the data's classes."""
        self._match_classes(dataset.labels)
        arrays: dict[str, tuple[np.ndarray, ...]] = {}
        for split in ("train", "validation"):
            if split in dataset.splits:
                pictures = dataset.splits[split]
                numbered = replace(pictures, y=np.arange(len(pictures)))
                x, kept, skipped = sources.arrays(numbered, self.preprocessing)
                sources.require_usable(x, dataset, split, skipped)
                if split == "train":
                    sources.require_every_class(pictures.y[kept], dataset, skipped)
                arrays[split] = x, pictures.y[kept].astype(np.int32)
                if pictures.weights is not None:
                    arrays[split] += (pictures.weights[kept],)
                dataset.skipped.extend(skipped)
        self.skipped = dataset.skipped
        x, y, *weights = arrays["train"]
        about = {"weights": hashlib.sha256(weights[0].tobytes()).hexdigest()} if weights else {}
        return FitData(x, y, arrays.get("validation"), about=about, weights=weights[0] if weights else None)

    def _match_classes(self, labels: list[str]) -> None:
        """Take over the data's classes; a model that is not built yet gets as many logits as there are."""
        if self.labels is not None and self.labels != labels:
            raise ZooError(
                f"{self.name} knows the classes {brief(self.labels)}; the data have {brief(labels)}. "
                f"For new classes, start from zoo.get({self.name!r}) or use zoo.finetune."
            )
        self._match_size("num_classes", len(labels), "classes", brief(labels))
        self.labels = labels

    # Verbs

    def _evaluation(
        self, pictures: sources.Pictures, kept: list[int], outputs: np.ndarray, about: dict, skipped: list[Skipped]
    ) -> Evaluation:
        truth, labels = self._truth(pictures)[kept], self.class_names()
        probabilities = self._interpret(outputs)
        predicted = probabilities.argmax(axis=1)
        measured = {
            "accuracy": metrics.accuracy(truth, predicted),
            "per_class": metrics.per_class(truth, predicted, labels),
            "confusion": metrics.confusion(truth, predicted, len(labels)) if len(labels) <= CONFUSED else None,
            "labels": labels,
            **about,
        }
        wrong = [
            (kept[i], pictures.labels[pictures.y[kept[i]]], labels[label], float(probabilities[i, label]))
            for i, label in enumerate(predicted.tolist())
            if label != truth[i]
        ]
        certainty = Certainty.of(kept, truth, probabilities)
        calibrated = None
        if self._calibration:
            calibrated = Certainty.of(kept, truth, self._calibration.probabilities(probabilities))
        headline = self._headline(measured)
        remembered = self._remember(measured, skipped)
        return Evaluation(
            remembered, pictures, self.preprocessing, wrong, headline, certainty=certainty, calibrated=calibrated
        )

    def _headline(self, result: dict) -> str:
        return f"accuracy {result['accuracy']}"

    def _details(self, result: dict) -> str:
        return per_class_table(result["per_class"])

    def _of_training(self, y: np.ndarray, held_out: np.ndarray) -> None:
        """Learn the temperature of its probabilities."""
        self._calibration = Calibration.fit(held_out, y)

    # Pixels to numbers

    def _interpret(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities of shape (n, classes) from logits of shape (n, classes) or, for two classes, (n, 1)."""
        logits = outputs.astype(np.float64)
        if logits.shape[1] == 1:
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        if logits.shape[1] != len(self.class_names()):
            raise ZooError(
                f"the model tells {logits.shape[1]} classes apart, and {len(self.class_names())} have names."
            )
        return inference.softmax(logits)

    def _same(self, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        return ours.argmax(axis=1) == theirs.argmax(axis=1)

    def _measured(self, truth: np.ndarray, answers: np.ndarray) -> metrics.Metric:
        return metrics.accuracy(truth, answers.argmax(axis=1))

    def _what_is_same(self) -> str:
        return "class"

    def class_names(self) -> list[str]:
        """The classes in the order of the logits; "class 0", "class 1", ... before any were learned."""
        return self.labels or [f"class {i}" for i in range(self.arguments["num_classes"])]

    _answer_names = class_names

    def _input_names(self) -> list[str]:
        """What the numbers of a point are called: as the dataset says that it learned from, else "x1", "x2", ..."""
        names = named.input_names(self.data.get("place"))
        return list(names) or [f"x{i + 1}" for i in range(self.preprocessing.shape[0])]

    def _prediction(self, answer: np.ndarray, top: int, path: str | None, is_novel: bool | None) -> Prediction:
        names = self.class_names()
        best = np.argsort(-answer, kind="stable")[:top]
        ranked = [(names[i], float(answer[i])) for i in best]
        return Prediction(*ranked[0], ranked, path, is_novel)

    def visualise(self, folder: str | Path | None = None, picture: Any = None, overwrite: bool = False) -> Drawings:
        """Draw what the first layer has learned to look for.

        Of a convolution these are its filters, and with a picture what each makes of it; of units that look at every
        pixel, their weights as pictures; of a single unit on points, its inputs and its threshold.

        Args:
            folder: where the drawings are written, as PNG files; None writes none.
            picture: a path, array or PIL image, as for `predict`.
            overwrite: replace whatever files are there; without it, only pictures that the zoo drew.

        Returns:
            The drawings, which a notebook shows; each with its `png`, and its `path` where it was written.

        Raises:
            ZooError: matplotlib is not installed, or the first layer is of another kind.

        Example:
            >>> import zoo
            >>> [each.path.name for each in zoo.get("logistic", input_shape=(8, 8, 3)).visualise("drawn")]
            ['weights.png']
        """
        from zoo.backend import keras

        if is_path := images.path_of(picture) is not None:
            picture = sources.named_pictures([picture])[0]
        inputs = [picture] if is_path else []

        def place(name: str) -> Path | None:
            return None if folder is None else picture_output(expand(folder) / name, inputs, overwrite)

        first: Any = next((layer for layer in self.model.layers if layer.weights), None)
        kind = type(first).__name__
        if kind not in ("Conv2D", "Dense"):
            raise ZooError(f"the first layer of {self.name} is a {kind}: there is no picture of that.")
        kernel = keras.ops.convert_to_numpy(first.kernel)
        if kind == "Conv2D" and isinstance(self.preprocessing, Preprocessing):
            drawings = Drawings([charts.filters(kernel, place("filters.png"))])
            if picture is not None:
                pixels = images.decode(picture, self.preprocessing)
                drawings.append(charts.activation_maps(self.model, pixels, place("activations.png"), first.name))
            return drawings
        if isinstance(self.preprocessing, Points):
            if kernel.shape[1] > 1:
                raise ZooError(f"the first layer of {self.name} has {kernel.shape[1]} units on points; one is drawn.")
            bias = float(keras.ops.convert_to_numpy(first.bias)[0])
            return Drawings([charts.threshold_unit(kernel, bias, place("unit.png"), self._input_names())])
        return Drawings([charts.weight_image(kernel, self.preprocessing.shape, place("weights.png"))])

    def relabel(self, names: dict[str, str]) -> None:
        """Call classes by other names; nothing is trained.

        Args:
            names: new name by old name; classes that are not named keep theirs.

        Raises:
            UsageError: there is no such class, or two classes would get the same name.

        Example:
            >>> import zoo
            >>> net = zoo.get("logistic", input_shape=(8, 8, 3))
            >>> net.relabel({"class 0": "dog", "class 1": "cat"})
            >>> net.labels
            ['dog', 'cat']
        """
        labels = self.class_names()
        for old, new in names.items():
            if old not in labels:
                raise UsageError(f"no class is called {old!r}{did_you_mean(old, labels)} Classes: {brief(labels)}.")
            if not new.strip():
                raise UsageError(f"the new name of {old!r} is empty.")
            if not is_unicode(new):
                raise UsageError(f"the new name of {old!r} is {new!r}, which is no Unicode text.")
        labels = [names.get(label, label) for label in labels]
        twice = {label for label, count in Counter(labels).items() if count > 1}
        if twice:
            raise UsageError(f"two classes would be called {', '.join(sorted(twice))}; two names cannot be one class.")
        self.labels = labels
        if isinstance(self.metrics.get("per_class"), dict):  # a stranger's record may hold anything
            per_class = {names.get(label, label): value for label, value in self.metrics["per_class"].items()}
            self.metrics = {**self.metrics, "per_class": per_class, "labels": labels}

    def _truth(self, pictures: sources.Pictures) -> np.ndarray:
        """The true classes as the model counts them, matched by name."""
        names = self.class_names()
        if self.labels is None:
            names = pictures.labels  # nothing was learned: the data's own order
        unknown = [label for label in pictures.labels if label not in names]
        if unknown:
            raise ZooError(
                f"the data have classes that the model does not know: {brief(unknown)}. It knows {brief(names)}."
            )
        return np.array([names.index(label) for label in pictures.labels])[pictures.y]

    # The saved file

    def _toy_data(self) -> Dataset:
        """Eight pictures a class, one brightness for each class and a little noise: learned in a few steps."""
        labels = self.class_names()
        y = np.arange(8 * len(labels)) % len(labels)
        noise = np.random.default_rng(0).integers(0, 32, (len(y), *self.preprocessing.shape))
        x = (y * 200 // (len(labels) - 1)).reshape(-1, *[1] * (noise.ndim - 1)) + noise
        if isinstance(self.preprocessing, Points):
            return sources.load((x / 100.0 - 1, y))  # numbers around zero
        return sources.load((x.astype(np.uint8), y))

    def get_config(self) -> dict:
        output = "logits" if self._num_outputs() > 1 else "one logit, of the second class"
        return {**super().get_config(), "labels": self.class_names(), "output": output}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        self = super().from_config(config)
        self.labels = labels_from(config)
        return self

    def _check_shapes(self, inputs: tuple, outputs: tuple) -> None:
        classes, logits, rule = len(self.class_names()), outputs[-1], self.preprocessing
        fits = classes == 2 if logits == 1 else classes == logits
        if inputs != rule.shape or not fits:
            raise RecordMismatchError(
                f"{classes} labels and inputs of {rule.shape}, but {logits} outputs and inputs of {inputs}"
            )
