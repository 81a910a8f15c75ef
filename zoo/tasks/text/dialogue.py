"""Dialogue: a line is answered by a line."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zoo import inference, metrics
from zoo.console import progress_bar
from zoo.data import text_sources
from zoo.data.dataset import Dataset
from zoo.data.text.corpora import Pairs
from zoo.data.text.vocabulary import UNKNOWN, bare
from zoo.deprecation import Renamed
from zoo.errors import RecordMismatchError, UsageError, checked_seed, is_number, whole_number
from zoo.tasks.text.base import TextSettings, TextTask
from zoo.tasks.text.samplers import Sampling
from zoo.training.order import FitData
from zoo.training.plan import Plan
from zoo.visualization import charts, notebook
from zoo.visualization.grid import picture_output
from zoo.visualization.pages import text

if TYPE_CHECKING:
    from zoo.tasks.text.seq2seq import Answerer

# Tokens beside the words; the number 0, which a vocabulary gives to what it does not know, fills up short lines here.
BEGIN, END, RARE = "<begin>", "<end>", "<rare>"
BATCH = 64  # pairs that are scored side by side, where the model is not so wide that memory counts
LONGEST = 2000  # words of a line; where an answer looks is a matrix of as many rows and columns
# of the first lines that are measured on, how many answers are shown, and how many are examined for variety
SHOWN, COUNTED = 10, 200


@dataclass(frozen=True)
class Answer:
    """What was answered, and where the model looked.

    Attributes:
        text: the answer.
        said: the words that it answers, as the model knows them.
        words: the words of the answer.
        attention_weights: for each of these, how much every word of `said` mattered; rows that sum to 1.
    """

    text: str
    said: list[str]
    words: list[str]
    attention_weights: list[list[float]]

    looks = Renamed("attention_weights")

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        where = notebook.weights(self.words, self.said, self.attention_weights)
        sentence = "<p>A row is a word of the answer; the darker a column, the more it looked at that word.</p>"
        return notebook.shown(f"<p><b>{text(self.text, 2000)}</b></p>", where, sentence)

    def to_json(self) -> dict:
        return {**asdict(self), "looks": self.attention_weights}  # the old name, for one version more


@dataclass(frozen=True)
class DialogueSettings(TextSettings):
    """What a dialogue model's `preprocessing` may name.

    Attributes:
        most: how many tokens there are at the most; None is any number.
        length: how many words of a line count.
    """

    tokens: str = "lower-case words"
    most: int | None = None
    length: int = 24

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("length", self.length, 1, LONGEST)


class Dialogue(TextTask):
    """A model that answers lines.

    Its builder has the argument `vocab_size` and takes pairs of lines, int32 of shape (2, length): what was said, and
    the answer moved one on, so that the word before each one is seen. It gives logits of the answer, of shape (length,
    vocab_size). The number 0 fills up short lines. For answering it has the layers "words" (numbers of words to
    vectors and, reversed, to logits), "encoder" and "decoder".

    Its `preprocessing` names `DialogueSettings`.
    """

    settings: DialogueSettings
    _settings_type = DialogueSettings
    _metric_types: ClassVar = dict.fromkeys(("nats", "perplexity", "shuffled", "listening"), metrics.Mean)
    _special_tokens = (BEGIN, END, RARE)

    # Training

    def _find_data(
        self, data: Any, validation: Any = None, validation_split: float | None = None, encoding: str | None = None
    ) -> Dataset:
        return text_sources.load_pairs(data, validation, validation_split, encoding)

    def _make_plan(
        self, dataset: Dataset, batch_size: int | None, folder: Path | None = None, progress: bool = False
    ) -> Plan:
        from zoo.backend import keras
        from zoo.tasks.text.recurrent import TextLogger

        learned = dataset.splits["train"]
        text = " ".join([*learned.said, *learned.reply]).replace("\n", " ")
        self._learn_vocabulary(text, self.settings.most)
        parts = {split: self._encode(pairs) for split, pairs in dataset.splits.items()}
        about = {"length": self.settings.length, "tokens": self.settings.tokens}
        data = FitData(*parts["train"], parts.get("validation"), about=about)
        loss = self._model_loss() or keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
        sample = (lambda: f"How are you? - {self.reply('How are you?', beam=3)}") if progress else None
        return Plan(data, self.model, loss, callbacks=[TextLogger(metrics.perplexity, sample)])

    def _encode(self, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
        """Pairs as the model takes them, int32 of shape (n, 2, length), and what should follow, (n, length)."""
        length, numbers = self.settings.length, self._learned_vocabulary().numbers
        x, y = np.zeros((len(pairs), 2, length), np.int32), np.zeros((len(pairs), length), np.int32)
        for row, (said, reply) in enumerate(zip(pairs.said, pairs.reply, strict=True)):
            question = self._numbers(said)[:length]
            answer = np.append(self._numbers(reply), numbers[END])[:length]  # one too long is cut, and has no end
            x[row, 0, : len(question)] = question
            x[row, 1, : len(answer)] = np.append(numbers[BEGIN], answer[:-1])
            y[row, : len(answer)] = answer
        return x, y

    def _numbers(self, line: str) -> np.ndarray:
        """The words of a line as numbers, rare ones as the sign for them; a line is one, whatever breaks it has."""
        vocabulary = self._learned_vocabulary()
        numbers = vocabulary.encode(" ".join(line.split()))
        return np.where(numbers == UNKNOWN, vocabulary.numbers[RARE], numbers).astype(np.int32)

    # Verbs

    def reply(
        self,
        text: str,
        beam: int = 1,
        temperature: float = 0.7,
        top_k: int = 0,
        top_p: float = 0.9,
        length_penalty: float = 1.0,
        max_length: int | None = None,
        seed: int | None = None,
    ) -> str:
        """Answer a line.

        Args:
            text: what is said; of a long line the first words count. Words that the model does not know are rare ones
                to it.
            beam: 1 draws the answer word by word; more follow so many beginnings of it side by side and give the most
                probable, always the same.
            temperature: with beam 1: below 1 the probable becomes more probable; 0 takes the most probable word.
            top_k: with beam 1: draw from the k most probable words alone; 0 is all of them.
            top_p: with beam 1: draw from the most probable words that together have this probability.
            length_penalty: with a larger beam: 0 prefers short answers, more than 1 long ones.
            max_length: words of the answer at the most; None is as many as the model learned.
            seed: the same one gives the same answer; None draws one.

        Returns:
            The answer.

        Raises:
            UsageError: a value that means nothing, or nothing was said.

        Example:
            >>> import zoo
            >>> net = zoo.get("chatbot", units=8, seed=0)
            >>> pairs = ["Hi.", "Who is there?"] * 20, ["Hello!", "It is me."] * 20
            >>> _ = net.train(pairs, epochs=1, progress=False)
            >>> net.reply("Hi.", seed=0) == net.reply("Hi.", seed=0)
            True
        """
        return self._answer(text, beam, temperature, top_k, top_p, length_penalty, max_length, seed).text

    def attention(
        self, text: str, out: str | Path | None = None, beam: int = 3, overwrite: bool = False, **how: Any
    ) -> Answer:
        """Answer a line, and say or draw where the model looked for each word.

        Args:
            text: as for `reply`.
            out: a PNG file to draw it into; None draws nothing.
            beam: as for `reply`, 3 where none is given.
            overwrite: replace whatever file is there; without it, only a picture that the zoo drew.
            **how: the other arguments of `reply`.

        Returns:
            An `Answer`, with its `attention_weights`.

        Raises:
            UsageError: a value that means nothing, or nothing was said.
            ZooError: the file cannot be written.
        """
        if out is not None:
            out = picture_output(out, overwrite=overwrite)
        answer = self._answer(text, beam, **how)
        if out is not None:
            charts.alignment(answer.said, answer.words, answer.attention_weights, out)
        return answer

    def _answer(
        self,
        text: str,
        beam: int = 1,
        temperature: float = 0.7,
        top_k: int = 0,
        top_p: float = 0.9,
        length_penalty: float = 1.0,
        max_length: int | None = None,
        seed: int | None = None,
    ) -> Answer:
        """The same as `reply`, and with it where the model looked."""
        vocabulary, sampling = self._learned_vocabulary(), Sampling(temperature, top_k, top_p)
        whole_number("beam", beam, 1, 100)
        if not is_number(length_penalty) or not 0 <= length_penalty <= 10:
            raise UsageError(f"length_penalty is {length_penalty!r}; accepted are numbers from 0 to 10.")
        longest = self.settings.length
        most = longest if max_length is None else min(longest, whole_number("max_length", max_length, 1))
        question = self._numbers(text)[:longest]
        if not len(question):
            raise UsageError("nothing was said; give a line, such as 'How are you?'.")
        random = np.random.default_rng(checked_seed(seed))
        answerer = self._answerer
        with self._in_a_sentence("cannot compute this"):
            tokens, weights = answerer.answer(question, sampling, beam, length_penalty, most, random)
        words, heard = ([bare(vocabulary.tokens[number - 1]) for number in numbers] for numbers in (tokens, question))
        return Answer(vocabulary.decode(tokens), heard, words, weights.round(4).tolist())

    @property
    def _answerer(self) -> Answerer:
        from zoo.tasks.text.seq2seq import Answerer

        numbers, length = self._learned_vocabulary().numbers, self.settings.length
        never = [0, numbers[BEGIN], numbers[RARE]]
        return self._made_of_model(lambda net: Answerer(net, length, numbers[BEGIN], numbers[END], never))

    def evaluate(
        self, data: Any = None, split: str | None = None, progress: bool = True, encoding: str | None = None
    ) -> dict:
        """Measure how well the model foretells answers, and whether it listens.

        Args:
            data: as for `train`; None is the model's own dataset. Of pairs in one piece the last tenth is held out.
            split: which part of it; None takes "test", else "validation".
            progress: show a bar with the time left.
            encoding: what files of text are written in, such as "cp1252"; None is UTF-8.

        Returns:
            `{"nats": Mean, "perplexity": Mean, "shuffled": Mean, "listening": Mean, "unigram": float, "unknown":
            float, "distinct_1": float, "distinct_2": float, "exchanges": [{"said": str, "reply": str}], "split": str,
            "skipped": []}`: the mean negative logarithm of the probability of each word of the answers, their ends
            among them; the perplexity, e to the power of it; the perplexity where every answer stands behind another
            question; how many nats a word are lost so, pair by pair, above 0 if the model listens; and the perplexity
            by the words' frequencies in the training part. Unknown is the share of words that are not in the
            vocabulary. Distinct is the share of different words, and of different pairs of them, in what the model
            replies to the first lines; the first few exchanges are given. The intervals count answers.

        Raises:
            ZooError: the data cannot be found.
        """
        dataset = self._resolve_dataset(data, functools.partial(text_sources.load_pairs, encoding=encoding))
        split = dataset.to_measure_on(split)
        x, y = self._encode(dataset.splits[split])
        others = x.copy()
        others[:, 0] = x[np.random.default_rng(0).permutation(len(x)), 0]
        asked = [line for line in dataset.splits[split].said if len(self._numbers(line))][:COUNTED]
        with progress_bar(2 * len(x) + len(asked), "evaluating", unit="answer", shown=progress) as bar:
            heard, deaf = (self._nats(part, y, bar.update) for part in (x, others))
            replies = []
            for number, line in enumerate(asked):
                replies.append(self._answer(line, seed=number))
                bar.update(1)
        _, learned = self._encode(dataset.splits["train"])
        counts = np.bincount(learned[learned > 0], minlength=self.arguments["vocab_size"]) + 1.0
        unigram = np.log(counts[1:].sum()) - np.log(counts[y[y > 0]]).mean()
        nats = mean_of(heard, y)
        measured = {
            "nats": nats,
            "perplexity": nats.mapped(metrics.perplexity),
            "shuffled": mean_of(deaf, y).mapped(metrics.perplexity),
            "listening": mean_of(deaf - heard, y),
            "unigram": float(np.exp(unigram)),
            "unknown": float((y == self._learned_vocabulary().numbers[RARE]).sum() / (y > 0).sum()),
            "distinct_1": distinct([reply.words for reply in replies], 1),
            "distinct_2": distinct([reply.words for reply in replies], 2),
            "exchanges": [
                {"said": said, "reply": reply.text} for said, reply in zip(asked[:SHOWN], replies, strict=False)
            ],
            "split": split,
        }
        return self._remember(measured, dataset.skipped)

    def _nats(self, x: np.ndarray, y: np.ndarray, update: Callable[[int], None]) -> np.ndarray:
        """The negative logarithm of each word's probability, shape (n, length); 0 where there is no word."""
        from zoo import backend
        from zoo.tasks.text.recurrent import SCORED

        nats = []
        batch = max(1, min(BATCH, SCORED // inference.numbers_of(self.model)))
        for start in range(0, len(x), batch):
            wanted = y[start : start + batch]
            with self._in_a_sentence("cannot compute this"):
                (logits,) = backend.predict(self.model, x[start : start + batch], batch)
            highest = logits.max(-1, keepdims=True)
            logs = logits - highest - np.log(np.exp(logits - highest).sum(-1, keepdims=True))
            nats.append(np.where(wanted > 0, -np.take_along_axis(logs, wanted[..., None], -1)[..., 0], 0))
            update(len(wanted))
        return np.concatenate(nats).astype(np.float64)

    def _format_result(self, result: dict) -> str:
        return "\n".join(
            [
                f"on the {result['split']} split, for each word of the answers:",
                f"perplexity                     {result['perplexity']}",
                f"  after somebody else's words  {result['shuffled']}",
                f"  nats a word that this costs  {result['listening']}",
                f"  by the words' frequencies    {result['unigram']:.4g}",
                f"unknown words                  {result['unknown']:.1%}",
                f"different words it replies    {result['distinct_1']:.1%}; pairs of words {result['distinct_2']:.1%}",
                *(f"  {each['said']}\n    - {each['reply']}" for each in result["exchanges"]),
            ]
        )

    # The saved file

    def _sample_inputs(self, n: int) -> np.ndarray:
        """Words in turn, each pair from another one on, with two places left empty."""
        size = self.arguments["vocab_size"]
        numbers = (np.arange(2 * self.settings.length).reshape(1, 2, -1) * 5 + np.arange(n)[:, None, None]) % (
            size - 1
        ) + 1
        numbers[:, :, -2:] = 0
        return numbers.astype(np.int32)

    def _toy_data(self) -> Dataset:
        """A few exchanges over and over."""
        said, reply = ["hi .", "who is there ?", "bye ."], ["hello !", "it is me .", "see you ."]
        return Dataset("toy", {"train": Pairs(said * 16, reply * 16), "validation": Pairs(said, reply)})

    def get_config(self) -> dict:
        output = "logits of each word of the answer; token 0 fills up short lines"
        return {**super().get_config(), "length": self.settings.length, "output": output}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        self = super().from_config(config)
        self.settings = replace(self.settings, length=config["length"])
        return self

    def _check_shapes(self, inputs: tuple, outputs: tuple) -> None:
        if inputs != (2, self.settings.length):
            raise RecordMismatchError(f"lines of {self.settings.length!r} words, but inputs of {inputs}")


def mean_of(nats: np.ndarray, y: np.ndarray) -> metrics.Mean:
    """The mean over all words, with an interval that counts answers: the words of one are not independent.

    Args:
        nats: shape (n, length), 0 where there is no word.
        y: shape (n, length), 0 where there is no word.
    """
    words = (y > 0).sum(1)
    mean = nats.sum() / words.sum()
    # of a ratio of sums; its error is that of the mean of these differences
    spread = (nats.sum(1) - mean * words) / words.mean()
    low, high = metrics.mean(spread).ci
    return metrics.Mean(float(mean), (float(mean + low), float(mean + high)), int(words.sum()))


def distinct(answers: Sequence[list[str]], n: int) -> float:
    """The share of different n-grams among all of some answers. Li et al. (2015), arXiv:1510.03055.

    Example:
        >>> distinct([["i", "see"], ["i", "know"]], 1)
        0.75
    """
    grams = [tuple(words[at : at + n]) for words in answers for at in range(len(words) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0
