"""What models of text share: a vocabulary, learned from the training text, that rides in the saved file."""

from __future__ import annotations

import abc
import functools
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zoo import catalog
from zoo.console import note
from zoo.data.dataset import Dataset
from zoo.data.text.vocabulary import UNKNOWN, Vocabulary
from zoo.errors import RecordMismatchError, UsageError, ZooError, whole_number
from zoo.registry import Entry, did_you_mean
from zoo.tasks.task import Task, with_changes

if TYPE_CHECKING:
    from zoo.backend import keras

# shares of a text that are worth a word: where the vocabulary has all of its own text, and where it lacks the rare
MUCH_UNKNOWN, MUCH_BESIDE_RARE = 0.01, 0.1


@dataclass(frozen=True)
class TextSettings:
    """What a model's `preprocessing` may name.

    Attributes:
        tokens: how text is cut: "characters", "words" or "lower-case words".
        min_count: how often a token must occur to be one of the vocabulary.
    """

    tokens: str = "characters"
    min_count: int = 1

    def __post_init__(self) -> None:
        whole_number("min_count", self.min_count, 1)


def smaller_min_count(settings: TextSettings) -> str:
    """What else to do about too few tokens, where there is a smaller `min_count`."""
    return ", or a smaller min_count" if settings.min_count > 1 else ""


class TextTask(Task):
    """A model whose builder has the argument `vocab_size`: as many as the training text has different tokens."""

    settings: TextSettings
    _settings_type: ClassVar[type[TextSettings]] = TextSettings
    _special_tokens: ClassVar[tuple[str, ...]] = ()  # tokens that stand for no word
    _spaces: ClassVar[bool] = True  # whether it writes text, and so learns which spaces are unusual

    def __init__(self, entry: Entry, arguments: dict, **how: Any):
        whole_number("vocab_size", arguments.get("vocab_size"), 2 + len(self._special_tokens))
        super().__init__(entry, arguments, **how)
        names = [field.name for field in fields(self._settings_type)]
        for word in entry.preprocessing:
            if word not in names:
                raise UsageError(f"preprocessing names {word!r}{did_you_mean(word, names)}")
        self.settings = self._settings_type(**entry.preprocessing)
        self.vocabulary: Vocabulary | None = None

    def train(
        self,
        data: Any = None,
        validation: Any = None,
        *,
        validation_split: float | None = None,
        encoding: str | None = None,
        min_count: int | None = None,
        **how: Any,
    ) -> keras.callbacks.History:
        """Train with plain `fit`, from where the model stands.

        Args:
            data, validation: what the kind of work takes, see its class; None is the model's own.
            validation_split: how much of the data's end to watch instead, as for any model: see `Task.train`.
            encoding: what files of text are written in, such as "cp1252"; None is UTF-8.
            min_count: how often a token must occur to be known; None is as before. Not for a model that knows its
                tokens already.
            **how: epochs, batch_size, optimizer, learning_rate and so on, as for any model: see `Task.train`.

        Returns:
            Keras' `History`.

        Raises:
            ZooError: the data cannot be found, hold too little text, or do not fit the model.
        """
        self._change_settings(min_count=min_count)
        if encoding is not None:
            find = functools.partial(
                self._find_data, validation=validation, validation_split=validation_split, encoding=encoding
            )
            data, validation, validation_split = self._resolve_dataset(data, find), None, None
        return super().train(data, validation, validation_split=validation_split, **how)

    @abc.abstractmethod
    def _find_data(
        self, data: Any, validation: Any = None, validation_split: float | None = None, encoding: str | None = None
    ) -> Dataset:
        """Find text or pairs to learn from, split."""

    def _change_settings(self, **changes: Any) -> None:
        """Take over the settings that are not None."""
        settings = with_changes(self.settings, **changes)
        if self.vocabulary is not None and settings.min_count != self.settings.min_count:
            raise UsageError(
                f"{self.name} knows its {self.settings.tokens} already: min_count cannot change any more."
            )
        self.settings = settings

    def _function_arguments(self) -> dict:
        """The builder's arguments, and what `preprocessing` may name."""
        return asdict(self.settings) | self.arguments

    def _learn_vocabulary(self, text: str, most: int | None = None) -> Vocabulary:
        """Learn which tokens there are, once; a model that is not built yet gets as many as there are.

        Args:
            text: the training text.
            most: how many tokens to know at the most, number 0 and the special tokens among them.
        """
        if self.vocabulary is not None:
            self._note_unknown(text)
            return self.vocabulary
        kind, special = self.settings.tokens, self._special_tokens
        limit = None if most is None else max(0, most - 1 - len(special))
        learned = Vocabulary.of(text, kind, self.settings.min_count, limit, self._spaces)
        if len(learned.tokens) < 2:
            raise ZooError(
                f"the text has too little to learn from: {len(learned.tokens)} different {kind} that occur "
                f"min_count={self.settings.min_count} times or more. Give more text{smaller_min_count(self.settings)}."
            )
        vocabulary = Vocabulary(kind, [*special, *learned.tokens])
        self._match_size("vocab_size", len(vocabulary), f"{kind}, number 0 included", ", ".join(learned.tokens[:5]))
        self.vocabulary = vocabulary
        return vocabulary

    def _note_unknown(self, text: str) -> None:
        """Say how much of a text is not known to a model that goes on to learn from it, if it is much."""
        vocabulary = self._learned_vocabulary()
        numbers = vocabulary.encode(text)
        share = float((numbers == UNKNOWN).mean()) if len(numbers) else 0.0
        if share > (MUCH_UNKNOWN if self.settings.min_count == 1 else MUCH_BESIDE_RARE):
            note(
                f"{share:.0%} of the text are {vocabulary.kind} unknown to {self.name}, such as "
                f"{', '.join(map(repr, vocabulary.unknown(text)[:5]))}; it learns nothing of them. A new model would: "
                f"zoo.get({self.name!r})."
            )

    def _learned_vocabulary(self) -> Vocabulary:
        """The vocabulary, or what to do where there is none yet."""
        if self.vocabulary is None:
            data = self.entry.fallback_dataset or self.entry.dataset
            card = catalog.cards().get(self.name)
            weights = next(iter(card.weights), None) if card else None
            raise UsageError(
                f"{self.name} knows no {self.settings.tokens} yet: train it, "
                + (f"for example .train({data!r})" if data else ".train(TEXT)")
                + (f", or start from weights: zoo.get({self.name!r}, weights={weights!r})." if weights else ".")
            )
        return self.vocabulary

    def _sample_inputs(self, n: int) -> np.ndarray:
        """Tokens in turn, each row from another one on."""
        return ((np.arange(12)[None] * 5 + np.arange(n)[:, None]) % self.arguments["vocab_size"]).astype(np.int32)

    def get_config(self) -> dict:
        vocabulary = None if self.vocabulary is None else self.vocabulary.to_json()
        return {**super().get_config(), "vocabulary": vocabulary}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        self = super().from_config(config)
        if config["vocabulary"] is None:
            return self
        self.vocabulary = Vocabulary.from_json(config["vocabulary"])
        self.settings = replace(self.settings, tokens=self.vocabulary.kind)
        if not set(self._special_tokens) <= self.vocabulary.numbers.keys():
            raise ValueError("the vocabulary lacks a special token")
        if self.arguments["vocab_size"] != len(self.vocabulary):
            raise RecordMismatchError(f"{len(self.vocabulary)} tokens, vocab_size={self.arguments['vocab_size']!r}")
        return self
