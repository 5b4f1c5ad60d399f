"""Pure Python: lists, and one network after the other."""

import math

import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.job import Floats, Job


def softplus(z: float) -> tuple[float, float]:
    """Return ln(1 + e^z) and its slope."""
    e = math.exp(-abs(z))
    if z < 0:
        return math.log1p(e), e / (1 + e)
    return z + math.log1p(e), 1 / (1 + e)


def sigmoid(z: float) -> tuple[float, float]:
    """Return 1 / (1 + e^-z) and its slope."""
    s = 1 / (1 + math.exp(-z))
    return s, s * (1 - s)


def tanh(z: float) -> tuple[float, float]:
    """Return tanh z and its slope."""
    t = math.tanh(z)
    return t, 1 - t * t


ACTIVATIONS = {"softplus": softplus, "sigmoid": sigmoid, "tanh": tanh}


def prepare(job: Job) -> Train:
    """Return a function that trains without any library."""
    xs, ys = job.x.tolist(), job.y.tolist()
    by_unit = np.swapaxes(job.start[0], 1, 2)
    arrays = (by_unit, *job.start[1:], *job.rates[::2])
    starts = list(zip(*(array.tolist() for array in arrays), strict=True))

    def train() -> Floats:
        return np.array([train_one(job, xs, ys, *start) for start in starts])

    return train


def train_one(
    job: Job,
    xs: list[list[float]],
    ys: list[float],
    w1: list[list[float]],
    b1: list[float],
    w2: list[float],
    b2: float,
    rate_1: float,
    rate_2: float,
) -> list[float]:
    """Train one network; return its SSR at every epoch, or only the last."""
    f = ACTIVATIONS[job.hidden]
    w1, b1, w2 = [list(row) for row in w1], list(b1), list(w2)
    scale_1, scale_2 = job.scales
    units, inputs = range(len(w2)), range(len(xs[0]))
    kept = []
    for epoch in range(job.epochs + 1):
        g1 = [[0.0] * len(xs[0]) for _ in units]
        h1, g2, h2, ssr = [0.0] * len(w2), [0.0] * len(w2), 0.0, 0.0
        for x, y in zip(xs, ys, strict=True):
            o, outputs, slopes = b2, [], []
            for j in units:
                z = b1[j]
                for i in inputs:
                    z += x[i] * w1[j][i]
                a, slope = f(scale_1 * z)
                o += a * w2[j]
                outputs.append(a)
                slopes.append(slope)
            o *= scale_2
            residual = (sigmoid(o)[0] if job.cross_entropy else o) - y
            ssr += residual * residual
            d2 = job.weight * scale_2 * residual
            h2 += d2
            for j in units:
                g2[j] += d2 * outputs[j]
                d1 = scale_1 * d2 * w2[j] * slopes[j]
                h1[j] += d1
                for i in inputs:
                    g1[j][i] += d1 * x[i]
        kept.append(ssr)
        ended = job.ends_early and not job.tolerance < ssr <= job.limit
        if ended or epoch == job.epochs:
            break
        for j in units:
            w2[j] -= rate_2 * g2[j]
            b1[j] -= rate_1 * job.biases * h1[j]
            for i in inputs:
                w1[j][i] -= rate_1 * g1[j][i]
        b2 -= rate_2 * job.biases * h2
    return kept if job.recorded else kept[-1:]
