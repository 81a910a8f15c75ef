"""Word vectors by zoo and by gensim: the same words, dimensions, window, negatives and epochs, in one run.

    python benchmarks/word2vec.py --gensim path/to/python/with/gensim --seeds 0 1 2 3 4

The text is english_lines, in lower case, words that occur five times or more; to gensim each line is a sentence.
Both tools' vectors are scored by the same code on WordSim-353 and SimLex-999, which gensim's wheel carries. Speed is
that of training alone, in words of the text (before any are thinned out) a second. A row is appended for each run.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from compare import read
from machine import setting, write

import zoo
from zoo import backend
from zoo.data import text_sources
from zoo.data.corpora import Text
from zoo.data.pictures import Dataset
from zoo.data.vocabulary import Vocabulary

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "word2vec.csv"
SCORES = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}
MIN_COUNT = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gensim", metavar="PYTHON", required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--architectures", nargs="+", default=["skipgram", "cbow"])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--tools", nargs="+", default=["zoo", "gensim 1 worker", "gensim 2 workers"])
    parser.add_argument("--learning-rate", type=float, help="of the zoo (its own)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    text = text_sources.find("english_lines").splits["train"].text
    known = Vocabulary.of(text.replace("\n", " "), "lower-case words", MIN_COUNT)
    places = {name: person_scores(options.gensim, file) for name, file in SCORES.items()}
    with tempfile.TemporaryDirectory() as work:
        sentences = [[w for w in known.split(line) if w in known.numbers] for line in text.split("\n")]
        tokens = Path(work, "tokens.json")
        tokens.write_text(json.dumps([sentence for sentence in sentences if sentence]), encoding="utf-8")
        words = sum(map(len, sentences))
        for seed in options.seeds:
            for architecture in options.architectures:
                for tool in options.tools:
                    net = zoo.get("word2vec", seed=seed, architecture=architecture)
                    if tool == "zoo":
                        rate = learn(net, text, options.epochs, words, options.learning_rate)
                    else:
                        rate = gensim(net, tool, tokens, seed, options, Path(work, "vectors.npz"), text)
                    name = f"zoo on {backend.name()}" if tool == "zoo" else tool
                    row = {"tool": name, "architecture": architecture, "epochs": options.epochs, "seed": seed}
                    row |= {"words_per_second": rate}
                    for pairs, file in places.items():
                        found = net.evaluate(file)
                        row |= {pairs: round(float(found["spearman"]), 4), f"{pairs} pairs": found["spearman"].n}
                    print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
                    write(options.out, [*read(options.out), {**row, **setting()}])


def learn(net, text: str, epochs: int, words: int, learning_rate) -> int:
    """Train the zoo's; words of the text a second, without the first steps, in which it is compiled."""
    import keras

    dataset = Dataset("corpus", {"train": Text(text)})
    times = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if len(times) < 5:
                float(logs["loss"])
            times.append(time.perf_counter())

    net.train(dataset, epochs=epochs, callbacks=[Clock()], progress=False, learning_rate=learning_rate)
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


def person_scores(python: str, file: str) -> Path:
    """Where gensim's wheel keeps a list of people's scores."""
    code = "import importlib.util as u; print(u.find_spec('gensim').submodule_search_locations[0])"
    done = subprocess.run([python, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip(), "test", "test_data", file)


if __name__ == "__main__":
    main()
