"""Models as files of other tools. A format is a module here, found by being here, and called like it.

Its `ENDINGS` are those of its files; one that has none writes a folder. Its function
`write(task, path, overwrite, ...)` writes one, whole or not at all, and returns what is known of it; what it takes
beyond, such as `half`, are its options. `read_record(path)` reads what a file says of its model, as a saved file's
record does. What begins with an underscore is shared by formats.
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
from zoo.registry import did_you_mean

if TYPE_CHECKING:
    from zoo.tasks.task import Task

COMMON = 3  # arguments that every format's `write` has


def formats() -> dict[str, ModuleType]:
    """The modules of the formats, by name.

    Example:
        >>> sorted(formats())
        ['html', 'huggingface', 'litert', 'onnx', 'openvino', 'saved_model', 'torch', 'word2vec']
    """
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def options_of(module: ModuleType) -> list[str]:
    """What a format can be told beyond where to write."""
    return [*inspect.signature(module.write).parameters][COMMON:]


def find_format(path: Path, name: str | None = None) -> str:
    """The name of the format of a file.

    Args:
        path: the file or folder; its ending decides where no name is given.
        name: of the format, or the ending of its files without the dot.

    Raises:
        UsageError: there is no such format, or its files end otherwise.
    """
    available = formats()
    of_ending = {ending: each for each, module in available.items() for ending in module.ENDINGS}
    listed = ", ".join(f"{each} ({' '.join(module.ENDINGS) or 'a folder'})" for each, module in available.items())
    if name is None:
        if path.suffix not in of_ending:
            raise UsageError(
                f"no format of a model ends in {path.suffix!r}: {str(path)!r}. Accepted are {listed}; a folder needs "
                "the format's name: --format saved_model, in Python format='saved_model'."
            )
        return of_ending[path.suffix]
    known = {
        **{ending.removeprefix("."): each for ending, each in of_ending.items()},
        **{each: each for each in available},
    }
    if name not in known:
        raise UsageError(f"no format is called {name!r}{did_you_mean(name, known)} Accepted are {listed}.")
    endings = available[known[name]].ENDINGS
    if (endings and path.suffix not in endings) or (not endings and path.suffix in of_ending):
        wanted = f"ends in {' or '.join(endings)}" if endings else f"is a folder, no {path.suffix} file"
        raise UsageError(f"what {known[name]} writes {wanted}; got {str(path)!r}.")
    return known[name]


def export(task: "Task", path: str | Path, overwrite: bool = False, format: str | None = None, **options: Any) -> dict:
    """Write a model as a file of another tool.

    Args:
        task: the model.
        path: the file, or the folder of a format that writes one.
        overwrite: replace whatever file is there; without it, only one for the same task with the same classes.
        format: its name; None goes by the ending.
        **options: of the format.

    Returns:
        What is known of the file, beside "out", its path, and "bytes": "agreement", for instance.

    Raises:
        UsageError: there is no such format, or it has no such option.
        ZooError: the format cannot hold the model, something else is there, or the file cannot be written.
    """
    path, available = expand(path), formats()
    name = find_format(path, format)
    module = available[name]
    for option in options.keys() - {*options_of(module)}:
        fitting = ", ".join(each for each, other in available.items() if option in options_of(other))
        raise UsageError(f"{name} has no {option}; it is for {fitting or 'no format'}.")
    with claimed(path.with_suffix("") if module.ENDINGS else path):  # a format may be of two files
        into = saving.output if module.ENDINGS else saving.output_folder
        output = into(path, task.get_config(), overwrite, module.read_record)
        about = module.write(task, output, overwrite, **options) or {}
    files = [output] if output.is_file() else [file for file in output.rglob("*") if file.is_file()]
    return {"out": str(output), "bytes": sum(file.stat().st_size for file in files), **about}
