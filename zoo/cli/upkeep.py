"""Commands around the models: demo, reproduce, cache, completion."""

from pathlib import Path

import click
from click import argument, option
from click.shell_completion import get_completion_class

import zoo
from zoo.cli.command import command, interruptible
from zoo.cli.options import PATH, POSITIVE, overwrite_option
from zoo.console import say, say_json
from zoo.errors import UsageError, printable
from zoo.files import home

SHELLS = {  # how to install the script of each
    "bash": "zoo completion bash >> ~/.bashrc",
    "zsh": "zoo completion zsh >> ~/.zshrc",
    "fish": "zoo completion fish > ~/.config/fish/completions/zoo.fish",
}

NEXT = """put photos of your own into a folder, those of each class into a folder of its own there, and type
  zoo doctor photos/
  zoo finetune photos/
  zoo predict photos.keras new.jpg"""


@command()
@option("--out", type=PATH, metavar="DIR", default="zoo-demo", show_default=True, help="The folder for the files.")
@overwrite_option
def demo(out, as_json, overwrite) -> None:
    """Try it: train classifiers on sample pictures, and use them.

    Takes half a minute and no network. The pictures come with `pip install "keras-zoo[samples]"`.

    Examples:
      zoo demo
      zoo demo --out somewhere
    """
    from PIL import Image

    from zoo.data import named, sources
    from zoo.visualization.grid import picture_output, save_picture

    folder, accuracy, predictions = Path(out), {}, []
    tell = (lambda text: None) if as_json else say
    with interruptible("What was computed is cached: the same command goes on from there."):
        for data in ("textures", "faces"):
            accuracy[data] = zoo.finetune(data, out=folder / f"{data}.keras", overwrite=overwrite).metrics["accuracy"]
            tell(f"accuracy {accuracy[data]}, on pictures of {data} that were not trained on")
    held_out = sources.load("textures").splits["validation"]
    pictures = [folder / f"{label}.png" for label in held_out.labels]
    for label, path in zip(held_out.labels, pictures, strict=True):
        save_picture(Image.fromarray(held_out.of_class(label).items[0]), picture_output(path, overwrite=overwrite))
    asked = {
        "textures.keras": (zoo.load(folder / "textures.keras"), pictures),
        "efficientnet_lite0": (zoo.get("efficientnet_lite0", weights="imagenet"), [named.sample_picture("chelsea")]),
    }
    for by, (model, shown) in asked.items():
        for prediction in model.predict(shown, top=3):
            predictions.append({**prediction.to_json(), "by": by})
            tell(f"{Path(prediction.path).name}: {prediction.ranked()}, says {by}")
    if as_json:
        return say_json({"folder": out, "accuracy": accuracy, "predictions": predictions})
    say(f"Everything works. The classifiers and the pictures lie in {folder}.\nNext: {NEXT}")


@command()
@argument("name", metavar="[NAME]", required=False)
@option("--seeds", type=POSITIVE, metavar="N", help="How many seeds; without it, the study's own number.")
@option("--out", type=PATH, metavar="DIR", help="Where rows and figure go (studies/NAME).")
@overwrite_option
def reproduce(as_json, name=None, **options) -> None:
    """Run a study: an experiment with its table, figure and verdict.

    NAME is the study; without one, all are listed.

    Examples:
      zoo reproduce                                  every study, how long it takes, what it asks
      zoo reproduce vanishing_gradient               table, figure and rows in studies/vanishing_gradient
      zoo reproduce optimizers --seeds 5 --out runs  finished rows are kept: the same command goes on
    """
    if name:
        with interruptible("Finished rows are kept; the same command goes on."):
            outcome = zoo.reproduce(name, **options)
        return say_json(outcome) if as_json else say(outcome)
    from zoo.studies.definitions import STUDIES

    if any(options.values()):
        raise UsageError("give the name of a study; `zoo reproduce` lists them.")
    if as_json:
        shown = ("name", "question", "seeds", "minutes")
        return say_json([{key: getattr(study, key) for key in shown} for study in STUDIES.values()])
    width = max(map(len, STUDIES))
    for study in STUDIES.values():
        say(f"{study.name:<{width}}  {study.minutes:>2} min  {study.question}")


@command()
@option("--prune", type=float, metavar="DAYS", help="Remove what was not used for DAYS days.")
def cache(as_json, prune=None) -> None:
    """Show what the zoo keeps on disk, or remove it.

    Examples:
      zoo cache
      zoo cache --prune 30      remove what was not used for 30 days
      zoo cache --prune 0       remove all of it
    """
    from zoo.transfer import cache

    if prune is not None and prune < 0:
        raise UsageError(f"--prune takes a number of days, 0 or more; got {prune:g}.")
    removed = [] if prune is None else cache.prune(prune)
    kept = list(cache.cached())
    if as_json:
        return say_json({"folder": str(home()), "kept": kept, "removed": removed})
    say(f"The cache is {home()} (set ZOO_HOME to move it).")
    for word, items in (("removed ", removed), ("", kept)):
        for item in items:
            how = "" if item["engine"] is None else f" by {item['engine']} in {item['precision']}"
            rows = "" if item["rows"] is None else f"{item['rows']} rows, "
            say(
                f"{word}{item['kind']}: {printable(str(item['network']))}{how}: {rows}"
                f"{item['bytes'] / 1e6:.1f} MB, last used {item['days']:.1f} days ago"
            )


@command()
@argument("shell", metavar="|".join(SHELLS), type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(ctx, shell, as_json) -> None:
    """Print a script that completes commands, options and models' names in a shell.

    Examples:
      zoo completion bash >> ~/.bashrc
      zoo completion zsh >> ~/.zshrc
      zoo completion fish > ~/.config/fish/completions/zoo.fish
    """
    script = get_completion_class(shell)(ctx.find_root().command, {}, "zoo", "_ZOO_COMPLETE").source()
    script += f"\n# To install it: {SHELLS[shell]}; then open a new terminal.\n"
    say_json({"shell": shell, "script": script}) if as_json else say(script, end="")
