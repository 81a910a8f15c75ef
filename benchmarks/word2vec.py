"""Word vectors by zoo and by gensim: the same text, words, dimensions, window and epochs, in one run.

    ZOO_DATA=path/to/data python benchmarks/word2vec.py --gensim path/to/python/with/gensim --seeds 50 51 52 53 54
    ZOO_DATA=path/to/data python benchmarks/word2vec.py --gensim ... --choose --seeds 30 31 --wordnet path/to/wordnet

The text is english_lines, in lower case, words that occur five times or more; to gensim each line is a sentence. Both
draw five negatives, as both do by themselves; --negative sets another number. Both tools' vectors are scored by the
same code on WordSim-353 and SimLex-999, and on analogies (questions-words): the mean of one over the rank at which the
right word comes. gensim's wheel carries all three. How rare two words are foretells some of SimLex-999 without any
vectors; a row says how well ("rarity alone"), and columns what is left of the vectors' correlations without it. With
--wordnet they are scored on WordNet's nouns and verbs, too (wordnet.py). "agreement" says how like gensim's own the
vectors are: the correlation of the cosines of 200,000 pairs of words drawn at random with those of gensim's first
seed. Speed is that of training alone, in words of the text (before any are thinned out) a second. A row is appended
for each run.

--draws and --rates try settings of the zoo's. --choose leaves the two lists out, so that these remain a test, and puts
the rows with the trials.
"""

import argparse
import collections
import itertools
import json
import math
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import wordnet
from machine import add
from scipy.stats import rankdata, spearmanr

import zoo
from zoo import backend
from zoo.data import text_sources
from zoo.data.dataset import Dataset
from zoo.data.text.corpora import Text
from zoo.data.text.vocabulary import Vocabulary
from zoo.tasks.text.embedding import rated

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "word2vec.csv"
TRIALS = HERE / "results" / "word2vec_trials.csv"
SCORES = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}
MIN_COUNT = 5  # word2vec's, and gensim's


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gensim", metavar="PYTHON", required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--architectures", nargs="+", default=["skipgram", "cbow"])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--tools", nargs="+", default=["gensim 1 worker", "gensim 2 workers", "zoo"])
    parser.add_argument("--negative", type=int, default=5, help="for both")
    parser.add_argument("--wordnet", metavar="FOLDER", type=Path, help="with WordNet's files, data.noun and others")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--draws", nargs="+", type=int, default=[None], help="of the zoo's, for its own")
    parser.add_argument("--rates", nargs="+", type=float, default=[None], help="of the zoo's for a word, for its own")
    parser.add_argument("--choose", action="store_true")
    options = parser.parse_args()
    text = text_sources.find("english_lines").splits["train"].text
    vocabulary = Vocabulary.of(text.replace("\n", " "), "lower-case words", MIN_COUNT)
    questions = person_scores(options.gensim, "questions-words.txt")
    sentences = [[w for w in vocabulary.split(line) if w in vocabulary.numbers] for line in text.split("\n")]
    rarity = {w: -math.log(count) for w, count in collections.Counter(itertools.chain(*sentences)).items()}
    places = {name: person_scores(options.gensim, file) for name, file in SCORES.items()}
    lists = {name: [pair for pair in rated(file) if {*pair[:2]} <= rarity.keys()] for name, file in places.items()}
    senses = wordnet.pairs(options.wordnet, vocabulary.tokens) if options.wordnet else {}
    ways = [(tool, None, None) for tool in options.tools if tool != "zoo"]
    if "zoo" in options.tools:
        ways += itertools.product(["zoo"], options.draws, options.rates)
    if not options.choose:
        alone: dict[str, str | float] = {"tool": "rarity alone"}
        for name in places:
            foretold = [rarity[one] + rarity[other] for one, other, _ in lists[name]]
            alone[name] = correlation(foretold, [score for *_, score in lists[name]])
            alone[f"{name} pairs"] = len(lists[name])
        add(options.out or RESULTS, alone)
    with tempfile.TemporaryDirectory() as work:
        tokens = Path(work, "tokens.json")
        tokens.write_text(json.dumps([sentence for sentence in sentences if sentence]), encoding="utf-8")
        words = sum(map(len, sentences))
        drawn = np.random.default_rng(0).choice(vocabulary.tokens, (200_000, 2))  # any pairs of words
        first: dict[str, np.ndarray] = {}  # of each architecture the cosines of gensim's first seed
        for seed, architecture, (tool, draws, rate) in itertools.product(options.seeds, options.architectures, ways):
            net = zoo.get("word2vec", seed=seed, architecture=architecture, negative=options.negative)
            if tool == "zoo":
                net.settings = replace(net.settings, draws=draws or net.settings.draws)
                batch = net.settings.block * net.entry.batch_size  # words, over which the loss is a mean
                rate = rate or net.entry.learning_rate / batch
                speed = learn(net, text, rate * batch, options.epochs, words)
            else:
                out = Path(work, "vectors.npz")
                speed = gensim(net, tool, tokens, seed, options.gensim, options.epochs, out, text)
            row = {"tool": f"zoo on {backend.name()}" if tool == "zoo" else tool, "architecture": architecture}
            row |= {"negative": options.negative, "draws": net.settings.draws if tool == "zoo" else ""}
            row |= {"rate": rate or "", "epochs": options.epochs, "seed": seed, "words_per_second": speed}
            cosines = net._cosines(drawn)
            if tool != "zoo":
                first.setdefault(architecture, cosines)
            if architecture in first:
                row["agreement"] = round(float(np.corrcoef(cosines, first[architecture])[0, 1]), 4)
            if not options.choose:
                for name, file in places.items():
                    spearman = net.evaluate(file)["spearman"]
                    row |= {name: round(float(spearman), 4), f"{name} pairs": spearman.n}
                    row[f"{name} at equal rarity"] = at_equal_rarity(net, lists[name], rarity)
            row["analogies"], row["questions"] = analogies(net, questions)
            for kind in ("noun", "verb"):
                row[f"{kind}s"] = alike(net, senses[kind]) if senses else ""
            add(options.out or (TRIALS if options.choose else RESULTS), row)


