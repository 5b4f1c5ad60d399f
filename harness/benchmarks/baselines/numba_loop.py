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
def in_layers(theta: Floats, inputs: int, units: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return views of the parameters W_1, b_1, w and b."""
    weights, biases, last = inputs * units, inputs * units + units, inputs * units + 2 * units
    w1 = theta[:weights].reshape((inputs, units))
    return w1, theta[weights:biases], theta[biases:last], theta[last:]


@numba.njit(error_model="numpy", cache=True)
def train_all(
    x: Floats,
    y: Floats,
    units: int,
    code: int,
    scales: tuple[float, ...],
    weight: float,
    cross_entropy: bool,
    settings: tuple[float, ...] | None,
    start: Floats,
    rates: Floats,
    epochs: int,
    ends: tuple[float, float],
    recorded: bool,
) -> Floats:
    """Train all networks; return their SSR at every epoch, or only the last.

    `start` and `rates` (runs, parameters) hold W_1, b_1, w and b of each run.
    """
    runs, parameters = start.shape
    inputs = x.shape[1]
    scale_1, scale_2 = scales
    tolerance, limit = ends
    kept = np.empty((runs, epochs + 1 if recorded else 1))
    outputs, slopes = np.empty(units), np.empty(units)
    gradient, mean, squares = np.empty(parameters), np.empty(parameters), np.empty(parameters)
    g1, h1, g2, h2 = in_layers(gradient, inputs, units)
    for run in range(runs):
        theta = start[run].copy()
        w1, b1, w2, b2 = in_layers(theta, inputs, units)
        mean[:] = 0.0
        squares[:] = 0.0
        for epoch in range(epochs + 1):
            gradient[:] = 0.0
            ssr = 0.0
            for point in range(y.size):
                o = b2[0]
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
                h2[0] += d2
                for j in range(units):
                    g2[j] += d2 * outputs[j]
                    d1 = scale_1 * d2 * w2[j] * slopes[j]
                    h1[j] += d1
                    for i in range(inputs):
                        g1[i, j] += d1 * x[point, i]
            kept[run, epoch if recorded else 0] = ssr
            if not tolerance < ssr <= limit:
                break
            if settings is None:
                for p in range(parameters):
                    theta[p] -= rates[run, p] * gradient[p]
            else:
                beta1, beta2, epsilon = settings
                correction1, correction2 = 1 - beta1 ** (epoch + 1), 1 - beta2 ** (epoch + 1)
                for p in range(parameters):
                    mean[p] += (1 - beta1) * (gradient[p] - mean[p])
                    squares[p] += (1 - beta2) * (gradient[p] * gradient[p] - squares[p])
                    root = math.sqrt(squares[p] / correction2)
                    theta[p] -= rates[run, p] * (mean[p] / correction1) / (root + epsilon)
    return kept


def prepare(job: Job) -> Train:
    """Return a function that trains with a compiled loop."""
    parts = [p.reshape(job.runs, -1) for p in job.start]
    rates = [np.tile(r, (p.shape[1], 1)).T for r, p in zip(job.rates, parts, strict=True)]

    def train() -> Floats:
        kept: Floats = train_all(
            job.x,
            job.y,
            job.start[0].shape[2],
            CODES[job.hidden],
            job.scales,
            job.weight,
            job.cross_entropy,
            None if job.optimiser == "sgd" else job.settings,
            np.concatenate(parts, axis=1),
            np.concatenate(rates, axis=1),
            job.epochs,
            (job.tolerance, job.limit),
            job.recorded,
        )
        return kept

    return train
