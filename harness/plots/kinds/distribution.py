"""Distribution of the final SSR, by how the runs ended."""

import numpy as np
import pandas as pd

from harness.analysis.measures import ENDINGS as STATUSES
from harness.plots import reading
from harness.plots.kinds import Kind, Options
from harness.plots.scales import span_of
from harness.plots.style import ENDINGS, SLIDE, Picture, Style, dress, legend, new_figure
from harness.plots.titles import count_runs
from harness.results.tables import Results

_BINS = 50


def draw(results: Results, options: Options) -> Picture:
    """Draw the distribution of the final SSR of a sweep."""
    runs = reading.runs_of(results, ["status", "ssr_final"])
    title = f"final SSR of {count_runs(results, len(runs))}"
    return distribution(runs, style=options.style, title=title)


def distribution(runs: pd.DataFrame, *, style: Style = SLIDE, title: str = "") -> Picture:
    """Draw a histogram of the final SSR, stacked by how the runs ended.

    The final SSR of a run that diverged has no meaning: these runs share one bar. Runs whose SSR is
    0, which has no logarithm, share another.

    Parameters
    ----------
    runs : DataFrame
        With status, ssr_final.
    """
    status = runs["status"].astype(str).to_numpy()
    ssr = runs["ssr_final"].to_numpy()
    far = (status == "diverged") | ~np.isfinite(ssr)
    zero = ~far & (ssr <= 0)
    span = span_of(np.where(far, np.inf, ssr))
    edges = np.geomspace(span.low, span.high, _BINS + 1)
    edges[[0, -1]] = span.low, span.high  # rounding must not leave out the ends
    factor = (edges[1] / edges[0]) ** 1.5  # the bars of zero and infinity are three bins wide
    apart = [(at, mask) for at, mask in ((span.zero, zero), (span.beyond, far)) if at is not None]
    figure, (axes,) = new_figure(style)
    base, below = np.zeros(_BINS), [0] * len(apart)
    handles = []
    for name in STATUSES:
        ours = status == name
        if not ours.any():
            continue
        look = {"align": "edge", "color": ENDINGS[name], "linewidth": 0}
        counts = np.histogram(ssr[ours & ~far & ~zero], edges)[0]
        handles.append(axes.bar(edges[:-1], counts, np.diff(edges), base, label=name, **look))
        base += counts
        for number, (at, mask) in enumerate(apart):
            count = int((ours & mask).sum())
            if count:
                axes.bar(at / factor, count, at * factor - at / factor, below[number], **look)
            below[number] += count
    for (at, _), count in zip(apart, below, strict=True):
        axes.annotate(
            f"{count:,}",
            (at, count),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=style.small,
        )
    span.set(axes.xaxis, "diverged" if (status[far] == "diverged").all() else "inf")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axes.margins(y=0.1)
    dress(axes, style, x="final SSR", y="runs", title=title)
    legend(figure, style, handles)
    return figure


KIND = Kind(summary="Histogram of the final SSR, by how the runs ended.", draw=draw)
