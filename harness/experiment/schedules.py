"""Schedules of the learning rate. A new schedule is one entry of `SCHEDULES`.

A schedule is a function that makes the factors on the learning rate for all epochs of a run. Their
bits are the same on every machine. Kernels read them from an array.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.experiment.trigonometry import sin_cos
from harness.kernels.settings import Setting

Floats = NDArray[np.float64]
Settings = Mapping[str, Any]

CONSTANT = "constant"

# The factors of all epochs are held in memory.
MOST_EPOCHS = 10_000_000


class Schedule(NamedTuple):
    """A schedule: its factors, and the settings that they depend on."""

    factors: Callable[[int, Settings], Floats]  # number of epochs, settings -> one for each epoch
    settings: tuple[Setting, ...] = ()
    ends: bool = False  # whether the factors depend on the number of epochs


def _powers(factor: float, exponents: NDArray[np.int64]) -> Floats:
    """Return powers by repeated multiplication, in the order of the definition."""
    powers: Floats = np.full(exponents.max(initial=0) + 1, factor)
    powers[0] = 1.0
    np.multiply.accumulate(powers, out=powers)
    return np.take(powers, exponents)


def _cosine(first: float, last: float, progress: Floats) -> Floats:
    """Return factors that fall, or rise, along half a period of the cosine."""
    cosine = sin_cos(0.5 * progress)[1]
    return last + 0.5 * (first - last) * (1.0 + cosine)


def _step(epochs: int, settings: Settings) -> Floats:
    return _powers(settings["schedule_factor"], np.arange(epochs) // settings["schedule_every"])


def _exponential(epochs: int, settings: Settings) -> Floats:
    return _powers(settings["schedule_factor"], np.arange(epochs))


def _linear(epochs: int, settings: Settings) -> Floats:
    fall: float = settings["schedule_final"] - 1.0
    return 1.0 + fall * (np.arange(epochs) / max(epochs, 1))


def _cosine_annealing(epochs: int, settings: Settings) -> Floats:
    return _cosine(1.0, settings["schedule_final"], np.arange(epochs) / max(epochs, 1))


def _one_cycle(epochs: int, settings: Settings) -> Floats:
    peak, last = settings["schedule_rise"] * epochs - 1.0, epochs - 1.0
    epoch = np.arange(epochs, dtype=np.float64)
    rising = epoch <= peak
    risen = epoch[rising] / peak if peak else np.ones(1)  # PyTorch divides by 0
    up = _cosine(settings["schedule_initial"], 1.0, risen)
    down = _cosine(1.0, settings["schedule_final"], (epoch[~rising] - peak) / (last - peak))
    return np.concatenate([up, down])


def _factor(default: float, says: str) -> Setting:
    allowed = "a number above 0 and at most 1000"
    return Setting(
        "schedule_factor", default=default, says=says, allowed=allowed, above=0.0, below=1000.0
    )


def _final(default: float) -> Setting:
    return Setting(
        "schedule_final",
        default=default,
        says="factor on the learning rate at the end of the schedule",
        allowed="a finite number of at least 0",
        at_least=0.0,
    )


# The formulas are those of PyTorch's schedulers StepLR, ExponentialLR, LinearLR, CosineAnnealingLR
# (Loshchilov and Hutter 2017, equation 5, without restarts) and OneCycleLR (Smith and Topin 2018).
SCHEDULES: dict[str, Schedule] = {
    CONSTANT: Schedule(lambda epochs, settings: np.ones(epochs)),
    "step": Schedule(
        _step,
        (
            Setting(
                "schedule_every",
                default=100,
                says="number of epochs after which the learning rate is multiplied",
                allowed="a whole number of at least 1",
                at_least=1,
                whole=True,
            ),
            _factor(0.1, "factor on the learning rate, each time that it is multiplied"),
        ),
    ),
    "exponential": Schedule(
        _exponential, (_factor(0.99, "factor on the learning rate, each time"),)
    ),
    "linear": Schedule(_linear, (_final(0.0),), ends=True),
    "cosine": Schedule(_cosine_annealing, (_final(0.0),), ends=True),
    "one_cycle": Schedule(
        _one_cycle,
        (
            Setting(
                "schedule_initial",
                default=0.04,
                says="factor on the learning rate in the first epoch",
                allowed="a finite number of at least 0",
                at_least=0.0,
            ),
            Setting(
                "schedule_rise",
                default=0.3,
                says="share of the epochs in which the learning rate rises",
                allowed="a number above 0 and below 1",
                above=0.0,
                below=1.0,
            ),
            _final(4e-6),
        ),
        ends=True,
    ),
}


def schedule_factors(
    schedule: str | tuple[float, ...], settings: Settings, epochs: int, warm_up: int
) -> Floats:
    """Return the factors on the learning rate, one for each epoch.

    Parameters
    ----------
    schedule : str or tuple of float
        One of `SCHEDULES`, or the factors themselves.
    settings : mapping
        Settings of the schedule by name.
    epochs : int
        Number of epochs of a run.
    warm_up : int
        Number of epochs in which the factor rises from 1 / warm_up to 1 (Goyal et al. 2017, section
        2.2). The schedule begins after them.

    Examples
    --------
    >>> schedule_factors("linear", {"schedule_final": 0.0}, 6, 2).tolist()
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    if not isinstance(schedule, str):
        return np.array(schedule)
    rising = np.arange(1, min(warm_up, epochs) + 1) / max(warm_up, 1)
    return np.concatenate([rising, SCHEDULES[schedule].factors(epochs - rising.size, settings)])
