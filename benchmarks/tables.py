"""Write the measured numbers of README.md and docs/results.md from the rows in benchmarks/results/.

python benchmarks/tables.py            # rewrites what stands between the markers <!-- NAME --> and <!-- /NAME -->
python benchmarks/tables.py --check    # rewrites nothing; fails where a file disagrees with the rows
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from machine import read

HERE = Path(__file__).resolve().parent
PAGES = (HERE.parent / "README.md", HERE.parent / "docs" / "results.md")
MARKED = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- /\2 -->)", re.DOTALL)
Row = dict[str, str]

COMPARED = {  # (tool, cache) in compare.csv: what the table calls it
    ("zoo", "empty"): "`zoo finetune`",
    ("zoo", "warm"): "the same again, features cached",
    ("zoo_float32", "empty"): "`zoo finetune --precision float32`",
    ("zoo_core", "empty"): "`zoo finetune` without OpenVINO",
    ("zoo_core", "warm"): "the same again, features cached",
    ("keras_guide", ""): "Keras' transfer-learning guide, augmentation, 10 epochs",
    ("keras_features", ""): "Keras, features once, 50 epochs of `Dense`",
    ("timm_pytorch", ""): "timm on PyTorch, augmentation, 10 epochs",
    ("timm_sklearn", ""): "timm, features once, scikit-learn's logistic regression",
}
WORD_VECTORS = {  # seeds in word2vec.csv: under which settings
    (50, 54): "as published, text in order, 256 negatives shared by 64 words; written down before it was scored",
    (60, 64): "twice the published rate",
    (0, 4): "first form, settings chosen on the two lists themselves: no test",
    (5, 9): "the same settings on new seeds",
    (10, 14): "chosen anew, on analogies alone",
    (15, 19): "negatives drawn from the whole text, nothing chosen",
    (40, 44): "the same at twice the rate",
    (55, 56): "CBOW, each near word taking its share of the step",
    (57, 58): "CBOW, each near word taking the whole step, as gensim does",
}


def results(name: str) -> list[Row]:
    return read(HERE / "results" / f"{name}.csv")


def table(header: str, rows: Iterable[Iterable[str]]) -> list[str]:
    """A table in Markdown; `header` names the columns, separated by bars."""
    columns = header.split("|")
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(cell.strip() for cell in line) + " |" for line in lines]


def percent(share: str | float) -> str:
    return f"{100 * float(share):.1f} %"


def interval(row: Row, low: str = "low", high: str = "high") -> str:
    return f"{100 * float(row[low]):.1f} to {100 * float(row[high]):.1f}"


def spread(values: list[float], digits: int = 3) -> str:
    """Mean and standard deviation; of one value the value."""
    if not values:
        return ""
    deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{deviation}"


def numbers(rows: list[Row], column: str) -> list[float]:
    return [float(row[column]) for row in rows if row[column]]


def span(values: list[float]) -> str:
    low, high = f"{min(values):,.0f}", f"{max(values):,.0f}"
    return low if low == high else f"{low} to {high}"


def grouped(rows: list[Row], *columns: str) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return groups


def latest(dataset: str) -> tuple[dict, dict]:
    """Of compare.csv, by (tool, cache) and seed: the last row of each, and the seconds measured on an idle machine."""
    rows: dict[tuple[str, str], dict[str, Row]] = {}
    seconds: dict[tuple[str, str], dict[str, float]] = {}
    for row in results("compare"):
        if row["dataset"] == dataset:
            rows.setdefault((row["tool"], row["cache"]), {})[row["seed"]] = row
            if row["quiet"] == "yes":
                seconds.setdefault((row["tool"], row["cache"]), {})[row["seed"]] = float(row["process_seconds"])
    return rows, seconds


def compare() -> list[str]:
    lines = [[name] for name in COMPARED.values()]
    for dataset in ("hymenoptera", "flower_photos"):
        rows, seconds = latest(dataset)
        for line, way in zip(lines, COMPARED, strict=True):
            accuracies = [100 * float(row["accuracy"]) for row in rows[way].values()]
            times = list(seconds.get(way, {}).values())
            line += [
                f"{np.mean(accuracies):.1f} % ± {np.std(accuracies, ddof=1):.1f}",
                "" if way[0] == "zoo" else difference(rows[way], rows["zoo", "empty"]),
                f"{np.median(times):.1f}" if times else "",
                f"{np.median(numbers(list(rows[way].values()), 'peak_mb')):.0f}",
            ]
    return table("way" + " | accuracy | minus zoo, points (95 %) | seconds | peak MB" * 2, lines)


def difference(theirs: dict[str, Row], ours: dict[str, Row]) -> str:
    """Mean paired difference in points, with a bootstrap interval.

    Pictures are what is drawn, each with all its appearances in held-out parts: the parts overlap, so a picture
    counted as often as it appears would make the interval too narrow.
    """
    seeds = sorted(theirs.keys() & ours.keys())
    his, mine = (
        np.stack([np.frombuffer(rows[seed]["right"].encode(), "S1") for seed in seeds]) for rows in (theirs, ours)
    )
    appearances = (mine != b".").sum(0)
    gains = (his == b"1").sum(0) - (mine == b"1").sum(0)
    count = len(gains)
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), 5000)
    low, high = np.quantile(drawn @ gains / (drawn @ appearances), [0.025, 0.975])
    return f"{100 * gains.sum() / appearances.sum():+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def headline() -> list[str]:
    rows, seconds = latest("hymenoptera")
    accuracies = numbers(list(rows["zoo", "empty"].values()), "accuracy")
    took, again = (np.median(list(seconds["zoo", cache].values())) for cache in ("empty", "warm"))
    return [
        f"Measured: 243 photos of ants and bees, {took:.0f} seconds on two processor cores from the folder to the",
        f"saved file, {np.mean(accuracies):.0%} right on photos it had not seen. Run again: {again:.0f} seconds.",
    ]


def finetune() -> list[str]:
    lines = []
    for rows in grouped(results("finetune"), "dataset").values():
        row = rows[0]
        times = {row["cache"]: row["process_seconds"] for row in rows}
        measured = f"{percent(row['accuracy'])} ({interval(row)})"
        pictures = f"{row['training_pictures']} / {row['validation_pictures']}"
        lines.append([f"`{row['command']}`", measured, pictures, times["empty"], times["warm"]])
    return table("command | accuracy (95 %) | trained on / held out | seconds | again", lines)


def unfreeze() -> list[str]:
    """Ways to fine-tune on the same splits; of the cost, what the first split needed more, with nothing cached."""
    lines = []
    for (dataset,), rows in grouped(results("unfreeze"), "dataset").items():
        ways = {way: {row["seed"]: row for row in of} for (way,), of in grouped(rows, "options").items()}
        for way, runs in ways.items():
            accuracies = [100 * float(row["accuracy"]) for row in runs.values()]
            first, frozen = (float(ways[name]["0"]["processor_seconds"]) for name in (way, ""))
            lines.append(
                [
                    f"{dataset}, `zoo finetune{' ' * bool(way)}{way}`",
                    f"{np.mean(accuracies):.1f} % ± {np.std(accuracies, ddof=1):.1f}",
                    "" if not way else difference(runs, ways[""]),
                    "" if not way else gains(runs, ways[""]),
                    "" if not way else ", ".join(row["blocks"] for row in runs.values()),
                    "" if "views" not in way else ", ".join(row["views"] for row in runs.values()),
                    "" if not way else f"{first - frozen:.0f}",
                ]
            )
    header = "what | accuracy | gain, points (95 %) | gain by split, points | blocks | views | processor seconds more"
    return table(header, lines)


def gains(theirs: dict[str, Row], ours: dict[str, Row]) -> str:
    """Mean and standard deviation over splits of the paired difference, in points."""
    return spread([100 * (float(theirs[seed]["accuracy"]) - float(ours[seed]["accuracy"])) for seed in theirs], 1)


def calibration() -> list[str]:
    """What a temperature changes: means over splits, and the paired change with its 95 % interval by Student's t."""
    lines = []
    for (dataset,), rows in grouped(results("calibration"), "dataset").items():
        line = [f"`{dataset}`", spread(numbers(rows, "temperature"), 2)]
        for column, factor, digits in (("cross_entropy", 1, 3), ("error", 100, 1)):
            before, after = (factor * np.array(numbers(rows, name)) for name in (column, f"{column}_at_temperature"))
            half = 2.776 * np.std(after - before, ddof=1) / len(rows) ** 0.5  # of five splits
            change = f"{np.mean(after - before):+.{digits}f} ± {half:.{digits}f}"
            line += [f"{np.mean(before):.{digits}f}", f"{np.mean(after):.{digits}f}", change]
        lines.append(line)
    header = "photos | temperature | cross-entropy, nats | at temperature | change (95 %)"
    return table(f"{header} | calibration error, points | at temperature | change (95 %)", lines)


