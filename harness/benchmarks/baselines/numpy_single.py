"""NumPy: vectors over the data points, one network after the other."""

import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.baselines.numpy_activations import ACTIVATIONS
from harness.benchmarks.baselines.numpy_updates import make_state, update
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
    theta = [p[run] for p in job.matrices()]
    rates = [rate[run] for rate in job.trained(job.rates)]
    state, hidden, kept = make_state(job, theta), range(len(job.scales) - 1), []
    for epoch in range(job.epochs + 1):
        w, b = job.by_layer(theta)
        outputs, slopes = [x], []
        for l in hidden:
            a, slope = f(job.scales[l] * (outputs[l] @ w[l] + b[l]))
            outputs.append(a)
            slopes.append(slope)
        o = job.scales[-1] * (outputs[-1] @ w[-1] + b[-1])[:, 0]
        residuals = (ACTIVATIONS["sigmoid"](o)[0] if job.cross_entropy else o) - y
        ssr = float(residuals @ residuals)
        kept.append(ssr)
        ended = job.ends_early and not job.tolerance < ssr <= job.limit
        if ended or epoch == job.epochs:
            break
        deltas = [job.weight * job.scales[-1] * residuals[:, np.newaxis]]
        for l in reversed(hidden):
            deltas.insert(0, job.scales[l] * (deltas[0] @ w[l + 1].T) * slopes[l])
        gradient = [a.T @ d for a, d in zip(outputs, deltas, strict=True)]
        if job.biases:
            gradient += [d.sum(axis=0, keepdims=True) for d in deltas]
        theta = update(job, epoch, theta, rates, gradient, state)
    return kept if job.recorded else kept[-1:]
