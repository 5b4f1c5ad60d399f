"""Final SSR and share converged over two axes of a grid, as heat maps; over one, as lines."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from harness.analysis.measures import final_values, outcomes
from harness.analysis.ranking import start_ranks
from harness.formatting import plural
from harness.plots.bins import Places, places, set_places
from harness.plots.scales import label_of, set_log_ticks, span_of
from harness.plots.style import (
    ENDINGS,
    GREY,
    SHARES,
    SLIDE,
    VALUES,
    Style,
    colour_bar,
    dress,
    headline,
    legend,
    new_figure,
    remark,
)

# Cells along an axis: more could not be told apart on paper.
_MOST_CELLS = 200
_MOST_POINTS = 60

# The lowest and the highest cells take no part in the range of colours.
_RANGE = (0.02, 0.98)

# Nor do those that are so many times the median: without a limit, runs finish at 1e200.
_BLOWN_UP = 1e3


def final_map(
    runs: pd.DataFrame,
    x: str,
    y: str,
    *,
    style: Style = SLIDE,
    title: str = "",
    order_starts: bool = True,
) -> Figure:
    """Draw the median final SSR and the share converged of the runs in each cell of two axes.

    Parameters
    ----------
    runs : DataFrame
        With `x`, `y`, status, ssr_final.
    x, y : str
        Axes. Those with more values than a picture can show are put together in cells.
    style : Style
        Sizes.
    title : str
        Above the picture; the number of runs if left out.
    order_starts : bool
        Whether init_id, the numbers of which mean nothing, is ordered by how often a start
        converged; every start must have runs at the same points.
    """
    labels = {name: label_of(name) for name in (x, y)}
    if "init_id" in (x, y) and order_starts:
        runs = runs.assign(init_id=start_ranks(runs))
        labels["init_id"] = "starts, best first"
    across, up = (places(runs[name], _MOST_CELLS, even=True) for name in (x, y))
    median, share, count = cell_values(runs, across, up)

    figure, panels = new_figure(style, 2)
    diverged = np.isinf(median)
    handles = []
    if diverged.any():
        many = count.max() > 1
        text = "at least half of the runs diverged" if many else "diverged"
        handles.append(Patch(color=GREY, label=text))
    if (count == 0).any():
        handles.append(Patch(facecolor="white", edgecolor=GREY, label="no run"))
    draw_ssr(figure, panels[0], across, up, median, style)
    _draw_shares(figure, panels[1], across, up, np.ma.masked_where(count == 0, share), style)
    headings = (
        "median final SSR" if count.max() > 1 else "final SSR",
        "share converged" if np.nansum(share) else "none converged",
    )
    for axes, heading in zip(panels, headings, strict=True):
        dress(axes, style, x=labels[x], y=labels[y], title=heading)
    if style.beside:
        panels[1].set_ylabel("")
    else:
        panels[0].set_xlabel("")
    headline(figure, style, title or f"{len(runs):,} runs")
    legend(figure, style, handles)
    return figure


def cell_values(
    runs: pd.DataFrame, across: Places, up: Places
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return median SSR (inf: half of the runs diverged), share converged and number of runs."""
    shape = len(up.centres), len(across.centres)
    status = runs["status"].astype(str)
    good = status.ne("diverged") & runs["ssr_final"].notna()
    groups = pd.DataFrame(
        {
            "cell": up.cell * shape[1] + across.cell,
            "ssr": runs["ssr_final"].where(good, np.inf).to_numpy(),
            "converged": status.eq("converged").to_numpy(float),
        }
    ).groupby("cell")
    every = np.arange(shape[0] * shape[1])
    median = groups["ssr"].median().reindex(every).to_numpy().reshape(shape)
    share = groups["converged"].mean().reindex(every).to_numpy().reshape(shape)
    count = groups.size().reindex(every, fill_value=0).to_numpy().reshape(shape)
    return median, share, count


