"""The named datasets of text and of pairs of lines: how the files of each are read, and `DATASETS`, what each one is.

A reader takes the folder where the files lie, and the names of classes, which text has none of. To add a dataset,
write a row of `DATASETS` and, unless a reader fits it, a reader.
"""

import sysconfig
from collections.abc import Callable
from pathlib import Path

from zoo.data.dataset_info import DatasetInfo
from zoo.data.text.corpora import Pairs, Text, lines_of, read_text

ANNA = {"text/anna.txt": "568bb39fc78aca98e9db91c4329dcd1aa5ec4c3df3aca2064ce5d6f023ae16c9"}
SHAKESPEARE = {"text/tinyshakespeare.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"}
CORNELL = {
    "dialog/cornell_30k.said.txt": "e7099723e42bbd3d095048072f65981b03b3427ca90752e46ed9156bbf78c1ad",
    "dialog/cornell_30k.reply.txt": "07dffaac6b065c2cc5adf7f9d77ecb33cea8c20b82477d140b1f9e6fa5c01519",
}
MILLION = 1_000_000


def read_file(name: str) -> Callable[[Path, list[str]], dict[str, Text]]:
    """A reader of one text file."""
    return lambda root, classes: {"train": Text(read_text(root / name))}


def read_cornell_30k(root: Path, classes: list[str]) -> dict[str, Pairs]:
    """Two files: line n of the one answers line n of the other."""
    said, reply = (lines_of(read_text(root / f"dialog/cornell_30k.{part}.txt")) for part in ("said", "reply"))
    return {"train": Pairs(said, reply)}


def read_english_lines(root: Path, classes: list[str]) -> dict[str, Text]:
    """A novel, plays, and what is said in films and answered to it, one after the other."""
    pairs = read_cornell_30k(root, classes)["train"]
    parts = [read_text(root / f"text/{name}.txt") for name in ("anna", "tinyshakespeare")]
    return {"train": Text("\n".join([*parts, *pairs.said, *pairs.reply]))}


def read_stdlib_source(root: Path, classes: list[str]) -> dict[str, Text]:
    """The first million characters of Python's own modules, in the order of their names."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    text = ""
    for file in files:
        text += read_text(file)
        if len(text) >= MILLION:
            break
    return {"train": Text(text[:MILLION])}


def read_stdlib_docs(root: Path, classes: list[str]) -> dict[str, Text]:
    """What Python's `help()` says about its topics, in the order of their names."""
    from pydoc_data.topics import topics

    return {"train": Text("\n".join(topics[name] for name in sorted(topics)))}


def chatterbot_languages(root: Path) -> list[str]:
    """The languages of which there are conversations."""
    return sorted(folder.name for folder in (root / "data").iterdir() if any(folder.glob("*.yml")))


def read_chatterbot(root: Path, classes: list[str], language: str = "english") -> dict[str, Pairs]:
    """Conversations, YAML lists of lines: each line but the last is answered by the one after it."""
    import yaml

    said, reply = [], []
    for file in sorted((root / "data" / language).glob("*.yml")):
        for conversation in yaml.safe_load(read_text(file))["conversations"]:
            lines = [" ".join(str(line).split()) for line in conversation]
            said += lines[:-1]
            reply += lines[1:]
    return {"train": Pairs(said, reply)}


DATASETS = (
    DatasetInfo(
        name="tinyshakespeare",
        about="40,000 lines of Shakespeare's plays, 1.1 million characters, 65 different ones.",
        proves="how well a small model spells and sets out verse; its last tenth are other plays.",
        licence="public domain",
        source="Andrej Karpathy's char-rnn, data/tinyshakespeare/input.txt.",
        read=read_file("text/tinyshakespeare.txt"),
        files=SHAKESPEARE,
        urls={
            "text/tinyshakespeare.txt": "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/"
            "tinyshakespeare/input.txt"
        },
        kind="text",
    ),
    DatasetInfo(
        name="anna",
        about="Tolstoy's Anna Karenina in English, 2 million characters.",
        proves="how well a small model spells prose.",
        licence="public domain",
        source="Project Gutenberg, as a file of Udacity's deep-learning course, intro-to-rnns/anna.txt.",
        read=read_file("text/anna.txt"),
        files=ANNA,
        urls={
            "text/anna.txt": "https://raw.githubusercontent.com/udacity/deep-learning/master/intro-to-rnns/anna.txt"
        },
        kind="text",
    ),
    DatasetInfo(
        name="moes_tavern",
        about="4,500 lines from a television series, those spoken at Moe's Tavern, with their speakers.",
        proves="that a model learns who speaks how; 49,000 words are few.",
        licence="not stated; the lines are Twentieth Century Fox's",
        source="Todd Schneider's The Simpsons by the Data, as a file of Udacity's deep-learning course.",
        read=read_file("text/moes_tavern_lines.txt"),
        files={"text/moes_tavern_lines.txt": "44eaf379f2368165d52d395329d0c639ef1a0036d5b7e2c0f0d3acfd657d7ed4"},
        kind="text",
    ),
    DatasetInfo(
        name="stdlib_docs",
        about="What Python's help() says about its topics, half a million characters; computed from this Python.",
        proves="that a model of text learns at all, without any download; it differs from Python to Python.",
        licence="PSF-2.0",
        source="The module pydoc_data.topics of Python's standard library.",
        read=read_stdlib_docs,
        kind="text",
    ),
    DatasetInfo(
        name="stdlib_source",
        about="The first million characters of Python's own modules; computed from this Python.",
        proves="that a model of text learns what code looks like; it differs from Python to Python.",
        licence="PSF-2.0",
        source="The modules of Python's standard library.",
        read=read_stdlib_source,
        kind="text",
    ),
    DatasetInfo(
        name="cornell_30k",
        about="30,000 lines of film dialogue and the answers to them.",
        proves="whether a chatbot listens: the next line of a film is hard to foretell.",
        licence="not stated",
        source="A sample of the Cornell Movie-Dialogs Corpus by Danescu-Niculescu-Mizil and Lee (2011).",
        read=read_cornell_30k,
        files=CORNELL,
        kind="pairs",
    ),
    DatasetInfo(
        name="english_lines",
        about="A novel, plays and film dialogue in a row (anna, tinyshakespeare, cornell_30k): a million words.",
        proves="what word vectors learn from little text; published ones saw a thousand times as much.",
        licence="of the films' lines not stated; the rest is in the public domain",
        source="As of the three datasets.",
        read=read_english_lines,
        files={**ANNA, **SHAKESPEARE, **CORNELL},
        kind="text",
    ),
    DatasetInfo(
        name="chatterbot",
        about="2,400 English lines of small talk and trivia and the answers to them; fewer in other languages: "
        "chatterbot:german, chatterbot:japanese and so on.",
        proves="that a chatbot learns at all, without any download.",
        licence="BSD-3-Clause",
        source="ChatterBot Language Training Corpus by Gunther Cox, the package chatterbot-corpus.",
        read=read_chatterbot,
        files={
            "data/english/conversations.yml": "1cf105b5802f377b2dc145f741f7df85629c9ca27e450538165286a75b5e3416",
            "data/english/tech_support.yml": "8a87cdf32579c8efdd9c5f3ef166ae9fb76dcf271b958f5e2265b9246b430655",
        },
        package="chatterbot_corpus",
        kind="pairs",
        parts=chatterbot_languages,
    ),
)
