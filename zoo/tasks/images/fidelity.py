"""How like real pictures drawn ones are: distances between their features, classes, and nearest neighbours.

The features are those of a classifier that the zoo carries, so that a number can be compared with any other that the
same version of zoo gave for pictures of the same kind, and with nothing else: it is no "FID", whose features are those
of Inception, trained on ImageNet.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import eigh

from zoo import catalog, metrics
from zoo.console import progress_bar
from zoo.data import sources
from zoo.data.images.streams import Repeatable, in_parts
from zoo.errors import ZooError, printable
from zoo.tasks import factory

FEWEST = 100  # pictures of either kind
LOOKED_AT = 1000  # pictures whose nearest learned one is looked for
RESAMPLED = 20  # times, for an interval
BLOCK = 500  # pictures at a time
NUMBERS = 2**24  # of pictures, the same where these are large; 1,000 pictures of 64 by 64 in colour are fewer
BLOCKS = 10  # of which a mean with an interval is taken, at the least
GREY, COLOUR = ("cnn", "fashion_mnist"), ("efficientnet_lite0", "imagenet")  # who judges: a model and its weights


class Many(Protocol):
    """Pixels 0-255 of pictures, to go through more than once: a uint8 array, or what need not have all in memory.

    Attributes:
        shape: (n, height, width, channels).
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


