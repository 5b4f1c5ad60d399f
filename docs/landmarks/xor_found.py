"""Exclusive or: what was published, and what training found."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# A reimplementation of the exercise in McClelland and Rumelhart 1988, "Explorations in Parallel
# Distributed Processing": 2-2-1, rate 0.5, momentum 0.9, initial weights from -0.5 to 0.5.
SOLVED, OF, MEDIAN = 25, 30, 730

# Shares of another network: 2-3-1, rate 1, momentum 0.7, initial weights from -1 to 1.
ONLINE = {"1": 0.96, "all": 0.99}

# The loss is half the sum of squares; for its gradient these are the rates that a published rate
# of 0.5, or of 1, may have meant.
CONVENTIONS = {
    1.0: "half the sum of squares",
    2.0: "the sum of squares",
    0.5: "the mean of squares",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was measured.

    Attributes
    ----------
    published : tuple of float
        Ends of the 95 % interval (Wilson) of 25 of 30.
    pdp : DataFrame
        learning_rate, tolerance; runs, converged with its interval; median, the epochs after which
        half of all runs are solved, and median_solved, half of those that ever are. Of samples of
        30 runs: few, how often 25 or fewer are solved; median_low and median_high, between which
        median_solved lies in 95 % of them.
    solved : DataFrame
        learning_rate and epochs of the runs of `pdp` with an SSR of 0.04 that were solved.
    budget : DataFrame
        A row a run: momentum, init_scale, status, epochs, ssr_final, gradient_norm, and `largest`,
        the largest of its parameters at the end.
    online : DataFrame
        batch_size, learning_rate; runs, converged with its interval, median.
    shares : DataFrame
        learning_rate, init_scale, momentum, width; runs, converged with its interval, median.
    basins : mapping
        For each learning rate the epochs until a run was solved, NaN if it was not, of shape
        (values of w2, values of w1).
    """

    published: tuple[float, float]
    pdp: pd.DataFrame
    solved: pd.DataFrame
    budget: pd.DataFrame
    online: pd.DataFrame
    shares: pd.DataFrame
    basins: Mapping[float, NDArray[np.float64]]


def share_by(runs: pd.DataFrame, epochs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of runs that were solved within a number of epochs, shape of `epochs`.

    >>> runs = pd.DataFrame({"status": ["converged", "finished"], "epochs": [30, 100]})
    >>> share_by(runs, np.array([10, 30, 100])).tolist()
    [0.0, 0.5, 0.5]
    """
    ends = np.sort(runs.loc[runs["status"].astype(str) == "converged", "epochs"])
    return np.searchsorted(ends, epochs, side="right") / len(runs)
