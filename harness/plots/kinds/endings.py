"""How runs end along an axis: shares that converged, finished and diverged."""

import pandas as pd
from matplotlib.figure import Figure

from harness.analysis.measures import ENDINGS as STATUSES
from harness.analysis.measures import outcomes
from harness.plots import reading
from harness.plots.bins import bins_of, set_bins
from harness.plots.kinds import Kind, Options
from harness.plots.scales import label_of
from harness.plots.style import ENDINGS, MARKERS, SLIDE, Style, dress, legend, new_figure
from harness.plots.titles import count_runs, over_others
from harness.results.tables import Results

_MOST_POINTS = 60


def draw(results: Results, options: Options) -> Figure:
    """Draw how the runs of a sweep ended."""
    x = reading.choose_axis(results, options.x)
    runs = reading.runs_of(results, [x, "status"])
    title = f"how {count_runs(results, len(runs))} ended" + over_others(results, [x])
    return endings(runs, x, style=options.style, title=title)


def endings(runs: pd.DataFrame, x: str, *, style: Style = SLIDE, title: str = "") -> Figure:
    """Draw the shares of runs that converged, finished, diverged or were stopped along an axis.

    The bands are 95 % Wilson intervals.

    Parameters
    ----------
    runs : DataFrame
        With `x` and status.
    x : str
        The axis.
    """
    bins = bins_of(runs[x], _MOST_POINTS)
    binned = pd.DataFrame({"bin": bins.of_rows, "status": runs["status"].to_numpy()})
    table = outcomes(binned, "bin")
    at = bins.centres[table["bin"]]
    figure, (axes,) = new_figure(style)
    handles = []
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
        handles += axes.plot(
            at,
            share,
            color=colour,
            linewidth=style.line,
            marker=marker,
            markersize=0.35 * style.font,
            label=status,
        )
    axes.set_ylim(-2, 102)
    set_bins(axes.xaxis, bins)
    dress(axes, style, x=label_of(x), y="share of runs, %", title=title)
    legend(figure, style, handles)
    return figure


KIND = Kind(
    summary="Shares of runs that converged, finished and diverged along an axis.",
    draw=draw,
    takes=("x",),
)
