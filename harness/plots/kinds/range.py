"""The range of an axis, usually of learning rates, in which most runs converge."""

from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.measures import is_ordered, majority_ranges
from harness.analysis.ranking import SEEDS
from harness.analysis.starts import start_numbers
from harness.errors import ResultsError, shown
from harness.formatting import plural
from harness.plots import reading
from harness.plots.bins import bins_of, set_bins
from harness.plots.kinds import Kind, Options
from harness.plots.scales import label_of
from harness.plots.series import Series, series_of, short
from harness.plots.style import CATEGORIES, DARK, GREY, SLIDE, Picture, Style, dress, new_figure
from harness.plots.titles import count_runs, over_others
from harness.results.sentences import percent
from harness.results.tables import Results

# The widths of more ranges are not written one by one.
_MOST_WIDTHS = 3

# Intervals of the ends are this far above and below the bars, in rows: they may overlap.
_INTERVAL = 0.2


def draw(results: Results, options: Options) -> Picture:
    """Draw the ranges of an axis in which at least half of the runs converge."""
    series = options.series
    x = reading.choose_axis(results, options.x, apart=series.axis if series else None)
    if x == "init_id":
        raise ResultsError(
            "init_id numbers starts, whose order has no meaning, so that there are no ranges.\n"
            "Choose an axis of numbers, such as learning_rate."
        )
    note = ""
    others = [name for name in reading.varied_axes(results) if name not in (x, *SEEDS)]
    if series is None and others:
        series = series_of(results, others[0])
        results, note = results.where(series.condition), series.note
    told = [x, *([series.axis] if series else [])]
    runs = reading.runs_of(results, ["run_id", *told, "status"])
    if not is_ordered(runs[x]):
        what = (
            "a setting that some runs do not have" if runs[x].isna().any() else "an axis of names"
        )
        raise ResultsError(
            f"x = {shown(x)} is {what}, so it has no ranges.\n"
            "Choose an axis of numbers, such as learning_rate."
        )
    if results.has_tolerance:
        good, end = runs["status"] == "converged", "converge"
    else:
        good, end = runs["status"] != "diverged", "do not diverge"
    picture = ranges(
        runs.assign(good=good, start=start_numbers(results.experiment, runs["run_id"].to_numpy())),
        x,
        series=series,
        style=options.style,
        title=f"{label_of(x)} at which at least half of the runs {end}"
        + over_others(results, told),
    )
    why = "" if results.has_tolerance else "; without a tolerance no run converges"
    said = [
        f"{count_runs(results, len(runs))}{why}. Dots are values of {label_of(x)}: white where at"
        f" least half of the runs {end}, grey where fewer do. On the right are the widths of the"
        " ranges, or the largest share if there is none.",
        _about_ends(picture.table, runs[x], series),
        note,
    ]
    picture.caption = " ".join(filter(None, said))
    return picture


def _about_ends(table: pd.DataFrame, values: "pd.Series[float]", series: Series | None) -> str:
    """Return the sentences on the ends of the ranges and their intervals."""
    if table.empty:
        return ""
    said = []
    if table["low_low"].isna().all():
        said.append("The runs at a value have the same start, so the ends have no intervals.")
    else:
        where = "for the number of starts; those of lower ends are above the bars"
        said.append(f"Dark lines are 95% intervals of the ends, {where}.")
        if len(table) <= _MOST_WIDTHS:
            rows = table.to_dict("records")
            names = [f"{series.label(row[series.axis])}: " if series else "" for row in rows]
            said.append(f"{'; '.join(map(str.__add__, names, map(_ends, rows)))}.")
    if table["low"].eq(values.min()).any() or table["high"].eq(values.max()).any():
        said.append("A range that reaches the first or last value may go on beyond.")
    return " ".join(said)


def _ends(row: dict[Any, Any]) -> str:
    """Write the ends of a range with their intervals."""
    low, high = (
        f"{short(row[end])} ({short(row[f'{end}_low'])} to {short(row[f'{end}_high'])})"
        for end in ("low", "high")
    )
    return f"{low} to {high}"


def ranges(
    runs: pd.DataFrame,
    x: str,
    *,
    series: Series | None = None,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw the ranges of an axis in which most runs are good, as bars with their widths.

    Parameters
    ----------
    runs : DataFrame
        With `x`, numbers; `good`, booleans; `start`, the number of each run's start; and the axis
        of the series.
    x : str
        The axis.
    series : Series, optional
        The values of another axis, with a row of bars each.
    """
    pairs = zip(series.values, series.parts(runs), strict=True) if series else [("", ("", runs))]
    parts = {value: part for value, (_, part) in pairs if len(part)}
    bins = bins_of(runs[x], len(runs))
    figure, (axes,) = new_figure(style)
    figure.set_figheight(style.height * min(1.0, 0.3 + 0.2 * len(parts)))
    tables = {}
    for row, (value, part) in enumerate(parts.items()):
        found = tables[value] = majority_ranges(part, x, "good", "start")
        shares = part.groupby(x)["good"].mean()
        _draw_row(axes, row, found, shares, bins.scale == "log", style)
    set_bins(axes.xaxis, bins)
    axes.set_yticks(range(len(parts)), [short(value) for value in parts])
    axes.set_ylim(len(parts) - 0.4, -0.6)
    dress(
        axes, style, x=label_of(x), y=label_of(series.axis) if series else "", title=title, room=0.9
    )
    axes.spines["left"].set_visible(bool(series))
    axes.tick_params(axis="y", length=0)
    table = pd.concat(tables, names=[series.axis if series else "all"]).reset_index(level=0)
    figure.table = table if series else table.drop(columns="all")
    return figure


def _draw_row(
    axes: Any,
    row: int,
    found: pd.DataFrame,
    shares: "pd.Series[float]",
    log: bool,
    style: Style,
) -> None:
    """Draw the ranges of one value, and all values of the axis as dots."""
    look = {"linestyle": "", "marker": "o", "zorder": 3}
    most = shares >= 0.5
    few = shares.index[~most]
    axes.plot(few, np.full(len(few), row), color=GREY, markersize=0.25 * style.font, **look)
    many = shares.index[most]
    look["markeredgewidth"] = 0
    axes.plot(many, np.full(len(many), row), color="white", markersize=0.25 * style.font, **look)
    for one in found.itertuples():
        axes.plot(
            [one.low, one.high],
            [row, row],
            color=CATEGORIES[0],
            linewidth=0.6 * style.font,
            marker="o",  # a range of one value has no length
            markersize=0.6 * style.font,
            markeredgewidth=0,
        )
    for low, high, at in (("low_low", "low_high", -1), ("high_low", "high_high", 1)):
        places = np.full(len(found), row + at * _INTERVAL)
        axes.hlines(places, found[low], found[high], color=DARK, linewidth=style.line)
    axes.annotate(
        _widths(found, log) or f"at most {percent(shares.max())}",
        (1.01, row),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=style.small,
    )


def _widths(found: pd.DataFrame, log: bool) -> str:
    """Return the widths of some ranges in words; empty if there are none."""
    widths = found["decades"] if log else found["high"] - found["low"]
    if len(widths) > _MOST_WIDTHS:
        return f"{len(widths)} ranges"
    if len(widths) and not widths.any():
        return plural(len(widths), "value")
    said = " + ".join(f"{width:.2g}" for width in widths)
    return f"{said} decade{'' if said == '1' else 's'}" if said and log else said


KIND = Kind(
    summary="Range of learning rates, or of another axis, in which at least half converge.",
    draw=draw,
    takes=("x", "by"),
)
