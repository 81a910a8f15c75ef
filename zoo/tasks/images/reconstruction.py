"""Reconstruction of pictures: pixels 0-255 in, the logits of the same picture out; codes, and noise taken away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from zoo import inference, metrics
from zoo.console import progress_bar
from zoo.data import images, sources
from zoo.data.dataset import Dataset
from zoo.data.images.streams import in_parts
from zoo.errors import RecordMismatchError, UsageError, ZooError
from zoo.registry import Entry
from zoo.tasks.images.base import PictureTask
from zoo.training.order import FitData
from zoo.training.plan import Plan
from zoo.visualization.grid import grid, picture_output, save_picture
from zoo.visualization.notebook import PictureArray

if TYPE_CHECKING:
    import keras

CHUNK = 256  # pictures that are measured at a time


class Autoencoder(PictureTask):
    """A model that draws its input again from a code.

    Its builder has the argument `input_shape`, takes pixels 0-255 of shape (height, width, channels) and gives
    logits of the same shape, whose sigmoid is the picture from 0 to 1. A layer called "code" holds the code; an
    argument `noise`, where it has one, says how much noise is laid over its training pictures.
    """

    _metric_types: ClassVar = dict.fromkeys(("loss", "mse", "psnr", "psnr_noisy", "gain"), metrics.Mean)

    def __init__(self, entry: Entry, arguments: dict, **how: Any):
        super().__init__(entry, arguments, **how)
        checked_noise(arguments.get("noise", 0.0))

    # Training

    def _make_plan(
        self, dataset: Dataset, batch_size: int | None, folder: Path | None = None, progress: bool = False
    ) -> Plan:
        splits = [split for split in ("train", "validation") if split in dataset.splits]
        (x, *validation), self.skipped = self._usable(dataset, *splits)
        data = FitData(x, x, (validation[0], validation[0]) if validation else None)
        return Plan(data, self.model, self._model_loss() or pixel_crossentropy)

    # Verbs

    def reconstruct(self, pictures: Any) -> np.ndarray:
        """Draw one picture, or each of several, again from its code.

        Args:
            pictures: a path, an array of pixels 0-255 of shape (height, width[, channels]), a PIL image, a folder, a
                dataset's name, which means its first pictures that are not for training, or a list of these. Any size:
                the model's own resize-and-crop rule is applied.

        Returns:
            uint8 array of pixels 0-255, shape (height, width, channels); (n, height, width, channels) for several.

        Raises:
            ZooError: a picture cannot be read; its path and the reason are named.

        Example:
            >>> import numpy as np, zoo
            >>> net = zoo.get("autoencoder", input_shape=(8, 8, 1), filters=(4, 8))
            >>> net.reconstruct(np.zeros((20, 30), "uint8")).shape
            (8, 8, 1)
        """
        pixels, _, several = self._pixels(pictures)
        chunk = self._at_a_time(CHUNK)
        parts = (pixels[start : start + chunk] for start in range(0, len(pixels), chunk))
        drawn = np.concatenate([in_pixels(self._logits(part)) for part in parts])
        return (drawn if several else drawn[0]).view(PictureArray)

    def denoise(self, pictures: Any) -> np.ndarray:
        """Take the noise away from one picture, or from each of several.

        Args:
            pictures: as for `reconstruct`.

        Returns:
            As `reconstruct`.

        Raises:
            UsageError: the model was never shown any noise.
            ZooError: a picture cannot be read; its path and the reason are named.

        Example:
            >>> import numpy as np, zoo
            >>> net = zoo.get("autoencoder", input_shape=(8, 8, 1), filters=(4, 8), noise=0.4)
            >>> net.denoise([np.zeros((8, 8), "uint8")] * 2).shape
            (2, 8, 8, 1)
        """
        if self.arguments.get("noise", 1) == 0:
            raise UsageError(
                f"this {self.name} learns without noise, so it takes none away. Train one with noise: "
                f"zoo.get({self.name!r}, noise=0.4), or zoo train {self.name} --set noise=0.4. "
                "To draw pictures again, use reconstruct."
            )
        return self.reconstruct(pictures)

    def encode(self, pictures: Any) -> np.ndarray:
        """The code of one picture, or of each of several.

        Args:
            pictures: as for `reconstruct`.

        Returns:
            float32 array of the shape of the model's layer "code"; (n, ...) for several.

        Raises:
            ZooError: a picture cannot be read, or the model has no layer called "code".

        Example:
            >>> import numpy as np, zoo
            >>> net = zoo.get("autoencoder", input_shape=(8, 8, 1), variant="dense", latent=5)
            >>> net.encode(np.zeros((8, 8), "uint8")).shape
            (5,)
        """
        pixels, _, several = self._pixels(pictures)
        encoder = self._made_of_model(self._encoder)
        with self._in_a_sentence("cannot compute this"):
            (codes,) = encoder(pixels)
        return codes if several else codes[0]

    def _encoder(self, model: keras.Model) -> inference.KerasEngine:
        """The part of the model that ends with the code."""
        from zoo import backend
        from zoo.backend import keras

        if not any(layer.name == "code" for layer in model.layers):
            raise ZooError(f"{self.name} has no layer called 'code'; give that name to the layer that holds it.")
        encoder = keras.Model(model.input, model.get_layer("code").output)
        backend.prepare(encoder)
        return inference.KerasEngine(encoder, self._most_inputs())

    def evaluate(
        self, data: Any = None, split: str | None = None, noise: float | None = None, progress: bool = True
    ) -> dict:
        """Measure how near the drawn pictures are to the given ones.

        Args:
            data: a dataset's name, a folder, a CSV file, arrays `(x, y)` or x alone, or a DataFrame; None is the
                model's own. Labels do not matter.
            split: which part of it; None takes "test", else "validation", else all there is.
            noise: standard deviation of the noise to lay over the pictures, where white is 1; what is drawn is
                compared with the pictures without it. None is the noise that the model was trained with. The noise
                is the same in every evaluation.
            progress: show a bar with the time left.

        Returns:
            `{"loss": Metric, "mse": Metric, "psnr": Metric, "noise": float, "split": str, "skipped": [...]}`: binary
            cross-entropy and squared error a pixel, where white is 1, and the peak signal-to-noise ratio in dB, as
            means over pictures. With noise also "psnr_noisy", that of what the model was given, and "gain", the
            difference of the two.

        Raises:
            ZooError: the data cannot be found, or hold no usable picture.
        """
        noise = checked_noise(self.arguments.get("noise", 0.0) if noise is None else noise)
        dataset = self._resolve_dataset(data, lambda data: sources.find(data, classes=False))
        split = dataset.to_measure_on(split)
        skipped = [*dataset.skipped]
        pixels = self._to_measure(dataset, split, skipped)
        random = np.random.default_rng(0)
        measured = []
        with progress_bar(len(pixels), "evaluating", unit="picture", shown=progress) as bar:
            for clean in in_parts(pixels, self._at_a_time(CHUNK)):
                noisy = with_noise(clean, noise, random) if noise else None
                measured.append(distances(clean, self._logits(clean if noisy is None else noisy), noisy))
                bar.update(len(clean))
        sources.require_usable(measured, dataset, split, skipped)
        means = {key: metrics.mean(np.concatenate([part[key] for part in measured])) for key in measured[0]}
        return self._remember({**means, "noise": noise, "split": split}, skipped)

    def _format_result(self, result: dict) -> str:
        noisy = f", from pictures with noise of {result['noise']:g}" if result["noise"] else ""
        lines = [
            f"on the {result['split']} split{noisy}:",
            f"cross-entropy a pixel      {result['loss']}",
            f"squared error a pixel      {result['mse']}",
            f"signal to noise (PSNR), dB {result['psnr']}",
        ]
        if result["noise"]:
            lines.append(f"  of the noisy pictures    {result['psnr_noisy']}")
            lines.append(f"  gain                     {result['gain']}")
        return "\n".join(lines)

    def draw(self, pictures: Any, out: str | Path, noise: float = 0.0, overwrite: bool = False) -> list[dict]:
        """Draw pictures again and show them in one picture: rows of what was given and of what came out.

        Args:
            pictures: as for `reconstruct`.
            out: the file to write, PNG or any other format that Pillow knows by its ending; written whole or not at
                all.
            noise: as for `evaluate`; the noisy pictures are a row between the other two.
            overwrite: replace whatever file is there; without it, only a picture that the zoo drew.

        Returns:
            For each picture `{"path", "loss", "mse", "psnr"}`, with noise also "psnr_noisy" and "gain"; the path is
            None where no file was given.

        Raises:
            ZooError: a picture cannot be read, or `out` cannot be written.

        Example:
            >>> import numpy as np, zoo
            >>> net = zoo.get("autoencoder", input_shape=(8, 8, 1), filters=(4, 8))
            >>> shown = net.draw(np.zeros((3, 8, 8, 1), "uint8"), "grid.png", noise=0.2)
            >>> len(shown), Path("grid.png").is_file()
            (3, True)
        """
        noise = checked_noise(noise)
        pictures = sources.named_pictures(pictures, datasets=True)
        asked = pictures if isinstance(pictures, list | tuple) else [pictures]
        out = picture_output(out, [item for item in asked if images.path_of(item)], overwrite)
        if out.suffix.lower() not in Image.registered_extensions():
            raise UsageError(f"a drawing is written as a picture, such as {out.stem + '.png'!r}; got {str(out)!r}.")
        pixels, items, _ = self._pixels(pictures)
        noisy = with_noise(pixels, noise, np.random.default_rng(0)) if noise else None
        given = [pixels] if noisy is None else [pixels, noisy]
        logits = self._logits(given[-1])
        save_picture(grid([*given, in_pixels(logits)]), out)
        measured = distances(pixels, logits, noisy)
        return [
            {"path": images.path_of(picture), **{key: float(values[i]) for key, values in measured.items()}}
            for i, picture in enumerate(items)
        ]

    # Pixels to numbers

    def _logits(self, pixels: np.ndarray) -> np.ndarray:
        """The model's logits for pixels of shape (n, height, width, channels); float32, of the same shape."""
        return self._outputs(pixels)[0]

    def _pixels(self, pictures: Any) -> tuple[np.ndarray, list, bool]:
        """One picture or several as the model takes them, shape (n, height, width, channels).

        And what they were given as, and whether there may be several.
        """
        pictures = sources.named_pictures(pictures, datasets=True)
        several = isinstance(pictures, list | tuple) or (isinstance(pictures, np.ndarray) and pictures.ndim == 4)
        items = list(pictures) if several else [pictures]
        if not items:
            raise UsageError("no picture was given; give one, or a list of them.")
        pixels, _, skipped = sources.arrays(
            sources.Pictures(sources.as_paths(items), np.zeros(len(items), int), [""]), self.preprocessing
        )
        for item in skipped:
            raise ZooError(f"{item['path']} cannot be used: {item['reason']}")
        return pixels, items, several

    # The saved file

    def _sample_inputs(self, n: int) -> np.ndarray:
        return self.preprocessing.samples(n)

    def get_config(self) -> dict:
        return {**super().get_config(), "output": "logits; their sigmoid is the picture, from 0 to 1"}

    def _check_shapes(self, inputs: tuple, outputs: tuple) -> None:
        if not inputs == outputs == self.preprocessing.shape:
            raise RecordMismatchError(
                f"pictures of {self.preprocessing.shape}, but inputs of {inputs} and outputs of {outputs}"
            )


