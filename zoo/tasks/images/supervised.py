"""What models share that were taught by examples what to answer about a picture: classes, labels, numbers."""

from __future__ import annotations

import abc
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, cast

import numpy as np

from zoo import catalog, inference, saving
from zoo.console import note, progress_bar
from zoo.data import images, named, sources
from zoo.data.dataset import Dataset, Skipped, remember_place
from zoo.data.images.labels import joined
from zoo.data.images.preprocessing import Points, Preprocessing, rule_from_json, rule_of
from zoo.errors import UsageError, ZooError, brief, whole_number
from zoo.metrics import Metric
from zoo.registry import Entry, did_you_mean
from zoo.targets import Target
from zoo.targets.cells import same_form
from zoo.tasks.images.calibration import Calibration
from zoo.tasks.images.evaluation import Evaluation, measured_on
from zoo.tasks.images.explanation import SIDE, Explanation, heat_of
from zoo.tasks.images.head_fit import HeadFit
from zoo.tasks.images.known_pictures import KnownPictures, beginning
from zoo.tasks.images.novelty import NoveltyDetector
from zoo.tasks.task import Task
from zoo.visualization import notebook
from zoo.visualization.pages import gallery, photo, text

if TYPE_CHECKING:
    import pandas

    from zoo.backend import keras
    from zoo.training.plan import Plan

MOST_VIEWS = 100  # of a picture, as a file may ask for
MOST_NUMBERS = 2**27  # in all of them; they are held at once
ALIKE = 0.01  # by how much a probability may differ in an exported file where nothing was rounded on purpose


class PictureAnswer(Protocol):
    """What a model says of one picture.

    Attributes:
        path: the picture's file, or None for arrays.
        is_novel: whether it resembles nothing that the model was trained on; None where the model cannot tell.
    """

    @property
    def path(self) -> str | None: ...

    @property
    def is_novel(self) -> bool | None: ...

    def cells(self) -> dict[str, Any]:
        """The answer itself as cells of a table, by column."""

    def ranked(self) -> str:
        """The answer on one line."""

    def to_json(self) -> dict: ...


class Predictions(list[Any]):
    """What a model says of several pictures, in their order.

    Args:
        columns: of the answers in a table.
    """

    def __init__(self, columns: Sequence[str]):
        super().__init__()
        self.columns = columns

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"{len(self)} predictions")

    def _repr_html_(self) -> str:
        answers = (
            _photo_of(each, text(each.ranked()) + notebook.file_name(_name(each))) for each in self[: notebook.SHOWN]
        )
        more = f"<p>... and {len(self) - notebook.SHOWN:,} more</p>" if len(self) > notebook.SHOWN else ""
        return notebook.shown(gallery(answers), more)

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table: a row for each picture, with "path", the answer's columns and "is_novel".

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UsageError("a table needs pandas: pip install pandas.") from None
        rows = [{"path": each.path, **each.cells(), "is_novel": each.is_novel} for each in self]
        return pandas.DataFrame(rows, columns=["path", *self.columns, "is_novel"])


def novelty_hint(answer: PictureAnswer) -> str:
    """What people should know beside an answer."""
    return "  [resembles nothing that it was trained on]" if answer.is_novel else ""


def facts_of(answer: Any) -> dict[str, Any]:
    """The fields of an answer, without the picture."""
    return {each.name: getattr(answer, each.name) for each in fields(answer) if each.name != "picture"}


def answer_in_notebook(answer: Any, rows: Sequence[tuple[str, float, str]]) -> str:
    """The picture, the answer in words, and a bar for each row."""
    words = f"<p><b>{text(answer.ranked())}</b></p>" if not rows else ""
    novel = f"<p>{text(novelty_hint(answer).strip(' []'))}</p>" if rows and answer.is_novel else ""
    return notebook.shown(
        gallery([_photo_of(answer, notebook.file_name(_name(answer)))]), words, notebook.bars(rows), novel
    )


def _name(answer: PictureAnswer) -> str:
    return Path(answer.path).name if answer.path else ""


