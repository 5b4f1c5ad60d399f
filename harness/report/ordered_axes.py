"""The axes of a grid as the page shows them: values in order, bins if there are many, labels."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.tally import Factor, points_of
from harness.experiment.grid import Grid, Listed

Ranks = NDArray[np.int64]
Point = tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class OrderedAxis:
    """A dimension of a grid, with its values in the order of their ranks.

    Attributes
    ----------
    factor : Factor
        The dimension.
    grid : Grid
        The grid.
    """

    factor: Factor
    grid: Grid

    @property
    def name(self) -> str:
        """The name of the axis, or of all zipped axes."""
        return self.factor.title

    @property
    def count(self) -> int:
        """The number of values."""
        return self.factor.count

    def ranks(self, run_ids: NDArray[np.int64]) -> Ranks:
        """Return the rank of each run's value."""
        return self.factor.ranks(self.grid.coordinates(run_ids)[self.factor.dimension])

    def points(self, ranks: Ranks) -> list[Point]:
        """Return the values with some ranks, each a tuple with a value per axis."""
        return points_of(self.factor.values(ranks).values())

    def bins(self, ranks: Ranks, count: int) -> NDArray[np.int64]:
        """Return the bin of each rank, of `count` bins. The page's script computes the same."""
        return ranks * count // self.count

    def _edges(self, count: int) -> Ranks:
        """Return the first rank of each of `count` bins, and the number of ranks."""
        return -(-np.arange(count + 1) * self.count // count)

    def ends(self, count: int) -> list[tuple[Point, Point]]:
        """Return the first and the last value of each of `count` bins."""
        edges = self._edges(count)
        return list(zip(self.points(edges[:-1]), self.points(edges[1:] - 1), strict=True))

    def labels(self, count: int) -> list[str]:
        """Return a short, distinct label for each of `count` bins."""
        ends = self.ends(count)
        for digits in (4, 6, 9, 17):
            texts = [
                _short(low, digits)
                if low == high
                else f"{_short(low, digits)} to {_short(high, digits)}"
                for low, high in ends
            ]
            if len(set(texts)) == len(texts):
                return texts
        return [f"{at}: {text}" for at, text in enumerate(texts)]

    def conditions(self, count: int) -> list[str]:
        """Return the condition for `harness export --where` of each of `count` bins."""
        edges = self._edges(count).tolist()
        return [self._condition(low, after - 1) for low, after in pairwise(edges)]

    def _condition(self, low: int, high: int) -> str:
        """Return the condition on values with ranks from `low` to `high`."""
        axes = self.factor.axes
        # Listed values may be names, and repeat if zipped; others ascend or descend.
        axis = next((axis for axis in axes if not isinstance(axis.values, Listed)), axes[0])
        ends = self.factor.values(np.array([low, high]))[axis.name].tolist()
        is_range = not isinstance(axis.values, Listed) or (
            len(axes) == 1 and not isinstance(ends[0], str) and not pd.isna(ends[1])
        )
        if low < high and is_range:
            return f"{axis.name} >= {min(ends)!r} and {axis.name} <= {max(ends)!r}"
        each = [
            " and ".join(map(_equals, self.factor.names, point))
            for point in self.points(np.arange(low, high + 1))
        ]
        return each[0] if low == high else "(" + " or ".join(f"({one})" for one in each) + ")"


def ordered_axes(grid: Grid) -> list[OrderedAxis]:
    """Return the dimensions with several values; init_id is last: plots aggregate over it."""
    factors = [
        Factor(number, dimension, dimension[0].values.count)
        for number, dimension in enumerate(grid.dimensions)
    ]
    found = [OrderedAxis(factor, grid) for factor in factors if factor.count > 1]
    return sorted(found, key=lambda axis: axis.factor.names[0] == "init_id")


def _equals(name: str, value: Any) -> str:
    """Return the condition that an axis has a value; only NaN differs from itself."""
    return f"{name} != {name}" if pd.isna(value) else f"{name} == {value!r}"


def _short(point: Point, digits: int) -> str:
    """Write a point, without settings that its runs do not have."""
    known = [value for value in point if not pd.isna(value)]
    texts = [f"{v:.{digits}g}" if isinstance(v, float) else str(v) for v in known]
    return ", ".join(texts) or "none"
