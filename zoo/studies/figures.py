"""The studies' figures: each is drawn from the rows (and kept models), into a PNG file."""

import textwrap
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import mean

from zoo import api
from zoo.data import sources
from zoo.visualization import canvas, charts

DASHES = ("-", "--", "-.", ":")
UNITS = {"loss": "nats"}


def named(metric: str) -> str:
    """A metric on an axis, with its unit."""
    return ", ".join(filter(None, (metric.replace("_", " "), UNITS.get(metric))))


def averages(rows, metric: str) -> dict[str, dict]:
    """By arm: the mean over seeds of a metric by (layer, step), where every value is finite."""
    values: dict = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.metric == metric:
            values[row.arm][row.layer, row.step].append(row.value)
    return {
        arm: {place: mean(numbers) for place, numbers in places.items() if None not in numbers}
        for arm, places in values.items()
    }


def gradients_by_layer(study, rows, folder: Path, path: Path, bound: float | None = None) -> None:
    """Gradient norms by layer at the start and at the end; `bound` draws a line that falls so much a layer."""
    norms_by_arm = averages(rows, "gradient_norm")
    last = max(row.step for row in rows if row.metric == "gradient_norm")
    with canvas.new_figure(path, (11, 4.5), norms_by_arm) as (figure, _):
        start, end = figure.subplots(1, 2, sharey=True)
        for arm, places in norms_by_arm.items():
            for axes, at in ((start, 0), (end, last)):
                norms = {layer: value for (layer, step), value in places.items() if step == at and value > 0}
                axes.plot(list(norms), list(norms.values()), marker=".", label=arm)
                if axes is start and bound and arm == study.arms[0].label and norms:
                    top = max(norms) - 1  # the last hidden layer
                    line = {layer: norms[top] * bound ** (top - layer) for layer in range(1, top + 1)}
                    axes.plot(list(line), list(line.values()), "k:", label=f"{bound:g} a layer")
        start.set(yscale="log", xlabel="layer, from the input", ylabel="norm of the kernel's gradient", title="start")
        end.set(xlabel="layer, from the input", title=f"after {last} steps")
        start.legend(fontsize=7)


def curves(study, rows, folder: Path, path: Path, metric: str) -> None:
    """A metric over the training steps, the mean over seeds with all seeds drawn thin."""
    means = averages(rows, metric)
    with canvas.new_figure(path, (7, 4.5), means) as (figure, _):
        axes = figure.subplots()
        seeds = {row.seed for row in rows}
        for number, (arm, places) in enumerate(means.items()):
            style = DASHES[number % len(DASHES)]  # lines that lie on each other are all seen
            (line,) = axes.plot([step for _, step in places], list(places.values()), style, marker=".", label=arm)
            for seed in seeds:
                mine = [row for row in rows if (row.arm, row.seed, row.metric) == (arm, seed, metric)]
                axes.plot([r.step for r in mine], [r.value for r in mine], color=line.get_color(), alpha=0.3, lw=0.7)
        axes.set(xlabel="training steps", ylabel=named(metric), yscale="log")
        about = f"means of {len(seeds)} seeds; thin: each" if len(seeds) > 1 else None
        axes.legend(fontsize=8, title=about, title_fontsize=8)


def sweep(study, rows, folder: Path, path: Path, metric: str, over: str) -> None:
    """A metric over a training argument, one line for what stands before the comma in the arms' labels."""
    with canvas.new_figure(path, (7, 4.5), [arm.label for arm in study.arms]) as (figure, _):
        axes = figure.subplots()
        for group in dict.fromkeys(arm.label.split(",")[0] for arm in study.arms):
            arms = [arm for arm in study.arms if arm.label.split(",")[0] == group]
            by_argument = {
                arm.training[over]: [r.value for r in rows if (r.arm, r.metric) == (arm.label, metric)] for arm in arms
            }
            (line,) = axes.plot(list(by_argument), list(map(mean, by_argument.values())), marker="o", label=group)
            for x, values in by_argument.items():
                axes.plot([x] * len(values), values, ".", color=line.get_color(), alpha=0.4)
        axes.set(xscale="log", xlabel=over.replace("_", " "), ylabel=named(metric))
        axes.legend(title=study.name.replace("_", " "))


def accuracies(study, rows, folder: Path, path: Path) -> None:
    """Shares of right answers with their intervals; published ones as crosses."""
    metrics = [name for name in ("train_accuracy", "accuracy") if any(row.metric == name for row in rows)]
    with canvas.new_figure(path, (7, 4), [arm.label for arm in study.arms]) as (figure, _):
        axes = figure.subplots()
        for number, metric in enumerate(metrics):
            for place, arm in enumerate(study.arms):
                x = place + 0.2 * number - 0.1
                first = number == 0 and place == 0
                for row in (row for row in rows if (row.arm, row.metric) == (arm.label, metric)):
                    error = [[row.value - row.low], [row.high - row.value]]
                    axes.errorbar(x, row.value, yerr=error, fmt="o", color=canvas.COLOURS[number], capsize=4)
                for reference in arm.published:
                    if reference.metric == metric:
                        axes.plot(x, reference.value, "kx", ms=9, label="published" if first else None)
            axes.plot([], [], "o", color=canvas.COLOURS[number], label=metric.replace("_", " ") + ", 95 % interval")
        axes.set_xticks(range(len(study.arms)), [textwrap.fill(arm.label, 12) for arm in study.arms])
        axes.set(ylabel="right answers", xlim=(-0.5, len(study.arms) - 0.5))
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.legend(fontsize=8, loc="lower right")


def decision_maps(study, rows, folder: Path, path: Path) -> None:
    """What the first seed's nets say of every place of the plane, with the training points."""
    points = sources.find(study.arms[0].data).splits["train"]
    nets = {arm.label: api.load(model_file(folder, arm)) for arm in study.arms}
    charts.decision_maps(nets, points.items, points.y, path)


def model_file(folder: Path, arm) -> Path:
    """Where the model of an arm's first seed is kept."""
    return folder / "models" / f"{''.join(c if c.isalnum() else '_' for c in arm.label)}.keras"


FIGURES: dict[str, Callable[..., None]] = {
    function.__name__: function for function in (gradients_by_layer, curves, sweep, accuracies, decision_maps)
}
