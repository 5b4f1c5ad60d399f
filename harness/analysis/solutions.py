"""End points of training grouped into distinct solutions: parameters up to the exchange of units.

Exchanging two hidden units of a layer, with all their weights, changes no output (Hecht-Nielsen
1990, "On the algebraic structure of feedforward network weight spaces"). Runs that end in the same
place but for that have found the same solution.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from harness.experiment.network import Network

# Distances between all pairs are held in memory: 50 MB for so many.
MOST_RUNS = 3_500


def solutions(runs: pd.DataFrame, network: Network, *, distance: float = 0.05) -> pd.DataFrame:
    """Group runs by where their parameters ended.

    Parameters
    ----------
    runs : DataFrame
        With run_id, ssr_final and all final parameters, such as w1_final; at most `MOST_RUNS`.
    network : Network
        Theirs.
    distance : float
        Runs belong together if a chain of runs leads from one to the other in which neighbours are
        no further apart than this, as a share of the length of the longer vector of parameters.

    Returns
    -------
    DataFrame
        One row a solution, the most frequent first: `solution`, its number; `runs`, how many ended
        there; `ssr_final`, the least of them; `run_id`, of the run that has it.

    Raises
    ------
    ValueError
        There are more runs than that.
    """
    if len(runs) > MOST_RUNS:
        raise ValueError(f"{len(runs)} runs; at most {MOST_RUNS} are compared with one another")
    theta = np.empty((len(runs), network.parameter_count))
    for name, position in network.positions.items():
        theta[:, position] = runs[f"{name}_final"]
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


def exchanged(theta: NDArray[np.float64], network: Network) -> NDArray[np.float64]:
    """Return parameters, shape (P,), with the hidden units of each layer in ascending order.

    Units are ordered by their incoming weights, the first that differs deciding; their outgoing
    weights go with them.
    """
    matrices = network.matrices_of(theta)
    for layer, incoming in enumerate(matrices[:-1]):
        order = np.lexsort(incoming[::-1])
        matrices[layer] = incoming[:, order]
        outgoing = matrices[layer + 1]
        outgoing[: order.size] = outgoing[: order.size][order]
    return np.concatenate([matrix.ravel() for matrix in matrices])
