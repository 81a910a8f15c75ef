"""The command: results on standard output, words for people on standard error, exit codes, and what goes wrong."""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.shell_completion import get_completion_class
from PIL import Image

import zoo
from zoo import cli, files
from zoo.cli import SECTIONS, group, japanese
from zoo.cli.images import default_name
from zoo.cli.models import parse_settings
from zoo.data.dataset import place_of
from zoo.errors import UNSHOWABLE, ZooError
from zoo.visualization.grid import picture_output, save_picture


@pytest.fixture
def run_json(run):
    """Run a command with --json; the exit code and what standard output holds."""

    def run_json(*words):
        code, out, _ = run(*words, "--json")
        return code, json.loads(out)

    return run_json


@pytest.fixture
def pictures(tmp_path):
    """Small pictures of two classes, as a folder."""
    random = np.random.default_rng(0)
    for number in range(12):
        folder = tmp_path / "pictures" / ("dark", "light")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 100, (8, 8, 3)) + 150 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "pictures"


TRAIN = ("train", "logistic", "--data", "pictures", "--set", "input_shape=(8,8,3)", "--epochs")


# Help and usage


def examples(text):
    """The words of each example of a help text."""
    lines = [re.split(r"\s{2,}", line.strip())[0] for line in text.splitlines()]
    return [shlex.split(line.partition("zoo ")[2].partition(" > ")[0].partition(" >> ")[0]) for line in lines]


EXAMPLES = [words for command in (cli.group, *cli.group.commands.values()) for words in examples(command.epilog)]


def test_zoo_alone_shows_every_command(run):
    code, out, err = run()
    assert (code, out, err) == run("--help") == run("-h") and code == 0 and "Examples:" in out and not err
    assert [*cli.group.commands] == [name for name in re.findall(r"^  ([\w-]+)  ", out, re.MULTILINE) if name != "zoo"]


@pytest.mark.parametrize("name", cli.group.commands)
def test_every_command_shows_examples(name, run):
    code, out, _ = run(name, "--help")
    assert code == 0 and re.search(rf"Examples:\n  (echo .* \| )?zoo {name}", out)


@pytest.mark.parametrize("words", EXAMPLES, ids=" ".join)
def test_examples_are_words_that_the_command_takes(words):
    assert cli.group.commands[words[0]].make_context(words[0], words[1:])


def test_help_shows_the_defaults_of_the_library(run):
    assert re.search(r"--length N .*\[default: 400\]", run("generate", "--help")[1])
    assert re.search(r"--backbone NAME [^[]*\[default:\s+efficientnet_lite0\]", run("finetune", "--help")[1])
    # None is said twice: the folders of `visualise` and `demo` are the commands' own.
    options = [option for command in cli.group.commands.values() for option in command.params]
    assert {option.name for option in options if getattr(option, "show_default", None)} == {"out"}


def test_typing_errors_are_answered_with_what_was_meant(run):
    code, out, err = run("predcit")
    assert code == 2 and not out and "did you mean 'predict'?" in err
    code, out, err = run("generate", "a.keras", "--temprature", "1")
    assert code == 2 and not out and "Did you mean '--temperature'?" in err
    assert "'--temperature'" in json.loads(run("generate", "a.keras", "--temprature", "1", "--json")[1])["error"]


def completions(typed):
    shell = get_completion_class("bash")(cli.group, {}, "zoo", "_ZOO_COMPLETE")
    *args, incomplete = typed.split(" ")
    return [(item.type, item.value) for item in shell.get_completions(args, incomplete)]


def test_the_first_page_is_there_in_japanese(run, monkeypatch):
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    code, out, _ = run("--help")
    assert code == 0 and all(f"  {name}" in out and text in out for name, text in japanese.COMMANDS.items())
    assert {*japanese.COMMANDS} == {*group.commands} and {*japanese.TITLES} == {*SECTIONS, "Examples"}
    assert japanese.EXAMPLES.count("\n") == group.epilog.count("\n")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert "List the models." in run("--help")[1]


