"""What a source of text gives: running text, or pairs of lines."""

import codecs
import contextlib
import hashlib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import UsageError, ZooError
from zoo.files import read_bytes


@dataclass
class Text:
    """Running text, one part of a dataset."""

    text: str

    def __len__(self):
        return len(self.text)

    def lines(self) -> list[str]:
        """What the part's fingerprint is made of."""
        return [hashlib.sha256(self.text.encode()).hexdigest()]

    def cut(self, share: float) -> tuple["Text", "Text"]:
        """The text in two, its last `share` in the second part."""
        at = len(self.text) - round(share * len(self.text))
        return Text(self.text[:at]), Text(self.text[at:])


@dataclass
class Pairs:
    """Lines and the answers to them, one part of a dataset.

    Attributes:
        said: what was said.
        reply: what was answered to each.
    """

    said: list[str]
    reply: list[str]

    def __len__(self):
        return len(self.said)

    def lines(self) -> list[str]:
        """What the part's fingerprint is made of."""
        both = "\n".join(f"{said}\t{reply}" for said, reply in zip(self.said, self.reply, strict=True))
        return [hashlib.sha256(both.encode()).hexdigest()]

    def cut(self, share: float) -> tuple["Pairs", "Pairs"]:
        """The pairs in two, the last `share` of them in the second part."""
        at = len(self) - round(share * len(self))
        return Pairs(self.said[:at], self.reply[:at]), Pairs(self.said[at:], self.reply[at:])


# byte order marks, longest first, and what they say
MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
# encodings, and characters of which a text in them mostly consists, ASCII aside; in the order in which they are tried
USUAL = (
    ("EUC-JP", r"[\u3041-\u30ff]", 0.3),
    ("CP932", r"[\u3041-\u30ff]", 0.3),
    ("CP1251", r"[\u0430-\u045f]", 0.6),
    ("KOI8-R", r"[\u0430-\u045f]", 0.6),
    ("EUC-KR", r"[\uac00-\ud7a3]", 0.6),
    ("GB18030", r"[\u4e00-\u9fff]", 0.6),
    ("BIG5", r"[\u4e00-\u9fff]", 0.6),
)


def read_text(path: Path, encoding: str | None = None) -> str:
    """The text of a file, its line ends as "\\n".

    Args:
        path: the file.
        encoding: what it is written in, a name that Python knows; None is UTF-8.

    Raises:
        UsageError: Python knows no such encoding.
        ZooError: it cannot be read, or is in another encoding; a guess is made in which.
    """
    try:
        content = read_bytes(path)
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        if encoding is None and (wide := _wide_encoding(content)):
            raise ZooError(_not_utf8(path, wide, f"it is written like {wide}"))
        text = content.decode(encoding or "utf-8-sig").removeprefix("\ufeff")
    except LookupError:
        raise UsageError(f"encoding is {encoding!r}; accepted are names such as 'utf-8' and 'cp1252'.") from None
    except UnicodeDecodeError as error:
        reason = f"its byte {error.start} is {content[error.start]:#04x}"
        if encoding is not None:
            raise ZooError(f"{path} is not {encoding} text: {reason}.") from error
        raise ZooError(_not_utf8(path, guess_encoding(content), reason)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _not_utf8(path: Path, encoding: str, reason: str) -> str:
    source, target = shlex.quote(str(path)), shlex.quote(f"{path.stem}-utf8{path.suffix}")
    return (
        f"{path} is not UTF-8 text: {reason}. If it is {encoding}, read it with encoding={encoding!r}, or save it as "
        f"UTF-8; type: iconv -f {encoding} -t UTF-8 {source} > {target}"
    )


def _wide_encoding(content: bytes) -> str | None:
    """UTF-16 or UTF-32, by the mark that a file begins with, or by where the zeros are that they write ASCII with."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return encoding
    zeros = [content[place::4].count(0) * 4 / max(len(content), 1) for place in range(4)]
    for encoding, filled, empty in (
        ("UTF-32LE", zeros[:1], zeros[1:]),
        ("UTF-32BE", zeros[3:], zeros[:3]),
        ("UTF-16LE", zeros[::2], zeros[1::2]),
        ("UTF-16BE", zeros[1::2], zeros[::2]),
    ):
        least = 0.5 if len(empty) == 3 else 0.02  # beside words of any script UTF-16 has spaces
        if min(empty) > least and max(filled) < 0.1 * min(empty):
            with contextlib.suppress(UnicodeDecodeError):
                content.decode(encoding)
                return encoding
    return None


def guess_encoding(content: bytes) -> str:
    """The encoding, other than UTF-8, that a text may be in; a name that Python and iconv know.

    Example:
        >>> guess_encoding("naïve".encode("latin-1")), guess_encoding("It’s “ok”".encode("cp1252"))
        ('LATIN1', 'CP1252')
        >>> guess_encoding("Привет, мир".encode("koi8-r")), guess_encoding("hello".encode("utf-16-be"))
        ('KOI8-R', 'UTF-16BE')
    """
    if wide := _wide_encoding(content):
        return wide
    high = sum(byte >= 0x80 for byte in content)
    if high > 0.25 * len(content.translate(None, b" \n\r\t")):
        for encoding, usual, share in USUAL:
            with contextlib.suppress(UnicodeDecodeError):
                other = [char for char in content.decode(encoding) if char > "\x7f"]
                if len(re.findall(usual, "".join(other))) > share * len(other):
                    return encoding
    return "CP1252" if any(0x80 <= byte < 0xA0 for byte in content) else "LATIN1"


def lines_of(text: str) -> list[str]:
    """The lines of a text, however many of them are empty at its end but the very last."""
    return text.removesuffix("\n").split("\n")
