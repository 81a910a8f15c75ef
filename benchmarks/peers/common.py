"""What the peers' scripts share: how a split comes in, how a result goes out, and how timm is imported."""

import csv
import json
import sys

PIXELS = {"mean": (127 / 255,) * 3, "std": (128 / 255,) * 3}  # these weights were trained on (pixel - 127) / 128


def read_split(path: str) -> tuple[list[str], list[int], list[str], list[int], list[str]]:
    """Training paths and class numbers, held-out paths and class numbers, and the classes' names."""
    with open(path, newline="", encoding="utf-8") as file:  # noqa: PTH123
        rows = list(csv.DictReader(file))
    names = sorted({row["label"] for row in rows})
    parts = []
    for split in ("train", "val"):
        chosen = [row for row in rows if row["split"] == split]
        parts += [[row["path"] for row in chosen], [names.index(row["label"]) for row in chosen]]
    return *parts, names


def report(predicted, truth: list[int]) -> None:
    """Print the result on the last line: which held-out pictures are recognised, in the order of the split's rows."""
    right = [int(said) == label for said, label in zip(predicted, truth, strict=True)]
    print(json.dumps({"accuracy": sum(right) / len(right), "n": len(right), "right": right}), flush=True)


def import_timm():
    """timm, also where torchvision's compiled part does not fit the installed torch.

    timm takes its transforms from torchvision; they are Python and Pillow. But torchvision stops its import when
    the operators of its compiled part are absent, and PyPI's wheel, compiled for CUDA, cannot load beside a torch
    for CPUs. Those operators are for detectors: to declare their names is enough. Where torchvision was installed
    from torch's own index for CPUs it imports, and nothing is declared.
    """
    from torch import library

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        global DECLARED  # what is declared goes when this object goes
        DECLARED = library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            DECLARED.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import timm
    import timm.data
    import timm.optim

    return timm
