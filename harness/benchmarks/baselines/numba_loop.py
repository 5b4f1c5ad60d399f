"""Numba: the loops of pure Python, compiled, with the exponential of the C library.

The obvious first version: one network after the other, no vectors, no care for rounding.
"""

import math

import numba
import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.job import Floats, Job

CODES = {"softplus": 0, "sigmoid": 1, "tanh": 2}


@numba.njit(error_model="numpy", cache=True)
def activate(code: int, z: float) -> tuple[float, float]:
    """Return an activation and its slope."""
    if code == 0:
        e = math.exp(-abs(z))
        if z < 0:
            return math.log1p(e), e / (1 + e)
        return z + math.log1p(e), 1 / (1 + e)
    if code == 1:
        s = 1 / (1 + math.exp(-z))
        return s, s * (1 - s)
    t = math.tanh(z)
    return t, 1 - t * t


@numba.njit(error_model="numpy", cache=True)
def train_all(
    x: Floats,
    y: Floats,
    code: int,
    scales: tuple[float, ...],
    weight: float,
    cross_entropy: bool,
    biases: float,
    w1s: Floats,
    b1s: Floats,
    w2s: Floats,
    b2s: Floats,
    rates_1: Floats,
    rates_2: Floats,
    epochs: int,
    ends: tuple[float, float],
    recorded: bool,
) -> Floats:
    """Train all networks; return their SSR at every epoch, or only the last."""
    runs, inputs, units = w1s.shape
    scale_1, scale_2 = scales
    tolerance, limit = ends
    kept = np.empty((runs, epochs + 1 if recorded else 1))
    g1, h1, g2 = np.empty((inputs, units)), np.empty(units), np.empty(units)
    outputs, slopes = np.empty(units), np.empty(units)
    for run in range(runs):
        w1, b1, w2, b2 = w1s[run].copy(), b1s[run].copy(), w2s[run].copy(), b2s[run]
        for epoch in range(epochs + 1):
            g1[:] = 0.0
            h1[:] = 0.0
            g2[:] = 0.0
            h2, ssr = 0.0, 0.0
            for point in range(y.size):
                o = b2
                for j in range(units):
                    z = b1[j]
                    for i in range(inputs):
                        z += x[point, i] * w1[i, j]
                    outputs[j], slopes[j] = activate(code, scale_1 * z)
                    o += outputs[j] * w2[j]
                o *= scale_2
                if cross_entropy:
                    o = 1 / (1 + math.exp(-o))
                residual = o - y[point]
                ssr += residual * residual
                d2 = weight * scale_2 * residual
                h2 += d2
                for j in range(units):
                    g2[j] += d2 * outputs[j]
                    d1 = scale_1 * d2 * w2[j] * slopes[j]
                    h1[j] += d1
                    for i in range(inputs):
                        g1[i, j] += d1 * x[point, i]
            kept[run, epoch if recorded else 0] = ssr
            if not tolerance < ssr <= limit:
                break
            for j in range(units):
                w2[j] -= rates_2[run] * g2[j]
                b1[j] -= rates_1[run] * biases * h1[j]
                for i in range(inputs):
                    w1[i, j] -= rates_1[run] * g1[i, j]
            b2 -= rates_2[run] * biases * h2
    return kept


def prepare(job: Job) -> Train:
    """Return a function that trains with a compiled loop."""

    def train() -> Floats:
        kept: Floats = train_all(
            job.x,
            job.y,
            CODES[job.hidden],
            job.scales,
            job.weight,
            job.cross_entropy,
            job.biases,
            *job.start,
            *job.rates[::2],
            job.epochs,
            (job.tolerance, job.limit),
            job.recorded,
        )
        return kept

    return train
