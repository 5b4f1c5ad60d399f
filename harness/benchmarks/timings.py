"""What pytest-benchmark times: every baseline on every workload of a plan, round after round.

`worker` has pytest collect this file. A round goes through all baselines, so that a machine that is
slow for a while is slow for all of them. The first round finds how many runs a baseline trains in
the time of a timing, and compares what it trains with harness.
"""

import math
import time
from dataclasses import dataclass

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.benchmarks.agreement import AGREES, Truth, largest_difference, truth
from harness.benchmarks.baselines import BASELINES, OURS, Baseline, Train
from harness.benchmarks.job import Job, make_job
from harness.benchmarks.timing_plan import Plan
from harness.benchmarks.workloads import Workload

PLAN = Plan.of_environment()
CASES = [
    pytest.param(workload, BASELINES[name], turn, id=f"{workload.label}, {name}, round {turn}")
    for workload in PLAN.chosen()
    for turn in range(PLAN.rounds)
    for name in PLAN.baselines
]

# A point of a curve is left out where one network at a time would take longer.
_MOST_SECONDS = 1.5
# How often a size is corrected by the time it took.
_GUESSES = 3
# How many times as long a timing may take that would be unfair with fewer runs.
_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class _Made:
    job: Job
    train: Train
    warm_up: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Ready:
    """A baseline that has its size; `info` is what the tables need to know."""

    train: Train
    repeats: int
    info: dict[str, object]


# Of the workload at hand only: they hold its arrays. Baselines of the same size share the truth.
_READY: dict[tuple[Workload, str], _Ready | None] = {}
_TRUTHS: dict[tuple[int, int], Truth] = {}


@pytest.mark.parametrize(("workload", "baseline", "turn"), CASES)
def test_speed(
    request: pytest.FixtureRequest, workload: Workload, baseline: Baseline, turn: int
) -> None:
    """Time one training, where the curve of the baseline has not ended before this point."""
    key = workload, baseline.name
    if key not in _READY:
        if any(other != workload for other, _ in _READY):
            _READY.clear()
            _TRUTHS.clear()
        _READY[key] = _get_ready(workload, baseline)
    ready = _READY[key]
    if ready is None:
        return
    benchmark: BenchmarkFixture = request.getfixturevalue("benchmark")
    benchmark.extra_info.update(ready.info, turn=turn)
    benchmark.pedantic(ready.train, rounds=1, iterations=ready.repeats)


def _get_ready(workload: Workload, baseline: Baseline) -> _Ready | None:
    made = _on_a_curve(workload, baseline) if workload.runs else _sized(workload, baseline)
    if made is None:
        return None
    size = made.job.runs, made.job.epochs
    right = _TRUTHS.get(size) or _TRUTHS.setdefault(size, truth(made.job))
    difference = largest_difference(made.train(), right)
    return _Ready(
        made.train,
        max(1, math.ceil(PLAN.seconds / 4 / made.seconds)),
        {
            "workload": workload.name,
            "point": workload.point,
            "baseline": baseline.name,
            "threads": PLAN.threads,
            "runs": made.job.runs,
            "epochs": made.job.epochs,
            "run_epochs": right.run_epochs,
            "largest_difference": difference,
            "runs_compared": int(right.steady.sum()),
            "agrees": difference <= AGREES,
            "warm_up_seconds": made.warm_up,
        },
    )


def _on_a_curve(workload: Workload, baseline: Baseline) -> _Made | None:
    """Make a point of a curve; None where the curve ends before it, because it takes too long."""
    runs = workload.runs or 1
    if baseline.one_at_a_time:
        few = min(10, workload.epochs)
        tried = _make(workload, baseline, 1, few)
        expected = tried.seconds * runs * workload.epochs / few
        if expected > _MOST_SECONDS:
            return None
    return _make(workload, baseline, runs, workload.epochs)


def _sized(workload: Workload, baseline: Baseline) -> _Made:
    """Find the size that takes the time of a timing, from a guess that is rather too small."""
    size = _size(workload, baseline, PLAN.seconds / 2 * baseline.speed / workload.work)
    made = _make(workload, baseline, *size)
    near = 4.0 if PLAN.quick else 1.6
    for _ in range(_GUESSES):
        if 1.0 / near < made.seconds / PLAN.seconds < near:
            break
        run_epochs = made.job.runs * made.job.epochs
        better = _size(workload, baseline, PLAN.seconds * run_epochs / made.seconds)
        if better == size:
            break
        size = better
        made = _make(workload, baseline, *size)
    return made


def _size(workload: Workload, baseline: Baseline, run_epochs: float) -> tuple[int, int]:
    """Return runs and epochs that come to so many run-epochs.

    What trains many at once gets many at once, for some times as long if need be and then for
    fewer epochs; but not where runs end early, because then fewer would end. One network at a
    time is as fast with one.
    """
    alone = baseline.one_at_a_time
    least = 1 if alone else workload.batch
    if baseline.name == OURS:
        least = max(least, workload.least_runs)
    runs = int(min(max(run_epochs / workload.epochs, least), workload.most_runs))
    if workload.ends_early and not alone:
        return runs, workload.epochs
    patience = 1 if alone else _PATIENCE
    return runs, max(1, min(workload.epochs, int(patience * run_epochs / runs)))


def _make(workload: Workload, baseline: Baseline, runs: int, epochs: int) -> _Made:
    job = make_job(workload.experiment(runs, epochs=epochs), PLAN.threads)
    began = time.perf_counter()
    train = baseline.prepare(job)
    train()
    warm = time.perf_counter()
    train()
    return _Made(job, train, warm - began, time.perf_counter() - warm)
