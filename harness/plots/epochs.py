"""What changes along an axis: how long runs take to an SSR, and how they end."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.analysis.measures import ENDINGS as STATUSES
from harness.analysis.measures import epochs_to_reach, outcomes, share_interval
from harness.formatting import plural
from harness.plots.bins import places, set_places
from harness.plots.scales import Span, label_of, span_of
from harness.plots.style import (
    CATEGORIES,
    DARK,
    ENDINGS,
    MARKERS,
    SLIDE,
    Style,
    dress,
    legend,
    new_figure,
)

# More values of the axis are put together.
_MOST_POINTS = 60

# Curves for the values of a second axis, if it has no more.
MOST_SERIES = 6


def epochs(
    watched: pd.DataFrame,
    x: str,
    *,
    series: str | None = None,
    style: Style = SLIDE,
    title: str = "epochs after which half of the runs have converged",
) -> Figure:
    """Draw the median number of epochs to an SSR along an axis, with its 95 % interval.

    Where fewer than half of the runs reach it, a triangle at the upper edge says so.

    Parameters
    ----------
    watched : DataFrame
        What `harness.analysis.measures.reached` returns, with `x` and `series`.
    x : str
        The axis, usually learning_rate.
    series : str, optional
        An axis of up to `MOST_SERIES` values that have a curve each.
    style : Style
        Sizes.
    title : str
        Above the picture.
    """
    cells = places(watched[x], _MOST_POINTS)
    watched = watched.assign(cell=cells.cell)
    figure, (axes,) = new_figure(style)
    groups: list[tuple[Any, pd.DataFrame]] = [(None, watched)]
    if series is not None:
        groups = [(value, watched[watched[series] == value]) for value in watched[series].unique()]
        if pd.api.types.is_numeric_dtype(watched[series]):
            groups.sort(key=lambda pair: pair[0])
    tables = [(value, epochs_to_reach(group, ["cell"])) for value, group in groups]
    span = _span(pd.concat([table for _, table in tables]), float(watched["epoch"].max()))
    handles, missed = [], False
    for number, (value, table) in enumerate(tables):
        colour = CATEGORIES[number % len(CATEGORIES)]
        marker = MARKERS[number % len(MARKERS)]
        # Signs of several curves share the strip at the edge, one above the other.
        above = number / (len(tables) - 1) - 0.5 if len(tables) > 1 else 0.0
        missed |= _curve(axes, cells.centres, table, span, above, colour, marker, style)
        if value is not None:
            text = (
                f"{label_of(str(series))} {value:.4g}"
                if isinstance(value, float)
                else f"{label_of(str(series))} {value}"
            )
            handles.append(
                Line2D(
                    [], [], color=colour, marker=marker, label=text, markersize=0.35 * style.font
                )
            )
    if missed:
        handles.append(
            Line2D(
                [],
                [],
                color=DARK,
                marker="^",
                linestyle="",
                markerfacecolor="none",
                markersize=0.5 * style.font,
                label="fewer than half",
            )
        )
    set_places(axes.xaxis, cells)
    span.set(axes.yaxis, style, "not\nreached")
    dress(axes, style, x=label_of(x), y="epochs", title=title)
    legend(figure, style, handles)
    return figure


def _span(table: pd.DataFrame, longest: float) -> Span:
    """Return the axis of epochs: with every interval, and as far as runs were watched."""
    numbers = np.unique(table[["median", "low", "high"]].to_numpy())
    numbers = numbers[np.isfinite(numbers)]
    never = bool(np.isinf(table["median"]).any())
    if never:
        numbers = np.append(numbers, longest)
    if len(numbers) == 1 and never:
        numbers = np.append(numbers, max(longest / 100, 1.0))
    return span_of(numbers, beyond=never or bool(np.isinf(table["high"]).any()))


def _curve(
    axes: Any,
    at: Any,
    table: pd.DataFrame,
    span: Span,
    above: float,
    colour: str,
    marker: str,
    style: Style,
) -> bool:
    """Draw median and interval of one series; return whether some points have no median.

    These are drawn `above` the middle of the strip at the edge, in parts of its height.
    """
    x = at[table["cell"]]
    median = table["median"].to_numpy()
    there = np.isfinite(median)
    # A band needs a median; its upper end may be beyond all numbers.
    low = np.where(there, np.minimum(table["low"], median), np.nan)
    high = np.clip(np.where(there, span.place(table["high"]), np.nan), None, span.ends[1])
    axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        x,
        np.where(there, median, np.nan),
        color=colour,
        linewidth=style.line,
        marker=marker,
        markersize=0.35 * style.font,
    )
    # A band between neighbours has no width where there are none.
    padded = np.pad(there, 1)
    alone = there & ~padded[:-2] & ~padded[2:]
    axes.vlines(x[alone], low[alone], high[alone], color=colour, alpha=0.4, linewidth=style.line)
    if not there.all():
        axes.plot(
            x[~there],
            np.full((~there).sum(), span.in_strip(above)),
            "^",
            color=colour,
            markerfacecolor="none",
            markersize=0.5 * style.font,
        )
    return not there.all()


def endings(runs: pd.DataFrame, x: str, *, style: Style = SLIDE, title: str = "") -> Figure:
    """Draw the shares of runs that converged, finished and diverged along an axis.

    The bands are 95 % intervals by Wilson.

    Parameters
    ----------
    runs : DataFrame
        With `x` and status.
    x : str
        The axis.
    style : Style
        Sizes.
    title : str
        Above the picture; the number of runs if left out.
    """
    cells = places(runs[x], _MOST_POINTS)
    table = outcomes(
        pd.DataFrame({"cell": cells.cell, "status": runs["status"].to_numpy()}), "cell"
    )
    at = cells.centres[table["cell"]]
    figure, (axes,) = new_figure(style)
    handles = []
    total = table["runs"].to_numpy()
    for number, status in enumerate(STATUSES):
        share = table[status].to_numpy()
        if not share.any():
            continue
        low, high = share_interval(np.rint(share * total).astype(np.int64), total)
        colour = ENDINGS[status]
        axes.fill_between(at, 100 * low, 100 * high, color=colour, alpha=0.2, linewidth=0)
        if len(at) == 1:  # a band of no width
            axes.vlines(at, 100 * low, 100 * high, color=colour, alpha=0.4, linewidth=style.line)
        (line,) = axes.plot(
            at,
            100 * share,
            color=colour,
            linewidth=style.line,
            marker=MARKERS[number],
            markersize=0.35 * style.font,
            label=status,
        )
        handles.append(line)
    axes.set_ylim(-2, 102)
    set_places(axes.xaxis, cells)
    dress(
        axes,
        style,
        x=label_of(x),
        y="share of runs, %",
        title=title or f"how {plural(len(runs), 'run')} ended",
    )
    legend(figure, style, handles)
    return figure
