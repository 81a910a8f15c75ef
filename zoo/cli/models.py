"""Commands for models of every kind: list, show, train, evaluate, check."""

import ast
import inspect
from pathlib import Path
from typing import Any

from click import Choice, argument, option

import zoo
from zoo import catalog
from zoo.api import is_saved_file, is_vector_file
from zoo.cli.command import command, default_output, interruptible, open_model, page_to_write
from zoo.cli.options import (
    PATH,
    POSITIVE,
    WordsOption,
    complete_model,
    data_argument,
    model_argument,
    overwrite_option,
    weights_option,
)
from zoo.console import note, note_skipped, say, say_json, share, table
from zoo.errors import UsageError, brief, checked_seed
from zoo.registry import NO_LITERAL


@command()
@option("--task", help="Only models of this kind of work.")
@option("--weights", is_flag=True, help="Only models with trained weights.")
def list_(as_json, weights, task=None) -> None:
    """List the models.

    The pretrained networks for `zoo finetune` are listed by `--task backbone` alone.

    Examples:
      zoo list
      zoo list --task classification --weights
      zoo list --task backbone
      zoo list --json
    """
    cards = catalog.cards()
    shown = [cards[name] for name in zoo.list(task=task, weights=weights or None)]
    if as_json:
        return say_json(shown)
    if task == "backbone":
        return say(table_of_backbones(shown))
    models = [card for card in shown if task or not card.is_backbone]
    widths = [max(map(len, column)) for column in zip(*((c.name, c.facts["task"]) for c in models), strict=True)]
    for card in models:
        say(f"{card.name:<{widths[0]}}  {card.facts['task']:<{widths[1]}}  {card.summary}")
    if len(models) < len(shown):
        note(f"And {len(shown) - len(models)} pretrained networks for `zoo finetune`: zoo list --task backbone")


def table_of_backbones(cards: list[catalog.Card]) -> str:
    """Backbones as a table: what they weigh, what they reach on ImageNet, how fast they are, where the weights are."""
    from zoo.transfer.speed import speeds
    from zoo.weights.load import at_hand

    measured = speeds()
    rows = []
    for card in cards:
        weights, parameters = card.published, card.facts["parameters"]
        if weights is None:
            where = "from a file that you have: --weights-file"
        elif at_hand(weights):
            where = "here"
        else:
            origin = "to be downloaded" if weights.url else f"in {weights.distribution or weights.package}"
            where = f"{origin}, {4 * parameters / 1e6:,.0f} MB"  # in float32
        rows.append(
            [
                card.name,
                f"{parameters / 1e6:.1f} M",
                str(card.arguments["input_shape"][0]),
                share(weights.scores.get("top1")) if weights else "-",
                f"{measured[card.name]['pictures_per_second']:.0f}" if card.name in measured else "-",
                where,
            ]
        )
    header = ["", "parameters", "pixels", "top-1", "pictures/s", "weights"]
    listed = table(rows, header, left=(0, len(header) - 1))
    return f"{listed}\n\nzoo bench NAME measures how many pictures a second it sees on this machine."


@command()
@model_argument("NAME|FILE.keras")
def show(name, as_json) -> None:
    """Show the card of a model, or what a saved file says of itself.

    Examples:
      zoo show logistic
      zoo show efficientnet_lite0 --json
      zoo show pets.keras
    """
    shown = zoo.show(name)
    say_json(shown) if as_json else say(shown)


