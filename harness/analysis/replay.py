"""One run after some epochs, as the chain rule and the curves take it up; no grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.kernels import descent
from harness.training.variants import Variant, make_counts, make_rows, start


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One run after some epochs: theta and velocity of shape (P,), learning rate of each layer."""

    theta: NDArray[np.float64]
    velocity: NDArray[np.float64]
    rates: NDArray[np.float64]
    momentum: float
    status: str
    epochs: int


def state_after(variant: Variant, epochs: int) -> State:
    """Train the one run of an experiment without a grid for some epochs at most."""
    plan = variant.plan._replace(epochs=epochs)
    runs, rows = start(variant, {}, 1), make_rows(1, plan.recorded.size, False)
    stop, progress = np.zeros(1, dtype=np.uint8), make_counts(1)[0]
    descent.train(variant.architecture, variant.data, plan, runs, rows, stop, progress)
    return State(
        theta=runs.theta[0],
        velocity=runs.velocity[0],
        rates=runs.rates[0],
        momentum=float(runs.momentum[0]),
        status=descent.STATUSES[rows.status[0]],
        epochs=int(rows.epochs[0]),
    )
