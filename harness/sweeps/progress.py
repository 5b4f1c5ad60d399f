"""Progress of a sweep, counted by chunk: runs, updates and time left."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.kernels.descent import Done
from harness.store import Store
from harness.training.buffers import make_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Progress of a sweep.

    Attributes
    ----------
    runs, runs_done : int
        Runs of the sweep, and those that have ended, in this call or before.
    runs_reused : int
        Runs that this call took over from a smaller grid.
    updates_done : int
        Updates in this call.
    seconds, seconds_left : float
        Time since training began in this call, and estimated time left; NaN at first.
    """

    runs: int
    runs_done: int
    runs_reused: int
    updates_done: int
    seconds: float
    seconds_left: float


class ChunkCounters:
    """Counters of the missing chunks of a folder. Training threads write to them directly."""

    def __init__(self, store: Store, missing: list[int]) -> None:
        self._counts = make_counts(len(missing))
        self._row_of = {chunk: row for row, chunk in enumerate(missing)}
        self._reused = 0
        self._runs = store.manifest.runs
        self._missing_runs = sum(len(store.chunk_runs(chunk)) for chunk in missing)

    def of(self, chunk: int) -> NDArray[np.int64]:
        """Return the counters of a chunk, as `Trainer.train` needs them."""
        counts: NDArray[np.int64] = self._counts[self._row_of[chunk]]
        return counts

    def add(self, chunk: int, counts: NDArray[np.int64], reused: int) -> None:
        """Enter the final counts of a chunk, and its number of reused runs."""
        self.of(chunk)[:] = counts
        self._reused += reused

    def progress(self, seconds: float) -> Progress:
        """Return the progress after some seconds of training."""
        done, updates = self._counts[:, [Done.RUNS, Done.UPDATES]].sum(axis=0).tolist()
        left = self._missing_runs - done
        return Progress(
            runs=self._runs,
            runs_done=self._runs - left,
            runs_reused=self._reused,
            updates_done=updates,
            seconds=seconds,
            seconds_left=seconds / done * left if done else math.nan,
        )