@command()
@model_argument("NAME|FILE.py|FILE.keras")
@option("--data", type=PATH, metavar="D", help="A dataset's name, a folder of class folders, a CSV file.")
@option("--val", "validation", type=PATH, metavar="D", help="The same, to watch while training.")
@option("--set", "settings", cls=WordsOption, metavar="KEY=VALUE", help="Arguments of the model or its training.")
@option("--size", type=POSITIVE, metavar="N", help="Colour pictures of N x N: input_shape=(N,N,3).")
@option("--out", type=PATH, metavar="FILE.keras", help="Where to save (NAME.keras); checkpoints go beside it.")
@option("--resume", is_flag=True, help="Go on with the run that --out's checkpoints are of.")
@option("--seed", type=int, metavar="N", help="Make the run repeatable.")
@option("--epochs", type=POSITIVE, metavar="N", help="How often to go through the data; without it, the model's.")
@option("--batch-size", type=POSITIVE, metavar="N", help="Examples a step; without it, the model's.")
@option("--steps-per-epoch", type=POSITIVE, metavar="N", help="Steps of an epoch; without it, once through the data.")
@option("--learning-rate", type=float, metavar="X", help="The optimizer's; without it, the model's.")
@option(
    "--augment",
    cls=WordsOption,
    metavar="WAY",
    help="Vary the pictures: flip, shift, randaugment, mixup, cutmix; no WAY for none.",
)
@option("--sampling", type=Choice(["balanced"]), help="balanced: as many examples of each class.")
@option("--encoding", metavar="E", help="What files of text are written in; without it, UTF-8.")
@option("--tensorboard", is_flag=True, help="Also write TensorBoard's event files.")
@overwrite_option
def train(
    name, as_json, overwrite, data=None, validation=None, settings=(), size=None, out=None, seed=None, **options
) -> None:
    """Train a model, with checkpoints, and save it.

    NAME is a model's name; FILE.py is a Python file that registers one; FILE.keras is a saved model to go on with.

    Examples:
      zoo train logistic                             on its own dataset, into logistic.keras
      zoo train logistic --data faces --seed 1
      zoo train logistic --data photos/ --set input_shape=(32,32,3) --epochs 5
      zoo train logistic --data faces --epochs 40 --resume
      zoo train dcgan --data photos/ --size 64       learns to draw such pictures
      zoo train dcgan --data faces:face --size 24    or those of one class of a dataset
      zoo train my_net.py --data photos/             a model of your own
      zoo train char_lstm --data book.txt --set window=50 min_count=2
      zoo train char.keras --data more.txt           goes on, into char-on.keras
    """
    from zoo import files, saving
    from zoo.visualization import canvas, charts
    from zoo.visualization.grid import picture_output

    saved = is_saved_file(name) or is_vector_file(name)
    if out is None:
        own = catalog.card(name).facts.get("dataset") if name in catalog.cards() else None
        out = default_output(f"{Path(name).stem}{'-on' if saved else ''}.keras", data or own, overwrite)
    out = Path(out)
    files.output(out, inputs=[name] if saved else [])
    if out.suffix != ".keras":
        raise UsageError(f"--out must be a .keras file, got {str(out)!r}.")
    folder = out.with_suffix(".training")
    if "augment" in options:
        options["augment"] = [way for way in options["augment"] if way]
    advice = f"Finished epochs are in {folder}; the same command with --resume goes on."
    with interruptible(advice, folder), files.claimed(out):
        model, arguments = model_to_train(name, settings, size, seed)
        if out.exists():  # better said now than after the training
            about = {"task": model.entry.task}
            if model.entry.task == "classification":
                dataset = model._resolve_dataset(data, lambda data: model._find_data(data, validation))
                about["labels"] = dataset.labels
            saving.output(out, about, overwrite)
        curves = picture_output(folder / "curves.png", overwrite=overwrite)
        history = model.train(data, validation, folder=folder, overwrite=overwrite, **options, **arguments)
        model.save(out, overwrite)
        if canvas.installed():
            charts.learning_curves(history, curves)
    epochs = len(history.history["loss"])
    kept = history.best_epoch or epochs
    values = {key: column[kept - 1] for key, column in history.history.items()}
    if as_json:
        result = {"out": str(out), "folder": str(folder), "epochs": epochs, "kept_epoch": kept, "metrics": values}
        return say_json({**result, "history": history.history, "skipped": model.skipped})
    say(f"epoch {kept} of {epochs}: " + "  ".join(f"{key} {value:.4f}" for key, value in values.items()))
    say(f"Saved {out} with the weights of epoch {kept}; checkpoints, log and curves are in {folder}.")
    say(f"Next: {model._next_command(out, data or model.data['name'])}")


