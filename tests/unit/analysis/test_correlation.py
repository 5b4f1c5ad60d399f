"""Spearman's rank correlation and its interval."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.analysis.correlation import FEWEST_POINTS, rank_correlation


@pytest.mark.parametrize("seed", range(5))
def test_the_correlation_is_that_of_scipy_with_ties_and_without_nan(seed):
    random = np.random.default_rng(seed)
    x = random.integers(0, 9, 80).astype(float)
    y = np.where(random.random(80) < 0.1, np.inf, 0.2 * x + random.normal(size=80))
    x[:7] = np.nan
    found = rank_correlation(pd.Series(x), pd.Series(y))
    assert found.value == pytest.approx(stats.spearmanr(x[7:], y[7:]).statistic, rel=1e-12)
    assert found.low < found.value < found.high


def test_the_interval_has_its_width_where_nothing_correlates():
    # At r = 0 the standard error of Fisher's z is 1 / sqrt(n - 3).
    x = pd.Series([*range(101)], dtype=float)
    found = rank_correlation(x, (x - 50) ** 2)
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.high == pytest.approx(np.tanh(1.96 / np.sqrt(98)), rel=1e-4)


def test_intervals_cover_the_true_correlation_as_often_as_they_say():
    random, truth, covered = np.random.default_rng(0), 0.5, 0
    spearman = 6 / np.pi * np.arcsin(truth / 2)  # of a bivariate normal distribution
    for _ in range(400):
        x, noise = random.normal(size=(2, 60))
        y = truth * x + np.sqrt(1 - truth**2) * noise
        found = rank_correlation(pd.Series(x), pd.Series(y))
        covered += found.low <= spearman <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_a_monotone_relation_has_no_width():
    x = pd.Series([*range(20)], dtype=float)
    assert rank_correlation(x, -np.exp(x)) == (-1, -1, -1)


def test_too_few_points_have_none():
    x = pd.Series([*range(FEWEST_POINTS - 1)], dtype=float)
    assert rank_correlation(x, x**2) is None
    same = pd.Series([1.0] * 20)
    assert rank_correlation(same, pd.Series([*range(20)])) is None
