"""Cards: what is known of a set of trained weights, a JSON file for each. Standard library only."""

import json
import re
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.files import read_bytes
from zoo.registry import did_you_mean

SAVED_FILE = "keras"  # a whole model as `.save()` writes it; the other formats are numbers by name
ENDINGS = {
    SAVED_FILE: ".keras",
    "weights.h5": ".weights.h5",
    "h5": ".h5",
    "safetensors": ".safetensors",
    "torch": ".pth",
}


@dataclass(frozen=True)
class WeightsCard:
    """A set of trained weights: a file `weights/MODEL-NAME.json`, whose keys are these attributes but `path`.

    The weights lie beside the card, or in an installed package where the card names one, or at an address.

    Attributes:
        path: the card's own file.
        format: "keras" for a saved file of the zoo's, "weights.h5" for Keras' weights alone, "h5" for those of Keras 1
            and 2, "safetensors", or "torch" for what `torch.save` writes.
        licence: under which they may be used.
        sha256: of the file with the weights.
        md5: of the file, where nobody states a SHA-256.
        unverified: why neither of the two is known; the file is then believed as it comes.
        file: its name, in a package its path; None is the card's name with the format's ending.
        package: the installed package that carries it, by its name for `import`.
        distribution: the same package by its name for pip; None where the names are the same.
        extra: the extra of this project's that installs the package.
        url: the address that it is downloaded from, once.
        size: of the file in bytes, so that no more is downloaded.
        renamed: layer names by the names that the file has instead; see `zoo.weights.assign`.
        factors: what arrays are multiplied by, by their name in the file.
        labels: file beside the card with the names of the classes; see `zoo.weights.load.class_names`.
        preprocessing: arguments of the task's preprocessing with which they were trained.
        scores: what they reach, by the name of the number, the chief one first: the number, or its "value", its
            interval "ci" and the number of examples "n".
        scores_source: where these are from: a publication, or the command that measured them.
        provenance: how they were made, as far as that is known: data, arguments, time, versions.
    """

    path: Path
    format: str
    licence: str
    sha256: str | None = None
    md5: str | None = None
    unverified: str | None = None
    file: str | None = None
    package: str | None = None
    distribution: str | None = None
    extra: str | None = None
    url: str | None = None
    size: int | None = None
    renamed: dict = field(default_factory=dict)
    factors: dict = field(default_factory=dict)
    labels: str | None = None
    preprocessing: dict = field(default_factory=dict)
    scores: dict = field(default_factory=dict)
    scores_source: str | None = None
    provenance: dict = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "WeightsCard":
        """Read a card.

        Raises:
            ZooError: it is no JSON, lacks a key, has one that no card has, or one whose value is of another kind.
        """
        try:
            content = json.loads(read_bytes(path))
        except (OSError, ValueError, RecursionError) as error:
            raise ZooError(f"the card {path} cannot be read: {error}.") from error
        if not isinstance(content, dict):
            raise ZooError(f"the card {path} holds no JSON object.")
        keys = {item.name: item for item in fields(cls) if item.name != "path"}
        for key, value in content.items():
            if key not in keys:
                raise ZooError(
                    f"the card {path} has the key {key!r}, which no card has{did_you_mean(key, keys)} "
                    f"The keys are {', '.join(keys)}."
                )
            kind: Any = keys[key].type
            if not isinstance(value, kind):
                raise ZooError(
                    f"the card {path}: {key!r} is {value!r}, where {getattr(kind, '__name__', kind)} belongs."
                )
        required = [name for name, item in keys.items() if item.default is item.default_factory is MISSING]
        if missing := [name for name in required if name not in content]:
            raise ZooError(f"the card {path} lacks {', '.join(map(repr, missing))}.")
        card = cls(path, **content)
        if card.format not in ENDINGS:
            raise ZooError(f"the card {path}: 'format' is {card.format!r}; accepted are {', '.join(ENDINGS)}.")
        for key, digits in (("sha256", 64), ("md5", 32)):
            if (value := getattr(card, key)) is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
                raise ZooError(f"the card {path}: {key!r} is {value!r}, where {digits} hexadecimal digits belong.")
        if sum(value is not None for value in (card.sha256, card.md5, card.unverified)) != 1:
            raise ZooError(
                f"the card {path} needs one of 'sha256', 'md5' and 'unverified', the reason why it has none."
            )
        if card.is_saved_file and card.sha256 is None:
            raise ZooError(f"the card {path} lacks 'sha256', which a saved file is opened by.")
        if card.package and card.url:
            raise ZooError(f"the card {path} has both 'package' and 'url': give the one place where the weights lie.")
        if card.package is not None and not card.package.isidentifier():
            raise ZooError(f"the card {path}: 'package' is {card.package!r}, where a name for `import` belongs.")
        if card.package and not card.file:
            raise ZooError(f"the card {path} lacks 'file', the path in the package {card.package}.")
        if card.url and not card.url.startswith(("https://", "http://")):
            raise ZooError(f"the card {path}: 'url' is {card.url!r}; it begins with https:// or http://.")
        return card

    @property
    def model(self) -> str:
        """The model that they are for."""
        return self.path.stem.partition("-")[0]

    @property
    def name(self) -> str:
        """Their own name, for `zoo.get(model, weights=name)`."""
        return self.path.stem.partition("-")[2]

    @property
    def expected(self) -> str | None:
        """The hash that the file must have: SHA-256, or MD5 where nobody states more; None where neither is known."""
        return self.sha256 or self.md5

    @property
    def fingerprint(self) -> str:
        """What tells these weights from others: the hash, or else the address."""
        return self.expected or str(self.url)

    @property
    def is_saved_file(self) -> bool:
        """Whether the file holds the whole model, not its weights alone."""
        return self.format == SAVED_FILE

    @property
    def file_name(self) -> str:
        """The name of the file with the weights; in a package its path."""
        return self.file or self.path.stem + ENDINGS[self.format]

    def to_json(self) -> dict[str, Any]:
        """The card's content."""
        return {item.name: value for item in fields(self)[1:] if (value := getattr(self, item.name)) not in (None, {})}
