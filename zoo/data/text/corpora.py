"""What a source of text gives: running text, or pairs of lines."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError


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


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, its line ends as "\\n".

    Raises:
        ZooError: it cannot be read, or is in another encoding.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding, reason = "UTF-16", "it begins like UTF-16"
    else:
        try:
            return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            encoding, reason = "LATIN1", f"its byte {error.start} is {content[error.start]:#04x}"
    raise ZooError(
        f"{path} is not UTF-8 text: {reason}. Save it as UTF-8; if it is {encoding}, type: "
        f"iconv -f {encoding} -t UTF-8 {path} > {path.stem}-utf8{path.suffix}"
    )


def lines_of(text: str) -> list[str]:
    """The lines of a text, however many of them are empty at its end but the very last."""
    return text.removesuffix("\n").split("\n")
