"""Epochs until half of the runs reach an SSR, along an axis."""

from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.measures import epochs_to_reach, reached
from harness.errors import ResultsError
from harness.plots import reading
from harness.plots.bins import bins_of, set_bins
from harness.plots.kinds import Kind, Options
from harness.plots.scales import Span, label_of, span_of
from harness.plots.style import (
    CATEGORIES,
    DARK,
    MARKERS,
    SLIDE,
    Picture,
    Style,
    dress,
    entry,
    legend,
    new_figure,
)
from harness.plots.titles import count_runs, over_others
from harness.results.tables import Results

_MOST_POINTS = 60
_MOST_SERIES = 6  # a second axis with more values has no curves of its own
_SAMPLE = 20_000  # runs whose trajectories are searched for an SSR


def draw(results: Results, options: Options) -> Picture:
    """Draw the epochs until half of the runs converged, or reached the SSR of the options."""
    x = reading.choose_axis(results, options.x)
    others = [name for name in reading.varied_axes(results) if name not in (x, "init_id")]
    columns = ["run_id", "status", "epochs", x, *others[:1]]
    if "max_epochs" in reading.all_axes(results):
        columns.append("max_epochs")
    table = None
    if options.ssr is not None:
        runs, table = reading.runs_and_trajectories(results, columns, _SAMPLE)
        goal = f"reached SSR {options.ssr:g}"
    elif results.has_tolerance:
        runs, goal = reading.runs_of(results, columns), "converged"
    else:
        raise ResultsError(
            f"{results.folder} has no tolerance, so no run has converged.\n"
            "Choose an SSR to reach with --ssr, or set `training.tolerance`."
        )
    if "max_epochs" not in runs:
        runs = runs.assign(max_epochs=results.experiment.training.epochs)
    series = next((name for name in others[:1] if runs[name].nunique() <= _MOST_SERIES), None)
    title = (
        f"epochs after which half of the runs have {goal}; {count_runs(results, len(runs))}"
        + over_others(results, [x, *([series] if series else [])])
    )
    watched = reached(runs, table, options.ssr)
    return epochs(watched, x, series=series, style=options.style, title=title)


def epochs(
    watched: pd.DataFrame,
    x: str,
    *,
    series: str | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw the median number of epochs to an SSR along an axis, with its 95 % interval.

    Where fewer than half of the runs reach it, there is a triangle at the upper edge.

    Parameters
    ----------
    watched : DataFrame
        As returned by `harness.analysis.measures.reached`, with `x` and `series`.
    x : str
        The axis, usually learning_rate.
    series : str, optional
        An axis with a curve for each of its values.
    """
    bins = bins_of(watched[x], _MOST_POINTS)
    watched = watched.assign(bin=bins.of_rows)
    groups: list[tuple[Any, pd.DataFrame]] = [(None, watched)]
    if series is not None:
        numbers = pd.api.types.is_numeric_dtype(watched[series])
        groups = list(watched.groupby(series, sort=numbers, observed=True))
    tables = [(value, epochs_to_reach(group, ["bin"])) for value, group in groups]
    span = _span(pd.concat([table for _, table in tables]), float(watched["epoch"].max()))
    figure, (axes,) = new_figure(style)
    handles, missed = [], False
    for number, (value, table) in enumerate(tables):
        colour = CATEGORIES[number % len(CATEGORIES)]
        marker = MARKERS[number % len(MARKERS)]
        # Triangles of several curves are stacked in the strip at the edge.
        above = number / (len(tables) - 1) - 0.5 if len(tables) > 1 else 0.0
        missed |= _draw_curve(axes, bins.centres, table, span, above, colour, marker, style)
        if series is not None:
            text = f"{value:.4g}" if isinstance(value, float) else str(value)
            label = f"{label_of(series)} {text}"
            size = 0.35 * style.font
            handles.append(entry(label, color=colour, marker=marker, markersize=size))
    if missed:
        handles.append(entry("fewer than half", **_missed(DARK, style)))
    set_bins(axes.xaxis, bins)
    span.set(axes.yaxis, "not\nreached")
    dress(axes, style, x=label_of(x), y="epochs", title=title)
    legend(figure, style, handles)
    return figure


def _span(table: pd.DataFrame, longest: float) -> Span:
    """Return the axis of epochs: every interval, and up to `longest` if a median is missing."""
    numbers = np.unique(table[["median", "low", "high"]].to_numpy())
    numbers = numbers[np.isfinite(numbers)]
    never = bool(np.isinf(table["median"]).any())
    if never:
        numbers = np.append(numbers, longest)
    if len(numbers) == 1 and never:
        numbers = np.append(numbers, max(longest / 100, 1.0))
    return span_of(numbers, beyond=never or bool(np.isinf(table["high"]).any()))


def _missed(colour: str, style: Style) -> dict[str, Any]:
    """Return the look of the triangles."""
    size = 0.5 * style.font
    return {
        "color": colour, "marker": "^", "linestyle": "", "markerfacecolor": "none",
        "markersize": size,
    }  # fmt: skip


def _draw_curve(
    axes: Any,
    centres: Any,
    table: pd.DataFrame,
    span: Span,
    above: float,
    colour: str,
    marker: str,
    style: Style,
) -> bool:
    """Draw the median and the interval of one series; return whether some medians are missing.

    Their triangles are drawn `above` the middle of the strip at the edge, as a share of its height.
    """
    x = centres[table["bin"]]
    median = table["median"].to_numpy()
    there = np.isfinite(median)
    # The interval of a median that exists may be open above.
    low = np.where(there, np.minimum(table["low"], median), np.nan)
    high = np.clip(np.where(there, span.positions(table["high"]), np.nan), None, span.ends[1])
    axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        x,
        np.where(there, median, np.nan),
        color=colour,
        linewidth=style.line,
        marker=marker,
        markersize=0.35 * style.font,
    )
    # The band of a point without neighbours has no width.
    padded = np.pad(there, 1)
    single = there & ~padded[:-2] & ~padded[2:]
    axes.vlines(x[single], low[single], high[single], color=colour, alpha=0.4, linewidth=style.line)
    if not there.all():
        height = np.full((~there).sum(), span.in_strip(above))
        axes.plot(x[~there], height, **_missed(colour, style))
    return not there.all()


KIND = Kind(
    summary="Epochs until half of the runs converge, or reach an SSR, along an axis.",
    draw=draw,
    takes=("x", "ssr"),
)
