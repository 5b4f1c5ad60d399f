"""How the curve of a network changes during training: the squiggle of the first lesson."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from harness.analysis import predictions
from harness.analysis.ranking import best_runs, trained_loss
from harness.errors import ResultsError
from harness.plots.classes import DIVERGED, draw_dots, held_out_entries
from harness.plots.kinds import Kind, Options
from harness.plots.reading import need_inputs, one_run
from harness.plots.scales import label_of, set_outputs
from harness.plots.series import Series
from harness.plots.style import (
    DARK,
    SLIDE,
    VALUES,
    Picture,
    Style,
    dress,
    headline,
    legend,
    new_figure,
    remark,
)
from harness.plots.titles import run_title
from harness.results.tables import Results

_CURVES = 9
_POINTS = 400


def draw(results: Results, options: Options) -> Picture:
    """Draw the curve of one run at several epochs, more densely in the beginning."""
    experiment, series = results.experiment, options.series
    if series is None:
        chosen: Sequence[int | None] = [options.run]
    elif options.run is None:
        chosen = _best_runs(results, series)
    else:
        raise ResultsError(
            f"by draws the best run of each {label_of(series.axis)}, and run = {options.run} is a"
            " single one.\nLeave one of them out."
        )
    found = [one_run(results, run_id) for run_id in chosen]
    last = max(int(row["epochs"]) for _, row in found)
    epochs = predictions.spread_epochs(last, _CURVES)
    points, curves = [], []
    for run_id, row in found:
        single = experiment.single(run_id)  # an axis may change the data
        axis = {series.axis: row[series.axis]} if series else {}
        points.append(predictions.data_points(single).assign(**axis))
        inputs = predictions.lattice(single, _POINTS)
        curve = predictions.curves(experiment, run_id, epochs, inputs)
        curves.append(curve.assign(run_id=run_id, **axis))
    if series is None:
        ((run_id, row),) = found
        title, which = run_title(results, run_id, row), f"Run {run_id}"
    else:
        title = f"best run with each {label_of(series.axis)}"
        ended: dict[str, list[str]] = {}
        for run_id, row in found:
            ended.setdefault(str(row["status"]), []).append(str(run_id))
        told = [f"{', '.join(ids)} ({status})" for status, ids in ended.items()]
        which = f"{'Run' if len(found) == 1 else 'Runs'} {', '.join(told)}"
    picture = squiggle(
        pd.concat(points), pd.concat(curves), series=series, style=options.style, title=title
    )
    said = "Lines are predictions after some epochs, dots the data points."
    picture.caption = f"{which}. {said} {picture.caption}".strip()
    return picture


def _best_runs(results: Results, series: Series) -> list[int]:
    """Return the best run of each value; a condition may have left out all runs of some."""
    columns = ["run_id", "status", "epochs", trained_loss(results.run_columns), series.axis]
    parts = series.parts(results.read_runs(columns))
    return [int(best_runs(part, 1)["run_id"].iloc[0]) for _, part in parts if len(part)]


def squiggle(
    points: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    series: Series | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw how the curve of a network with one input changes; early curves are fainter.

    Parameters
    ----------
    points : DataFrame
        The data points: input_1, target_1, and the axis of the series.
    curves : DataFrame
        epoch, input_1, prediction_1, and the axis of the series: one curve per epoch.
    series : Series, optional
        The values of an axis, with a panel each.
    """
    parts = [("", curves, points)]
    if series:
        pairs = zip(series.parts(curves), series.parts(points), strict=True)
        parts = [(label, lines, dots) for (label, lines), (_, dots) in pairs if len(lines)]
    figure, panels = new_figure(style, len(parts), sharey=True)
    handles: list[Any] = []
    for axes, (label, lines, dots) in zip(panels, parts, strict=True):
        handles = _draw_curves(axes, dots, lines, style)
        dress(axes, style, x="input", title=label or title, room=0.7 / min(len(parts), 3))
        if len(parts) > 1:
            axes.locator_params(axis="x", nbins=4)
    panels[0].set_ylabel("output", fontsize=style.font)
    if set_outputs(panels[0], points["target_1"], curves["prediction_1"]):
        figure.caption = "Curves beyond the y axis are cut off."
    if series is None:
        panels[0].legend(
            handles=handles,
            title="epoch",
            loc="upper left",
            bbox_to_anchor=(1.01, 1.02),
            frameon=False,
            fontsize=style.small,
            title_fontsize=style.small,
            handlelength=1.2,
            borderpad=0,
        ).set_alignment("left")
        legend(figure, style, held_out_entries(points, style))
    else:
        headline(figure, style, title)
        for line in handles:
            line.set_label(f"epoch {line.get_label()}")
        legend(figure, style, [*handles, *held_out_entries(points, style)])
    figure.table = curves
    return figure


def _draw_curves(axes: Any, points: pd.DataFrame, curves: pd.DataFrame, style: Style) -> list[Any]:
    """Draw the curves and the data points of one panel; return the curves."""
    epochs = curves["epoch"].unique()
    lines = []
    colours = mpl.colormaps[VALUES](np.linspace(0.92, 0.0, len(epochs)))
    for number, epoch in enumerate(epochs):
        curve = curves[curves["epoch"] == epoch]
        predicted = curve["prediction_1"].to_numpy()
        last = number == len(epochs) - 1
        lines += axes.plot(
            curve["input_1"],
            np.where(np.isfinite(predicted), predicted, np.nan),
            color=colours[number],
            alpha=1.0 if last else 0.35 + 0.5 * number / len(epochs),
            linewidth=style.line * (1.6 if last else 1.0),
            label=f"{epoch:,}",
        )
    look = {"color": DARK, "clip_on": False, "markersize": 0.6 * style.font, "zorder": 3}
    draw_dots(axes, points, "input_1", "target_1", "o", look)
    if not np.isfinite(curves["prediction_1"]).any():
        remark(axes, style, DIVERGED)
    return lines


KIND = Kind(
    summary="How the curve of one run changes during training; for networks with one input.",
    draw=draw,
    takes=("run", "by"),
    needs=(need_inputs("squiggle", 1, "fit"),),
)