def draw_ssr(
    figure: Any, axes: Any, across: Places, up: Places, median: NDArray[np.float64], style: Style
) -> None:
    """Draw the SSR of cells, in colours for the range that most are in; grey: inf, diverged."""
    set_places(axes.xaxis, across)
    set_places(axes.yaxis, up)
    grey = np.ma.masked_where(~np.isinf(median), np.ones_like(median))
    axes.pcolormesh(across.edges, up.edges, grey, cmap=ListedColormap([GREY]), rasterized=True)
    shown = np.ma.masked_where(~np.isfinite(median), median)
    good = median[np.isfinite(median)]
    if not good.size:
        remark(axes, style, "every run diverged" if np.isinf(median).any() else "no run")
        return
    positive = good[good > 0]
    low, high = np.quantile(positive, _RANGE) if positive.size else (0.1, 1.0)
    if positive.size:
        high = max(min(high, _BLOWN_UP * np.median(positive)), low)
    if high / low < 1.5:
        low, high = low / 1.25, high * 1.25
    # The least number that there is: zero is below the range and has its lowest colour.
    shown = np.ma.maximum(shown, np.finfo(float).tiny)
    mesh = axes.pcolormesh(
        across.edges, up.edges, shown, norm=LogNorm(low, high), cmap=VALUES, rasterized=True
    )
    under, over = bool((good < low).any()), bool((good > high).any())
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[under, over]
    bar = colour_bar(figure, style, mesh, axes, "final SSR", extend=extend)
    set_log_ticks(bar.ax.yaxis, low, high)
    if (good == 0).any():
        bar.ax.set_xlabel("0", fontsize=0.85 * style.font)


def _draw_shares(
    figure: Any, axes: Any, across: Places, up: Places, share: Any, style: Style
) -> None:
    set_places(axes.xaxis, across)
    set_places(axes.yaxis, up)
    mesh = axes.pcolormesh(
        across.edges, up.edges, 100 * share, cmap=SHARES, vmin=0, vmax=100, rasterized=True
    )
    colour_bar(figure, style, mesh, axes, "share of runs, %")


def final_lines(runs: pd.DataFrame, x: str, *, style: Style = SLIDE, title: str = "") -> Figure:
    """Draw the final SSR, as median and quartiles, and the share converged along one axis.

    Parameters
    ----------
    runs : DataFrame
        With `x`, status, ssr_final.
    x : str
        The axis.
    style : Style
        Sizes.
    title : str
        Above the picture; the number of runs if left out.
    """
    cells = places(runs[x], _MOST_POINTS)
    binned = runs[["status", "ssr_final"]].assign(cell=cells.cell)
    values, shares = final_values(binned, "cell"), outcomes(binned, "cell")
    at = cells.centres[values["cell"]]
    marker = "o" if len(at) <= 30 else ""
    size = 0.3 * style.font

    figure, (left, right) = new_figure(style, 2)
    span = span_of(values[["lower_quartile", "median", "upper_quartile"]])
    low, middle, high = (
        span.place(values[name]) for name in ("lower_quartile", "median", "upper_quartile")
    )
    colour = "#31688e"
    handles = left.plot(
        at,
        middle,
        color=colour,
        linewidth=style.line,
        marker=marker,
        markersize=size,
        label="median",
    )
    if values["runs"].max() > 1:
        handles.append(
            left.fill_between(
                at, low, high, color=colour, alpha=0.25, linewidth=0, label="middle half"
            )
        )
    span.set(left.yaxis, style, "diverged")
    right.plot(
        at,
        100 * shares["converged"],
        color=ENDINGS["converged"],
        linewidth=style.line,
        marker=marker,
        markersize=size,
    )
    interval = right.fill_between(
        at,
        100 * shares["converged_low"],
        100 * shares["converged_high"],
        linewidth=0,
        color=ENDINGS["converged"],
        alpha=0.25,
        label="95 % interval",
    )
    right.set_ylim(-2, 102)
    for axes, heading, y in (
        (left, "final SSR", "SSR"),
        (right, "share converged", "share of runs, %"),
    ):
        set_places(axes.xaxis, cells)
        dress(axes, style, x=label_of(x), y=y, title=heading)
    headline(figure, style, title or plural(len(runs), "run"))
    legend(figure, style, [*handles, interval])
    return figure
