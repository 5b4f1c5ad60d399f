"""NumPy: all networks at once; the run is the first axis, so that `@` multiplies matrices.

A run that has ended leaves the arrays, so that the others do not wait for it.
"""

import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.baselines.numpy_activations import ACTIVATIONS
from harness.benchmarks.baselines.numpy_updates import make_state, update
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
    theta = job.matrices()
    rates = [rate[:, np.newaxis, np.newaxis] for rate in job.trained(job.rates)]
    state, hidden = make_state(job, theta), range(len(job.scales) - 1)
    here = np.arange(job.runs)
    kept = np.empty((job.runs, job.epochs + 1 if job.recorded else 1))
    for epoch in range(job.epochs + 1):
        w, b = job.by_layer(theta)
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
        gradient = [a.mT @ d for a, d in zip(outputs, deltas, strict=True)]
        if job.biases:
            gradient += [d.sum(axis=1, keepdims=True) for d in deltas]
        theta = update(job, epoch, theta, rates, gradient, state)
        if job.ends_early:
            on = (job.tolerance < ssr) & (ssr <= job.limit)
            if not on.all():
                here, rates = here[on], [rate[on] for rate in rates]
                theta = [p[on] for p in theta]
                state = [[p[on] for p in slot] for slot in state]
                if not here.size:
                    break
    return kept
