"""How a command is made, its errors and exit status, and what several commands do."""

import contextlib
import copy
import inspect
import itertools
import pkgutil
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

import zoo
from zoo import catalog
from zoo.api import is_saved_file, is_vector_file
from zoo.cli.options import WordsOption
from zoo.console import note, say_json
from zoo.errors import UsageError, ZooError

METHODS = {  # command -> the method that a model must have for it
    "evaluate": "evaluate",
    "predict": "predict",
    "generate": "generate",
    "chat": "reply",
    "similar": "most_similar",
    "reconstruct": "reconstruct",
    "sample": "sample",
    "visualise": "visualise",
    "explain": "explain",
    "relabel": "relabel",
    "export": "export",
}


class WithExamples(click.Command):
    """A command whose epilog is examples, shown as they stand there."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            formatter.write(f"{self.epilog}\n")


class Command(WithExamples):
    """A command. Its function is passed only what was typed: defaults stand in the library's signatures.

    Args:
        calls: the library's function that takes the options, as "module:function"; help shows its defaults.
    """

    def __init__(self, *args, calls: str | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.calls = calls
        self.params.append(click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON."))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        greedy = {name for param in self.params if isinstance(param, WordsOption) for name in param.opts}
        return super().parse_args(ctx, spread(args, greedy))

    def invoke(self, ctx: click.Context) -> int:
        """Run the command; returns the exit status: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
        ctx.params = {name: value for name, value in ctx.params.items() if value not in (None, ())}
        try:
            return super().invoke(ctx) or 0
        except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
            return 0
        except KeyboardInterrupt as interrupt:
            note(f"\nzoo {ctx.info_name}: interrupted. {interrupt}".rstrip())
            return 128 + signal.SIGINT
        except Exception as error:
            reason = message_for(error)
            if reason is None:
                raise
            note(f"zoo {ctx.info_name}: {reason}")
            if ctx.params["as_json"]:
                say_json({"error": reason})
            return 2 if isinstance(error, UsageError) else 1

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        parameters = inspect.signature(pkgutil.resolve_name(self.calls)).parameters if self.calls else {}
        records = []
        for option in self.get_params(ctx):
            if isinstance(option, click.Option):
                if option.name in parameters and parameters[option.name].default is not inspect.Parameter.empty:
                    option = copy.copy(option)
                    option.default, option.show_default = parameters[option.name].default, True
                records.append(option.get_help_record(ctx))
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record])  # hidden ones have none


def message_for(error: Exception) -> str | None:
    """What people are told of an error that is none of the program's; None of any other.

    Example:
        >>> message_for(MemoryError())
        'there is not enough memory. End other programs, or allow this one more (`ulimit -v`).'
        >>> message_for(ModuleNotFoundError(name="torch"))
        'the package torch is not installed. `zoo doctor --env` shows what is, and what Keras runs on.'
        >>> message_for(ImportError("Traceback ...\\nImportError: libx.so: failed to map segment\\n..."))[:59]
        'a library cannot be loaded: libx.so: failed to map segment.'
        >>> message_for(KeyError("a mistake in the program"))
    """
    if isinstance(error, OSError) and error.strerror:  # a full disk, a folder that may not be written
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, ZooError | OSError) or (isinstance(error, ImportError) and "checkout" in str(error)):
        return str(error)
    more = "End other programs, or allow this one more (`ulimit -v`)."
    if isinstance(error, MemoryError) or str(error) == "can't start new thread":
        return f"there is not enough memory{': ' if str(error) else ''}{error}. {more}"
    if isinstance(error, ModuleNotFoundError):
        name = (error.name or "zoo").partition(".")[0]
        missing = f"the package {name} is not installed. `zoo doctor --env` shows what is, and what Keras runs on."
        return None if name == "zoo" else missing
    # a compiled part of a package, rather than a name that is not there; TensorFlow puts a traceback around the reason
    if isinstance(error, ImportError) and "cannot import name" not in str(error):
        reason = re.search(r"^\w+Error: (.*)$", str(error), re.MULTILINE)
        return f"a library cannot be loaded: {reason[1] if reason else error}. Is there not enough memory? {more}"
    return None


