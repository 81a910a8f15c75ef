"""Language models: what follows a text, character by character or word by word."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zoo import metrics
from zoo.console import progress_bar
from zoo.data import text_sources
from zoo.data.dataset import Dataset
from zoo.data.text.corpora import Text
from zoo.data.text.vocabulary import UNKNOWN, windows
from zoo.errors import UsageError, ZooError, checked_seed, whole_number
from zoo.registry import did_you_mean
from zoo.tasks.text.base import TextSettings, TextTask
from zoo.tasks.text.samplers import Sampling
from zoo.training.order import FitData, Sequential, Shuffled
from zoo.training.plan import Plan

if TYPE_CHECKING:
    import keras

    from zoo.tasks.text.recurrent import StatefulModel

LONGEST = 1_000_000  # tokens that one call draws
ROWS = 16  # parts of a text that are scored side by side
BLOCK = 1000  # tokens; neighbours are alike, so the interval counts blocks of them


@dataclass(frozen=True)
class LanguageSettings(TextSettings):
    """What a language model's `preprocessing` may name.

    Attributes:
        window: tokens of the pieces that the text is cut into for training.
        carried: whether each row of a batch goes on where it ended in the batch before, with the states carried over,
            and not as pieces in any order that each begin afresh.
    """

    window: int = 100
    carried: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("window", self.window, 1)


def until(pieces: Iterable[str], stops: list[str], prefix: int = 0) -> Iterator[str]:
    """The pieces of a text up to the first of some strings that begins behind its first `prefix` characters.

    Example:
        >>> "".join(until(["to be, ", "or n", "ot to be"], ["not"]))
        'to be, or '
    """
    held = max(map(len, stops)) - 1  # characters that a stop may have begun in
    text, yielded = "", 0
    for piece in pieces:
        text += piece
        begins = [at for at in (text.find(stop, max(prefix, yielded)) for stop in stops) if at >= 0]
        end = min(begins) if begins else max(yielded, len(text) - held)
        yield text[yielded:end]
        yielded = end
        if begins:
            return
    yield text[yielded:]


class LanguageModel(TextTask):
    """A model that draws text, and says how probable a text is.

    Its builder has the argument `vocab_size`, takes numbers of tokens, int32 of shape (length,), and gives logits of
    what follows each of them, shape (length, vocab_size). It is a chain of layers whose recurrent ones give their
    sequences and states, so that text can be carried on. Its `preprocessing` names `LanguageSettings`.
    """

    settings: LanguageSettings
    _settings_type = LanguageSettings
    _metric_types: ClassVar = dict.fromkeys(("nats", "bits", "perplexity"), metrics.Mean)

    # Training

    def train(
        self,
        data: Any = None,
        validation: Any = None,
        *,
        window: int | None = None,
        carried: bool | None = None,
        **how: Any,
    ) -> keras.callbacks.History:
        """Train with plain `fit`, from where the model stands.

        Args:
            data: a dataset's name, a text file, a folder of `.txt` files, or a string that is the text itself; None is
                the model's own dataset.
            validation: data of the same kinds to watch; None takes the data's own validation part, or its last tenth.
            window, carried: see `LanguageSettings`; None is as before.
            **how: encoding, min_count, as for any model of text, see `TextTask.train`; and epochs, batch_size,
                optimizer, learning_rate and so on, as for any model, see `Task.train`.

        Returns:
            Keras' `History`. The loss is in nats a token; "bits" (of characters) or "perplexity" (of words) say the
            same in other units.

        Raises:
            ZooError: the data cannot be found, hold too little text, or do not fit the model.
        """
        self._change_settings(window=window, carried=carried)
        return super().train(data, validation, **how)

    def _find_data(
        self, data: Any, validation: Any = None, validation_split: float | None = None, encoding: str | None = None
    ) -> Dataset:
        return text_sources.load(data, validation, validation_split, encoding)

    def _make_plan(
        self, dataset: Dataset, batch_size: int | None, folder: Path | None = None, progress: bool = False
    ) -> Plan:
        from zoo.backend import keras
        from zoo.tasks.text.recurrent import StartAfresh, StatefulTrainer, TextLogger

        window, carried = self.settings.window, self.settings.carried
        texts = {split: part.text for split, part in dataset.splits.items()}
        vocabulary = self._learn_vocabulary(texts["train"])
        pieces = {split: windows(vocabulary.encode(text), window) for split, text in texts.items()}
        for split, (x, _) in pieces.items():
            if not len(x) and split != "test":
                raise ZooError(
                    f"{dataset.name} has too little text: its {split} part is no longer than window={window} "
                    f"tokens. Give more text{', or a smaller window' if window > 1 else ''}."
                )
        about = {"window": window, "carried": carried, "tokens": self.settings.tokens}
        watched = pieces.get("validation")
        order = functools.partial(Sequential, most=len(watched[0]) if watched else None) if carried else Shuffled
        data = FitData(*pieces["train"], watched, order, about)

        unit = metrics.bits if vocabulary.kind == "characters" else metrics.perplexity
        sample = (lambda: str(self.generate(length=60, seed=0))) if progress else None
        callbacks: list[keras.callbacks.Callback] = [TextLogger(unit, sample)]
        model = self.model
        if carried:
            model = StatefulTrainer(self._stateful.model, data.order(len(data.x), batch_size).batch_size)
            callbacks.append(StartAfresh())
        loss = self._model_loss() or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return Plan(data, model, loss, callbacks=callbacks)

    @property
    def _stateful(self) -> StatefulModel:
        """The model that is also given its states and gives them back, with what draws and scores text by it."""
        from zoo.tasks.text.recurrent import StatefulModel

        return self._made_of_model(StatefulModel)

    # Verbs

    def generate(
        self,
        prompt: str = "",
        length: int = 400,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = None,
        stream: bool = False,
        stop: str | Sequence[str] = (),
        samples: int | None = None,
    ) -> str | Iterator[str] | list[str]:
        """Go on with a text.

        Args:
            prompt: how it begins, of any length; an empty one stands for the beginning of a line.
            length: how many tokens to draw: characters, or words and punctuation marks.
            temperature: below 1 the probable becomes more probable; 0 takes the most probable token every time.
            top_k: draw from the k most probable tokens alone; 0 is all of them.
            top_p: draw from the most probable tokens that together have this probability; 1 is all of them.
            seed: the same one gives the same text; None draws one.
            stream: give the text piece by piece, as it is drawn.
            stop: strings before the first of which the text ends, if they are drawn.
            samples: how many texts to draw, the first by `seed`; None is one.

        Returns:
            The whole text, prompt included; with `stream` an iterator over its pieces; with `samples` a list of texts.

        Raises:
            UsageError: a value that means nothing, or a prompt with a token that the model has never seen.

        Example:
            >>> import zoo
            >>> net = zoo.get("char_lstm", units=8, seed=0)
            >>> _ = net.train("to be, or not to be\\n" * 100, epochs=1, progress=False)
            >>> text = net.generate("to be", length=20, seed=0)
            >>> len(text), text == net.generate("to be", length=20, seed=0)
            (25, True)
        """
        whole_number("length", length, 0, LONGEST)
        stops = [stop] if isinstance(stop, str) else [*stop]
        if not all(isinstance(word, str) and word for word in stops):
            raise UsageError(f"stop is {stop!r}; accepted are a string, or several, none of them empty.")
        if samples is not None:
            whole_number("samples", samples, 1)
            if stream:
                raise UsageError("of several samples none can be streamed: leave out stream or samples.")
            how: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "stop": stops}
            seeds = [seed if seed is None else seed + number for number in range(samples)]
            return [str(self.generate(prompt, length, seed=each, **how)) for each in seeds]
        piece = 32 if stream or stops else length
        pieces = self._pieces(prompt, length, Sampling(temperature, top_k, top_p), seed, piece)
        if stops:
            pieces = until(pieces, stops, len(next(self._pieces(prompt, 0, Sampling(), seed, 1))))
        return pieces if stream else "".join(pieces)

    def _pieces(self, prompt: str, length: int, sampling: Sampling, seed: int | None, piece: int) -> Iterator[str]:
        """The text, `piece` tokens at a time; a prompt with unknown tokens is refused at once."""
        vocabulary = self._learned_vocabulary()
        if unknown := vocabulary.unknown(prompt):
            raise UsageError(
                f"the prompt has {', '.join(map(repr, unknown[:5]))}, which {self.name} has never seen"
                f"{did_you_mean(unknown[0], vocabulary.tokens)} It knows {len(vocabulary.tokens):,} "
                f"{vocabulary.kind}, such as {', '.join(map(repr, vocabulary.tokens[:10]))}."
            )
        numbers, decode = vocabulary.encode(prompt), vocabulary.decoding()
        # An empty prompt stands for a line break, which is not shown.
        begin = numbers if len(numbers) else np.array([vocabulary.numbers.get("\n", 1)], np.int32)

        def drawn() -> Iterator[str]:
            text = decode(numbers)
            random = np.random.default_rng(checked_seed(seed))
            generator = self._stateful.generator
            nothing = iter([np.empty(0, np.int32)])
            parts = generator.generate(begin, length, sampling, random, piece) if length else nothing
            with self._in_a_sentence("cannot compute this"):
                for part in parts:
                    yield text + decode(part)
                    text = ""

        return drawn()

    def evaluate(
        self, data: Any = None, split: str | None = None, progress: bool = True, encoding: str | None = None
    ) -> dict:
        """Measure how well the model foretells a text that it was not trained on.

        Args:
            data: as for `train`; None is the model's own dataset. Of text in one piece the last tenth is held out.
            split: which part of it; None takes "test", else "validation".
            progress: show a bar with the time left.
            encoding: what files of text are written in, such as "cp1252"; None is UTF-8.

        Returns:
            `{"nats": Mean, "bits": Mean, "perplexity": Mean, "unknown": float, "split": str, "skipped": []}`: the
            mean negative logarithm of the probability that the model gave to each token, to the bases e and 2, and
            e to the power of the first. Unknown is the share of tokens that are not in the vocabulary; they count as
            one token. The intervals count blocks of 1,000 tokens, since neighbours are alike.

        Raises:
            ZooError: the data cannot be found, or are too short.
        """
        vocabulary = self._learned_vocabulary()
        dataset = self._resolve_dataset(data, functools.partial(text_sources.load, encoding=encoding))
        split = dataset.to_measure_on(split)
        numbers = vocabulary.encode(dataset.splits[split].text)
        if len(numbers) < 2:
            raise ZooError(f"the {split} part of {dataset.name} has fewer than two tokens to foretell.")
        rows = max(1, min(ROWS, len(numbers) // (2 * BLOCK)))
        shown = progress_bar(len(numbers), "evaluating", unit="token", shown=progress)
        with self._in_a_sentence("cannot compute this"), shown as bar:
            nats = self._stateful.scorer.score(numbers, rows, bar.update)
        blocks = np.array_split(nats.astype(np.float64), max(2, len(nats) // BLOCK))
        interval = metrics.mean(np.array([block.mean() for block in blocks if len(block)])).ci
        mean = metrics.Mean(float(nats.mean(dtype=np.float64)), interval, len(nats))
        measured = {
            "nats": mean,
            "bits": mean.mapped(metrics.bits),
            "perplexity": mean.mapped(metrics.perplexity),
            "unknown": float((numbers == UNKNOWN).mean()),
            "split": split,
        }
        return self._remember(measured, dataset.skipped)

    def _format_result(self, result: dict) -> str:
        token = self._learned_vocabulary().kind.removesuffix("s")
        return "\n".join(
            [
                f"on the {result['split']} split:",
                f"nats a {token}  {result['nats']}",
                f"bits a {token}  {result['bits']}",
                f"perplexity  {result['perplexity']}",
                f"unknown {token}s  {result['unknown']:.1%}",
            ]
        )

    # The saved file

    def _toy_data(self) -> Dataset:
        """A few words over and over."""
        return Dataset("toy", {"train": Text("the cat sat on the mat.\nthe dog sat on the cat.\n" * 60)})

    def get_config(self) -> dict:
        output = "logits of the token that follows; token 0 stands for all that are not in the vocabulary"
        return {**super().get_config(), "window": self.settings.window, "output": output}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        self = super().from_config(config)
        self.settings = replace(self.settings, window=config["window"])
        return self
