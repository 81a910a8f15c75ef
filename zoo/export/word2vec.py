"""Word vectors as Mikolov's word2vec, gensim and others read them; see `zoo.weights.word2vec_file`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo import saving
from zoo.errors import ZooError
from zoo.files import atomic_file
from zoo.weights.word2vec_file import BINARY, ENDINGS

__all__ = ["ENDINGS", "read_record", "write"]


def write(task: Any, path: Path, overwrite: bool = False) -> None:
    """Write the words of an embedding, the most frequent first, and their vectors."""
    if task.entry.task != "embedding":
        raise ZooError(f"{task.name} is a model for {task.entry.task}; {path.suffix} is for the vectors of words.")
    vectors = task.vectors()[1:]  # row 0 is of no word
    words = task.vocabulary.tokens
    for word in words:
        if len(word.split()) != 1:
            raise ZooError(f"{path.suffix} cannot hold the word {word!r}, which has a space in it.")
    with saving.unwritable(path), atomic_file(path) as temporary, temporary.open("wb") as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        for word, vector in zip(words, vectors, strict=True):
            binary = path.suffix == BINARY
            numbers = vector.astype("<f4").tobytes() if binary else f"{' '.join(map(str, vector))}\n".encode()
            file.write(f"{word} ".encode() + numbers)


def read_record(path: Path) -> dict:
    """Nothing in such a file says who made it, so none is written over unasked."""
    raise ZooError(f"{path} does not say who made it.")
