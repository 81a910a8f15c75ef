"""Models as files of other tools. A format is a module here, found by being here.

Its `ENDINGS` are those of its files. Its function `write(task, path, overwrite, ...)` writes one, whole or not at all,
and returns what is known of it; what it takes beyond, such as `half`, are its options. `read_record(path)` reads what
a file says of its model, as a saved file's record does. What begins with an underscore is shared by formats.
"""

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from zoo import saving
from zoo.errors import UsageError
from zoo.files import claimed, expand

if TYPE_CHECKING:
    from zoo.tasks.task import Task

COMMON = 3  # arguments that every format's `write` has


def formats() -> dict[str, ModuleType]:
    """The modules of the formats, by the ending of their files.

    Example:
        >>> sorted(formats())
        ['.bin', '.html', '.onnx', '.txt', '.vec', '.xml']
    """
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {ending: module for module in modules for ending in module.ENDINGS}


def options_of(module: ModuleType) -> list[str]:
    """What a format can be told beyond where to write."""
    return [*inspect.signature(module.write).parameters][COMMON:]


def export(task: "Task", path: str | Path, overwrite: bool = False, **options: Any) -> dict:
    """Write a model as a file of another tool.

    Args:
        task: the model.
        path: the file; its ending decides the format.
        overwrite: replace whatever file is there; without it, only one for the same task with the same classes.
        **options: of the format.

    Returns:
        What is known of the file, beside "out", its path, and "bytes": "agreement", for instance.

    Raises:
        UsageError: no format has that ending, or it has no such option.
        ZooError: the format cannot hold the model, something else is there, or the file cannot be written.
    """
    path, available = expand(path), formats()
    if path.suffix not in available:
        listed = ", ".join(f"{ending} ({module.__name__.rpartition('.')[2]})" for ending, module in available.items())
        raise UsageError(f"no format of a model ends in {path.suffix!r}: {str(path)!r}. Accepted are {listed}.")
    module = available[path.suffix]
    for option in options.keys() - {*options_of(module)}:
        fitting = ", ".join(ending for ending, other in available.items() if option in options_of(other))
        raise UsageError(f"{path.suffix} has no {option}; it is for {fitting or 'no format'}.")
    with claimed(path.with_suffix("")):  # a format may be of two files
        output = saving.output(path, task.get_config(), overwrite, module.read_record)
        about = module.write(task, output, overwrite, **options) or {}
    return {"out": str(output), "bytes": output.stat().st_size, **about}
