"""zoo: a Keras 3 model zoo with transfer learning.

Every public word is below. None of them imports a framework before it has to: `import zoo`, `zoo.list()` and
`zoo.show()` read the shelves' files as text.

Example:
    >>> import zoo
    >>> "logistic" in zoo.list()
    True
"""

import builtins
import importlib
import sys

from zoo._moved import MovedFinder
from zoo._version import __version__

if sys.version_info >= (3, 14):
    raise ImportError(
        "zoo runs on Python 3.11 to 3.13: TensorFlow, which it installs, has no release for "
        f"{sys.version_info[0]}.{sys.version_info[1]} yet. Type: python3.13 -m venv .venv, and install there."
    )

sys.meta_path.append(MovedFinder)

# public word -> the module that holds it; no word is also a module's name, or the second call would find the module
_WORDS = {
    "Metric": "zoo.metrics",
    "ZooError": "zoo.errors",
    "audit": "zoo.transfer.audit",
    "embed": "zoo.transfer.embed",
    "finetune": "zoo.transfer.finetune",
    "forget": "zoo.transfer.forget",
    "get": "zoo.api",
    "import_model": "zoo.transfer.keras2",
    "list": "zoo.api",
    "load": "zoo.api",
    "register": "zoo.registry",
    "report": "zoo.transfer.report",
    "reproduce": "zoo.studies.runner",
    "show": "zoo.api",
    "tune": "zoo.tuning.tune",
}

# what `from zoo import *` gives: all but `zoo.list`, which would hide Python's own
__all__ = ["__version__", *(word for word in _WORDS if not hasattr(builtins, word))]


def __getattr__(word):
    if word not in _WORDS:
        raise AttributeError(f"module 'zoo' has no attribute {word!r}")
    try:
        value = getattr(importlib.import_module(_WORDS[word]), word)
    except ModuleNotFoundError as error:
        if error.name not in ("zoo.models", "zoo.pretrained"):
            raise
        raise ImportError(
            'this checkout of zoo is not installed. In its folder, type: python -m pip install -e ".[samples]"'
        ) from error
    globals()[word] = value
    return value


def __dir__():
    return sorted(["__version__", *_WORDS])
