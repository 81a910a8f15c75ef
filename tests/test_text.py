"""Text and pairs of lines: from whatever a person may have to tokens, and back."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import zoo
from zoo.data import named, text_sources
from zoo.data.text import vocabulary
from zoo.data.text.corpora import Pairs, Text, read_text
from zoo.data.text.vocabulary import UNKNOWN, Vocabulary
from zoo.errors import UsageError, ZooError

VERSE = "to be, or not to be\nthat is the question\n" * 100


def test_text_from_a_file_a_folder_a_string(tmp_path):
    (tmp_path / "b.txt").write_bytes("\ufeffzwei\r\nÄ\r".encode())
    (tmp_path / "a.txt").write_text("one", "utf-8")
    (tmp_path / "c.md").write_text("not this", "utf-8")
    assert text_sources.find(tmp_path / "b.txt").splits["train"].text == "zwei\nÄ\n"
    assert text_sources.find(str(tmp_path)).splits["train"].text == "one\nzwei\nÄ\n"
    assert text_sources.find("one\ntwo").splits["train"] == Text("one\ntwo")
    assert text_sources.find("word " * 60).splits["train"].text == "word " * 60
    parts = text_sources.load(VERSE, validation="to be\n").splits
    assert parts["validation"].text == "to be\n" and parts["train"].text == VERSE


def test_hidden_files_are_no_texts(tmp_path):
    for name in ("._a.txt", ".old.txt", ".git/x.txt", "__MACOSX/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\xff hidden")
    (tmp_path / "a.txt").write_text("one", "utf-8")
    (tmp_path / "B.TXT").write_text("two", "utf-8")
    assert sorted(text_sources.find(tmp_path).splits["train"].text.split("\n")) == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("It’s “ok”\n", "CP1252"),
        ("café au lait\n", "LATIN1"),
        ("Привет, как дела?\n", "CP1251"),
        ("Привет, как дела?\n", "KOI8-R"),
        ("これはペンです。\n", "CP932"),
        ("これはペンです。\n", "EUC-JP"),
        ("안녕하세요, 반갑습니다\n", "EUC-KR"),
        ("今天天气很好。我们去公园\n", "GB18030"),
        ("hello there\n", "UTF-16LE"),
        ("hello there\n", "UTF-16BE"),
        ("hello\n", "UTF-16"),
        ("abc\n", "UTF-32"),
        ("abcd\n", "UTF-32LE"),
    ],
)
def test_the_encoding_is_guessed(tmp_path, text, encoding):
    """And what is advised gives the text: `encoding=`, and the command."""
    file = tmp_path / "my book; touch hacked; $(touch hacked) 'it'.txt"  # a shell is to take it as a name
    file.write_bytes(text.encode(encoding))
    with pytest.raises(ZooError, match=f"encoding='{encoding}'") as raised:
        text_sources.find(file)
    assert text_sources.find(file, encoding=encoding).splits["train"].text == text
    if shutil.which("iconv"):
        subprocess.run(str(raised.value).partition("type: ")[2], shell=True, check=True, cwd=tmp_path)
        assert (tmp_path / f"{file.stem}-utf8.txt").read_text("utf-8") == text
        assert len([*tmp_path.iterdir()]) == 2


def test_what_is_in_no_encoding(tmp_path):
    (tmp_path / "a.txt").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(ZooError, match="not UTF-8 text: its byte 128"):
        read_text(tmp_path / "a.txt")
    with pytest.raises(ZooError, match="is not cp1252 text: its byte 129"):
        read_text(tmp_path / "a.txt", "cp1252")
    with pytest.raises(UsageError, match="encoding is 'klingon'"):
        read_text(tmp_path / "a.txt", "klingon")


def test_a_share_to_hold_out_can_be_given():
    assert [len(part) for part in text_sources.load(VERSE, held_out=0.5).splits.values()] == [len(VERSE) // 2] * 2
    net = zoo.get("char_lstm")
    assert len(net._find_data(VERSE, validation_split=0.5).splits["validation"]) == len(VERSE) // 2
    for options, message in [
        ({"validation_split": 2}, "the share to hold out is 2; accepted"),
        ({"validation_split": 0.5, "validation": VERSE}, "leave out one of the two"),
    ]:
        with pytest.raises(UsageError, match=message):
            net.train(VERSE, progress=False, **options)
    for name in ("word2vec", "dcgan"):
        with pytest.raises(UsageError, match="leave out validation and validation_split"):
            zoo.get(name).train(VERSE, validation_split=0.5, progress=False)


@pytest.mark.parametrize(
    ("name", "options", "advice"),
    [
        ("char_lstm", {"min_count": 500, "window": 3}, "Give more text, or a smaller min_count."),
        ("char_lstm", {"min_count": 1, "window": 10**5}, "Give more text, or a smaller window."),
        ("word2vec", {"min_count": 2}, "Give more text, or a smaller min_count."),
        ("word2vec", {"min_count": 1}, "Give more text."),
    ],
)
def test_advice_can_be_followed(name, options, advice):
    with pytest.raises(ZooError, match=re.escape(advice)):
        zoo.get(name).train(VERSE[:42], progress=False, **options)


def test_the_tail_is_held_out():
    parts = text_sources.load(VERSE).splits
    assert parts["train"].text + parts["validation"].text == VERSE
    assert len(parts["validation"]) == len(VERSE) // 10


@pytest.mark.parametrize(
    ("content", "message"), [("naïve".encode("latin-1"), "LATIN1"), ("text".encode("utf-16"), "UTF-16")]
)
def test_other_encodings_are_named(tmp_path, content, message):
    file = tmp_path / "old.txt"
    file.write_bytes(content)
    with pytest.raises(ZooError, match=rf"not UTF-8.*iconv -f {message}"):
        read_text(file)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("no_such_text", "is no folder, file or dataset here"),
        ("tinyshakespear", "did you mean 'tinyshakespeare'"),
        ("digits", "digits holds images; wanted are text"),
        ("chatterbot", "chatterbot holds pairs; wanted are text"),
        (17, "data is a int"),
        ("a\0b", "is no folder, file or dataset here"),
        ("~nobody_of_that_name/text", "is no folder, file or dataset here"),
        (".", "holds no .txt file"),
        ("\n", "too little text"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, monkeypatch, data, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError, match=message):
        text_sources.load(data)


@pytest.mark.parametrize("language", ["german", "hindi", "japanese", "persian", "thai"])
def test_conversations_in_other_languages(language):
    pytest.importorskip("chatterbot_corpus")
    pairs = text_sources.find_pairs(f"chatterbot:{language}").splits["train"]
    assert len(pairs) > 10
    # words and punctuation marks are told apart and put together again as they were, but for odd spaces
    same = [vocabulary.join_words(vocabulary.split_words(line)) == " ".join(line.split()) for line in pairs.said]
    assert sum(same) > 0.85 * len(same)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("chatterbot:germn", "has no part 'germn'; did you mean 'german'"),
        ("chatterbot:../english", "has no part"),
        ("cornell_30k:german", "has no part 'german'. It has none"),
        ("chatterbot:", "has no part ''"),
        ("chaterbot:german", "is no folder, file or dataset"),
    ],
)
def test_parts_that_no_dataset_has(shared_data, data, message):
    with pytest.raises(ZooError, match=message):
        text_sources.find_pairs(data)


def test_text_is_no_picture(tmp_path):
    with pytest.raises(ZooError, match="stdlib_docs holds text; wanted are pictures"):
        zoo.get("logistic").train("stdlib_docs")


def test_pairs(tmp_path):
    (tmp_path / "said.txt").write_text("Hi.\nBye.\n", "utf-8")
    (tmp_path / "reply.txt").write_text("Hello!\nSee you.\n", "utf-8")
    (tmp_path / "both.tsv").write_text("Hi.\tHello!\nBye.\tSee you.\n", "utf-8")
    wanted = Pairs(["Hi.", "Bye."], ["Hello!", "See you."])
    for data in ((tmp_path / "said.txt", tmp_path / "reply.txt"), tmp_path / "both.tsv", (wanted.said, wanted.reply)):
        assert text_sources.find_pairs(data).splits["train"] == wanted
    with pytest.raises(ZooError, match="2 lines were said and 1 answered"):
        text_sources.find_pairs((["a", "b"], ["c"]))
    (tmp_path / "both.tsv").write_text("Hi. Hello!\n", "utf-8")
    with pytest.raises(ZooError, match="line 1 has 0 tabs"):
        text_sources.find_pairs(tmp_path / "both.tsv")


def test_pairs_in_rows_and_columns(tmp_path):
    import pandas

    said, reply = ["Hi.", "Bye."], ["Hello!", "See you."]
    wanted, rows = Pairs(said, reply), list(zip(said, reply, strict=True))
    table = pandas.DataFrame({"n": [1, 2], "reply": reply, "said": said})
    for data in (rows, np.array(rows), (np.array(said), np.array(reply)), (table["said"], table["reply"]), table):
        assert text_sources.find_pairs(data).splits["train"] == wanted
    assert text_sources.find_pairs([*rows, rows[0]]).splits["train"].said == ["Hi.", "Bye.", "Hi."]
    assert text_sources.find_pairs((["Hi."], ["Hello!"])).splits["train"] == Pairs(["Hi."], ["Hello!"])
    for data, message in [
        ([list(row) for row in rows], "two pairs or two columns"),
        (tuple(rows), "two pairs or two columns"),
        ((said, ["Hello!", None]), "reply 2 of pairs is None"),
        ((said, [float("nan"), "x"]), "reply 1 of pairs is nan"),
        (["a", "b", "c"], "not all of which are pairs"),
        (table[["n", "said"]].assign(x=1), "accepted are said and reply"),
    ]:
        with pytest.raises(ZooError, match=message):
            text_sources.find_pairs(data)
    (tmp_path / "tatoeba.tsv").write_text("Hi.\tHello!\tCC-BY\nBye.\tSee you.\tCC-BY\n", "utf-8")
    (tmp_path / "a.jsonl").write_text('["Hi.", "Hello!"]\n\n{"prompt": "Bye.", "completion": "See you."}\n', "utf-8")
    for name in ("tatoeba.tsv", "a.jsonl"):
        assert text_sources.find_pairs(tmp_path / name).splits["train"] == wanted
    (tmp_path / "gap.tsv").write_text("a\tb\n\n\nc\n", "utf-8")
    with pytest.raises(ZooError, match="line 4 has 0 tabs"):
        text_sources.find_pairs(tmp_path / "gap.tsv")


@pytest.mark.parametrize("name", named.available("text"))
def test_named_texts(name):
    dataset = text_sources.load(name)
    assert len(dataset.splits["train"]) > 100_000 and len(dataset.fingerprint()) == 64
    assert dataset.fingerprint() == text_sources.load(name).fingerprint()


@pytest.mark.parametrize("name", named.available("pairs"))
def test_named_pairs(name):
    pairs = text_sources.load_pairs(name).splits["train"]
    assert len(pairs.said) == len(pairs.reply) > 2000 and all(map(str.strip, pairs.said[:100]))


# Tokens


@pytest.mark.parametrize("kind", ["characters", "words", "lower-case words"])
def test_a_vocabulary_comes_back(kind):
    text = 'Moe_Szyslak: (INTO PHONE) "Who?" I\'ll check... well-known.\nOh!'
    vocabulary = Vocabulary.of(text, kind)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary
    assert again.decode(again.encode(text)) == (text.lower() if kind.startswith("lower") else text)


@pytest.mark.parametrize(
    "text",
    [
        "“Hello,” he said. “Go, ‘now’!” ‘Go,’ he said",
        "„Ja“, sagte er »nein«; «oui» « non » ”hej”",
        "3.14 or 1,000 at 10:30, $5 5€ -5 1/2 50% 20°C",
        "the U.S. army, e.g. and/or http://x.com/a?b=c#d me@x.org C++ <b>x</b> #tag",
        "'tis the dogs' 'go' ’tis rock ’n’ roll 5\" tall \"go\" he said",
        "house--and well...but : ) :) a , b",
        "👨‍👩‍👧 👍🏽🇩🇪🇫🇷 1️⃣ ❤️😀😂 hi👍",
        "မြန်မာဘာသာ၊ စာ။ ភាសាខ្មែរ។ ພາສາ ນ້ຳ བོད་སྐད་ཡིག། هٰذا नमस्ते",
        "cafe\u0301 Ångström",
    ],
)
def test_words_come_back(text):
    assert vocabulary.join_words(vocabulary.split_words(text)) == text
    learned = Vocabulary.of(text, "words")
    assert learned.decode(learned.encode(text)) == text


def test_any_text_comes_back():
    random = np.random.default_rng(0)
    for _ in range(2000):
        text = " ".join("".join(random.choice(list("ab1 .,:;'\"“”‘’„«»()/$-—…!?"), 12)).split())
        assert vocabulary.join_words(vocabulary.split_words(text)) == text


def test_other_spellings_are_known():
    vocabulary = Vocabulary.of('I don\'t say "café" .', "words")
    assert vocabulary.unknown("I don’t say “cafe\u0301”.") == []
    assert vocabulary.encode("don’t").tolist() == vocabulary.encode("don't").tolist()
    assert Vocabulary.of("don’t", "words").unknown("don't") == []
    characters = Vocabulary.of("café 'x'", "characters")
    assert characters.unknown("cafe\u0301 ’x’") == [] and len(characters.encode("cafe\u0301")) == 4
    assert Vocabulary.of("cafe\u0301", "characters").unknown("café") == []


def test_an_earlier_vocabulary_reads_as_it_did():
    """Its tokens say nothing of spaces, and emoji and words of some scripts were cut into parts."""
    earlier = Vocabulary("words", ["3", ".", "14", "မ", "ြ", "👍", "🏽"])
    assert earlier.encode("3.14 မြ 👍🏽").tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert earlier.decode([1, 2, 3]) == "3. 14"


def test_rare_marks_count_as_plain_ones():
    assert set(Vocabulary.of("$5 $ x $ y", "words", min_count=2).tokens) == {"$"}
    assert "$" in Vocabulary.of("$5", "words", spaces=False).tokens


def test_unknown_tokens_have_the_number_zero():
    vocabulary = Vocabulary.of("a b b", "words", min_count=2)
    assert vocabulary.tokens == ["b"] and vocabulary.encode("a b c").tolist() == [UNKNOWN, 1, UNKNOWN]
    assert vocabulary.unknown("a b c a") == ["a", "c"]
    assert len(Vocabulary.of("a b c d", "words", limit=2)) == 3


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"kind": "runes", "tokens": ["a"]},
        {"kind": "words", "tokens": []},
        {"kind": "words", "tokens": [1]},
        {"kind": "words", "tokens": ["a", "a"]},
        {"kind": "words", "tokens": ["a", ""]},
        {"kind": "words", "tokens": ["a", "\ud800"]},
    ],
)
def test_a_strange_vocabulary_is_refused(stored):
    with pytest.raises(ZooError, match="vocabulary"):
        Vocabulary.from_json(stored)


@pytest.mark.parametrize("kind", ["characters", "words"])
def test_decoding_in_pieces(kind):
    text = 'moe: (into phone) "what is it?" he said.\noh, "nothing."'
    vocabulary = Vocabulary.of(text, kind)
    numbers, decode = vocabulary.encode(text), vocabulary.decoding()
    assert (
        vocabulary.decode(numbers) == text == "".join(decode(numbers[at : at + 2]) for at in range(0, len(numbers), 2))
    )
