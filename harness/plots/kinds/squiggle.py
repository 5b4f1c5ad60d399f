"""How the curve of a network changes during training: the squiggle of the first lesson."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from harness.analysis import predictions
from harness.errors import ResultsError
from harness.plots.classes import DIVERGED, draw_dots, held_out_entries
from harness.plots.kinds import Kind, Options
from harness.plots.reading import one_run
from harness.plots.style import (
    DARK,
    SLIDE,
    VALUES,
    Picture,
    Style,
    dress,
    legend,
    new_figure,
    remark,
)
from harness.plots.titles import run_title
from harness.results.tables import Results

_CURVES = 9
_POINTS = 400


def need_one_input(results: Results) -> None:
    """Raise a ResultsError if the network has several inputs."""
    inputs = results.experiment.data.inputs.shape[1]
    if inputs != 1:
        raise ResultsError(
            f"squiggle is for networks with one input; that of {results.folder} has {inputs}.\n"
            "`harness plot DIR fit` shows what it has learnt."
        )


def draw(results: Results, options: Options) -> Picture:
    """Draw the curve of one run at several epochs, more densely in the beginning."""
    experiment = results.experiment
    run_id, row = one_run(results, options.run)
    epochs = predictions.spread_epochs(int(row["epochs"]), _CURVES)
    single = experiment.single(run_id)  # an axis may change the data
    inputs = predictions.lattice(single, _POINTS)
    return squiggle(
        predictions.data_points(single),
        predictions.curves(experiment, run_id, epochs, inputs),
        style=options.style,
        title=run_title(results, run_id, row),
    )


def squiggle(
    points: pd.DataFrame, curves: pd.DataFrame, *, style: Style = SLIDE, title: str = ""
) -> Picture:
    """Draw how the curve of a network with one input changes; early curves are fainter.

    Parameters
    ----------
    points : DataFrame
        The data points: input_1, target_1.
    curves : DataFrame
        epoch, input_1, prediction_1: one curve per epoch.
    """
    figure, (axes,) = new_figure(style)
    epochs = curves["epoch"].unique()
    colours = mpl.colormaps[VALUES](np.linspace(0.92, 0.0, len(epochs)))
    for number, epoch in enumerate(epochs):
        curve = curves[curves["epoch"] == epoch]
        predicted = curve["prediction_1"].to_numpy()
        last = number == len(epochs) - 1
        axes.plot(
            curve["input_1"],
            np.where(np.isfinite(predicted), predicted, np.nan),
            color=colours[number],
            alpha=1.0 if last else 0.35 + 0.5 * number / len(epochs),
            linewidth=style.line * (1.6 if last else 1.0),
            label=f"{epoch:,}",
        )
    lines = axes.get_lines()
    look = {"color": DARK, "clip_on": False, "markersize": 0.6 * style.font, "zorder": 3}
    draw_dots(axes, points, "input_1", "target_1", "o", look)
    _limit(axes, points["target_1"], curves)
    if not np.isfinite(curves["prediction_1"]).any():
        remark(axes, style, DIVERGED)
    dress(axes, style, x="input", y="output", title=title, room=0.7)
    axes.legend(
        handles=lines,
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
    return figure


def _limit(axes: Any, targets: "pd.Series[float]", curves: pd.DataFrame) -> None:
    """Limit the y axis, so that curves that are about to diverge do not flatten the others."""
    low, high = float(targets.min()), float(targets.max())
    room = 4 * max(high - low, 1e-9)
    good = curves.loc[np.isfinite(curves["prediction_1"]), "prediction_1"]
    if len(good) and (good.min() < low - room or good.max() > high + room):
        axes.set_ylim(max(good.min(), low - room), min(good.max(), high + room))


KIND = Kind(
    summary="How the curve of one run changes during training; for networks with one input.",
    draw=draw,
    takes=("run",),
    needs=(need_one_input,),
)
