"""Text to numbers and back: characters, or words with their punctuation. A saved file carries its vocabulary."""

import collections
import functools
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from zoo.errors import ZooError, is_unicode

UNKNOWN = 0  # the number of whatever the training text did not have
SIGN = r"\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Chinese and Japanese, which no spaces part: each is a word
WIDE = re.compile(rf"[{SIGN}\u3000-\u303f\uff01-\uff65]")  # signs and their punctuation
NO_SPACE_BEFORE = re.compile(r"[.,!?;:)\]}\u2019\u201d%\u2026\u060c\u061b\u061f\u0964\u0f0b\u0f0d\u104a\u104b\u17d4]")
NO_SPACE_AFTER = re.compile(r"[(\[{\n\u00bf\u00a1]")
# quotation marks that open, and what closes each; some languages close with what others open with
QUOTES = {'"': '"', "“": "”", "‘": "’", "„": "“”", "‚": "‘’", "«": "»", "»": "«", "‹": "›", "›": "‹"}
QUOTATION = {*QUOTES, *"".join(QUOTES.values())}
SPACE, GLUE = " ", "\u2060"  # what a mark begins or ends with where its spaces are not the usual ones
SPACES = ("", SPACE, GLUE)
STRAIGHT = str.maketrans("‘’‚“”„", "'''\"\"\"")
# how text was cut before marks and emoji of all scripts counted: vocabularies of that time know the parts
EARLIER_MARK = r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u200c\u200d"
EARLIER_LETTERS = rf"[^\W{SIGN}]+(?:[{EARLIER_MARK}]+[^\W{SIGN}]*)*"
EARLIER = re.compile(rf"{EARLIER_LETTERS}(?:['\u2019-]{EARLIER_LETTERS})*|([^\w\s])\1*")
MOST = 2**20  # tokens that a vocabulary may have
LONGEST = 10_000  # characters of a token; a text drawn of longer ones would fill the memory


@functools.cache
def word_pattern() -> re.Pattern[str]:
    """Line breaks, signs, words, emoji that are put together of several, and runs of one punctuation mark."""
    # accents, vowel signs and joiners, parts of words that \w does not count
    marks = "".join(char for char in map(chr, range(0x300, 0x20000)) if unicodedata.category(char)[0] == "M")
    mark = rf"{marks}\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u200c\u200d"
    letters = rf"[^\W{SIGN}]+(?:[{mark}]+[^\W{SIGN}]*)*"
    emoji = (
        rf"[\U0001f1e6-\U0001f1ff]{{2}}|[^\w\s](?:[{marks}\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d[^\w\s])+"
    )
    return re.compile(rf"\n|[{SIGN}]|{letters}(?:['\u2019-]{letters})*|{emoji}|([^\w\s])\1*")


@functools.lru_cache(2**16)
def _habits(word: str) -> tuple[bool, bool, bool]:
    """Whether no space parts a token from another one of its kind, from what is before it, from what is behind it."""
    return bool(WIDE.match(word)), bool(NO_SPACE_BEFORE.match(word)) or word == "\n", bool(NO_SPACE_AFTER.match(word))


class Spacing:
    """Says where a space stands between words and punctuation marks as one usually writes them."""

    def __init__(self) -> None:
        self.last, self.wide, self.tight = "\n", False, True  # the latest token, and whether no space follows it
        self.closers: list[str] = []  # of each quotation mark that is open, what closes it

    def before(self, word: str) -> bool:
        """Whether a space usually stands before a token that comes next."""
        wide, clings, _ = _habits(word)
        return not (self.tight or wide or self.wide or clings or self._closed_by(word) is not None)

    def put(self, word: str, unusual: bool | None = None) -> None:
        """Go on behind a token; `unusual` is whether there is a space before it where that is not as usual."""
        self.wide, _, self.tight = _habits(word)
        self.last = word
        if word not in QUOTATION:
            return
        closed = self._closed_by(word)
        if unusual is False or (unusual is None and closed is not None):
            self.closers = self.closers[:closed]
        elif word in QUOTES:
            self.closers = [*self.closers[-3:], QUOTES[word]]
            self.tight = True

    def _closed_by(self, word: str) -> int | None:
        """Which of the open quotation marks a token closes."""
        if word not in QUOTATION:
            return None
        return next((at for at in reversed(range(len(self.closers))) if word in self.closers[at]), None)


def bare(token: str) -> str:
    """A token without what it says of spaces.

    Example:
        >>> bare("$" + GLUE)
        '$'
    """
    return token.strip(SPACE + GLUE) or token


def joining_words() -> Callable[[Iterable[str]], str]:
    """A function that writes words and punctuation marks as one would, and goes on with a text when called again."""
    spacing, pending = Spacing(), None

    def join(tokens: Iterable[str]) -> str:
        nonlocal pending
        text = []
        for token in tokens:
            word = bare(token)
            begin, _, end = token.partition(word)
            pending = begin or pending
            unusual = pending == SPACE if pending else None
            text.append((SPACE if (spacing.before(word) if unusual is None else unusual) else "") + word)
            spacing.put(word, unusual if begin else None)
            pending = end
        return "".join(text)

    return join


