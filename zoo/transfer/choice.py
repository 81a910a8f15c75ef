"""The choice of a backbone, by cross-validation on the training pictures alone."""

import time
from pathlib import Path

import numpy as np

from zoo import catalog
from zoo.console import note
from zoo.data import sources
from zoo.errors import UsageError, ZooError
from zoo.targets import CLASSES, Target
from zoo.transfer.features import Backbone, FeatureEngine, averaged, extract
from zoo.transfer.head import solve
from zoo.weights.load import at_hand

AUTO = "auto"
VIEWS = 4  # that "auto" compares with one


def backbones(name: str, weights_file: str | Path | None = None) -> list[Backbone]:
    """The backbone of a name, or for "auto" all whose weights are on this machine.

    Args:
        name: a backbone's name, or "auto".
        weights_file: the file with its weights, see `Backbone`.

    Raises:
        UsageError: no such backbone; or a file, and no one backbone that it is of.
        ZooError: for "auto", there is none; or the file is another one.
    """
    if name != AUTO:
        return [Backbone(name, weights_file)]
    if weights_file is not None:
        raise UsageError("a file of weights belongs to one backbone: name it, in the place of 'auto'.")
    cards = catalog.cards().values()
    here = [Backbone(card.name) for card in cards if card.published and at_hand(card.published)]
    if not here:
        raise ZooError(
            "the weights of no backbone are on this machine. `zoo list --task backbone` shows where they come from."
        )
    return here


def choose(
    candidates: list[Backbone], pictures: sources.Pictures, num_classes: int, precision: str | None, seed: int
) -> tuple[Backbone, dict[str, dict[str, float]]]:
    """The backbone on whose features a head predicts best what it has not seen.

    Args:
        candidates: the backbones.
        pictures: to train on, with their answers.
        num_classes: how many outputs a head has.
        precision: what features are computed in; see `FeatureEngine`.
        seed: decides the folds, the same for each.

    Returns:
        The best one, and for each the cross-validated loss of its best head, see `Head`, and the seconds that it
        took, features that were not cached included.
    """
    results: dict[str, dict[str, float]] = {}
    for backbone in candidates:
        start = time.perf_counter()
        features = extract(pictures, FeatureEngine(backbone, precision), title=backbone.name)
        y = pictures.y[features.kept]
        weights = None if pictures.weights is None else pictures.weights[features.kept]
        head = solve(features.x, y, num_classes, seed, target=pictures.target, weights=weights)
        seconds = round(time.perf_counter() - start, 2)
        results[backbone.name] = {"loss": min(head.losses.values()), "seconds": seconds}
    best = min(candidates, key=lambda backbone: results[backbone.name]["loss"])
    listed = ", ".join(f"{name} {each['loss']:.3f} in {each['seconds']:.1f} s" for name, each in results.items())
    note(f"Chose {best.name}. Cross-validated loss on the training pictures: {listed}.")
    return best, results


def choose_views(
    x: np.ndarray,
    y: np.ndarray,
    num_classes: int,
    seed: int,
    target: Target = CLASSES,
    weights: np.ndarray | None = None,
) -> tuple[int, dict[int, float]]:
    """Whether a head on the mean of several views predicts better what it has not seen than one on the plain view.

    Args:
        x: features, shape (pictures, views, d).
        y: answers as `target` has them, a row for each picture.
        num_classes: how many outputs there are, one for each class.
        seed: decides the folds, the same for both.
        target: what kind of target y is of.
        weights: how much each picture counts, shape (pictures,); None where all count alike.

    Returns:
        How many views to average, one or all, and for each the cross-validated loss, see `Head`.
    """
    losses = {
        views: min(solve(averaged(x[:, :views]), y, num_classes, seed, None, target, weights).losses.values())
        for views in (1, x.shape[1])
    }
    return min(losses, key=losses.__getitem__), losses
