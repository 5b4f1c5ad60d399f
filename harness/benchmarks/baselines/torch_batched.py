"""PyTorch: all networks at once, forward and backward written out with `bmm`."""

from typing import Any

import torch

from harness.benchmarks.baselines import Train
from harness.benchmarks.baselines.torch_single import ACTIVATIONS
from harness.benchmarks.baselines.torch_updates import make_update
from harness.benchmarks.job import Floats, Job


def prepare(job: Job) -> Train:
    """Return a function that trains all networks of a job at once."""
    torch.set_num_threads(job.threads)

    def train() -> Floats:
        with torch.no_grad():
            return train_all(job)

    return train


def slope_of(job: Job, z: Any, a: Any) -> Any:
    """Return the slope of the hidden activation."""
    if job.hidden == "softplus":
        return torch.sigmoid(z)
    return a * (1.0 - a) if job.hidden == "sigmoid" else 1.0 - a * a


def train_all(job: Job) -> Floats:
    """Train all networks; return their SSR at every epoch, or only the last."""
    x = torch.from_numpy(job.x).expand(job.runs, *job.x.shape)
    y = torch.from_numpy(job.y)
    theta = [torch.from_numpy(p) for p in job.matrices()]
    rates = [torch.from_numpy(rate)[:, None, None] for rate in job.trained(job.rates)]
    update, hidden, kept = make_update(job, theta, rates), range(len(job.scales) - 1), []
    for epoch in range(job.epochs + 1):
        w, b = job.by_layer(theta)
        outputs, slopes = [x], []
        for l in hidden:
            z = job.scales[l] * (torch.bmm(outputs[l], w[l]) + b[l])  # (runs, m, n)
            outputs.append(ACTIVATIONS[job.hidden](z))
            slopes.append(slope_of(job, z, outputs[-1]))
        o = job.scales[-1] * (torch.bmm(outputs[-1], w[-1]) + b[-1])[:, :, 0]  # (runs, m)
        residuals = (torch.sigmoid(o) if job.cross_entropy else o) - y
        last = epoch == job.epochs
        if job.recorded or job.ends_early or last:
            ssr = (residuals * residuals).sum(dim=1)
            if job.recorded or last:
                kept.append(ssr)
            if last:
                break
        deltas = [(job.weight * job.scales[-1] * residuals)[:, :, None]]
        for l in reversed(hidden):
            deltas.insert(0, job.scales[l] * torch.bmm(deltas[0], w[l + 1].mT) * slopes[l])
        on = (job.tolerance < ssr) & (ssr <= job.limit) if job.ends_early else None
        if on is not None and not on.any():
            kept = [ssr]
            break
        gradient = [torch.bmm(a.mT, d) for a, d in zip(outputs, deltas, strict=True)]
        if job.biases:
            gradient += [d.sum(dim=1, keepdim=True) for d in deltas]
        theta = update(theta, gradient, on)
    found: Floats = torch.stack(kept, dim=1).numpy()
    return found
