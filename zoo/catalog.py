"""The catalog: what stands on the shelves, read from the files' text without importing them."""

import ast
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from zoo.console import aligned, describe, in_words
from zoo.errors import UsageError, ZooError
from zoo.files import expand
from zoo.registry import ENTRIES, NO_LITERAL, NOWHERE, Definition, Entry, current_names, did_you_mean
from zoo.weights.card import WeightsCard

SHELVES = ("zoo.models", "zoo.pretrained.backbones")
ENTRY_POINT_GROUP = "zoo.models"  # a package lists modules here: `cats = cat_package.models`


@dataclass(frozen=True)
class Card:
    """What is known of a model before any framework is imported.

    Attributes:
        name: the model's name.
        summary: the builder's docstring, one sentence.
        arguments: the builder's arguments with their defaults.
        facts: the keywords of its `@register`.
        module: the module to import when the model is asked for.
        file: the source file.
        weights: its trained weights by name; those of its own dataset are the first, which are taken when nobody says
            which.
    """

    name: str
    summary: str
    arguments: dict
    facts: dict
    module: str
    file: str
    weights: dict[str, WeightsCard] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The card as JSON."""
        weights = {name: weights.to_json() for name, weights in self.weights.items()}
        return {**asdict(replace(self, weights={})), "weights": weights}

    @property
    def published(self) -> WeightsCard | None:
        """The weights of a pretrained network, which fine-tuning puts a head on, where these are published."""
        return next((weights for weights in self.weights.values() if not weights.is_saved_file), None)

    @property
    def code_digest(self) -> str:
        """SHA-256 of what says what it computes: the file that defines it, and the shelf's helpers beside that."""
        files = [Path(self.file), *sorted(Path(self.file).parent.glob("_[!_]*.py"))]
        return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()

    @property
    def is_backbone(self) -> bool:
        """Whether fine-tuning can put a head on it: its weights are published, or it takes a file of the user's."""
        return self.published is not None or "torch_names" in self.facts

    def preprocessing(self, weights: str) -> dict[str, Any]:
        """Arguments of the task's preprocessing: the model's, and those that its weights of that name ask for."""
        return self.facts.get("preprocessing", {}) | self.weights[weights].preprocessing

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __str__(self) -> str:
        facts = self.facts
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        optimizer = facts.get("optimizer")
        if isinstance(optimizer, dict):  # Keras' configuration of one
            optimizer = {optimizer["class_name"]: optimizer.get("config", {})}
        training = {"optimizer": optimizer} | {
            key: facts.get(key) for key in ("learning_rate", "batch_size", "steps_per_epoch", "epochs")
        }
        about = {
            "source": facts["source"],
            "task": facts["task"],
            "build": f"{self.name}({arguments})",
            "parameters": f"{facts['parameters']:,}" if facts.get("parameters") else None,
            "data": f"{facts.get('dataset')}; embedded: {facts.get('fallback_dataset')}",
            "training": ", ".join(f"{key} {in_words(value)}" for key, value in training.items() if value is not None),
            "zoo tune tries": ", ".join(f"{key} {value!r}" for key, value in facts.get("search_space", {}).items()),
            "trains fastest": f"on KERAS_BACKEND={facts['fastest_on']}" if "fastest_on" in facts else None,
        }
        rows = [*describe(about)]
        for name, weights in self.weights.items():
            rows.append((f"weights={name!r}", weights.licence))
            rows += describe({key: value for key, value in weights.to_json().items() if key != "licence"}, "  ")
        return f"{self.name}: {self.summary}\n\n{aligned([*rows, ('file', self.file)])}"


