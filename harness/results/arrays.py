"""Runs as an xarray Dataset whose coordinates are the axes of the grid. Alone in knowing xarray."""

from typing import Any

import numpy as np
import pandas as pd

from harness.errors import HarnessError
from harness.experiment.grid import Grid


def to_dataset(runs: pd.DataFrame, grid: Grid) -> Any:
    """Return the columns of `runs` as arrays over the axes of the grid.

    Parameters
    ----------
    runs : DataFrame
        With run_id; runs that are not there are NaN, or empty texts.
    grid : Grid
        Theirs.

    Returns
    -------
    xarray.Dataset
        A dimension for each axis, in the order of the grid; axes that move in step share one, named
        after the first of them. The values of the axes are coordinates.

    Raises
    ------
    HarnessError
        xarray is not installed.
    """
    try:
        import xarray
    except ImportError:
        raise HarnessError(
            "xarray is not installed.\nInstall it with: pip install 'harness[xarray]'"
        ) from None
    names = [dimension[0].name for dimension in grid.dimensions]
    axes = {axis.name for axis in grid.axes}
    coordinates = {
        axis.name: (name, axis.values.take(np.arange(axis.values.count)))
        for name, dimension in zip(names, grid.dimensions, strict=True)
        for axis in dimension
    }
    places = grid.coordinates(runs["run_id"].to_numpy())
    variables = {}
    for column in runs.columns:
        if column in axes:
            continue
        values = runs[column].to_numpy()
        array = _empty(grid.shape, values, whole=len(runs) == grid.size)
        array[places] = values
        variables[column] = (names, array)
    return xarray.Dataset(variables, coordinates)


def _empty(shape: tuple[int, ...], values: np.ndarray, *, whole: bool) -> np.ndarray:
    """Return room for a column; what stays empty is NaN, or "" among texts."""
    if values.dtype.kind not in "iuf":
        return np.full(shape, "", dtype=object)
    return np.full(shape, 0, values.dtype) if whole else np.full(shape, np.nan)
