"""A quantity over the epochs: a line per run if they are few, otherwise medians and bands."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize

from harness.analysis.measures import is_ordered
from harness.analysis.ranking import SEEDS
from harness.errors import ResultsError, shown
from harness.plots import reading
from harness.plots.bins import is_log
from harness.plots.curves import (
    DASHES,
    SSR,
    columns_of,
    curve_caption,
    curve_entries,
    curves,
    data_entries,
    draw_curves,
    examples,
    read_paths,
    span_for,
    span_of_curves,
)
from harness.plots.kinds import Kind, Options
from harness.plots.quantities import Quantity, path_quantity
from harness.plots.scales import Span, label_of, set_epochs, set_log_ticks
from harness.plots.series import Series, series_of, short
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
    remark,
)
from harness.plots.titles import count_runs, over_others
from harness.results.tables import Results

MOST_LINES = 300
_MOST_PAIRS = 20  # runs with two lines each, of training and held-out data
_TICKS = 6  # up to this many values of an axis each have a tick beside their colour


def draw(results: Results, options: Options) -> Picture:
    """Draw the trajectories of a sweep, or of a sample of its runs."""
    series = options.series
    axes = reading.varied_axes(results)
    colour = reading.choose_axes(results, [options.x])[0] if options.x else (axes or ["init_id"])[0]
    # The ends of bands are of use only if bands are drawn.
    lines = 0 if options.lines is None and "quantiles" in options.given else options.lines
    columns = columns_of(
        path_quantity(results, options.measure), results.reader.columns("trajectories")
    )
    single = are_lines(results.run_count, columns, series, lines)
    settings = [name for name in axes if name not in SEEDS]
    note = ""
    if not single and series is None and settings:
        # A median over all learning rates would be that of no run.
        series = series_of(results, settings[0])
        results, note = results.where(series.condition), series.note
    wanted = [series.axis] if series else [colour]
    runs, table, quantity = read_paths(results, options, wanted)
    if options.x and not single:
        raise ResultsError(
            f"x = {shown(options.x)} colours single runs, and there are too many, or medians were"
            " asked for.\nUse by to compare values of an axis."
        )
    title = f"{quantity.label} during training"
    if not single:
        title += over_others(results, [series.axis] if series else [])
    picture = trajectories(
        runs,
        table,
        quantity,
        series=series,
        quantiles=options.quantiles,
        lines=lines,
        colour_by=None if colour == "init_id" and not options.x else colour,
        epoch_scale=options.epoch_scale,
        style=options.style,
        title=title,
    )
    counted = count_runs(results, len(runs))
    if single:
        picture.caption = f"{counted}, drawn one by one."
    else:
        caption = curve_caption(runs, picture.table, counted, options.quantiles, lines or 0)
        picture.caption = f"{caption} {note}".rstrip()
    return picture


def are_lines(
    runs: int, columns: Mapping[str, str], series: Series | None, lines: int | None
) -> bool:
    """Return whether each of a number of runs is a line, instead of part of a band."""
    most = MOST_LINES if len(columns) == 1 else _MOST_PAIRS
    return series is None and lines is None and runs <= most


def trajectories(
    runs: pd.DataFrame,
    table: pd.DataFrame,
    quantity: Quantity = SSR,
    *,
    series: Series | None = None,
    quantiles: tuple[float, float] = (0.25, 0.75),
    lines: int | None = None,
    colour_by: str | None = None,
    epoch_scale: str | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw a quantity of runs over the epochs.

    Without a series, up to `MOST_LINES` runs are drawn as lines, coloured by an axis; one that
    diverged ends at the upper edge. Otherwise, each group of runs has a median and a band, in which
    runs that diverged are left out from the start.

    Parameters
    ----------
    runs : DataFrame
        With run_id, status, the axis of the series and `colour_by`.
    table : DataFrame
        Trajectories of the same runs, with run_id, epoch and the quantity. If it also has the
        quantity of held-out data, as `validation_<column>`, that is drawn dashed.
    quantity : Quantity
        The quantity; by default, the SSR.
    series : Series, optional
        The values of an axis, with a median and a band each.
    quantiles : tuple of two floats
        The ends of the bands.
    lines : int, optional
        The number of single runs of each group to draw over the bands. By default, there are none;
        a number asks for bands also where each run could be a line.
    colour_by : str, optional
        The axis that colours the lines if each run is one.
    epoch_scale : {"linear", "log"}, optional
        Scale of the epochs; by default, logarithmic if they are many.
    """
    figure, (axes,) = new_figure(style)
    columns = columns_of(quantity, table.columns)
    if are_lines(len(runs), columns, series, lines):
        figure.table = runs.merge(table, on="run_id")
        handles = _draw_runs(figure, axes, runs, table, quantity, colour_by, style)
    else:
        found = curves(runs, table, columns, quantiles, series)
        some = examples(runs, table, quantity.column, lines, series) if lines else []
        span, beyond = span_of_curves(found, some) if quantity.log else (None, "")
        draw_curves(axes, found, style, span=span, series=series, lines=some)
        if found["epoch"].isna().all():
            axes.set_yticks([])
            remark(axes, style, f"all {len(runs):,} runs diverged")
        elif span:
            span.set(axes.yaxis, beyond)
        handles = curve_entries(found, style, series)
        figure.table = found
    set_epochs(axes, float(table["epoch"].max()), epoch_scale)
    dress(axes, style, x="epoch", y=quantity.label, title=title)
    legend(figure, style, handles)
    return figure


