"""End points of training grouped into distinct solutions.

Runs whose parameters differ only by an exchange of hidden units have found the same solution.
"""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from harness.analysis.parameters import exchanged, parameters_of
from harness.experiment.network import Network

# The distances between all pairs of this many runs take 50 MB.
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
    if len(runs) < 2:
        group = np.ones(len(runs), dtype=np.int64)
    else:
        points = np.array([exchanged(row, network) for row in theta])
        lengths = np.linalg.norm(points, axis=1)
        one, other = np.triu_indices(len(points), 1)
        longer = np.maximum(lengths[one], lengths[other])
        apart = pdist(points) / np.where(longer, longer, 1.0)
        group = fcluster(linkage(apart, "single"), distance, "distance")
    best = runs.assign(solution=group).sort_values("ssr_final", kind="stable")
    table = best.groupby("solution").agg(
        runs=("run_id", "size"), ssr_final=("ssr_final", "first"), run_id=("run_id", "first")
    )
    table = table.sort_values(["runs", "ssr_final"], ascending=[False, True]).reset_index(drop=True)
    table.insert(0, "solution", np.arange(len(table)))
    return table
