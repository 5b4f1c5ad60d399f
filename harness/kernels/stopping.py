"""Status of a run after each epoch, which decides whether it ends.

diverged    the loss is not finite or above the limit, or a parameter is not finite
converged   the loss is at or below the tolerance
finished    all epochs are done
stopped     the loss of the held-out data points has not improved for some epochs, the patience

The first that applies is the status.
"""

from typing import Any, Final

import numpy as np

from harness.kernels._jit import compiled
from harness.kernels.simd.arithmetic import fma

RUNNING: Final = 0
FINISHED: Final = 1
CONVERGED: Final = 2
DIVERGED: Final = 3
STOPPED: Final = 4

STATUSES: Final = ("running", "finished", "converged", "diverged", "stopped")


@compiled
def status_after(
    epoch: int,
    epochs: int,
    loss: float,
    tolerance: float,
    limit: float,
    finite: bool,
    waited: float,
    patience: float,
) -> int:
    """Return the status of a run after epoch `epoch` of `epochs`.

    The limit is finite, so that NaN and infinity are never at or below it. `waited` is the number
    of epochs since the loss of the held-out data points improved.
    """
    if not (finite and loss <= limit):
        return DIVERGED
    if loss <= tolerance:
        return CONVERGED
    if epoch == epochs:
        return FINISHED
    return RUNNING if waited < patience else STOPPED


@compiled
def goes_on(loss: Any, tolerance: Any, limit: Any) -> Any:
    """Return, per lane, whether the loss lets a run continue; agrees with `status_after`.

    So does `waited < patience`, with patience.
    """
    return (loss <= limit) & (loss > tolerance)


@compiled
def is_finite(theta: Any) -> bool:
    """Return whether all parameters are finite."""
    zero = 0.0
    for parameter in theta:
        zero = fma(parameter, 0.0, zero)  # NaN once any of them is infinite or NaN
    return zero == 0.0


@compiled
def norm(gradient: Any) -> float:
    """Return the Euclidean norm of a gradient."""
    squares = 0.0
    for component in gradient:
        squares = fma(component, component, squares)
    length: float = np.sqrt(squares)
    return length
