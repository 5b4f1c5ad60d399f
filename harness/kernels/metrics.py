"""Metrics of predictions, computed by NumPy. A new metric is one entry of `METRICS`.

Symbols: y observed and p predicted, for m data points and each output. A metric takes the targets
(m, outputs), the predictions of n networks (n, m, outputs) and the threshold between two classes,
and returns n numbers. Sums run over the data points in order, so that they have the same bits on
every machine. The definitions are those of scikit-learn, with the mean over several outputs.

Classes are the outputs: a data point has the class of its largest target, and is predicted to have
that of its largest prediction, the first of equal ones. A single output stands for two classes; the
second one is predicted at the threshold and above. `are_classes` says which targets are classes.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_FROM_ONE = 1e-9  # by which probabilities of several classes may miss a sum of 1


class Metric(NamedTuple):
    """A metric: its description, its function, and which values are better."""

    says: str
    of: Callable[[Floats, Floats, float], Floats]
    higher_is_better: bool
    of_classes: bool = False


def _sum(values: Floats) -> Floats:
    """Return sums over the data points, axis 1."""
    total = np.zeros((values.shape[0], *values.shape[2:]))
    for i in range(values.shape[1]):
        total += values[:, i]
    return total


def _mean_of_outputs(values: Floats) -> Floats:
    """Return means over the outputs, the last axis, of (n, outputs)."""
    means: Floats = _sum(values) / values.shape[1]
    return means


def classes_of(values: Floats, threshold: float) -> NDArray[np.int64]:
    """Return the class of each data point from its targets or predictions, (..., outputs)."""
    single = values.shape[-1] == 1
    found = values[..., 0] >= threshold if single else values.argmax(axis=-1)
    return np.asarray(found, np.int64)


def are_classes(targets: Floats) -> bool:
    """Return whether targets (m, outputs) are classes.

    Those of a single output are, if they have two values, whichever these are. Those of several
    outputs are, if each data point has one largest target, and all of them have two values in all,
    such as 0 and 1, or are probabilities. Other numbers are those of a regression.
    """
    two_values = np.unique(targets).size == 2
    if targets.shape[1] == 1:
        return two_values
    single = (targets == targets.max(axis=1, keepdims=True)).sum(axis=1) == 1
    off = np.abs(targets.sum(axis=1) - 1.0)
    probabilities = (targets >= 0.0).all() and (off <= MOST_FROM_ONE).all()
    return bool(single.all() and (two_values or probabilities))


def accuracy(y: Floats, p: Floats, threshold: float) -> Floats:
    """Return the share of data points whose class is predicted."""
    right = classes_of(p, threshold) == classes_of(y, threshold)
    shares: Floats = right.sum(axis=1) / len(y)
    return shares


def balanced_accuracy(y: Floats, p: Floats, threshold: float) -> Floats:
    """Return the mean over the classes of the share of their data points that are recognised."""
    observed, predicted = classes_of(y, threshold), classes_of(p, threshold)
    there = np.unique(observed)
    total = np.zeros(len(p))
    for found in there:
        of_class = observed == found
        total += (predicted[:, of_class] == found).sum(axis=1) / of_class.sum()
    return total / there.size


def r2(y: Floats, p: Floats, threshold: float) -> Floats:
    """Return 1 - sum (y - p)^2 / sum (y - mean y)^2; 1 or 0 if all y are equal and p is, or not."""
    mean = _sum(y[np.newaxis]) / len(y)
    rest, spread = _sum((y - p) ** 2), _sum(((y - mean) ** 2)[np.newaxis])
    explained = np.where(spread > 0.0, 1.0 - rest / spread, np.where(rest == 0.0, 1.0, 0.0))
    return _mean_of_outputs(explained)


def rmse(y: Floats, p: Floats, threshold: float) -> Floats:
    """Return the root of the mean squared residual."""
    return _mean_of_outputs(np.sqrt(_sum((y - p) ** 2) / len(y)))


def mae(y: Floats, p: Floats, threshold: float) -> Floats:
    """Return the mean absolute residual."""
    return _mean_of_outputs(_sum(np.abs(y - p)) / len(y))


def max_error(y: Floats, p: Floats, threshold: float) -> Floats:
    """Return the largest absolute residual."""
    largest: Floats = np.abs(y - p).max(axis=(1, 2))
    return largest


METRICS: Final = {
    "accuracy": Metric("share of data points that are classified correctly", accuracy, True, True),
    "balanced_accuracy": Metric(
        "mean over the classes of the share that is classified correctly",
        balanced_accuracy,
        True,
        True,
    ),
    "r2": Metric("coefficient of determination, 1 - SSR / sum (y - mean y)^2", r2, True),
    "rmse": Metric("root of the mean squared residual", rmse, False),
    "mae": Metric("mean absolute residual", mae, False),
    "max_error": Metric("largest absolute residual", max_error, False),
}


def threshold_of(*targets: Floats) -> float:
    """Return the number between the two classes of a single output.

    `targets` are those of all data points: a part of them may have one class only.
    """
    lowest, highest = min(y.min() for y in targets), max(y.max() for y in targets)
    return 0.5 * (float(lowest) + float(highest))


def measure(name: str, y: Floats, p: Floats, threshold: float) -> Floats:
    """Return a metric of n networks; NaN where a prediction is not finite."""
    finite = np.isfinite(p).all(axis=(1, 2))
    values = np.full(len(p), np.nan)
    if finite.any():
        # Predictions of a run that is about to diverge may overflow; r2 may divide by 0.
        with np.errstate(all="ignore"):
            values[finite] = METRICS[name].of(y, p[finite], threshold)
    return values
