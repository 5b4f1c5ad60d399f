"""Stability, edge of stability and catapult, compared with theory."""

import numpy as np
import pandas as pd
import pytest

import harness
from experiments.landmarks import catapult, edge_of_stability, stability
from experiments.landmarks.page import ROOT


def folder(factory):
    return factory.mktemp("trained")


# -- the threshold on a quadratic ------------------------------------------------------------------


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    return stability.measure(folder(tmp_path_factory), quick=True)


def test_thresholds_are_those_of_theory(steady):
    points = np.array([[1, 0.5], [-0.5, 1.5], [0.25, -1], [1.5, 1], [-1, 0.75]])
    points = np.column_stack([points, np.ones(5)])
    largest = np.linalg.svd(points)[1][0] ** 2
    assert steady.largest == pytest.approx(largest, rel=1e-14)
    assert steady.sharpness == pytest.approx(largest, rel=1e-9)
    for momentum, (low, high) in steady.thresholds.items():
        expected = 2 * (1 + momentum) / largest
        assert high - low <= 1e-4 * low
        assert (low + high) / 2 == pytest.approx(expected, rel=1e-3)


def test_the_factor_of_the_error_per_step_has_a_closed_form(steady):
    factors = steady.factors()
    assert len(factors) == 50
    # The last steps above rounding; near the best rate, two eigenvectors remain.
    assert factors.to_numpy() == pytest.approx(steady.factor(factors.index.to_numpy()), rel=0.02)
    assert (factors[factors.index > 0.25] > 1).all()
    assert (factors[factors.index < 0.245] < 1).all()


def test_a_line_fits_the_data_exactly():
    data = harness.load_experiment(stability.FILE).data
    assert data.targets[:, 0].tolist() == (data.inputs @ [2.0, -1.0] + 1).tolist()


# -- the catapult ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thrown(tmp_path_factory):
    return catapult.measure(folder(tmp_path_factory), quick=True)


def test_runs_follow_the_recurrence_of_the_paper(thrown):
    assert thrown.furthest() < 1e-7


def test_the_recurrence_is_gradient_descent_on_two_vectors():
    random = np.random.default_rng(0)
    n, rate = 7, 0.3
    u, v = random.normal(size=(2, n))
    f = u @ v / np.sqrt(n)
    found = catapult.recurrence(f, (u @ u + v @ v) / n, rate, n, 5)
    for expected, curvature in found:
        f = u @ v / np.sqrt(n)
        assert f == pytest.approx(expected, rel=1e-12)
        assert (u @ u + v @ v) / n == pytest.approx(curvature, rel=1e-12)
        u, v = u - rate * f * v / np.sqrt(n), v - rate * f * u / np.sqrt(n)


def test_phases(thrown):
    ends, c = thrown.ends(), thrown.curvature
    below = ends[ends["learning_rate"] < 2 / c]
    between = ends[(ends["learning_rate"] > 2 / c) & (ends["learning_rate"] < 4 / c)]
    above = ends[ends["learning_rate"] > 1.02 * 4 / c]
    assert (below["rise"] <= 1).all()
    assert (between["rise"] > 1).all()
    assert set(below["status"]) == set(between["status"]) == {"finished"}
    assert set(above["status"]) == {"diverged"}
    assert (between["curvature"] < 2 / between["learning_rate"]).all()
    assert ends["phase"].value_counts().to_dict() == {
        "below 2 / curvature": len(below),
        "catapult": len(between),
        "above 4 / curvature": len(ends) - len(below) - len(between),
    }
    settled = ends[ends["loss"] < 1e-20]
    assert len(settled) > 20
    assert settled["sharpness"].to_numpy() == pytest.approx(settled["curvature"], rel=1e-9)


# -- the edge of stability -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    return edge_of_stability.measure(folder(tmp_path_factory), quick=True)


def test_the_summary_of_a_run():
    way = pd.DataFrame(
        {
            "epoch": [0, 10, 20, 30, 40, 50, 60, 70],
            "edge": [1.4, 0.5, 0.9, 0.99, 1.2, 0.9, 1.0, 1.04],
            "loss": [9.0, 8.0, 7.0, 6.0, 7.0, 5.0, 4.0, 4.5],
        }
    )
    row = edge_of_stability.row_of(way)
    assert row["reached"] == 30  # not epoch 0, where it starts above
    assert row["median"] == pytest.approx(1.02)
    assert row["rises"] == pytest.approx(2 / 4)
    assert row["loss"] == 4.5
    never = edge_of_stability.row_of(way.assign(edge=0.5))
    assert np.isnan(never["reached"])
    assert never["median"] == 0.5


def test_sharpness_rises_to_the_edge_and_stays(edge):
    ways = edge.toy[4]
    rows = {rate: edge_of_stability.row_of(way) for rate, way in ways.groupby("learning_rate")}
    assert list(rows) == [0.025, 0.05, 0.1, 0.2]
    assert np.isnan(rows[0.025]["reached"])
    for rate in (0.1, 0.2):
        assert rows[rate]["median"] == pytest.approx(1.0, abs=0.05)
    assert edge_of_stability.row_of(edge.teaching)["reached"] < 1500
    assert edge.teaching["edge"].max() > 1.1
    assert (edge.teaching["edge"] == edge.teaching["sharpness"] * 0.1).all()


# -- pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("landmark", "found", "pictures"),
    [
        (stability, "steady", ("stability",)),
        (catapult, "thrown", ("catapult",)),
        (edge_of_stability, "edge", ("edge_of_stability", "edge_teaching")),
    ],
    ids=["stability", "catapult", "edge_of_stability"],
)
def test_pages(landmark, found, pictures, request, tmp_path):
    page = landmark.LANDMARK.tell(request.getfixturevalue(found), tmp_path)
    assert "nan" not in page
    for name in pictures:
        assert f"(images/{name}.png)" in page
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert all((ROOT / "experiments" / file).exists() for file in landmark.LANDMARK.files)
