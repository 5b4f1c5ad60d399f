"""Values of axes, and run ids by arithmetic."""

import numpy as np
import pytest

from harness.experiment.grid import Axis, Counted, Grid, Listed, Spaced


def spaced(kind, first, last, count):
    return Spaced(kind=kind, first=first, last=last, count=count).take(np.arange(count)).tolist()


@pytest.mark.parametrize(
    ("kind", "first", "last", "expected"),
    [
        ("linear", 0.1, 0.5, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("linear", 0.5, 0.1, [0.5, 0.4, 0.3, 0.2, 0.1]),
        ("linear", -0.3, 0.3, [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]),
        ("linear", 0.0, 1.0, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("linear", 1e-300, 3e-300, [1e-300, 2e-300, 3e-300]),
        ("linear", -1.7e308, 1.7e308, [-1.7e308, 0.0, 1.7e308]),
        ("log", 1e-3, 1.0, [1e-3, 1e-2, 1e-1, 1.0]),
        ("log", 1.0, 1e-3, [1.0, 1e-1, 1e-2, 1e-3]),
        ("log", 1e-5, 1e5, [1e-5, 1e-3, 0.1, 10.0, 1e3, 1e5]),
        ("log", 0.3, 4.8, [0.3, 0.6, 1.2, 2.4, 4.8]),
        ("log", 1e-320, 1e-310, [1e-320, 1e-315, 1e-310]),
        ("linear", 0.7, 0.9, [0.7, 0.9]),
    ],
)
def test_round_decimals_stay_as_written(kind, first, last, expected):
    assert spaced(kind, first, last, len(expected)) == expected


def test_one_spaced_value_is_the_first():
    assert spaced("linear", 0.1, 0.5, 1) == [0.1]
    assert spaced("log", 0.1, 0.5, 1) == [0.1]


@pytest.mark.parametrize("last", [1e23, 9007199254740993.0, 5e-324, 1.7976931348623157e308])
def test_ends_are_exact_where_decimals_are_halfway(last):
    # 1e23 lies in the middle between two floats, so that any error in decimal picks the other.
    for kind in ("linear", "log"):
        assert spaced(kind, 3.0, last, 7)[-1] == last
        assert spaced(kind, last, 3.0, 7)[0] == last


def test_long_axes_are_evaluated_on_demand():
    count = 10**15
    axis = Spaced(kind="linear", first=0.0, last=1.0, count=count + 1)
    indices = np.array([count, 0, count // 2, count // 10, 0])
    assert axis.take(indices).tolist() == [1.0, 0.0, 0.5, 0.1, 0.0]
    assert axis.ends() == (0.0, 1.0)


def test_long_and_short_axes_have_the_same_values(monkeypatch):
    expected = spaced("log", 0.01, 7.0, 101)
    monkeypatch.setattr("harness.experiment.grid._KEPT", 100)
    assert spaced("log", 0.01, 7.0, 101) == expected


def test_whole_numbers_stay_whole():
    axis = Spaced(kind="log", first=1.0, last=8.0, count=4, whole=True)
    assert axis.take(np.arange(4)).dtype == np.int64
    assert axis.take(np.arange(4)).tolist() == [1, 2, 4, 8]
    assert axis.ends() == (1, 8)


def test_documents_of_values():
    assert Listed((0.1, 0.2)).document() == [0.1, 0.2]
    assert Counted(7).document() == 7
    axis = Spaced(kind="log", first=1.0, last=8.0, count=4)
    assert axis.document() == {"log": [1.0, 8.0], "count": 4}


def test_ends_of_values():
    assert Listed((0.3, 0.1, 0.2)).ends() == (0.1, 0.3)
    assert Listed(("relu", "tanh")).ends() == ("relu", "tanh")
    assert Counted(7).ends() == (0, 6)


def test_a_grid_without_axes_has_one_run():
    grid = Grid(dimensions=())
    assert grid.size == 1
    assert grid.point(0) == {}
    assert grid.columns(np.array([0])) == {}


def test_the_first_axis_is_the_fastest():
    grid = Grid(
        dimensions=(
            (Axis(name="a", values=Listed((0.1, 0.2))),),
            (Axis(name="b", values=Listed(("x", "y"))), Axis(name="c", values=Counted(2))),
            (Axis(name="d", values=Counted(3)),),
        )
    )
    assert grid.size == 12
    assert grid.shape == (2, 2, 3)
    assert grid.point(0) == {"a": 0.1, "b": "x", "c": 0, "d": 0}
    assert grid.point(1) == {"a": 0.2, "b": "x", "c": 0, "d": 0}
    assert grid.point(2) == {"a": 0.1, "b": "y", "c": 1, "d": 0}
    assert grid.point(11) == {"a": 0.2, "b": "y", "c": 1, "d": 2}


def test_the_size_of_a_grid_has_no_limit():
    axes = tuple((Axis(name=f"w{i}", values=Counted(10**16)),) for i in range(25))
    assert Grid(dimensions=axes).size == 10**400
