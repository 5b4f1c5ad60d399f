"""Dead ReLU units, compared with linear programs and sampled inputs, and their page."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from experiments.landmarks.dead_relu import LANDMARK, measurements
from experiments.landmarks.dead_relu.page import _errors
from experiments.landmarks.page import ROOT


def some_units(n0, n1, count, seed=0):
    """Return random layers, with weights low enough for a fair share of dead units."""
    random = np.random.default_rng(seed)
    return (
        random.normal(size=(count, n1, n0)),
        random.normal(size=(count, n1)),
        random.normal(-0.8, 1, size=(count, n1)),
        random.normal(-0.8, 1, size=count),
    )


def is_dead_by_linear_programs(first, biases, above, bias):
    """Maximise the pre-activation over all inputs, for each pattern of active units."""
    for pattern in product((1.0, -1.0), repeat=len(biases)):
        sides = np.array(pattern)
        active = above * (sides > 0)
        # Maximise b + active . (W x + c) subject to sides * (W x + c) >= 0.
        found = optimize.linprog(
            -active @ first, -sides[:, np.newaxis] * first, sides * biases, bounds=(None, None)
        )
        assert found.status in (0, 2, 3)  # solved, infeasible, unbounded
        if found.status == 3 or (found.status == 0 and bias + active @ biases - found.fun > 1e-9):
            return False
    return True


@pytest.mark.parametrize(("n0", "n1"), measurements.SIZES)
def test_dead_units_are_those_of_the_linear_programs(n0, n1):
    count = 400 // 2**n1
    layers = some_units(n0, n1, count)
    dead = measurements.is_dead(*layers)
    slow = [is_dead_by_linear_programs(*(part[unit] for part in layers)) for unit in range(count)]
    assert 0 < dead.sum() < count
    assert dead.tolist() == slow


@pytest.mark.parametrize(("n0", "n1"), [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 4)])
def test_sampled_inputs_activate_no_dead_unit_and_nearly_all_others(n0, n1):
    first, biases, above, bias = some_units(n0, n1, 500, seed=1)
    dead = measurements.is_dead(first, biases, above, bias)
    random = np.random.default_rng(2)
    ways = random.normal(size=(4000, n0))
    inputs = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    inputs = np.concatenate([inputs * size for size in (0.1, 1, 10, 1e3, 1e5)])
    hidden = np.maximum(np.einsum("ujk,xk->ujx", first, inputs) + biases[..., np.newaxis], 0)
    highest = (np.einsum("uj,ujx->ux", above, hidden) + bias[:, np.newaxis]).max(axis=1)
    assert highest[dead].max() <= 0
    assert (highest[~dead] > 0).mean() > 0.95


def test_more_units_are_refused():
    with pytest.raises(ValueError, match="4 units after 2 inputs: at most 3 are allowed"):
        measurements.is_dead(*some_units(2, 4, 5))


def test_probabilities_are_those_of_the_paper():
    assert measurements.published(1, 2) == 3 / 16
    assert measurements.published(2, 3) == 5 / 64
    assert measurements.published(3, 4) == 9 / 256
    assert measurements.published(3, 2) == 1 / 8


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return measurements.measure(tmp_path_factory.mktemp("trained"), quick=True)


def test_shares_agree_within_their_sampling_error(found):
    assert list(zip(found["law"], found["n0"], found["n1"], strict=True)) == [
        (law, *size) for law in ("normal", "uniform") for size in measurements.SIZES
    ]
    for row in found.itertuples():
        # Chance gives one in a million; missing biases or a wrong corner, far less.
        chance = stats.binomtest(row.dead, row.runs, measurements.published(row.n0, row.n1)).pvalue
        assert chance > 1e-6
        assert row.low < row.share == row.dead / row.runs < row.high
    # From the same random words, both distributions would have the same signs.
    shares = found[found["n1"] <= found["n0"]].groupby(["n0", "n1"])["dead"]
    assert (shares.nunique() == 2).all()


def test_parameters_are_taken_from_their_columns():
    names = ["w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3", "w7", "w8", "w9", "b4"]
    runs = pd.DataFrame({f"{name}_final": [k] for k, name in enumerate(names)})
    first, biases, above, bias = measurements.layers_of(runs, 2, 3)
    assert first.tolist() == [[[0, 1], [3, 4], [6, 7]]]
    assert (biases.tolist(), above.tolist(), bias.tolist()) == ([[2, 5, 8]], [[9, 10, 11]], [12])


def test_page(found, tmp_path):
    page = LANDMARK.tell(found, tmp_path)
    assert "Stably unactivated neurons" in page
    inside = 0
    for row in found.itertuples():
        start = f"| {row.n0}-{row.n1}-1 | {row.law} | "
        (line,) = [line for line in page.splitlines() if line.startswith(start)]
        within = row.low <= measurements.published(row.n0, row.n1) <= row.high
        assert f"| {row.share:.6f} | {row.low:.6f} to {row.high:.6f} |" in line
        assert line.endswith("| yes |" if within else "| no |")
        inside += within
    assert f"interval (Wilson) in {inside} of {len(found)} cases" in page
    assert (tmp_path / "dead_relu.png").read_bytes().startswith(b"\x89PNG")


def test_distances_are_in_standard_errors(found):
    (row,) = found[(found["law"] == "normal") & (found["n1"] == 4)].itertuples()
    spread = np.sqrt(9 / 256 * 247 / 256 / row.runs)
    assert _errors(found)[row.Index] == pytest.approx((row.share - 9 / 256) / spread, rel=1e-12)


def test_page_names_existing_files():
    there = {file.name for file in (ROOT / "experiments").iterdir()}
    assert set(LANDMARK.files) <= there
