"""The values of an axis compared run by run: final values of runs that differ in that axis only."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis import comparison
from harness.analysis.ranking import SEEDS
from harness.analysis.sampling import scattered
from harness.errors import ResultsError
from harness.formatting import listed
from harness.plots import reading
from harness.plots.kinds import Kind, Options
from harness.plots.quantities import Quantity, final_quantity
from harness.plots.scales import label_of, one_of, span_of
from harness.plots.series import Series, series_of, short
from harness.plots.style import (
    CATEGORIES,
    DARK,
    ENDINGS,
    GREY,
    SLIDE,
    Picture,
    Style,
    dress,
    entry,
    headline,
    legend,
    new_figure,
)
from harness.results.comparing import against_the_first, read_pairs, what_changes
from harness.results.sentences import percent
from harness.results.tables import Results

# More points would cover each other.
_MOST_POINTS = 2000

# How the second run of a pair ended, with the colour and the marker.
_LOOKS = {
    "both converged": (CATEGORIES[0], "D"),
    "same ending": (DARK, "o"),
    "better ending": (ENDINGS["converged"], "^"),
    "worse ending": (ENDINGS["diverged"], "v"),
}

# The number of the tick beside the strip may be close to it.
_BELOW_TICKS = "\ndiverged"

_SIDES = {"better": ENDINGS["converged"], "equal": GREY, "worse": ENDINGS["diverged"]}


def draw(results: Results, options: Options) -> Picture:
    """Draw the pairs of runs that differ in one axis only."""
    series = options.series or series_of(results, _shortest_axis(results))
    if len(series.values) < 2:
        raise ResultsError(
            f"{series.label(series.values[0])} is the only value to compare.\n"
            f"Name two or more: by {series.axis}=V1,V2"
        )
    quantity = final_quantity(results, options.measure, shares=False)
    higher = quantity.higher_is_better
    pairs = read_pairs(results, series.axis, series.values, quantity.column)
    title = f"{quantity.label} of pairs of runs that differ in {label_of(series.axis)} only"
    picture = compare(pairs, series, quantity, style=options.style, title=title)
    first = short(series.values[0])
    rows: list[Any] = picture.table.to_dict("records")
    if len(rows) == 1:
        name, ratio = series.label(series.values[1]), _has_ratios(pairs, quantity)
        said = [
            what_changes(rows[0], name, first, quantity.label, higher_is_better=higher, ratio=ratio)
        ]
    else:
        named = {short(row[series.axis]): row for row in rows}
        name = series.label(series.values[0])
        said = [against_the_first(named, name, quantity.label, higher_is_better=higher)]
    agree = [one_of(name) for name in reading.varied_axes(results) if name != series.axis]
    picture.caption = " ".join([*said, *_what_pairs_are(pairs, picture.table, agree)])
    return picture


def _shortest_axis(results: Results) -> str:
    """Return the axis with fewest values that is not a seed."""
    names = [name for name in reading.varied_axes(results) if name not in SEEDS]
    if not names:
        raise ResultsError(
            f"{results.folder} has no axis to compare by, apart from starts.\n"
            "Two values of a setting, such as `grid.momentum = [0, 0.9]`, make a comparison."
        )
    return names[-1]


def _has_ratios(pairs: pd.DataFrame, quantity: Quantity) -> bool:
    return quantity.log and bool((pairs[["value_first", "value_second"]].to_numpy() >= 0).all())


def _what_pairs_are(pairs: pd.DataFrame, table: pd.DataFrame, agree: list[str]) -> list[str]:
    """Return the sentences on what a pair is, and how it is counted."""
    said = [f"The runs of a pair have the same {listed(agree)}."] if agree else []
    diverged = pairs[["status_first", "status_second"]].to_numpy() == "diverged"
    if diverged.all():
        said.append("All runs diverged, which counts as equal.")
    elif diverged.any():
        said.append("Runs that diverged count as worst.")
    if pairs.loc[pairs["value_first"] != pairs["value_second"], "better"].eq(0).any():
        said.append("Two runs that converged count as equal.")
    if (table["pairs"] > table["starts"]).any():
        said.append("Intervals are for the number of starts, not of pairs.")
    if len(table) > 1:
        said.append("Blue lines are 95% intervals of the medians.")
    elif len(pairs) > _MOST_POINTS:
        said.append(f"Points are a sample of {_MOST_POINTS:,} pairs.")
    return said


def compare(
    pairs: pd.DataFrame,
    series: Series,
    quantity: Quantity,
    *,
    style: Style = SLIDE,
    title: str = "",
) -> Picture:
    """Draw pairs of runs as points, or their shares and median changes if there are many values.

    Parameters
    ----------
    pairs : DataFrame
        The table of `harness.analysis.comparison.pairs`.
    series : Series
        The axis and its values: two for points, more for bars.
    quantity : Quantity
        What is compared.
    """
    ratio = _has_ratios(pairs, quantity)
    table = comparison.compare(pairs, series.axis, ratio=ratio)
    if len(table) == 1:
        figure, (axes,) = new_figure(style)
        looks = _looks(pairs)
        _draw_points(axes, pairs, looks, quantity, style)
        _write_shares(axes, table.iloc[0], quantity, style)
        x, y = map(series.label, series.values)
        dress(axes, style, x=x, y=y, title=title)
        handles = [
            entry(
                f"{text} ({(looks == text).sum():,})",
                color=colour,
                marker=marker,
                linestyle="",
                markersize=0.4 * style.font,
            )
            for text, (colour, marker) in _LOOKS.items()
            if text in looks
        ]
    else:
        figure, (left, right) = new_figure(style, 2)
        handles = _draw_bars(left, table, style)
        _draw_changes(right, table, quantity, ratio, style)
        what = f"{'ratio to' if ratio else 'difference from'} {series.label(series.values[0])}"
        dress(left, style, x="pairs, %", y=label_of(series.axis))
        dress(right, style, x=f"median {what}")
        headline(figure, style, title)
        for axes in (left, right):
            texts = [short(value) for value in table[series.axis].astype(object)]
            axes.set_yticks(range(len(table)), texts)
            axes.set_ylim(len(table) - 0.5, -0.5)
    legend(figure, style, handles)
    figure.table = table
    return figure


def _draw_bars(axes: Any, table: pd.DataFrame, style: Style) -> list[Any]:
    """Draw the shares of pairs that are better, equal and worse; return the legend entries."""
    handles = []
    left = np.zeros(len(table))
    for name, colour in _SIDES.items():
        width = 100 * table[name].to_numpy()
        bars = axes.barh(range(len(table)), width, 0.7, left, color=colour, label=name)
        texts = [percent(share) if share > 0.15 else "" for share in table[name]]
        axes.bar_label(bars, texts, label_type="center", fontsize=style.small)
        handles.append(bars)
        left += width
    axes.set_xlim(0, 100)
    return handles


def _draw_changes(
    axes: Any, table: pd.DataFrame, quantity: Quantity, ratio: bool, style: Style
) -> None:
    """Draw the median change of each value with its interval."""
    numbers = table[["change", "change_low", "change_high"]].to_numpy()
    none = 1.0 if ratio else 0.0
    span = span_of(np.append(numbers, none), log=ratio, higher_is_better=quantity.higher_is_better)
    middle, low, high = (span.positions(column) for column in numbers.T)
    places = range(len(table))
    axes.axvline(none, color=DARK, linewidth=style.line / 2)
    axes.hlines(places, low, high, color=CATEGORIES[0], linewidth=2 * style.line, alpha=0.5)
    axes.plot(
        middle, places, color=CATEGORIES[0], marker="o", linestyle="", markersize=0.5 * style.font
    )
    span.set(axes.xaxis, _BELOW_TICKS)


def _draw_points(
    axes: Any, pairs: pd.DataFrame, looks: NDArray[np.str_], quantity: Quantity, style: Style
) -> None:
    """Draw a sample of the pairs, the diagonal, and the better side of it in colour."""
    span = span_of(
        pairs[["value_first", "value_second"]],
        log=_has_ratios(pairs, quantity),
        higher_is_better=quantity.higher_is_better,
    )
    drawn = np.argsort(scattered(range(len(pairs))))[:_MOST_POINTS]
    x, y = (span.positions(pairs[f"value_{which}"])[drawn] for which in ("first", "second"))
    if span.beyond is not None:  # spread over the strip of runs that diverged
        for number, place in enumerate((x, y)):
            inside = np.flatnonzero(place == span.beyond)
            place[inside] = [span.in_strip(above - 0.5) for above in scattered(2 * inside + number)]
    faint = 0.7 if len(drawn) < 300 else 0.35
    for text, (colour, marker) in _LOOKS.items():
        ours = looks[drawn] == text
        size = (0.35 * style.font) ** 2
        axes.scatter(
            x[ours], y[ours], s=size, color=colour, marker=marker, alpha=faint, linewidths=0
        )
    ends = low, high = span.ends
    axes.plot(ends, ends, color=DARK, linewidth=style.line / 2, zorder=1)
    edge = high if quantity.higher_is_better else low
    axes.fill_between(ends, ends, edge, color=_SIDES["better"], alpha=0.08, linewidth=0)
    span.set(axes.xaxis, _BELOW_TICKS)
    span.set(axes.yaxis, "diverged")


def _write_shares(axes: Any, row: "pd.Series[Any]", quantity: Quantity, style: Style) -> None:
    """Write the shares of better and worse pairs on their sides of the diagonal.

    Many points are in the corners, of runs that converge and runs that do not.
    """
    upper, lower = ("better", "worse") if quantity.higher_is_better else ("worse", "better")
    box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.15 * style.font}
    look = {"transform": axes.transAxes, "fontsize": style.font, "bbox": box}
    axes.text(0.25, 0.6, f"{percent(row[upper])} {upper}", ha="center", **look)
    axes.text(0.75, 0.4, f"{percent(row[lower])} {lower}", ha="center", **look)


def _looks(pairs: pd.DataFrame) -> NDArray[np.str_]:
    """Return the key in `_LOOKS` of each pair."""
    ending = pairs["better_ending"].to_numpy()
    both = comparison.both_converged(pairs)
    return np.select(
        [both, ending > 0, ending < 0],
        ["both converged", "better ending", "worse ending"],
        "same ending",
    )


KIND = Kind(
    summary="Final values of runs that differ in one axis only, in pairs.",
    draw=draw,
    takes=("by", "measure"),
)
