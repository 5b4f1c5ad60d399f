"""How the curve of a network changes while it is trained: the squiggle of the first lesson."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.plots.fit import NO_NUMBERS
from harness.plots.style import DARK, SLIDE, VALUES, Style, dress, new_figure, remark


def squiggle(
    points: pd.DataFrame, curves: pd.DataFrame, *, style: Style = SLIDE, title: str = ""
) -> Figure:
    """Draw how the curve of a network with one input changes, the early ones fading.

    Parameters
    ----------
    points : DataFrame
        The data points: input_1, target_1.
    curves : DataFrame
        epoch, input_1, prediction_1: a curve an epoch.
    style : Style
        Sizes.
    title : str
        Above the picture.
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
    axes.plot(
        points["input_1"],
        points["target_1"],
        "o",
        color=DARK,
        clip_on=False,
        markersize=0.6 * style.font,
        zorder=3,
    )
    _limit(axes, points["target_1"], curves)
    if not np.isfinite(curves["prediction_1"]).any():
        remark(axes, style, NO_NUMBERS)
    dress(axes, style, x="input", y="output", title=title or "squiggle", room=0.7)
    axes.legend(
        handles=axes.get_lines()[:-1],
        title="epoch",
        loc="upper left",
        bbox_to_anchor=(1.01, 1.02),
        frameon=False,
        fontsize=0.85 * style.font,
        title_fontsize=0.85 * style.font,
        handlelength=1.2,
        borderpad=0,
    ).set_alignment("left")
    return figure


def _limit(axes: Any, targets: "pd.Series[float]", curves: pd.DataFrame) -> None:
    """Keep curves that are far off, on their way to diverging, from flattening the others."""
    low, high = float(targets.min()), float(targets.max())
    room = 4 * max(high - low, 1e-9)
    good = curves.loc[np.isfinite(curves["prediction_1"]), "prediction_1"]
    if len(good) and (good.min() < low - room or good.max() > high + room):
        axes.set_ylim(max(good.min(), low - room), min(good.max(), high + room))
