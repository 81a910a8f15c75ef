"""Public names that were renamed: the old one works for one version more, with a warning."""

import warnings
from typing import Any


class Renamed:
    """An attribute's old name.

    Args:
        new: the attribute's name now.

    Example:
        >>> class Prediction:
        ...     is_novel = True
        ...     strange = Renamed("is_novel")
        >>> with warnings.catch_warnings(action="ignore"):
        ...     Prediction().strange
        True
    """

    def __init__(self, new: str):
        self.new = new

    def __set_name__(self, owner: type, name: str) -> None:
        self.old = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        warnings.warn(f".{self.old} is now called .{self.new}", DeprecationWarning, stacklevel=2)
        return getattr(instance, self.new)