def test_completion(run, tmp_path, monkeypatch):
    for shell in ("bash", "zsh", "fish"):
        code, out, err = run("completion", shell)
        assert code == 0 and not err and "_ZOO_COMPLETE" in out and f"# To install it: zoo completion {shell}" in out
    Path("logs.keras").touch()
    assert completions("trai") == [("plain", "train")]
    assert completions("predict --bes") == [("plain", "--beside")]
    assert completions("predict log") == [("plain", "logistic"), ("plain", "logs.keras"), ("file", "log")]
    assert completions("predict logistic ca") == [("file", "ca")]


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-command"],
        ["show"],
        ["list", "--no-such-option"],
        ["predict", "a.keras"],
        ["predict", "a.keras", "b.jpg", "--top", "0"],
        ["train", "logistic", "--epochs", "many"],
        ["finetune", "photos", "--val", "a", "--val-split", "0.1"],
    ],
)
def test_wrong_usage_is_2(words, run):
    code, out, err = run(*words)
    assert code == 2 and not out and "Usage: zoo" in err


def test_options_may_stand_anywhere():
    def parsed(words):
        return cli.group.commands["generate"].make_context("generate", words).params

    words = ["char_lstm", "ROMEO:", "--length", "5", "--seed", "1"]
    for order in ([0, 2, 3, 1, 4, 5], [2, 3, 0, 4, 5, 1], [2, 3, 4, 5, 0, 1]):
        assert parsed([words[at] for at in order]) == parsed(words)


@pytest.mark.parametrize(
    ("words", "settings", "augment"),
    [
        ([], (), ()),
        (["--set", "a=1", "b=2", "--augment", "flip", "shift"], ("a=1", "b=2"), ("flip", "shift")),
        (["--set", "a=1", "--epochs", "3", "--set=b=2", "--augment", "--seed", "1"], ("a=1", "b=2"), ("",)),
        (["--augment"], (), ("",)),
    ],
)
def test_options_of_several_words(words, settings, augment):
    params = cli.group.commands["train"].make_context("train", ["cnn", *words]).params
    assert (params["settings"], params["augment"]) == (settings, augment)


def test_version(run):
    assert run("--version") == (0, f"zoo {zoo.__version__}\n", "")


# demo


@pytest.mark.slow  # CI runs the command by itself, too
def test_demo(run, run_json):
    pytest.importorskip("skimage", reason="carries the pictures")
    code, result = run_json("demo", "--out", "here")
    assert code == 0 and result["folder"] == "here" and result["accuracy"]["textures"]["value"] == 1
    assert [item["label"] for item in result["predictions"][:3]] == zoo.load("here/textures.keras").labels
    assert "cat" in result["predictions"][3]["label"] and result["predictions"][3]["by"] == "efficientnet_lite0"
    code, out, _ = run("demo", "--out", "here", "--overwrite")
    assert code == 0 and "accuracy 100.0%" in out and "lie in here" in out and "zoo finetune photos/" in out
    assert run("predict", "here/textures.keras", "here/brick.png")[1].startswith("here/brick.png: brick")


# list, show, cache, check


def test_list(run, run_json):
    code, out, err = run("list")
    others = [name for name in zoo.list() if name not in zoo.list(task="backbone")]
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == others
    assert err.startswith(f"And {len(zoo.list()) - len(others)} pretrained networks") and "--task backbone" in err
    code, found = run_json("list", "--weights")
    assert code == 0 and [card["name"] for card in found] == zoo.list(weights=True)
    assert all(set(card) >= {"name", "summary", "arguments", "facts"} for card in found)


def test_show(run, run_json, tuned):
    code, out, _ = run("show", "logistic")
    assert code == 0 and "12,289" in out and "input_shape=(64, 64, 3)" in out
    assert run_json("show", "logistic")[1]["name"] == "logistic"
    code, out, _ = run("show", tuned.out)
    assert code == 0 and "dots, stripes" in out
    code, record = run_json("show", tuned.out)
    assert record["labels"] == ["dots", "stripes"] and "members" not in record


def test_cache(run, run_json, tuned, tmp_path, monkeypatch):
    code, found = run_json("cache")
    assert code == 0 and found["kept"] and found["removed"] == []
    assert "efficientnet_lite0" in run("cache")[1]
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    assert run_json("cache", "--prune", "0") == (0, {"folder": str(tmp_path / "home"), "kept": [], "removed": []})
    code, _, err = run("cache", "--prune", "-1")
    assert code == 2 and "0 or more" in err


BAD_MODEL = """
import zoo

@zoo.register(task="classification", source="written for the tests", known_gaps={"check_resume": "too lazy"})
def bad_net(input_shape=(8, 8, 3), num_classes=2):
    'It gives nothing back at all.'
"""


