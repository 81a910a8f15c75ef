"""Commands for models of pictures: finetune, doctor, predict, relabel, reconstruct, sample, visualise."""

import itertools
import shlex
from pathlib import Path

import click
from click import argument, option

import zoo
from zoo import environment
from zoo.api import is_saved_file
from zoo.cli.command import (
    command,
    default_output,
    interruptible,
    open_model,
    page_to_write,
    with_defaults,
)
from zoo.cli.options import (
    PATH,
    POSITIVE,
    data_argument,
    model_argument,
    overwrite_option,
    seed_option,
    weights_option,
)
from zoo.cli.tables import GrowingTable
from zoo.console import note, progress_bar, say, say_json
from zoo.errors import UsageError, ZooError, printable
from zoo.files import claimed


@command(calls="zoo.transfer.finetune:finetune")
@argument("train", metavar="TRAIN", type=PATH)
@option("--val", "validation", type=PATH, metavar="DIR", help="Pictures to measure on.")
@option("--val-split", type=float, metavar="SHARE", help="Share to hold out to measure on; without it, 0.2.")
@option("--target", metavar="KIND", help="What is learned: classes, labels or numbers; without it, as the data say.")
@option("--backbone", metavar="NAME", help="A network, or auto.")
@option("--weights-file", type=PATH, metavar="FILE", help="The network's weights: a file that you have.")
@option("--out", type=PATH, metavar="FILE.keras", help="Where to save (TRAIN.keras).")
@option("--augment", type=int, metavar="K", help="Add K augmented views of each picture.")
@option("--views", metavar="K", help="Average K views of each picture, here and in predictions; or auto.")
@option("--unfreeze", metavar="WHAT", help="What learns, too: none, the last block, N blocks, all, or auto.")
@option("--epochs", type=int, metavar="N", help="How long unfrozen blocks learn; without it, a few epochs.")
@option("--mix", type=click.Choice(["mixup", "cutmix"]), help="Unfrozen blocks are shown two pictures at once.")
@option("--class-weight", type=click.Choice(["balanced"]), help="balanced: all classes count alike, rare ones too.")
@option("--precision", metavar="P", help="float32 or bfloat16, to train on; without it, the fastest here.")
@option("--errors", type=PATH, metavar="FILE.html", help="Write a page of the held-out pictures that it gets wrong.")
@option("--report", type=PATH, metavar="FILE.html", help="Write one page to mail, as `zoo report` does.")
@option("--skip-list", type=PATH, metavar="FILE", help="Pictures to leave out, as `zoo doctor --out` writes them.")
@option("--seed", type=int, metavar="N", help="Decides which pictures are held out.")
@overwrite_option
def finetune(train, as_json, overwrite, out=None, errors=None, report=None, **options) -> None:
    """Train a classifier of your own pictures in seconds, or what gives them several labels or a number.

    TRAIN is a folder of class folders, a dataset's name or a CSV file. A CSV file may have several labels a picture,
    with | between them, or numbers; and a photo may be linked into several folders.

    Examples:
      zoo finetune photos/                           one folder a class; a fifth is held out
      zoo finetune photos/train --val photos/val --out pets.keras
      zoo finetune photos/ --errors wrong.html       and a page of what it gets wrong
      zoo finetune photos/ --report page.html        and one page to mail with all that is known of it
      zoo finetune labels.csv --augment 4 --backbone efficientnet_lite1
      zoo finetune photos/ --views auto              looks at each picture four times, where that pays
      zoo finetune photos/ --unfreeze auto           the backbone learns, too, where that pays: a minute or more
      zoo finetune ages.csv --target numbers         whole numbers are taken as classes, unless you say so
      zoo finetune textures                          an embedded dataset, no network needed
    """
    if {"validation", "val_split"} <= {*options}:
        raise click.UsageError("--val and --val-split exclude each other: leave out one of the two.")
    out = Path(out or default_output(f"{default_name(train)}.keras", train, overwrite))
    if errors:
        page_to_write("--errors", errors, [train], overwrite)
    if report:
        page_to_write("--report", report, [train], overwrite)
    with interruptible("What was computed is cached: the same command goes on from there."):
        classifier = zoo.finetune(train, out=out, overwrite=overwrite, **options)
    summary = classifier.summary
    if errors:
        evaluation = summary["validation"]
        evaluation.page(errors, f"{out} on what was held out of {train}", overwrite)
        note(f"Wrote {errors}: {len(evaluation.errors())} mistakes.")
    if report:
        from zoo.transfer.report import write_report

        written = write_report(
            classifier,
            out,
            report,
            data=train,
            evaluation=summary["validation"],
            history=summary["unfrozen"].get("history") if summary["unfrozen"]["blocks"] else None,
            overwrite=overwrite,
        )
        note(f"Wrote {report}: {len(written['sections'])} sections.")
    if as_json:
        return say_json(summary)
    features, seconds = summary["features"], summary["seconds"]
    if summary["duplicates"]:
        say(f"{summary['duplicates']} training pictures are also among those held out; they were not trained on.")
    say(f"{classifier._headline(summary['validation'])}, on pictures that were not trained on")
    say(classifier._details(summary["validation"]))
    say(
        f"Features: {features['computed']} computed by {features['engine']} in {features['precision']}, "
        f"{features['cached']} from the cache."
    )
    if losses := summary["views"]["losses"]:
        compared = ", ".join(f"{loss:.3f} with {views}" for views, loss in losses.items())
        say(f"Views of each picture: {summary['views']['averaged']}. Cross-validated loss in training: {compared}.")
    if "watched" in summary["unfrozen"]:
        say(unfreezing(summary["unfrozen"]))
    say("Seconds: " + ", ".join(f"{step} {value:.1f}" for step, value in seconds.items()))
    say(f"Saved {out} ({out.stat().st_size / 1e6:.1f} MB). Next: zoo predict {out} PICTURE.jpg")


