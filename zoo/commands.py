"""What each word of the `zoo` command does: asks the library, prints results to standard output, the rest to standard
error."""

import ast
import itertools
import json
import shlex
import sys
from pathlib import Path

from zoo.console import note, per_class_table
from zoo.errors import UsageError, ZooError, printable
from zoo.registry import NO_LITERAL

VERBS = {"chat": "reply", "similar": "most_similar"}  # where the command's word is not the library's


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
    from zoo.visualization import canvas, charts

    name = Path(arguments.name).stem
    out = Path(arguments.out or f"{name}.keras")
    if out.suffix != ".keras":
        raise UsageError(f"--out must be a .keras file, got {str(out)!r}.")
    folder = out.with_suffix(".training")
    arguments.when_interrupted = (
        f" What was trained is in {folder}; the same command with --resume goes on with it." if folder.is_dir() else ""
    )
    size = {"input_shape": (arguments.size, arguments.size, 3)} if arguments.size else {}
    model = zoo.get(arguments.name, seed=arguments.seed, **size, **settings(arguments.set))
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
    if canvas.installed():
        charts.learning_curves(history, folder / "curves.png")
    epochs = len(history.history["loss"])
    kept = history.best_epoch or epochs
    values = {key: column[kept - 1] for key, column in history.history.items()}
    if arguments.json:
        result = {"out": str(out), "folder": str(folder), "epochs": epochs, "kept_epoch": kept, "metrics": values}
        return show_json({**result, "history": history.history, "skipped": model.skipped})
    print(f"epoch {kept} of {epochs}: " + "  ".join(f"{key} {value:.4f}" for key, value in values.items()))
    print(f"Saved {out} with the weights of epoch {kept}; checkpoints, log and curves are in {folder}.")
    print(f"Next: {model.next_command(out, arguments.data or model.data['name'])}")


def run_evaluate(arguments):
    if arguments.errors and not arguments.errors.endswith((".html", ".htm")):
        raise UsageError(f"--errors writes an .html file, got {arguments.errors!r}.")
    model = opened(arguments.name, "evaluate", arguments.weights)
    if arguments.n is not None and not hasattr(model, "sample"):
        raise UsageError(f"{arguments.name} is a model for {model.entry.task}: it draws no pictures; leave out --n.")
    how = {} if arguments.n is None else {"n": arguments.n}
    result = model.evaluate(arguments.data, split=arguments.split, **how)
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
    from zoo.console import Bar
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


def run_chat(arguments):
    model = opened(arguments.name, "chat", arguments.weights)
    how = {word: getattr(arguments, word) for word in ("beam", "temperature", "seed")}
    turns = []
    if sys.stdin.isatty():
        note("Say something; an empty line ends the conversation.")
    while said := spoken():
        answer = model.reply(said, **how)
        turns.append({"said": said, "reply": answer})
        if not arguments.json:
            print(answer, flush=True)
    if arguments.json:
        show_json(turns)


def run_similar(arguments):
    model = opened(arguments.name, "similar", arguments.weights)
    if (arguments.without is None) != (arguments.plus is None):
        raise UsageError("an analogy takes --without and --plus: zoo similar FILE king --without man --plus woman")
    if arguments.without is None:
        found = model.most_similar(arguments.word, arguments.top)
    else:
        found = model.analogy(arguments.word, arguments.without, arguments.plus, arguments.top)
    if arguments.map:
        model.map(arguments.map)
        note(f"Wrote {arguments.map}.")
    if arguments.json:
        return show_json([{"word": word, "cosine": cosine} for word, cosine in found])
    for word, cosine in found:
        print(f"{cosine:.3f}  {word}")


def spoken() -> str:
    """What people type, or the next line of what is piped in; nothing at the end."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""


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


def run_sample(arguments):
    model = opened(arguments.name, "sample", arguments.weights)
    model.sample_to(arguments.out, arguments.n, arguments.seed, arguments.truncation)
    if arguments.json:
        return show_json({"out": arguments.out, "n": arguments.n, "seed": arguments.seed})
    print(f"Saved {arguments.out}: {arguments.n:,} pictures.")


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
    from zoo.data.doctor.examine import examine

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
    from zoo.transfer import cache

    if arguments.prune is not None and arguments.prune < 0:
        raise UsageError(f"--prune takes a number of days, 0 or more; got {arguments.prune:g}.")
    removed = cache.prune(arguments.prune) if arguments.prune is not None else []
    kept = list(cache.cached())
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
        wanted: which of its trained weights; None takes those of its own dataset, or else the first.
    """
    import zoo
    from zoo.api import is_saved_file
    from zoo.catalog import card
    from zoo.tasks.task import Task

    if is_saved_file(name):
        if wanted:
            raise UsageError(f"{name} is a saved file and has its weights: leave out --weights.")
        model = zoo.load(name)
    elif weights := list(card(name).weights):
        model = zoo.get(name, weights=wanted or weights[0])
    else:
        raise ZooError(
            f"{name} comes without trained weights: train it first (`zoo train {name}`) and give the saved file."
        )
    if not hasattr(model, VERBS.get(verb, verb)):
        words = [name.removeprefix("run_") for name in globals() if name.startswith("run_")]
        verbs = {word: VERBS.get(word, word) for word in words}
        own = ", ".join(word for word, its in verbs.items() if hasattr(model, its) and not hasattr(Task, its))
        raise UsageError(f"{name} is a model for {model.entry.task} and has no `zoo {verb}`; it has {own}.")
    return model


def named_pictures(word: str) -> list[str]:
    """The files that a word of the command line means: itself, those in a folder, or one that a package carries."""
    from zoo.data.images.folders import pictures_below
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

    if not named.known(word, "pictures") or Path(word).exists():
        return named_pictures(word)
    dataset = sources.find(word)
    return list(dataset.splits[dataset.to_measure_on()].items[:16])


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
