"""Activations and their slopes, for the baselines in NumPy."""

from collections.abc import Callable

import numpy as np

from harness.benchmarks.job import Floats


def softplus(z: Floats) -> tuple[Floats, Floats]:
    """Return ln(1 + e^z) and its slope."""
    e = np.exp(-np.abs(z))
    return np.maximum(z, 0.0) + np.log1p(e), np.where(z < 0.0, e, 1.0) / (1.0 + e)


def sigmoid(z: Floats) -> tuple[Floats, Floats]:
    """Return 1 / (1 + e^-z) and its slope."""
    s = 1.0 / (1.0 + np.exp(-z))
    return s, s * (1.0 - s)


def tanh(z: Floats) -> tuple[Floats, Floats]:
    """Return tanh z and its slope."""
    t = np.tanh(z)
    return t, 1.0 - t * t


ACTIVATIONS: dict[str, Callable[[Floats], tuple[Floats, Floats]]] = {
    "softplus": softplus,
    "sigmoid": sigmoid,
    "tanh": tanh,
}
