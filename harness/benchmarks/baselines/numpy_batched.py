"""NumPy: all networks at once; the run is the last axis, so that small ones fill long vectors.

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
    f, x, y = ACTIVATIONS[job.hidden], job.x, job.y[:, np.newaxis]
    theta = job.trained([np.ascontiguousarray(np.moveaxis(p, 0, -1)) for p in job.start])
    rates, state = job.trained(job.rates), make_state(job, theta)
    hidden, axes = range(len(job.scales) - 1), ["mi", *["mir"] * (len(job.scales) - 2)]
    here = np.arange(job.runs)
    kept = np.empty((job.runs, job.epochs + 1 if job.recorded else 1))
    for epoch in range(job.epochs + 1):
        w, b = job.by_layer(theta)
        outputs, slopes = [x], []
        for l in hidden:
            # With one input the product is faster than einsum.
            if axes[l] == "mi" and x.shape[1] == 1:
                sums = x[:, :, np.newaxis] * w[l]
            else:
                sums = np.einsum(f"{axes[l]},inr->mnr", outputs[l], w[l])
            a, slope = f(job.scales[l] * (sums + b[l]))  # (m, n, runs)
            outputs.append(a)
            slopes.append(slope)
        o = job.scales[-1] * (np.einsum("mnr,nr->mr", outputs[-1], w[-1]) + b[-1])  # (m, runs)
        residuals = (ACTIVATIONS["sigmoid"](o)[0] if job.cross_entropy else o) - y
        last = epoch == job.epochs
        if job.recorded or job.ends_early or last:
            ssr = np.einsum("mr,mr->r", residuals, residuals)
            kept[here, epoch if job.recorded else 0] = ssr
            if last:
                break
        d = job.weight * job.scales[-1] * residuals
        below = d[:, np.newaxis, :] * w[-1]
        deltas, gradient = [d], [np.einsum("mnr,mr->nr", outputs[-1], d)]
        for l in reversed(hidden):
            d = job.scales[l] * below * slopes[l]
            if l:
                below = np.einsum("mnr,inr->mir", d, w[l])
            deltas.insert(0, d)
            gradient.insert(0, np.einsum(f"{axes[l]},mnr->inr", outputs[l], d))
        if job.biases:
            gradient += [d.sum(axis=0) for d in deltas]
        theta = update(job, epoch, theta, rates, gradient, state)
        if job.ends_early:
            on = (job.tolerance < ssr) & (ssr <= job.limit)
            if not on.all():
                here, rates = here[on], [rate[on] for rate in rates]
                theta = [p[..., on] for p in theta]
                state = [[p[..., on] for p in slot] for slot in state]
                if not here.size:
                    break
    return kept
