"""Axes as a picture needs them: values in order, long ones in bins, a label for each."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.experiment.grid import Axis, Counted, Grid, Spaced


@dataclass(frozen=True, slots=True)
class OrderedAxis:
    """A dimension of a grid with its values in ascending order.

    Words stay in the order of the experiment. Axes that move together are one, named by all of
    them, whose values are those of the first.

    Attributes
    ----------
    name : str
        Of the axis or axes.
    count : int
        How many values there are.
    axis : Axis
        The one that has the values.
    place : callable
        From indices along the dimension to places in the order.
    index : callable
        And back.
    """

    name: str
    count: int
    axis: Axis
    place: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    index: Callable[[int], int]

    def value(self, place: int) -> Any:
        """Return the value at a place in the order."""
        return self.axis.values.value(self.index(place))

    def bins(self, places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return which of so many bins each place is in. The page computes the same."""
        return places * count // self.count

    def ends(self, count: int) -> list[tuple[Any, Any]]:
        """Return the least and the greatest value of each of so many bins."""
        first = [-(-at * self.count // count) for at in range(count + 1)]
        return [(self.value(at), self.value(after - 1)) for at, after in pairwise(first)]

    def labels(self, count: int) -> list[str]:
        """Return a short text for each of so many bins, all of them different."""
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
        """Return for each of so many bins what `harness export --where` takes for it."""
        name = self.axis.name
        return [
            f"{name} == {_literal(low)}"
            if low == high
            else f"{name} >= {_literal(low)} and {name} <= {_literal(high)}"
            for low, high in self.ends(count)
        ]


def ordered_axes(grid: Grid) -> list[tuple[int, OrderedAxis]]:
    """Return number and axis of each dimension with more than one value.

    The starting values come last: what is looked at is the others, over all starts.
    """
    found = [
        (number, _ordered(dimension))
        for number, dimension in enumerate(grid.dimensions)
        if dimension[0].values.count > 1
    ]
    return sorted(found, key=lambda item: item[1].axis.name == "init_id")


def _ordered(dimension: tuple[Axis, ...]) -> OrderedAxis:
    axis, values = dimension[0], dimension[0].values
    name, count = " & ".join(member.name for member in dimension), values.count
    if isinstance(values, Counted) or (isinstance(values, Spaced) and values.first <= values.last):
        return OrderedAxis(name, count, axis, lambda indices: indices, lambda place: place)
    if isinstance(values, Spaced):
        return OrderedAxis(
            name, count, axis, lambda indices: count - 1 - indices, lambda place: count - 1 - place
        )
    listed = [values.value(index) for index in range(count)]
    order = list(range(count))
    if not any(isinstance(value, str) for value in listed):
        order.sort(key=listed.__getitem__)
    places = np.empty(count, dtype=np.int64)
    places[order] = np.arange(count)
    return OrderedAxis(name, count, axis, places.__getitem__, order.__getitem__)


def _short(value: Any, digits: int) -> str:
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else repr(value)