def test_check(run, run_json, tmp_path):
    (tmp_path / "bad.py").write_text(BAD_MODEL)
    code, out, err = run("check", "bad.py")
    assert code == 1 and re.search(r"^failed +bad_net +check_builds", out, re.MULTILINE) and "checks failed" in err
    assert re.search(r"^gap +bad_net +check_resume +too lazy", out, re.MULTILINE)
    assert "Traceback" not in out + err
    code, found = run_json("check", "bad.py")
    outcomes = {result["check"]: result["outcome"] for result in found}
    assert code == 1 and outcomes["check_imports"] == "passed" and outcomes["check_builds"] == "failed"


# finetune, predict, evaluate


def test_finetune(run, run_json, tuned, tmp_path):
    code, result = run_json("finetune", tuned.photos)
    assert code == 0 and result["out"] == "photos.keras" and (tmp_path / "photos.keras").is_file()
    assert set(result) >= {"validation", "labels", "skipped", "seconds", "out"}
    assert set(result["validation"]["accuracy"]) == {"value", "ci", "n"}
    words = ("finetune", tuned.photos / "train", "--val", tuned.photos / "val", "--errors")
    code, out, err = run(*words, "wrong.html", "--out", "pets.keras")
    assert code == 0 and (tmp_path / "pets.keras").is_file()
    assert "accuracy" in out and "zoo predict pets.keras" in out
    wrong = zoo.load("pets.keras").evaluate(progress=False).errors()  # of the pictures of --val
    assert f"wrong.html: {len(wrong)} mistakes" in err and Path("wrong.html").read_text().count("<img ") == len(wrong)
    assert "broken.jpg" in err and "1 training pictures are also among those held out" in out


@pytest.mark.parametrize(
    ("train", "name"),
    [("photos", "photos"), ("photos/train", "photos"), ("a/photos/", "photos"), ("labels.csv", "labels"),
     ("tfds:beans", "beans"), ("textures", "textures")],
)  # fmt: skip
def test_name_of_the_file(train, name):
    assert default_name(train) == name


def test_predict(run, run_json, tuned, tmp_path):
    good = sorted((tuned.photos / "val").glob("*/*.jpg"))[8:12]
    (tmp_path / "bad.jpg").write_bytes(b"hello")
    words = ("predict", tuned.out, good[0], "bad.jpg", *good[1:], "absent.jpg")
    code, out, err = run(*words)
    assert code == 1 and [line.split(": ")[0] for line in out.splitlines()] == [str(path) for path in good]
    assert "bad.jpg" in err and "absent.jpg" in err and "2 of 6 pictures" in err and "Traceback" not in err
    code, found = run_json(*words, "--top", "1")
    assert code == 1 and [item["path"] for item in found] == [str(path) for path in words[2:]]
    assert ["error" in item for item in found] == [False, True, False, False, False, True]
    for item in found:
        if "error" not in item:
            assert [{"label": item["label"], "probability": item["probability"]}] == item["top"]
    assert [item["label"] for item in found if "label" in item] == [path.parent.name for path in good]


def test_predict_with_published_weights(run_json):
    pytest.importorskip("skimage", reason="carries the picture of a cat")
    code, found = run_json("predict", "efficientnet_lite0", "chelsea", "--top", "3")
    assert code == 0 and "cat" in found[0]["label"] and len(found[0]["top"]) == 3


def test_evaluate(run_json, tuned):
    code, result = run_json("evaluate", tuned.out, tuned.photos, "--split", "validation")
    assert code == 0 and result["accuracy"]["n"] == 20 and result["split"] == "validation"
    assert result["accuracy"]["value"] == tuned.classifier.summary["validation"]["accuracy"].value
    assert run_json("evaluate", tuned.out)[1] == result  # what was held out
    code, result = run_json("evaluate", tuned.out, tuned.photos / "train")
    assert code == 0 and (result["accuracy"]["n"], result["given"], result["trained_on"]) == (1, 25, 24)  # the copy


# train


