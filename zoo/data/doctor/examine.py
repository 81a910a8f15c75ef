"""The doctor: looks at every picture whole, once, and says what would harm a classifier of them; changes nothing."""

import collections
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zoo.console import progress_bar
from zoo.data import images, sources
from zoo.data.dataset import Dataset, Skipped
from zoo.data.doctor import near_duplicates
from zoo.data.doctor.findings import KINDS, Finding, Report
from zoo.data.images import EXTENSIONS, ImageError, Look, inspection
from zoo.data.images.pictures import Pictures
from zoo.data.images.skip_list import SkipList
from zoo.data.images.streams import in_order
from zoo.errors import ZooError
from zoo.targets import CLASSES, Target

SPLITS = ("train", "validation", "test")  # copies of a picture are left out of all but the last that has it
ORDINARY = ("RGB", "L", "RGBA", "LA")
FLAT = 8  # grey levels of 255 that a picture of one colour spans at most
FEW, MANY_TIMES, LONG = 10, 10, 4  # pictures of a tiny class; largest to smallest class; longer to shorter side


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture that was looked at: where it stands, its digest, and its `Look`, or why there is none."""

    split: str
    label: str
    item: object
    name: str
    digest: str
    look: Look | ImageError


def examine(data, validation=None, skip_list=None, progress: bool = True, target: Target = CLASSES) -> Report:
    """Look at every picture whole, and say what would harm a classifier of them.

    Args:
        data: a folder, CSV file, dataset's name, arrays: whatever `zoo.finetune` takes.
        validation: more of them, held out to measure on, where `data` has no validation split of its own.
        skip_list: a CSV file of pictures to leave out.
        progress: whether to show a bar.
        target: what the pictures' answers are; how many there are of each is looked at for classes alone.

    Raises:
        ZooError: there is nothing of that name, or it is laid out in no way that is understood.

    Example:
        >>> noise = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), "uint8")
        >>> report = examine((noise[[0, 1, 1, 2, 3]], ["cat", "cat", "dog", "dog", "dog"]), progress=False)
        >>> [(finding.kind, finding.paths) for finding in report.findings if finding.severity == "error"]
        [('across classes', ('train picture 1', 'train picture 2'))]
    """
    skip = None if skip_list is None else SkipList(skip_list)
    dataset = sources.find(data, skip, strict=False, target=target)
    if validation is not None:
        other = sources.find(validation, skip, strict=False, target=target)
        if "validation" in dataset.splits or len(other.splits) > 1:
            name = dataset.name if "validation" in dataset.splits else other.name
            raise ZooError(f"{name} is split already, and validation was given too. Give two sets that are not split.")
        splits = {**dataset.splits, "validation": other.splits["train"]}
        dataset = replace(dataset, splits=splits, skipped=dataset.skipped + other.skipped)
    if skip:
        skip.note_unused()
    seen = _look_at_all(dataset, progress)
    good = [one for one in seen if isinstance(one.look, Look)]
    names = {
        split: dataset.splits[split].labels if target is CLASSES else () for split in SPLITS if split in dataset.splits
    }
    classes: dict[str, dict[str, int]] = {
        split: collections.Counter(dict.fromkeys(names[split], 0)) for split in names
    }
    for one in good:
        classes[one.split][one.label] += 1
    findings = [_left_out(item) for item in dataset.skipped]
    findings += [finding for one in seen for finding in _of_one(one)]
    findings += [*(_of_classes(classes) if target is CLASSES else ()), *_copies(good, progress)]
    order = {kind: number for number, kind in enumerate(KINDS)}
    looks = [one.look for one in good if isinstance(one.look, Look)]
    findings.sort(key=lambda finding: order[finding.kind])
    return Report(dataset.name, len(seen), classes, findings, [look.size for look in looks])


def _look_at_all(dataset: Dataset[Pictures], progress: bool) -> list[Seen]:
    answers = {split: part.target.texts(part.y, part.labels) for split, part in dataset.splits.items()}
    places = [(split, index) for split in SPLITS for index in range(len(dataset.splits.get(split, ())))]

    def look(number) -> Seen:
        split, index = places[number]
        pictures = dataset.splits[split]
        item, label = pictures.items[index], answers[split][index]
        name = str(item) if isinstance(item, Path) else f"{split} {pictures.name(index)}"
        try:
            data = images.read(item)
            pictures.digests[index] = images.digest(data)
            return Seen(split, label, item, name, pictures.digests[index], images.inspect(data))
        except ImageError as error:
            return Seen(split, label, item, name, "", error)

    seen = []
    with progress_bar(len(places), "looking", unit="picture", shown=progress) as bar:
        for one in in_order(look, len(places), ahead=64):
            seen.append(one)
            bar.update()
    return seen


def _left_out(item: Skipped) -> Finding:
    """What is said of a file or folder that was not even looked at."""
    path, reason = Path(item.path), item.reason
    kind: str = item.kind
    picture = path.suffix.lower() in EXTENSIONS
    if kind == "outside class folders" and not picture and path.is_file():
        kind = "foreign"
    if kind == "foreign" and (format := images.kind_of(path)):
        kind, reason = "misnamed", f"begins like a {format} picture: call it {images.extensions_of(format)[0]}"
    return Finding(kind, reason, (str(path),), (path,) if KINDS[kind][0] == "error" else ())


def _of_one(one: Seen) -> Iterable[Finding]:
    """What a picture shows by itself."""
    look, paths = one.look, (one.name,)
    if isinstance(look, ImageError):
        yield Finding(look.kind, str(look), paths, () if look.kind == "needs a package" else _files([one]))
        return
    width, height = look.size
    short, long, pixels = min(look.size), max(look.size), f"{width} x {height} pixels"
    suffix = Path(one.name).suffix.lower() if isinstance(one.item, Path) else ""
    usual = images.extensions_of(look.kind) if suffix else []
    if not look.intact:
        yield Finding("wrong checksum", "a checksum of the file is wrong, or its end is missing", paths)
    if look.contrast <= FLAT < look.levels:
        yield Finding(
            "narrow range", f"its levels span {look.levels:g}, of which {look.contrast} of 255 are left", paths
        )
    elif look.contrast <= FLAT:
        yield Finding("blank", "one colour all over", paths)
    if short < inspection.SAMPLE:
        yield Finding("tiny picture", pixels, paths)
    if long > LONG * short:
        yield Finding("extreme shape", f"{pixels}: the square in the middle holds {short / long:.1%} of it", paths)
    if usual and suffix not in usual:
        yield Finding("wrong extension", f"is a {look.kind} picture, usually called {usual[0]}", paths)
    if look.turned:
        yield Finding("rotated", "stored turned or mirrored, and marked so by EXIF", paths)
    if look.mode not in ORDINARY:
        yield Finding("odd mode", f"mode {look.mode}", paths)
    if look.transparent:
        yield Finding("transparent", "parts of it are transparent", paths)
    if look.frames > 1:
        yield Finding("animation", f"holds {look.frames if look.frames < inspection.MANY else 'many'} pictures", paths)
    if width * height > inspection.LARGE:
        yield Finding("large picture", pixels, paths)


def _of_classes(classes: dict[str, dict[str, int]]) -> Iterable[Finding]:
    """What the numbers of usable pictures show."""
    train = classes["train"]
    if len(train) < 2:
        yield Finding("too few classes", f"{len(train)} found" + "".join(f": {label}" for label in train))
    for label, count in train.items():
        if count < FEW:
            kind = "class too small" if count < 2 else "tiny class"
            yield Finding(kind, f"{label}: {count} usable picture{'' if count == 1 else 's'} to train on")
        parts = [part for part in re.split(r"[\W_]+", label.lower()) if part not in ("", "and")]
        if len(parts) > 1 and {*parts} <= {other.lower() for other in train if other != label}:
            yield Finding("combined class", f"{label} reads like {' and '.join(parts)} together")
    for split in [split for split in classes if split != "train"]:
        for label in [label for label in classes[split] if label not in train]:
            yield Finding("unknown class", f"{label} is in {split} and not in train")
        for label in [label for label in train if not classes[split].get(label)]:
            yield Finding("not measured", f"{label} has no usable picture in {split}")
    some = {label: count for label, count in train.items() if count}
    if some and max(some.values()) >= MANY_TIMES * min(some.values()):
        (large, most), (small, least) = (choose(some.items(), key=lambda item: item[1]) for choose in (max, min))
        yield Finding("imbalance", f"{large} has {most} pictures, {small} {least}")


def _copies(seen: list[Seen], progress: bool) -> Iterable[Finding]:
    """What is there several times, byte for byte or nearly."""
    equal = collections.defaultdict(list)
    for one in seen:
        equal[one.digest].append(one)
    yield from (_several(group, "byte for byte the same") for group in equal.values() if len(group) > 1)
    # smaller pictures hold too little to tell two of a kind from one
    looks = {one.digest: one.look for one in seen if isinstance(one.look, Look)}
    digests = [digest for digest, look in looks.items() if min(look.size) >= inspection.SAMPLE]
    grey = np.array([looks[digest].grey for digest in digests], np.uint8)
    grey = grey.reshape(-1, inspection.SAMPLE, inspection.SAMPLE)
    with progress_bar(len(digests), "comparing", unit="picture", shown=progress) as bar:
        alike = near_duplicates.groups(grey, bar.update)
    for indices in alike:
        yield _several([one for index in indices for one in equal[digests[index]]], "nearly the same", exact=False)


def _several(group: list[Seen], detail: str, exact: bool = True) -> Finding:
    """What is said of several copies of a picture, by where they are."""
    last = max(group, key=lambda one: SPLITS.index(one.split)).split
    earlier = [one for one in group if one.split != last]
    again = [one for one in group if one.split == last][1:] if exact else []
    if len({one.label for one in group}) > 1:
        # scenes may differ in one small thing that makes their class, so near copies are for people to judge
        kind, skip = ("across classes", group) if exact else ("near duplicate across classes", [])
    elif earlier:
        kind, skip = "across splits", earlier + again
    else:
        kind, skip = ("duplicate", again) if exact else ("near duplicate", [])
    return Finding(kind, detail, tuple(one.name for one in group), _files(skip))


def _files(seen: list[Seen]) -> tuple[Path, ...]:
    return tuple(one.item for one in seen if isinstance(one.item, Path))
