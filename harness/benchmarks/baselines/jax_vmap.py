"""JAX: the loss of one network, its gradient by `grad`, `vmap` over runs, `scan` over epochs."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from harness.benchmarks.baselines import Train
from harness.benchmarks.job import Floats, Job

jax.config.update("jax_enable_x64", True)


@jax.custom_jvp
def softplus(z: Any) -> Any:
    """Return ln(1 + e^z), with the correct slope at 0; faster than jax.nn.softplus."""
    return jnp.maximum(z, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(z)))


softplus.defjvps(lambda tangent, _, z: tangent * jax.nn.sigmoid(z))

ACTIVATIONS = {
    "softplus": softplus,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
}


def prepare(job: Job) -> Train:
    """Return a function that trains with `vmap` over networks."""
    f = ACTIVATIONS[job.hidden]

    def forward(theta: Any) -> Any:
        *hidden, last = zip(theta[::2], theta[1::2], job.scales, strict=True)
        a = job.x
        for w, b, scale in hidden:
            a = f(scale * (a @ w + b))
        w, b, scale = last
        return scale * (a @ w + b)

    rates = [
        rate.reshape(-1, *[1] * (p.ndim - 1)) for rate, p in zip(job.rates, job.start, strict=True)
    ]
    return descend(job, jax.vmap(losses(job, forward, job.y)), job.start, rates)


def losses(job: Job, forward: Callable[[Any], Any], y: Floats) -> Callable[[Any], Any]:
    """Return a function from parameters to SSR and gradient; `y` and outputs are (m, ...)."""

    def loss(theta: Any) -> Any:
        o = forward(theta)
        predicted = jax.nn.sigmoid(o) if job.cross_entropy else o
        ssr = jnp.sum((predicted - y) ** 2, axis=0)
        if job.cross_entropy:
            return job.weight * jnp.sum(softplus(o) - y * o), ssr
        return job.weight / 2.0 * jnp.sum(ssr), ssr

    def ssr_and_gradient(theta: Any) -> Any:
        gradient, ssr = jax.grad(loss, has_aux=True)(theta)
        return ssr, gradient

    return ssr_and_gradient


def descend(
    job: Job,
    ssr_and_gradient: Callable[[Any], Any],
    start: Sequence[Floats],
    rates: Sequence[Floats],
) -> Train:
    """Return a function that trains all runs; `rates` broadcast against `start`."""
    optimiser = optax.identity() if job.optimiser == "sgd" else optax.scale_by_adam(*job.settings)

    def step(carry: Any, _: None) -> Any:
        theta, state = carry
        ssr, gradient = ssr_and_gradient(theta)
        steps, state = optimiser.update(gradient, state)
        new = [p - rate * s for p, rate, s in zip(theta, rates, steps, strict=True)]
        if job.ends_early:  # a run that has ended keeps its parameters, and so ends again
            on = (job.tolerance < ssr) & (ssr <= job.limit)
            new = [
                jnp.where(on.reshape(rate.shape), n, p)
                for rate, n, p in zip(rates, new, theta, strict=True)
            ]
        return (new, state), ssr if job.recorded else None

    @jax.jit
    def all_epochs(theta: Any) -> Any:
        carry = theta, optimiser.init(theta)
        (theta, _), before = jax.lax.scan(step, carry, None, length=job.epochs)
        ssr = ssr_and_gradient(theta)[0]
        return jnp.concatenate([before, ssr[None]]).T if job.recorded else ssr[:, None]

    begin = [jnp.asarray(p) for p in start]

    def train() -> Floats:
        return np.asarray(all_epochs(begin))

    return train
