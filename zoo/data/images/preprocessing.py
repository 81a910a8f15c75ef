"""How an example becomes the model's input: one rule, which training, prediction and export share."""

import math
import random
from dataclasses import dataclass

import numpy as np

from zoo.errors import UsageError, ZooError

VIEW_AREA = 0.5  # an augmented view covers at least this share of the rule's box,
VIEW_ASPECT = 4 / 3  # and its sides change their ratio by at most this factor
SMALLEST_SIDE = math.sqrt(VIEW_AREA / VIEW_ASPECT)  # so no side of a view is shorter than this share


@dataclass(frozen=True)
class Preprocessing:
    """The resize-and-crop rule: upright by EXIF, centred box of the target's shape, bicubic with antialias.

    Attributes:
        size: (height, width) of the result in pixels.
        crop: side of the box as a share of the largest box that fits, above 0 and up to 1.
        channels: 3 for RGB, 1 for grey.

    Raises:
        UsageError: a value is outside what is accepted.

    Example:
        >>> Preprocessing((224, 224), crop=0.875).to_json()["size"]
        [224, 224]
    """

    size: tuple[int, int]
    crop: float = 1.0
    channels: int = 3

    def __post_init__(self):
        try:
            height, width = (int(side) for side in self.size)
            sound = min(height, width) >= 1 and max(height, width) <= 8192
            sound = sound and 0 < self.crop <= 1 and self.channels in (1, 3)
        except (TypeError, ValueError, OverflowError):  # infinity is no size either
            sound = False
        if not sound:
            raise UsageError(
                f"preprocessing with size {self.size!r}, crop {self.crop!r}, channels {self.channels!r}; "
                "accepted are size (height, width) from 1 to 8192, crop above 0 and up to 1, channels 1 or 3."
            )
        object.__setattr__(self, "size", (height, width))  # lists, as JSON has them, become comparable tuples

    dtype = np.dtype(np.uint8)  # of what the rule gives

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of what the rule gives: (height, width, channels)."""
        return (*self.size, self.channels)

    def to_json(self) -> dict:
        return {
            "rule": "center_crop",
            "interpolation": "bicubic",
            "size": list(self.size),
            "crop": self.crop,
            "channels": self.channels,
        }

    @classmethod
    def from_json(cls, facts: dict) -> "Preprocessing":
        is_ours = (facts.get("rule"), facts.get("interpolation")) == ("center_crop", "bicubic")
        if not is_ours or "size" not in facts:
            raise ZooError(
                f"preprocessing {facts!r} is not known here; accepted are rule 'center_crop' with "
                "interpolation 'bicubic' and a size. Perhaps a newer zoo wrote it: pip install -U keras-zoo"
            )
        return cls(facts["size"], facts.get("crop", 1.0), facts.get("channels", 3))

    def samples(self, n: int) -> np.ndarray:
        """`n` inputs, always the same: smooth coloured waves, like pictures in range, nobody's photograph."""
        height, width, channels = self.shape
        i, y, x, c = np.ogrid[0:n, 0:height, 0:width, 0:channels]
        phase = 6.283 * ((1 + i) * x / width + y / height + c / 3 + i / n)
        return (np.round(7.5 + 7.5 * np.sin(phase)) * 17).astype(np.uint8)  # 16 grey levels compress well

    def box(self, width: float, height: float, draw: random.Random | None = None) -> tuple[float, ...]:
        """(left, top, right, bottom) in a picture of `width` x `height`; with `draw`, a random part of it."""
        target_height, target_width = self.size
        scale = min(width / target_width, height / target_height) * self.crop
        box_width, box_height = target_width * scale, target_height * scale
        left, top = (width - box_width) / 2, (height - box_height) / 2
        if draw is not None:
            area = draw.uniform(VIEW_AREA, 1)
            # the ratio is limited by the area as well, so that neither side leaves the box
            ratio = min(VIEW_ASPECT, 1 / area) ** draw.uniform(-1, 1)
            part_width = box_width * math.sqrt(area * ratio)
            part_height = box_height * math.sqrt(area / ratio)
            left += draw.random() * (box_width - part_width)
            top += draw.random() * (box_height - part_height)
            box_width, box_height = part_width, part_height
        return max(0, left), max(0, top), min(width, left + box_width), min(height, top + box_height)


@dataclass(frozen=True)
class Points:
    """The rule for examples that are rows of numbers and no pictures: they are taken as they are.

    Attributes:
        length: how many numbers make an example.

    Example:
        >>> Points(2).to_json()
        {'rule': 'as_it_is', 'length': 2}
    """

    length: int
    dtype = np.dtype(np.float32)  # of what the rule gives

    def __post_init__(self):
        if not isinstance(self.length, int) or not 1 <= self.length <= 10**7:
            raise UsageError(f"an example of {self.length!r} numbers; accepted are 1 to ten million.")

    @property
    def shape(self) -> tuple[int]:
        """Shape of what the rule gives: (length,)."""
        return (self.length,)

    def to_json(self) -> dict:
        return {"rule": "as_it_is", "length": self.length}

    def samples(self, n: int) -> np.ndarray:
        """`n` inputs, always the same."""
        phase = np.arange(n * self.length).reshape(n, -1)
        return np.round(2 * np.sin(phase), 2).astype(np.float32)


Rule = Preprocessing | Points


def rule_of(input_shape, **facts) -> Rule:
    """The rule for a model with inputs of a shape: (height, width, channels) of a picture, or (length,) of a point.

    Args:
        input_shape: without the batch axis.
        **facts: further attributes of `Preprocessing`.

    Raises:
        UsageError: inputs of that shape are neither.

    Example:
        >>> rule_of((28, 28, 1)).shape, rule_of([2]).shape
        ((28, 28, 1), (2,))
    """
    try:
        shape = tuple(input_shape)
    except TypeError:
        shape = ()
    if len(shape) == 3:
        return Preprocessing(shape[:2], channels=shape[2], **facts)
    if len(shape) == 1:
        return Points(shape[0])
    raise UsageError(
        f"input_shape must be (height, width, channels) for pictures or (length,) for points, got {input_shape!r}."
    )


def rule_from_json(facts: dict) -> Rule:
    """The rule that `to_json` described."""
    return Points(facts["length"]) if facts.get("rule") == "as_it_is" else Preprocessing.from_json(facts)
