"""Size of a chunk: enough work to be worth its files, and few enough rows to be held in memory.

It depends on the experiment only, so that chunks are the same wherever a sweep is resumed.
"""

import math
from dataclasses import dataclass

from harness.training.trainer import Trainer
from harness.training.variants import work_of

# Each thread holds two chunks in memory until they are written.
MAX_RUNS = 1 << 16
MAX_ROWS = 1 << 20
# Multiply-adds in a chunk: some seconds on one core.
MAX_WORK = 2 * 10**10
# Smaller chunks would leave lanes idle at their ends; with more chunks than `ENOUGH_CHUNKS`, no
# thread is idle at the end of the sweep.
MIN_RUNS = 128
ENOUGH_CHUNKS = 16
# In a sweep of more than `MANY_CHUNKS` chunks, the cost of a chunk beside its training counts: two
# files and, on a cluster, some milliseconds. Its chunks are up to `MAX_ENLARGEMENT` times as large.
MANY_CHUNKS = 1000
MAX_ENLARGEMENT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSize:
    """Runs, updates, recorded epochs and multiply-adds of a sweep in which no run ends early."""

    runs: int
    updates: int
    rows: int
    work: float


def sweep_size(trainer: Trainer) -> SweepSize:
    """Return the size of the sweep of a trainer's experiment."""
    experiment = trainer.experiment
    updates = rows = 0
    work = 0.0
    for index, runs in enumerate(experiment.variants.counts().tolist()):
        variant = trainer.variant(index)
        updates += runs * variant.plan.epochs * variant.plan.updates
        rows += runs * variant.plan.recorded.size
        work += runs * work_of(variant)
    return SweepSize(runs=experiment.grid.size, updates=updates, rows=rows, work=work)


def chunk_size(trainer: Trainer) -> int:
    """Return the number of runs per chunk."""
    size = sweep_size(trainer)
    usual = _largest_chunk(size, trainer.columns.held)
    smallest = max(MIN_RUNS, math.ceil(size.runs / ENOUGH_CHUNKS))
    if size.runs <= MANY_CHUNKS * usual:
        return min(size.runs, usual, smallest)
    enlarged = _largest_chunk(size, trainer.columns.held, MAX_ENLARGEMENT)
    return max(usual, min(enlarged, math.ceil(size.runs / MANY_CHUNKS)))


def _largest_chunk(size: SweepSize, held: int, enlargement: int = 1) -> int:
    """Return the most runs that stay within all limits."""
    by_work = MAX_WORK * size.runs / size.work
    by_rows = MAX_ROWS * size.runs / max(size.rows * held, size.rows, 1)
    return max(1, int(enlargement * min(MAX_RUNS, by_work, by_rows)))
