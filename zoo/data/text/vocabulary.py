"""Text to numbers and back: characters, or words with their punctuation. A saved file carries its vocabulary."""

import collections
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from zoo.errors import ZooError, is_unicode

UNKNOWN = 0  # the number of whatever the training text did not have
SIGN = r"\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Chinese and Japanese, which no spaces part: each is a word
# accents, vowel signs and joiners, parts of words that \w does not count
MARK = r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u200c\u200d"
LETTERS = rf"[^\W{SIGN}]+(?:[{MARK}]+[^\W{SIGN}]*)*"
# line breaks, signs, words, and runs of one punctuation mark
WORD = re.compile(rf"\n|[{SIGN}]|{LETTERS}(?:['\u2019-]{LETTERS})*|([^\w\s])\1*")
WIDE = re.compile(rf"[{SIGN}\u3000-\u303f\uff01-\uff65]")  # signs and their punctuation
NO_SPACE_BEFORE = re.compile(r"[.,!?;:)\]}\u2019%\u2026\u060c\u061b\u061f\u0964]")
NO_SPACE_AFTER = re.compile(r"[(\[{\n\u00bf\u00a1]")
MOST = 2**20  # tokens that a vocabulary may have


def joining_words() -> Callable[[Iterable[str]], str]:
    """A function that writes words and punctuation marks as one would, and goes on with a text when called again.

    Example:
        >>> joining_words()(split_words("AIとは何ですか。"))
        'AIとは何ですか。'
        >>> join = joining_words()
        >>> join(["moe", ":", "(", "into", "phone", ")", '"', "what", "?", '"', "he", "said", ".", "\\n", "oh"])
        'moe: (into phone) "what?" he said.\\noh'
    """
    space, inside, last = False, False, "\n"

    def join(words: Iterable[str]) -> str:
        nonlocal space, inside, last
        text = []
        for word in words:
            closing = word == '"' and inside
            space = space and not (WIDE.match(word) or WIDE.match(last))
            if space and word != "\n" and not closing and not NO_SPACE_BEFORE.match(word):
                text.append(" ")
            text.append(word)
            inside ^= word == '"'
            space = not NO_SPACE_AFTER.match(word) and not (word == '"' and inside)
            last = word
        return "".join(text)

    return join


def split_words(text: str) -> list[str]:
    """Words, each with its apostrophes and hyphens, punctuation marks and line breaks; other spaces are dropped.

    Example:
        >>> split_words("Don't -- नमस्ते, 你好!!")
        ["Don't", '--', 'नमस्ते', ',', '你', '好', '!!']
    """
    return [match[0] for match in WORD.finditer(text)]


@dataclass(frozen=True)
class Kind:
    """A way to cut text into tokens; and what makes a function that puts them together, one call after the other."""

    split: Callable[[str], list[str]]
    joining: Callable[[], Callable[[Iterable[str]], str]]


KINDS = {
    "characters": Kind(list, lambda: "".join),
    "words": Kind(split_words, joining_words),
    "lower-case words": Kind(lambda text: split_words(text.lower()), joining_words),
}


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that a model knows; their numbers begin at 1, and 0 stands for any other token.

    Attributes:
        kind: "characters", "words" or "lower-case words".
        tokens: number 1 is the first of them.

    Example:
        >>> vocabulary = Vocabulary.of("to be, or not to be", "words")
        >>> vocabulary.tokens, vocabulary.encode("to be? To me.").tolist()
        (['be', 'to', ',', 'not', 'or'], [2, 1, 0, 0, 0, 0])
        >>> vocabulary.decode([2, 1, 3, 5, 4])
        'to be, or not'
    """

    kind: str
    tokens: list[str]
    numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "numbers", {token: number for number, token in enumerate(self.tokens, 1)})

    @classmethod
    def of(cls, text: str, kind: str, min_count: int = 1, limit: int | None = None) -> "Vocabulary":
        """The vocabulary of a text, the most frequent tokens first.

        Args:
            text: the training text.
            kind: how it is cut.
            min_count: rarer tokens are left out, and so become the unknown one.
            limit: how many tokens it may have at the most.
        """
        counts = collections.Counter(KINDS[kind].split(text))
        ranked = sorted((-count, token) for token, count in counts.items() if count >= min_count)
        return cls(kind, [token for _, token in ranked[:limit]])

    def __len__(self):
        return len(self.tokens) + 1

    def split(self, text: str) -> list[str]:
        """The text as tokens, known or not."""
        return KINDS[self.kind].split(text)

    def encode(self, text: str) -> np.ndarray:
        """The text as numbers, int32 of shape (tokens,)."""
        return np.fromiter((self.numbers.get(token, UNKNOWN) for token in self.split(text)), np.int32)

    def decode(self, numbers: Iterable[int]) -> str:
        """Numbers as text; the unknown token is left out."""
        return self.decoding()(numbers)

    def decoding(self) -> Callable[[Iterable[int]], str]:
        """A function like `decode` that goes on with a text when called again."""
        join = KINDS[self.kind].joining()
        return lambda numbers: join(self.tokens[number - 1] for number in map(int, numbers) if number != UNKNOWN)

    def unknown(self, text: str) -> list[str]:
        """The tokens of a text that are not known, each once."""
        return list(dict.fromkeys(token for token in self.split(text) if token not in self.numbers))

    def to_json(self) -> dict:
        return {"kind": self.kind, "tokens": self.tokens}

    @classmethod
    def from_json(cls, stored: dict) -> "Vocabulary":
        """The vocabulary that a saved file holds.

        Raises:
            ZooError: it holds something else.
        """
        kind, tokens = stored.get("kind"), stored.get("tokens")
        if kind not in KINDS or not isinstance(tokens, list) or not 0 < len(tokens) < MOST:
            raise ZooError(f"the vocabulary is no list of {' or '.join(KINDS)}.")
        if not all(isinstance(token, str) and token and is_unicode(token) for token in tokens):
            raise ZooError("the vocabulary holds something that is no text.")
        if len(set(tokens)) < len(tokens):
            raise ZooError("the vocabulary holds a token twice.")
        return cls(kind, tokens)


def windows(numbers: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Text cut into pieces one after the other, and for each token the one that follows it.

    Args:
        numbers: shape (tokens,).
        length: tokens of a piece.

    Returns:
        Inputs and targets, both of shape (pieces, length); what is left over at the end is dropped.

    Example:
        >>> [part.tolist() for part in windows(np.arange(6), 2)]
        [[[0, 1], [2, 3]], [[1, 2], [3, 4]]]
    """
    pieces = (len(numbers) - 1) // length
    inputs, targets = (numbers[start : start + pieces * length].reshape(pieces, length) for start in (0, 1))
    return inputs, targets