@command()
@model_argument("NAME|FILE.py|FILE.keras")
@option("--data", type=PATH, metavar="D", help="A dataset's name, a folder of class folders, a CSV file.")
@option("--set", "settings", cls=WordsOption, metavar="KEY=VALUE", help="Arguments of the model or its training.")
@option("--size", type=POSITIVE, metavar="N", help="Colour pictures of N x N: input_shape=(N,N,3).")
@option("--seed", type=int, metavar="N", help="Make the run repeatable.")
@option("--batch-size", type=POSITIVE, metavar="N", help="Examples a step; without it, the model's.")
@option("--lowest", type=float, metavar="X", help="The first learning rate; without it, 1e-6.")
@option("--highest", type=float, metavar="X", help="The last one; without it, 10.")
@option("--steps", type=POSITIVE, metavar="N", help="How many rates are tried; without it, 100.")
@option("--out", type=PATH, metavar="FILE.png", help="Draw the loss over the learning rate.")
@overwrite_option
def find_learning_rate(
    name, as_json, overwrite, data=None, settings=(), size=None, out=None, seed=None, **options
) -> None:
    """Find a learning rate for a model and its data.

    It trains for a hundred steps, each with a larger learning rate than the one before, and says where the loss
    falls fastest. Nothing of it is kept.

    Examples:
      zoo find-learning-rate cnn --data photos/
      zoo find-learning-rate mlp --out rates.png
      zoo train mlp --learning-rate 0.003            what it found
    """
    from zoo.visualization import charts
    from zoo.visualization.grid import picture_output

    if out is not None:
        picture_output(out, overwrite=overwrite)
    model, arguments = model_to_train(name, settings, size, seed)
    search = model.find_learning_rate(data, **options, **arguments)
    if out is not None:
        charts.learning_rates(search, out)
        note(f"Wrote {out}.")
    say_json(search) if as_json else say(str(search))


@command(calls="zoo.tuning.tune:tune")
@argument("what", metavar="NAME|FOLDER", type=PATH, shell_complete=complete_model)
@option("--data", type=PATH, metavar="D", help="What a model learns: a dataset's name, a folder, a file.")
@option("--val", "validation", type=PATH, metavar="D", help="Of a model: what is watched. Of photos: to measure on.")
@option("--trials", type=POSITIVE, metavar="N", help="How many in all; without it, 20, or what --time allows.")
@option("--time", metavar="T", help="After which no trial begins: 90s, 10m, 2h.")
@option("--workers", type=POSITIVE, metavar="W", help="Processes that share the cores.")
@option("--space", cls=WordsOption, metavar="KEY=VALUES", help="Try these: [16,32], (0.0,0.5) or (1e-4,0.1,'log').")
@option("--set", "settings", cls=WordsOption, metavar="KEY=VALUE", help="Settings that stay as they are.")
@option("--epochs", type=POSITIVE, metavar="N", help="Of each trial; without it, the model's.")
@option("--seed", type=int, metavar="N", help="Of the trainings, and of what is tried.")
@option("--out", type=PATH, metavar="FILE.keras", help="Where to save the best (NAME-tuned.keras).")
@overwrite_option
def tune(what, as_json, space=(), settings=(), epochs=None, **options) -> None:
    """Try settings of a model, or of a fine-tuning on photos, and keep the best.

    The settings that a model is tried with stand in its file; the first trial is of its own. Each trial is judged by
    examples that are only watched, photos by cross-validation; a test part is never read. The trials lie in a folder
    beside the saved file: the same command goes on, and with more --trials it goes further.

    Examples:
      zoo tune mlp --data digits --trials 20
      zoo tune cnn --data photos/ --time 10m --workers 2
      zoo tune mlp --data digits --set hidden=(64,) --space "learning_rate=(1e-3,1,'log')" dropout=[0.0,0.5]
      zoo tune photos/ --time 10m                    the choices of `zoo finetune`
      zoo tune photos/ --space views=[1,4] backbone=['efficientnet_lite0','efficientnet_lite1']
    """
    fixed = parse_settings(settings) | ({} if epochs is None else {"epochs": epochs})
    tried = parse_settings(space) or None
    clash = sorted(fixed.keys() & inspect.signature(zoo.tune).parameters.keys())
    if clash:
        raise UsageError(f"--set {clash[0]}=... is no setting: type --{clash[0]}.")
    advice = "Finished trials are kept: the same command goes on."
    with interruptible(advice):
        outcome = zoo.tune(what, space=tried, **options, **fixed)
    say_json(outcome) if as_json else say(str(outcome))


@command(calls="zoo.tracing:trace")
@argument("name", metavar="NAME")
@option("--seed", type=int, metavar="N", help="Of the net's weights.")
def trace(name, as_json, **options) -> None:
    """Print one pass of a small net, forward and back, in NumPy and in Keras.

    Each signal and each weight with its shape, its norm and its gradient's, and how far Keras is from it.

    Examples:
      zoo trace mlp
      zoo trace char_lstm
    """
    from zoo import tracing

    traced = tracing.trace(name, **options)
    say_json(traced) if as_json else say(str(traced))


