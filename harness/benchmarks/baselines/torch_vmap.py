"""PyTorch: the loss of one network, its gradient by `torch.func.grad`, `vmap` over runs."""

from typing import Any

import torch

from harness.benchmarks.baselines import Train
from harness.benchmarks.baselines.torch_single import forward, loss_and_ssr, tensors
from harness.benchmarks.baselines.torch_updates import make_update
from harness.benchmarks.job import Floats, Job


def prepare(job: Job) -> Train:
    """Return a function that trains with `vmap(grad)` over networks."""
    torch.set_num_threads(job.threads)
    start, rates = tensors(job)
    x, y = torch.from_numpy(job.x), torch.from_numpy(job.y)

    def loss(theta: Any) -> Any:
        return loss_and_ssr(job, forward(job, theta, x), y)

    gradients = torch.func.vmap(torch.func.grad(loss, has_aux=True))

    def train() -> Floats:
        with torch.no_grad():
            found: Floats = torch.stack(all_epochs(), dim=1).numpy()
        return found

    def all_epochs() -> list[Any]:
        theta, update, kept = start, make_update(job, start, rates), []
        for epoch in range(job.epochs + 1):
            gradient, ssr = gradients(theta)
            if job.recorded or epoch == job.epochs:
                kept.append(ssr)
            if epoch == job.epochs:
                break
            on = (job.tolerance < ssr) & (ssr <= job.limit) if job.ends_early else None
            theta = update(theta, gradient, on)
        return kept

    return train