@dataclass
class Judge:
    """A trained classifier that sees what pictures have in common.

    Args:
        channels: of the pictures, 1 or 3.
    """

    channels: int

    def __post_init__(self):
        name, weights = GREY if self.channels == 1 else COLOUR
        self.model = factory.from_register(name, weights=weights)
        sha256 = catalog.card(name).weights[weights].sha256
        self.name, self.data = f"{name} {weights} {sha256[:12]}", weights

    def look(self, pictures: Many, update: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:
        """Features of shape (n, features), float64, and the number of the likeliest class, of pictures of any size."""
        rule, features, classes = self.model.preprocessing, [], []
        for part in in_parts(pictures, at_a_time(256, pictures.shape[1:])):
            if part.shape[1:] != rule.shape:
                items = sources.Pictures(list(part), np.zeros(len(part), int), [""])
                part, _, _ = sources.arrays(items, rule)
            logits, seen = self.model.engine(part)
            features.append(seen.astype(np.float64))
            classes.append(logits.argmax(-1))
            update(len(part))
        return np.concatenate(features), np.concatenate(classes)


def at_a_time(most: int, shape: tuple[int, ...]) -> int:
    """How many pictures of that shape are worked on at a time: `most` of them, but of large ones fewer.

    Example:
        >>> at_a_time(256, (28, 28, 1)), at_a_time(256, (2048, 2048, 3))
        (256, 1)
    """
    return max(1, min(most, NUMBERS // math.prod(shape)))


def compare(
    real: np.ndarray | Repeatable,
    drawn: Many,
    learned: np.ndarray | Repeatable | None = None,
    data: str = "",
    seed: int = 0,
    progress: bool = True,
) -> dict:
    """Compare drawn pictures with real ones.

    Args:
        real: pixels 0-255 that were not learned from, shape (n, height, width, channels).
        drawn: pixels 0-255, shape (m, height, width, channels).
        learned: pixels 0-255 that were learned from; None where `real` are all there are.
        data: name of the dataset; classes are counted where it is the one that the judge knows.
        seed: of what is drawn by lot for the intervals.
        progress: show a bar with the time left.

    Returns:
        `"frechet"`: the Fréchet distance between normal distributions fitted to both kinds of features; its interval
        is that of resampling. `"kid"`: the kernel distance of Bińkowski et al. (2018), arXiv:1801.01401, a mean over
        blocks, whose expectation does not depend on how many pictures there are. `"floor"`: the Fréchet distance
        between real pictures and as many learned ones, or between two halves. `"nearest"`: how far, in pixels, drawn
        pictures are from the nearest learned one, as a share of how far real ones are; near 0 they are copies.
        `"classes"`: the share of each class among the drawn, and `"least"`, the smallest. `"judge"`, `"n"`, `"real"`:
        whose features these are, and how many pictures there were.

    Raises:
        ZooError: there are too few pictures.
    """
    check_enough(real, drawn)
    random, judge = np.random.default_rng(seed), Judge(real.shape[-1])
    real = real[random.permutation(len(real))[: len(drawn)]]
    others = None if learned is None else learned[random.permutation(len(learned))[: len(real)]]
    total = len(real) + len(drawn) + (0 if others is None else len(others))
    with progress_bar(total, "comparing", unit="picture", shown=progress) as bar:
        of_drawn, classes = judge.look(drawn, bar.update)
        of_real, _ = judge.look(real, bar.update)
        of_others = None if others is None else judge.look(others, bar.update)[0]
    check_enough(of_real, of_drawn)  # what cannot be decoded is known now
    half = len(of_real) // 2
    result = {
        "frechet": frechet_with_interval(of_real, of_drawn, random),
        "kid": kernel_distance(of_real, of_drawn, random),
        "floor": frechet(of_real, of_others) if of_others is not None else frechet(of_real[:half], of_real[half:]),
    }
    if learned is not None:
        size = at_a_time(LOOKED_AT, real.shape[1:])
        first = (next(in_parts(pictures, size)) for pictures in (drawn, real))
        drawn_far, real_far = (np.median(nearest(pictures, learned)) for pictures in first)
        result["nearest"] = float(drawn_far / real_far)
    if data == judge.data:
        shares = np.bincount(classes, minlength=len(judge.model.labels)) / len(classes)
        result["classes"] = dict(zip(judge.model.labels, shares.round(4).tolist(), strict=True))
        result["least"] = float(shares.min())
    return {**result, "judge": judge.name, "n": len(of_drawn), "real": len(of_real)}


def check_enough(real: Many, drawn: Many) -> None:
    """Refuse too few pictures, or features of them."""
    for what, pictures in (("real", real), ("drawn", drawn)):
        if len(pictures) < FEWEST:
            raise ZooError(f"{len(pictures)} {what} pictures are too few to compare; {FEWEST} are the least.")


def format_comparison(result: dict) -> str:
    """What `compare` returned, for people."""
    lines = [
        f"Fréchet distance of features   {result['frechet']}",
        f"  of real pictures to others   {result['floor']:.4g}",
        f"kernel distance (KID)          {result['kid']}",
    ]
    if "nearest" in result:
        lines.append(f"distance to a learned picture  {result['nearest']:.2f} times a real one's")
    if "classes" in result:
        shares = ", ".join(f"{printable(name)} {share:.1%}" for name, share in result["classes"].items())
        lines.append(f"classes, as the judge sees     {shares}")
    return "\n".join([*lines, f"features of                    {result['judge']}"])


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """The Fréchet distance between normal distributions fitted to two sets of features, shape (n, features) each.

    Dowson & Landau (1982), doi:10.1016/0047-259X(82)90077-X, squared as Heusel et al. (2017), arXiv:1706.08500,
    have it.

    Example:
        >>> a = np.array([[0.0], [2.0]])
        >>> frechet(a, a + 3)
        9.0
    """
    means, spreads = [part.mean(0) for part in (a, b)], [np.atleast_2d(np.cov(part.T)) for part in (a, b)]
    # tr (S T)^1/2 is the sum of the roots of the eigenvalues of S^1/2 T S^1/2, which is symmetric
    values, vectors = eigh(spreads[0])
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(eigh(root @ spreads[1] @ root, eigvals_only=True).clip(0)).sum()
    distance = ((means[0] - means[1]) ** 2).sum() + np.trace(spreads[0]) + np.trace(spreads[1]) - 2 * shared
    return float(max(distance, 0.0))


def frechet_with_interval(a: np.ndarray, b: np.ndarray, random: np.random.Generator) -> metrics.Mean:
    """The same, with an interval by the spread of what resampled features give."""
    distance = frechet(a, b)
    again = [frechet(*(part[random.integers(len(part), size=len(part))] for part in (a, b))) for _ in range(RESAMPLED)]
    half = 1.96 * float(np.std(again, ddof=1))
    return metrics.Mean(distance, (max(distance - half, 0.0), distance + half), len(b))


def kernel_distance(a: np.ndarray, b: np.ndarray, random: np.random.Generator) -> metrics.Mean:
    """The squared maximum mean discrepancy by the cubic kernel, without bias: a mean over blocks, and its interval.

    Args:
        a, b: features, shape (n, features) each.
        random: decides which features make a block.
    """
    fewer = min(len(a), len(b))
    size = min(BLOCK, max(2, fewer // BLOCKS))
    orders = [random.permutation(len(part)) for part in (a, b)]
    squared = []
    for start in range(0, fewer - size + 1, size):
        x, y = (part[order[start : start + size]] for part, order in zip((a, b), orders, strict=True))
        within = [(kernel.sum() - np.trace(kernel)) / (size * (size - 1)) for kernel in (cubic(x, x), cubic(y, y))]
        squared.append(sum(within) - 2 * cubic(x, y).mean())
    return metrics.mean(np.array(squared))


def cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def nearest(a: np.ndarray, b: Many) -> np.ndarray:
    """How far each of `a` is from the nearest of `b`, as the root of the sum of squares; shape (len(a),)."""
    a = a.reshape(len(a), -1).astype(np.float32)
    least = np.full(len(a), np.inf, np.float32)
    for block in in_parts(b, at_a_time(BLOCK, b.shape[1:])):
        part = block.reshape(-1, a.shape[1]).astype(np.float32)
        squares = (a**2).sum(1)[:, None] + (part**2).sum(1) - 2 * a @ part.T
        least = np.minimum(least, squares.min(1))
    return np.sqrt(least.clip(0))
