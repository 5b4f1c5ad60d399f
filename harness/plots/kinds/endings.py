"""How runs end along an axis: shares that converged, finished and diverged."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.measures import ENDINGS as STATUSES
from harness.analysis.measures import outcomes
from harness.analysis.starts import start_numbers
from harness.plots import reading
from harness.plots.bins import bins_of, set_bins
from harness.plots.kinds import Kind, Options
from harness.plots.scales import label_of
from harness.plots.series import Series
from harness.plots.style import (
    DARK,
    ENDINGS,
    MARKERS,
    SLIDE,
    Picture,
    Style,
    dress,
    headline,
    legend,
    new_figure,
)
from harness.plots.titles import count_runs, over_others
from harness.results.tables import Results

_MOST_POINTS = 60


def draw(results: Results, options: Options) -> Picture:
    """Draw how the runs of a sweep ended."""
    series = options.series
    x = reading.choose_axis(results, options.x, apart=series.axis if series else None)
    told = [x, *([series.axis] if series else [])]
    runs = reading.runs_of(results, ["run_id", *told, "status"])
    runs = runs.assign(start=start_numbers(results.experiment, runs["run_id"].to_numpy()))
    title = "how runs ended" + over_others(results, told)
    single = options.x is None and x == "init_id"  # shares of one run each would say nothing
    picture = endings(runs, None if single else x, series=series, style=options.style, title=title)
    ranges = "lines on the bars" if single else "bands"
    count = count_runs(results, len(runs))
    pooled = (picture.table["runs"] > picture.table["starts"]).any()
    of = "the shares, for the number of starts" if pooled else "the shares"
    picture.caption = f"{count}; {ranges} are 95% intervals of {of}."
    return picture


def endings(
    runs: pd.DataFrame,
    x: str | None,
    *,
    series: Series | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw the shares of runs that converged, finished, diverged or were stopped along an axis.

    The bands are 95 % Wilson intervals. Without an axis, the shares are bars.

    Parameters
    ----------
    runs : DataFrame
        With `x`, status, the axis of the series and, if runs share starts, their number as
        `start`.
    x : str or None
        The axis.
    series : Series, optional
        The values of another axis, with a panel each.
    """
    parts = dict(series.parts(runs)) if series else {"": runs}
    everything = pd.concat(parts, names=["panel"])
    bins = bins_of(everything[x] if x else pd.Series(0, everything.index), _MOST_POINTS)
    binned = pd.DataFrame(
        {
            "panel": everything.index.get_level_values("panel"),
            "bin": bins.of_rows,
            "status": everything["status"].array,
        }
    )
    if "start" in everything:
        binned["start"] = everything["start"].array
    table = outcomes(binned, ["panel", "bin"], "start" if "start" in binned else None)
    if x:
        table.insert(1, x, bins.values[table["bin"]])
    figure, panels = new_figure(style, len(parts), sharey=True)
    handles: dict[str, Any] = {}
    shown = [status for status in STATUSES if status in table and table[status].any()]
    room = 0.8 / min(len(parts), 3) if style.beside else 0.8
    for axes, name in zip(panels, parts, strict=True):
        ours = table[table["panel"] == name]
        if x:
            _draw_shares(axes, bins.centres[ours["bin"]], ours, style, handles)
            set_bins(axes.xaxis, bins)
        else:
            _draw_bars(axes, ours.iloc[0], shown, style)
        dress(axes, style, x=label_of(x) if x else "", title=name or title, room=room)
        if axes.get_subplotspec().is_first_col():
            axes.set_ylabel("share of runs, %", fontsize=style.font)
    panels[0].set_ylim(-2, 102 if x else 118)  # of all panels
    if series:
        headline(figure, style, title)
    legend(figure, style, list(handles.values()))
    names = table.pop("panel")
    if series:
        table.insert(0, series.axis, names.map(dict(zip(parts, series.values, strict=True))))
    figure.table = table.drop(columns="bin")
    return figure


def _draw_shares(
    axes: Any, at: NDArray[np.float64], table: pd.DataFrame, style: Style, handles: dict[str, Any]
) -> None:
    """Draw the shares of one panel, and add the legend entries that are new."""
    for status, marker in zip(STATUSES, MARKERS, strict=False):
        if status not in table or not table[status].any():
            continue
        share, low, high = (
            100 * table[f"{status}{end}"].to_numpy() for end in ("", "_low", "_high")
        )
        colour = ENDINGS[status]
        axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
        if len(at) == 1:  # the band has no width
            axes.vlines(at, low, high, color=colour, alpha=0.4, linewidth=style.line)
        (line,) = axes.plot(
            at,
            share,
            color=colour,
            linewidth=style.line,
            marker=marker,
            markersize=0.35 * style.font,
            label=status,
        )
        handles.setdefault(status, line)


def _draw_bars(axes: Any, shares: "pd.Series[Any]", statuses: list[str], style: Style) -> None:
    """Draw a bar for each share of one panel, with its interval."""
    for at, status in enumerate(statuses):
        share, low, high = (100 * shares[f"{status}{end}"] for end in ("", "_low", "_high"))
        axes.bar(at, share, 0.6, color=ENDINGS[status], alpha=0.7)
        axes.vlines(at, low, high, color=DARK, linewidth=style.line)
        axes.text(at, high + 1, f"{share:.0f}", ha="center", va="bottom", fontsize=style.small)
    axes.set_xticks(range(len(statuses)), statuses)


KIND = Kind(
    summary="Shares of runs that converged, finished and diverged along an axis.",
    draw=draw,
    takes=("x", "by"),
)
