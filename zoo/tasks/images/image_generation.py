"""Generation of pictures: noise in, pixels 0-255 out; learned from pictures without labels."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from zoo import metrics
from zoo.console import progress_bar
from zoo.data import sources
from zoo.data.dataset import Dataset
from zoo.data.images.streams import AT_ONCE
from zoo.errors import RecordMismatchError, UsageError, ZooError, checked_seed, is_number, whole_number
from zoo.files import expand
from zoo.registry import Entry
from zoo.tasks.images import fidelity
from zoo.tasks.images.base import PictureTask
from zoo.tasks.task import with_changes
from zoo.training.order import FitData, Shuffled
from zoo.training.plan import Plan
from zoo.visualization.grid import as_picture, picture_output, save_picture, square
from zoo.visualization.notebook import PictureArray

if TYPE_CHECKING:
    import keras

PIECE = 256  # pictures that are drawn at a time
LARGEST_SHEET = 10_000  # pictures in one file


@dataclass(frozen=True)
class GeneratorSettings:
    """How a generator is trained.

    Attributes:
        average: share that the running average of the weights keeps in each step, 0 to less than 1; 0 is no average.
        label_smoothing: how sure of real pictures the judge should not be, 0 to less than 0.5.
    """

    average: float = 0.999
    label_smoothing: float = 0.0

    def __post_init__(self):
        for name, most in (("average", 1), ("label_smoothing", 0.5)):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value < most:
                raise UsageError(f"{name} is {value!r}; accepted are numbers from 0 to less than {most}.")


@dataclass(frozen=True)
class Drawn:
    """Pictures that a generator draws each time that they are gone through; always the same, and never all in memory.

    Attributes:
        generator: who draws.
        n: how many.
        seed: of the drawing.
    """

    generator: ImageGenerator
    n: int
    seed: int

    def __len__(self) -> int:
        return self.n

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n, *self.generator.preprocessing.shape)

    def __iter__(self) -> Iterator[np.ndarray]:
        return itertools.chain.from_iterable(self.generator.stream(self.n, self.seed))


class ImageGenerator(PictureTask):
    """A model that draws pictures from noise.

    Its builder has the argument `input_shape`, the shape (height, width, channels) of the pictures; the model takes
    noise of shape (latent,) and gives pixels 0-255. Its own file brings the net that it is trained against, the
    function `Entry.discriminator`, from pixels to one logit.
    """

    _metric_types: ClassVar = {"frechet": metrics.Mean, "kid": metrics.Mean}
    _is_watched = False

    def __init__(self, entry: Entry, arguments: dict, **how: Any):
        super().__init__(entry, arguments, **how)
        self.settings = GeneratorSettings()

    # Training

    def train(
        self,
        data: Any = None,
        validation: None = None,
        *,
        average: float | None = None,
        label_smoothing: float | None = None,
        **how: Any,
    ) -> keras.callbacks.History:
        """Train with plain `fit`: the net that draws, against one that judges, both in each step.

        A saved model goes on where it stands, against a judge that begins anew.

        Args:
            data: a dataset's name, a folder of pictures, with class folders or without, or an array of pixels 0-255
                of shape (n, height, width[, channels]); None is the model's own dataset. Labels do not matter.
            validation, validation_split: not used; how good the pictures are is measured by `evaluate`.
            average, label_smoothing: see `GeneratorSettings`; None is as before. The averaged weights are what is
                kept and saved.
            **how: as for any model; with a folder, a picture of the same noise after each epoch and a film of these
                are written there, too.

        Returns:
            Keras' `History`: "d_loss" and "g_loss", and the judge's "d_accuracy"; 0.5 is guessing.

        Raises:
            ZooError: the data cannot be found, or are fewer pictures than a batch, or all alike.
        """
        if validation is not None or how.get("validation_split") is not None:
            raise UsageError(
                "pictures are drawn from noise, not from other pictures; leave out validation and validation_split."
            )
        if how.get("folder") is not None:
            from zoo.tasks.images import adversarial

            adversarial.check_samples(expand(how["folder"]), how.get("overwrite", False))
        self.settings = with_changes(self.settings, average=average, label_smoothing=label_smoothing)
        return super().train(data, **how)

    def _make_plan(
        self, dataset: Dataset, batch_size: int | None, folder: Path | None = None, progress: bool = False
    ) -> Plan:
        from zoo import backend
        from zoo.tasks.images import adversarial

        if self.entry.discriminator is None:
            raise ZooError(f"{self.name} names no net to learn against: @register(..., discriminator=NAME).")
        (pixels,), self.skipped = self._usable(dataset, "train")
        if all(np.array_equal(picture, pixels[0]) for picture in pixels):
            raise ZooError(
                f"the {len(pixels)} pictures of {dataset.name} are all the same: there is nothing to learn."
            )
        if batch_size is not None and batch_size > len(pixels):
            raise ZooError(f"there are {len(pixels)} pictures, fewer than a batch of {batch_size}; set batch_size.")
        settings = asdict(self.settings)
        order = functools.partial(Shuffled, whole=True)
        data = FitData(pixels, np.zeros(len(pixels), np.uint8), order=order, about=settings)
        generator = self.model
        if self.seed is not None:
            backend.seed_everything(self.seed)
        with self._dtype_scope():
            discriminator = self._model_function(self.entry.discriminator)()
        drawn = functools.partial(self.sample, 64, seed=0)  # of the same noise every time
        callbacks = [adversarial.SwapAveragedWeights(generator), adversarial.WarnOfCollapse(drawn, pixels)]
        if folder is not None:
            callbacks.append(adversarial.SampleLogger(drawn, folder))
        players = adversarial.players(generator, discriminator, seed=self.seed, **settings)
        return Plan(data, players, callbacks=callbacks)

    # Verbs

    def sample(self, n: int = 64, seed: int | None = None, truncation: float | None = None) -> np.ndarray:
        """Draw pictures.

        Args:
            n: how many; for very many, see `stream`.
            seed: the same one gives the same pictures; None draws one.
            truncation: noise further out than this many standard deviations is not used: the less, the more
                ordinary the pictures; None uses all.

        Returns:
            uint8 array of pixels 0-255, shape (n, height, width, channels), which a notebook shows.

        Raises:
            UsageError: a value that means nothing.

        Example:
            >>> import zoo
            >>> net = zoo.get("dcgan", input_shape=(8, 8, 1), latent=4, filters=4)
            >>> net.sample(3, seed=0).shape
            (3, 8, 8, 1)
        """
        return np.concatenate(list(self.stream(n, seed, truncation))).view(PictureArray)

    def stream(self, n: int, seed: int | None = None, truncation: float | None = None) -> Iterator[np.ndarray]:
        """Draw pictures as `sample` does, some hundred at a time: as many as you like in little memory."""
        whole_number("n", n, 1)
        if truncation is not None and (not is_number(truncation) or not 0 < truncation <= 10):
            raise UsageError(f"truncation is {truncation!r}; accepted are numbers above 0 and up to 10.")
        random = np.random.default_rng(checked_seed(seed))
        piece = self._at_a_time(PIECE)
        sizes = (min(piece, n - start) for start in range(0, n, piece))
        return (self._draw(self._noise_of(random, size, truncation)) for size in sizes)

    def interpolate(self, a: int, b: int, steps: int = 8) -> np.ndarray:
        """Draw the way from one picture to another.

        Args:
            a, b: seeds: the first picture is that of `sample(1, seed=a)`, the last that of b.
            steps: how many pictures, both ends among them; 2 or more.

        Returns:
            uint8 array of pixels 0-255, shape (steps, height, width, channels).

        Raises:
            UsageError: fewer than two steps.
        """
        whole_number("steps", steps, 2)
        first, last = (self._noise(seed) for seed in (a, b))
        # along the sphere: on the straight way between, the noise would be shorter than any that was trained on
        angle = np.arccos(np.clip(first @ last / np.linalg.norm(first) / np.linalg.norm(last), -1, 1))
        shares = np.linspace(0, 1, steps)[:, None]
        if angle < 1e-6:
            noise = (1 - shares) * first + shares * last
        else:
            noise = (np.sin((1 - shares) * angle) * first + np.sin(shares * angle) * last) / np.sin(angle)
        return self._draw(noise).view(PictureArray)

    def arithmetic(self, plus: list[int], minus: list[int], and_plus: list[int]) -> np.ndarray:
        """Draw what the noise of some pictures, less that of others, plus that of further ones, gives.

        The paper's example: men with glasses, less men without, plus women without, are women with glasses; it takes
        the mean noise of three pictures each.

        Args:
            plus, minus, and_plus: seeds of pictures that look alike, each as of `sample(1, seed=...)`.

        Returns:
            uint8 array of pixels 0-255, shape (4, height, width, channels): what the mean noise of each of the three
            gives, and the result.

        Raises:
            UsageError: one of the three is empty.
        """
        if not (plus and minus and and_plus):
            raise UsageError("give one seed or more for each of plus, minus and and_plus.")
        a, b, c = (np.mean([self._noise(seed) for seed in seeds], 0) for seeds in (plus, minus, and_plus))
        return self._draw(np.stack([a, b, c, a - b + c]))

    def sample_to(
        self,
        out: str | Path,
        n: int = 64,
        seed: int | None = None,
        truncation: float | None = None,
        overwrite: bool = False,
        progress: bool = True,
    ) -> None:
        """Draw pictures into a file, side by side, or each into one of its own.

        Args:
            out: a picture file; or a folder, where they are written as they are drawn, however many they are.
            n, seed, truncation: as for `sample`.
            overwrite: replace whatever files are there; without it, only pictures that the zoo drew.
            progress: show a bar with the time left.

        Raises:
            UsageError: a value that means nothing, or too many pictures for one file.
            ZooError: a file cannot be written.
        """
        out, pieces = expand(out), self.stream(n, seed, truncation)
        if out.suffix:
            if n > LARGEST_SHEET:
                raise UsageError(
                    f"{n:,} pictures are too many for one file; the most are {LARGEST_SHEET:,}. Name a folder, such "
                    f"as {out.stem}/, for a file each."
                )
            out = picture_output(out, overwrite=overwrite)
            return save_picture(square(np.concatenate(list(pieces))), out)
        numbers = itertools.count(1)
        with progress_bar(n, "drawing", unit="picture", shown=progress) as bar:
            for piece in pieces:
                for pixels in piece:
                    file = picture_output(out / f"{next(numbers):07}.png", overwrite=overwrite)
                    save_picture(as_picture(pixels), file)
                bar.update(len(piece))

    def evaluate(
        self, data: Any = None, split: str | None = None, n: int = 10_000, seed: int = 0, progress: bool = True
    ) -> dict:
        """Measure how like real pictures the drawn ones are; see `zoo.tasks.images.fidelity`.

        Args:
            data: as for `train`; None is the model's own dataset.
            split: which part of it to compare with; None takes "test", else "validation", else all there is.
            n: how many pictures to draw; of the real ones as many are used, if there are so many.
            seed: of the drawing.
            progress: show a bar with the time left.

        Returns:
            The numbers of `zoo.tasks.images.fidelity.compare`, and `"skipped"`.

        Raises:
            ZooError: the data cannot be found, or are too few.
        """
        whole_number("n", n, fidelity.FEWEST)
        dataset = self._resolve_dataset(data, lambda data: sources.find(data, classes=False))
        split = dataset.to_measure_on(split)
        skipped = [*dataset.skipped]
        real, *learned = (self._to_measure(dataset, part, skipped) for part in dict.fromkeys((split, "train")))
        large = n * math.prod(self.preprocessing.shape) > AT_ONCE
        drawn = Drawn(self, n, seed) if large else self.sample(n, seed)
        comparison = fidelity.compare(real, drawn, learned[0] if learned else None, dataset.name, seed, progress)
        return self._remember({**comparison, "split": split}, skipped)

    def _format_result(self, result: dict) -> str:
        beside = f"{result['n']:,} drawn pictures beside the {result['split']} split"
        return f"{beside}:\n{fidelity.format_comparison(result)}"

    # Noise to pixels

    @property
    def _latent(self) -> int:
        return self.arguments["latent"]

    def _noise_of(self, random: np.random.Generator, n: int, truncation: float | None = None) -> np.ndarray:
        """Normal noise, float64 of shape (n, latent), none of it further out than `truncation`."""
        edge = 1.0 if truncation is None else ndtr(truncation)
        # by the inverse of the normal distribution, cut off on either side
        return ndtri(random.uniform(1 - edge, edge, (n, self._latent)).clip(1e-12, 1 - 1e-12))

    def _noise(self, seed: int) -> np.ndarray:
        """The noise of `sample(1, seed)`; shape (latent,)."""
        return self._noise_of(np.random.default_rng(checked_seed(seed)), 1)[0]

    def _draw(self, noise: np.ndarray) -> np.ndarray:
        """What the model makes of noise of shape (n, latent): uint8 pixels 0-255."""
        return np.rint(self._outputs(noise.astype(np.float32))[0]).clip(0, 255).astype(np.uint8)

    # The saved file

    def _sample_inputs(self, n: int) -> np.ndarray:
        return np.random.default_rng(0).normal(size=(n, self._latent)).astype(np.float32)

    def get_config(self) -> dict:
        return {**super().get_config(), "output": "pixels 0-255"}

    def _check_shapes(self, inputs: tuple, outputs: tuple) -> None:
        if outputs != self.preprocessing.shape or inputs != (self._latent,):
            raise RecordMismatchError(
                f"noise of {self._latent!r} numbers and pictures of {self.preprocessing.shape}, but inputs of "
                f"{inputs} and outputs of {outputs}"
            )
