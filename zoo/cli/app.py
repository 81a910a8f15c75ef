"""The command that starts the studio in the browser."""

import importlib.util
from pathlib import Path

import click
from click import argument, option

from zoo.api import is_saved_file
from zoo.cli.command import command
from zoo.cli.options import PATH
from zoo.console import note, say, say_json
from zoo.errors import UsageError


@command(calls="zoo.app.server:serve")
@argument("files", metavar="[FILE.keras]...", type=PATH, nargs=-1)
@option(
    "--port", type=click.IntRange(0, 65535), metavar="N", help="Where it listens, on this machine alone; 0 is any."
)
@option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def app(as_json, no_browser, files=(), **options) -> None:
    """Make and use classifiers in the browser, on this machine.

    Drop photos into boxes, and train; see what it gets wrong; try photos or the camera; save the classifier as one
    page to mail. Nothing leaves this machine: the studio listens on 127.0.0.1 alone. The address holds a key. Programs
    may ask, too: see docs/app.md.

    Examples:
      zoo app
      zoo app pets.keras                 with a classifier that is there already
      zoo app --no-browser --json        the address and the token, for programs
    """
    if missing := [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]:
        raise UsageError(
            f"the studio needs {' and '.join(missing)}; type: python -m pip install {' '.join(missing)}, "
            'or install the zoo with its extra: python -m pip install "keras-zoo[app]"'
        )
    from zoo.app.server import serve
    from zoo.saving import read_record

    for file in files:
        if not is_saved_file(file):
            raise UsageError(f"give saved .keras files, got {file!r}.")
        read_record(Path(file))  # what is none is better told of now

    def tell(address: str, token: str) -> None:
        if as_json:
            say_json({"address": address, "token": token})
        else:
            say(f"The studio is at {address}")
            note("Ctrl-C ends it. What is made there is kept.")

    serve([Path(file).resolve() for file in files], browser=not no_browser, say=tell, **options)
