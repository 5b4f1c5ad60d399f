"""Final values and share converged: heat maps over two axes of a grid, lines along one."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.patches import Patch
from numpy.typing import NDArray

from harness.analysis.measures import (
    accuracy_column,
    comparable,
    final_values,
    higher_is_better,
    outcomes,
)
from harness.analysis.ranking import start_ranks
from harness.plots import reading
from harness.plots.bins import Bins, bins_of, set_bins
from harness.plots.kinds import Kind, Options
from harness.plots.scales import colour_range, label_of, set_log_ticks, span_of
from harness.plots.style import (
    ENDINGS,
    GREY,
    SHARES,
    SLIDE,
    VALUES,
    Picture,
    Style,
    colour_bar,
    dress,
    headline,
    legend,
    new_figure,
    remark,
)
from harness.plots.titles import count_runs, over_others
from harness.results.sentences import final_label
from harness.results.tables import Results

_MOST_CELLS = 200  # along an axis: narrower ones could not be told apart on paper
_MOST_POINTS = 60
_COLOUR = "#31688e"


def draw(results: Results, options: Options) -> Picture:
    """Draw the map of a sweep over two axes, or lines if it has one."""
    axes = reading.choose_axes(results, [options.x, options.y])
    value = accuracy_column(results.run_columns) or "ssr_final"
    columns = ["init_id", *axes, "status", "ssr_final", value]  # the SSR orders the starts
    runs = reading.runs_of(results, columns)
    title = count_runs(results, len(runs)) + over_others(results, axes)
    if len(axes) == 1 or axes[0] == axes[1]:
        return final_lines(runs, axes[0], value, style=options.style, title=title)
    complete = len(runs) == results.manifest["runs"]
    x, y = axes
    return final_map(runs, x, y, value, style=options.style, title=title, order_starts=complete)


def final_map(
    runs: pd.DataFrame,
    x: str,
    y: str,
    value: str = "ssr_final",
    *,
    style: Style = SLIDE,
    title: str = "",
    order_starts: bool = True,
) -> Picture:
    """Draw the median of a final value and the share converged in each cell of two axes.

    Parameters
    ----------
    runs : DataFrame
        With `x`, `y`, status, `value`; and ssr_final to order starts.
    x, y : str
        Axes. Neighbouring values share a cell if there are more than a plot can show.
    value : str
        The column of the final value.
    order_starts : bool
        Whether to order the starts of init_id, whose numbers have no meaning, by how often they
        converged. Every start must have runs at the same points.
    """
    labels = {name: label_of(name) for name in (x, y)}
    if "init_id" in (x, y) and order_starts:
        runs = runs.assign(init_id=start_ranks(runs))
        labels["init_id"] = "starts, best first"
    across, up = (bins_of(runs[name], _MOST_CELLS, even=True) for name in (x, y))
    median, share, count = cell_values(runs, across, up, value)

    figure, panels = new_figure(style, 2)
    several = count.max() > 1
    handles = []
    if np.isinf(median).any():
        text = "at least half of the runs diverged" if several else "diverged"
        handles.append(Patch(color=GREY, label=text))
    if (count == 0).any():
        handles.append(Patch(facecolor="white", edgecolor=GREY, label="no run"))
    _draw_values(figure, panels[0], across, up, median, value, style)
    _draw_shares(figure, panels[1], across, up, np.ma.masked_where(count == 0, share), style)
    label = final_label(value)
    headings = (
        f"median {label}" if several else label,
        "share converged" if np.nansum(share) else "none converged",
    )
    for axes, heading in zip(panels, headings, strict=True):
        dress(axes, style, x=labels[x], y=labels[y], title=heading)
    if style.beside:
        panels[1].set_ylabel("")
    else:
        panels[0].set_xlabel("")
    headline(figure, style, title)
    legend(figure, style, handles)
    return figure


def cell_values(
    runs: pd.DataFrame, across: Bins, up: Bins, value: str
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return median value, share converged and number of runs of each cell, shape (up, across).

    The median is inf where at least half of the runs diverged, or -inf if higher is better.
    """
    shape = len(up.centres), len(across.centres)
    cells = pd.DataFrame(
        {
            "cell": up.of_rows * shape[1] + across.of_rows,
            "value": comparable(runs, value).to_numpy(),
            "converged": runs["status"].astype(str).eq("converged").to_numpy(float),
        }
    ).groupby("cell")
    every = np.arange(shape[0] * shape[1])
    median = cells["value"].median().reindex(every).to_numpy().reshape(shape)
    share = cells["converged"].mean().reindex(every).to_numpy().reshape(shape)
    count = cells.size().reindex(every, fill_value=0).to_numpy().reshape(shape)
    return median, share, count


