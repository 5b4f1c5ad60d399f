"""Quantities of groups of runs over the epochs: medians and bands, drawn into any panel.

Runs that diverged are left out from the start, and counted. If they were a quarter of a group, they
would lift the upper end of its band out of the picture.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from harness.analysis.measures import bands, has_value
from harness.analysis.sums import divide_sums
from harness.formatting import plural
from harness.plots import reading
from harness.plots.kinds import Options
from harness.plots.quantities import Quantity, path_quantity
from harness.plots.scales import Span, span_of
from harness.plots.series import Series
from harness.plots.style import CATEGORIES, DARK, MARKERS, Style, entry
from harness.results.tables import Results
from harness.training.evaluation import HELD_OUT

Floats = NDArray[np.float64]

SSR = Quantity(column="ssr", label="SSR", log=True)

_SAMPLE = 5_000  # runs that quantiles are taken of
_BLOWN_UP = 1e6  # values beyond this multiple of the initial ones leave the scale
DASHES = {"training": "-", "held out": (0, (3, 1.5))}


def read_paths(
    results: Results, options: Options, axes: Sequence[str], most: int = _SAMPLE
) -> tuple[pd.DataFrame, pd.DataFrame, Quantity]:
    """Read what is drawn over the epochs.

    Parameters
    ----------
    results : Results
        The sweep.
    options : Options
        With the measure. If it was recorded for training data and for held-out data, both are read;
        sums over data points are then divided by their numbers, which differ.
    axes : sequence of str
        Axes to read.
    most : int
        If there are more runs, a sample of about that many.

    Returns
    -------
    runs : DataFrame
        run_id, status and the axes.
    table : DataFrame
        run_id, epoch and one or two columns.
    quantity : Quantity
        The first of these columns.
    """
    reading.need_trajectories(results)
    quantity = path_quantity(results, options.measure)
    columns = columns_of(quantity, results.reader.columns("trajectories"))
    runs, table = reading.runs_and_trajectories(
        results, ["status", *axes], most, list(columns.values())
    )
    if len(columns) > 1 and divide_sums(results.experiment, table, quantity.column):
        quantity = Quantity(
            column=quantity.column, label=f"{quantity.label} per data point", log=quantity.log
        )
    return runs, table, quantity


def columns_of(quantity: Quantity, known: Collection[str]) -> dict[str, str]:
    """Return the columns with a quantity: of training data and, if it is known, held-out data."""
    held_out = HELD_OUT + quantity.column
    if held_out in known:
        return {"training": quantity.column, "held out": held_out}
    side = "held out" if quantity.column.startswith(HELD_OUT) else "training"
    return {side: quantity.column}


def curves(
    runs: pd.DataFrame,
    table: pd.DataFrame,
    columns: Mapping[str, str],
    quantiles: tuple[float, float],
    series: Series | None = None,
) -> pd.DataFrame:
    """Return the median and two quantiles of runs that did not diverge, epoch by epoch.

    Parameters
    ----------
    runs : DataFrame
        run_id, status and the axis of the series.
    table : DataFrame
        Trajectories of the same runs: run_id, epoch and the columns.
    columns : mapping of str to str
        Columns by the data that they are of: "training" and "held out".
    quantiles : tuple of two floats
        The ends of the band.
    series : Series, optional
        The groups; by default, all runs are one.

    Returns
    -------
    DataFrame
        The axis of the series; `data`; `runs` and `diverged`, their numbers; `epoch`; and one
        column for each quantile, named by it. A group whose runs all diverged has one row, without
        an epoch.
    """
    low, high = quantiles
    rows = []
    for value, part in groups(runs, series):
        kept = part[part["status"] != "diverged"]
        counts = {"runs": len(part), "diverged": len(part) - len(kept)}
        head = counts if series is None else {series.axis: value, **counts}
        for data, column in columns.items():
            found = bands(table, kept, (low, 0.5, high), column)
            if found.empty:
                found = found.reindex([0])
            rows.append(found.astype({"epoch": "Int64"}).assign(data=data, **head))
    found = pd.concat(rows, ignore_index=True)
    shares = dict.fromkeys(map(str, (low, 0.5, high)))
    axis = [] if series is None else [series.axis]
    return found[[*axis, "data", "runs", "diverged", "epoch", *shares]]


def groups(runs: pd.DataFrame, series: Series | None) -> list[tuple[Any, pd.DataFrame]]:
    """Return the values of a series with their runs, or None with all runs."""
    if series is None:
        return [(None, runs)]
    parts = (part for _, part in series.parts(runs))
    return list(zip(series.values, parts, strict=True))


def examples(
    runs: pd.DataFrame, table: pd.DataFrame, column: str, count: int, series: Series | None = None
) -> list[list[Floats]]:
    """Return some runs of each group as points (epoch, value).

    They did not diverge, and are evenly spaced in the order of their last value.
    """
    chosen = []
    last = table.groupby("run_id")[column].last()
    for _, part in groups(runs, series):
        kept = part.loc[part["status"] != "diverged", "run_id"]
        ordered = last[last.index.isin(kept)].sort_values(kind="stable").index
        at = np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int)
        some = table[table["run_id"].isin(ordered[at])].groupby("run_id")
        chosen.append([run[["epoch", column]].to_numpy(float) for _, run in some])
    return chosen


def span_for(values: Any, start: float, *, diverged: bool = False) -> tuple[Span, str]:
    """Return a logarithmic axis, and what its upper edge means.

    Parameters
    ----------
    values : array
        The values to show.
    start : float
        Typical value of the first epoch. Without a limit, runs may finish at 1e200, which would
        flatten all others; far beyond this value, they are at the upper edge.
    diverged : bool
        Whether runs that diverged are drawn, at the upper edge.
    """
    numbers = np.asarray(values, dtype=np.float64)
    blown_up = numbers > _BLOWN_UP * start
    span = span_of(numbers[~blown_up], beyond=bool(diverged or blown_up.any()))
    return span, "off the\nscale" if blown_up.any() else "diverged"


def span_of_curves(found: pd.DataFrame, lines: Sequence[Sequence[Floats]] = ()) -> tuple[Span, str]:
    """Return the logarithmic axis of bands, and lines if they are not far below."""
    drawn = found.dropna(subset="epoch")
    heights = drawn[list(quantile_names(found))].to_numpy().ravel()
    first = drawn[drawn["epoch"] == drawn["epoch"].min()]
    start = first["0.5"].median()
    if heights.size:
        numbers = [run[:, 1] for group in lines for run in group]
        floor = min(heights.min() / 10, heights.max())
        heights = np.concatenate((heights, *(run[run >= floor] for run in numbers)))
    return span_for(heights, start)


def quantile_names(found: pd.DataFrame) -> tuple[str, str, str]:
    """Return the columns of `curves` with the lower end of the band, the median and the upper."""
    low, *_, high = found.columns[list(found.columns).index("epoch") + 1 :]
    return low, "0.5", high


def draw_curves(
    axes: Any,
    found: pd.DataFrame,
    style: Style,
    *,
    span: Span | None,
    series: Series | None = None,
    lines: Sequence[Sequence[Floats]] = (),
) -> None:
    """Draw the median and the band of each group into a panel, and single runs.

    Parameters
    ----------
    axes : Axes
        The panel.
    found : DataFrame
        The table of `curves`.
    style : Style
        Sizes.
    span : Span or None
        The y axis; None if it is linear.
    series : Series, optional
        The groups.
    lines : sequence of sequence of array
        Runs of each group, from `examples`.
    """
    low, middle, high = quantile_names(found)
    paired = found["data"].nunique() > 1

    def height(values: Any) -> Any:
        numbers = np.asarray(values, dtype=np.float64)
        return numbers if span is None else span.positions(numbers)

    for number, (value, colour, marker) in enumerate(_looks(series)):
        ours = found if series is None else found[has_value(found[series.axis], value)]
        for data, part in ours.dropna(subset="epoch").groupby("data", sort=False):
            epoch = part["epoch"].to_numpy(float)
            axes.fill_between(
                epoch,
                height(part[low]),
                height(part[high]),
                color=colour,
                alpha=0.12 if paired and data == "held out" else 0.2,
                linewidth=0,
            )
            axes.plot(
                epoch,
                height(part[middle]),
                color=colour,
                linewidth=1.3 * style.line,
                linestyle=DASHES[str(data)] if paired else "-",
                marker=marker,
                markersize=0.4 * style.font,
                # Evenly spaced on the page, and apart from those of other groups.
                markevery=(0.03 * number, 0.2) if marker else None,
                zorder=3,
            )
        if lines:
            segments = [np.column_stack((run[:, 0], height(run[:, 1]))) for run in lines[number]]
            thin = LineCollection(
                segments, colors=colour, linewidths=0.4 * style.line, alpha=0.7, zorder=2
            )
            axes.add_collection(thin, autolim=False)


def curve_entries(
    found: pd.DataFrame, style: Style, series: Series | None = None, *, counted: bool = True
) -> list[Any]:
    """Return legend entries: each group with the number of its runs that diverged, and the data."""
    entries = []
    for value, colour, marker in _looks(series):
        if series is None:
            continue
        label = series.label(value)
        first = found[has_value(found[series.axis], value)].iloc[0]
        if counted and first["diverged"]:
            label += f" ({told_diverged(first['diverged'], first['runs'])})"
        entries.append(
            entry(
                label,
                color=colour,
                marker=marker,
                markersize=0.4 * style.font,
                linewidth=1.3 * style.line,
            )
        )
    colour = DARK if series else CATEGORIES[0]
    return entries + data_entries(found["data"].unique().tolist(), colour, style)


def data_entries(data: Collection[str], colour: str, style: Style) -> list[Any]:
    """Return legend entries of training and held-out data; none if only one is drawn."""
    if len(data) < 2:
        return []
    return [
        entry(name, color=colour, linestyle=DASHES[name], linewidth=1.3 * style.line)
        for name in data
    ]


def told_diverged(diverged: int, runs: int) -> str:
    """Return how many runs diverged.

    >>> told_diverged(12, 100), told_diverged(100, 100)
    ('12 of 100 diverged', 'all 100 diverged')
    """
    return f"{'all' if diverged == runs else f'{diverged:,} of'} {runs:,} diverged"


def curve_caption(
    runs: pd.DataFrame,
    found: pd.DataFrame,
    counted: str,
    quantiles: tuple[float, float],
    lines: int = 0,
) -> str:
    """Return the sentences on the runs that are shown, and on what lines and bands are.

    Parameters
    ----------
    runs : DataFrame
        With status.
    found : DataFrame
        The table of `curves`.
    counted : str
        Their number in words, from `count_runs`.
    quantiles : tuple of two floats
        The ends of the bands.
    lines : int
        The number of single runs of each group.
    """
    diverged = int((runs["status"] == "diverged").sum())
    if diverged == len(runs):
        return f"{counted}; all of them diverged."
    left_out = f"; {diverged:,} that diverged are left out" if diverged else ""
    if found["runs"].max() == 1:
        return f"{counted}{left_out}. Each line is a run."
    low, high = (f"{100 * share:.4g}%" for share in quantiles)
    band = "the middle half" if quantiles == (0.25, 0.75) else f"quantiles from {low} to {high}"
    sentences = [
        f"{counted}{left_out}.",
        f"Lines are medians, bands {band}.",
        "A run that ended counts with its last value until all have ended.",
    ]
    if lines:
        sentences.append(
            f"Thin lines are up to {plural(lines, 'run')} each, evenly spread in the order of their"
            " last value."
        )
    return " ".join(sentences)


def _looks(series: Series | None) -> list[tuple[Any, str, str]]:
    """Return the value, colour and marker of each group."""
    if series is None:
        return [(None, CATEGORIES[0], "")]
    return list(zip(series.values, cycle(CATEGORIES), cycle(MARKERS), strict=False))
