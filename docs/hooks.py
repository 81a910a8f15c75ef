"""What the site has beside the files of docs/: pages that are made of the project itself when it is built."""

import fnmatch
import importlib
import itertools
import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

import click
import griffe
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import zoo
from zoo import catalog
from zoo.cli import SECTIONS, group
from zoo.console import share
from zoo.studies.definitions import STUDIES
from zoo.studies.kept import kept_outcomes
from zoo.tasks import factory

ROOT = Path(__file__).parent.parent
# files of the project to pages of the site; those of docs/ keep their names
TOP = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
LINK = re.compile(r"(\]\()(?!https?:|#)([^)#\s]+)")
LANGUAGES = ("en", "ja")


class Examples(griffe.Extension):
    """Lets the examples in docstrings be shown as code: the reader of docstrings knows that heading in the plural."""

    def on_object(self, *, obj: griffe.Object, **about: object) -> None:
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^( *)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)


def pages() -> Iterator[tuple[str, str | Path]]:
    """What is made here: where it is on the site, and its text or the notebook that it is."""
    for source, page in TOP.items():
        yield page, (ROOT / source).read_text(encoding="utf-8")
    for language in LANGUAGES:
        for notebook in sorted((ROOT / "notebooks" / language).glob("*.ipynb")):
            yield f"notebooks/{language}/{notebook.name}", notebook
    cards = catalog.cards().values()
    for card in cards:
        if not card.is_backbone:
            yield f"models/{card.name}.md", model(card)
    yield "pretrained.md", networks([card for card in cards if card.is_backbone])
    yield "studies.md", studies()
    yield "commands.md", commands()
    for name in sorted({*zoo.__all__, "list"} - {"__version__"}):
        yield f"reference/{name}.md", f"# zoo.{name}\n\n::: {zoo._WORDS[name]}.{name}\n"
    for task, path in factory.CLASSES.items():
        yield f"reference/{task}.md", reference(path)
    yield "reference/sklearn.md", "# zoo.sklearn\n\n::: zoo.sklearn\n"


def model(card: catalog.Card) -> str:
    """A model's page: what it is, its file and its card."""
    about = "\n".join(line for line in str(card).splitlines() if not line.startswith("file "))
    code = Path(card.file).read_text(encoding="utf-8")
    return f"# {card.name}\n\n{card.summary}\n\n```python\n{code}```\n\n## Its card\n\n```text\n{about}\n```\n"


def networks(cards: list[catalog.Card]) -> str:
    """The page of pretrained networks."""
    lines = ["# Pretrained networks", "", "What `zoo finetune --backbone` takes; `zoo show NAME` says more of each."]
    lines += ["", "| `--backbone` | million parameters | pixels | top-1, as published | weights | source |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for card in cards:
        published, size = card.published, card.arguments["input_shape"][0]
        top1 = share(published.scores.get("top1")) if published else "-"
        licence = published.licence if published else "from a file that you have"
        cells = [f"`{card.name}`", f"{card.facts['parameters'] / 1e6:.1f}", str(size), top1, licence]
        lines += [f"| {' | '.join([*cells, card.facts['source']])} |"]
    return "\n".join(lines)


def studies() -> str:
    """What every study came to: the figure that `zoo reproduce` drew and the words that it printed."""
    lines = ["# Studies", "", "Questions, each answered by training small nets several times."]
    kept = {outcome.name: outcome for outcome in kept_outcomes()}
    for name, study in STUDIES.items():
        lines += ["", f"## {name}", "", study.question, "", f"`zoo reproduce {name}` takes {study.minutes} minutes."]
        if name in kept:
            lines += ["", f"![{study.question}](studies/{name}.png)", "", *in_markdown(kept[name].words)]
    return "\n".join(lines) + "\n"


def in_markdown(words: str) -> Iterator[str]:
    """What a study prints, its tables as code and the rest as text."""
    for kind, lines in itertools.groupby(words.splitlines(), kind_of_line):
        if kind == "table":
            yield from ("```text", *lines, "```", "")
        elif kind == "item":
            yield from ("", *(f"- {line.strip()}" for line in lines), "")
        else:
            yield from (f"{line}\n" for line in lines)


def kind_of_line(line: str) -> str:
    return "table" if "  " in line.strip() else "item" if line.startswith("  ") else "text"


def reference(path: str) -> str:
    module, _, name = path.partition(":")
    bases = getattr(importlib.import_module(module), name).__mro__[1:-1]
    inherited = " and ".join(f"`{base.__name__}`" for base in bases if base.__module__.startswith("zoo.tasks"))
    return f"# {name}\n\nIts verbs, with those of {inherited}.\n\n::: {module}.{name}\n"


def commands() -> str:
    """The help of every command, in the sections of `zoo --help`."""
    lines = ["# Commands", "", "As `zoo COMMAND --help` prints them."]
    parent = click.Context(group, info_name="zoo")
    for title, section in SECTIONS.items():
        lines += ["", f"## {title}"]
        for command in section:
            with click.Context(command, info_name=command.name, parent=parent, max_content_width=96) as context:
                lines += ["", f"### zoo {command.name}", "", "```text", command.get_help(context), "```"]
    return "\n".join(lines)


def on_config(config: MkDocsConfig) -> None:
    """Fill the navigation: an entry that ends in * stands for all pages there are."""
    os.environ["LANG"] = os.environ["LC_ALL"] = "C"  # commands say their help in English
    made = dict(pages())

    def filled(entry):
        if isinstance(entry, list):
            return [*map(filled, entry)]
        if isinstance(entry, dict):
            return {title: filled(below) for title, below in entry.items()}
        return [{title(made[page]): page} for page in fnmatch.filter(made, entry)] if "*" in entry else entry

    config.nav = filled(config.nav)


def title(content: str | Path) -> str:
    """The first heading of a page or a notebook."""
    text = nbformat.read(content, as_version=4).cells[0].source if isinstance(content, Path) else content
    return text.partition("\n")[0].removeprefix("# ")


@event_priority(100)  # before the plug-in for notebooks, which looks for them
def on_files(files: Files, config: MkDocsConfig) -> None:
    for page, content in pages():
        if isinstance(content, Path):
            files.append(File(page, str(ROOT), config.site_dir, config.use_directory_urls))
        else:
            files.append(File.generated(config, page, content=content))
    for outcome in kept_outcomes():
        files.append(File.generated(config, f"studies/{outcome.name}.png", abs_src_path=str(outcome.figure)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to files of the project become links to their pages."""
    here = page.file.src_uri
    source = next((file for file, at in TOP.items() if at == here), f"docs/{here}")

    def led(match: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
        at = TOP.get(target, target.removeprefix("docs/"))
        return match[1] + posixpath.relpath(at, posixpath.dirname(here) or ".")

    return LINK.sub(led, markdown)
