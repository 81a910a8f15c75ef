"""The `zoo` command: reads words, calls the library, prints results to standard output, the rest to standard error."""

import argparse
import ast
import io
import itertools
import json
import os
import shlex
import signal
import sys
from pathlib import Path

from zoo._version import __version__
from zoo.errors import UsageError, ZooError, printable
from zoo.registry import NO_LITERAL
from zoo.reports import note, per_class_table

EXAMPLES = {
    None: """\
  zoo list                                   every model
  zoo predict efficientnet_lite0 cat.jpg     what is in this picture? (1000 ImageNet classes, offline)
  zoo finetune photos/ --out pets.keras      a classifier of your own photos
  zoo predict pets.keras new.jpg             use it
  zoo train logistic --data faces            train a model of the course""",
    "list": "  zoo list\n  zoo list --task classification --weights\n  zoo list --json",
    "show": "  zoo show logistic\n  zoo show efficientnet_lite0 --json\n  zoo show pets.keras",
    "train": """\
  zoo train logistic                             on its own dataset, into logistic.keras
  zoo train logistic --data faces --seed 1
  zoo train logistic --data photos/ --set input_shape=(32,32,3) --epochs 5
  zoo train logistic --data faces --epochs 40 --resume
  zoo train my_net.py --data photos/             a model of your own""",
    "evaluate": """\
  zoo evaluate pets.keras photos/val
  zoo evaluate logistic.keras catvnoncat --json
  zoo evaluate logistic.keras catvnoncat --errors wrong.html   the pictures that it gets wrong""",
    "predict": """\
  zoo predict pets.keras new.jpg
  zoo predict efficientnet_lite0 *.jpg --top 3 --json
  zoo predict logistic cat.jpg --beside cats.keras
  zoo predict efficientnet_lite0 chelsea         a cat that scikit-image carries
  zoo predict pets.keras album/ --csv album.csv  thousands; the same command goes on after an interruption""",
    "generate": """\
  zoo generate char.keras "ROMEO:" --length 400
  zoo generate char.keras --temperature 0.5 --seed 1
  zoo generate tv.keras "homer_simpson:" --top-p 0.9""",
    "reconstruct": """\
  zoo reconstruct autoencoder.keras coat.png bag.png --out grid.png
  zoo reconstruct autoencoder.keras clothes/ --out grid.png --noise 0.4
  zoo reconstruct autoencoder.keras fashion_mnist --out grid.png  the first pictures of a dataset""",
    "visualise": "  zoo visualise logistic\n  zoo visualise cnn --picture shoe.png --out cnn/",
    "relabel": """\
  zoo relabel pets.keras cats=cat dogs=dog       in place
  zoo relabel pets.keras cats=Katze --out haustiere.keras""",
    "finetune": """\
  zoo finetune photos/                           one folder a class; a fifth is held out
  zoo finetune photos/train --val photos/val --out pets.keras
  zoo finetune labels.csv --augment 4 --backbone efficientnet_lite1
  zoo finetune textures                          an embedded dataset, no network needed""",
    "doctor": """\
  zoo doctor photos/                             what is wrong with these pictures? Nothing is changed
  zoo doctor photos/train --val photos/val
  zoo doctor photos/ --out skip.csv              then: zoo finetune photos/ --skip-list skip.csv
  zoo doctor --env                               versions, processor, memory, missing extras, caches""",
    "reproduce": """\
  zoo reproduce                                  every study, with the question that it answers
  zoo reproduce vanishing_gradient               table, figure and rows in studies/vanishing_gradient
  zoo reproduce optimizers --seeds 5 --out runs  finished rows are kept: the same command goes on""",
    "check": "  zoo check logistic\n  zoo check my_net.py\n  zoo check --all\n  KERAS_BACKEND=jax zoo check logistic",
    "cache": """\
  zoo cache
  zoo cache --prune 30      remove what was not used for 30 days
  zoo cache --prune 0       remove all of it""",
}


