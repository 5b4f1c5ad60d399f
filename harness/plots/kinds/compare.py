"""The values of an axis compared run by run: final values of runs that differ in that axis only."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis import comparison
from harness.analysis.measures import ENDINGS as STATUSES
from harness.analysis.ranking import SEEDS, trained_loss
from harness.analysis.sampling import scattered
from harness.errors import ResultsError
from harness.formatting import listed
from harness.plots import reading
from harness.plots.kinds import Kind, Options
from harness.plots.quantities import STATUS, Quantity, final_quantity
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
    fitted,
    headline,
    legend,
    new_figure,
)
from harness.results.comparing import (
    against_the_first,
    endings_against_the_first,
    read_pairs,
    what_changes,
    which_endings_change,
)
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
    quantity = final_quantity(results, options.measure)
    pairs = read_pairs(results, series.axis, series.values, quantity.column)
    what = "ending" if quantity == STATUS else quantity.label.removesuffix(", %")
    title = f"{what} of pairs of runs that differ in {label_of(series.axis)} only"
    picture = compare(pairs, series, quantity, style=options.style, title=title)
    ratio, trained = _has_ratios(pairs, quantity), trained_loss(results.run_columns)
    said = [
        _what_changes(
            picture.table, series, quantity, ratio=ratio, trained=quantity.column == trained
        )
    ]
    agree = [one_of(name) for name in reading.varied_axes(results) if name != series.axis]
    picture.caption = " ".join([*said, *_what_pairs_are(pairs, picture.table, quantity, agree)])
    return picture


def _what_changes(
    table: pd.DataFrame, series: Series, quantity: Quantity, *, ratio: bool, trained: bool
) -> str:
    """Return the sentences on what changes from the first value to the others."""
    rows: list[Any] = table.to_dict("records")
    first, second = series.values[:2]
    ending = quantity.column if quantity.is_share else None
    of_endings = quantity == STATUS or quantity.is_share
    if len(rows) == 1:
        row, pair = rows[0], (series.label(second), short(first))
        if of_endings:
            return which_endings_change(row, *pair, ending)
        higher = quantity.higher_is_better
        return what_changes(row, *pair, quantity.label, higher_is_better=higher, ratio=ratio)
    named = {short(row[series.axis]): row for row in rows}
    if of_endings:
        return endings_against_the_first(named, series.label(first), ending)
    return against_the_first(
        named,
        series.label(first),
        quantity.label,
        higher_is_better=quantity.higher_is_better,
        trained=trained,
    )


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


def _what_pairs_are(
    pairs: pd.DataFrame, table: pd.DataFrame, quantity: Quantity, agree: list[str]
) -> list[str]:
    """Return the sentences on what a pair is, and how it is counted."""
    said = [f"The runs of a pair have the same {listed(agree)}."] if agree else []
    of_endings = quantity == STATUS or quantity.is_share
    diverged = pairs[["status_first", "status_second"]].to_numpy() == "diverged"
    if diverged.all():
        said.append("All runs diverged, which counts as equal.")
    elif diverged.any() and not of_endings:
        said.append("Runs that diverged count as worst.")
    if pairs.loc[pairs["value_first"] != pairs["value_second"], "better"].eq(0).any():
        said.append("Two runs that converged count as equal.")
    if (table["pairs"] > table["starts"]).any():
        said.append("Intervals are for the number of starts, not of pairs.")
    if quantity.is_share:
        said.append(
            "Arrows point from the share of the first value to that of the other one. Blue lines"
            " are 95% intervals of the difference. Numbers on the right count pairs that changed:"
            " +, only the other run ends so; \N{MINUS SIGN}, only the first."
        )
    elif quantity == STATUS:
        said.append("An ending is better if it is nearer to converged, and worse if to diverged.")
    elif len(table) > 1:
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
    """Draw pairs of runs as points, or their shares and changes.

    Parameters
    ----------
    pairs : DataFrame
        The table of `harness.analysis.comparison.pairs`.
    series : Series
        The axis and its values. Two values have a point per pair, unless endings are compared.
    quantity : Quantity
        What is compared.
    """
    ratio = _has_ratios(pairs, quantity)
    table = comparison.compare(pairs, series.axis, ratio=ratio)
    if quantity.is_share or quantity == STATUS:
        figure = _compare_endings(table, series, quantity, style, title)
    elif len(table) == 1:
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
        legend(figure, style, handles)
    else:
        figure, (left, right) = new_figure(style, 2)
        handles = _draw_bars(left, table, style)
        _draw_changes(right, table, quantity, ratio, style)
        what = f"{'ratio to' if ratio else 'difference from'} {series.label(series.values[0])}"
        dress(left, style, x="pairs, %", y=label_of(series.axis))
        dress(right, style, x=f"median {what}")
        headline(figure, style, title)
        _set_rows((left, right), table[series.axis])
        legend(figure, style, handles)
    figure.table = table
    return figure


def _set_rows(panels: Sequence[Any], values: "pd.Series[Any]") -> None:
    """Label the rows of panels with values of an axis, from top to bottom."""
    for axes in panels:
        axes.set_yticks(range(len(values)), [short(value) for value in values.astype(object)])
        axes.set_ylim(len(values) - 0.5, -0.5)


def _compare_endings(
    table: pd.DataFrame, series: Series, quantity: Quantity, style: Style, title: str
) -> Picture:
    """Draw how the endings of runs change with the values of an axis, one row per value."""
    figure, (left, right) = new_figure(style, 2)
    first = series.label(series.values[0])
    if quantity.is_share:
        handles = _draw_arrows(left, table, quantity.column, series, style)
        _draw_differences(right, table, quantity.column, style)
        dress(left, style, x=quantity.label, y=label_of(series.axis))
        dress(right, style, x=fitted(f"percentage points more than at {first}", style, 0.4))
        _set_rows((left, right), table[series.axis])
    else:
        handles = _draw_stacks(left, table, style)
        handles += _draw_bars(right, table, style)
        dress(left, style, x="runs, %", y=label_of(series.axis))
        dress(right, style, x=fitted(f"ending compared with {first}, % of pairs", style, 0.4))
        _set_rows([left], pd.Series(series.values))
        _set_rows([right], table[series.axis])
    headline(figure, style, title)
    legend(figure, style, handles)
    return figure


def _draw_arrows(
    axes: Any, table: pd.DataFrame, ending: str, series: Series, style: Style
) -> list[Any]:
    """Draw the share with an ending of the first value and of each other one; return the legend."""
    colour = ENDINGS[ending]
    for row, (first, second) in enumerate(
        100 * table[[f"{ending}_first", f"{ending}_second"]].to_numpy()
    ):
        axes.annotate(
            "",
            (second, row),
            (first, row),
            arrowprops={
                "arrowstyle": "-|>",
                "color": GREY,
                "linewidth": style.line,
                "shrinkA": 0,
                "shrinkB": 0.3 * style.font,
            },
        )
    look = {"linestyle": "", "markersize": 0.6 * style.font}
    handles = []
    for which, label, shade, marker in (
        ("first", series.label(series.values[0]), GREY, "o"),
        ("second", "the other values", colour, "D"),
    ):
        shares = 100 * table[f"{ending}_{which}"]
        axes.plot(shares, range(len(table)), color=shade, marker=marker, zorder=3, **look)
        handles.append(entry(label, color=shade, marker=marker, **look))
    axes.set_xlim(-3, 103)
    return handles


def _draw_differences(axes: Any, table: pd.DataFrame, ending: str, style: Style) -> None:
    """Draw the difference of shares with its interval, and the pairs that changed."""
    names = [f"{ending}_change{end}" for end in ("", "_low", "_high")]
    middle, low, high = 100 * table[names].to_numpy().T
    places = range(len(table))
    axes.axvline(0, color=DARK, linewidth=style.line / 2)
    axes.hlines(places, low, high, color=CATEGORIES[0], linewidth=2 * style.line, alpha=0.5)
    axes.plot(
        middle, places, color=CATEGORIES[0], marker="o", linestyle="", markersize=0.5 * style.font
    )
    axes.margins(x=0.1)
    counts = table[[f"{ending}_only_second", f"{ending}_only_first"]].to_numpy()
    for row, (gained, lost) in enumerate(counts):
        axes.annotate(
            f"+{gained:,} \N{MINUS SIGN}{lost:,}",
            (1.01, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=style.small,
        )


def _draw_stacks(axes: Any, table: pd.DataFrame, style: Style) -> list[Any]:
    """Draw the shares of all endings for the first value, then for the others."""
    handles = []
    left = np.zeros(len(table) + 1)
    for ending in STATUSES:
        if f"{ending}_first" not in table:
            continue
        shares = np.append(table[f"{ending}_first"].iloc[0], table[f"{ending}_second"])
        if not shares.any():
            continue
        handles.append(_draw_stack(axes, shares, left, ending, ENDINGS[ending], style))
        left += 100 * shares
    axes.set_xlim(0, 100)
    return handles


def _draw_stack(axes: Any, shares: Any, left: Any, label: str, colour: str, style: Style) -> Any:
    """Draw the bars of one kind, with the larger shares in numbers; return them."""
    bars = axes.barh(range(len(shares)), 100 * shares, 0.7, left, color=colour, label=label)
    texts = [percent(share) if share > 0.15 else "" for share in shares]
    axes.bar_label(bars, texts, label_type="center", fontsize=style.small)
    return bars


def _draw_bars(axes: Any, table: pd.DataFrame, style: Style) -> list[Any]:
    """Draw the shares of pairs that are better, equal and worse; return the legend entries."""
    handles = []
    left = np.zeros(len(table))
    for name, colour in _SIDES.items():
        shares = table[name].to_numpy()
        handles.append(_draw_stack(axes, shares, left, name, colour, style))
        left += 100 * shares
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
    summary="Final values or endings of runs that differ in one axis only, in pairs.",
    draw=draw,
    takes=("by", "measure"),
)