def small_data() -> list[str]:
    """Accuracy by the number of training pictures of each class."""
    names = {
        "pixels": "the head on 32 x 32 pixels",
        "cnn": "`cnn`, from random weights",
        "frozen": "`zoo finetune`",
        "unfrozen": "`zoo finetune --unfreeze last`",
    }
    rows = results("small_data")
    counts = sorted({int(row["per_class"]) for row in rows})
    lines = []
    for way, name in names.items():
        of_way = [[row for row in rows if row["way"] == way and int(row["per_class"]) == count] for count in counts]
        lines.append(
            [name, *(spread([100 * accuracy for accuracy in numbers(some, "accuracy")], 1) for some in of_way)]
        )
    return table("photos a class | " + " | ".join(map(str, counts)), lines)


def backbones() -> list[str]:
    """Each backbone, and the one that "auto" chose on each split, on the same splits."""
    lines = []
    for (dataset,), rows in grouped(results("backbones"), "dataset").items():
        for (backbone,), runs in sorted(grouped(rows, "backbone").items(), key=lambda item: item[0][0] == "auto"):
            accuracies = [100 * accuracy for accuracy in numbers(runs, "accuracy")]
            chosen = [row["chosen"].removeprefix("efficientnet_") for row in runs] if backbone == "auto" else []
            lines.append(
                [
                    f"`{dataset}`",
                    f"`{backbone}`",
                    f"{np.mean(accuracies):.1f} % ± {np.std(accuracies, ddof=1):.1f}",
                    ", ".join(chosen),
                ]
            )
    return table("photos | `--backbone` | accuracy | chosen by split", lines)


