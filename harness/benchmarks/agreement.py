"""Agreement: the only place that decides whether a baseline trains the same as harness.

The SSR must agree to a relative 1e-9 in every run that is not chaotic. A run is chaotic if harness
itself, with initial parameters larger by one part in 10^14, ends more than 1e-11 apart: there the
order of a sum decides, and no two programs agree. An SSR below 1e-10 of the first SSR of its run
counts as that, because residuals that small consist of rounding errors. A run that blows up, to
more than 10^6 times its first SSR, must only blow up in the baseline too: its units are saturated,
and slopes of 1e-40 that a baseline rounds to 0 meet errors of 1e40.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.benchmarks.job import Floats, Job, ssr_of, train
from harness.experiment import Experiment

Flags = NDArray[np.bool_]

AGREES = 1e-9
_STEADY = 1e-11
_NUDGE = 1e-14
_FLOOR = 1e-10
_BLOWN = 1e6
_ENOUGH = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Result of harness: SSR of shape (runs, kept), which runs are steady, and their first SSR."""

    ssr: Floats
    steady: Flags
    first: Floats
    run_epochs: int


def truth(job: Job) -> Truth:
    """Train a job with harness, and again from initial parameters slightly off."""
    block = train(job.experiment)
    document = job.experiment.document()
    started = document.setdefault("initialisation", {})
    started["scale"] = job.experiment.initialisation.scale * (1.0 + _NUDGE)
    nudged = train(Experiment.from_mapping(document, data=job.experiment.source))
    ssr, first = ssr_of(block, job.recorded), np.array(block.runs["ssr_initial"])
    apart = _apart(ssr_of(nudged, job.recorded), ssr, first)
    return Truth(
        ssr=ssr,
        steady=apart <= _STEADY,
        first=first,
        run_epochs=int(np.sum(block.runs["epochs"])),
    )


def largest_difference(found: Floats, right: Truth) -> float:
    """Return the largest relative difference in SSR among steady runs; NaN counts as inf.

    The result is also inf if fewer than a quarter of the runs are steady: they prove little.
    """
    if found.shape != right.ssr.shape or right.steady.mean() < _ENOUGH:
        return np.inf
    apart = _apart(found, right.ssr, right.first)
    blown = _blown(right.ssr, right.first)
    apart[blown] = np.where(_blown(found, right.first), 0.0, np.inf)[blown]
    apart[np.isnan(apart)] = np.inf
    return float(np.max(apart[right.steady], initial=0.0))


def _blown(ssr: Floats, first: Floats) -> Flags:
    """Return which runs ended far above their first SSR, or with NaN."""
    return ~(ssr[:, -1] <= _BLOWN * first)


def _apart(found: Floats, right: Floats, first: Floats) -> Floats:
    """Return the largest relative difference of each run, over its kept values."""
    with np.errstate(all="ignore"):
        against = np.maximum(np.abs(right), _FLOOR * first[:, np.newaxis])
        worst: Floats = (np.abs(found - right) / against).max(axis=1)
    return worst
