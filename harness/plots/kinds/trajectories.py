"""SSR of runs over the epochs: a line per run if they are few, otherwise quantiles."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import Patch

from harness.analysis.measures import bands
from harness.errors import ResultsError, shown
from harness.plots import reading
from harness.plots.bins import is_log
from harness.plots.kinds import Kind, Options
from harness.plots.scales import Span, label_of, set_epochs, set_log_ticks, span_of
from harness.plots.style import (
    CATEGORIES,
    DARK,
    ENDINGS,
    SLIDE,
    VALUES,
    Picture,
    Style,
    colour_bar,
    dress,
    entry,
    legend,
    new_figure,
)
from harness.plots.titles import count_runs
from harness.results.tables import Results

MOST_LINES = 300
_SAMPLE = 5_000  # runs that quantiles are taken of
_EXAMPLES = 8  # runs that are drawn over the quantiles
_BLOWN_UP = 1e6  # runs whose SSR exceeds this multiple of the initial SSR leave the scale
_TICKS = 6  # up to this many values of an axis each have a tick beside their colour
_BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
_COLOUR = "#31688e"


def draw(results: Results, options: Options) -> Picture:
    """Draw the trajectories of a sweep, or of a sample of its runs."""
    axes = reading.varied_axes(results)
    by = reading.choose_axes(results, [options.x])[0] if options.x else (axes or ["init_id"])[0]
    total = results.manifest["runs"]
    few = total <= MOST_LINES
    if options.x and not few:
        raise ResultsError(
            f"x = {shown(options.x)} colours lines, and the {total:,} runs are drawn as quantiles:"
            f" there are more than {MOST_LINES}.\n"
            "Leave x out; epochs and endings show what depends on an axis."
        )
    runs, table = reading.runs_and_trajectories(
        results, [by, "status"], MOST_LINES if few else _SAMPLE
    )
    title = f"SSR of {count_runs(results, len(runs))}"
    if len(runs) > MOST_LINES:
        title += ": quantiles at each epoch"
    colour = None if by == "init_id" and not options.x else by
    return trajectories(runs, table, by=colour, style=options.style, title=title)


def trajectories(
    runs: pd.DataFrame,
    table: pd.DataFrame,
    *,
    by: str | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw the SSR of runs over the epochs.

    Up to `MOST_LINES` runs are drawn as lines, coloured by an axis; more as quantiles over all of
    them, with some runs as examples. A run that diverged ends at the upper edge.

    Parameters
    ----------
    runs : DataFrame
        With run_id, status and `by`.
    table : DataFrame
        Trajectories of the same runs, with run_id, epoch, ssr.
    by : str, optional
        The axis that colours the lines.
    """
    figure, (axes,) = new_figure(style)
    status = runs.set_index("run_id")["status"].astype(str)
    diverged = table["run_id"].map(status).eq("diverged").to_numpy()
    # The scale is that of the runs that did not diverge, if there are any.
    ssr = table["ssr"].to_numpy()
    ssr = ssr if diverged.all() else ssr[~diverged]
    # Without a limit, runs may finish at 1e200, which would flatten all others.
    start = table.loc[table["epoch"] == table["epoch"].min(), "ssr"].median()
    blown_up = (ssr > _BLOWN_UP * start) & ~diverged.all()
    ssr = ssr[~blown_up]
    far = bool(diverged.any() or blown_up.any())
    if len(runs) <= MOST_LINES:
        span = span_of(ssr, beyond=far)
        handles = draw_lines(figure, axes, runs, table, span, by, style)
    else:
        quantiles = bands(table, runs, _BANDS)
        # A decade below the lowest band: one run of thousands can be far lower.
        low = quantiles[str(_BANDS[0])].min()
        span = span_of(ssr[ssr >= min(low / 10, ssr.max())], beyond=far)
        handles = _draw_quantiles(axes, quantiles, table, span, style)
    span.set(axes.yaxis, "off the\nscale" if blown_up.any() else "diverged")
    set_epochs(axes, float(table["epoch"].max()))
    dress(axes, style, x="epoch", y="SSR", title=title)
    legend(figure, style, handles)
    return figure


