"""Samples of runs: their size, and that they are spread over every axis."""

import numpy as np
import pytest

from harness.analysis.sampling import in_sample, scattered
from harness.experiment.grid import Axis, Counted, Grid, Spaced


def grid_of(rates, starts):
    values = {"learning_rate": Spaced("log", 0.01, 1.0, rates), "init_id": Counted(starts)}
    return Grid(dimensions=tuple((Axis(name=n, values=v),) for n, v in values.items()))


def test_a_sample_has_its_share_and_is_a_part_of_a_larger_one():
    ids = np.arange(100_000)
    small, large = scattered(ids) < 0.01, scattered(ids) < 0.1
    assert abs(small.sum() - 1000) < 4 * np.sqrt(1000)  # of a binomial distribution
    assert np.all(large[small])


def test_a_sample_does_not_depend_on_order_or_batches():
    ids = np.random.default_rng(0).permutation(10_000)
    whole = scattered(ids)
    assert scattered(ids[::-1]).tolist() == whole[::-1].tolist()
    assert np.concatenate([scattered(part) for part in np.split(ids, 8)]).tolist() == whole.tolist()


@pytest.mark.parametrize("rates", [89, 100, 128, 144, 233, 377])
def test_a_sample_of_runs_has_some_of_every_value_of_an_axis(rates):
    grid = grid_of(rates, 200)
    ids = np.arange(grid.size)
    drawn = ids[in_sample(grid, ids, 0.1)]
    per_rate = np.bincount(grid.coordinates(drawn)[0], minlength=rates)
    assert per_rate.min() > 0
    assert per_rate.max() < 60  # 20 are expected


def test_a_sample_of_many_starts_has_all_runs_of_each():
    grid = grid_of(7, 2_000)
    ids = np.arange(grid.size)
    starts = grid.coordinates(ids[in_sample(grid, ids, 0.1)])[1]
    assert set(np.bincount(starts)) == {0, 7}
    assert abs(np.unique(starts).size - 200) < 4 * np.sqrt(200)
