"""What models of text share: a vocabulary, learned from the training text, that rides in the saved file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from zoo.data.text.vocabulary import Vocabulary
from zoo.errors import RecordMismatchError, UsageError, ZooError, whole_number
from zoo.registry import did_you_mean
from zoo.tasks.task import Task

if TYPE_CHECKING:
    from zoo.backend import keras

Made = TypeVar("Made")


class TextTask(Task):
    """A model whose builder has the argument `vocab_size`: as many as the training text has different tokens.

    An heir says what else its model's `preprocessing` may name.
    """

    settings: ClassVar[dict] = {}  # what `preprocessing` may name, and what it is where a model names none
    signs: tuple[str, ...] = ()  # tokens that stand for no word

    def __init__(self, entry, arguments, weights=None, seed=None, dtype=None):
        whole_number("vocab_size", arguments.get("vocab_size"), 2 + len(self.signs))
        super().__init__(entry, arguments, weights, seed, dtype)
        for word in entry.preprocessing:
            if word not in self.settings:
                raise UsageError(f"preprocessing names {word!r}{did_you_mean(word, self.settings)}")
        vars(self).update(self.settings | entry.preprocessing)
        self.vocabulary: Vocabulary | None = None
        self._beside: tuple[keras.Model, Any] | None = None  # a model, and what was made of it

    def given(self) -> dict:
        """The builder's arguments, and what `preprocessing` may name."""
        return {name: getattr(self, name) for name in self.settings} | self.arguments

    def learn_vocabulary(self, text: str, most: int | None = None) -> None:
        """Learn which tokens there are; a model that is not built yet gets as many as there are.

        Args:
            text: the training text.
            most: how many tokens to know at the most, number 0 and signs among them.
        """
        if self.vocabulary is not None:
            return
        limit = None if most is None else max(0, most - 1 - len(self.signs))
        found = Vocabulary.of(text, self.tokens, self.min_count, limit)
        if len(found.tokens) < 2:
            raise ZooError(
                f"the text has too little to learn from: {len(found.tokens)} different {self.tokens} that occur "
                f"{self.min_count} times or more."
            )
        vocabulary = Vocabulary(self.tokens, [*self.signs, *found.tokens])
        self.match_size(
            "vocab_size", len(vocabulary), f"{self.tokens}, number 0 included", ", ".join(found.tokens[:5])
        )
        self.vocabulary = vocabulary

    def known(self) -> Vocabulary:
        """The vocabulary, or what to do where there is none yet."""
        if self.vocabulary is None:
            raise UsageError(
                f"{self.name} knows no {self.tokens} yet: train it, for example "
                f".train({self.entry.fallback_dataset or self.entry.dataset!r}), or start from weights."
            )
        return self.vocabulary

    def beside_model(self, make: Callable[[keras.Model], Made]) -> Made:
        """What is made of the model, once as long as it stays the same one: compiled loops are dear."""
        if self._beside is None or self._beside[0] is not self.model:
            self._beside = self.model, make(self.model)
        return self._beside[1]

    def sample_inputs(self, n: int) -> np.ndarray:
        """Tokens in turn, each row from another one on."""
        return ((np.arange(12)[None] * 5 + np.arange(n)[:, None]) % self.arguments["vocab_size"]).astype(np.int32)

    def describe(self) -> dict:
        return {"vocabulary": None if self.vocabulary is None else self.vocabulary.to_json()}

    def recall(self, known: dict, inputs: tuple, outputs: tuple) -> None:
        if known["vocabulary"] is None:
            return
        self.vocabulary = Vocabulary.from_json(known["vocabulary"])
        self.tokens = self.vocabulary.kind
        if not set(self.signs) <= self.vocabulary.numbers.keys():
            raise ValueError("the vocabulary lacks a sign")
        if self.arguments["vocab_size"] != len(self.vocabulary):
            raise RecordMismatchError(f"{len(self.vocabulary)} tokens, vocab_size={self.arguments['vocab_size']!r}")
