"""NumPy: all networks at once; the run is the first axis, so that `@` multiplies matrices.

A run that has ended leaves the arrays, so that the others do not wait for it.
"""

import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.baselines.numpy_activations import ACTIVATIONS
from harness.benchmarks.job import Floats, Job


def prepare(job: Job) -> Train:
    """Return a function that trains all networks of a job at once."""

    def train() -> Floats:
        with np.errstate(all="ignore"):
            return train_all(job)

    return train


def train_all(job: Job) -> Floats:
    """Train all networks; return their SSR at every epoch, or only the last."""
    f, x, y = ACTIVATIONS[job.hidden], job.x, job.y
    w1, b1 = job.w1, job.b1[:, np.newaxis, :]
    w2, b2 = job.w2[:, :, np.newaxis], job.b2[:, np.newaxis]
    rate_1, rate_2 = job.rate_1[:, np.newaxis, np.newaxis], job.rate_2[:, np.newaxis]
    here = np.arange(job.runs)
    kept = np.empty((job.runs, job.epochs + 1 if job.recorded else 1))
    for epoch in range(job.epochs + 1):
        a, slope = f(job.scale_1 * (x @ w1 + b1))  # (runs, m, n)
        o = job.scale_2 * ((a @ w2)[:, :, 0] + b2)  # (runs, m)
        residuals = (ACTIVATIONS["sigmoid"](o)[0] if job.cross_entropy else o) - y
        last = epoch == job.epochs
        if job.recorded or job.ends_early or last:
            ssr = np.einsum("rm,rm->r", residuals, residuals)
            kept[here, epoch if job.recorded else 0] = ssr
            if last:
                break
        d2 = job.weight * job.scale_2 * residuals
        d1 = job.scale_1 * (d2[:, :, np.newaxis] * np.swapaxes(w2, 1, 2)) * slope
        w1 = w1 - rate_1 * (x.T @ d1)
        w2 = w2 - rate_2[:, :, np.newaxis] * (np.swapaxes(a, 1, 2) @ d2[:, :, np.newaxis])
        if job.biases:
            b1 = b1 - rate_1 * d1.sum(axis=1, keepdims=True)
            b2 = b2 - rate_2 * d2.sum(axis=1, keepdims=True)
        if job.ends_early:
            on = (job.tolerance < ssr) & (ssr <= job.limit)
            if not on.all():
                here, w1, b1, w2, b2 = here[on], w1[on], b1[on], w2[on], b2[on]
                rate_1, rate_2 = rate_1[on], rate_2[on]
                if not here.size:
                    break
    return kept
