"""Commands for models of text: generate, chat, similar."""

import sys

from click import argument, option

from zoo.cli.command import command, open_model, with_defaults
from zoo.cli.options import (
    PATH,
    POSITIVE,
    model_argument,
    overwrite_option,
    seed_option,
    temperature_option,
    weights_option,
)
from zoo.console import note, say, say_json
from zoo.errors import UsageError, printable


@command(calls="zoo.tasks.text.language:LanguageModel.generate")
@model_argument()
@argument("prompt", metavar="[PROMPT]", required=False)
@option("--length", type=int, metavar="N", help="Characters, or words, to draw.")
@temperature_option
@option("--top-k", type=int, metavar="K", help="Draw from the K most probable alone; 0 from all.")
@option("--top-p", type=float, metavar="P", help="Draw from the most probable with this share.")
@option("--stop", multiple=True, metavar="TEXT", help="End before this is drawn; may be given more than once.")
@option("--samples", type=POSITIVE, metavar="N", help="How many texts to draw.")
@seed_option
@weights_option
def generate(name, as_json, weights=None, **options) -> None:
    """Go on with a text.

    PROMPT is how the text begins; without it, it begins like a line.

    Examples:
      zoo generate char.keras "ROMEO:" --length 400
      zoo generate char.keras --temperature 0.5 --seed 1
      zoo generate tv.keras "homer_simpson:" --top-p 0.9
    """
    model = open_model(name, "generate", weights)
    options = with_defaults(model.generate, **options, stream="samples" not in options)
    pieces = model.generate(**options)
    if as_json:
        del options["stream"]
        return say_json({**options, "text": pieces if isinstance(pieces, list) else "".join(pieces)})
    if isinstance(pieces, list):
        return say("\n\n".join(pieces))
    for piece in pieces:
        say(piece, end="")
    say()


@command(calls="zoo.tasks.text.dialogue:Dialogue.reply")
@model_argument()
@option("--beam", type=POSITIVE, metavar="N", help="1 draws the answer, more search for it.")
@temperature_option
@seed_option
@weights_option
def chat(name, as_json, weights=None, **options) -> None:
    """Talk with a chatbot.

    Examples:
      zoo chat bot.keras                           a line a turn; an empty one, or Ctrl-D, ends it
      zoo chat bot.keras --beam 5
      echo "How are you?" | zoo chat bot.keras --json
    """
    model = open_model(name, "chat", weights)
    turns = []
    if sys.stdin.isatty():
        note("Say something; an empty line ends the conversation.")
    while line := read_line():
        answer = model.reply(line, **options)
        turns.append({"said": line, "reply": answer})
        if not as_json:
            say(printable(answer))
    if as_json:
        say_json(turns)


def read_line() -> str:
    """What people type, or the next line of what is piped in; nothing at the end."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""


@command(calls="zoo.tasks.text.embedding:Embedding.most_similar")
@model_argument()
@argument("word", metavar="WORD")
@option("--without", metavar="WORD", help="An analogy: what is to --plus as WORD is to this one.")
@option("--plus", metavar="WORD", help="See --without.")
@option("--top", type=POSITIVE, metavar="K", help="How many words to name.")
@option("--map", "picture", type=PATH, metavar="FILE.png", help="Draw the most frequent words on a plane.")
@weights_option
@overwrite_option
def similar(name, word, as_json, overwrite, without=None, plus=None, picture=None, weights=None, **options) -> None:
    """Name the words that are nearest to a word.

    Examples:
      zoo similar words.keras king
      zoo similar words.keras king --without man --plus woman
      zoo similar words.keras king --map words.png  and the most frequent words on a plane
      zoo similar vectors.bin king                  vectors of gensim's or others, in word2vec's formats
    """
    model = open_model(name, "similar", weights)
    if (without is None) != (plus is None):
        raise UsageError("an analogy takes --without and --plus: zoo similar FILE king --without man --plus woman")
    nearest = model.analogy(word, without, plus, **options) if without else model.most_similar(word, **options)
    if picture:
        model.map(picture, overwrite=overwrite)
        note(f"Wrote {picture}.")
    if as_json:
        return say_json([{"word": other, "cosine": cosine} for other, cosine in nearest])
    for other, cosine in nearest:
        say(f"{cosine:.3f}  {printable(other)}")
