"""PyTorch: all networks at once, forward and backward written out with `bmm`."""

from typing import Any

import torch

from harness.benchmarks.baselines import Train
from harness.benchmarks.baselines.torch_single import ACTIVATIONS, tensors
from harness.benchmarks.job import Floats, Job


def prepare(job: Job) -> Train:
    """Return a function that trains all networks of a job at once."""
    torch.set_num_threads(job.threads)
    start, rates = tensors(job)

    def train() -> Floats:
        with torch.no_grad():
            return train_all(job, start, rates)

    return train


def slope_of(job: Job, z: Any, a: Any) -> Any:
    """Return the slope of the hidden activation."""
    if job.hidden == "softplus":
        return torch.sigmoid(z)
    return a * (1.0 - a) if job.hidden == "sigmoid" else 1.0 - a * a


def train_all(job: Job, start: list[Any], rates: list[Any]) -> Floats:
    """Train all networks; return their SSR at every epoch, or only the last."""
    x = torch.from_numpy(job.x).expand(job.runs, *job.x.shape)
    y = torch.from_numpy(job.y)
    w1, b1, w2, b2 = start
    rate_w1, rate_b1, rate_w2, rate_b2 = rates
    kept = []
    for epoch in range(job.epochs + 1):
        z = job.scale_1 * (torch.bmm(x, w1) + b1[:, None, :])  # (runs, m, n)
        a = ACTIVATIONS[job.hidden](z)
        o = job.scale_2 * (torch.bmm(a, w2[:, :, None])[:, :, 0] + b2[:, None])  # (runs, m)
        residuals = (torch.sigmoid(o) if job.cross_entropy else o) - y
        last = epoch == job.epochs
        if job.recorded or job.ends_early or last:
            ssr = (residuals * residuals).sum(dim=1)
            if job.recorded or last:
                kept.append(ssr)
            if last:
                break
        d2 = job.weight * job.scale_2 * residuals
        d1 = job.scale_1 * (d2[:, :, None] * w2[:, None, :]) * slope_of(job, z, a)
        if job.ends_early:  # a run that has ended keeps its parameters, and so ends again
            on = (job.tolerance < ssr) & (ssr <= job.limit)
            d1 = torch.where(on[:, None, None], d1, 0.0)
            d2 = torch.where(on[:, None], d2, 0.0)
            a = torch.where(on[:, None, None], a, 0.0)  # 0 times infinity is not 0
            if not on.any():
                kept = [ssr]
                break
        w1 = w1 - rate_w1 * torch.bmm(x.mT, d1)
        w2 = w2 - rate_w2 * torch.bmm(a.mT, d2[:, :, None])[:, :, 0]
        if job.biases:
            b1 = b1 - rate_b1 * d1.sum(dim=1)
            b2 = b2 - rate_b2 * d2.sum(dim=1)
    found: Floats = torch.stack(kept, dim=1).numpy()
    return found
