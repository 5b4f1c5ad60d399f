"""How far a sweep is: counted chunk by chunk, and told as runs, updates and time left."""

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.store import Store
from harness.sweep.chunk_task import Outcome
from harness.training.buffers import make_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a sweep is.

    Attributes
    ----------
    runs, runs_done : int
        Runs of the sweep, and those that have ended, in this call or before.
    runs_reused : int
        Runs that this call took over from a smaller grid.
    updates_done : int
        Updates of this call.
    seconds, seconds_left : float
        Time of this call, and what is left of it; NaN before anything is known.
    """

    runs: int
    runs_done: int
    runs_reused: int
    updates_done: int
    seconds: float
    seconds_left: float


class Tally:
    """What of the missing chunks is done; threads count while they train."""

    def __init__(self, store: Store, missing: list[int]) -> None:
        self._counts = make_counts(len(missing))
        self._row_of = {chunk: row for row, chunk in enumerate(missing)}
        self._reused = 0
        self._runs = store.manifest.runs
        self._here = sum(len(store.chunk_runs(chunk)) for chunk in missing)
        self._began = time.perf_counter()

    def of(self, chunk: int) -> NDArray[np.int64]:
        """Return where a chunk is counted, as `Trainer.train` does it."""
        counts: NDArray[np.int64] = self._counts[self._row_of[chunk]]
        return counts

    def add(self, chunk: int, outcome: Outcome) -> None:
        """Count a chunk that has ended."""
        self.of(chunk)[:] = outcome.counts
        self._reused += outcome.reused

    def progress(self) -> Progress:
        """Return how far the sweep is."""
        done, updates = self._counts[:, :2].sum(axis=0).tolist()
        seconds = time.perf_counter() - self._began
        return Progress(
            runs=self._runs,
            runs_done=self._runs - self._here + done,
            runs_reused=self._reused,
            updates_done=updates,
            seconds=seconds,
            seconds_left=seconds / done * (self._here - done) if done else math.nan,
        )
