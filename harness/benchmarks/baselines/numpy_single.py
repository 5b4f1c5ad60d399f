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
    w, b = ([p[run] for p in job.start[first::2]] for first in (0, 1))
    w[-1] = w[-1][:, np.newaxis]
    rates, hidden, kept = [rate[run] for rate in job.rates[::2]], range(len(w) - 1), []
    for epoch in range(job.epochs + 1):
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
        for l, d in enumerate(deltas):
            w[l] = w[l] - rates[l] * (outputs[l].T @ d)
            if job.biases:
                b[l] = b[l] - rates[l] * d.sum(axis=0)
    return kept if job.recorded else kept[-1:]
