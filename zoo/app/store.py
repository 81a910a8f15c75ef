"""What the studio keeps: a folder for each project, with its photos in one folder a box, and its classifier.

Names of files are made here alone: of hashes, of random numbers, and of boxes' names that `box_name` has let through.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import platformdirs

from zoo.data.images.folders import LITTER, split_of
from zoo.errors import UsageError, ZooError
from zoo.files import atomic_file, expand

PROJECTS, BOXES, PHOTOS = 200, 100, 5000  # at most; boxes and photos in one project
TOTAL = 4 * 10**9  # bytes of photos in one project
PROJECT, PHOTO = re.compile(r"[0-9a-f]{12}"), re.compile(r"[0-9a-f]{16}")
BOX = re.compile(r"[^\W_](?:[\w '&+().,-]{0,38}[\w)])?")
CLASSIFIER, RESULTS = "classifier.keras", "results.json"


class MissingError(ZooError):
    """There is no project, box, photo or classifier of that name."""


def folder() -> Path:
    """Where the studio keeps its things: photos are nothing that a cache may lose."""
    home = os.environ.get("ZOO_HOME")
    return (expand(home) if home else Path(platformdirs.user_data_dir("zoo", appauthor=False))) / "studio"


def box_name(name: str) -> str:
    """A box's name, which is a class and the name of a folder.

    Raises:
        UsageError: it is none.

    Example:
        >>> box_name(" guinea  pigs ")
        'guinea pigs'
        >>> box_name("../cats")
        Traceback (most recent call last):
        zoo.errors.UsageError: a box has a name of letters, digits, spaces and -, up to 40; got '../cats'.
    """
    cleaned = " ".join(unicodedata.normalize("NFC", name).split())
    split = split_of(cleaned)
    if not BOX.fullmatch(cleaned) or cleaned.lower() in LITTER or cleaned.startswith("found."):
        raise UsageError(f"a box has a name of letters, digits, spaces and -, up to 40; got {name!r}.")
    if split and not split[1]:
        raise UsageError(f"{name!r} names a part of data, not what photos show; call the box otherwise.")
    return cleaned


class Project:
    """One classifier in the making.

    Args:
        root: its folder.
    """

    def __init__(self, root: Path):
        self.root, self.id = root, root.name
        self.photos, self.classifier = root / "photos", root / CLASSIFIER

    def facts(self) -> dict[str, Any]:
        """All that a page shows of it."""
        return {
            "id": self.id,
            "name": self._about()["name"],
            "boxes": [{"name": name, "photos": self.photos_of(name)} for name in self.boxes()],
            "results": self._results(),
        }

    def _results(self) -> dict[str, Any] | None:
        """What the training came to, and whether the boxes have changed since."""
        path = self.root / RESULTS
        if not (path.is_file() and self.is_trained()):
            return None
        results = json.loads(path.read_text("utf-8"))
        return {**results, "changed": results.pop("photos", None) != self.fingerprint()}

    def keep_results(self, results: dict[str, Any], photos: str) -> None:
        """Keep what a training came to, with the fingerprint of the photos that it had."""
        write_json(self.root / RESULTS, {**results, "photos": photos})

    def fingerprint(self) -> str:
        """A short name of what is in which box."""
        contents = {box: sorted(self.photos_of(box)) for box in sorted(self.boxes())}
        return hashlib.sha256(json.dumps(contents).encode()).hexdigest()[:16]

    def summary(self) -> dict[str, Any]:
        """What a list shows of it."""
        facts = self.facts()
        results = facts["results"] or {}
        boxes = [
            {"name": box["name"], "count": len(box["photos"]), "photo": next(iter(box["photos"]), None)}
            for box in facts["boxes"]
        ]
        return {
            "id": self.id,
            "name": facts["name"],
            "boxes": boxes,
            "trained": self.is_trained(),
            "accuracy": results.get("accuracy"),
        }

    def _about(self) -> dict:
        return json.loads((self.root / "project.json").read_text("utf-8"))

    def rename(self, name: str) -> None:
        write_json(self.root / "project.json", {"name": title(name)})

    def is_trained(self) -> bool:
        return self.classifier.is_file()

    def boxes(self) -> list[str]:
        """Names, the oldest box first."""
        made = [entry for entry in self.photos.iterdir() if entry.is_dir()]
        order = self.root / "order.json"
        known = json.loads(order.read_text("utf-8")) if order.is_file() else []
        names = {entry.name for entry in made}
        return [name for name in known if name in names] + sorted(names - {*known})

    def add_box(self, name: str) -> str:
        name = box_name(name)
        boxes = self.boxes()
        if same := next((box for box in boxes if box.lower() == name.lower()), None):
            return same
        if len(boxes) >= BOXES:
            raise UsageError(f"a project has {BOXES} boxes at most.")
        (self.photos / name).mkdir()
        write_json(self.root / "order.json", [*boxes, name])
        return name

    def box(self, name: str) -> Path:
        if name not in self.boxes():
            raise MissingError("there is no such box.")
        return self.photos / name

    def rename_box(self, old: str, new: str) -> str:
        path, new = self.box(old), box_name(new)
        if new != old:
            if any(box.lower() == new.lower() for box in self.boxes() if box != old):
                raise UsageError("there is such a box already.")
            order = [new if box == old else box for box in self.boxes()]
            path.rename(self.photos / new)
            write_json(self.root / "order.json", order)
        return new

    def remove_box(self, name: str) -> None:
        shutil.rmtree(self.box(name))

    def photos_of(self, box: str) -> list[str]:
        """Photos' names, in the order in which they came."""
        with os.scandir(self.photos / box) as entries:
            found = sorted(
                (entry.stat().st_mtime_ns, entry.name) for entry in entries if not entry.name.startswith(".")
            )
        return [name.partition(".")[0] for _, name in found]

    def photo(self, box: str, name: str) -> Path:
        """The file of a photo."""
        found = [*self.box(box).glob(f"{name}.*")] if PHOTO.fullmatch(name) else []
        if not found:
            raise MissingError("there is no such photo.")
        return found[0]

    def thumbnail(self, name: str) -> Path:
        path = self.root / "thumbnails" / f"{name}.jpg"
        if not PHOTO.fullmatch(name) or not path.is_file():
            raise MissingError("there is no such photo.")
        return path

    def check_room(self, size: int) -> None:
        """Refuse one photo more where there are too many."""
        sizes = [file.stat().st_size for file in self.photos.glob("*/*")]
        if len(sizes) >= PHOTOS or sum(sizes) + size > TOTAL:
            raise UsageError(f"a project has {PHOTOS:,} photos of {TOTAL // 10**9} GB in all at most.")

    def add_photo(self, box: str, data: bytes, ending: str, thumbnail: bytes) -> str:
        """Put a photo that was looked at into a box; the name that it has here."""
        name = hashlib.sha256(data).hexdigest()[:16]
        path = self.box(box) / f"{name}{ending}"
        with atomic_file(self.root / "thumbnails" / f"{name}.jpg") as temporary:
            temporary.write_bytes(thumbnail)
        with atomic_file(path) as temporary:
            temporary.write_bytes(data)
        return name

    def remove_photo(self, box: str, name: str) -> None:
        self.photo(box, name).unlink()

    def move_photo(self, box: str, name: str, to: str) -> None:
        path = self.photo(box, name)
        path.replace(self.box(to) / path.name)

    def is_empty(self) -> bool:
        return not any(self.photos.glob("*/*"))