def command(calls: str | None = None) -> Callable[[Callable], Command]:
    """Make a command of a function; its docstring is the help, with a section "Examples:" at the end."""

    def decorate(function) -> Command:
        about, _, examples = inspect.cleandoc(function.__doc__).partition("\n\nExamples:\n")
        name = function.__name__.rstrip("_").replace("_", "-")
        return click.command(name, cls=Command, calls=calls, help=about, epilog=examples)(function)

    return decorate


def spread(args: list[str], greedy: set[str]) -> list[str]:
    """Give each word behind a greedy option an option of its own.

    Example:
        >>> spread(["cnn", "--set", "a=1", "b=2", "--json"], {"--set"})
        ['cnn', '--set=a=1', '--set=b=2', '--json']
        >>> spread(["--set"], {"--set"})
        ['--set=']
    """
    result, option = [], None
    for word, following in itertools.pairwise([*args, "-"]):
        if not word.startswith("-"):
            result.append(f"{option}={word}" if option else word)
            continue
        option = word if word in greedy else None
        if not option:
            result.append(word)
        elif following.startswith("-"):
            result.append(f"{option}=")
    return result


@contextlib.contextmanager
def interruptible(advice: str, folder: Path | None = None) -> Iterator[None]:
    """Work that Ctrl-C may end: the command then says how to go on.

    Args:
        advice: what is kept, and what to type.
        folder: what is kept lies there; nothing is said while there is no such folder.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(advice if folder is None or folder.is_dir() else "") from None


def open_model(name: str, verb: str, weights: str | None = None) -> Any:
    """The saved file, or the model with its trained weights, if the command `verb` is for its kind of model.

    Args:
        name: a `.keras` file, a file of word vectors, or a model's name.
        verb: a command, a key of `METHODS`.
        weights: which of its trained weights; None takes those of its own dataset, or else the first.
    """
    if is_saved_file(name) or is_vector_file(name):
        if weights:
            raise UsageError(f"{name} is a file and has its weights: leave out --weights.")
        model = zoo.load(name)
    elif weights := weights or next(iter(catalog.card(name).weights), None):
        model = zoo.get(name, weights=weights)
    else:
        raise ZooError(
            f"{name} comes without trained weights: train it first (`zoo train {name}`) and give the saved file."
        )
    if not hasattr(model, METHODS[verb]):
        fitting = ", ".join(verb for verb, method in METHODS.items() if hasattr(model, method))
        raise UsageError(f"{name} is a model for {model.entry.task} and has no `zoo {verb}`; it has {fitting}.")
    return model


def default_output(name: str, data: Any, overwrite: bool) -> str:
    """The file `name`, for who named none, unless it holds what was made from other data.

    Raises:
        ZooError: it does, and is not to be overwritten.
    """
    from zoo.data.dataset import place_of
    from zoo.saving import read_record

    made_from = None
    with contextlib.suppress(ZooError):  # no file of the zoo's: who writes it will say so
        made_from = read_record(Path(name)).content["data"].get("place")
    if data is not None and made_from not in (None, place_of(data)) and not overwrite:
        raise UsageError(
            f"{name} is there already and was made from other data. To keep both, name the new one: "
            f"--out {Path(name).stem}-2.keras. To replace it: --overwrite."
        )
    return name


def page_to_write(option: str, path: str, inputs: list[str], overwrite: bool) -> None:
    """Refuse what no page can be written to, before anything is computed.

    Raises:
        UsageError: it is called like no page.
        ZooError: something else is there.
    """
    from zoo.visualization.pages import page_output

    if not path.endswith((".html", ".htm")):
        raise UsageError(f"{option} writes an .html file, got {path!r}.")
    page_output(path, inputs, overwrite)


def with_defaults(function, *args, **options) -> dict:
    """All arguments that a call would have, by name, its defaults among them.

    Example:
        >>> with_defaults(lambda n=64, seed=None: ..., seed=1)
        {'n': 64, 'seed': 1}
    """
    bound = inspect.signature(function).bind(*args, **options)
    bound.apply_defaults()
    return dict(bound.arguments)
