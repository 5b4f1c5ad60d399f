"""The speed comparison as a pytest-benchmark suite.

    pytest --pyargs harness.benchmarks -k "dosage and numpy" --benchmark-compare

A test trains one workload with one baseline, on the processor cores that its process may use. Its
number of runs and epochs does not depend on the machine, so times can be compared with those of
another day. Times of two baselines cannot: compare their run-epochs per second, as `harness bench`
does. `extra_info` has the number of run-epochs, whether the SSR agrees with that of harness, and
CPU times: `start_up_seconds` to import a baseline and train a first network, `warm_up_seconds` to
compile each further one. `harness bench` runs the suite without machine code on disk.
"""

import math
import os
import time
from functools import cache, lru_cache

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.benchmarks.agreement import Truth, largest_difference, truth
from harness.benchmarks.baselines import BASELINES, OURS, Baseline, Train
from harness.benchmarks.job import Job, make_job
from harness.benchmarks.port_limit import port_limit
from harness.benchmarks.workloads import QUICK_VARIABLE, WORKLOADS, Workload
from harness.sweep.engines.threads import available_threads

# JAX and PyTorch have warnings that we cannot mend.
pytestmark = pytest.mark.filterwarnings("default")

# A timing repeats its training until it takes about this many seconds.
_LEAST_SECONDS = 0.1
# The curve of a baseline that trains one network at a time ends where a training takes longer.
_MOST_SECONDS = 1.5

# A network of a curve, so that the kernels of all other workloads have yet to be compiled.
_FIRST = WORKLOADS["by-points"][0]

_CASES = [
    pytest.param(
        workload,
        baseline,
        id=f"{workload.label}-{name}",
        marks=pytest.mark.skipif(bool(baseline.missing), reason=f"{baseline.missing} is missing"),
    )
    for workloads in WORKLOADS.values()
    for workload in workloads
    for name, baseline in BASELINES.items()
    if baseline.trains(workload.experiment(1))
]


@pytest.mark.parametrize(("workload", "baseline"), _CASES)
def test_speed(request: pytest.FixtureRequest, workload: Workload, baseline: Baseline) -> None:
    """Time a baseline on a workload, and note how far its SSR is from that of harness."""
    start_up = _start_up(baseline)
    runs, epochs = _size(workload, baseline)
    job = make_job(workload.experiment(runs, epochs=epochs), available_threads())
    if workload.point is not None and baseline.one_at_a_time:
        few = min(10, epochs)
        *_, seconds = _prepare(make_job(workload.experiment(1, epochs=few)), baseline)
        if seconds * runs * epochs / few > _MOST_SECONDS:
            pytest.skip(f"takes more than {_MOST_SECONDS} s, so its curve ends before this point")
    train, warm_up, seconds = _prepare(job, baseline)
    expected = _truth(workload, runs, epochs)
    difference = largest_difference(train(), expected)

    # Not an argument of the test: pytest-benchmark warns if a skipped test has not used it.
    benchmark: BenchmarkFixture = request.getfixturevalue("benchmark")
    benchmark.group = workload.label
    benchmark.extra_info.update(
        workload=workload.name,
        point=workload.point,
        baseline=baseline.name,
        threads=available_threads(),
        runs=runs,
        epochs=epochs,
        run_epochs=expected.run_epochs,
        largest_difference=difference,
        runs_compared=int(expected.steady.sum()),
        agrees=difference <= expected.agrees,
        port_limit=port_limit(job) if baseline.name == OURS else None,
        start_up_seconds=start_up,
        warm_up_seconds=warm_up,
    )
    benchmark.pedantic(
        train,
        rounds=request.config.getoption("benchmark_min_rounds"),
        iterations=math.ceil(_LEAST_SECONDS / seconds),
    )


def _size(workload: Workload, baseline: Baseline) -> tuple[int, int]:
    """Return the runs and epochs of a training."""
    if workload.point is not None:
        return workload.runs, workload.epochs
    fewer = max(1, workload.epochs // 10)
    if baseline.one_at_a_time:  # it is as fast with one network as with many
        return 1, fewer
    runs = workload.runs if baseline.name == OURS else workload.batch
    return runs, fewer if QUICK_VARIABLE in os.environ else workload.epochs


@cache
def _start_up(baseline: Baseline) -> float:
    """Return the CPU seconds to import a baseline and train a first network."""
    began = time.process_time()
    baseline.prepare(make_job(_FIRST.experiment(1, epochs=1)))()
    return time.process_time() - began


def _prepare(job: Job, baseline: Baseline) -> tuple[Train, float, float]:
    """Return a function that trains, the CPU seconds of compilation, and the seconds of a call."""
    began = time.process_time()
    train = baseline.prepare(job)
    train()
    first = time.process_time() - began
    began_cpu, began = time.process_time(), time.perf_counter()
    train()
    second = time.process_time() - began_cpu
    return train, max(0.0, first - second), time.perf_counter() - began


# Baselines of a workload follow one another, and most have the same size.
@lru_cache(maxsize=3)
def _truth(workload: Workload, runs: int, epochs: int) -> Truth:
    return truth(make_job(workload.experiment(runs, epochs=epochs)))
