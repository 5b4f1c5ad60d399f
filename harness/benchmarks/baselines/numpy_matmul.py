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
    w = [p.reshape(*p.shape[:2], -1) for p in job.start[::2]]
    b = [p.reshape(job.runs, 1, -1) for p in job.start[1::2]]
    rates = [rate[:, np.newaxis, np.newaxis] for rate in job.rates[::2]]
    hidden = range(len(w) - 1)
    here = np.arange(job.runs)
    kept = np.empty((job.runs, job.epochs + 1 if job.recorded else 1))
    for epoch in range(job.epochs + 1):
        outputs, slopes = [x], []
        for l in hidden:
            a, slope = f(job.scales[l] * (outputs[l] @ w[l] + b[l]))  # (runs, m, n)
            outputs.append(a)
            slopes.append(slope)
        o = job.scales[-1] * (outputs[-1] @ w[-1] + b[-1])[:, :, 0]  # (runs, m)
        residuals = (ACTIVATIONS["sigmoid"](o)[0] if job.cross_entropy else o) - y
        last = epoch == job.epochs
        if job.recorded or job.ends_early or last:
            ssr = np.einsum("rm,rm->r", residuals, residuals)
            kept[here, epoch if job.recorded else 0] = ssr
            if last:
                break
        deltas = [(job.weight * job.scales[-1] * residuals)[:, :, np.newaxis]]
        for l in reversed(hidden):
            deltas.insert(0, job.scales[l] * (deltas[0] @ w[l + 1].mT) * slopes[l])
        for l, d in enumerate(deltas):
            w[l] = w[l] - rates[l] * (outputs[l].mT @ d)
            if job.biases:
                b[l] = b[l] - rates[l] * d.sum(axis=1, keepdims=True)
        if job.ends_early:
            on = (job.tolerance < ssr) & (ssr <= job.limit)
            if not on.all():
                here, rates = here[on], [rate[on] for rate in rates]
                w, b = [p[on] for p in w], [p[on] for p in b]
                if not here.size:
                    break
    return kept
