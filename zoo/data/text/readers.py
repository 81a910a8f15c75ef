"""How each kind of text dataset becomes text or pairs of lines. Every reader takes the folder where the files lie."""

import sysconfig
from pathlib import Path

from zoo.data.text.corpora import Pairs, Text, lines_of, read_text

MILLION = 1_000_000


def read_file(name: str):
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
