"""Dialogue: pairs to numbers, answers drawn and searched, masks, scores."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import cli
from zoo.backend import keras
from zoo.data.dataset import Dataset
from zoo.data.text.corpora import Pairs
from zoo.errors import UsageError, ZooError
from zoo.tasks.text.dialogue import BEGIN, END, RARE, distinct, mean_of
from zoo.tasks.text.samplers import beam_step, length_norm

numbers = keras.ops.convert_to_numpy
SAID = ["Hi.", "Who is there?", "What is your name, old man?", "Bye."]
REPLY = ["Hello!", "It is me.", "I am Bob, the builder.", "See you."]


@pytest.fixture(scope="module")
def bot():
    """A small bot that knows four answers by heart."""
    bot = zoo.get("chatbot", units=32, dropout=0.0, seed=0)
    bot.settings = replace(bot.settings, length=10)
    bot.train((SAID * 30, REPLY * 30), epochs=20, batch_size=12, learning_rate=0.01, progress=False)
    return bot


def logits(bot, pairs: Pairs) -> np.ndarray:
    return numbers(bot.model(bot._encode(pairs)[0]))


# Pairs to numbers


@pytest.mark.slow
def test_an_answer_is_moved_one_on(bot):
    known = bot.vocabulary.numbers
    x, y = bot._encode(Pairs(["Hi."], ["It is\nme xyzzy."]))
    words = [known["it"], known["is"], known["me"], known[RARE], known["."]]
    assert x[0, 1, :6].tolist() == [known[BEGIN], *words] and not x[0, 1, 6:].any()
    assert y[0, :6].tolist() == [*words, known[END]] and not y[0, 6:].any()
    assert x[0, 0, :2].tolist() == [known["hi"], known["."]] and not x[0, 0, 2:].any()


def test_long_lines_are_cut(bot):
    x, y = bot._encode(Pairs(["hi " * 40], ["me " * 40]))
    assert (x > 0).all() and (y > 0).all() and bot.vocabulary.numbers[END] not in y


def test_lines_without_end_are_refused(bot):
    with pytest.raises(UsageError, match="length"):
        replace(bot.settings, length=10**6)


@pytest.mark.slow
def test_the_vocabulary_has_a_limit():
    bot = zoo.get("chatbot", units=8)
    bot.settings = replace(bot.settings, most=8)
    bot.train((SAID * 5, REPLY * 5), epochs=1, progress=False)
    assert len(bot.vocabulary) == 8 == bot.arguments["vocab_size"]


# Masks


@pytest.mark.every_backend
def test_what_fills_up_a_line_changes_nothing(bot):
    pair = Pairs(["Who is there?"], ["It is me."])
    expected = logits(bot, pair)
    x, _ = bot._encode(pair)
    longer = np.concatenate([x, np.zeros((1, 2, 9), np.int32)], axis=2)
    assert np.abs(numbers(bot.model(longer))[:, : x.shape[2]] - expected).max() < 1e-4
    beside = logits(bot, Pairs(["Who is there?", "What is your name, old man?"], ["It is me.", "I am"]))
    assert np.abs(beside[0] - expected[0]).max() < 1e-4


@pytest.mark.every_backend
def test_filling_counts_in_no_loss(bot):
    x, y = bot._encode(Pairs(SAID, REPLY))
    found = numbers(bot.model(x)).astype(np.float64)
    logs = found - np.log(np.exp(found).sum(-1, keepdims=True))
    nats = -np.take_along_axis(logs, y[..., None], -1)[..., 0][y > 0]
    plan = bot._make_plan(Dataset("d", {"train": Pairs(SAID, REPLY)}), batch_size=None)
    loss = plan.loss(y, keras.ops.convert_to_tensor(found.astype(np.float32)))
    assert float(loss) == pytest.approx(nats.mean(), rel=1e-4)
    measured = bot._nats(x, y, lambda pairs: None)
    assert measured.sum() == pytest.approx(nats.sum(), rel=1e-3) and (measured[y == 0] == 0).all()


@pytest.mark.every_backend
def test_both_ways_to_attend():
    for attention in ("luong", "bahdanau"):
        bot = zoo.get("chatbot", vocab_size=20, units=8, attention=attention, seed=0)
        assert bot.build().output_shape[-1] == 20
    with pytest.raises(ZooError, match="attention is 'loud'"):
        zoo.get("chatbot", attention="loud").build()
    with pytest.raises(ZooError, match="units is 7"):
        zoo.get("chatbot", units=7).build()


# Answers


@pytest.mark.every_backend
def test_it_answers(bot):
    for said, reply in zip(SAID, REPLY, strict=True):
        assert bot.reply(said, temperature=0) == bot.reply(said, beam=4) == reply.lower()


def test_the_same_seed_gives_the_same_answer(bot):
    how = {"temperature": 3.0, "top_p": 1.0}
    assert len({bot.reply("Hi.", seed=1, **how) for _ in range(3)}) == 1
    assert len({bot.reply("Hi.", seed=seed, **how) for seed in range(5)}) > 1
    assert not any(sign in bot.reply("xyzzy", seed=seed, **how) for seed in range(5) for sign in (BEGIN, RARE))


def test_where_it_looked(bot, tmp_path):
    found = bot.attention("Who is there?", tmp_path / "looks.png", max_length=3)
    assert found.said == ["who", "is", "there", "?"]
    assert len(found.words) == 3 == len(found.attention_weights)
    assert (
        np.allclose(np.sum(found.attention_weights, axis=1), 1, atol=1e-3)
        and (tmp_path / "looks.png").stat().st_size > 1000
    )


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"text": "  "}, "nothing was said"),
        ({"beam": 0}, "beam is 0"),
        ({"beam": 2.0}, "beam is 2.0"),
        ({"temperature": -1}, "temperature is -1"),
        ({"length_penalty": -1}, "length_penalty is -1"),
        ({"max_length": 0}, "max_length is 0"),
    ],
)
def test_values_that_mean_nothing(bot, how, message):
    with pytest.raises(UsageError, match=message):
        bot.reply(**{"text": "Hi.", **how})
    with pytest.raises(UsageError, match="knows no lower-case words yet"):
        zoo.get("chatbot").reply("Hi.")


@pytest.mark.every_backend
def test_beam_search_finds_the_most_probable_answer(bot):
    """Against all answers of up to two words, each scored by the model itself."""
    known = bot.vocabulary
    questions = np.zeros((1, 2, bot.settings.length), np.int32)
    questions[0, 0, :2] = bot._numbers("Hi.")
    words = [n for n in range(1, len(known)) if known.tokens[n - 1] not in (BEGIN, RARE)]

    x = questions.repeat(len(words), 0)  # each word as the first one of an answer
    x[:, 1, 0], x[:, 1, 1] = known.numbers[BEGIN], words
    kept = numbers(bot.model(x)).astype(np.float64)[:, :2, words]  # the others are never drawn
    logs = kept - np.log(np.exp(kept).sum(-1, keepdims=True))
    first, end = dict(zip(words, logs[0, 0], strict=True)), known.numbers[END]
    scored = {(end,): first[end]}
    for word, afterwards in zip(words, logs[:, 1], strict=True):
        if word != end:
            scored |= {(word, after): first[word] + log for after, log in zip(words, afterwards, strict=True)}
    best = max(scored, key=scored.get)
    text = known.decode([number for number in best if number != end])
    assert bot.reply("Hi.", beam=len(words), max_length=2, length_penalty=0) == text


@pytest.mark.every_backend
def test_a_step_of_a_beam():
    """Against NumPy: the best of all continuations, ended ones standing still."""
    logs = np.log(np.array([[0.1, 0.6, 0.3], [0.2, 0.2, 0.6], [0.5, 0.25, 0.25]], np.float32))
    scores = np.array([-1.0, -1.1, -0.2], np.float32)
    best, parent, token = map(numbers, beam_step(logs, scores, np.array([True, True, False])))
    every = scores[:, None] + np.where([[True], [True], [False]], logs, [0, -1e9, -1e9])
    order = np.argsort(-every, axis=None)[:3]
    assert np.allclose(best, every.ravel()[order]) and (parent * 3 + token == order).all()
    assert length_norm(1, 0.7) == 1 and length_norm(7, 1) == 2


# Scores


def test_the_perplexity_is_summed_by_word(bot, monkeypatch):
    found = bot.evaluate((SAID * 5, REPLY * 5), split="train", progress=False)
    x, y = bot._encode(Pairs((SAID * 5)[:18], (REPLY * 5)[:18]))  # the last two are held out
    nats = bot._nats(x, y, lambda pairs: None)
    monkeypatch.setattr("zoo.tasks.text.recurrent.SCORED", 1)  # a model so wide that it scores pair by pair
    assert np.abs(bot._nats(x, y, lambda pairs: None) - nats).max() < 1e-5
    assert found["nats"].n == (y > 0).sum() and found["nats"].value == pytest.approx(nats.sum() / (y > 0).sum())
    assert found["perplexity"].value == pytest.approx(np.exp(found["nats"].value))
    assert found["shuffled"].value > found["perplexity"].value
    # of each answer after its own question and after another one: narrower than what either of the two spreads
    lost = np.log(found["shuffled"].value / found["perplexity"].value)
    assert found["listening"].value == pytest.approx(lost) and found["listening"].ci[0] > 0
    replies = [bot._answer(line, seed=number) for number, line in enumerate((SAID * 5)[:18])]
    expected = [{"said": line, "reply": reply.text} for line, reply in zip(SAID * 4, replies[:10], strict=False)]
    assert found["exchanges"] == expected[:10]
    assert found["distinct_1"] == distinct([reply.words for reply in replies], 1)


def test_an_interval_counts_answers():
    y = np.array([[1, 1, 0], [1, 0, 0]])
    found = mean_of(np.array([[1.0, 3.0, 0], [2.0, 0, 0]]), y)
    assert found.value == 2 and found.n == 3 and found.ci[0] <= 2 <= found.ci[1]


def test_distinct_grams():
    assert distinct([["a", "b", "a"], ["a", "b"]], 1) == 2 / 5
    assert distinct([["a", "b", "a"], ["a", "b"]], 2) == 2 / 3 and distinct([["a"]], 2) == 0


def test_saved_files_answer_alike(bot, tmp_path):
    bot.save(tmp_path / "bot.keras")
    again = zoo.load(tmp_path / "bot.keras")
    assert again.reply("Hi.", seed=1) == bot.reply("Hi.", seed=1) and again.reply("Bye.", beam=3) == "see you."


def test_the_command(bot, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bot.save("bot.keras")
    monkeypatch.setattr("sys.stdin", io.StringIO("Hi.\nBye.\n\nnot said\n"))
    assert cli.main(["chat", "bot.keras", "--beam", "3"]) == 0
    assert capsys.readouterr().out == "hello!\nsee you.\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("Hi."))
    assert cli.main(["chat", "bot.keras", "--temperature", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"said": "Hi.", "reply": "hello!"}]
    Path("pairs.tsv").write_text("".join(f"{s}\t{r}\n" for s, r in zip(SAID * 5, REPLY * 5, strict=True)), "utf-8")
    assert cli.main(["evaluate", "bot.keras", "pairs.tsv"]) == 0
    assert "after somebody else's words" in capsys.readouterr().out
