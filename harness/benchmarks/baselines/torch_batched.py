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


def step(parameters: Any, change: Any, on: Any) -> Any:
    """Return updated parameters. A run that has ended keeps its own, and so ends again."""
    new = parameters - change
    return new if on is None else torch.where(on, new, parameters)


def train_all(job: Job, start: list[Any], rates: list[Any]) -> Floats:
    """Train all networks; return their SSR at every epoch, or only the last."""
    x = torch.from_numpy(job.x).expand(job.runs, *job.x.shape)
    y = torch.from_numpy(job.y)
    # An output is a layer of one unit.
    w = [p.reshape(*p.shape[:2], -1) for p in start[::2]]
    b = [p.reshape(job.runs, 1, -1) for p in start[1::2]]
    rates = [rate.reshape(-1, 1, 1) for rate in rates[::2]]
    hidden, kept = range(len(w) - 1), []
    for epoch in range(job.epochs + 1):
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
        on = ((job.tolerance < ssr) & (ssr <= job.limit))[:, None, None] if job.ends_early else None
        if on is not None and not on.any():
            kept = [ssr]
            break
        for l, d in enumerate(deltas):
            w[l] = step(w[l], rates[l] * torch.bmm(outputs[l].mT, d), on)
            if job.biases:
                b[l] = step(b[l], rates[l] * d.sum(dim=1, keepdim=True), on)
    found: Floats = torch.stack(kept, dim=1).numpy()
    return found
