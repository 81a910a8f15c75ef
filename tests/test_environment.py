"""What the zoo runs on, as `zoo doctor --env` says it."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import backend, environment


def test_environment(run):
    code, out, _ = run("doctor", "--env", "--json")
    facts = json.loads(out)
    assert facts["versions"]["keras"] and facts["python"] == sys.version.split()[0] and facts["cores"] >= 1
    assert {place["what"] for place in facts["caches"]} >= {"ZOO_HOME", "KERAS_HOME"}
    assert code == (1 if facts["problems"] else 0)
    code, out, _ = run("doctor", "--env")
    assert "tensorflow" in out and "instruction sets" in out and "ZOO_HOME" in out


def test_environment_is_quick_and_imports_nothing():
    code = (
        "import sys, zoo.cli; zoo.cli.main(['doctor', '--env'])\n"
        "assert not {'keras', 'tensorflow', 'jax', 'torch', 'openvino', 'numpy', 'scipy', 'PIL'} & {*sys.modules}"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert time.perf_counter() - start < 3  # a third of a second on an idle machine


@pytest.mark.slow
@pytest.mark.every_backend
def test_no_framework_talks_while_a_model_is_made_and_saved(start, tmp_path):
    code = "import sys, zoo; zoo.get('logistic', input_shape=(8, 8, 3)).save(sys.argv[1])"
    process = start(tmp_path / "net.keras", home=tmp_path / "home", command=("-c", code))
    assert process.communicate() == ("", "") and process.returncode == 0


def test_the_backend_that_keras_would_choose(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert environment.examine()["backend"] == {"name": "tensorflow", "chosen_by": "Keras' default"}
    for text in ("{", "[]", "{}"):
        (tmp_path / "keras.json").write_text(text)
        assert environment.examine()["backend"]["name"] == "tensorflow"
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert environment.examine()["backend"] == {"name": "jax", "chosen_by": str(tmp_path / "keras.json")}
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert environment.examine()["backend"] == {"name": "torch", "chosen_by": "KERAS_BACKEND"}
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    assert any("runs on tensorflow, jax or torch" in problem for problem in environment.examine()["problems"])
    monkeypatch.setenv("KERAS_BACKEND", "")  # counts as not set
    assert environment.examine()["backend"]["name"] == "jax"


def test_what_is_missing(monkeypatch, tmp_path):
    versions = {"keras": "3.15", "tensorflow-cpu": "2.21", "torch": "2.9"}

    def version(name):
        with contextlib.suppress(KeyError):
            return versions[name]
        raise environment.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(environment.importlib.metadata, "version", version)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("ZOO_DATA", os.pathsep.join([str(tmp_path), str(tmp_path / "gone")]))
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK and Path(path).exists())
    facts = environment.examine()
    assert facts["versions"]["tensorflow"] == "2.21" and facts["versions"]["jax"] is None
    missing = ["samples", "lite", "plots", "tune", "jax", "openvino", "pillow-heif"]
    assert [item["name"] for item in facts["missing"]] == missing
    text = environment.describe(facts)
    for words in ("not installed", 'pip install "keras-zoo[lite]": Eff', "pip install openvino: fine"):
        assert words in text
    assert ["jax" in problem for problem in facts["problems"]].count(True) == 1
    assert sum("cannot be written to: set" in problem for problem in facts["problems"]) == 2
    assert sum("which is not there" in problem for problem in facts["problems"]) == 1


def test_other_systems(monkeypatch):
    def absent(self, *arguments, **options):
        raise FileNotFoundError(2, "no such file")

    monkeypatch.setattr(Path, "read_text", absent)
    monkeypatch.setattr(environment.platform, "machine", lambda: "arm64")
    facts = environment.examine()
    assert facts["instructions"] == ["NEON"] and facts["memory"]["available"] is None
    monkeypatch.setattr(os, "sysconf", absent, raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    facts = environment.examine()
    assert facts["memory"] == {"total": None, "available": None} and "? of ? free" in environment.describe(facts)


@pytest.mark.parametrize(
    ("cpuinfo", "slow"),
    [
        ("flags\t\t: fpu avx avx2 fma", True),
        ("flags\t\t: avx2 avx512f avx512_vnni", True),
        ("flags\t\t: avx2 avx512f avx512_bf16", False),
        ("flags\t\t: avx2 avx512f amx_tile amx_bf16", False),
        ("Features\t: fp asimd bf16", False),
        ("Features\t: fp asimd", True),
        ("hart\t: 0", False),  # no telling
        ("", False),
    ],
)
def test_instructions_for_bfloat16(cpuinfo, slow, monkeypatch):
    monkeypatch.setattr(environment, "_cpuinfo", lambda: f"processor\t: 0\n{cpuinfo}\n" if cpuinfo else "")
    assert environment.lacks_bfloat16() is slow


def test_bfloat16_where_the_processor_has_none(monkeypatch, capsys):
    monkeypatch.setattr(environment, "_cpuinfo", lambda: "flags\t\t: fpu avx avx2 fma\n")
    monkeypatch.setattr(backend, "has_gpu", lambda: False)
    for dtype in ("mixed_bfloat16", None):
        net = zoo.get("mlp", hidden=(2,), input_shape=(2,), num_classes=2, dtype=dtype)
        net.train((np.zeros((4, 2), "float32"), np.array([0, 1, 0, 1])), epochs=1)
        assert ("float32 is several times as fast" in capsys.readouterr().err) is (dtype is not None)
