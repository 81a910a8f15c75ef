"""Where in a photo a model looks: Grad-CAM, or the gradient at the pixels where a net has no convolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from zoo.visualization import charts, notebook
from zoo.visualization.grid import picture_output
from zoo.visualization.pages import photo, text

if TYPE_CHECKING:
    from zoo.inference import Engine

SIDE = 640  # pixels of a photo's longer side, as it is shown
GRAD_CAM, GRADIENTS = "grad-cam", "gradients"


@dataclass(frozen=True)
class Explanation:
    """Where in a photo the evidence for a label lies, or what raises a number.

    Attributes:
        label: the class or label that is explained, or what the number is called.
        probability: what the model gives the label; None of a number.
        predicted: the most probable class or label; of a number, the estimate.
        method: "grad-cam" where the last convolution's maps go into one row of numbers; "gradients" where the net has
            no convolution.
        heat: how much each place speaks for the label or raises the number, 0 to 1, shape (height, width): of the
            maps by Grad-CAM, of the pixels by gradients. All 0 where no place does.
        box: what the model saw of the photo: left, top, right, bottom, as shares of its width and height.
        photo: the whole photo, upright, uint8 of shape (height, width, 3), its longer side at most 640 pixels.
        path: its file, or None for arrays.
    """

    label: str
    probability: float | None
    predicted: str | float
    method: str
    heat: np.ndarray = field(repr=False)
    box: tuple[float, float, float, float]
    photo: np.ndarray = field(repr=False)
    path: str | None = None

    @property
    def answer(self) -> str:
        """What the model says of the label or the number, in a few words."""
        if self.probability is None:
            return f"{self.label} {self.predicted:.4g}"
        return f"{self.label} {self.probability:.1%}"

    @property
    def lacking(self) -> str:
        """What is said where no place is hot."""
        return "no place raises it" if self.probability is None else "no place speaks for it"

    @property
    def hottest(self) -> tuple[float, float] | None:
        """Where in the photo the heat is greatest: shares of its width and height; None where nothing does."""
        if not self.heat.any():
            return None
        y, x = np.unravel_index(self.heat.argmax(), self.heat.shape)
        left, top, right, bottom = self.box
        height, width = self.heat.shape
        return left + (right - left) * (int(x) + 0.5) / width, top + (bottom - top) * (int(y) + 0.5) / height

    def overlay(self) -> Image.Image:
        """The photo in grey with the heat over it, from yellow to red; what the model did not see is dark."""
        height, width = self.photo.shape[:2]
        left, right = (round(side * width) for side in self.box[::2])
        top, bottom = (round(side * height) for side in self.box[1::2])
        size = max(1, right - left), max(1, bottom - top)
        heat = np.array(Image.fromarray(self.heat.astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
        heat = heat.clip(0, 1)[..., None]
        grey = np.asarray(Image.fromarray(self.photo).convert("L"), np.float32)[..., None]
        shown = np.repeat(0.35 * grey, 3, axis=2)
        seen = 0.25 * self.photo + 0.75 * grey
        colour = np.concatenate([np.full_like(heat, 255), 230 * (1 - heat), np.zeros_like(heat)], axis=2)
        area = np.s_[top : top + size[1], left : left + size[0]]
        shown[area] = seen[area] + (colour - seen[area]) * 0.75 * heat
        return Image.fromarray(shown.round().astype(np.uint8))

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Draw the photo and, beside it, the photo with the heat, as a PNG file, written whole or not at all.

        Args:
            path: the file.
            overwrite: replace whatever file is there; without it, only a picture that the zoo drew.
        """
        save_explanations([self], path, overwrite)

    def _repr_html_(self) -> str:
        photos = (self.photo, np.asarray(self.overlay()))
        both = "".join(photo(pixels, "photo", enlarges=False) for pixels in photos)
        lacking = "" if self.heat.any() else f": {self.lacking}"
        words = f"<figcaption>{text(self.answer + lacking)}, by {text(self.method)}</figcaption>"
        return notebook.shown(f"<figure class=pair style=max-width:36rem>{both}{words}</figure>")

    def to_json(self) -> dict:
        facts = {key: value for key, value in vars(self).items() if key not in ("heat", "photo")}
        return {**facts, "hottest": self.hottest}


def save_explanations(explanations: list[Explanation], path: str | Path, overwrite: bool = False) -> None:
    """Draw several explanations below each other as one PNG file; `overwrite` as for `Explanation.save`."""
    place = picture_output(path, [item.path for item in explanations if item.path], overwrite)
    charts.heat_maps([(item.photo, np.asarray(item.overlay()), titles(item)) for item in explanations], place)


def titles(explanation: Explanation) -> tuple[str, str]:
    """What stands above a photo, and above the heat on it."""
    name = Path(explanation.path).name if explanation.path else "photo"
    answer = explanation.answer
    return name, answer if explanation.heat.any() else f"{answer}: {explanation.lacking}"


def heat_of(
    engine: Engine | None, parts_of_model: Callable[[], tuple], pixels: np.ndarray, unit: int, sign: int
) -> tuple[np.ndarray, str]:
    """How much each place raises an output, and by which method; see `Explanation`.

    Grad-CAM (Selvaraju et al., 2017, arXiv:1610.02391) weighs the last maps by the mean gradient of the class' logit,
    and keeps what is above 0. Where the head is linear on the maps' means, that gradient is the head's weights over
    the number of places, so no gradient need be computed. Without a convolution it is each pixel's gradient times the
    pixel, summed over the colours: of a linear net, exactly what the pixel adds to the logit.

    Args:
        engine: what answers for the model; None leaves it to Keras.
        parts_of_model: gives the Keras model as `backend.at_last_maps` cuts it, where that is needed.
        pixels: shape (height, width, channels).
        unit: which output, before the head's activation.
        sign: 1, or -1 for what lowers it.
    """
    inputs = pixels[None].astype(np.float32)
    if (pooled := getattr(engine, "pooled", None)) and (parts := pooled(inputs)):
        _, maps, kernel = parts
        return _scaled(sign * maps[0] @ kernel[:, unit]), GRAD_CAM
    if slopes := getattr(engine, "slopes", None):
        return _scaled(sign * (inputs * slopes(inputs, unit))[0].sum(axis=-1)), GRADIENTS
    from zoo import backend

    front, behind = parts_of_model()
    if front is None:
        return _scaled(sign * (inputs * backend.slopes(behind, inputs, unit))[0].sum(axis=-1)), GRADIENTS
    maps = backend.ops.convert_to_numpy(front(inputs, training=False))
    weights = backend.slopes(behind, maps, unit)[0].mean(axis=(0, 1))
    return _scaled(sign * maps[0] @ weights), GRAD_CAM


def _scaled(heat: np.ndarray) -> np.ndarray:
    """What is above 0, as a share of the most."""
    heat = np.maximum(heat, 0).astype(np.float64)
    return heat / (heat.max() or 1.0)
