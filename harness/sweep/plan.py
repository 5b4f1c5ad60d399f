"""What a sweep will take: runs, updates, chunks; and, measured on a few runs, time and bytes."""

import math
import os
import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.calls import check_whole
from harness.experiment import Experiment, check_experiment
from harness.kernels.curvature import sharpness_of
from harness.store.csv_files import MAX_CSV_ROWS
from harness.training.buffers import make_counts, start
from harness.training.trainer import Trainer
from harness.training.variants import work_of

# A chunk is held in memory until it is written, twice for each thread.
_MOST_RUNS_A_CHUNK = 1 << 16
_MOST_ROWS_A_CHUNK = 1 << 20
# Multiply-adds in a chunk: some seconds on one core.
_WORK_A_CHUNK = 2 * 10**10
# Fewer runs would leave lanes idle at the end of each chunk; more chunks than these leave no thread
# idle at the end of the sweep.
_FEWEST_RUNS_A_CHUNK = 128
_ENOUGH_CHUNKS = 16
# Of a sweep of more chunks than these each is up to so many times as large: what a chunk costs
# beside its training, two files and on a cluster some milliseconds, counts then.
_MANY_CHUNKS = 1000
_LARGER = 4

# What time is measured on first: a group of lanes.
_FEW_RUNS = 8

# Bytes of a value on disk, the most that was measured: docs/decisions/0006.
_PARQUET_BYTES = 4.9
_CSV_BYTES = 15.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sweep will take, before anything is trained.

    Attributes
    ----------
    runs, updates, trajectory_rows : int
        Numbers of runs; and, if no run ends early, of parameter updates and of recorded epochs.
    threads : int
        Threads that `seconds` is for.
    chunk_size, chunks : int
        Runs of a chunk, and number of chunks. They depend on the experiment alone.
    kernels, kernels_with_lanes : int
        Networks and kinds of training that differ, and for how many of them runs are trained side
        by side; the runs of the others are too little work to compile for.
    seconds : float
        Estimated time of training, from a few runs that are trained for it.
    memory_bytes, disk_bytes : float
        Estimated memory of the rows in flight, and size of the results folder.
    """

    runs: int
    updates: int
    trajectory_rows: int
    chunk_size: int
    chunks: int
    threads: int
    kernels: int
    kernels_with_lanes: int
    seconds: float
    memory_bytes: float
    disk_bytes: float


def available_threads() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """Runs, updates, recorded epochs and multiply-adds of a whole sweep without early ends."""

    runs: int
    updates: int
    rows: int
    work: float


def _measure_size(trainer: Trainer) -> _Size:
    experiment = trainer.experiment
    variants = experiment.variant_grid.size
    runs = experiment.grid.size // variants
    updates = rows = 0
    work = 0.0
    for index in range(variants):
        variant = trainer.variant(index)
        updates += runs * variant.plan.epochs * variant.plan.updates
        rows += runs * variant.plan.recorded.size
        work += runs * work_of(variant)
    return _Size(runs=experiment.grid.size, updates=updates, rows=rows, work=work)


def chunk_size(trainer: Trainer) -> int:
    """Return the runs of a chunk: enough work to be worth a file, and few enough rows."""
    size = _measure_size(trainer)
    usual = _most_in_a_chunk(size, trainer.held, 1)
    fewest = max(_FEWEST_RUNS_A_CHUNK, math.ceil(size.runs / _ENOUGH_CHUNKS))
    if size.runs <= _MANY_CHUNKS * usual:
        return min(size.runs, usual, fewest)
    larger = _most_in_a_chunk(size, trainer.held, _LARGER)
    return max(usual, min(larger, math.ceil(size.runs / _MANY_CHUNKS)))


def _most_in_a_chunk(size: _Size, held: int, times: int) -> int:
    """Return the most runs of a chunk, or so many times as many."""
    by_work = _WORK_A_CHUNK * size.runs / size.work
    by_rows = _MOST_ROWS_A_CHUNK * size.runs / max(size.rows * held, size.rows, 1)
    return max(1, int(times * min(_MOST_RUNS_A_CHUNK, by_work, by_rows)))


def plan(experiment: Experiment, *, threads: int | None = None) -> Plan:
    """Return what a sweep will take; the time is measured on a few of its runs.

    Parameters
    ----------
    experiment : Experiment
        What would be trained.
    threads : int, optional
        Number of threads; all processors if left out.
    """
    check_experiment(experiment)
    if threads is None:
        threads = available_threads()
    threads = check_whole("threads", threads, 1, "Leave it out for all processors.")
    trainer = Trainer(experiment)
    variants = experiment.variant_grid.size
    size = _measure_size(trainer)
    runs_a_chunk = chunk_size(trainer)
    columns = len(trainer.compile().runs) * size.runs
    trajectories = (3 + len(trainer.kept)) * size.rows
    values = columns + trajectories
    held = columns + (3 + trainer.held) * size.rows
    in_flight = min(2 * threads * runs_a_chunk, size.runs) / size.runs
    csv = sum(
        values for values, rows in ((columns, size.runs), (trajectories, size.rows))
        if rows < MAX_CSV_ROWS
    )  # fmt: skip
    return Plan(
        runs=size.runs,
        updates=size.updates,
        trajectory_rows=size.rows,
        chunk_size=runs_a_chunk,
        chunks=math.ceil(size.runs / runs_a_chunk),
        threads=threads,
        kernels=variants,
        kernels_with_lanes=sum(trainer.has_lanes(trainer.variant(i)) for i in range(variants)),
        seconds=(_seconds(trainer, size) + _seconds_of_sharpness(trainer, size)) / threads,
        memory_bytes=8.0 * held * in_flight * 2,
        disk_bytes=_PARQUET_BYTES * values + _CSV_BYTES * csv,
    )


def _seconds_of_sharpness(trainer: Trainer, size: _Size) -> float:
    """Estimate what sharpness takes on one thread, from that of the first run's start."""
    if not trainer.experiment.record.sharpness:
        return 0.0
    variant = trainer.variant(0)
    theta = start(variant, trainer.experiment.grid.columns(np.zeros(1, dtype=np.int64)), 1).theta
    stop, found = np.zeros(1, dtype=np.uint8), np.empty(1)
    began = time.perf_counter()
    sharpness_of(variant.architecture, theta, variant.data, variant.plan.trains, stop, found)
    return (time.perf_counter() - began) * size.rows


