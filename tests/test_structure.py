"""How the modules stand to each other: read from their source, nothing of it is run. See ARCHITECTURE.md."""

import ast
import functools
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import zoo
from zoo.tasks import factory
from zoo.tasks.task import Task

ROOT = Path(__file__).parents[1]

# From the ground up, a line a layer. A room, or a module that has none, imports from the lines below its own only.
LAYERS = """
    _moved _version deprecation errors
    console files metrics registry scratch
    backend download environment models pretrained targets
    data saving visualization
    weights
    catalog
    inference training
    export
    tasks
    transfer
    api sklearn
    studies tracing tuning
    app checks
    __init__
    convert translate trial
    cli
    __main__
"""

# What takes its time or need not be installed. Only this, and modules that need it, may be imported in a function.
HEAVY = {
    "ai_edge_litert",
    "IPython",
    "h5py",
    "jax",
    "keras",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "optuna",
    "openvino",
    "pandas",
    "pyarrow",
    "pydoc_data",
    "scipy",
    "sklearn",
    "tensorboard",
}
HEAVY |= {"tensorflow", "tensorflow_datasets", "torch", "tqdm", "yaml"}

# Words and commands import what they need when they are called: `zoo list` does not even wait for NumPy.
LAZY = ("api", "cli", "__main__")

# What is not yet as it should be. Whoever mends one takes its line away; the tests ask for that.
STILL_TO_DO: dict[str, list[str]] = {"upward": [], "late": []}


def module_name(path: Path) -> str:
    """The name by which a file is imported once the zoo is installed: models/mlp.py is `zoo.models.mlp`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "zoo" else ("zoo", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for room in ("zoo", "models", "pretrained") for path in (ROOT / room).rglob("*.py")}
LEVEL = {room: level for level, line in enumerate(LAYERS.strip().splitlines()) for room in line.split()}


def imported(node: ast.AST) -> list[str]:
    """The modules that an import statement names; `from zoo.data import named` names `zoo.data.named`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    names = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name if name in FILES else node.module for name in names]


@functools.cache
def imports(module: str) -> tuple[frozenset[str], frozenset[str]]:
    """What a module imports: at its top, and in its functions. Imports for type checkers alone do not count."""
    top, late = set(), set()

    def visit(node, into):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                into.update(imported(child))
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                visit(child, late)
            elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
                visit(child, into)

    visit(ast.parse(FILES[module].read_text(encoding="utf-8")), top)
    return frozenset(top), frozenset(late)


def ours(names) -> set[str]:
    return {name for name in names if name in FILES}


def room(module: str) -> str:
    """The part of the zoo that a module belongs to: "data" for `zoo.data.images.folders`."""
    return module.split(".")[1] if "." in module else "__init__"


def is_heavy(name: str) -> bool:
    """Whether importing it imports something heavy, directly or through others."""
    seen, ahead = set(), {name}
    while ahead:
        seen |= ahead
        ahead = {other for module in ours(ahead) for other in imports(module)[0]} - seen
    return any(other.split(".")[0] in HEAVY for other in seen)


def offences(kind: str) -> list[str]:
    """All "importer -> imported" of one kind."""
    offending = []
    for module in sorted(FILES):
        top, late = imports(module)
        if kind == "upward":
            others = {name for name in ours(top | late) if room(name) != room(module)}
            bad = {name for name in others if LEVEL[room(name)] >= LEVEL[room(module)]}
        else:
            bad = set() if room(module) in LAZY else {name for name in late if not is_heavy(name)}
        offending += [f"{module} -> {name}" for name in sorted(bad)]
    return offending


def test_every_room_has_a_layer():
    rooms = {room(module) for module in FILES}
    assert not rooms - LEVEL.keys(), "give these a line in LAYERS"
    assert not LEVEL.keys() - rooms, "these are gone: take them out of LAYERS"


@pytest.mark.parametrize("kind", STILL_TO_DO)
def test_imports_go(kind):
    """Upward: a room knows those below it, not the others. Late: a function imports only what is heavy."""
    offending, listed = offences(kind), STILL_TO_DO[kind]
    assert not set(offending) - set(listed), f"new {kind} imports"
    assert not set(listed) - set(offending), "mended: take these out of STILL_TO_DO"


def test_there_are_no_circles():
    """Neither by imports at the top nor by those in functions, which would only hide one."""
    graph = {module: ours(set().union(*imports(module))) - {module} for module in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_class_names_are_unique():
    """One name, one thing."""
    names = Counter(
        node.name
        for path in FILES.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_start_up_imports_no_framework():
    """What people do first, `import zoo` and a look at what there is, waits for nothing heavy, nor for NumPy."""
    code = "import sys, zoo; zoo.list(); zoo.show('logistic'); print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "zoo" in loaded
    assert not {*loaded} & (HEAVY | {"numpy"})


def test_dir_shows_what_is_for_users():
    """What all models have; a kind of work adds its verbs, each with a docstring, and what lies in an object."""
    words = {"build", "engine", "evaluate", "export", "from_config", "get_config", "metrics", "model", "name"}
    words |= {"find_learning_rate", "save", "train"}
    assert {name for name in dir(Task) if not name.startswith("_")} == words
    for task in factory.CLASSES:
        public = {name for name in dir(factory.task_class(task)) if not name.startswith("_")} - words
        assert len(public) <= 7 and all(getattr(factory.task_class(task), name).__doc__ for name in public), public
    assert len([name for name in dir(zoo.get("logistic")) if not name.startswith("_")]) <= 30
