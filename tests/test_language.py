"""Models of text: what goes in, states carried, text drawn, scores."""

import copy
import ctypes
import json
import platform
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import backend, cli, saving
from zoo.backend import keras
from zoo.data.text.vocabulary import windows
from zoo.errors import UsageError, ZooError
from zoo.tasks.text.samplers import Sampling, draw
from zoo.training.order import Sequential

numbers = keras.ops.convert_to_numpy
VERSE = "to be, or not to be\nthat is the question\n" * 100


@pytest.fixture(scope="module")
def net():
    """A small net that has read a verse."""
    net = zoo.get("char_lstm", units=16, embedding=8, dropout=0.0, seed=0)
    net.train(VERSE, epochs=3, batch_size=4, window=20, learning_rate=0.03, progress=False)
    return net


def test_japanese_at_character_level():
    net = zoo.get("char_lstm", units=8, seed=0)
    net.train("吾輩は猫である。名前はまだ無い。\n" * 60, epochs=1, window=10, progress=False)
    assert net.generate("吾輩は", length=10, seed=0).startswith("吾輩は")


@pytest.mark.slow
def test_another_vocabulary_is_told(net, capsys):
    net = copy.deepcopy(net)
    capsys.readouterr()
    net.train(VERSE + "!", epochs=1, window=200, progress=False)
    assert "unknown" not in capsys.readouterr().err
    net.train("ЖЖЖ ЩЩЩ ФФФ\n" * 200, epochs=1, progress=False)
    assert "75% of the text are characters unknown to char_lstm, such as 'Ж', 'Щ', 'Ф'" in capsys.readouterr().err
    with pytest.raises(UsageError, match="min_count cannot change any more"):
        net.train(VERSE, min_count=2)
    with pytest.raises(UsageError, match="min_count is 0"):
        zoo.get("char_lstm").train(VERSE, min_count=0)


def test_text_in_another_encoding(tmp_path):
    file = tmp_path / "old.txt"
    file.write_bytes(("Übermut tut “selten” gut\n" * 60).encode("cp1252"))
    net = zoo.get("char_lstm", units=4, seed=0)
    net.train(file, epochs=1, window=20, encoding="cp1252", progress=False)
    assert {"Ü", "“"} <= set(net.vocabulary.tokens)
    assert net.evaluate(file, encoding="cp1252", progress=False)["unknown"] == 0


@pytest.mark.slow
def test_settings_and_saved_files_on_the_command_line(run):
    Path("t.txt").write_text(VERSE, "utf-8")
    words = ("--data", "t.txt", "--epochs", 1)
    small = ("--set", "units=4", "depth=1", "window=20", "min_count=2")
    assert run("train", "char_lstm", *words, *small, "--out", "a.keras")[0] == 0
    assert zoo.load("a.keras").settings.window == 20
    Path("u.txt").write_bytes((VERSE + "naïve\n").encode("latin-1"))
    code, out, err = run("train", "a.keras", "--data", "u.txt", "--encoding", "latin-1", "--epochs", 1)
    assert code == 0 and "Saved a-on.keras" in out, err
    assert zoo.load("a-on.keras").arguments == zoo.load("a.keras").arguments
    for refused, message in [(["--size", 8], "leave out --size"), (["--set", "units=3"], "no argument 'units'")]:
        code, _, err = run("train", "a.keras", *words, *refused)
        assert code == 2 and message in err


# States carried


def test_streams_go_on_where_they_ended():
    x, y = windows(np.arange(41), 4)
    order = Sequential(len(x), 2)
    batches = [x[order.rows(step)] for step in range(order.steps)]
    assert np.concatenate(batches, axis=1).tolist() == [list(range(20)), list(range(20, 40))]
    assert (y == x + 1).all()


@pytest.mark.every_backend
def test_two_pieces_are_one_long_one(net):
    from zoo.tasks.text.recurrent import StatefulTrainer

    tokens = np.arange(200).reshape(2, 100).astype(np.int32) % 10
    whole, parts = StatefulTrainer(net._stateful.model, 2), StatefulTrainer(net._stateful.model, 2)
    expected = numbers(whole(tokens))
    found = np.concatenate([numbers(parts(tokens[:, half])) for half in (slice(50), slice(50, 100))], axis=1)
    assert np.abs(found - expected).max() < 1e-5
    parts.start_afresh()
    assert np.abs(numbers(parts(tokens[:, :50])) - expected[:, :50]).max() < 1e-5


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.every_backend
def test_each_cell_carries_its_states(cell):
    net = zoo.get("char_lstm", vocab_size=9, units=8, depth=3, cell=cell, seed=0)
    tokens = np.arange(60).reshape(2, 30).astype(np.int32) % 9
    from zoo.tasks.text.recurrent import fresh_states

    expected, states, steps = numbers(net.model(tokens)), fresh_states(net._stateful.model, 2), []
    for step in range(30):
        logits, *states = net._stateful.model([tokens[:, step : step + 1], *map(numbers, states)])
        steps.append(numbers(logits))
    assert np.abs(np.concatenate(steps, axis=1) - expected).max() < 1e-5