class Store:
    """All projects, and the classifiers that were named when the studio was started.

    Args:
        root: the folder.
        files: saved classifiers of others.
    """

    def __init__(self, root: Path, files: Iterable[Path] = ()):
        self.root, self.scratch = root, root / "temporary"
        self.files = {f"file-{number}": file for number, file in enumerate(files, 1)}
        self.clean()
        for path in (root / "projects", self.scratch):
            path.mkdir(parents=True, exist_ok=True)
        self.scratch.chmod(0o700)

    def clean(self) -> None:
        """Remove temporary files, those of a studio that was killed too."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def projects(self) -> Iterator[Project]:
        """The newest first."""
        made = [path.parent for path in self.root.glob("projects/*/project.json")]
        yield from map(Project, sorted(made, key=lambda path: path.stat().st_ctime_ns, reverse=True))

    def project(self, name: str) -> Project:
        root = self.root / "projects" / name
        if not PROJECT.fullmatch(name) or not (root / "project.json").is_file():
            raise MissingError("there is no such project.")
        return Project(root)

    def create(self, name: str) -> Project:
        if sum(1 for _ in self.projects()) >= PROJECTS:
            raise UsageError(f"there are {PROJECTS} projects; remove one first.")
        project = Project(self.root / "projects" / secrets.token_hex(6))
        (project.root / "thumbnails").mkdir(parents=True)
        project.photos.mkdir()
        project.rename(name)
        return project

    def remove(self, name: str) -> None:
        shutil.rmtree(self.project(name).root)

    def classifier(self, name: str) -> Path:
        """The file of a project's classifier or of one named at the start; "" is the first of these, or the newest."""
        if not name:
            trained = [project.id for project in self.projects() if project.is_trained()]
            name = next(iter([*self.files, *trained]), "")
        if name in self.files:
            return self.files[name]
        if not name or not (project := self.project(name)).is_trained():
            raise MissingError("there is no classifier yet: make one first.")
        return project.classifier


def title(name: str) -> str:
    """What a project is called: any text of a line."""
    cleaned = "".join(letter for letter in " ".join(name.split()) if letter.isprintable())[:80]
    if not cleaned:
        raise UsageError("give it a name.")
    return cleaned


def write_json(path: Path, value: Any) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
