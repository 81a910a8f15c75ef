"""What a study came to: table, verdicts, conclusion."""

from __future__ import annotations

import base64
import html
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from zoo.console import table
from zoo.errors import escaped
from zoo.metrics import proportion
from zoo.studies.rows import Row
from zoo.studies.schema import Claim, Study


@dataclass
class Outcome:
    """What a study came to.

    Attributes:
        study: its definition.
        rows: everything that was measured, for the seeds that were asked for.
        folder: where `results.csv`, `results.json` and the figure are.
        figure: the PNG file, or None where matplotlib is missing.
    """

    study: Study
    rows: list[Row]
    folder: Path
    figure: Path | None = None

    @property
    def seeds(self) -> list[int]:
        """The seeds that were measured."""
        return sorted({row.seed for row in self.rows})

    def last_rows(self, arm: str, metric: str, step: int | None = None) -> dict[int, Row]:
        """By seed: the row of a metric after `step` steps, or the last one."""
        latest: dict[int, Row] = {}
        for row in self.rows:
            matches = (row.arm, row.metric) == (arm, metric) and step in (None, row.step) and row.layer is None
            if matches and (row.seed not in latest or (row.step or 0) >= (latest[row.seed].step or 0)):
                latest[row.seed] = row
        return latest

    def values(self, arm: str, metric: str, step: int | None = None) -> dict[int, float]:
        """By seed: the values of `last_rows` that are finite."""
        rows = self.last_rows(arm, metric, step)
        return {seed: row.value for seed, row in rows.items() if row.value is not None}

    def summary(self) -> list[dict]:
        """For each arm and metric of the table: mean and standard deviation over seeds, and the interval.

        The interval is the one that a test set of this size implies at the mean. "seeds" counts those with a finite
        value.
        """
        cells = []
        for arm in self.study.arms:
            for metric in self.study.table:
                values = self.values(arm.label, metric)
                cell: dict = {"arm": arm.label, "metric": metric, "mean": mean(values.values()) if values else None}
                cell |= {"sd": stdev(values.values()) if len(values) > 1 else None, "seeds": len(values)}
                cell |= {"low": None, "high": None, "n": None}
                if values:
                    row = self.last_rows(arm.label, metric)[next(iter(values))]
                    cell["n"] = row.n
                    if row.low is not None:
                        cell["low"], cell["high"] = proportion(round(cell["mean"] * cell["n"]), cell["n"]).ci
                cells.append(cell)
        return cells

    def reason(self, arm: str, metric: str, step: int | None = None) -> str:
        """Why an arm has no figure for some seeds; "" where it has one for each."""
        missing = set(self.seeds) - self.values(arm, metric, step).keys()
        if not missing:
            return ""
        diverged = self.values(arm, "diverged")
        if seeds := [str(seed) for seed in sorted(missing) if diverged.get(seed)]:
            return f"the training of {arm!r} diverged with seed {' and '.join(seeds)}"
        return f"{arm!r} has no {metric}" + ("" if step is None else f" after {step} steps")

    def verdicts(self) -> list[dict]:
        """Each published figure beside the measured one: "reproduced", "not reproduced" or "not measured".

        "reason" says why it was not measured, or why its tolerance is a band.
        """
        verdicts = []
        for arm in self.study.arms:
            for reference in arm.published:
                values = self.values(arm.label, reference.metric, reference.step)
                item: dict = {"arm": arm.label, "metric": reference.metric, "step": reference.step}
                item |= {"published": reference.value, "measured": None, "tolerance": reference.tolerance}
                item["verdict"] = "not measured"
                item["reason"] = self.reason(arm.label, reference.metric, reference.step) or reference.band
                if values:
                    item["measured"] = mean(values.values())
                    near = abs(item["measured"] - reference.value) <= reference.tolerance
                    item["verdict"] = "reproduced" if near else "not reproduced"
                verdicts.append(item)
        return verdicts

    def claims(self) -> list[dict]:
        """Each claim with the number of seeds in which it holds, and the mean figures that it compares.

        "intervals_overlap" tells of two arms' shares; None where a claim compares something else. "as_written"
        is whether the study states that it is supported, "reason" why it states the contrary, or why a figure is
        missing.
        """
        cells = {(cell["arm"], cell["metric"]): cell for cell in self.summary()}
        claims = []
        for claim in self.study.claims:
            left, right = self.sides(claim)
            holds = [left[seed] < right[seed] if claim.relation == "<" else left[seed] > right[seed] for seed in left]
            supported = 0 < sum(holds) == len(self.seeds)
            arms = [claim.arm, *([claim.than] if isinstance(claim.than, str) else [])]
            reasons = filter(None, (self.reason(arm, claim.metric, claim.step) for arm in arms))
            claims.append(
                {
                    "claim": claim.text,
                    "figure": mean(left.values()) if left else None,
                    "relation": claim.relation,
                    "than": mean(right.values()) if right else None,
                    "holds": sum(holds),
                    "seeds": len(self.seeds),
                    "supported": supported,
                    "as_written": not claim.refuted,
                    "reason": "; ".join(reasons) or claim.refuted,
                    "intervals_overlap": overlap(*(cells.get((arm, claim.metric)) for arm in (claim.arm, claim.than))),
                }
            )
        return claims

    def sides(self, claim: Claim) -> tuple[dict[int, float], dict[int, float]]:
        """By seed: the two figures that a claim compares, where both were measured."""
        left = self.values(claim.arm, claim.metric, claim.step)
        if isinstance(claim.than, str):
            others = self.values(claim.than, claim.metric, claim.step)
            right = {seed: value * claim.times for seed, value in others.items()}
        else:
            right = dict.fromkeys(left, float(claim.than))
        both = left.keys() & right.keys()
        return {seed: left[seed] for seed in both}, {seed: right[seed] for seed in both}

    @property
    def as_written(self) -> bool:
        """Whether every published figure is reproduced, and every claim comes out as the study states."""
        reproduced = all(item["verdict"] == "reproduced" for item in self.verdicts())
        return reproduced and all(item["supported"] == item["as_written"] for item in self.claims())

    def conclusion(self) -> str:
        """What the figures show, and which claims they do not support."""
        claims, verdicts = self.claims(), self.verdicts()
        sentences = []
        if verdicts:
            count = Counter(item["verdict"] for item in verdicts)
            sentences.append(f"{count['reproduced']} of {len(verdicts)} published figures are reproduced")
            sentences[-1] += f", {count['not measured']} were not measured." if count["not measured"] else "."
        failing = [item["claim"] for item in claims if not item["supported"]]
        if failing:
            sentences.append(f"Not supported by the figures: {'; '.join(failing)}.")
        otherwise = "The figures differ from those that the study's own sentence was written of."
        sentences.append(self.study.shows if self.as_written else otherwise)
        return " ".join(sentences)

    def to_json(self) -> dict:
        """All of it, for programs."""
        first = self.rows[0]
        return {
            "study": self.study.name,
            "question": self.study.question,
            "seeds": self.seeds,
            "summary": self.summary(),
            "published": self.verdicts(),
            "claims": self.claims(),
            "conclusion": self.conclusion(),
            "source": self.study.source,
            "data": {row.data: row.fingerprint for row in self.rows},
            "versions": first.versions,
            "processor": first.processor,
            "cores": first.cores,
            "seconds": self.seconds(),
            "files": {kind: str(self.folder / f"results.{kind}") for kind in ("csv", "json")}
            | {"figure": self.figure and str(self.figure)},
        }

    def seconds(self) -> float:
        """What all runs took together."""
        return sum({(row.arm, row.seed): row.seconds for row in self.rows}.values())

    def _repr_html_(self) -> str:
        words = f"<pre>{html.escape(escaped(str(self), keep=chr(10)))}</pre>"
        if self.figure is None or not self.figure.is_file():
            return words
        picture = base64.b64encode(self.figure.read_bytes()).decode()
        return f'{words}<img alt="{html.escape(self.study.question)}" src="data:image/png;base64,{picture}">'

    def __str__(self):
        first, cells = self.rows[0], self.summary()
        metrics = [name for name in self.study.table if any(c["metric"] == name and c["seeds"] for c in cells)]
        by_arm_and_metric = {(cell["arm"], cell["metric"]): cell for cell in cells}
        lines = [f"{self.study.name}: {self.study.question}", ""]
        body = [
            [arm.label, *(format_cell(by_arm_and_metric[arm.label, name]) for name in metrics)]
            for arm in self.study.arms
        ]
        lines += [table(body, ["", *(name.replace("_", " ") for name in metrics)])]
        many = len(self.seeds) > 1
        lines += ["Mean and standard deviation over " + f"{len(self.seeds)} seeds." if many else "One seed."]
        sizes: dict[str, dict] = {}  # by metric, in the order of the arms; a study may measure on several datasets
        for cell in cells:
            if cell["low"] is not None:
                sizes.setdefault(cell["metric"], {})[f"{cell['n']:,}"] = True
        if sizes:
            shown = ", ".join(f"{' or '.join(n)} for {name.replace('_', ' ')}" for name, n in sizes.items())
            lines[-1] += f" In brackets the 95 % interval of one set of that size: {shown}."
        if verdicts := self.verdicts():
            body = [
                [
                    f"{item['arm']}: {item['metric'].replace('_', ' ')}"
                    + (f" after {item['step']} steps" if item["step"] is not None else ""),
                    f"{item['published']:.10g}",
                    "-" if item["measured"] is None else f"{item['measured']:.10g}",
                    f"{item['tolerance']:g}",
                    item["verdict"],
                ]
                for item in verdicts
            ]
            lines += ["", table(body, ["published figure", "published", "measured", "tolerance", "verdict"])]
            lines += dict.fromkeys(f"{item['reason']}." for item in verdicts if item["reason"])
        if claims := self.claims():
            lines += ["", "Expected, and whether the figures support it:"]
            lines += map(format_claim, claims)
        lines += ["", self.conclusion()]
        if self.study.source:
            lines += [f"Source: {self.study.source}."]
        data = ", ".join(sorted({f"{row.data} ({row.fingerprint[:12]})" for row in self.rows}))
        lines += [f"Data: {data}. {first.versions}; {first.processor}, {first.cores} cores, {self.seconds():.0f} s."]
        lines += [f"Rows: {self.folder / 'results.csv'} and .json."]
        if self.figure is not None:
            lines[-1] += f" Figure: {self.figure}"
        return "\n".join(lines)