def _without_sharpness(trainer: Trainer) -> Trainer:
    """Return a trainer of the same runs, in the same kernel, that does nothing else."""
    if not trainer.experiment.record.sharpness:
        return trainer
    document = trainer.experiment.document()
    document["record"]["sharpness"] = False
    data = trainer.experiment.data
    return Trainer(Experiment.from_mapping(document, data=data), lanes=1)


def _seconds(trainer: Trainer, size: _Size) -> float:
    """Estimate the time on one thread from runs at some places of the grid, without sharpness.

    At each of them ranges grow until one takes 50 ms, so that the cost of a call is shared as in a
    sweep. Where even one run takes longer than a quarter of a second it is stopped, and the time is
    taken by the update.
    """
    trainer = _without_sharpness(trainer)
    taken = 0.0
    counted = make_counts(1)[0]
    all_ended = True
    for first in np.unique(np.linspace(0, size.runs - 1, 8).astype(np.int64)).tolist():
        count = _FEW_RUNS
        _time(trainer, first, min(first + 1, size.runs))  # compiles
        while True:
            last = min(first + count, size.runs)
            ended, seconds, progress = _time(trainer, first, last)
            if not ended or seconds > 0.05 or last == size.runs:
                break
            count *= 4
        all_ended &= ended
        taken += seconds
        counted += progress
    runs, updates = int(counted[0]), int(counted[1])
    if all_ended:
        return taken / runs * size.runs
    return taken / max(updates, 1) * size.updates


def _time(trainer: Trainer, first: int, last: int) -> tuple[bool, float, NDArray[np.int64]]:
    """Train a range of runs for a quarter of a second at most.

    Return whether it came to its end, the seconds it took, and its runs and updates.
    """
    stop, progress = np.zeros(1, dtype=np.uint8), make_counts(1)[0]
    alarm = threading.Timer(0.25, stop.fill, (1,))
    alarm.start()
    began = time.perf_counter()
    block = trainer.train(first, last, stop, progress)
    seconds = time.perf_counter() - began
    alarm.cancel()
    return block is not None, seconds, progress
