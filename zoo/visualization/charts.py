"""Figures: learning curves, confusion tables, decision maps, weights, filters, activations.

Drawn by matplotlib on a canvas without a window and without pyplot's global state; it is imported when something is
drawn, and comes with the extra "plots".
"""

import math

import numpy as np

from zoo.errors import UsageError, cut
from zoo.visualization.canvas import COLOURS, Drawing, label_text, new_figure

GRID = 120  # points of a decision map, both ways
MOST = 64  # pictures in one figure


def drawn_curves(columns) -> list[str]:
    """Which of a history's numbers are drawn: the cost is the loss before a step, and adds nothing to the loss.

    Example:
        >>> drawn_curves({"loss": [1.0], "cost": [1.1], "val_loss": [1.2]})
        ['loss']
    """
    names = [name for name in columns if not name.startswith("val_")]
    return [name for name in names if name != "cost" or "loss" not in names]


def learning_curves(history, path=None) -> Drawing:
    """Draw loss and metrics over the epochs, those of the validation data dashed.

    Args:
        history: Keras' `History`, or its dict of numbers by epoch.
        path: the PNG file to write; None writes none.

    Example:
        >>> learning_curves({"loss": [2.0, 1.0], "val_loss": [2.0, 1.5]}, "curves.png").path.name
        'curves.png'
    """
    columns = getattr(history, "history", history)
    names = drawn_curves(columns)
    if not names:
        raise UsageError("the history is empty: train first, and give what train() returned.")
    with new_figure(path, (5 * len(names), 3.6), columns) as (figure, drawing):
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            for key, style in ((name, "-"), (f"val_{name}", "--")):
                if key in columns:
                    axes.plot(range(1, len(columns[key]) + 1), columns[key], style, label=key, marker=".")
            axes.set(xlabel="epoch", ylabel=name)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.legend()
    return drawing


def learning_rates(search, path=None) -> Drawing:
    """Draw the loss over the learning rate, and mark the rate to try.

    Args:
        search: what `find_learning_rate` returned.
        path: the PNG file to write; None writes none.
    """
    with new_figure(path, (5, 3.6)) as (figure, drawing):
        axes = figure.subplots()
        axes.plot(search.rates, search.losses)
        axes.axvline(search.suggested, linestyle="--", color="0.5", label=f"{search.suggested:.1e}: falls fastest")
        axes.set(xlabel="learning rate", ylabel="loss", xscale="log")
        axes.legend()
    return drawing


