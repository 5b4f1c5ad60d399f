"""Rank correlation of a setting with the outcome, over the points of a sample."""

import math
from typing import NamedTuple

import pandas as pd

# Standard normal quantile of a two-sided interval of 95 %.
_Z = 1.959963984540054

# The interval needs more than three points.
FEWEST_POINTS = 10


class RankCorrelation(NamedTuple):
    """Spearman's rank correlation, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def rank_correlation(x: "pd.Series[float]", y: "pd.Series[float]") -> RankCorrelation | None:
    """Return Spearman's rank correlation; None if there are too few points, or one value only.

    The interval is Fisher's, with the standard error sqrt((1 + r^2 / 2) / (n - 3)): Bonett and
    Wright (2000), "Sample size requirements for estimating Pearson, Kendall and Spearman
    correlations", Psychometrika 65, pages 23-28.

    Parameters
    ----------
    x, y : Series
        A setting, and the outcome, of the same points. Points where one is NaN do not count.

    Examples
    --------
    >>> rates = pd.Series(range(20)).astype(float)
    >>> found = rank_correlation(rates, (rates - 5) ** 2)
    >>> " ".join(f"{end:.3f}" for end in found)
    '0.836 0.576 0.943'
    """
    known = x.notna() & y.notna()
    x, y = x[known].rank(), y[known].rank()
    if len(x) < FEWEST_POINTS or x.nunique() < 2 or y.nunique() < 2:
        return None
    value = round(float(x.corr(y)), 12)  # -1 and 1 have no interval
    if abs(value) == 1:
        return RankCorrelation(value, value, value)
    half = _Z * math.sqrt((1 + value**2 / 2) / (len(x) - 3))
    low, high = math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half)
    return RankCorrelation(value, low, high)
