"""NumPy: all networks at once; the run is the last axis, so that small ones fill long vectors.

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
    f, x, y = ACTIVATIONS[job.hidden], job.x, job.y[:, np.newaxis]
    w1, b1, w2, b2 = (np.ascontiguousarray(np.moveaxis(p, 0, -1)) for p in job.start)
    rate_1, rate_2 = job.rate_1, job.rate_2
    here = np.arange(job.runs)
    kept = np.empty((job.runs, job.epochs + 1 if job.recorded else 1))
    for epoch in range(job.epochs + 1):
        # With one input the product is faster than einsum.
        sums = x[:, :, np.newaxis] * w1 if x.shape[1] == 1 else np.einsum("mi,inr->mnr", x, w1)
        a, slope = f(job.scale_1 * (sums + b1))  # (m, n, runs)
        o = job.scale_2 * (np.einsum("mnr,nr->mr", a, w2) + b2)  # (m, runs)
        residuals = (ACTIVATIONS["sigmoid"](o)[0] if job.cross_entropy else o) - y
        last = epoch == job.epochs
        if job.recorded or job.ends_early or last:
            ssr = np.einsum("mr,mr->r", residuals, residuals)
            kept[here, epoch if job.recorded else 0] = ssr
            if last:
                break
        d2 = job.weight * job.scale_2 * residuals
        d1 = job.scale_1 * (d2[:, np.newaxis, :] * w2) * slope
        w1 = w1 - rate_1 * np.einsum("mi,mnr->inr", x, d1)
        w2 = w2 - rate_2 * np.einsum("mnr,mr->nr", a, d2)
        if job.biases:
            b1 = b1 - rate_1 * d1.sum(axis=0)
            b2 = b2 - rate_2 * d2.sum(axis=0)
        if job.ends_early:
            on = (job.tolerance < ssr) & (ssr <= job.limit)
            if not on.all():
                here, w1, b1, w2, b2 = here[on], w1[..., on], b1[:, on], w2[:, on], b2[on]
                rate_1, rate_2 = rate_1[on], rate_2[on]
                if not here.size:
                    break
    return kept
