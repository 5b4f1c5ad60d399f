"""Where the values of an axis of the grid go: cells along an axis of a picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from harness.plots.scales import set_log_ticks

Floats = NDArray[np.float64]

# Axes of at most so many values have each of them written, and uneven ones get even cells.
_WRITTEN = 8
_EVEN_CELLS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """A column of a table as cells along an axis of a picture.

    `cell` is the cell of each row, shape (rows,); `centres`, shape (k,), and `edges`, shape
    (k + 1,), are where the cells are; `ticks` and `texts` what is written, empty where matplotlib
    knows best. `scale` is "linear" or "log". `binned` says that cells hold several values.
    """

    cell: NDArray[np.int64]
    centres: Floats
    edges: Floats
    scale: str
    ticks: Floats
    texts: list[str]
    binned: bool


def places(column: "pd.Series[Any]", most: int, *, even: bool = False) -> Places:
    """Put the values of a column into at most so many cells.

    Parameters
    ----------
    column : Series
        Numbers or names. Names come in the order in which they are met.
    most : int
        More values are put together, neighbours with neighbours.
    even : bool
        Whether unevenly spaced values, if they are few, may get cells of one size.
    """
    numbers = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    code, found = pd.factorize(column if numbers else column.astype(object), sort=numbers)
    count = len(found)
    if not numbers or (even and count <= _EVEN_CELLS and _spacing(np.asarray(found)) == "uneven"):
        centres = np.arange(count, dtype=np.float64)
        texts = [f"{value:.4g}" if numbers else str(value) for value in found]
        return Places(
            cell=code,
            centres=centres,
            edges=np.arange(count + 1, dtype=np.float64) - 0.5,
            scale="linear",
            ticks=centres,
            texts=texts,
            binned=False,
        )
    values = np.asarray(found, dtype=np.float64)
    scale = "log" if is_log(values) else "linear"
    cells = min(count, most)
    bin_of = np.arange(count) * cells // max(count, 1)
    first = np.searchsorted(bin_of, np.arange(cells))
    last = np.append(first[1:], count) - 1
    space = np.log(values) if scale == "log" else values
    middle = (space[first] + space[last]) / 2
    edges = _edges(space, first)
    if scale == "log":
        middle, edges = np.exp(middle), np.exp(edges)
    few = count <= _WRITTEN
    return Places(
        cell=bin_of[code],
        centres=values if cells == count else middle,  # the very numbers, not exp(log(x))
        edges=edges,
        scale=scale,
        ticks=values if few else np.empty(0),
        texts=[f"{value:.4g}" for value in values] if few else [],
        binned=cells < count,
    )


def _edges(space: Floats, first: NDArray[np.int64]) -> Floats:
    """Return the edges of cells that begin at the places `first` of ascending values."""
    if len(space) == 1:
        return np.array([space[0] - 0.5, space[0] + 0.5])
    between = (space[first[1:] - 1] + space[first[1:]]) / 2
    ends = 1.5 * space[[0, -1]] - 0.5 * space[[1, -2]]
    return np.concatenate((ends[:1], between, ends[1:]))


def is_log(values: Floats) -> bool:
    """Return whether ascending values lie more evenly on a logarithmic scale.

    >>> is_log(np.array([0.01, 0.1, 1.0])), is_log(np.array([1.0, 2.0, 3.0]))
    (True, False)
    """
    if len(values) < 3 or values[0] <= 0:
        return False
    return _unevenness(np.log(values)) < _unevenness(values)


def _unevenness(values: Floats) -> float:
    steps = np.diff(values)
    return float(steps.std() / steps.mean()) if len(steps) else 0.0


def _spacing(values: NDArray[Any]) -> str:
    numbers = values.astype(np.float64)
    if len(numbers) < 3:
        return "uneven" if len(numbers) == 2 else "linear"
    scale = "log" if is_log(numbers) else "linear"
    return "uneven" if _unevenness(np.log(numbers) if scale == "log" else numbers) > 0.4 else scale


def set_places(axis: Any, cells: Places) -> None:
    """Give an axis the scale and the ticks of its cells."""
    axes = axis.axes
    (axes.set_xscale if axis.axis_name == "x" else axes.set_yscale)(cells.scale)
    if len(cells.texts):
        axis.set_major_locator(FixedLocator(cells.ticks.tolist()))
        axis.set_major_formatter(FixedFormatter(cells.texts))
        axis.set_minor_locator(NullLocator())
    elif cells.scale == "log":
        set_log_ticks(axis, cells.edges[0], cells.edges[-1])
    else:
        whole = bool(np.all(cells.centres == np.round(cells.centres)))
        axis.set_major_locator(MaxNLocator(6, integer=whole))
        axis.set_major_formatter(lambda value, _: f"{value:,.6g}")