def tried_settings(points, default, judged_by, highest, path=None) -> Drawing:
    """Draw what the trials of a tuning came to, and the best so far.

    Args:
        points: for each trial its number, what it came to, and whether it ran to its end.
        default: what the model's own settings came to; None draws no line for them.
        judged_by: what the trials are judged by.
        highest: whether the highest is the best.
        path: the PNG file to write; None writes none.

    Example:
        >>> points = [(0, 0.5, True), (1, 0.4, False), (2, 0.7, True)]
        >>> tried_settings(points, 0.5, "val_accuracy", True, "history.png").path.name
        'history.png'
    """
    points = sorted(points)
    ended = [(number, value) for number, value, finished in points if finished]
    early = [(number, value) for number, value, finished in points if not finished]
    with new_figure(path, (6.4, 3.6)) as (figure, drawing):
        axes = figure.subplots(squeeze=False)[0, 0]
        if default is not None:
            axes.axhline(default, linestyle="--", linewidth=1, color="0.6", label="its own settings")
        best = np.maximum.accumulate if highest else np.minimum.accumulate
        if ended:
            numbers, values = zip(*ended, strict=True)
            last = points[-1][0]
            so_far = [*best(values), best(values)[-1]]
            axes.step([*numbers, max(last, numbers[-1])], so_far, where="post", color=COLOURS[1], label="best so far")
            axes.scatter(numbers, values, color=COLOURS[1], s=22, zorder=3, label="trial")
        if early:
            numbers, values = zip(*early, strict=True)
            axes.scatter(numbers, values, color="0.55", s=22, marker="x", zorder=3, label="stopped early")
        _focus(axes, [value for _, value in ended], [value for _, value in early], highest)
        axes.set(xlabel="trial", ylabel=judged_by)
        axes.xaxis.get_major_locator().set_params(integer=True)
        figure.legend(loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    return drawing


def _focus(axes, ended, early, highest) -> None:
    """Let the better half of the trials fill the figure: one whose loss is a thousand would hide all the others."""
    values = np.array([*ended, *early], float)
    if len(values) < 4 or highest:
        return
    low, middle = values.min(), np.median(values)
    if values.max() > middle + 4 * (middle - low) > low:
        axes.set_ylim(low - 0.1 * (middle - low), middle + 4 * (middle - low))


def effects_of_settings(settings, values, finished, judged_by, highest, path=None) -> Drawing:
    """Draw what the trials of a tuning came to over each of the settings.

    Args:
        settings: for each name the value that each trial had.
        values: what each trial came to.
        finished: which of them ran to their end.
        judged_by: what the trials are judged by.
        highest: whether the highest is the best.
        path: the PNG file to write; None writes none.

    Example:
        >>> settings = {"units": [32, 64], "cell": ["lstm", "gru"]}
        >>> effects_of_settings(settings, [0.5, 0.6], [True, True], "val_accuracy", True, "s.png").path.name
        's.png'
    """
    finished, values = np.asarray(finished, bool), np.asarray(values, float)
    columns = min(len(settings), 3)
    rows = -(-len(settings) // columns)
    words = [label_text(str(value)) for each in settings.values() for value in each]
    with new_figure(path, (3.4 * columns, 3.0 * rows), words) as (figure, drawing):
        plots = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axes, (name, tried) in zip(plots.ravel(), settings.items(), strict=False):
            is_measured = all(isinstance(value, int | float) and not isinstance(value, bool) for value in tried)
            if is_measured and len({*tried}) > 4:
                places = np.asarray(tried, float)
                if places.min() > 0 and places.max() > 8 * places.min():
                    axes.set_xscale("log")
            else:
                kinds = sorted({*tried}) if is_measured else sorted(dict.fromkeys(tried), key=repr)
                places = np.array([kinds.index(value) for value in tried], float)
                names = [label_text(str(kind).replace(" ", "")) for kind in kinds]
                axes.set_xticks(range(len(kinds)), names, rotation=30 if max(map(len, names)) > 6 else 0, fontsize=8)
                axes.set_xlim(-0.5, len(kinds) - 0.5)
            axes.scatter(places[~finished], values[~finished], color="0.55", s=18, marker="x")
            axes.scatter(places[finished], values[finished], color=COLOURS[1], s=18)
            axes.set_xlabel(name.replace("_", " "))
        _focus(plots[0, 0], values[finished].tolist(), values[~finished].tolist(), highest)
        for line in plots:
            line[0].set_ylabel(judged_by)
        for axes in plots.ravel()[len(settings) :]:
            axes.axis("off")
    return drawing


def shares(parts, path=None) -> Drawing:
    """Draw shares of a whole as bars, the first at the top.

    Args:
        parts: each one's share by its name.
        path: the PNG file to write; None writes none.

    Example:
        >>> shares({"learning_rate": 0.7, "units": 0.3}, "importance.png").path.name
        'importance.png'
    """
    names = [label_text(name.replace("_", " ")) for name in parts]
    with new_figure(path, (5.2, 0.8 + 0.4 * len(parts)), names) as (figure, drawing):
        axes = figure.subplots()
        axes.barh(range(len(names)), list(parts.values()), color=COLOURS[1], height=0.6)
        for row, part in enumerate(parts.values()):
            axes.text(part + 0.01, row, f"{part:.0%}", va="center", fontsize=8)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlim=(0, 1.1 * max(parts.values())), xlabel="how much its choice mattered", xticks=[])
        axes.invert_yaxis()
    return drawing


def confusion_matrix(table, labels, path=None) -> Drawing:
    """Draw a table of counts: a row is the true class, a column the predicted one.

    Args:
        table: counts of shape (classes, classes), `evaluate()["confusion"]`.
        labels: the classes' names.
        path: the PNG file to write; None writes none.

    Example:
        >>> confusion_matrix([[8, 2], [1, 9]], ["cat", "dog"], "confusion.png").path.name
        'confusion.png'
    """
    table = np.asarray(table)
    if table.shape != (len(labels), len(labels)):
        raise UsageError(f"the table has the shape {table.shape}, and there are {len(labels)} labels.")
    names = [label_text(label) for label in labels]
    side = min(3 + 0.4 * len(names), 30)
    rows = table / np.maximum(table.sum(axis=1, keepdims=True), 1)  # the colour is the share of the true class
    with new_figure(path, (side + 0.6, side), names) as (figure, drawing):
        axes = figure.subplots()
        axes.imshow(rows, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > 4 else 0)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="said", ylabel="true")
        if len(names) <= 40:  # more could not be read
            for (row, column), count in np.ndenumerate(table):
                colour = "white" if rows[row, column] > 0.6 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    return drawing


