"""Updates of the parameters, for the baselines in PyTorch."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from harness.benchmarks.job import Job


def make_adam(job: Job, groups: Sequence[Any], learning_rate: float) -> Any:
    """Return PyTorch's Adam. On a processor, `fused` is faster than `foreach`."""
    beta1, beta2, epsilon = job.settings
    return torch.optim.Adam(groups, learning_rate, betas=(beta1, beta2), eps=epsilon, fused=True)


def make_update(job: Job, start: Sequence[Any], rates: Sequence[Any]) -> Callable[..., list[Any]]:
    """Return the update of all networks, whose rates broadcast against their parameters.

    It takes parameters, gradient and, if the job ends early, whether each run goes on. A run that
    has ended keeps its parameters, and so ends again.
    """
    steps = [torch.zeros_like(p) for p in start]
    adam = make_adam(job, steps, 1.0) if job.optimiser == "adam" else None

    def update(theta: Sequence[Any], gradient: Sequence[Any], on: Any = None) -> list[Any]:
        if adam is None:
            new = [p - rate * g for p, rate, g in zip(theta, rates, gradient, strict=True)]
        else:
            # Its learning rate is one number, so it steps from 0 at a rate of 1.
            for step, g in zip(steps, gradient, strict=True):
                step.grad = g
                step.zero_()
            adam.step()
            new = [torch.addcmul(p, r, s) for p, r, s in zip(theta, rates, steps, strict=True)]
        if on is None:
            return new
        return [
            torch.where(on.reshape(-1, *[1] * (p.ndim - 1)), n, p)
            for n, p in zip(new, theta, strict=True)
        ]

    return update
