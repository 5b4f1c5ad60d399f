"""Confusion matrix of a run: which classes it takes for which."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.analysis.predictions import class_names
from harness.experiment.data import Dataset
from harness.kernels.metrics import classes_of, threshold_of
from harness.plots.kinds import Kind, Options
from harness.plots.reading import need_classes, one_run
from harness.plots.style import DARK, SLIDE, Picture, Style, dress, headline, new_figure
from harness.plots.titles import run_title
from harness.results.tables import Results

_SHADES = "Blues"
_MANY = 12  # classes whose counts are still written into the cells


def draw(results: Results, options: Options) -> Picture:
    """Draw the confusion matrix of one run, of training and of held-out data points."""
    run_id, row = one_run(results, options.run)
    single, network = results.experiment.single(run_id), results.network(run_id)
    source = single.source
    parts = {"training": single.data, "held out": single.validation}
    threshold = threshold_of(*(points.targets for points in parts.values() if points is not None))
    count = max(2, source.targets.shape[1])

    def counts(points: Dataset) -> NDArray[np.int64]:
        observed = classes_of(points.targets, threshold)
        predicted = classes_of(network.predict(points.inputs), threshold)
        found = np.zeros((count, count), dtype=np.int64)
        np.add.at(found, (observed, predicted), 1)
        return found

    tables = {says: counts(points) for says, points in parts.items() if points is not None}
    title = run_title(results, run_id, row)
    return confusion(tables, class_names(source), style=options.style, title=title)


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
    figure, panels = new_figure(style, len(tables))
    for axes, (says, counts) in zip(panels, tables.items(), strict=True):
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap=_SHADES, vmin=0.0, vmax=1.0)
        if len(names) <= _MANY:
            for (i, j), value in np.ndenumerate(counts):
                colour = "white" if shares[i, j] > 0.6 else DARK
                axes.text(
                    j, i, f"{value:,}", ha="center", va="center", color=colour, fontsize=style.font
                )
        right = int(np.trace(counts))
        total = int(counts.sum())
        dress(
            axes,
            style,
            x="predicted",
            y="observed",
            title=f"{says}: {right:,} of {total:,} right",
            room=0.8 / len(tables) if style.beside else 0.8,
        )
        axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > 6 else 0)
        axes.set_yticks(range(len(names)), names)
        axes.spines[:].set_visible(False)
    headline(figure, style, title)
    return figure


KIND = Kind(
    summary="Confusion matrix of one run, on training and held-out data.",
    draw=draw,
    takes=("run",),
    needs=(need_classes,),
)
