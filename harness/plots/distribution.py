"""How final values are distributed, by how the runs ended."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.analysis.measures import ENDINGS as STATUSES
from harness.formatting import plural
from harness.plots.scales import span_of
from harness.plots.style import ENDINGS, SLIDE, Style, dress, legend, new_figure

_BINS = 50


def distribution(runs: pd.DataFrame, *, style: Style = SLIDE, title: str = "") -> Figure:
    """Draw a histogram of the final SSR, stacked by how the runs ended.

    Runs that diverged have no final value that means anything, and one bar for all of them; so
    have those whose SSR is 0, which no logarithm shows.

    Parameters
    ----------
    runs : DataFrame
        With status, ssr_final.
    style : Style
        Sizes.
    title : str
        Above the picture; the number of runs if left out.
    """
    status = runs["status"].astype(str).to_numpy()
    ssr = runs["ssr_final"].to_numpy()
    far = (status == "diverged") | ~np.isfinite(ssr)
    span = span_of(np.where(far, np.inf, ssr))
    edges = np.geomspace(span.low, span.high, _BINS + 1)
    edges[[0, -1]] = span.low, span.high  # the very least and greatest are inside
    figure, (axes,) = new_figure(style)
    base = np.zeros(_BINS)
    zeros, lost, handles = 0, 0, []
    factor = (edges[1] / edges[0]) ** 1.5  # a bar apart is three bins wide
    for name in STATUSES:
        ours = status == name
        if not ours.any():
            continue
        counts = np.histogram(ssr[ours & ~far & (ssr > 0)], edges)[0]
        bars = axes.bar(
            edges[:-1],
            counts,
            np.diff(edges),
            base,
            align="edge",
            label=name,
            color=ENDINGS[name],
            linewidth=0,
        )
        base += counts
        handles.append(bars)
        for at, below, chosen in (
            (span.zero, zeros, ours & ~far & (ssr <= 0)),
            (span.beyond, lost, ours & far),
        ):
            if at is not None and chosen.any():
                axes.bar(
                    at / factor,
                    chosen.sum(),
                    at * factor - at / factor,
                    below,
                    align="edge",
                    color=ENDINGS[name],
                    linewidth=0,
                )
        zeros += int((ours & ~far & (ssr <= 0)).sum())
        lost += int((ours & far).sum())
    for at, count in ((span.zero, zeros), (span.beyond, lost)):
        if at is not None:
            axes.annotate(
                f"{count:,}",
                (at, count),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=0.85 * style.font,
            )
    span.set(axes.xaxis, style, "diverged" if (status[far] == "diverged").all() else "inf")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axes.margins(y=0.1)
    dress(
        axes,
        style,
        x="final SSR",
        y="runs",
        title=title or f"final SSR of {plural(len(runs), 'run')}",
    )
    legend(figure, style, handles)
    return figure
