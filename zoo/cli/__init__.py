"""The `zoo` command: reads words, calls the library, prints results to standard output, the rest to standard error."""

import io
import sys

import click

from zoo._version import __version__
from zoo.cli import app, audit, images, japanese, models, text, upkeep
from zoo.cli.command import WithExamples
from zoo.console import note, say_json, writing_results
from zoo.errors import ZooError
from zoo.registry import did_you_mean

SECTIONS = {
    "To begin with": (upkeep.demo, app.app, models.list_, models.show),
    "Your own photos": (
        images.finetune,
        images.predict,
        images.doctor,
        images.embed,
        images.relabel,
        audit.explain,
        audit.report,
        audit.audit,
        audit.forget,
    ),
    "Any model": (
        models.train,
        models.find_learning_rate,
        models.tune,
        models.evaluate,
        models.export,
        models.import_,
        models.check,
        models.trace,
    ),
    "Models of pictures": (images.reconstruct, images.sample, images.visualise),
    "Models of text": (text.generate, text.chat, text.similar),
    "The zoo itself": (models.bench, upkeep.reproduce, upkeep.cache, upkeep.completion),
}


class CommandGroup(WithExamples, click.Group):
    """All commands, in sections."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        if not (ctx.resilient_parsing or args[0].startswith("-") or args[0] in self.commands):
            ctx.fail(f"no command is called {args[0]!r}{did_you_mean(args[0], self.commands)} `zoo` shows them all.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.commands))
        in_japanese = japanese.is_wanted()
        for title, commands in SECTIONS.items():
            with formatter.section(japanese.TITLES[title] if in_japanese else title):
                helps = [
                    japanese.COMMANDS[c.name or ""] if in_japanese else c.get_short_help_str(formatter.width)
                    for c in commands
                ]
                formatter.write_dl([(f"{c.name:<{width}}", text) for c, text in zip(commands, helps, strict=True)])

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not japanese.is_wanted():
            return super().format_help_text(ctx, formatter)
        formatter.write(f"\n  {japanese.SUMMARY}\n")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not japanese.is_wanted():
            return super().format_epilog(ctx, formatter)
        with formatter.section(japanese.TITLES["Examples"]):
            formatter.write(f"{japanese.EXAMPLES}\n")


group = CommandGroup(
    "zoo",
    commands=[command for commands in SECTIONS.values() for command in commands],
    help="A Keras 3 model zoo: models of the courses, and a classifier of your own photos in seconds.",
    epilog="""\
  zoo demo                                   does it work here? Half a minute, on sample pictures
  zoo list                                   every model
  zoo predict efficientnet_lite0 cat.jpg     what is in this picture? (1000 ImageNet classes, offline)
  zoo finetune photos/ --out pets.keras      a classifier of your own photos
  zoo predict pets.keras new.jpg             use it
  zoo train logistic --data faces            train a model of the course""",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 119},
)
click.version_option(__version__, "-V", "--version", prog_name="zoo", message="%(prog)s %(version)s")(group)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status, see `Command.invoke`."""
    words = sys.argv[1:] if argv is None else argv
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without Unicode shows escapes rather than an error
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with writing_results():  # help and version; what a command says is its own
            try:
                return group.main(words or ["--help"], prog_name="zoo", standalone_mode=False) or 0
            except click.ClickException as error:
                error.show(shown := io.StringIO())
                note(shown.getvalue().rstrip())
                if "--json" in words:
                    say_json({"error": error.format_message()})
                return error.exit_code
    except (BrokenPipeError, SystemExit):  # nobody reads any more, and click's word for that
        return 0
    except ZooError as error:
        note(f"zoo: {error}")
        return 1
