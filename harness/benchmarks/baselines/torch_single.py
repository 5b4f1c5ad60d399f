"""PyTorch: one network after the other, its gradient by autograd."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from harness.benchmarks.baselines import Train
from harness.benchmarks.baselines.torch_updates import make_adam
from harness.benchmarks.job import Floats, Job

ACTIVATIONS = {
    # Above the threshold it returns z. The default, 20, would be an error of 2e-9.
    "softplus": lambda z: torch.nn.functional.softplus(z, threshold=40.0),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


def tensors(job: Job) -> tuple[list[Any], list[Any]]:
    """Return initial parameters, and their learning rates in shapes that broadcast."""
    start = [torch.from_numpy(p) for p in job.start]
    fitting = [
        torch.from_numpy(rate).reshape(-1, *[1] * (p.ndim - 1))
        for rate, p in zip(job.rates, start, strict=True)
    ]
    return start, fitting


def forward(job: Job, theta: Sequence[Any], x: Any) -> Any:
    """Return the output of one network for the inputs x, before the sigmoid of cross-entropy."""
    *hidden, last = zip(theta[::2], theta[1::2], job.scales, strict=True)
    a = x
    for w, b, scale in hidden:
        a = ACTIVATIONS[job.hidden](scale * (a @ w + b))
    w, b, scale = last
    return scale * (a @ w + b)


def loss_and_ssr(job: Job, o: Any, y: Any) -> tuple[Any, Any]:
    """Return the loss of all runs in `o` together, and the SSR of each."""
    predicted = torch.sigmoid(o) if job.cross_entropy else o
    ssr = ((predicted - y) ** 2).sum(dim=-1)
    if job.cross_entropy:
        terms = torch.nn.functional.binary_cross_entropy_with_logits(
            o, y.expand_as(o), reduction="sum"
        )
        return job.weight * terms, ssr
    return job.weight / 2.0 * ssr.sum(), ssr


def prepare(job: Job) -> Train:
    """Return a function that trains with autograd, one network after the other."""
    torch.set_num_threads(job.threads)
    start, rates = tensors(job)

    def train() -> Floats:
        return np.array([train_one(job, start, rates, run) for run in range(job.runs)])

    return train


def groups_of(theta: list[Any], rates: list[float]) -> list[dict[str, Any]]:
    """Return the parameters that train as groups with the same learning rate."""
    return [
        {"params": [p for p, r in zip(theta, rates, strict=True) if r == rate], "lr": rate}
        for rate in sorted(set(rates) - {0.0})
    ]


def train_one(job: Job, start: list[Any], rates: list[Any], run: int) -> list[float]:
    """Train one network; return its SSR at every epoch, or only the last."""
    x, y = torch.from_numpy(job.x), torch.from_numpy(job.y)
    theta = [p[run].clone().requires_grad_() for p in start]
    mine = [float(rate[run]) for rate in rates]
    adam = make_adam(job, groups_of(theta, mine)) if job.optimiser == "adam" else None
    kept = []
    for epoch in range(job.epochs + 1):
        loss, ssr = loss_and_ssr(job, forward(job, theta, x), y)
        last = epoch == job.epochs
        if job.recorded or job.ends_early or last:
            kept.append(ssr.item())
            if last or (job.ends_early and not job.tolerance < kept[-1] <= job.limit):
                break
        gradient = torch.autograd.grad(loss, theta)
        if adam is not None:
            for p, g in zip(theta, gradient, strict=True):
                p.grad = g
            adam.step()
            continue
        with torch.no_grad():
            for p, rate, g in zip(theta, mine, gradient, strict=True):
                p.sub_(g, alpha=rate)
    return kept if job.recorded else kept[-1:]
