"""Parameters of runs, from the columns of tables to the vectors of kernels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.experiment.network import Network


def parameters_of(
    runs: "pd.DataFrame | pd.Series[Any] | Mapping[str, Any]", network: Network, when: str = "final"
) -> NDArray[np.float64]:
    """Return theta of runs, shape (runs, P), or of one run, shape (P,).

    Parameters
    ----------
    runs : DataFrame, Series or mapping
        All parameters, w1_final and so on: columns, or the values of one run.
    network : Network
        The network of these runs.
    when : str
        "final" or "best", the ending of the columns.
    """
    columns = [np.asarray(runs[f"{name}_{when}"], dtype=np.float64) for name in network.positions]
    theta = np.stack(columns, axis=-1)
    return theta[..., np.argsort(list(network.positions.values()))]


def exchanged(theta: NDArray[np.float64], network: Network) -> NDArray[np.float64]:
    """Return parameters, shape (P,), with the hidden units of each layer in ascending order.

    Exchanging two hidden units of a layer, with all their weights, changes no output (Hecht-Nielsen
    1990, "On the algebraic structure of feedforward network weight spaces"). Units are ordered by
    their incoming weights, lexicographically; their outgoing weights follow them.
    """
    matrices = network.matrices_of(theta)
    for layer, incoming in enumerate(matrices[:-1]):
        order = np.lexsort(incoming[::-1])
        matrices[layer] = incoming[:, order]
        outgoing = matrices[layer + 1]
        outgoing[: order.size] = outgoing[: order.size][order]
    return np.concatenate([matrix.ravel() for matrix in matrices])
