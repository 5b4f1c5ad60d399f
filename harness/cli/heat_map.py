"""A small picture of a sweep for the terminal: an axis from left to right, shades as characters."""

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.text import Text

from harness.cli.printing import console, number, say

_SHADES = " .:-=+*#%@"
# Ten steps of viridis (van der Walt and Smith 2015), for terminals with colours.
_COLOURS = (
    "#440154", "#482878", "#3e4989", "#31688e", "#26828e",
    "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
)  # fmt: skip
_WIDEST = 60
_HIGHEST = 12


def show_endings(runs: pd.DataFrame, axis: str, measure: str) -> None:
    """Print where the runs end along an axis: a row a power of ten of `measure`.

    Parameters
    ----------
    runs : DataFrame
        With the columns `axis`, status and `measure`.
    axis, measure : str
        Its columns.
    """
    values = runs[measure].to_numpy(np.float64)
    lost = runs["status"].to_numpy() == "diverged"
    decade = np.floor(np.log10(np.where(lost | ~(values > 0), np.nan, values)))
    if np.isnan(decade).all():
        return
    highest = int(np.nanmax(decade))
    lowest = max(int(np.nanmin(decade)), highest - _HIGHEST + 1)
    row_of = np.where(lost, 0, 1 + highest - np.clip(decade, lowest, highest))
    row_of = np.where(np.isnan(row_of), 1 + highest - lowest, row_of).astype(int)  # zero
    columns, labels = _columns(runs[axis])
    shares = np.zeros((2 + highest - lowest, labels.size))
    np.add.at(shares, (row_of, columns), 1.0)
    shares /= np.maximum(shares.sum(axis=0), 1.0)
    names = ["diverged", *(f"1e{power:+03}" for power in range(highest, lowest - 1, -1))]
    say(f"share of the runs that end at {measure} ..., along {axis}", "bold")
    _say_rows(names, shares)
    _say_axis(labels, "' ' none  '@' all of them")


def show_map(runs: pd.DataFrame, across: str, down: str, measure: str) -> None:
    """Print the median of `measure` over two axes; x where most runs diverged.

    Parameters
    ----------
    runs : DataFrame
        With the columns `across`, `down`, status and `measure`.
    across, down, measure : str
        Its columns.
    """
    columns, labels = _columns(runs[across])
    rows, names = _columns(runs[down], most=_HIGHEST)
    values = runs[measure].where(runs["status"] != "diverged", np.inf).astype(float)
    table = values.groupby([rows, columns]).median().unstack()
    medians = table.reindex(index=range(names.size), columns=range(labels.size)).to_numpy(float)
    finite = np.isfinite(medians) & (medians > 0)
    shades = np.full(medians.shape, np.nan)
    if finite.any():
        low, high = np.log10(medians[finite].min()), np.log10(medians[finite].max())
        shades[finite] = (np.log10(medians[finite]) - low) / max(high - low, 1e-9)
    shades[medians == 0] = 0.0
    say(f"median {measure} over {across} (across) and {down} (down)", "bold")
    _say_rows([number(name) for name in names.tolist()], shades, lost=np.isposinf(medians))
    if finite.any():
        ends = f"' ' {number(float(medians[finite].min()))}"
        ends += f"  '@' {number(float(medians[finite].max()))}  'x' most diverged"
        _say_axis(labels, ends)


def _columns(values: "pd.Series[float]", most: int = _WIDEST) -> tuple[NDArray[np.int64], Any]:
    """Return the place of each value among the distinct ones, several to a place if too many."""
    text = not pd.api.types.is_numeric_dtype(values)
    places, distinct = pd.factorize(values, sort=not text)
    together = math.ceil(len(distinct) / most)
    return places // together, np.asarray(distinct)[::together]


def _say_rows(
    names: list[str], shades: NDArray[np.float64], lost: NDArray[np.bool_] | None = None
) -> None:
    wide = min(3, _WIDEST // shades.shape[1])
    margin = max(map(len, names))
    for row, name in enumerate(names):
        line = Text(f"{name:>{margin}} |")
        for column, shade in enumerate(shades[row]):
            step = 0 if math.isnan(shade) else min(int(shade * 9 + 0.999), 9)
            if lost is not None and lost[row, column]:
                line.append("x" * wide)
            elif console.is_terminal and step:
                line.append(_SHADES[step] * wide, f"{_COLOURS[step]} on {_COLOURS[step]}")
            else:
                line.append(_SHADES[step] * wide)
        line.append("|")
        console.print(line, soft_wrap=True)


def _say_axis(labels: NDArray[Any], legend: str) -> None:
    first, last = number(labels.tolist()[0]), number(labels.tolist()[-1])
    say(f"from {first} on the left to {last} on the right; {legend}")
