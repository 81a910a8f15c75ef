"""Near duplicates: pictures that are the same but for size, compression, brightness, contrast or colour.

Two pictures are alike when the differences between neighbouring cells of their grey copies point the same way, at
16 x 16 cells and at 32 x 32. Large differences are flattened, so that an outline that many pictures share (a frame,
the disc of a microscope) counts no more than what is inside it. Colours are not compared: a grey copy is a copy.

Among 1,746 photos (hymenoptera, flower_photos, 100 of ImageNet: 1.5 million pairs) the rule finds 13 pairs, and among
the 60,000 of CIFAR-10 (1.8 thousand million pairs) 54 groups; by eye, each is one photograph again. It finds
copies of those 1,746 that were halved, doubled, squeezed into a square, saved as JPEG of quality 30, darkened to 0.6,
made grey or given 1.3 times the contrast: all; at quality 10: 99.9 %; made 1.3 times as bright: 99.6 %; cut by 1 % at
each edge: 96 %. Mirrored, turned and further cropped copies are not found.
"""

from collections.abc import Callable

import numpy as np

ALIKE = 0.8  # cosine between two pictures' differences: copies reach 0.9, other photographs stay below 0.75
SOFT = 4  # grey levels (of 255) between neighbours from which a difference counts nearly in full
FLAT = 1  # grey levels below which a picture's differences are noise: it is like nothing
BLOCK = 1024  # pictures compared with as many others at a time


def groups(grey: np.ndarray, progress: Callable[[int], None] = lambda done: None) -> list[list[int]]:
    """Groups of pictures that are alike; in a group each is like one other, not always like all.

    Args:
        grey: uint8 array (n, 32, 32), whole pictures in grey whatever their shape (`zoo.data.images.inspect`).
        progress: called with the number of pictures that were compared with all others since the last call.

    Returns:
        Lists of two indices or more, ascending.

    Example:
        >>> noise = np.random.default_rng(0).integers(0, 200, (3, 32, 32), "uint8")
        >>> groups(np.concatenate([noise, noise[1:2] + 50]))
        [[1, 3]]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(grey)
    coarse = differences(grey.reshape(count, 16, 2, 16, 2).mean((2, 4))) if count else np.empty((0, 480))
    group = np.arange(count)
    for start in range(0, count, BLOCK):
        rows = np.arange(start, min(start + BLOCK, count))
        for columns in (np.arange(begin, min(begin + BLOCK, count)) for begin in range(start, count, BLOCK)):
            first, second = np.nonzero(coarse[rows] @ coarse[columns].T >= ALIKE)
            apart = group[rows[first]] != group[columns[second]]  # a picture and itself are not
            first, second = rows[first[apart]], columns[second[apart]]
            if not len(first):
                continue
            (left, i), (right, j) = (np.unique(ends, return_inverse=True) for ends in (first, second))
            same = (differences(grey[left]) @ differences(grey[right]).T >= ALIKE)[i, j]
            ends = group[first[same]], group[second[same]]
            links = coo_array((np.ones(len(ends[0]), bool), ends), shape=(count, count))
            group = connected_components(links, directed=False)[1][group]
        progress(len(rows))
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    return sorted(part.tolist() for part in parts if len(part) > 1)


def differences(grey: np.ndarray) -> np.ndarray:
    """Flattened differences between neighbouring cells, float32 rows of length 1; zeros for a flat picture.

    Args:
        grey: array (n, height, width) of grey levels 0 to 255.
    """
    grey = np.asarray(grey, np.float32)
    parts = [np.diff(grey, axis=axis) for axis in (1, 2)]
    # an even slope, as of light falling in from a side, is no feature
    parts = [(part - part.mean((1, 2), keepdims=True)).reshape(len(grey), -1) for part in parts]
    rows = np.concatenate(parts, axis=1)
    flat = np.sqrt((rows**2).mean(1)) < FLAT
    rows /= np.abs(rows) + SOFT
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    rows[flat] = 0
    return rows
