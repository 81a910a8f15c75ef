"""Word vectors: examples, the loss against NumPy, verbs, scores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import backend, cli
from zoo.backend import keras
from zoo.data.dataset import Dataset
from zoo.data.text.corpora import Text
from zoo.errors import UsageError, ZooError
from zoo.visualization import charts

# Two worlds that never meet: within each, words stand near each other.
ANIMALS, TOOLS = ["cat", "dog", "horse", "cow", "sheep", "goat"], ["hammer", "saw", "drill", "wrench", "file", "plane"]


def story(seed=0, sentences=2000) -> str:
    random = np.random.default_rng(seed)
    kinds = (ANIMALS, TOOLS)
    return "\n".join(" ".join(random.choice(kinds[random.integers(2)], 8)) for _ in range(sentences))


@pytest.fixture(scope="module")
def net():
    net = zoo.get("word2vec", units=16, window=2, seed=0)
    net.settings = replace(net.settings, subsample=1.0)
    net.train(story(), epochs=16, batch_size=16, learning_rate=2.0, progress=False)
    return net


def test_examples():
    net = zoo.get("word2vec", units=4, seed=0)
    net.settings = replace(net.settings, block=8, draws=2, min_count=3, subsample=0.1)
    text = "the the the cat the the\ncat cat rare " * 30 + "once"
    data = net._make_plan(Dataset("d", {"train": Text(text)}), batch_size=4).data
    assert net.vocabulary.tokens == ["the", "cat", "rare"] and data.y.shape == data.x.shape == (270,)
    order = data.order(len(data.x), 4, 0)
    passes = [np.concatenate([order.rows(step + first) for step in range(order.steps)]) for first in (0, order.steps)]
    assert all(rows.shape == (order.count, 8 + 2) for rows in passes)
    kept = [set(rows[:, :8].ravel().tolist()) for rows in passes]
    assert 150 < len(kept[0]) < 220 and kept[0] != kept[1]  # thinned out, and anew in each pass
    assert all((np.diff(rows[:, :8].ravel()) > 0).all() for rows in passes)  # in the order of the text
    begins = [order.rows(order.steps * number)[0, 0] for number in range(50)]
    ends = [order.rows(order.steps * number - 1)[-1, 7] for number in range(1, 51)]
    assert min(begins) < 5 < max(begins) and min(ends) < 265 < max(ends)  # what is too much is left out on either side
    # negatives are drawn by their frequency to the power of 0.75, however often they are left out
    counts = np.array([0, 150, 90, 30])
    drawn = np.bincount(data.x[np.concatenate([order.rows(step)[:, 8:] for step in range(4000)])].ravel(), minlength=4)
    assert drawn / drawn.sum() == pytest.approx(counts**0.75 / (counts**0.75).sum(), rel=0.03)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.every_backend
def test_the_loss_against_loops(architecture):
    """The published sums, word by word."""
    net = zoo.get("word2vec", vocab_size=9, units=4, window=2, negative=3, architecture=architecture, seed=0)
    random = np.random.default_rng(0)
    outputs = random.normal(size=(2, 7 + 3, 8)).astype(np.float32)  # three negatives behind seven words
    line = np.array([[0, 0, 0, 0, 1, 1, 2, 0, 0, 0], [0] * 10], np.float32)  # one word of the first block is alone
    vectors, contexts = outputs[..., :4].astype(float), outputs[..., 4:].astype(float)
    elsewhere = contexts[:, 7:]

    def cost(score):
        return np.log1p(np.exp(-score))

    expected = np.zeros((2, 7))
    for block in range(2):
        for at in range(7):
            near = {j: 1 / abs(j - at) for j in range(7) if 0 < abs(j - at) <= 2 and line[block, j] == line[block, at]}
            if not near:
                continue
            if architecture == "cbow":
                mean = sum(w * vectors[block, j] for j, w in near.items()) / sum(near.values())
                expected[block, at] = cost(mean @ contexts[block, at])
                far, pairs = mean, 1
            else:
                expected[block, at] = sum(w * cost(vectors[block, at] @ contexts[block, j]) for j, w in near.items())
                far, pairs = vectors[block, at], sum(near.values())
            expected[block, at] += 3 * pairs * np.mean([cost(-(far @ negative)) for negative in elsewhere[block]])
    net.settings = replace(net.settings, draws=3)
    losses = net._model_loss()(*map(keras.ops.convert_to_tensor, (line, outputs)))
    assert np.allclose(keras.ops.convert_to_numpy(losses), expected, rtol=1e-4)


@pytest.mark.every_backend
def test_cbow_moves_each_near_word_by_the_whole_step():
    """As Mikolov's program and gensim do; the gradient of a mean would share the step out among them."""
    net = zoo.get("word2vec", vocab_size=11, units=4, window=2, negative=3, architecture="cbow", seed=0)
    net.settings = replace(net.settings, draws=3)
    model, random = net.build(), np.random.default_rng(0)
    model.set_weights([random.normal(size=(11, 4)).astype(np.float32) for _ in range(2)])
    vectors, contexts = (table.astype(float) for table in model.get_weights())
    model.compile(keras.optimizers.SGD(7.0), net._model_loss())  # the loss is a mean over seven words
    model.train_on_batch(np.arange(1, 11, dtype=np.int32)[None], np.zeros((1, 10), np.float32))
    expected = vectors.copy()
    for at in range(1, 8):
        near = {j: 1 / abs(j - at) for j in range(1, 8) if 0 < abs(j - at) <= 2}
        mean = sum(w * vectors[j] for j, w in near.items()) / sum(near.values())
        towards = contexts[at] / (1 + np.exp(mean @ contexts[at]))
        away = 3 * np.mean([contexts[n] / (1 + np.exp(-(mean @ contexts[n]))) for n in (8, 9, 10)], axis=0)
        for j, w in near.items():
            expected[j] += w * (towards - away)
    assert np.allclose(model.get_layer("vectors").get_weights()[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.every_backend
def test_near_words_come_near(architecture):
    net = zoo.get("word2vec", units=16, window=2, architecture=architecture, seed=0)
    net.settings = replace(net.settings, subsample=1.0)
    net.train(story(), epochs=16, batch_size=16, learning_rate=2.0, progress=False)
    for kind, others in ((ANIMALS, TOOLS), (TOOLS, ANIMALS)):
        found = [word for word, _ in net.most_similar(kind[0], top=5)]
        assert set(found) == set(kind[1:]), found
        assert net.similarity(*kind[:2]) > 0.9 and net.similarity(kind[0], others[0]) < 0.6


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_a_few_words_over_and_over(architecture):
    """Steps stay bounded where every word stands in every batch many times."""
    net = zoo.get("word2vec", architecture=architecture, seed=0)
    history = net.train("the cat sat on the mat . the dog sat on the rug . " * 200, epochs=8, progress=False)
    assert history.history["loss"][-1] < history.history["loss"][0]


@pytest.mark.every_backend
def test_a_word_that_stands_often_takes_no_larger_steps():
    """Adam's first step is as long as the learning rate, whatever the gradient."""
    net = zoo.get("word2vec", units=16, seed=0)
    net.settings = replace(net.settings, subsample=1.0)
    how = {"optimizer": "adam", "learning_rate": 0.01, "schedule": "constant"}
    net.train(story(sentences=128), epochs=1, batch_size=16, **how, progress=False)
    steps = np.abs(net.model.get_layer("contexts").get_weights()[0][1:])  # they begin at zero
    assert steps.max() < 0.010001 and np.median(steps) == pytest.approx(0.01, rel=0.01)


@pytest.mark.skipif(backend.name() != "tensorflow", reason="others have no pieces")
@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("SGD", {"clipnorm": 0.05}),
        ("Adam", {"global_clipnorm": 0.05}),
        ("AdamW", {}),
        ("RMSprop", {}),
        ("Adagrad", {}),
    ],
)
def test_optimizers_see_what_they_see_of_other_layers(name, config):
    """Steps by one piece for each token are those by the whole gradient of the embedding; by TensorFlow's, others."""
    import tensorflow as tf

    def steps(prepare):
        keras.utils.set_random_seed(0)
        net = keras.Sequential([keras.Input((6,)), keras.layers.Embedding(30, 4), keras.layers.GlobalMaxPooling1D()])
        net.compile(prepare(getattr(keras.optimizers, name)(0.1, **config)), "mse")
        random = np.random.default_rng(0)
        net.fit(random.integers(0, 9, (32, 6)), random.normal(size=(32, 4)), batch_size=8, epochs=2, verbose=0)
        return net.get_weights()[0]

    def whole(optimizer):
        apply = optimizer.apply
        optimizer.apply = lambda gradients, *rest: apply([tf.convert_to_tensor(one) for one in gradients], *rest)
        return optimizer

    assert np.allclose(steps(backend.merge_sparse_gradients), steps(whole), atol=1e-6)
    assert not np.allclose(steps(backend.merge_sparse_gradients), steps(lambda optimizer: optimizer), atol=1e-4)