def _draw_values(
    figure: Any,
    axes: Any,
    across: Bins,
    up: Bins,
    median: NDArray[np.float64],
    value: str,
    style: Style,
) -> None:
    """Draw the values of cells, with those that diverged (inf or -inf) in grey."""
    set_bins(axes.xaxis, across)
    set_bins(axes.yaxis, up)
    grey = np.ma.masked_where(~np.isinf(median), np.ones_like(median))
    axes.pcolormesh(across.edges, up.edges, grey, cmap=ListedColormap([GREY]), rasterized=True)
    good = median[np.isfinite(median)]
    if not good.size:
        remark(axes, style, "every run diverged" if np.isinf(median).any() else "no run")
        return
    log = not higher_is_better(value)
    low, high = colour_range(good) if log else (float(good.min()), float(good.max()))
    norm: Normalize = LogNorm(low, high) if log else Normalize(low, high)
    shown = np.ma.masked_where(~np.isfinite(median), median)
    if log:  # zero has no logarithm: the smallest float has the lowest colour
        shown = np.ma.maximum(shown, np.finfo(float).tiny)
    mesh = axes.pcolormesh(across.edges, up.edges, shown, norm=norm, cmap=VALUES, rasterized=True)
    under, over = bool((good < low).any()), bool((good > high).any())
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[under, over]
    bar = colour_bar(figure, style, mesh, axes, final_label(value), extend=extend)
    if log:
        set_log_ticks(bar.ax.yaxis, low, high)
    if log and (good == 0).any():
        bar.ax.set_xlabel("0", fontsize=style.small)


def _draw_shares(figure: Any, axes: Any, across: Bins, up: Bins, share: Any, style: Style) -> None:
    set_bins(axes.xaxis, across)
    set_bins(axes.yaxis, up)
    mesh = axes.pcolormesh(
        across.edges, up.edges, 100 * share, cmap=SHARES, vmin=0, vmax=100, rasterized=True
    )
    colour_bar(figure, style, mesh, axes, "share of runs, %")


def final_lines(
    runs: pd.DataFrame,
    x: str,
    value: str = "ssr_final",
    *,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw a final value, as median and quartiles, and the share converged along one axis.

    Parameters
    ----------
    runs : DataFrame
        With `x`, status, `value`.
    x : str
        The axis.
    value : str
        The column of the final value.
    """
    bins = bins_of(runs[x], _MOST_POINTS)
    binned = runs[["status", value]].assign(bin=bins.of_rows)
    values, shares = final_values(binned, "bin", value), outcomes(binned, "bin")
    at = bins.centres[values["bin"]]
    look = {
        "linewidth": style.line,
        "marker": "o" if len(at) <= 30 else "",
        "markersize": 0.3 * style.font,
    }
    figure, (left, right) = new_figure(style, 2)
    quartiles = values[["lower_quartile", "median", "upper_quartile"]]
    # Where half of the runs diverged, a line has a gap, or on a logarithmic axis its own strip.
    span = None if higher_is_better(value) else span_of(quartiles)
    low, middle, high = (
        values[name].where(np.isfinite(values[name]))
        if span is None
        else span.positions(values[name])
        for name in quartiles
    )
    handles = left.plot(at, middle, color=_COLOUR, label="median", **look)
    if values["runs"].max() > 1:
        band = {"color": _COLOUR, "alpha": 0.25, "linewidth": 0}
        handles.append(left.fill_between(at, low, high, label="middle half", **band))
    if span is not None:
        span.set(left.yaxis, "diverged")
    colour = ENDINGS["converged"]
    right.plot(at, 100 * shares["converged"], color=colour, **look)
    interval = right.fill_between(
        at,
        100 * shares["converged_low"],
        100 * shares["converged_high"],
        linewidth=0,
        color=colour,
        alpha=0.25,
        label="95 % interval",
    )
    right.set_ylim(-2, 102)
    for axes, heading, y in (
        (left, final_label(value), final_label(value).removeprefix("final ")),
        (right, "share converged", "share of runs, %"),
    ):
        set_bins(axes.xaxis, bins)
        dress(axes, style, x=label_of(x), y=y, title=heading)
    headline(figure, style, title)
    legend(figure, style, [*handles, interval])
    return figure


KIND = Kind(
    summary="Median final SSR or accuracy and share converged over two axes, or along one.",
    draw=draw,
    takes=("x", "y"),
)
