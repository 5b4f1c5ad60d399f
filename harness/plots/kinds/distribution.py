"""Distribution of a measure of the runs, by how they ended or by an axis."""

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from harness.analysis.measures import ENDINGS as STATUSES
from harness.analysis.measures import comparable, has_value
from harness.plots import reading
from harness.plots.kinds import Kind, Options
from harness.plots.quantities import FINAL_SSR, Quantity, final_quantity
from harness.plots.scales import Span, span_of
from harness.plots.series import Series
from harness.plots.style import (
    CATEGORIES,
    DARK,
    ENDINGS,
    SLIDE,
    Picture,
    Style,
    dress,
    legend,
    new_figure,
    remark,
)
from harness.plots.titles import count_runs
from harness.results.tables import Results

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_BINS = 50
_HALF = 0.03  # half the width of the bars apart, as a share of the length of the numbers


def draw(results: Results, options: Options) -> Picture:
    """Draw the distribution of a measure of the runs of a sweep."""
    series = options.series
    quantity = final_quantity(results, options.measure, endings=False)
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
    """Draw a histogram, stacked by how the runs ended, or one for each value of an axis.

    The final values of a run that diverged have no meaning: these runs share one bar. Runs at 0,
    which has no logarithm, share another if the axis is logarithmic.

    Parameters
    ----------
    runs : DataFrame
        With status, the column of the quantity, and the axis of the series.
    quantity : Quantity
        What to draw.
    series : Series, optional
        The values of an axis, with a row each: the shares of its runs.
    """
    values = comparable(runs, quantity.column)
    numbers = np.asarray(values, dtype=np.float64)
    span = span_of(numbers, log=quantity.log, higher_is_better=quantity.higher_is_better)
    edges = span.edges(_BINS)
    endings = {name: (runs["status"] == name).to_numpy() for name in STATUSES}
    if series:
        groups = {value: has_value(runs[series.axis], value) for value in series.values}
    else:
        groups = {name: ours for name, ours in endings.items() if ours.any()}
    counts = {name: _counts(numbers[ours], edges) for name, ours in groups.items()}

    figure, (axes,) = new_figure(style)
    scale = "logarithmic axis" if quantity.log else "axis"
    figure.caption = f"Bins have equal widths on the {scale}."
    if series:
        top = _rows(axes, span, edges, counts, series, style)
        figure.caption = (
            "Each row is a histogram of the runs with that value, all on one scale: the highest bar"
            f" has {top:.3g}% of the runs of its row."
        )
    else:
        legend(figure, style, _bars(axes, span, edges, counts, style))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    far = ~np.isfinite(numbers)
    ended = "diverged" if endings["diverged"][far].all() else "not finite"
    span.set(axes.xaxis, ended)
    if span.beyond is not None and far.all():  # there are no numbers to scale the axis
        axes.xaxis.set_major_locator(FixedLocator([span.beyond]))
        axes.xaxis.set_major_formatter(FixedFormatter([ended]))
        axes.xaxis.set_minor_locator(NullLocator())
        verb = "diverged" if ended == "diverged" else "are not finite"
        remark(axes, style, f"all {len(runs):,} runs {verb}")
        figure.caption = ""
    dress(axes, style, x=quantity.label, y="" if series else "runs", title=title)
    figure.table = _table(edges, counts, series, quantity)
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
        _write_above(axes, at, base[index], f"{base[index]:,.0f}", style)
    # Explicit: Matplotlib's margin ends where a bar of height 0 stands on the highest one.
    axes.set_ylim(0, 1.12 * max(base.max(), 1))
    return handles


def _rows(
    axes: Any, span: Span, edges: Floats, counts: dict[Any, Counts], series: Series, style: Style
) -> float:
    """Draw a histogram for each value of an axis, one above another; return the largest share."""
    shares = {value: 100 * found / max(found.sum(), 1) for value, found in counts.items()}
    top = max(float(found.max()) for found in shares.values()) or 1.0
    bases = [1.45 * top * row for row in reversed(range(len(shares)))]
    for base, found, colour in zip(bases, shares.values(), cycle(CATEGORIES), strict=False):
        look = {"baseline": base, "fill": True, "color": colour, "linewidth": 0}
        axes.stairs(base + found[1:-1], edges, **look)
        for index, at, ends in _strips(span):
            axes.stairs(base + found[[index]], ends, **look)
            if found[index]:
                _write_above(axes, at, base + found[index], f"{found[index]:.0f} %", style)
        axes.axhline(base, color=DARK, linewidth=0.3 * style.line)
    axes.set_yticks(bases, [series.label(value) for value in shares])
    axes.set_ylim(0, bases[0] + 1.45 * top)
    return top


def _write_above(axes: Any, x: float, y: float, text: str, style: Style) -> None:
    axes.annotate(
        text,
        (x, y),
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=style.small,
    )


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