def overlap(cell: dict | None, other: dict | None) -> bool | None:
    """Whether two cells' intervals have a value in common; None where one has no interval."""
    if cell is None or other is None or None in (cell["low"], other["low"]):
        return None
    return cell["low"] <= other["high"] and other["low"] <= cell["high"]


def format_cell(cell: dict) -> str:
    """A cell of the table: mean, deviation, interval; shares in per cent."""
    if cell["mean"] is None:
        return "-"
    if cell["low"] is None:
        return f"{cell['mean']:.3g}" + ("" if cell["sd"] is None else f" ± {cell['sd']:.2g}")
    spread = "" if cell["sd"] is None else f" ± {100 * cell['sd']:.1f}"
    return f"{100 * cell['mean']:.1f}{spread} % ({100 * cell['low']:.1f} to {100 * cell['high']:.1f})"


def format_claim(claim: dict) -> str:
    """A line for one of `Outcome.claims`."""
    support = (
        "supported" if claim["supported"] else f"NOT supported, holds in {claim['holds']} of {claim['seeds']} seeds"
    )
    if claim["figure"] is None:
        figures = f"not measured: {claim['reason']}"
    else:
        overlap = "; their 95 % intervals overlap" if claim["intervals_overlap"] else ""
        reason = f"; {claim['reason']}" if claim["reason"] and not claim["supported"] else ""
        figures = f"{claim['figure']:.3g}, expected {claim['relation']} {claim['than']:.3g}{overlap}{reason}"
    return f"  {support}: {claim['claim']} ({figures})"
