"""Run ids and coordinates correspond one to one, and spaced values are as specified."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.experiment.grid import Axis, Counted, Grid, Listed, Spaced

MOST_RUNS = 2**53


def values(count):
    """Return axes of `count` values, of every kind."""
    kinds = [st.just(Counted(count))]
    kinds.append(st.just(Spaced(kind="linear", first=0.0, last=1.0, count=count)))
    kinds.append(st.just(Spaced(kind="log", first=1.0, last=2.0, count=count)))
    if count <= 100:
        kinds.append(st.just(Listed(tuple(range(count)))))
    return st.one_of(kinds)


@st.composite
def grids(draw, most=MOST_RUNS):
    """Return a grid of at most `most` runs, with zipped axes."""
    dimensions, left, number = [], most, 0
    for _ in range(draw(st.integers(0, 6))):
        few = draw(st.booleans())
        length = draw(st.integers(1, min(left, 5 if few else left)))
        left //= length
        dimension = []
        for _ in range(draw(st.integers(1, 3))):
            dimension.append(Axis(name=f"a{number}", values=draw(values(length))))
            number += 1
        dimensions.append(tuple(dimension))
    return Grid(dimensions=tuple(dimensions))


def run_ids_of(grid):
    return st.lists(st.integers(0, grid.size - 1), min_size=1, max_size=20).map(np.array)


@given(st.data())
def test_run_id_to_coordinates_and_back(data):
    grid = data.draw(grids())
    run_ids = data.draw(run_ids_of(grid))
    coordinates = grid.coordinates(run_ids)
    if coordinates:
        assert grid.run_ids(coordinates).tolist() == run_ids.tolist()
    for index, length in zip(coordinates, grid.shape, strict=True):
        assert np.all((index >= 0) & (index < length))


@given(st.data())
def test_coordinates_to_run_id_and_back(data):
    grid = data.draw(grids())
    wanted = [data.draw(st.integers(0, length - 1)) for length in grid.shape]
    run_id = grid.run_ids(tuple(np.array([index]) for index in wanted))
    if wanted:
        assert [int(index[0]) for index in grid.coordinates(run_id)] == wanted
        # As in the decision about run ids: r = i1 + n1 * (i2 + n2 * (i3 ...
        expected = 0
        for index, length in zip(reversed(wanted), reversed(grid.shape), strict=True):
            expected = index + length * expected
        assert run_id.tolist() == [expected]


@given(st.data())
def test_a_grid_that_grows_at_its_end_keeps_its_ids(data):
    grid = data.draw(grids(most=2**40))
    run_ids = data.draw(run_ids_of(grid))
    more = data.draw(st.integers(2, 100))
    appended = Grid(
        dimensions=(*grid.dimensions, (Axis(name="new", values=Listed(tuple(range(more)))),))
    )
    assert appended.size == grid.size * more
    for run_id in run_ids.tolist():
        assert appended.point(run_id) == {**grid.point(run_id), "new": 0}
    if grid.dimensions:
        length = grid.shape[-1]
        longer = Grid(
            dimensions=(*grid.dimensions[:-1], (Axis(name="last", values=Counted(length + more)),))
        )
        before, after = grid.coordinates(run_ids), longer.coordinates(run_ids)
        assert [b.tolist() for b in before] == [a.tolist() for a in after]


@given(st.data())
def test_zipped_axes_have_the_same_index(data):
    grid = data.draw(grids())
    run_ids = data.draw(run_ids_of(grid))
    columns = grid.columns(run_ids)
    for dimension, index in zip(grid.dimensions, grid.coordinates(run_ids), strict=True):
        for axis in dimension:
            assert columns[axis.name].tolist() == axis.values.take(index).tolist()
            if isinstance(axis.values, Counted):
                assert columns[axis.name].tolist() == index.tolist()
    for place, run_id in enumerate(run_ids.tolist()):
        assert grid.point(run_id) == {name: c.tolist()[place] for name, c in columns.items()}


finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=1e-300, max_value=1e300)


@st.composite
def axes_of_numbers(draw):
    kind = draw(st.sampled_from(["linear", "log"]))
    numbers = finite if kind == "linear" else positive
    first, last = draw(numbers), draw(numbers)
    return Spaced(kind=kind, first=first, last=last, count=draw(st.integers(1, 60)))


@given(axes_of_numbers())
def test_spaced_values_begin_and_end_exactly_and_are_monotone(axis):
    found = axis.take(np.arange(axis.count))
    assert found[0] == axis.first
    if axis.count > 1:
        assert found[-1] == axis.last
        ascending = found if axis.first <= axis.last else found[::-1]
        assert np.all(ascending[1:] >= ascending[:-1])
    assert axis.ends() == (found[0], found[-1])


@given(axes_of_numbers(), st.data())
def test_spaced_values_do_not_depend_on_the_other_indices(axis, data):
    everything = axis.take(np.arange(axis.count))
    some = data.draw(st.lists(st.integers(0, axis.count - 1), max_size=20))
    found = axis.take(np.array(some, dtype=np.int64))
    assert found.tobytes() == everything[some].tobytes()
    assert axis._evaluate(np.array(some, dtype=np.int64)).tobytes() == found.tobytes()


@given(axes_of_numbers())
def test_spaced_values_have_equal_distances_or_ratios(axis):
    found = axis.take(np.arange(axis.count)).tolist()
    steps = max(axis.count - 1, 1)
    for index, number in enumerate(found):
        if axis.kind == "linear":
            first, last = Fraction(axis.first), Fraction(axis.last)
            exact = first + (last - first) * index / steps
            # The axis uses the shortest decimals of its ends, half a unit from their bits.
            unit = Fraction(math.ulp(max(abs(axis.first), abs(axis.last))))
            assert abs(Fraction(number) - exact) <= unit
        else:
            share = index / steps
            exact = math.log(axis.first) * (1 - share) + math.log(axis.last) * share
            assert math.isclose(math.log(number), exact, rel_tol=1e-13, abs_tol=1e-13)


@given(st.integers(-999, 999), st.integers(1, 99), st.integers(2, 40), st.integers(0, 6))
def test_round_decimals_are_as_one_would_write_them(first, step, count, digits):
    written = [float(f"{first + i * step}e-{digits}") for i in range(count)]
    axis = Spaced(kind="linear", first=written[0], last=written[-1], count=count)
    assert axis.take(np.arange(count)).tolist() == written


@given(st.integers(-20, 20), st.integers(1, 3), st.integers(2, 20), st.integers(1, 9))
def test_powers_of_ten_are_as_one_would_write_them(first, step, count, digit):
    written = [float(f"{digit}e{first + i * step}") for i in range(count)]
    axis = Spaced(kind="log", first=written[0], last=written[-1], count=count)
    assert axis.take(np.arange(count)).tolist() == written
