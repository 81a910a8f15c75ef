"""Kinds of work, one file each: how data becomes (x, y), the loss, the metrics, and the verbs of that kind."""

import importlib
import importlib.util

from zoo.errors import ZooError


def task_class(task: str):
    """The class of a kind of work: the one that `zoo/tasks/<task>.py` calls `Task`'s heir.

    Raises:
        ZooError: there is no such kind of work.
    """
    module = f"{__name__}.{task}"
    if not task.isidentifier() or task == "task" or task.startswith("_") or importlib.util.find_spec(module) is None:
        raise ZooError(f"there is no task {task!r}; the tasks are the files of zoo/tasks.")
    from zoo.tasks.task import Task

    found = vars(importlib.import_module(module)).values()
    return next(c for c in found if isinstance(c, type) and issubclass(c, Task) and c.__module__ == module)
