"""Deterministic, nested samples of runs."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.ranking import SEEDS
from harness.experiment.grid import Grid

# With fewer starts, draw single runs instead of whole starts.
_MANY_STARTS = 1000


def scattered(numbers: Any) -> NDArray[np.float64]:
    """Hash each integer to 0..1; keep the lowest hashes to draw a sample.

    Examples
    --------
    >>> scattered([0, 1, 2]).round(3).tolist()
    [0.0, 0.338, 0.859]
    """
    hashes = pd.util.hash_array(np.asarray(numbers, dtype=np.int64))
    return hashes / 2.0**64


def in_sample(grid: Grid, run_ids: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Return which runs belong to a sample, a share of all runs of the grid.

    Where the grid has many starts, the sample consists of whole starts: all their runs, one at
    every combination of the other axes.
    """
    start, starts = np.zeros(run_ids.shape, dtype=np.int64), 1
    for dimension, indices in zip(grid.dimensions, grid.coordinates(run_ids), strict=True):
        if all(axis.name in SEEDS for axis in dimension):
            start += indices * starts
            starts *= dimension[0].values.count
    return scattered(start if starts >= _MANY_STARTS else run_ids) <= share
