"""Penalties, weight decay and clipping, which all optimisers have.

Symbols: theta a parameter, g the gradient of the loss with respect to theta.

    g     <- g + l2 theta                         the penalty l2/2 theta^2 is added to the loss
    g     <- g min(1, clip_norm / |g|)            |g|: the norm over all parameters that train
    theta <- theta (1 - learning_rate weight_decay)

Then comes the step of the optimiser. Weight decay is decoupled from the gradient (Loshchilov and
Hutter 2019), and clipping is by the norm (Pascanu, Mikolov and Bengio 2013, algorithm 1). A norm
whose square overflows clips the gradient to 0.
"""

from typing import Any, Final

import numpy as np

from harness.kernels._jit import compiled
from harness.kernels.settings import Setting
from harness.kernels.simd.arithmetic import fma, select, sqrt

REGULARISATION: Final = (
    Setting(
        "l2",
        default=0.0,
        says="factor of the penalty l2/2 theta^2 that is added to the loss for each parameter; the"
        " tables have the loss without it",
        allowed="a finite number of at least 0",
        at_least=0.0,
        neutral=0.0,
    ),
    Setting(
        "weight_decay",
        default=0.0,
        says="share of each parameter, times the learning rate, that is subtracted in an update",
        allowed="a finite number of at least 0",
        at_least=0.0,
        neutral=0.0,
    ),
    Setting(
        "clip_norm",
        default=np.inf,
        says="largest norm of the gradient; a longer one is shortened",
        allowed="a number above 0",
        above=0.0,
        neutral=np.inf,
    ),
)


def with_default(name: str, default: float) -> tuple[Setting, ...]:
    """Return the settings, one of them with another default."""
    return tuple(s._replace(default=default) if s.name == name else s for s in REGULARISATION)


@compiled
def of_penalty(gradient: Any, theta: Any, l2: Any) -> Any:
    """Return the gradient of the loss with the penalty."""
    return select(l2 == 0.0, gradient, fma(l2, theta, gradient))


@compiled
def clipping(squares: Any, clip_norm: Any) -> Any:
    """Return the factor that shortens a gradient with this sum of squares to a norm."""
    norm = sqrt(squares)
    return select(norm > clip_norm, clip_norm / norm, 1.0)


@compiled
def decayed(theta: Any, learning_rate: Any, weight_decay: Any) -> Any:
    """Return a parameter after weight decay."""
    return theta * (1.0 - learning_rate * weight_decay)