def learn(net, text: str, rate: float, epochs: int, words: int) -> int:
    """Train the zoo's; words of the text a second, without the first steps, in which it is compiled."""
    import keras

    dataset = Dataset("corpus", {"train": Text(text)})
    times: list[float] = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if len(times) < 5:
                float(logs["loss"])
            times.append(time.perf_counter())

    net.train(dataset, epochs=epochs, learning_rate=rate, callbacks=[Clock()], progress=False)
    share = (len(times) - 5) / len(times)
    return round(words * epochs * share / (times[-1] - times[4]))


def gensim(net, tool: str, tokens: Path, seed: int, python: str, epochs: int, out: Path, text: str) -> int:
    """Train gensim's, and put its vectors into a net of ours, so that both are scored alike."""
    how = [net.arguments[key] for key in ("architecture", "units", "window", "negative")]
    command = [python, HERE / "peers" / "gensim_word2vec.py", tokens, *how, epochs, seed, tool.split()[1], out]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
    net._learn_vocabulary(text.replace("\n", " "))
    with np.load(out) as arrays:
        vectors = dict(zip(arrays["words"].tolist(), arrays["vectors"], strict=True))
    table = np.zeros((len(net._learned_vocabulary()), net.arguments["units"]), np.float32)
    for word, number in net._learned_vocabulary().numbers.items():
        table[number] = vectors[word]
    net.model.get_layer("vectors").set_weights([table])
    return json.loads(done.stdout.splitlines()[-1])["words_per_second"]


def analogies(net, file: Path) -> tuple[float, int]:
    """The mean of one over the rank of the right word, and how many questions have four words of the vocabulary."""
    lines = [line.lower().split() for line in file.read_text(encoding="utf-8").splitlines() if line[:1] != ":"]
    numbers = net._learned_vocabulary().numbers
    asked = np.array([[numbers[word] for word in line] for line in lines if {*line} <= numbers.keys()])
    unit = net._unit()
    without, one, instead, right = (unit[column] for column in asked.T)
    towards = one - without + instead
    cosines = towards @ unit[1:].T
    np.put_along_axis(cosines, asked[:, :3] - 1, -np.inf, axis=1)  # the words of the question are no answers
    ranks = 1 + (cosines > (towards * right).sum(1, keepdims=True) + 1e-6).sum(1)
    return round(float((1 / ranks).mean()), 4), len(ranks)


def alike(net, pairs: list[tuple[str, str, int]]) -> float:
    """The rank correlation of the cosines with how near the words' senses are in WordNet."""
    return correlation(net._cosines([pair[:2] for pair in pairs]), [-links for *_, links in pairs])


def at_equal_rarity(net, pairs: list[tuple[str, str, float]], rarity: dict[str, float]) -> float:
    """The rank correlation of the cosines with people's scores, where neither is foretold by how rare the words are.

    Of both ranks only that counts which no sum of the ranks of the rarer and of the more frequent word explains.
    """
    words, scores = [pair[:2] for pair in pairs], [pair[2] for pair in pairs]
    rare = np.sort([[rarity[word] for word in pair] for pair in words], axis=1)
    explains = np.stack([np.ones(len(rare)), rankdata(rare[:, 0]), rankdata(rare[:, 1])], axis=1)
    ranks = np.stack([rankdata(net._cosines(words)), rankdata(scores)], axis=1)
    left = ranks - explains @ np.linalg.lstsq(explains, ranks, rcond=None)[0]
    return round(float(np.corrcoef(left.T)[0, 1]), 4)


def correlation(one, other) -> float:
    return round(float(spearmanr(one, other)[0]), 4)


def person_scores(python: str, file: str) -> Path:
    """Where gensim's wheel keeps a list of people's scores, or of analogies."""
    code = "import importlib.util as u; print(u.find_spec('gensim').submodule_search_locations[0])"
    done = subprocess.run([python, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip(), "test", "test_data", file)


if __name__ == "__main__":
    main()
