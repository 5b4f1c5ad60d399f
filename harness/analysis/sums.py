"""Losses that are sums over data points, divided by their number so that they can be compared."""

import numpy as np
import pandas as pd

from harness.experiment import Experiment
from harness.training.evaluation import HELD_OUT

_SUMS = ("ssr", "half_ssr")
_AXES = ("loss", "samples", "fold")  # they decide what a sum is divided by


def divide_sums(experiment: Experiment, table: pd.DataFrame, column: str) -> bool:
    """Divide sums over training data and over held-out data by the number of data points of each.

    Parameters
    ----------
    experiment : Experiment
        The experiment, with its grid. It holds out data points.
    table : DataFrame
        Trajectories, which are changed: run_id, the column, and that of held-out data.
    column : str
        The quantity of training data. Only `ssr`, and `loss` where it is a sum, are divided.

    Returns
    -------
    bool
        Whether any run has a sum there.
    """
    if column not in ("ssr", "loss"):
        return False
    grid, run_ids = experiment.grid, table["run_id"].to_numpy()
    alike = np.zeros(len(table), dtype=np.int64)
    for axes, index in zip(grid.dimensions, grid.coordinates(run_ids), strict=True):
        if any(axis.name in _AXES for axis in axes):
            alike = alike * axes[0].values.count + index
    found = False
    for group in np.unique(alike):
        rows = alike == group
        single = experiment.single(int(run_ids[rows][0]))
        if column == "ssr" or single.network.loss in _SUMS:
            assert single.validation is not None  # there are columns of held-out data
            table.loc[rows, column] /= len(single.data.inputs)
            table.loc[rows, HELD_OUT + column] /= len(single.validation.inputs)
            found = True
    return found
