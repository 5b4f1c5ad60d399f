"""Confusion matrix of a run: which classes it takes for which."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.predictions import class_names
from harness.errors import ResultsError
from harness.kernels.metrics import classes_of, threshold_of
from harness.plots.kinds import Kind, Options
from harness.plots.reading import need_classes, one_run
from harness.plots.scales import label_of
from harness.plots.series import Series
from harness.plots.style import DARK, SLIDE, Picture, Style, dress, headline, new_figure
from harness.plots.titles import run_title
from harness.results.tables import Results

_SHADES = "Blues"
_MANY = 12  # classes whose counts are still written into the cells


def draw(results: Results, options: Options) -> Picture:
    """Draw the confusion matrix of one run, or of the best run with each value of an axis."""
    names = class_names(results.experiment.source)
    if options.series is None:
        run_id, row = one_run(results, options.run)
        tables = _tables(results, run_id, len(names))
        title = run_title(results, run_id, row)
        picture = confusion(tables, names, style=options.style, title=title)
        picture.caption = "Numbers of data points; shades are shares of each row."
        return picture
    if options.run is not None:
        raise ResultsError(
            "run and by are both given.\nLeave out one: by takes the best run with each value."
        )
    by, runs, side = {}, [], ""
    for value in options.series.values:
        one = Series(axis=options.series.axis, values=(value,))
        run_id = results.where(one.condition).best_run
        tables = _tables(results, run_id, len(names))
        side = list(tables)[-1]  # held out, if data points are
        by[one.label(value)] = tables[side]
        runs.append(run_id)
    data = {"training": "training data", "held out": "held-out data"}[side]
    title = f"best run with each {label_of(options.series.axis)}, {data}"
    picture = confusion(by, names, style=options.style, title=title)
    picture.caption = (
        f"Numbers of data points; shades are shares of each row. Runs {', '.join(map(str, runs))}."
    )
    return picture


def _tables(results: Results, run_id: int, classes: int) -> dict[str, NDArray[np.int64]]:
    """Return the confusion matrices of training and of held-out data points, if there are any."""
    single, network = results.experiment.single(run_id), results.network(run_id)
    parts = {"training": single.data, "held out": single.validation}
    known = {says: points for says, points in parts.items() if points is not None}
    threshold = threshold_of(*(points.targets for points in known.values()))
    tables = {}
    for says, points in known.items():
        observed = classes_of(points.targets, threshold)
        predicted = classes_of(network.predict(points.inputs), threshold)
        tables[says] = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(tables[says], (observed, predicted), 1)
    return tables


def confusion(
    tables: Mapping[str, NDArray[np.int64]],
    names: Sequence[str],
    *,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw confusion matrices, one panel for each.

    Parameters
    ----------
    tables : mapping of str to array of shape (classes, classes)
        Numbers of data points by observed class (rows) and predicted class (columns).
    names : sequence of str
        Names of the classes.
    """
    # Squares: four have room side by side.
    columns = (4 if len(tables) == 4 else min(len(tables), 3)) if style.beside else 1
    figure, panels = new_figure(style, len(tables), columns)
    room = 0.65 * style.width / columns * 72 / (0.55 * style.small)  # characters below a matrix
    crowded = sum(len(name) + 2 for name in names) > room
    for axes, (says, counts) in zip(panels, tables.items(), strict=True):
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap=_SHADES, vmin=0.0, vmax=1.0)
        if len(names) <= _MANY:
            for (i, j), value in np.ndenumerate(counts):
                colour = "white" if shares[i, j] > 0.6 else DARK
                axes.text(
                    j, i, f"{value:,}", ha="center", va="center", color=colour, fontsize=style.small
                )
        first = axes.get_subplotspec().is_first_col()
        right = int(np.trace(counts))
        total = int(counts.sum())
        told = f"{right:,} of {total:,} right"
        long = len(says) + len(told) > 0.75 / columns * style.width * 72 / (0.5 * style.font)
        dress(axes, style, x="predicted", y="observed" if first else "")
        axes.set_title(f"{says}:{chr(10) if long else ' '}{told}", fontsize=style.font, loc="left")
        axes.tick_params(length=0)
        axes.set_xticks(range(len(names)), names, rotation=90 if crowded else 0)
        axes.set_yticks(range(len(names)), names if first else [""] * len(names))
        axes.set_anchor("W")  # titles begin at the left edge
        axes.spines[:].set_visible(False)
    headline(figure, style, title)
    rows = [
        (says, names[i], names[j], count)
        for says, counts in tables.items()
        for (i, j), count in np.ndenumerate(counts)
    ]
    figure.table = pd.DataFrame(rows, columns=["panel", "observed", "predicted", "points"])
    return figure


KIND = Kind(
    summary="Confusion matrix of one run, or of the best run with each value of an axis.",
    draw=draw,
    takes=("run", "by"),
    needs=(need_classes,),
)
