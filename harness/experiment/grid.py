"""Axes, and the arithmetic between a run's index and its coordinates.

A grid is never built: `run_id` is decoded like a number whose digits are the coordinates. The first
dimension is the fastest digit and the last the slowest, so a grid that grows at the end of its last
axis, or by a new last axis, keeps its run ids.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cached_property
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.experiment.draws import METHODS, Distribution
from harness.formatting import plural

# Values of an axis are computed in decimal, so that 0.1 ... 0.5 in five steps contains 0.3 and not
# 0.30000000000000004, and so that the last bit does not depend on a libm. Rounding from 34 to 21
# digits removes the errors of ln and exp before the conversion to float: 1e23 lies in the middle
# between two floats, where any error would decide between them.
_DECIMAL = Context(prec=34)
_ROUNDED = Context(prec=21)

# The values of longer axes are computed when they are needed, and not cached.
_KEPT = 1 << 12


def is_absent(value: Any) -> bool:
    """Tell whether a value of an axis is NaN, which it is where the axis has no meaning."""
    return isinstance(value, float) and math.isnan(value)


@dataclass(frozen=True)
class Listed:
    """Values written out one by one."""

    values: tuple[Any, ...]

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.values)

    @cached_property
    def _array(self) -> NDArray[Any]:
        # A column of a table has one type: numbers beside names become text.
        if any(isinstance(value, str) for value in self.values):
            return np.array([str(value) for value in self.values], dtype=object)
        return np.array(self.values)

    def value(self, index: int) -> Any:
        """Return the value at an index, as a Python object."""
        return self.values[index]

    def take(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the values at some indices."""
        return self._array[indices]

    @property
    def has_absent(self) -> bool:
        """Whether one of the values is NaN."""
        return any(map(is_absent, self.values))

    def every(self) -> Sequence[Any]:
        """Return all values, as Python objects.

        NaN is always the same object, also in another process, so that tuples can be compared.
        """
        return [math.nan if is_absent(value) else value for value in self.values]

    def ends(self) -> tuple[Any, Any]:
        """Return the smallest and the largest value; names sort after numbers.

        NaN counts only if there is nothing else.
        """
        ordered = sorted(
            (value for value in self.values if not is_absent(value)),
            key=lambda value: (isinstance(value, str), value),
        )
        return (ordered[0], ordered[-1]) if ordered else (math.nan, math.nan)

    def document(self) -> list[Any]:
        """Return the list of values."""
        return list(self.values)


@dataclass(frozen=True)
class Drawn(Listed):
    """Values that were drawn from a distribution; `draws` has them.

    `together` is the method if the values of several axes were drawn at once.
    """

    distribution: Distribution
    together: str = ""

    def text(self) -> str:
        """Return count, method and distribution in words.

        >>> from harness.experiment.draws import Range
        >>> Drawn((0.3, 0.1), Range(low=0.1, high=0.5)).text()
        '2 random values from 0.1 to 0.5'
        """
        one = METHODS[self.together].point if self.together else "random value"
        return f"{plural(self.count, one)} {self.distribution.text()}"