def audit() -> list[str]:
    lines = []
    for (dataset,), rows in grouped(results("audit"), "dataset").items():
        ways = ("zoo", "zoo_one_head", "cleanlab_self_confidence")
        scores = [spread(numbers(rows, way), 4) for way in ways]
        better = sum(float(row["zoo"]) >= float(row["cleanlab_self_confidence"]) for row in rows)
        seconds = f"{max(numbers(rows, 'processor_seconds')):.1f}"
        errors = [f"{max(numbers(rows, column)):.0e}" for column in ("newton_most", "exact_most")]
        lines.append([f"`{dataset}`, {rows[0]['photos']}", *scores, f"{better} of {len(rows)}", seconds, *errors])
    return table(
        "photos | `zoo audit` | its first head alone | cleanlab | zoo at least cleanlab | processor seconds at most | "
        "largest error of a Newton step | of exact ones",
        lines,
    )


def throughput() -> list[str]:
    return [
        f"- {row['what']}: {float(row['pictures_per_second']):.0f} pictures a second" for row in results("throughput")
    ]


def cifar10() -> list[str]:
    rows = []
    for row in results("cifar10"):
        took = f"{float(row['learning_seconds']) / 60:.0f}" if row["learning_seconds"] else ""
        rows.append([f"`{row['way']}`", f"{percent(row['accuracy'])} ({interval(row)})"])
        rows[-1] += [f"{int(row['trained_weights']):,}", took]
    return table("what | accuracy on the test pictures (95 %) | weights that learned | minutes", rows)


