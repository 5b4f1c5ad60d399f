"""How the SSR of runs falls: lines where they are hundreds at most, else bands."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from harness.analysis.measures import bands
from harness.formatting import plural
from harness.plots.bins import is_log
from harness.plots.scales import Span, label_of, set_epochs, set_log_ticks, span_of
from harness.plots.style import (
    CATEGORIES,
    DARK,
    ENDINGS,
    SLIDE,
    VALUES,
    Style,
    colour_bar,
    dress,
    legend,
    new_figure,
)

MOST_LINES = 300
_EXAMPLES = 8
_BLOWN_UP = 1e6  # times the SSR that runs start with
_WRITTEN = 6  # values of an axis that are all written beside their colours
_BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
_COLOUR = "#31688e"


def trajectories(
    runs: pd.DataFrame,
    trajectories: pd.DataFrame,
    *,
    by: str | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Figure:
    """Draw the SSR of runs over the epochs.

    Up to `MOST_LINES` runs are lines, coloured by an axis; more are quantiles of all of them, with
    some of the runs as examples. A run that diverged ends at the upper edge.

    Parameters
    ----------
    runs : DataFrame
        With run_id, status and `by`.
    trajectories : DataFrame
        With run_id, epoch, ssr of the same runs.
    by : str, optional
        The axis that colours the lines.
    style : Style
        Sizes.
    title : str
        Above the picture; what is drawn, if left out.
    """
    figure, (axes,) = new_figure(style)
    status = runs.set_index("run_id")["status"].astype(str)
    diverged = trajectories["run_id"].map(status).eq("diverged").to_numpy()
    # As far as runs go that do not diverge.
    ssr = trajectories["ssr"].to_numpy()
    ssr = ssr if diverged.all() else ssr[~diverged]
    # Without a limit, runs finish at 1e200: how high they got says nothing.
    start = trajectories.loc[trajectories["epoch"] == trajectories["epoch"].min(), "ssr"].median()
    blown_up = (ssr > _BLOWN_UP * start) & ~diverged.all()
    ssr = ssr[~blown_up]
    far = bool(diverged.any() or blown_up.any())
    if len(runs) <= MOST_LINES:
        span = span_of(ssr, beyond=far)
        handles = draw_lines(figure, axes, runs, trajectories, span, by, style)
        title = title or f"SSR of {plural(len(runs), 'run')}"
    else:
        table = bands(trajectories, runs, _BANDS)
        # As far as the bands go, and a little: one run of thousands can be very far out.
        low = table[str(_BANDS[0])].min()
        span = span_of(ssr[ssr >= min(low / 10, ssr.max())], beyond=far)
        handles = _quantiles(axes, table, trajectories, span, style)
        title = title or f"SSR of {len(runs):,} runs: quantiles at each epoch"
    span.set(axes.yaxis, style, "off the\nscale" if blown_up.any() else "diverged")
    set_epochs(axes, float(trajectories["epoch"].max()))
    dress(axes, style, x="epoch", y="SSR", title=title)
    legend(figure, style, handles)
    return figure


def draw_lines(
    figure: Any,
    axes: Any,
    runs: pd.DataFrame,
    trajectories: pd.DataFrame,
    span: Span,
    by: str | None,
    style: Style,
) -> list[Any]:
    """Draw each run as a line, with a sign where it ended; return what the legend says."""
    table = trajectories.assign(ssr=span.place(trajectories["ssr"]))
    groups = dict(iter(table.groupby("run_id")))
    runs = runs[runs["run_id"].isin(list(groups))]
    segments = [groups[run_id][["epoch", "ssr"]].to_numpy(float) for run_id in runs["run_id"]]
    lines = LineCollection(
        segments,
        linewidths=style.line * (0.9 if len(segments) <= 30 else 0.5),
        alpha=0.9 if len(segments) <= 30 else 0.6,
    )
    handles = _colours(figure, axes, lines, runs, by, style)
    axes.add_collection(lines)
    ends = [segment[-1] for segment in segments]
    for ending, marker in (("converged", "o"), ("diverged", "x")):
        chosen = runs["status"].astype(str).eq(ending).to_numpy()
        if not chosen.any():
            continue
        points = np.array(ends)[chosen]
        height = np.full(len(points), span.beyond) if ending == "diverged" else points[:, 1]
        size = style.font * (0.35 if len(runs) <= 100 else 0.25)
        axes.plot(points[:, 0], height, marker, color=ENDINGS[ending], markersize=size, zorder=3)
        handles.append(
            Line2D(
                [],
                [],
                marker=marker,
                linestyle="",
                color=ENDINGS[ending],
                markersize=0.4 * style.font,
                label=f"{ending} ({chosen.sum():,})",
            )
        )
    return handles


def _colours(
    figure: Any, axes: Any, lines: Any, runs: pd.DataFrame, by: str | None, style: Style
) -> list[Any]:
    """Colour the lines by an axis; return what the legend says of names."""
    if by is None or runs[by].nunique() < 2:
        lines.set_color(_COLOUR)
        return []
    column = runs[by]
    if pd.api.types.is_numeric_dtype(column):
        distinct = np.unique(column.to_numpy(float))
        log = is_log(distinct)
        norm = (LogNorm if log else Normalize)(distinct[0], distinct[-1])
        lines.set(array=column.to_numpy(float), cmap=VALUES, norm=norm)
        bar = colour_bar(figure, style, lines, axes, label_of(by))
        if len(distinct) <= _WRITTEN:
            bar.set_ticks(distinct, labels=[f"{value:.4g}" for value in distinct])
            bar.minorticks_off()
        elif log:
            set_log_ticks(bar.ax.yaxis, distinct[0], distinct[-1])
        return []
    names = column.astype(str)
    colour = {name: CATEGORIES[i % len(CATEGORIES)] for i, name in enumerate(names.unique())}
    lines.set_color([colour[name] for name in names])
    return [
        Line2D([], [], color=value, linewidth=style.line, label=name)
        for name, value in colour.items()
    ]


def _quantiles(
    axes: Any, table: pd.DataFrame, trajectories: pd.DataFrame, span: Span, style: Style
) -> list[Any]:
    """Draw bands and median over all runs, and a few of them; return what the legend says."""
    epoch = table["epoch"].to_numpy(float)
    at = {share: span.place(table[str(share)]) for share in _BANDS}
    for low, high, alpha in ((0.05, 0.95, 0.2), (0.25, 0.75, 0.35)):
        axes.fill_between(epoch, at[low], at[high], color=_COLOUR, alpha=alpha, linewidth=0)
    axes.plot(epoch, at[0.5], color=DARK, linewidth=1.3 * style.line)
    # Evenly spread over how well they did, so that every kind of run is among them.
    last = trajectories.groupby("run_id")["ssr"].last().sort_values(kind="stable")
    chosen = last.index[np.linspace(0, len(last) - 1, _EXAMPLES).round().astype(int)]
    for run_id in dict.fromkeys(chosen):
        run = trajectories[trajectories["run_id"] == run_id]
        axes.plot(
            run["epoch"], span.place(run["ssr"]), color=CATEGORIES[4], linewidth=0.5 * style.line
        )
    return [
        Line2D([], [], color=DARK, linewidth=1.3 * style.line, label="median"),
        Patch(color=_COLOUR, alpha=0.5, linewidth=0, label="middle half"),
        Patch(color=_COLOUR, alpha=0.2, linewidth=0, label="9 of 10 runs"),
        Line2D([], [], color=CATEGORIES[4], linewidth=style.line, label="some runs"),
    ]