def main(argv=None) -> int:
    """Run the command line; returns the exit status: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
    arguments = parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without Unicode shows escapes rather than an error
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = arguments.run(arguments) or 0
        sys.stdout.flush()
        return status
    except (ZooError, ImportError) as error:
        if isinstance(error, ImportError) and "checkout" not in str(error):
            raise
        return failed(arguments, error)
    except KeyboardInterrupt:
        note(f"\nzoo {arguments.command}: interrupted.{getattr(arguments, 'when_interrupted', '')}")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader, `head` perhaps, has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that may not be written: whole files are left as they were
        return failed(arguments, error)


def failed(arguments, error: Exception) -> int:
    """Say what went wrong, to people and with --json to programs; returns the exit status."""
    note(f"zoo {arguments.command}: {error}")
    if arguments.json:
        print(json.dumps({"error": str(error)}))
    return 2 if isinstance(error, UsageError) else 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="zoo",
        description="A Keras 3 model zoo: models of the courses, and a classifier of your own photos in seconds.",
        epilog=f"examples:\n{EXAMPLES[None]}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("-V", "--version", action="version", version=f"zoo {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name, run, help):
        added = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=f"examples:\n{EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
        return added

    c = command("list", run_list, "list the models")
    c.add_argument("--task", help="only models of this kind of work")
    c.add_argument("--weights", action="store_true", default=None, help="only models with trained weights")

    c = command("show", run_show, "show the card of a model or what a saved file says of itself")
    c.add_argument("name", metavar="NAME|FILE.keras")

    c = command("train", run_train, "train a model, with checkpoints, and save it")
    c.add_argument("name", metavar="NAME|FILE.py", help="a model's name, or a Python file that registers one")
    c.add_argument("--data", metavar="D", help="a dataset's name, a folder of class folders, a CSV file")
    c.add_argument("--val", metavar="D", help="the same, to watch while training")
    c.add_argument("--set", nargs="+", default=[], action="extend", metavar="KEY=VALUE", help="builder arguments")
    c.add_argument("--out", metavar="FILE.keras", help="where to save (NAME.keras); checkpoints go beside it")
    c.add_argument("--resume", action="store_true", help="go on with the run that --out's checkpoints are of")
    c.add_argument("--seed", type=int, metavar="N", help="make the run repeatable")
    c.add_argument("--epochs", type=positive_int, metavar="N")
    c.add_argument("--batch-size", type=positive_int, metavar="N")
    c.add_argument("--learning-rate", type=float, metavar="X")
    c.add_argument("--augment", nargs="*", metavar="WAY", help="vary the pictures: flip, shift, or nothing for none")
    c.add_argument("--tensorboard", action="store_true", help="also write TensorBoard's event files")

    c = command("evaluate", run_evaluate, "measure a model on labelled data")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("data", metavar="DATA", nargs="?", help="a folder of class folders, a dataset's name, a CSV file")
    c.add_argument("--split", help="which split of it: test, validation or train")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")
    c.add_argument("--errors", metavar="FILE.html", help="write a page of what it gets wrong")

    c = command("predict", run_predict, "say what pictures show")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("images", metavar="IMAGE|FOLDER", nargs="+")
    c.add_argument("--csv", metavar="FILE", help="write the answers there, as they come")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")
    c.add_argument("--top", type=positive_int, default=5, metavar="K", help="how many classes to give (5)")
    c.add_argument("--beside", metavar="FILE.keras|NAME", help="what this other model says of the same pictures")

    c = command("generate", run_generate, "go on with a text")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("prompt", metavar="PROMPT", nargs="?", default="", help="how the text begins (a line's beginning)")
    c.add_argument("--length", type=int, default=400, metavar="N", help="characters, or words, to draw (400)")
    c.add_argument("--temperature", type=float, default=0.8, metavar="X", help="0 is always the most probable (0.8)")
    c.add_argument("--top-k", type=int, default=0, metavar="K", help="draw from the K most probable alone (0: all)")
    c.add_argument("--top-p", type=float, default=1.0, metavar="P", help="from the most probable with this share (1)")
    c.add_argument("--seed", type=int, metavar="N", help="the same one gives the same text")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")

    c = command("reconstruct", run_reconstruct, "show what an autoencoder makes of pictures")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("images", metavar="IMAGE|FOLDER|DATASET", nargs="+")
    c.add_argument("--out", metavar="FILE.png", required=True, help="where to draw: given, with noise, reconstructed")
    c.add_argument("--noise", type=float, default=0.0, metavar="X", help="lay noise over them first; white is 1 (0)")

    c = command("visualise", run_visualise, "draw what the first layer of a classifier looks for")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("--picture", metavar="IMAGE", help="of a convolutional net: draw what it makes of this one, too")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")
    c.add_argument("--out", metavar="DIR", default="drawn", help="the folder for the pictures (drawn)")

    c = command("relabel", run_relabel, "call the classes of a saved file by other names, without training")
    c.add_argument("name", metavar="FILE.keras")
    c.add_argument("names", metavar="OLD=NEW", nargs="+")
    c.add_argument("--out", metavar="FILE.keras", help="where to save (the same file)")

    c = command("finetune", run_finetune, "train a classifier of your own pictures in seconds")
    c.add_argument("train", metavar="TRAIN", help="a folder of class folders, a dataset's name, a CSV file")
    held_out = c.add_mutually_exclusive_group()
    held_out.add_argument("--val", metavar="DIR", help="pictures to measure on")
    held_out.add_argument("--val-split", type=float, metavar="SHARE", help="share to hold out to measure on (0.2)")
    c.add_argument("--backbone", default="efficientnet_lite0", metavar="NAME", help="a pretrained network")
    c.add_argument("--out", metavar="FILE.keras", help="where to save (TRAIN.keras)")
    c.add_argument("--augment", type=int, default=0, metavar="K", help="add K augmented views of each picture")
    c.add_argument("--precision", metavar="P", help="float32 or bfloat16, to train on (the processor's fastest)")
    c.add_argument("--skip-list", metavar="FILE", help="pictures to leave out, as `zoo doctor --out` writes them")
    c.add_argument("--seed", type=int, default=0, metavar="N", help="decides which pictures are held out (0)")

    c = command("doctor", run_doctor, "look at every picture and say what would harm a classifier")
    c.add_argument("data", metavar="DATA", nargs="?", help="a folder of class folders, a dataset's name, a CSV file")
    c.add_argument("--val", metavar="DIR", help="more of them, held out to measure on")
    c.add_argument("--out", metavar="FILE.csv", help="write a skip list there: what is better left out")
    c.add_argument("--skip-list", metavar="FILE.csv", help="leave out what this skip list names")
    c.add_argument("--env", action="store_true", help="say what the zoo runs on instead")

    c = command("reproduce", run_reproduce, "run a study: an experiment with its table, figure and verdict")
    c.add_argument("name", metavar="NAME", nargs="?", help="the study; without one, all are listed")
    c.add_argument("--seeds", type=positive_int, metavar="N", help="how many seeds (the study's own number)")
    c.add_argument("--out", metavar="DIR", help="where rows and figure go (studies/NAME)")

    c = command("check", run_check, "run the contract checks on a model")
    c.add_argument("names", metavar="NAME|FILE.py", nargs="*")
    c.add_argument("--all", action="store_true", help="every registered model")

    c = command("cache", run_cache, "show what the zoo keeps on disk, or remove it")
    c.add_argument("--prune", type=float, metavar="DAYS", help="remove what was not used for DAYS days")
    return top


def run_list(arguments):
    import zoo
    from zoo.catalog import cards

    names = zoo.list(task=arguments.task, weights=arguments.weights)
    known = cards()
    if arguments.json:
        return show_json([{**known[name].to_json()} for name in names])
    rows = [[name, known[name].facts["task"], known[name].summary] for name in names]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)] if rows else [0, 0]
    for name, task, summary in rows:
        print(f"{name:<{widths[0]}}  {task:<{widths[1]}}  {summary}")


def run_show(arguments):
    import zoo

    shown = zoo.show(arguments.name)
    show_json(shown.to_json()) if arguments.json else print(shown)


def run_train(arguments):
    import zoo
    from zoo import drawing

    name = Path(arguments.name).stem
    out = Path(arguments.out or f"{name}.keras")
    if out.suffix != ".keras":
        raise UsageError(f"--out must be a .keras file, got {str(out)!r}.")
    folder = out.with_suffix(".training")
    arguments.when_interrupted = (
        f" What was trained is in {folder}; the same command with --resume goes on with it." if folder.is_dir() else ""
    )
    model = zoo.get(arguments.name, seed=arguments.seed, **settings(arguments.set))
    arguments.when_interrupted = f" Finished epochs are in {folder}; the same command with --resume goes on."
    history = model.train(
        arguments.data,
        arguments.val,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        augment=arguments.augment,
        folder=folder,
        resume=arguments.resume,
        tensorboard=arguments.tensorboard,
    )
    report_skipped(model.skipped)
    model.save(out)
    if drawing.installed():
        drawing.learning_curves(history, folder / "curves.png")
    epochs = len(history.history["loss"])
    kept = history.best_epoch or epochs
    values = {key: column[kept - 1] for key, column in history.history.items()}
    if arguments.json:
        result = {"out": str(out), "folder": str(folder), "epochs": epochs, "kept_epoch": kept, "metrics": values}
        return show_json({**result, "history": history.history, "skipped": model.skipped})
    print(f"epoch {kept} of {epochs}: " + "  ".join(f"{key} {value:.4f}" for key, value in values.items()))
    print(f"Saved {out} with the weights of epoch {kept}; checkpoints, log and curves are in {folder}.")
    print(f"Next: zoo evaluate {out} {arguments.data or model.data['name']}")


def run_evaluate(arguments):
    if arguments.errors and not arguments.errors.endswith((".html", ".htm")):
        raise UsageError(f"--errors writes an .html file, got {arguments.errors!r}.")
    model = opened(arguments.name, "evaluate", arguments.weights)
    result = model.evaluate(arguments.data, split=arguments.split)
    report_skipped(result["skipped"])
    if arguments.errors:
        if not hasattr(result, "page"):
            raise UsageError(f"{arguments.name} is a model for {model.entry.task}: it has no --errors.")
        result.page(arguments.errors, f"{arguments.name} on {arguments.data or 'its own data'}")
        note(f"Wrote {arguments.errors}: {len(result.errors())} mistakes.")
    if arguments.json:
        return show_json(result)
    print(model.told(result))


def run_predict(arguments):
    model = opened(arguments.name, "predict", arguments.weights)
    pictures = [picture for word in arguments.images for picture in named_pictures(word)]
    if arguments.csv and arguments.beside:
        raise UsageError("--beside is for looking at pictures, --csv for many: leave out one of the two.")
    if arguments.csv:
        return predict_into(model, pictures, arguments)
    other = itertools.repeat(None, len(pictures))
    if arguments.beside:
        other = opened(arguments.beside, "predict").predictions(pictures, arguments.top)
    results, failed = [], 0
    for picture, said, beside in zip(pictures, model.predictions(pictures, arguments.top), other, strict=True):
        if isinstance(said, ZooError):
            failed += 1
            note(f"zoo predict: {printable(picture)} cannot be used: {said}")
            results.append({"path": picture, "error": str(said)})
        elif arguments.json:
            results.append({**said.to_json(), "beside": beside} if beside else said.to_json())
        else:
            print(f"{printable(picture)}: {said.ranked()}", flush=True)
            if beside:
                print(f"  {arguments.beside} says: {beside.ranked()}", flush=True)
    if arguments.json:
        show_json(results)
    if failed:
        note(f"zoo predict: {failed} of {len(pictures)} pictures could not be used.")
    if model.weights and "accuracy" in model.metrics:  # how far to trust it
        split = f"{model.data['name']}'s {model.metrics['split']} split"
        note(f"{model.name} is right on {model.metrics['accuracy']} of {split}.")
    return 1 if failed else 0


def predict_into(model, pictures: list[str], arguments):
    """Write what the pictures show into a CSV file, without those that it holds already."""
    from zoo.reports import Bar
    from zoo.tables import GrowingTable

    by = f"{model.name} {model.archive.sha256[:12] if model.archive else model.weights}"
    columns = ["path", "label", "probability", "strange", "error", "by"]
    table = GrowingTable(arguments.csv, columns, by)
    left = [picture for picture in dict.fromkeys(pictures) if picture not in table.done]
    arguments.when_interrupted = f" What was done is in {arguments.csv}; the same command goes on."
    failed, rows = 0, []
    bar = Bar(len(left), "predicting", unit="picture")
    for picture, said in zip(left, model.predictions(left, top=1), strict=True):
        row = dict.fromkeys(columns, "") | {"path": picture}
        if isinstance(said, ZooError):
            failed += 1
            row["error"] = str(said)
        else:
            row |= {"label": said.label, "probability": f"{said.probability:.6f}"}
            row["strange"] = {None: "", True: "yes", False: "no"}[said.strange]
        rows.append(row)
        if len(rows) == 32:  # a forward pass
            table.add(rows)
            rows = []
        bar.update()
    table.add(rows)
    bar.close()
    result = {"csv": arguments.csv, "answers": len(left) - failed, "failed": failed, "kept": len(table.done)}
    if arguments.json:
        show_json(result)
    else:
        print("{csv}: {answers} answers, {failed} pictures that could not be used, {kept} kept".format(**result))
    return 1 if failed else 0


def run_generate(arguments):
    model = opened(arguments.name, "generate", arguments.weights)
    how = {word: getattr(arguments, word) for word in ("length", "temperature", "top_k", "top_p", "seed")}
    pieces = model.generate(arguments.prompt, **how, stream=True)
    if arguments.json:
        return show_json({"prompt": arguments.prompt, **how, "text": "".join(pieces)})
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def run_reconstruct(arguments):
    model = opened(arguments.name, "reconstruct")
    pictures = [picture for word in arguments.images for picture in given_pictures(word)]
    found = model.draw(pictures, arguments.out, noise=arguments.noise)
    if arguments.json:
        return show_json({"out": arguments.out, "noise": arguments.noise, "pictures": found})
    for number, item in enumerate(found):
        gain = f", {item['gain']:+.1f} dB from the noisy one" if "gain" in item else ""
        print(f"{printable(item['path'] or f'picture {number}')}: signal to noise {item['psnr']:.1f} dB{gain}")
    noisy = ", with noise" if arguments.noise else ""
    print(f"Saved {arguments.out}: what was given{noisy}, and below it what came out.")


def run_visualise(arguments):
    model = opened(arguments.name, "visualise", arguments.weights)
    picture = None if arguments.picture is None else named_pictures(arguments.picture)[0]
    files = [str(path) for path in model.visualise(arguments.out, picture)]
    show_json({"files": files}) if arguments.json else print(*files, sep="\n")


def run_relabel(arguments):
    from zoo.api import is_saved_file

    if not is_saved_file(arguments.name):
        raise UsageError(f"give a saved .keras file, got {arguments.name!r}.")
    model, out, names = opened(arguments.name, "relabel"), arguments.out or arguments.name, {}
    for pair in arguments.names:
        if "=" not in pair:
            raise UsageError(f"give OLD=NEW, for example cats=cat; got {pair!r}.")
        # a class may have the sign in its name: the longest known name before one is meant
        ways = [(pair[:i], pair[i + 1 :]) for i, sign in enumerate(pair) if sign == "="]
        old, new = max((way for way in ways if way[0] in model.labels), key=lambda way: len(way[0]), default=ways[0])
        if old in names:
            raise UsageError(f"{old!r} is given two names, {names[old]!r} and {new!r}.")
        names[old] = new
    model.relabel(names)
    model.save(out)
    if arguments.json:
        return show_json({"out": out, "labels": model.labels})
    print(f"Saved {out}; its classes are {', '.join(model.labels)}.")


def run_finetune(arguments):
    import zoo

    out = Path(arguments.out or f"{default_name(arguments.train)}.keras")
    arguments.when_interrupted = " What was computed is cached: the same command goes on from there."
    classifier = zoo.finetune(
        arguments.train,
        arguments.val,
        val_split=arguments.val_split,
        backbone=arguments.backbone,
        augment=arguments.augment,
        precision=arguments.precision,
        seed=arguments.seed,
        skip_list=arguments.skip_list,
        out=out,
    )
    summary = classifier.summary
    report_skipped(summary["skipped"])
    if arguments.json:
        return show_json(summary)
    features, seconds = summary["features"], summary["seconds"]
    if summary["duplicates"]:
        print(f"{summary['duplicates']} training pictures are also among those held out; they were not trained on.")
    print(f"accuracy {summary['validation']['accuracy']}, on pictures that were not trained on")
    print(per_class_table(summary["validation"]["per_class"]))
    print(
        f"Features: {features['computed']} computed by {features['engine']} in {features['precision']}, "
        f"{features['cached']} from the cache."
    )
    print("Seconds: " + ", ".join(f"{step} {value:.1f}" for step, value in seconds.items()))
    print(f"Saved {out} ({out.stat().st_size / 1e6:.1f} MB). Next: zoo predict {out} PICTURE.jpg")


def run_doctor(arguments):
    if arguments.env == (arguments.data is not None):
        raise UsageError("give a folder of pictures, or --env.")
    if arguments.env:
        from zoo import environment

        found = environment.examine()
        show_json(found) if arguments.json else print(environment.describe(found))
        return 1 if found["problems"] else 0
    from zoo.data.doctor import examine

    report = examine(arguments.data, arguments.val, arguments.skip_list)
    count = report.write_skip_list(arguments.out) if arguments.out else len(report.skip_list())
    if arguments.json:
        print(json.dumps(report.to_json(), indent=1))  # in ASCII: a file's name may be no Unicode
    else:
        print(str(report).encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding))
    data, out = shlex.quote(arguments.data), shlex.quote(arguments.out or "skip.csv")
    if arguments.out:
        note(f"Wrote {out}: {count} pictures to leave out. Next: zoo finetune {data} --skip-list {out}")
    elif count:
        note(f"{count} pictures are better left out; to list them in a file: zoo doctor {data} --out {out}")
    return 1 if report.counts["error"] else 0


def run_reproduce(arguments):
    from zoo.studies.definitions import STUDIES

    if arguments.name is None:
        if arguments.seeds or arguments.out:
            raise UsageError("give the name of a study; `zoo reproduce` lists them.")
        if arguments.json:
            return show_json([{"name": s.name, "question": s.question, "seeds": s.seeds} for s in STUDIES.values()])
        width = max(map(len, STUDIES))
        for study in STUDIES.values():
            print(f"{study.name:<{width}}  {study.question}")
        return None
    import zoo

    arguments.when_interrupted = " Finished rows are kept; the same command goes on."
    outcome = zoo.reproduce(arguments.name, seeds=arguments.seeds, out=arguments.out)
    show_json(outcome) if arguments.json else print(outcome)


def run_check(arguments):
    import zoo
    from zoo import backend  # noqa: F401 first: it quiets the framework's import
    from zoo.checks import run_checks

    if bool(arguments.names) == arguments.all:
        raise UsageError("give the names of models, or --all.")
    results = []
    for name in arguments.names or zoo.list():
        for result in run_checks(name):
            results.append(result)
            if not arguments.json:
                print(f"{result['outcome']:<7} {result['model']}  {result['check']}  {result['detail']}".rstrip())
    if arguments.json:
        show_json(results)
    failures = [r for r in results if r["outcome"] == "failed"]
    note(f"{len(results) - len(failures)} passed, {len(failures)} failed")
    if failures:
        note(f"zoo check: {len(failures)} checks failed, {failures[0]['model']} {failures[0]['check']} first.")
    return 1 if failures else 0


def run_cache(arguments):
    from zoo.files import home
    from zoo.pretrained import features

    if arguments.prune is not None and arguments.prune < 0:
        raise UsageError(f"--prune takes a number of days, 0 or more; got {arguments.prune:g}.")
    removed = features.prune(arguments.prune) if arguments.prune is not None else []
    kept = list(features.cached())
    if arguments.json:
        return show_json({"folder": str(home()), "kept": kept, "removed": removed})
    print(f"The cache is {home()} (set ZOO_HOME to move it).")
    for word, items in (("removed ", removed), ("", kept)):
        for item in items:
            how = "" if item["engine"] is None else f" by {item['engine']} in {item['precision']}"
            rows = "" if item["rows"] is None else f"{item['rows']} rows, "
            print(
                f"{word}{item['kind']}: {item['network']}{how}: {rows}"
                f"{item['bytes'] / 1e6:.1f} MB, last used {item['days']:.1f} days ago"
            )


def opened(name: str, verb: str, wanted: str | None = None):
    """The saved file, or the model with its trained weights, that a word names, if it has that verb.

    Args:
        name: a `.keras` file, or a model's name.
        verb: what is to be done with it.
        wanted: which of its trained weights; None takes the first.
    """
    import zoo
    from zoo.api import is_saved_file
    from zoo.catalog import card
    from zoo.tasks.task import Task

    if is_saved_file(name):
        if wanted:
            raise UsageError(f"{name} is a saved file and has its weights: leave out --weights.")
        model = zoo.load(name)
    elif weights := list(card(name).facts.get("weights", {})):
        model = zoo.get(name, weights=wanted or weights[0])
    else:
        raise ZooError(
            f"{name} comes without trained weights: train it first (`zoo train {name}`) and give the saved file."
        )
    if not hasattr(model, verb):
        own = ", ".join(word for word in EXAMPLES if word and hasattr(model, word) and not hasattr(Task, word))
        raise UsageError(f"{name} is a model for {model.entry.task} and has no `zoo {verb}`; it has {own}.")
    return model


def named_pictures(word: str) -> list[str]:
    """The files that a word of the command line means: itself, those in a folder, or one that a package carries."""
    from zoo.data.folders import pictures_below
    from zoo.data.named import sample_picture

    path = Path(word)
    if path.is_dir():
        found = pictures_below(path)
        if not found:
            raise ZooError(f"there is no picture in {word}.")
        return [str(file) for file in found]
    return [word if path.exists() else str(sample_picture(word) or word)]


def given_pictures(word: str) -> list:
    """The same, or the first pictures of a dataset that are not for training."""
    from zoo.data import named, sources

    if word not in named.names("pictures") or Path(word).exists():
        return named_pictures(word)
    splits = sources.find(word).splits
    held_out = splits.get("test") or splits.get("validation") or splits["train"]
    return list(held_out.items[:16])


def settings(pairs: list[str]) -> dict:
    """Builder arguments from KEY=VALUE words; a value that is no Python literal is taken as text."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"--set takes KEY=VALUE, for example --set input_shape=(32,32,3); got {pair!r}.")
        try:
            found[key] = ast.literal_eval(value)
        except NO_LITERAL:
            found[key] = value
    return found


def default_name(train: str) -> str:
    """A file's name for a classifier of `train`: the folder's, or its parent's where the folder is only "train"."""
    path = Path(train.removeprefix("tfds:")).resolve()
    return (path.parent if path.name == "train" else path).stem or "classifier"


def positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


def report_skipped(skipped: list[dict]) -> None:
    for item in skipped[:20]:
        note(f"left out {item['path']}: {item['reason']}")
    if len(skipped) > 20:
        note(f"... and {len(skipped) - 20} more")


def show_json(value) -> None:
    """Print a result as JSON, the only thing on standard output."""
    text = json.dumps(value, indent=1, default=lambda item: item.to_json(), ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a terminal without Unicode, or a file's name that is no text: JSON can escape both
        text = json.dumps(json.loads(text))
    print(text)
