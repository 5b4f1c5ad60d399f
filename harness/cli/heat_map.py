"""Heat maps of a sweep for the terminal: an axis from left to right, characters as shades."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.text import Text

from harness.analysis.ranking import final_losses
from harness.analysis.tally import Cells, Factor
from harness.cli.printing import console, say, say_wrapped
from harness.experiment.grid import Grid
from harness.formatting import number
from harness.results.sentences import exact

_SHADES = " .:-=+*#%@"
# Ten steps of viridis (van der Walt and Smith 2015), for terminals with colours.
_COLOURS = (
    "#440154", "#482878", "#3e4989", "#31688e", "#26828e",
    "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
)  # fmt: skip
# Characters of a row with its name, and of its cells; rows of a map.
_WIDTH = 77
_WIDEST = 60
_HIGHEST = 12

# The powers of ten of floats.
_LEAST, _GREATEST = -324, 308


class Endings:
    """Distribution of the final loss along a factor, by powers of ten.

    Parameters
    ----------
    grid : Grid
        The grid of the sweep.
    factor : Factor
        The factor across.
    """

    def __init__(self, grid: Grid, factor: Factor) -> None:
        self._grid = grid
        self._cells = Cells([factor], [math.ceil(factor.count / _WIDEST)])
        # Runs per column: at infinity, at 0, and at each power of ten.
        self._counts = np.zeros((self._cells.size, 3 + _GREATEST - _LEAST), dtype=np.int64)

    def add(self, runs: pd.DataFrame) -> None:
        """Count runs, given their run_id, status, and loss_final or ssr_final."""
        columns = self._cells.codes(self._grid, runs["run_id"].to_numpy())
        values = final_losses(runs)
        rows = np.where(np.isinf(values), 0, 1)
        inside = np.isfinite(values) & (values > 0)
        rows[inside] = 2 + np.floor(np.log10(values[inside])).astype(np.int64) - _LEAST
        np.add.at(self._counts, (columns, rows), 1)

    def show(self, loss: str) -> None:
        """Print one row per power of ten, and one for the runs that diverged."""
        there = np.flatnonzero(self._counts[:, 2:].any(axis=0))
        powers = range(0)
        if there.size:
            powers = range(there[-1], max(there[0], there[-1] - _HIGHEST + 1) - 1, -1)
        rows = [self._counts[:, 0], *(self._counts[:, 2 + power] for power in powers)]
        below = self._counts[:, 1:].sum(axis=1) - sum(rows[1:])
        names = ["diverged", *(f"1e{power + _LEAST:+03}" for power in powers)]
        if below.any():
            rows.append(below)
            names.append("less")
        shares = np.array(rows) / np.maximum(self._counts.sum(axis=1), 1)
        (factor,) = self._cells.factors
        say(f"share of the runs that end at {loss} ..., along {factor.title}", "bold")
        _say_rows(names, np.where(shares < 1, shares * 8 / 9, 1.0))  # '@' means all runs
        _say_ends(factor, "' ' none  '@' all of them")


def map_cells(across: Factor, down: Factor) -> Cells:
    """Return the cells for `show_map`; if there are too many, neighbours share a cell."""
    step = math.ceil(down.count / _HIGHEST)
    names = _row_names(down, step)
    widest = max(min(_WIDEST, _WIDTH - max(map(len, names))), 1)
    return Cells([across, down], [math.ceil(across.count / widest), step])


def show_map(cells: Cells, table: pd.DataFrame, title: str) -> None:
    """Print the median final loss over two factors; x where half or more diverged.

    Parameters
    ----------
    cells : Cells
        The cells, from `map_cells`.
    table : DataFrame
        Their statistics, from `Tally.table`.
    title : str
        Name of the median.
    """
    across, down = cells.factors
    medians = np.full(cells.size, np.nan)
    medians[table.index] = table["median"]
    medians = medians.reshape(cells.shape[::-1])
    finite = np.isfinite(medians) & (medians > 0)
    shades = np.full(medians.shape, np.nan)
    if finite.any():
        low, high = np.log10(medians[finite].min()), np.log10(medians[finite].max())
        shades[finite] = (np.log10(medians[finite]) - low) / max(high - low, 1e-9)
    shades[medians == 0] = 0.0
    say(f"{title} over {across.title} (across) and {down.title} (down)", "bold")
    _say_rows(_row_names(down, cells.steps[1]), shades, lost=np.isposinf(medians))
    if finite.any():
        ends = f"' ' {number(float(medians[finite].min()))}"
        ends += f"  '@' {number(float(medians[finite].max()))}"
        ends += "  'x' half or more diverged" if np.isposinf(medians).any() else ""
        _say_ends(across, ends)


def _row_names(factor: Factor, step: int) -> list[str]:
    return _texts(factor, range(0, factor.count, step))


def _texts(factor: Factor, positions: Sequence[int]) -> list[str]:
    """Return the values of a factor at some positions as text."""
    columns = factor.values(np.array(positions)).values()
    return [", ".join(map(exact, row)) for row in zip(*(c.tolist() for c in columns), strict=True)]


def _say_rows(
    names: list[str], shades: NDArray[np.float64], lost: NDArray[np.bool_] | None = None
) -> None:
    margin = max(map(len, names))
    wide = max(min(3, min(_WIDEST, _WIDTH - margin) // shades.shape[1]), 1)
    for row, name in enumerate(names):
        line = Text(f"{name:>{margin}} |")
        for column, shade in enumerate(shades[row]):
            step = 0 if math.isnan(shade) else min(math.ceil(shade * 9 - 1e-9), 9)
            if lost is not None and lost[row, column]:
                line.append("x" * wide)
            elif console().is_terminal and step:
                line.append(_SHADES[step] * wide, f"{_COLOURS[step]} on {_COLOURS[step]}")
            else:
                line.append(_SHADES[step] * wide)
        line.append("|")
        console().print(line, soft_wrap=True)


def _say_ends(factor: Factor, legend: str) -> None:
    first, last = _texts(factor, [0, factor.count - 1])
    say_wrapped(f"from {first} on the left to {last} on the right; {legend}")
