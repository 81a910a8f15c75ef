"""Language models: what follows a text, character by character or word by word."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from zoo import metrics
from zoo.console import Bar
from zoo.data import text_sources
from zoo.data.dataset import Dataset
from zoo.data.text.corpora import Text
from zoo.data.text.vocabulary import UNKNOWN, windows
from zoo.errors import UsageError, ZooError, whole_number
from zoo.registry import did_you_mean
from zoo.tasks.text.base import TextTask
from zoo.tasks.text.samplers import Sampling
from zoo.training.order import FitData, Sequential, Shuffled

if TYPE_CHECKING:
    from zoo.tasks.text.recurrent import StatefulModel

LONGEST = 1_000_000  # tokens that one call draws
ROWS = 16  # parts of a text that are scored side by side
BLOCK = 1000  # tokens; neighbours are alike, so the interval counts blocks of them


class LanguageModel(TextTask):
    """A model that draws text, and says how probable a text is.

    Its builder has the argument `vocab_size`, takes numbers of tokens, int32 of shape (length,), and gives logits of
    what follows each of them, shape (length, vocab_size). It is a chain of layers whose recurrent ones give their
    sequences and states, so that text can be carried on.

    The model's `preprocessing` says how text is cut ("tokens": "characters", "words" or "lower-case words"), how rare
    a token may be ("min_count") and how long the pieces are that it trains on ("window").
    """

    settings: ClassVar = {"tokens": "characters", "min_count": 1, "window": 100}
    measured: ClassVar = dict.fromkeys(("nats", "bits", "perplexity"), metrics.Mean)

    def __init__(self, entry, arguments, weights=None, seed=None, dtype=None):
        super().__init__(entry, arguments, weights, seed, dtype)
        self.carried = True

    # Training

    def train(self, data=None, validation=None, *, window: int | None = None, carried: bool | None = None, **how):
        """Train with plain `fit`, from where the model stands.

        Args:
            data: a dataset's name, a text file, a folder of `.txt` files, or a string that is the text itself; None is
                the model's own dataset.
            validation: data of the same kinds to watch; None takes the data's own validation part, or its last tenth.
            window: tokens of the pieces that the text is cut into; None is the model's own.
            carried: whether each row of a batch goes on where it ended in the batch before, with the states carried
                over, and not as pieces in any order that each begin afresh; None is as before, at first True.
            **how: epochs, batch_size, optimizer, learning_rate and so on, as for any model: see `Task.train`.

        Returns:
            Keras' `History`. The loss is in nats a token; "bits" (of characters) or "perplexity" (of words) say the
            same in other units.

        Raises:
            ZooError: the data cannot be found, hold too little text, or do not fit the model.
        """
        self.window = self.window if window is None else whole_number("window", window, 1)
        self.carried = self.carried if carried is None else carried
        return super().train(data, validation, **how)

    def load(self, data, validation=None) -> Dataset:
        return text_sources.load(data, validation)

    def examples(self, dataset: Dataset) -> FitData:
        texts = {split: part.text for split, part in dataset.splits.items()}
        self.learn_vocabulary(texts["train"])
        pieces = {split: windows(self.vocabulary.encode(text), self.window) for split, text in texts.items()}
        for split, (x, _) in pieces.items():
            if not len(x) and split != "test":
                raise ZooError(
                    f"{dataset.name} has too little text: its {split} part is no longer than window={self.window} "
                    "tokens. Give more text, or a smaller window."
                )
        about = {"window": self.window, "carried": self.carried, "tokens": self.tokens}
        watched = pieces.get("validation")
        order = functools.partial(Sequential, most=len(watched[0]) if watched else None) if self.carried else Shuffled
        return FitData(*pieces["train"], watched, order, about)

    def trained(self, data: FitData, batch_size: int | None):
        if not self.carried:
            return self.model
        from zoo.tasks.text.recurrent import StatefulTrainer

        return StatefulTrainer(self.stepped.model, data.order(len(data.x), batch_size).batch_size)

    def compile_arguments(self) -> dict:
        from zoo.backend import keras

        return {"loss": self.model_loss() or keras.losses.SparseCategoricalCrossentropy(from_logits=True)}

    def callbacks(self, trained, data, folder, progress: bool) -> list:
        from zoo.tasks.text.recurrent import StartAfresh, StatefulTrainer, TextLogger

        unit = metrics.bits if self.known().kind == "characters" else metrics.perplexity
        sample = (lambda: self.generate(length=60, seed=0)) if progress else None
        return [TextLogger(unit, sample), *([StartAfresh()] if isinstance(trained, StatefulTrainer) else [])]

    @property
    def stepped(self) -> StatefulModel:
        """The model that is also given its states and gives them back, with what draws and scores text by it."""
        from zoo.tasks.text.recurrent import StatefulModel

        return self.beside_model(StatefulModel)

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
    ) -> str | Iterator[str]:
        """Go on with a text.

        Args:
            prompt: how it begins, of any length; an empty one stands for the beginning of a line.
            length: how many tokens to draw: characters, or words and punctuation marks.
            temperature: below 1 the probable becomes more probable; 0 takes the most probable token every time.
            top_k: draw from the k most probable tokens alone; 0 is all of them.
            top_p: draw from the most probable tokens that together have this probability; 1 is all of them.
            seed: the same one gives the same text; None draws one.
            stream: give the text piece by piece, as it is drawn.

        Returns:
            The whole text, prompt included; with `stream` an iterator over its pieces.

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
        pieces = self.pieces(prompt, length, Sampling(temperature, top_k, top_p), seed, 32 if stream else length)
        return pieces if stream else "".join(pieces)

    def pieces(self, prompt: str, length: int, sampling: Sampling, seed, piece: int) -> Iterator[str]:
        known = self.known()
        if unknown := known.unknown(prompt):
            raise UsageError(
                f"the prompt has {', '.join(map(repr, unknown[:5]))}, which {self.name} has never seen"
                f"{did_you_mean(unknown[0], known.tokens)} It knows {len(known.tokens):,} {known.kind}, such as "
                f"{', '.join(map(repr, known.tokens[:10]))}."
            )
        return self._pieces(known.encode(prompt), length, sampling, seed, piece)

    def _pieces(self, prompt: np.ndarray, length: int, sampling: Sampling, seed, piece: int) -> Iterator[str]:
        known = self.known()
        # An empty prompt stands for a line break, which is not shown.
        begin = prompt if len(prompt) else np.array([known.numbers.get("\n", 1)], np.int32)
        decode = known.decoding()
        text = decode(prompt)
        random = np.random.default_rng(seed)
        found = self.stepped.writer.write(begin, length, sampling, random, piece) if length else [[]]
        for part in found:
            yield text + decode(part)
            text = ""

    def evaluate(self, data=None, split: str | None = None, progress: bool = True) -> dict:
        """Measure how well the model foretells a text that it was not trained on.

        Args:
            data: as for `train`; None is the model's own dataset. Of text in one piece the last tenth is held out.
            split: which part of it; None takes "test", else "validation".
            progress: show a bar with the time left.

        Returns:
            `{"nats": Mean, "bits": Mean, "perplexity": Mean, "unknown": float, "split": str, "skipped": []}`: the
            mean negative logarithm of the probability that the model gave to each token, to the bases e and 2, and
            e to the power of the first. Unknown is the share of tokens that are not in the vocabulary; they count as
            one token. The intervals count blocks of 1,000 tokens, since neighbours are alike.

        Raises:
            ZooError: the data cannot be found, or are too short.
        """
        known = self.known()
        dataset = self.resolve_dataset(data, text_sources.load)
        split = dataset.to_measure_on(split)
        numbers = known.encode(dataset.splits[split].text)
        if len(numbers) < 2:
            raise ZooError(f"the {split} part of {dataset.name} has fewer than two tokens to foretell.")
        bar = Bar(len(numbers), "evaluating", unit="token") if progress else None
        rows = max(1, min(ROWS, len(numbers) // (2 * BLOCK)))
        nats = self.stepped.reader.read(numbers, rows, bar.update if bar else lambda tokens: None)
        if bar:
            bar.close()
        blocks = np.array_split(nats.astype(np.float64), max(2, len(nats) // BLOCK))
        interval = metrics.mean(np.array([block.mean() for block in blocks if len(block)])).ci
        mean = metrics.Mean(float(nats.mean(dtype=np.float64)), interval, len(nats))
        self.metrics = {
            "nats": mean,
            "bits": mean.mapped(metrics.bits),
            "perplexity": mean.mapped(metrics.perplexity),
            "unknown": float((numbers == UNKNOWN).mean()),
            "split": split,
        }
        return {**self.metrics, "skipped": dataset.skipped}

    def told(self, result: dict) -> str:
        """What `evaluate` found, for people."""
        token = self.known().kind.removesuffix("s")
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

    def toy_data(self) -> Dataset:
        """A few words over and over."""
        return Dataset("toy", {"train": Text("the cat sat on the mat.\nthe dog sat on the cat.\n" * 60)})

    def describe(self) -> dict:
        output = "logits of the token that follows; token 0 stands for all that are not in the vocabulary"
        return {**super().describe(), "window": self.window, "output": output}

    def recall(self, known: dict, inputs: tuple, outputs: tuple) -> None:
        super().recall(known, inputs, outputs)
        self.window = whole_number("the window of the file's record", known.get("window"), 1)
