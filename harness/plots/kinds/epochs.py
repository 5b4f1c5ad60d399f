"""Epochs until runs reach an SSR: the share over epochs, or the median along an axis."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.measures import epochs_to_reach, reached, reached_by_epoch, share_interval
from harness.analysis.ranking import SEEDS
from harness.errors import ResultsError
from harness.plots import reading
from harness.plots.bins import Bins, bins_of, set_bins
from harness.plots.kinds import Kind, Options
from harness.plots.scales import Span, label_of, set_epochs, set_log_ticks, span_of
from harness.plots.series import Series
from harness.plots.style import (
    CATEGORIES,
    DARK,
    MARKERS,
    SLIDE,
    Picture,
    Style,
    dress,
    entry,
    headline,
    legend,
    new_figure,
)
from harness.plots.titles import count_runs, over_others
from harness.results.sentences import percent
from harness.results.tables import Results

_MOST_POINTS = 60
_ONE_CURVE = "the curve is the estimate of Kaplan and Meier"
_SAMPLE = 20_000  # runs whose trajectories are searched for an SSR


def draw(results: Results, options: Options) -> Picture:
    """Draw the epochs until runs converged, or reached the SSR of the options."""
    series = options.series
    told = [series.axis] if series else []
    x = None
    # Starts have no order to draw along: their shares over the epochs are of more use.
    only_starts = series is None and set(reading.varied_axes(results)) <= {"init_id"}
    if options.x is not None or not (series or only_starts):
        x = reading.choose_axis(results, options.x, apart=series.axis if series else None)
        told.append(x)
    columns = ["run_id", "status", "epochs", *told]
    if "max_epochs" in reading.all_axes(results):
        columns.append("max_epochs")
    table = None
    if options.ssr is not None:
        runs, table = reading.runs_and_trajectories(results, columns, _SAMPLE)
        goal = f"reached SSR {options.ssr:g}"
    elif results.has_tolerance:
        runs, goal = reading.runs_of(results, columns), "converged"
    else:
        raise ResultsError(
            f"{results.folder} has no tolerance, so no run has converged.\n"
            "Choose an SSR to reach with --ssr, or set `training.tolerance`."
        )
    if "max_epochs" not in runs:
        runs = runs.assign(max_epochs=results.experiment.training.epochs)
    watched = reached(runs, table, options.ssr)
    over, style = over_others(results, told), options.style
    shares = f"share of runs that have {goal}{over}"
    pooled = set(reading.varied_axes(results)) - {*told, *SEEDS}
    said = ["bands are 95% intervals" + (", as if all runs had different starts" if pooled else "")]
    if x is None:
        scale = options.epoch_scale
        picture = curves(watched, series, style=style, title=shares, epoch_scale=scale)
        said.insert(0, "curves are estimates of Kaplan and Meier" if series else _ONE_CURVE)
        if (picture.table["lost"][picture.table["epoch"] < watched["epoch"].max()] > 0).any():
            said.append("strokes mark the last epochs of runs that have not")
    else:
        picture = epochs(watched, x, series=series, style=style)
        medians = np.isfinite(picture.table["median"])
        headline(
            picture, style, f"epochs until runs have {goal}{over}" if medians.any() else shares
        )
        if medians.any() and not medians.all():
            said.append(f"there is a median only where at least half of the runs have {goal}")
    if (runs["status"] == "diverged").any():
        said.append("runs that diverged count as never")
    picture.caption = f"{count_runs(results, len(runs))}; {'; '.join(said)}."
    return picture


def curves(
    watched: pd.DataFrame,
    series: Series | None = None,
    *,
    style: Style = SLIDE,
    title: str = "",
    epoch_scale: str | None = None,
) -> Picture:
    """Draw the share of runs that have reached an SSR, over epochs.

    Parameters
    ----------
    watched : DataFrame
        As returned by `harness.analysis.measures.reached`, with the axis of the series.
    series : Series, optional
        The values of an axis, with a curve each. By default, there is one curve.
    epoch_scale : {"linear", "log"}, optional
        As for `harness.plots.draw`.
    """
    figure, (axes,) = new_figure(style)
    axes.axhline(50, color=DARK, linewidth=style.line / 3, linestyle=":")
    tables, handles = {}, []
    parts = list(series.parts(watched)) if series else [("all runs", watched)]
    for number, (label, part) in enumerate(parts):
        if part.empty:
            continue
        table = tables[series.values[number] if series else label] = reached_by_epoch(part)
        (median,) = epochs_to_reach(part.assign(all=0), "all")["median"]
        colour, marker = CATEGORIES[number], MARKERS[number]
        _draw_steps(axes, table, median, colour, marker, style)
        end = table.iloc[-1]
        said = (
            f"half after {median:,.0f} epochs"
            if np.isfinite(median)
            else f"{percent(end['share'])} after {end['epoch']:,.0f} epochs"
        )
        look = {"color": colour, "marker": marker, "markersize": 0.45 * style.font}
        handles.append(entry(f"{label}: {said}", linewidth=style.line, **look))
    _set_epochs(axes, watched, epoch_scale)
    axes.set_ylim(-2, 102)
    dress(axes, style, x="epoch", y="share of runs, %", title=title)
    legend(figure, style, handles)
    table = pd.concat(tables, names=[series.axis if series else "all"]).reset_index(level=0)
    figure.table = table if series else table.drop(columns="all")
    return figure


def _set_epochs(axes: Any, watched: pd.DataFrame, scale: str | None) -> None:
    """Set the x axis to epochs; a logarithmic one begins shortly before a run reached the SSR."""
    first, last = watched["epoch"][watched["reached"]].min(), float(watched["epoch"].max())
    set_epochs(axes, last, scale)
    if axes.get_xscale() != "linear" and first >= 10:
        axes.set_xscale("log")
        axes.set_xlim(first / 2, last * 1.12)
        set_log_ticks(axes.xaxis, first / 2, last)


def _draw_steps(
    axes: Any, table: pd.DataFrame, median: float, colour: str, marker: str, style: Style
) -> None:
    """Draw a curve with its band, a stroke where runs were lost, and a marker at the median.

    The marker is at the end of a curve that has no median.
    """
    epoch, share = table["epoch"].to_numpy(), 100 * table["share"].to_numpy()
    # Where the curve has no interval, the band goes on from where it has one.
    low, high = (100 * table[name].ffill().to_numpy() for name in ("low", "high"))
    band = {"step": "post", "color": colour, "alpha": 0.2, "linewidth": 0}
    axes.fill_between(epoch, low, np.fmax(high, share), where=np.isfinite(low), **band)
    axes.step(epoch, share, where="post", color=colour, linewidth=style.line)
    lost = table["lost"].to_numpy() > 0
    axes.plot(
        epoch[lost],
        share[lost],
        color=colour,
        marker="|",
        linestyle="",
        markersize=0.6 * style.font,
        markeredgewidth=style.line / 2,
    )
    at = (median, 50.0) if np.isfinite(median) else (epoch[-1], share[-1])
    axes.plot(*at, color=colour, marker=marker, markersize=0.5 * style.font, clip_on=False)


def epochs(
    watched: pd.DataFrame,
    x: str,
    *,
    series: Series | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw the median number of epochs to an SSR along an axis, with its 95 % interval.

    Where fewer than half of the runs reach it, there is a triangle at the upper edge, and a second
    panel has the share that does. It is the only panel if there is no median.

    Parameters
    ----------
    watched : DataFrame
        As returned by `harness.analysis.measures.reached`, with `x` and the axis of the series.
    x : str
        The axis, usually learning_rate.
    series : Series, optional
        The values of another axis, with a curve each.
    """
    bins = bins_of(watched[x], _MOST_POINTS)
    watched = watched.assign(bin=bins.of_rows)
    parts = dict(series.parts(watched)) if series else {"": watched}
    tables = {name: _with_shares(epochs_to_reach(part, "bin")) for name, part in parts.items()}
    everything = pd.concat(tables, names=["series"])
    there = np.isfinite(everything["median"])
    figure, panels = new_figure(style, 1 + bool(there.any() and not there.all()))
    handles = []
    if there.any():
        missed = _draw_medians(panels[0], tables, bins, float(watched["epoch"].max()), style)
        dress(panels[0], style, y="median of epochs")
        if missed:
            handles.append(entry("fewer than half", **_missed(DARK, style)))
    if not there.all():
        _draw_shares(panels[-1], tables, bins, style)
        dress(panels[-1], style, y="share of runs, %")
    for axes in panels:
        set_bins(axes.xaxis, bins)
        dress(axes, style, x=label_of(x))
    if title:
        headline(figure, style, title)
    if series:
        handles = [
            entry(name, color=colour, marker=marker, markersize=0.35 * style.font)
            for name, colour, marker in zip(tables, CATEGORIES, MARKERS, strict=False)
        ] + handles
    legend(figure, style, handles)
    table = everything.reset_index(level=0)
    table.insert(1, x, bins.values[table["bin"]])
    figure.table = table.drop(columns="bin" if series else ["bin", "series"])
    return figure


