"""Word vectors: words that stand in the same places lie near each other."""

from __future__ import annotations

import functools
import math
import shlex
from pathlib import Path
from typing import ClassVar

import numpy as np

from zoo import metrics
from zoo.data import text_sources
from zoo.data.dataset import Dataset
from zoo.data.text.corpora import Text, lines_of, read_text
from zoo.data.text.vocabulary import UNKNOWN
from zoo.errors import UsageError, ZooError, whole_number
from zoo.registry import did_you_mean
from zoo.tasks.text.base import TextTask
from zoo.training.order import FitData, Subsampled


class Embedding(TextTask):
    """A model that has a vector for each word.

    Its builder has the argument `vocab_size` and takes numbers of words, int32 of shape (length,); the vectors are the
    weights of its layer "vectors". Its own file brings the loss, a function of the number of each word's line, shape
    (length,), and of the model's outputs, which may name settings, too. A line is a sentence.

    The model's `preprocessing` says how text is cut ("tokens"), how rare a word may be ("min_count"), how many words
    in a row make an example ("block"), how many drawn from all of the text, by their frequency to the power of 0.75,
    stand behind them ("draws"), and above which frequency words are left out at random ("subsample").
    """

    monitor = ("loss", "min")

    settings: ClassVar = {"tokens": "lower-case words", "min_count": 1, "block": 64, "draws": 0, "subsample": 1e-3}
    measured: ClassVar = {"spearman": metrics.Mean}

    # Training

    def load(self, data, validation=None) -> Dataset:
        """All of a text: nothing of it is held out, since vectors are not judged by it."""
        if validation is not None:
            raise UsageError("word vectors are not watched on other text; leave out validation.")
        dataset = text_sources.find(data)
        whole = "".join(part.text for part in dataset.splits.values())
        return Dataset(dataset.name, {"train": Text(whole)}, dataset.about, dataset.proves)

    def examples(self, dataset: Dataset) -> FitData:
        text = dataset.splits["train"].text
        self.learn_vocabulary(text.replace("\n", " "))
        lines = [self.vocabulary.encode(line) for line in text.split("\n")]
        numbers, line = np.concatenate(lines), np.repeat(np.arange(len(lines)), [len(found) for found in lines])
        numbers, line = numbers[numbers != UNKNOWN], line[numbers != UNKNOWN]
        counts = np.bincount(numbers, minlength=len(self.vocabulary))
        # Words above a share of `subsample` are thinned out; Mikolov's program keeps a word with this probability.
        excess = np.maximum(counts / counts.sum() / self.subsample, 1e-12)
        kept = np.minimum(np.sqrt(1 / excess) + 1 / excess, 1)
        chances = kept[numbers]
        if chances.sum() < 2 * self.block:
            raise ZooError(
                f"{dataset.name} has too little text: {len(numbers)} words that are frequent enough, of which "
                f"{chances.sum():.0f} are kept, and an example takes {self.block}."
            )
        drawn = np.maximum(counts, 1) ** -0.25  # of each occurrence, so that words are drawn by counts**0.75
        order = functools.partial(Subsampled, kept=chances, block=self.block, drawn=drawn[numbers], draws=self.draws)
        about = {name: getattr(self, name) for name in ("block", "draws", "subsample", "tokens", "min_count")}
        # float32 counts no further than 2^24
        return FitData(numbers, (line % 2**20).astype(np.float32), order=order, about=about)

    def compile_arguments(self) -> dict:
        return {"loss": self.model_loss()}

    # Verbs

    def vector(self, word: str) -> np.ndarray:
        """The vector of a word, float32 of shape (units,).

        Raises:
            UsageError: the word is not known; the nearest in spelling is proposed.
        """
        return self.vectors()[self.number(word)]

    def similarity(self, one: str, other: str) -> float:
        """The cosine of the angle between two words' vectors, -1 to 1.

        Raises:
            UsageError: a word is not known.
        """
        a, b = self.unit()[[self.number(one), self.number(other)]]
        return float(a @ b)

    def most_similar(self, word: str, top: int = 10) -> list[tuple[str, float]]:
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
        return self.nearest(self.unit()[self.number(word)], top, {self.number(word)})

    def analogy(self, one: str, without: str, instead: str, top: int = 10) -> list[tuple[str, float]]:
        """What is to `instead` as `one` is to `without`: `analogy("king", "man", "woman")`.

        Args:
            one, without, instead: words of the vocabulary.
            top: how many answers.

        Raises:
            UsageError: a word is not known.
        """
        numbers = [self.number(word) for word in (one, without, instead)]
        a, b, c = self.unit()[numbers]
        return self.nearest(a - b + c, top, set(numbers))

    def nearest(self, vector: np.ndarray, top: int, but: set[int]) -> list[tuple[str, float]]:
        whole_number("top", top, 1)
        cosines = self.unit() @ (vector / max(float(np.linalg.norm(vector)), 1e-12))
        order = [number for number in np.argsort(-cosines).tolist() if number not in but | {UNKNOWN}]
        return [(self.known().tokens[number - 1], float(cosines[number])) for number in order[:top]]

    def map(self, out, words: int | list[str] = 200) -> Path:
        """Draw words on a plane so that near ones lie near each other: the two main directions of their vectors.

        Args:
            out: the PNG file to write.
            words: which ones, or how many of the most frequent.

        Returns:
            The file.

        Raises:
            UsageError: a word is not known.
            ZooError: matplotlib is not installed.
        """
        from zoo.visualization import charts

        chosen = words if isinstance(words, list) else [w for w in self.known().tokens if w.isalpha()][:words]
        unit = self.unit()[[self.number(word) for word in chosen]]
        _, _, directions = np.linalg.svd(unit - unit.mean(0), full_matrices=False)
        return charts.word_map(chosen, (unit - unit.mean(0)) @ directions[:2].T, out)

    def evaluate(self, data=None, split: str | None = None, progress: bool = True) -> dict:
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
        pairs = rated(Path(data))
        known = [pair for pair in pairs if {*pair[:2]} <= self.known().numbers.keys()]
        if len(known) < 4:
            raise ZooError(f"{data} has {len(pairs)} scored pairs, and {self.name} knows both words of {len(known)}.")
        found = float(spearmanr(self.cosines([pair[:2] for pair in known]), [pair[2] for pair in known])[0])
        # Fisher's transformation; the factor is Bonett and Wright's (2000) for rank correlations
        width = 1.96 * math.sqrt((1 + found**2 / 2) / (len(known) - 3))
        low, high = (math.tanh(math.atanh(min(max(found, -0.999999), 0.999999)) + sign * width) for sign in (-1, 1))
        self.metrics = {
            "spearman": metrics.Mean(found, (low, high), len(known)),
            "pairs": len(pairs),
            "known": len(known) / len(pairs),
        }
        return {**self.metrics, "skipped": []}

    def told(self, result: dict) -> str:
        """What `evaluate` found, for people."""
        return (
            f"rank correlation with people's scores  {result['spearman']}\n"
            f"pairs whose words are known            {result['known']:.1%} of {result['pairs']}"
        )

    def next_command(self, file, data: str) -> str:
        """The neighbours of a frequent word that is not a short one, since a text has no scores to evaluate by."""
        words = self.known().tokens
        return f"zoo similar {file} {shlex.quote(next((w for w in words if w.isalpha() and len(w) > 3), words[0]))}"

    # Numbers

    def vectors(self) -> np.ndarray:
        """All vectors, float32 of shape (vocab_size, units); row 0 is of no word."""
        self.known()
        return np.asarray(self.model.get_layer("vectors").get_weights()[0], np.float32)

    def unit(self) -> np.ndarray:
        """All vectors at length 1."""
        vectors = self.vectors()
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def cosines(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        """Of each pair of known words the cosine of the angle between their vectors, shape (pairs,)."""
        unit = self.unit()
        one, other = (unit[[self.number(word) for word in side]] for side in zip(*pairs, strict=True))
        return (one * other).sum(1)

    def number(self, word: str) -> int:
        known = self.known()
        word = word.lower() if known.kind.startswith("lower") else word
        if word not in known.numbers:
            raise UsageError(
                f"{self.name} does not know the word {word!r}{did_you_mean(word, known.tokens)} It knows "
                f"{len(known.tokens):,} words, such as {', '.join(map(repr, known.tokens[20:26]))}."
            )
        return known.numbers[word]

    # The saved file

    def toy_data(self) -> Dataset:
        """A few sentences over and over."""
        return Dataset("toy", {"train": Text("the cat sat on the mat . the dog sat on the rug . " * 200)})

    def describe(self) -> dict:
        output = "for each word its vector, and after it the vector for standing near others"
        return {**super().describe(), "output": output}


def rated(file: Path) -> list[tuple[str, str, float]]:
    """Two words, in lower case, and people's score, of each line that has them."""
    rows = [line.replace(",", "\t").split("\t") for line in lines_of(read_text(file)) if line[:1] != "#"]
    return [(row[0].lower(), row[1].lower(), float(row[2])) for row in rows if len(row) >= 3 and number(row[2])]


def number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
