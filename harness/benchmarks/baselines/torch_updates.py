"""Updates of the parameters, for the baselines in PyTorch."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from harness.benchmarks.job import Job


def make_adam(job: Job, groups: Sequence[dict[str, Any]]) -> Any:
    """Return PyTorch's Adam for groups of parameters with a learning rate each."""
    beta1, beta2, epsilon = job.settings
    # 170 us for the parameters of 4000 1-2-1 networks, against 320 us with foreach=True.
    return torch.optim.Adam(groups, betas=(beta1, beta2), eps=epsilon, fused=True)


def make_update(job: Job, start: Sequence[Any], rates: Sequence[Any]) -> Callable[..., list[Any]]:
    """Return the update of all networks, whose rates broadcast against their parameters.

    It takes parameters, gradient and, if the job ends early, whether each run goes on. A run that
    has ended keeps its parameters, and so ends again.
    """
    steps = [torch.zeros_like(p) for p in start]
    adam = None
    if job.optimiser == "adam":  # one learning rate for all: it steps from 0 at a rate of 1
        adam = make_adam(job, [{"params": steps, "lr": 1.0}])

    def update(theta: Sequence[Any], gradient: Sequence[Any], on: Any = None) -> list[Any]:
        if adam is None:
            new = [p - rate * g for p, rate, g in zip(theta, rates, gradient, strict=True)]
        else:
            for step, g in zip(steps, gradient, strict=True):
                step.grad = g
                step.zero_()
            adam.step()
            new = [
                torch.addcmul(p, rate, step)
                for p, rate, step in zip(theta, rates, steps, strict=True)
            ]
        if on is None:
            return new
        return [
            torch.where(on.reshape(-1, *[1] * (p.ndim - 1)), n, p)
            for n, p in zip(new, theta, strict=True)
        ]

    return update