def test_train(run, run_json, pictures, tmp_path):
    how = ("--val", "pictures", "--seed", "1", "--batch-size", "4", "--steps-per-epoch")
    code, result = run_json(*TRAIN, "2", *how, "3")
    assert code == 0 and result["out"] == "logistic.keras" and result["folder"] == "logistic.training"
    assert result["epochs"] == 2 and len(result["history"]["loss"]) == 2
    assert result["metrics"]["val_accuracy"] == result["history"]["val_accuracy"][result["kept_epoch"] - 1]
    assert (tmp_path / "logistic.training" / "log.csv").is_file()
    code, _, err = run(*TRAIN, "3", *how, "4", "--resume")
    assert code == 1 and "its steps_per_epoch differ" in err
    code, out, err = run(*TRAIN, "3", *how, "3", "--resume")
    assert code == 0 and "of 3: " in out and "zoo predict logistic.keras PICTURE" in out
    assert "epoch 3/3" in err and "epoch 2/3" not in err
    assert zoo.load("logistic.keras").labels == ["dark", "light"] and zoo.show("logistic.keras").to_json()["seed"] == 1
    code, _, err = run("evaluate", "logistic.keras", "pictures")
    assert code == 1 and "were trained on" in err and "--split all" in err
    code, result = run_json("evaluate", "logistic.keras", "pictures", "--split", "all")
    assert code == 0 and result["labels"] == ["dark", "light"] and result["given"] == result["trained_on"] == 12
    code, out, _ = run("evaluate", "logistic.keras", "pictures", "--split", "all")
    assert (
        code == 0 and out.startswith(f"accuracy {result['accuracy']['value']:.1%} (95 % interval ") and "dark" in out
    )


USAGE = {  # a word that is not accepted: status 2
    "unknown model": (["show", "logistik"], "did you mean 'logistic'"),
    "unknown model, predict": (["predict", "efficientnet_lite", "a.jpg"], "did you mean 'efficientnet_lite"),
    "unknown task": (["list", "--task", "clasification"], "did you mean 'classification'"),
    "backbone": (["finetune", "pictures", "--backbone", "efficientnet_lit2"], "did you mean 'efficientnet_lite2'"),
    "ending": (["finetune", "pictures", "--out", "a.h5"], "must be a .keras file"),
    "ending, errors": (["finetune", "pictures", "--errors", "wrong.txt"], "writes an .html file"),
    "ending, train": (["train", "logistic", "--out", "a.h5"], "must be a .keras file"),
    "no model file": (["train", "my_net.py"], "there is no file 'my_net.py'"),
    "argument": (["train", "logistic", "--data", "pictures", "--set", "num_clases=2"], "did you mean 'num_classes'"),
    "no pair": (["train", "logistic", "--set", "input_shape"], "--set takes KEY=VALUE"),
    "shape": (["train", "logistic", "--data", "pictures", "--set", "input_shape=8"], "input_shape"),
    "split": (["evaluate", "efficientnet_lite0", "pictures", "--split", "tset"], "no split 'tset'"),
    "nothing to check": (["check"], "give the names of models, or --all"),
    "prune": (["cache", "--prune", "-3"], "0 or more"),
}
FAILED = {  # the work cannot be done: status 1
    "untrained": (["predict", "perceptron", "a.jpg"], "zoo train perceptron"),
    "untrained, evaluate": (["evaluate", "perceptron"], "zoo train perceptron"),
    "no file": (["predict", "a.keras", "a.jpg"], "there is no file 'a.keras'"),
    "no file shown": (["show", "a.keras"], "there is no file 'a.keras'"),
    "no folder": (["finetune", "photos"], "'photos' is no folder, file or dataset here"),
    "no folder, near a dataset": (["finetune", "texturs"], "did you mean 'textures'"),
    "no run": (["train", "logistic", "--data", "pictures", "--resume"], "no run to resume"),
    "dataset": (["train", "logistic", "--data", "catvnonct"], "did you mean 'catvnoncat'"),
    "classes": (["evaluate", "efficientnet_lite0", "pictures"], "classes that the model does not know"),
    "validation": (["finetune", "pictures", "--val", "nowhere"], "'nowhere' is no folder"),
}


@pytest.mark.parametrize("case", [*USAGE, *FAILED])
def test_errors(case, run, pictures):
    status = 2 if case in USAGE else 1
    words, expected = {**USAGE, **FAILED}[case]
    code, out, err = run(*words)
    assert code == status and not out and err.startswith(f"zoo {words[0]}: ")
    assert expected in err and "Traceback" not in err
    code, out, again = run(*words, "--json")
    assert code == status and expected in json.loads(out)["error"] and expected in again


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {}),
        (["a=1", "b=(32,32,3)", "c=None", "d=True"], {"a": 1, "b": (32, 32, 3), "c": None, "d": True}),
        (["a=relu", "b=x=y", "c="], {"a": "relu", "b": "x=y", "c": ""}),
        (["a=1", "a=2"], {"a": 2}),
        (["a={[]: 1}"], {"a": "{[]: 1}"}),  # a literal that has no value
        ([f"a={'[' * 5000}"], {"a": "[" * 5000}),
        ([f"a={'-' * 5000}1"], {"a": "-" * 5000 + "1"}),
    ],
    ids=range(7),
)
def test_settings(pairs, expected):
    assert parse_settings(pairs) == expected