def model_to_train(name: str, settings: tuple, size: int | None, seed: int | None) -> tuple[Any, dict]:
    """A new model or a saved one, and those of the settings that are of its training.

    Args:
        name: a model's name, a file that registers one, or a saved file.
        settings: KEY=VALUE words, arguments of the model or its training.
        size: of colour pictures, in pixels.
        seed: makes it repeatable.
    """
    from zoo.tasks.task import training_options

    arguments = parse_settings(settings)
    if is_saved_file(name) or is_vector_file(name):
        if size:
            raise UsageError(f"{name} is a saved file and has its shape: leave out --size.")
        model = zoo.load(name)
        model.seed = model.seed if seed is None else checked_seed(seed)
        return model, arguments
    model = zoo.get(name)
    of_training = training_options(type(model)) - {*model.arguments}
    built = {key: arguments.pop(key) for key in [*arguments] if key not in of_training}
    shape = {"input_shape": (size, size, 3)} if size else {}
    return zoo.get(name, seed=seed, **shape, **built), arguments


def parse_settings(pairs) -> dict:
    """Arguments from KEY=VALUE words; a value that is no Python literal is taken as text."""
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"--set takes KEY=VALUE, for example --set input_shape=(32,32,3); got {pair!r}.")
        try:
            settings[key] = ast.literal_eval(value)
        except NO_LITERAL:
            settings[key] = value
    return settings


@command(calls="zoo.tasks.images.image_generation:ImageGenerator.evaluate")
@model_argument()
@data_argument
@option("--encoding", metavar="E", help="What files of text are written in; without it, UTF-8.")
@option("--split", help="Which part of it, as it is: test, validation, train; or all of it.")
@weights_option
@option("--n", type=int, metavar="N", help="Of a model that draws: how many pictures to judge.")
@option("--seed", type=int, metavar="N", help="Of a model that draws: of the drawing.")
@option("--noise", type=float, metavar="X", help="Of an autoencoder: noise to lay over the pictures; white is 1.")
@option("--errors", type=PATH, metavar="FILE.html", help="Write a page of what it gets wrong.")
@overwrite_option
def evaluate(name, as_json, overwrite, data=None, weights=None, errors=None, **options) -> None:
    """Measure a model on labelled data.

    DATA is a folder of class folders, a dataset's name or a CSV file; without it, what a classifier held out when it
    was made, or the model's own dataset. Pictures that were trained on are known by their content and left out.

    Examples:
      zoo evaluate pets.keras                                      on what was held out
      zoo evaluate pets.keras photos/                              and on what is new there
      zoo evaluate pets.keras photos/ --split all                  on what was trained on, too
      zoo evaluate logistic.keras catvnoncat --json
      zoo evaluate logistic.keras catvnoncat --errors wrong.html   the pictures that it gets wrong
      zoo evaluate dcgan --n 1000                                  how real the pictures look that it draws
    """
    if errors:
        page_to_write("--errors", errors, [] if data is None else [data], overwrite)
    model = open_model(name, "evaluate", weights)
    for word in options.keys() - inspect.signature(model.evaluate).parameters.keys():
        raise UsageError(f"{name} is a model for {model.entry.task}, whose evaluation has no --{word}; leave it out.")
    result = model.evaluate(data, **options)
    note_skipped(result["skipped"])
    if errors:
        if not hasattr(result, "page"):
            raise UsageError(f"{name} is a model for {model.entry.task}: it has no --errors.")
        result.page(errors, f"{name} on {data or model.data.get('name', 'its own data')}", overwrite)
        note(f"Wrote {errors}: {len(result.errors())} mistakes.")
    say_json(result) if as_json else say(model._format_result(result))


