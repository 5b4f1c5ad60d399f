"""Scale data points, and fill in missing inputs, by what is measured on some of them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

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
        if not isinstance(how, float) and measured.min() == measured.max():
            raise ExperimentError(
                key,
                f"cannot scale column {j + 1} of {name}, which is {measured[0]} at every data"
                + (" point to train on." if _is_part(rows) else " point."),
                "Remove the column, or divide all columns by a number instead, as in"
                f" scale = {{ {name.removeprefix('data.')} = 10 }}.",
            )
        with np.errstate(over="ignore"):
            scaled[:, j] = scale_of(measured, how).apply(column)
    if not np.isfinite(scaled).all():
        raise ExperimentError(
            key,
            f"= {how} makes numbers of {name} infinite.",
            "Use a larger divisor."
            if isinstance(how, float)
            else "Correct the data point that is held out and so far from the others.",
        )
    return scaled


def unscaled(values: Floats, found: Dataset, how: str | float, rows: Rows = ALL) -> Floats:
    """Return values (m, outputs) on the scale of targets, such as predictions, in their units.

    Parameters
    ----------
    values : array of shape (m, outputs)
        The values.
    found, how, rows
        The data points before `prepare`, and how it scaled their targets.
    """
    original = values.copy()
    for j in range(values.shape[1]):
        if j not in found.target_words:
            original[:, j] = scale_of(found.targets[rows, j], how).undo(values[:, j])
    return original


def _is_part(rows: Rows) -> bool:
    return not isinstance(rows, slice)


def mean(values: Floats) -> float:
    """Return the mean; its sum does not overflow.

    >>> mean(np.array([1e308, 1e308]))
    1e+308
    """
    exponent = math.frexp(np.abs(values).max())[1]
    return math.ldexp(_sum(np.ldexp(values, -exponent)) / values.size, exponent)


class Scale(NamedTuple):
    """Scale of a column: x becomes (x / 2^exponent - offset) / divisor.

    The power of two keeps large numbers from overflowing, and does not change a bit of the result.

    >>> Scale(0, 2.0, 4.0).apply(np.array([2.0, 4.0])).tolist()
    [0.0, 0.5]
    >>> Scale(0, 2.0, 4.0).undo(np.array([0.0, 0.5])).tolist()
    [2.0, 4.0]
    """

    exponent: int
    offset: float
    divisor: float

    def apply(self, column: Floats) -> Floats:
        """Return a column on this scale."""
        scaled: Floats = (np.ldexp(column, -self.exponent) - self.offset) / self.divisor
        return scaled

    def undo(self, scaled: Floats) -> Floats:
        """Return the column that was brought to this scale."""
        column: Floats = np.ldexp(scaled * self.divisor + self.offset, self.exponent)
        return column


def scale_of(measured: Floats, how: str | float) -> Scale:
    """Return the scale that some numbers of a column decide.

    Parameters
    ----------
    measured : array of shape (m,)
        The numbers; not all of them are equal.
    how : str or float
        A name of `SCALINGS`, or a divisor.
    """
    if isinstance(how, float):
        return Scale(0, 0.0, how)
    exponent = math.frexp(np.abs(measured).max())[1]
    return Scale(exponent, *SCALINGS[how](np.ldexp(measured, -exponent)))


def _standardise(measured: Floats) -> tuple[float, float]:
    """Return mean and population standard deviation."""
    mean = _sum(measured) / measured.size
    return mean, math.sqrt(_sum((measured - mean) ** 2) / measured.size)


def _min_max(measured: Floats) -> tuple[float, float]:
    """Return the smallest number, and the distance of the largest one from it."""
    return float(measured.min()), float(measured.max() - measured.min())


def _sum(values: Floats) -> float:
    """Return the exact sum, so that the order of the data points does not matter."""
    # For the numbers of a memoryview, `fsum` takes 0.6 of the time.
    return math.fsum(values.data)


# Functions from numbers of at most 1 to offset and divisor of their scale.
SCALINGS: dict[str, Callable[[Floats], tuple[float, float]]] = {
    "standardise": _standardise,
    "min_max": _min_max,
}