@pytest.mark.parametrize("pair", ["a", "=1", "a b=1", "1=1", ""])
def test_settings_that_are_none(pair):
    with pytest.raises(ZooError, match="--set takes KEY=VALUE"):
        parse_settings([pair])


# The process


def test_a_checkout_that_is_not_installed():
    command = [sys.executable, "-S", "-m", "zoo", "list"]
    done = subprocess.run(command, cwd=Path(zoo.__file__).parents[1], capture_output=True, text=True)
    assert done.returncode == 1 and not done.stdout and done.stderr.startswith("zoo: not installed.")


SURROUNDINGS = {  # what the shell does; the exit status, and a part of what is said
    "a reader that has seen enough": ("zoo list | sleep 0; exit ${PIPESTATUS[0]}", 0, ""),
    "help that nobody reads": ("zoo | sleep 0; exit ${PIPESTATUS[0]}", 0, ""),
    "closed output": ("zoo list >&-", 1, "zoo list: standard output cannot be written: Bad file descriptor."),
    "no room for output": ("zoo list --json > /dev/full", 1, "standard output cannot be written: No space"),
    "no room for help": ("zoo --help > /dev/full", 1, "zoo: standard output cannot be written: No space"),
    "no room for an error": ("zoo show logistik --json > /dev/full", 1, "did you mean 'logistic'?"),
    "closed errors": ("zoo show logistik 2>&-", 2, ""),
    "no room for errors": ("zoo show logistik 2> /dev/full; test $? = 2 && zoo predcit 2> /dev/full", 2, ""),
    "closed input": ("zoo chat nothing.keras <&-", 1, "there is no file 'nothing.keras'"),
    "nobody's home": ("ZOO_HOME='~nobody-here/x' zoo cache", 1, "in ZOO_HOME, ~nobody-here/x: Could not"),
    "little memory": ("ulimit -v 600000; zoo train logistic --data faces", 1, "memory"),
    "no such backend": ("KERAS_BACKEND=nonsense zoo train logistic --data faces", 2, "are tensorflow, jax and torch"),
    "output that cannot be encoded": ("PYTHONIOENCODING=ascii zoo finetune nowhere --json", 1, "nowhere"),
}


@pytest.mark.skipif(not Path("/dev/full").exists() or not shutil.which("bash"), reason="no such shell here")
@pytest.mark.parametrize("case", SURROUNDINGS)
def test_surroundings(case, tmp_path):
    script, status, expected = SURROUNDINGS[case]
    script = f'zoo() {{ "{sys.executable}" -m zoo "$@"; }}; {script}'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert expected in done.stderr and "Traceback" not in done.stderr and "ignored" not in done.stderr


SPOKEN = "a\x1b[2J\x9b31m\u202e\r\nb\x07"  # a name that clears the screen, turns text around and begins a line
ORDINARY = "naïve 写真　👩\u200d🔬 \xa0é"


def test_strangers_text_does_not_act_on_the_terminal(run, run_json, tmp_path):
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    net.labels, net.data = [SPOKEN, ORDINARY], {"name": SPOKEN, SPOKEN: {SPOKEN: SPOKEN, "more": {}}}
    net.save("net.keras")
    shutil.copy("net.keras", f"{SPOKEN}.keras")
    picture = Path(f"{SPOKEN} {ORDINARY}.png")
    Image.new("RGB", (8, 8)).save(picture)
    Path("damaged\x1b.png").write_text("no picture")
    for words in (
        ("show", "net.keras"),
        ("show", f"{SPOKEN}.keras"),
        ("predict", "net.keras", picture, "damaged\x1b.png"),
        ("predict", "net.keras", picture, "--csv", "answers.csv"),
        ("relabel", "net.keras", "cat=dog"),
        ("relabel", "net.keras", f"{ORDINARY}={ORDINARY}!", "--out", "other.keras"),
        ("evaluate", "net.keras", "."),
        ("finetune", SPOKEN),
        ("predict", "net.keras", "--\x1b"),
    ):
        _, out, err = run(*words)
        assert not UNSHOWABLE.search((out + err).replace("\n", "")), words
        assert not re.search("^b", out + err, re.MULTILINE), words
        out = run(*words, "--json")[1]
        assert not UNSHOWABLE.search(out.replace("\n", "").replace("\u200d", ""))
        json.loads(out)
    assert ORDINARY in run("show", "net.keras")[1] and ORDINARY in run("show", "net.keras", "--json")[1]
    assert run_json("predict", "net.keras", picture)[1][0]["path"] == str(picture)