def unfreezing(done: dict) -> str:
    """What unfreezing came to, in a sentence or two."""
    watched = done["watched"]
    frozen, unfrozen = (f"{watched[way]['accuracy']:.1%}" for way in ("frozen", "unfrozen"))
    blocks = "block" if done["tried"] == 1 else f"{done['tried']} blocks"
    chosen = f"the last {blocks} of {done['of']} learned" if done["blocks"] else "all blocks stay frozen"
    return (
        f"Unfreezing: {chosen}. On {watched['pictures']} training pictures that were only watched, the frozen network "
        f"was right on {frozen}, and on {unfrozen} once the last {blocks} had learned (best after epoch "
        f"{done['best_epoch']})."
    )


def default_name(train: str) -> str:
    """A file's name for a classifier of `train`: the folder's, or its parent's where the folder is only "train"."""
    path = Path(train.removeprefix("tfds:")).resolve()
    return (path.parent if path.name == "train" else path).stem or "classifier"


@command(calls="zoo.transfer.embed:embed")
@argument("images", metavar="IMAGE|FOLDER...", type=PATH, nargs=-1, required=True)
@option("--out", type=PATH, metavar="FILE", required=True, help="Where to write: .npz, or .parquet (extra tables).")
@option("--backbone", metavar="NAME", help="A pretrained network.")
@option("--precision", metavar="P", help="float32 or bfloat16.")
@overwrite_option
def embed(images, as_json, overwrite, out, **options) -> int:
    """Write what a pretrained network sees in pictures: features, for other tools to learn or search with.

    Examples:
      zoo embed photos/ --out features.npz
      zoo embed album/ --out features.parquet --backbone efficientnet_lite2
    """
    from zoo.console import note_skipped
    from zoo.transfer import embed as features_of

    file = Path(out)
    if file.suffix not in features_of.ENDINGS:
        raise UsageError(f"--out ends in {' or '.join(features_of.ENDINGS)}, got {out!r}.")
    with interruptible("What was computed is cached: the same command goes on from there."), claimed(file):
        features_of.output(file, images, overwrite)
        pictures, features = features_of.look(list(images), **options)
        if not len(features.x):
            raise ZooError(f"none of the {len(pictures)} pictures can be used.")
        features_of.write(file, pictures, features)
    note_skipped(features.skipped)
    if as_json:
        shape = [len(features.x), features.x.shape[2]]
        say_json({"out": out, "shape": shape, "skipped": features.skipped})
    else:
        say(f"Wrote {out}: {len(features.x)} pictures, {features.x.shape[2]} features each.")
    return 1 if features.skipped else 0


