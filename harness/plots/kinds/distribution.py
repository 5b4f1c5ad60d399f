"""Distribution of a measure of the runs, by how they ended or by an axis."""

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Patch
from numpy.typing import NDArray

from harness.analysis.measures import ENDINGS as STATUSES
from harness.analysis.measures import comparable
from harness.plots import reading
from harness.plots.kinds import Kind, Options
from harness.plots.quantities import FINAL_SSR, Quantity, final_quantity
from harness.plots.scales import Span, span_of
from harness.plots.series import Series
from harness.plots.style import (
    CATEGORIES,
    DASHES,
    ENDINGS,
    SLIDE,
    Picture,
    Style,
    dress,
    entry,
    legend,
    new_figure,
)
from harness.plots.titles import count_runs
from harness.results.tables import Results

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_BINS = 50
_STEPS = 25  # of outlines, which cross
_HALF = 0.03  # half the width of the bars apart, as a share of the length of the numbers


def draw(results: Results, options: Options) -> Picture:
    """Draw the distribution of a measure of the runs of a sweep."""
    series = options.series
    quantity = final_quantity(results, options.measure, shares=False)
    by = [series.axis] if series else []
    runs = reading.runs_of(results, ["status", quantity.column, *by])
    title = f"distribution of {quantity.label}"
    picture = distribution(runs, quantity=quantity, series=series, style=options.style, title=title)
    picture.caption = f"{count_runs(results, len(runs))}. {picture.caption}".strip()
    return picture


def distribution(
    runs: pd.DataFrame,
    *,
    quantity: Quantity = FINAL_SSR,
    series: Series | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw a histogram, stacked by how the runs ended, or an outline for each value of an axis.

    The final values of a run that diverged have no meaning: these runs share one bar. Runs at 0,
    which has no logarithm, share another if the axis is logarithmic.

    Parameters
    ----------
    runs : DataFrame
        With status, the column of the quantity, and the axis of the series.
    quantity : Quantity
        What to draw.
    series : Series, optional
        The values of an axis, with an outline each: the shares of its runs.
    """
    values = comparable(runs, quantity.column)
    numbers = values.to_numpy(dtype=np.float64)
    span = span_of(numbers, log=quantity.log, higher_is_better=quantity.higher_is_better)
    edges = span.edges(_STEPS if series else _BINS)
    endings = {name: (runs["status"] == name).to_numpy() for name in STATUSES}
    if series:
        axis = runs[series.axis].astype(object).to_numpy()
        groups = {value: axis == value for value in series.values}
    else:
        groups = {name: ours for name, ours in endings.items() if ours.any()}
    counts = {name: _counts(numbers[ours], edges) for name, ours in groups.items()}

    figure, (axes,) = new_figure(style)
    if series:
        handles = _outlines(axes, span, edges, counts, series, style)
    else:
        handles = _bars(axes, span, edges, counts, style)
    far = ~np.isfinite(numbers)
    span.set(axes.xaxis, "diverged" if endings["diverged"][far].all() else "not finite")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axes.margins(y=0.1)
    y = "share of runs, %" if series else "runs"
    dress(axes, style, x=quantity.label, y=y, title=title)
    legend(figure, style, handles)
    figure.table = _table(edges, counts, series, quantity)
    if series:
        figure.caption = "Each outline is the share of the runs with that value, bin by bin."
    return figure


def _counts(numbers: Floats, edges: Floats) -> Counts:
    """Return the number of runs at or below zero, in each bin, and at infinity."""
    finite = np.isfinite(numbers)
    inside = finite & (numbers >= edges[0])
    return np.concatenate(
        (
            [(finite & ~inside).sum()],
            np.histogram(numbers[inside], edges)[0],
            [(~finite).sum()],
        )
    )


def _strips(span: Span) -> list[tuple[int, float, Floats]]:
    """Return the bars apart from the bins: their index in `_counts`, middle, and ends."""
    return [
        (index, at, np.array([span.moved(at, -_HALF), span.moved(at, _HALF)]))
        for index, at in ((0, span.zero), (-1, span.beyond))
        if at is not None
    ]


def _bars(
    axes: Any, span: Span, edges: Floats, counts: dict[Any, Counts], style: Style
) -> list[Any]:
    """Draw bars stacked by ending."""
    base = np.zeros(len(edges) + 1)
    strips = _strips(span)
    handles = []
    for name, found in counts.items():
        look: dict[str, Any] = {"align": "edge", "color": ENDINGS[name], "linewidth": 0}
        axes.bar(edges[:-1], found[1:-1], np.diff(edges), base[1:-1], **look)
        for index, _, (left, right) in strips:
            if found[index]:
                axes.bar(left, found[index], right - left, base[index], **look)
        base += found
        handles.append(Patch(color=ENDINGS[name], label=name))
    for index, at, _ in strips:
        axes.annotate(
            f"{base[index]:,.0f}",
            (at, base[index]),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=style.small,
        )
    return handles


def _outlines(
    axes: Any, span: Span, edges: Floats, counts: dict[Any, Counts], series: Series, style: Style
) -> list[Any]:
    """Draw a step outline for each value of an axis."""
    handles = []
    for (value, found), colour, dash in zip(
        counts.items(), cycle(CATEGORIES), cycle(DASHES), strict=False
    ):
        shares = 100 * found / max(found.sum(), 1)
        look = {"color": colour, "linewidth": 1.2 * style.line, "linestyle": dash}
        axes.stairs(shares[1:-1], edges, **look)
        for index, _, ends in _strips(span):
            axes.stairs(shares[[index]], ends, **look)
        handles.append(entry(series.label(value), **look))
    axes.set_ylim(bottom=0)
    return handles


def _table(
    edges: Floats, counts: dict[Any, Counts], series: Series | None, quantity: Quantity
) -> pd.DataFrame:
    """Return the numbers of runs from one value to another; from 0 and from inf are apart."""
    worst = -np.inf if quantity.higher_is_better else np.inf
    ends = (edges[:-1], edges[1:])
    low, high = (np.concatenate(([0.0], part, [worst])) for part in ends)
    bins = pd.DataFrame({"low": low, "high": high})
    if series is None:
        table = bins.assign(**counts)
        some = table[list(counts)].sum(axis=1) > 0
    else:
        table = pd.concat(
            [bins.assign(**{series.axis: value, "runs": found}) for value, found in counts.items()]
        )[[series.axis, "low", "high", "runs"]]
        some = table["runs"] > 0
    apart = (table["low"] == table["high"]) & ~some
    return table[~apart].reset_index(drop=True)


KIND = Kind(
    summary="Histogram of a measure, by default the final loss, by how the runs ended.",
    draw=draw,
    takes=("by", "measure"),
)