FORMULAS = ["=1+1.png", "+a.png", "-a.png", "@a.png", "\ta.png", "'=1+1.png"]


def test_no_cell_of_a_table_is_a_formula(run, run_json, pictures):
    for name in FORMULAS:
        shutil.copy(pictures / "dark" / "0.png", pictures / "dark" / name)
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    net.labels = ["=HYPERLINK(0)", "light"]
    net.save(pictures.parent / "net.keras")
    os.chdir(pictures / "dark")
    asked = [f"./{name}" if name[0] == "-" else name for name in FORMULAS]
    for answers, kept in ((len(asked), 0), (0, len(asked))):
        result = run_json("predict", "../../net.keras", "--csv", "../../answers.csv", *asked)[1]
        assert (result["answers"], result["kept"]) == (answers, kept)
    os.chdir(pictures.parent)
    assert run("doctor", "pictures", "--out", "pictures/dark/skip.csv")[0] == 0
    for table in ("answers.csv", "pictures/dark/skip.csv"):
        with Path(table).open(newline="") as file:
            assert not [cell for row in csv.reader(file) for cell in row if cell[0:1] in [*"=+-@\t\r"]], table
    report = run_json("doctor", "pictures", "--skip-list", "pictures/dark/skip.csv")[1]
    assert report["usable"] == 12 and "'=1+1.png" in Path("pictures/dark/skip.csv").read_text()


def test_what_is_shown_of_a_file_is_bounded(run, tmp_path):
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    net.data = {f"key {number}": {"a": {}} for number in range(3000)} | {"k" * 1000: "v" * 10**6}
    net.save("net.keras")
    code, out, _ = run("show", "net.keras")
    assert code == 0 and len(out) < 200_000 and re.search(r"\.\.\. and 2,\d\d\d more\n$", out)


@pytest.mark.slow
def test_interrupt(pictures, tmp_path):
    command = [sys.executable, "-m", "zoo", *TRAIN, "100000", "--seed", "1"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a job in the background, as CI may run this, ignores Ctrl-C and so would its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "logistic.training" / "resume.npz").exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and not out
    assert "Traceback" not in err and "--resume" in err and "logistic.training" in err


# What is there already


OUTPUTS = {
    "doctor": ("doctor", "{photos}", "--out", "there.csv"),
    "finetune": ("finetune", "{photos}", "--out", "there.keras"),
    "train": (*TRAIN, "1", "--out", "there.keras"),
    "predict": ("predict", "{model}", "{photos}/val", "--csv", "there.csv"),
    "evaluate": ("evaluate", "{model}", "{photos}", "--errors", "there.html"),
    "export": ("export", "{model}", "there.xml"),
    "relabel": ("relabel", "{model}", "dots=spots", "--out", "there.keras"),
    "visualise": ("visualise", "{model}", "--out", "."),
}