def _with_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Add the share of runs that reached the SSR, and its interval."""
    hits, runs = table["reached"].to_numpy(), table["runs"].to_numpy()
    low, high = share_interval(hits, runs)
    return table.assign(share=hits / runs, share_low=low, share_high=high)


def _draw_shares(axes: Any, tables: Mapping[str, pd.DataFrame], bins: Bins, style: Style) -> None:
    """Draw the share of runs that reached the SSR, with its interval, for each series."""
    for table, colour, marker in zip(tables.values(), CATEGORIES, MARKERS, strict=False):
        at = bins.centres[table["bin"]]
        share, low, high = (100 * table[f"share{end}"] for end in ("", "_low", "_high"))
        axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
        if len(at) == 1:  # the band has no width
            axes.vlines(at, low, high, color=colour, alpha=0.4, linewidth=style.line)
        look = {"color": colour, "marker": marker, "markersize": 0.35 * style.font}
        axes.plot(at, share, linewidth=style.line, **look)
    axes.set_ylim(-2, 102)


def _draw_medians(
    axes: Any, tables: Mapping[str, pd.DataFrame], bins: Bins, longest: float, style: Style
) -> bool:
    """Draw the median epochs of each series; return whether some are missing."""
    span = _span(pd.concat(tables), longest)
    missed = False
    for number, table in enumerate(tables.values()):
        # Triangles of several curves are stacked in the strip at the edge.
        above = number / (len(tables) - 1) - 0.5 if len(tables) > 1 else 0.0
        colour, marker = CATEGORIES[number], MARKERS[number]
        missed |= _draw_curve(axes, bins.centres, table, span, above, colour, marker, style)
    span.set(axes.yaxis, "not\nreached")
    return missed


def _span(table: pd.DataFrame, longest: float) -> Span:
    """Return the axis of epochs: every interval, and up to `longest` if a median is missing."""
    numbers = np.unique(table[["median", "low", "high"]].to_numpy())
    numbers = numbers[np.isfinite(numbers)]
    never = bool(np.isinf(table["median"]).any())
    if never:
        numbers = np.append(numbers, longest)
    if len(numbers) == 1 and never:
        numbers = np.append(numbers, max(longest / 100, 1.0))
    return span_of(numbers, beyond=never or bool(np.isinf(table["high"]).any()))


def _missed(colour: str, style: Style) -> dict[str, Any]:
    """Return the look of the triangles."""
    size = 0.5 * style.font
    return {
        "color": colour, "marker": "^", "linestyle": "", "markerfacecolor": "none",
        "markersize": size,
    }  # fmt: skip


def _draw_curve(
    axes: Any,
    centres: Any,
    table: pd.DataFrame,
    span: Span,
    above: float,
    colour: str,
    marker: str,
    style: Style,
) -> bool:
    """Draw the median and the interval of one series; return whether some medians are missing.

    Their triangles are drawn `above` the middle of the strip at the edge, as a share of its height.
    """
    x = centres[table["bin"]]
    median = table["median"].to_numpy()
    there = np.isfinite(median)
    # The interval of a median that exists may be open above.
    low = np.where(there, np.minimum(table["low"], median), np.nan)
    high = np.clip(np.where(there, span.positions(table["high"]), np.nan), None, span.ends[1])
    axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        x,
        np.where(there, median, np.nan),
        color=colour,
        linewidth=style.line,
        marker=marker,
        markersize=0.35 * style.font,
    )
    # The band of a point without neighbours has no width.
    padded = np.pad(there, 1)
    single = there & ~padded[:-2] & ~padded[2:]
    axes.vlines(x[single], low[single], high[single], color=colour, alpha=0.4, linewidth=style.line)
    if not there.all():
        height = np.full((~there).sum(), span.in_strip(above))
        axes.plot(x[~there], height, **_missed(colour, style))
    return not there.all()


KIND = Kind(
    summary="Epochs until runs converge or reach an SSR, along an axis or as curves (with by).",
    draw=draw,
    takes=("x", "by", "ssr", "epoch_scale"),
)
