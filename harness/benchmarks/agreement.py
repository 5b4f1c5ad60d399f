"""Agreement: the only place that decides whether a baseline trains the same as harness.

The SSR must agree with that of harness in double precision in every run that is not chaotic: to a
relative 1e-9, or 1e-3 if the job is in single precision. A run is chaotic if harness itself, in the
precision of the job and with initial parameters larger by one part in 10^14, ends more than a
hundredth of that apart: there the order of a sum decides, and no two programs agree. An SSR below a
tenth of that, relative to the first SSR of its run, counts as a tenth, because residuals that small
consist of rounding errors. A run that blows up, to more than 10^6 times its first SSR, must only
blow up in the baseline too: its units are saturated, and slopes of 1e-40 that a baseline rounds to
0 meet errors of 1e40.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.benchmarks.job import Floats, Job, ssr_of, train
from harness.experiment import Experiment

Flags = NDArray[np.bool_]

_AGREES = {"float64": 1e-9, "float32": 1e-3}
# These two are multiples of it.
_STEADY = 0.01
_FLOOR = 0.1
_NUDGE = 1e-14
_BLOWN = 1e6
_ENOUGH = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Result of harness in double precision.

    Attributes
    ----------
    ssr : array of shape (runs, kept)
        SSR of each run.
    steady : array of bool
        Which runs are not chaotic.
    first : array
        First SSR of each run.
    run_epochs : int
        Epochs of all runs together.
    agrees : float
        The largest difference of a baseline that trains the same.
    """

    ssr: Floats
    steady: Flags
    first: Floats
    run_epochs: int
    agrees: float


def truth(job: Job) -> Truth:
    """Train a job in double precision, and in its own from initial parameters slightly off."""
    exact, nudged = job.experiment.document(), job.experiment.document()
    exact["training"]["precision"] = "float64"
    nudged.setdefault("initialisation", {})
    nudged["initialisation"]["scale"] = job.experiment.initialisation.scale * (1.0 + _NUDGE)
    block, other = (
        train(Experiment.from_mapping(document, data=job.experiment.source))
        for document in (exact, nudged)
    )
    ssr, first = ssr_of(block, job.recorded), np.array(block.runs["ssr_initial"])
    agrees = _AGREES[job.experiment.training.precision]
    apart = _apart(ssr_of(other, job.recorded), ssr, _FLOOR * agrees * first)
    return Truth(
        ssr=ssr,
        steady=apart <= _STEADY * agrees,
        first=first,
        run_epochs=int(np.sum(block.runs["epochs"])),
        agrees=agrees,
    )


def largest_difference(found: Floats, right: Truth) -> float:
    """Return the largest relative difference in SSR among steady runs; NaN counts as inf.

    The result is also inf if fewer than a quarter of the runs are steady: they prove little.
    """
    if found.shape != right.ssr.shape or right.steady.mean() < _ENOUGH:
        return np.inf
    apart = _apart(found, right.ssr, _FLOOR * right.agrees * right.first)
    blown = _blown(right.ssr, right.first)
    apart[blown] = np.where(_blown(found, right.first), 0.0, np.inf)[blown]
    apart[np.isnan(apart)] = np.inf
    return float(np.max(apart[right.steady], initial=0.0))


def _blown(ssr: Floats, first: Floats) -> Flags:
    """Return which runs ended far above their first SSR, or with NaN."""
    return ~(ssr[:, -1] <= _BLOWN * first)


def _apart(found: Floats, right: Floats, floor: Floats) -> Floats:
    """Return the largest relative difference of each run, over its kept values.

    A value below the floor of its run counts as the floor.
    """
    with np.errstate(all="ignore"):
        against = np.maximum(np.abs(right), floor[:, np.newaxis])
        worst: Floats = (np.abs(found - right) / against).max(axis=1)
    return worst