@dataclass(frozen=True, slots=True)
class Counted:
    """The integers 0, 1, ... count - 1."""

    count: int

    def take(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the values at some indices."""
        return indices

    def value(self, index: int) -> int:
        """Return the value at an index."""
        return index

    def every(self) -> Sequence[Any]:
        """Return all values."""
        return range(self.count)

    def ends(self) -> tuple[int, int]:
        """Return the smallest and the largest value."""
        return 0, self.count - 1

    def document(self) -> int:
        """Return the count."""
        return self.count


@dataclass(frozen=True)
class Spaced:
    """Numbers from `first` to `last` inclusive, at equal distances or equal ratios.

    If `count` is 1, the only value is `first`.

    Examples
    --------
    >>> Spaced(kind="log", first=0.001, last=1.0, count=4).take(np.arange(4)).tolist()
    [0.001, 0.01, 0.1, 1.0]
    """

    kind: Literal["linear", "log"]
    first: float
    last: float
    count: int
    whole: bool = False

    def _exact(self, indices: list[int]) -> Iterator[Decimal]:
        """Yield the values at some indices, before rounding to floats."""
        first, last = Decimal(repr(self.first)), Decimal(repr(self.last))
        steps = max(self.count - 1, 1)
        if self.kind == "linear":
            # Dividing last keeps values exact that have few digits, such as 0.
            distance = _DECIMAL.subtract(last, first)
            for i in indices:
                share = _DECIMAL.divide(_DECIMAL.multiply(distance, i), steps)
                yield _DECIMAL.add(first, share)
            return
        logarithm = _DECIMAL.ln(_DECIMAL.divide(last, first))

        def power(i: int) -> Decimal:
            return _DECIMAL.exp(_DECIMAL.divide(_DECIMAL.multiply(logarithm, i), steps))

        # ratio^i = ratio^(1024 j) ratio^k takes one exponential (14 us) per j and per k, and one
        # multiplication (2 us) per i.
        small = {k: power(k) for k in {i % 1024 for i in indices}}
        large = {j: _DECIMAL.multiply(first, power(1024 * j)) for j in {i // 1024 for i in indices}}
        for i in indices:
            yield _DECIMAL.multiply(large[i // 1024], small[i % 1024])

    def _evaluate(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        exact = self._exact(indices.tolist())
        numbers = np.fromiter((float(_ROUNDED.plus(x)) for x in exact), np.float64, indices.size)
        # The ends are those of the file; rounding in decimal could be off by a unit.
        numbers[indices == self.count - 1] = self.last
        numbers[indices == 0] = self.first
        return numbers

    @cached_property
    def _all(self) -> NDArray[np.float64]:
        return self._evaluate(np.arange(self.count))

    def take(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the values at some indices."""
        if self.count <= _KEPT:
            numbers = self._all[indices]
        else:
            distinct, inverse = np.unique(indices, return_inverse=True)
            numbers = self._evaluate(distinct)[inverse]
        return numbers.astype(np.int64) if self.whole else numbers

    def value(self, index: int) -> Any:
        """Return the value at an index, as a Python number."""
        return self.take(np.array([index])).item()

    def every(self) -> Sequence[Any]:
        """Return all values, as Python numbers."""
        values: list[Any] = self.take(np.arange(self.count)).tolist()
        return values

    def ends(self) -> tuple[float, float]:
        """Return the first and the last value."""
        first, last = self.take(np.array([0, self.count - 1])).tolist()
        return first, last

    def document(self) -> dict[str, Any]:
        """Return kind, ends and count."""
        return {self.kind: [self.first, self.last], "count": self.count}


Values = Listed | Counted | Spaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One named dimension of a grid, or one of several that are zipped."""

    name: str
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The product of dimensions; a dimension is one axis, or several of one length that are zipped.

    Examples
    --------
    >>> rates = Axis(name="learning_rate", values=Listed((0.1, 0.2)))
    >>> starts = Axis(name="init_id", values=Counted(3))
    >>> grid = Grid(dimensions=((rates,), (starts,)))
    >>> grid.size
    6
    >>> [index.tolist() for index in grid.coordinates(np.arange(6))]
    [[0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2]]
    >>> grid.columns(np.array([5]))["learning_rate"].tolist()
    [0.2]
    """

    dimensions: tuple[tuple[Axis, ...], ...]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All axes, in order."""
        return tuple(axis for dimension in self.dimensions for axis in dimension)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension, the fastest first."""
        return tuple(dimension[0].values.count for dimension in self.dimensions)

    @property
    def size(self) -> int:
        """Number of runs, as a Python integer of any size."""
        return math.prod(self.shape)

    def coordinates(self, run_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Return the index along each dimension of some runs, each of shape (runs,)."""
        rest = np.asarray(run_ids, dtype=np.int64)
        found = []
        for length in self.shape:
            rest, index = np.divmod(rest, length)
            found.append(index)
        return tuple(found)

    def run_ids(self, coordinates: tuple[NDArray[np.int64], ...]) -> NDArray[np.int64]:
        """Return the run ids at some coordinates; the inverse of `coordinates`."""
        total = np.zeros(np.broadcast_shapes(*(np.shape(c) for c in coordinates)), dtype=np.int64)
        for index, length in zip(reversed(coordinates), reversed(self.shape), strict=True):
            total = total * length + index
        return total

    def in_former(self, former: "Grid") -> Callable[[NDArray[np.int64]], NDArray[np.int64]] | None:
        """Return a function from run ids to the ids of the same runs in a smaller grid, or -1.

        The smaller grid has the same axes, and they may be in other dimensions. Return None if this
        grid lacks one of its values.
        """
        parts = [_parts(dimension, former) for dimension in self.dimensions]
        if sorted(number for numbers in parts for number in numbers) != [*range(len(former.shape))]:
            return None
        found = [
            _ids_in_former(dimension, Grid(dimensions=tuple(former.dimensions[n] for n in numbers)))
            for dimension, numbers in zip(self.dimensions, parts, strict=True)
        ]
        functions = [function for function in found if function is not None]
        if len(functions) < len(found):
            return None

        def former_ids(run_ids: NDArray[np.int64]) -> NDArray[np.int64]:
            there = np.ones(np.shape(run_ids), dtype=bool)
            indices: dict[int, NDArray[np.int64]] = {}
            for index, function, numbers in zip(
                self.coordinates(run_ids), functions, parts, strict=True
            ):
                ids = function(index)
                there &= ids >= 0
                for number in numbers:
                    ids, indices[number] = np.divmod(ids, former.shape[number])
            return np.where(there, former.run_ids(tuple(indices[n] for n in sorted(indices))), -1)

        return former_ids

    def columns(self, run_ids: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Return the value of every axis for some runs, each of shape (runs,)."""
        return {
            axis.name: axis.values.take(index)
            for dimension, index in zip(self.dimensions, self.coordinates(run_ids), strict=True)
            for axis in dimension
        }

    def point(self, run_id: int) -> dict[str, Any]:
        """Return the value of every axis for one run, as Python objects."""
        return {
            axis.name: axis.values.value(index.item())
            for dimension, index in zip(
                self.dimensions, self.coordinates(np.array(run_id)), strict=True
            )
            for axis in dimension
        }


def _parts(dimension: tuple[Axis, ...], former: Grid) -> list[int]:
    """Return the numbers of the former dimensions whose axes are in a dimension."""
    names = {axis.name for axis in dimension}
    return [n for n, axes in enumerate(former.dimensions) if names >= {a.name for a in axes}]


def _ids_in_former(
    dimension: tuple[Axis, ...], former: Grid
) -> Callable[[NDArray[np.int64]], NDArray[np.int64]] | None:
    """Return a function from indices along a dimension to the ids in a former grid, or -1.

    The former grid has the same axes. Return None if the dimension lacks one of its values.
    """
    count = dimension[0].values.count
    if count < former.size:
        return None
    axes = (*dimension, *former.axes)
    if all(isinstance(axis.values, Counted) for axis in axes):  # there may be 10^8
        return lambda indices: np.where(indices < former.size, indices, -1)
    names = [axis.name for axis in former.axes]
    order = [names.index(axis.name) for axis in dimension]
    points = ([row[n] for n in order] for row in _rows(former))
    id_of = {tuple(point): run_id for run_id, point in enumerate(points)}
    now = zip(*(axis.values.every() for axis in dimension), strict=True)
    ids = np.array([id_of.get(point, -1) for point in now])
    return ids.__getitem__ if np.count_nonzero(ids >= 0) == former.size else None


def _rows(grid: Grid) -> Iterator[tuple[Any, ...]]:
    """Yield the values of all axes for each run, in order."""
    # Of a product, the last factor varies fastest; of a grid, the first dimension.
    each = [
        list(zip(*(axis.values.every() for axis in dimension), strict=True))
        for dimension in reversed(grid.dimensions)
    ]
    for values in product(*each):
        yield tuple(value for row in reversed(values) for value in row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A grid of some of the axes of another one, without repeated combinations.

    Attributes
    ----------
    whole : Grid
        The other grid.
    grid : Grid
        The grid of these axes.
    kept : tuple of (int, array or None)
        For each dimension of `grid`, the number of the dimension of `whole` that it is a part of,
        and the position in it of each index along that one; None if they are the same.
    """

    whole: Grid
    grid: Grid
    kept: tuple[tuple[int, NDArray[np.int64] | None], ...]

    def ids(self, run_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the index in `grid` of some runs of `whole`."""
        if not self.kept:
            return np.zeros_like(run_ids)
        whole = self.whole.coordinates(run_ids)
        return self.grid.run_ids(
            tuple(whole[n] if at is None else at[whole[n]] for n, at in self.kept)
        )

    def counts(self) -> NDArray[np.int64]:
        """Return the number of runs of `whole` at each index in `grid`."""
        counts = np.ones(1, dtype=np.int64)
        for (_, at), length in zip(self.kept, self.grid.shape, strict=True):
            each = np.ones(length, dtype=np.int64) if at is None else np.bincount(at)
            counts = np.multiply.outer(each, counts).ravel()
        kept = math.prod(self.whole.shape[number] for number, _ in self.kept)
        return counts * (self.whole.size // kept)


def project(grid: Grid, is_kept: Callable[[str], bool]) -> Projection:
    """Return the grid of the axes whose names are kept."""
    dimensions, kept = [], []
    for number, dimension in enumerate(grid.dimensions):
        axes = tuple(axis for axis in dimension if is_kept(axis.name))
        if not axes:
            continue
        at = numbered(axes)
        if at is not None:
            firsts = np.unique(at, return_index=True)[1].tolist()
            axes = tuple(
                Axis(name=axis.name, values=Listed(tuple(axis.values.value(i) for i in firsts)))
                for axis in axes
            )
        dimensions.append(axes)
        kept.append((number, at))
    return Projection(whole=grid, grid=Grid(dimensions=tuple(dimensions)), kept=tuple(kept))


def numbered(axes: tuple[Axis, ...]) -> NDArray[np.int64] | None:
    """Return the number of the combination at each index of zipped axes; None if all differ.

    Equal combinations have the same number. They are counted in the order in which they appear.
    """
    columns = [axis.values.every() for axis in axes if isinstance(axis.values, Listed)]
    if len(columns) < len(axes):
        return None  # counted and spaced values are distinct
    rows = list(zip(*columns, strict=True))
    number = {row: n for n, row in enumerate(dict.fromkeys(rows))}
    return None if len(number) == len(rows) else np.array([number[row] for row in rows])