@command()
@data_argument
@option("--val", "validation", type=PATH, metavar="DIR", help="More of them, held out to measure on.")
@option("--out", type=PATH, metavar="FILE.csv", help="Write a skip list there: what is better left out.")
@option("--skip-list", type=PATH, metavar="FILE.csv", help="Leave out what this skip list names.")
@option("--env", is_flag=True, help="Say what the zoo runs on instead.")
@overwrite_option
def doctor(as_json, env, overwrite, data=None, out=None, **options) -> int:
    """Look at every picture and say what would harm a classifier.

    DATA is a folder of class folders, a dataset's name or a CSV file.

    Examples:
      zoo doctor photos/                             what is wrong with these pictures? Nothing is changed
      zoo doctor photos/train --val photos/val
      zoo doctor photos/ --out skip.csv              then: zoo finetune photos/ --skip-list skip.csv
      zoo doctor --env                               versions, processor, memory, missing extras, caches
    """
    if env == (data is not None):
        raise UsageError("give a folder of pictures, or --env.")
    if env:
        facts = environment.examine()
        say_json(facts) if as_json else say(environment.describe(facts))
        return 1 if facts["problems"] else 0
    from zoo.data.doctor.examine import examine
    from zoo.data.images import skip_list

    with claimed(out):
        if out:
            skip_list.output(out, [data, *options.values()], overwrite)
        report = examine(data, **options)
        count = report.write_skip_list(out, overwrite) if out else len(report.skip_list())
    if as_json:
        say_json(report.to_json())
    else:
        say(report)
    data, file = shlex.quote(data), shlex.quote(out or "skip.csv")
    if out:
        note(f"Wrote {file}: {count} pictures to leave out. Next: zoo finetune {data} --skip-list {file}")
    elif count:
        note(f"{count} pictures are better left out; to list them in a file: zoo doctor {data} --out {file}")
    return 1 if report.counts["error"] else 0


@command(calls="zoo.tasks.images.supervised:Supervised.predictions")
@model_argument()
@argument("images", metavar="IMAGE|FOLDER|X,Y...", type=PATH, nargs=-1, required=True)
@option("--csv", type=PATH, metavar="FILE", help="Write the answers there, as they come.")
@weights_option
@option("--top", type=POSITIVE, metavar="K", help="How many classes to give.")
@option("--beside", metavar="FILE.keras|NAME", help="What this other model says of the same pictures.")
@overwrite_option
def predict(name, images, as_json, overwrite, csv=None, weights=None, beside=None, **options) -> int:
    """Say what pictures show: a class, labels or a number, whatever was learned; or what class points are of.

    Examples:
      zoo predict pets.keras new.jpg
      zoo predict efficientnet_lite0 *.jpg --top 3 --json
      zoo predict logistic cat.jpg --beside cats.keras
      zoo predict efficientnet_lite0 chelsea         a cat that scikit-image carries
      zoo predict perceptron.keras 1,1,0             a model of points: its numbers
      zoo predict pets.keras album/ --csv album.csv  thousands; the same command goes on after an interruption
    """
    from zoo.data import sources
    from zoo.data.images.preprocessing import Points

    model = open_model(name, "predict", weights)
    points = isinstance(model.preprocessing, Points)
    pictures = list(images) if points else sources.named_pictures(images)
    if csv and beside:
        raise UsageError("--beside is for looking at pictures, --csv for many: leave out one of the two.")
    if csv:
        with interruptible(f"What was done is in {csv}; the same command goes on."), claimed(csv):
            return predict_into(csv, model, pictures, as_json, overwrite)
    others = itertools.repeat(None, len(pictures))
    if beside:
        other_model = open_model(beside, "predict")
        others = other_model.predictions(examples(other_model, pictures), **options)
    results, failed = [], 0
    answers = model.predictions(examples(model, pictures), **options)
    for picture, answer, other in zip(pictures, answers, others, strict=True):
        if isinstance(answer, ZooError):
            failed += 1
            note(f"zoo predict: {printable(picture)} cannot be used: {answer}")
            results.append({"path": picture, "error": str(answer)})
        elif as_json:
            results.append({**answer.to_json(), "beside": other} if other else answer.to_json())
        else:
            say(f"{named_numbers(model, picture) if points else printable(picture)}: {answer.ranked()}")
            if other:
                say(f"  {beside} says: {other.ranked()}")
    if as_json:
        say_json(results)
    if failed:
        note(f"zoo predict: {failed} of {len(pictures)} pictures could not be used.")
    if model.weights and "accuracy" in model.metrics:  # how far to trust it
        split = printable(f"{model.data['name']}'s {model.metrics['split']} split")
        note(f"{model.name} is right on {model.metrics['accuracy']} of {split}.")
    return 1 if failed else 0