def alignment(question, answer, attention_weights, path=None) -> Drawing:
    """Draw where an answer looked: a row is a word of the answer, a column a word of the question.

    Args:
        question: its words.
        answer: its words.
        attention_weights: how much each word of the question mattered, shape (answer, question), from 0 to 1.
        path: the PNG file to write; None writes none.

    Example:
        >>> alignment(["who", "?"], ["me"], [[0.9, 0.1]], "attention.png").path.name
        'attention.png'
    """
    attention_weights = np.asarray(attention_weights).reshape(len(answer), len(question))
    above, beside = ([label_text(word) for word in words] for words in (question, answer))
    size = 2 + 0.45 * len(question), 1.6 + 0.35 * len(answer)
    with new_figure(path, size, [*above, *beside]) as (figure, drawing):
        axes = figure.subplots()
        axes.imshow(attention_weights, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(above)), above, rotation=90)
        axes.set_yticks(range(len(beside)), beside)
        axes.set(xlabel="said", ylabel="answered")
    return drawing


def word_map(words, places, path=None) -> Drawing:
    """Draw words at places of the plane, moved apart where they would lie on each other.

    Args:
        words: the words.
        places: shape (words, 2).
        path: the PNG file to write; None writes none.

    Example:
        >>> word_map(["cat", "dog"], [[0, 0], [1, 2]], "words.png").path.name
        'words.png'
    """
    places = np.asarray(places)
    names = [label_text(word) for word in words]
    with new_figure(path, (10, 10), names) as (figure, drawing):
        axes = figure.subplots()
        axes.scatter(places[:, 0], places[:, 1], s=0)  # which makes the axes large enough
        axes.set(xticks=[], yticks=[])
        size = np.clip(100 / np.sqrt(len(names)), 8, 14)  # few words have room
        texts = [
            axes.text(x, y, name, ha="center", va="center", fontsize=size)
            for name, (x, y) in zip(names, places, strict=True)
        ]
        figure.draw_without_rendering()  # the axes come to their limits
        boxes = [text.get_window_extent() for text in texts]
        centers = spread_out(
            np.array([[(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2] for box in boxes]),
            np.array([[box.width + 4, box.height + 2] for box in boxes]),  # pixels, with some air
        )
        for text, place in zip(texts, axes.transData.inverted().transform(centers), strict=True):
            text.set_position(place)
    return drawing


def spread_out(centers: np.ndarray, sizes: np.ndarray, rounds: int = 500) -> np.ndarray:
    """Move rectangles apart until none lies on another, or for so many rounds; shape (n, 2), as both are given.

    Example:
        >>> spread_out(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[2.0, 9.0], [2.0, 9.0]])).round(3)
        array([[-0.5,  0. ],
               [ 1.5,  0. ]])
    """
    centers = centers + 1e-6 * np.arange(len(centers))[:, None]  # no two are the same
    room = (sizes[:, None] + sizes) / 2  # (n, n, 2): what there must be between the centres of each two
    np.einsum("iij->ij", room)[:] = 0  # of one and itself nothing
    for _ in range(rounds):
        apart = centers[:, None] - centers
        overlap = room - np.abs(apart)
        clash = (overlap > 1e-6).all(axis=2)
        if not clash.any():
            break
        # each two step back along the axis on which they overlap less, half the way each
        shortest = overlap == overlap.min(axis=2, keepdims=True)
        centers += (np.sign(apart) * overlap / 2 * (shortest & clash[..., None])).sum(axis=1)
    return centers


def decision_map(classifier, points, y, path=None) -> Drawing:
    """Draw which class a classifier of points of the plane gives to every place, with labelled points on it.

    Args:
        classifier: a `Classifier` of inputs of shape (2,).
        points: shape (n, 2).
        y: the true class of each point, integers of shape (n,).
        path: the PNG file to write; None writes none.

    Example:
        >>> import zoo
        >>> net = zoo.get("mlp", input_shape=(2,), hidden=(3,))
        >>> decision_map(net, [[0.0, 1.0], [1.0, 0.0]], [0, 1], "map.png").path.name
        'map.png'
    """
    return decision_maps({classifier.name: classifier}, points, y, path)


def decision_maps(classifiers: dict, points, y, path=None) -> Drawing:
    """The same for several classifiers, by title."""
    points, y = np.asarray(points, np.float32), np.asarray(y)
    if points.ndim != 2 or points.shape[1] != 2:
        raise UsageError(f"points have the shape {points.shape}; a map needs points of the plane, shape (n, 2).")
    labels = [label_text(label) for label in next(iter(classifiers.values())).class_names()]
    low, high = points.min(axis=0) - 0.5, points.max(axis=0) + 0.5
    across, up = np.meshgrid(np.linspace(low[0], high[0], GRID), np.linspace(low[1], high[1], GRID))
    places = np.stack([across.ravel(), up.ravel()], axis=1).astype(np.float32)
    columns = min(len(classifiers), 4)
    rows = -(-len(classifiers) // columns)
    with new_figure(path, (3.4 * columns + 0.4, 3.4 * rows), [*labels, *classifiers]) as (figure, drawing):
        plots = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (title, classifier) in zip(plots, classifiers.items(), strict=False):
            numbers = {name: number for number, name in enumerate(classifier.class_names())}
            predicted = np.array([numbers[answer.label] for answer in classifier.predict(places, top=1)])
            levels = np.arange(len(labels) + 1) - 0.5
            colours = [COLOURS[i % len(COLOURS)] for i in range(len(labels))]
            axes.contourf(across, up, predicted.reshape(GRID, GRID), levels=levels, colors=colours, alpha=0.25)
            for index, label in enumerate(labels):
                of_class = points[y == index]
                axes.scatter(of_class[:, 0], of_class[:, 1], s=6, color=colours[index], label=label)
            axes.set(title=title, aspect="equal")
        for axes in plots[len(classifiers) :]:
            axes.axis("off")
        plots[0].legend(fontsize=7)
    return drawing


def threshold_unit(weights, bias: float, path=None, names=None) -> Drawing:
    """Draw one unit: its inputs, what each counts, and the threshold that their sum must pass.

    Args:
        weights: shape (inputs,) or (inputs, 1).
        bias: minus the threshold.
        path: the PNG file to write; None writes none.
        names: of the inputs; "x1", "x2" and so on when None.

    Example:
        >>> threshold_unit([10, 3, 1], -3.5, "eat_it.png", ["sweet", "hot", "sour"]).path.name
        'eat_it.png'
    """
    weights = np.asarray(weights, float).reshape(-1)
    names = [f"x{i + 1}" for i in range(len(weights))] if names is None else list(names)
    if len(names) != len(weights):
        raise UsageError(f"there are {len(weights)} weights and {len(names)} names.")
    most = np.abs(weights).max() or 1.0
    with new_figure(path, (5.5, max(2.4, 0.7 * len(weights))), names) as (figure, drawing):
        axes = figure.subplots()
        axes.set(xlim=(-0.6, 3.4), ylim=(-len(weights) / 2 - 0.4, len(weights) / 2 + 0.4))
        axes.axis("off")
        for name, weight, height in zip(names, weights, np.linspace(1, -1, len(weights) + 2)[1:-1], strict=True):
            height *= len(weights) / 2
            colour = COLOURS[0] if weight < 0 else COLOURS[1]
            axes.plot([0, 2], [height, 0], color=colour, linewidth=0.5 + 4 * abs(weight) / most, zorder=1)
            axes.text(-0.1, height, label_text(name), ha="right", va="center")
            axes.text(0.8, height * 0.6 + 0.1, f"{weight:.4g}", ha="center", va="bottom", color=colour)
        axes.scatter([2], [0], s=1800, color="white", edgecolors="black", zorder=2)
        axes.text(2, 0, f"> {-bias:.4g}", ha="center", va="center", zorder=3)
        axes.annotate("", (2.9, 0), (2.35, 0), arrowprops={"arrowstyle": "->"})
        axes.text(2.95, 0, "fires", va="center")
    return drawing


def weight_image(kernel, shape, path=None) -> Drawing:
    """Draw the weights of the units that look at every pixel as pictures: grey is 0, the strongest weight full.

    Args:
        kernel: of a dense layer on the pixels, shape (pixels,) or (pixels, units).
        shape: of the pictures, (height, width[, channels]).
        path: the PNG file to write; None writes none.

    Example:
        >>> weight_image(np.arange(16.0) - 8, (4, 4), "weights.png").path.name
        'weights.png'
    """
    kernel = np.asarray(kernel)
    kernel = kernel.reshape(len(kernel), -1)  # (pixels, units)
    if math.prod(shape) != len(kernel):
        raise UsageError(f"a unit has {len(kernel)} weights, and a picture of shape {tuple(shape)} has not as many.")
    return _image_grid([unit.reshape(shape) for unit in kernel.T], path, "unit")


def heat_maps(rows, path=None) -> Drawing:
    """Draw photos and, beside each, what a classifier looked at in it.

    Args:
        rows: for each photo its pixels and those of the photo with the heat, uint8 of shape (height, width, 3), and a
            title for either.
        path: the PNG file to write; None writes none.

    Example:
        >>> photo = np.zeros((30, 40, 3), "uint8")
        >>> heat_maps([(photo, photo, ("cat.jpg", "cat 98.0%"))], "heat.png").path.name
        'heat.png'
    """
    heights = [min(2.0, max(0.3, photo.shape[0] / photo.shape[1])) for photo, *_ in rows]  # of 1 in width
    with new_figure(path, (8, 3.7 * sum(heights) + 0.4 * len(rows)), [word for *_, pair in rows for word in pair]) as (
        figure,
        drawing,
    ):
        plots = figure.subplots(len(rows), 2, squeeze=False, height_ratios=heights)
        for line, (photo, heat, names) in zip(plots, rows, strict=True):
            for axes, pixels, name in zip(line, (photo, heat), names, strict=True):
                axes.imshow(pixels)
                axes.set_title(cut(label_text(name), 40), fontsize=10)
                axes.axis("off")
    return drawing


def filters(kernel, path=None) -> Drawing:
    """Draw the filters of a convolution: in colour where they see three channels, else their mean over channels.

    Args:
        kernel: shape (height, width, channels, filters).
        path: the PNG file to write; None writes none.

    Example:
        >>> filters(np.random.default_rng(0).normal(size=(3, 3, 3, 8)), "filters.png").path.name
        'filters.png'
    """
    kernel = np.asarray(kernel)
    if kernel.ndim != 4:
        raise UsageError(
            f"the kernel has the shape {kernel.shape}; that of a convolution is (height, width, channels, filters)."
        )
    if kernel.shape[2] != 3:
        kernel = kernel.mean(axis=2, keepdims=True)
    return _image_grid(list(np.moveaxis(kernel, -1, 0)), path, "filter")


def activation_maps(model, pixels, path=None, layer: str | None = None) -> Drawing:
    """Draw what the channels of a convolution make of one picture.

    Args:
        model: a `keras.Model` of pictures.
        pixels: one picture as the model takes it, shape (height, width, channels).
        path: the PNG file to write; None writes none.
        layer: name of the layer whose output is drawn; None is the first convolution.

    Raises:
        UsageError: the model has no such layer.
    """
    from zoo.backend import keras

    with_maps = {item.name: item for item in model.layers if len(getattr(item.output, "shape", ())) == 4}
    convolutions = [name for name, item in with_maps.items() if "Conv" in type(item).__name__]
    layer = layer or next(iter(convolutions), None)
    if layer not in with_maps:
        raise UsageError(f"{model.name} has no layer {layer!r} with maps; it has {', '.join(with_maps) or 'none'}.")
    up_to_layer = keras.Model(model.input, with_maps[layer].output)
    maps = keras.ops.convert_to_numpy(up_to_layer(np.asarray(pixels)[None]))[0]  # (height, width, channels)
    return _image_grid(list(np.moveaxis(maps, -1, 0)), path, "channel", around_zero=False)


def _image_grid(pictures: list[np.ndarray], path, what: str, around_zero: bool = True) -> Drawing:
    """Small pictures of shape (height, width[, 1 or 3]) side by side, each scaled by itself."""
    first = pictures[:MOST]
    columns = math.ceil(math.sqrt(len(first)))
    rows = -(-len(first) // columns)
    side = max(4.0, 1.1 * columns)
    with new_figure(path, (side, side * rows / columns + 0.4)) as (figure, drawing):
        more = f", the first {MOST} of {len(pictures)}" if len(pictures) > MOST else ""
        figure.suptitle(f"{what} 1 to {len(first)}{more}" if len(first) > 1 else what, fontsize=8)
        plots = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in plots:
            axes.axis("off")
        for axes, picture in zip(plots, first, strict=False):
            picture = np.squeeze(picture, axis=2) if picture.ndim == 3 and picture.shape[2] == 1 else picture
            most = float(np.abs(picture).max()) or 1.0
            if picture.ndim == 3:
                axes.imshow(np.clip(0.5 + picture / (2 * most), 0, 1), interpolation="nearest")
            elif around_zero:
                axes.imshow(picture, cmap="coolwarm", vmin=-most, vmax=most, interpolation="nearest")
            else:
                axes.imshow(picture, cmap="viridis", interpolation="nearest")
    return drawing