def test_verbs(net, tmp_path):
    assert net.similarity("cat", "cat") == pytest.approx(1)
    assert net.similarity("cat", "dog") > net.similarity("cat", "saw")
    vector = net.vector("Cat")
    assert vector.shape == (16,)
    a, b, c = (net.vector(word) / np.linalg.norm(net.vector(word)) for word in ("cat", "dog", "saw"))
    best, cosine = net.analogy("cat", "dog", "saw", top=1)[0]
    direction = (a - b + c) / np.linalg.norm(a - b + c)
    others = [word for word in ANIMALS + TOOLS if word not in ("cat", "dog", "saw")]
    wanted = {word: direction @ net.vector(word) / np.linalg.norm(net.vector(word)) for word in others}
    assert best == max(wanted, key=wanted.get) and cosine == pytest.approx(wanted[best], abs=1e-5)
    assert net.map(tmp_path / "map.png", words=12).path.stat().st_size > 1000
    with pytest.raises(UsageError, match="a map of 2 words shows nothing"):
        net.map(words=["cat", "dog"])
    with pytest.raises(UsageError, match="does not know the word 'hammr'; did you mean 'hammer'"):
        net.most_similar("hammr")
    with pytest.raises(UsageError, match="top is 0"):
        net.most_similar("cat", top=0)
    with pytest.raises(UsageError, match="knows no lower-case words yet"):
        zoo.get("word2vec").most_similar("cat")
    with pytest.raises(UsageError, match="leave out validation"):
        net.train(story(), story())
    with pytest.raises(ZooError, match="architecture is 'glove'"):
        zoo.get("word2vec", architecture="glove").build()
    with pytest.raises(ZooError, match="too little to learn from"):
        zoo.get("word2vec").train("one two three\n")


