"""JAX: all networks in one formula, written with `einsum`; `scan` over epochs.

The run is the last axis, which is twice as fast for small networks as the first axis.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from harness.benchmarks.baselines import Train
from harness.benchmarks.baselines.jax_vmap import ACTIVATIONS, descend, losses
from harness.benchmarks.job import Job


def prepare(job: Job) -> Train:
    """Return a function that trains with one formula for all networks."""
    f = ACTIVATIONS[job.hidden]

    def forward(theta: Any) -> Any:
        (w, b, scale), *hidden, last = zip(theta[::2], theta[1::2], job.scales, strict=True)
        a = f(scale * (jnp.einsum("mi,inr->mnr", job.x, w) + b))
        for w, b, scale in hidden:
            a = f(scale * (jnp.einsum("mir,inr->mnr", a, w) + b))
        w, b, scale = last
        return scale * (jnp.einsum("mnr,nr->mr", a, w) + b)

    # The runs share nothing, so the gradient of the sum of their losses is the gradient of each.
    start = [np.moveaxis(p, 0, -1) for p in job.start]
    return descend(job, losses(job, forward, job.y[:, np.newaxis]), start, job.rates)
