"""Scale data points, and fill in missing inputs, by what is measured on some of them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.errors import ExperimentError
from harness.experiment.data import Dataset, Floats

# Rows of an array, to index it with.
Rows = slice | NDArray[np.bool_] | NDArray[np.int64]

ALL = slice(None)


def prepare(
    found: Dataset, scales: Mapping[str, tuple[str, str | float]], rows: Rows = ALL
) -> Dataset:
    """Fill in missing inputs, and scale inputs and targets.

    Parameters
    ----------
    found : Dataset
        Data points; a missing input is NaN. Columns that words were turned into stay as they are.
    scales : mapping
        For "inputs" and "targets", if they are to be scaled: the key that says so, and a name of
        `SCALINGS` or a divisor.
    rows : slice or array, optional
        The data points that means, deviations and ranges are measured on; by default all.

    Raises
    ------
    ExperimentError
        A column cannot be scaled or filled in.
    """
    inputs, targets = _filled(found.inputs, rows), found.targets
    if "inputs" in scales:
        inputs = _scaled(inputs, "data.inputs", *scales["inputs"], rows, found.input_words)
    if "targets" in scales:
        targets = _scaled(targets, "data.targets", *scales["targets"], rows, found.target_words)
    return replace(found, inputs=inputs, targets=targets)


def _filled(inputs: Floats, rows: Rows) -> Floats:
    """Replace NaN by the mean of the numbers of its column in some rows."""
    is_missing = np.isnan(inputs)
    if not is_missing.any():
        return inputs
    inputs = inputs.copy()
    for j in np.flatnonzero(is_missing.any(axis=0)).tolist():
        known = inputs[rows, j][~is_missing[rows, j]]
        if not known.size:
            raise ExperimentError(
                "data.missing",
                f'= "mean" cannot fill in column {j + 1} of data.inputs, which has no numbers'
                + (" at the data points to train on." if _is_part(rows) else "."),
                "Leave the column out.",
            )
        inputs[is_missing[:, j], j] = mean(known)
    return inputs


def _scaled(
    columns: Floats, name: str, key: str, how: str | float, rows: Rows, words: frozenset[int]
) -> Floats:
    """Scale columns, but not those that words were turned into."""
    if len(words) == columns.shape[1]:
        raise ExperimentError(
            key, f"cannot scale {name}, which are 0 and 1 for words.", "Do not scale them."
        )
    scaled = columns.copy()
    for j in range(columns.shape[1]):
        if j in words:
            continue
        column = columns[:, j].copy()  # contiguous, because scaling reads it several times
        measured = column[rows]
        with np.errstate(over="ignore"):
            if isinstance(how, float):
                scaled[:, j] /= how
            elif measured.min() < measured.max():
                scaled[:, j] = SCALINGS[how](column, rows)
            else:
                raise ExperimentError(
                    key,
                    f"cannot scale column {j + 1} of {name}, which is {measured[0]} at every data"
                    + (" point to train on." if _is_part(rows) else " point."),
                    "Remove the column, or divide all columns by a number instead, as in"
                    f" scale = {{ {name.removeprefix('data.')} = 10 }}.",
                )
    if not np.isfinite(scaled).all():
        raise ExperimentError(
            key,
            f"= {how} makes numbers of {name} infinite.",
            "Use a larger divisor."
            if isinstance(how, float)
            else "Correct the data point that is held out and so far from the others.",
        )
    return scaled


def _is_part(rows: Rows) -> bool:
    return not isinstance(rows, slice)


def mean(values: Floats) -> float:
    """Return the mean; its sum does not overflow.

    >>> mean(np.array([1e308, 1e308]))
    1e+308
    """
    exponent = math.frexp(np.abs(values).max())[1]
    return math.ldexp(_sum(np.ldexp(values, -exponent)) / values.size, exponent)


def standardise(column: Floats, rows: Rows = ALL) -> Floats:
    """Bring a column to mean 0 and population standard deviation 1 over some rows.

    Scaling by a power of two keeps the squares from overflowing, and does not change a bit of the
    result.

    Examples
    --------
    >>> standardise(np.array([1.0, 3.0])).tolist()
    [-1.0, 1.0]
    """
    column = _reduced(column, rows)
    measured = column[rows]
    mean = _sum(measured) / measured.size
    deviation = math.sqrt(_sum((measured - mean) ** 2) / measured.size)
    return (column - mean) / deviation


def min_max(column: Floats, rows: Rows = ALL) -> Floats:
    """Bring the smallest value of some rows to 0, and the largest to 1.

    >>> min_max(np.array([2.0, 3.0, 6.0])).tolist()
    [0.0, 0.25, 1.0]
    """
    column = _reduced(column, rows)
    least, most = column[rows].min(), column[rows].max()
    scaled: Floats = (column - least) / (most - least)
    return scaled


def _sum(values: Floats) -> float:
    """Return the exact sum, so that the order of the data points does not matter."""
    # For the numbers of a memoryview, `fsum` takes 0.6 of the time.
    return math.fsum(values.data)


def _reduced(column: Floats, rows: Rows) -> Floats:
    """Divide a column by a power of two that brings its values to 1 or below."""
    reduced: Floats = np.ldexp(column, -math.frexp(np.abs(column[rows]).max())[1])
    return reduced


SCALINGS: dict[str, Callable[[Floats, Rows], Floats]] = {
    "standardise": standardise,
    "min_max": min_max,
}