def _draw_runs(
    figure: Any,
    axes: Any,
    runs: pd.DataFrame,
    table: pd.DataFrame,
    quantity: Quantity,
    colour_by: str | None,
    style: Style,
) -> list[Any]:
    """Draw the lines of all runs and their axis; return legend entries."""
    columns = columns_of(quantity, table.columns)
    if not quantity.log:
        finite = table.replace([np.inf, -np.inf], np.nan).dropna(subset=list(columns.values()))
        handles = draw_lines(figure, axes, runs, finite, None, colour_by, style, quantity)
        axes.autoscale_view()
        return handles
    status = runs.set_index("run_id")["status"].astype(str)
    diverged = table["run_id"].map(status).eq("diverged").to_numpy()
    # The scale is that of the runs that did not diverge, if there are any.
    rows = table if diverged.all() else table[~diverged]
    start = table.loc[table["epoch"] == table["epoch"].min(), quantity.column].median()
    span, beyond = span_for(
        rows[list(columns.values())],
        np.inf if diverged.all() else start,
        diverged=bool(diverged.any()),
    )
    handles = draw_lines(figure, axes, runs, table, span, colour_by, style, quantity)
    span.set(axes.yaxis, beyond)
    return handles


def draw_lines(
    figure: Any,
    axes: Any,
    runs: pd.DataFrame,
    table: pd.DataFrame,
    span: Span | None,
    by: str | None,
    style: Style,
    quantity: Quantity = SSR,
) -> list[Any]:
    """Draw a line per run with a symbol where it ended early; return legend entries.

    Values of held-out data, if the table has them, are a second, dashed line. Without a span, the
    axis is linear.
    """
    columns = columns_of(quantity, table.columns)
    if span:
        table = table.assign(**{name: span.positions(table[name]) for name in columns.values()})
    paths = dict(iter(table.groupby("run_id")))
    runs = runs[runs["run_id"].isin(list(paths))]
    segments = [
        paths[run_id][["epoch", name]].to_numpy(float)
        for name in columns.values()
        for run_id in runs["run_id"]
    ]
    few = len(segments) <= 30
    styles = DASHES if len(columns) > 1 else dict.fromkeys(columns, "-")
    lines = LineCollection(
        segments,
        linestyles=[styles[data] for data in columns for _ in range(len(runs))],
        linewidths=style.line * (0.9 if few else 0.5),
        alpha=0.9 if few else 0.6,
    )
    handles = _colour_lines(figure, axes, lines, pd.concat([runs] * len(columns)), by, style)
    axes.add_collection(lines)
    handles += data_entries(columns, DARK, style)
    ends = np.array([segment[-1] for segment in segments[: len(runs)]])
    size = style.font * (0.35 if len(runs) <= 100 else 0.25)
    for ending, marker in (("converged", "o"), ("diverged", "x"), ("stopped", "s")):
        chosen = runs["status"].astype(str).eq(ending).to_numpy()
        if not chosen.any():
            continue
        look = {"color": ENDINGS[ending], "marker": marker, "linestyle": ""}
        epoch, height = ends[chosen].T
        if span and ending == "diverged":
            height = np.full(len(height), span.beyond)
        axes.plot(epoch, height, markersize=size, zorder=3, **look)
        handles.append(entry(f"{ending} ({chosen.sum():,})", markersize=0.4 * style.font, **look))
    return handles


def _colour_lines(
    figure: Any, axes: Any, lines: Any, runs: pd.DataFrame, by: str | None, style: Style
) -> list[Any]:
    """Colour the lines by an axis; return legend entries if its values are names."""
    if by is None or runs[by].nunique(dropna=False) < 2:
        lines.set_color(CATEGORIES[0])
        return []
    column = runs[by]
    if is_ordered(column):
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
    names = column.astype(object).map(short)
    colour = {name: CATEGORIES[i % len(CATEGORIES)] for i, name in enumerate(names.unique())}
    lines.set_color([colour[name] for name in names])
    return [entry(name, color=value, linewidth=style.line) for name, value in colour.items()]


KIND = Kind(
    summary="Loss or another quantity over the epochs: a line per run, or if they are many, medians"
    " and bands for each value of an axis.",
    draw=draw,
    takes=("x", "by", "measure", "quantiles", "lines", "epoch_scale"),
    needs=(reading.need_trajectories,),
)
