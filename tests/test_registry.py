"""The register and the catalog: lookup, what is said when it fails, models of one's own, and no framework imported."""

import builtins
import dataclasses
import importlib
import os
import subprocess
import sys
import textwrap

import pytest

import zoo
from zoo import catalog, registry
from zoo.errors import ZooError

MODEL = '''
"""A model for the tests."""
import keras
import zoo

@zoo.register(task="classification", source="written for the tests", epochs=3)
def {name}(input_shape=(8, 8, 3), num_classes=2, *, width=4):
    """One dense layer. Of no use to anybody.

    Second paragraph.
    """
    x = keras.Input(input_shape)
    y = keras.layers.Flatten()(x)
    return keras.Model(x, keras.layers.Dense(num_classes)(y))
'''

SHELF = zoo.list()
pytestmark = pytest.mark.usefixtures("fresh_register")


def write(path, text):
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def register_from(path, name):
    """Run a file that defines and registers a function `name`."""
    text = f"import zoo\n@zoo.register(task='classification', source='x')\ndef {name}():\n    pass\n"
    exec(compile(text, str(write(path, text)), "exec"), {"__name__": path.stem})


def test_two_models_of_one_name_are_refused_with_both_files(tmp_path):
    register_from(tmp_path / "first.py", "twin")
    register_from(tmp_path / "first.py", "twin")  # the same file again, as in a notebook: replaces its own
    with pytest.raises(ZooError, match=r"'twin'") as error:
        register_from(tmp_path / "second.py", "twin")
    assert all(str(tmp_path / name) in str(error.value) for name in ("first.py", "second.py"))


@pytest.mark.parametrize("imported", [True, False])
def test_a_shelf_name_cannot_be_taken_over(imported, tmp_path):
    if not imported:
        registry.ENTRIES.pop("logistic")
    with pytest.raises(ZooError, match="two models are called 'logistic'"):
        zoo.get(str(write(tmp_path / "mine.py", MODEL.format(name="logistic"))))


@pytest.mark.parametrize("facts", [{"lerning_rate": 1}, {"name": "x"}])
def test_unknown_keyword_is_a_programmers_error(facts):
    with pytest.raises(TypeError, match=next(iter(facts))):

        @zoo.register(task="classification", source="x", **facts)
        def some_net():
            pass


def test_did_you_mean():
    assert registry.did_you_mean("logistik", ["mlp", "logistic"]) == "; did you mean 'logistic'?"
    assert registry.did_you_mean("xyz", ["mlp", "logistic"]) == "."
    assert registry.did_you_mean("xyz", []) == "."


