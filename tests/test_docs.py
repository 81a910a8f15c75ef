"""What README.md and docs/ say: their numbers, their links and their commands."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "benchmarks/README.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def commands(page: Path) -> set[str]:
    """Names of the `zoo` commands in the blocks of code and the spans of code of a page."""
    text = page.read_text(encoding="utf-8")
    return set(re.findall(r"(?:^|`|bin/)zoo ([a-z-]+)", text, re.MULTILINE))


@cache
def help_of(command: str) -> str:
    done = subprocess.run([sys.executable, "-m", "zoo", command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_readme_is_short():
    assert len(README.splitlines()) <= 130


def test_readme_has_the_two_commands_that_set_up():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert [shlex.split(line)[-1] for line in commands] == ["demo", ".venv/bin/pytest"]


def test_numbers_are_those_of_the_measured_rows():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "tables.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("command", sorted(set().union(*map(commands, PAGES))))
def test_commands_exist(command):
    assert help_of(command)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_exist(page):
    """Every option of a `zoo` command that a page shows is named by the command's help."""
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"(?:^|`|then: )(zoo [a-z-]+ [^`\n]*)", text, re.MULTILINE):
        words = re.split(r" #|  |; then", line)[0].split()
        for option in (word for word in words[2:] if word.startswith("--")):
            assert option in help_of(words[1]), line
