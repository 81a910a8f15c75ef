"""Options and arguments that several commands have."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from zoo import catalog


class PathType(click.Path):
    """A path with `~` for people's home, which a shell leaves in `--out=~/pets.keras`; the shell completes it.

    The library says what is wrong with a path.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return os.path.expanduser(super().convert(value, param, ctx))  # noqa: PTH111 "./faces" is not "faces"


PATH = PathType(readable=False)
POSITIVE = click.IntRange(min=1)


class WordsOption(click.Option):
    """An option that takes every word up to the next option: `--augment flip shift`. Its value is a tuple."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, multiple=True, **kwargs)


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Models' names and saved files that begin so."""
    names = [*catalog.cards(), *map(str, Path(incomplete or ".").parent.glob("*.keras"))]
    items = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return [*items, CompletionItem(incomplete, type="file")]


def model_argument(metavar: str = "FILE.keras|NAME") -> Callable:
    return click.argument("name", metavar=metavar, shell_complete=complete_model)


data_argument = click.argument("data", metavar="[DATA]", type=PATH, required=False)
seed_option = click.option("--seed", type=int, metavar="N", help="The same one draws the same.")
temperature_option = click.option("--temperature", type=float, metavar="X", help="0 is always the most probable.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace what is there, whatever it is.")
weights_option = click.option("--weights", metavar="W", help="Which trained weights of a NAME; without it, its first.")