def growth() -> list[str]:
    return [
        f"- {int(row['pictures']):,} pictures: {float(row['process_seconds']):.0f} seconds, {row['peak_mb']} MB"
        for row in results("growth")
    ]


def imagenet_sample() -> list[str]:
    return [f"- `{row['model']}`: {percent(row['top1'])} ({interval(row)})" for row in results("imagenet_sample")]


def tuning() -> list[str]:
    """A model's own settings and those that were found: means over seeds, and the paired gain as for `calibration`."""
    lines = []
    for (batches, model, data), rows in grouped(results("tuning"), "batches", "model", "data").items():
        is_share = rows[0]["metric"] == "accuracy"
        factor, digits = (100, 1) if is_share else (1, 4)
        own, found, watched = (factor * np.array(numbers(rows, name)) for name in ("own", "found", "watched_found"))
        gain = found - own
        half = 2.776 * np.std(gain, ddof=1) / len(rows) ** 0.5  # of five seeds
        better = sum(gain > 0) if is_share else sum(gain < 0)
        lines.append(
            [
                f"`{model}`, {data}{', its own batches' if batches == 'own' else ''}",
                f"{rows[0]['metric']}{', %' if is_share else ''}",
                spread([*own], digits),
                spread([*found], digits),
                f"{np.mean(gain):+.{digits}f} ± {half:.{digits}f}",
                f"{better} of {len(rows)}",
                spread([*watched], digits),
                f"{np.mean(numbers(rows, 'seconds')):.0f}",
            ]
        )
    header = "model, data | held out | its own settings | found | change (95 %) | better | found, as watched"
    return table(f"{header} | processor seconds", lines)


def weights() -> list[str]:
    lines = []
    for (name, metric), rows in sorted(grouped(results("weights"), "name", "metric").items()):
        values = numbers(rows, "value")
        if metric == "accuracy":
            measured = f"{percent(rows[0]['value'])} ({interval(rows[0], 'ci_low', 'ci_high')})"
            several = f"{100 * np.mean(values):.1f} ± {100 * np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
        else:
            measured = f"{values[0]:#.4g} ({float(rows[0]['ci_low']):#.4g} to {float(rows[0]['ci_high']):#.4g})"
            several = spread(values) if len(values) > 1 else ""
        seconds = span(numbers(rows, "training_seconds"))
        seeds = f"{len(rows)}: {several}" if several else "1"
        lines.append([f"`{name}`", metric, measured, seeds, seconds, rows[0]["processor"].removesuffix(" Processor")])
    return table("`benchmarks/weights.py` NAME | metric | seed 0 (95 %) | seeds | training seconds | machine", lines)


def recurrent() -> list[str]:
    lines = []
    for (tool,), rows in grouped(results("recurrent"), "tool").items():
        cells = [f"{float(row[key]):,.0f}" if row[key] else "" for key in ("trains", "writes") for row in rows]
        lines.append([tool, *(cells if len(rows) == 2 else (cells[0], "", cells[1], ""))])
    return table("what | learns, float32 | learns, bfloat16 | writes, float32 | writes, bfloat16", lines)


def autoencoder() -> list[str]:
    return [
        f"- {row['tool']}: cross-entropy {float(row['loss']):.4f} in {float(row['fit_seconds']):.0f} seconds, with "
        f"{int(row['parameters']):,} weights"
        for row in results("autoencoder")
    ]


def dcgan() -> list[str]:
    lines = []
    groups = grouped(results("dcgan"), "seconds", "processor", "tool", "dtype", "batch")
    for (seconds, processor, tool, dtype, batch), rows in groups.items():
        settings = f"{tool}, {dtype}, batches of {batch}"
        frechet = ", ".join(f"{value:.1f}" for value in numbers(rows, "frechet"))
        least = ", ".join(percent(value) for value in numbers(rows, "least"))
        machine, speed = processor.removesuffix(" Processor"), span(numbers(rows, "pictures_per_second"))
        lines.append([f"{float(seconds):.0f}", machine, settings, speed, frechet, least])
    return table("seconds | machine | what | pictures a second | Fréchet distance by seed | rarest class", lines)


