"""Plan of a sweep: its runs, updates and chunks, and estimates of time, memory and disk space."""

import math
import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.calls import check_whole
from harness.experiment import Experiment, check_experiment
from harness.kernels.descent import Done
from harness.store.csv_files import MAX_CSV_ROWS
from harness.sweeps.chunks import SweepSize, chunk_size, sweep_size
from harness.sweeps.engines.threads import available_threads
from harness.training.buffers import make_counts, start
from harness.training.evaluation import sharpness
from harness.training.trainer import Trainer

# Runs of the first measurement of time: a group of lanes.
_FIRST_RUNS = 8

# The most bytes per value on disk that were measured: docs/decisions/0006.
_PARQUET_BYTES = 4.9
_CSV_BYTES = 15.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Size and estimated cost of a sweep.

    Attributes
    ----------
    runs, updates, trajectory_rows : int
        Number of runs and, if no run ends early, of parameter updates and of recorded epochs.
    chunk_size, chunks : int
        Runs per chunk and number of chunks. They depend on the experiment only.
    threads : int
        Number of threads that `seconds` is for.
    seconds : float
        Estimated training time, measured on a few runs.
    memory_bytes, disk_bytes : float
        Estimated memory of the chunks in progress, and size of the results folder.
    """

    runs: int
    updates: int
    trajectory_rows: int
    chunk_size: int
    chunks: int
    threads: int
    seconds: float
    memory_bytes: float
    disk_bytes: float


def plan(experiment: Experiment, *, threads: int | None = None) -> Plan:
    """Plan a sweep; the time is measured on a few of its runs.

    Parameters
    ----------
    experiment : Experiment
        The experiment to train.
    threads : int, optional
        Number of threads; by default all processors.
    """
    check_experiment(experiment)
    if threads is None:
        threads = available_threads()
    threads = check_whole("threads", threads, 1, "Leave it out for all processors.")
    trainer = Trainer(experiment)
    size = sweep_size(trainer)
    runs_per_chunk = chunk_size(trainer)
    columns = len(trainer.compile().runs) * size.runs
    trajectories = len(trainer.columns.trajectories) * size.rows
    values = columns + trajectories
    held = columns + (3 + trainer.columns.held) * size.rows
    in_progress = min(2 * threads * runs_per_chunk, size.runs) / size.runs
    csv = sum(
        values for values, rows in ((columns, size.runs), (trajectories, size.rows))
        if rows < MAX_CSV_ROWS
    )  # fmt: skip
    return Plan(
        runs=size.runs,
        updates=size.updates,
        trajectory_rows=size.rows,
        chunk_size=runs_per_chunk,
        chunks=math.ceil(size.runs / runs_per_chunk),
        threads=threads,
        seconds=(_training_seconds(trainer, size) + _sharpness_seconds(trainer, size)) / threads,
        memory_bytes=8.0 * held * in_progress * 2,
        disk_bytes=_PARQUET_BYTES * values + _CSV_BYTES * csv,
    )


def _sharpness_seconds(trainer: Trainer, size: SweepSize) -> float:
    """Estimate the time of all sharpnesses on one thread from the first one of the first run."""
    if not trainer.experiment.record.sharpness:
        return 0.0
    variant = trainer.variant(0)
    runs = start(variant, trainer.experiment.grid.columns(np.zeros(1, dtype=np.int64)), 1)
    began = time.perf_counter()
    sharpness(variant, runs.theta, runs.settings, np.zeros(1, dtype=np.uint8))
    return (time.perf_counter() - began) * size.rows


def _without_sharpness(trainer: Trainer) -> Trainer:
    """Return a trainer of the same runs that measures no sharpness."""
    if not trainer.experiment.record.sharpness:
        return trainer
    document = trainer.experiment.document()
    document["record"]["sharpness"] = False
    return Trainer(Experiment.from_mapping(document, data=trainer.experiment.source))


def _training_seconds(trainer: Trainer, size: SweepSize) -> float:
    """Estimate the training time on one thread, without sharpness, from runs across the grid.

    At each of 8 points, the number of runs grows until they take 50 ms, so that the cost of a call
    is shared as in a sweep. Training is stopped after a quarter of a second; if that stops any run,
    the estimate is per update instead of per run.
    """
    trainer = _without_sharpness(trainer)
    taken = 0.0
    counted = make_counts(1)[0]
    all_ended = True
    for first in np.unique(np.linspace(0, size.runs - 1, 8).astype(np.int64)).tolist():
        count = _FIRST_RUNS
        _time(trainer, first, min(first + 1, size.runs))  # compiles
        while True:
            last = min(first + count, size.runs)
            ended, seconds, counts = _time(trainer, first, last)
            if not ended or seconds > 0.05 or last == size.runs:
                break
            count *= 4
        all_ended &= ended
        taken += seconds
        counted += counts
    runs, updates = int(counted[Done.RUNS]), int(counted[Done.UPDATES])
    if all_ended:
        return taken / runs * size.runs
    return taken / max(updates, 1) * size.updates


def _time(trainer: Trainer, first: int, last: int) -> tuple[bool, float, NDArray[np.int64]]:
    """Train a range of runs for at most a quarter of a second.

    Return whether all of them ended, the seconds that they took, and the kernel's counts.
    """
    stop, counts = np.zeros(1, dtype=np.uint8), make_counts(1)[0]
    alarm = threading.Timer(0.25, stop.fill, (1,))
    alarm.start()
    began = time.perf_counter()
    trained = trainer.train(first, last, stop, counts)
    seconds = time.perf_counter() - began
    alarm.cancel()
    return trained is not None, seconds, counts
