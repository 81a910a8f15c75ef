"""Word vectors by zoo and by gensim: the same text, words, dimensions, window and epochs, in one run.

    ZOO_DATA=path/to/data python benchmarks/word2vec.py --gensim path/to/python/with/gensim --seeds 10 11 12 13 14
    ZOO_DATA=path/to/data python benchmarks/word2vec.py --gensim ... --choose --seeds 20 21

The text is english_lines, in lower case, words that occur five times or more; to gensim each line is a sentence. Each
draws as many negatives as it does by itself, gensim five; --negative sets both. Both tools' vectors are scored by the
same code on WordSim-353 and SimLex-999, and on analogies (questions-words): the mean of one over the rank at which the
right word comes. gensim's wheel carries all three. Speed is that of training alone, in words of the text (before any
are thinned out) a second. A row is appended for each run.

--choose tries settings of the zoo's on the analogies alone, so that the two lists remain a test of what is chosen.
"""

import argparse
import itertools
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import add

import zoo
from zoo import backend
from zoo.data import text_sources
from zoo.data.corpora import Text
from zoo.data.pictures import Dataset
from zoo.data.vocabulary import Vocabulary

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "word2vec.csv"
TRIALS = HERE / "results" / "word2vec_trials.csv"
SCORES = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}
MIN_COUNT = 5  # word2vec's, and gensim's
DEFAULT = 5  # gensim's own number of negatives


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gensim", metavar="PYTHON", required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--architectures", nargs="+", default=["skipgram", "cbow"])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--tools", nargs="+", default=["zoo", "gensim 1 worker", "gensim 2 workers"])
    parser.add_argument("--negative", type=int, help="for both (twelve by the zoo, five by gensim)")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--negatives", nargs="+", type=int, default=[5, 12], help="to choose from")
    parser.add_argument("--rates", nargs="+", type=float, default=[6.4, 9.6, 12.8], help="to choose from")
    options = parser.parse_args()
    text = text_sources.find("english_lines").splits["train"].text
    known = Vocabulary.of(text.replace("\n", " "), "lower-case words", MIN_COUNT)
    places = {name: person_scores(options.gensim, file) for name, file in SCORES.items()}
    questions = person_scores(options.gensim, "questions-words.txt")
    if options.choose:
        for seed, negative, rate in itertools.product(options.seeds, options.negatives, options.rates):
            net = zoo.get("word2vec", seed=seed, negative=negative)
            net.train(Dataset("corpus", {"train": Text(text)}), learning_rate=rate, progress=False)
            found = analogies(net, questions)[0]
            add(options.out or TRIALS, {"negative": negative, "learning_rate": rate, "seed": seed, "analogies": found})
        return
    with tempfile.TemporaryDirectory() as work:
        sentences = [[w for w in known.split(line) if w in known.numbers] for line in text.split("\n")]
        tokens = Path(work, "tokens.json")
        tokens.write_text(json.dumps([sentence for sentence in sentences if sentence]), encoding="utf-8")
        words = sum(map(len, sentences))
        for seed in options.seeds:
            for architecture in options.architectures:
                for tool in options.tools:
                    how = {"architecture": architecture}
                    if options.negative or tool != "zoo":
                        how["negative"] = options.negative or DEFAULT
                    net = zoo.get("word2vec", seed=seed, **how)
                    if tool == "zoo":
                        rate = learn(net, text, options.epochs, words)
                    else:
                        rate = gensim(net, tool, tokens, seed, options, Path(work, "vectors.npz"), text)
                    name = f"zoo on {backend.name()}" if tool == "zoo" else tool
                    row = {"tool": name, **how, "negative": net.arguments["negative"]}
                    row |= {"learning_rate": net.entry.learning_rate if tool == "zoo" else ""}
                    row |= {"epochs": options.epochs, "seed": seed, "words_per_second": rate}
                    for pairs, file in places.items():
                        found = net.evaluate(file)
                        row |= {pairs: round(float(found["spearman"]), 4), f"{pairs} pairs": found["spearman"].n}
                    row["analogies"], row["questions"] = analogies(net, questions)
                    add(options.out or RESULTS, row)


def learn(net, text: str, epochs: int, words: int) -> int:
    """Train the zoo's; words of the text a second, without the first steps, in which it is compiled."""
    import keras

    dataset = Dataset("corpus", {"train": Text(text)})
    times = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if len(times) < 5:
                float(logs["loss"])
            times.append(time.perf_counter())

    net.train(dataset, epochs=epochs, callbacks=[Clock()], progress=False)
    share = (len(times) - 5) / len(times)
    return round(words * epochs * share / (times[-1] - times[4]))


def gensim(net, tool: str, tokens: Path, seed: int, options, out: Path, text: str) -> int:
    """Train gensim's, and put its vectors into a net of ours, so that both are scored alike."""
    arguments = {**net.arguments, "epochs": options.epochs}
    how = [arguments[key] for key in ("architecture", "units", "window", "negative", "epochs")]
    command = [options.gensim, HERE / "peers" / "gensim_word2vec.py", tokens, *how, seed, tool.split()[1], out]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
    net.learn_vocabulary(text.replace("\n", " "))
    with np.load(out) as found:
        vectors = dict(zip(found["words"].tolist(), found["vectors"], strict=True))
    table = np.zeros((len(net.known()), net.arguments["units"]), np.float32)
    for word, number in net.known().numbers.items():
        table[number] = vectors[word]
    net.model.get_layer("vectors").set_weights([table])
    return json.loads(done.stdout.splitlines()[-1])["words_per_second"]


def analogies(net, file: Path) -> tuple[float, int]:
    """The mean of one over the rank of the right word, and how many questions have four known words."""
    lines = [line.lower().split() for line in file.read_text(encoding="utf-8").splitlines() if line[:1] != ":"]
    known = net.known().numbers
    asked = np.array([[known[word] for word in line] for line in lines if {*line} <= known.keys()])
    unit = net.unit()
    without, one, instead, right = (unit[column] for column in asked.T)
    towards = one - without + instead
    cosines = towards @ unit[1:].T
    np.put_along_axis(cosines, asked[:, :3] - 1, -np.inf, axis=1)  # the words of the question are no answers
    ranks = 1 + (cosines > (towards * right).sum(1, keepdims=True) + 1e-6).sum(1)
    return round(float((1 / ranks).mean()), 4), len(ranks)


def person_scores(python: str, file: str) -> Path:
    """Where gensim's wheel keeps a list of people's scores, or of analogies."""
    code = "import importlib.util as u; print(u.find_spec('gensim').submodule_search_locations[0])"
    done = subprocess.run([python, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip(), "test", "test_data", file)


if __name__ == "__main__":
    main()