@pytest.mark.parametrize("lengths", [None, [7, 3, 5, 1]])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.every_backend
def test_the_faster_way_is_keras_own(lengths, back):
    """An LSTM as `backend.recur` runs it, against Keras' own loop over steps: both directions, filled up or not."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.LSTM(5, return_sequences=True, return_state=True, go_backwards=back)
    x = np.random.default_rng(0).normal(size=(4, 7, 3)).astype(np.float32)
    there = None if lengths is None else np.arange(7) < np.array(lengths)[:, None]
    mask = None if there is None else keras.ops.convert_to_tensor(there)
    expected = [numbers(part) for part in layer(x, mask=mask)]
    backend.prepare(keras.Sequential([layer]))
    found = [numbers(part) for part in layer(x, mask=mask)]
    if there is not None:  # what stands where nothing was does not matter
        seen = there[:, ::-1] if back else there
        expected[0], found[0] = (np.where(seen[..., None], part[0], 0) for part in (expected, found))
    for one, other in zip(expected, found, strict=True):
        assert np.abs(one - other).max() < 1e-5


def test_windows_train_too(net):
    other = zoo.get("char_lstm", units=8, seed=0)
    history = other.train(VERSE, epochs=2, window=20, carried=False, progress=False).history
    assert history["loss"][1] < history["loss"][0] and history["bits"][0] == history["loss"][0] / np.log(2)


@pytest.mark.every_backend
@pytest.mark.skipif(
    backend.name() != "torch" or platform.libc_ver()[0] != "glibc", reason="PyTorch's memory, where glibc gives it"
)
def test_memory_is_kept_for_the_next_step():
    """An array of 64 MB is taken from memory that stays with the process, and not mapped for itself."""
    import torch

    class Counts(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", *"abcde")]

    def mapped():
        ask = ctypes.CDLL(None).mallinfo2
        ask.restype = Counts
        return ask().hblkhd

    backend.keep_memory()
    before = mapped()
    array = torch.zeros(2**24)
    assert mapped() == before and array.sum() == 0


# Text drawn


@pytest.mark.every_backend
def test_the_same_seed_writes_the_same_text(net):
    one, same, other = (net.generate("to be", length=50, seed=seed) for seed in (1, 1, 2))
    assert one == same != other and len(one) == 55 and one.startswith("to be")


def test_a_stream_is_the_text_in_pieces(net):
    pieces = list(net.generate("to be", length=100, seed=1, stream=True))
    assert len(pieces) == 4 and "".join(pieces) == net.generate("to be", length=100, seed=1)


def test_stops_and_samples(net, run):
    text = net.generate("to be", length=100, seed=1)
    stop = text[40:43]
    cut = text[: text.index(stop, 5)]
    assert net.generate("to be", length=100, seed=1, stop=stop) == cut
    assert "".join(net.generate("to be", length=100, seed=1, stop=["~", stop], stream=True)) == cut
    assert net.generate("to be", length=100, seed=1, stop="~") == text
    several = net.generate("to be", length=20, seed=1, samples=3)
    assert several[0] == net.generate("to be", length=20, seed=1) and len(set(several)) > 1
    with pytest.raises(UsageError, match="stop is ''"):
        net.generate(stop="")
    net.save(Path("net.keras"))
    code, out, _ = run("generate", Path("net.keras"), "to be", "--length", 9, "--seed", 1, "--samples", 2)
    assert code == 0 and out.count("to be") >= 2


@pytest.mark.every_backend
def test_greedy_is_the_likeliest_of_what_the_model_says(net):
    """After every beginning of the text that was written, whatever the states were carried through."""
    written = net.vocabulary.encode(net.generate("to be", length=30, temperature=0))
    likeliest = numbers(net.model(written[None, :-1]))[0, :, 1:].argmax(-1) + 1
    assert len(written) == 35 and (likeliest[4:] == written[5:]).all()


def test_edges_of_generating(net):
    assert net.generate("to be", length=0) == "to be" and net.generate("", length=0) == ""
    assert len(net.generate("", length=1, seed=0)) == 1
    assert len(net.generate(VERSE[:700], length=3, seed=0)) == 703
    for how, message in [
        ({"length": -1}, "length is -1"),
        ({"length": 1.5}, "length is 1.5"),
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_k": -1}, "top_k is -1"),
        ({"top_p": 0}, "top_p is 0"),
        ({"prompt": "to xy"}, "the prompt has 'x', 'y', which char_lstm has never seen"),
    ]:
        with pytest.raises(UsageError, match=message):
            net.generate(**how)
    with pytest.raises(UsageError, match="knows no characters yet"):
        zoo.get("char_lstm").generate("a")


@pytest.mark.every_backend
def test_draws_follow_the_probabilities():
    """Against NumPy: the share of each token in evenly spread draws is its probability among those kept."""
    probabilities = np.array([0.1, 0.4, 0.05, 0.3, 0.15])
    uniform = (np.arange(10_000) + 0.5) / 10_000
    logits = np.tile(np.log(probabilities), (10_000, 1))
    tensors = [keras.ops.convert_to_tensor(part, "float32") for part in (logits, uniform)]

    def shares(**how):
        drawn = numbers(draw(*tensors, *Sampling(**how).settings(5)))
        return np.bincount(drawn, minlength=5) / 10_000

    assert np.abs(shares() - probabilities).max() < 1e-3
    assert np.abs(shares(temperature=0.5) - probabilities**2 / (probabilities**2).sum()).max() < 1e-3
    assert np.abs(shares(top_k=2) - np.array([0, 4, 0, 3, 0]) / 7).max() < 1e-3
    assert np.abs(shares(top_p=0.8) - np.array([0, 40, 0, 30, 15]) / 85).max() < 1e-3
    assert shares(temperature=0).tolist() == shares(top_k=1).tolist() == shares(top_p=1e-9).tolist() == [0, 1, 0, 0, 0]


# Scores


@pytest.mark.every_backend
def test_the_score_is_the_mean_over_every_token(net):
    found = net.evaluate(VERSE, progress=False)
    text = VERSE[len(VERSE) - len(VERSE) // 10 :]
    tokens = net.vocabulary.encode(text)
    logits = numbers(net.model(tokens[None, :-1]))[0].astype(np.float64)
    nats = np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(logits)), tokens[1:]]
    assert found["nats"].value == pytest.approx(nats.mean(), abs=1e-5) and found["nats"].n == len(tokens) - 1
    assert found["bits"].value == pytest.approx(nats.mean() / np.log(2), abs=1e-5)
    assert found["perplexity"].value == pytest.approx(np.exp(nats.mean()), rel=1e-5) and found["unknown"] == 0


def test_a_long_text_is_scored_in_parts_side_by_side(net, monkeypatch):
    tokens = net.vocabulary.encode(VERSE)[:1003]
    from zoo.tasks.text.recurrent import TextScorer

    one, three = (
        TextScorer(net._stateful.model, 64).score(tokens, 1),
        TextScorer(net._stateful.model, 64).score(tokens, 3),
    )
    assert len(one) == len(three) == 1002
    monkeypatch.setattr("zoo.tasks.text.recurrent.SCORED", 1)  # a model so wide that it reads token by token
    assert np.abs(TextScorer(net._stateful.model, 64).score(tokens[:99], 1) - one[:98]).max() < 1e-5
    cold = {0, 334, 668}  # where a part begins without knowing what came before
    far = [at for at in range(1002) if all(not 0 <= at - start < 100 for start in cold)]
    assert np.abs(one - three)[far].max() < 1e-2


def test_saved_files_carry_the_vocabulary(net, tmp_path):
    net.evaluate(VERSE, progress=False)
    net.save(tmp_path / "net.keras")
    again = zoo.load(tmp_path / "net.keras")
    assert again.generate("to be", length=50, seed=1) == net.generate("to be", length=50, seed=1)
    assert str(again.metrics["nats"]) == str(net.metrics["nats"])
    again.train(VERSE, epochs=1, batch_size=4, window=20, progress=False)


def test_the_command(net, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("verse.txt").write_text(VERSE, "utf-8")
    train = ["train", "char_lstm", "--data", "verse.txt", "--set", "units=8", "--seed", "0", "--out", "a.keras"]
    assert cli.main([*train, "--epochs", "1", "--json"]) == 0
    out, err = capsys.readouterr()
    assert {"loss", "val_loss", "bits", "val_bits"} <= json.loads(out)["metrics"].keys() and "it writes: " in err
    assert cli.main(["evaluate", "a.keras", "verse.txt"]) == 0
    assert "nats a character" in capsys.readouterr().out
    assert cli.main(["generate", "a.keras", "to be", "--length", "20", "--seed", "1"]) == 0
    shown = capsys.readouterr().out
    assert cli.main(["generate", "a.keras", "to be", "--length", "20", "--seed", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == shown.removesuffix("\n")
    assert cli.main(["generate", "a.keras", "--top-p", "2"]) == 2


@pytest.mark.parametrize(
    "lie",
    [
        {"vocabulary": {"kind": "characters", "tokens": ["a"]}},
        {"vocabulary": {"kind": "characters", "tokens": "ab"}},
        {"vocabulary": []},
        {"window": 0},
        {"window": "long"},
        {"arguments": {}},
        {"metrics": {"nats": {"value": "much"}}},
    ],
)
def test_a_file_whose_record_lies_is_refused(net, tmp_path, lie):
    file = tmp_path / "net.keras"
    net.save(file)
    archive = saving.read(file)
    content = {**archive.record.content, **lie}
    saving.write(file, archive.members, content, content["selftest"])
    with pytest.raises(ZooError, match="record"):
        zoo.load(file)


@pytest.mark.every_backend
def test_a_narrow_dtype_writes_too():
    net = zoo.get("char_lstm", units=8, embedding=4, seed=0, dtype="mixed_bfloat16")
    net.train("to be or not to be\n" * 100, epochs=1, progress=False)
    assert len(net.generate("to", length=8, seed=0)) == 10
    assert np.isfinite(net.evaluate("to be or not to be\n" * 100, progress=False)["nats"].value)
