"""Models as files of other tools. A format is a module here, found by being here.

Its `ENDINGS` are those of its files. Its function `write(task, path, overwrite)` writes one, whole or not at all,
and `read_record(path)` reads what one says of its model, as a saved file's record does.
"""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from zoo import saving
from zoo.errors import UsageError
from zoo.files import expand

if TYPE_CHECKING:
    from zoo.tasks.task import Task


def formats() -> dict[str, ModuleType]:
    """The modules of the formats, by the ending of their files.

    Example:
        >>> sorted(formats())
        ['.bin', '.txt', '.vec', '.xml']
    """
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {ending: module for module in modules for ending in module.ENDINGS}


def export(task: "Task", path: str | Path, overwrite: bool = False) -> None:
    """Write a model as a file of another tool.

    Args:
        task: the model.
        path: the file; its ending decides the format.
        overwrite: replace whatever file is there; without it, only one for the same task with the same classes.

    Raises:
        UsageError: no format has that ending.
        ZooError: the format cannot hold the model, something else is there, or the file cannot be written.
    """
    path, available = expand(path), formats()
    if path.suffix not in available:
        listed = ", ".join(f"{ending} ({module.__name__.rpartition('.')[2]})" for ending, module in available.items())
        raise UsageError(f"no format of a model ends in {path.suffix!r}: {str(path)!r}. Accepted are {listed}.")
    module = available[path.suffix]
    module.write(task, saving.output(path, task.get_config(), overwrite, module.read_record), overwrite)
