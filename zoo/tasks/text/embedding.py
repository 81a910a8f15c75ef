"""Word vectors: words that stand in the same places lie near each other."""

from __future__ import annotations

import functools
import math
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zoo import metrics
from zoo.data import text_sources
from zoo.data.dataset import Dataset
from zoo.data.text.corpora import Text, lines_of, read_text
from zoo.data.text.vocabulary import UNKNOWN, Vocabulary
from zoo.errors import UsageError, ZooError, whole_number
from zoo.files import expand
from zoo.registry import Entry, did_you_mean
from zoo.tasks.text.base import TextSettings, TextTask, smaller_min_count
from zoo.training.order import FitData, Subsampled
from zoo.training.plan import Plan
from zoo.visualization import charts
from zoo.visualization.canvas import Drawing
from zoo.visualization.grid import picture_output
from zoo.visualization.notebook import Ranking

if TYPE_CHECKING:
    from zoo.backend import keras

FUNCTION_WORDS = 100  # about as many of the most frequent ones are no things, doings or qualities


@dataclass(frozen=True)
class EmbeddingSettings(TextSettings):
    """What an embedding's `preprocessing` may name.

    Attributes:
        block: how many words in a row make an example.
        draws: how many words, drawn from all of the text by their frequency to the power of 0.75, stand behind them.
        subsample: the frequency above which words are left out at random.
    """

    tokens: str = "lower-case words"
    block: int = 64
    draws: int = 0
    subsample: float = 1e-3