def cards() -> dict[str, Card]:
    """Every model by name: the shelves', installed packages', and those registered in this process.

    A file is read once, and again when it has changed.
    """
    by_name = _installed_cards()
    for entry in ENTRIES.values():
        by_name.setdefault(entry.name, card_of(entry))
    weights: dict[str, dict[str, WeightsCard]] = {}
    beside = (Path(card.file).with_name("weights") for card in by_name.values())
    for folder in dict.fromkeys([_folder("zoo.pretrained") / "weights", *beside]):
        for path in sorted(folder.glob("*-*.json")):
            if path.stem.partition("-")[0] in by_name:
                read = read_once(WeightsCard.read, path)
                weights.setdefault(read.model, {})[read.name] = read
    for name, own in weights.items():
        dataset = by_name[name].facts.get("dataset")
        by_name[name] = replace(by_name[name], weights=dict(sorted(own.items(), key=lambda item: item[0] != dataset)))
    return dict(sorted(by_name.items()))


def _installed_cards() -> dict[str, Card]:
    """The models of the shelves and of installed packages by name, without their weights."""
    shelves = [card for shelf in SHELVES for file in shelf_files(shelf) for card in read_once(read_cards, *file)]
    by_name = {card.name: card for card in shelves}
    for module, file in _package_files(tuple(sys.path), tuple(map(_stamp, sys.path))):
        for card in read_once(read_cards, module, file):
            by_name.setdefault(card.name, card)
    return by_name


def _stamp(path: str | Path) -> tuple[int, int] | None:
    """What changes when a file or a folder does; None where there is none."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def read_once(reader: Callable, *arguments: Any) -> Any:
    """What `reader` gives for a file, the last of its arguments, remembered for as long as the file is the same."""
    return _remembered(reader, arguments, _stamp(arguments[-1]))


@functools.lru_cache(maxsize=1000)
def _remembered(reader: Callable, arguments: tuple, stamp: tuple[int, int] | None) -> Any:
    return reader(*arguments)


@functools.lru_cache(maxsize=1)
def _package_files(path: tuple[str, ...], stamps: tuple) -> list[tuple[str, Path]]:
    """The modules that installed packages list, as (dotted name, file); looked for again when `sys.path` changes."""
    modules = []
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        try:
            spec = importlib.util.find_spec(point.module)
        except ImportError as error:  # its package is gone or broken: the others' models are still there
            warnings.warn(f"the models of {point.value} cannot be listed: {error}", stacklevel=3)
            continue
        if spec is not None and spec.origin:
            modules.append((point.module, Path(spec.origin)))
    return modules


def card(name: str) -> Card:
    """The card of one model.

    Raises:
        UsageError: no model has that name; the nearest is proposed.
    """
    known = cards()
    if name not in known:
        raise UsageError(f"no model is called {name!r}{did_you_mean(name, known)} `zoo list` shows all {len(known)}.")
    return known[name]


def definition(name: str) -> Definition:
    """The module that defines a model, and its classes, read from its text; no model has to have that name."""
    listed = cards().get(name)
    if listed is None:
        return NOWHERE
    try:
        tree = ast.parse(Path(listed.file).read_bytes())
        classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    except (OSError, SyntaxError, ValueError):  # what a notebook has defined lies in no file
        members = vars(sys.modules[listed.module]).items() if listed.module in sys.modules else ()
        classes = {key for key, value in members if inspect.isclass(value) and value.__module__ == listed.module}
    return Definition(listed.module, classes, name not in _installed_cards())


def entry(name: str) -> Entry:
    """Import the file of one model, and no other, and return its register entry.

    Args:
        name: a model's name, or the path of a Python file that registers exactly one model.

    Raises:
        ZooError: no such model, or the file does not import or register one.
    """
    if name.endswith(".py"):
        return entry_from_file(expand(name))
    if name not in ENTRIES:
        importlib.import_module(card(name).module)
    return ENTRIES[name]


def announced(name: str) -> Entry:
    """The same entry with a builder that imports the model's file when it is first called."""
    if name.endswith(".py") or name in ENTRIES:
        return entry(name)
    return Entry(name, functools.partial(build, name), **card(name).facts)