def test_scores(net, tmp_path, capsys, monkeypatch):
    """The rank correlation is scipy's; words in other cases count, unknown ones do not."""
    from scipy.stats import spearmanr

    pairs = [("cat", "Dog", 9), ("cat", "saw", 1), ("saw", "drill", 8), ("cow", "plane", 0.5), ("cow", "goat", 7)]
    file = tmp_path / "people.tsv"
    lines = ["# word\tword\tscore", *(f"{a}\t{b}\t{s}" for a, b, s in pairs), "cat\txyzzy\t3", "word,word,score"]
    file.write_text("\n".join(lines), "utf-8")
    found = net.evaluate(file)
    cosines = [net.similarity(a, b) for a, b, _ in pairs]
    assert found["spearman"].value == pytest.approx(spearmanr(cosines, [s for *_, s in pairs])[0])
    assert found["pairs"] == 6 and found["known"] == 5 / 6 and found["spearman"].n == 5
    monkeypatch.chdir(tmp_path)
    net.save("words.keras")
    assert zoo.load("words.keras").most_similar("cat") == net.most_similar("cat")
    assert cli.main(["evaluate", "words.keras", "people.tsv"]) == 0
    assert "rank correlation" in capsys.readouterr().out
    assert cli.main(["similar", "words.keras", "cat", "--top", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert cli.main(["similar", "words.keras", "cat", "--without", "dog", "--plus", "saw", "--json"]) == 0
    assert cli.main(["evaluate", "words.keras"]) == 2
    Path("few.tsv").write_text("cat\tdog\t1\n", "utf-8")
    with pytest.raises(ZooError, match="1 scored pairs, and word2vec knows both words of 1"):
        net.evaluate("few.tsv")


def test_what_to_type_next_can_be_typed(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("farm.txt").write_text(story(sentences=200), "utf-8")
    assert cli.main(["train", "word2vec", "--data", "farm.txt", "--set", "units=8", "--epochs", "1"]) == 0
    typed = capsys.readouterr().out.splitlines()[-1].removeprefix("Next: zoo ").split()
    assert typed[:2] == ["similar", "word2vec.keras"] and typed[2] in ANIMALS + TOOLS
    assert cli.main(typed) == 0


# Two words of two numbers, byte by byte: 1 and -0.5 are 3f800000 and bf000000 in float32, 0.25 and 2 are 3e800000 and
# 40000000.
TEXT = "2 2\nKönig 1.0 -0.5\na 0.25 2.0\n".encode()
BINARY = b"2 2\nK\xc3\xb6nig \x00\x00\x80\x3f\x00\x00\x00\xbfa \x00\x00\x80\x3e\x00\x00\x00\x40"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("v.txt", TEXT),
        ("v.vec", TEXT.replace(b"\n", b" \n")[:-2]),  # as fastText writes it, and without a last line break
        ("v.txt", TEXT.replace(b"\n", b"\r\n")),
        ("v.bin", BINARY),
        ("v.bin", BINARY[:19] + b"\n" + BINARY[19:] + b"\n"),  # as Mikolov's own program writes it
    ],
)
def test_vectors_of_other_tools(name, data, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(data)
    net = zoo.load(name)
    assert net.vectors().tolist() == [[0, 0], [1, -0.5], [0.25, 2]] and net.vocabulary.tokens == ["König", "a"]
    assert net.similarity("König", "a") == pytest.approx(-0.75 / np.sqrt(1.25 * 4.0625))
    assert cli.main(["similar", name, "König", "--json"]) == 0 and '"word": "a"' in capsys.readouterr().out
    for out, expected in (("out.txt", TEXT), ("out.bin", BINARY), ("out.vec", TEXT)):
        net.export(out)
        assert Path(out).read_bytes() == expected
        with pytest.raises(ZooError, match="is there already"):
            net.export(out)
    net.model.get_layer("vectors")  # the same once Keras is asked
    net.save("words.keras")
    assert cli.main(["export", "words.keras", "again.bin"]) == 0 and Path("again.bin").read_bytes() == BINARY


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("v.txt", b"", "it is empty"),
        ("v.txt", b"king 0.1 0.2\nqueen 0.1 0.3\n", "the first line must say how many"),
        ("v.txt", b"-2 2\n" + TEXT[4:], "the first line must say how many"),
        ("v.bin", b"\xff" * 500, "the first line must say how many"),
        ("v.txt", b"99999999 99999999\na 1 2\n", "99,999,999 words of 99,999,999 numbers, for which it is too short"),
        ("v.bin", b"99999999 99999999\n" + BINARY[4:], "for which it is too short"),
        ("v.txt", TEXT[:-8], "too short|word 2 of 2 cannot be read"),
        ("v.bin", BINARY[:-1], "word 2 of 2 cannot be read: there has to be"),
        ("v.txt", b"1" + TEXT[1:], "holds 1 words, and there is more"),
        ("v.bin", b"1" + BINARY[1:], "holds 1 words, and there is more"),
        ("v.txt", TEXT.replace(b"a 0", b"new york 0"), "word 2 of 2 .* a word without spaces and 2 numbers"),
        ("v.txt", TEXT.replace(b"2.0", b"two"), "word 2 of 2 .*two"),
        ("v.txt", TEXT.replace(b"\xc3", b""), "word 1 of 2 .* not in UTF-8"),
        ("v.txt", TEXT.replace(b"2.0", b"nan"), "the vector of 'a' holds what is no finite number"),
        ("v.txt", TEXT.replace(b"2.0", b"1e39"), "the vector of 'a' holds what is no finite number"),
        ("v.bin", BINARY[:-4] + b"\x00\x00\xc0\x7f", "the vector of 'a' holds what is no finite number"),
        ("v.txt", TEXT.replace("König".encode(), b"a"), "the word 'a' twice"),
        ("v.txt", b"2 2\n" + b" " * 10**6, "word 1 of 2 cannot be read"),
        ("nowhere.bin", None, "there is no such file"),
    ],
)
def test_files_that_hold_no_vectors(name, data, reason, tmp_path):
    file = tmp_path / name
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(ZooError, match=reason):
        zoo.load(file)


def test_more_words_than_a_vocabulary_holds(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("zoo.weights.word2vec_file.MOST", 2)
    (tmp_path / "v.bin").write_bytes(BINARY)
    assert zoo.load(tmp_path / "v.bin").vocabulary.tokens == ["König"]
    assert "Of 2 words the first 1 are read" in capsys.readouterr().err


def test_only_words_are_exported_as_vectors(tmp_path):
    with pytest.raises(ZooError, match="logistic is a model for classification"):
        zoo.get("logistic", input_shape=(4, 4, 3)).export(tmp_path / "v.txt")
    with pytest.raises(UsageError, match="knows no lower-case words yet"):
        zoo.get("word2vec").export(tmp_path / "v.txt")


def test_no_word_of_a_map_lies_on_another():
    random = np.random.default_rng(0)
    centers, sizes = random.uniform(0, 300, (60, 2)), random.uniform([20, 8], [60, 12], (60, 2))
    centers[1] = centers[0]
    spread = charts.spread_out(centers, sizes)
    for i in range(60):
        for j in range(i):
            assert (abs(spread[i] - spread[j]) >= (sizes[i] + sizes[j]) / 2 - 0.01).any()
    assert np.abs(spread - centers).max() < 100