def join_words(words: Iterable[str]) -> str:
    """Words and punctuation marks as one would write them.

    Example:
        >>> join_words(split_words("AIとは何ですか。"))
        'AIとは何ですか。'
        >>> join_words(["moe", ":", "(", "into", "phone", ")", '"', "what", "?", '"', "he", "said", ".", "\\n", "oh"])
        'moe: (into phone) "what?" he said.\\noh'
    """
    return joining_words()(words)


def split_words(text: str) -> list[str]:
    """Words, each with its apostrophes and hyphens, punctuation marks and line breaks.

    Spaces are dropped where they are as usual. Where they are not, a mark says so: it begins or ends with a space, or
    with U+2060, which stands for none. So `join_words` gives the text back, but for spaces at the ends of lines,
    beside Chinese and Japanese signs, and of any other kind or number.

    Example:
        >>> split_words("Don't -- नमस्ते, 你好!!")
        ["Don't", '--', 'नमस्ते', ',', '你', '好', '!!']
        >>> split_words("$5"), join_words(split_words("$5 or 3.14"))
        (['$\\u2060', '5'], '$5 or 3.14')
    """
    tokens: list[str] = []
    spacing, end = Spacing(), 0
    for match in word_pattern().finditer(text):
        word, space, unusual = match[0], match.start() > end, None
        end = match.end()
        if space != spacing.before(word) and not _dropped(spacing, word, space):
            sign = SPACE if space else GLUE
            if _is_word(word):
                tokens[-1] += sign
                tokens.append(word)
            else:
                unusual = space
                tokens.append(sign + word)
        else:
            tokens.append(word)
        spacing.put(word, unusual)
    return tokens


def _dropped(spacing: Spacing, word: str, space: bool) -> bool:
    """Whether nothing is said of the space or its lack: at a line's ends, and of a space beside wide signs."""
    return "\n" in (word, spacing.last) or (space and (spacing.wide or _habits(word)[0]))


def _is_word(token: str) -> bool:
    return token[0].isalnum() or token[0] == "_"


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
    def of(
        cls, text: str, kind: str, min_count: int = 1, limit: int | None = None, spaces: bool = True
    ) -> "Vocabulary":
        """The vocabulary of a text, the most frequent tokens first.

        Args:
            text: the training text.
            kind: how it is cut.
            min_count: rarer tokens are left out, as those of more than 10,000 characters are, and so become the
                unknown one.
            limit: how many tokens it may have at the most.
            spaces: whether marks with unusual spaces are tokens of their own, see `split_words`.
        """
        counts = collections.Counter(KINDS[kind].split(text))
        for token in [token for token in counts if bare(token) != token]:
            if not spaces or counts[token] < min_count:
                counts[bare(token)] += counts.pop(token)
        kept = {token: count for token, count in counts.items() if count >= min_count and len(token) <= LONGEST}
        ranked = sorted((-count, token) for token, count in kept.items())
        return cls(kind, [token for _, token in ranked[:limit]])

    def __len__(self):
        return len(self.tokens) + 1

    def split(self, text: str) -> list[str]:
        """The text as tokens, known or not."""
        return KINDS[self.kind].split(text)

    def encode(self, text: str) -> np.ndarray:
        """The text as numbers, int32 of shape (tokens,).

        What is not known as it stands is known as it might have been written: in another Unicode form, with straight
        or curly quotation marks, with the usual spaces.
        """
        tokens, numbers_of = self._read(text)
        return np.fromiter((number for token in tokens for number in numbers_of[token]), np.int32)

    def _read(self, text: str) -> tuple[list[str], dict[str, list[int]]]:
        """The tokens of a text and the numbers of each; of characters in that Unicode form that is known best."""
        tokens = self.split(text)
        numbers_of = {token: self._find(token) for token in dict.fromkeys(tokens)}
        if self.kind != "characters" or not any(UNKNOWN in numbers for numbers in numbers_of.values()):
            return tokens, numbers_of
        forms = [text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))]
        best = min(forms, key=lambda form: sum(char not in self.numbers for char in form))
        return list(best), {char: self._find(char) for char in dict.fromkeys(best)}

    def _find(self, token: str) -> list[int]:
        """The number of a token, or of what else it might have been written as."""
        word = bare(token)
        for spelling in (
            *(token, word, word.translate(STRAIGHT), word.replace("'", "’")),
            *(unicodedata.normalize(form, word) for form in ("NFC", "NFD")),
            *(begin + word + end for begin in SPACES for end in SPACES),
        ):
            if spelling in self.numbers:
                return [self.numbers[spelling]]
        parts = [self.numbers.get(match[0], UNKNOWN) for match in EARLIER.finditer(word)]
        return [UNKNOWN] if UNKNOWN in parts or not parts else parts

    def decode(self, numbers: Iterable[int]) -> str:
        """Numbers as text; the unknown token is left out."""
        return self.decoding()(numbers)

    def decoding(self) -> Callable[[Iterable[int]], str]:
        """A function like `decode` that goes on with a text when called again."""
        join = KINDS[self.kind].joining()
        return lambda numbers: join(self.tokens[number - 1] for number in map(int, numbers) if number != UNKNOWN)

    def unknown(self, text: str) -> list[str]:
        """The tokens of a text that are not known, each once."""
        _, numbers_of = self._read(text)
        return list(dict.fromkeys(bare(token) for token, numbers in numbers_of.items() if UNKNOWN in numbers))

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
        if max(map(len, tokens)) > LONGEST:
            raise ZooError(f"the vocabulary holds a token of more than {LONGEST:,} characters.")
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