class Embedding(TextTask):
    """A model that has a vector for each word.

    Its builder has the argument `vocab_size` and takes numbers of words, int32 of shape (length,); the vectors are the
    weights of its layer "vectors". Its own file brings the loss, a function of the number of each word's line, shape
    (length,), and of the model's outputs, which may name settings, too. A line is a sentence. Its `preprocessing`
    names `EmbeddingSettings`.
    """

    _monitor = ("loss", "min")
    _is_watched = False
    _spaces = False
    settings: EmbeddingSettings
    _settings_type = EmbeddingSettings
    _metric_types: ClassVar = {"spearman": metrics.Mean}

    def __init__(self, entry: Entry, arguments: dict, **how: Any):
        super().__init__(entry, arguments, **how)
        self._read_vectors: np.ndarray | None = None  # of a file of these alone, shape (vocab_size, units)

    @classmethod
    def _from_vectors(cls, entry: Entry, arguments: dict, words: list[str], vectors: np.ndarray) -> Self:
        """An embedding that knows words by their vectors, float32 of shape (words, units).

        Args:
            entry: the register entry of a model that has a vector for each word.
            arguments: of its builder; `vocab_size` and `units` are those of the vectors.
            words: the most frequent first.
            vectors: theirs.
        """
        self = cls(entry, {**arguments, "vocab_size": len(words) + 1, "units": vectors.shape[1]})
        lower = all(word == word.lower() for word in words)
        self.settings = replace(self.settings, tokens="lower-case words" if lower else "words")
        self.vocabulary = Vocabulary(self.settings.tokens, words)
        self._read_vectors = np.concatenate([np.zeros_like(vectors[:1]), vectors])
        return self

    def build(self) -> keras.Model:
        model = super().build()
        if self._read_vectors is not None:
            model.get_layer("vectors").set_weights([self._read_vectors])
        return model

    # Training

    def _find_data(
        self, data: Any, validation: Any = None, validation_split: float | None = None, encoding: str | None = None
    ) -> Dataset:
        """All of a text: nothing of it is held out, since vectors are not judged by it."""
        if validation is not None or validation_split is not None:
            raise UsageError("word vectors are not watched on other text; leave out validation and validation_split.")
        dataset = text_sources.find(data, encoding)
        whole = "".join(part.text for part in dataset.splits.values())
        return Dataset(dataset.name, {"train": Text(whole)}, dataset.about, dataset.proves)

    def _make_plan(
        self, dataset: Dataset, batch_size: int | None, folder: Path | None = None, progress: bool = False
    ) -> Plan:
        settings, text = self.settings, dataset.splits["train"].text
        vocabulary = self._learn_vocabulary(text.replace("\n", " "))
        lines = [vocabulary.encode(line) for line in text.split("\n")]
        numbers, line = np.concatenate(lines), np.repeat(np.arange(len(lines)), [len(words) for words in lines])
        numbers, line = numbers[numbers != UNKNOWN], line[numbers != UNKNOWN]
        counts = np.bincount(numbers, minlength=len(vocabulary))
        # Words above a share of `subsample` are thinned out; Mikolov's program keeps a word with this probability.
        excess = np.maximum(counts / counts.sum() / settings.subsample, 1e-12)
        kept = np.minimum(np.sqrt(1 / excess) + 1 / excess, 1)
        chances = kept[numbers]
        if chances.sum() < 2 * settings.block:
            raise ZooError(
                f"{dataset.name} has too little text: {len(numbers)} words that are frequent enough, of which "
                f"{chances.sum():.0f} are kept, and an example takes {settings.block}. Give more "
                f"text{smaller_min_count(settings)}."
            )
        drawn = np.maximum(counts, 1) ** -0.25  # of each occurrence, so that words are drawn by counts**0.75
        order = functools.partial(
            Subsampled, kept=chances, block=settings.block, drawn=drawn[numbers], draws=settings.draws
        )
        # float32 counts no further than 2^24
        data = FitData(numbers, (line % 2**20).astype(np.float32), order=order, about=asdict(settings))
        return Plan(data, self.model, self._model_loss())

    # Verbs

    def vector(self, word: str) -> np.ndarray:
        """The vector of a word, float32 of shape (units,).

        Raises:
            UsageError: the word is not known; the nearest in spelling is proposed.
        """
        return self.vectors()[self._number(word)]

    def similarity(self, one: str, other: str) -> float:
        """The cosine of the angle between two words' vectors, -1 to 1.

        Raises:
            UsageError: a word is not known.
        """
        a, b = self._unit()[[self._number(one), self._number(other)]]
        return float(a @ b)

    def most_similar(self, word: str, top: int = 10) -> Ranking:
        """The words nearest to one, with the cosine of the angle between their vectors, nearest first.

        Args:
            word: any word of the vocabulary.
            top: how many.

        Raises:
            UsageError: the word is not known.

        Example:
            >>> import zoo
            >>> net = zoo.get("word2vec", units=8, seed=0)
            >>> _ = net.train("the cat sat on the mat . the dog sat on the rug . " * 200, epochs=1, progress=False)
            >>> len(net.most_similar("cat", top=3))
            3
        """
        return self._nearest(self._unit()[self._number(word)], top, {self._number(word)})

    def analogy(self, one: str, without: str, instead: str, top: int = 10) -> Ranking:
        """What is to `instead` as `one` is to `without`: `analogy("king", "man", "woman")`.

        Args:
            one, without, instead: words of the vocabulary.
            top: how many answers.

        Raises:
            UsageError: a word is not known.
        """
        numbers = [self._number(word) for word in (one, without, instead)]
        a, b, c = self._unit()[numbers]
        return self._nearest(a - b + c, top, set(numbers))

    def _nearest(self, vector: np.ndarray, top: int, but: set[int]) -> Ranking:
        whole_number("top", top, 1)
        cosines = self._unit() @ (vector / max(float(np.linalg.norm(vector)), 1e-12))
        order = [number for number in np.argsort(-cosines).tolist() if number not in but | {UNKNOWN}]
        tokens = self._learned_vocabulary().tokens
        return Ranking((tokens[number - 1], float(cosines[number])) for number in order[:top])

    def map(self, out: str | Path | None = None, words: int | list[str] = 150, overwrite: bool = False) -> Drawing:
        """Draw words on a plane so that those that are near in all dimensions stay near: by t-SNE of their cosines.

        Only who is near to whom means something; directions and far distances do not.

        Args:
            out: the PNG file to write; None writes none.
            words: which ones, or how many: of the frequent words those that are nearest to another one.
            overwrite: replace whatever file is there; without it, only a picture that the zoo drew.

        Returns:
            The drawing, which a notebook shows.

        Raises:
            UsageError: a word is not known, or there are fewer than three.
            ZooError: matplotlib or scikit-learn is not installed.

        Source:
            van der Maaten and Hinton 2008, Visualizing data using t-SNE.
        """
        try:
            from sklearn.manifold import TSNE
        except ModuleNotFoundError as error:
            raise ZooError(
                'a map needs scikit-learn; type: python -m pip install scikit-learn, or install "keras-zoo[plots]".'
            ) from error
        out = None if out is None else picture_output(out, overwrite=overwrite)
        chosen = words if isinstance(words, list) else self._with_near_ones(words)
        if len(chosen) < 3:
            raise UsageError(f"a map of {len(chosen)} words shows nothing; give three or more.")
        unit = self._unit()[[self._number(word) for word in chosen]]
        sight = min(15.0, (len(chosen) - 1) / 3)  # how many neighbours a word looks at
        tsne = TSNE(perplexity=sight, metric="cosine", init="random", random_state=0)
        return charts.word_map(chosen, tsne.fit_transform(unit), out)

    def _with_near_ones(self, count: int) -> list[str]:
        """Of the frequent words those that are nearest to another one; the very first, as "the" and "of", left out."""
        frequent = [word for word in self._learned_vocabulary().tokens if word.isalpha() and len(word) > 2]
        candidates = frequent[FUNCTION_WORDS : FUNCTION_WORDS + 5 * count] or frequent
        unit = self._unit()[[self._number(word) for word in candidates]]
        cosines = unit @ unit.T
        np.fill_diagonal(cosines, -1)
        return [candidates[row] for row in np.argsort(-cosines.max(axis=1), kind="stable")[:count]]

    def evaluate(self, data: Any = None, split: str | None = None, progress: bool = True) -> dict:
        """Measure whether the vectors find those words alike that people find alike.

        Args:
            data: a file of two words and a score in each line, with tabs or commas between them; lines that begin
                with "#" do not count. WordSim-353 and SimLex-999 are such files.
            split: not used.
            progress: not used.

        Returns:
            `{"spearman": Mean, "pairs": int, "known": float, "skipped": []}`: the rank correlation of the cosines with
            the scores on pairs whose words are known, with Fisher's interval, and the share of these pairs.

        Raises:
            ZooError: the file cannot be read, or fewer than four of its pairs are known.
        """
        from scipy.stats import spearmanr

        if data is None:
            raise UsageError("give a file of two words and a score in each line, such as WordSim-353's.")
        pairs = rated(expand(data))
        numbers = self._learned_vocabulary().numbers
        usable = [pair for pair in pairs if {*pair[:2]} <= numbers.keys()]
        if len(usable) < 4:
            raise ZooError(f"{data} has {len(pairs)} scored pairs, and {self.name} knows both words of {len(usable)}.")
        cosines = self._cosines([pair[:2] for pair in usable])
        rho = float(spearmanr(cosines, [score for *_, score in usable])[0])
        # Fisher's transformation; the factor is Bonett and Wright's (2000) for rank correlations
        width = 1.96 * math.sqrt((1 + rho**2 / 2) / (len(usable) - 3))
        low, high = (math.tanh(math.atanh(min(max(rho, -0.999999), 0.999999)) + sign * width) for sign in (-1, 1))
        measured = {
            "spearman": metrics.Mean(rho, (low, high), len(usable)),
            "pairs": len(pairs),
            "known": len(usable) / len(pairs),
        }
        return self._remember(measured, [])

    def _format_result(self, result: dict) -> str:
        return (
            f"rank correlation with people's scores  {result['spearman']}\n"
            f"pairs whose words are known            {result['known']:.1%} of {result['pairs']}"
        )

    def _next_command(self, file: str | Path, data: str) -> str:
        """The neighbours of a frequent word that is not a short one, since a text has no scores to evaluate by."""
        words = self._learned_vocabulary().tokens
        return f"zoo similar {file} {shlex.quote(next((w for w in words if w.isalpha() and len(w) > 3), words[0]))}"

    # Numbers

    def vectors(self) -> np.ndarray:
        """All vectors, float32 of shape (vocab_size, units); row 0 is of no word."""
        self._learned_vocabulary()
        if self._model is None and self._read_vectors is not None:
            return self._read_vectors
        return np.asarray(self.model.get_layer("vectors").get_weights()[0], np.float32)

    def _unit(self) -> np.ndarray:
        """All vectors at length 1."""
        vectors = self.vectors()
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def _cosines(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        """Of each pair of known words the cosine of the angle between their vectors, shape (pairs,)."""
        unit = self._unit()
        one, other = (unit[[self._number(word) for word in side]] for side in zip(*pairs, strict=True))
        return (one * other).sum(1)

    def _number(self, word: str) -> int:
        vocabulary = self._learned_vocabulary()
        word = word.lower() if vocabulary.kind.startswith("lower") else word
        if word not in vocabulary.numbers:
            raise UsageError(
                f"{self.name} does not know the word {word!r}{did_you_mean(word, vocabulary.tokens)} It knows "
                f"{len(vocabulary.tokens):,} words, such as {', '.join(map(repr, vocabulary.tokens[20:26]))}."
            )
        return vocabulary.numbers[word]

    # The saved file

    def _toy_data(self) -> Dataset:
        """A few sentences over and over."""
        return Dataset("toy", {"train": Text("the cat sat on the mat . the dog sat on the rug . " * 200)})

    def get_config(self) -> dict:
        output = "for each word its vector, and after it the vector for standing near others"
        return {**super().get_config(), "output": output}


def rated(file: Path) -> list[tuple[str, str, float]]:
    """Two words, in lower case, and people's score, of each line that has them."""
    rows = [line.replace(",", "\t").split("\t") for line in lines_of(read_text(file)) if line[:1] != "#"]
    return [(row[0].lower(), row[1].lower(), float(row[2])) for row in rows if len(row) >= 3 and number(row[2])]


def number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
