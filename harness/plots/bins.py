"""The values of an axis of the grid as bins along an axis of a plot."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from harness.analysis.measures import is_ordered
from harness.plots.scales import number_text, set_log_ticks
from harness.plots.series import short

Floats = NDArray[np.float64]

# Up to this many values each have a tick if they are round numbers and far enough apart; up to
# `_EVEN_BINS` unevenly spaced ones get bins of equal size.
_WRITTEN = 8
_EVEN_BINS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """A column of a table in bins along an axis of a plot.

    Attributes
    ----------
    of_rows : array of shape (rows,)
        The bin of each row.
    values : array of shape (bins,)
        The values that bins stand for: numbers or names; of several, the middle.
    centres, edges : arrays of shape (bins,) and (bins + 1,)
        Where the bins are drawn.
    scale : str
        "linear" or "log".
    ticks, texts : array and list of str
        Where the axis is labelled, and how; empty to leave it to matplotlib.
    """

    of_rows: NDArray[np.int64]
    values: NDArray[Any]
    centres: Floats
    edges: Floats
    scale: str
    ticks: Floats
    texts: list[str]


def bins_of(column: "pd.Series[Any]", most: int, *, even: bool = False) -> Bins:
    """Put the values of a column into at most `most` bins.

    Parameters
    ----------
    column : Series
        Numbers or names. Names keep the order in which they first occur. Numbers that some runs do
        not have are drawn like names; if they are many, neighbours share a bin.
    most : int
        If there are more values, neighbours share a bin.
    even : bool
        Whether a few unevenly spaced values get bins of equal size.
    """
    floats = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    found: Any
    code, found = pd.factorize(
        column if floats else column.astype(object), sort=floats, use_na_sentinel=False
    )
    if floats and column.isna().any() and len(found) > _EVEN_BINS:
        code, found = _few_numbers(code, np.asarray(found))
    count, numbers = len(found), is_ordered(column)
    if not numbers or (even and count <= _EVEN_BINS and _is_uneven(np.asarray(found))):
        centres = np.arange(count, dtype=np.float64)
        step = -(-count // _WRITTEN) if numbers else 1
        return Bins(
            of_rows=code,
            values=np.asarray(found),
            centres=centres,
            edges=np.arange(count + 1, dtype=np.float64) - 0.5,
            scale="linear",
            ticks=centres[::step],
            texts=[number_text(value) if numbers else short(value) for value in found[::step]],
        )
    values = np.asarray(found, dtype=np.float64)
    log = is_log(values)
    bins = min(count, most)
    bin_of = np.arange(count) * bins // max(count, 1)
    first = np.searchsorted(bin_of, np.arange(bins))
    last = np.append(first[1:], count) - 1
    space = np.log(values) if log else values
    middle = (space[first] + space[last]) / 2
    edges = _edges(space, first)
    if log:
        middle, edges = np.exp(middle), np.exp(edges)
    written = count <= _WRITTEN and _are_round(values) and _are_apart(space)
    centres = values if bins == count else middle  # exact values, not exp(log(x))
    return Bins(
        of_rows=bin_of[code],
        values=np.asarray(found) if bins == count else centres,
        centres=centres,
        edges=edges,
        scale="log" if log else "linear",
        ticks=values if written else np.empty(0),
        texts=[number_text(value) for value in values] if written else [],
    )


def _few_numbers(
    code: NDArray[np.int64], found: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the code and the middles of groups of ascending numbers; the last one is NaN."""
    numbers = np.asarray(found, dtype=np.float64)[:-1]
    groups = np.array_split(numbers, _WRITTEN)
    group = np.repeat(np.arange(_WRITTEN + 1), [*map(len, groups), 1])
    return group[code], np.array([*map(np.median, groups), np.nan])


def _are_round(values: Floats) -> bool:
    """Return whether numbers have at most three digits, or are whole."""
    return all(value == round(value) or value == float(f"{value:.3g}") for value in values)


def _are_apart(space: Floats) -> bool:
    """Return whether the labels of ascending values have room beside each other."""
    return bool(np.all(np.diff(space) >= (space[-1] - space[0]) / 12))


def _edges(space: Floats, first: NDArray[np.int64]) -> Floats:
    """Return the edges of bins that begin at the indices `first` of ascending values."""
    if len(space) == 1:
        return np.array([space[0] - 0.5, space[0] + 0.5])
    between = (space[first[1:] - 1] + space[first[1:]]) / 2
    ends = 1.5 * space[[0, -1]] - 0.5 * space[[1, -2]]
    return np.concatenate((ends[:1], between, ends[1:]))


def is_log(values: Floats) -> bool:
    """Return whether ascending values are spaced more evenly on a logarithmic scale.

    >>> is_log(np.array([0.01, 0.1, 1.0])), is_log(np.array([1.0, 2.0, 3.0]))
    (True, False)
    """
    if len(values) < 3 or values[0] <= 0:
        return False
    return _unevenness(np.log(values)) < _unevenness(values)


def _unevenness(values: Floats) -> float:
    steps = np.diff(values)
    return float(steps.std() / steps.mean()) if len(steps) else 0.0


def _is_uneven(values: NDArray[Any]) -> bool:
    """Return whether ascending values are uneven on either scale; two values have no spacing."""
    values = values.astype(np.float64)
    if len(values) < 3:
        return len(values) == 2
    return _unevenness(np.log(values) if is_log(values) else values) > 0.4


def set_bins(axis: Any, bins: Bins) -> None:
    """Give an axis the scale and the ticks of its bins."""
    axes = axis.axes
    (axes.set_xscale if axis.axis_name == "x" else axes.set_yscale)(bins.scale)
    if bins.texts:
        axis.set_major_locator(FixedLocator(bins.ticks.tolist()))
        axis.set_major_formatter(FixedFormatter(bins.texts))
        axis.set_minor_locator(NullLocator())
    elif bins.scale == "log":
        set_log_ticks(axis, bins.edges[0], bins.edges[-1])
    else:
        whole = bool(np.all(bins.centres == np.round(bins.centres)))
        axis.set_major_locator(MaxNLocator(6, integer=whole))
        axis.set_major_formatter(lambda value, _: f"{value:,.6g}")