def pixel_crossentropy(pixels: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Binary cross-entropy a pixel: each is taken as the probability to be white.

    Args:
        pixels: 0-255, shape (n, height, width, channels); as they are, so that no rescaled copy of the data is kept.
        logits: of the same shape.
    """
    from zoo.backend import keras

    wanted = keras.ops.cast(pixels, logits.dtype) / 255
    return keras.losses.binary_crossentropy(wanted, logits, from_logits=True)


def distances(pixels: np.ndarray, logits: np.ndarray, noisy: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """How far drawn pictures are from the given ones, in several measures of shape (n,).

    Args:
        pixels: what should have been drawn, 0-255, shape (n, height, width, channels).
        logits: what was drawn, of the same shape.
        noisy: what the model was given instead of `pixels`, 0-255.

    Example:
        >>> found = distances(np.zeros((1, 2, 2, 1), "uint8"), np.zeros((1, 2, 2, 1)))
        >>> [f"{key} {value[0]:.3f}" for key, value in found.items()]
        ['loss 0.693', 'mse 0.250', 'psnr 6.021']
    """
    axes = (1, 2, 3)
    wanted, logits = pixels / 255, logits.astype(np.float64)
    squared = ((sigmoid(logits) - wanted) ** 2).mean(axes)
    distance = {"loss": (np.logaddexp(0, logits) - wanted * logits).mean(axes), "mse": squared, "psnr": psnr(squared)}
    if noisy is not None:
        distance["psnr_noisy"] = psnr(((noisy / 255 - wanted) ** 2).mean(axes))
        distance["gain"] = distance["psnr"] - distance["psnr_noisy"]
    return distance


def psnr(squared: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of mean squared errors where white is 1; 100 dB stands for no error at all."""
    return -10 * np.log10(np.maximum(squared, 1e-10))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * logits)  # the usual formula overflows


def in_pixels(logits: np.ndarray) -> np.ndarray:
    """The picture that logits mean, as uint8 pixels 0-255."""
    return np.rint(255 * sigmoid(logits)).astype(np.uint8)


def with_noise(pixels: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Pixels with normal noise laid over them, uint8 as a noisy file would hold them."""
    return np.rint((pixels + random.normal(0, 255 * noise, pixels.shape)).clip(0, 255)).astype(np.uint8)


def checked_noise(noise: Any) -> float:
    """The noise, or what is accepted."""
    number = isinstance(noise, int | float | np.number) and not isinstance(noise, bool)
    if not number or not 0 <= noise <= 10:
        raise UsageError(f"noise must be a number from 0 (none) to 10, where white is 1; got {noise!r}.")
    return float(noise)
