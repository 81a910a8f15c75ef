"""The catalog: what stands on the shelves, read from the files' text without importing them."""

import ast
import functools
import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import sys
import warnings
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from zoo.errors import UsageError, ZooError
from zoo.registry import ENTRIES, NO_LITERAL, Entry, did_you_mean

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
    """

    name: str
    summary: str
    arguments: dict
    facts: dict
    module: str
    file: str

    def to_json(self) -> dict:
        return asdict(self)

    def __str__(self):
        rows = {"source": self.facts["source"], "task": self.facts["task"]}
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        rows["build"] = f"{self.name}({arguments})"
        if self.facts.get("parameters"):
            rows["parameters"] = f"{self.facts['parameters']:,}"
        rows["data"] = f"{self.facts.get('dataset')}; embedded: {self.facts.get('offline')}"
        rows["training"] = ", ".join(
            f"{key}={self.facts[key]!r}"
            for key in ("optimizer", "learning_rate", "batch_size", "steps_per_epoch", "epochs")
            if key in self.facts
        )
        if "fastest_on" in self.facts:
            rows["trains fastest"] = f"on KERAS_BACKEND={self.facts['fastest_on']}"
        for name, facts in self.facts.get("weights", {}).items():
            rows[f"weights={name!r}"] = facts.get("licence", "licence not stated")
            rows |= {f"  {key}": value for key, value in facts.items() if key != "licence"}
        rows["file"] = self.file
        width = max(map(len, rows))
        lines = [f"{key:<{width}}  {value}" for key, value in rows.items() if value]
        return "\n".join([f"{self.name}: {self.summary}", "", *lines])


def cards() -> dict[str, Card]:
    """Every model by name: the shelves', installed packages', and those registered in this process."""
    found = {card.name: card for shelf in SHELVES for file in shelf_files(shelf) for card in read_cards(*file)}
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        try:
            spec = importlib.util.find_spec(point.module)
        except ImportError as error:  # its package is gone or broken: the others' models are still there
            warnings.warn(f"the models of {point.value} cannot be listed: {error}", stacklevel=2)
            continue
        if spec is not None and spec.origin:
            for card in read_cards(point.module, Path(spec.origin)):
                found.setdefault(card.name, card)
    for entry in ENTRIES.values():
        found.setdefault(entry.name, card_of(entry))
    for name, weights in own_weights().items():
        if name in found:
            facts = found[name].facts
            weights = facts.get("weights", {}) | weights
            # those of the model's own dataset are the first, which are taken when nobody says which
            weights = dict(sorted(weights.items(), key=lambda item: item[0] != facts.get("dataset")))
            found[name] = replace(found[name], facts={**facts, "weights": weights})
    return dict(sorted(found.items()))


def from_a_package(weights: dict) -> bool:
    """Whether trained weights are those that a package carries; else they are a saved file of the zoo's own.

    Args:
        weights: one value of `Entry.weights`.
    """
    return "package" in weights


def own_weights() -> dict[str, dict[str, dict]]:
    """The trained weights that the zoo itself carries, by model and name: files `MODEL-NAME.keras` and a card beside.

    Returns:
        For each the content of its card, and its "file".
    """
    (folder,) = importlib.util.find_spec("zoo.pretrained").submodule_search_locations
    found: dict[str, dict[str, dict]] = {}
    for card in sorted(Path(folder, "weights").glob("*.json")):
        model, _, name = card.stem.partition("-")
        file = str(card.with_suffix(".keras"))
        found.setdefault(model, {})[name] = {**json.loads(card.read_text(encoding="utf-8")), "file": file}
    return found


def card(name: str) -> Card:
    """The card of one model.

    Raises:
        UsageError: no model has that name; the nearest is proposed.
    """
    known = cards()
    if name not in known:
        raise UsageError(f"no model is called {name!r}{did_you_mean(name, known)} `zoo list` shows all {len(known)}.")
    return known[name]


def entry(name: str) -> Entry:
    """Import the file of one model, and no other, and return its register entry.

    Args:
        name: a model's name, or the path of a Python file that registers exactly one model.

    Raises:
        ZooError: no such model, or the file does not import or register one.
    """
    if name.endswith(".py"):
        return entry_from_file(Path(name))
    if name not in ENTRIES:
        importlib.import_module(card(name).module)
    return ENTRIES[name]


def announced(name: str) -> Entry:
    """The same entry with a builder that imports the model's file when it is first called."""
    if name.endswith(".py") or name in ENTRIES:
        return entry(name)
    return Entry(name, functools.partial(_build, name), **card(name).facts)


def _build(name: str, **arguments):
    return entry(name).builder(**arguments)


def entry_from_file(path: Path) -> Entry:
    """Run a model file of the user's own and return the entry that it registers."""
    if not path.is_file():
        raise UsageError(f"there is no file {str(path)!r}; give a model's name (`zoo list`) or a Python file.")
    path = path.resolve()
    for known in [*ENTRIES.values(), *map(_imported, _on_shelf(path))]:
        if Path(known.file).resolve() == path:
            return known
    spec = importlib.util.spec_from_file_location(f"zoo_user_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except ZooError:
        raise
    except (Exception, SystemExit) as error:
        raise ZooError(f"{path} does not import: {type(error).__name__}: {error}") from error
    mine = [entry for entry in ENTRIES.values() if Path(entry.file).resolve() == path]
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
    spec = importlib.util.find_spec(shelf)
    if spec is None or not spec.submodule_search_locations:
        raise ZooError(
            f"the shelf {shelf!r} is not there: this checkout is not installed. In its folder, type:\n"
            '    python -m pip install -e ".[samples]"'
        )
    folder = Path(spec.submodule_search_locations[0])
    return [(f"{shelf}.{file.stem}", file) for file in sorted(folder.glob("[!_]*.py"))]


def read_cards(module: str, file: Path) -> list[Card]:
    """The cards in one model file, read from its syntax tree.

    Raises:
        ZooError: a keyword of `@register` or a default is not a literal, so that it cannot be read.
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    except NO_LITERAL as error:
        raise ZooError(f"{file} is no Python that can be read: {error}") from error
    found = []
    for node in tree.body:
        call = _register_call(node)
        if call is None:
            continue
        try:
            facts = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
            arguments = _defaults(node.args)
            if None in facts:
                raise ValueError("** hides which keywords there are")
        except NO_LITERAL as error:
            raise ZooError(
                f"{file}, line {node.lineno}: the keywords of @register and the defaults of {node.name}() must be "
                "literals, so that the model can be listed without importing it."
            ) from error
        summary = inspect.cleandoc(ast.get_docstring(node) or "").split("\n\n")[0]
        found.append(Card(node.name, summary, arguments, facts, module, str(file)))
    return found


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


def _on_shelf(path: Path) -> list[str]:
    """The names of the models that `path` holds when it is itself a file of a shelf."""
    return [
        card.name
        for shelf in SHELVES
        for module, file in shelf_files(shelf)
        if file.resolve() == path
        for card in read_cards(module, file)
    ]


def _imported(name: str) -> Entry:
    return entry(name)


def _register_call(node) -> ast.Call | None:
    """The `register(...)` or `zoo.register(...)` among a function's decorators."""
    if not isinstance(node, ast.FunctionDef):
        return None
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
