"""The `zoo` command: reads words, calls the library, prints results to standard output, the rest to standard error."""

import argparse
import io
import json
import os
import signal
import sys

from zoo import commands
from zoo._version import __version__
from zoo.console import note
from zoo.errors import UsageError, ZooError

EXAMPLES = {
    None: """\
  zoo list                                   every model
  zoo predict efficientnet_lite0 cat.jpg     what is in this picture? (1000 ImageNet classes, offline)
  zoo finetune photos/ --out pets.keras      a classifier of your own photos
  zoo predict pets.keras new.jpg             use it
  zoo train logistic --data faces            train a model of the course""",
    "list": "  zoo list\n  zoo list --task classification --weights\n  zoo list --json",
    "show": "  zoo show logistic\n  zoo show efficientnet_lite0 --json\n  zoo show pets.keras",
    "train": """\
  zoo train logistic                             on its own dataset, into logistic.keras
  zoo train logistic --data faces --seed 1
  zoo train logistic --data photos/ --set input_shape=(32,32,3) --epochs 5
  zoo train logistic --data faces --epochs 40 --resume
  zoo train dcgan --data photos/ --size 64       learns to draw such pictures
  zoo train dcgan --data faces:face --size 24    or those of one class of a dataset
  zoo train my_net.py --data photos/             a model of your own""",
    "evaluate": """\
  zoo evaluate pets.keras photos/val
  zoo evaluate logistic.keras catvnoncat --json
  zoo evaluate logistic.keras catvnoncat --errors wrong.html   the pictures that it gets wrong
  zoo evaluate dcgan --n 1000                                  how real the pictures look that it draws""",
    "predict": """\
  zoo predict pets.keras new.jpg
  zoo predict efficientnet_lite0 *.jpg --top 3 --json
  zoo predict logistic cat.jpg --beside cats.keras
  zoo predict efficientnet_lite0 chelsea         a cat that scikit-image carries
  zoo predict pets.keras album/ --csv album.csv  thousands; the same command goes on after an interruption""",
    "generate": """\
  zoo generate char.keras "ROMEO:" --length 400
  zoo generate char.keras --temperature 0.5 --seed 1
  zoo generate tv.keras "homer_simpson:" --top-p 0.9""",
    "chat": """\
  zoo chat bot.keras                           a line a turn; an empty one, or Ctrl-D, ends it
  zoo chat bot.keras --beam 5
  echo "How are you?" | zoo chat bot.keras --json""",
    "similar": """\
  zoo similar words.keras king
  zoo similar words.keras king --without man --plus woman
  zoo similar words.keras king --map words.png  and the most frequent words on a plane""",
    "reconstruct": """\
  zoo reconstruct autoencoder.keras coat.png bag.png --out grid.png
  zoo reconstruct autoencoder.keras clothes/ --out grid.png --noise 0.4
  zoo reconstruct autoencoder.keras fashion_mnist --out grid.png  the first pictures of a dataset""",
    "sample": """\
  zoo sample dcgan.keras --n 64 --out grid.png
  zoo sample dcgan.keras --seed 1 --truncation 1 --out grid.png  the more ordinary ones
  zoo sample dcgan.keras --n 10000 --out drawn/  a file each""",
    "visualise": "  zoo visualise logistic\n  zoo visualise cnn --picture shoe.png --out cnn/",
    "relabel": """\
  zoo relabel pets.keras cats=cat dogs=dog       in place
  zoo relabel pets.keras cats=Katze --out haustiere.keras""",
    "finetune": """\
  zoo finetune photos/                           one folder a class; a fifth is held out
  zoo finetune photos/train --val photos/val --out pets.keras
  zoo finetune labels.csv --augment 4 --backbone efficientnet_lite1
  zoo finetune textures                          an embedded dataset, no network needed""",
    "doctor": """\
  zoo doctor photos/                             what is wrong with these pictures? Nothing is changed
  zoo doctor photos/train --val photos/val
  zoo doctor photos/ --out skip.csv              then: zoo finetune photos/ --skip-list skip.csv
  zoo doctor --env                               versions, processor, memory, missing extras, caches""",
    "reproduce": """\
  zoo reproduce                                  every study, with the question that it answers
  zoo reproduce vanishing_gradient               table, figure and rows in studies/vanishing_gradient
  zoo reproduce optimizers --seeds 5 --out runs  finished rows are kept: the same command goes on""",
    "check": "  zoo check logistic\n  zoo check my_net.py\n  zoo check --all\n  KERAS_BACKEND=jax zoo check logistic",
    "cache": """\
  zoo cache
  zoo cache --prune 30      remove what was not used for 30 days
  zoo cache --prune 0       remove all of it""",
}