def build(name: str, **arguments: Any) -> Any:
    """What the builder of that model makes; its file is imported now."""
    return entry(name).builder(**arguments)


def entry_from_file(path: Path) -> Entry:
    """Run a model file of the user's own and return the entry that it registers."""
    if not path.is_file():
        raise UsageError(f"there is no file {str(path)!r}; give a model's name (`zoo list`) or a Python file.")
    path = path.resolve()
    for listed in cards().values():
        if Path(listed.file).resolve() == path:
            return entry(listed.name)
    spec = importlib.util.spec_from_file_location(f"zoo_user_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # the name ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except ZooError:
        raise
    except (Exception, SystemExit) as error:
        raise ZooError(f"{path} does not import: {type(error).__name__}: {error}") from error
    mine = [registered for registered in ENTRIES.values() if Path(registered.file).resolve() == path]
    if len(mine) != 1:
        raise ZooError(
            f"{path} registers {len(mine)} models; one is needed: put @zoo.register(task=..., source=...) "
            "on the function that builds it."
        )
    owner = cards()[mine[0].name].file  # a shelf's own model goes before one registered here
    if Path(owner).resolve() != path:
        del ENTRIES[mine[0].name]
        raise ZooError(
            f"two models are called {mine[0].name!r}: one in {owner}, one in {path}. Rename one of the two functions."
        )
    return mine[0]


def shelf_files(shelf: str) -> list[tuple[str, Path]]:
    """The modules on a shelf as (dotted name, file), in order; a leading underscore marks a helper."""
    return [(f"{shelf}.{file.stem}", file) for file in sorted(_folder(shelf).glob("[!_]*.py"))]


def _folder(package: str) -> Path:
    """The folder of a package of the zoo's, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ZooError(
            f"the shelf {package!r} is not there: this checkout is not installed. In its folder, type:\n"
            '    python -m pip install -e ".[samples]"'
        )
    return Path(spec.submodule_search_locations[0])


def read_cards(module: str, file: Path) -> list[Card]:
    """The cards in one model file, read from its syntax tree.

    Raises:
        ZooError: a keyword of `@register` or a default is not a literal, so that it cannot be read.
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    except NO_LITERAL as error:
        raise ZooError(f"{file} is no Python that can be read: {error}") from error
    listed = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or (call := _register_call(node)) is None:
            continue
        try:
            facts = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
            arguments = _defaults(node.args)
            if any(keyword.arg is None for keyword in call.keywords):
                raise ValueError("** hides which keywords there are")
        except NO_LITERAL as error:
            raise ZooError(
                f"{file}, line {node.lineno}: the keywords of @register and the defaults of {node.name}() must be "
                "literals, so that the model can be listed without importing it."
            ) from error
        summary = inspect.cleandoc(ast.get_docstring(node) or "").split("\n\n")[0]
        listed.append(Card(node.name, summary, arguments, current_names(facts), module, str(file)))
    return listed


def card_of(entry: Entry) -> Card:
    """The card of a model that was registered in this process rather than found on a shelf."""
    arguments = {name: p.default for name, p in inspect.signature(entry.builder).parameters.items()}
    facts = {
        field.name: getattr(entry, field.name)
        for field in fields(Entry)
        if field.name not in ("name", "builder") and getattr(entry, field.name) not in (field.default, {})
    }
    summary = (inspect.getdoc(entry.builder) or "").split("\n\n")[0]
    return Card(entry.name, summary, arguments, facts, entry.builder.__module__, entry.file)


def _register_call(node: ast.FunctionDef) -> ast.Call | None:
    """The `register(...)` or `zoo.register(...)` among a function's decorators."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            called = decorator.func
            if "register" in (getattr(called, "id", None), getattr(called, "attr", None)):
                return decorator
    return None


def _defaults(arguments: ast.arguments) -> dict:
    positional = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    pairs = [*zip(positional, arguments.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
    return {argument.arg: ast.literal_eval(default) for argument, default in pairs}
