"""Twenty classic analogies, by the word vectors that ship: at which place the expected word comes.

    python benchmarks/analogies.py

The list was written down before it was looked at, and all of it is shown. Words of the question are no answers.
"""

from pathlib import Path

from machine import setting, write

import zoo
from zoo.errors import UsageError

RESULTS = Path(__file__).parent / "results" / "analogies.csv"
ANALOGIES = """
    king man woman queen
    queen woman man king
    father man woman mother
    brother man woman sister
    son man woman daughter
    husband man woman wife
    boy man woman girl
    uncle man woman aunt
    prince man woman princess
    actor man woman actress
    his he she her
    better good bad worse
    best good bad worst
    bigger big small smaller
    walked walk talk talked
    went go come came
    children child man men
    quickly quick slow slowly
    paris france russia moscow
    tuesday monday wednesday thursday
"""  # a - b + c = d


def main() -> None:
    vectors = zoo.get("word2vec", weights="english_lines")
    rows = []
    for a, b, c, d in map(str.split, ANALOGIES.split("\n")[1:-1]):
        row = {"sum": f"{a} - {b} + {c}", "expected": d, "place": "", "first": ""}
        try:
            vectors.vector(d)
            answers = [word for word, _ in vectors.analogy(a, b, c, top=10**6)]
            row |= {"place": answers.index(d) + 1, "first": answers[0]}
        except UsageError as error:  # a word that stands too rarely in the text
            row["first"] = str(error).partition(";")[0]
        rows.append({**row, **setting()})
        print(row, flush=True)
    write(RESULTS, rows)


if __name__ == "__main__":
    main()
