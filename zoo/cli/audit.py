"""Commands that answer about single photos: explain, audit, forget; and the report on all of them."""

from pathlib import Path

import click
from click import argument, option

import zoo
from zoo.cli.command import command, interruptible, open_model
from zoo.cli.options import PATH, POSITIVE, model_argument, overwrite_option, weights_option
from zoo.console import note, say, say_json, table
from zoo.errors import UsageError, ZooError, printable
from zoo.files import claimed

MOST_EXPLAINED = 24  # photos that one figure shows


@command(calls="zoo.tasks.images.supervised:Supervised.explain")
@model_argument()
@argument("photos", metavar="PHOTO...", type=PATH, nargs=-1, required=True)
@option("--out", type=PATH, metavar="FILE.png", required=True, help="Where to draw the photos with the heat on them.")
@option("--label", metavar="NAME", help="The class or label to explain; without it, each photo's most probable one.")
@weights_option
@overwrite_option
def explain(name, photos, out, as_json, overwrite=False, label=None, weights=None) -> int:
    """Show where in photos a model looks: what speaks for a class or label, or raises a number.

    Examples:
      zoo explain pets.keras new.jpg --out heat.png
      zoo explain pets.keras new.jpg --label dog --out heat.png  what in it speaks for a dog
      zoo explain logistic chelsea --out heat.png
    """
    from zoo.data import sources
    from zoo.tasks.images.explanation import save_explanations
    from zoo.visualization.canvas import require_installed
    from zoo.visualization.grid import picture_output

    if Path(out).suffix.lower() != ".png":
        raise UsageError(f"--out writes a .png file, got {out!r}.")
    with claimed(out):
        picture_output(out, photos, overwrite)
        require_installed()
        model = open_model(name, "explain", weights)
        pictures = sources.named_pictures(list(photos))
        if len(pictures) > MOST_EXPLAINED:
            raise UsageError(f"one figure shows up to {MOST_EXPLAINED} photos; {len(pictures)} were given.")
        explained, results = [], []
        for picture in pictures:
            try:
                explained.append(why := model.explain(picture, label))
                results.append({**why.to_json(), "path": str(picture)})
            except UsageError:
                raise
            except ZooError as error:
                note(f"zoo explain: {printable(str(error))}")
                results.append({"path": str(picture), "error": str(error)})
        if explained:
            save_explanations(explained, out, overwrite)
    if as_json:
        say_json({"out": out if explained else None, "photos": results})
    else:
        for why in explained:
            say(describe_explanation(why))
        if explained:
            say(f"Saved {out}: the photos, and beside them what speaks for the answer, from yellow to red.")
    return 0 if len(explained) == len(pictures) else 1


def describe_explanation(why) -> str:
    """What is said of an explained photo: the label, and where the evidence is."""
    where = why.lacking if why.hottest is None else f"most of all {place_in_words(*why.hottest)}"
    return f"{printable(str(why.path or 'photo'))}: {printable(why.answer)}, {where}"


def place_in_words(x: float, y: float) -> str:
    """Where in a picture a place is, given as shares of its width and height.

    Example:
        >>> place_in_words(0.1, 0.9), place_in_words(0.5, 0.5), place_in_words(0.9, 0.5)
        ('at the bottom left', 'in the middle', 'at the right')
    """
    words = ("top", "", "bottom")[min(2, int(3 * y))], ("left", "", "right")[min(2, int(3 * x))]
    return f"at the {' '.join(filter(None, words))}" if any(words) else "in the middle"


@command(calls="zoo.transfer.report:report")
@argument("file", metavar="FILE.keras", type=PATH)
@option("--data", type=PATH, metavar="FOLDER", help="What FILE was made from; without it, where that lay.")
@option("--out", type=PATH, metavar="FILE.html", required=True, help="Where to write the page.")
@overwrite_option
def report(file, as_json, **options) -> None:
    """Write one page to mail: how good a model of photos is, and what is wrong with its photos.

    How good it is, with intervals; what it gets wrong and what it looked at; photos that are there twice; of classes
    what is confused, and labels that may be wrong. One HTML file that needs no other and no network.

    Examples:
      zoo report pets.keras --out pets.html
      zoo report pets.keras --data photos/ --out pets.html  where the photos have moved
    """
    with interruptible("What was computed is cached: the same command goes on from there."):
        written = zoo.report(file, **options)
    if as_json:
        return say_json(written)
    size = Path(written["out"]).stat().st_size
    say(f"Wrote {written['out']} ({size / 1e6:.1f} MB): {', '.join(written['sections'])}.")
    for line in written["missing"]:
        note(f"Not in it: {line}")