def examples(model, words: list[str]) -> list:
    """What a model is asked about: pictures as they were named; of a model of points, the numbers in each word.

    Raises:
        UsageError: a word does not hold as many numbers as the model takes.
    """
    import numpy as np

    from zoo.data.images.preprocessing import Points

    if not isinstance(model.preprocessing, Points):
        return words
    points = []
    for word in words:
        try:
            numbers = [float(number) for number in word.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != model.preprocessing.length:
            names = model._input_names()
            raise UsageError(
                f"{model.name} is asked about numbers with commas between them, here {', '.join(names)}, such as "
                f"{','.join('1' for _ in names)}; got {word!r}."
            )
        points.append(np.array(numbers, np.float32))
    return points


def named_numbers(model, word: str) -> str:
    """The numbers of a point with their names."""
    return ", ".join(f"{name} {number}" for name, number in zip(model._input_names(), word.split(","), strict=True))


def predict_into(csv: str, model, pictures: list[str], as_json: bool, overwrite: bool = False) -> int:
    """Write what the pictures show into a CSV file, without those that it holds already."""
    by = f"{model.name} {model._archive.sha256[:12] if model._archive else model.weights}"
    columns = ["path", *model._columns, "is_novel", "error", "by"]
    table = GrowingTable(csv, columns, by, {"strange": "is_novel"}, pictures, overwrite)
    left = [picture for picture in dict.fromkeys(pictures) if picture not in table.done]
    failed, rows = 0, []
    with progress_bar(len(left), "predicting", unit="picture") as bar:
        for picture, answer in zip(left, model.predictions(examples(model, left), top=1), strict=True):
            row = dict.fromkeys(columns, "") | {"path": picture}
            if isinstance(answer, ZooError):
                failed += 1
                row["error"] = str(answer)
            else:
                cells = answer.cells().items()
                row |= {key: f"{cell:.6g}" if isinstance(cell, float) else cell for key, cell in cells}
                row["is_novel"] = {None: "", True: "yes", False: "no"}[answer.is_novel]
            rows.append(row)
            if len(rows) == 32:  # a forward pass
                table.add(rows)
                rows = []
            bar.update()
    table.add(rows)
    result = {"csv": csv, "answers": len(left) - failed, "failed": failed, "kept": len(table.done)}
    if as_json:
        say_json(result)
    else:
        say("{csv}: {answers} answers, {failed} pictures that could not be used, {kept} kept".format(**result))
    return 1 if failed else 0


@command()
@argument("name", metavar="FILE.keras", type=PATH)
@argument("names", metavar="OLD=NEW...", nargs=-1, required=True)
@option("--out", type=PATH, metavar="FILE.keras", help="Where to save (the same file).")
@overwrite_option
def relabel(name, names, as_json, overwrite, out=None) -> None:
    """Call the classes of a saved file by other names, without training.

    Examples:
      zoo relabel pets.keras cats=cat dogs=dog       in place
      zoo relabel pets.keras cats=Katze --out haustiere.keras
    """
    if not is_saved_file(name):
        raise UsageError(f"give a saved .keras file, got {name!r}.")
    out = out or name
    with claimed(out):
        model = open_model(name, "relabel")
        model.relabel(new_names(names, model.labels))
        model.save(out, overwrite)
    if as_json:
        return say_json({"out": out, "labels": model.labels})
    say(f"Saved {out}; its classes are {', '.join(map(printable, model.labels))}.")


def new_names(pairs: tuple[str, ...], labels: list[str]) -> dict[str, str]:
    """The new name of each class that is called another one, from OLD=NEW words."""
    renamed: dict[str, str] = {}
    for pair in pairs:
        if "=" not in pair:
            raise UsageError(f"give OLD=NEW, for example cats=cat; got {pair!r}.")
        # a class may have the sign in its name: the longest known name before one is meant
        ways = [(pair[:i], pair[i + 1 :]) for i, sign in enumerate(pair) if sign == "="]
        old, new = max((way for way in ways if way[0] in labels), key=lambda way: len(way[0]), default=ways[0])
        if old in renamed:
            raise UsageError(f"{old!r} is given two names, {renamed[old]!r} and {new!r}.")
        renamed[old] = new
    return renamed


@command(calls="zoo.tasks.images.reconstruction:Autoencoder.draw")
@model_argument()
@argument("images", metavar="IMAGE|FOLDER|DATASET...", type=PATH, nargs=-1, required=True)
@option("--out", type=PATH, metavar="FILE.png", required=True, help="Where to draw: given, noisy, reconstructed.")
@option("--noise", type=float, metavar="X", help="Lay noise over them first; white is 1.")
@overwrite_option
def reconstruct(name, images, as_json, **options) -> None:
    """Show what an autoencoder makes of pictures.

    Of a DATASET, the first pictures that are not for training are taken.

    Examples:
      zoo reconstruct autoencoder.keras coat.png bag.png --out grid.png
      zoo reconstruct autoencoder.keras clothes/ --out grid.png --noise 0.4
      zoo reconstruct autoencoder.keras fashion_mnist --out grid.png  the first pictures of a dataset
    """
    model = open_model(name, "reconstruct")
    options = with_defaults(model.draw, images, **options)
    shown = model.draw(**options)
    out, noise = options["out"], options["noise"]
    if as_json:
        return say_json({"out": out, "noise": noise, "pictures": shown})
    for number, item in enumerate(shown):
        gain = f", {item['gain']:+.1f} dB from the noisy one" if "gain" in item else ""
        say(f"{printable(item['path'] or f'picture {number}')}: signal to noise {item['psnr']:.1f} dB{gain}")
    say(f"Saved {out}: what was given{', with noise' if noise else ''}, and below it what came out.")


@command(calls="zoo.tasks.images.image_generation:ImageGenerator.sample_to")
@model_argument()
@option("--n", type=int, metavar="N", help="How many.")
@option("--out", type=PATH, metavar="FILE.png|FOLDER", required=True, help="One picture of all, or one file each.")
@seed_option
@option("--truncation", type=float, metavar="X", help="The less, the more ordinary; without it, no limit.")
@weights_option
@overwrite_option
def sample(name, as_json, weights=None, **options) -> None:
    """Draw pictures out of noise.

    Examples:
      zoo sample dcgan.keras --n 64 --out grid.png
      zoo sample dcgan.keras --seed 1 --truncation 1 --out grid.png  the more ordinary ones
      zoo sample dcgan.keras --n 10000 --out drawn/  a file each
    """
    model = open_model(name, "sample", weights)
    options = with_defaults(model.sample_to, **options)
    model.sample_to(**options)
    if as_json:
        return say_json({key: options[key] for key in ("out", "n", "seed")})
    say(f"Saved {options['out']}: {options['n']:,} pictures.")


@command()
@model_argument()
@option("--picture", type=PATH, metavar="IMAGE", help="Of a convolutional net: draw what it makes of this one, too.")
@weights_option
@option("--out", type=PATH, metavar="DIR", default="drawn", show_default=True, help="The folder for the pictures.")
@overwrite_option
def visualise(name, out, as_json, overwrite, picture=None, weights=None) -> None:
    """Draw what the first layer of a classifier looks for.

    Examples:
      zoo visualise logistic
      zoo visualise cnn --picture shoe.png --out cnn/
    """
    model = open_model(name, "visualise", weights)
    files = [str(drawing.path) for drawing in model.visualise(out, picture, overwrite)]
    say_json({"files": files}) if as_json else say("\n".join(map(printable, files)))