def draw_lines(
    figure: Any,
    axes: Any,
    runs: pd.DataFrame,
    table: pd.DataFrame,
    span: Span,
    by: str | None,
    style: Style,
) -> list[Any]:
    """Draw a line per run with a symbol where it ended early; return legend entries."""
    groups = dict(iter(table.assign(ssr=span.positions(table["ssr"])).groupby("run_id")))
    runs = runs[runs["run_id"].isin(list(groups))]
    segments = [groups[run_id][["epoch", "ssr"]].to_numpy(float) for run_id in runs["run_id"]]
    few = len(segments) <= 30
    lines = LineCollection(
        segments, linewidths=style.line * (0.9 if few else 0.5), alpha=0.9 if few else 0.6
    )
    handles = _colour_lines(figure, axes, lines, runs, by, style)
    axes.add_collection(lines)
    ends = np.array([segment[-1] for segment in segments])
    size = style.font * (0.35 if len(runs) <= 100 else 0.25)
    for ending, marker in (("converged", "o"), ("diverged", "x"), ("stopped", "s")):
        chosen = runs["status"].astype(str).eq(ending).to_numpy()
        if not chosen.any():
            continue
        look = {"color": ENDINGS[ending], "marker": marker, "linestyle": ""}
        epoch, ssr = ends[chosen].T
        height = np.full(len(ssr), span.beyond) if ending == "diverged" else ssr
        axes.plot(epoch, height, markersize=size, zorder=3, **look)
        handles.append(entry(f"{ending} ({chosen.sum():,})", markersize=0.4 * style.font, **look))
    return handles


def _colour_lines(
    figure: Any, axes: Any, lines: Any, runs: pd.DataFrame, by: str | None, style: Style
) -> list[Any]:
    """Colour the lines by an axis; return legend entries if its values are names."""
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
        if len(distinct) <= _TICKS:
            bar.set_ticks(distinct, labels=[f"{value:.4g}" for value in distinct])
            bar.minorticks_off()
        elif log:
            set_log_ticks(bar.ax.yaxis, distinct[0], distinct[-1])
        return []
    names = column.astype(str)
    colour = {name: CATEGORIES[i % len(CATEGORIES)] for i, name in enumerate(names.unique())}
    lines.set_color([colour[name] for name in names])
    return [entry(name, color=value, linewidth=style.line) for name, value in colour.items()]


def _draw_quantiles(
    axes: Any, quantiles: pd.DataFrame, table: pd.DataFrame, span: Span, style: Style
) -> list[Any]:
    """Draw bands and the median over all runs, and some of the runs; return legend entries."""
    epoch = quantiles["epoch"].to_numpy(float)
    at = {share: span.positions(quantiles[str(share)]) for share in _BANDS}
    for low, high, alpha in ((0.05, 0.95, 0.2), (0.25, 0.75, 0.35)):
        axes.fill_between(epoch, at[low], at[high], color=_COLOUR, alpha=alpha, linewidth=0)
    axes.plot(epoch, at[0.5], color=DARK, linewidth=1.3 * style.line)
    # Evenly spaced in the order of their last SSR, so that good and bad runs are among them.
    last = table.groupby("run_id")["ssr"].last().sort_values(kind="stable")
    chosen = last.index[np.linspace(0, len(last) - 1, _EXAMPLES).round().astype(int)]
    for run_id in dict.fromkeys(chosen):
        run = table[table["run_id"] == run_id]
        ssr = span.positions(run["ssr"])
        axes.plot(run["epoch"], ssr, color=CATEGORIES[4], linewidth=0.5 * style.line)
    return [
        entry("median", color=DARK, linewidth=1.3 * style.line),
        Patch(color=_COLOUR, alpha=0.5, linewidth=0, label="middle half"),
        Patch(color=_COLOUR, alpha=0.2, linewidth=0, label="9 of 10 runs"),
        entry("some runs", color=CATEGORIES[4], linewidth=style.line),
    ]


KIND = Kind(
    summary="SSR over the epochs: a line per run, or quantiles if there are many runs.",
    draw=draw,
    takes=("x",),
    needs=(reading.need_trajectories,),
)