def main(argv=None) -> int:
    """Run the command line; returns the exit status: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
    arguments = parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without Unicode shows escapes rather than an error
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = arguments.run(arguments) or 0
        sys.stdout.flush()
        return status
    except (ZooError, ImportError) as error:
        if isinstance(error, ImportError) and "checkout" not in str(error):
            raise
        return failed(arguments, error)
    except KeyboardInterrupt:
        note(f"\nzoo {arguments.command}: interrupted.{getattr(arguments, 'when_interrupted', '')}")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader, `head` perhaps, has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that may not be written: whole files are left as they were
        return failed(arguments, error)


def failed(arguments, error: Exception) -> int:
    """Say what went wrong, to people and with --json to programs; returns the exit status."""
    note(f"zoo {arguments.command}: {error}")
    if arguments.json:
        print(json.dumps({"error": str(error)}))
    return 2 if isinstance(error, UsageError) else 1


class Verb(argparse.ArgumentParser):
    """A command whose options may stand anywhere, before a word that may be left out, too."""

    intermixed = False  # while it is at work, which asks this very method for its halves

    def parse_known_args(self, args=None, namespace=None):
        if self.intermixed:
            return super().parse_known_args(args, namespace)
        self.intermixed = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.intermixed = False


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="zoo",
        description="A Keras 3 model zoo: models of the courses, and a classifier of your own photos in seconds.",
        epilog=f"examples:\n{EXAMPLES[None]}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("-V", "--version", action="version", version=f"zoo {__version__}")
    words = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Verb)

    def command(name, run, help):
        added = words.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=f"examples:\n{EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
        return added

    c = command("list", commands.run_list, "list the models")
    c.add_argument("--task", help="only models of this kind of work")
    c.add_argument("--weights", action="store_true", default=None, help="only models with trained weights")

    c = command("show", commands.run_show, "show the card of a model or what a saved file says of itself")
    c.add_argument("name", metavar="NAME|FILE.keras")

    c = command("train", commands.run_train, "train a model, with checkpoints, and save it")
    c.add_argument("name", metavar="NAME|FILE.py", help="a model's name, or a Python file that registers one")
    c.add_argument("--data", metavar="D", help="a dataset's name, a folder of class folders, a CSV file")
    c.add_argument("--val", metavar="D", help="the same, to watch while training")
    c.add_argument("--set", nargs="+", default=[], action="extend", metavar="KEY=VALUE", help="builder arguments")
    c.add_argument("--size", type=positive_int, metavar="N", help="colour pictures of N x N: input_shape=(N,N,3)")
    c.add_argument("--out", metavar="FILE.keras", help="where to save (NAME.keras); checkpoints go beside it")
    c.add_argument("--resume", action="store_true", help="go on with the run that --out's checkpoints are of")
    c.add_argument("--seed", type=int, metavar="N", help="make the run repeatable")
    c.add_argument("--epochs", type=positive_int, metavar="N")
    c.add_argument("--batch-size", type=positive_int, metavar="N")
    c.add_argument("--learning-rate", type=float, metavar="X")
    c.add_argument("--augment", nargs="*", metavar="WAY", help="vary the pictures: flip, shift, or nothing for none")
    c.add_argument("--tensorboard", action="store_true", help="also write TensorBoard's event files")

    c = command("evaluate", commands.run_evaluate, "measure a model on labelled data")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("data", metavar="DATA", nargs="?", help="a folder of class folders, a dataset's name, a CSV file")
    c.add_argument("--split", help="which split of it: test, validation or train")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")
    c.add_argument("--n", type=int, metavar="N", help="of a model that draws: how many pictures to judge (10,000)")
    c.add_argument("--errors", metavar="FILE.html", help="write a page of what it gets wrong")

    c = command("predict", commands.run_predict, "say what pictures show")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("images", metavar="IMAGE|FOLDER", nargs="+")
    c.add_argument("--csv", metavar="FILE", help="write the answers there, as they come")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")
    c.add_argument("--top", type=positive_int, default=5, metavar="K", help="how many classes to give (5)")
    c.add_argument("--beside", metavar="FILE.keras|NAME", help="what this other model says of the same pictures")

    c = command("generate", commands.run_generate, "go on with a text")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("prompt", metavar="PROMPT", nargs="?", default="", help="how the text begins (a line's beginning)")
    c.add_argument("--length", type=int, default=400, metavar="N", help="characters, or words, to draw (400)")
    c.add_argument("--temperature", type=float, default=0.8, metavar="X", help="0 is always the most probable (0.8)")
    c.add_argument("--top-k", type=int, default=0, metavar="K", help="draw from the K most probable alone (0: all)")
    c.add_argument("--top-p", type=float, default=1.0, metavar="P", help="from the most probable with this share (1)")
    c.add_argument("--seed", type=int, metavar="N", help="the same one gives the same text")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")

    c = command("chat", commands.run_chat, "talk with a chatbot")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("--beam", type=positive_int, default=1, metavar="N", help="1 draws the answer, more search (1)")
    c.add_argument("--temperature", type=float, default=0.7, metavar="X", help="0 is always the most probable (0.7)")
    c.add_argument("--seed", type=int, metavar="N", help="the same one gives the same answers")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")

    c = command("similar", commands.run_similar, "name the words that are nearest to a word")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("word", metavar="WORD")
    c.add_argument("--without", metavar="WORD", help="an analogy: what is to --plus as WORD is to this one")
    c.add_argument("--plus", metavar="WORD")
    c.add_argument("--top", type=positive_int, default=10, metavar="K", help="how many words to name (10)")
    c.add_argument("--map", metavar="FILE.png", help="draw the most frequent words on a plane")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")

    c = command("reconstruct", commands.run_reconstruct, "show what an autoencoder makes of pictures")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("images", metavar="IMAGE|FOLDER|DATASET", nargs="+")
    c.add_argument("--out", metavar="FILE.png", required=True, help="where to draw: given, with noise, reconstructed")
    c.add_argument("--noise", type=float, default=0.0, metavar="X", help="lay noise over them first; white is 1 (0)")

    c = command("sample", commands.run_sample, "draw pictures out of noise")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("--n", type=int, default=64, metavar="N", help="how many (64)")
    c.add_argument("--out", metavar="FILE.png|FOLDER", required=True, help="one picture of all, or a folder for each")
    c.add_argument("--seed", type=int, metavar="N", help="the same one gives the same pictures")
    c.add_argument("--truncation", type=float, metavar="X", help="the less, the more ordinary (no limit)")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")

    c = command("visualise", commands.run_visualise, "draw what the first layer of a classifier looks for")
    c.add_argument("name", metavar="FILE.keras|NAME")
    c.add_argument("--picture", metavar="IMAGE", help="of a convolutional net: draw what it makes of this one, too")
    c.add_argument("--weights", metavar="W", help="which trained weights of a NAME (its first)")
    c.add_argument("--out", metavar="DIR", default="drawn", help="the folder for the pictures (drawn)")

    c = command("relabel", commands.run_relabel, "call the classes of a saved file by other names, without training")
    c.add_argument("name", metavar="FILE.keras")
    c.add_argument("names", metavar="OLD=NEW", nargs="+")
    c.add_argument("--out", metavar="FILE.keras", help="where to save (the same file)")

    c = command("finetune", commands.run_finetune, "train a classifier of your own pictures in seconds")
    c.add_argument("train", metavar="TRAIN", help="a folder of class folders, a dataset's name, a CSV file")
    held_out = c.add_mutually_exclusive_group()
    held_out.add_argument("--val", metavar="DIR", help="pictures to measure on")
    held_out.add_argument("--val-split", type=float, metavar="SHARE", help="share to hold out to measure on (0.2)")
    c.add_argument("--backbone", default="efficientnet_lite0", metavar="NAME", help="a pretrained network")
    c.add_argument("--out", metavar="FILE.keras", help="where to save (TRAIN.keras)")
    c.add_argument("--augment", type=int, default=0, metavar="K", help="add K augmented views of each picture")
    c.add_argument("--precision", metavar="P", help="float32 or bfloat16, to train on (the processor's fastest)")
    c.add_argument("--skip-list", metavar="FILE", help="pictures to leave out, as `zoo doctor --out` writes them")
    c.add_argument("--seed", type=int, default=0, metavar="N", help="decides which pictures are held out (0)")

    c = command("doctor", commands.run_doctor, "look at every picture and say what would harm a classifier")
    c.add_argument("data", metavar="DATA", nargs="?", help="a folder of class folders, a dataset's name, a CSV file")
    c.add_argument("--val", metavar="DIR", help="more of them, held out to measure on")
    c.add_argument("--out", metavar="FILE.csv", help="write a skip list there: what is better left out")
    c.add_argument("--skip-list", metavar="FILE.csv", help="leave out what this skip list names")
    c.add_argument("--env", action="store_true", help="say what the zoo runs on instead")

    c = command("reproduce", commands.run_reproduce, "run a study: an experiment with its table, figure and verdict")
    c.add_argument("name", metavar="NAME", nargs="?", help="the study; without one, all are listed")
    c.add_argument("--seeds", type=positive_int, metavar="N", help="how many seeds (the study's own number)")
    c.add_argument("--out", metavar="DIR", help="where rows and figure go (studies/NAME)")

    c = command("check", commands.run_check, "run the contract checks on a model")
    c.add_argument("names", metavar="NAME|FILE.py", nargs="*")
    c.add_argument("--all", action="store_true", help="every registered model")

    c = command("cache", commands.run_cache, "show what the zoo keeps on disk, or remove it")
    c.add_argument("--prune", type=float, metavar="DAYS", help="remove what was not used for DAYS days")
    return top


def positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value
