"""Pure Python: lists, and one network after the other."""

import math

import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.job import Floats, Job

Rows = list[list[float]]


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
    starts = list(zip(*(p.tolist() for p in (by_unit, *job.start[1:], *job.rates)), strict=True))

    def train() -> Floats:
        return np.array([train_one(job, xs, ys, *start) for start in starts])

    return train


def train_one(
    job: Job,
    xs: list[list[float]],
    ys: list[float],
    w1: Rows,
    b1: list[float],
    w2: list[float],
    b2: float,
    rate_w1: float,
    rate_b1: float,
    rate_w2: float,
    rate_b2: float,
) -> list[float]:
    """Train one network; return its SSR at every epoch, or only the last."""
    f = ACTIVATIONS[job.hidden]
    units, inputs = range(len(w2)), range(len(xs[0]))
    *w1, b1, w2, last = theta = [*map(list, w1), list(b1), list(w2), [b2]]
    rates = [*[rate_w1] * len(w2), rate_b1, rate_w2, rate_b2]
    means, squares = ([[0.0] * len(row) for row in theta] for _ in range(2))
    scale_1, scale_2 = job.scales
    kept = []
    for epoch in range(job.epochs + 1):
        g1 = [[0.0] * len(xs[0]) for _ in units]
        h1, g2, h2, ssr = [0.0] * len(w2), [0.0] * len(w2), 0.0, 0.0
        for x, y in zip(xs, ys, strict=True):
            o, outputs, slopes = last[0], [], []
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
        gradient = [*g1, h1, g2, [h2]]
        if job.optimiser == "sgd":
            descend(theta, rates, gradient)
        else:
            adam(job, epoch, theta, rates, gradient, means, squares)
    return kept if job.recorded else kept[-1:]


def descend(theta: Rows, rates: list[float], gradient: Rows) -> None:
    """Take a step of gradient descent."""
    for row, rate, slopes in zip(theta, rates, gradient, strict=True):
        for i, g in enumerate(slopes):
            row[i] -= rate * g


def adam(
    job: Job,
    epoch: int,
    theta: Rows,
    rates: list[float],
    gradient: Rows,
    means: Rows,
    squares: Rows,
) -> None:
    """Take a step of Adam."""
    beta1, beta2, epsilon = job.settings
    correction1, correction2 = 1 - beta1 ** (epoch + 1), 1 - beta2 ** (epoch + 1)
    for row, rate, slopes, m, v in zip(theta, rates, gradient, means, squares, strict=True):
        for i, g in enumerate(slopes):
            m[i] += (1 - beta1) * (g - m[i])
            v[i] += (1 - beta2) * (g * g - v[i])
            row[i] -= rate * (m[i] / correction1) / (math.sqrt(v[i] / correction2) + epsilon)
