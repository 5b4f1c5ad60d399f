"""Runs of a grid counted by cell, batch by batch, in bounded memory.

Shares are of all runs. Medians need all values at once, so beyond `MOST_VALUES` runs they are those
of a sample, and `Tally.sampled` says so. The cell of a run follows from its run_id by arithmetic.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.measures import ENDINGS
from harness.analysis.ranking import SEEDS, cell_table, ending_codes, final_losses, medians, ranked
from harness.analysis.sampling import in_sample
from harness.experiment.grid import Axis, Drawn, Grid, Listed, Spaced

# A value and a run_id each, 16 bytes; sorted in a second.
MOST_VALUES = 5_000_000

# With more combinations each has a few runs at most, too few for a share.
MOST_COMBINATIONS = 2_000_000


@dataclass(frozen=True)
class Factor:
    """A dimension of a grid: one axis, or several that are zipped; usually without seeds.

    Its values are ranked: numbers in ascending order, then NaN; names, and zipped axes, in the
    order of the experiment.

    Attributes
    ----------
    dimension : int
        Number of the dimension in the grid.
    axes : tuple of Axis
        The axes.
    length : int
        Number of indices along the dimension.
    """

    dimension: int
    axes: tuple[Axis, ...]
    length: int

    @property
    def names(self) -> list[str]:
        """Names of the axes."""
        return [axis.name for axis in self.axes]

    @property
    def title(self) -> str:
        """Names of the axes as one text."""
        return ", ".join(self.names)

    @property
    def count(self) -> int:
        """Number of different values, or of different tuples of zipped values."""
        return self.length if self._ordered is None else len(self._ordered[0])

    def ranks(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ranks of the values at some indices along the dimension."""
        return indices if self._ordered is None else self._ordered[1][indices]

    def indices(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first index along the dimension of the values with some ranks."""
        return ranks if self._ordered is None else self._ordered[0][ranks]

    def values(self, ranks: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Return the values of each axis with some ranks."""
        indices = self.indices(ranks)
        return {axis.name: axis.values.take(indices) for axis in self.axes}

    @cached_property
    def _ordered(self) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """The first index of each rank, and the rank of each index; None if they are the same."""
        values = self.axes[0].values
        descends = isinstance(values, Spaced) and len(self.axes) == 1 and values.first > values.last
        if not descends and not all(isinstance(axis.values, Listed) for axis in self.axes):
            return None  # without an array: there may be 10^8 starts
        indices = np.arange(self.length)
        if descends:
            return indices[::-1], indices[::-1]
        points = points_of(axis.values.take(indices) for axis in self.axes)
        # Without a seed zipped with them, points may repeat.
        first = {point: index for index, point in reversed(list(enumerate(points)))}
        ordered = sorted(first, key=first.__getitem__)
        if len(self.axes) == 1 and not any(isinstance(point[0], str) for point in ordered):
            ordered.sort(key=lambda point: (point[0] != point[0], point))
        rank = {point: rank for rank, point in enumerate(ordered)}
        return np.array([first[point] for point in ordered]), np.array([rank[p] for p in points])


def is_sample(factor: Factor) -> bool:
    """Return whether a dimension has the points of a sample of several axes."""
    return len(factor.axes) > 1 and any(
        isinstance(axis.values, Drawn) and axis.values.together for axis in factor.axes
    )


def points_of(columns: Iterable[NDArray[Any]]) -> list[tuple[Any, ...]]:
    """Return the rows of some columns as tuples that are equal if their values are, NaN included.

    >>> one, other = points_of([np.array([np.nan, np.nan])])
    >>> one == other
    True
    """
    # Tuples compare the identity of their values first, and every NaN here is the same object.
    rows = ([math.nan if value != value else value for value in each.tolist()] for each in columns)
    return list(zip(*rows, strict=True))


def varied(grid: Grid) -> list[Factor]:
    """Return the factors of a grid that have more than one value."""
    found = []
    for number, dimension in enumerate(grid.dimensions):
        axes = tuple(axis for axis in dimension if axis.name not in SEEDS)
        if axes:
            found.append(Factor(number, axes, dimension[0].values.count))
    return [factor for factor in found if factor.count > 1]


@dataclass(frozen=True, eq=False)
class Cells:
    """Groups of runs by the values of some factors, numbered with the first varying fastest.

    Attributes
    ----------
    factors : sequence of Factor
        The factors.
    steps : sequence of int, optional
        For each factor, the number of neighbouring values that share a cell; 1 by default.
    """

    factors: Sequence[Factor]
    steps: Sequence[int] = ()

    @property
    def _steps(self) -> Sequence[int]:
        return self.steps or [1] * len(self.factors)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of cells along each factor."""
        pairs = zip(self.factors, self._steps, strict=True)
        return tuple(-(-factor.count // step) for factor, step in pairs)

    @property
    def size(self) -> int:
        """Number of cells."""
        return prod(self.shape)

    def codes(self, grid: Grid, run_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the cell of some runs."""
        coordinates = grid.coordinates(run_ids)
        code = np.zeros(run_ids.shape, dtype=np.int64)
        stride = 1
        for factor, step, length in zip(self.factors, self._steps, self.shape, strict=True):
            code += stride * (factor.ranks(coordinates[factor.dimension]) // step)
            stride *= length
        return code

    def first_runs(self, grid: Grid, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the lowest run_id in some cells."""
        coordinates = [np.zeros(codes.shape, dtype=np.int64) for _ in grid.dimensions]
        for factor, ranks in self._first_ranks(codes):
            coordinates[factor.dimension] = factor.indices(ranks)
        return grid.run_ids(tuple(coordinates))

    def points(self, codes: NDArray[np.int64]) -> pd.DataFrame:
        """Return the axis values of some cells, indexed by their codes.

        Where several values share a cell, they are the first.
        """
        columns: dict[str, Any] = {}
        for factor, ranks in self._first_ranks(codes):
            columns |= factor.values(ranks)
        return pd.DataFrame(columns, index=codes)

    def _first_ranks(self, codes: NDArray[np.int64]) -> Iterator[tuple[Factor, NDArray[np.int64]]]:
        """Yield each factor, and the first rank along it in some cells."""
        for factor, step, length in zip(self.factors, self._steps, self.shape, strict=True):
            codes, cell = np.divmod(codes, length)
            yield factor, cell * step


def rankable(grid: Grid) -> Cells | None:
    """Return the combinations of a grid, without axes that have a single value.

    None if there is only one, if each has one run, or if there are more than `MOST_COMBINATIONS`.
    """
    cells = Cells(varied(grid))
    return cells if 1 < cells.size <= min(MOST_COMBINATIONS, grid.size - 1) else None


class Tally:
    """Runs of a grid, counted by cell.

    Parameters
    ----------
    grid : Grid
        The grid of the sweep.
    cells : iterable of Cells, optional
        The cells to count by, besides the combinations.
    most : int
        The medians of more runs than this are those of a sample.
    """

    def __init__(self, grid: Grid, cells: Iterable[Cells] = (), most: int = MOST_VALUES) -> None:
        self._grid = grid
        self._combinations = rankable(grid)
        wanted = [*cells, *([self._combinations] if self._combinations else [])]
        self._share = min(1.0, most / max(grid.size, 1))
        self._counts = {each: np.zeros((each.size, len(ENDINGS)), np.int64) for each in wanted}
        self._kept: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        self._ranked: pd.DataFrame | None = None

    def add(self, runs: pd.DataFrame) -> None:
        """Count some runs: a table with run_id, status, and loss_final or ssr_final."""
        self._ranked = None
        ids, endings = runs["run_id"].to_numpy(), ending_codes(runs)
        for cells, counts in self._counts.items():
            codes = cells.codes(self._grid, ids)
            np.add.at(counts.ravel(), codes * len(ENDINGS) + endings, 1)
        values = final_losses(runs)
        if self.sampled:
            drawn = in_sample(self._grid, ids, self._share)
            ids, values = ids[drawn], values[drawn]
        self._kept.append((ids, values))

    @property
    def sampled(self) -> bool:
        """Whether medians are those of a sample."""
        return self._share < 1

    @property
    def values(self) -> int:
        """Number of runs that the medians are taken over."""
        return sum(ids.size for ids, _ in self._kept)

    def endings(self, cells: Cells) -> NDArray[np.int64]:
        """Return the number of runs by cell and ending, shape (cells, 4)."""
        return self._counts[cells]

    def table(self, cells: Cells) -> pd.DataFrame:
        """Return `ranking.cell_table` of the cells that have runs, indexed by their codes."""
        counts = self._counts[cells]
        ids, values = map(np.concatenate, zip(*self._kept, strict=True))
        self._kept = [(ids, values)]
        found = medians(cells.codes(self._grid, ids), values, cells.size)
        full = np.flatnonzero(counts.any(axis=1))
        return cell_table(cells.points(full), counts[full], found[:, full])

    def ranked(self) -> pd.DataFrame | None:
        """Return `ranking.combinations` of the counted runs; None if there are none to rank."""
        cells = self._combinations
        if cells is not None and self._ranked is None:
            table = self.table(cells)
            first_runs = cells.first_runs(self._grid, table.index.to_numpy())
            self._ranked = ranked(table.iloc[np.argsort(first_runs)])
        return self._ranked