def _photo_of(answer: Any, caption: str) -> str:
    """The picture that was given, where it is one and can still be read, and its caption as HTML."""
    try:
        pixels = images.whole(answer.picture, SIDE)
    except Exception:  # an answer is worth showing without its picture, whatever became of that
        return f"<figure class=photo><figcaption>{caption}</figcaption></figure>"
    return photo(pixels, _name(answer) or "picture", caption, enlarges=False)


class Supervised(Task):
    """A model that was taught what to answer about a picture by pictures with answers.

    A subclass says what the model's outputs mean (`_interpret`, `_prediction`), and how good they are (`_truth`,
    `_evaluation`, `_format_result`).
    """

    _target: ClassVar[Target]  # the kind of target that it learned
    _shown_metric: ClassVar[str]  # of `metrics`: what laymen are told
    _columns: ClassVar[tuple[str, ...]]  # of a table of answers, between "path" and "is_novel"

    def __init__(self, entry: Entry, arguments: dict, **how: Any):
        super().__init__(entry, arguments, **how)
        # How an example becomes the model's input: of a picture the one resize-and-crop rule, at this model's size.
        self.preprocessing = rule_of(arguments.get("input_shape"), **entry.preprocessing)
        self.labels: list[str] | None = None
        # what its training pictures have in common, where that was learned
        self.novelty: NoveltyDetector | None = None
        # published weights do not say of which pictures they are
        self._known_pictures = KnownPictures(complete=self.weights is None)
        self._learned_weights: str | None = None  # a hash of the weights that these two are of
        self._views = 1  # of each picture, whose answers are averaged
        self._head_fit: HeadFit | None = None  # how its head was fitted, where it is one on a frozen backbone
        self._calibration: Calibration | None = None  # of its probabilities, where that was learned
        self.summary: dict = {}  # of a fine-tuning: counts, the time that each step took, what could not be used

    @classmethod
    def from_head(
        cls,
        name: str,
        archive: saving.Archive,
        labels: list[str],
        preprocessing: Preprocessing,
        engine: inference.Engine,
        novelty: NoveltyDetector | None,
    ) -> Self:
        """A pretrained network with a head of its own.

        Args:
            name: of the network in the register.
            archive: the network with that head, as a saved file would hold it.
            labels: the classes or labels in the order of the head's outputs, or what its number is called.
            preprocessing: how a picture becomes the network's input.
            engine: answers until the Keras model is asked for.
            novelty: what the training pictures have in common.
        """
        entry = replace(catalog.announced(name), task=cls._target.task)
        self = cls(entry, {**catalog.card(name).arguments, "num_classes": len(labels)})
        self.labels, self.preprocessing, self.novelty = labels, preprocessing, novelty
        self._attach_archive(archive, engine)
        return self

    # What it was taught by

    def _find_data(self, data: Any, validation: Any = None, validation_split: float | None = None) -> Dataset:
        raise self._only_fine_tuned()

    def _make_plan(
        self, dataset: Dataset, batch_size: int | None, folder: Path | None = None, progress: bool = False
    ) -> Plan:
        raise self._only_fine_tuned()

    def _only_fine_tuned(self) -> UsageError:
        return UsageError(
            f"{self.name} is a model for {self.entry.task} here, which learns by fine-tuning alone: zoo finetune "
            "DATA, in Python zoo.finetune(data)."
        )

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
            self._head_fit, self._calibration = None, None
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
            self.novelty, self._learned_weights, self._head_fit, self._calibration = None, None, None, None
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

    def _own_pictures(self, trained_on: bool, most: int) -> sources.Pictures | None:
        """Some of the pictures that the model was trained on, or of those held out; None where none is at hand.

        Args:
            trained_on: which of the two.
            most: how many, drawn always alike.
        """
        digests = self._known_pictures.trained_on if trained_on else self._known_pictures.held_out
        places = [place for place in (self.data.get("place"), self.data.get("validation")) if place]
        for data in filter(None, map(named.data_at, places if trained_on else places[::-1])):
            try:
                pictures = joined([*sources.find(data, strict=False, target=self._target).splits.values()])
            except ZooError:  # they were moved
                continue
            left = {*digests}
            chosen: list[int] = []
            for index in np.random.default_rng(0).permutation(len(pictures)).tolist():
                if len(chosen) < most and (mark := beginning(pictures.digest(index))) in left:
                    left.remove(mark)  # copies count once
                    chosen.append(index)
            if chosen:
                return pictures.subset(chosen)
        return None

    def _next_command(self, file: str | Path, data: str) -> str:
        """To measure it where there is something to measure on, else to use it."""
        if isinstance(self.preprocessing, Points) or self._known_pictures.held_out:
            return super()._next_command(file, data)
        return f"zoo predict {file} PICTURE.jpg"

    # Verbs

    def predict(self, pictures: Any, top: int = 5) -> PictureAnswer | Predictions:
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
        predictions = Predictions(self._columns)
        for picture, answer in zip(pictures, self.predictions(pictures, top), strict=True):
            if isinstance(answer, images.ImageError):
                raise ZooError(f"{images.path_of(picture) or 'the picture'} cannot be used: {answer}") from answer
            predictions.append(replace(cast(Any, answer), picture=picture))
        return predictions if several else predictions[0]

    def predictions(self, pictures: Any, top: int = 5) -> Iterator[PictureAnswer | images.ImageError]:
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
                outputs, *features = self._answers([decoded[i] for i in usable])
                novel = self.novelty.is_novel(features[0]) if self.novelty and features else [None] * len(usable)
                for i, row, is_novel in zip(usable, self._interpret(outputs), novel, strict=True):
                    path = images.path_of(pictures[indices[i]])
                    decoded[i] = self._prediction(row, top, path, None if is_novel is None else bool(is_novel))
            yield from decoded

    def _batches(
        self, pictures: sources.Pictures, wanted: Callable[[str, int], bool] = lambda digest, view: True
    ) -> Iterator[tuple[list[int], list]]:
        """Indices, and for each the pixels, an `ImageError`, or None where not wanted; a forward pass at a time.

        Pixels have the shape (views, height, width, channels).
        """
        indices, decoded = [], []
        views: list[Any] = []
        size = max(1, inference.batch_of(math.prod(self.preprocessing.shape)) // self._views)
        for index, _, _, pixels in sources.stream(pictures, self.preprocessing, self._views, wanted=wanted):
            views.append(pixels)
            if len(views) < self._views:
                continue
            indices.append(index)
            decoded.append(np.stack(views) if isinstance(pixels, np.ndarray) else pixels)
            views = []
            if len(indices) == size or index == len(pictures) - 1:
                yield indices, decoded
                indices, decoded = [], []

    def _answers(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
        """The engine's outputs for pictures, each the mean over a picture's views."""
        answers, *features = self._outputs(np.concatenate(pictures))
        if self._views > 1:  # the head of the mean features, whatever its activation is
            answers = self._target.deactivate(answers)
        means = [each.reshape(len(pictures), self._views, -1).mean(axis=1) for each in (answers, *features)]
        return [self._target.activate(means[0]) if self._views > 1 else means[0], *means[1:]]

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
        dataset = self._resolve_dataset(data, functools.partial(sources.find, target=self._target))
        before = self._known_of(dataset)
        if split == "all":
            pictures = joined([*dataset.splits.values()])
        else:
            split = dataset.to_measure_on(split)
            pictures = dataset.splits[split]
        if split != "train" and (data is None or (isinstance(data, str) and named.is_name(data))):
            whole = True  # as everybody's numbers of it are
        self._truth(pictures)  # an unknown class is better said now

        def wanted(digest: str, view: int) -> bool:
            if whole:
                return True
            if own and before.held_out:
                return beginning(digest) in before.held_out
            return beginning(digest) not in before.trained_on

        outputs, kept, skipped = self._outputs_of(pictures, wanted, progress)
        if left_out := len(pictures) - len(kept) - len(skipped):
            if not kept and pictures.in_files():
                raise ZooError(self._nothing_left(dataset, split, left_out, own))
            if not kept:  # arrays: to measure on what was trained on is how people see that a net learns at all
                outputs, kept, skipped = self._outputs_of(pictures, lambda digest, view: True, progress)
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
        return self._evaluation(pictures, kept, outputs, about, [*dataset.skipped, *skipped])

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

    def _outputs_of(
        self, pictures: sources.Pictures, wanted: Callable[[str, int], bool], progress: bool
    ) -> tuple[np.ndarray, list[int], list[Skipped]]:
        """Outputs for the pictures that are wanted, shape (n, outputs); which these are; and what cannot be used."""
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
                    parts.append(self._answers(pixels)[0])
                bar.update(len(indices))
        return np.concatenate(parts[1:] or parts), kept, skipped

    # What its outputs mean

    def _interpret(self, outputs: np.ndarray) -> np.ndarray:
        """What people are told, in numbers: shape (n, answers) from the model's outputs of shape (n, outputs)."""
        return outputs.astype(np.float64)

    @abc.abstractmethod
    def _prediction(self, answer: np.ndarray, top: int, path: str | None, is_novel: bool | None) -> PictureAnswer:
        """The answer about one picture, from a row of what `_interpret` gives."""

    @abc.abstractmethod
    def _truth(self, pictures: sources.Pictures) -> np.ndarray:
        """The true answers as the model counts them.

        Raises:
            ZooError: the model cannot give such answers.
        """

    @abc.abstractmethod
    def _evaluation(
        self, pictures: sources.Pictures, kept: list[int], outputs: np.ndarray, about: dict, skipped: list[Skipped]
    ) -> Evaluation:
        """What `evaluate` returns; it is remembered.

        Args:
            pictures: what was given to measure on.
            kept: which of them were measured on, n indices.
            outputs: the model's for these, shape (n, outputs).
            about: what `measured_on` tells of them: "split", "given" and "trained_on".
            skipped: what could not be used.
        """

    @abc.abstractmethod
    def _headline(self, result: dict) -> str:
        """What `evaluate` returned, for people, in a few words."""

    @abc.abstractmethod
    def _details(self, result: dict) -> str:
        """The rest of it, as a table."""

    def _format_result(self, result: dict) -> str:
        return f"{self._headline(result)} on {measured_on(result)}\n{self._details(result)}".strip()

    def _of_training(self, y: np.ndarray, held_out: np.ndarray) -> None:
        """Learn what it takes to answer from the training pictures beyond the head.

        Args:
            y: their answers.
            held_out: outputs for them, each by a head that did not see it; shape (n, outputs).
        """

    # Why

    @abc.abstractmethod
    def _answer_names(self) -> list[str]:
        """What the numbers of an answer stand for: the classes, the labels, or the one number."""

    def explain(self, photo: Any, label: str | None = None) -> Explanation:
        """Say where in a photo the evidence for a label lies, or what raises a number.

        By Grad-CAM; of nets without a convolution, by the gradient at each pixel. See `heat_of` for what is computed.
        Where answers are means over several views of a photo, the heat is of the plain one.

        Args:
            photo: one picture, as for `predict`.
            label: which class or label to explain; None is the most probable one.

        Returns:
            An `Explanation`: its `heat`, an `overlay()` of it on the photo, and `save("heat.png")`.

        Raises:
            UsageError: the model is one of points, or knows no such label.
            ZooError: the photo cannot be read.

        Example:
            >>> import numpy as np, zoo
            >>> net = zoo.get("cnn", input_shape=(16, 16, 3), num_classes=3, variant="lean", seed=0)
            >>> why = net.explain(np.zeros((60, 80, 3), "uint8"))
            >>> why.method, why.overlay().size
            ('grad-cam', (80, 60))
        """
        rule, names = self.preprocessing, self._answer_names()
        if isinstance(rule, Points):
            raise UsageError(f"{self.name} takes numbers, not pictures: there is no place in them to show.")
        if label is not None and label not in names:
            raise UsageError(
                f"{label!r} is none of its {self._target.name}{did_you_mean(label, names)} It knows {brief(names)}."
            )
        picture, *others = sources.named_pictures([photo])
        if others:
            raise UsageError(f"{photo} holds {1 + len(others)} pictures; they are explained one by one.")
        try:
            data = images.read(picture)
            views, whole = images.decode_views(data, rule, range(self._views)), images.whole(data, SIDE)
        except images.ImageError as error:
            raise ZooError(f"{images.path_of(photo) or 'the picture'} cannot be used: {error}") from error
        outputs = self._answers([np.stack(views)])[0]
        answer = self._interpret(outputs)[0]
        best = int(answer.argmax())
        index = best if label is None else names.index(label)
        # a single output for two classes speaks for the second, and against the first
        unit, sign = (index, 1) if outputs.shape[1] == len(names) else (0, 2 * index - 1)
        with self._in_a_sentence("cannot be explained"):
            heat, method = heat_of(self.engine, self._parts_at_maps, views[0], unit, sign)
        height, width = whole.shape[:2]
        left, top, right, bottom = rule.box(width, height)
        box = (left / width, top / height, right / width, bottom / height)
        probable = self._target.answer == "probabilities"
        return Explanation(
            label=names[index],
            probability=float(answer[index]) if probable else None,
            predicted=names[best] if probable else float(answer[index]),
            method=method,
            heat=heat,
            box=box,
            photo=whole,
            path=images.path_of(photo),
        )

    def _parts_at_maps(self) -> tuple[keras.Model | None, keras.Model]:
        """The Keras model without its head's activation, cut where its last convolution's maps end."""
        from zoo import backend

        return self._made_of_model(lambda model: backend.at_last_maps(backend.before_activation(model)))

    # How an exported file's answers are compared with its own

    @abc.abstractmethod
    def _same(self, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """For which examples people are told the same: truth values of shape (n,) from answers of (n, answers)."""

    @abc.abstractmethod
    def _measured(self, truth: np.ndarray, answers: np.ndarray) -> Metric:
        """The metric that laymen are told: of answers of shape (n, answers), where `_truth` gave the true ones."""

    @abc.abstractmethod
    def _what_is_same(self) -> str:
        """What `_same` compares, in a word or two."""

    def _tolerance(self, answers: np.ndarray) -> float:
        """By how much such answers may differ in a file where nothing was rounded on purpose."""
        return ALIKE

    # The saved file

    def export(self, path: str | Path, overwrite: bool = False, format: str | None = None, **options: Any) -> dict:
        about = super().export(path, overwrite, format, **options)
        if self._views > 1:
            note(f"{path} sees one view of a picture: it does not average {self._views}, as zoo predict does.")
        return about

    def _sample_inputs(self, n: int) -> np.ndarray:
        return self.preprocessing.samples(n)

    def _num_outputs(self) -> int:
        if self._model is None and self._archive is not None:
            return self._archive.record.content["selftest"]["outputs"]["shape"][-1]
        return self.model.output_shape[-1]

    def get_config(self) -> dict:
        self._notice_training()
        return {
            **super().get_config(),
            "preprocessing": self.preprocessing.to_json(),
            "familiar": self.novelty and self.novelty.to_json(),  # the saved key has the detector's first name
            "pictures": self._known_pictures.to_json(),
            "head": self._head_fit and self._head_fit.to_json(),
            "views": self._views,
            "calibration": self._calibration and self._calibration.to_json(),
        }

    @classmethod
    def from_config(cls, config: dict) -> Self:
        self = super().from_config(config)
        self.preprocessing = rule_from_json(config["preprocessing"])
        self.novelty = NoveltyDetector.from_json(config["familiar"]) if config.get("familiar") else None
        pictures = config.get("pictures")  # files of earlier versions do not say
        self._known_pictures = KnownPictures.from_json(pictures) if pictures else KnownPictures(complete=not self.data)
        self._head_fit = HeadFit.from_json(config["head"]) if config.get("head") else None
        most = min(MOST_VIEWS, max(1, MOST_NUMBERS // math.prod(self.preprocessing.shape)))
        self._views = whole_number("views", config.get("views", 1), 1, most)
        calibration = config.get("calibration")
        self._calibration = Calibration.from_json(calibration) if calibration else None
        return self


def labels_from(config: dict) -> list[str]:
    """The names that a file's record gives to its outputs; a stranger's may hold anything."""
    labels = config["labels"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise TypeError("labels are no list of texts")
    if len(set(labels)) != len(labels):
        raise ValueError("labels are there twice")
    one_form = [same_form(label) for label in labels]  # as those of the data are
    return one_form if len(set(one_form)) == len(labels) else labels


def _digests_held_out(dataset: Dataset) -> list[str]:
    """Digests of the pictures that are not for training, as far as they were read."""
    apart = [part for split, part in dataset.splits.items() if split != "train"]
    return [digest for part in apart for digest in part.digests.values()]
