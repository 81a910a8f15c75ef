"""Options and arguments that several commands have."""

from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from zoo import catalog

PATH = click.Path(readable=False)  # so that the shell completes it; the library says what is wrong with a path
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
weights_option = click.option("--weights", metavar="W", help="Which trained weights of a NAME; without it, its first.")
