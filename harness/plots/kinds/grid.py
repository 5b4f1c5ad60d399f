"""A quantity over the epochs in a panel for each pair of values of two axes."""

import textwrap
from dataclasses import replace
from typing import Any

import pandas as pd

from harness.analysis.ranking import SEEDS
from harness.errors import ResultsError
from harness.plots import reading
from harness.plots.curves import (
    SSR,
    columns_of,
    curve_caption,
    curve_entries,
    curves,
    draw_curves,
    examples,
    groups,
    read_paths,
    span_of_curves,
    told_diverged,
)
from harness.plots.kinds import Kind, Options
from harness.plots.quantities import Quantity
from harness.plots.scales import set_epochs, thin_ticks
from harness.plots.series import Series, series_of
from harness.plots.style import (
    SLIDE,
    Picture,
    Style,
    dress,
    headline,
    legend,
    new_figure,
    remark,
)
from harness.plots.titles import count_runs, over_others
from harness.results.tables import Results

_MOST = 4  # values of each axis


def draw(results: Results, options: Options) -> Picture:
    """Draw the trajectories of a sweep in panels, or of a sample of its runs."""
    across, up = _panels(results, options)
    told = [across, *([up] if up else []), *([options.series] if options.series else [])]
    for series in (across, up):
        results = results if series is None else results.where(series.condition)
    names = [series.axis for series in told]
    runs, table, quantity = read_paths(results, options, names)
    picture = grid(
        runs,
        table,
        quantity,
        x=across,
        y=up,
        series=options.series,
        quantiles=options.quantiles,
        lines=options.lines or 0,
        epoch_scale=options.epoch_scale,
        style=options.style,
        title=f"{quantity.label} during training{over_others(results, names)}",
    )
    counted = count_runs(results, len(runs))
    caption = curve_caption(runs, picture.table, counted, options.quantiles, options.lines or 0)
    notes = (across.note, up.note if up else "")
    picture.caption = " ".join(part for part in (caption, *notes) if part)
    return picture


def _panels(results: Results, options: Options) -> tuple[Series, Series | None]:
    """Return the values of the columns and the rows; no rows if there is no second axis."""
    named = [name.partition("=")[0].strip() for name in (options.x, options.y) if name]
    by = [options.series.axis] if options.series else []
    free = [name for name in reading.varied_axes(results) if name not in (*SEEDS, *named, *by)]
    x = options.x or (free.pop(0) if free else "init_id")
    y = options.y or (free.pop(0) if free else None)
    across = series_of(results, x, most=_MOST, option="x")
    up = series_of(results, y, most=_MOST, option="y") if y else None
    used = [across.axis, *([up.axis] if up else []), *by]
    if len(set(used)) < len(used):
        raise ResultsError(
            f"The columns, rows and lines need different axes, and would have {', '.join(used)}.\n"
            "Name others with x, y and by; trajectories draws a single panel."
        )
    return across, up


def grid(
    runs: pd.DataFrame,
    table: pd.DataFrame,
    quantity: Quantity = SSR,
    *,
    x: Series,
    y: Series | None = None,
    series: Series | None = None,
    quantiles: tuple[float, float] = (0.25, 0.75),
    lines: int = 0,
    epoch_scale: str | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw medians and bands of runs over the epochs, in panels with the same axes.

    Parameters
    ----------
    runs : DataFrame
        With run_id, status and the axes.
    table : DataFrame
        Trajectories of the same runs; see `harness.plots.kinds.trajectories.trajectories`.
    quantity : Quantity
        The quantity; by default, the SSR.
    x, y : Series
        The values of the columns and of the rows; without y, there is one row.
    series : Series, optional
        The values of an axis that have a median and a band each in every panel.
    quantiles : tuple of two floats
        The ends of the bands.
    lines : int
        The number of single runs of each group to draw.
    epoch_scale : {"linear", "log"}, optional
        Scale of the epochs; by default, logarithmic if they are many.
    """
    columns = columns_of(quantity, table.columns)
    cells = [(up, across, part) for up, row in groups(runs, y) for across, part in groups(row, x)]
    found, some = [], []
    for up, across, part in cells:
        of_panel = curves(part, table, columns, quantiles, series)
        of_panel.insert(0, x.axis, across)
        if y:
            of_panel.insert(1, y.axis, up)
        found.append(of_panel)
        some.append(examples(part, table, quantity.column, lines, series) if lines else [])
    everything = pd.concat(found, ignore_index=True)
    span, beyond = None, ""
    if quantity.log:
        span, beyond = span_of_curves(everything, [group for panel in some for group in panel])
    width = len(x.values)
    figure, panels = new_figure(style, len(cells), width, sharex=True, sharey=True)
    # Without labels, legend and caption, panels have about that many points on the page.
    across_points = 72 * 0.65 * figure.get_figwidth() / width
    up_points = 72 * 0.6 * figure.get_figheight() * width / len(cells)
    words = int(across_points / (0.6 * style.small))
    thin = replace(style, font=0.65 * style.font, line=0.7 * style.line)
    for number, axes in enumerate(panels):
        up, across, part = cells[number]
        draw_curves(axes, found[number], thin, span=span, series=series, lines=some[number])
        if span:
            span.set(axes.yaxis, beyond)
        set_epochs(axes, float(table["epoch"].max()), epoch_scale)
        thin_ticks(axes.xaxis, max(2, int(across_points / (4 * style.small))))
        thin_ticks(axes.yaxis, max(2, int(up_points / (2 * style.small))))
        if everything["epoch"].isna().all():  # an axis without values has no numbers
            axes.set_yticks([])
        dress(axes, style, x="epoch" if number >= len(cells) - width else "")
        if number % width == 0:
            label = _wrapped(quantity.label, int(up_points / (0.5 * style.small)))
            axes.set_ylabel(label, fontsize=style.small)
        _write_losses(axes, part, quantity, style)
        if number < width:
            axes.set_title(_wrapped(x.label(across), words), fontsize=style.small)
        if y and number % width == width - 1:
            at = {"xycoords": "axes fraction", "va": "center", "fontsize": style.small}
            axes.annotate(_wrapped(y.label(up), 8), (1.04, 0.5), **at)
    headline(figure, style, title)
    legend(figure, style, curve_entries(everything, style, series, counted=False))
    figure.table = everything
    return figure


def _wrapped(text: str, room: int) -> str:
    return textwrap.fill(text, max(room, 8), break_long_words=False)


def _write_losses(axes: Any, part: pd.DataFrame, quantity: Quantity, style: Style) -> None:
    """Write how many runs of a panel diverged, if any did.

    If that is not all of them, it is in a corner that is often empty.
    """
    diverged = int((part["status"] == "diverged").sum())
    text = told_diverged(diverged, len(part)) if len(part) else "no runs"
    if diverged == len(part):
        remark(
            axes, replace(style, font=0.65 * style.font), text.replace(" diverged", "\ndiverged")
        )
    elif diverged:
        top = quantity.higher_is_better
        axes.text(
            0.05,
            0.95 if top else 0.05,
            text.replace(" diverged", "\ndiverged"),
            transform=axes.transAxes,
            va="top" if top else "bottom",
            fontsize=0.65 * style.font,
        )


KIND = Kind(
    summary="Medians and bands over the epochs, in a panel for each pair of values of two axes.",
    draw=draw,
    takes=("x", "y", "by", "measure", "quantiles", "lines", "epoch_scale"),
    needs=(reading.need_trajectories,),
)
