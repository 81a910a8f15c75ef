"""Classification of pictures: pixels 0-255 in, logits out, names and probabilities to people."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zoo import catalog, inference, metrics, saving
from zoo.console import note, per_class_table, progress_bar
from zoo.data import images, named, sources
from zoo.data.dataset import Dataset, Skipped, remember_place
from zoo.data.images.example_weights import class_weights
from zoo.data.images.labels import joined, same_form
from zoo.data.images.preprocessing import Points, Preprocessing, rule_from_json, rule_of
from zoo.deprecation import Renamed
from zoo.errors import RecordMismatchError, UsageError, ZooError, brief, is_unicode, printable
from zoo.files import expand
from zoo.registry import Entry, did_you_mean
from zoo.tasks.cards import card_with
from zoo.tasks.images.evaluation import Evaluation, measured_on
from zoo.tasks.images.head_fit import HeadFit
from zoo.tasks.images.known_pictures import KnownPictures, beginning
from zoo.tasks.images.novelty import NoveltyDetector
from zoo.tasks.task import Task
from zoo.training.order import FitData
from zoo.training.plan import Plan
from zoo.visualization import charts
from zoo.visualization.grid import picture_output
from zoo.weights.load import class_names

if TYPE_CHECKING:
    import pandas

    from zoo.backend import keras

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
    """

    label: str
    probability: float
    top: list[tuple[str, float]]
    path: str | None = None
    is_novel: bool | None = None

    strange = Renamed("is_novel")

    def to_json(self) -> dict:
        top = [{"label": label, "probability": probability} for label, probability in self.top]
        return {**asdict(self), "top": top, "strange": self.is_novel}  # the old name, for one version more

    def __str__(self) -> str:
        others = _with_probabilities(self.top[1:])
        best = _with_probabilities([(self.label, self.probability)])
        return best + (f"  ({others})" if others else "") + self.hint

    def ranked(self) -> str:
        """The classes with their probabilities on one line."""
        return _with_probabilities(self.top) + self.hint

    @property
    def hint(self) -> str:
        """What people should know beside the label."""
        return "  [resembles nothing that it was trained on]" if self.is_novel else ""


def _with_probabilities(classes: list[tuple[str, float]]) -> str:
    return ", ".join(f"{printable(label)} {probability:.1%}" for label, probability in classes)


class Predictions(list[Prediction]):
    """What a classifier says of several pictures, in their order."""

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table: a row for each picture, with "path", "label", "probability" and "is_novel".

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UsageError("a table needs pandas: pip install pandas.") from None
        columns = ("path", "label", "probability", "is_novel")
        return pandas.DataFrame({name: [getattr(each, name) for each in self] for name in columns})