@command(calls="zoo.transfer.audit:audit")
@argument("train", metavar="FOLDER", type=PATH)
@option("--why", type=PATH, metavar="PHOTO", help="Say instead which photos decided what this one is taken for.")
@option("--unlabelled", type=PATH, metavar="DIR", help="Say instead which of these photos to label next.")
@option("--top", type=POSITIVE, metavar="N", help="How many photos to show; without it, 20.")
@option("--backbone", metavar="NAME", help="A pretrained network.")
@option("--precision", metavar="P", help="float32 or bfloat16; without it, the fastest here.")
@option("--skip-list", type=PATH, metavar="FILE", help="Pictures to leave out, as `zoo doctor --out` writes them.")
@option("--seed", type=int, metavar="N", help="Decides the folds of the cross-validation.")
def audit(train, as_json, top=20, why=None, unlabelled=None, **options) -> None:
    """Find photos whose label is probably wrong.

    FOLDER holds class folders; a dataset's name or a CSV file will do too. Each photo is judged by a classifier that
    never saw it. Nothing is changed.

    Examples:
      zoo audit photos/                              wrong labels, the worst first
      zoo audit photos/ --why new.jpg                the photos that decided, for and against
      zoo audit photos/ --unlabelled more/           which of these are worth a label
      zoo audit photos/ --json                       all suspects
    """
    if why and unlabelled:
        raise click.UsageError("--why and --unlabelled are two questions: leave out one of the two.")
    with interruptible("What was computed is cached: the same command goes on from there."):
        report = zoo.audit(train, **options)
        if why:
            return show_why(report.why(why), as_json, top)
        if unlabelled:
            return show_candidates(report.to_label(unlabelled), as_json, top)
    if as_json:
        return say_json(report)
    rows = [
        [photo.path, photo.label, photo.likelier, f"{photo.probability:.1%}", f"{photo.score:.3f}"]
        for photo in report.suspects[:top]
    ]
    if rows:
        say(table(rows, ["photo", "label", "likelier", "label's probability", "score"]))
    count, method = len(report.suspects), report.method
    say(f"{count} of {len(report.ranking)} labels are less likely than another one, by {method}.")
    if count > top:
        note("To see more of them: --top N, or --json for all.")


def show_why(why, as_json: bool, top: int) -> None:
    """Print what decided a prediction."""
    if as_json:
        return say_json(why.to_json(top))
    unseen = ", by a classifier that never saw it" if why.left_out else ""
    say(f"{printable(why.path)}: {printable(why.label)} {why.probability:.1%}{unseen}")
    say(f"{why.margin:.2f} logits before {printable(why.rather_than)}; without one photo this changes by:")
    rows = [
        [photo.path, photo.label, f"{-photo.influence:+.3f}"] for photo in (*why.in_favour(top), *why.against(top))
    ]
    say(table(rows, ["photo", "label", "logits"]))


def show_candidates(candidates, as_json: bool, top: int) -> None:
    """Print which photos to label next."""
    if as_json:
        return say_json(candidates)
    rows = [
        [photo.path, photo.label, f"{photo.margin:.3f}", f"{photo.distance:.2f}", f"{photo.score:.3f}"]
        for photo in candidates[:top]
    ]
    say(table(rows, ["photo", "taken for", "margin", "distance", "score"]))


@command(calls="zoo.transfer.forget:forget")
@argument("file", metavar="FILE.keras", type=PATH)
@argument("photos", metavar="PHOTO...", type=PATH, nargs=-1, required=True)
@option("--data", type=PATH, metavar="FOLDER", help="What FILE was made from; without it, where that lay.")
@option("--out", type=PATH, metavar="FILE.keras", help="Where to save (the same file).")
@overwrite_option
def forget(file, photos, as_json, **options) -> None:
    """Make a fine-tuned classifier as if it had never seen some photos.

    Its head is solved again without them, and the file forgets their hashes.

    Examples:
      zoo forget pets.keras photos/cats/anna.jpg     in place; then delete the photo itself
      zoo forget pets.keras anna/ --data photos/ --out without.keras
    """
    with interruptible("Nothing was changed."):
        classifier = zoo.forget(file, list(photos), **options)
    out, pictures = str(options.get("out", file)), classifier._known_pictures
    if as_json:
        counts = {"training": len(pictures.trained_on), "validation": len(pictures.held_out)}
        return say_json({"out": out, "pictures": counts, "metrics": classifier.metrics})
    say(f"Saved {out} ({Path(out).stat().st_size / 1e6:.1f} MB), trained on {len(pictures.trained_on)} photos.")
    if "accuracy" in classifier.metrics:
        say(f"accuracy {classifier.metrics['accuracy']}, on pictures that were not trained on")
    note("The photos themselves were not touched.")
