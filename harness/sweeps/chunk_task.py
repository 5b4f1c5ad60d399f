"""Training of one chunk of a sweep: trained, encoded and committed, here or on another machine."""

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ClusterError
from harness.experiment import Experiment
from harness.kernels.descent import Done
from harness.store import Manifest, Origin, PackedChunk, Store
from harness.store.encoding import Columns
from harness.store.lock import is_written_by
from harness.sweeps import provenance
from harness.sweeps.engines import KEPT
from harness.sweeps.reuse import FormerGenerations
from harness.training.buffers import make_counts
from harness.training.trainer import Trainer


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedChunk:
    """Result of training a chunk."""

    counts: NDArray[np.int64]  # of `Trainer.train`
    reused: int  # runs taken over from a smaller grid
    packed: PackedChunk | None  # None if the chunk has been committed


class ChunkTask:
    """Trains chunks of one sweep; engines call it with chunk numbers.

    It can be pickled, and makes its trainer again where it is unpickled.

    Parameters
    ----------
    trainer : Trainer
        Trainer of the sweep.
    store : Store
        The results folder. Another machine may see it under the same name.
    token : str
        Token of the process that writes into the folder.
    trains_at_once : int, optional
        How many chunks a process trains at once, however many threads it has: the other threads
        encode, write, and wait for the disk. By default as many as it is called with.
    """

    def __init__(
        self, trainer: Trainer, store: Store, token: str, *, trains_at_once: int | None = None
    ) -> None:
        self._trainer = trainer
        self._store = store
        self._token = token
        self._trains_at_once = trains_at_once
        self._preparing = threading.Lock()
        self._may_train = (
            nullcontext() if trains_at_once is None else threading.Semaphore(trains_at_once)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        trainer, store = self._trainer, self._store
        folder = store.folder.absolute()  # the other process may have another current folder
        made_of = trainer.experiment, trainer.lanes, folder, store.manifest
        return _unpickled, (*made_of, self._token, self._trains_at_once)

    @cached_property
    def _former(self) -> FormerGenerations:
        # A machine that does not see the chunks of a smaller grid trains their runs again.
        stores = self._store.earlier() if self._sees_folder() else []
        return FormerGenerations(self._trainer, stores)

    def _sees_folder(self) -> bool:
        return is_written_by(self._store.folder, self._token)

    def prepare(self) -> None:
        """Compile the first kernel, once per process, however many threads ask for it.

        Raises
        ------
        ClusterError
            This process has other code than the one that made the task.
        """
        with self._preparing:
            if "_former" in self.__dict__:
                return
            manifest = self._store.manifest
            if provenance.code_stamp() != manifest.code:
                raise ClusterError(
                    f"{provenance.worker()} has other code than the process that runs the sweep"
                    f" ({provenance.code_difference(manifest.versions)}), so its numbers may differ"
                    " in the last bits.\n"
                    f"Install the same harness, numba and llvmlite there. {KEPT}"
                )
            self._trainer.compile()
            _ = self._former

    def __call__(
        self,
        chunk: int,
        counts: NDArray[np.int64] | None = None,
        stop: NDArray[np.uint8] | None = None,
    ) -> TrainedChunk | None:
        """Train a chunk, and commit it if this process sees the folder.

        Parameters
        ----------
        chunk : int
            Number of the chunk.
        counts, stop : array, optional
            Arguments of `Trainer.train`, shared with another thread.

        Returns
        -------
        TrainedChunk or None
            None if training was stopped.
        """
        self.prepare()
        counts = make_counts(1)[0] if counts is None else counts
        stop = np.zeros(1, dtype=np.uint8) if stop is None else stop
        runs = self._store.chunk_runs(chunk)
        known = self._former.reused_runs(runs.start, runs.stop)
        with self._may_train:
            began = time.perf_counter()
            trained = self._trainer.train(runs.start, runs.stop, stop, counts, known)
            seconds = time.perf_counter() - began
        if trained is None:
            return None
        reused = int(known.there.sum())
        origin = Origin(
            worker=provenance.worker(),
            code=provenance.code_stamp(),
            finished=provenance.now(),
            seconds=round(seconds, 6),
            reused_runs=reused,
            lane_passes=int(counts[Done.LANE_PASSES]),
            run_passes=int(counts[Done.RUN_PASSES]),
        )
        tables: Mapping[str, Iterable[Columns]] = {
            "runs": [trained.runs],
            "trajectories": trained.trajectories,
        }
        packed = self._store.pack(chunk, tables, origin)
        sees_folder = self._sees_folder()
        if sees_folder:
            self._store.commit(packed)
        return TrainedChunk(counts=counts, reused=reused, packed=None if sees_folder else packed)


def _unpickled(
    experiment: Experiment,
    lanes: int | None,
    folder: Path,
    manifest: Manifest,
    token: str,
    trains_at_once: int | None,
) -> ChunkTask:
    trainer, store = Trainer(experiment, lanes=lanes), Store(folder, manifest)
    return ChunkTask(trainer, store, token, trains_at_once=trains_at_once)
