"""Updates of the parameters, for the baselines in NumPy."""

from collections.abc import Sequence

import numpy as np

from harness.benchmarks.job import Floats, Job

Arrays = Sequence[Floats]


def make_state(job: Job, theta: Arrays) -> list[list[Floats]]:
    """Return the state of the optimiser before the first update."""
    return [[np.zeros_like(p) for p in theta] for _ in range(2 if job.optimiser == "adam" else 0)]


def update(
    job: Job, epoch: int, theta: Arrays, rates: Arrays, gradient: Arrays, state: Sequence[Arrays]
) -> list[Floats]:
    """Return the parameters after the update of an epoch; the state changes in place."""
    if job.optimiser == "sgd":
        return [p - rate * g for p, rate, g in zip(theta, rates, gradient, strict=True)]
    means, squares = state
    beta1, beta2, epsilon = job.settings
    correction1, correction2 = (1.0 - beta ** (epoch + 1) for beta in (beta1, beta2))
    new = []
    for p, rate, g, m, v in zip(theta, rates, gradient, means, squares, strict=True):
        m += (1.0 - beta1) * (g - m)
        v += (1.0 - beta2) * (g * g - v)
        new.append(p - rate / correction1 * m / (np.sqrt(v / correction2) + epsilon))
    return new
