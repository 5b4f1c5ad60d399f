"""End points of training grouped into distinct solutions.

Runs whose parameters differ only by an exchange of hidden units have found the same solution.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.parameters import exchanged, parameters_of
from harness.experiment.network import Network

# The distances between all pairs of this many runs take up to a second.
MOST_RUNS = 3_500


def solutions(runs: pd.DataFrame, network: Network, *, distance: float = 0.05) -> pd.DataFrame:
    """Group runs by where their parameters ended.

    Parameters
    ----------
    runs : DataFrame
        With run_id, ssr_final and all final parameters, such as w1_final; at most `MOST_RUNS`.
    network : Network
        The network of these runs.
    distance : float
        Two runs belong together if a chain of runs connects them in which neighbours are at most
        this far apart, as a share of the length of the longer vector of parameters.

    Returns
    -------
    DataFrame
        One row per solution, the most frequent first: `solution`, its number; `runs`, the number
        of runs that ended there; `ssr_final`, the lowest of them; `run_id`, the run that has it.

    Raises
    ------
    ValueError
        There are too many runs.
    """
    if len(runs) > MOST_RUNS:
        raise ValueError(f"{len(runs)} runs; at most {MOST_RUNS} are compared with one another")
    theta = parameters_of(runs, network)
    finite = np.isfinite(theta).all(axis=1)
    runs, theta = runs.iloc[np.flatnonzero(finite)], theta[finite]
    points = np.array([exchanged(row, network) for row in theta]).reshape(theta.shape)
    group = _chained(points, distance)
    best = runs.assign(solution=group).sort_values("ssr_final", kind="stable")
    table = best.groupby("solution").agg(
        runs=("run_id", "size"), ssr_final=("ssr_final", "first"), run_id=("run_id", "first")
    )
    table = table.sort_values(["runs", "ssr_final"], ascending=[False, True]).reset_index(drop=True)
    table.insert(0, "solution", np.arange(len(table)))
    return table


def _chained(points: NDArray[np.float64], distance: float) -> NDArray[np.int64]:
    """Return a number for each point, the same for points that a chain of near ones connects.

    scipy.cluster does so too, but takes half a second to import.
    """
    lengths = np.linalg.norm(points, axis=1)
    group = np.zeros(len(points), dtype=np.int64)
    left = np.arange(len(points))
    while left.size:
        number, reached, left = left[0], [left[0]], left[1:]
        while reached:
            at = reached.pop()
            group[at] = number
            apart = np.linalg.norm(points[left] - points[at], axis=1)
            near = apart <= distance * np.maximum(lengths[left], lengths[at])
            reached += left[near].tolist()
            left = left[~near]
    return group
