"""Random splits of the pictures of a dataset, all of its published parts taken together."""

import csv
import os
from pathlib import Path

import numpy as np


class Pool:
    """All pictures of a dataset folder that holds train/ and val/, in one order on every machine.

    Attributes:
        paths: the pictures.
        labels: the class of each.
        held_out: how many pictures the published split holds out.
    """

    def __init__(self, dataset: str):
        folders = [Path(folder) / dataset for folder in os.environ.get("ZOO_DATA", "").split(os.pathsep) if folder]
        root = next((folder.resolve() for folder in folders if (folder / "val").is_dir()), None)
        if root is None:
            raise SystemExit(f"Set ZOO_DATA to a folder that holds {dataset}/train and {dataset}/val.")
        self.paths = sorted(root.glob("*/*/*.jpg"), key=lambda path: path.relative_to(root).as_posix())
        self.labels = [path.parent.name for path in self.paths]
        self.held_out = sum(path.parent.parent.name == "val" for path in self.paths)

    def split(self, seed: int) -> np.ndarray:
        """Which pictures are held out: as many as in the published split, the same share of every class."""
        labels = np.array(self.labels)
        names, counts = np.unique(labels, return_counts=True)
        exact = counts * self.held_out / len(labels)
        takes = exact.astype(int)
        takes[np.argsort(takes - exact, kind="stable")[: self.held_out - takes.sum()]] += 1  # the largest remainders
        rng = np.random.default_rng(seed)
        held_out = np.zeros(len(labels), bool)
        for name, take in zip(names, takes, strict=True):
            held_out[rng.permutation(np.flatnonzero(labels == name))[:take]] = True
        return held_out

    def write(self, held_out: np.ndarray, file: Path) -> None:
        """The split as a table of path, label and split."""
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["path", "label", "split"])
            for path, label, held in zip(self.paths, self.labels, held_out, strict=True):
                writer.writerow([path, label, "val" if held else "train"])
