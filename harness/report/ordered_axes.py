"""The axes of a grid as the page shows them: values in order, bins if there are many, labels."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.experiment.grid import Axis, Grid, Listed, Spaced

Ranks = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class OrderedAxis:
    """A dimension of a grid, with its values in ascending order.

    Names keep the order of the experiment. Axes in step are one axis with the names of all and the
    values of the first.

    Attributes
    ----------
    name : str
        The name of the axis or axes.
    axis : Axis
        The axis, or the first of those in step.
    stride : int
        The distance between the run ids of neighbours along the dimension.
    index_of, rank_of : arrays of shape (count,), optional
        The index along the dimension of each rank, and the inverse; None if the values ascend.
    """

    name: str
    axis: Axis
    stride: int = 1
    index_of: NDArray[np.int64] | None = None
    rank_of: NDArray[np.int64] | None = None

    @property
    def count(self) -> int:
        """The number of values."""
        return self.axis.values.count

    def ranks(self, run_ids: NDArray[np.int64]) -> Ranks:
        """Return the rank of each run's value: 0 for the least."""
        index = run_ids // self.stride % self.count
        return index if self.rank_of is None else self.rank_of[index]

    def value(self, rank: int) -> Any:
        """Return the value of a rank."""
        index = rank if self.index_of is None else int(self.index_of[rank])
        return self.axis.values.value(index)

    def bins(self, ranks: Ranks, count: int) -> NDArray[np.int64]:
        """Return the bin of each rank, of `count` bins. The page's script computes the same."""
        return ranks * count // self.count

    def ends(self, count: int) -> list[tuple[Any, Any]]:
        """Return the least and the greatest value of each of `count` bins."""
        first = [-(-at * self.count // count) for at in range(count + 1)]
        return [(self.value(at), self.value(after - 1)) for at, after in pairwise(first)]

    def labels(self, count: int) -> list[str]:
        """Return a short text for each of `count` bins, no two of them the same."""
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
        name = self.axis.name
        return [
            f"{name} == {_literal(low)}"
            if low == high
            else f"{name} >= {_literal(low)} and {name} <= {_literal(high)}"
            for low, high in self.ends(count)
        ]


def ordered_axes(grid: Grid) -> list[OrderedAxis]:
    """Return the dimensions with several values, the starts last: pictures summarise over them."""
    found = []
    for number, dimension in enumerate(grid.dimensions):
        axis = dimension[0]
        if axis.values.count > 1:
            order = _order(axis)
            found.append(
                OrderedAxis(
                    name=" & ".join(each.name for each in dimension),
                    axis=axis,
                    stride=math.prod(grid.shape[:number]),
                    index_of=order,
                    rank_of=None if order is None else np.argsort(order),
                )
            )
    return sorted(found, key=lambda ordered: ordered.axis.name == "init_id")


def _order(axis: Axis) -> NDArray[np.int64] | None:
    """Return the indices of the values in ascending order; None if they ascend."""
    values = axis.values
    if isinstance(values, Listed):
        if any(isinstance(value, str) for value in values.values):
            return None
        return np.argsort(np.array(values.values), kind="stable")
    if isinstance(values, Spaced) and values.first > values.last:
        return np.arange(values.count)[::-1]
    return None


def _short(value: Any, digits: int) -> str:
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else repr(value)
