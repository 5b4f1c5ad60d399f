"""NumPy: vectors over the data points, one network after the other."""

import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.baselines.numpy_activations import ACTIVATIONS
from harness.benchmarks.job import Floats, Job


def prepare(job: Job) -> Train:
    """Return a function that trains one network after the other."""

    def train() -> Floats:
        with np.errstate(all="ignore"):
            return np.array([train_one(job, run) for run in range(job.runs)])

    return train


def train_one(job: Job, run: int) -> list[float]:
    """Train one network; return its SSR at every epoch, or only the last."""
    f, x, y = ACTIVATIONS[job.hidden], job.x, job.y
    w1, b1, w2, b2 = job.w1[run], job.b1[run], job.w2[run], job.b2[run]
    rate_1, rate_2 = job.rate_1[run], job.rate_2[run]
    kept = []
    for epoch in range(job.epochs + 1):
        a, slope = f(job.scale_1 * (x @ w1 + b1))
        o = job.scale_2 * (a @ w2 + b2)
        residuals = (ACTIVATIONS["sigmoid"](o)[0] if job.cross_entropy else o) - y
        ssr = float(residuals @ residuals)
        kept.append(ssr)
        ended = job.ends_early and not job.tolerance < ssr <= job.limit
        if ended or epoch == job.epochs:
            break
        d2 = job.weight * job.scale_2 * residuals
        d1 = job.scale_1 * np.outer(d2, w2) * slope
        w1 = w1 - rate_1 * (x.T @ d1)
        w2 = w2 - rate_2 * (a.T @ d2)
        if job.biases:
            b1 = b1 - rate_1 * d1.sum(axis=0)
            b2 = b2 - rate_2 * d2.sum()
    return kept if job.recorded else kept[-1:]
