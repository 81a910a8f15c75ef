"""What a notebook shows: of each object, and a whole notebook in a real kernel."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import metrics
from zoo.metrics import Metric
from zoo.visualization import canvas, charts
from zoo.visualization.notebook import LoggedCurves, PictureArray, Ranking, weights


def test_a_prediction_shows_its_picture_and_a_bar_for_each_class(tuned, draw):
    answer = tuned.classifier.predict(draw(0, 1))
    page = answer._repr_html_()
    assert page.count("<img") == 1 and page.count("<i style=--part:") == 2 and "dots" in page
    assert "picture" not in answer.to_json() and answer == tuned.classifier.predict(draw(0, 1))
    several = tuned.classifier.predict([draw(0, i) for i in range(30)])._repr_html_()
    assert several.count("<img") == 24 and "and 6 more" in several
    point = zoo.get("mlp", input_shape=(2,), hidden=(3,)).predict([1.0, 2.0])._repr_html_()
    assert "<img" not in point and "class 0" in point


def test_what_was_measured_shows_the_numbers_and_the_mistakes():
    net = zoo.get("logistic", input_shape=(8, 8, 3))
    net.labels = ["<b>cat", "dog"]  # it knows nothing, and says the first class
    measured = net.evaluate((np.zeros((40, 8, 8, 3), "uint8"), ["<b>cat", "dog"] * 20), progress=False)
    page = measured._repr_html_()
    assert "50.0%" in page and "&lt;b&gt;cat" in page and "<b>cat" not in page and page.count("<img") == 12
    assert 'class="confusion' in page
    assert measured.errors()._repr_html_().count("<img") == 20 and len(measured.errors(3)) == 3


def test_a_model_shows_its_card_and_its_layers(tuned):
    net = zoo.get("mlp", input_shape=(4, 4, 1), hidden=(3,))
    page = net._repr_html_()
    assert "Dense layers one after the other" in page and page.count("<tr>") == 1 + len(net.model.layers)
    assert f"{net.model.count_params():,} weights" in page and repr(net) == "<Classifier 'mlp', untrained>"
    saved = zoo.load(tuned.out)
    assert "accuracy" in saved._repr_html_() and saved._model is None  # what was not opened stays closed
    assert repr(saved).endswith(f"from {tuned.out.name}>")
    in_numpy = zoo.get("logistic", engine="numpy", input_shape=(4, 4, 1))
    assert "(16, 1)" in in_numpy._repr_html_() and in_numpy._model is None


def test_histories_rankings_attention_and_arrays_show_themselves():
    net = zoo.get("logistic", input_shape=(4, 4, 1), seed=0)
    pictures = np.arange(8 * 16, dtype="uint8").reshape(8, 4, 4, 1)
    history = net.train((pictures, ["a", "b"] * 4), validation=(pictures, ["a", "b"] * 4), epochs=2, progress=False)
    assert isinstance(history, LoggedCurves) and repr(history).startswith("<History of 2 epochs: ")
    assert history._repr_html_().count("<svg") == 2 and history.history["val_loss"]
    assert Ranking([("queen", 0.7), ("<i>", -0.1)])._repr_html_().count("<i style") == 2
    assert weights(["me"], ["who", "?"], [[0.9, 0.1]]).count("<td style") == 2
    drawn = zoo.get("dcgan", input_shape=(8, 8, 1), latent=4, filters=4).sample(3, seed=0)
    assert isinstance(drawn, PictureArray) and drawn._repr_png_()[1:4] == b"PNG"
    assert drawn.astype(float)._repr_png_() is None and (drawn / 2)._repr_png_() is None


def test_text_is_shown_as_printed():
    shown = []

    class Printer:
        text = staticmethod(shown.append)

    for thing in (metrics.proportion(35, 50), zoo.show("logistic")):
        thing._repr_pretty_(Printer, False)
        assert shown[-1] == str(thing)
    assert repr(Metric(0.5, (0.4, 0.6), 9)).startswith("Metric(")
    with pytest.raises(zoo.ZooError) as raised:
        zoo.get("cnnn")
    assert raised.value._render_traceback_() == [f"UsageError: {raised.value}"]


def test_drawings_need_no_file(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    drawing = charts.learning_curves({"loss": [2.0, 1.0]})
    assert drawing._repr_png_()[1:4] == b"PNG" and drawing.path is None
    drawing.save(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes() == drawing.png and drawing.path == tmp_path / "curves.png"
    drawn = zoo.get("logistic", input_shape=(8, 8, 3)).visualise()
    assert isinstance(drawn, canvas.Drawings) and drawn._repr_html_().count("<img") == 1


CELLS = """
import zoo, numpy as np
zoo.show("logistic")
---
net = zoo.get("logistic", input_shape=(8, 8, 3), seed=0)
x = np.arange(40 * 8 * 8 * 3, dtype="uint8").reshape(40, 8, 8, 3)
net.train((x, ["cat", "dog"] * 20), epochs=3)
---
net.evaluate((x, ["cat", "dog"] * 20))
---
zoo.get("cnnn")
"""


@pytest.mark.slow
def test_a_notebook_has_bars_of_its_own_and_errors_of_one_line(own_home):
    nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.split("---")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, allow_errors=True, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    streams = [output for output in outputs if output.output_type == "stream"]
    assert {output.name for output in streams} == {"stdout"}, "standard error is shown on red"
    assert "epoch 3/3" in "".join(output.text for output in streams)
    shown = [cell.outputs[-1] for cell in notebook.cells]
    assert shown[0].data["text/plain"].startswith("logistic: ") and "<svg" in shown[1].data["text/html"]
    assert "accuracy" in shown[2].data["text/html"]
    assert len(shown[3].traceback) == 1 and "did you mean 'cnn'" in shown[3].traceback[0]


SHOWN = {"stream", "display_data", "execute_result"}
LESSONS = sorted((Path(__file__).parent.parent / "notebooks" / "en").glob("*.ipynb"))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lessons_say_the_same_in_both_languages(lesson):
    """The same code with the same outputs, of this version; nothing on red, and nothing of the machine they ran on."""
    english, japanese = (
        json.loads(path.read_text(encoding="utf-8"))["cells"]
        for path in (lesson, lesson.parent.parent / "ja" / lesson.name)
    )
    assert [cell["cell_type"] for cell in english] == [cell["cell_type"] for cell in japanese]
    for cell, other in zip(english, japanese, strict=True):
        if cell["cell_type"] == "code":
            assert (cell["source"], cell["outputs"]) == (other["source"], other["outputs"])
            assert cell["execution_count"] and {output["output_type"] for output in cell["outputs"]} <= SHOWN
            assert "stderr" not in [output.get("name") for output in cell["outputs"]]
        else:
            assert cell["source"] != other["source"]
    words = "".join(english[-2]["source"]), "".join(japanese[-2]["source"])
    assert "**Your turn.**" in words[0] and "**やってみよう。**" in words[1]
    assert not re.search(r"/(home|tmp|usr|root|work|Users)/", lesson.read_text(encoding="utf-8"))