class Classifier(Task):
    """A model that tells which of its classes a picture shows.

    Its builder has the arguments `input_shape` and `num_classes`, takes pixels 0-255 of shape (height, width,
    channels), or points of shape (length,), and gives logits: one a class, or a single one for the second of two.
    """

    _monitor = ("val_accuracy", "max")
    _metric_types: ClassVar = {"accuracy": metrics.Metric}

    def __init__(self, entry: Entry, arguments: dict, **how: Any):
        num_classes = arguments.get("num_classes", 2)
        if not isinstance(num_classes, int) or num_classes < 2:
            raise UsageError(f"num_classes must be a whole number of 2 or more, got {num_classes!r}.")
        super().__init__(entry, arguments, **how)
        # How an example becomes the model's input: of a picture the one resize-and-crop rule, at this model's size.
        self.preprocessing = rule_of(arguments.get("input_shape"), **entry.preprocessing)
        self.labels: list[str] | None = None
        # what its training pictures have in common, where that was learned
        self.novelty: NoveltyDetector | None = None
        # published weights do not say of which pictures they are
        self._known_pictures = KnownPictures(complete=self.weights is None)
        self._learned_weights: str | None = None  # a hash of the weights that these two are of
        self._head_fit: HeadFit | None = None  # how its head was fitted, where it is one on a frozen backbone
        self.summary: dict = {}  # of a fine-tuning: counts, the time that each step took, what could not be used
        if self.weights is not None:
            self.labels = class_names(card_with(entry.name, self.weights).weights[self.weights])

    @classmethod
    def from_head(
        cls,
        name: str,
        archive: saving.Archive,
        labels: list[str],
        preprocessing: Preprocessing,
        engine: inference.Engine,
        novelty: NoveltyDetector | None,
    ) -> Classifier:
        """A pretrained network with a head of its own.

        Args:
            name: of the network in the register.
            archive: the network with that head, as a saved file would hold it.
            labels: the classes, in the order of the head's logits.
            preprocessing: how a picture becomes the network's input.
            engine: answers until the Keras model is asked for.
            novelty: what the training pictures have in common.
        """
        entry = catalog.announced(name)
        self = cls(entry, {**catalog.card(name).arguments, "num_classes": len(labels)})
        self.labels, self.preprocessing, self.novelty = labels, preprocessing, novelty
        self._attach_archive(archive, engine)
        return self

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
        if class_weight is None:
            return dataset
        train = dataset.splits["train"]
        weights = class_weights(class_weight, train)[train.y] * (1 if train.weights is None else train.weights)
        return replace(dataset, splits={**dataset.splits, "train": replace(train, weights=weights.astype(np.float32))})

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

    def _remember_data(
        self, dataset: Dataset, data: Any, validation: Any, trained_on: Iterable[str] | None = None
    ) -> None:
        """Remember the data, where they lie, and which pictures they are.

        Args:
            dataset: what was made of `data` and `validation`, and read.
            data, validation: what the user named.
            trained_on: digests; None takes those of all training pictures that could be used.
        """
        super()._remember_data(dataset, data, validation)
        remember_place(data)
        if validation is not None:
            self.data["validation"] = remember_place(validation)
        if trained_on is None:
            self.novelty, self._learned_weights = None, None  # a training changes the features, a new head does not
            self._head_fit = None
            unusable = {item.path for item in dataset.skipped if item.kind != "no label"}
            train = dataset.splits["train"]
            trained_on = [train.digest(index) for index in range(len(train)) if train.name(index) not in unusable]
        self._known_pictures = self._known_pictures.after(trained_on, _digests_held_out(dataset))

    def _set_model(self, model: keras.Model) -> keras.Model:
        model = super()._set_model(model)
        self._learned_weights = self._weights_digest() if self.data else None
        return model

    def _notice_training(self) -> None:
        """Forget what is no longer so where the Keras model was trained without the zoo, on whatever pictures."""
        if self._model is not None and self._learned_weights not in (None, self._weights_digest()):
            self.novelty, self._learned_weights, self._head_fit = None, None, None
            self._known_pictures = replace(self._known_pictures, complete=False)

    def _own_data(self, split: str | None) -> str | None:
        """What the model was made from: what was given apart to measure on, or all of it. None is its dataset.

        Raises:
            ZooError: it is not at hand.
        """
        name = str(self.data.get("name"))
        place = (split is None and self.data.get("validation")) or self.data.get("place")
        data = named.data_at(place) or (name if named.known(name, "pictures") else None)
        if not self.data or (data and (not Path(data).is_absolute() or Path(data).exists())):
            return data
        reason = f"{data}, which is not there any more" if data else f"{name}, which this machine does not know"
        comfort = " Those that were trained on are known by their content." if self._known_pictures.complete else ""
        raise ZooError(
            f"the model was made from {reason}. Give the pictures: zoo evaluate FILE.keras FOLDER, in Python "
            f"evaluate(FOLDER).{comfort}"
        )

    def _next_command(self, file: str | Path, data: str) -> str:
        """To measure it where there is something to measure on, else to use it."""
        if isinstance(self.preprocessing, Points) or self._known_pictures.held_out:
            return super()._next_command(file, data)
        return f"zoo predict {file} PICTURE.jpg"

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

    def predict(self, pictures: Any, top: int = 5) -> Prediction | Predictions:
        """Say what one picture, or each of several, shows.

        Args:
            pictures: a path, an array of pixels 0-255 of shape (height, width[, channels]), a PIL image, a file's
                bytes, an open file, the name of a picture that scikit-image carries, or several of these in a folder,
                a list, a column of a table or a generator. Any size: the model's own resize-and-crop rule is applied.
                For a model of points: numbers of shape (length,), or several of shape (n, length).
            top: how many classes to give for each picture, best first.

        Returns:
            A `Prediction`, or for a list or a folder `Predictions`, a list of them with `to_frame()`.

        Raises:
            ZooError: a picture cannot be read; its path and the reason are named. `predictions` goes on with others.

        Example:
            >>> import numpy as np, zoo
            >>> net = zoo.get("logistic", input_shape=(8, 8, 3))
            >>> net.predict(np.zeros((20, 30, 3), "uint8")).probability
            0.5
        """
        if isinstance(self.preprocessing, Points):
            pictures = list(pictures) if isinstance(pictures, Iterator) else pictures
            pictures = pictures.to_numpy() if hasattr(pictures, "to_numpy") else pictures  # a table, or a row of it
            several = isinstance(pictures, list | tuple | np.ndarray) and any(np.ndim(part) for part in pictures[:1])
        else:
            pictures = sources.named_pictures(pictures)
            several = isinstance(pictures, list | tuple) or (isinstance(pictures, np.ndarray) and pictures.ndim == 4)
        pictures = list(pictures) if several else [pictures]
        predictions = Predictions()
        for picture, answer in zip(pictures, self.predictions(pictures, top), strict=True):
            if isinstance(answer, images.ImageError):
                raise ZooError(f"{images.path_of(picture) or 'the picture'} cannot be used: {answer}") from answer
            predictions.append(answer)
        return predictions if several else predictions[0]

    def predictions(self, pictures: Any, top: int = 5) -> Iterator[Prediction | images.ImageError]:
        """Say what each of any number of pictures shows, one after the other, while the next ones are decoded.

        Args:
            pictures: several, as for `predict`.
            top: how many classes to give for each picture, best first.

        Yields:
            For each picture a `Prediction`, or the `ImageError` that says why it cannot be used.
        """
        if top < 1:
            raise UsageError(f"top must be 1 or more, got {top}.")
        if self.novelty and self._model is not None and self._model.compiled:  # the look at all weights takes time
            self._notice_training()
        if not isinstance(self.preprocessing, Points):
            pictures = sources.named_pictures(pictures)
        # paths as they were given: they come back in the predictions
        unlabelled = sources.Pictures(pictures, np.zeros(len(pictures), int), [""])
        for indices, decoded in self._batches(unlabelled):
            usable = [i for i, item in enumerate(decoded) if not isinstance(item, images.ImageError)]
            if usable:
                logits, *features = self.engine(np.stack([decoded[i] for i in usable]))
                novel = self.novelty.is_novel(features[0]) if self.novelty and features else [None] * len(usable)
                for i, row, is_novel in zip(usable, self._probabilities(logits), novel, strict=True):
                    path = images.path_of(pictures[indices[i]])
                    decoded[i] = self._prediction(row, top, path, None if is_novel is None else bool(is_novel))
            yield from decoded

    def _batches(
        self, pictures: sources.Pictures, wanted: Callable[[str, int], bool] = lambda digest, view: True
    ) -> Iterator[tuple[list[int], list]]:
        """Indices, and for each the pixels, an `ImageError`, or None where not wanted; a forward pass at a time."""
        indices, decoded = [], []
        size = inference.batch_of(math.prod(self.preprocessing.shape))
        for index, _, _, pixels in sources.stream(pictures, self.preprocessing, wanted=wanted):
            indices.append(index)
            decoded.append(pixels)
            if len(indices) == size or index == len(pictures) - 1:
                yield indices, decoded
                indices, decoded = [], []

    def evaluate(self, data: Any = None, split: str | None = None, progress: bool = True) -> Evaluation:
        """Measure how often the model is right, with the interval that the number of pictures implies.

        Args:
            data: a dataset's name, a folder, a CSV file, arrays `(x, y)` or a DataFrame; None is what the model was
                made from, of which it takes what was held out; for a model that was not trained, its own dataset.
            split: which part of it, as it is, or "all" of it. None takes "test", else "validation", else all there is,
                and leaves out the pictures that were trained on, except from a named dataset's "test" or "validation".
            progress: show a bar with the time left.

        Returns:
            An `Evaluation`, `{"accuracy": Metric, "per_class": {...}, "confusion": [[...]], "labels": [...],
            "split": str, "given": int, "trained_on": int | None, "skipped": [...]}`, whose `errors()` are the examples
            that were wrong. Of more than 2,000 classes the confusion is None. `trained_on` says how many of the given
            examples were trained on, None where that cannot be told.

        Raises:
            ZooError: the data cannot be found, hold classes that the model does not know, no usable picture, or none
                that was not trained on. Arrays that were all trained on are measured on.
        """
        self._notice_training()
        own, whole = data is None, split is not None or isinstance(self.preprocessing, Points)
        data = self._own_data(split) if own else data
        dataset = self._resolve_dataset(data, sources.find)
        before = self._known_of(dataset)
        if split == "all":
            pictures = joined([*dataset.splits.values()])
        else:
            split = dataset.to_measure_on(split)
            pictures = dataset.splits[split]
        if split != "train" and (data is None or (isinstance(data, str) and named.is_name(data))):
            whole = True  # as everybody's numbers of it are
        self._label_indices(pictures)  # an unknown class is better said now

        def wanted(digest: str, view: int) -> bool:
            if whole:
                return True
            if own and before.held_out:
                return beginning(digest) in before.held_out
            return beginning(digest) not in before.trained_on

        logits, kept, skipped = self._logits_of(pictures, wanted, progress)
        if left_out := len(pictures) - len(kept) - len(skipped):
            if not kept and pictures.in_files():
                raise ZooError(self._nothing_left(dataset, split, left_out, own))
            if not kept:  # arrays: to measure on what was trained on is how people see that a net learns at all
                logits, kept, skipped = self._logits_of(pictures, lambda digest, view: True, progress)
                left_out = 0
        sources.require_usable(kept, dataset, split, skipped)
        trained_on = sum(beginning(digest) in before.trained_on for digest in pictures.digests.values())
        examples = len(kept) + (trained_on if left_out else 0)
        if left_out and not own:
            note(
                f"left out, as they were trained on: {trained_on} of the {examples} pictures in {dataset.name}. "
                'To measure on them too: --split all, in Python split="all".'
            )
        can_tell = before.complete or (trained_on and not left_out)
        about = {"split": split, "given": examples, "trained_on": trained_on if can_tell else None}
        return self._evaluation(pictures, kept, logits, about, [*dataset.skipped, *skipped])

    def _known_of(self, dataset: Dataset) -> KnownPictures:
        """What is known of the pictures that were trained on; an older file's, where these are its data, at hand."""
        if self._known_pictures.complete or any(part.in_files() for part in dataset.splits.values()):
            return self._known_pictures
        if dataset.fingerprint() != self.data.get("fingerprint"):
            return self._known_pictures
        return KnownPictures().after(dataset.splits["train"].digests.values(), _digests_held_out(dataset))

    def _nothing_left(self, dataset: Dataset, split: str, left_out: int, own: bool) -> str:
        """Why there is nothing to measure on, and what to do."""
        if own and (held_out := self._known_pictures.held_out):
            reason = f"none of the {len(held_out)} pictures that were held out is in {dataset.name} any more"
        else:
            reason = (
                f"all {left_out} pictures in the {split} split of {dataset.name} were trained on, and do not show how "
                f"good {self.name} is on others"
            )
        return (
            f"{reason}. Give other pictures: zoo evaluate FILE.keras FOLDER, in Python evaluate(FOLDER). To measure "
            'on those that were trained on: --split all, in Python split="all".'
        )

    def _logits_of(
        self, pictures: sources.Pictures, wanted: Callable[[str, int], bool], progress: bool
    ) -> tuple[np.ndarray, list[int], list[Skipped]]:
        """Logits of the pictures that are wanted, shape (n, outputs); which these are; and what cannot be used."""
        parts, kept, skipped = [np.empty((0, 1))], [], []
        with progress_bar(len(pictures), "evaluating", unit="picture", shown=progress) as bar:
            for indices, decoded in self._batches(pictures, wanted):
                pixels = []
                for index, item in zip(indices, decoded, strict=True):
                    if isinstance(item, images.ImageError):
                        skipped.append(Skipped(pictures.name(index), item.kind, str(item)))
                    elif item is not None:
                        kept.append(index)
                        pixels.append(item)
                if pixels:
                    parts.append(self._logits(np.stack(pixels)))
                bar.update(len(indices))
        return np.concatenate(parts[1:] or parts), kept, skipped

    def _evaluation(
        self, pictures: sources.Pictures, kept: list[int], logits: np.ndarray, about: dict, skipped: list[Skipped]
    ) -> Evaluation:
        """What `evaluate` returns; it is remembered.

        Args:
            pictures: what was given to measure on.
            kept: which of them were measured on, n indices.
            logits: of these, shape (n, outputs).
            about: what `measured_on` tells of them: "split", "given" and "trained_on".
            skipped: what could not be used.
        """
        truth, labels = self._label_indices(pictures)[kept], self.class_names()
        probabilities = self._probabilities(logits)
        predicted = probabilities.argmax(axis=1)
        measured = {
            "accuracy": metrics.accuracy(truth, predicted),
            "per_class": metrics.per_class(truth, predicted, labels),
            "confusion": metrics.confusion(truth, predicted, len(labels)) if len(labels) <= CONFUSED else None,
            "labels": labels,
            **about,
        }
        wrong = [
            (kept[i], labels[predicted[i]], float(probabilities[i, predicted[i]]))
            for i in np.flatnonzero(predicted != truth)
        ]
        return Evaluation(self._remember(measured, skipped), pictures, self.preprocessing, wrong)

    def _format_result(self, result: dict) -> str:
        return f"accuracy {result['accuracy']} on {measured_on(result)}\n{per_class_table(result['per_class'])}"

    # Pixels to numbers

    def _logits(self, pixels: np.ndarray) -> np.ndarray:
        """The model's logits for pixels of shape (n, height, width, channels); float32, shape (n, outputs)."""
        return self.engine(pixels)[0]

    def _probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities of shape (n, classes) from logits of shape (n, classes) or, for two classes, (n, 1)."""
        logits = logits.astype(np.float64)
        if logits.shape[1] == 1:
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        if logits.shape[1] != len(self.class_names()):
            raise ZooError(
                f"the model tells {logits.shape[1]} classes apart, and {len(self.class_names())} have names."
            )
        return inference.softmax(logits)

    def class_names(self) -> list[str]:
        """The classes in the order of the logits; "class 0", "class 1", ... before any were learned."""
        return self.labels or [f"class {i}" for i in range(self.arguments["num_classes"])]

    def _input_names(self) -> list[str]:
        """What the numbers of a point are called: as the dataset says that it learned from, else "x1", "x2", ..."""
        names = named.input_names(self.data.get("place"))
        return list(names) or [f"x{i + 1}" for i in range(self.preprocessing.shape[0])]

    def _prediction(self, probabilities: np.ndarray, top: int, path: str | None, is_novel: bool | None) -> Prediction:
        names = self.class_names()
        best = np.argsort(-probabilities, kind="stable")[:top]
        ranked = [(names[i], float(probabilities[i])) for i in best]
        return Prediction(*ranked[0], ranked, path, is_novel)

    def visualise(self, folder: str | Path, picture: Any = None, overwrite: bool = False) -> list[Path]:
        """Draw what the first layer has learned to look for, as PNG files.

        Of a convolution these are its filters, and with a picture what each makes of it; of units that look at every
        pixel, their weights as pictures; of a single unit on points, its inputs and its threshold.

        Args:
            folder: where the files go.
            picture: a path, array or PIL image, as for `predict`.
            overwrite: replace whatever files are there; without it, only pictures that the zoo drew.

        Returns:
            The files.

        Raises:
            ZooError: matplotlib is not installed, or the first layer is of another kind.

        Example:
            >>> import zoo
            >>> [path.name for path in zoo.get("logistic", input_shape=(8, 8, 3)).visualise("drawn")]
            ['weights.png']
        """
        from zoo.backend import keras

        if is_path := images.path_of(picture) is not None:
            picture = sources.named_pictures([picture])[0]
        inputs = [picture] if is_path else []

        def place(name: str) -> Path:
            return picture_output(expand(folder) / name, inputs, overwrite)

        first: Any = next((layer for layer in self.model.layers if layer.weights), None)
        kind = type(first).__name__
        if kind not in ("Conv2D", "Dense"):
            raise ZooError(f"the first layer of {self.name} is a {kind}: there is no picture of that.")
        kernel = keras.ops.convert_to_numpy(first.kernel)
        if kind == "Conv2D" and isinstance(self.preprocessing, Preprocessing):
            files = [charts.filters(kernel, place("filters.png"))]
            if picture is not None:
                pixels = images.decode(picture, self.preprocessing)
                files.append(charts.activation_maps(self.model, pixels, place("activations.png"), first.name))
            return files
        if isinstance(self.preprocessing, Points):
            if kernel.shape[1] > 1:
                raise ZooError(f"the first layer of {self.name} has {kernel.shape[1]} units on points; one is drawn.")
            bias = float(keras.ops.convert_to_numpy(first.bias)[0])
            return [charts.threshold_unit(kernel, bias, place("unit.png"), self._input_names())]
        return [charts.weight_image(kernel, self.preprocessing.shape, place("weights.png"))]

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

    def _label_indices(self, pictures: sources.Pictures) -> np.ndarray:
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

    def _sample_inputs(self, n: int) -> np.ndarray:
        return self.preprocessing.samples(n)

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
        self._notice_training()
        return {
            **super().get_config(),
            "labels": self.class_names(),
            "preprocessing": self.preprocessing.to_json(),
            "output": "logits" if self._num_logits() > 1 else "one logit, of the second class",
            "familiar": self.novelty and self.novelty.to_json(),  # the saved key has the detector's first name
            "pictures": self._known_pictures.to_json(),
            "head": self._head_fit and self._head_fit.to_json(),
        }

    def _num_logits(self) -> int:
        if self._model is None and self._archive is not None:
            return self._archive.record.content["selftest"]["outputs"]["shape"][-1]
        return self.model.output_shape[-1]

    @classmethod
    def from_config(cls, config: dict) -> Self:
        self = super().from_config(config)
        self.preprocessing = rule_from_json(config["preprocessing"])
        labels = config["labels"]
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise TypeError("labels are no list of texts")
        if len(set(labels)) != len(labels):
            raise ValueError("labels are there twice")
        one_form = [same_form(label) for label in labels]  # as those of the data are
        self.labels = one_form if len(set(one_form)) == len(labels) else labels
        self.novelty = NoveltyDetector.from_json(config["familiar"]) if config.get("familiar") else None
        pictures = config.get("pictures")  # files of earlier versions do not say
        self._known_pictures = KnownPictures.from_json(pictures) if pictures else KnownPictures(complete=not self.data)
        self._head_fit = HeadFit.from_json(config["head"]) if config.get("head") else None
        return self

    def _check_shapes(self, inputs: tuple, outputs: tuple) -> None:
        classes, logits, rule = len(self.class_names()), outputs[-1], self.preprocessing
        fits = classes == 2 if logits == 1 else classes == logits
        if inputs != rule.shape or not fits:
            raise RecordMismatchError(
                f"{classes} labels and inputs of {rule.shape}, but {logits} outputs and inputs of {inputs}"
            )


def _digests_held_out(dataset: Dataset) -> list[str]:
    """Digests of the pictures that are not for training, as far as they were read."""
    apart = [part for split, part in dataset.splits.items() if split != "train"]
    return [digest for part in apart for digest in part.digests.values()]