@command(calls="zoo.export:export")
@model_argument()
@argument("out", metavar="OUT", type=PATH)
@option("--format", metavar="F", help="Its name, such as litert; without it, the ending decides.")
@option("--half", is_flag=True, help="Keep the weights in 16 bits: half the size, the same answers but for rounding.")
@option("--int8", is_flag=True, help="Compute in 8-bit numbers: a quarter of the size; the loss is measured and said.")
@weights_option
@overwrite_option
def export(name, out, as_json, overwrite, weights=None, **options) -> None:
    """Write a model as a file of another tool.

    The ending of OUT, or --format, decides the format. Of models that say a class, labels or a number, .html is a
    page that holds all it needs: whoever gets it opens it in a browser, drops pictures on it and reads the answers,
    without a network. Language models become pages that write, generators and autoencoders pages that draw. .onnx is
    for any ONNX runtime and takes a picture of any size; a language model takes a token and its states there, a
    generator noise. .xml is OpenVINO, its weights in a .bin beside it; .tflite LiteRT, .pt2 PyTorch, saved_model a
    folder for TensorFlow, huggingface one for its Hub. Of word vectors, .txt and .bin are word2vec's formats, which
    gensim reads. Networks are compared with the model, on its own pictures if it has some.

    Examples:
      zoo export pets.keras pets.html
      zoo export pets.keras pets.onnx --half
      zoo export pets.keras pets.tflite --int8
      zoo export pets.keras pets --format saved_model
      zoo export char_lstm writer.html
      zoo export char_lstm text.onnx
      zoo export efficientnet_lite0 backbone.xml
      zoo export words.keras vectors.txt
    """
    chosen = {option: value for option, value in options.items() if value}
    about = open_model(name, "export", weights).export(out, overwrite, **chosen)
    if as_json:
        return say_json(about)
    say(f"Wrote {out}, {about['bytes'] / 1e6:.1f} MB.")
    if agreement := about.get("agreement"):
        say(str(agreement))
    if example := about.get("example"):
        say(f"How to use it: python {example}")


@command(calls="zoo.transfer.keras2:import_model")
@argument("file", metavar="FILE.h5|FILE.zip", type=PATH)
@argument("out", metavar="OUT.keras", type=PATH)
@option("--labels", type=PATH, metavar="FILE", help="A class a line; without it, the labels.txt that comes along.")
@option("--pixels", metavar="RANGE", help="What it takes pixels as: -1..1, 0..1 or 0..255.")
@overwrite_option
def import_(file, out, as_json, overwrite, **options) -> None:
    """Make a classifier of a Keras 2 file, or of a Teachable Machine download.

    Nothing in the file is run: its layers are built anew, if all of them are known, and get its numbers. From
    Teachable Machine take "Tensorflow, Keras", and give the .zip as it was downloaded.

    Examples:
      zoo import converted_keras.zip pets.keras
      zoo import old.h5 old.keras --labels names.txt --pixels 0..1
    """
    model = zoo.import_model(file, **options)
    model.save(out, overwrite)
    if as_json:
        return say_json({"out": str(out), "labels": model.labels})
    say(f"Wrote {out}: {len(model.labels)} classes, {brief(model.labels)}. Next: zoo predict {out} PICTURE.jpg")


@command()
@argument("names", metavar="[NAME|FILE.py]...", nargs=-1, shell_complete=complete_model)
@option("--all", "every", is_flag=True, help="Every model; of the pretrained networks in one file, the smallest.")
def check(as_json, every, names=()) -> int:
    """Run the contract checks on a model.

    Examples:
      zoo check logistic
      zoo check my_net.py
      zoo check --all
      KERAS_BACKEND=jax zoo check logistic
    """
    from zoo.checks import every_model, run_checks

    if bool(names) == every:
        raise UsageError("give the names of models, or --all.")
    results = []
    for name in names or every_model():
        for result in run_checks(name):
            results.append(result)
            if not as_json:
                say(f"{result['outcome']:<7} {result['model']}  {result['check']}  {result['detail']}".rstrip())
    if as_json:
        say_json(results)
    failures = [r for r in results if r["outcome"] == "failed"]
    note(f"{len(results) - len(failures)} passed, {len(failures)} failed")
    if failures:
        note(f"zoo check: {len(failures)} checks failed, {failures[0]['model']} {failures[0]['check']} first.")
    return 1 if failures else 0


@command()
@argument("names", metavar="[BACKBONE]...", nargs=-1, shell_complete=complete_model)
@option("--precision", metavar="P", help="float32 or bfloat16; without it, the fastest here.")
def bench(as_json, names=(), precision=None) -> None:
    """Measure how many pictures a second a pretrained network sees here.

    Without a name, all those whose weights are on this machine. `zoo list --task backbone` shows the results.

    Examples:
      zoo bench
      zoo bench mobilenet_v2 --json
    """
    from zoo.transfer import choice, speed

    results = []
    for name in names or [backbone.name for backbone in choice.backbones(choice.AUTO)]:
        results.append(result := speed.measure(name, precision))
        if not as_json:
            speed_here = f"{result['pictures_per_second']:.1f} pictures/s"
            say(f"{name}: {speed_here} by {result['engine']} in {result['precision']}")
    if as_json:
        say_json(results)