ERRORS = {
    "name": (lambda: zoo.get("logistik"), "no model is called 'logistik'; did you mean 'logistic'?"),
    "name shown": (lambda: zoo.show("logistik"), "did you mean 'logistic'?"),
    "task": (lambda: zoo.list(task="clasification"), "no model has the task 'clasification'; did you mean"),
    "argument": (lambda: zoo.get("logistic", num_clases=2), "no argument 'num_clases'; did you mean 'num_classes'?"),
    "arguments listed": (lambda: zoo.get("logistic", num_clases=2), "input_shape=(64, 64, 3), num_classes=2"),
    "weights": (lambda: zoo.get("perceptron", weights="imagenet"), "no weights called 'imagenet'; it has none: train"),
    "weights listed": (lambda: zoo.get("efficientnet_lite0", weights="x"), "it has 'imagenet'"),
    "file shown": (lambda: zoo.show("no/such.keras"), "there is no file 'no/such.keras'"),
    "file loaded": (lambda: zoo.load("no/such.keras"), "there is no file 'no/such.keras'"),
    "model file": (lambda: zoo.get("no/such.py"), "there is no file 'no/such.py'"),
    "classes": (lambda: zoo.get("logistic", num_classes=1), "num_classes must be a whole number of 2 or more, got 1"),
    "shape": (lambda: zoo.get("logistic", input_shape=8), "input_shape"),
    "shape of two": (lambda: zoo.get("logistic", input_shape=(8, 8)), "input_shape"),
    "dtype": (lambda: zoo.get("logistic", dtype="float99").build(), "float99"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_name_the_nearest(case):
    call, words = ERRORS[case]
    with pytest.raises(ZooError) as error:
        call()
    assert words in str(error.value)


def test_list_filters():
    names = zoo.list()
    assert names == sorted(names) and "logistic" in names
    assert "perceptron" not in zoo.list(weights=True) and "perceptron" in zoo.list(weights=False)
    assert sorted(zoo.list(weights=True) + zoo.list(weights=False)) == names
    assert "logistic" in zoo.list(task="classification")


@pytest.mark.parametrize("name", SHELF)
def test_card_from_text_equals_card_from_import(name):
    read, imported = catalog.card(name), catalog.card_of(catalog.entry(name))
    assert read.summary == imported.summary and read.arguments == imported.arguments and read.file == imported.file
    defaults = {f.name: f.default for f in dataclasses.fields(registry.Entry)}
    differ = {key: v for key, v in read.facts.items() if v != imported.facts.get(key, defaults.get(key))}
    assert not differ and set(imported.facts) <= set(read.facts)
    assert name in str(read) and read.to_json()["facts"]["source"] in str(read)


def test_a_model_file_of_ones_own(tmp_path):
    file = write(tmp_path / "own.py", MODEL.format(name="own_net"))
    model = zoo.get(str(file), width=5)
    assert model.name == "own_net" and model.arguments == {"input_shape": (8, 8, 3), "num_classes": 2, "width": 5}
    assert zoo.get(str(file)).entry is model.entry  # run once
    card = zoo.show("own_net")
    assert "own_net" in zoo.list() and card.summary == "One dense layer. Of no use to anybody."
    assert card.facts["epochs"] == 3 and card.file == str(file)
    (from_text,) = catalog.read_cards("", file)
    assert (from_text.summary, from_text.arguments) == (card.summary, card.arguments)
    assert zoo.get("own_net").entry is model.entry


def test_a_shelf_file_by_its_path_is_the_model_of_that_name():
    assert zoo.get(zoo.show("logistic").file).entry is zoo.get("logistic").entry


BAD_FILES = {
    "none registered": ("x = 1\n", "registers 0 models"),
    "two registered": (MODEL.format(name="one_net") + MODEL.format(name="two_net"), "registers 2 models"),
    "syntax": ("def f(:\n", "does not import: SyntaxError"),
    "import": ("import no_such_package\n", "No module named 'no_such_package'"),
    "runs into an error": ("1 / 0\n", "does not import: ZeroDivisionError"),
    "leaves": ("import sys\nsys.exit(3)\n", "does not import: SystemExit"),
    "unknown keyword": ("import zoo\n@zoo.register(task='x', source='y', z=1)\ndef n(): pass\n", "'z'"),
    "no task": ("import zoo\n@zoo.register(source='y')\ndef n(): pass\n", "'task'"),
    "unknown task": ("import zoo\n@zoo.register(task='cooking', source='y')\ndef n(): pass\n", "no task 'cooking'"),
    "not UTF-8": (b"x = '\xff'\n", "does not import: SyntaxError"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_model_files(case, tmp_path):
    text, words = BAD_FILES[case]
    file = tmp_path / f"bad_{case.replace(' ', '_')}.py"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ZooError) as error:
        zoo.get(str(file))
    assert words in str(error.value)


def test_a_file_that_failed_can_be_mended_and_tried_again(tmp_path):
    file = write(tmp_path / "mended.py", "1 / 0")
    with pytest.raises(ZooError):
        zoo.get(str(file))
    write(file, MODEL.format(name="mended_net"))
    assert zoo.get(str(file)).name == "mended_net"


NOT_LITERAL = {
    "keyword": ("EPOCHS = 3\n", "epochs=EPOCHS", "size=2"),
    "default": ("SIZE = 3\n", "epochs=2", "size=SIZE"),
    "call": ("", "epochs=int(3)", "size=2"),
    "no value": ("", "epochs={[]: 1}", "size=2"),
    "unpacked": ("FACTS = {'epochs': 2}\n", "**FACTS", "size=2"),
    "unpacked literal": ("", "**{'epochs': 2}", "size=2"),
}


@pytest.mark.parametrize("text", ["[" * 5000, "x = " + "-" * 100_000 + "1", "\0", "def f(:"], ids=range(4))
def test_files_that_python_cannot_read_are_refused(text, tmp_path):
    with pytest.raises(ZooError, match=r"net\.py is no Python"):
        catalog.read_cards("", write(tmp_path / "net.py", text))


@pytest.mark.parametrize("case", NOT_LITERAL)
def test_what_is_no_literal_is_refused_with_file_and_line(case, tmp_path):
    before, keyword, default = NOT_LITERAL[case]
    text = f"{before}@register(task='x', source='y', {keyword})\ndef net({default}):\n    pass\n"
    file = write(tmp_path / "net.py", text)
    with pytest.raises(ZooError, match="literals") as error:
        catalog.read_cards("", file)
    assert f"{file}, line {2 + bool(before)}" in str(error.value)


def test_a_package_adds_models_by_an_entry_point(tmp_path, monkeypatch):
    write(tmp_path / "cat_package.py", MODEL.format(name="packaged_net"))
    info = tmp_path / "cat_package-1.0.dist-info"
    info.mkdir()
    write(info / "METADATA", "Metadata-Version: 2.1\nName: cat-package\nVersion: 1.0\n")
    write(info / "entry_points.txt", "[zoo.models]\ncats = cat_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "packaged_net" in zoo.list() and "cat_package" not in sys.modules
    assert zoo.get("packaged_net").build().count_params() == 8 * 8 * 3 * 2 + 2
    monkeypatch.delitem(sys.modules, "cat_package")
    write(info / "entry_points.txt", "[zoo.models]\ncats = no_such_package.models\n")
    importlib.invalidate_caches()
    assert "logistic" in zoo.list()  # a package that went away takes only its own models with it


HEAVY = ("keras", "tensorflow", "jax", "torch", "numpy", "scipy", "PIL", "openvino")
LIGHT = {
    "import": "import zoo",
    "list": "import zoo.cli; zoo.cli.main(['list'])",
    "list as JSON": "import zoo.cli; zoo.cli.main(['list', '--json'])",
    "show": "import zoo.cli; zoo.cli.main(['show', 'logistic'])",
}


def test_looking_imports_no_framework():
    code = "import sys\n"
    for case, line in LIGHT.items():
        code += f"{line}\nfound = [m for m in {HEAVY} if m in sys.modules]\nassert not found, ({case!r}, found)\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_list_is_quick():
    def seconds():  # of the processor's time, as others may be using it
        before = os.times()
        subprocess.run([sys.executable, "-m", "zoo", "list"], check=True, capture_output=True)
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])

    assert min(seconds() for _ in range(3)) < 0.3


def test_a_star_import_hides_nothing_of_pythons():
    names: dict = {}
    exec("from zoo import *", names)
    assert "finetune" in names and not {*names} & {*dir(builtins)} - {"__builtins__", "__doc__", "__name__"}
    assert "list" in dir(zoo)


def test_a_card_shows_each_set_of_weights_with_its_own_data_and_scores():
    card = zoo.show("cnn")
    shown = str(card).split("weights=")[1:]
    assert len(shown) == len(card.weights) == 2
    for text, (name, weights) in zip(shown, card.weights.items(), strict=True):
        assert text.startswith(repr(name)) and weights.sha256 in text and f"name {name}," in text
        assert f"{weights.scores['accuracy']['value']:.4g} (95 % interval" in text and f"cnn-{name}" in text
    assert "{" not in str(card) and "{" not in str(zoo.show("dcgan"))


def test_what_a_model_computes_is_known_by_its_file_and_the_helpers_beside_it(tmp_path):
    file, helper = tmp_path / "net.py", tmp_path / "_helper.py"
    file.write_text("x = 1")
    card = catalog.Card("net", "", {}, {}, "net", str(file))
    digests = [card.code_digest]
    for changed, text in ((helper, "y = 1"), (helper, "y = 2"), (file, "x = 2")):
        changed.write_text(text)
        digests.append(card.code_digest)
    (tmp_path / "another.py").write_text("z = 1")
    assert len({*digests}) == 4 and card.code_digest == digests[-1]