@pytest.fixture(scope="module")
def light(tuned, tmp_path_factory):
    """A saved classifier of the same photos that is opened, converted and asked in no time."""
    net, path = zoo.get("logistic", input_shape=(8, 8, 3), seed=0), tmp_path_factory.mktemp("light") / "light.keras"
    net.train(tuned.photos, epochs=1, progress=False)
    net.save(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", OUTPUTS)
def test_what_the_zoo_did_not_make_stays_unless_told_otherwise(name, run, tuned, light, pictures):
    words = [word.format(photos=tuned.photos, model=shutil.copy(light, "logistic.keras")) for word in OUTPUTS[name]]
    there = Path("weights.png" if name == "visualise" else words[-1])
    there.write_text("path,label\nmine,cat\n")
    code, _, err = run(*words)
    assert code in (1, 2) and "is there already" in err and "--overwrite" in err
    assert there.read_text() == "path,label\nmine,cat\n"
    code, _, err = run(*words, "--overwrite")
    assert code == (name == "doctor") and "mine" not in there.read_bytes().decode(errors="ignore"), err
    written = there.stat().st_mtime_ns
    code, _, err = run(*words)  # its own work may be done again
    assert code == (name == "doctor") and there.stat().st_mtime_ns > written, err


@pytest.mark.parametrize("name", ["curves.png", "log.csv", "resume.npz"])
def test_a_training_is_not_written_over_something_else(name, run, pictures):
    there = Path("there.training", name)
    there.parent.mkdir()
    there.write_text("mine")
    code, _, err = run(*OUTPUTS["train"])
    assert code == 1 and f"{name} is there already" in err and there.read_text() == "mine"


CLAIMED = {  # a command, and what it claims while it runs
    "finetune": (("finetune", "{photos}", "--out", "new/there.keras"), "new/there.keras"),
    "finetune, no name": (("finetune", "{photos}"), "photos.keras"),
    "train": ((*TRAIN, "1", "--out", "there.keras"), "there.keras"),
    "train, its folder": ((*TRAIN, "1", "--out", "there.keras"), "there.training"),
    "doctor": (("doctor", "{photos}", "--out", "there.csv"), "there.csv"),
    "predict": (("predict", "{model}", "{photos}/val", "--csv", "there.csv"), "there.csv"),
    "relabel": (("relabel", "{model}", "dots=spots", "--out", "there.keras"), "there.keras"),
    "forget": (("forget", "{model}", "{photos}/train/dots/0.jpg", "--out", "there.keras"), "there.keras"),
    "reproduce": (("reproduce", "vanishing_gradient", "--out", "there"), "there"),
}


@pytest.mark.skipif(files.fcntl is None, reason="no such locks here")
@pytest.mark.parametrize("case", CLAIMED)
def test_the_second_at_a_time_is_told_of_the_first(case, run, tuned, pictures):
    words, target = CLAIMED[case]
    before = sorted(Path().iterdir())
    with files.claimed(target):
        code, out, err = run(*(word.format(photos=tuned.photos, model=tuned.out) for word in words))
    assert code == 1 and not out and re.search(rf"{target} is being written by process {os.getpid()}, since 20", err)
    assert sorted(Path().iterdir()) == before


def test_what_a_killed_process_had_claimed_is_free(tmp_path):
    code = "import sys, time, zoo.files as f\nwith f.claimed(sys.argv[1]):\n print('up', flush=True)\n time.sleep(99)"
    target = tmp_path / "folder" / "a.csv"
    with subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"up\n"
        with pytest.raises(ZooError, match=f"by process {holder.pid}, since"), files.claimed(target):
            pass
        holder.kill()
    parts = [target.with_name(".a.csv.ab12_d34"), target.with_name(".a.csv.ab12cd34.csv")]
    others = [target.with_name(".b.csv.ab12_d34"), target.with_name(".a.csv.original.from.me")]
    for path in (*parts, *others):
        path.touch()
    with files.claimed(target), pytest.raises(ZooError, match=f"by process {os.getpid()}"), files.claimed(target):
        pass
    assert sorted(target.parent.glob(".*")) == sorted(others)


def test_an_input_is_never_written_over(run, pictures, tmp_path):
    table = "path,label\n" + "".join(f"{path},{path.parent.name}\n" for path in sorted(pictures.glob("*/*")))
    Path("labels.csv").write_text(table)
    Path("skip.csv").write_text("path,reason\npictures/dark/0.png,dull\n")
    picture = pictures / "dark" / "0.png"
    before = picture.read_bytes()
    for words in (
        ("doctor", "labels.csv", "--out", "labels.csv"),
        ("doctor", "pictures", "--skip-list", "skip.csv", "--out", "skip.csv"),
        ("doctor", "pictures", "--out", picture),
    ):
        code, _, err = run(*words, "--overwrite")
        assert code == 1 and "would be written over" in err
    assert Path("labels.csv").read_text() == table and "dull" in Path("skip.csv").read_text()
    assert picture.read_bytes() == before
    assert run("doctor", "pictures", "--out", "pictures/skip.csv")[0] == 0  # beside the pictures is no picture
    assert run("doctor", "pictures", "--out", "pictures/skip.csv")[0] == 0


def test_a_classifier_of_other_classes_or_from_another_folder_stays(run, draw_photos):
    for folder, names in (("a/photos", "ab"), ("b/photos", "cd"), ("c/photos", "ab")):
        draw_photos(Path(folder), dict.fromkeys(names, 6))
    assert run("finetune", "a/photos")[0] == 0
    for folder in ("b/photos", "c/photos"):
        code, _, err = run("finetune", folder)
        assert code == 2 and "made from other data" in err and "--out photos-2.keras" in err
    code, _, err = run("finetune", "b/photos", "--out", "photos.keras")
    assert code == 1 and "knows a, b, where this model knows c, d" in err
    assert zoo.load("photos.keras").labels == ["a", "b"]
    (Path("a/photos/a/5.jpg")).unlink()
    assert run("finetune", "a/photos")[0] == 0  # the same folder with other pictures
    assert run("finetune", "c/photos", "--out", "photos.keras")[0] == 0
    assert run("finetune", "b/photos", "--overwrite")[0] == 0
    assert zoo.load("photos.keras").labels == ["c", "d"]


def test_another_kind_of_model_stays(run, tuned, pictures):
    shutil.copy(tuned.out, "there.keras")
    code, _, err = run(*TRAIN, "1", "--out", "there.keras")
    assert code == 1 and "knows dots, stripes, where this model knows dark, light" in err
    assert not Path("there.training").exists()
    code, _, err = run("train", "autoencoder", "--data", "pictures", "--out", "there.keras")
    assert code == 1 and "holds a model for classification, where this one is for reconstruction" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such devices here")
def test_devices_pipes_and_folders_are_no_files_to_write(run, tuned, pictures):
    os.mkfifo("pipe")
    Path("folder.keras").mkdir()
    for words in (
        ("predict", tuned.out, "pictures", "--csv", "/dev/full"),
        ("predict", tuned.out, "pictures", "--csv", "pipe"),
        ("doctor", "pictures", "--out", "/dev/null", "--overwrite"),
        ("relabel", tuned.out, "dots=spots", "--out", "folder.keras"),
    ):
        code, _, err = run(*words)
        assert code == 1 and "where a file is to be written" in err
    assert not Path("/dev/full").is_file() and not Path("/dev/null").is_file()


def test_links_are_followed(run, tuned, pictures):
    Path("store").mkdir()
    for name in ("latest.keras", "latest.csv"):
        Path(name).symlink_to(Path("store", name))
    assert run("relabel", tuned.out, "dots=spots", "--out", "latest.keras")[0] == 0
    assert run("predict", tuned.out, "pictures", "--csv", "latest.csv")[0] == 0
    for name in ("latest.keras", "latest.csv"):
        assert Path(name).is_symlink() and Path("store", name).stat().st_size


def test_a_tilde_is_home_in_every_path(run, tuned, pictures, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    shutil.copytree(pictures, home / "pictures")
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    net.train("~/pictures", epochs=1, folder="~/runs", progress=False)
    net.save("~/net.keras")
    net.evaluate("~/pictures", "all", progress=False).page("~/wrong.html", "mistakes")
    net.visualise("~/drawn")
    assert zoo.load("~/net.keras").predict("~/pictures/dark/0.png").label
    assert str(zoo.show("~/net.keras"))
    assert run("predict", "~/net.keras", "~/pictures", "--csv=~/answers.csv")[0] == 0
    assert {path.name for path in home.iterdir()} == {
        "pictures", "runs", "net.keras", "wrong.html", "drawn", "answers.csv",
    }  # fmt: skip
    assert not Path("~").exists()


@pytest.mark.parametrize("ending", [".png", ".jpg", ".gif", ".webp", ".tif"])
def test_pictures_that_the_zoo_drew_may_be_drawn_again(ending, tmp_path):
    path, picture = tmp_path / f"drawn{ending}", Image.new("RGB", (8, 8))
    picture.save(path)
    with pytest.raises(ZooError, match="is no picture that the zoo drew"):
        picture_output(path)
    save_picture(picture, picture_output(path, overwrite=True))
    assert picture_output(path) == path.resolve()


def test_points_are_asked_about_by_their_numbers(run, run_json):
    assert run("train", "perceptron", "--seed", "0")[0] == 0
    code, out, _ = run("predict", "perceptron.keras", "1,1,0", "0,0,1")
    assert code == 0
    assert re.fullmatch("sweet 1, hot 1, sour 0: eat it .*\nsweet 0, hot 0, sour 1: leave it .*\n", out)
    code, out, err = run("predict", "perceptron.keras", "1,1")
    assert code == 2 and "here sweet, hot, sour, such as 1,1,1; got '1,1'" in err
    assert [answer["label"] for answer in run_json("predict", "perceptron.keras", "1,1,0")[1]] == ["eat it"]
    assert run("predict", "perceptron.keras", "1,1,0", "--csv", "answers.csv")[0] == 0
    assert '"1,1,0",eat it,' in Path("answers.csv").read_text()


def test_the_place_of_data_is_told_without_naming_it(tmp_path):
    assert place_of(tmp_path) == place_of(f"{tmp_path}/.") != place_of(tmp_path.parent)
    assert place_of("eat_it") != place_of("faces") and place_of((1, 2)) is None
    assert len(place_of("the text itself\n" * 1000)) == 16
