"""Word vectors in the formats of Mikolov's word2vec, which gensim reads and writes, and fastText as text.

The first line has two numbers: how many words there are, and how many numbers a vector has. In text a line a word
follows, with its numbers behind it, all parted by spaces. In the binary format the word, a space and the numbers as
little-endian float32 follow one another; Mikolov's own program puts a line break behind each vector, gensim none.
"""

import mmap
from pathlib import Path

import numpy as np

from zoo.console import note
from zoo.data.text.vocabulary import MOST
from zoo.errors import ZooError

BINARY = ".bin"
ENDINGS = (".txt", ".vec", BINARY)
LONGEST_WORD, LONGEST_NUMBER = 1000, 50  # bytes


def read(path: Path) -> tuple[list[str], np.ndarray]:
    """The words of a file, and their vectors: float32 of shape (words, units).

    Of more words than a vocabulary may have the first are read, which are the most frequent.

    Args:
        path: the file; its ending says whether it is text (".txt", ".vec") or binary (".bin").

    Raises:
        ZooError: there is no such file, it is laid out in another way or damaged, or it holds a word twice or a
            number that is not finite.
    """
    try:
        if not path.is_file():  # a pipe or a device would be waited for, or read without end
            raise ZooError("there is no such file")
        if not path.stat().st_size:
            raise ZooError("it is empty")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            words, vectors = _parse(data, binary=path.suffix == BINARY)
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ZooError as error:
        raise ZooError(f"{path} cannot be read as word vectors: {error}.") from None
    for word, finite in zip(words, np.isfinite(vectors).all(axis=1), strict=True):
        if not finite:
            raise ZooError(f"{path}: the vector of {word!r} holds what is no finite number.")
    if len(numbers := dict(zip(words, range(len(words)), strict=True))) < len(words):
        twice = next(word for number, word in enumerate(words) if numbers[word] != number)
        raise ZooError(f"{path} has the word {twice!r} twice; which vector is meant?")
    return words, vectors


def _parse(data: mmap.mmap, binary: bool) -> tuple[list[str], np.ndarray]:
    begin = data.find(b"\n", 0, 100) + 1
    header = data[:begin].split()
    if len(header) != 2 or not all(part.isdigit() and int(part) for part in header):
        raise ZooError(
            "the first line must say how many words there are and how many numbers a vector has, such as '5000 100'; "
            "in a file of GloVe's, which has no such line, write it above the others"
        )
    count, units = map(int, header)
    # the least that words take, the last line's end aside; so no header asks for more memory than the file is long
    if len(data) - begin + 1 < count * ((4 if binary else 2) * units + 2):
        raise ZooError(f"by its first line it holds {count:,} words of {units:,} numbers, for which it is too short")
    words: list[str] = []
    vectors = np.empty((min(count, MOST - 1), units), np.float32)
    take = _take_binary if binary else _take_text
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite
        for vector in vectors:
            try:
                word, begin = take(data, begin, vector)
                words.append(word.decode("utf-8"))
            except ValueError as error:
                reason = "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else error
                raise ZooError(f"word {len(words) + 1} of {count:,} cannot be read: {reason}") from None
    if len(words) < count:
        note(f"Of {count:,} words the first {len(words):,} are read.")
    elif data[begin : begin + LONGEST_WORD].strip():
        raise ZooError(f"by its first line it holds {count:,} words, and there is more in it")
    return words, vectors


def _take_text(data: mmap.mmap, begin: int, vector: np.ndarray) -> tuple[bytes, int]:
    """The word of the line that begins there, and where the next one does; `vector` gets its numbers."""
    longest = begin + LONGEST_WORD + LONGEST_NUMBER * len(vector)
    end = data.find(b"\n", begin, longest)
    line = data[begin : longest if end < 0 else end]
    word, *numbers = line.rstrip().split(b" ")
    if not word or len(numbers) != len(vector):
        raise ValueError(f"its line has to be a word without spaces and {len(vector):,} numbers, parted by spaces")
    vector[:] = [float(number) for number in numbers]
    return word, begin + len(line) + 1


def _take_binary(data: mmap.mmap, begin: int, vector: np.ndarray) -> tuple[bytes, int]:
    """The same of the binary format."""
    space = data.find(b" ", begin, begin + LONGEST_WORD)
    word, end = data[begin : max(space, begin)].lstrip(b"\n"), space + 1 + vector.nbytes
    if not word or b"\n" in word or end > len(data):
        raise ValueError(f"there has to be a word, a space and {len(vector):,} numbers as float32")
    vector[:] = np.frombuffer(data[space + 1 : end], "<f4")
    return word, end