def word2vec() -> list[str]:
    """A line for each series of seeds: the zoo's mean and deviation, then gensim's."""
    lines = []
    rows = [row for row in results("word2vec") if row["seed"]]
    for (first, last), remark in WORD_VECTORS.items():
        series = [row for row in rows if first <= int(row["seed"]) <= last]
        ours = max(grouped([row for row in series if row["tool"] == "zoo on jax"], "rate").values(), key=len)
        theirs = [row for row in series if row["tool"] == "gensim 1 worker" and row["negative"] == "5"]
        scores = ("wordsim353", "simlex999", "analogies", "nouns", "verbs")
        cells = [" / ".join(filter(None, (spread(numbers(of, score)) for of in (ours, theirs)))) for score in scores]
        agreement = numbers(ours, "agreement")
        lines.append([f"{first} to {last}", remark, *cells, f"{np.mean(agreement):.3f}" if agreement else ""])
    return table("seeds | zoo / gensim | WordSim-353 | SimLex-999 | analogies | nouns | verbs | agreement", lines)


def analogies() -> list[str]:
    rows = [[row["sum"], row["expected"], f"{int(row['place']):,}", row["first"]] for row in results("analogies")]
    return table("sum | expected | its place | what comes first", rows)


def word2vec_speed() -> list[str]:
    rows = [
        row for row in results("word2vec") if row["seed"] and (50 <= int(row["seed"]) <= 54 or row["seed"] == "59")
    ]
    return [
        f"- {tool}: {np.mean(numbers(group, 'words_per_second')):,.0f} words a second, runs: {len(group)}"
        for (tool,), group in grouped(rows, "tool").items()
    ]


def runs() -> list[str]:
    """Where and when the rows were measured, and how long that took where they say so."""
    took: dict[str, list[str]] = {}
    for path in sorted((HERE / "results").glob("*.csv")):
        for (day, cores, processor), rows in grouped(read(path), "day", "cores", "processor").items():
            columns = [key for key in ("process_seconds", "training_seconds", "seconds") if key in rows[0]]
            minutes = f" ({sum(numbers(rows, columns[0])) / 60:.0f} minutes)" if columns else ""
            machine = f"{processor.removesuffix(' Processor')}, {cores} cores, {day}"
            took.setdefault(machine, []).append(f"{path.stem}{minutes}")
    return [f"- {machine}: {', '.join(names)}" for machine, names in sorted(took.items())]


TABLES: dict[str, Callable[[], list[str]]] = {
    "headline": headline,
    "compare": compare,
    "finetune": finetune,
    "unfreeze": unfreeze,
    "small_data": small_data,
    "backbones": backbones,
    "calibration": calibration,
    "throughput": throughput,
    "cifar10": cifar10,
    "growth": growth,
    "audit": audit,
    "imagenet_sample": imagenet_sample,
    "tuning": tuning,
    "weights": weights,
    "recurrent": recurrent,
    "autoencoder": autoencoder,
    "dcgan": dcgan,
    "word2vec": word2vec,
    "word2vec_speed": word2vec_speed,
    "analogies": analogies,
    "runs": runs,
}


def rewritten(text: str) -> str:
    """The page with what stands between its markers made anew."""

    def replace(match: re.Match[str]) -> str:
        return match[1] + "\n".join(TABLES[match[2]]()) + "\n" + match[3]

    return MARKED.sub(replace, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page disagrees")
    check = parser.parse_args().check
    stale = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        new = rewritten(text)
        if new != text:
            stale.append(page.name)
            if not check:
                page.write_text(new, encoding="utf-8")
    if check and stale:
        names = " and ".join(stale)
        sys.exit(f"{names} and the rows in benchmarks/results/ disagree. Run: python benchmarks/tables.py")


if __name__ == "__main__":
    main()
