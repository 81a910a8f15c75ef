"""Models as files of other tools. A format is a module here, found by being here.

Its `ENDING` is the ending of its files, and its function `write(task, path)` writes one, whole or not at all.
"""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.tasks.task import Task


def formats() -> dict[str, ModuleType]:
    """The modules of the formats, by the ending of their files.

    Example:
        >>> sorted(formats())
        ['.xml']
    """
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {module.ENDING: module for module in modules}


def export(task: "Task", path: str | Path) -> None:
    """Write a model as a file of another tool.

    Args:
        task: the model.
        path: the file; its ending decides the format.

    Raises:
        UsageError: no format has that ending.
        ZooError: the format cannot hold the model, or the file cannot be written.
    """
    path, known = Path(path), formats()
    if path.suffix not in known:
        listed = ", ".join(f"{ending} ({module.__name__.rpartition('.')[2]})" for ending, module in known.items())
        raise UsageError(f"no format of a model ends in {path.suffix!r}: {str(path)!r}. Accepted are {listed}.")
    known[path.suffix].write(task, path)
