"""Starts: what runs have in common that differ only in settings of their training."""

import numpy as np
from numpy.typing import NDArray

from harness.experiment import Experiment
from harness.experiment.axes import allowed_axes


def start_numbers(experiment: Experiment, run_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of each run's start: equal if only settings of the training differ.

    Runs from one start are not independent: they have the same network, data and initial values.
    """
    allowed = allowed_axes(experiment.network)
    number, stride = np.zeros(run_ids.shape, dtype=np.int64), 1
    grid = experiment.grid
    for dimension, index in zip(grid.dimensions, grid.coordinates(run_ids), strict=True):
        targets = [allowed[axis.name] for axis in dimension]
        if not all(target.per_run and target.section == "training" for target in targets):
            number += stride * index
            stride *= dimension[0].values.count
    return number
